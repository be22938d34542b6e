"""The shape of a rendered page, and the values in it: literals, with ``None`` for each value.

A value is *plain text* if it is sure to be nothing else wherever it stands. Markup (a macro's result, a page
given as one string) is split at the text between its tags and at the attributes that may differ between
messages. Which values may vary within a shape depends on where they stand, and is found out once for each
shape.
"""

from __future__ import annotations

import re
from html import unescape
from itertools import chain, pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = [
    "ATTRIBUTE",
    "COMMENT",
    "SCRIPT",
    "STATIC",
    "TEXT",
    "AttributeTemplate",
    "Place",
    "Shape",
    "find_places",
    "is_free",
    "is_plain_text",
    "is_safe_in_comment",
    "split_markup",
    "split_text",
]

Shape = tuple[str | None, ...]

TEXT, ATTRIBUTE, COMMENT, SCRIPT, STATIC = "text", "attribute", "comment", "script", "static"

_ENTITY = r"&(?:amp|lt|gt|quot|\#39|\#34);"
# Edges that the parser or the text part drops; and what no value may hold at all.
_LOOSE = (
    r"\s\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180e\u2000-\u200f\u2028\u2029\u202f\u205f-\u2064\u2800\u3000"
    r"\ufeff\ufff9-\ufffb"
)
_NEVER = r"<>\"'\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
# One way to match each text, so that a mismatch is found in linear time.
_PLAIN = rf"(?=[^{_LOOSE}])[^{_NEVER}&]*(?:{_ENTITY}[^{_NEVER}&]*)*(?<![{_LOOSE}])"
#: Return a match if a value is text with something visible at both ends, wherever it stands.
is_plain_text = re.compile(_PLAIN).fullmatch

# Attributes that neither the parser nor the text part nor premailer looks into; a selector may.
_FREE = (
    r"href|src(?:set)?|alt|title|background|cite|datetime|id|name|for|content|value|action|lang|item(?:id|prop)"
    r"|aria-[a-z]+|data-(?!premailer)[\w.-]+"
)
is_free = re.compile(_FREE, re.IGNORECASE).fullmatch
# Except on a list item, which its value numbers, and where the parser looks for the character set.
_IS_READ = re.compile(r"<li\b|<meta\b(?=.*\bhttp-equiv\b)", re.IGNORECASE | re.DOTALL).match
# What stands in an attribute; or text, up to the next tag.
_IN_ATTRIBUTE = rf"(?<=\s)(?:{_FREE})=(?:\"([^<>\"]+)|'([^<>']+))"
_IN_ATTRIBUTES = re.compile(_IN_ATTRIBUTE, re.IGNORECASE)
_SPLIT = re.compile(rf"{_IN_ATTRIBUTE}|(?:\A|>)([^<>]+)", re.IGNORECASE)
_PLAIN_PART = re.compile(rf"&(?!{_ENTITY[1:]})[#\w]*;?|((?=[^{_NEVER}]){_PLAIN})")

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
_QUOTED_ATTRIBUTE = re.compile(r"""\s([^\s=>"'/]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_OPEN_REFERENCE = re.compile(r"&[^;<\s]*\Z")  # the parser drops control characters
_NOT_IN_COMMENT = re.compile(r"--|\A[-!]|[-!]\Z|[\[\]]|\A(?:end)?if\b", re.IGNORECASE)


class Place(NamedTuple):
    """The place of a value: text, the attribute ``name``, a comment or a script; or it is static."""

    kind: str
    name: str = ""


def split_markup(markup: str) -> tuple[tuple[str, ...], list[str]]:
    """Split markup into literals and the values between them.

    >>> split_markup("<p>Dear <b>Ann</b>.</p>")
    (('<p>', ' <b>', '</b>', '</p>'), ['Dear', 'Ann', '.'])
    """
    return _split_at(markup, _spans(_SPLIT, markup))


def split_text(text: str) -> tuple[tuple[str, ...], list[str]]:
    """Split text that is not plain: at quotes, at references to characters, at its edges.

    >>> split_text(' "Ann" &copy;')
    ((' "', '" &copy;'), ['Ann'])
    >>> split_text(' title="Ann" class="x"')  # as Jinja's filter xmlattr writes it
    ((' title="', '" class="x"'), ['Ann'])
    """
    return _split_at(text, _spans(_IN_ATTRIBUTES, text) if '="' in text else _plain_spans(text, 0, len(text)))


def _split_at(text: str, spans: Iterable[tuple[int, int]]) -> tuple[tuple[str, ...], list[str]]:
    edges = [0, *chain.from_iterable(spans), len(text)]
    pieces = [text[start:end] for start, end in pairwise(edges)]
    return tuple(pieces[::2]), pieces[1::2]


def _spans(pattern: re.Pattern[str], markup: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the values in the matches of a pattern."""
    for found in pattern.finditer(markup):
        group = found.lastindex or 0
        if is_plain_text(found[group]):
            yield found.span(group)
        else:
            yield from _plain_spans(markup, *found.span(group))


def _plain_spans(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    # The rest are references to other characters.
    return (found.span() for found in _PLAIN_PART.finditer(text, start, end) if found[1])


def is_safe_in_comment(value: str) -> bool:
    """Return whether a value can neither end its comment nor turn it into a conditional comment."""
    return not _NOT_IN_COMMENT.search(value)


class AttributeTemplate(NamedTuple):
    """An attribute (or sheet) with values in it: the literals around them, and the numbers of the values."""

    name: str  # of an attribute
    literals: tuple[str, ...]
    numbers: tuple[int, ...]

    @classmethod
    def of(cls, name: str, parts: Sequence[str]) -> AttributeTemplate:
        """Return the template of literals and, between them, the numbers of the values."""
        return cls(name, tuple(parts[::2]), tuple(map(int, parts[1::2])))

    def source(self, values: Sequence[str]) -> str:
        """Return its source in a page with these values."""
        first, *rest = self.literals
        return first + "".join([values[n] + literal for n, literal in zip(self.numbers, rest, strict=True)])

    def text(self, values: Sequence[str]) -> str:
        """Return the same without escapes."""
        source = self.source(values)
        return unescape(source) if "&" in source else source


def find_places(
    html: str, marker: str, placeholder: re.Pattern[str], count: int
) -> tuple[list[Place], list[AttributeTemplate]]:
    """Return the place of each placeholder in ``html`` by number, and the attributes that may vary."""
    found = [Place(STATIC)] * count
    has_quotations = "<q" in html.lower()  # their marks are those of a language
    attributes = []
    for token in _TOKEN.finditer(html):
        text = token[0]
        if marker not in text:
            continue
        kind = token.lastgroup if token.lastgroup != "name" else "raw"
        if kind == "tag":
            for name, value in _free_attributes(text, reads_language=has_quotations):
                if marker in value:
                    attributes.append(AttributeTemplate.of(name, placeholder.split(value)))
                    _put(found, Place(ATTRIBUTE, name), value, placeholder)
        elif kind == "comment":
            _put(found, Place(COMMENT), text, placeholder)
        elif kind == "text":
            _put(found, Place(TEXT), text, placeholder)
        elif kind == "raw" and token["name"].lower() == "script":
            _put(found, Place(SCRIPT), text, placeholder, text.find(">"))
    return found, attributes


def _free_attributes(tag: str, *, reads_language: bool) -> Iterator[tuple[str, str]]:
    for attribute in _QUOTED_ATTRIBUTE.finditer(tag):
        name = attribute[1].lower()
        is_read = reads_language if name == "lang" else name in ("content", "value") and _IS_READ(tag)
        if is_free(name) and not is_read:
            yield name, attribute[2] or attribute[3] or ""


def _put(found: list[Place], place: Place, text: str, placeholder: re.Pattern[str], start: int = 0) -> None:
    for match in placeholder.finditer(text, max(start, 0)):
        if not _OPEN_REFERENCE.search(text, 0, match.start()):
            found[int(match[1])] = place
