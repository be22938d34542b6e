"""The text part of a shape with gaps for its values: some lines laid out once, some for each message."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import unescape
from itertools import accumulate
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from aerogram.plaintext import marks
from aerogram.plaintext.columns import is_simple, wrap
from aerogram.plaintext.grid import Grid, arrange
from aerogram.plaintext.layout import (
    FormattedLine,
    caption_index,
    finish,
    format_line,
    format_links,
    is_repeated,
    join_lines,
    prefixed,
    room_of,
)
from aerogram.plaintext.table import is_table, parse_table

if TYPE_CHECKING:
    from aerogram.plaintext.outline import Line

__all__ = ["TextTemplate", "compile_text", "picker"]

_CLEANERS = {**marks.CLEANERS, marks.LINK_URL: marks.clean_url}
_MODE_MARKS = re.compile(f"[{''.join(_CLEANERS)}{marks.LINK_END}]")
_MORE_THAN_LINKS = re.compile("[\x04-\x09\x0b-\x1f]")
_SEPARATOR = "\0"  # between the cells of a table, and between plain lines: no word holds it
_OPEN = "\x7f"  # stands for an open line; no text contains it


class Gap(NamedTuple):
    """A place for a value in the text part: the number of the value, and how it is cleaned."""

    number: int
    escape_mode: str  # the mark before it


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


class PlainLine(NamedTuple):
    """A line of the outline whose content has gaps, words and links, and no break, table or ``pre``."""

    first: str
    rest: str
    is_image: bool
    room: int  # columns that the prefix leaves of the width
    has_link: bool

    def format(self, content: str) -> str:
        """Return the line as text; the links in ``content`` are written out."""
        if self.has_link:
            content = content.strip(" ")
            if not content:  # links that lead nowhere
                return prefixed(self.first, self.rest, [])
        if len(content) <= self.room and is_simple(content):  # as most lines: there is nothing to wrap
            return (self.first + content).rstrip()
        return prefixed(self.first, self.rest, wrap(content, self.room))


class OpenLine(NamedTuple):
    """Any other line of the outline with gaps in its content."""

    first: str
    rest: str
    content: Formatter
    is_image: bool
    width: int

    def format(self, words: Sequence[str]) -> str:
        """Return the line as text."""
        return format_line(self.first, self.rest, self.content(words), self.width)


class OpenTable(NamedTuple):
    """A line of the outline that is a table with gaps in its cells, which stand in ``cells`` line by line."""

    first: str
    rest: str
    cells: Formatter
    is_image: bool
    grid: Grid
    room: int

    def format(self, words: Sequence[str]) -> str:
        """Return the table as text."""
        cells = self.cells(words)
        texts = cells.split(_SEPARATOR)
        if marks.LINK_START in cells or marks.RAISED in cells:
            texts = list(map(format_links, texts))
        return prefixed(self.first, self.rest, self.grid.format(texts, self.room))


class TextTemplate(NamedTuple):
    """The text part of a shape."""

    gaps: Sequence[Gap]
    pick: Callable[[Sequence[str]], tuple[str, ...]]  # the value of each gap
    urls: Sequence[int]  # the places of gaps in URLs
    plain: Formatter  # the contents of all plain lines, with a separator between them
    lines: Sequence[FormattedLine | PlainLine | OpenLine | OpenTable]
    open_lines: Sequence[PlainLine | OpenLine | OpenTable]
    joined: str  # all lines, with %s for each open one
    captions: Sequence[tuple[str | int, str | int]]  # image and caption, open ones by their number

    def fill(self, values: Sequence[str]) -> str:
        """Return the text part with ``values``, as they are escaped in the page, in it."""
        words = [unescape(value) if "&" in value else value for value in self.pick(values)]
        if not marks.is_clean("<".join(words)) or " " in "".join([words[place] for place in self.urls]):
            words = [_CLEANERS[gap.escape_mode](word) for gap, word in zip(self.gaps, words, strict=True)]
        contents = iter(format_links(self.plain(words)).split(_SEPARATOR))
        texts = [
            line.format(next(contents)) if isinstance(line, PlainLine) else line.format(words)
            for line in self.open_lines
        ]
        if self._stand_alone(texts):
            return finish(self.joined % tuple(texts))
        following = iter(texts)
        return join_lines(
            [
                line
                if isinstance(line, FormattedLine)
                else FormattedLine(line.first, next(following), line.is_image)
                for line in self.lines
            ]
        )

    def _stand_alone(self, texts: Sequence[str]) -> bool:
        """Return whether no open line changes its neighbours, as a blank one and a repeated caption do."""
        return "" not in [text.strip(" \n>") for text in texts] and not any(
            is_repeated(
                texts[image] if isinstance(image, int) else image,
                texts[caption] if isinstance(caption, int) else caption,
            )
            for image, caption in self.captions
        )


def compile_text(outline: Sequence[Line], placeholder: re.Pattern[str], width: int) -> TextTemplate:
    """Lay out every line of an outline that no value is in, and prepare the rest.

    Args:
        outline: its lines.
        placeholder: matches the placeholder of a value; group 1 is its number.
        width: of the text, in columns.
    """
    gaps: dict[Gap, int] = {}
    plain: list[str | int] = []
    lines: list[FormattedLine | PlainLine | OpenLine | OpenTable] = []
    for first, rest, content, is_image in outline:
        if not placeholder.search(content):
            lines.append(FormattedLine(first, format_line(first, rest, content, width), is_image))
        elif is_table(content):
            grid, cells = arrange(*parse_table(content))
            parts = _parts(_SEPARATOR.join(cells), placeholder, gaps)
            lines.append(OpenTable(first, rest, formatter(parts), is_image, grid, room_of(rest, width)))
        elif _MORE_THAN_LINKS.search(content):
            parts = _parts(content, placeholder, gaps)
            lines.append(OpenLine(first, rest, formatter(parts), is_image, width))
        else:
            plain += [*([_SEPARATOR] if plain else []), *_parts(content, placeholder, gaps)]
            lines.append(PlainLine(first, rest, is_image, room_of(rest, width), marks.LINK_START in content))
    open_lines = [line for line in lines if not isinstance(line, FormattedLine)]
    pick = picker([gap.number for gap in gaps])
    urls = [place for place, gap in enumerate(gaps) if gap.escape_mode == marks.LINK_URL]
    return TextTemplate(list(gaps), pick, urls, formatter(plain), lines, open_lines, *_joined(lines))


def _joined(
    lines: Sequence[FormattedLine | PlainLine | OpenLine | OpenTable],
) -> tuple[str, list[tuple[str | int, str | int]]]:
    """Join the lines as they stand while no open one changes its neighbours; list the open captions."""
    known = [
        line if isinstance(line, FormattedLine) else FormattedLine(line.first, _OPEN, line.is_image)
        for line in lines
    ]
    numbers = list(accumulate((line.text == _OPEN for line in known), initial=0))
    captions: list[tuple[str | int, str | int]] = []
    for image, line in enumerate(list(known)):
        caption = caption_index(known, image) if line.is_image else None
        if caption is not None and _OPEN in (line.text, known[caption].text):
            pair = [
                numbers[index] if known[index].text == _OPEN else known[index].text
                for index in (image, caption)
            ]
            captions.append((pair[0], pair[1]))
    for index, line in enumerate(known):
        if line.is_image and line.text == _OPEN:
            known[index] = line._replace(is_image=False)
    return join_lines(known).removesuffix("\n").replace("%", "%%").replace(_OPEN, "%s"), captions


def _parts(content: str, placeholder: re.Pattern[str], gaps: dict[Gap, int]) -> list[str | int]:
    """Split text at its placeholders, with the number of the gap that each value goes to."""
    parts: list[str | int] = []
    keeps = url = ""
    for index, piece in enumerate(placeholder.split(content)):
        if index % 2:
            parts.append(gaps.setdefault(Gap(int(piece), url or keeps), len(gaps)))
            continue
        for mark in _MODE_MARKS.findall(piece):
            if mark in (marks.LINK_URL, marks.LINK_END):
                url = mark.strip(marks.LINK_END)
            elif keeps != marks.PRE:  # which lasts to the end
                keeps = "" if keeps == mark else mark
        parts.append(piece)
    return parts
