"""What a connection waits for, as values: who runs its steps decides how to wait.

A method that may have to wait is a generator. It yields what it waits for, and gets the answer back:
:func:`run` serves one connection, :class:`aerogram.mail.smtp.loop.Loop` several at once, in one thread.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Generator
from time import monotonic
from typing import Any, NamedTuple

from aerogram.mail.smtp.transaction import OutgoingMessage, permitted

__all__ = ["Call", "Question", "Readiness", "Steps", "run"]


class Readiness(NamedTuple):
    """A socket can be read, or written; the answer is False if the deadline passes before."""

    sock: socket.socket
    is_write: bool
    deadline: float  # of the monotonic clock


class Question(NamedTuple):
    """The question whether a content may leave; it may be asked for several connections at once."""

    message: OutgoingMessage


class Call(NamedTuple):
    """A function that blocks and does not raise; the answer is what it returns."""

    function: Callable[[], Any]


Steps = Generator[Readiness | Question | Call, Any, Any]


def run(steps: Steps) -> None:
    """Run steps to their end, and wait in this thread for what they wait for."""
    answer: Any = None
    while True:
        try:
            wanted = steps.send(answer)
        except StopIteration:
            return
        if isinstance(wanted, Readiness):
            answer = _wait(wanted)
        elif isinstance(wanted, Question):
            answer = bool(permitted([wanted.message]))
        else:
            answer = wanted.function()


def _wait(wanted: Readiness) -> bool:
    sock, is_write, deadline = wanted
    seconds = max(deadline - monotonic(), 0.0)
    if _poll is None:
        reading, writing = ([], [sock]) if is_write else ([sock], [])
        return any(select.select(reading, writing, [], seconds))
    poll = _poll()
    poll.register(sock, select.POLLOUT if is_write else select.POLLIN)
    return bool(poll.poll(seconds * 1000))


_poll: Any = getattr(select, "poll", None)  # Windows has none
