"""What surrounds a text: which elements part words, what the styles around it mean for it, and which rules
that inlining left in the sheets show something hidden.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from aerogram.inlining.css import read_rules, split_list
from aerogram.inlining.matching import ElementIndex
from aerogram.inlining.stylesheet import parse_sheet
from aerogram.plaintext import marks
from aerogram.plaintext.style import UNREAD, style_of, tags

if TYPE_CHECKING:
    from aerogram.document import Element
    from aerogram.inlining.selector import Selector
    from aerogram.plaintext.style import StyleInfo


TABLE_PARTS = tags("caption tbody td tfoot th thead tr")
PREFORMATTED = tags("pre listing plaintext xmp")
BOXES = PREFORMATTED | tags(
    "address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 header hgroup li main menu nav ol p search section summary ul"
)
BLOCKS = BOXES | TABLE_PARTS | {"table"}
_APART = tags("button select svg item")  # the last is an item of a list whose style puts all in one line
_COLORED = tags("a button select textarea")  # with a colour of their own in every browser
_LINES = tags("legend option optgroup textarea")
SCOPED = PREFORMATTED | _APART | _LINES
"""Elements that change the text inside without any style."""


class Scope(NamedTuple):
    """What the styles of all elements around a text mean for it."""

    element: Element = None
    edge: str = ""  # what begins and ends the element
    is_flex: bool = False
    keeps: str = ""
    is_visible: bool = True
    has_visible_font: bool = True
    has_visible_color: bool = True
    shows_text: bool = True  # letters can be seen
    is_plain: bool = True  # only a style that ``changes_text`` makes another scope inside

    def inside(self, element: Element, tag: str, style: StyleInfo) -> Scope:
        """Return the scope inside an element of this style."""
        is_apart = style.is_apart or tag in _APART or (self.is_flex and element.getparent() is self.element)
        has_lines = style.has_lines or tag in _LINES
        keeps = marks.KEEP_SPACES if tag == "textarea" or tag in PREFORMATTED else self.keeps
        is_visible = self.is_visible if style.is_visible is None else style.is_visible
        font = self.has_visible_font if style.has_visible_font is None else style.has_visible_font
        color = self.has_visible_color or tag in _COLORED
        color = color if style.has_visible_color is None else style.has_visible_color
        shows_text = is_visible and font and color
        return Scope(
            element,
            "" if tag in BLOCKS else " " if is_apart else marks.SOFT if has_lines else "",
            style.is_flex,
            self.keeps if self.keeps == marks.PRE else keeps if style.keeps is None else style.keeps,
            is_visible,
            font,
            color,
            shows_text,
            shows_text and not style.is_flex,
        )


def is_seen(element: Element, style: StyleInfo | None = None) -> bool:
    """Return whether an element does not hide itself; ``style`` is its style, if the caller has read it."""
    style, tag = style or style_of(element), element.tag
    if tag in UNREAD or style.is_hidden or (style.display is None and element.get("hidden") is not None):
        return False
    return not (style.is_clipped and (style.is_box or (style.display is None and tag in BOXES)))


_MAY_SHOW = re.compile(r"(?:display|opacity|visibility)\s*:", re.IGNORECASE)
_SHOWS = re.compile("(?:display:(?!none)|opacity:(?!0)|visibility:visible)", re.IGNORECASE)
_GROUPS = tags("@media @supports @layer @container @scope")
_NOT_ON_DESKTOP = re.compile(
    r"\b(?:not|print|speech|max-\w+|dark|hover|resolution|pixel-ratio)\b|<|min-(?:device-)?width:\s*(?:\d{5}|[1-9]\d{3}px)"
)
_MOST_GROUPS = 8  # inside each other


def apply_showing_rules(root: Element) -> None:
    """Copy declarations that show an element on a desktop screen from the sheets to its style attribute.

    Inlining left them there, in ``@media`` for instance, and made them important where they should win.
    """
    rules = [
        rule
        for sheet in root.iter("style")
        if sheet.text and _MAY_SHOW.search(sheet.text) and _applies_on_desktop(sheet.get("media", ""))
        for rule in _showing_rules(sheet.text)
    ]
    index = ElementIndex(root) if rules else None
    for selector, declarations in rules:
        for element in index.find(selector) if index else ():
            style = element.get("style", "")
            if (
                "visibility" in declarations
                or style_of(element).is_hidden
                or element.get("hidden") is not None
            ):
                element.set("style", f"{declarations};{style}")


@lru_cache(maxsize=64)
def _showing_rules(sheet: str) -> tuple[tuple[Selector, str], ...]:
    """Return the selectors and declarations that show elements on a desktop screen."""
    found = []
    for rule in parse_sheet(_desktop_rules(sheet, 0), 0, can_be_inlined=False).rules:
        for selector in rule.kept:
            shown = [
                f"{one.name}:{one.value}{' !important' if one.important else ''}"
                for one in rule.declarations(selector.specificity, inlined=False)
                if _SHOWS.match(f"{one.name}:{one.value}")
            ]
            if shown and selector.is_static and not _GROUPS.intersection(rule.context.around):
                found.append((selector, ";".join(shown)))
    return tuple(found)


def _desktop_rules(sheet: str, depth: int) -> str:
    """Return the rules of a sheet that may apply on a desktop screen, without the groups around them."""
    parts = []
    for rule in read_rules(sheet):
        if not rule.keyword:
            parts.append(f"{rule.prelude}{{{rule.block or ''}}}")
        elif rule.keyword in _GROUPS and depth < _MOST_GROUPS and _applies_on_desktop(rule.prelude):
            parts.append(_desktop_rules(rule.block or "", depth + 1))
    return "".join(parts)


def _applies_on_desktop(condition: str) -> bool:
    """Return whether the condition of a group may hold on a desktop screen: a wide, light one."""
    return any(not _NOT_ON_DESKTOP.search(part.lower()) for part in split_list(condition) or [""])
