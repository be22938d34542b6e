"""One message on its way, and the transactions that carry it: here the server's replies become results."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from aerogram.mail.address.envelope import Envelope
from aerogram.mail.delivery.report import DeliveryReport, RecipientResult
from aerogram.mail.smtp.replies import ConnectionLost, Reply, clean_text, result_of, wants_another_transaction
from aerogram.mail.wire.serializer import to_pieces

__all__ = ["OutgoingMessage", "Transaction", "stuffed"]

_KEPT = 1 << 20  # octets of a body worth keeping beside its stuffed form
_MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(?:\r\n[ \t]+)?(\S+)", re.IGNORECASE | re.MULTILINE)

_last_stuffed = (b"", b"")


class OutgoingMessage:
    """A message between the backend, which serialised it, and the connections that carry it.

    Each recipient is in ``waiting``, in a transaction, or has its result in ``results``.

    Attributes:
        waiting: recipients that no transaction names yet.
        size: octets of the content, before dot-stuffing.
        interrupted: whether a connection broke before all of the content was written.
        handed_over: whether a server got the whole content.

    Args:
        message: the message object; it is only handed back.
        envelope: sender and recipients.
        head: the message up to the end of some header line, or all of it; CRLF line ends, not dot-stuffed.
        body: the rest.
        utf8: whether an address or the header is not ASCII, so that SMTPUTF8 is needed (RFC 6531).
        time_left: seconds that all waits for the server may last together.
    """

    def __init__(
        self,
        message: Any,
        envelope: Envelope,
        head: bytes,
        body: bytes = b"",
        *,
        utf8: bool = False,
        time_left: float = 900.0,
    ) -> None:
        self.message = message
        self.envelope = envelope
        self.needs_utf8 = utf8
        self.time_left = time_left
        self.results: dict[str, RecipientResult] = {}
        self.waiting: list[str] = list(envelope.recipients)
        self.interrupted: bool = False
        self.handed_over: bool = False
        self._set_content(head, body)

    def _set_content(self, head: bytes, body: bytes) -> None:
        self._head = head
        self._body = body
        self.size: int = len(head) + len(body)
        self.needs_eight_bit: bool = not (head.isascii() and body.isascii())

    @property
    def content(self) -> bytes:
        """The whole message, not dot-stuffed."""
        return self._head + self._body

    def stuffed(self) -> bytes:
        """Return the content as it follows DATA; a body that a batch shares is stuffed once."""
        global _last_stuffed  # one tuple, replaced whole, so that threads need no lock
        head, body = self._head, self._body
        if not body or head[:1] == b"." or b"\r\n." in head:  # a header field may be called that
            return stuffed(self.content)
        last = _last_stuffed
        if last[0] is not body:
            last = body, stuffed(body)
            if len(body) <= _KEPT:
                _last_stuffed = last
        return head + last[1]

    def make_seven_bit(self) -> None:
        """Serialise again, for a server without 8BITMIME."""
        self._set_content(*to_pieces(self.message))

    def settle(self, recipients: Iterable[str], result: RecipientResult) -> None:
        """Record ``result`` for each of ``recipients``."""
        for recipient in recipients:
            self.results[recipient] = result

    def settle_waiting(self, result: RecipientResult) -> None:
        """Record ``result`` for every recipient who waits."""
        self.settle(self.waiting, result)
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
        return DeliveryReport(results, _message_id(self._head), handed_over=self.handed_over)


class Transaction:
    """Some recipients of a message, and what the server says about each.

    Attributes:
        recipients: those it names.
        mail: the reply to MAIL.
        rcpts: the replies to RCPT that have arrived.
        accepted: the recipients who get the content, known from :meth:`apply_recipient_replies` on.
        is_written: whether the whole content was written.

    Args:
        message: the message; ``recipients`` wait no more.
        recipients: those to name, all of whom wait.
    """

    def __init__(self, message: OutgoingMessage, recipients: list[str]) -> None:
        self.message = message
        self.recipients = recipients
        self.mail: Reply | None = None
        self.rcpts: list[Reply] = []
        self.accepted: list[str] = []
        self.is_written: bool = False
        if len(recipients) == len(message.waiting):
            message.waiting = []
        else:
            named = set(recipients)
            message.waiting = [each for each in message.waiting if each not in named]

    @property
    def mail_accepted(self) -> bool:
        """True if the server accepted the sender."""
        return self.mail is not None and self.mail.is_positive

    @property
    def is_refused(self) -> bool:
        """True if the server refused the sender, or every recipient."""
        if self.mail is not None and not self.mail.is_positive:
            return True
        return len(self.rcpts) == len(self.recipients) and not any(reply.is_positive for reply in self.rcpts)

    def apply_recipient_replies(self) -> None:
        """Settle the recipients who were refused; those that exceed the server's limit wait again.

        If no recipient was accepted, another transaction would not help, and all are refused.
        """
        if self.mail is not None and not self.mail.is_positive:
            self._settle(self.recipients, self.mail)
            return
        crowded = []
        for recipient, reply in zip(self.recipients, self.rcpts, strict=True):
            if reply.is_positive:
                self.accepted.append(recipient)
            elif wants_another_transaction(reply):
                crowded.append((recipient, reply))
            else:
                self._settle([recipient], reply)
        if self.accepted:
            self.message.waiting[:0] = [recipient for recipient, _ in crowded]
        else:
            for recipient, reply in crowded:
                self._settle([recipient], reply)

    def settle_accepted(self, reply: Reply) -> None:
        """Settle those who were accepted by the answer to DATA or to the content."""
        self._settle(self.accepted, reply)

    def give_back(self) -> None:
        """Return its recipients to the message, except those who were refused for good."""
        self._settle_refused()
        self.message.waiting[:0] = self._unsettled()

    def leave_uncertain(self, text: str) -> None:
        """Settle those whose content was written and not answered."""
        self._settle_refused()
        self.message.settle(self._unsettled(), RecipientResult("uncertain", text=text))

    def _settle(self, recipients: list[str], reply: Reply) -> None:
        self.message.settle(recipients, result_of(*reply))

    def _settle_refused(self) -> None:
        if self.mail_accepted:
            for recipient, reply in zip(self.recipients, self.rcpts, strict=False):
                if reply.code >= 500 and not wants_another_transaction(reply):
                    self._settle([recipient], reply)

    def _unsettled(self) -> list[str]:
        done = {*self.message.results, *self.message.waiting}
        return [recipient for recipient in self.recipients if recipient not in done]


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
    end = content.find(b"\r\n\r\n")
    found = _MESSAGE_ID.search(content, 0, len(content) if end < 0 else end)
    return found[1].decode("utf-8", "replace") if found else None
