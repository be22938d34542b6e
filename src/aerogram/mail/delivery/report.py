"""The outcome of each message of a batch, for each of its recipients.

Every message that a backend was given has a :class:`DeliveryReport` afterwards, as ``message.delivery``. A
recipient has one of four outcomes, and each asks for a different reaction:

============== ====================================================== =================================
``status``     what the server did                                    what to do
============== ====================================================== =================================
``sent``       accepted the message for this recipient                nothing
``refused``    refused it permanently (5xx, or it cannot be sent)     correct the address or the message
``deferred``   refused it for now (4xx), or could not be reached      send it again later
``uncertain``  did not reply to the content                           decide: a second copy, or perhaps none
============== ====================================================== =================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Literal

Status = Literal["sent", "refused", "deferred", "uncertain"]
"""The outcome for one recipient; the table at the top of this module explains each."""


_status_of = attrgetter("status")


@dataclass(frozen=True, slots=True)
class RecipientResult:
    """The outcome for one recipient.

    Attributes:
        status: the outcome.
        code: the reply code, such as ``550``; ``None`` if there was no reply.
        enhanced_code: the enhanced status code (RFC 3463), such as ``"5.1.1"``; ``None`` if there was none.
        text: the text of the reply, without control characters, at most 512 octets.
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
    """The outcome of one message.

    Attributes:
        recipients: a result for each bare address of the envelope; empty if the addresses could not be read.
        message_id: the ``Message-ID`` that was sent.
        error: the error of a message that could not be built or rendered, otherwise ``None``. Nothing of such
            a message was sent, and its known recipients are ``refused``.
        handed_over: whether the content was sent to a server, whatever it replied; set by SMTP backends.
        index: the position of the item in the batch, from 0.
        item: the notification, the message, or the tuple of ``send_mass_mail`` that the caller passed.
        subject: the subject; of a notification that could not be rendered, its template.

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
    index: int | None = field(default=None, compare=False)
    item: Any = field(default=None, compare=False)
    subject: str = field(default="", compare=False)

    @property
    def accepted(self) -> bool:
        """True if the message was accepted for at least one recipient."""
        return "sent" in map(_status_of, self.recipients.values())

    @property
    def complete(self) -> bool:
        """True if the message was accepted for every recipient, and for a message without recipients."""
        return self.error is None and {"sent"}.issuperset(map(_status_of, self.recipients.values()))

    def about(self, item: Any) -> DeliveryReport:
        """Return the report with ``item`` set, unless it is set already."""
        if self.item is not None:
            return self
        known = self.recipients, self.message_id, self.error, self.handed_over, self.index
        return DeliveryReport(*known, item, self.subject)  # replace() takes four times as long

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the item, which need not be what can be pickled. An error of another process has reports.
        values = (
            self.recipients,
            self.message_id,
            self.error,
            self.handed_over,
            self.index,
            None,
            self.subject,
        )
        return DeliveryReport, values

    def __repr__(self) -> str:
        # Counts, not addresses: a report ends up in logs.
        counts = Counter(map(_status_of, self.recipients.values()))
        words = [f"{status}={count}" for status, count in counts.items()]
        if self.error is not None:
            words.append(f"error={type(self.error).__name__}")
        which = [] if self.item is None else [f"#{self.index} {type(self.item).__name__}"]
        return f"<DeliveryReport {' '.join([*which, self.message_id or '(no Message-ID)', *words])}>"


OnResult = Callable[[DeliveryReport], object]
"""A function that is called with each report as soon as it is known, in the thread that sends."""
