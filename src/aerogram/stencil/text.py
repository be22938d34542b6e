"""The text part of a page with gaps for its values: what is set already, and what waits for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from aerogram.plaintext import marks
from aerogram.plaintext.columns import fits, wrap
from aerogram.plaintext.layout import finished, is_blank_line, lay_out, prefixed, set_line
from aerogram.plaintext.link import apart, set_link
from aerogram.stencil.shape import find_entities

if TYPE_CHECKING:
    from aerogram.plaintext.grid import Grid
    from aerogram.plaintext.outline import Line

__all__ = [
    "LINES",
    "PART",
    "PRE",
    "URL",
    "WORDS",
    "Gap",
    "OpenLine",
    "OpenLinks",
    "OpenTable",
    "OpenText",
    "OpenTexts",
    "OpenTwins",
    "Piece",
    "TextForm",
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


class OpenLine(NamedTuple):
    """A line of the outline that waits for a text: what is in it, with the layout's marks."""

    first: str
    rest: str
    content: int
    width: int

    def set(self, texts: Sequence[str]) -> str | None:
        """Return the line as text, on as many lines as it takes; ``None`` for a blank one."""
        text = set_line(self.first, self.rest, texts[self.content], self.width)
        return None if is_blank_line(self.first, text) else text


class OpenText(NamedTuple):
    """What stands in an outline's line up to its next break and waits for a text, links in it set."""

    first: str
    rest: str
    text: int
    room: int

    def set(self, texts: Sequence[str]) -> str | None:
        """Return the text, on as many lines as it takes; ``None`` for a blank one."""
        text = texts[self.text].strip(" ")
        if not fits(text, self.room):
            return prefixed(self.first, self.rest, wrap(text, self.room))
        return (self.first + text).rstrip() if text else None


class OpenTable(NamedTuple):
    """A table of the outline that waits for texts, which ``cells`` picks: how they stand in columns."""

    first: str
    rest: str
    cells: Callable[[Sequence[str]], tuple[str, ...]]
    grid: Grid
    room: int

    def set(self, texts: Sequence[str]) -> str | None:
        """Return the table as text; ``None`` for a blank one."""
        lines = self.grid.set(self.cells(texts), self.room)
        if not self.first:
            return "\n".join(lines)
        text = prefixed(self.first, self.rest, lines)
        return None if is_blank_line(self.first, text) else text


class OpenTwins(NamedTuple):
    """A picture and the line behind it, which is all there is to set when both say the same."""

    picture: Sequence[Piece]
    between: str
    title: Sequence[Piece]

    def set(self, texts: Sequence[str]) -> str | None:
        """Return both as text, or the second one; ``None`` for a blank one."""
        picture = set_pieces(self.picture, texts)
        title = set_pieces(self.title, texts)
        if picture is None or title is None:
            return None
        return title if picture == title else f"{picture}\n{self.between}{title}"


Piece = str | OpenLine | OpenText | OpenTable | OpenTwins


def set_pieces(pieces: Sequence[Piece], texts: Sequence[str]) -> str | None:
    """Return pieces of text as one, ``None`` when one is blank."""
    done = []
    for piece in pieces:
        text = piece if isinstance(piece, str) else piece.set(texts)
        if text is None:
            return None
        done.append(text)
    return "\n".join(done)


class OpenLinks(NamedTuple):
    """The links that wait for words: what makes the label and URL of each, and what is behind each URL."""

    parts: Run
    behind: Sequence[str]

    def set(self, words: Sequence[str]) -> list[str]:
        """Return the links as texts."""
        parts = self.parts(words).split(PART)
        return list(map(set_link, parts[::2], parts[1::2], self.behind)) if self.behind else []


class OpenTexts(NamedTuple):
    """The texts that wait for words and links; in some, something may stand close behind a URL."""

    parts: Run
    are_close: bool

    def set(self, words: Sequence[str]) -> list[str]:
        """Return the texts."""
        texts = self.parts(words)
        return (apart(texts) if self.are_close else texts).split(PART)


class TextForm:
    """The text part: text that is set already, and lines to set once their words are known.

    Args:
        outline: makes the whole outline when it is given the words.
        pieces: the same as it stands in the text as long as no line of it is blank.
        gaps: where the values stand. The words of the page are those of the gaps, then the links.
        links: the last one first: a link is known by its number from the end.
        texts: what the pieces wait for.
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
        self._pick = picker([gap.number for gap in gaps])
        self._urls = [place for place, gap in enumerate(gaps) if gap.manner == URL]

    def fill(self, values: Sequence[str]) -> str:
        """Return the text part with ``values`` in it."""
        words = self._words(values)
        texts = self._texts.set([*words, *self._links.set(words)])
        text = set_pieces(self._pieces, texts)
        if text is None:  # words leave a line blank, so that the lines around it meet
            return lay_out(self._outline(words), self._width)
        return finished(text)

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
