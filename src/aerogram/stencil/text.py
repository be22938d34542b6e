"""The text part of a shape with gaps for its values: lines laid out already, and lines to lay out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import unescape
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from aerogram.plaintext import marks
from aerogram.plaintext.columns import wrap
from aerogram.plaintext.layout import finish, format_line, is_blank_line, lay_out, prefixed
from aerogram.plaintext.link import format_link, separate_urls

if TYPE_CHECKING:
    from aerogram.plaintext.grid import Grid
    from aerogram.plaintext.outline import Line

__all__ = [
    "LINES",
    "PRE",
    "SEPARATOR",
    "URL",
    "WORDS",
    "Gap",
    "ImageWithCaption",
    "OpenLine",
    "OpenLinks",
    "OpenTable",
    "OpenText",
    "OpenTexts",
    "Piece",
    "TextTemplate",
    "fill_pieces",
    "formatter",
    "picker",
]

WORDS, URL, PRE, LINES = "words", "url", "pre", "lines"
_CLEANERS = {
    WORDS: marks.clean,
    URL: marks.clean_url,
    PRE: marks.clean_pre_lines,
    LINES: marks.clean_lines,
}
SEPARATOR = "\0"  # between texts that are formatted together: no word holds it


class Gap(NamedTuple):
    """A place for a value in the text part: the number of the value, and how it is cleaned."""

    number: int
    escape_mode: str


Formatter = Callable[[Sequence[str]], str]
"""Text with gaps in it: called with the words of a page, it returns the text with its own words in it."""


def formatter(parts: Sequence[str | int]) -> Formatter:
    """Return the formatter of these pieces of text and numbers of words.

    >>> formatter(["Dear ", 1, ", 100% ", 0])(["sure", "Ann"])
    'Dear Ann, 100% sure'
    """
    pick = picker([part for part in parts if isinstance(part, int)])
    template = "".join([part.replace("%", "%%") if isinstance(part, str) else "%s" for part in parts])
    return lambda words: template % pick(words)


def picker(numbers: Sequence[int]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """Return what picks the words of these numbers."""
    if len(numbers) > 1:
        return itemgetter(*numbers)
    return (lambda words: (words[numbers[0]],)) if numbers else (lambda _words: ())


class OpenLine(NamedTuple):
    """A line of the outline to lay out, with the layout's marks in its content."""

    first: str
    rest: str
    content: int
    width: int

    def set(self, texts: Sequence[str]) -> str | None:
        """Return the laid-out line, or ``None`` if it is blank."""
        text = format_line(self.first, self.rest, texts[self.content], self.width)
        return None if is_blank_line(self.first, text) else text


class OpenText(NamedTuple):
    """A line of the outline up to its next break, its links written already."""

    first: str
    rest: str
    text: int
    room: int

    def set(self, texts: Sequence[str]) -> str | None:
        """Return the wrapped text, or ``None`` if it is blank."""
        text = texts[self.text].strip(" ")
        return prefixed(self.first, self.rest, wrap(text, self.room)) if text else None


class OpenTable(NamedTuple):
    """A table of the outline; ``cells`` picks its texts."""

    first: str
    rest: str
    cells: Callable[[Sequence[str]], tuple[str, ...]]
    grid: Grid
    room: int

    def set(self, texts: Sequence[str]) -> str | None:
        """Return the laid-out table, or ``None`` if it is blank."""
        lines = self.grid.format(self.cells(texts), self.room)
        if not self.first:
            return "\n".join(lines)
        text = prefixed(self.first, self.rest, lines)
        return None if is_blank_line(self.first, text) else text


class ImageWithCaption(NamedTuple):
    """An image's alternative text and the line after it, which replaces it if both are equal."""

    image: Sequence[Piece]
    between: str
    caption: Sequence[Piece]

    def set(self, texts: Sequence[str]) -> str | None:
        """Return both, or the caption alone if they are equal; ``None`` if one is blank."""
        image = fill_pieces(self.image, texts)
        caption = fill_pieces(self.caption, texts)
        if image is None or caption is None:
            return None
        return caption if image == caption else f"{image}\n{self.between}{caption}"


Piece = str | OpenLine | OpenText | OpenTable | ImageWithCaption


def fill_pieces(pieces: Sequence[Piece], texts: Sequence[str]) -> str | None:
    """Return the pieces as one text, or ``None`` if one is blank."""
    done = []
    for piece in pieces:
        text = piece if isinstance(piece, str) else piece.set(texts)
        if text is None:
            return None
        done.append(text)
    return "\n".join(done)


class OpenLinks(NamedTuple):
    """The links with gaps: the formatter of all labels and URLs, and what follows each URL."""

    format: Formatter
    behind: Sequence[str]

    def set(self, words: Sequence[str]) -> list[str]:
        """Return the links as text."""
        parts = self.format(words).split(SEPARATOR)
        return list(map(format_link, parts[::2], parts[1::2], self.behind)) if self.behind else []


class OpenTexts(NamedTuple):
    """The texts with gaps for words and links; ``are_close`` if something may touch the end of a URL."""

    format: Formatter
    are_close: bool

    def set(self, words: Sequence[str]) -> list[str]:
        """Return the texts."""
        texts = self.format(words)
        return (separate_urls(texts) if self.are_close else texts).split(SEPARATOR)


class TextTemplate:
    """The text part of a shape: text that is laid out already, and pieces to lay out for each message.

    Args:
        outline: makes the whole outline when it is given the words.
        pieces: the same as it stands in the text as long as no line of it is blank.
        gaps: where the values stand. The words of a page are those of the gaps, then the links.
        links: the last one first: a link's number counts from the end.
        texts: the texts that the pieces refer to by number.
        width: of the text, in columns.
    """

    def __init__(
        self,
        outline: Callable[[Sequence[str]], Sequence[Line]],
        pieces: Sequence[Piece],
        gaps: Sequence[Gap],
        links: OpenLinks,
        texts: OpenTexts,
        width: int,
    ) -> None:
        self._outline = outline
        self._pieces = pieces
        self._gaps = gaps
        self._links = links
        self._texts = texts
        self._width = width

    def fill(self, values: Sequence[str]) -> str:
        """Return the text part with ``values``, as they are escaped in the page, in it."""
        words = [
            _CLEANERS[mode](unescape(values[number]) if "&" in values[number] else values[number])
            for number, mode in self._gaps
        ]
        texts = self._texts.set([*words, *self._links.set(words)])
        text = fill_pieces(self._pieces, texts)
        if text is None:  # a line came out blank, so that its neighbours meet
            return lay_out(self._outline(words), self._width)
        return finish(text)
