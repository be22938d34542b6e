"""What a server announced in its reply to EHLO, and what was learnt about its pipelining."""

from __future__ import annotations

import re
import threading
from typing import ClassVar, Literal

from aerogram.mail.delivery.report import RecipientResult
from aerogram.mail.smtp.transaction import OutgoingMessage

__all__ = ["Capabilities", "ContentPipelining", "PipeliningMode"]

PipeliningMode = Literal["content", "group", False]

_CONTROLS = re.compile("[\x00-\x1f\x7f]")


class Capabilities:
    """The extensions a server offers, and what of its limits (RFC 9422) this session has used up.

    ``features`` has names in lower case with their parameters, as ``smtplib`` keeps them; PIPELINING and
    CHUNKING, which needs PIPELINING, may be left unused.
    """

    def __init__(self, features: dict[str, str], *, pipelining: bool = True, chunking: bool = False) -> None:
        self.pipelining: bool = pipelining and "pipelining" in features
        self.eight_bit: bool = "8bitmime" in features
        self.utf8: bool = "smtputf8" in features
        self.size: bool = "size" in features
        self.max_size: int | None = _number(features.get("size", ""))
        self.chunking: bool = chunking and self.pipelining and "chunking" in features
        words = features.get("limits", "").upper().split()
        limits = dict(word.split("=", 1) for word in words if "=" in word)
        self.max_messages: int | None = _number(limits.get("MAILMAX", ""))  # in a session
        self.max_recipients: int | None = _number(limits.get("RCPTMAX", ""))  # of a transaction
        self.max_recipient_domains: int | None = _number(limits.get("RCPTDOMAINMAX", ""))  # in a session
        self._domains: set[str] = set()

    def objection(self, message: OutgoingMessage) -> RecipientResult | None:
        """Return the refusal of a message that this server cannot take; ``None`` where it can."""
        if _CONTROLS.search("".join([message.envelope.mail_from, *message.waiting])):
            # Addresses were parsed long before; this is the last place where a forged line could be stopped.
            return RecipientResult("refused", text="an address holds a control character")
        if message.utf8 and not self.utf8:
            text = "an address is not ASCII, and the server does not offer SMTPUTF8"
            return RecipientResult("refused", None, "5.6.7", text)
        if self.max_size is not None and message.size > self.max_size:
            text = f"the message has {message.size} octets, the server takes {self.max_size}"
            return RecipientResult("refused", None, "5.3.4", text)
        return None

    def mail_command(self, message: OutgoingMessage) -> str:
        """Return the MAIL command with the parameters that the message needs and the server knows."""
        command = f"MAIL FROM:<{message.envelope.mail_from}>"
        if self.size:
            command += f" SIZE={message.size}"
        if self.eight_bit and message.needs_eight_bit:
            command += " BODY=8BITMIME"
        if message.utf8:
            command += " SMTPUTF8"
        return command

    def next_group(self, waiting: list[str]) -> list[str]:
        """Return the recipients for the next transaction, at least one, and count their domains as used."""
        if self.max_recipient_domains is None:
            return waiting[: self.max_recipients]
        if self.is_exhausted(waiting):
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

    def is_exhausted(self, waiting: list[str]) -> bool:
        """Return whether this session may name none of ``waiting``; a new session may."""
        if self.max_recipient_domains is None or len(self._domains) < self.max_recipient_domains:
            return False
        return self._domains.isdisjoint(map(_domain, waiting))


def _domain(recipient: str) -> str:
    _, at, domain = recipient.rpartition("@")
    return domain.lower() if at else ""


def _number(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) < 19
    return (int(text) or None) if is_number else None


class ContentPipelining:
    """The knowledge whether one server takes commands behind a content that has no answer yet.

    RFC 2920 allows it, and a message costs one wait then. Dovecot's submission proxy closes the connection
    instead, and Courier discards the commands. The first session that tries it does so alone, so that one
    message at most is in doubt; where it fails, no other tries it again.
    """

    _servers: ClassVar[dict[tuple[str, int], ContentPipelining]] = {}

    def __init__(self, works: bool | None = None) -> None:
        self._works = works  # None before a session has tried
        self._first: object | None = None  # the session that tries
        self._lock = threading.Lock()

    @classmethod
    def of(cls, host: str, port: int, mode: PipeliningMode) -> ContentPipelining:
        """Return what is known of a server; in another mode than "content", that nothing may follow one."""
        return cls._servers.setdefault((host.lower(), port), cls()) if mode == "content" else cls(works=False)

    def permits(self, session: object) -> bool:
        """Return whether a session may write commands behind a content now."""
        return self._works is True or (self._works is None and self._first in (None, session))

    def begin(self, session: object) -> bool:
        """Record that a session writes some; return False if another one has begun to try meanwhile."""
        if self._works:
            return True
        with self._lock:
            if not self.permits(session):
                return False
            self._first = session
            return True

    def end(self, session: object, *, works: bool | None = None) -> None:
        """Record whether the server took them, None if that is unknown; a failure is never forgotten."""
        if works is not None and self._works is not False:
            self._works = works
        if self._first is session:
            self._first = None
