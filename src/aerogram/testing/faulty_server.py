"""A scripted SMTP server for tests: it behaves well except where a test scripts a fault.

>>> import smtplib
>>> with FaultyServer().on("RCPT", "550 5.1.1 no such user", match="bob@") as server:
...     with smtplib.SMTP(server.host, server.port) as client:
...         client.sendmail("me@x.org", ["ann@x.org", "bob@x.org"], "Subject: hi\\r\\n\\r\\nHello")
{'bob@x.org': (550, b'5.1.1 no such user')}
>>> [message.recipients for message in server.messages]
[('ann@x.org',)]
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Self

from aerogram.testing.smtp_conversation import Conversation
from aerogram.testing.smtp_script import Action, Received, ScriptRule


class FaultyServer:
    """An SMTP server on a free loopback port, one thread for each connection; a context manager.

    Attributes:
        host, port: where it listens.
        messages: what it accepted, in order (:class:`Received`).
        commands: every line that clients sent outside of contents.
        log: the same with the replies, as ``(connection, "C" or "S", octets)``.
        waits: how often it had answered everything and waited for the client: the round trips.
        connections: how many it has had.
        tls_failures: why TLS handshakes failed.

    Args:
        offers: lines of the EHLO reply, such as ``"PIPELINING"``, ``"SIZE 1000"`` or ``"LIMITS MAILMAX=2"``.
        tls: a server-side context; with it STARTTLS works, if it is offered too.
        implicit_tls: speak TLS from the first octet.
        logins: passwords (XOAUTH2: tokens) by user name, for PLAIN, LOGIN, CRAM-MD5 and XOAUTH2.
        client_timeout: seconds after which the server leaves a silent client.
    """

    host: Final = "127.0.0.1"

    def __init__(
        self,
        offers: Iterable[str] = ("PIPELINING", "8BITMIME"),
        *,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        logins: Mapping[str, str] | None = None,
        client_timeout: float = 10.0,
    ) -> None:
        self.offers: tuple[str, ...] = tuple(offers)
        self.tls = tls
        self.implicit_tls = implicit_tls
        self.logins: dict[str, str] = dict(logins or {})
        self.client_timeout = client_timeout
        self.port: int = 0
        self.messages: list[Received] = []
        self.log: list[tuple[int, str, bytes]] = []
        self.commands: list[str] = []
        self.waits: int = 0
        self.connections: int = 0
        self.tls_failures: list[str] = []
        self.stopping: threading.Event = threading.Event()
        self.lock: threading.Lock = threading.Lock()
        self._rules: list[ScriptRule] = []
        self._threads: list[threading.Thread] = []
        self._conversations: list[Conversation] = []
        self._listener: socket.socket | None = None

    def on(
        self,
        verb: str,
        *actions: Action,
        match: str = "",
        skip: int = 0,
        times: int | None = None,
        keep: bool | None = None,
        per_connection: bool = False,
    ) -> Self:
        """Do ``actions`` when ``verb`` comes, instead of what a good server does; earlier rules win.

        Args:
            verb: a command, in any case; or ``"connect"`` (instead of the greeting), ``"content"`` (as
                soon as some content is there), ``"."`` (instead of the reply to the final dot, or BDAT).
            actions: done in this order.
            match: only when the command's argument contains this (in any case).
            skip: let this many occasions pass first.
            times: do it this often, then behave; None for always.
            keep: for ``"."``, whether the message is accepted; by default when the first reply is a 2xx.
            per_connection: count ``skip`` and ``times`` anew for each connection.
        """
        verb = verb.lower() if verb.lower() in ("connect", "content") else verb.upper()
        self._rules.append(ScriptRule(verb, actions, match, skip, times, keep, per_connection))
        return self

    def rule_for(self, verb: str, argument: str, connection: int) -> ScriptRule | None:
        """Return the rule that applies now, if there is one."""
        with self.lock:
            return next((rule for rule in self._rules if rule.applies(verb, argument, connection)), None)

    @property
    def verbs(self) -> list[str]:
        """The first word of each of :attr:`commands`, in capitals."""
        return [command.partition(" ")[0].upper() for command in self.commands]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Listen; ``with`` does it too."""
        self._listener = socket.create_server((self.host, 0))
        self.port = int(self._listener.getsockname()[1])
        self._spawn(self._accept, self._listener)
        return self

    def stop(self) -> None:
        """Leave every client and stop listening; the end of ``with`` does it too."""
        self.stopping.set()
        if self._listener is not None:
            # shutdown() wakes accept(), which close() alone does not.
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        with self.lock:
            conversations = list(self._conversations)
        for conversation in conversations:
            conversation.hang_up()
        for thread in self._threads:
            thread.join()

    def _spawn(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, name="faulty-server", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while not self.stopping.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                conversation = Conversation(self, client, self.connections)
                self._conversations.append(conversation)
            self._spawn(conversation.run)
