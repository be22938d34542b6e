"""What is known of properties: which of them set a common longhand, and which values every client knows.

Values are never read for their meaning. A value that is not known here is kept beside the one it overrides,
so that a client which refuses it shows the other, as with the author's sheet.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["are_related", "is_surely_valid"]

# Names as if each shorthand were the beginning of what it sets.
_RENAMED = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^-(?:webkit|moz|ms|o)-", ""),
        (r"^(margin|padding|inset)-(?:block|inline).*", r"\1"),
        (r"^(top|right|bottom|left)$", r"inset-\1"),
        (r"^(min-|max-)?(?:block|inline)-size$", r"\1size"),
        (r"^(min-|max-)?(width|height)$", r"\1size-\2"),
        (r"^border-(?:block|inline)(?:-(?:start|end))?(?=-(?:color|style|width)|$)", "border"),
        (r"^border-(collapse|spacing|radius)", r"table-\1"),
        (r"^border-((?:top|bottom)-\w+)-radius$", r"table-radius-\1"),
        (r"^border-(?:start|end)-(?:start|end)-radius$", "table-radius"),
        (r"^line-height$", "font-line-height"),
        (r"^word-wrap$", "overflow-wrap"),
        (r"^(?:grid-)?(row-|column-)?gap$", r"gap-\1"),
        (r"^column-(count|width)$", r"columns-\1"),
        (r"^flex-(direction|wrap)$", r"flex-flow-\1"),
        (r"^grid-(row|column)", r"grid-area-\1"),
        (r"^(align|justify)-(content|items|self)$", r"place-\2-\1"),
        (r"^color-", "colors-"),
        (r"^text-wrap", "white-space-wrap"),
        (r"^page-break-", "break-"),
        (r"-$", ""),
    )
]
_BORDER_LINE = re.compile(r"border(?:-(top|right|bottom|left))?(?:-(color|style|width))?")

_NUMBER = r"(?:\d+(?:\.\d+)?|\.\d+)"
_UNITS = "px|pt|pc|em|ex|in|cm|mm"
_ABSOLUTE = rf"(?:0|{_NUMBER}(?:{_UNITS}))"
_LENGTH = rf"(?:0|{_NUMBER}(?:%|{_UNITS}))"
_COLOR = (
    r"(?:\#[0-9a-f]{3}|\#[0-9a-f]{6}|transparent|black|silver|gray|white|maroon|red|purple|fuchsia|green|lime|olive"
    r"|yellow|navy|blue|teal|aqua|orange)"
)
_LINE = r"(?:none|solid|dashed|dotted|double|hidden)"
_BORDER = rf"(?:0|none|(?:{_ABSOLUTE} )?{_LINE}(?: {_COLOR})?)"
_FONT = r"(?:\"[^\"\\\n]+\"|'[^'\\\n]+'|[a-z][\w-]*(?: [a-z][\w-]*)*)"
_MARGIN = rf"(?:-?{_LENGTH}|auto)"
_KNOWN = {
    "color": _COLOR,
    "background": f"none|{_COLOR}",
    "background-color": _COLOR,
    "background-repeat": "(?:no-)?repeat|repeat-[xy]",
    "border": _BORDER,
    "border-collapse": "collapse|separate",
    "border-color": rf"{_COLOR}(?: {_COLOR}){{0,3}}",
    "border-radius": rf"{_LENGTH}(?: {_LENGTH}){{0,3}}",
    "border-spacing": rf"{_ABSOLUTE}(?: {_ABSOLUTE})?",
    "border-style": rf"{_LINE}(?: {_LINE}){{0,3}}",
    "border-width": rf"{_ABSOLUTE}(?: {_ABSOLUTE}){{0,3}}",
    "clear": "none|left|right|both",
    "direction": "ltr|rtl",
    "display": "none|block|inline|inline-block|list-item|(?:inline-)?table|table-(?:cell|row|caption)",
    "float": "none|left|right",
    "font-family": rf"{_FONT}(?: ?, ?{_FONT})*",
    "font-size": rf"{_LENGTH}|(?:x{{1,2}}-)?(?:small|large)|medium|smaller|larger",
    "font-style": "normal|italic|oblique",
    "font-weight": "normal|bold|bolder|lighter|[1-9]00",
    "letter-spacing": rf"normal|-?{_ABSOLUTE}",
    "line-height": rf"normal|{_NUMBER}|{_LENGTH}",
    "list-style-type": "none|disc|circle|square|decimal",
    "margin": rf"{_MARGIN}(?: {_MARGIN}){{0,3}}",
    "outline": _BORDER,
    "overflow": "visible|hidden|scroll|auto",
    "padding": rf"{_LENGTH}(?: {_LENGTH}){{0,3}}",
    "position": "static|relative|absolute|fixed",
    "table-layout": "auto|fixed",
    "text-align": "left|right|center|justify",
    "text-decoration": "none|underline|overline|line-through",
    "text-transform": "none|uppercase|lowercase|capitalize",
    "vertical-align": rf"baseline|sub|super|top|middle|bottom|text-(?:top|bottom)|-?{_LENGTH}",
    "visibility": "visible|hidden|collapse",
    "white-space": "normal|nowrap|pre|pre-wrap|pre-line",
    "width": f"auto|{_LENGTH}",
    "max-width": f"none|{_LENGTH}",
    "min-width": _LENGTH,
    "word-break": "normal|break-all|keep-all",
    "word-wrap": "normal|break-word",
}
_LIKE = {"height": "width", "max-height": "max-width", "min-height": "min-width"}
_ALWAYS = "inherit|initial"
_LONGEST = 300  # characters of a value that is compared with what is known


@lru_cache(maxsize=4096)
def are_related(one: str, other: str) -> bool:
    """Return whether two properties may set a common longhand, as ``margin`` and ``margin-top`` do."""
    if one == other:
        return True
    if one.startswith("--") or other.startswith("--"):
        return False
    if "all" in (one, other):
        return not {one, other} & {"direction", "unicode-bidi"}
    one, other = _renamed(one), _renamed(other)
    line, second = _BORDER_LINE.fullmatch(one), _BORDER_LINE.fullmatch(other)
    if line and second:
        return all(
            None in (part, line[number]) or part == line[number]
            for number, part in enumerate(second.groups(), 1)
        )
    return one == other or one.startswith(f"{other}-") or other.startswith(f"{one}-")


@lru_cache(maxsize=1024)
def _renamed(name: str) -> str:
    for pattern, replacement in _RENAMED:
        name = pattern.sub(replacement, name)
    return name


@lru_cache(maxsize=4096)
def is_surely_valid(name: str, value: str) -> bool:
    """Return whether every client accepts this value, so that what it overrides need not stay."""
    if name.startswith("mso-"):
        return True
    return len(value) <= _LONGEST and _pattern(name).fullmatch(" ".join(value.split())) is not None


@lru_cache(maxsize=1024)
def _pattern(name: str) -> re.Pattern[str]:
    """Return the pattern of the values that are known of a property."""
    known = _KNOWN.get(_LIKE.get(name, name))
    one_side = re.fullmatch("(margin|padding)-(?:top|right|bottom|left)", name)
    if one_side:
        known = _MARGIN if one_side[1] == "margin" else _LENGTH
    elif line := _BORDER_LINE.fullmatch(name):
        known = (
            {"color": _COLOR, "style": _LINE, "width": _ABSOLUTE, None: _BORDER}[line[2]]
            if line[1]
            else known
        )
    return re.compile(f"{_ALWAYS}|{known}" if known else _ALWAYS, re.IGNORECASE)
