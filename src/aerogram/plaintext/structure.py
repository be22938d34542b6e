"""The structure of a document for html2text: its blocks, with the numbers of its lines between them.

html2text never gets the texts themselves: it cannot escape them, and they cannot change the structure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from aerogram.plaintext import marks
from aerogram.plaintext.generated import Numbering
from aerogram.plaintext.marks import is_blank
from aerogram.plaintext.style import is_seen, tags

if TYPE_CHECKING:
    from aerogram.document import Element

_LISTS = tags("ul ol")
_ITEMS = tags("li dd")
_EDGES = {"": " \xa0", marks.KEEP: " ", marks.KEEP_SPACES: " ", marks.PRE: f" {marks.BREAK}"}
_SPACES = re.compile("  +")
_ANY_SPACES = re.compile("[ \xa0]{2,}")
_MOST_WRAPS = 20  # elements inside each other with marks around them


class Tag(NamedTuple):
    """A tag for html2text."""

    name: str
    attributes: dict[str, str | None] = {}
    is_start: bool = True


PARAGRAPH = Tag("p")
RULE = Tag("hr")


class Structure:
    """The ``parts`` of a document: tags, and the numbers of ``lines``."""

    def __init__(self) -> None:
        self.parts: list[Tag | int] = []
        self.lines = LineWriter()
        self.items = 0  # open items of lists
        self._blocks: list[tuple[int, int]] = []  # for each open one the parts and the words before it
        self._lists: list[Numbering | None] = []
        self._foot: tuple[Element, int, int] | None = None  # an open one: the parts and the words before it
        self.has_foot = False
        self._rule = 0  # words before the last rule

    def write_tag(self, tag: Tag) -> None:
        """Write a tag after the open line; empty and nested paragraphs are merged."""
        if self.lines.pieces:
            self.end_line()
        if tag is RULE:
            self._rule = self.lines.words
        if tag is not PARAGRAPH or not self.parts or self.parts[-1] is not PARAGRAPH:
            self.parts.append(tag)

    def begin_block(self, element: Element, name: str) -> None:
        """Begin a block that html2text knows; an item with its label, if html2text would write another."""
        attributes: dict[str, str | None] = {}
        label = ""
        if name in _LISTS:
            items = sum(map(is_seen, element.iterchildren("li")))
            self._lists.append(Numbering(element, items) if name == "ol" else None)
        numbering = self._lists[-1] if self._lists else None
        if name == "ol" and numbering:
            attributes = {"start": str(numbering.counted)}
        elif name == "li" and numbering:
            label = numbering.label(element)
        self.write_tag(Tag(name, attributes))
        self._blocks.append((len(self.parts) - 1, self.lines.words))
        self.items += name in _ITEMS
        if label:
            self.lines.pieces.append(f"{marks.ITEM}{label}{marks.ITEM}")

    def end_block(self, name: str) -> None:
        """End a block that html2text knows, or remove it if it is empty."""
        start, words = self._blocks.pop()
        self.items -= name in _ITEMS
        if name in _LISTS:
            self._lists.pop()
        if self.lines.words > words or RULE in self.parts[start:]:
            self.write_tag(Tag(name, {}, is_start=False))
            return
        self.lines.pieces.clear()
        del self.parts[start:]
        if name == "li" and self._lists and self._lists[-1]:
            self._lists[-1].counted -= 1
        elif not self.items:
            self.write_tag(PARAGRAPH)

    def write_paragraph(self, words: str) -> None:
        """Write words as a paragraph, or as lines where no block is allowed."""
        if self.items:
            self.lines.pieces.append(marks.SOFT)
            self.lines.write(words)
            self.lines.pieces.append(marks.SOFT)
        else:
            self.write_tag(PARAGRAPH)
            self.lines.write(words)
            self.write_tag(PARAGRAPH)

    def begin_foot(self, element: Element) -> None:
        """Begin the footer of the page, if it is the first one and there are words above it."""
        if self.has_foot or self.items:
            return
        self.end_line()
        self.has_foot = self.lines.words > 0
        if self.has_foot and self._rule != self.lines.words:
            self._foot = element, len(self.parts), self.lines.words

    def end_foot(self, element: Element) -> None:
        """Write the separator above the footer, if this element is it and there are words in it."""
        if self._foot is None or self._foot[0] is not element:
            return
        _, start, words = self._foot
        self._foot = None
        self.has_foot = self.lines.words > words
        if self.has_foot:
            self.parts[start:start] = [PARAGRAPH, self.lines.add([marks.FOOT]), PARAGRAPH]

    def end_line(self) -> None:
        """End the open line."""
        if (line := self.lines.end()) is not None:
            self.parts.append(line)


class LineWriter:
    """The lines of a document while they are written, each as the pieces of its text.

    The marks of an element stand directly before its first word and behind its last one, so that they never
    have white space inside. An element without words gets none.
    """

    def __init__(self) -> None:
        self.lines: list[list[str]] = []
        self.images: set[int] = set()  # the lines that are the alternative text of an image
        self.pieces: list[str] = []  # of the open line
        self.words = 0  # texts written so far that are not blank
        self._last = self.pieces, 0  # where the last of them stands
        self._wraps: list[_Wrap] = []
        self._start = 0  # words before the open line
        self._images = 0  # in the open line
        self._image_end = -1  # pieces up to the last of them

    def text(self, number: int) -> str:
        """Return the text of a line, with single spaces where none are kept."""
        text = "".join(self.lines[number])
        if text[0] == marks.PRE:
            return text
        if marks.KEEP_SPACES in text:
            return _SPACES.sub(" ", text).strip(" ")
        return _ANY_SPACES.sub(" ", text).strip(" \xa0")

    def write(self, words: str) -> None:
        """Write words, preceded by the marks of the elements that begin with them."""
        if self._wraps and not self._wraps[-1].is_written:
            for wrap in self._wraps:
                if not wrap.is_written:
                    self.pieces.append(wrap.before)
                    wrap.is_written = True
        self._last = self.pieces, len(self.pieces)
        self.pieces.append(words)
        self.words += 1

    def write_text(self, text: str, keeps: str) -> None:
        """Write a cleaned text; ``keeps`` says which white space is kept."""
        mark = "" if keeps == marks.PRE else keeps
        if is_blank(text):
            self.pieces.append(f"{mark}{text}{mark}" if keeps and text != " " else " ")
            return
        words = text.strip(_EDGES[keeps])
        if len(words) == len(text):
            self.write(f"{mark}{text}{mark}")
            return
        before, _, after = text.partition(words)
        self.pieces.append(before)
        self.write(f"{mark}{words}{mark}")
        self.pieces.append(after)

    def write_image(self, text: str) -> None:
        """Write the alternative text of an image, with a space between two, and before a linked one."""
        begins_link = self._wraps and self._wraps[-1].before == marks.LINK_START
        if self._image_end == len(self.pieces) or (begins_link and not self._wraps[-1].is_written):
            self.pieces.append(" ")
        self.write(text)
        self._images += 1
        self._image_end = len(self.pieces)

    def wrap(self, element: Element, before: str, after: str) -> None:
        """Put marks around the words of an element that begins here, unless too many are open."""
        if len(self._wraps) < _MOST_WRAPS or before == marks.LINK_START:
            self._wraps.append(_Wrap(element, before, after))

    def is_inside(self, before: str) -> bool:
        """Return whether an open element has this mark before its words."""
        return any(wrap.before == before for wrap in self._wraps)

    def unwrap(self, element: Element) -> bool:
        """Write the closing marks of an element; return whether it had words."""
        is_written = True
        while self._wraps and self._wraps[-1].element is element:
            wrap = self._wraps.pop()
            is_written = wrap.is_written
            if is_written:
                pieces, index = self._last
                pieces.insert(index + 1, wrap.after)
                self._last = pieces, index + 1
        return is_written

    def end(self) -> int | None:
        """End the open line; return its number, or ``None`` if nothing in it is visible."""
        pieces, words = self.pieces, self.words - self._start
        if not pieces:
            return None
        is_image = self._images == words == 1
        self.pieces, self._start, self._images, self._image_end = [], self.words, 0, -1
        if not words and pieces[0][:1] != marks.ITEM:
            return None
        if is_image:
            self.images.add(len(self.lines))
        return self.add(pieces)

    def add(self, pieces: list[str]) -> int:
        """Add a line; return its number."""
        self.lines.append(pieces)
        return len(self.lines) - 1


@dataclass(slots=True)
class _Wrap:
    """An open element that gets marks around its words."""

    element: Element
    before: str
    after: str
    is_written: bool = False
