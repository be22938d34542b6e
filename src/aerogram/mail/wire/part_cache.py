"""Parts that several messages share, encoded once."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["PartCache"]

Part = TypeVar("Part")

_REMEMBERED = 256


class PartCache(Generic[Part]):
    """Encoded parts by the content they were made of, the least recently used ones dropped first.

    A part is kept when it is offered for a second time: a digest whose bodies all differ costs no memory, and
    a batch with one body encodes it twice instead of ten thousand times. Safe under threads.

    Args:
        limit: characters and octets of content whose parts are kept; a part is up to three times as large.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._parts: OrderedDict[Hashable, tuple[Part, int]] = OrderedDict()
        self._seen: OrderedDict[int, None] = OrderedDict()  # hashes only, so that no content is kept alive
        self._latest: tuple[Hashable, Part] | None = None  # what a batch asks for again and again
        self._lock = Lock()

    def get(self, key: Hashable) -> Part | None:
        """Return the part for ``key``, if it is kept."""
        latest = self._latest
        if latest is not None and latest[0] == key:
            return latest[1]
        with self._lock:
            found = self._parts.get(key)
            if found is None:
                return None
            self._parts.move_to_end(key)
            self._latest = key, found[0]
            return found[0]

    def offer(self, key: Hashable, part: Part, size: int) -> Part:
        """Keep the part, if one was offered for ``key`` before, and return it.

        Args:
            key: everything the part depends on; immutable.
            part: what was made of it.
            size: characters and octets of content in ``key``.
        """
        mark = hash(key)
        with self._lock:
            if mark not in self._seen:
                self._seen[mark] = None
                if len(self._seen) > _REMEMBERED:
                    self._seen.popitem(last=False)
            elif size <= self._limit and key not in self._parts:
                self._parts[key] = (part, size)
                self._size += size
                self._latest = None
                while self._size > self._limit:
                    self._size -= self._parts.popitem(last=False)[1][1]
        return part
