"""The characters that no header may hold, and how an error text shows a value."""

from __future__ import annotations

import re
from typing import Final

from aerogram.exceptions import BadHeaderError

#: Every control character but the tab, the Unicode line separators, and halves of surrogate pairs.
#: Each of them ends a line for some reader, or cannot be written at all.
FORBIDDEN: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_EXCERPT_LIMIT = 100


def excerpt(value: object) -> str:
    """Return the ``repr`` of ``value`` for an error text, cut at 100 characters."""
    text = repr(value[: _EXCERPT_LIMIT + 1] if isinstance(value, str) else value)
    return text if len(text) <= _EXCERPT_LIMIT else text[: _EXCERPT_LIMIT - 1] + "…"


def check_header_value(name: str, value: object) -> str:
    """Return ``value`` as text with tabs written as spaces; ``str()`` is called once.

    Raises:
        BadHeaderError: the text holds a newline, another control character, or half of a surrogate pair.
    """
    text = str.__str__(str(value))
    if text.isascii() and text.isprintable():
        return text
    bad = FORBIDDEN.search(text)
    if bad is None:
        return text.replace("\t", " ")
    if "\n" in text or "\r" in text:
        what = "newlines"
    elif "\ud800" <= bad[0] <= "\udfff":
        what = "lone surrogates, which no charset can write"
    else:
        what = f"control characters such as {bad[0]!a}"
    raise BadHeaderError(
        f"Header values can't contain {what} (got {excerpt(text)} for header {excerpt(name)})"
    )
