"""The messages between the thread that builds them and the lanes that carry them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable

from aerogram.mail.smtp.outgoing import Outgoing

__all__ = ["Backlog"]

_GATHER = 16  # messages worth waking a lane for: a change of threads costs as much as sending one
_LINGER = 0.002  # seconds a lane waits for that many, before it goes on with what there is
_OCTETS = 1 << 20  # of contents that may wait


class Backlog:
    """A bounded queue that wakes its readers for many messages at once.

    Taking one costs next to nothing while there are some. A reader that has run dry sleeps until a number of
    messages have gathered, or the writer is too slow for that; a writer that is ahead sleeps until half of
    them are taken. One thread writes.

    Args:
        readers: lanes at most.
    """

    def __init__(self, readers: int) -> None:
        self._items: deque[Outgoing] = deque()
        self._octets = 0
        self._limit = _GATHER * readers
        self._idle = 0
        self._blocked = False
        self._ripe = False
        self._closed = False
        lock = threading.Lock()
        self._filled = threading.Condition(lock)
        self._taken = threading.Condition(lock)

    def __len__(self) -> int:
        return len(self._items)

    @property
    def full(self) -> bool:
        """Whether the writer should wait; the first messages are welcome however large they are."""
        return len(self._items) >= self._limit or self._octets > _OCTETS

    def put(self, item: Outgoing) -> None:
        """Add a message."""
        with self._filled:
            self._items.append(item)
            self._octets += item.size
            waiting = len(self._items)
            if self._idle and (waiting == 1 or waiting % _GATHER == 0):
                self._filled.notify()

    def wait_for_room(self, timeout: float) -> None:
        """Return when half of what may wait has been taken, or ``timeout`` seconds are over."""
        with self._taken:
            if self.full:
                self._blocked = True
                self._filled.notify_all()
                self._taken.wait(timeout)
                self._blocked = False

    def take(self) -> Outgoing | None:
        """Return a message without waiting; ``None`` when there is none."""
        with self._taken:
            if not self._items:
                return None
            item = self._items.popleft()
            self._ripe = self._ripe and bool(self._items)
            self._octets -= item.size
            if self._blocked and len(self._items) <= self._limit // 2 and self._octets <= _OCTETS // 2:
                self._blocked = False
                self._taken.notify()
            return item

    def wait(self) -> bool:
        """Wait until it is worth going on; return whether there may be more."""
        with self._filled:
            self._idle += 1
            try:
                while not self._items and not self._closed:
                    self._filled.wait()
                if len(self._items) < _GATHER and not (self._ripe or self._closed):
                    self._filled.wait(_LINGER)
                    self._ripe = True  # whatever there is now has waited long enough
            finally:
                self._idle -= 1
            if self._idle and len(self._items) > 1:
                self._filled.notify()  # this reader takes one, and may be long about it
            return bool(self._items) or not self._closed

    def close(self) -> None:
        """Let the readers stop when all is taken."""
        with self._filled:
            self._closed = True
            self._filled.notify_all()

    def clear(self) -> Iterable[Outgoing]:
        """Take everything back."""
        while (item := self.take()) is not None:
            yield item
