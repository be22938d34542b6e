"""The worker: lanes that send, and the thread that wakes them, keeps their leases, and stops them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from contextvars import copy_context
from time import monotonic
from typing import Final

from aerogram.conf import settings
from aerogram.exceptions import AerogramError
from aerogram.outbox.recovery import recover, recover_all
from aerogram.outbox.schedule import refused
from aerogram.outbox.storage.database import current_database
from aerogram.outbox.worker.breaker import Breaker
from aerogram.outbox.worker.committer import Committer
from aerogram.outbox.worker.lane import KEPT_OPEN, Lane
from aerogram.outbox.worker.log import log_database, logger
from aerogram.outbox.worker.wakeup import WakeUp

__all__ = ["Worker", "run_thread"]

_POLL: Final = 1.0  # seconds between looks for mail that is due, and for mail of other machines
_SHORTEST_BEAT: Final = 0.1
_LONGEST_BEAT: Final = 30.0  # seconds between looks for leases to renew, and for those that have ended
_SHORTEST_ABSENCE: Final = 0.2
_LONGEST_ABSENCE: Final = 10.0  # seconds between attempts while the database cannot be used


class Worker:
    """Sends what is queued, over several connections.

    Args:
        concurrency: how many connections, each with a thread of its own.
        once: end when nothing is due; neither the leases of other workers nor pauses are waited for.
        only: with ``once``, send no other mails than these; some hundreds of ids at most.

    Raises:
        ScheduleError: the concurrency is no whole number, or below 1.
        ImproperlyConfigured: ``OUTBOX_URL`` cannot work.
    """

    def __init__(
        self, *, concurrency: int = 4, once: bool = False, only: Collection[str] | None = None
    ) -> None:
        if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
            raise refused("concurrency", concurrency, "a whole number, 1 or more")
        self._db = current_database()
        self._once = once
        self._only = only
        self._stop = threading.Event()
        self._committer = Committer(self._db)
        self._breaker = Breaker(self._db)
        self._lanes = [Lane(self._db, self._committer, self._breaker, self._stop) for _ in range(concurrency)]
        self._idle = threading.Condition()
        self._may_have_work = False
        self._wakeup = WakeUp(self._db.path)
        self._failure: BaseException | None = None
        self._next_renewal = self._next_recovery = 0.0
        self._ended = threading.Event()

    @property
    def misconfigured(self) -> dict[str | None, str]:
        """The mailers that wait for the operator, with the reason; ``None`` is that of ``OUTBOX_MAILER``."""
        return dict(self._breaker.misconfigured)

    def stop(self) -> None:
        """End :meth:`run` after the mails that are being sent; a signal handler may call it."""
        self._stop.set()
        self._wakeup.wake()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until :meth:`run` has ended.

        Args:
            timeout: how many seconds at most; for ever if it is None.

        Returns:
            Whether it has ended.
        """
        return self._ended.wait(timeout)

    def run(self) -> int:
        """Send until :meth:`stop` is called, or with ``once`` until nothing is due.

        Returns:
            How many mails were accepted for at least one recipient.

        Raises:
            OutboxUnavailable: with ``once``, the database cannot be used.
        """
        self._look_after_leases()
        committing = run_thread(self._committer.run)
        threads = [run_thread(self._send_by, lane) for lane in self._lanes]
        try:
            while not self._stop.is_set() and any(thread.is_alive() for thread in threads):
                self._look_after_leases()
                if self._wakeup.wait(_POLL if not self._once else _SHORTEST_BEAT) or not self._once:
                    self._wake_lane()
        finally:
            self._stop.set()
            while any(thread.is_alive() for thread in threads):  # what is being sent is finished
                self._wake_lane()
                self._look_after_leases()
                threads[0].join(_SHORTEST_BEAT)
                threads = [thread for thread in threads if thread.is_alive()]
            self._committer.end()
            committing.join()
            self._wakeup.close()
            self._ended.set()
        if unrecorded := self._committer.unrecorded:
            logger.error("%d results could not be recorded: the outbox is unavailable", unrecorded)
        if self._failure is not None:
            raise self._failure
        return sum(lane.sent for lane in self._lanes)

    # -- the lanes, each in its thread --

    def _send_by(self, lane: Lane) -> None:
        """Claim and send with one lane until the worker stops."""
        failures = 0
        while not self._stop.is_set():
            try:
                claimed = lane.work(self._only)
            except Exception as error:
                if self._once:
                    self._failure = error
                    self.stop()
                    break
                if failures == 0:
                    log_database(error)
                failures += 1
                self._stop.wait(min(_SHORTEST_ABSENCE * 2 ** min(failures, 10), _LONGEST_ABSENCE))
                continue
            failures = 0
            if claimed:
                self._wake_lane()  # there may be more
            elif self._once:
                break
            else:
                self._wait_for_work(lane)
        lane.close()
        self._wakeup.wake()

    def _wait_for_work(self, lane: Lane) -> None:
        """Wait until there may be mail; close connections that stay idle."""
        with self._idle:
            while not (self._may_have_work or self._stop.is_set()):
                if not self._idle.wait(KEPT_OPEN):
                    lane.close()
            self._may_have_work = False

    def _wake_lane(self) -> None:
        with self._idle:
            self._may_have_work = True
            self._idle.notify_all() if self._stop.is_set() else self._idle.notify()

    # -- the leases, in the thread of run() --

    def _look_after_leases(self) -> None:
        """Renew those of the lanes, and take back those of workers that died."""
        now, lease = monotonic(), settings.OUTBOX_LEASE
        beat = min(max(lease / 3, _SHORTEST_BEAT), _LONGEST_BEAT)
        try:
            if now >= self._next_renewal:
                self._next_renewal = now + beat
                for lane in self._lanes:
                    lane.renew()
            if now >= self._next_recovery and not self._stop.is_set():
                self._next_recovery = now + beat
                if recover_all(self._db) if self._once else recover(self._db):
                    self._wake_lane()
        except AerogramError as error:
            if self._once and self._failure is None:
                self._failure = error
                self._stop.set()
            elif not self._once:
                log_database(error)


def run_thread(function: Callable[..., object], *arguments: object) -> threading.Thread:
    """Start a thread that sees the settings of this one; it ends when the process ends."""
    context = copy_context()
    thread = threading.Thread(
        target=context.run, args=(function, *arguments), name="aerogram-outbox", daemon=True
    )
    thread.start()
    return thread
