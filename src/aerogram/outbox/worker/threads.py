"""The threads of a worker, and the signals that they wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError, wait
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aerogram.mail.smtp.driver import Driver

__all__ = ["Signal", "run_thread", "unless_stopped"]

_LOOK: Final = 0.1  # seconds between looks whether to stop


class Signal:
    """A signal that idle threads wait for; it wakes one of them."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._is_set = False

    def set(self, *, for_all: bool = False) -> None:
        """Wake one waiting thread, or else the next one that waits; or all that wait."""
        with self._condition:
            self._is_set = True
            self._condition.notify_all() if for_all else self._condition.notify()

    def wait(self, seconds: float) -> bool:
        """Wait for some time and clear the signal; return whether it was set."""
        with self._condition:
            found = self._is_set or self._condition.wait(seconds)
            if found:
                self._is_set = False
            return found


def run_thread(function: Callable[..., object], *arguments: object) -> threading.Thread:
    """Start a thread that sees the settings of this one; it ends when the process ends."""
    context = copy_context()
    thread = threading.Thread(
        target=context.run, args=(function, *arguments), name="aerogram-outbox", daemon=True
    )
    thread.start()
    return thread


def unless_stopped(stop: threading.Event, connect: Callable[[], Driver]) -> Driver:
    """Return the connection that a function opens in a thread of its own.

    Raises:
        ConnectionAbortedError: ``stop`` is set before it is open. It is closed when it is.
    """
    opening: Future[Driver] = Future()

    def run() -> None:
        try:
            driver = connect()
        except BaseException as error:
            with suppress(InvalidStateError):
                opening.set_exception(error)
            return
        try:
            opening.set_result(driver)
        except InvalidStateError:
            driver.client.close()

    run_thread(run)
    while not (stop.is_set() or wait([opening], _LOOK).done):
        pass
    if opening.cancel():
        raise ConnectionAbortedError("the worker stops, and waits for no connection")
    return opening.result()
