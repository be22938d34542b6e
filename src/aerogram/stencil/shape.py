"""A rendered page as its shape and the values in it: literals, and ``None`` where a value stands.

A value is *solid* when it is sure to be text. Markup (a macro's result, a page given as one string) is split
at the text between its tags and at the attributes that may differ between messages.

Which values may vary within a shape is told from where they stand, once for each shape.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from aerogram.plaintext.marks import is_ordinary

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ATTRIBUTE",
    "COMMENT",
    "FREE_ATTRIBUTES",
    "KEYED",
    "TEXT",
    "Place",
    "Shape",
    "are_solid",
    "find_entities",
    "is_safe_in_comment",
    "is_solid",
    "places",
    "split_markup",
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
_SOLID = rf"(?![{_LOOSE}])(?:[^{_NEVER}&]++|{_ENTITY})++(?<![{_LOOSE}])"
is_solid = re.compile(_SOLID).fullmatch
_solid_each = re.compile(f"(?:{_SOLID}<)*+").fullmatch
find_entities = re.compile(_ENTITY).findall

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


def are_solid(values: Sequence[str]) -> bool:
    """Whether each of the values is solid, told for all at once."""
    joined = "<".join(("", *values, ""))
    if joined.count("<") != len(values) + 1 or not values:
        return not values
    if not is_ordinary(joined):
        return _solid_each(joined, 1) is not None
    if ">" in joined or '"' in joined or "'" in joined:
        return False
    if "<<" in joined or "< " in joined or " <" in joined:
        return False
    return "&" not in joined or joined.count("&") == len(find_entities(joined))


def split_markup(markup: str) -> tuple[tuple[str, ...], list[str]]:
    """Split markup into literals and the values between them.

    >>> split_markup("<p>Dear <b>Ann</b>.</p>")
    (('<p>', '<b>', '</b>.</p>'), ['Dear', 'Ann'])
    """
    parts = _SPLIT.split(markup)
    literals: list[str] = []
    values = []
    literal = ""
    for number in range(0, len(parts) - 1, 3):
        before, edge, value = parts[number : number + 3]
        literal += before + edge
        if is_solid(value):
            literals.append(literal)
            values.append(value)
            literal = ""
        else:
            literal += value
    return (*literals, literal + parts[-1]), values


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
