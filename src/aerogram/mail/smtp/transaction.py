"""One message on its way, and the transactions that carry it: here the server's replies become results."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from aerogram.mail.address.envelope import Envelope
from aerogram.mail.characters import clean_text
from aerogram.mail.delivery.report import DeliveryReport, RecipientResult
from aerogram.mail.smtp.replies import ConnectionLost, Reply, result_of, wants_another_transaction
from aerogram.mail.wire.serializer import to_pieces

__all__ = ["OutgoingMessage", "Transaction", "permitted", "stuffed"]

_KEPT = 1 << 20  # octets of a body worth keeping beside its stuffed form
_MESSAGE_ID = re.compile(rb"\r\nmessage-id:[ \t]*(?:\r\n[ \t]+)?(\S+)", re.IGNORECASE)

_last_stuffed = (b"", b"")


@dataclass(eq=False)
class OutgoingMessage:
    """A message between the backend, which serialised it, and the connections that carry it.

    Each recipient is in ``waiting``, in a transaction, or has its result in ``results``.
    """

    message: Any  # it is only handed back, and asked for permission to write its content
    envelope: Envelope
    head: bytes  # up to the end of some header line, or the whole content; CRLF line ends, not dot-stuffed
    body: bytes = b""
    utf8: bool = False  # an address or the header is not ASCII, so that SMTPUTF8 is needed (RFC 6531)
    time_left: float = 900.0  # seconds that all waits for the server may last together
    interrupted: bool = False  # a connection broke before all of the content was written
    handed_over: bool = False  # a server got the whole content
    results: dict[str, RecipientResult] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.waiting: list[str] = list(self.envelope.recipients)

    @property
    def size(self) -> int:
        """The octets of the content."""
        return len(self.head) + len(self.body)

    @property
    def needs_eight_bit(self) -> bool:
        """True if the content has octets beyond ASCII."""
        return not (self.head.isascii() and self.body.isascii())

    @property
    def content(self) -> bytes:
        """The whole message, not dot-stuffed."""
        return self.head + self.body

    def stuffed(self) -> bytes:
        """Return the content as it follows DATA; a body that a batch shares is stuffed once."""
        global _last_stuffed  # one tuple, replaced whole, so that threads need no lock
        head, body = self.head, self.body
        if not body or head[:1] == b"." or b"\r\n." in head:  # a header field may be called that
            return stuffed(self.content)
        last = _last_stuffed
        if last[0] is not body:
            last = body, stuffed(body)
            if len(body) <= _KEPT:
                _last_stuffed = last
        return head + last[1]

    def make_seven_bit(self) -> RecipientResult | None:
        """Serialise again, for a server without 8BITMIME; return a refusal if that raises an error."""
        try:
            self.head, self.body = to_pieces(self.message)
        except Exception as error:  # its words may not be for reports
            text = f"{type(error).__name__} when it was serialised for a server without 8BITMIME"
            return RecipientResult("refused", text=text)
        return None

    @property
    def needs_permission(self) -> bool:
        """True if the content may be written only after :func:`permitted` has said so."""
        return getattr(self.message, "permit_contents", None) is not None

    def settle_waiting(self, result: RecipientResult) -> None:
        """Record ``result`` for every recipient who waits."""
        self.results.update(dict.fromkeys(self.waiting, result))
        self.waiting = []

    def defer(self, error: BaseException | None) -> None:
        """Settle every recipient who waits by the server's last words in ``error``, or as not sent."""
        reply = error.reply if isinstance(error, ConnectionLost) else None
        if reply is not None and reply.code >= 400:
            self.settle_waiting(result_of(*reply))
        else:
            text = clean_text(f"not sent: {error or 'no connection'}")
            self.settle_waiting(RecipientResult("deferred", text=text))

    @property
    def is_done(self) -> bool:
        """True if every recipient has a result."""
        return len(self.results) == len(self.envelope.recipients)

    def report(self) -> DeliveryReport:
        """Return the results in the order of the envelope."""
        results = {address: self.results[address] for address in self.envelope.recipients}
        return DeliveryReport(results, _message_id(self.head), handed_over=self.handed_over)


class Transaction:
    """One SMTP transaction: some recipients of a message, and what the server replies about each."""

    def __init__(self, message: OutgoingMessage, recipients: list[str]) -> None:
        self.message = message
        self.recipients = recipients  # those who get the content, from apply_recipient_replies() on
        self.mail: Reply | None = None
        self.mail_accepted: bool = False
        self.rcpts: list[Reply] = []
        self.is_written: bool = False  # the whole content was written
        named = set(recipients)
        message.waiting = [each for each in message.waiting if each not in named]

    @property
    def is_refused(self) -> bool:
        """True if the server refused the sender, or every recipient."""
        if self.mail is not None and not self.mail_accepted:
            return True
        return len(self.rcpts) == len(self.recipients) and not any(each.is_positive for each in self.rcpts)

    def apply_recipient_replies(self) -> None:
        """Settle the recipients who were refused; those that exceed the server's limit wait again.

        If no recipient was accepted, another transaction would not help, and all are refused.
        """
        if self.mail is not None and not self.mail_accepted:
            self.settle(self.mail)
            self.recipients = []
            return
        negative = self._negative_replies()
        if negative:
            self.recipients = [each for each in self.recipients if each not in negative]
            for recipient, reply in negative.items():
                if not (self.recipients and wants_another_transaction(reply)):
                    self.message.results[recipient] = result_of(*reply)
            self.message.waiting[:0] = [each for each in negative if each not in self.message.results]
        self.rcpts = []

    def settle(self, reply: Reply) -> None:
        """Turn a final reply into the result of those who get the content."""
        self.message.results.update(dict.fromkeys(self.recipients, result_of(*reply)))

    def give_back(self) -> None:
        """Return its recipients to the message, except those who were refused for good."""
        for recipient, reply in self._negative_replies().items() if self.mail_accepted else ():
            if reply.code >= 500 and not wants_another_transaction(reply):
                self.message.results[recipient] = result_of(*reply)
        done = {*self.message.results, *self.message.waiting}
        self.message.waiting[:0] = [each for each in self.recipients if each not in done]

    def leave_uncertain(self, text: str) -> None:
        """Settle those whose content was written and not answered."""
        if self.mail is None or self.mail.code != 421:
            self.apply_recipient_replies()  # of BDAT, as far as they came
        uncertain = RecipientResult("uncertain", text=text)
        for recipient in self.recipients:
            self.message.results.setdefault(recipient, uncertain)

    def _negative_replies(self) -> dict[str, Reply]:
        answered = zip(self.recipients, self.rcpts, strict=False)
        return {recipient: reply for recipient, reply in answered if not reply.is_positive}


def permitted(messages: Iterable[OutgoingMessage]) -> set[OutgoingMessage]:
    """Return the messages whose content may be written now; call each ``permit_contents`` once for all."""
    by_owner: dict[Any, dict[Any, OutgoingMessage]] = {}
    for outgoing in messages:
        by_owner.setdefault(outgoing.message.permit_contents, {})[outgoing.message] = outgoing
    return {
        outgoing[message]
        for permit_contents, outgoing in by_owner.items()
        for message in permit_contents(list(outgoing))
    }


def stuffed(content: bytes) -> bytes:
    """Return ``content`` as it follows DATA: leading dots doubled, the final dot behind it (RFC 5321 4.5.2).

    >>> stuffed(b".\\r\\nbye\\r\\n")
    b'..\\r\\nbye\\r\\n.\\r\\n'
    """
    content = b"\r\n..".join(content.split(b"\r\n."))  # twice as fast as replace()
    if content[:1] == b".":
        content = b"." + content
    return content + (b".\r\n" if content[-2:] == b"\r\n" else b"\r\n.\r\n")


def _message_id(content: bytes) -> str | None:
    header, _, _ = content.partition(b"\r\n\r\n")
    found = _MESSAGE_ID.search(b"\r\n" + header)
    return found[1].decode("utf-8", "replace") if found else None
