"""The worker: threads that send, and the one that wakes them, keeps their leases, and stops them.

A mailer that sends over SMTP has a thread of its own, which drives all its connections. All other mailers
share threads that send one mail at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from time import monotonic
from typing import Final

from aerogram.conf import settings
from aerogram.exceptions import AerogramError
from aerogram.outbox.recovery import recover, recover_all
from aerogram.outbox.schedule import refused
from aerogram.outbox.storage.database import current_database
from aerogram.outbox.transports import name_of
from aerogram.outbox.worker.backends import smtp_mailers
from aerogram.outbox.worker.breaker import Breaker
from aerogram.outbox.worker.committer import Committer
from aerogram.outbox.worker.log import log_database, logger
from aerogram.outbox.worker.sending import KEPT_OPEN, SendingThread
from aerogram.outbox.worker.threads import Signal, run_thread
from aerogram.outbox.worker.wakeup import WakeUp

__all__ = ["Worker"]

_POLL: Final = 1.0  # seconds between looks for mail that is due, and for mail of other machines
_SHORTEST_BEAT: Final = 0.1
_LONGEST_BEAT: Final = 30.0  # seconds between looks for leases to renew, and for those that have ended
_SHORTEST_ABSENCE: Final = 0.2
_LONGEST_ABSENCE: Final = 10.0  # seconds between attempts while the database cannot be used


class Worker:
    """Sends what is queued, over several connections.

    Args:
        concurrency: how many connections of each mailer, and how many mails at once by mailers that do not
            send over SMTP.
        once: end when nothing is due; neither the leases of other workers nor pauses are waited for.
        only: with ``once``, send no other mails than these; some hundreds of ids at most.

    Raises:
        ScheduleError: the concurrency is not a whole number, or is below 1.
        ImproperlyConfigured: ``OUTBOX_URL`` cannot work.
    """

    def __init__(
        self, *, concurrency: int = 8, once: bool = False, only: Collection[str] | None = None
    ) -> None:
        if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
            raise refused("concurrency", concurrency, "a whole number above 0")
        self._db = current_database()
        self._once = once
        self._only = only
        self._stop = threading.Event()
        self._committer = Committer(self._db)
        self._breaker = Breaker(self._db)
        self._senders = self._new_senders(concurrency)
        self._wakeup = WakeUp(self._db.path)
        self._failure: BaseException | None = None
        self._next_renewal = self._next_recovery = 0.0
        self._ended = threading.Event()

    def _new_senders(self, concurrency: int) -> list[tuple[SendingThread, Signal]]:
        """Return the threads that send, with what each waits for."""
        shared = self._db, self._committer, self._breaker, self._stop
        by_smtp = smtp_mailers()
        streams = [
            (SendingThread(*shared, mailers=[mailer], connections=concurrency), Signal())
            for mailer in by_smtp
        ]
        # One is enough for mail to a mailer that is in the settings no more.
        number = concurrency if len(by_smtp) <= len(settings.MAILERS) else 1
        signal = Signal()
        return streams + [(SendingThread(*shared, others=by_smtp), signal) for _ in range(number)]

    @property
    def misconfigured(self) -> dict[str, str]:
        """The mailers that wait for the operator, with the reason."""
        return {name_of(mailer): reason for mailer, reason in self._breaker.misconfigured.items()}

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
            The number of mails that were accepted for at least one recipient.

        Raises:
            OutboxUnavailable: with ``once``, the database cannot be used.
        """
        self._look_after_leases()
        committing = run_thread(self._committer.run)
        threads = [run_thread(self._send_by, *sender) for sender in self._senders]
        try:
            while not self._stop.is_set() and any(thread.is_alive() for thread in threads):
                self._look_after_leases()
                if self._wakeup.wait(_POLL if not self._once else _SHORTEST_BEAT) or not self._once:
                    self._wake_senders()
        finally:
            self._stop.set()
            while any(thread.is_alive() for thread in threads):  # what is being sent is finished
                self._wake_senders()
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
        return sum(sender.sent for sender, _ in self._senders)

    # -- the threads that send --

    def _send_by(self, sender: SendingThread, signal: Signal) -> None:
        """Claim and send until the worker stops."""
        failures = 0
        while not self._stop.is_set():
            try:
                claimed = sender.work(self._only)
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
                signal.set()  # there may be more
            elif self._once:
                break
            else:
                while not (signal.wait(KEPT_OPEN) or self._stop.is_set()):
                    sender.close()  # the connections that stay idle
        sender.close()
        self._wakeup.wake()

    def _wake_senders(self) -> None:
        for signal in {signal for _, signal in self._senders}:
            signal.set(for_all=self._stop.is_set())

    # -- the leases, in the thread of run() --

    def _look_after_leases(self) -> None:
        """Renew the leases of the threads, and take over those of dead workers."""
        now, lease = monotonic(), settings.OUTBOX_LEASE
        beat = min(max(lease / 3, _SHORTEST_BEAT), _LONGEST_BEAT)
        try:
            if now >= self._next_renewal:
                self._next_renewal = now + beat
                for sender, _ in self._senders:
                    sender.renew()
            if now >= self._next_recovery and not self._stop.is_set():
                self._next_recovery = now + beat
                if recover_all(self._db) if self._once else recover(self._db):
                    self._wake_senders()
        except AerogramError as error:
            if self._once and self._failure is None:
                self._failure = error
                self._stop.set()
            elif not self._once:
                log_database(error)
