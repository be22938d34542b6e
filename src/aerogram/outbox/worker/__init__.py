"""The worker: it sends the queue in a process of its own, in a background thread, or once.

Read from the bottom up::

    log        the log lines
    committer  what the threads write to the database, several mails in one transaction
    backends   what the mails are sent by
    breaker    a server that fails is left alone for some time
    sending    a thread claims mails, sends them, records the results
    threads    how the threads start, and what they wait for
    wakeup     what ends a wait for new mail
    process    the threads together, their leases, and the end
"""

from __future__ import annotations

import atexit
import os
import threading
from typing import Final

from aerogram.outbox.worker.process import Worker
from aerogram.outbox.worker.threads import run_thread

__all__ = ["Worker", "start"]

_background: Final[dict[int, tuple[Worker, threading.Thread]]] = {}
_lock: Final = threading.Lock()


def start(*, concurrency: int = 1) -> Worker:
    """Start the worker of this process, or return the one that runs; see :func:`aerogram.outbox.start`.

    Args:
        concurrency: the number of connections to each SMTP server, and of simultaneous mails for other
            mailers.
    """
    with _lock:
        worker, thread = _background.get(os.getpid(), (None, None))
        if worker is None or thread is None or not thread.is_alive():
            worker = Worker(concurrency=concurrency)
            _background[os.getpid()] = worker, run_thread(worker.run)
        return worker


@atexit.register
def _stop_background() -> None:
    """Finish the mails that are being sent when the interpreter ends."""
    worker, thread = _background.pop(os.getpid(), (None, None))
    if worker is not None and thread is not None:
        worker.stop()
        thread.join()
