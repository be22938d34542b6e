"""What a reader of the HTML does not see, told from style attributes and the simplest rules of a sheet."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aerogram.document import Element

__all__ = ["font_of", "hidden_classes", "is_hidden"]

_PROPERTY = re.compile(r"(?:^|;)\s*([\w-]+)\s*:\s*([^;!]*)")
_ZERO = re.compile(r"0+(?:\.0*)?[a-z%]*$|\.0+[a-z%]*$")
_TINY = re.compile(r"(?:0?\.\d+|1(?:\.0*)?)px$")
_RULE = re.compile(r"([^{}@;]+)\{([^{}]*)\}")
_AT_BLOCK = re.compile(r"@[^{;]*(?:;|\{(?:[^{}]*\{[^{}]*\})*[^{}]*\})")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SIMPLE = re.compile(r"[\w-]*([.#][\w-]+)$")


@lru_cache(maxsize=4096)
def _properties(style: str) -> dict[str, str]:
    return {name.lower(): value.strip().lower() for name, value in _PROPERTY.findall(style)}


@lru_cache(maxsize=4096)
def _hides(style: str) -> bool:
    found = _properties(style)
    if found.get("display") == "none" or found.get("visibility") in ("hidden", "collapse"):
        return True
    if _ZERO.match(found.get("opacity", "1")):
        return True
    clipped = found.get("overflow", "").startswith(("hidden", "clip"))
    return clipped and any(
        _ZERO.match(found.get(name, "1")) for name in ("max-height", "height", "max-width", "width")
    )


def is_hidden(element: Element, classes: frozenset[str]) -> bool:
    """Whether ``element`` and all in it is invisible; ``classes`` are those that a sheet hides."""
    attributes = element.attrib
    if "hidden" in attributes:
        return True
    style = attributes.get("style")
    if style and _hides(style):
        return True
    if style and "mso-hide" in style and _properties(style).get("mso-hide") == "all":
        # Alone it hides from Outlook only, as on the link all others show in place of a VML button.
        return (
            element.tag != "a"
            and element.find(".//a") is None
            and next(element.iterancestors("a"), None) is None
        )
    if classes:
        names = {"." + name for name in attributes.get("class", "").split()}
        names.add("#" + attributes.get("id", ""))
        return not classes.isdisjoint(names) and "display" not in _properties(style or "")
    return False


@lru_cache(maxsize=4096)
def font_of(style: str) -> bool | None:
    """Whether the font that a style attribute sets can be seen; ``None`` when it sets none.

    Layout cells have no font size to close the gaps between columns, which then set their own.
    """
    size = _properties(style).get("font-size")
    return None if size is None else not (_ZERO.match(size) or _TINY.match(size))


def hidden_classes(root: Element) -> frozenset[str]:
    """Return classes and ids that a plain rule of a ``<style>`` element gives ``display: none``."""
    found: set[str] = set()
    for style in root.iter("style"):
        css = style.text or ""
        if "none" not in css:
            continue
        css = _AT_BLOCK.sub("", _COMMENT.sub("", css))
        for selectors, body in _RULE.findall(css):
            if _properties(body).get("display") == "none":
                simple = (_SIMPLE.match(one.strip()) for one in selectors.split(","))
                found.update(match[1] for match in simple if match)
    return frozenset(found)
