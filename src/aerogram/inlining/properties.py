"""Which properties set a common longhand, and which values every client knows."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["is_surely_valid", "may_share_longhand"]

# New names, in which each shorthand is a prefix of the longhands it sets: ``row-gap`` becomes ``gap-row``.
_RENAMED = (
    (r"^-webkit-(margin|padding|border)-(?:start|end|before|after)", r"\1-inline"),
    (r"^-webkit-(min-|max-)?logical-(?:width|height)$", r"\1inline-size"),
    (r"^-(?:webkit|moz|ms|o)-", ""),
    (r"^(scroll-margin|scroll-padding|overscroll-behavior|contain-intrinsic)-.*", r"\1"),
    (r"^column-break-", "break-"),
    (r"^(margin|padding|inset)-(?:block|inline).*", r"\1"),
    (r"^(top|right|bottom|left)$", r"inset-\1"),
    (r"^(min-|max-)?(?:block|inline)-size$", r"\1size"),
    (r"^(min-|max-)?(width|height)$", r"\1size-\2"),
    (r"^border-(?:block|inline)(?:-(?:start|end))?(?=-(?:color|style|width)|$)", "border"),
    (r"^border-(collapse|spacing|radius)", r"table-\1"),
    (r"^border-((?:top|bottom)-\w+)-radius$", r"table-radius-\1"),
    (r"^border-(?:start|end)-(?:start|end)-radius$", "table-radius"),
    (r"^line-height$", "font-line-height"),
    (r"^overflow-(?:block|inline)$", "overflow"),
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
_BORDER_LINE = re.compile(r"border(?:-(top|right|bottom|left))?(?:-(color|style|width))?")
_LONGEST = 300  # characters of a value that is compared with what is known
_LENGTH = r"0|(?:\d+(?:\.\d+)?|\.\d+)(?:%|px|pt|em|in|cm|mm)"
_FONT = (
    r"(?:\"[^\"\\\n]+\"|'[^'\\\n]+'"
    r"|(?!(?:inherit|initial|unset|revert|default)\b)[a-z][a-z-]*(?:\s+[a-z][a-z-]*)*)"
)
_COLOR = r"#[0-9a-f]{3}|#[0-9a-f]{6}|transparent|black|white|red|blue"
_LINE = r"0|none|\d+(?:\.\d+)?px(?:\s+(?:solid|dashed|dotted)(?:\s+#(?:[0-9a-f]{3}){1,2})?)?"
_WORDS = (  # what each may have as its whole value, or several of
    (r"(?:min-|max-)?(?:width|height)|font-size|padding-\w+", _LENGTH, 1),
    (r"padding", _LENGTH, 4),
    (r"margin(-\w+)?", rf"auto|-?(?:{_LENGTH})", 1),
    (r"margin", rf"auto|-?(?:{_LENGTH})", 4),
    (r"(?:min-)?(?:width|height)", "auto", 1),
    (r"line-height", rf"normal|\d+(?:\.\d+)?|{_LENGTH}", 1),
    (r"(?:background-|border-\w+-)?color|background", _COLOR, 1),
    (r"border(?:-(?:top|right|bottom|left))?|outline", _LINE, 1),
    (r"font-family", rf"{_FONT}(?:\s*,\s*{_FONT})*", 1),
    (r"font-weight", "normal|bold|[1-9]00", 1),
    (r"font-style", "normal|italic", 1),
    (r"text-align|float|clear", "left|right", 1),
    (r"text-align", "center|justify", 1),
    (r"float|clear|text-decoration|text-transform|display", "none", 1),
    (r"text-decoration", "underline|line-through", 1),
    (r"text-transform", "uppercase|lowercase|capitalize", 1),
    (r"vertical-align", "top|middle|bottom|baseline", 1),
    (r"display", "block|inline|inline-block|table|table-cell|table-row", 1),
    (r"visibility|overflow", "hidden|visible", 1),
    (r"white-space", "normal|nowrap", 1),
    (r"position", "relative|absolute|static", 1),
)


@lru_cache(maxsize=4096)
def may_share_longhand(one: str, other: str) -> bool:
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
            None in pair or pair[0] == pair[1] for pair in zip(line.groups(), second.groups(), strict=True)
        )
    return one == other or one.startswith(f"{other}-") or other.startswith(f"{one}-")


def _renamed(name: str) -> str:
    for pattern, replacement in _RENAMED:
        name = re.sub(pattern, replacement, name)
    return name


@lru_cache(maxsize=4096)
def is_surely_valid(name: str, value: str) -> bool:
    """Return whether every client accepts this value; of any other, what it overrides stays beside it."""
    if name.startswith("mso-") or value.lower() in ("inherit", "initial"):
        return True
    return len(value) <= _LONGEST and any(
        re.fullmatch(names, name)
        and re.fullmatch(rf"(?:{words})(?:\s+(?:{words})){{0,{most - 1}}}", value, re.IGNORECASE | re.ASCII)
        for names, words, most in _WORDS
    )
