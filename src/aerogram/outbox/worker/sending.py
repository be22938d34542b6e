"""One thread of a worker that sends: it claims mails, sends them, and records the results."""

from __future__ import annotations

import os
import secrets
import threading
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from aerogram.conf import settings
from aerogram.exceptions import AerogramError, ImproperlyConfigured, describe
from aerogram.mail.characters import clean_text
from aerogram.mail.delivery.dispatch import NOTHING_YET, Delivery, dispatch, send_by
from aerogram.outbox import claims, transports
from aerogram.outbox.frozen import FrozenMessage
from aerogram.outbox.retries import Verdict, after_error, judge
from aerogram.outbox.retries.errors import judge_error, report_of_error
from aerogram.outbox.worker.backends import asks_before_content, backend_of, is_smtp
from aerogram.outbox.worker.committer import reached
from aerogram.outbox.worker.log import logger
from aerogram.outbox.worker.threads import unless_stopped

if TYPE_CHECKING:
    from aerogram.mail.delivery.report import DeliveryReport
    from aerogram.outbox.claimed import Claim
    from aerogram.outbox.retries.waits import Transport
    from aerogram.outbox.storage.database import Database
    from aerogram.outbox.worker.breaker import Breaker
    from aerogram.outbox.worker.committer import Committer

__all__ = ["KEPT_OPEN", "SendingThread"]

_FEWEST: Final = 20
_MOST: Final = 100  # mails claimed at once
_AHEAD: Final = 2.0  # seconds that a claim should last
KEPT_OPEN: Final = 5.0  # seconds that a connection stays open without mail
_BURST: Final = 0.05  # of the rate a second
_LOOK: Final = 0.05  # seconds between claims while nothing is due and answers are awaited


class _ClaimedMail(FrozenMessage):
    """A claimed mail on its way."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(claim.content, claim.sender, claim.recipients)
        self.claim = claim
        self.is_stopped = False  # the lease is lost, or the database cannot be asked
        self.content_began = False


class SendingThread:
    """Claims, sends and records; used by one thread.

    Args:
        db: the database.
        committer: what commits for all threads of the worker.
        breaker: what all threads know of the servers.
        stop: set when no further mail is to be sent.
        mailers: those whose mail is claimed; all but ``others`` if it is None.
        others: the mailers that have threads of their own.
        connections: over how many connections the thread sends to an SMTP server, and does not end while
            mail is under way; with 0, it sends what it claims at once over one connection.
    """

    def __init__(
        self,
        db: Database,
        committer: Committer,
        breaker: Breaker,
        stop: threading.Event,
        *,
        mailers: Collection[str | None] | None = None,
        others: Collection[str | None] = (),
        connections: int = 0,
    ) -> None:
        self.owner: str = f"{os.getpid()}-{secrets.token_hex(8)}"
        self.sent: int = 0  # mails that were accepted for at least one recipient
        self._batch = _FEWEST
        self._db = db
        self._committer = committer
        self._breaker = breaker
        self._stop = stop
        self._mailers, self._others = mailers, others
        self._connections = connections
        self._only: Collection[str] | None = None
        self._held: dict[str, Claim] = {}  # what this thread has a lease of
        self._unreleased: list[Claim] = []  # while the database cannot be used
        self._claimed: deque[Claim] = deque()  # what of it was not given to a backend
        self._last_claim = (0.0, 0)  # when that was, and how many were sent then
        self._next_claim = self._next_tokens = 0.0
        self._tokens = 0  # mails that the shared rate limit allows now
        self._backends: dict[str | None, Any] = {}

    def work(self, only: Collection[str] | None = None) -> int:
        """Claim mail, all or only these ids, and send it; return how many mails the first claim took."""
        self._only = only
        self._release()
        claimed = self._claim()
        self._committer.active += 1
        try:
            while self._claimed and not self._stop.is_set():
                mailer = self._claimed[0].mailer
                self._send_by(mailer)
                self._claimed = deque(claim for claim in self._claimed if claim.mailer != mailer)
        finally:
            self._committer.active -= 1
            self._claimed.clear()
            self._unreleased += self._held.values()
            self._held = {}
            with suppress(AerogramError):  # it is tried again; in the end their lease ends by itself
                self._release()
        return claimed

    def _release(self) -> None:
        """Release mails that were claimed and not sent."""
        if self._unreleased:
            claims.release(self._db, self._unreleased)
            self._unreleased = []

    def _claim(self) -> int:
        """Claim as many mails as can be sent in a few seconds; return how many."""
        now, (before, sent) = monotonic(), self._last_claim
        if self.sent > sent:
            self._batch = min(max(int((self.sent - sent) / (now - before) * _AHEAD), _FEWEST), _MOST)
        taken = claims.claim(
            self._db,
            self.owner,
            self._batch,
            lease=settings.OUTBOX_LEASE,
            mailers_paused={*self._others, *self._breaker.open_mailers()},
            mailers=self._mailers,
            only=self._only,
        )
        self._last_claim = now, self.sent
        self._next_claim = now + (_LOOK if len(taken) < self._batch else 0.0)
        if taken:
            self._held.update((claim.id, claim) for claim in taken)
            first = {claim.mailer: number for number, claim in reversed(list(enumerate(taken)))}
            self._claimed.extend(sorted(taken, key=lambda claim: first[claim.mailer]))
            reached("after claim")
        return len(taken)

    def renew(self) -> None:
        """Extend the leases; another thread calls it regularly."""
        leased = self._held  # the thread may have another one at the end of this
        if held := list(leased.values()):
            still = claims.renew(self._db, self.owner, held, settings.OUTBOX_LEASE)
            for claim in held:
                if claim.id not in still and leased.get(claim.id) is claim:
                    del leased[claim.id]

    def close(self) -> None:
        """Close the connections."""
        for mailer in list(self._backends):
            self._drop(mailer)

    # -- sending --

    def _send_by(self, mailer: str | None) -> None:
        """Send the claimed mails of a mailer until all are sent or its server fails."""
        if self._breaker.is_open(mailer) or (backend := self._opened(mailer)) is None:
            return
        rate: float | None = getattr(backend, "shared_rate", None)
        while (
            self._claimed
            and self._claimed[0].mailer == mailer
            and not (self._stop.is_set() or self._breaker.is_open(mailer))
        ):
            if rate is not None:
                self._tokens = self._granted(mailer, rate)
            mails = self._mails(backend, mailer, rate)
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
                backend = self._backends[mailer] = backend_of(mailer)
                if is_smtp(backend):
                    opened = partial(unless_stopped, self._stop, backend.new_driver)
                    vars(backend).update(new_driver=opened)
                    if self._connections:
                        backend.connections, backend.has_own_thread = self._connections, False
            if hasattr(backend, "open"):
                backend.open()
        except Exception as error:  # of a backend of the application's, too
            kind = judge_error(error)
            if kind == "up":
                logger.exception("mailer %s cannot be opened", mailer or "default")
            reason, for_all = clean_text(describe(error)), not isinstance(error, ImproperlyConfigured)
            self._trip(mailer, "down" if kind == "up" else kind, reason, for_all=for_all)
            self._drop(mailer)
            return None
        return backend

    def _mails(self, backend: Any, mailer: str | None, rate: float | None) -> Iterator[Any]:
        """Yield the mails that this worker still holds, until the server fails or no more are to be sent.

        A thread that serves one mailer goes on claiming, and yields ``NOTHING_YET`` where nothing is due.
        """
        asks = asks_before_content(backend)
        goes_on = bool(self._connections) and asks
        while not (self._stop.is_set() or self._breaker.is_open(mailer)):
            if not self._claimed and goes_on and monotonic() > self._next_claim:
                self._claim()
            is_next = bool(self._claimed) and self._claimed[0].mailer == mailer
            if is_next and rate is not None and self._tokens < 1 and goes_on:
                self._tokens = self._take_tokens(mailer, rate)
            if not is_next or (rate is not None and self._tokens < 1):
                if not goes_on:
                    return
                yield NOTHING_YET
                continue
            claim = self._claimed.popleft()
            if self._held.get(claim.id) is not claim:  # the lease is lost
                continue
            mail = _ClaimedMail(claim)
            if asks:
                mail.permit_contents = self._permitted
            elif not self._permitted([mail]):
                continue
            self._tokens -= 1
            yield mail

    def _permitted(self, mails: Sequence[_ClaimedMail]) -> list[_ClaimedMail]:
        """Commit that contents begin to leave; return the mails whose content may leave."""
        reached("before content")
        is_wanted = not self._stop.is_set()
        wanted = [mail for mail in mails if is_wanted and self._held.get(mail.claim.id) is mail.claim]
        held = self._committer.begin_contents([mail.claim for mail in wanted]) if wanted else set()
        leaving = [mail for mail in wanted if mail.claim.id in held]
        for mail in mails:
            mail.is_stopped = True
        for mail in leaving:
            mail.is_stopped = False
            mail.content_began = mail.permit_contents is not None
        reached("content")
        return leaving

    def _attempt(self, backend: Any, mailer: str | None, mails: Iterator[Any]) -> None:
        """Send mails over an open connection, and record each report as it comes."""
        under_way: dict[int, _ClaimedMail] = {}

        def noted() -> Iterator[Any]:
            for mail in mails:
                if mail is not NOTHING_YET:
                    under_way[id(mail)] = mail
                yield mail

        def settle(report: DeliveryReport) -> None:
            self._settle(under_way.pop(id(report.item)), report)

        streams = getattr(backend, "streams", None) is True
        try:
            dispatch(backend, noted() if streams else list(noted()), settle, send=partial(_send, backend))
        except BaseException as error:  # also what a hook of the application raises
            for mail in under_way.values():
                self._settle_error(mail, error)
            kind = judge_error(error)
            if not (under_way or kind == "up" or isinstance(error, AerogramError)):
                self._trip(mailer, kind, clean_text(describe(error)))
            if not isinstance(error, Exception):
                raise

    def _settle(self, mail: _ClaimedMail, report: DeliveryReport) -> None:
        """Record the report on a mail, unless no content of it has left."""
        claim = mail.claim
        if mail.is_stopped and not report.handed_over:
            if self._held.pop(claim.id, None) is claim:
                self._committer.record(claim, Verdict(()))  # it stays due
            return
        reached("after reply")
        verdict = judge(
            report,
            claim,
            on_uncertain=settings.OUTBOX_ON_UNCERTAIN,
            content_began=mail.content_began,
            failures=self._breaker.failures(claim.mailer),
        )
        self.sent += report.accepted
        self._record(claim, verdict)

    def _settle_error(self, mail: _ClaimedMail, error: BaseException) -> None:
        """Record a mail without a report by the error that the backend raised."""
        claim = mail.claim
        if mail.is_stopped and mail.delivery is None:
            return
        if (report := mail.delivery or report_of_error(error, claim.recipients)) is not None:
            self._settle(mail, report)
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

    def _trip(self, mailer: str | None, kind: Transport, reason: str, *, for_all: bool = True) -> None:
        if self._stop.is_set():  # the end of the worker may be the reason
            return
        with suppress(AerogramError):  # without the database there is nothing to claim either
            self._breaker.trip(mailer, kind, reason, for_all=for_all)

    def _drop(self, mailer: str | None) -> None:
        with suppress(Exception):  # of a backend of the application's
            if (backend := self._backends.pop(mailer, None)) is not None:
                backend.close()

    def _granted(self, mailer: str | None, rate: float) -> int:
        """Wait for the rate limit that all workers share; return how many mails may be sent now."""
        while not self._stop.is_set():
            if granted := self._take_tokens(mailer, rate):
                return granted
            self._stop.wait(max(self._next_tokens - monotonic(), 0.0))
        return 0

    def _take_tokens(self, mailer: str | None, rate: float) -> int:
        """Return how many mails may be sent now; ask only as often as the limit lets one more pass."""
        if (now := monotonic()) < self._next_tokens:
            return 0
        burst = max(1.0, rate * _BURST)
        granted = transports.take_tokens(self._db, mailer, int(burst), rate=rate, burst=burst)
        if not granted:
            self._next_tokens = now + min(1 / rate, 1.0)
        return granted


def _send(backend: Any, delivery: Delivery) -> None:
    delivery.fail_silently = True  # each report is recorded as it comes, and none is kept
    send_by(backend, delivery)
