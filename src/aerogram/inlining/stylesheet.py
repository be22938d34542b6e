"""A style sheet as inlining sees it: pieces of its text, and the rules in them.

A rule that stands in no block of another may be inlined as far as its selectors are static; every other rule
stays where it is. Selectors and declarations are read when a document first has what the rule asks for.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from aerogram.inlining.css import (
    Written,
    read_block,
    read_declarations,
    read_sheet,
    read_statements,
    split_list,
)
from aerogram.inlining.properties import are_related, is_surely_valid
from aerogram.inlining.selectors import read_selector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aerogram.inlining.css import Statement
    from aerogram.inlining.selectors import Selector, Specificity

__all__ = ["Piece", "Rank", "Ranked", "Rule", "Sheet", "parse_sheet"]

_FIXED = ("@layer", "@scope", "@starting-style")  # !important would change their order
_GROUPS = ("@media", "@supports", "@container", "@document", "@-moz-document", *_FIXED)
_DEEPEST = 8  # blocks of rules inside each other that are looked into; deeper ones stay as they are
_NOT_READ = re.compile(r"[(\[\\\"'*:&|]")  # in what _WORD cannot read, or is not sure to be static
_WORD = re.compile(r"[.#]-?[^\W\d][\w-]*")
_LOCK = threading.Lock()
Group = tuple[str, bool, list[tuple[str, int, str]]]  # name, importance; value, end and text of each


class Rank(NamedTuple):
    """The position of a declaration in the cascade: the larger wins (CSS Cascade 5, section 6.1)."""

    important: bool
    inline: bool
    layer: int
    specificity: Specificity
    order: tuple[int, int, int]  # of the sheet, of the rule in it, of the declaration in that


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """The values that one block gives a property, in order, and their rank.

    Several values are for clients that do not know the last. ``ends`` says where each ends in the text of the
    sheet. ``word`` stands for the declaration where its value must not be read; all selectors of one rule
    share its ``key``.
    """

    name: str
    value: str  # the last
    texts: tuple[str, ...]  # with the name, as a style attribute has them
    ends: tuple[int, ...]
    rank: Rank
    is_surely_valid: bool
    is_fixed: bool = False
    word: str = ""
    key: tuple[int, ...] = ()


@dataclass(eq=False)
class Rule:
    """A style rule: its selectors, its block, and where that stands in the text of the sheet."""

    prelude: str
    block: str
    block_start: int
    order: tuple[int, int]
    can_be_inlined: bool
    is_layered: bool = False
    is_fixed: bool = False
    folds: bool = False  # case, of classes and ids
    stays: bool = False  # in the sheet as well, if it is inlined
    written: list[Written] | None = None  # if there is more in the block than these
    _words: list[frozenset[str]] | None = None
    _ranked: dict[tuple[Specificity, bool], tuple[Ranked, ...]] = field(default_factory=dict)

    @property
    def is_plain(self) -> bool:
        """True if the selectors are tags, classes and ids without further conditions."""
        return _NOT_READ.search(self.prelude) is None

    def may_match(self, words: frozenset[str]) -> bool:
        """Return whether a document with these tags, classes and ids may have an element for it."""
        if self._words is None:
            bare = self.prelude.replace(":", " ")
            parts = [] if _NOT_READ.search(bare) else (bare.lower() if self.folds else bare).split(",")
            self._words = [frozenset(_WORD.findall(part)) for part in parts]
        return not self._words or any(part <= words for part in self._words)

    @cached_property
    def _selectors(self) -> tuple[Selector, ...]:
        parts = split_list(self.prelude) if "," in self.prelude else [self.prelude]
        return tuple([read_selector(part, folds=self.folds) for part in parts])

    @cached_property
    def inlined(self) -> tuple[Selector, ...]:
        """The selectors that can be inlined."""
        can_split = self.can_be_inlined and all(one.is_valid for one in self._selectors)
        return tuple([one for one in self._selectors if can_split and _can_be_inlined(one)])

    @cached_property
    def kept(self) -> tuple[Selector, ...]:
        """The selectors that stay in the sheet."""
        return tuple([one for one in self._selectors if one not in self.inlined])

    def ranked(self, specificity: Specificity, *, inlined: bool) -> tuple[Ranked, ...]:
        """Return the declarations as a selector of this specificity gives them."""
        found = self._ranked.get((specificity, inlined))
        if found is None:
            with _LOCK:  # two threads must not get different ones
                key = specificity, inlined
                found = self._ranked.setdefault(key, tuple(self._rank(specificity, inlined)))
        return found

    def _rank(self, specificity: Specificity, inlined: bool) -> list[Ranked]:
        if self.written is None:
            found = read_block(self.block)
            self.written = [part for part in found if isinstance(part, Written) and part.declaration]
            self.stays = self.stays or len(found) > len(self.written)
        layer = 1 if self.is_layered else 0
        ranked = []
        for number, (name, important, parts) in enumerate(grouped(self.written)):
            order = (*self.order, number)
            values, ends, _ = zip(*parts, strict=True)
            ranked.append(
                Ranked(
                    name,
                    values[-1],
                    tuple(f"{name}:{value}" for value in values),
                    tuple(self.block_start + end for end in ends),
                    Rank(important, False, layer if important else -layer, specificity, order),
                    is_surely_valid(name, values[-1]),
                    self.is_fixed,
                    "-".join(map(str, ("v", *order, *specificity))),
                    (*order, inlined),
                )
            )
        return ranked


class Piece(NamedTuple):
    """A statement of a sheet, and the rules in it; ``rule`` is the one that it is, if it is a plain rule."""

    start: int
    end: int
    rules: tuple[Rule, ...]
    rule: Rule | None = None


class Sheet(NamedTuple):
    """A style sheet that was read; ``animated`` are the properties that ``@keyframes`` sets."""

    text: str
    pieces: tuple[Piece, ...]
    animated: frozenset[str]


def grouped(written: Sequence[Written]) -> list[Group]:
    """Return the declarations of a block, those of one property together."""
    groups: list[Group] = []
    for part in written:
        if part.declaration is None:
            continue
        name, value, important = part.declaration
        this = value, part.end, part.text
        for group in reversed(groups[-20:]):
            if group[:2] == (name, important):
                group[2].append(this)
                break
            if group[1] == important and are_related(group[0], name):
                if group[0] != name and is_surely_valid(name, value):  # it will win over the last of its name
                    groups = [one for one in groups if one[:2] != (name, important)]
                groups.append((name, important, [this]))
                break
        else:
            groups.append((name, important, [this]))
    return groups


def _can_be_inlined(selector: Selector) -> bool:
    """Return whether the tree alone decides what a selector matches, and that is not everything."""
    if not selector.is_static or not selector.compounds:
        return False
    last = selector.compounds[-1]
    return bool(last.words or last.attributes or (last.tests and len(selector.compounds) > 1))


class _Context(NamedTuple):
    """What holds for a statement by the blocks around it: selectors of an outer rule, and keywords."""

    can_be_inlined: bool
    is_fixed: bool
    parent: str = ""
    around: tuple[str, ...] = ()


@lru_cache(maxsize=32)  # sheets can be large
def parse_sheet(
    css: str, number: int, *, can_be_inlined: bool = True, is_fixed: bool = False, folds: bool = False
) -> Sheet:
    """Read a style sheet, the one of this number in its document.

    ``can_be_inlined`` is false if it depends on a medium, ``is_fixed`` true if nothing in it may change.
    ``folds`` says whether classes and ids ignore case.
    """
    text, statements = read_sheet(css)
    reading = _Reading(number, folds=folds)
    pieces = []
    for statement in statements:
        if statement.keyword == "@charset":
            continue
        first = len(reading.rules)
        is_rule = reading.statement(statement, 0, _Context(can_be_inlined, is_fixed))
        rules = tuple(reading.rules[first:])
        pieces.append(Piece(statement.start, statement.end, rules, rules[0] if is_rule and rules else None))
    return Sheet(text, tuple(pieces), frozenset(reading.animated))


class _Reading:
    def __init__(self, number: int, *, folds: bool) -> None:
        self.number, self.folds = number, folds
        self.rules: list[Rule] = []
        self.animated: set[str] = set()

    def statement(self, one: Statement, base: int, context: _Context) -> bool:
        """Read one statement, which stands at ``base``; return whether it is a rule without others in it."""
        keyword, block = one.keyword, one.block
        if block is None or len(context.around) > _DEEPEST:
            return False
        start = base + one.block_start
        inside = context._replace(around=(*context.around, keyword))
        if keyword.endswith("keyframes"):
            for frame in read_statements(block):
                self.animated.update(declaration.name for declaration in read_declarations(frame.block or ""))
        elif keyword in _GROUPS:
            inside = inside._replace(can_be_inlined=False, is_fixed=context.is_fixed or keyword in _FIXED)
            if context.parent:
                self._contents(block, start, inside)
            else:
                for inner in read_statements(block):
                    self.statement(inner, start, inside)
        elif not keyword:
            inside = inside._replace(parent=_nested(one.prelude, context.parent))
            if "{" not in block:
                self._add(block, start, inside)
                return True
            self._contents(block, start, inside)
        return False

    def _contents(self, block: str, start: int, context: _Context) -> None:
        """Read a block with nested rules: what stands before the first of them may be inlined."""
        run: list[Written] = []
        for part in read_block(block):
            if isinstance(part, Written):
                run.append(part)
                continue
            self._add("", start, context, run)
            run, context = [], context._replace(can_be_inlined=False)
            self.statement(part, start, context)
        self._add("", start, context, run)

    def _add(self, block: str, start: int, context: _Context, written: list[Written] | None = None) -> None:
        if written == []:
            return
        order = self.number, len(self.rules)
        is_layered, stays = "@layer" in context.around, written is not None
        self.rules.append(
            Rule(
                context.parent, block, start, order, context.can_be_inlined, is_layered, context.is_fixed,
                self.folds, stays, written,
            )
        )  # fmt: skip


def _nested(prelude: str, parent: str) -> str:
    """Return the selectors of a nested rule as they are without nesting (CSS Nesting 1, section 3)."""
    if not parent:
        return prelude
    outer = f":is({parent})"
    return ", ".join(
        one.replace("&", outer) if "&" in one else f"{outer} {one}" for one in split_list(prelude)
    )
