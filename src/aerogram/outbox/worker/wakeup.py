"""Waking an idle worker: new mail, a signal, or the next poll of the database."""

from __future__ import annotations

import os
import select
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Final

from aerogram.outbox.storage.joining import committed

__all__ = ["WakeUp"]

_GLANCE: Final = 0.1  # seconds between looks at the file


class WakeUp:
    """A pipe that every process that queues mail writes to: this one, and those that it forks.

    Other processes on this machine are noticed by the file of SQLite that their commit changes.

    Args:
        path: the file of the database; ``None`` for a server.
    """

    def __init__(self, path: Path | None) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._poll = select.poll()
        self._poll.register(self._reader, select.POLLIN)
        self._log = None if path is None else f"{path}-wal"
        self._seen = self._stamp()
        committed.append(self._tell)

    def close(self) -> None:
        """Close the pipe."""
        committed.remove(self._tell)
        os.close(self._reader)
        os.close(self._writer)

    def wake(self) -> None:
        """End a wait, from any thread, process or signal handler."""
        with suppress(OSError):  # full: it will wake anyway
            os.write(self._writer, b".")

    def wait(self, seconds: float) -> bool:
        """Wait for some time; return whether something happened."""
        deadline = monotonic() + seconds
        while (left := deadline - monotonic()) > 0:
            glance = left if self._log is None else min(left, _GLANCE)
            if self._poll.poll(glance * 1000):
                with suppress(OSError):
                    os.read(self._reader, 65536)
                return True
            if (stamp := self._stamp()) != self._seen:
                self._seen = stamp
                return True
        return False

    def _tell(self, _ids: Sequence[str]) -> None:
        self.wake()

    def _stamp(self) -> tuple[int, int] | None:
        if self._log is None:
            return None
        try:
            status = os.stat(self._log)  # noqa: PTH116 - ten times a second: no Path built
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size
