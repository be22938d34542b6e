"""The driver of a session: writes what it gives to the socket, and waits for what it awaits."""

from __future__ import annotations

import smtplib
import socket
import ssl
from time import monotonic
from typing import NamedTuple

from aerogram.mail.delivery import cancellation
from aerogram.mail.smtp.client import SMTPClient, receive
from aerogram.mail.smtp.replies import ConnectionLost, is_goodbye
from aerogram.mail.smtp.session import Session
from aerogram.mail.smtp.transaction import OutgoingMessage

__all__ = ["Driver", "Timeouts", "hang_up"]

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

    def get_ready(self) -> None:
        """Wait until the next message may begin; a content that it may follow is written together with it."""
        while not self.session.is_ready:
            self._write()
            self._read()

    def send(self, message: OutgoingMessage, *, ahead: bool = False) -> None:
        """Begin a transaction for ``message``, and wait until its content is written; its answer comes later.

        With ``ahead``, wait until its commands are written: the server works while the next message is
        prepared, whose commands then go out together with this content.
        """
        session = self.session
        session.begin(message)
        self._write()
        ahead = ahead and message.size <= _AHEAD
        while session.has_commands if ahead else not session.is_ready:
            self._read()
            self._write()
        self.last_used = monotonic()

    def settle(self) -> None:
        """Write what is left, and read the replies that are still to come."""
        while self.session.is_waiting:
            self._write()
            self._read()
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

    def _write(self) -> None:
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
            began = monotonic()
            try:
                sock.settimeout(max(min(self._timeouts.command, message.time_left), 0.001))
                sock.sendall(left[:_BLOCK], flags)
            except OSError:
                # This raises the reason, if the server gave one.
                self.session.receive_data(_last_words(sock, 0)[0])
                raise ConnectionLost("the connection broke while something was written") from None
            finally:
                message.time_left -= monotonic() - began
            left = left[_BLOCK:]
        self.session.data_sent()
        self._is_held = is_held
        self._has_read = False

    def _read(self) -> None:
        """Wait for at least one reply, however slowly its octets drip in."""
        sock = self._socket
        if self._is_held:
            _switch_on(sock, socket.TCP_NODELAY)  # sends what is held
            self._is_held = False
        message, is_answer = self.session.awaited
        began = monotonic()
        timeout = self._timeouts.data if is_answer else self._timeouts.command
        deadline = began + min(timeout, message.time_left)
        is_complete = False
        try:
            while not is_complete:
                if self._has_read and _QUICKACK is not None:
                    # A server that writes reply after reply waits for the acknowledgement of one before it
                    # sends the next (Nagle's algorithm), and the kernel would delay that by 40 ms.
                    _switch_on(sock, _QUICKACK)
                self._has_read = True
                is_complete = self.session.receive_data(receive(sock, deadline))
        finally:
            message.time_left -= monotonic() - began
        if is_answer and cancellation.current.get() is not None and not self.session.open_contents():
            cancellation.register_abort(self.client)


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
