"""The circuit breaker: all workers pause a mailer whose server fails."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from time import monotonic

from aerogram.outbox import transports
from aerogram.outbox.retries.waits import Transport, pause
from aerogram.outbox.storage.database import Database
from aerogram.outbox.worker.log import log_pause, log_resume

__all__ = ["Breaker"]


@dataclass(eq=False)
class Breaker:
    """The circuit breakers of a worker's mailers.

    Args:
        db: the database, which has the pauses for all workers.
    """

    db: Database
    misconfigured: dict[str | None, str] = field(default_factory=dict)
    _failures: dict[str | None, int] = field(default_factory=dict)
    _until: dict[str | None, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def failures(self, mailer: str | None) -> int:
        """Return how often in a row a server has failed."""
        return self._failures.get(mailer, 0)

    def is_open(self, mailer: str | None) -> bool:
        """Return whether a mailer is paused."""
        return self._until.get(mailer, 0.0) > monotonic()

    def open_mailers(self) -> set[str | None]:
        """Return the mailers that are paused."""
        return {mailer for mailer in list(self._until) if self.is_open(mailer)}

    def trip(self, mailer: str | None, kind: Transport, reason: str, *, for_all: bool = True) -> None:
        """Pause a mailer: briefly if the server is down, longer if the operator has to act.

        Args:
            mailer: the mailer.
            kind: what is wrong.
            reason: for the log.
            for_all: whether all workers leave it alone; not where the fault is in the settings of this one.
        """
        with self._lock:
            if self.is_open(mailer):  # another connection has met the same failure
                return
            failures = self._failures[mailer] = self.failures(mailer) + 1
            seconds = pause(kind, failures)
            self._until[mailer] = monotonic() + seconds
            if kind == "misconfigured":
                self.misconfigured[mailer] = reason
            log_pause(mailer, seconds, kind, reason)
            if for_all:
                transports.pause(self.db, mailer, seconds)

    def reset(self, mailer: str | None) -> None:
        """End the pause of a mailer whose server has answered."""
        if mailer not in self._failures:
            return
        with self._lock:
            if self._failures.pop(mailer, None) is None:
                return
            self._until.pop(mailer, None)
            self.misconfigured.pop(mailer, None)
            log_resume(mailer)
            transports.resume(self.db, mailer)
