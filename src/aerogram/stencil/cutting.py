"""Make the stencil of a shape: finish the page once with placeholders, and prove where they went."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aerogram.document import fresh_word
from aerogram.exceptions import DocumentRefused
from aerogram.inlining import inline_document
from aerogram.plaintext.outline import outline
from aerogram.stencil.filling import Stencil, html_form
from aerogram.stencil.shape import (
    ATTRIBUTE,
    COMMENT,
    FREE_ATTRIBUTES,
    KEYED,
    TEXT,
    Place,
    Shape,
    is_safe_in_comment,
    places,
)
from aerogram.stencil.text_cutting import text_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aerogram.document import Element

__all__ = ["Skeleton", "cut", "skeleton_of"]

_SERIALS = itertools.count()
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_STYLE = re.compile(r"<style\b[^>]*>(.*?)(?:</style|\Z)", re.DOTALL | re.IGNORECASE)
_READ_ATTRIBUTE = re.compile(rf"\[[^\]]*?({'|'.join(FREE_ATTRIBUTES)}|\\)", re.IGNORECASE)
_ESCAPE = "\\"  # in a selector it may spell any name


@dataclass(frozen=True, slots=True)
class Skeleton:
    """What is known of a shape: where its values stand, and which of them belong to the shape itself."""

    serial: int
    shape: Shape
    places: tuple[Place, ...]
    keyed: tuple[int, ...]
    in_comments: tuple[int, ...]
    in_attributes: tuple[int, ...]
    octets: int

    def accepts(self, values: Sequence[str]) -> bool:
        """Whether the values can be filled in where they stand."""
        for number in self.in_comments:
            if not is_safe_in_comment(values[number]):
                return False
        attributes = " ".join([values[number] for number in self.in_attributes])
        return "\n" not in attributes and "\t" not in attributes


def skeleton_of(shape: Shape, css: str) -> Skeleton:
    """Tell where the values of a shape stand."""
    count = shape.count(None)
    literals = [piece for piece in shape if piece is not None]
    word = fresh_word("".join(literals))
    html = _written(shape, [f"{word}{number}z" for number in range(count)])
    found = places(html, re.compile(f"{word}([0-9]+)z"), count)
    sheets = _CSS_COMMENT.sub("", "\n".join([css, *_STYLE.findall(html)]))
    read = {name.lower() for name in _READ_ATTRIBUTE.findall(sheets)}
    found = [
        Place(KEYED) if place.kind == ATTRIBUTE and (place.name in read or _ESCAPE in read) else place
        for place in found
    ]
    return Skeleton(
        serial=next(_SERIALS),
        shape=shape,
        places=tuple(found),
        keyed=tuple(number for number, place in enumerate(found) if place.kind == KEYED),
        in_comments=tuple(number for number, place in enumerate(found) if place.kind == COMMENT),
        in_attributes=tuple(number for number, place in enumerate(found) if place.kind == ATTRIBUTE),
        octets=sum(map(len, literals)) + 100 * count,
    )


def cut(
    skeleton: Skeleton, values: Sequence[str], css: str, template: str | None, width: int | None
) -> Stencil:
    """Finish a page of the skeleton once and make it a stencil; ``width`` is ``None`` for no text part.

    The stencil has no HTML part when a placeholder did not come out exactly once and where it was expected:
    then nothing is proved.
    """
    word = fresh_word(css, *(piece for piece in skeleton.shape if piece), *values)
    slot = re.compile(f"{word}([0-9]+)z")
    keyed = set(skeleton.keyed)
    free = [number for number in range(len(values)) if number not in keyed]
    filled = [value if number in keyed else f"{word}{number}z" for number, value in enumerate(values)]
    source = _written(skeleton.shape, filled)
    length = len(source) - sum(len(filled[number]) for number in free)
    unproved = Stencil(None, None, length, 200)
    try:
        inlined = inline_document(source, css=css, template=template)
    except DocumentRefused:  # the page itself may pass, or be refused with its own figures
        return unproved
    if free and (inlined.root is None or not _came_out(inlined.root, slot, skeleton, free)):
        return unproved
    html = html_form(inlined.html, slot, free)
    if html is None:
        return unproved
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
    for place, text in _texts(root):
        for match in slot.finditer(text):
            found[int(match[1])].append(place)
    return all(came == [skeleton.places[number]] for number, came in found.items())


def _texts(root: Element) -> Iterator[tuple[Place, str]]:
    """Yield every text of a tree with the place it stands in."""
    for around in (*root.itersiblings(preceding=True), *root.itersiblings()):
        yield Place(COMMENT), around.text or ""
    for element in root.iter():
        if not isinstance(element.tag, str):
            yield Place(COMMENT), element.text or ""
        else:
            yield Place(KEYED if element.tag in ("style", "script") else TEXT), element.text or ""
            for name, value in element.attrib.items():
                yield Place(ATTRIBUTE, name), value
        yield Place(TEXT), element.tail or ""
