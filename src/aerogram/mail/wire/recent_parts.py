"""Parts that several messages share, encoded once."""

from __future__ import annotations

from typing import Generic, TypeVar

Part = TypeVar("Part")

_ENTRIES = 4  # batches that run side by side, or forms of one batch, as one for each language
_LIMIT = 2 * 1024 * 1024  # characters and octets of content worth keeping


class RecentParts(Generic[Part]):
    """The last few encoded parts, by the content they were made of. Safe under threads."""

    def __init__(self) -> None:
        self._entries: tuple[tuple[object, Part], ...] = ()  # replaced whole, so that threads need no lock

    def get(self, key: object) -> Part | None:
        """Return the part for ``key``, if it is there."""
        for known, part in self._entries:
            if known == key:
                return part
        return None

    def add(self, key: object, part: Part, size: int) -> Part:
        """Keep a part in place of the oldest one, and return it; ``key`` is all that it depends on.

        A part is not kept where ``size``, the characters and octets of content in ``key``, is large.
        """
        if size <= _LIMIT:
            self._entries = ((key, part), *self._entries[: _ENTRIES - 1])
        return part
