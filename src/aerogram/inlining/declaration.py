"""Declarations, read by premailer's parser, and which of them it is not given at all.

The parser takes exponential time for parentheses inside each other, quadratic time for others, and recurses
for each token of a value. A block that no person wrote is told apart first, in linear time.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from aerogram.inlining.engine import load_premailer

__all__ = ["LONGEST_REMEMBERED", "Declaration", "read_declarations"]

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
LONGEST_REMEMBERED = 2_000  # characters of a block: what is remembered stays small
_SURELY_READABLE = 200  # characters that cannot hold too many tokens


class Declaration(NamedTuple):
    """One property with its value, ``!important`` taken off."""

    name: str
    value: str
    important: bool


def read_declarations(css: str) -> tuple[Declaration, ...] | None:
    """Read a block of declarations with premailer's parser; what it cannot read is left out.

    Returns:
        The declarations, or ``None`` for a block that has to stay as it is: reading it would take too long.
    """
    return _read(css) if len(css) <= LONGEST_REMEMBERED else _read.__wrapped__(css)


@lru_cache(maxsize=4096)
def _read(css: str) -> tuple[Declaration, ...] | None:
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
