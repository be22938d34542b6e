"""One open connection: what its session gives goes to the socket, and what the socket says to the session.

No method waits, except :meth:`Driver.hear_out`, for half a second at most. :attr:`Driver.events` and
:attr:`Driver.deadline` say what for and how long :class:`aerogram.mail.smtp.loop.Loop` is to wait.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from selectors import EVENT_READ, EVENT_WRITE
from time import monotonic
from typing import NamedTuple

from aerogram.mail.delivery import cancellation
from aerogram.mail.smtp.client import SMTPClient
from aerogram.mail.smtp.options import Timeouts
from aerogram.mail.smtp.replies import ConnectionLost, is_goodbye
from aerogram.mail.smtp.session import Session
from aerogram.mail.smtp.transaction import OutgoingMessage

__all__ = ["NEVER", "Driver", "Farewell", "hang_up", "in_thread"]

NEVER = float("inf")
_BLOCK = 1 << 18  # octets of content for which one command timeout is allowed
_AHEAD = 1 << 18  # octets of a content that may wait for the commands of the next message
_LAST_WORDS_TIMEOUT = 0.5
_LAST_WORDS_LIMIT = 1 << 20
_QUIT_TIMEOUT = 5.0
# Linux has these. Elsewhere a message may cost the server two reads instead of one, and the client 40 ms
# where a server writes a reply in two pieces.
_MORE: int = getattr(socket, "MSG_MORE", 0)
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)


class Farewell(NamedTuple):
    """Why a connection was lost, and what was heard of the server then."""

    error: BaseException
    octets: bytes = b""
    is_closed: bool = False  # by the server


class Driver:
    """Carries the octets of a session over the socket of a connection that has passed EHLO, TLS and login.

    A method that raises ``OSError`` has lost the connection; :meth:`end` closes it then. A plain
    ``smtplib.SMTP`` will do for a client.
    """

    def __init__(self, client: smtplib.SMTP, session: Session, timeouts: Timeouts) -> None:
        if client.sock is None:
            raise ConnectionLost("not connected")
        self.client = client
        self.sock: socket.socket = client.sock
        self.session = session
        self.last_used: float = monotonic()
        self.events: int = EVENT_READ  # of the socket that are waited for
        self.deadline: float = NEVER  # of the wait
        self.is_held: bool = False  # whether the kernel keeps the end of a content for the group behind it
        self._timeouts = timeouts
        self._waiting: OutgoingMessage | None = None  # whose time the wait costs
        self._began = 0.0
        self.is_writing: bool = False  # whether the socket has not taken everything yet
        self._left = memoryview(b"")  # to write
        self._block_end = 0  # octets that are left when the block that is waited for is written
        self._has_read = False  # since the last write

    def set_blocking(self, blocking: bool) -> None:
        """Make the socket block, for others who use the client, or not, for the loop."""
        if self.client.sock is not None:
            self.sock.settimeout(self._timeouts.command if blocking else 0)

    def may_hold(self) -> bool:
        """Return whether the content that comes next may wait for the commands of the next message."""
        session = self.session
        return (
            session.is_ready and not session.capabilities.chunking and sum(map(len, session.output)) <= _AHEAD
        )

    def proceed(self) -> None:
        """Do what the socket is ready for."""
        if self.is_writing:
            self._write_left()
        else:
            self._read()

    def write(self) -> None:
        """Write what the session gives, as far as the socket takes it."""
        session = self.session
        if cancellation.current.get() is not None and session.open_contents():
            cancellation.forget(self.client)  # from now on the connection is kept
            cancellation.check()
        # The next group will follow this content: the kernel keeps the last packet for it, 200 ms at most.
        self.is_held = session.is_ready and session.follows_contents
        self._left = memoryview(session.data_to_send())
        self.is_writing = True
        self._end_wait()
        self._write_left()

    def _write_left(self) -> None:
        sock = self.sock
        flags = _MORE if self.is_held and not isinstance(sock, ssl.SSLSocket) else 0
        try:
            while self._left:
                self._left = self._left[sock.send(self._left[:_BLOCK], flags) :]
                self.session.data_sent(len(self._left))
        except (BlockingIOError, ssl.SSLWantWriteError):
            self._wait_to_write(EVENT_WRITE)
        except ssl.SSLWantReadError:
            self._wait_to_write(EVENT_READ)
        except OSError:
            self._fail_to_write()
        else:
            self._end_wait()
            self.is_writing = self._has_read = False

    def _wait_to_write(self, events: int) -> None:
        self.events = events
        if self._waiting is None or len(self._left) <= self._block_end:
            self._block_end = len(self._left) - _BLOCK
            self._end_wait()
            self._begin_wait()

    def _fail_to_write(self) -> None:
        # This raises the reason, if the server gave one.
        self.session.receive_data(_last_words(self.sock, 0)[0])
        raise ConnectionLost("the connection broke while data was being written") from None

    def _read(self) -> None:
        """Pass on what the server says, however slowly the octets of a reply drip in."""
        sock, session = self.sock, self.session
        self._has_read = True
        self.events = EVENT_READ
        try:
            completed = session.receive_data(_receive(sock))
            while isinstance(sock, ssl.SSLSocket) and sock.pending():  # no event tells of it
                completed = session.receive_data(_receive(sock)) or completed
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except ssl.SSLWantWriteError:
            self.events = EVENT_WRITE
            return
        if completed:
            self._end_wait()
            if cancellation.current.get() is not None and not session.open_contents():
                cancellation.register_abort(self.client)

    def wait(self) -> None:
        """Begin the wait for the next reply; a wait that is under way goes on."""
        if self._waiting is None:
            self.events = EVENT_READ
            self._begin_wait()
        if self._has_read and _QUICKACK is not None:
            # A server that writes reply after reply waits for the acknowledgement of one before it sends the
            # next (Nagle's algorithm), and the kernel would delay that by 40 ms.
            _switch_on(self.sock, _QUICKACK)

    def let_go(self) -> None:
        """Send what the kernel holds: nothing follows it before the answer."""
        self.is_held = False
        _switch_on(self.sock, socket.TCP_NODELAY)

    def time_out(self) -> None:
        """Raise :class:`ConnectionLost`, because the deadline of the wait has passed."""
        if self.is_writing:
            self._fail_to_write()
        raise ConnectionLost("the server did not answer in time")

    def extend_deadline(self, seconds: float) -> None:
        """Extend the deadline of the wait that is under way by ``seconds``, which the caller has used."""
        self._began += seconds
        self.deadline += seconds

    def _begin_wait(self) -> None:
        self._waiting, is_content = self.session.awaited
        timeout = self._timeouts.data if is_content and not self.is_writing else self._timeouts.command
        self._began = monotonic()
        self.deadline = self._began + min(timeout, self._waiting.time_left)

    def _end_wait(self) -> None:
        if self._waiting is not None:
            self.last_used = monotonic()
            self._waiting.time_left -= self.last_used - self._began
            self._waiting = None
        self.deadline = NEVER

    def may_explain(self, error: BaseException) -> bool:
        """Return whether the fate of a content depends on what the server says and does after ``error``."""
        return is_goodbye(error) and bool(self.session.open_contents())

    def hear_out(self, error: BaseException) -> Farewell:
        """Wait for what the server says behind a 421, and whether it closes the connection, as it has to."""
        return Farewell(error, *_last_words(self.sock, _LAST_WORDS_TIMEOUT))

    def end(self, farewell: Farewell, *, is_ours: bool = False) -> list[OutgoingMessage]:
        """Close a lost connection at once, without QUIT; return the messages that were interrupted."""
        self._end_wait()
        self.client.close()
        error, octets, is_closed = farewell
        is_ours = is_ours or cancellation.is_cancelled()
        return self.session.end(error, octets, is_closed=is_closed, is_ours=is_ours)


def _receive(sock: socket.socket) -> bytes:
    try:
        octets = sock.recv(65536)
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        raise
    except OSError as error:
        raise ConnectionLost(f"the connection broke: {error.strerror or error}") from None
    if not octets:
        raise ConnectionLost("the server closed the connection")
    return octets


def _switch_on(sock: socket.socket, option: int) -> None:
    try:  # noqa: SIM105 - suppress() takes longer than the call
        sock.setsockopt(socket.IPPROTO_TCP, option, 1)
    except OSError:  # not TCP
        pass


def hang_up(*clients: smtplib.SMTP) -> None:
    """Send QUIT and close the connections, whatever the servers answer."""
    deadline = monotonic() + _QUIT_TIMEOUT
    for client in clients:
        if (sock := getattr(client, "sock", None)) is not None:
            # It was closed already, or is now: QUIT changes nothing about what was sent.
            with suppress(OSError):
                sock.settimeout(_QUIT_TIMEOUT)
                client.putcmd("QUIT")
    for client in clients:
        if (sock := getattr(client, "sock", None)) is not None:
            with suppress(OSError):
                seconds = max(deadline - monotonic(), 0.001)
                sock.settimeout(seconds)
                if isinstance(client, SMTPClient):
                    client.reply_timeout = min(client.reply_timeout, seconds)
                client.getreply()
            client.close()


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
