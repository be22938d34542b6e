"""Your own code before a message is sent, and when it is known what became of it.

Three hooks, each a list of plain callables:

=============== ======================= =========================================================
``before_send`` ``(message)``           may change the message; raising refuses it
``sent``        ``(message, report)``   at least one recipient is served
``failed``      ``(message, report)``   at least one is not, or the message could not be built
=============== ======================= =========================================================

They are called once a message, whichever function and whichever backend sends it; a message that reached some
of its recipients and not others is told to both ``sent`` and ``failed``.

>>> from aerogram.mail import send_mail
>>> from aerogram.conf import settings
>>> def mark(message):
...     message.subject = f"[staging] {message.subject}"
>>> def show(message, report):
...     print(message.subject, dict.fromkeys(report.recipients, "sent"))
>>> with settings.override(EMAIL_URL="dummy:"), before_send.connected(mark), sent.connected(show):
...     send_mail("Hello", "Good morning.", None, ["ann@example.com"])
[staging] Hello {'ann@example.com': 'sent'}
1
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from aerogram.mail.delivery.report import DeliveryReport

__all__ = ["Hook", "before_send", "failed", "sent"]

Listener = TypeVar("Listener", bound=Callable[..., object])


class Hook(Generic[Listener]):
    """Callables that are told of each message; :meth:`connect` is a decorator too.

    Listeners belong to the process, and are called in the order they were connected, in the thread that
    sends.

    >>> hook = Hook("sent")
    >>> @hook.connect
    ... def archive(message, report):
    ...     pass
    >>> hook.listeners == (archive,)
    True
    >>> hook.disconnect(archive)
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.listeners: tuple[Listener, ...] = ()  # replaced whole, so that a send in progress sees one state
        self._lock = threading.Lock()

    def connect(self, listener: Listener) -> Listener:
        """Call ``listener`` from now on, once a message however often it is connected; return it.

        Raises:
            TypeError: it cannot be called, or is a coroutine function, which nobody would await.
        """
        if not callable(listener) or inspect.iscoroutinefunction(listener):
            raise TypeError(
                f"{self.name}.connect() was given {type(listener).__name__} {listener!r:.100}. Accepted: a "
                "function or another callable that is not async."
            )
        with self._lock:
            if listener not in self.listeners:
                self.listeners += (listener,)
        return listener

    def disconnect(self, listener: Listener) -> None:
        """Call ``listener`` no more.

        Raises:
            ValueError: it is not connected.
        """
        with self._lock:
            if listener not in self.listeners:
                raise ValueError(f"{listener!r:.100} is not connected to {self.name}.")
            self.listeners = tuple(each for each in self.listeners if each != listener)

    @contextmanager
    def connected(self, listener: Listener) -> Iterator[Listener]:
        """Call ``listener`` during a ``with`` block; for tests."""
        already = listener in self.listeners
        self.connect(listener)
        try:
            yield listener
        finally:
            if not already and listener in self.listeners:
                self.disconnect(listener)

    def __repr__(self) -> str:
        return f"<Hook {self.name} listeners={len(self.listeners)}>"


before_send: Hook[Callable[[Any], object]] = Hook("before_send")
"""Called with each message before it is built. What it raises refuses the message: nothing of it is sent, and
the error is reported as that of a message that cannot be built."""

sent: Hook[Callable[[Any, DeliveryReport], object]] = Hook("sent")
"""Called with a message that was accepted for at least one recipient, and its report. What it raises is
logged."""

failed: Hook[Callable[[Any, DeliveryReport], object]] = Hook("failed")
"""Called with a message that did not reach every recipient, or could not be built, and its report. What it
raises is logged. For an item of ``send_mass_mail`` that did not become a message it gets a
:class:`~aerogram.mail.delivery.items.FailedItem`."""
