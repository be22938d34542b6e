"""Hooks: functions that are called before a message is sent, and when its outcome is known.

=============== ======================= ==========================================================
``before_send`` ``(message)``           may change the message; refuses it by raising
``sent``        ``(message, report)``   at least one recipient was accepted
``failed``      ``(message, report)``   at least one was not, or the message could not be built
=============== ======================= ==========================================================

They are called once per message, whichever function and backend sends it. Both ``sent`` and ``failed`` are
called for a message that was accepted for some of its recipients only.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from aerogram.mail.delivery.report import DeliveryReport

Listener = TypeVar("Listener", bound=Callable[..., object])


class Hook(Generic[Listener]):
    """Functions that are called for each message, in the order they were connected, in the thread that sends.

    Args:
        name: for errors and log lines.

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
        self.listeners: tuple[Listener, ...] = ()  # replaced as a whole, so that a send sees one state
        self._lock = threading.Lock()

    def connect(self, listener: Listener) -> Listener:
        """Call a function for each message from now on; usable as a decorator.

        Args:
            listener: the function. Connecting it twice has no further effect.

        Returns:
            The function.

        Raises:
            TypeError: it is not callable, or is a coroutine function.
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
        """Stop calling a function.

        Args:
            listener: the function.

        Raises:
            ValueError: it is not connected.
        """
        with self._lock:
            if listener not in self.listeners:
                raise ValueError(f"{listener!r:.100} is not connected to {self.name}.")
            self.listeners = tuple(each for each in self.listeners if each != listener)

    @contextmanager
    def connected(self, listener: Listener) -> Iterator[Listener]:
        """Call a function for each message during a ``with`` block, as a test does.

        Args:
            listener: the function.
        """
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
"""Called with each message before it is built. An error that it raises refuses the message, and is reported
like the error of a message that cannot be built."""

sent: Hook[Callable[[Any, DeliveryReport], object]] = Hook("sent")
"""Called with a message that was accepted for at least one recipient, and its report. An error that it raises
is logged."""

failed: Hook[Callable[[Any, DeliveryReport], object]] = Hook("failed")
"""Called with a message that did not reach every recipient, or could not be built, and its report. An error
that it raises is logged. An item of ``send_mass_mail`` that did not become a message is passed as a
:class:`~aerogram.mail.delivery.dispatch.FailedItem`."""
