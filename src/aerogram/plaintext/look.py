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
_EXTENTS = ("max-height", "height", "max-width", "width")
_FONT_SIZE = re.compile(r"(?:^|\s)(0+(?:\.0+)?|[\d.]+(?:p[xtc]|r?em|ex|ch|%|v[wh]|[cm]m|in))(?=[\s/]|$)")
_KEEPS_LINES = frozenset(("pre", "pre-line", "pre-wrap", "break-spaces"))


class Look(NamedTuple):
    """What a style attribute sets; ``None`` is left to what stands around."""

    hides: bool = False  # nothing inside can be seen
    display: str | None = None
    has_lines: bool = False  # it begins a line of its own, and ends it
    keeps_lines: bool | None = None  # whether a line end in its text is a line break
    font: bool | None = None  # whether its font can be seen: images inside can
    ink: bool | None = None  # the same of its colour
    is_pixel: bool = False  # an image with it is too small to be seen


PLAIN = Look()


_LONGEST_REMEMBERED = 1_000  # characters of a style attribute


def declarations(style: str) -> dict[str, str]:
    """Return the declarations of a style attribute, the last of each property."""
    found: dict[str, str] = {}
    for name, value in _PROPERTY.findall(style):
        found.pop(name.lower(), None)  # so that it stands in the order of the last ones
        found[name.lower()] = value.strip().lower()
    return found


def look_of(style: str) -> Look:
    """Tell what a style attribute does to its element.

    ``mso-hide`` hides from Outlook alone, as on the link that all others show in place of a VML button.
    Layout cells have no font size to close the gaps between columns, which then set their own.
    """
    return _known_look(style) if len(style) <= _LONGEST_REMEMBERED else _look(style)


@lru_cache(maxsize=4096)
def _known_look(style: str) -> Look:
    return _look(style)


def _look(style: str) -> Look:
    found = declarations(style)
    display = found.get("display")
    spaces = found.get("white-space", "inherit")
    return Look(
        hides=_hides(found),
        display=display,
        has_lines=display in _LINES,
        keeps_lines=None if spaces == "inherit" else spaces in _KEEPS_LINES,
        font=_font(found),
        ink=_ink(found),
        is_pixel=any(_is_tiny(found.get(name, "auto")) for name in _EXTENTS),
    )


def _font(found: dict[str, str]) -> bool | None:
    size = "inherit"
    for name, value in found.items():
        if name == "font-size":
            size = value
        elif name == "font" and (shorthand := _FONT_SIZE.search(value)):
            size = shorthand[1]
    return None if size == "inherit" else not _is_tiny(size)


def _ink(found: dict[str, str]) -> bool | None:
    colour = found.get("color", "inherit")
    if colour == "transparent":  # the background may shine through the letters
        return any(name.endswith(("background-clip", "text-fill-color")) for name in found)
    return None if colour == "inherit" else True


def _hides(found: dict[str, str]) -> bool:
    if found.get("display") == "none" or found.get("visibility") in ("hidden", "collapse"):
        return True
    if _ZERO.match(found.get("opacity", "1")):
        return True
    clipped = found.get("overflow", "").startswith(("hidden", "clip"))
    return clipped and any(_is_tiny(found.get(name, "auto")) for name in _EXTENTS)


def _is_tiny(length: str) -> bool:
    return (_ZERO.match(length) or _TINY.match(length)) is not None
