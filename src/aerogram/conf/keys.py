"""Values of settings as parts of a key, for what is made once for each distinct set of them."""

from __future__ import annotations

from pathlib import Path


def key_of(value: object) -> object:
    """Return what is equal for equal values, of lists, dicts and paths, and for the same other object."""
    if isinstance(value, dict):
        return tuple((name, key_of(each)) for name, each in value.items())
    if isinstance(value, list):
        return tuple(map(key_of, value))
    return str(value) if isinstance(value, str | Path) else _Identity(value)


class _Identity:
    """An object that is equal to itself alone, as part of a key."""

    def __init__(self, value: object) -> None:
        self.value = value  # kept alive, and so its id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)
