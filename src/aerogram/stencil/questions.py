"""What the selectors of style sheets ask of attributes, and what an attribute answers.

A value may vary in an attribute as long as it answers every question as its placeholder does: then the same
rules meet at the element.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Question", "Questions", "answers"]

Question = tuple[str, str]
"""An operator of Selectors 3 section 6.3, and the text on its right."""

_BRACKET = re.compile(r"\[([^\]]*)(?:\]|\Z)")
_QUESTION = re.compile(
    r"""\s*([a-z_][\w-]*)\s*(?:([~|^$*!]?=)\s*(?:"([^"\\]*)"|'([^'\\]*)'|([\w-]+))\s*)?""", re.IGNORECASE
)
_NAME = re.compile(r"[\w-]+")
_ID = re.compile(r"#((?:[\w-]|\\.?)+)")
_SPACE = re.compile("[ \t\r\n]+")
_ESCAPE = "\\"  # it may spell any name


class Questions:
    """The questions of some style sheets, comments left out.

    What asks for an id may be a color as well; one question too many does no harm.

    >>> questions = Questions('a[href^="tel:"] {color: red} #top, [title] {border: 0} [a|lang=x] {}')
    >>> questions.about("href"), questions.about("id"), questions.about("title"), questions.about("lang")
    ([('^=', 'tel:')], [('=', 'top')], [], None)
    """

    def __init__(self, sheets: str) -> None:
        self._asked: dict[str, set[Question]] = {}
        self._closed: set[str] = {"lang"} if ":lang" in sheets.lower() else set()
        self._all_closed = False
        for inside in _BRACKET.findall(sheets):
            self._read(inside)
        for name in _ID.findall(sheets):
            self._asked.setdefault("id", set()).add(("=", name))
            self._all_closed = self._all_closed or _ESCAPE in name

    def _read(self, inside: str) -> None:
        found = _QUESTION.fullmatch(inside)
        if found is None:
            self._closed.update(name.lower() for name in _NAME.findall(inside))
            self._all_closed = self._all_closed or _ESCAPE in inside
        elif found[2]:  # else only whether the attribute is there
            text = next(text for text in (*found.groups()[2:], "") if text is not None)
            self._asked.setdefault(found[1].lower(), set()).add((found[2], text))

    def about(self, name: str) -> list[Question] | None:
        """Return what is asked of an attribute; ``None`` where that cannot be told."""
        if self._all_closed or name in self._closed:
            return None
        return sorted(self._asked.get(name, ()))


def answers(questions: Iterable[Question], text: str) -> list[bool]:
    """Return what an attribute of this text answers.

    >>> answers([("^=", "tel:"), ("~=", "b"), ("$=", "")], "tel:a b")
    [True, True, False]
    """
    return [_answer(operator, asked, text) for operator, asked in questions]


def _answer(operator: str, asked: str, text: str) -> bool:
    if operator in ("=", "!="):
        return (text == asked) is (operator == "=")
    if operator == "|=":
        return text == asked or text.startswith(f"{asked}-")
    if not asked:
        return False
    if operator == "~=":
        return asked in _SPACE.split(text)
    if operator == "^=":
        return text.startswith(asked)
    return text.endswith(asked) if operator == "$=" else asked in text
