"""The attribute tests in the selectors of style sheets, and their results.

A value may vary in an attribute as long as every test gives the same result as for its placeholder: then the
same rules apply to the element.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aerogram.inlining.selector import AttributeTest as Test

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["AttributeTests", "Results", "TestPair", "evaluate"]

TestPair = tuple[Test, Test]
"""A test of an attribute, and the same in lower case, as some readers ignore case."""

Results = list[tuple[bool, bool]]

_BRACKET = re.compile(r"\[([^\]]*)(?:\]|\Z)")
_TEST = re.compile(
    r"""\s*([a-z_][\w-]*)\s*(?:([~|^$*]?=)\s*(?:"([^"\\]*)"|'([^'\\]*)'|([\w-]+))\s*)?""", re.IGNORECASE
)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_COMMENT_MARK = re.compile("<!--|-->")
_NAME = re.compile(r"[\w-]+")
_ID = re.compile(r"#((?:[\w-]|[^\x00-\x7f]|\\.?)+)")
_ESCAPE = "\\"  # it may spell any name


class AttributeTests:
    """The attribute tests of some style sheets.

    What looks like an id may be a colour as well; one test too many does no harm.

    >>> tests = AttributeTests('a[href^="tel:"] {color: red} #top, [title] {border: 0} [a|lang=x] {}')
    >>> [len(tests.about(name)) for name in ("href", "id", "title")], tests.about("lang")
    ([1, 1, 0], None)
    """

    def __init__(self, sheets: str) -> None:
        self._tests: dict[str, set[TestPair]] = {}
        self._unreadable: set[str] = set()
        self._all_unreadable = False
        # What is a comment depends on strings around it: read with and without what looks like one.
        bare = _COMMENT.sub("", sheets)
        for text in {sheets, bare, _COMMENT_MARK.sub("", sheets), _COMMENT_MARK.sub("", bare)}:
            self._read_all(text)

    def _read_all(self, sheets: str) -> None:
        if ":lang" in sheets.lower():
            self._unreadable.add("lang")
        for inside in _BRACKET.findall(sheets):
            self._read(inside)
        for name in _ID.findall(sheets):
            self._add("id", "=", name)
            self._all_unreadable = self._all_unreadable or _ESCAPE in name

    def _read(self, inside: str) -> None:
        found = _TEST.fullmatch(inside)
        if found is None:
            self._unreadable.update(name.lower() for name in _NAME.findall(inside))
            self._all_unreadable = self._all_unreadable or _ESCAPE in inside
        elif found[2]:  # else only whether the attribute is there
            text = next(text for text in (*found.groups()[2:], "") if text is not None)
            self._add(found[1].lower(), found[2], text)

    def _add(self, name: str, operator: str, value: str) -> None:
        pair = Test(name, operator, value), Test(name, operator, value.lower())
        self._tests.setdefault(name, set()).add(pair)

    def about(self, name: str) -> list[TestPair] | None:
        """Return the tests of an attribute; ``None`` if they cannot be read."""
        if self._all_unreadable or name in self._unreadable:
            return None
        return sorted(self._tests.get(name, ()))


def evaluate(tests: Iterable[TestPair], text: str) -> Results:
    """Return the results of the tests for an attribute of this text.

    >>> tests = AttributeTests('[href^="tel:"], [href~=B]').about("href")
    >>> evaluate(tests, "tel:a b")
    [(True, True), (False, True)]
    """
    lower = text.lower()
    return [(exact.holds(text), folded.holds(lower)) for exact, folded in tests]
