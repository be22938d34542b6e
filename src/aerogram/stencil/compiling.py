"""Compile the stencil of a shape: finish the page once with placeholders, and prove where they went."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from html import escape, unescape
from typing import TYPE_CHECKING, Any, NamedTuple

from lxml import etree

from aerogram.document import unique_marker
from aerogram.exceptions import DocumentError
from aerogram.inlining import inline_document
from aerogram.inlining.links import SRCSETS, absolute, absolute_srcset, base_of, find_links
from aerogram.mail.wire.pieces import Constants
from aerogram.plaintext.outline import outline
from aerogram.stencil.attribute_tests import AttributeTests, Results, TestPair, evaluate
from aerogram.stencil.shape import (
    ATTRIBUTE,
    COMMENT,
    SCRIPT,
    STATIC,
    TEXT,
    AttributeTemplate,
    Place,
    Shape,
    find_places,
    is_safe_in_comment,
)
from aerogram.stencil.text import compile_text, picker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aerogram.document import Element
    from aerogram.mail.message.attachments import EmailAlternative
    from aerogram.stencil.text import TextTemplate

__all__ = [
    "NOT_MADE",
    "UNPROVED",
    "Finished",
    "ShapeInfo",
    "Stencil",
    "VaryingAttributes",
    "compile_stencil",
    "shape_info",
    "varying_attributes",
    "with_absolute_links",
]

_SERIALS = itertools.count()
_STYLE = re.compile(r"<style\b[^>]*>(.*?)(?:</style|\Z)", re.DOTALL | re.IGNORECASE)
_ABSOLUTE = ("https://", "http://", "mailto:")
_RAW = {"style": STATIC, "script": SCRIPT}
_HOLDERS_OF = etree.XPath(
    "//text()[contains(., $marker)] | //@*[contains(., $marker)]"
    " | //comment()[contains(., $marker)] | //processing-instruction()[contains(., $marker)]"
)


class Finished(NamedTuple):
    """A page ready to be sent: the HTML part as an alternative, and the text part or ``""``."""

    alternative: EmailAlternative
    text: str = ""

    @property
    def html(self) -> str:
        """The HTML part."""
        return str(self.alternative.content)


@dataclass(frozen=True, slots=True)
class Stencil:
    """The two parts of a page with gaps for its values; without constants if filling it is not safe."""

    constants: Constants | None
    pick: Callable[[Sequence[str]], Sequence[str]]  # the values of the HTML part, in their order there
    text: TextTemplate | None
    length: int  # of the page's source without its values, in characters
    octets: int  # of memory, estimated
    links: Sequence[AttributeTemplate] = ()  # URLs that values begin, and so may be relative
    base_url: str = ""

    def fill(self, values: Sequence[str]) -> Finished:
        """Return the finished page with ``values`` in it."""
        assert self.constants is not None, "an unproved stencil is never filled"  # noqa: S101 - for mypy
        alternative = self.constants.alternative(self.pick(values), "text/html")
        return Finished(alternative, self.text.fill(values) if self.text else "")


UNPROVED = Stencil(None, picker(()), None, 0, 200)  # for pages that are finished the slow way
NOT_MADE = Stencil(None, picker(()), None, 0, 200)  # for a shape that came once


class VaryingAttributes(NamedTuple):
    """The tests that a page's style sheets make of attributes with varying values."""

    static: tuple[int, ...]  # the values whose tests cannot be read from the sheets
    tested: tuple[tuple[AttributeTemplate, list[TestPair], Results], ...]  # results with placeholders

    @property
    def octets(self) -> int:
        """The memory it takes, estimated."""
        return 200 * (1 + len(self.tested))


@dataclass(frozen=True, slots=True)
class ShapeInfo:
    """The places of the values of a shape, and which of them are part of the shape itself."""

    serial: int
    shape: Shape
    marker: str  # begins each placeholder; no literal and no sheet holds it
    places: tuple[Place, ...]
    static: tuple[int, ...]
    in_comments: tuple[int, ...]
    in_attributes: tuple[int, ...]
    attributes: tuple[AttributeTemplate, ...]
    sheets: AttributeTemplate
    varying: VaryingAttributes | None  # None if it depends on values in the sheets
    octets: int

    def static_values(self, values: Sequence[str], varying: VaryingAttributes) -> tuple[int, ...] | None:
        """Return which values are part of the shape; ``None`` if one cannot be filled in at its place."""
        for number in self.in_comments:
            if not is_safe_in_comment(values[number]):
                return None
        if self.in_attributes:
            attributes = " ".join([values[number] for number in self.in_attributes])
            if "\n" in attributes or "\t" in attributes:
                return None
        static = [*varying.static]
        for attribute, tests, expected in varying.tested:
            if evaluate(tests, attribute.text(values)) != expected:
                static += attribute.numbers
        return tuple(sorted({*self.static, *static})) if static else self.static


def shape_info(shape: Shape, css: str) -> ShapeInfo:
    """Find the places of the values of a shape."""
    count = shape.count(None)
    literals = [piece for piece in shape if piece is not None]
    marker = unique_marker(css, *literals)
    placeholder = re.compile(f"{marker}([0-9]+)z")
    placeholders = [f"{marker}{number}z" for number in range(count)]
    html = _joined(shape, placeholders)
    places, attributes = find_places(html, marker, placeholder, count)
    sheets = AttributeTemplate.of("", placeholder.split("\n".join([css, *_STYLE.findall(html)])))

    def numbers(kind: str) -> tuple[int, ...]:
        return tuple([number for number, place in enumerate(places) if place.kind == kind])

    return ShapeInfo(
        serial=next(_SERIALS),
        shape=shape,
        marker=marker,
        places=tuple(places),
        static=numbers(STATIC),
        in_comments=numbers(COMMENT),
        in_attributes=numbers(ATTRIBUTE),
        attributes=tuple(attributes),
        sheets=sheets,
        varying=None if sheets.numbers else _varying(sheets.source(()), attributes, placeholders),
        octets=sum(map(len, literals)) + 100 * count,
    )


def varying_attributes(info: ShapeInfo, values: Sequence[str]) -> VaryingAttributes:
    """Return the attribute tests of a page's sheets, which depend only on the values in the sheets."""
    placeholders = [f"{info.marker}{number}z" for number in range(len(values))]
    return _varying(info.sheets.source(values), info.attributes, placeholders)


def _varying(
    sheets: str, attributes: Iterable[AttributeTemplate], placeholders: Sequence[str]
) -> VaryingAttributes:
    tests_of = AttributeTests(sheets)
    static: list[int] = []
    tested = []
    for attribute in attributes:
        tests = tests_of.about(attribute.name)
        if tests is None:
            static += attribute.numbers
        elif tests:
            tested.append((attribute, tests, evaluate(tests, attribute.text(placeholders))))
    return VaryingAttributes(tuple(static), tuple(tested))


def compile_stencil(
    info: ShapeInfo,
    values: Sequence[str],
    static: Sequence[int],
    css: str,
    template: str | None,
    width: int | None,
    base_url: str,
) -> Stencil:
    """Finish a page of the shape once and make it a stencil.

    It is :data:`UNPROVED` if a placeholder did not come out exactly once and where it was expected. No value
    holds the marker of the shape; those with the numbers ``static`` belong to the shape.
    """
    placeholder = re.compile(f"{info.marker}([0-9]+)z")
    kept = set(static)
    free = [number for number in range(len(values)) if number not in kept]
    filled = [value if number in kept else f"{info.marker}{number}z" for number, value in enumerate(values)]
    source = _joined(info.shape, filled)
    length = len(source) - sum(len(filled[number]) for number in free)
    try:
        inlined = inline_document(source, css=css, template=template, base_url=base_url, marker=info.marker)
    except DocumentError:  # the page itself may pass, or be refused with its own figures
        return UNPROVED
    if free and (inlined.root is None or not _came_out(inlined.root, placeholder, info, free)):
        return UNPROVED
    pieces = placeholder.split(inlined.html)
    order = tuple(map(int, pieces[1::2]))
    if sorted(order) != free:
        return UNPROVED
    text = None
    if width is not None and inlined.root is not None:
        text = compile_text(outline(inlined.root), placeholder, width)
    octets = 2 * len(inlined.html) + 200 * len(values)
    links = _open_links(inlined.root, info.marker, placeholder) if base_url and free else []
    return Stencil(
        Constants(pieces[::2]),
        picker(order),
        text,
        length,
        octets,
        links,
        base_of(inlined.root, base_url) if links else "",
    )


def _open_links(root: Element, marker: str, placeholder: re.Pattern[str]) -> list[AttributeTemplate]:
    """Return the URLs that start with a value."""
    return [
        AttributeTemplate.of(link.attribute, placeholder.split(link.url))
        for link in find_links(root)
        if link.url.lstrip().startswith(marker)
    ]


def with_absolute_links(stencil: Stencil, values: Sequence[str]) -> tuple[Stencil, Sequence[str]]:
    """Return the stencil, and the values with the relative URLs that they begin made absolute.

    The stencil is :data:`UNPROVED` where more than the first value of a URL would change.
    """
    changed: list[str] | None = None
    for link in stencil.links:
        number = link.numbers[0]
        if values[number].startswith(_ABSOLUTE) and link.name not in SRCSETS:
            continue
        url, start = link.text(values).strip(), unescape(values[number])
        new = (absolute_srcset if link.name in SRCSETS else absolute)(url, stencil.base_url)
        rest = url.removeprefix(start)
        if not new.endswith(rest):
            return UNPROVED, values
        if new != url:
            changed = changed or list(values)
            changed[number] = (
                escape(new.removesuffix(rest), quote=False).replace("'", "&#39;").replace('"', "&#34;")
            )
    return stencil, changed or values


def _joined(shape: Shape, values: Iterable[str]) -> str:
    following = iter(values)
    return "".join([next(following) if piece is None else piece for piece in shape])


def _came_out(root: Element, placeholder: re.Pattern[str], info: ShapeInfo, free: Sequence[int]) -> bool:
    """Return whether each placeholder came out exactly once, at the expected place."""
    found: dict[int, list[Place]] = {number: [] for number in free}
    holders: Any = _HOLDERS_OF(root, marker=info.marker)
    for holder in holders:
        place = _place_of(holder)
        for match in placeholder.finditer(holder if isinstance(holder, str) else holder.text):
            found[int(match[1])].append(place)
    return all(places == [info.places[number]] for number, places in found.items())


def _place_of(holder: Any) -> Place:
    if not isinstance(holder, str):
        return Place(COMMENT)
    origin: Any = holder  # lxml's string that knows where it comes from
    if origin.is_attribute:
        return Place(ATTRIBUTE, origin.attrname)
    tag = origin.getparent().tag if origin.is_text else ""
    return Place(_RAW.get(tag, TEXT))
