"""The text part of a page with gaps for its values: what is set already, and what waits for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from aerogram.plaintext import marks
from aerogram.plaintext.columns import fits, wrap
from aerogram.plaintext.layout import SetLine, finished, is_blank_line, join_lines, prefixed, set_line
from aerogram.plaintext.link import apart, set_link
from aerogram.plaintext.outline import Line
from aerogram.stencil.shape import find_entities

if TYPE_CHECKING:
    from aerogram.plaintext.grid import Grid

__all__ = [
    "LINES",
    "PART",
    "PRE",
    "URL",
    "WORDS",
    "Gap",
    "OpenLine",
    "OpenLink",
    "OpenTable",
    "OpenText",
    "OpenTwins",
    "Run",
    "TextForm",
    "apart_run",
    "picker",
    "run",
    "set_pieces",
]

_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#34;", '"'), ("&#39;", "'"), ("&amp;", "&"))
WORDS, URL, PRE, LINES = "words", "url", "pre", "lines"
_CLEANERS = {
    WORDS: marks.clean,
    URL: marks.clean_url,
    PRE: marks.clean_pre_lines,
    LINES: marks.clean_lines,
}
PART = "\0"  # between texts that are made together: no word holds it


class Gap(NamedTuple):
    """A place for a value in the text part: which, and cleaned as what."""

    number: int
    manner: str


Run = Callable[[Sequence[str]], str]
"""Text with gaps in it: called with the words of a page, it returns the text with those that are its own."""


def run(parts: Sequence[str | int]) -> Run:
    """Return the run of these pieces of text and numbers of words.

    >>> run(["Dear ", 1, ", 100% ", 0])(["sure", "Ann"])
    'Dear Ann, 100% sure'
    """
    gaps = [part for part in parts if isinstance(part, int)]
    form = "".join([part.replace("%", "%%") if isinstance(part, str) else "%s" for part in parts])
    if form == "%s":
        return itemgetter(*gaps)
    if len(gaps) > 1:
        pick = itemgetter(*gaps)
        return lambda words: form % pick(words)
    return (lambda words: form % words[gaps[0]]) if gaps else (lambda _words: form % ())


def picker(numbers: Sequence[int]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """Return what picks the words of these numbers."""
    if len(numbers) > 1:
        return itemgetter(*numbers)
    return lambda words: tuple([words[number] for number in numbers])


def apart_run(parts: Sequence[str | int]) -> Run:
    """Return the run of pieces in which something may stand close behind a URL."""
    text = run(parts)
    return lambda words: apart(text(words))


class OpenLink(NamedTuple):
    """A link that waits for words; ``behind`` is what stands behind its URL."""

    label: Run
    url: Run
    behind: str

    def set(self, words: Sequence[str]) -> str:
        """Return the link as text."""
        return set_link(self.label(words), self.url(words), self.behind)


class OpenLine(NamedTuple):
    """A line of the outline that waits for words."""

    first: str
    rest: str
    content: Run
    width: int
    is_picture: bool

    def set(self, words: Sequence[str]) -> str | None:
        """Return the line as text, on as many lines as it takes; ``None`` for a blank one."""
        text = set_line(self.first, self.rest, self.content(words), self.width)
        return None if is_blank_line(self.first, text) else text


class OpenText(NamedTuple):
    """Text and links of an outline's line, up to its next break, that wait for words."""

    first: str
    rest: str
    text: Run
    room: int

    def set(self, words: Sequence[str]) -> str | None:
        """Return the text, on as many lines as it takes; ``None`` for a blank one."""
        text = self.text(words).strip(" ")
        if not fits(text, self.room):
            return prefixed(self.first, self.rest, wrap(text, self.room))
        return (self.first + text).rstrip() if text else None


class OpenTable(NamedTuple):
    """A table of the outline that waits for words: how its cells stand in columns.

    ``cells`` picks their texts, line by line, out of ``texts``, which are made as one with :data:`PART`
    between them, and the words behind those.
    """

    first: str
    rest: str
    texts: Run
    cells: Callable[[Sequence[str]], tuple[str, ...]]
    grid: Grid
    room: int

    def set(self, words: Sequence[str]) -> str | None:
        """Return the table as text; ``None`` for a blank one."""
        lines = self.grid.set(self.cells([*self.texts(words).split(PART), *words]), self.room)
        if not self.first:
            return "\n".join(lines)
        text = prefixed(self.first, self.rest, lines)
        return None if is_blank_line(self.first, text) else text


class OpenTwins(NamedTuple):
    """A picture and the line behind it, which is all there is to set when both say the same."""

    picture: Sequence[Piece]
    between: str
    title: Sequence[Piece]

    def set(self, words: Sequence[str]) -> str | None:
        """Return both as text, or the second one; ``None`` for a blank one."""
        picture = set_pieces(self.picture, words)
        title = set_pieces(self.title, words)
        if picture is None or title is None:
            return None
        return title if picture == title else f"{picture}\n{self.between}{title}"


Piece = str | OpenLine | OpenText | OpenTable | OpenTwins


def set_pieces(pieces: Sequence[Piece], words: Sequence[str]) -> str | None:
    """Return pieces of text as one, ``None`` when one is blank."""
    texts = []
    for piece in pieces:
        text = piece if isinstance(piece, str) else piece.set(words)
        if text is None:
            return None
        texts.append(text)
    return "\n".join(texts)


class TextForm:
    """The text part: text that is set already, and lines to set once their words are known.

    Args:
        outline: makes the whole of it, when it is needed.
        pieces: the same as it stands in the text as long as no line of it is blank.
        gaps: where the values stand. The words of the page are those of the gaps, then the links.
        links: those that wait for words, the last one first: a link is known by its number from the end.
        width: of the text, in columns.
    """

    def __init__(
        self,
        outline: Callable[[], Sequence[Line | OpenLine]],
        pieces: Sequence[Piece],
        gaps: Sequence[Gap],
        links: Sequence[OpenLink],
        width: int,
    ) -> None:
        self._outline = cache(outline)
        self._pieces = pieces
        self._gaps = gaps
        self._links = links
        self._width = width
        self._pick = picker([gap.number for gap in gaps])
        self._urls = [place for place, gap in enumerate(gaps) if gap.manner == URL]

    def fill(self, values: Sequence[str]) -> str:
        """Return the text part with ``values`` in it."""
        words = self._words(values)
        words += [link.set(words) for link in self._links]
        text = set_pieces(self._pieces, words)
        return self._fill_slowly(words) if text is None else finished(text)

    def _words(self, values: Sequence[str]) -> list[str]:
        """Return what stands in each gap: its value without escapes, cleaned."""
        if not values:
            return []
        unescaped = _unescaped(values)
        words = list(self._pick(unescaped))
        if not marks.is_clean("<".join(words)):
            return [_CLEANERS[gap.manner](word) for gap, word in zip(self._gaps, words, strict=True)]
        if " " in "".join([words[place] for place in self._urls]):  # which is clean, but not in a URL
            for place in self._urls:
                words[place] = marks.clean_url(words[place])
        return words

    def _fill_slowly(self, words: Sequence[str]) -> str:
        """Fill in words that leave a line blank, so that the lines around it meet."""
        lines = []
        for line in self._outline():
            content = line.content if isinstance(line, Line) else line.content(words)
            text = set_line(line.first, line.rest, content, self._width)
            lines.append(SetLine(line.first, text, line.is_picture))
        return join_lines(lines)


def _unescaped(values: Sequence[str]) -> list[str]:
    """Return solid values as text: no ``Markup``, which would escape what it is given."""
    joined = "<".join(values)
    if "&" not in joined:
        return joined.split("<")
    joined = joined.replace("<", "\0")
    there = set(find_entities(joined))
    for entity, character in _ENTITIES:
        if entity in there:
            joined = joined.replace(entity, character)
    return joined.split("\0")
