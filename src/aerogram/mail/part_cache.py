"""Parts that several messages share, encoded once."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from aerogram.mail.nodes import Leaf

__all__ = ["PartCache"]

_REMEMBERED = 256


class PartCache:
    """Encoded parts by the content they were made of, the least recently used ones dropped first.

    A part is kept when it is asked for a second time: a digest whose bodies all differ costs no memory, and
    a batch with one body encodes it twice instead of ten thousand times. Safe under threads.

    Args:
        limit: octets of content and parts, together, that are kept at most.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._parts: OrderedDict[Hashable, tuple[Leaf, int]] = OrderedDict()
        self._seen: OrderedDict[int, None] = OrderedDict()  # hashes only, so that no content is kept alive
        self._lock = Lock()

    def get(self, key: Hashable, size: int, make: Callable[[], Leaf]) -> Leaf:
        """Return the part for ``key``, made if it is not known.

        Args:
            key: everything the part depends on; immutable.
            size: octets of ``key``.
            make: writes the part; called without the lock.
        """
        with self._lock:
            found = self._parts.get(key)
            if found is not None:
                self._parts.move_to_end(key)
                return found[0]
        part = make()
        with self._lock:
            self._keep(key, part, size + len(part.body))
        return part

    def _keep(self, key: Hashable, part: Leaf, size: int) -> None:
        mark = hash(key)
        if mark not in self._seen:
            self._seen[mark] = None
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
        elif size <= self._limit and key not in self._parts:
            self._parts[key] = (part, size)
            self._size += size
            while self._size > self._limit:
                self._size -= self._parts.popitem(last=False)[1][1]
