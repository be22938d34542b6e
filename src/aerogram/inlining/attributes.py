"""Presentational attributes for old clients, above all Outlook on Windows, which reads few properties."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SOURCES", "presentational_attributes"]

_CELLS = frozenset(("td", "th"))
_ROWS = frozenset(("tr", "tbody", "thead", "tfoot"))
_ALIGNED = _CELLS | _ROWS | {"h1", "h2", "h3", "h4", "h5", "h6", "p", "div"}
_PLAIN_LENGTH = re.compile(r"([1-9]\d*)(?:px|(%))", re.IGNORECASE)
_SHORT_COLOR = re.compile(r"#([0-9a-f])([0-9a-f])([0-9a-f])", re.IGNORECASE)
_COLOR = re.compile(r"#[0-9a-f]{3}|#[0-9a-f]{6}|[a-z]+", re.IGNORECASE)
_NO_COLORS = ("transparent", "inherit", "initial", "unset", "revert", "currentcolor", "none")
# Of each attribute: the property it stands for, its values, and the elements that have it.
_RULES = (
    ("align", "text-align", re.compile("left|right|center|justify", re.I), _ALIGNED),
    ("valign", "vertical-align", re.compile("top|middle|bottom|baseline", re.I), _CELLS | _ROWS),
    ("bgcolor", "background-color", _COLOR, _CELLS | {"table", "tr", "body"}),
    ("width", "width", _PLAIN_LENGTH, _CELLS | {"table", "img"}),
    ("height", "height", _PLAIN_LENGTH, _CELLS | {"table", "img"}),
)
SOURCES = frozenset(source for _, source, _, _ in _RULES)
"""The properties without which no element gets an attribute."""


def presentational_attributes(
    tag: str, style: Mapping[str, str], present: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return the attributes that an element with these declarations and attributes gets.

    What the author wrote is left alone. An image gets one of width and height at most: both would give it a
    ratio that the sheet did not.
    """
    found: list[tuple[str, str]] = []
    is_image = tag == "img"
    if is_image and "vertical-align" in style and style.get("float", "").lower() in ("left", "right"):
        # Outlook does not know "float". Browsers align to the top, too.
        found.append(("align", style["float"].lower()))
    for name, source, values, tags in _RULES:
        value = style.get(source)
        if value is None or tag not in tags or not values.fullmatch(value):
            continue
        if name in ("width", "height"):
            taken = {*present, *(one for one, _ in found)}
            if is_image and (value.endswith("%") or {"width", "height"} & taken):
                continue
            value = _PLAIN_LENGTH.sub(r"\1\2", value)
        elif name == "bgcolor":
            if value.lower() in _NO_COLORS:
                continue
            value = _SHORT_COLOR.sub(r"#\1\1\2\2\3\3", value) if len(value) == 4 else value
        found.append((name, value))
    return [(name, value) for name, value in found if name not in present]
