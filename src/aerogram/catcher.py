"""The catching SMTP server: it accepts every mail sent to it and delivers none.

It replaces the debugging server that the standard library had: a program under development sends to it, and
the server shows the mail. It listens on loopback addresses only and accepts any login, so settings with a
user name work unchanged.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import ipaddress
import logging
import socket
import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

from aerogram.exceptions import ListenError, MissingDependency

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage

__all__ = ["CatchingServer", "CaughtMessage", "check_loopback"]

log = logging.getLogger("aerogram.catcher")


@dataclass(frozen=True)
class CaughtMessage:
    """One message as it was received: its envelope and its bytes.

    Args:
        mail_from: the envelope sender, ``""`` for a bounce.
        recipients: the envelope recipients in the given order, including Bcc.
        content: the message, with CRLF line ends and unstuffed dots.
    """

    mail_from: str
    recipients: tuple[str, ...]
    content: bytes

    @cached_property
    def message(self) -> EmailMessage:
        """The content, parsed by the standard library."""
        return email.message_from_bytes(self.content, policy=email.policy.default)


def check_loopback(host: str) -> str:
    """Return the loopback address that ``host`` names.

    Args:
        host: ``"localhost"``, an address of 127.0.0.0/8, or ``"::1"``.

    Raises:
        ListenError: any other host, because everyone who can connect could read the received mail.
    """
    if host == "localhost":
        return "127.0.0.1"
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise ListenError(
            f"The catching server does not listen on {host!r}: it accepts mail from this machine only. "
            "Use a loopback address: 127.0.0.1, ::1 or localhost."
        )
    return host


class CatchingServer:
    """An SMTP server on loopback that keeps what it receives.

    ::

        with CatchingServer() as server:
            send_mail(..., connection=get_connection(host=server.host, port=server.port))
        assert server.messages[0].recipients == ("ann@example.com",)

    Args:
        host: a loopback address.
        port: the port; 0 for any free one, which ``server.port`` then names.
        on_message: called with each :class:`CaughtMessage` in the server's thread, before the client gets the
            reply. If it raises, the client gets a 451 and the error is logged.
        keep: whether to collect received messages in ``messages``; False for a server that runs for days.

    Raises:
        ListenError: raised on entering, if the host is not a loopback address or the port cannot be used.
        MissingDependency: the package aiosmtpd is not installed (the extra ``catch``).
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        on_message: Callable[[CaughtMessage], object] | None = None,
        keep: bool = True,
    ) -> None:
        self.host: str = check_loopback(host)
        self.port: int = port
        self.messages: list[CaughtMessage] = []
        self._on_message = on_message
        self._keep = keep

    def __enter__(self) -> Self:
        smtp = _aiosmtpd()
        listener = listen(self.host, self.port)
        self.port = int(listener.getsockname()[1])
        runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = runner.get_loop()
        self._left = asyncio.Event()
        # The socket queues connections from now on, so nothing has to wait until the thread has started.
        self._thread = threading.Thread(
            target=self._run, args=(runner, smtp, listener), name="aerogram-catcher", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._left.set)
        self._thread.join()

    def _run(self, runner: asyncio.Runner, smtp: Any, listener: socket.socket) -> None:
        with runner:
            runner.run(self._serve(smtp, listener))

    async def _serve(self, smtp: Any, listener: socket.socket) -> None:
        connections: WeakSet[Any] = WeakSet()

        def accept() -> Any:
            connection = smtp.SMTP(
                _Handler(self._receive),
                data_size_limit=None,
                enable_SMTPUTF8=True,
                hostname="localhost",
                ident="Aerogram catching server",
                authenticator=lambda *_: smtp.AuthResult(success=True),
                auth_require_tls=False,
                loop=self._loop,
            )
            connections.add(connection)
            return connection

        server = await self._loop.create_server(accept, sock=listener)
        await self._left.wait()
        server.close()
        for connection in connections:
            if connection.transport is not None:
                connection.transport.abort()

    def _receive(self, caught: CaughtMessage) -> None:
        if self._on_message is not None:
            self._on_message(caught)
        if self._keep:
            self.messages.append(caught)


class _Handler:
    """What aiosmtpd calls for each session."""

    def __init__(self, receive: Callable[[CaughtMessage], None]) -> None:
        self._receive = receive

    async def handle_DATA(self, _smtp: object, _session: object, envelope: Any) -> str:
        sender = "" if envelope.mail_from in (None, "<>") else envelope.mail_from
        self._receive(CaughtMessage(sender, tuple(envelope.rcpt_tos), envelope.original_content))
        return "250 2.0.0 Caught, not delivered"

    async def handle_exception(self, error: Exception) -> str:
        log.error("a message could not be kept: %s: %s", type(error).__name__, error)
        return "451 4.3.0 The catching server could not keep this message; its log says why"


def _aiosmtpd() -> Any:
    try:
        from aiosmtpd import smtp
    except ImportError as error:
        raise MissingDependency(
            "The catching server needs the package aiosmtpd, which is not installed. "
            "Install it with: pip install 'aerogram[catch]'"
        ) from error
    return smtp


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; ListenError says why it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ListenError(
            f"Cannot listen on {host} port {port}: {error.strerror or error}. "
            "Stop the program that uses this port, or choose another one (0 for any free port)."
        ) from error
