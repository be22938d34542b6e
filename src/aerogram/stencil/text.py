"""The text part of a shape with gaps for its values: some lines laid out once, some for each message."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import accumulate, chain
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from aerogram.plaintext import marks
from aerogram.plaintext.grid import Grid, arrange
from aerogram.plaintext.layout import (
    FormattedLine,
    caption_index,
    format_line,
    is_repeated,
    join_lines,
    prefixed,
    room_of,
    underlined,
)
from aerogram.plaintext.link import LINK, format_links, link_text, stands_apart
from aerogram.plaintext.table import is_table, parse_table
from aerogram.plaintext.width import finish, is_simple, wrap, wrap_lines

if TYPE_CHECKING:
    from aerogram.plaintext.outline import Line

__all__ = ["TextTemplate", "compile_text", "picker"]

_CLEANERS = {**marks.CLEANERS, marks.LINK_URL: marks.clean_url}
_MODE_MARKS = re.compile(f"[{''.join(_CLEANERS)}{marks.LINK_END}]")
_LINK_OR_LINE = re.compile(f"[{marks.LINK_START}{marks.LINK_URL}{marks.LINK_END}\n]")
_MORE_THAN_LINKS = re.compile("[\x04-\x09\x0b-\x1f]")
_ESCAPES = (("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&#34;", '"'), ("&quot;", '"'), ("&amp;", "&"))
_SEPARATOR = "\0"  # between values: none holds it
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
    numbers = [part for part in parts if isinstance(part, int)]
    if not numbers:
        text = "".join(map(str, parts))
        return lambda _words: text
    pick = picker(numbers)
    template = "".join([part.replace("%", "%%") if isinstance(part, str) else "%s" for part in parts])
    return lambda words: template % pick(words)


def linked_formatter(parts: Sequence[str | int]) -> Formatter:
    """Return the formatter of text with marks, which writes out its links and superscripts."""
    text = "".join([part if isinstance(part, str) else f"{_OPEN}{part}{_OPEN}" for part in parts])
    pieces = LINK.split(text)  # text, label, URL, text, …
    count = len(pieces) // 3
    labels, urls = [[formatter(_numbered(piece)) for piece in pieces[start::3]] for start in (1, 2)]
    glued = [not stands_apart(behind) for behind in pieces[3::3]]
    links = list(zip(labels, urls, glued, strict=True))
    around = [[*_numbered(piece), number - count] for number, piece in enumerate(pieces[::3])]
    write = formatter(list(chain.from_iterable(around))[:-1])  # the last words are the texts of the links

    def format_linked(words: Sequence[str]) -> str:
        texts = [link_text(label(words), url(words), is_glued=is_glued) for label, url, is_glued in links]
        return format_links(write([*words, *texts]))

    return format_linked


def _numbered(text: str) -> list[str | int]:
    return [int(part) if index % 2 else part for index, part in enumerate(text.split(_OPEN))]


def picker(numbers: Sequence[int]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """Return what picks the words of these numbers."""
    if len(numbers) > 1:
        return itemgetter(*numbers)
    return (lambda words: (words[numbers[0]],)) if numbers else (lambda _words: ())


class PlainLines(NamedTuple):
    """Lines of the outline whose contents have gaps, words and links, and no break, table or ``pre``."""

    are_headings: bool
    firsts: Sequence[str]  # the prefix of each
    rest: str
    room: int  # columns that the prefix leaves of the width
    contents: Formatter  # between newlines
    have_links: Sequence[bool]  # which may leave spaces, or nothing, where they lead nowhere
    is_simple: bool  # whether what stands around the gaps is

    def format(self, words: Sequence[str], *, simple: bool) -> list[str]:
        """Return the lines as text; ``simple`` says that all words are."""
        contents = self.contents(words)
        is_tidy = not ("\n " in contents or " \n" in contents or "\n\n" in contents or "  " in contents)
        if simple and self.is_simple and is_tidy and self.room:
            texts = wrap_lines(contents[1:-1], self.room)
            if not (self.rest or self.are_headings):
                return texts
            lines = [text.split("\n") for text in texts]
        else:
            found = zip(contents[1:-1].split("\n"), self.have_links, strict=True)
            texts = [text.strip(" ") if has_link else text for text, has_link in found]
            lines = [wrap(text, self.room) if text else [] for text in texts]
        if self.are_headings:
            lines = [underlined(each, self.room) for each in lines]
        return [prefixed(first, self.rest, each) for first, each in zip(self.firsts, lines, strict=True)]


class OpenLine(NamedTuple):
    """Any other line of the outline with gaps in its content."""

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
    room: int

    def format(self, words: Sequence[str]) -> str:
        """Return the table as text."""
        texts = self.cells(words).split("\n")
        return prefixed(self.first, self.rest, self.grid.format(texts, self.room))


class TextTemplate(NamedTuple):
    """The text part of a shape; its open lines, which have gaps, are the plain ones and then the others."""

    gaps: Sequence[Gap]
    pick: Callable[[Sequence[str]], tuple[str, ...]]  # the value of each gap
    urls: Sequence[int]  # the places of gaps in URLs
    plain: Sequence[PlainLines]
    others: Sequence[OpenLine | OpenTable]
    fixed: Sequence[str]  # lines without gaps that may repeat an open one, or be repeated: open, too
    in_order: Callable[[Sequence[str]], tuple[str, ...]]  # open lines in the order of the text
    lines: Sequence[FormattedLine]  # all of them, with a mark as the text of each open one
    joined: str  # the same, with %s for each open one
    images: Sequence[tuple[int, str]]  # open ones before a caption, and what stands between the two

    def fill(self, values: Sequence[str]) -> str:
        """Return the text part with ``values``, as they are escaped in the page, in it."""
        words = _unescaped(_SEPARATOR.join(self.pick(values))).split(_SEPARATOR)
        joined = "<".join(words)
        # Then the cleaners would change nothing, but for spaces in URLs.
        simple = joined.isprintable() and is_simple(joined) and "  " not in joined
        if not simple or " " in "".join([words[place] for place in self.urls]):
            words = [_CLEANERS[gap.escape_mode](word) for gap, word in zip(self.gaps, words, strict=True)]
        texts = [text for lines in self.plain for text in lines.format(words, simple=simple)]
        texts += [line.format(words) for line in self.others]
        ordered = self.in_order([*texts, *self.fixed])
        if "" in [text.strip(" \n>") for text in ordered]:  # a blank line changes its neighbours
            following = iter(ordered)
            return join_lines(
                [line._replace(text=next(following)) if line.text == _OPEN else line for line in self.lines]
            )
        if self.images:
            shown = list(ordered)
            for image, between in self.images:
                is_shown = not is_repeated(shown[image], shown[image + 1])
                shown[image] = shown[image] + between if is_shown else ""
            ordered = tuple(shown)
        return finish(self.joined % ordered, max(map(len, ordered), default=0))


def compile_text(outline: Sequence[Line], placeholder: re.Pattern[str], width: int) -> TextTemplate:
    """Lay out every line of an outline that no value is in, and prepare the rest."""
    gaps: dict[Gap, int] = {}
    plain: dict[tuple[bool, str], list[tuple[int, str, str]]] = {}  # by are_headings and rest
    others: dict[int, OpenLine | OpenTable] = {}
    lines: list[FormattedLine] = []
    for number, (first, rest, content, is_image) in enumerate(outline):
        text = _OPEN
        if not placeholder.search(content):
            text = format_line(first, rest, content, width)
        elif is_table(content):
            grid, cells = arrange(*parse_table(content))
            parts = _parts("\n".join(cells), placeholder, gaps)
            others[number] = OpenTable(first, rest, linked_formatter(parts), grid, room_of(rest, width))
        elif _MORE_THAN_LINKS.search(plain_text := _without_edges(content)):
            others[number] = OpenLine(first, rest, formatter(_parts(content, placeholder, gaps)), width)
        else:
            is_heading = content.startswith(marks.HEAD)
            plain.setdefault((is_heading, rest), []).append((number, first, plain_text))
        lines.append(FormattedLine(first, text, is_image))
    images = _open_images(lines)
    fixed = {index: lines[index].text for image in images for index in image if lines[index].text != _OPEN}
    for index in fixed:
        lines[index] = lines[index]._replace(text=_OPEN)
    plain_lines = [_plain_lines(*kind, group, placeholder, gaps, width) for kind, group in plain.items()]
    open_lines = [*[number for group in plain.values() for number, _, _ in group], *others, *fixed]
    joined, between = _joined(lines, [image for image, _ in images])
    return TextTemplate(
        gaps=list(gaps),
        pick=picker([gap.number for gap in gaps]),
        urls=[place for place, gap in enumerate(gaps) if gap.escape_mode == marks.LINK_URL],
        plain=plain_lines,
        others=list(others.values()),
        fixed=list(fixed.values()),
        in_order=picker(sorted(range(len(open_lines)), key=open_lines.__getitem__)),
        lines=lines,
        joined=joined,
        images=between,
    )


def _without_edges(content: str) -> str:
    """Return content without what marks a heading, an image or a block."""
    plain_text = content.removeprefix(marks.HEAD).strip(f"{marks.SOFT} ")
    return plain_text if content[:1] == marks.HEAD or marks.SOFT in content else content


def _plain_lines(
    are_headings: bool,
    rest: str,
    group: Sequence[tuple[int, str, str]],
    placeholder: re.Pattern[str],
    gaps: dict[Gap, int],
    width: int,
) -> PlainLines:
    text = "\n".join(["", *[content for _, _, content in group], ""])
    around = _LINK_OR_LINE.sub("", placeholder.sub("", text))
    return PlainLines(
        are_headings=are_headings,
        firsts=[first for _, first, _ in group],
        rest=rest,
        room=room_of(rest, width),
        contents=linked_formatter(_parts(text, placeholder, gaps)),
        have_links=[marks.LINK_START in content for _, _, content in group],
        is_simple=around.isprintable() and is_simple(around),
    )


def _open_images(lines: Sequence[FormattedLine]) -> list[tuple[int, int]]:
    """Return the images that may repeat their caption, each with that, where one of the two is open."""
    images = [(number, caption_index(lines, number)) for number, line in enumerate(lines) if line.is_image]
    return [
        (image, caption)
        for image, caption in images
        if caption is not None and _OPEN in (lines[image].text, lines[caption].text)
    ]


def _joined(lines: Sequence[FormattedLine], images: Sequence[int]) -> tuple[str, list[tuple[int, str]]]:
    """Join the lines as they stand while no open one is blank.

    What stands between one of the images and its caption is left out, and returned with the image's number.
    """
    known = [line._replace(is_image=line.is_image and line.text != _OPEN) for line in lines]
    pieces = join_lines(known).removesuffix("\n").replace("%", "%%").split(_OPEN)
    numbers = list(accumulate((line.text == _OPEN for line in lines), initial=0))
    between = [(numbers[image], pieces[numbers[image] + 1]) for image in images]
    for number, _ in between:
        pieces[number + 1] = ""
    return "%s".join(pieces), between


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
