"""What the selectors of style sheets ask of attributes, and what an attribute answers.

A value may vary in an attribute as long as it answers every question as its placeholder does: then the same
rules meet at the element.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aerogram.inlining.selector import Test

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Answers", "Question", "Questions", "answers"]

Question = tuple[Test, Test]
"""A test of an attribute, and the same in small letters: to some readers, capitals are the same letters."""

Answers = list[tuple[bool, bool]]

_BRACKET = re.compile(r"\[([^\]]*)(?:\]|\Z)")
_QUESTION = re.compile(
    r"""\s*([a-z_][\w-]*)\s*(?:([~|^$*]?=)\s*(?:"([^"\\]*)"|'([^'\\]*)'|([\w-]+))\s*)?""", re.IGNORECASE
)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_COMMENT_MARK = re.compile("<!--|-->")
_NAME = re.compile(r"[\w-]+")
_ID = re.compile(r"#((?:[\w-]|[^\x00-\x7f]|\\.?)+)")
_ESCAPE = "\\"  # it may spell any name


class Questions:
    """The questions of some style sheets.

    What asks for an id may be a color as well; one question too many does no harm.

    >>> questions = Questions('a[href^="tel:"] {color: red} #top, [title] {border: 0} [a|lang=x] {}')
    >>> [len(questions.about(name)) for name in ("href", "id", "title")], questions.about("lang")
    ([1, 1, 0], None)
    """

    def __init__(self, sheets: str) -> None:
        self._asked: dict[str, set[Question]] = {}
        self._closed: set[str] = set()
        self._all_closed = False
        # What is a comment depends on strings around it: read with and without what looks like one.
        bare = _COMMENT.sub("", sheets)
        for text in {sheets, bare, _COMMENT_MARK.sub("", sheets), _COMMENT_MARK.sub("", bare)}:
            self._read_all(text)

    def _read_all(self, sheets: str) -> None:
        if ":lang" in sheets.lower():
            self._closed.add("lang")
        for inside in _BRACKET.findall(sheets):
            self._read(inside)
        for name in _ID.findall(sheets):
            self._ask("id", "=", name)
            self._all_closed = self._all_closed or _ESCAPE in name

    def _read(self, inside: str) -> None:
        found = _QUESTION.fullmatch(inside)
        if found is None:
            self._closed.update(name.lower() for name in _NAME.findall(inside))
            self._all_closed = self._all_closed or _ESCAPE in inside
        elif found[2]:  # else only whether the attribute is there
            text = next(text for text in (*found.groups()[2:], "") if text is not None)
            self._ask(found[1].lower(), found[2], text)

    def _ask(self, name: str, operator: str, value: str) -> None:
        question = Test(name, operator, value), Test(name, operator, value.lower())
        self._asked.setdefault(name, set()).add(question)

    def about(self, name: str) -> list[Question] | None:
        """Return what is asked of an attribute; ``None`` where that cannot be told."""
        if self._all_closed or name in self._closed:
            return None
        return sorted(self._asked.get(name, ()))


def answers(questions: Iterable[Question], text: str) -> Answers:
    """Return what an attribute of this text answers.

    >>> questions = Questions('[href^="tel:"], [href~=B]').about("href")
    >>> answers(questions, "tel:a b")
    [(True, True), (False, True)]
    """
    small = text.lower()
    return [(exact.holds(text), loose.holds(small)) for exact, loose in questions]
