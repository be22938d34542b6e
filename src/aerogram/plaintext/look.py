"""What a style attribute says that a reader of the text would notice."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["PLAIN", "Look", "declarations", "look_of"]

_PROPERTY = re.compile(r"(?:^|;)\s*([\w-]+)\s*:\s*([^;!]*)")
_ZERO = re.compile(r"0+(?:\.0*)?[a-z%]*$|\.0+[a-z%]*$")
_TINY = re.compile(r"(?:0?\.\d+|1(?:\.0*)?)p[xt]$|0?\.0\d*r?em$")
_LINES = frozenset(("block", "flex", "grid", "table", "list-item", "flow-root"))
_CLIPPED = ("max-height", "height", "max-width", "width")


class Look(NamedTuple):
    """What a style attribute sets; ``None`` is left to what stands around."""

    hides: bool = False  # nothing inside can be seen
    display: str | None = None
    has_lines: bool = False  # it begins a line of its own, and ends it
    font: bool | None = None  # whether its font can be seen: images inside can


PLAIN = Look()


@lru_cache(maxsize=4096)
def declarations(style: str) -> dict[str, str]:
    """Return the declarations of a style attribute, the last of each property."""
    return {name.lower(): value.strip().lower() for name, value in _PROPERTY.findall(style)}


@lru_cache(maxsize=4096)
def look_of(style: str) -> Look:
    """Tell what a style attribute does to its element.

    ``mso-hide`` hides from Outlook alone, as on the link that all others show in place of a VML button.
    Layout cells have no font size to close the gaps between columns, which then set their own.
    """
    found = declarations(style)
    display = found.get("display")
    size = found.get("font-size")
    return Look(
        hides=_hides(found),
        display=display,
        has_lines=display in _LINES,
        font=None if size is None else not _is_tiny(size),
    )


def _hides(found: dict[str, str]) -> bool:
    if found.get("display") == "none" or found.get("visibility") in ("hidden", "collapse"):
        return True
    if _ZERO.match(found.get("opacity", "1")):
        return True
    clipped = found.get("overflow", "").startswith(("hidden", "clip"))
    return clipped and any(_is_tiny(found.get(name, "auto")) for name in _CLIPPED)


def _is_tiny(length: str) -> bool:
    return (_ZERO.match(length) or _TINY.match(length)) is not None
