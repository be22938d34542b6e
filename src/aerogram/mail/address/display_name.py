"""The name before an address in angle brackets: its tokens, and what they say."""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header

QUOTED = r'"[^"\\]*(?:\\.[^"\\]*)*"'
ENCODED_WORD = r"=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?="

# White space between two encoded-words separates nothing (RFC 2047 section 6.2).
_TOKEN = re.compile(rf'{QUOTED}|{ENCODED_WORD}(?: *{ENCODED_WORD})*|[^ "()<>:;\\\[\]]+| +', re.DOTALL)
_ENCODED = re.compile(ENCODED_WORD)
_SPACES = re.compile(" +")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def name_tokens(entry: str) -> tuple[list[str], int]:
    """Return the tokens of the name that ``entry`` begins with, and where it ends."""
    tokens: list[str] = []
    position = 0
    while (token := _TOKEN.match(entry, position)) is not None:
        position = token.end()
        tokens.append(token[0])
    return tokens, position


def unquoted_text(tokens: list[str]) -> str:
    """Return the name with ``""`` in place of what is quoted or encoded."""
    return "".join(['""' if text[0] == '"' or _ENCODED.match(text) else text for text in tokens])


def name_of(tokens: list[str]) -> str:
    """Return the name that tokens stand for, without the white space at its end."""
    if tokens and tokens[-1][0] == " ":
        tokens = tokens[:-1]
    return "".join([_text(token) for token in tokens])


def _text(token: str) -> str:
    if token[0] == '"':
        return unquoted(token)
    return _decoded(token) if _ENCODED.match(token) else _SPACES.sub(" ", token)


def unquoted(quoted: str) -> str:
    """Return what a quoted-string stands for."""
    return _ESCAPED.sub(r"\1", quoted[1:-1])


def _decoded(words: str) -> str:
    """Decode encoded-words (RFC 2047, RFC 2231 section 5); what cannot be decoded stays as it is written."""
    try:
        return "".join(
            [
                part if isinstance(part, str) else part.decode((charset or "ascii").partition("*")[0])
                for part, charset in decode_header(words)
            ]
        )
    except (HeaderParseError, LookupError, ValueError):
        return words
