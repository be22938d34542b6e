"""What a batch is made of before it is messages: items that are ready, and items that failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

__all__ = ["READY", "FailedItem", "ReadyMessages"]

Message = TypeVar("Message")


@dataclass(frozen=True)
class FailedItem:
    """An item of a batch that did not become a message.

    It holds the place of the item among the messages, so that it is reported in its turn. No backend sees it.

    Attributes:
        error: why the item did not become a message.
    """

    error: Exception


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


READY: Final = (list, tuple, ReadyMessages)
"""The classes of iterables whose next message is available without waiting."""
