"""What became of each message of a batch, recipient by recipient.

A backend that learns more than "it went" puts a :class:`DeliveryReport` on every message it was given, as
``message.delivery``. Four outcomes exist, and each asks for something else:

============== ====================================================== =================================
``status``     what the server did                                    what to do
============== ====================================================== =================================
``sent``       accepted the message for this recipient                nothing
``refused``    said no for good (a 5xx reply, or it cannot be sent)   mend the address or the message
``deferred``   said "not now" (4xx), or could not be reached          send it again later
``uncertain``  fell silent between the final dot and its answer       decide: a second copy, or perhaps none
============== ====================================================== =================================

A function that makes messages one by one (a renderer, a generator) puts an :class:`FailedMessage` where an
item did not become a message. It raises its error as soon as a backend asks it for anything, just as
a message with a forged header does, so no backend needs to know of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Literal, NoReturn

from aerogram.exceptions import DeliveryError, ImproperlyConfigured, RenderError

__all__ = ["DeliveryReport", "DeliverySummary", "FailedMessage", "OnResult", "RecipientResult", "Status"]

Status = Literal["sent", "refused", "deferred", "uncertain"]
"""What became of one recipient; the table on top of this module says what each asks for."""


@dataclass(frozen=True, slots=True)
class RecipientResult:
    """What the server said about one recipient.

    ``code`` is the reply code (``550``) and ``enhanced_code`` the RFC 3463 code (``"5.1.1"``), ``None``
    where the server gave none or gave no answer at all; ``text`` is its text, without control characters, at
    most 512 octets.
    """

    status: Status
    code: int | None = None
    enhanced_code: str | None = None
    text: str = ""

    def __str__(self) -> str:
        words = (self.status, str(self.code or ""), self.enhanced_code or "", self.text)
        return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True, repr=False)
class DeliveryReport:
    """What became of one message.

    ``recipients`` has one :class:`RecipientResult` for each bare address of the envelope. ``message_id`` is
    the ``Message-ID`` that was sent. ``error`` is set only for a message that could not be built or rendered;
    nothing of it was sent, and ``recipients`` is empty when its addresses could not be read. ``handed_over``
    says whether its content was given to a server, whatever that answered; only SMTP backends know.

    >>> result = RecipientResult("sent", 250, "2.0.0", "queued")
    >>> report = DeliveryReport({"ann@example.com": result}, "<1@example.com>")
    >>> report.accepted, report.complete
    (True, True)
    >>> report
    <DeliveryReport <1@example.com> sent=1>
    """

    recipients: dict[str, RecipientResult] = field(default_factory=dict)
    message_id: str | None = None
    error: Exception | None = None
    handed_over: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the server took the message for at least one recipient."""
        return "sent" in [result.status for result in self.recipients.values()]

    @property
    def complete(self) -> bool:
        """Whether every recipient was served; true for a message without recipients."""
        return self.error is None and {result.status for result in self.recipients.values()} <= {"sent"}

    def __repr__(self) -> str:
        # Counts, not addresses: a report ends up in logs.
        counts = Counter(result.status for result in self.recipients.values())
        words = [f"{status}={count}" for status, count in counts.items()]
        if self.error is not None:
            words.append(f"error={type(self.error).__name__}")
        return f"<DeliveryReport {' '.join([self.message_id or '(no Message-ID)', *words])}>"


OnResult = Callable[[DeliveryReport], object]
"""Called with each report as soon as it is known, in the thread that called ``send_messages``."""


class FailedMessage:
    """Stands in a batch for an item that did not become a message; asked for anything, it raises ``error``.

    >>> item = FailedMessage(ValueError("no such template"))
    >>> item.recipients()
    Traceback (most recent call last):
    ValueError: no such template
    """

    connection: None = None

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.delivery: DeliveryReport | None = None

    def recipients(self) -> NoReturn:
        """Raise the error."""
        raise self.error

    def message(self) -> NoReturn:
        """Raise the error."""
        raise self.error

    def __repr__(self) -> str:
        return f"<FailedMessage {type(self.error).__name__}>"


class DeliverySummary:
    """Counts the reports of one batch and speaks at its end.

    A backend calls :meth:`add` for every message, in any order, then returns what :meth:`close` gives.
    Only the reports of messages that did not reach everybody are kept, so a long batch takes no memory.
    """

    def __init__(self, *, fail_silently: bool = False, on_result: OnResult | None = None) -> None:
        self.total = 0
        self.sent = 0
        self.fail_silently = fail_silently
        self._on_result = on_result
        self._reports: list[tuple[int, DeliveryReport]] = []
        self._unserved = 0

    def add(self, message: Any, report: DeliveryReport, position: int | None = None) -> None:
        """Put ``report`` on ``message`` as its ``delivery``, count it, tell the caller's ``on_result``.

        ``position`` is the message's place in the batch, where reports do not come in that order.
        """
        with suppress(AttributeError):  # an item that is no message at all
            message.delivery = report
        place = self.total if position is None else position
        self.total += 1
        self.sent += report.accepted
        if not report.complete:
            self._unserved += 1
            # A silent batch keeps only what is raised all the same, and what a lonely message may raise.
            if not self.fail_silently or _is_programming(report.error) or self.total == 1:
                self._reports.append((place, report))
        if self._on_result is not None:
            self._on_result(report)

    def close(self) -> int:
        """Return the number of messages accepted for at least one recipient, or raise what must be raised.

        A single message that could not be built raises its own error, also when the batch fails silently.
        A batch that does not fail silently raises :class:`~aerogram.exceptions.DeliveryError` when a message
        did not reach every recipient. Template and configuration errors are never silent.
        """
        reports = [report for _, report in sorted(self._reports, key=itemgetter(0))]
        if self.total == 1 and reports and (error := reports[0].error) is not None:
            raise error
        if self.fail_silently:
            reports = [report for report in reports if _is_programming(report.error)]
        if reports:
            cause = next((report.error for report in reports if report.error is not None), None)
            raise DeliveryError(self._sentence(reports[0]), sent=self.sent, reports=reports) from cause
        return self.sent

    def _sentence(self, first: DeliveryReport) -> str:
        reason = " ".join(_reason(first))
        which = first.message_id or ("not built" if first.error is not None else "without a Message-ID")
        return (
            f"{self._unserved} of {self.total} message{'s' * (self.total != 1)} "
            f"did not reach every recipient; the first of them, {which}: {reason}. "
            f"See .reports of this error, or .delivery of each message."
        )


def _is_programming(error: Exception | None) -> bool:
    return isinstance(error, RenderError | ImproperlyConfigured)


def _reason(report: DeliveryReport) -> Iterator[str]:
    """Why ``report`` is not complete: its error, or how many recipients failed and what one was told."""
    if report.error is not None:
        yield f"{type(report.error).__name__}: {report.error}"
        return
    failed = [result for result in report.recipients.values() if result.status != "sent"]
    yield f"{len(failed)} of {len(report.recipients)} recipients, {failed[0]}"
