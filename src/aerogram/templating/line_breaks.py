"""The line breaks of templates: one goes with a tag that stands alone on its line, every other stays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jinja2 import TemplateSyntaxError
from jinja2.ext import Extension

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LineBreaks"]

_LINE_END = re.compile("\r\n|\r|\n")
_REST_OF_LINE = re.compile(r"[^\S\n]*\n")
_STARTS = ("block_begin", "comment_begin", "variable_begin", "raw_begin", "raw_end")
_TRIMMED = ("block_end", "comment_end", "raw_end")  # ends that Jinja's trim_blocks is about


class LineBreaks(Extension):
    """An extension that limits Jinja's ``trim_blocks`` to tags alone on their line.

    ``trim_blocks`` drops the line break behind every block tag and comment, and so joins the words around it.
    Where something else stands on the line, also an ``include``, whose template loses its last line break,
    this writes the mark ``+`` into the tag, which keeps the line break. Spaces at the end of a line of tags
    are dropped. Lines keep their numbers.
    """

    def preprocess(self, source: str, _name: str | None, _filename: str | None = None) -> str:
        """Return the source with a mark in every tag whose line break stays.

        Args:
            source: the source of a template.
        """
        source = _LINE_END.sub("\n", source)
        if "\n" not in source:
            return source
        pieces = []
        copied = 0
        try:
            for place, mark in self._changes(source):
                pieces.append(source[copied:place] + mark)
                copied = place if mark else source.index("\n", place)
        except TemplateSyntaxError:  # the parser will raise it again, with the name of the template
            return source
        return "".join([*pieces, source[copied:]])

    def _changes(self, source: str) -> Iterator[tuple[int, str]]:
        """Yield where a ``+`` is needed, and, with an empty mark, where a line ends in needless spaces."""
        only_tags = True  # on this line, so far
        for text, kind, end, end_mark, writes in self._tags(source):
            *above, line = text.rsplit("\n", 1)
            only_tags = (bool(above) or only_tags) and not line.strip() and not writes
            rest = _REST_OF_LINE.match(source, end)
            if rest is None or kind not in _TRIMMED or source[end - len(end_mark) - 1] in "+-":
                continue
            if not only_tags:
                yield end - len(end_mark), "+"
            elif rest.end() > end + 1:
                yield end, ""

    def _tags(self, source: str) -> Iterator[tuple[str, str, int, str, bool]]:
        """Yield for each tag: the text before it, its kind, its end, the mark that ends it, if it writes.

        The text is without what a ``-`` before it drops: a line break that is dropped ends no line.
        """
        jinja = self.environment
        ends = {
            "block_end": jinja.block_end_string,
            "raw_begin": jinja.block_end_string,
            "raw_end": jinja.block_end_string,
            "comment_end": jinja.comment_end_string,
            "variable_end": jinja.variable_end_string,
        }
        place = last_end = 0
        text, writes, is_first_word, drops_next = "", False, False, False
        for _, kind, piece in jinja.lexer.tokeniter(source, None):
            place = source.index(piece, place)  # spaces may have been dropped before it
            if kind in _STARTS:
                text = source[last_end:place]
                text = text.lstrip() if drops_next else text
                writes, is_first_word = kind == "variable_begin", True
            elif kind == "name" and is_first_word:
                writes, is_first_word = writes or piece == "include", False
            place += len(piece)
            if kind in ends:
                last_end = place - len(piece) + len(piece.rstrip())
                drops_next = source.endswith(f"-{ends[kind]}", 0, last_end)
                yield text, kind, last_end, ends[kind], writes
