"""Make the stencil of a shape: finish the page once with placeholders, and prove where they went."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from lxml import etree

from aerogram.document import unique_marker
from aerogram.exceptions import DocumentError
from aerogram.inlining import inline_document
from aerogram.plaintext.outline import outline
from aerogram.stencil.filling import UNPROVED, Stencil, html_form
from aerogram.stencil.questions import Answers, Question, Questions, answers
from aerogram.stencil.shape import (
    ATTRIBUTE,
    COMMENT,
    KEYED,
    SCRIPT,
    TEXT,
    Gapped,
    Place,
    Shape,
    is_safe_in_comment,
    places,
)
from aerogram.stencil.text_cutting import text_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aerogram.document import Element

__all__ = ["Asked", "Skeleton", "asked_of", "cut", "skeleton_of"]

_SERIALS = itertools.count()
_STYLE = re.compile(r"<style\b[^>]*>(.*?)(?:</style|\Z)", re.DOTALL | re.IGNORECASE)


_RAW = {"style": KEYED, "script": SCRIPT}
_PIECES_WITH = etree.XPath(
    "//text()[contains(., $word)] | //@*[contains(., $word)]"
    " | //comment()[contains(., $word)] | //processing-instruction()[contains(., $word)]"
)


class Asked(NamedTuple):
    """What the sheets of a page ask of the attributes that may vary.

    ``closed`` are the numbers of the values they ask for in a way nobody can tell; each of ``open`` is an
    attribute, its questions, and what it answers with placeholders in it.
    """

    closed: tuple[int, ...]
    open: tuple[tuple[Gapped, list[Question], Answers], ...]

    @property
    def octets(self) -> int:
        """What it takes in memory, about."""
        return 200 * (1 + len(self.open))


@dataclass(frozen=True, slots=True)
class Skeleton:
    """What is known of a shape: where its values stand, and which of them belong to the shape itself."""

    serial: int
    shape: Shape
    word: str  # begins each placeholder; no literal and no sheet holds it
    places: tuple[Place, ...]
    keyed: tuple[int, ...]
    in_comments: tuple[int, ...]
    in_attributes: tuple[int, ...]
    attributes: tuple[Gapped, ...]
    sheets: Gapped
    always_asked: Asked | None  # None where it depends on values in the sheets
    octets: int

    def accepts(self, values: Sequence[str]) -> bool:
        """Whether the values can be filled in where they stand."""
        for number in self.in_comments:
            if not is_safe_in_comment(values[number]):
                return False
        attributes = " ".join([values[number] for number in self.in_attributes])
        return "\n" not in attributes and "\t" not in attributes

    def bound(self, values: Sequence[str], asked: Asked) -> tuple[int, ...]:
        """Return the numbers of the values that belong to the shape of this page."""
        bound = [*asked.closed]
        for attribute, questions, expected in asked.open:
            if answers(questions, attribute.text(values)) != expected:
                bound += attribute.numbers
        return tuple(sorted({*self.keyed, *bound})) if bound else self.keyed


def skeleton_of(shape: Shape, css: str) -> Skeleton:
    """Tell where the values of a shape stand."""
    count = shape.count(None)
    literals = [piece for piece in shape if piece is not None]
    word = unique_marker(css, *literals)
    slot = re.compile(f"{word}([0-9]+)z")
    holders = [f"{word}{number}z" for number in range(count)]
    html = _written(shape, holders)
    found, attributes = places(html, word, slot, count)
    sheets = Gapped.of("", slot.split("\n".join([css, *_STYLE.findall(html)])))
    return Skeleton(
        serial=next(_SERIALS),
        shape=shape,
        word=word,
        places=tuple(found),
        keyed=tuple(number for number, place in enumerate(found) if place.kind == KEYED),
        in_comments=tuple(number for number, place in enumerate(found) if place.kind == COMMENT),
        in_attributes=tuple(number for number, place in enumerate(found) if place.kind == ATTRIBUTE),
        attributes=tuple(attributes),
        sheets=sheets,
        always_asked=None if sheets.numbers else _asked(sheets.source(()), attributes, holders),
        octets=sum(map(len, literals)) + 100 * count,
    )


def asked_of(skeleton: Skeleton, values: Sequence[str]) -> Asked:
    """Return what the sheets of a page ask; it depends on the values in them alone."""
    holders = [f"{skeleton.word}{number}z" for number in range(len(values))]
    return _asked(skeleton.sheets.source(values), skeleton.attributes, holders)


def _asked(sheets: str, attributes: Iterable[Gapped], holders: Sequence[str]) -> Asked:
    questions = Questions(sheets)
    closed: list[int] = []
    open_ = []
    for attribute in attributes:
        about = questions.about(attribute.name)
        if about is None:
            closed += attribute.numbers
        elif about:
            open_.append((attribute, about, answers(about, attribute.text(holders))))
    return Asked(tuple(closed), tuple(open_))


def cut(
    skeleton: Skeleton,
    values: Sequence[str],
    bound: Sequence[int],
    css: str,
    template: str | None,
    width: int | None,
) -> Stencil:
    """Finish a page of the skeleton once and make it a stencil.

    The stencil has no HTML part when a placeholder did not come out exactly once and where it was expected:
    then nothing is proved.

    Args:
        skeleton: of the page; its word must not occur in ``values``.
        values: those of the page.
        bound: the numbers of the values that belong to the shape.
        css: the text of further style sheets.
        template: the template's name, for errors.
        width: of the text part; ``None`` for none.
    """
    slot = re.compile(f"{skeleton.word}([0-9]+)z")
    kept = set(bound)
    free = [number for number in range(len(values)) if number not in kept]
    filled = [value if number in kept else f"{skeleton.word}{number}z" for number, value in enumerate(values)]
    source = _written(skeleton.shape, filled)
    length = len(source) - sum(len(filled[number]) for number in free)
    try:
        inlined = inline_document(source, css=css, template=template)
    except DocumentError:  # the page itself may pass, or be refused with its own figures
        return UNPROVED
    if free and (inlined.root is None or not _came_out(inlined.root, slot, skeleton, free)):
        return UNPROVED
    html = html_form(inlined.html, slot, free)
    if html is None:
        return UNPROVED
    text = None
    if width is not None and inlined.root is not None:
        text = text_form(outline(inlined.root), slot, width)
    return Stencil(html, text, length, 2 * len(inlined.html) + 200 * len(values))


def _written(shape: Shape, values: Iterable[str]) -> str:
    following = iter(values)
    return "".join([next(following) if piece is None else piece for piece in shape])


def _came_out(root: Element, slot: re.Pattern[str], skeleton: Skeleton, free: Sequence[int]) -> bool:
    """Whether each placeholder came out once, where its value was expected to stand."""
    found: dict[int, list[Place]] = {number: [] for number in free}
    pieces: Any = _PIECES_WITH(root, word=skeleton.word)
    for piece in pieces:
        place = _place_of(piece)
        for match in slot.finditer(piece if isinstance(piece, str) else piece.text):
            found[int(match[1])].append(place)
    return all(came == [skeleton.places[number]] for number, came in found.items())


def _place_of(piece: Any) -> Place:
    if not isinstance(piece, str):
        return Place(COMMENT)
    origin: Any = piece  # lxml's string that knows where it comes from
    if origin.is_attribute:
        return Place(ATTRIBUTE, origin.attrname)
    tag = origin.getparent().tag if origin.is_text else ""
    return Place(_RAW.get(tag, TEXT))
