"""Messages that wait for nobody: a backend may ask for the next one before it needs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

__all__ = ["ReadyMessages", "is_ready"]

Message = TypeVar("Message")


class ReadyMessages(Generic[Message]):
    """An iterator over messages that are made, one by one, of items that exist already.

    >>> list(ReadyMessages(number * 2 for number in [1, 2]))
    [2, 4]
    """

    def __init__(self, messages: Iterable[Message]) -> None:
        self._messages = iter(messages)

    def __iter__(self) -> Iterator[Message]:
        return self

    def __next__(self) -> Message:
        return next(self._messages)


def is_ready(messages: object) -> bool:
    """Tell whether asking for the next message is quick; of a generator that is unknown.

    >>> is_ready([]), is_ready(iter([]))
    (True, False)
    """
    return isinstance(messages, list | tuple | ReadyMessages)
