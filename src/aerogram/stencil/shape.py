"""A rendered page as its shape and the values in it.

A template yields its page in chunks: constants as the same ``str`` objects every time, values as ``Markup``
fresh from the escaping. So a page is a tuple of literals with ``None`` where a value stands, and comparing
two shapes mostly compares identities. Markup that arrives as a value (a macro's result, a page given as one
string) is split at the text between its tags and at the attributes that may differ between messages.

Which values may vary within a shape is told from where they stand, once for each shape.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ATTRIBUTE",
    "COMMENT",
    "FREE_ATTRIBUTES",
    "KEYED",
    "TEXT",
    "Place",
    "Shape",
    "is_safe_in_comment",
    "is_solid",
    "places",
    "split",
]

Shape = tuple[str | None, ...]

TEXT, ATTRIBUTE, COMMENT, KEYED = "text", "attribute", "comment", "keyed"

_ENTITY = r"&(?:amp|lt|gt|quot|\#39|\#34);"
# Edges that the parser or the text part treats as nothing; and what no value may hold at all.
_LOOSE = (
    r"\s\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180e\u2000-\u200f\u2028\u2029\u202f\u205f-\u2064\u2800\u3000"
    r"\ufeff\ufff9-\ufffb"
)
_NEVER = r"<>\"'\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
# Whether a value is sure to be text with something to see at both ends, whatever stands around it.
is_solid = re.compile(rf"(?![{_LOOSE}])(?:[^{_NEVER}&]++|{_ENTITY})++(?<![{_LOOSE}])").fullmatch

# Attributes that neither the parser nor the text part looks into; a selector may, and then they are not free.
FREE_ATTRIBUTES = ("href", "src", "alt", "title", "aria-label", "background", "cite", "datetime")
_FREE = "|".join(FREE_ATTRIBUTES)
_SPLIT = re.compile(rf"(>\s*|\s(?:{_FREE})=\")([^<>\"\s](?:[^<>\"]*[^<>\"\s])?)", re.IGNORECASE)

_TOKEN = re.compile(
    r"""(?P<comment><!--.*?(?:--!?>|\Z))
      | (?P<raw>
            <(?P<name>style|script|textarea|xmp|iframe|noembed|noframes|plaintext|svg|math)\b.*?
            (?:</(?P=name)\s*>|\Z))
      | (?P<tag><[a-z](?:"[^"]*"|'[^']*'|[^>"'])*>)
      | (?P<markup><[!?/a-z][^>]*(?:>|\Z))
      | (?P<text>[^<]+|<)""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_QUOTED_ATTRIBUTE = re.compile(r"""\s([^\s=>"'/]+)\s*=\s*("[^"]*"|'[^']*')""")
_OPEN_REFERENCE = re.compile(r"&[#\w]*\Z")
_NOT_IN_COMMENT = re.compile(r"--|\A[-!]|[-!]\Z")


class Place(NamedTuple):
    """Where a value stands: in text, in the attribute ``name``, in a comment, or where it shapes the page."""

    kind: str
    name: str = ""


def split(page: str | Iterable[str]) -> tuple[Shape, list[str]]:
    """Split a page, or the chunks of one, into its shape and the values in it."""
    shape: list[str | None] = []
    values: list[str] = []
    if isinstance(page, str):
        _split_markup(page, shape, values)
        return tuple(shape), values
    for chunk in page:
        if type(chunk) is str:  # a constant of the template; a value is Markup
            shape.append(chunk)
        elif "<" in chunk:
            _split_markup(chunk, shape, values)
        elif is_solid(chunk):
            shape.append(None)
            values.append(chunk)
        else:
            shape.append(str(chunk))
    return tuple(shape), values


def _split_markup(markup: str, shape: list[str | None], values: list[str]) -> None:
    parts = _SPLIT.split(markup)
    for number in range(0, len(parts) - 1, 3):
        literal, before, value = parts[number : number + 3]
        if is_solid(value):
            shape += (literal, before, None)
            values.append(value)
        else:
            shape.append(literal + before + value)
    shape.append(parts[-1])


def is_safe_in_comment(value: str) -> bool:
    """Whether a value in a comment cannot end it, alone or together with what stands beside it."""
    return not _NOT_IN_COMMENT.search(value)


def places(html: str, slot: re.Pattern[str], count: int) -> list[Place]:
    """Tell for each slot in ``html``, by its number (group 1 of ``slot``), where it stands."""
    found = [Place(KEYED)] * count
    for token in _TOKEN.finditer(html):
        kind = token.lastgroup if token.lastgroup != "name" else "raw"
        text = token[0]
        if kind in ("comment", "text"):
            place = Place(COMMENT if kind == "comment" else TEXT)
            for match in slot.finditer(text):
                if not _OPEN_REFERENCE.search(text, 0, match.start()):
                    found[int(match[1])] = place
        elif kind == "tag":
            for attribute in _QUOTED_ATTRIBUTE.finditer(text):
                _in_attribute(attribute, slot, found)
    return found


def _in_attribute(attribute: re.Match[str], slot: re.Pattern[str], found: list[Place]) -> None:
    name, value = attribute[1].lower(), attribute[2]
    if name not in FREE_ATTRIBUTES:
        return
    for match in slot.finditer(value):
        if not _OPEN_REFERENCE.search(value, 0, match.start()):
            found[int(match[1])] = Place(ATTRIBUTE, name)
