"""A cache bounded in entries and bytes; the least recently used entries are dropped first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from aerogram.conf import settings

__all__ = ["Cache"]

_ENTRIES_A_SHAPE = 3  # the path of its pages, where its values stand, and its stencil


class Cache:
    """Values by key; safe to share between threads.

    Args:
        entries: the most shapes to keep; ``None`` for the setting ``STENCIL_CACHE_ENTRIES``.
        octets: the most bytes they may take together; ``None`` for ``STENCIL_CACHE_BYTES``.
    """

    def __init__(self, entries: int | None, octets: int | None) -> None:
        self._entries = entries
        self._octets = octets
        self._lock = threading.Lock()
        self._kept: OrderedDict[Any, tuple[Any, int]] = OrderedDict()
        self._size = 0

    @property
    def size(self) -> tuple[int, int]:
        """The number of entries, and of bytes they take."""
        with self._lock:
            return len(self._kept), self._size

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._size = 0

    def get(self, key: object) -> Any:
        """Return the value of ``key``, or ``None``."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def put(self, key: object, value: object, octets: int) -> None:
        """Keep ``value``, which takes about ``octets`` bytes, and drop what no longer fits."""
        entries = settings.STENCIL_CACHE_ENTRIES if self._entries is None else self._entries
        most = settings.STENCIL_CACHE_BYTES if self._octets is None else self._octets
        with self._lock:
            self._size -= self._kept.pop(key, (None, 0))[1]
            self._kept[key] = value, octets
            self._size += octets
            while self._kept and (len(self._kept) > _ENTRIES_A_SHAPE * entries or self._size > most):
                self._size -= self._kept.popitem(last=False)[1][1]
