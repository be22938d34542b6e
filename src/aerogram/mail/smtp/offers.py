"""What a server offers, and how long to wait for it."""

from __future__ import annotations

from dataclasses import dataclass

from aerogram.mail.delivery import RecipientResult
from aerogram.mail.smtp.outgoing import Outgoing

__all__ = ["Offers", "Timeouts"]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long waits may last, in seconds.

    ``connect`` for the connection itself, ``command`` for each reply and each block of content, ``data`` for
    the answer to the final dot (ten minutes: RFC 5321 section 4.5.3.2 explains that giving up early makes
    copies), ``message`` for all the waits of one message together.
    """

    connect: float = 10.0
    command: float = 60.0
    data: float = 600.0
    message: float = 900.0


class Offers:
    """What the server said in its EHLO that it can do."""

    def __init__(self, features: dict[str, str], *, chunking: bool = False) -> None:
        self.pipelining = "pipelining" in features
        self.eight_bit = "8bitmime" in features
        self.utf8 = "smtputf8" in features
        self.size = "size" in features
        self.max_size = _number(features.get("size", "")) or None
        self.chunking = chunking and self.pipelining and "chunking" in features
        limits = dict(
            word.upper().split("=", 1) for word in features.get("limits", "").split() if "=" in word
        )
        self.max_messages = _number(limits.get("MAILMAX", "")) or None
        self.max_recipients = _number(limits.get("RCPTMAX", "")) or None

    def objection(self, item: Outgoing) -> RecipientResult | None:
        """Say why this server cannot take ``item``, before anything is sent; ``None`` when it can."""
        if item.needs_utf8 and not self.utf8:
            text = "an address is not ASCII, and the server does not offer SMTPUTF8"
            return RecipientResult("refused", None, "5.6.7", text)
        if self.max_size is not None and item.size > self.max_size:
            text = f"the message has {item.size} octets, the server takes {self.max_size}"
            return RecipientResult("refused", None, "5.3.4", text)
        return None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
