"""What a connection waits for: said, not done, so that one thread can carry mail over several of them."""

from __future__ import annotations

from collections.abc import Generator
from enum import Enum
from typing import TypeVar

__all__ = ["Steps", "Wait", "finish"]

Result = TypeVar("Result")


class Wait(Enum):
    """What has to come before a piece of work can go on.

    ``READABLE``: something from the server, or the end of the time for it. ``WRITABLE``: room for more.
    ``CONNECTED``: somebody has called the lane's ``connect()``.
    """

    READABLE = "readable"
    WRITABLE = "writable"
    CONNECTED = "connected"


Steps = Generator[Wait, None, Result]
"""Work that yields what it waits for. Whoever runs it may resume it early: then it waits by itself."""


def finish(steps: Steps[Result]) -> Result:
    """Run ``steps`` that need no new connection to their end, waiting where they wait.

    >>> def add(a, b):
    ...     yield Wait.READABLE
    ...     return a + b
    >>> finish(add(1, 2))
    3
    """
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
