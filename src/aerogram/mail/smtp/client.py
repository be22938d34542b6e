"""A connection to an SMTP server: ``smtplib``'s, with bounded waits, strict replies and verified TLS."""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
import sys
from functools import lru_cache
from time import monotonic
from typing import Any, NoReturn

from aerogram.mail.delivery import cancellation
from aerogram.mail.smtp.auth import authenticate
from aerogram.mail.smtp.replies import ConnectionLost, clean_text
from aerogram.mail.smtp.tls import default_context

__all__ = ["SMTPClient", "SMTPSSLClient"]

_LINE_LIMIT = 8192  # RFC 5321 section 4.5.3.1.5 asks for 512; some servers write essays
_REPLY_LIMIT = 65536
_LAST_WORDS_TIMEOUT = 0.5
_ONE_LINE = re.compile(rb"([2-5][0-9][0-9])(?: (.*)|\r?)")
# Linux has these. Elsewhere a message may cost the server two reads instead of one, and a client 40 ms where
# a server writes a reply in two pieces.
_MORE: int = getattr(socket, "MSG_MORE", 0)
_CORK: int | None = getattr(socket, "TCP_CORK", None)
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)
_RECORD = 16_384  # octets of a TLS record
_SLACK = 0.01  # seconds that a wait may last longer, so that not each one sets the socket's timeout anew


class SMTPClient(smtplib.SMTP):
    """An SMTP connection whose every wait ends, in plain text until :meth:`starttls`.

    Args:
        host: the server's name or address.
        port: its port.
        local_hostname: the name said in EHLO.
        timeout: seconds to wait for the connection to come about.
        reply_timeout: seconds to wait for each whole reply, however slowly its octets drip in. May be set
            anew before each command.
        tls_server_name: the name the server's certificate must be for, where that is not ``host``.
        context: the TLS context; by default certificates and host names are verified, TLS 1.2 or newer.

    Raises:
        OSError: no connection; ``smtplib.SMTPException``, which is one, when the server does not greet.
    """

    def __init__(
        self,
        host: str = "",
        port: int = 0,
        local_hostname: str | None = None,
        timeout: float | None = 10.0,
        *,
        reply_timeout: float = 60.0,
        tls_server_name: str | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.reply_timeout = reply_timeout
        self.tls_server_name = tls_server_name or host
        self._context = context
        self._buffer = bytearray()
        self._lines: list[bytes] = []  # of a reply that has more
        self.shared = False  # see share()
        self._heard = False  # whether something was read since the last send
        # Named, since smtplib.SMTP_SSL's own constructor would make another context.
        smtplib.SMTP.__init__(self, host, port, local_hostname, timeout)  # type: ignore[arg-type]  # None: no limit

    def connect(
        self, host: str = "localhost", port: int = 0, source_address: Any = None
    ) -> tuple[int, bytes]:
        """Connect and return the greeting."""
        if self.timeout is not None and not self.timeout:
            raise ValueError("Non-blocking socket (timeout=0) is not supported: give seconds above 0")
        self._buffer.clear()
        self._lines.clear()
        cancellation.check()
        sock = socket.create_connection((host, port or self.default_port), self.timeout, source_address)
        self.sock = sock
        try:
            cancellation.register_abort(self)
        except OSError:
            self.close()
            raise
        self.sock = self._prepared(sock)
        # Small command groups follow larger contents and shall not wait for the other side's delayed ACK.
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.getreply()

    def _prepared(self, sock: socket.socket) -> socket.socket:
        return sock

    def _encrypted(self, sock: socket.socket | None, context: ssl.SSLContext | None) -> ssl.SSLSocket:
        if sock is None:
            raise ConnectionLost("not connected")
        sock.settimeout(self.reply_timeout)
        # Made only when it is needed: that reads the system's whole list of authorities.
        context = context or self._context or default_context()
        return context.wrap_socket(sock, server_hostname=self.tls_server_name)

    def starttls(self, *args: Any, context: ssl.SSLContext | None = None, **kwargs: Any) -> tuple[int, bytes]:
        """Change to TLS with a verified certificate; what the server said before is forgotten (RFC 3207).

        Raises:
            SMTPNotSupportedError: the server does not offer it; there is no falling back to plain text.
            SMTPResponseException: the server refuses.
            ConnectionLost: text came in the clear behind the answer, which only an attacker would put there.
        """
        if args or kwargs:
            raise TypeError("starttls() takes context= only; load certificates into the context")
        self.ehlo_or_helo_if_needed()
        if not self.has_extn("starttls"):
            raise smtplib.SMTPNotSupportedError("STARTTLS extension not supported by server.")
        code, text = self.docmd("STARTTLS")
        if code != 220:
            raise smtplib.SMTPResponseException(code, clean_text(text))
        if self._buffer:
            self._give_up("the server, or somebody in between, sent plain text behind its answer to STARTTLS")
        self.sock = self._encrypted(self.sock, context)
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False
        return code, text

    def login(self, user: str, password: str, **_: object) -> tuple[int, bytes]:
        """Authenticate; see :func:`aerogram.mail.smtp.auth.authenticate`."""
        return authenticate(self, user, password)

    def send(self, s: Any, *, more: bool = False) -> None:
        """Send text or octets. When that fails, what the server said before it hung up can still be read.

        Args:
            s: what to send.
            more: something follows at once, so the kernel may keep the last packet for it, 200 ms at most.

        Raises:
            ConnectionLost: the connection broke. It is closed, and :meth:`getreply` gives the replies that
                had arrived, one by one, before it raises, too.
        """
        if self.debuglevel > 0:
            self._print_debug("send:", repr(s))  # type: ignore[attr-defined]  # smtplib's; no stub has it
        data = s.encode(self.command_encoding) if isinstance(s, str) else s
        sys.audit("smtplib.send", self, data)
        sock = self.sock or self._connected()
        flags = _MORE if more and not isinstance(sock, ssl.SSLSocket) else 0
        try:
            sent = self._sent_at_once(sock, data, flags) if self.shared else 0
            if sent < len(data):
                self._send_rest(sock, data[sent:], flags)
        except OSError:
            self._break_off(sock)
        self._heard = False

    def _sent_at_once(self, sock: socket.socket, data: bytes | memoryview, flags: int = 0) -> int:
        try:
            return sock.send(data, flags)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0  # no room now

    def _send_rest(self, sock: socket.socket, data: bytes, flags: int) -> None:
        if self.shared:  # so little did not fit: rare enough to wait for
            sock.settimeout(self.reply_timeout)
        sock.sendall(data, flags)
        if self.shared:
            sock.setblocking(False)

    def send_some(self, data: memoryview, timeout: float) -> int:
        """Send the beginning of ``data``, as much as there is room for, and return how many octets that was.

        Raises:
            ConnectionLost: as :meth:`send` does; or there was no room for ``timeout`` seconds.
        """
        sock = self._connected()
        if isinstance(sock, ssl.SSLSocket):
            data = data[:_RECORD]  # it sends all it is given, however long that takes
        try:
            if timeout <= 0:
                raise TimeoutError
            if self.shared:
                sent = self._sent_at_once(sock, data)
            else:
                sock.settimeout(timeout)
                sent = sock.send(data)
        except OSError:
            self._break_off(sock)
        self._heard = False
        return sent

    def _connected(self) -> socket.socket:
        if self.sock is None:
            raise ConnectionLost("not connected")
        return self.sock

    def _break_off(self, sock: socket.socket) -> NoReturn:
        """Close a connection that cannot be written to, but keep what can still be read from it."""
        sock.settimeout(0 if self.shared else _LAST_WORDS_TIMEOUT)
        with contextlib.suppress(OSError):
            while (chunk := sock.recv(65536)) and len(self._buffer) < _REPLY_LIMIT:
                self._buffer += chunk
        unread, lines = bytes(self._buffer), list(self._lines)
        self.close()
        self._buffer += unread
        self._lines += lines
        raise ConnectionLost("the connection broke while something was written") from None

    def arrived(self, count: int) -> list[tuple[int, bytes]] | None:
        """Return the next ``count`` replies where all are here and have one line each, else ``None``."""
        lines = bytes(self._buffer).split(b"\n", count)
        if len(lines) <= count or self._lines:
            return None
        rest = lines.pop()
        replies = [_reply_of(line) for line in lines]
        if None in replies:
            return None
        self._buffer[:] = rest
        return replies  # type: ignore[return-value]  # there is no None in it

    def getreply(self) -> tuple[int, bytes]:
        """Read one whole reply within ``reply_timeout`` seconds: its code, and its lines joined by newlines.

        Raises:
            ConnectionLost: the connection ended, the time ran out, or that was no SMTP reply. The connection
                is closed then, since nobody can know what a later reply answers.
        """
        deadline = monotonic() + self.reply_timeout
        while (reply := self.next_reply()) is None:
            self.receive(deadline - monotonic())
        return reply

    def next_reply(self) -> tuple[int, bytes] | None:
        """Return the next reply if the whole of it has been received.

        Raises:
            ConnectionLost: that was no SMTP reply: a line longer than 8192 octets, without a code between 200
                and 599, or with another code than the line before.
        """
        buffer, lines = self._buffer, self._lines
        if not buffer:
            return None
        while 0 <= (end := buffer.find(b"\n")) <= _LINE_LIMIT:
            line = bytes(buffer[: end + 1])
            del buffer[: end + 1]
            code = line[:3]
            if line[3:4] not in b" -\r\n" or not (code.isdigit() and b"200" <= code < b"600"):
                self._give_up(f"the server's answer is not SMTP: {clean_text(line)[:80]!r}")
            lines.append(line)
            if lines[0][:3] != code or sum(map(len, lines)) > _REPLY_LIMIT:
                self._give_up(f"the server's answer does not hold together: {clean_text(line)[:80]!r}")
            if line[3:4] != b"-":
                text = b"\n".join([line[4:].strip(b" \t\r\n") for line in lines])
                lines.clear()
                return int(code), text
        if end > _LINE_LIMIT or len(buffer) > _LINE_LIMIT:
            self._give_up(f"a line of the server's answer is longer than {_LINE_LIMIT} octets")
        return None

    def receive(self, timeout: float) -> None:
        """Take in what the server sends next, or has sent; wait for it ``timeout`` seconds at most.

        Args:
            timeout: seconds that are left; a shared connection does not wait.

        Raises:
            ConnectionLost: the connection ended, or the time is over.
        """
        sock = self.sock or self._connected()
        is_late = timeout <= 0
        try:
            if is_late:
                sock.settimeout(0)  # perhaps the answer has come while this process was at something else
            elif not (self.shared or 0 < (sock.gettimeout() or 0) <= timeout + _SLACK):
                sock.settimeout(timeout)
            if self._heard and _QUICKACK is not None:
                # A server that writes reply after reply waits for the acknowledgement of one before it sends
                # the next (Nagle's algorithm), and the kernel would delay that by 40 ms.
                with contextlib.suppress(OSError):  # not TCP
                    sock.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
            chunk = sock.recv(65536)
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            if is_late:
                self._give_up("the server did not answer in time")
            return
        except OSError as error:
            self._give_up(f"the connection broke: {error.strerror or error}")
        if not chunk:
            self._give_up("the server closed the connection")
        self._heard = True
        self._buffer += chunk

    def is_closing(self) -> bool:
        """Tell whether the server ends the connection within half a second, and says nothing more."""
        if self.sock is None:
            return not self._buffer
        try:
            self.sock.settimeout(_LAST_WORDS_TIMEOUT)
            return not (self._buffer or self.sock.recv(1))
        except OSError as error:
            return isinstance(error, ConnectionError)  # it closed without reading what came behind

    def share(self, shared: bool) -> None:
        """Say whether the thread has other connections, which wait while this one does: then it does not."""
        self.shared = shared
        if self.sock is not None:
            self.sock.settimeout(0 if shared else self.reply_timeout)

    def readable(self) -> bool:
        """Whether TLS holds something already that the socket does not know of."""
        return isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0

    def push(self) -> None:
        """Send what the kernel keeps of a :meth:`send` that announced more."""
        if _CORK is not None and self.sock is not None:
            with contextlib.suppress(OSError):  # not TCP
                self.sock.setsockopt(socket.IPPROTO_TCP, _CORK, 0)

    def _give_up(self, text: str) -> NoReturn:
        self.close()
        raise ConnectionLost(text) from None

    def close(self) -> None:
        """Close the connection at once, without a word."""
        self._buffer.clear()
        self._lines.clear()
        cancellation.forget(self)
        super().close()


class SMTPSSLClient(SMTPClient, smtplib.SMTP_SSL):
    """The same, speaking TLS from the first octet."""

    def _prepared(self, sock: socket.socket) -> socket.socket:
        return self._encrypted(sock, None)


@lru_cache(maxsize=64)  # servers say the same to each MAIL, RCPT and DATA
def _reply_of(line: bytes) -> tuple[int, bytes] | None:
    """Read a reply of one line, without its line feed."""
    found = _ONE_LINE.fullmatch(line) if len(line) < _LINE_LIMIT else None
    return (int(found[1]), (found[2] or b"").strip(b" \t\r")) if found else None
