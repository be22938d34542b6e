"""Secrets in values and texts, which a report about an error does not show."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["mask_secrets", "shown"]

MASK: Final = "********"
MOST: Final = 50  # items of a collection
LONGEST: Final = 2000  # characters of a value
_SECRET_WORDS: Final = frozenset({"pass", "auth", "pin", "otp", "cvv", "cvc", "pw"})
_SENSITIVE: Final = (
    "password|passwd|passphrase|passcode|pwd|secret|token|api_?key|private_?key|access_?key|"
    "authori[sz]ation|credential|cookie|session_?(?:id|key)|csrf|signature|card_?number|iban"
)
_SECRET_NAME = re.compile(_SENSITIVE)
_PAIR = re.compile(
    rf"""(\b[\w-]*(?:{_SENSITIVE.replace("_?", "[-_ ]?")})[\w-]*["']?\s*(?:=>|[:=])\s*)"""
    r"""(?:b?"[^"\n]*"|b?'[^'\n]*'|\[[^\]\n]*\]|\([^)\n]*\)|[^\s,;&)}\]"']+)""",
    re.I,
)
_HEADER = re.compile(r"""(\b(?:(?:proxy-)?authorization|(?:set-)?cookie)["']?\s*[:=]\s*)[^\n]+""", re.I)
_SCHEME = re.compile(r"\b(basic|bearer)\s+[A-Za-z0-9._~+/=-]{6,}", re.I)
_URL = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/]+@", re.I)


def mask_secrets(value: object, name: str = "") -> Any:
    """Return a readable copy of a value in which all secrets are masked, at any depth.

    Secrets are values with a name such as ``password``, ``api_key`` or ``Authorization``, text that follows
    such a name, and passwords in URLs.

    Args:
        value: any object; collections are copied, other objects become their repr.
        name: the name of the value.

    >>> mask_secrets({"user": "ann", "apiKey": "k", "dsn": "db://ann:pw@host/db", "log": ["token=abc"]})
    {'user': 'ann', 'apiKey': '********', 'dsn': 'db://ann:********@host/db', 'log': ['token=********']}
    """
    return _masked(value, name, 0)


def _masked(value: object, name: str, depth: int) -> object:
    if _is_secret(name):
        return MASK
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth > 8:
        return "…"
    if isinstance(value, Mapping):
        return {shown(key): _masked(each, shown(key), depth + 1) for key, each in list(value.items())[:MOST]}
    if isinstance(value, list | tuple | set | frozenset):
        items = list(value)
        if len(items) == 2 and isinstance(value, list | tuple) and isinstance(items[0], str | bytes):
            return [shown(items[0]), _masked(items[1], shown(items[0]), depth + 1)]  # such as a header
        return [_masked(each, "", depth + 1) for each in items[:MOST]]
    return shown(value)


def _is_secret(name: str) -> bool:
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    parts = re.split(r"[^a-z0-9]+", words)
    return not _SECRET_WORDS.isdisjoint(parts) or _SECRET_NAME.search("_".join(parts)) is not None


def shown(value: object, longest: int = LONGEST) -> str:
    """Return a text as it is, and another value as its repr: cut, and with no secret in it."""
    try:
        text = str(value) if isinstance(value, str) else repr(value)
    except Exception as error:  # a __repr__ that fails is no reason to lose the report
        return f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"
    if isinstance(value, bytes):
        text = text[2:-1]
    cut = text[:longest]
    for pattern in (_HEADER, _PAIR):
        cut = pattern.sub(rf"\1{MASK}", cut)
    cut = _SCHEME.sub(rf"\1 {MASK}", _URL.sub(rf"\1{MASK}@", cut))
    return cut if len(text) <= longest else cut + "…"
