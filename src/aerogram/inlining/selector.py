"""Parsed CSS selectors, ready to be looked up in a document.

Selectors 3 without most pseudo-classes are read exactly: that is what premailer inlines. Every other selector
stays in the sheet and is read leniently, to know which elements it may match.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

_LONGEST = 1_000  # characters, and
_MOST_COMPOUNDS = 50  # compounds of a selector that is read
_ESCAPE = r"\\(?:[0-9a-fA-F]{1,6}\s?|[^\n0-9a-fA-F])"
_CHARACTER = rf"(?:[a-zA-Z0-9_-]|[^\x00-\x7f]|{_ESCAPE})"
_NAME = rf"-?(?:[a-zA-Z_]|[^\x00-\x7f]|{_ESCAPE}){_CHARACTER}*"
_STRING = r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'"
_PIECE = re.compile(
    rf"""\s*(?P<combinator>[>+~])\s* | (?P<space>\s+)
      | \.(?P<class>{_NAME}) | \#(?P<id>{_CHARACTER}+)
      | \[\s*(?P<attribute>{_NAME})\s*(?:(?P<operator>[~|^$*]?=)\s*(?P<value>{_STRING}|{_NAME})\s*)?\]
      | (?P<pseudo>::?[a-zA-Z-]+)(?P<arguments>\()?
      | (?P<tag>[a-zA-Z][a-zA-Z0-9_-]*|\*)""",
    re.VERBOSE | re.DOTALL,
)
_PAREN = re.compile(rf"{_STRING}|[()]", re.DOTALL)
_ESCAPED = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
_KINDS = {"operator": "attribute", "value": "attribute", "arguments": "pseudo"}  # of groups inside a piece
_CHILDREN = (":first-child", ":last-child")
_OLD_ELEMENTS = (":before", ":after", ":first-line", ":first-letter")  # CSS 2 wrote them with one colon


class Test(NamedTuple):
    """A selector's condition on one attribute."""

    name: str
    operator: str
    value: str

    def holds(self, given: str | None) -> bool:
        """Return whether an attribute's value passes (Selectors 3, section 6.3)."""
        operator, value = self.operator, self.value
        if given is None or not operator:
            return given is not None
        if operator == "=":
            return given == value
        if operator == "|=":
            return given == value or given.startswith(f"{value}-")
        if not value:
            return False
        if operator == "~=":
            return value in given.split()
        if operator == "*=":
            return value in given
        return given.startswith(value) if operator == "^=" else given.endswith(value)


class Compound(NamedTuple):
    """A selector's conditions on one element; ``combinator`` is its relation to the compound before."""

    combinator: str
    words: frozenset[str]  # its tag, .classes and #ids
    tests: tuple[Test, ...] = ()
    children: tuple[str, ...] = ()  # :first-child, :last-child


@dataclass(frozen=True, eq=False)
class Selector:
    """A parsed selector.

    The compounds may match more than the selector unless ``exact``. ``reaches`` is false for pseudo-elements
    such as ``::before``, which no element of the document is.
    """

    compounds: tuple[Compound, ...]
    specificity: tuple[int, int, int]
    exact: bool
    reaches: bool

    @cached_property
    def words(self) -> frozenset[str]:
        """The tags, classes and ids that must be in a document where it matches."""
        return frozenset().union(*(compound.words for compound in self.compounds))

    def without(self, tag: str) -> Selector:
        """Return the selector for a document where elements of ``tag`` are implied, as ``tbody`` is."""
        compounds = tuple(
            compound
            for compound in self.compounds
            if compound.words != {tag} or compound is self.compounds[-1]
        )
        return replace(self, compounds=compounds)


def read_selector(text: str) -> Selector | None:
    """Read a selector; return ``None`` if it is unknown or too long."""
    if len(text) > _LONGEST:
        return None
    reading = _Reading()
    position = 0
    while position < len(text):
        piece = _PIECE.match(text, position)
        if piece is None or not reading.take(piece):
            return None
        position = piece.end()
        if piece["arguments"]:
            position = _after_parens(text, position)
    return reading.selector() if reading.has_content else None


class _Reading:
    """The state of parsing one selector."""

    def __init__(self) -> None:
        self.compounds: list[Compound] = []
        self.ids = self.classes = self.elements = 0
        self.exact = self.reaches = True
        self._begin("")

    def _begin(self, combinator: str) -> None:
        self.combinator = combinator
        self.has_content = False
        self.words: list[str] = []
        self.tests: list[Test] = []
        self.children: list[str] = []

    def _end(self) -> None:
        self.compounds.append(
            Compound(self.combinator, frozenset(self.words), tuple(self.tests), tuple(self.children))
        )

    def take(self, piece: re.Match[str]) -> bool:
        """Add the next piece; return whether it may stand there."""
        last = piece.lastgroup or ""
        kind = _KINDS.get(last, last)
        if kind in ("combinator", "space"):
            if not self.has_content or len(self.compounds) >= _MOST_COMPOUNDS:
                return False
            self._end()
            self._begin(piece["combinator"] or " ")
            return True
        if kind == "tag" and self.has_content:
            return False
        self.has_content = True
        if kind == "tag":
            if piece["tag"] != "*":
                self.words.append(piece["tag"].lower())
                self.elements += 1
        elif kind == "class":
            self.words.append(f".{_unescaped(piece['class'])}")
            self.classes += 1
        elif kind == "id":
            self.words.append(f"#{_unescaped(piece['id'])}")
            self.ids += 1
        elif kind == "attribute":
            value = piece["value"] or ""
            value = value[1:-1] if value[:1] in ("'", '"') else value
            name = _unescaped(piece["attribute"]).lower()
            self.tests.append(Test(name, piece["operator"] or "", _unescaped(value)))
            self.classes += 1
        else:
            self._take_pseudo(piece["pseudo"].lower())
        return True

    def _take_pseudo(self, name: str) -> None:
        if name.startswith("::") or name in _OLD_ELEMENTS:
            self.elements += 1
            self.reaches = self.exact = False
            return
        self.classes += 1
        if name in _CHILDREN:
            self.children.append(name)
        elif name == ":root":
            self.words.append("html")
        else:
            self.exact = False

    def selector(self) -> Selector:
        self._end()
        specificity = self.ids, self.classes, self.elements
        return Selector(tuple(self.compounds), specificity, self.exact, self.reaches)


def _after_parens(text: str, position: int) -> int:
    """Return the position behind the parenthesis that closes the one just opened."""
    depth = 1
    for found in _PAREN.finditer(text, position):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if not depth:
            return found.end()
    return len(text)


def _unescaped(name: str) -> str:
    return _ESCAPED.sub(_character, name) if "\\" in name else name


def _character(escape: re.Match[str]) -> str:
    if escape[1] is None:
        return escape[2]
    code = int(escape[1], 16)
    if code == 0 or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:  # CSS Syntax 3, section 4.3.7
        return "\ufffd"
    return chr(code)
