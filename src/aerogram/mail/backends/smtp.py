"""Sends mail to an SMTP server: the default backend."""

from __future__ import annotations

import copy
import os
import smtplib
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import chain
from time import monotonic, sleep
from typing import Any, NoReturn

from aerogram.exceptions import ImproperlyConfigured
from aerogram.mail.backends.base import BaseEmailBackend
from aerogram.mail.delivery.dispatch import NOTHING_YET, Delivery
from aerogram.mail.smtp.batch import Batch
from aerogram.mail.smtp.capabilities import Capabilities, ContentPipelining, PipeliningMode
from aerogram.mail.smtp.client import SMTPClient, SMTPSSLClient, connect, tls_context
from aerogram.mail.smtp.driver import Driver, hang_up
from aerogram.mail.smtp.loop import Loop
from aerogram.mail.smtp.options import SMTPOptions
from aerogram.mail.smtp.pool import Pool
from aerogram.mail.smtp.session import Session
from aerogram.mail.smtp.transaction import OutgoingMessage
from aerogram.mail.wire.dkim import Signer, configured_signer
from aerogram.mail.wire.serializer import write

__all__ = ["EmailBackend", "SMTPConnection"]


class EmailBackend(SMTPOptions, BaseEmailBackend):
    """Sends messages over SMTP, and reports the outcome for each recipient.

    Django's arguments come first, by position or name; ``None`` stands for the setting in parentheses.
    ``send_messages`` goes on past a message that fails, and past a connection that breaks; the table in
    :mod:`aerogram.mail.delivery.report` says what each outcome means. Messages are signed where
    ``DKIM_DOMAIN`` is set.

    Args:
        host: the host name or address of the server (``EMAIL_HOST``).
        port: its port (``EMAIL_PORT``).
        username: the user name of the login (``EMAIL_HOST_USER``); an empty one switches the login off.
        password: the password of the login (``EMAIL_HOST_PASSWORD``).
        use_tls: STARTTLS, which is then required (``EMAIL_USE_TLS``).
        fail_silently: keep quiet about a failed connection and failed deliveries.
        use_ssl: TLS from the first octet (``EMAIL_USE_SSL``).
        timeout: seconds, the bound of every single wait (``EMAIL_TIMEOUT``). Without it 10 for the
            connection, 60 for a reply, 600 for the answer to the final dot.
        ssl_keyfile: key of the client certificate (``EMAIL_SSL_KEYFILE``).
        ssl_certfile: the client certificate (``EMAIL_SSL_CERTFILE``).
        connect_timeout: seconds for the connection, instead of ``timeout``.
        command_timeout: seconds for each reply, instead of ``timeout``.
        data_timeout: seconds for the answer to the final dot, instead of ``timeout``.
        message_timeout: seconds that all the waits of one message may last together.
        max_messages: messages over one connection before it is renewed.
        max_idle: seconds after which an unused connection is renewed.
        connections: connections that share a batch; like the first one, the others stay open if :meth:`open`
            was called before.
        local_hostname: the name of this host in EHLO (``EMAIL_LOCAL_HOSTNAME``); by default its domain name,
            or its address as ``[192.0.2.1]`` where it has none.
        rate: messages a second, at most; ``None`` for as many as can be.
        tls_server_name: the name the certificate must be for, where that is not ``host``.
        auth_token: returns a fresh OAuth 2 access token; logs in by XOAUTH2 instead of the password.
        allow_plaintext_auth: log in over a connection that is neither encrypted nor to this machine.
        chunking: send contents by BDAT (RFC 3030) to servers that offer it.
        pipelining: what goes out together where the server offers PIPELINING (``EMAIL_PIPELINING``):
            ``"content"``, a content with the commands of the next message; ``"group"``, the commands of one
            message; ``False``, nothing.
        kwargs: ignored, as Django does.

    Raises:
        ImproperlyConfigured: an option that cannot work, or two that cannot work together.
    """

    def __init__(
        self,
        host: str | None = None,
        port: int | None = None,
        username: str | None = None,
        password: str | None = None,
        use_tls: bool | None = None,
        fail_silently: bool = False,
        use_ssl: bool | None = None,
        timeout: float | None = None,
        ssl_keyfile: str | None = None,
        ssl_certfile: str | None = None,
        *,
        connect_timeout: float | None = None,
        command_timeout: float | None = None,
        data_timeout: float | None = None,
        message_timeout: float | None = None,
        max_messages: int = 100,
        max_idle: float = 9.0,
        connections: int = 1,
        rate: float | None = None,
        local_hostname: str | None = None,
        tls_server_name: str | None = None,
        auth_token: Callable[[], str] | None = None,
        allow_plaintext_auth: bool = False,
        chunking: bool = False,
        pipelining: PipeliningMode | None = None,
        **kwargs: Any,
    ) -> None:
        given = locals()
        super().__init__(fail_silently=fail_silently, **kwargs)
        self.take_options(given)
        if self.use_ssl and self.use_tls:
            raise ImproperlyConfigured(
                "EMAIL_USE_TLS/EMAIL_USE_SSL are mutually exclusive, so only set one of them to True."
            )
        self.signer: Signer | None = configured_signer()
        #: Whether several connections are served by a thread of their own, and not by the caller's.
        self.has_own_thread: bool = True
        self.connection: smtplib.SMTP | None = None
        self._drivers: list[Driver] = []  # of the open connections, of which that is the first
        self._process = os.getpid()
        self._next_slot = 0.0
        self._sending = False
        self._lock = threading.RLock()

    @property
    def password(self) -> str | None:
        """The password; kept so that it does not show in ``vars()``, a debugger or an error report."""
        return self._password()

    @password.setter
    def password(self, value: str | None) -> None:
        self._password: Callable[[], str | None] = lambda: value

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """The class of connection; a subclass may name its own."""
        return SMTPSSLClient if self.use_ssl else SMTPClient

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        """The TLS context: verified certificates, TLS 1.2 or newer, the client certificate if any."""
        return tls_context(self.ssl_certfile, self.ssl_keyfile)

    def __repr__(self) -> str:
        scheme = "smtps" if self.use_ssl else "smtp"
        return f"<{type(self).__module__}.{type(self).__qualname__} {scheme}://{self.host}:{self.port}>"

    # -- the connection --

    def open(self) -> bool | None:
        """Open a connection: greeting, EHLO, TLS and login.

        Returns:
            True for a new one, False when one was open already, None when that failed silently.

        Raises:
            OSError: no connection, or (``smtplib.SMTPException``) the server refused.
            ImproperlyConfigured: the options do not allow it; also when failing silently.
        """
        with self._lock:
            if self._process != os.getpid():
                self._forget_inherited()
            # smtplib drops the socket of a connection it found broken.
            if self.connection is not None and getattr(self.connection, "sock", self) is not None:
                return False
            self._keep([driver for driver in self._drivers if driver.client.sock is not None])
            if self.connection is not None:
                return False
            try:
                self._keep([self.new_driver()])
            except OSError:
                if not self.fail_silently:
                    raise
                return None
            return True

    def close(self) -> None:
        """Close the connection; whatever the server says to that, nothing stays open."""
        with self._lock:
            clients = dict.fromkeys([self.connection, *(driver.client for driver in self._drivers)])
            self._keep([])
            if self._process == os.getpid():
                hang_up(*(client for client in clients if client is not None))

    def _keep(self, drivers: list[Driver]) -> None:
        """Make these connections the open ones."""
        self._drivers = drivers
        self.connection = drivers[0].client if drivers else None

    def _forget_inherited(self) -> None:
        """After a fork the connection belongs to the parent: close our copy of it, without a QUIT."""
        self._process = os.getpid()
        if self.connection is not None:
            self.connection.close()
        for driver in self._drivers:
            driver.client.close()
        self._keep([])

    def new_driver(self) -> Driver:
        """Open a connection."""
        context = self.ssl_context if self.use_ssl or self.use_tls else None
        return self._driver_of(connect(self, self.connection_class, context))

    def _driver_of(self, client: smtplib.SMTP) -> Driver:
        pipelining = self.pipelining is not False
        capabilities = Capabilities(client.esmtp_features, pipelining=pipelining, chunking=self.chunking)
        # BURL (RFC 4468) is offered by Dovecot's proxy, which takes no command behind a content.
        mode = "group" if "burl" in client.esmtp_features else self.pipelining
        behind = ContentPipelining.of(self.host, self.port, mode)
        return Driver(client, Session(capabilities, behind), self.timeouts)

    def _open_drivers(self) -> list[Driver]:
        """Return the drivers of the open connections; the caller may have set :attr:`connection`."""
        client = self.connection
        if client is not None and not (self._drivers and self._drivers[0].client is client):
            client.ehlo_or_helo_if_needed()
            self._drivers.insert(0, self._driver_of(client))
        return self._drivers.copy()

    # -- sending --

    def deliver(self, delivery: Delivery) -> None:
        """Send every message of a delivery, over a connection that stays open if it was open before."""
        with self._lock:
            if self._sending:  # the caller's own code sends during a batch, which occupies the connection
                copy.copy(self).deliver(delivery)
                return
            self._sending = True
            try:
                self._send(delivery)
            finally:
                self._sending = False

    def _send(self, delivery: Delivery) -> None:
        batch = Batch(delivery, self._prepared)
        messages = iter(batch)
        if (first := next(messages, NOTHING_YET)) is not NOTHING_YET:
            self._send_batch(batch, first, chain((first,), messages), delivery)
        if batch.error is not None:
            raise batch.error

    def _send_batch(
        self, batch: Batch, first: OutgoingMessage, messages: Iterator[OutgoingMessage], delivery: Delivery
    ) -> None:
        try:
            opened = self.open()
        except Exception as error:  # of a token's callable, too
            batch.defer(messages if delivery.is_ready else (first,), error)
            raise
        if opened is None:
            delivery.fail_silently = True  # open() has said so
            batch.defer(messages, None)
            return
        has_pool = self.connections > 1 and self.has_own_thread
        ahead = has_pool or not self.has_own_thread or (delivery.is_ready and self.rate is None)
        threads = not self.has_own_thread
        loop = Loop(self._open_drivers(), self.new_driver, self, ahead=ahead, threads=threads)
        carrier = Pool(loop) if has_pool else loop
        try:
            for outgoing in carrier.carry(messages):
                batch.record(outgoing.message, outgoing.report())
        except BaseException as error:  # an interrupt: no doubt may stay unrecorded
            for outgoing in carrier.give_up(error):
                outgoing.message.delivery = outgoing.report()
            raise
        finally:
            self._keep(loop.drivers)
            if opened:
                self.close()

    def _prepared(self, message: Any) -> OutgoingMessage | None:
        """Serialise a message when it is its turn by ``rate``; return None if it has no recipients."""
        if not message.recipients():
            return None
        # Content is 7-bit before a server has offered 8BITMIME, and if it is signed, so that no server on its
        # way has to change it (RFC 6376 section 5.3).
        is_offered = bool(self._drivers) and self._drivers[0].session.capabilities.eight_bit
        written = write(message, eight_bit=is_offered and self.signer is None)
        if written is None:
            return None
        envelope, head, body, utf8 = written
        if self.signer is not None:
            head, body = self.signer(head + body), b""
        if self.rate is not None:
            now = monotonic()
            sleep(max(self._next_slot - now, 0.0))
            self._next_slot = max(now, self._next_slot) + 1 / self.rate
        return OutgoingMessage(message, envelope, head, body, utf8=utf8, time_left=self.timeouts.message)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "An SMTP backend cannot be pickled: it has a password and a connection. Pickle messages "
            "without connection=, and name the mailer when they are sent: send(using=...)."
        )

    def __copy__(self) -> EmailBackend:
        copied = object.__new__(type(self))
        vars(copied).update(vars(self))
        copied._keep([])
        copied._sending, copied._lock = False, threading.RLock()
        return copied


class SMTPConnection(EmailBackend):
    """The SMTP backend under the name it had before Django 1.2."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            "SMTPConnection is deprecated; use aerogram.mail.get_connection() instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        super().__init__(*args, **kwargs)
