"""The characters that no header may hold, and how an error text shows a value."""

from __future__ import annotations

import re
from enum import Enum
from numbers import Number
from os import PathLike
from types import WrapperDescriptorType
from typing import Any, Final

from aerogram.exceptions import BadHeaderError

#: Every control character but the tab, the Unicode line separators, and halves of surrogate pairs.
#: Each of them ends a line for some reader, or cannot be written at all.
FORBIDDEN: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# C0, DEL, C1, the Unicode line ends, and the marks that turn the direction of text around.
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")

_EXCERPT_LIMIT = 100
_TEXT_LIMIT = 512


def is_text(value: object) -> bool:
    """Return whether a value is a text: a str, or a lazy one that becomes a str when it is needed.

    A lazy text, such as of Django's ``gettext_lazy`` or Flask-Babel's ``lazy_gettext``, has a ``__str__`` of
    its own, as no number, bytes, date, list or dict has. Nothing is evaluated here.
    """
    return isinstance(value, str) or is_lazy_text(value)


def is_lazy_text(value: object) -> bool:
    """Return whether a value is a text, but no str: see :func:`is_text`."""
    if isinstance(value, str):
        return False
    is_written = type(type(value).__str__) is not WrapperDescriptorType  # in Python, not in C
    return is_written and not isinstance(value, Number | PathLike | Enum)


def without_laziness(value: Any) -> Any:
    """Return a lazy text as it is in the language that is active now, and any other value as it is.

    A message, a model and many other objects have a ``__str__`` of their own; a text also has the methods of
    a str.
    """
    return str(value) if is_lazy_text(value) and hasattr(value, "casefold") else value


def excerpt(value: object) -> str:
    """Return the ``repr`` of ``value`` for an error text, cut at 100 characters."""
    text = repr(value[: _EXCERPT_LIMIT + 1] if isinstance(value, str) else value)
    return text if len(text) <= _EXCERPT_LIMIT else text[: _EXCERPT_LIMIT - 1] + "…"


def clean_text(text: bytes | str) -> str:
    """Return a server's text on one line, without control characters and halves of pairs, cut to 512 octets.

    >>> clean_text(b"no such\\x1b[2J user")
    'no such [2J user'
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if text.isascii() and text.isprintable():
        return text.strip()[:_TEXT_LIMIT]
    text = _UNSHOWN.sub(" ", text).strip()
    return text.encode("utf-8", "replace")[:_TEXT_LIMIT].decode("utf-8", "ignore")


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
