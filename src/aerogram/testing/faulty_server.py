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
import threading
from collections.abc import Callable
from typing import Final, Self

from aerogram.testing.smtp_conversation import Conversation
from aerogram.testing.smtp_script import Script


class FaultyServer(Script):
    """An SMTP server on a free loopback port, one thread for each connection; a context manager.

    Attributes:
        host, port: where it listens.
        messages: what it accepted, in order (:class:`Received`).
        commands: every line outside of contents that clients sent.
        log: the same with the replies, as ``(connection, "C" or "S", bytes)``.
        waits: the number of round trips: how many times it had answered everything and waited for the client.
        connections: the number of connections so far.
        tls_failures: the reasons why TLS handshakes failed.

    Args:
        offers: lines of the EHLO reply, such as ``"PIPELINING"``, ``"SIZE 1000"`` or ``"LIMITS MAILMAX=2"``.
        tls: a server-side context; with it STARTTLS works, if it is offered too.
        implicit_tls: use TLS from the first byte.
        logins: passwords (XOAUTH2: tokens) by user name, for PLAIN, LOGIN, CRAM-MD5 and XOAUTH2.
        client_timeout: seconds after which the server disconnects a silent client.
    """

    host: Final = "127.0.0.1"
    port: int = 0
    connections: int
    _listener: socket.socket | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Start to listen; ``with`` does so, too."""
        self._threads: list[threading.Thread] = []
        self._conversations: list[Conversation] = []
        self._listener = socket.create_server((self.host, 0))
        self.port = int(self._listener.getsockname()[1])
        self._spawn(self._accept, self._listener)
        return self

    def stop(self) -> None:
        """Disconnect every client and stop listening; the end of ``with`` does so, too."""
        self.stopping.set()
        if self._listener is None:
            return
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
