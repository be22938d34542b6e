"""One message on its way: its envelope, its content, and what is known of each recipient so far."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from typing import Any

from aerogram.mail.address.envelope import Envelope
from aerogram.mail.delivery.report import DeliveryReport, RecipientResult
from aerogram.mail.wire.serializer import to_pieces

__all__ = ["Outgoing", "stuffed"]

_KEPT = 1 << 20  # octets of a body worth keeping beside its stuffed form
_MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(?:\r\n[ \t]+)?(\S+)", re.IGNORECASE | re.MULTILINE)


class Outgoing:
    """A message between the backend, which made it, and the sessions that carry it.

    ``waiting`` are the recipients no transaction has taken yet, ``in_flight`` counts the transactions whose
    content was handed over and not yet answered; with neither left the message is done. ``size`` counts the
    octets of the content, before dot-stuffing. ``position`` is its place in the batch. ``handed_over`` says
    whether the content was given to a server, with its final dot.

    Args:
        message: the message object; it is only handed back.
        envelope: sender and recipients.
        head: the message up to the end of some header line, or all of it; CRLF line ends, not dot-stuffed.
        body: the rest, which messages of a batch often have in common.
        utf8: whether an address or the header is not ASCII, so that SMTPUTF8 is needed (RFC 6531).
        time_left: seconds of waiting for the server that this message may cost in all.
    """

    __slots__ = (
        "_concluded",
        "body",
        "envelope",
        "handed_over",
        "head",
        "in_flight",
        "interrupted",
        "message",
        "needs_eight_bit",
        "needs_utf8",
        "position",
        "results",
        "size",
        "time_left",
        "waiting",
    )

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
        self.head = head
        self.body = body
        self.size = len(head) + len(body)
        self.needs_utf8 = utf8
        self.needs_eight_bit = not (head.isascii() and body.isascii())
        self.time_left = time_left
        self.results: dict[str, RecipientResult] = {}
        self.waiting = list(envelope.recipients)
        self.in_flight = 0
        self.position = 0
        self.interrupted = False
        self.handed_over = False
        self._concluded = False

    @property
    def content(self) -> bytes:
        """The whole message, not dot-stuffed."""
        return self.head + self.body

    def stuffed(self) -> bytes:
        """Return the content as it follows DATA."""
        if not self.body:
            return stuffed(self.head)
        if self.head[:1] == b"." or b"\r\n." in self.head:  # a header may be called that
            return stuffed(self.content)
        return self.head + _stuffed_body(self.body)

    def settle(self, recipients: Iterable[str], result: RecipientResult) -> None:
        """Record ``result`` for ``recipients``, which wait no more."""
        for recipient in recipients:
            self.results[recipient] = result
        if self.waiting:
            self.waiting = [recipient for recipient in self.waiting if recipient not in self.results]

    def make_seven_bit(self) -> None:
        """Build the content anew, for a server that takes nothing else."""
        self.head, self.body = to_pieces(self.message)
        self.size = len(self.head) + len(self.body)
        self.needs_eight_bit = False

    def conclude(self, finished: deque[Outgoing]) -> None:
        """Append the message to ``finished`` when it is done, once."""
        if not (self.waiting or self.in_flight or self._concluded):
            self._concluded = True
            finished.append(self)

    def report(self) -> DeliveryReport:
        """Return what became of the message, recipients in the order of the envelope."""
        results = self.results
        if len(results) > 1:
            results = {address: results[address] for address in self.envelope.recipients}
        return DeliveryReport(results, _message_id(self.head), handed_over=self.handed_over)


def stuffed(content: bytes) -> bytes:
    """Return ``content`` as it follows DATA: leading dots doubled, the final dot behind it (RFC 5321 4.5.2).

    >>> stuffed(b".\\r\\nbye\\r\\n")
    b'..\\r\\nbye\\r\\n.\\r\\n'
    """
    # Twice as fast as replace(); nearly free where there is nothing to double.
    content = b"\r\n..".join(content.split(b"\r\n."))
    if content[:1] == b".":
        content = b"." + content
    return content + (b".\r\n" if content[-2:] == b"\r\n" else b"\r\n.\r\n")


_last_stuffed = (b"", b"")


def _stuffed_body(body: bytes) -> bytes:
    """Return ``body`` stuffed; that of a batch with one body is stuffed once."""
    global _last_stuffed  # one tuple, replaced whole, so that threads need no lock
    last = _last_stuffed
    if last[0] is body:
        return last[1]
    result = stuffed(body)
    if len(body) <= _KEPT:
        _last_stuffed = body, result
    return result


def _message_id(content: bytes) -> str | None:
    end = content.find(b"\r\n\r\n")
    end = len(content) if end < 0 else end
    place = content.find(b"\r\nMessage-ID: ", 0, end)  # as nearly always
    found = _MESSAGE_ID.match(content, place + 2, end) if place >= 0 else _MESSAGE_ID.search(content, 0, end)
    return found[1].decode("utf-8", "replace") if found else None
