"""The text part of a shape with gaps for its values: some lines laid out once, some for each message."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from aerogram.plaintext import marks
from aerogram.plaintext.grid import Grid, arrange
from aerogram.plaintext.layout import format_line, prefixed, room_of
from aerogram.plaintext.link import format_links
from aerogram.plaintext.table import is_table, parse_table
from aerogram.plaintext.width import FormattedLine, finish, is_simple, join_lines, wrap

if TYPE_CHECKING:
    from aerogram.plaintext.outline import Line

__all__ = ["TextTemplate", "compile_text", "picker"]

_CLEANERS = {**marks.CLEANERS, marks.LINK_URL: marks.clean_url}
_MODE_MARKS = re.compile(f"[{''.join(_CLEANERS)}{marks.LINK_END}]")
_LINK_OR_LINE = re.compile(f"[{marks.LINK_START}{marks.LINK_URL}{marks.LINK_END}\n]")
_MORE_THAN_LINKS = re.compile("[\x04-\x09\x0b-\x1f]")
_ESCAPES = (("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&#34;", '"'), ("&quot;", '"'), ("&amp;", "&"))
_OPEN = "\x7f"  # the text of a line with gaps; no text contains it
_SEPARATOR = "\0"  # between values: none holds it


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
    """Return a function that picks the words with these numbers."""
    if len(numbers) > 1:
        return itemgetter(*numbers)
    return (lambda words: (words[numbers[0]],)) if numbers else (lambda _words: ())


class OpenLine(NamedTuple):
    """A line of the outline with gaps in its content."""

    first: str
    rest: str
    content: Formatter
    width: int

    def format(self, words: Sequence[str]) -> str:
        """Return the line as text."""
        return format_line(self.first, self.rest, self.content(words), self.width)


class OpenTable(NamedTuple):
    """A line of the outline that is a table with gaps in its cells, which stand in ``cells`` line by line."""

    first: str
    rest: str
    cells: Formatter
    grid: Grid
    width: int

    def format(self, words: Sequence[str]) -> str:
        """Return the table as text."""
        texts = format_links(self.cells(words)).split("\n")
        return prefixed(self.first, self.rest, self.grid.format(texts, room_of(self.rest, self.width)))


class Paragraphs(NamedTuple):
    """Lines without prefix that hold words and links alone, laid out together."""

    contents: Formatter  # between newlines
    is_simple: bool  # whether what stands around the gaps is
    width: int

    def format(self, words: Sequence[str], *, simple: bool) -> Sequence[str]:
        """Return the lines as text; ``simple`` says that all words are."""
        contents = self.contents(words)
        if simple and self.is_simple and self.width:
            texts = format_links(contents)
            if not ("\n " in texts or " \n" in texts or "\n\n" in texts or "  " in texts):
                return ["\n".join(wrap(text, self.width)) for text in texts[1:-1].split("\n")]
        return [format_line("", "", content, self.width) for content in contents[1:-1].split("\n")]


class TextTemplate(NamedTuple):
    """The text part of a shape; the lines with gaps are ``paragraphs`` and ``others``."""

    gaps: Sequence[Gap]
    pick: Callable[[Sequence[str]], tuple[str, ...]]  # the value of each gap
    urls: Sequence[int]  # the places of gaps in URLs
    paragraphs: Paragraphs | None
    others: Sequence[OpenLine | OpenTable]
    in_order: Callable[[Sequence[str]], tuple[str, ...]]  # paragraphs and others in the order of the text
    lines: Sequence[FormattedLine]  # the text of those with gaps is _OPEN
    joined: str  # the lines with %s for those with gaps, none of which is blank; empty if there are images

    def fill(self, values: Sequence[str]) -> str:
        """Return the text part with ``values``, as they are escaped in the page, in it."""
        words = _unescaped(_SEPARATOR.join(self.pick(values))).split(_SEPARATOR)
        joined = "<".join(words)
        # Then the cleaners would change nothing, but for spaces in URLs.
        simple = joined.isprintable() and is_simple(joined) and "  " not in joined
        if not simple or " " in "".join([words[place] for place in self.urls]):
            words = [_CLEANERS[gap.escape_mode](word) for gap, word in zip(self.gaps, words, strict=True)]
        paragraphs = self.paragraphs.format(words, simple=simple) if self.paragraphs else ()
        texts = self.in_order([*paragraphs, *[line.format(words) for line in self.others]])
        if self.joined and "" not in [text.strip(" \n>") for text in texts]:
            return finish(self.joined % texts)
        following = iter(texts)
        return join_lines(
            [line._replace(text=next(following)) if line.text == _OPEN else line for line in self.lines]
        )


def compile_text(outline: Sequence[Line], placeholder: re.Pattern[str], width: int) -> TextTemplate:
    """Lay out every line of an outline without values, and prepare the others."""
    gaps: dict[Gap, int] = {}
    paragraphs: dict[int, str] = {}
    others: dict[int, OpenLine | OpenTable] = {}
    lines: list[FormattedLine] = []
    for number, (first, rest, content, is_image) in enumerate(outline):
        text = _OPEN
        if not placeholder.search(content):
            text = format_line(first, rest, content, width)
        elif is_table(content):
            grid, cells = arrange(*parse_table(content))
            parts = _parts("\n".join(cells), placeholder, gaps)
            others[number] = OpenTable(first, rest, formatter(parts), grid, width)
        elif first or _MORE_THAN_LINKS.search(plain_text := content.strip(f"{marks.SOFT} ")):
            parts = _parts(content, placeholder, gaps)
            others[number] = OpenLine(first, rest, formatter(parts), width)
        else:
            paragraphs[number] = plain_text
        lines.append(FormattedLine(first, text, is_image))
    contents = "\n".join(["", *paragraphs.values(), ""])
    around = _LINK_OR_LINE.sub("", placeholder.sub("", contents))
    numbers = [*paragraphs, *others]
    has_images = any(line.is_image for line in lines)
    return TextTemplate(
        lines=lines,
        joined="" if has_images else join_lines(lines).replace("%", "%%").replace(_OPEN, "%s"),
        in_order=picker(sorted(range(len(numbers)), key=numbers.__getitem__)),
        paragraphs=Paragraphs(
            formatter(_parts(contents, placeholder, gaps)),
            around.isprintable() and is_simple(around),
            width,
        )
        if paragraphs
        else None,
        others=list(others.values()),
        gaps=list(gaps),
        pick=picker([gap.number for gap in gaps]),
        urls=[place for place, gap in enumerate(gaps) if gap.escape_mode == marks.LINK_URL],
    )


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


def _unescaped(text: str) -> str:
    for escape, character in _ESCAPES if "&" in text else ():
        text = text.replace(escape, character)
    return text
