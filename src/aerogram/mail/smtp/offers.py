"""What a server offers, and how long to wait for it."""

from __future__ import annotations

from dataclasses import dataclass

from aerogram.mail.delivery.report import RecipientResult
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

    @classmethod
    def chosen(
        cls,
        general: float | None,
        connect: float | None = None,
        command: float | None = None,
        data: float | None = None,
        message: float | None = None,
    ) -> Timeouts:
        """Return the timeouts given, the others by default; ``general`` bounds every wait that none names."""
        default = cls() if general is None else cls(general, general, general)
        data = default.data if data is None else data
        return cls(
            default.connect if connect is None else connect,
            default.command if command is None else command,
            data,
            max(default.message, data * 1.5) if message is None else message,
        )


class Offers:
    """What the server said in its EHLO that it can do, and what of its limits this session has used up.

    The limits are those of RFC 9422: ``max_messages`` transactions a session (MAILMAX), ``max_recipients``
    recipients a transaction (RCPTMAX), ``max_recipient_domains`` domains of recipients a session, all its
    transactions together (RCPTDOMAINMAX); ``None`` where the server named none.
    """

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
        self.max_recipient_domains = _number(limits.get("RCPTDOMAINMAX", "")) or None
        self._domains: set[str] = set()

    def objection(self, item: Outgoing) -> RecipientResult | None:
        """Say why this server cannot take ``item``, before anything is sent; ``None`` when it can."""
        if item.needs_utf8 and not self.utf8:
            text = "an address is not ASCII, and the server does not offer SMTPUTF8"
            return RecipientResult("refused", None, "5.6.7", text)
        if self.max_size is not None and item.size > self.max_size:
            text = f"the message has {item.size} octets, the server takes {self.max_size}"
            return RecipientResult("refused", None, "5.3.4", text)
        return None

    def mail_command(self, item: Outgoing) -> str:
        """Return the MAIL command for ``item``, with the parameters it needs and the server knows."""
        command = f"MAIL FROM:<{item.envelope.mail_from}>"
        if self.size:
            command += f" SIZE={item.size}"
        if self.eight_bit and item.needs_eight_bit:
            command += " BODY=8BITMIME"
        if item.needs_utf8:
            command += " SMTPUTF8"
        return command

    def next_group(self, waiting: list[str]) -> list[str]:
        """Return those of ``waiting`` whom the next transaction of this session may name, in their order.

        The domains of those returned count as used from now on. There is always at least one, even when no
        domain is left (:meth:`exhausted` tells): then the server may say so itself.
        """
        if self.max_recipient_domains is None:
            return waiting[: self.max_recipients]
        if self.exhausted(waiting):
            self._domains.clear()
        group = []
        for recipient in waiting:
            domain = _domain(recipient)
            if domain in self._domains or len(self._domains) < self.max_recipient_domains:
                self._domains.add(domain)
                group.append(recipient)
                if len(group) == self.max_recipients:
                    break
        return group

    def exhausted(self, waiting: list[str]) -> bool:
        """Return whether this session may name nobody of ``waiting`` any more; a new session may."""
        if self.max_recipient_domains is None or len(self._domains) < self.max_recipient_domains:
            return False
        return self._domains.isdisjoint(map(_domain, waiting))


def _domain(recipient: str) -> str:
    _, at, domain = recipient.rpartition("@")
    return domain.lower() if at else ""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
