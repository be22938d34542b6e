"""Declarations, read by premailer's parser, and the attributes it makes of them for old clients.

The parser takes exponential time for nested parentheses and quadratic time for some other input, and recurses
for each token of a value. So blocks are checked first, in linear time.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from premailer import Premailer

_IMPORTANT = re.compile(r"\s*!\s*important\s*$", re.IGNORECASE)
_TOKEN = re.compile(
    r"""(?P<word>"[^"\\\n]*(?:\\.[^"\\\n]*)*"|'[^'\\\n]*(?:\\.[^'\\\n]*)*'|\\.|url\(\s*(?:[^\s"'()]+\s*)?\)
      |[a-zA-Z_\x80-\U0010ffff][\w-]*|\d+(?:\.\d+)?[a-z%]*)|(?P<mark>[();]|[^\s])""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_LONG_BLANK = re.compile(r"\s{1000}")
_MOST_TOKENS = 300  # of a declaration: twenty shadows, or a hundred fonts
_MOST_TOKENS_OF_BLOCK = 5_000
_DEEPEST = 6  # parentheses inside each other: twice the time for each
_SURELY_READABLE = 200  # characters that cannot hold too many tokens


class Declaration(NamedTuple):
    """One property with its value, without ``!important``."""

    name: str
    value: str
    important: bool


def read_declarations(css: str) -> tuple[Declaration, ...] | None:
    """Read a block with premailer's parser; return ``None`` if that would take it too long."""
    if not css.strip():
        return ()
    if not _is_readable(css):
        return None
    _premailer()
    from premailer.merge_style import csstext_to_pairs

    try:
        # Without premailer's cache of 128 entries: the caller has a larger one.
        pairs = csstext_to_pairs.__wrapped__(css, validate=False)
    except (RecursionError, ValueError):  # the caller is deep in the stack; a number of 5,000 digits
        return None
    return tuple(
        Declaration(name, _IMPORTANT.sub("", value), bool(_IMPORTANT.search(value))) for name, value in pairs
    )


def old_attributes(style: str) -> tuple[tuple[str, str], ...]:
    """Return the presentational attributes that premailer makes of a style attribute, for old clients."""
    target = SimpleNamespace(attrib={})  # premailer asks an element for nothing else
    _premailer()._style_to_basic_html_attributes(target, style, force=True)
    return tuple(target.attrib.items())


@cache
def _premailer() -> Premailer:
    """Import premailer, which imports requests; so it is loaded for the first document only."""
    import cssutils
    from premailer import Premailer

    cssutils.log.setLevel(logging.CRITICAL)  # broken CSS is the author's business, not the log's
    return Premailer(allow_network=False, allow_loading_external_files=False, disable_validation=True)


def _is_readable(css: str) -> bool:
    if len(css) <= _SURELY_READABLE and css.count("(") <= _DEEPEST:
        return True
    if _LONG_BLANK.search(css):
        return False
    in_declaration = depth = 0
    for in_block, token in enumerate(_TOKEN.finditer(css), 1):
        mark = token["mark"]
        if mark == "(":
            depth += 1
        elif mark == ")":
            depth = max(depth - 1, 0)
        elif mark == ";" and not depth:
            in_declaration = 0
        in_declaration += 1
        if in_declaration > _MOST_TOKENS or in_block > _MOST_TOKENS_OF_BLOCK or depth > _DEEPEST:
            return False
    return True
