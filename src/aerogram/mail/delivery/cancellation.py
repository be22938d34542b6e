"""Cooperative cancellation of a send across threads.

A task that is cancelled cannot stop the thread that sends for it. It calls :meth:`Cancellation.cancel`, which
closes the connection at once if no content is being sent; the message is ``deferred`` then. From the first
octet of a content until its reply nothing is interrupted: whether the message arrived would be unknown.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import threading
from collections.abc import Callable, Hashable
from contextvars import ContextVar


class SendCancelled(OSError):
    """The task that sends was cancelled; nothing of the message was sent."""


class Cancellation:
    """The state of one send: cancelled or not, and what to abort when it is."""

    def __init__(self) -> None:
        self.cancelled = False
        self._lock = threading.Lock()
        self._aborts: dict[Hashable, Callable[[], object]] = {}

    def cancel(self) -> None:
        """Abort what is registered, and let the next :meth:`check` raise."""
        with self._lock:
            self.cancelled = True
            for abort in self._aborts.values():
                abort()
            self._aborts.clear()

    def check(self) -> None:
        """Raise :class:`SendCancelled` if the send is cancelled."""
        if self.cancelled:
            raise SendCancelled("the send was cancelled")

    def register_abort(self, key: Hashable, abort: Callable[[], object]) -> None:
        """Register ``abort``, which must not block, for :meth:`cancel`; raise if the send is cancelled."""
        with self._lock:
            self.check()
            self._aborts[key] = abort

    def forget(self, key: Hashable) -> None:
        """Remove what was registered for ``key``, if anything."""
        with self._lock:
            self._aborts.pop(key, None)


current: ContextVar[Cancellation | None] = ContextVar("aerogram_cancellation", default=None)
"""The cancellation of the send in this context; ``None`` if it cannot be cancelled."""


def check() -> None:
    """Raise :class:`SendCancelled` if the send in this context is cancelled."""
    if (cancellation := current.get()) is not None:
        cancellation.check()


def is_cancelled() -> bool:
    """Return whether the send in this context is cancelled."""
    return (cancellation := current.get()) is not None and cancellation.cancelled


def register_abort(client: smtplib.SMTP) -> None:
    """Close the connection of ``client`` if the send is cancelled; raise if it is cancelled already."""
    if (cancellation := current.get()) is not None:
        cancellation.register_abort(id(client), lambda: shut_down(client))


def forget(client: smtplib.SMTP) -> None:
    """Forget a client whose connection is closed."""
    if (cancellation := current.get()) is not None:
        cancellation.forget(id(client))


def shut_down(client: smtplib.SMTP) -> None:
    """Shut down the connection of ``client``, from any thread; who waits for the server finds it closed."""
    if (sock := client.sock) is not None:
        with contextlib.suppress(OSError):  # it is closed already, or TLS is being negotiated
            # Not SSLSocket.shutdown(), which removes the TLS state that another thread is reading from.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
