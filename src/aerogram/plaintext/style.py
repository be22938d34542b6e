"""The effect of an element's style, and of its ancestors' styles, on its visible text."""

from __future__ import annotations

import re
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from aerogram.inlining.css import read_declarations
from aerogram.plaintext.marks import KEEP, KEEP_SPACES, PRE, SOFT

if TYPE_CHECKING:
    from aerogram.document import Element


def tags(names: str) -> frozenset[str]:
    """Return the set of these names."""
    return frozenset(names.split())


UNREAD = tags("head style script title template iframe datalist noframes noembed rp desc metadata defs")
"""Elements whose content is not for readers of a mail."""
PREFORMATTED = tags("pre listing plaintext xmp")
BOXES = PREFORMATTED | tags(
    "address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 header hgroup li main menu nav ol p search section summary ul"
)
BLOCKS = BOXES | tags("table caption tbody td tfoot th thead tr")
_APART = tags("button select svg item")  # the last is an item of a list whose style puts all in one line
_COLORED = tags("a button select textarea")  # with a colour of their own in every browser
_LINES = tags("legend option optgroup textarea")
SCOPED = PREFORMATTED | _APART | _LINES
"""Elements that change the text inside without any style."""

_ZERO = re.compile(r"0+(?:\.0*)?[a-z%]*$|\.0+[a-z%]*$")
_TINY = re.compile(r"(?:0?\.\d+|1(?:\.0*)?)p[xt]$|0?\.0\d*r?em$")
_RELATIVE = re.compile(r"(?=[\d.]*[1-9])[\d.]+(?:em|ex|ch|%)$")
_LINE_DISPLAYS = tags("block flex grid table list-item flow-root table-row table-caption")
_NO_BOXES = tags("inline contents inherit table inline-table")  # that what is inside could be clipped by
_DISPLAY = re.compile(
    r"(?:inline-?)?(?:block|flex|grid|table)|inline|none|contents|list|flow|in|unset|revert|-|ruby|math|var"
)
_FLEX_DISPLAYS = frozenset(("flex", "inline-flex", "grid", "inline-grid"))
_EXTENTS = ("max-height", "height", "max-width", "width")
HIDING = frozenset(_EXTENTS) | tags(
    "all color display float font font-size min-height min-width opacity overflow overflow-x overflow-y"
    " position visibility"
)
"""Properties that may hide words."""
_FONT_SIZE = re.compile(r"(?:^|\s)(0+(?:\.0+)?|[\d.]+(?:p[xtc]|r?em|ex|ch|%|v[wh]|[cm]m|in))(?=[\s/]|$)")
_WHITE_SPACE = dict.fromkeys(("pre", "pre-wrap", "break-spaces"), KEEP_SPACES) | {"pre-line": KEEP}
_LIST_TYPE = re.compile(r"(?:^|\s)(none|decimal|(?:lower|upper)-(?:alpha|latin|roman))(?=\s|$)")
_LINE_STYLE = re.compile("solid|dashed|dotted|double")
ALIGNMENTS = {"right": "r", "end": "r", "center": "c"}
_RESETS: dict[str, dict[str, str]] = {
    "initial": {"display": "inline", "visibility": "visible", "font-size": "medium", "color": "canvastext"},
    "unset": {"display": "inline"},
    "revert": {"display": "revert"},
}
_VISIBILITY = {"visible": True, "initial": True, "hidden": False, "collapse": False}  # others are inherited
_NO_OPACITY = re.compile(rf"-\d|{_ZERO.pattern}")
_NO_ALPHA = re.compile(
    r"#[0-9a-f]{3}0$|#[0-9a-f]{6}00$|(?:rgb|hsl)a?\((?:[^,/]*,){3}\s*0[0.]*%?\s*\)$|(?:rgb|hsl)a?\([^/]*/\s*0[0.]*%?\s*\)$"
)
_COMMENT = re.compile(r"/\*[^*]*\*+(?:[^/*][^*]*\*+)*/")
# Of values that do not match these, browsers take none.
_VALUES = {
    "display": _DISPLAY,
    "visibility": re.compile("visible|hidden|collapse|inherit|initial|unset|revert|var"),
    "opacity": re.compile(r"[-+.\d]|calc|inherit|initial|unset|revert|var"),
}
_LONGEST_CACHED = 1_000  # characters of a style attribute


class StyleInfo(NamedTuple):
    """The effective values of a style attribute; ``None`` is inherited."""

    is_hidden: bool = False  # with everything inside
    display: str | None = None
    is_clipped: bool = False  # what is inside cannot be seen, if it is a box and no cell of a table
    is_pixel: bool = False  # an image with it is too small to be seen
    has_rule: bool = False  # a line is drawn above it
    list_type: str | None = None
    align: str | None = None  # r or c
    is_struck: bool | None = None
    is_box: bool = False
    has_lines: bool = False  # it begins and ends a line of its own
    is_apart: bool = False  # it stands beside its neighbours, not in a line with them
    is_flex: bool = False  # its children do
    keeps: str | None = None  # the mark of what ``white-space`` keeps
    is_visible: bool | None = None
    has_visible_font: bool | None = None  # layout cells have no font size, what is inside them sets its own
    has_visible_color: bool | None = None
    changes_text: bool = False  # one from ``has_lines`` on does, where all around can be seen

    @property
    def inherited_visibility(self) -> tuple[bool | None, ...]:
        """The visibility of text inside, by each of the inherited properties."""
        return self.is_visible, self.has_visible_font, self.has_visible_color

    @property
    def hides(self) -> bool:
        """True if one of its properties may hide what is inside."""
        return self.is_hidden or self.is_pixel or False in self.inherited_visibility


DEFAULT = StyleInfo()


def style_of(element: Element) -> StyleInfo:
    """Return the values that an element's style attribute sets.

    ``mso-hide`` counts for nothing: it hides from Outlook alone, as on the link that all other clients show
    in place of a VML button.
    """
    style = element.get("style")
    return read_style(style) if style else DEFAULT


def read_style(style: str) -> StyleInfo:
    """Return the values that a style attribute sets."""
    return _style_info(style) if len(style) <= _LONGEST_CACHED else _style_info.__wrapped__(style)


@lru_cache(maxsize=4096)
def _style_info(style: str) -> StyleInfo:
    found: dict[str, str] = {}
    for name, value, _ in sorted(read_declarations(style), key=attrgetter("important")):
        if name == "all" and value.lower() in _RESETS:
            found = dict(_RESETS[value.lower()])
        value = _COMMENT.sub(" ", value).strip().lower()
        if name not in _VALUES or _VALUES[name].match(value):
            found.pop(name, None)
            found[name] = value
    is_tiny = any(
        _is_tiny_length(found.get(name, "auto"))
        and _is_tiny_length(found.get(f"min-{name.removeprefix('max-')}", "0"))
        for name in _EXTENTS
    )
    display = found.get("display", "")
    spaces = found.get("white-space", "inherit")
    is_out_of_flow = found.get("position") in ("absolute", "fixed") or found.get("float") in ("left", "right")
    list_type = _LIST_TYPE.search(found.get("list-style-type") or found.get("list-style", ""))
    border = found.get("border-top") or found.get("border-top-style") or found.get("border", "")
    visibility = found.get("visibility", "inherit")
    overflow = found.get("overflow") or found.get("overflow-y") or found.get("overflow-x") or ""
    lines = found.get("text-decoration") or found.get("text-decoration-line")
    has_lines = display in _LINE_DISPLAYS and not is_out_of_flow
    is_apart = is_out_of_flow or display == "table-cell"
    is_flex = display in _FLEX_DISPLAYS
    keeps = None if spaces == "inherit" else _WHITE_SPACE.get(spaces, "")
    is_visible = _VISIBILITY.get(visibility)
    font, color = _has_visible_font(found), _has_visible_color(found)
    return StyleInfo(
        is_hidden=display == "none" or _NO_OPACITY.match(found.get("opacity", "1")) is not None,
        display=display or None,
        is_clipped=is_tiny and overflow.startswith(("hidden", "clip", "auto", "scroll")),
        is_pixel=is_tiny,
        has_rule=_LINE_STYLE.search(border) is not None and not _ZERO.match(border.split()[0]),
        list_type=list_type[1] if list_type else None,
        align=ALIGNMENTS.get(found.get("text-align", "")),
        is_struck="line-through" in lines if lines else None,
        is_box=is_out_of_flow or not (display in {"", *_NO_BOXES} or display.startswith("table-")),
        has_lines=has_lines,
        is_apart=is_apart,
        is_flex=is_flex,
        keeps=keeps,
        is_visible=is_visible,
        has_visible_font=font,
        has_visible_color=color,
        changes_text=has_lines
        or is_apart
        or is_flex
        or keeps is not None
        or False in (is_visible, font, color),
    )


def _has_visible_font(found: dict[str, str]) -> bool | None:
    size = "inherit"
    for name, value in found.items():
        if name == "font-size":
            size = value
        elif name == "font" and (shorthand := _FONT_SIZE.search(value)):
            size = shorthand[1]
    if _is_tiny_length(size):
        return False
    return None if size == "inherit" or _RELATIVE.match(size) else True


def _has_visible_color(found: dict[str, str]) -> bool | None:
    color = found.get("color", "inherit")
    if color == "transparent" or _NO_ALPHA.match(color):
        # The background may shine through the letters.
        return any(name.endswith(("background-clip", "text-fill-color")) for name in found)
    return None if color in ("inherit", "unset") else True


def _is_tiny_length(length: str) -> bool:
    return (_ZERO.match(length) or _TINY.match(length)) is not None


def is_seen(element: Element, style: StyleInfo | None = None) -> bool:
    """Return whether an element does not hide itself; ``style`` is its style, if the caller has read it."""
    style, tag = style or style_of(element), element.tag
    if tag in UNREAD or style.is_hidden or (style.display is None and element.get("hidden") is not None):
        return False
    return not (style.is_clipped and (style.is_box or (style.display is None and tag in BOXES)))


class Scope(NamedTuple):
    """The combined effect of the styles of all elements around a text."""

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
        keeps = KEEP_SPACES if tag == "textarea" or tag in PREFORMATTED else self.keeps
        is_visible = self.is_visible if style.is_visible is None else style.is_visible
        font = self.has_visible_font if style.has_visible_font is None else style.has_visible_font
        color = self.has_visible_color or tag in _COLORED
        color = color if style.has_visible_color is None else style.has_visible_color
        shows_text = is_visible and font and color
        return Scope(
            element,
            "" if tag in BLOCKS else " " if is_apart else SOFT if has_lines else "",
            style.is_flex,
            self.keeps if self.keeps == PRE else keeps if style.keeps is None else style.keeps,
            is_visible,
            font,
            color,
            shows_text,
            shows_text and not style.is_flex,
        )
