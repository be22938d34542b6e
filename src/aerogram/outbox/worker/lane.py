"""One lane of a worker: it claims a few mails, sends them over its connections, and records the results."""

from __future__ import annotations

import os
import secrets
import threading
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import groupby
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from aerogram.conf import settings
from aerogram.exceptions import AerogramError, InvalidMailer, describe
from aerogram.mail.backends.base import LocalBackend
from aerogram.mail.backends.failover import EmailBackend as Failover
from aerogram.mail.backends.fuse import EmailBackend as Fuse
from aerogram.mail.backends.smtp import EmailBackend as Smtp
from aerogram.mail.capture import is_captured
from aerogram.mail.delivery.dispatch import deliver
from aerogram.mail.mailers import mailers
from aerogram.mail.smtp.replies import clean_text
from aerogram.outbox import claims, transports
from aerogram.outbox.frozen import FrozenMessage
from aerogram.outbox.retries import after_error, judge, judge_error, report_of_error
from aerogram.outbox.schedule import BACKENDS
from aerogram.outbox.worker.committer import reached
from aerogram.outbox.worker.log import logger

if TYPE_CHECKING:
    from aerogram.mail.delivery.report import DeliveryReport
    from aerogram.outbox.claims import Claim
    from aerogram.outbox.retries import Transport, Verdict
    from aerogram.outbox.storage.database import Database
    from aerogram.outbox.worker.breaker import Breaker
    from aerogram.outbox.worker.committer import Committer

__all__ = ["KEPT_OPEN", "Lane"]

_FEWEST: Final = 20
_MOST: Final = 100  # mails claimed at once
_AHEAD: Final = 2.0  # seconds that a claim should last
KEPT_OPEN: Final = 5.0  # seconds that a connection stays open without mail
_BURST: Final = 0.05  # of the rate a second


class _Sending(FrozenMessage):
    """A claimed mail on its way."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(claim.content, claim.sender, claim.recipients)
        self.claim = claim
        self.is_stopped = False  # the lease is lost, or the database cannot be asked
        self.content_began = False


class Lane:
    """Claims, sends and records, one connection at a time for each mailer; used by one thread.

    Args:
        db: the database.
        committer: what commits for all lanes of the worker.
        breaker: what all lanes know of the servers.
        stop: set when no further mail is to be sent.
    """

    def __init__(self, db: Database, committer: Committer, breaker: Breaker, stop: threading.Event) -> None:
        self.owner: str = f"{os.getpid()}-{secrets.token_hex(8)}"
        self.sent: int = 0  # mails that were accepted for at least one recipient
        self._batch = _FEWEST
        self._db = db
        self._committer = committer
        self._breaker = breaker
        self._stop = stop
        self._held: dict[str, Claim] = {}  # what this lane has a lease of
        self._backends: dict[str | None, Any] = {}

    def work(self, only: Collection[str] | None = None) -> int:
        """Claim once, of all mails or of these, and send what was claimed; return how many that were."""
        began, sent = monotonic(), self.sent
        claimed = claims.claim(self._db, self.owner, self._batch, lease=settings.OUTBOX_LEASE, only=only)
        self.send(claimed)
        per_second = (self.sent - sent) / (monotonic() - began + 0.001)
        self._batch = min(max(int(per_second * _AHEAD), _FEWEST), _MOST)
        return len(claimed)

    def send(self, claimed: Sequence[Claim]) -> None:
        """Send claimed mails and record the results; what cannot be sent now is released."""
        self._held = {claim.id: claim for claim in claimed}
        if claimed:
            reached("after claim")
        self._committer.active += 1
        try:
            for mailer, some in groupby(claimed, key=lambda claim: claim.mailer):
                self._send_by(mailer, list(some))
        finally:
            self._committer.active -= 1
            if left := list(self._held.values()):
                with suppress(AerogramError):  # their lease ends by itself
                    claims.release(self._db, left)
            self._held = {}

    def renew(self) -> None:
        """Extend the leases; called by another thread, often enough."""
        leased = self._held  # the lane may have another one at the end of this
        if held := list(leased.values()):
            still = claims.renew(self._db, self.owner, held, settings.OUTBOX_LEASE)
            for claim in held:
                if claim.id not in still:
                    leased.pop(claim.id, None)

    def close(self) -> None:
        """Close the connections."""
        for mailer in list(self._backends):
            self._drop(mailer)

    # -- sending --

    def _send_by(self, mailer: str | None, claimed: Sequence[Claim]) -> None:
        """Send mails by one mailer, until all are sent or its server has failed."""
        backend, waiting = self._opened(mailer), deque(claimed)
        if backend is None:
            return
        rate: float | None = getattr(backend, "shared_rate", None)
        while waiting and not self._stop.is_set() and not self._breaker.is_open(mailer):
            number = len(waiting) if rate is None else self._granted(mailer, rate)
            mails = self._mails(backend, mailer, waiting, number)
            if getattr(backend, "streams", None) is True:
                self._attempt(backend, mailer, mails)
            else:
                for mail in mails:  # a list would have its results at the end
                    self._attempt(backend, mailer, iter([mail]))
        if self._breaker.is_open(mailer):
            self._drop(mailer)

    def _opened(self, mailer: str | None) -> Any:
        """Return the backend of a mailer, its connection open; None if that failed."""
        try:
            if (backend := self._backends.get(mailer)) is None:
                backend = self._backends[mailer] = _backend_of(mailer)
            if hasattr(backend, "open"):
                backend.open()
        except Exception as error:  # of a backend of the application's, too
            kind = judge_error(error)
            if kind == "up":
                logger.exception("mailer %s cannot be opened", mailer or "default")
            self._trip(mailer, "down" if kind == "up" else kind, clean_text(describe(error)))
            self._drop(mailer)
            return None
        return backend

    def _mails(
        self, backend: Any, mailer: str | None, waiting: deque[Claim], number: int
    ) -> Iterator[_Sending]:
        """Yield mails that are still ours, until the server has failed or no more are to be sent."""
        asks = _asks_before_content(backend)
        while waiting and number and not self._stop.is_set() and not self._breaker.is_open(mailer):
            claim = waiting.popleft()
            if claim.id not in self._held:  # the lease is lost
                continue
            sending = _Sending(claim)
            if asks:
                sending.before_content = partial(self._may_begin, sending)
            elif not self._may_begin(sending):
                continue
            number -= 1
            yield sending

    def _may_begin(self, sending: _Sending) -> bool:
        """Commit that the content begins to leave; return False if it must not."""
        reached("before content")
        is_wanted = sending.claim.id in self._held and not self._stop.is_set()
        held = is_wanted and self._committer.begin_content(sending.claim)
        sending.is_stopped = not held
        sending.content_began = held and sending.before_content is not None
        reached("content")
        return held

    def _attempt(self, backend: Any, mailer: str | None, mails: Iterator[_Sending]) -> None:
        """Send mails over an open connection, and record each report as it comes."""
        under_way: dict[int, _Sending] = {}

        def noted() -> Iterator[_Sending]:
            for sending in mails:
                under_way[id(sending)] = sending
                yield sending

        def settle(report: DeliveryReport) -> None:
            self._settle(under_way.pop(id(report.item)), report)

        streams = getattr(backend, "streams", None) is True
        try:
            deliver(backend, noted() if streams else list(noted()), settle)
        except BaseException as error:  # also what a hook of the application raises
            for sending in under_way.values():
                self._settle_error(sending, error)
            kind = judge_error(error)
            if not (under_way or kind == "up" or isinstance(error, AerogramError)):
                self._trip(mailer, kind, clean_text(describe(error)))
            if not isinstance(error, Exception):
                raise

    def _settle(self, sending: _Sending, report: DeliveryReport) -> None:
        """Record what a report says of a mail, unless another worker has it now."""
        claim = sending.claim
        if sending.is_stopped:
            return
        reached("after reply")
        verdict = judge(
            report,
            claim,
            on_uncertain=settings.OUTBOX_ON_UNCERTAIN,
            content_began=sending.content_began,
            failures=self._breaker.failures(claim.mailer),
        )
        self.sent += report.accepted
        self._record(claim, verdict)

    def _settle_error(self, sending: _Sending, error: BaseException) -> None:
        """Record what an error of the backend says of a mail that has no report."""
        claim = sending.claim
        if sending.is_stopped:
            return
        if (report := sending.delivery or report_of_error(error, claim.recipients)) is not None:
            self._settle(sending, report)
            return
        if not isinstance(error, AerogramError | OSError):
            logger.error("entry %s: %s", claim.id, type(error).__name__, exc_info=error)
        self._record(claim, after_error(error, claim, failures=self._breaker.failures(claim.mailer)))

    def _record(self, claim: Claim, verdict: Verdict) -> None:
        self._held.pop(claim.id, None)
        self._committer.record(claim, verdict)
        if verdict.transport == "up":
            self._breaker.reset(claim.mailer)
        else:
            self._trip(claim.mailer, verdict.transport, verdict.reason)

    def _trip(self, mailer: str | None, kind: Transport, reason: str) -> None:
        with suppress(AerogramError):  # without the database there is nothing to claim either
            self._breaker.trip(mailer, kind, reason)

    def _drop(self, mailer: str | None) -> None:
        with suppress(Exception):  # of a backend of the application's
            if (backend := self._backends.pop(mailer, None)) is not None:
                backend.close()

    def _granted(self, mailer: str | None, rate: float) -> int:
        """Wait for the rate limit that all workers share; return how many mails may go now."""
        burst = max(1.0, rate * _BURST)
        while not self._stop.is_set():
            granted = transports.take_tokens(self._db, mailer, int(burst), rate=rate, burst=burst)
            if granted:
                return granted
            self._stop.wait(min(1 / rate, 1.0))
        return 0


def _backend_of(mailer: str | None) -> Any:
    """Return a new backend: of an alias, of OUTBOX_MAILER, or SMTP as the EMAIL_* settings say."""
    alias = mailer or settings.OUTBOX_MAILER or None
    backend: Any = Smtp() if alias is None else mailers.create(alias)
    if f"{type(backend).__module__}.EmailBackend" in BACKENDS:
        raise InvalidMailer(
            f"The mailer {alias!r} puts mail into the outbox, so that the worker cannot send by it. Set "
            "OUTBOX_MAILER to the alias of a mailer that sends."
        )
    if isinstance(backend, LocalBackend):
        backend.fail_silently = True  # a folder that cannot be written is reported, not raised
    elif isinstance(backend, Smtp):
        backend.fail_silently = False
        vars(backend).update(shared_rate=backend.rate, rate=None)  # all workers share it
    return backend


def _asks_before_content(backend: Any) -> bool:
    """Return whether a backend asks each message before its content leaves: SMTP, and what sends by it."""
    if is_captured(backend) or getattr(backend, "streams", None) is not True:
        return False
    if isinstance(backend, Smtp):
        return True
    if isinstance(backend, Failover):
        return all(map(_asks_before_content, backend.mailers))
    return isinstance(backend, Fuse) and _asks_before_content(backend.mailer)
