"""A connection to an SMTP server up to the login: ``smtplib``'s, with bounded waits and verified TLS."""

from __future__ import annotations

import ipaddress
import re
import smtplib
import socket
import ssl
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from aerogram.conf import settings
from aerogram.conf.schema import HOST_NAME
from aerogram.exceptions import ImproperlyConfigured
from aerogram.mail.address.dns_name import DNS_NAME
from aerogram.mail.characters import clean_text
from aerogram.mail.delivery import cancellation
from aerogram.mail.smtp.auth import authenticate
from aerogram.mail.smtp.options import SMTPOptions
from aerogram.mail.smtp.replies import ConnectionLost, Reply, ReplyParser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["SMTPClient", "SMTPSSLClient", "connect", "ehlo_name", "tls_context"]


class SMTPClient(smtplib.SMTP):
    """An SMTP connection whose every wait ends, in plain text until :meth:`starttls`.

    ``timeout`` is for the connection, ``reply_timeout`` for each whole reply, however slowly it drips in.
    The certificate must be for ``tls_server_name`` or the host; :func:`tls_context` is the default context.
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
        if timeout is not None and not timeout:
            raise ValueError("Non-blocking socket (timeout=0) is not supported: give seconds above 0")
        self.reply_timeout = reply_timeout
        self.tls_server_name = tls_server_name or host
        self._context = context
        self._parser = ReplyParser()
        # Named, since smtplib.SMTP_SSL's own constructor would make another context.
        smtplib.SMTP.__init__(self, host, port, local_hostname, timeout)  # type: ignore[arg-type]  # None: no limit

    def _get_socket(self, host: str, port: int, timeout: float | None) -> socket.socket:
        cancellation.check()
        sock = socket.create_connection((host, port), timeout, self.source_address)
        self.sock = sock
        try:
            cancellation.register_abort(self)
            # Small command groups follow larger contents and must not wait for the other side's delayed ACK.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(self.reply_timeout)
            return self._encrypted(sock, None) if isinstance(self, smtplib.SMTP_SSL) else sock
        except OSError:
            self.close()
            raise

    def _encrypted(self, sock: socket.socket, context: ssl.SSLContext | None) -> ssl.SSLSocket:
        # The default context is made here, not before: it reads the system's whole list of authorities.
        context = context or self._context or tls_context()
        return context.wrap_socket(sock, server_hostname=self.tls_server_name)

    def starttls(self, *args: Any, context: ssl.SSLContext | None = None) -> tuple[int, bytes]:
        """Change to TLS, never falling back to plain text, and forget what was said before (RFC 3207)."""
        if args:
            raise TypeError("starttls() takes context= only; load certificates into the context")
        self.ehlo_or_helo_if_needed()
        if not self.has_extn("starttls"):
            raise smtplib.SMTPNotSupportedError("STARTTLS extension not supported by server.")
        code, text = self.docmd("STARTTLS")
        if code != 220:
            raise smtplib.SMTPResponseException(code, clean_text(text))
        if self._parser or self.sock is None:
            self.close()
            raise ConnectionLost(
                "the server, or an attacker on the way, sent plain text behind its reply to STARTTLS"
            )
        self.sock = self._encrypted(self.sock, context)
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False
        return code, text

    def getreply(self) -> Reply:
        """Read one whole reply, or close the connection: a later one could not be matched to its command."""
        deadline = monotonic() + self.reply_timeout
        try:
            while (reply := self._parser.next_reply()) is None:
                if self.sock is None:
                    raise ConnectionLost("not connected")
                self._parser.feed(_receive(self.sock, deadline))
        except ConnectionLost:
            self.close()
            raise
        return reply

    def close(self) -> None:
        """Close the connection at once, without QUIT."""
        self._parser = ReplyParser()
        cancellation.forget(self)
        super().close()


class SMTPSSLClient(SMTPClient, smtplib.SMTP_SSL):
    """An :class:`SMTPClient` with TLS from the first octet."""


def connect(options: SMTPOptions, kind: type[smtplib.SMTP], context: ssl.SSLContext | None) -> smtplib.SMTP:
    """Return a connection of a class on which mail may be sent, or leave none.

    ``context`` is for TLS, where the options ask for it. The type of an error stays what callers catch; its
    text names the server.
    """
    # Without a name of its own smtplib would look for one, which may take seconds.
    name = options.local_hostname or "localhost"
    arguments: dict[str, Any] = {"local_hostname": name, "timeout": options.timeouts.connect}
    if options.use_ssl:
        arguments["context"] = context
    if issubclass(kind, SMTPClient):
        arguments["reply_timeout"] = options.timeouts.command
        arguments["tls_server_name"] = options.tls_server_name
    with _server_named(options.host, options.port):
        client = kind(options.host, options.port, **arguments)
        try:
            if options.local_hostname is None and client.sock is not None:
                client.local_hostname = ehlo_name(client.sock)
            client.ehlo_or_helo_if_needed()
            if options.use_tls:
                client.starttls(context=context)
                client.ehlo_or_helo_if_needed()
            _log_in(client, options)
        except BaseException:
            client.close()
            raise
    return client


def _log_in(client: smtplib.SMTP, options: SMTPOptions) -> None:
    if options.auth_token is None and not (options.username and options.password):
        return
    is_safe = isinstance(client.sock, ssl.SSLSocket) or _is_local(client.sock)
    if not (is_safe or options.allow_plaintext_auth):
        raise ImproperlyConfigured(
            f"The login to {options.host} would cross the network in plain text. Set EMAIL_USE_TLS or "
            f"EMAIL_USE_SSL, or pass allow_plaintext_auth=True where the network is trusted."
        )
    token = options.auth_token() if options.auth_token is not None else None
    authenticate(client, options.username, options.password, token)


def _is_local(sock: socket.socket | None) -> bool:
    """Return whether the other end is on this machine."""
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return sock is not None
    return ipaddress.ip_address(sock.getpeername()[0].partition("%")[0]).is_loopback


def _receive(sock: socket.socket, deadline: float) -> bytes:
    """Return what the server sends until the deadline, by the monotonic clock."""
    try:
        sock.settimeout(max(deadline - monotonic(), 0.001))  # 0 would make it non-blocking
        octets = sock.recv(65536)
    except TimeoutError:
        raise ConnectionLost("the server did not answer in time") from None
    except OSError as error:
        raise ConnectionLost(f"the connection broke: {error.strerror or error}") from None
    if not octets:
        raise ConnectionLost("the server closed the connection")
    return octets


def ehlo_name(sock: socket.socket) -> str:
    """Return the name of this host for EHLO: its domain, or an address literal (RFC 5321 section 4.1.4)."""
    name = DNS_NAME.get_fqdn()
    if re.fullmatch(HOST_NAME, name) and not name.endswith(".localdomain"):
        return name
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return "[127.0.0.1]"
    address = ipaddress.ip_address(sock.getsockname()[0].partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return f"[{address}]"
    return f"[{address.ipv4_mapped}]" if address.ipv4_mapped else f"[IPv6:{address}]"


def tls_context(certfile: str | Path | None = None, keyfile: str | Path | None = None) -> ssl.SSLContext:
    """Return a context that verifies the server's certificate and name, with TLS 1.2 or newer.

    The two PEM files are the client's certificate with its chain, and its key where that is not in there.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if keyfile and not certfile:
        raise ImproperlyConfigured(
            f"ssl_keyfile is {str(keyfile)!r} but ssl_certfile is not set: "
            f"set the certificate, too (EMAIL_SSL_CERTFILE or ssl_certfile=)."
        )
    if certfile:
        try:
            context.load_cert_chain(certfile, keyfile or None)
        except OSError as error:
            raise ImproperlyConfigured(
                f"The client certificate {str(certfile)!r} (ssl_certfile) with the key "
                f"{str(keyfile or certfile)!r} (ssl_keyfile) cannot be loaded ({error.strerror or error}): "
                f"use PEM files of one certificate and its key."
            ) from error
    return context


@contextmanager
def _server_named(host: str, port: int) -> Iterator[None]:
    """Make the error of a failed connection name the server."""
    server = f"(SMTP server {clean_text(host)}:{port})"
    try:
        yield
    except smtplib.SMTPResponseException as error:
        classes = (_ConnectError, _HeloError, _AuthenticationError, _ReadableResponse)
        plain = next(each for each in classes if isinstance(error, each.__bases__[-1]))
        text = f"{clean_text(error.smtp_error)} {server}"
        raise plain(error.smtp_code, text).with_traceback(error.__traceback__) from None
    except OSError as error:
        if settings.source_of("EMAIL_HOST") == "the default" and host == settings.EMAIL_HOST:
            server = f"{server}. EMAIL_HOST is not set. Looked {settings.where_looked()}."
        if error.strerror:
            error.strerror = f"{error.strerror} {server}"
        else:
            error.args = (f"{error} {server}",)
        raise


class _ReadableResponse(smtplib.SMTPResponseException):
    """An error of ``smtplib`` that is shown as ``535 5.7.8 no`` instead of a tuple."""

    def __str__(self) -> str:
        return f"{self.smtp_code} {self.smtp_error!s}"


class _ConnectError(_ReadableResponse, smtplib.SMTPConnectError): ...


class _HeloError(_ReadableResponse, smtplib.SMTPHeloError): ...


class _AuthenticationError(_ReadableResponse, smtplib.SMTPAuthenticationError): ...
