"""What an SMTP server answers, made fit for people and for decisions."""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import lru_cache
from smtplib import SMTPResponseException, SMTPServerDisconnected
from typing import TYPE_CHECKING

from aerogram.mail.delivery.report import RecipientResult, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "ConnectionLost",
    "Reply",
    "asks_for_another_transaction",
    "check_in_step",
    "check_open",
    "clean_text",
    "result_of",
    "server_named",
    "status_of",
    "took",
]

Reply = tuple[int, bytes]
"""The code of a reply, and its lines joined by newlines."""

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:[ \t]+|$)")  # RFC 2034 section 4
# C0, DEL, C1, the Unicode line ends, and the marks that turn the direction of text around.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_TEXT_LIMIT = 512


class ConnectionLost(SMTPServerDisconnected):
    """The connection is of no use any more; ``code`` and ``reply`` are what the server said last, if any."""

    def __init__(self, text: str, code: int | None = None, reply: bytes = b"") -> None:
        super().__init__(text)
        self.code = code
        self.reply = reply


@contextmanager
def server_named(host: str, port: int) -> Iterator[None]:
    """Let the error of a connection that could not be made say which server it was, and stay what it is."""
    try:
        yield
    except OSError as error:
        server = clean_text(f"SMTP server {host}:{port}")
        if isinstance(error, SMTPResponseException):
            error.args = (error.smtp_code, f"{clean_text(error.smtp_error)} ({server})")
        elif error.strerror:
            error.strerror = f"{error.strerror} ({server})"
        else:
            error.args = (f"{error} ({server})",)
        raise


def clean_text(text: bytes | str) -> str:
    """Return a server's text on one line, without control characters, cut to 512 octets.

    >>> clean_text(b"no such\\x1b[2J user")
    'no such [2J user'
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    text = _CONTROLS.sub(" ", text).strip()
    if len(text) * 4 > _TEXT_LIMIT:
        text = text.encode("utf-8", "replace")[:_TEXT_LIMIT].decode("utf-8", "ignore")
    return text


def status_of(code: int) -> Status:
    """Tell what a final reply code means for a recipient (RFC 5321 section 4.2.1); any 2xx is acceptance."""
    if 200 <= code < 300:
        return "sent"
    return "refused" if code >= 500 else "deferred"


@lru_cache(maxsize=16)  # servers that name no queue id say the same to every message
def result_of(code: int, text: bytes, status: Status | None = None) -> RecipientResult:
    """Turn a reply into a recipient's result, the enhanced status code apart from the text.

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
    return RecipientResult(status or status_of(code), code, enhanced, clean_text(" ".join(words)))


def asks_for_another_transaction(code: int, text: bytes) -> bool:
    """Tell whether a reply to RCPT says "too many recipients", so that the rest fits another transaction.

    That is 452, or 552 of old servers (RFC 5321 section 4.5.3.1.10), unless an enhanced code says otherwise.
    """
    if code not in (452, 552):
        return False
    found = _ENHANCED.match(text.decode("latin-1"))
    return found is None or found[1][2:] == "5.3"


def took(reply: Reply) -> bool:
    """Whether the server agreed."""
    return 200 <= reply[0] < 300


def check_open(reply: Reply) -> None:
    """Raise :class:`ConnectionLost` when the server has announced that it closes the connection."""
    if reply[0] == 421:
        raise ConnectionLost(f"421 {clean_text(reply[1])}", *reply)


def check_in_step(reply: Reply) -> None:
    """Raise :class:`ConnectionLost` when client and server disagree about where they are."""
    if reply[0] == 503 or 300 <= reply[0] < 400:
        raise ConnectionLost(f"{reply[0]} {clean_text(reply[1])}", *reply)
