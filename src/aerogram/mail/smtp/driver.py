"""The driver of a session: writes what it gives to the socket, and reads what it awaits.

Its socket does not block: see :mod:`aerogram.mail.smtp.steps`.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from contextvars import copy_context
from functools import partial
from time import monotonic
from typing import NamedTuple

from aerogram.mail.delivery import cancellation
from aerogram.mail.smtp.client import SMTPClient
from aerogram.mail.smtp.replies import ConnectionLost, is_goodbye
from aerogram.mail.smtp.session import Session
from aerogram.mail.smtp.steps import Question, Readiness, Steps
from aerogram.mail.smtp.transaction import OutgoingMessage

__all__ = ["Driver", "Timeouts", "hang_up", "hang_up_all", "in_thread"]

_BLOCK = 1 << 18  # octets of content for which one command timeout is allowed
_AHEAD = 1 << 18  # octets of a content that may wait for the commands of the next message
_LAST_WORDS_TIMEOUT = 0.5
_LAST_WORDS_LIMIT = 1 << 20
_QUIT_TIMEOUT = 5.0
# Linux has these. Elsewhere a message may cost the server two reads instead of one, and the client 40 ms
# where a server writes a reply in two pieces.
_MORE: int = getattr(socket, "MSG_MORE", 0)
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)


class Timeouts(NamedTuple):
    """How long waits may last, in seconds."""

    connect: float
    command: float  # each whole reply, and each 256 KiB of content
    data: float  # the answer to the final dot; giving up early makes copies (RFC 5321 section 4.5.3.2)
    message: float  # all the waits of one message together


class Driver:
    """Carries messages over the socket of a connection that has passed EHLO, TLS and login.

    A method that raises ``OSError`` has lost the connection; :meth:`end` closes it then. A plain
    ``smtplib.SMTP`` will do for a client.
    """

    def __init__(self, client: smtplib.SMTP, session: Session, timeouts: Timeouts) -> None:
        self.client = client
        self.session = session
        self.last_used: float = monotonic()
        self._timeouts = timeouts
        self._is_held = False  # whether the kernel keeps the end of a content for the group behind it
        self._has_read = False  # since the last write

    def set_blocking(self, blocking: bool) -> None:
        """Make the socket block, for others who use the client, or not, for the steps."""
        if (sock := self.client.sock) is not None:
            sock.settimeout(self._timeouts.command if blocking else 0)

    def get_ready(self) -> Steps:
        """Wait until the next message may begin; a content that it may follow is written together with it."""
        while not self.session.is_ready:
            yield from self._write()
            yield from self._read()

    def send(self, message: OutgoingMessage, *, ahead: bool = False) -> Steps:
        """Begin a transaction for ``message``, and wait until its content is written; its answer comes later.

        With ``ahead``, wait until its commands are written: the server works while the next message is
        prepared, whose commands then go out together with this content.
        """
        session = self.session
        session.begin(message)
        yield from self._write()
        ahead = ahead and message.size <= _AHEAD
        while session.has_commands if ahead else not session.is_ready:
            yield from self._read()
            yield from self._write()
        self.last_used = monotonic()

    def settle(self) -> Steps:
        """Write what is left, and read the replies that are still to come."""
        while self.session.is_waiting:
            yield from self._write()
            yield from self._read()
        self.last_used = monotonic()

    def end(self, error: BaseException, *, is_ours: bool = False) -> list[OutgoingMessage]:
        """Close a lost connection at once, without QUIT; return the messages that were interrupted."""
        sock, last_words, is_closed = self.client.sock, b"", False
        if is_goodbye(error) and sock is not None and self.session.open_contents():
            # The server has to close behind a 421, and took nothing then; with BDAT, it might have gone on.
            last_words, is_closed = _last_words(sock, _LAST_WORDS_TIMEOUT)
        self.client.close()
        is_ours = is_ours or cancellation.is_cancelled()
        return self.session.end(error, last_words, is_closed=is_closed, is_ours=is_ours)

    @property
    def _socket(self) -> socket.socket:
        if self.client.sock is None:
            raise ConnectionLost("not connected")
        return self.client.sock

    def _write(self) -> Steps:
        data = self.session.data_to_send()
        if not data:
            return
        message, _ = self.session.awaited
        if cancellation.current.get() is not None and self.session.open_contents():
            cancellation.forget(self.client)  # from now on the connection is kept
            cancellation.check()
        sock = self._socket
        # The next group will follow this content: the kernel keeps the last packet for it, 200 ms at most.
        is_held = self.session.is_ready and self.session.follows_contents
        flags = _MORE if is_held and not isinstance(sock, ssl.SSLSocket) else 0
        left = memoryview(data)
        while left:
            block, left = left[:_BLOCK], left[_BLOCK:]
            began = monotonic()
            try:
                yield from _send(sock, block, flags, began + min(self._timeouts.command, message.time_left))
            except OSError:
                # This raises the reason, if the server gave one.
                self.session.receive_data(_last_words(sock, 0)[0])
                raise ConnectionLost("the connection broke while something was written") from None
            finally:
                message.time_left -= monotonic() - began
        self.session.data_sent()
        self._is_held = is_held
        self._has_read = False

    def _read(self) -> Steps:
        """Wait for at least one reply, however slowly its octets drip in."""
        sock, session = self._socket, self.session
        if self._is_held:
            _switch_on(sock, socket.TCP_NODELAY)  # sends what is held
            self._is_held = False
        message, is_answer = session.awaited
        began = monotonic()
        timeout = self._timeouts.data if is_answer else self._timeouts.command
        deadline = began + min(timeout, message.time_left)
        try:
            while True:
                if self._has_read and _QUICKACK is not None:
                    # A server that writes reply after reply waits for the acknowledgement of one before it
                    # sends the next (Nagle's algorithm), and the kernel would delay that by 40 ms.
                    _switch_on(sock, _QUICKACK)
                self._has_read = True
                if session.receive_data((yield from _receive(sock, deadline))):
                    break
                if monotonic() > deadline:
                    raise ConnectionLost("the server did not answer in time")
        finally:
            message.time_left -= monotonic() - began
        if session.question is not None:
            session.answer((yield Question(session.question)))
        if is_answer and cancellation.current.get() is not None and not session.open_contents():
            cancellation.register_abort(self.client)


def _send(sock: socket.socket, data: memoryview, flags: int, deadline: float) -> Steps:
    """Write all of ``data``; raise OSError if that fails, or takes longer."""
    while data:
        try:
            data = data[sock.send(data, flags) :]
        except (BlockingIOError, ssl.SSLWantWriteError):
            is_write = True
        except ssl.SSLWantReadError:
            is_write = False
        else:
            continue
        if not (yield Readiness(sock, is_write, deadline)):
            raise TimeoutError


def _receive(sock: socket.socket, deadline: float) -> Steps:
    """Return what the server sends next."""
    is_write = False
    while True:
        if not (isinstance(sock, ssl.SSLSocket) and sock.pending()) and not (
            yield Readiness(sock, is_write, deadline)
        ):
            raise ConnectionLost("the server did not answer in time")
        try:
            octets = sock.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError):
            is_write = False
        except ssl.SSLWantWriteError:
            is_write = True
        except OSError as error:
            raise ConnectionLost(f"the connection broke: {error.strerror or error}") from None
        else:
            if not octets:
                raise ConnectionLost("the server closed the connection")
            return octets


def _switch_on(sock: socket.socket, option: int) -> None:
    try:  # noqa: SIM105 - suppress() takes longer than the call
        sock.setsockopt(socket.IPPROTO_TCP, option, 1)
    except OSError:  # not TCP
        pass


def hang_up(client: smtplib.SMTP) -> None:
    """Send QUIT and close the connection, whatever the server answers."""
    if (sock := getattr(client, "sock", None)) is None:
        return
    try:
        sock.settimeout(_QUIT_TIMEOUT)
        if isinstance(client, SMTPClient):
            client.reply_timeout = min(client.reply_timeout, _QUIT_TIMEOUT)
        client.docmd("QUIT")
    except OSError:  # it was closed already, or is now: QUIT changes nothing about what was sent
        pass
    finally:
        client.close()


def hang_up_all(clients: Iterable[smtplib.SMTP]) -> None:
    """Do so for several clients at once."""
    for thread in [in_thread(partial(hang_up, client)) for client in clients]:
        thread.join()


def in_thread(function: Callable[[], object]) -> threading.Thread:
    """Call a function in a thread of its own, in this context."""
    thread = threading.Thread(target=copy_context().run, args=(function,), name="aerogram-smtp", daemon=True)
    thread.start()
    return thread


def _last_words(sock: socket.socket, timeout: float) -> tuple[bytes, bool]:
    """Return what the server says within ``timeout``, and whether it closes the connection then."""
    octets, deadline = b"", monotonic() + timeout
    try:
        while len(octets) < _LAST_WORDS_LIMIT:
            sock.settimeout(max(deadline - monotonic(), 0))
            if not (chunk := sock.recv(65536)):
                return octets, True
            octets += chunk
    except OSError as error:
        return octets, isinstance(error, ConnectionError)  # it closed without reading what came behind
    return octets, False
