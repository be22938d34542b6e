"""The characters that no header may hold, and how an error text shows a value."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["FORBIDDEN", "excerpt"]

#: Every control character but the tab, the Unicode line separators, and halves of surrogate pairs.
#: Each of them ends a line for some reader, or cannot be written at all.
FORBIDDEN: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_EXCERPT_LIMIT = 100


def excerpt(value: object) -> str:
    """Return the ``repr`` of ``value`` for an error text, cut at 100 characters.

    >>> excerpt("a\\nb")
    "'a\\\\nb'"
    """
    text = repr(value[: _EXCERPT_LIMIT + 1] if isinstance(value, str) else value)
    return text if len(text) <= _EXCERPT_LIMIT else text[: _EXCERPT_LIMIT - 1] + "…"
