"""The wish to stop a send, said in one thread and obeyed in another.

A task that is cancelled cannot stop the thread that sends for it; it leaves a wish. While nothing of a
content has left, the wish breaks the connection at once, and the message is ``deferred``. From the first
octet of a content until the server's answer it changes nothing: breaking off there would leave a doubt about
a message that may have arrived.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Hashable
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import smtplib

__all__ = ["Cancellation", "SendCancelled", "begin_content", "breakable", "check", "current", "forget"]


class SendCancelled(OSError):
    """The task that wanted this send was cancelled; nothing of the message left."""

    def __init__(self) -> None:
        super().__init__("the send was cancelled")


class Cancellation:
    """Whether a send is still wanted, and what to break when it is no more."""

    def __init__(self) -> None:
        self.wished = False
        self._lock = threading.Lock()
        self._breakers: dict[Hashable, Callable[[], object]] = {}

    def wish(self) -> None:
        """Stop the send where it can be stopped without a doubt."""
        with self._lock:
            self.wished = True
            for break_off in self._breakers.values():
                break_off()
            self._breakers.clear()

    def check(self) -> None:
        """Raise where the send is no more wanted.

        Raises:
            SendCancelled: it is not.
        """
        if self.wished:
            raise SendCancelled

    def breakable(self, key: Hashable, break_off: Callable[[], object]) -> None:
        """Let the wish call ``break_off``, which must not wait, until ``key`` is forgotten.

        Raises:
            SendCancelled: the wish was there before.
        """
        with self._lock:
            self.check()
            self._breakers[key] = break_off

    def forget(self, key: Hashable) -> None:
        """Let the wish break this no more."""
        with self._lock:
            self._breakers.pop(key, None)


current: ContextVar[Cancellation | None] = ContextVar("aerogram_cancellation", default=None)
"""The cancellation of the send that this thread works for; ``None`` where nobody can cancel it."""


def check() -> None:
    """Raise :class:`SendCancelled` where the send of this thread is no more wanted."""
    cancellation = current.get()
    if cancellation is not None:
        cancellation.check()


def breakable(client: smtplib.SMTP) -> None:
    """Let a wish break this connection; it is at nothing that could not be done again."""
    cancellation = current.get()
    if cancellation is not None:
        cancellation.breakable(id(client), lambda: _break(client))


def begin_content(client: smtplib.SMTP) -> None:
    """Let no wish break this connection, until it is :func:`breakable` again.

    Raises:
        SendCancelled: the wish was there before.
    """
    cancellation = current.get()
    if cancellation is not None:
        cancellation.forget(id(client))
        cancellation.check()


def forget(client: smtplib.SMTP) -> None:
    """Forget a connection that is closed."""
    cancellation = current.get()
    if cancellation is not None:
        cancellation.forget(id(client))


def _break(client: smtplib.SMTP) -> None:
    sock = client.sock
    if sock is not None:
        with contextlib.suppress(OSError):  # it is closed already, or just changing to TLS
            # Not SSLSocket's own, which takes the TLS state from under the thread that reads.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
