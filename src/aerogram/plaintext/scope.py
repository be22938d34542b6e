"""Where a text stands: the names of the elements that part words, and what the styles around it come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aerogram.plaintext import marks
from aerogram.plaintext.style import UNREAD, style_of, tags

if TYPE_CHECKING:
    from aerogram.document import Element
    from aerogram.plaintext.style import StyleInfo


TABLE_PARTS = tags("caption tbody td tfoot th thead tr")
PREFORMATTED = tags("pre listing plaintext xmp")
BOXES = PREFORMATTED | tags(
    "address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 header hgroup li main menu nav ol p search section summary ul"
)
BLOCKS = BOXES | TABLE_PARTS | {"table"}
_APART = tags("button select svg")
_COLORED = tags("a button select textarea")  # with a colour of their own in every browser
_LINES = tags("legend option optgroup textarea")
SCOPED = PREFORMATTED | _APART | _LINES
"""Elements that change the text inside without any style."""


class Scope(NamedTuple):
    """What the styles around a text come to."""

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
    """Return whether an element is not hidden by itself; ``style`` is that of it where the caller has it."""
    style, tag = style or style_of(element), element.tag
    if tag in UNREAD or style.is_hidden or (style.display is None and element.get("hidden") is not None):
        return False
    return not (style.is_clipped and (style.is_box or (style.display is None and tag in BOXES)))
