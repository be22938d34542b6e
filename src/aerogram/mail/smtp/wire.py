"""The wire: what is written to the server and how its replies are read, each within its time."""

from __future__ import annotations

import re
import smtplib
from time import monotonic

from aerogram.mail.smtp.client import SMTPClient
from aerogram.mail.smtp.offers import Timeouts
from aerogram.mail.smtp.outgoing import Outgoing
from aerogram.mail.smtp.replies import ConnectionLost, Reply, check_open

__all__ = ["Wire"]

_BLOCK = 1 << 18  # octets of content for which one command timeout is allowed
_CONTROLS = re.compile("[\x00-\x1f\x7f]")


class Wire:
    """Writes for one message after another, and reads; the waits are taken off each message's time.

    Args:
        client: the connection; a plain ``smtplib.SMTP`` will do.
        timeouts: how long single waits may last.
    """

    def __init__(self, client: smtplib.SMTP, timeouts: Timeouts) -> None:
        self._client = client
        self._command_timeout = timeouts.command
        self._data_timeout = timeouts.data
        self._own = client if isinstance(client, SMTPClient) else None

    def encoded(self, commands: list[str], item: Outgoing) -> bytes:
        """Return command lines as octets.

        Raises:
            ValueError: a command holds a control character. Addresses were parsed long before; this is the
                last place where a forged line could be stopped.
        """
        if not "".join(commands).isprintable():
            for command in filter(_CONTROLS.search, commands):
                raise ValueError(f"control characters in an SMTP command: {command[:80]!r}")
        commands.append("")
        return "\r\n".join(commands).encode("utf-8" if item.needs_utf8 else "ascii")

    def command(self, item: Outgoing, command: str) -> Reply:
        """Send one command and return its reply."""
        self.write(item, self.encoded([command], item))
        return self.replies(item, 1)[0]

    def write(self, item: Outgoing, data: bytes, *, more: bool = False) -> None:
        """Send octets; each block of them has the time of a command.

        ``more`` says that a command group follows at once, and shall travel with the last of them.
        """
        if len(data) > _BLOCK:
            view = memoryview(data)
            for start in range(0, len(data), _BLOCK):
                self.write(item, bytes(view[start : start + _BLOCK]), more=more)
            return
        began = monotonic()
        sock = self._client.sock
        if sock is not None:
            timeout = max(min(self._command_timeout, item.time_left), 0.001)
            if sock.gettimeout() != timeout:  # asking is free, setting is a call of the system
                sock.settimeout(timeout)
        try:
            if more and self._own is not None:
                self._own.send(data, more=True)
            else:
                self._client.send(data)
        finally:
            item.time_left -= monotonic() - began

    def push(self) -> None:
        """Send what was written with ``more``, since nothing follows it."""
        if self._own is not None:
            self._own.push()

    def replies(self, item: Outgoing, count: int) -> list[Reply]:
        """Return the replies to so many commands; 421 ends the session, whatever was asked."""
        arrived = self._own.arrived(count) if self._own is not None else None
        replies = []
        for reply in arrived or (self._awaited(item, self._command_timeout) for _ in range(count)):
            check_open(reply)
            replies.append(reply)
        return replies

    def answer(self, item: Outgoing) -> Reply:
        """Return the answer to a content, which may take longer."""
        return self._awaited(item, self._data_timeout)

    def last_words(self, item: Outgoing) -> Reply:
        """Return what has arrived already, or raise ``OSError``."""
        return self._awaited(item, 0)

    def _awaited(self, item: Outgoing, timeout: float) -> Reply:
        began = monotonic()
        self._client.reply_timeout = min(timeout, item.time_left)  # type: ignore[attr-defined]  # SMTPClient's
        try:
            code, text = self._client.getreply()
        finally:
            item.time_left -= monotonic() - began
        if not 200 <= code < 600:  # what a plain smtplib.SMTP returns for what it cannot read
            raise ConnectionLost("the server's answer is not SMTP")
        return code, text
