"""What an SMTP server answers: octets cut into replies, and what a reply means for a recipient."""

from __future__ import annotations

import re
import smtplib
from functools import lru_cache
from typing import NamedTuple

from aerogram.mail.characters import clean_text
from aerogram.mail.delivery.report import RecipientResult, Status

__all__ = [
    "ConnectionLost",
    "Reply",
    "ReplyParser",
    "is_goodbye",
    "result_of",
    "wants_another_transaction",
]

_LINE_LIMIT = 8192  # RFC 5321 section 4.5.3.1.5 asks for 512; some servers write essays
_REPLY_LIMIT = 65536
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:[ \t]+|$)")  # RFC 2034 section 4


class Reply(NamedTuple):
    """A reply: its code, and the texts of its lines joined by newlines."""

    code: int
    text: bytes = b""

    @property
    def is_positive(self) -> bool:
        """True if the server agreed: any 2xx counts (RFC 5321 section 4.2.1)."""
        return 200 <= self.code < 300

    def __str__(self) -> str:
        return f"{self.code} {clean_text(self.text)}"


class ConnectionLost(smtplib.SMTPServerDisconnected):
    """The connection is unusable; ``reply`` is what the server said last, if that was the reason."""

    def __init__(self, text: str, reply: Reply | None = None) -> None:
        super().__init__(text)
        self.reply = reply


def is_goodbye(error: BaseException) -> bool:
    """Return whether the connection is lost because the server announced it: 421 (RFC 5321 section 3.8)."""
    return isinstance(error, ConnectionLost) and error.reply is not None and error.reply.code == 421


class ReplyParser:
    """Cuts the octets that a server sends into replies.

    >>> parser = ReplyParser()
    >>> parser.feed(b"250-first\\r\\n250 second\\r\\n")
    >>> parser.next_reply()
    Reply(code=250, text=b'first\\nsecond')
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._lines: list[Reply] = []  # of a reply that continues
        self._size = 0  # octets of these lines

    def __bool__(self) -> bool:
        return bool(self._buffer or self._lines)

    def feed(self, octets: bytes) -> None:
        """Add octets in the order they arrived."""
        self._buffer += octets

    def next_reply(self) -> Reply | None:
        """Return the next reply, ``None`` until all of it is there; what is no SMTP loses the connection."""
        while True:
            line, end, rest = self._buffer.partition(b"\n")
            if len(line) > _LINE_LIMIT:
                raise ConnectionLost(f"a line of the server's answer is longer than {_LINE_LIMIT} octets")
            if not end:
                return None
            self._buffer = rest
            code, separator = line[:3], line[3:4]
            if not (code.isdigit() and b"200" <= code < b"600" and separator in b" -\r"):
                raise ConnectionLost(f"the server's answer is not SMTP: {clean_text(line)[:80]!r}")
            reply = Reply(int(code), line[4:].strip(b" \t\r"))
            if self._lines or separator == b"-":
                self._lines.append(reply)
                self._size += len(line)
                if self._lines[0].code != reply.code or self._size > _REPLY_LIMIT:
                    raise ConnectionLost(f"the server's answer is inconsistent: {clean_text(line)[:80]!r}")
                if separator == b"-":
                    continue
                reply = Reply(reply.code, b"\n".join([text for _, text in self._lines]))
                self._lines, self._size = [], 0
            return reply


@lru_cache(maxsize=16)  # servers that name no queue id say the same to every message
def result_of(code: int, text: bytes) -> RecipientResult:
    """Turn a final reply into a recipient's result (RFC 5321 section 4.2.1, RFC 2034).

    >>> result_of(550, b"5.1.1 no such user\\n5.1.1 try another")
    RecipientResult(status='refused', code=550, enhanced_code='5.1.1', text='no such user try another')
    """
    enhanced = None
    words = []
    for line in text.decode("utf-8", "replace").splitlines():
        found = _ENHANCED.match(line)
        if found:
            enhanced = enhanced or found[1]
            line = line[found.end() :]
        words.append(line)
    status: Status = "sent" if 200 <= code < 300 else "refused" if code >= 500 else "deferred"
    return RecipientResult(status, code, enhanced, clean_text(" ".join(words)))


def wants_another_transaction(reply: Reply) -> bool:
    """Return whether a reply to RCPT says "too many recipients": the rest fits another transaction."""
    found = _ENHANCED.match(reply.text.decode("latin-1"))
    if found is None or found[1][2:] == "0.0":  # X.0.0 says nothing but the class (RFC 3463 section 3.1)
        return reply.code in (452, 552)  # 552: old servers (RFC 5321 section 4.5.3.1.10)
    return found[1][2:] == "5.3"
