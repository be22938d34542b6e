"""Declarations, read by premailer's parser unless they would take it too long.

The parser takes exponential time for nested parentheses and quadratic time for some other input, and recurses
for each token of a value. So blocks are checked first, in linear time.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from aerogram.inlining.engine import load_premailer

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
    """Read a block of declarations with premailer's parser, which drops what it cannot read.

    Returns:
        The declarations, or ``None`` for a block that has to stay as it is because reading it would take too
        long.
    """
    if not css.strip():
        return ()
    if not _is_readable(css):
        return None
    try:
        pairs = load_premailer().csstext_to_pairs(css)
    except (RecursionError, ValueError):  # the caller is deep in the stack; a number of 5,000 digits
        return None
    return tuple(
        Declaration(name, _IMPORTANT.sub("", value), bool(_IMPORTANT.search(value))) for name, value in pairs
    )


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
