"""The messages between the thread that builds them and the one that sends them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator

from aerogram.mail.smtp.outgoing import Outgoing

__all__ = ["Backlog"]

_OCTETS = 1 << 20  # of contents that may wait


class Backlog:
    """A bounded queue between two threads, one that puts and one that takes.

    A writer that is ahead sleeps until half of the messages are taken, since a change of threads costs as
    much as sending a message. The reader never sleeps here.

    Args:
        limit: messages that may wait.
    """

    def __init__(self, limit: int) -> None:
        self._items: deque[Outgoing] = deque()
        self._limit = limit
        # Two counts, each changed by one thread alone.
        self._put_octets = 0
        self._taken_octets = 0
        self._blocked = False
        self._taken = threading.Condition()
        self.closed = False

    def __len__(self) -> int:
        return len(self._items)

    @property
    def full(self) -> bool:
        """Whether the writer should wait; the first messages are welcome however large they are."""
        return len(self._items) >= self._limit or self._put_octets - self._taken_octets > _OCTETS

    def put(self, item: Outgoing) -> None:
        """Add a message."""
        self._put_octets += item.size
        self._items.append(item)

    def put_back(self, item: Outgoing) -> None:
        """Return a message that was taken; it is the next one to be taken again."""
        self._taken_octets -= item.size
        self._items.appendleft(item)

    def wait_for_room(self, timeout: float) -> None:
        """Return when half of what may wait has been taken, or ``timeout`` seconds are over."""
        with self._taken:
            self._blocked = True
            if self.full:
                self._taken.wait(timeout)
            self._blocked = False

    def take(self) -> Outgoing | None:
        """Return a message without waiting; ``None`` when there is none."""
        if not self._items:
            return None
        item = self._items.popleft()
        self._taken_octets += item.size
        if self._blocked and len(self._items) <= self._limit // 2:
            with self._taken:
                self._taken.notify()
        return item

    def clear(self) -> Iterator[Outgoing]:
        """Take everything back."""
        while (item := self.take()) is not None:
            yield item
