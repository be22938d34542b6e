"""The wire: what is written to the server and how its replies are read, each within its time."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Iterable
from time import monotonic

from aerogram.mail.smtp.client import SMTPClient
from aerogram.mail.smtp.offers import Timeouts
from aerogram.mail.smtp.outgoing import Outgoing
from aerogram.mail.smtp.replies import ConnectionLost, Reply, check_open
from aerogram.mail.smtp.waits import Steps, Wait

__all__ = ["Wire"]

_SMALL = 1 << 15  # octets that fit into the kernel's buffer when it is empty
_BLOCK = 1 << 18  # octets of content for which one command timeout is allowed
_CONTROLS = re.compile("[\x00-\x1f\x7f]")


class Wire:
    """Writes for one message after another, and reads; the waits are taken off each message's time.

    Args:
        client: the connection; a plain ``smtplib.SMTP`` will do.
        timeouts: how long single waits may last.
    """

    def __init__(self, client: smtplib.SMTP, timeouts: Timeouts) -> None:
        self.deadline = 0.0  # of the wait that is going on, by the monotonic clock
        self._began = 0.0  # when that was
        self._client = client
        self._command_timeout = timeouts.command
        self._data_timeout = timeouts.data
        self._own = client if isinstance(client, SMTPClient) else None
        self._crowded = False  # whether much was written lately, so that there may be no room

    def encoded(self, commands: list[str], item: Outgoing) -> bytes:
        """Return command lines as octets.

        Raises:
            ValueError: a command holds a control character. Addresses were parsed long before; this is the
                last place where a forged line could be stopped.
        """
        if not "".join(commands).isprintable():
            for command in filter(_CONTROLS.search, commands):
                raise ValueError(f"control characters in an SMTP command: {command[:80]!r}")
        lines = "\r\n".join(commands) + "\r\n"
        return lines.encode("utf-8" if item.needs_utf8 else "ascii")

    def command(self, item: Outgoing, command: str) -> Steps[Reply]:
        """Send one command and return its reply."""
        yield from self.write(item, self.encoded([command], item))
        replies: list[Reply] = []
        yield from self.replies(item, 1, replies)
        return replies[0]

    def write(self, item: Outgoing, data: bytes, *, more: bool = False) -> Iterable[Wait]:
        """Send octets; each block of them has the time of a command.

        ``more`` says that a command group follows at once, and shall travel with the last of them.

        Returns:
            What is to be waited for, step by step; nothing where all is sent.
        """
        own = self._own
        if own is not None and (self._crowded or len(data) > _SMALL):
            return self._write_blocks(own, item, data)
        began = monotonic()
        sock = self._client.sock
        if sock is not None and not (own is not None and own.shared):
            timeout = self._command_timeout
            if item.time_left < timeout:
                timeout = max(item.time_left, 0.001)
            if sock.gettimeout() != timeout:  # asking is free, setting is a call of the system
                sock.settimeout(timeout)
        try:
            if own is not None:
                own.send(data, more=more)
            else:
                self._client.send(data)
        finally:
            item.time_left -= monotonic() - began
        return ()

    def _write_blocks(self, client: SMTPClient, item: Outgoing, data: bytes) -> Steps[None]:
        self._crowded = True
        left = memoryview(data)
        while left:
            self._begin(item, self._command_timeout)
            block = left[:_BLOCK]
            left = left[_BLOCK:]
            try:
                while block:
                    yield Wait.WRITABLE
                    block = block[client.send_some(block, self.deadline - monotonic()) :]
            finally:
                item.time_left -= monotonic() - self._began

    def _begin(self, item: Outgoing, timeout: float) -> None:
        self._began = monotonic()
        self.deadline = self._began + min(timeout, item.time_left)

    def excuse(self, seconds: float) -> None:
        """Let so many seconds not count: they were not spent waiting for the server."""
        self._began += seconds
        self.deadline += seconds

    def push(self) -> None:
        """Send what was written with ``more``, since nothing follows it."""
        if self._own is not None:
            self._own.push()

    def arrival(self, item: Outgoing, count: int) -> Steps[list[Reply] | None]:
        """Wait for what comes next, and return ``count`` replies if all of them came together.

        Servers often write the answer to a content and the replies to the group behind it at once; where one
        does not, the replies are left to be read one by one.
        """
        own = self._own
        if own is None:
            return None
        self._begin(item, self._data_timeout)
        try:
            if not own.readable():
                yield Wait.READABLE
            own.receive(self.deadline - monotonic())
        finally:
            item.time_left -= monotonic() - self._began
        self._crowded = False
        return own.arrived(count)

    def replies(self, item: Outgoing, count: int, replies: list[Reply]) -> Steps[None]:
        """Append the replies to so many commands; 421 ends the session, whatever was asked."""
        for reply in (self._own and self._own.arrived(count)) or ():
            check_open(reply)
            replies.append(reply)
            count -= 1
        for _ in range(count):
            reply = yield from self._awaited(item, self._command_timeout)
            check_open(reply)
            replies.append(reply)

    def answer(self, item: Outgoing) -> Steps[Reply]:
        """Return the answer to a content, which may take longer."""
        return self._awaited(item, self._data_timeout)

    def last_words(self) -> Reply:
        """Return what has been received already, or raise ``OSError``."""
        reply = self._own.next_reply() if self._own is not None else None
        if reply is None:
            raise ConnectionLost("the server said nothing more")
        return reply

    def _awaited(self, item: Outgoing, timeout: float) -> Steps[Reply]:
        self._begin(item, timeout)
        try:
            if self._own is None:
                return self._of_another()
            while (reply := self._own.next_reply()) is None:
                if not self._own.readable():
                    yield Wait.READABLE
                self._own.receive(self.deadline - monotonic())
        finally:
            item.time_left -= monotonic() - self._began
        self._crowded = False
        return reply

    def _of_another(self) -> Reply:
        """Read from a client that is not ours, whose waits only its socket's timeout bounds."""
        code, text = self._client.getreply()
        if not 200 <= code < 600:  # what it returns for what it cannot read
            raise ConnectionLost("the server's answer is not SMTP")
        return code, text
