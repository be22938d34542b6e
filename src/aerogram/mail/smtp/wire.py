"""The wire: what is written to the server and how its replies are read, each within its time."""

from __future__ import annotations

import re
import smtplib
import socket
from collections.abc import Callable
from time import monotonic

from aerogram.mail.smtp.client import SMTPClient
from aerogram.mail.smtp.offers import Timeouts
from aerogram.mail.smtp.outgoing import Outgoing
from aerogram.mail.smtp.replies import ConnectionLost, Reply, check_open

__all__ = ["Wire"]

_BLOCK = 1 << 18  # octets of content for which one command timeout is allowed
# Linux has these; elsewhere a message may cost the server two reads instead of one.
_CORK: int | None = getattr(socket, "TCP_CORK", None)
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)
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
        # Several replies usually come in one packet, and only the first of them has to be waited for.
        self._arrived: Callable[[], Reply | None] = (
            client.arrived_reply if isinstance(client, SMTPClient) else lambda: None
        )

    def encoded(self, commands: list[str], item: Outgoing) -> bytes:
        """Return command lines as octets.

        Raises:
            ValueError: a command holds a control character. Addresses were parsed long before; this is the
                last place where a forged line could be stopped.
        """
        if _CONTROLS.search("".join(commands)):
            forged = next(filter(_CONTROLS.search, commands))
            raise ValueError(f"control characters in an SMTP command: {forged[:80]!r}")
        commands.append("")
        return "\r\n".join(commands).encode("utf-8" if item.needs_utf8 else "ascii")

    def command(self, item: Outgoing, command: str) -> Reply:
        """Send one command and return its reply."""
        self.write(item, self.encoded([command], item))
        return self.reply(item)

    def write(self, item: Outgoing, data: bytes) -> None:
        """Send octets; each block of them has the time of a command."""
        if len(data) > _BLOCK:
            view = memoryview(data)
            for start in range(0, len(data), _BLOCK):
                self.write(item, bytes(view[start : start + _BLOCK]))
            return
        began = monotonic()
        sock = self._client.sock
        if sock is not None:
            timeout = max(min(self._command_timeout, item.time_left), 0.001)
            if sock.gettimeout() != timeout:  # asking is free, setting is a call of the system
                sock.settimeout(timeout)
        try:
            self._client.send(data)
        finally:
            item.time_left -= monotonic() - began

    def reply(self, item: Outgoing) -> Reply:
        """Return the reply to a command; 421 ends the session, whatever was asked."""
        reply = self._arrived() or self._awaited(item, self._command_timeout)
        check_open(reply)
        return reply

    def answer(self, item: Outgoing) -> Reply:
        """Return the answer to a content, which may take longer."""
        return self._arrived() or self._awaited(item, self._data_timeout)

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

    def hold(self) -> None:
        """Let the kernel keep the content's last packet, 200 ms at most, for the group that follows it."""
        self._tell_kernel(_CORK, 1)

    def release(self) -> None:
        """Send what is held, and acknowledge each reply at once.

        A server that writes reply after reply waits for the acknowledgement of one before it sends the next
        (Nagle's algorithm), and the kernel would delay that by 40 ms.
        """
        self._tell_kernel(_CORK, 0)
        self._tell_kernel(_QUICKACK, 1)

    def _tell_kernel(self, option: int | None, value: int) -> None:
        sock = self._client.sock
        if option is not None and sock is not None:
            try:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)
            except OSError:  # not TCP
                return
