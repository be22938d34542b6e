"""What style attributes and the plain rules of a style sheet say that a reader of the text would notice."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from aerogram.document import Element

_UNREAD = "head style script title template noscript svg object iframe select textarea input"
UNREAD = frozenset(_UNREAD.split())
"""Elements whose content is not for readers of a mail."""

_DECLARATION = re.compile(r"(?:^|;)\s*([\w-]+)\s*:\s*([^;!]*)")
_ZERO = re.compile(r"0+(?:\.0*)?[a-z%]*$|\.0+[a-z%]*$")
_TINY = re.compile(r"(?:0?\.\d+|1(?:\.0*)?)p[xt]$|0?\.0\d*r?em$")
_LINE_DISPLAYS = frozenset(("block", "flex", "grid", "table", "list-item", "flow-root"))
_EXTENTS = ("max-height", "height", "max-width", "width")
_FONT_SIZE = re.compile(r"(?:^|\s)(0+(?:\.0+)?|[\d.]+(?:p[xtc]|r?em|ex|ch|%|v[wh]|[cm]m|in))(?=[\s/]|$)")
_LINE_SPACES = frozenset(("pre", "pre-line", "pre-wrap", "break-spaces"))
_LONGEST_CACHED = 1_000  # characters of a style attribute

# The classes exclude what follows them, so that no sheet is read twice.
_RULE = re.compile(r"(?<![^{}@;])([^{}@;]+)\{([^{}]*)\}")
_AT_BLOCK = re.compile(r"@[^{;@]*(?:;|\{(?:[^{}]*\{[^{}]*\})*[^{}]*\})")
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_SIMPLE_SELECTOR = re.compile(r"[\w-]*([.#][\w-]+)$")


class StyleInfo(NamedTuple):
    """What a style attribute sets; ``None`` is inherited."""

    is_hidden: bool = False  # with everything inside
    display: str | None = None
    has_lines: bool = False  # it begins and ends a line of its own
    keeps_lines: bool | None = None  # a line end in its text is a line break
    has_visible_font: bool | None = None  # layout cells have no font size, what is inside them sets its own
    has_visible_color: bool | None = None
    is_pixel: bool = False  # an image with it is too small to be seen

    @property
    def changes_text(self) -> bool:
        """True if this style matters to the text inside the element."""
        return self[2:6] != DEFAULT[2:6]


DEFAULT = StyleInfo()


def style_of(element: Element) -> StyleInfo:
    """Return what the style attribute of an element sets.

    ``mso-hide`` counts for nothing: it hides from Outlook alone, as on the link that all other clients show
    in place of a VML button.
    """
    style = element.get("style")
    if not style:
        return DEFAULT
    return _style_info(style) if len(style) <= _LONGEST_CACHED else _style_info.__wrapped__(style)


def is_hidden(element: Element, style: StyleInfo, hidden: frozenset[str]) -> bool:
    """Return whether an element of this style is hidden, also by the :func:`hidden_names` of its document."""
    if style.is_hidden or element.get("hidden") is not None:
        return True
    if hidden and style.display is None:
        names = {"." + name for name in element.get("class", "").split()}
        return not hidden.isdisjoint(names | {"#" + element.get("id", "")})
    return False


def hidden_names(root: Element) -> frozenset[str]:
    """Return the classes and ids (``.name``, ``#name``) to which a plain rule gives ``display: none``."""
    found: set[str] = set()
    for element in root.iter("style"):
        css = element.text or ""
        if "none" not in css:
            continue
        css = _AT_BLOCK.sub("", _COMMENT.sub("", css))
        for selectors, block in _RULE.findall(css):
            if _declarations(block).get("display") == "none":
                simple = (_SIMPLE_SELECTOR.match(one.strip()) for one in selectors.split(","))
                found.update(match[1] for match in simple if match)
    return frozenset(found)


def _declarations(block: str) -> dict[str, str]:
    """Return the values by property, in the order of the last declaration of each."""
    found: dict[str, str] = {}
    for name, value in _DECLARATION.findall(block):
        found.pop(name.lower(), None)
        found[name.lower()] = value.strip().lower()
    return found


@lru_cache(maxsize=4096)
def _style_info(style: str) -> StyleInfo:
    found = _declarations(style)
    display = found.get("display")
    spaces = found.get("white-space", "inherit")
    return StyleInfo(
        is_hidden=_hides(found),
        display=display,
        has_lines=display in _LINE_DISPLAYS,
        keeps_lines=None if spaces == "inherit" else spaces in _LINE_SPACES,
        has_visible_font=_has_visible_font(found),
        has_visible_color=_has_visible_color(found),
        is_pixel=_is_tiny(found),
    )


def _hides(found: dict[str, str]) -> bool:
    if found.get("display") == "none" or found.get("visibility") in ("hidden", "collapse"):
        return True
    if _ZERO.match(found.get("opacity", "1")):
        return True
    return found.get("overflow", "").startswith(("hidden", "clip")) and _is_tiny(found)


def _has_visible_font(found: dict[str, str]) -> bool | None:
    size = "inherit"
    for name, value in found.items():
        if name == "font-size":
            size = value
        elif name == "font" and (shorthand := _FONT_SIZE.search(value)):
            size = shorthand[1]
    return None if size == "inherit" else not _is_tiny_length(size)


def _has_visible_color(found: dict[str, str]) -> bool | None:
    color = found.get("color", "inherit")
    if color == "transparent":  # the background may shine through the letters
        return any(name.endswith(("background-clip", "text-fill-color")) for name in found)
    return None if color == "inherit" else True


def _is_tiny(found: dict[str, str]) -> bool:
    return any(_is_tiny_length(found.get(name, "auto")) for name in _EXTENTS)


def _is_tiny_length(length: str) -> bool:
    return (_ZERO.match(length) or _TINY.match(length)) is not None
