"""A style sheet as inlining sees it: its top-level rules, and the style rules in them.

A rule that stands in no block of another may be inlined as far as its selectors are static; every other rule
is kept where it is. Selectors and declarations are read when a document first has what the rule asks for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from aerogram.inlining.css import (
    RawDeclaration,
    read_block,
    read_declarations,
    read_rules,
    read_sheet,
    split_list,
)
from aerogram.inlining.declarations import Key, Precedence, RankedDeclaration, grouped
from aerogram.inlining.selector import NAMES_CLIENT
from aerogram.inlining.selectors import read_selector

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aerogram.inlining.css import RawRule
    from aerogram.inlining.declarations import Declarations
    from aerogram.inlining.selector import Selector, Specificity

__all__ = [
    "REVERTS",
    "StyleRule",
    "StyleSheet",
    "TopLevelRule",
    "parse_sheet",
]

_FIXED = ("@layer", "@scope", "@starting-style")  # !important would change their order
_GROUPS = ("@media", "@supports", "@container", "@document", "@-moz-document", *_FIXED)
_DEEPEST = 8  # blocks of rules inside each other that are looked into; deeper ones are kept as they are
REVERTS = re.compile("revert-(?:layer|rule)", re.IGNORECASE)
_NAMESPACE = re.compile(r"@namespace\s+([\w-]+)\s*(?=[\"']|url\()", re.IGNORECASE)
_NOT_READ = re.compile(r"[(\[\\\"'*:&|]")  # in what _WORD cannot read, or is not sure to be static
_WORD = re.compile(r"[.#]-?[^\W\d][\w-]*")


class Context(NamedTuple):
    """The sheet of a rule and the blocks around it, as far as they concern the rule."""

    quirks: bool  # classes and ids ignore case
    can_be_inlined: bool  # it is in no other block, and its sheet is for every screen
    never_important: bool  # it must not become important
    prefixes: frozenset[str] = frozenset()  # of namespaces
    selectors: str = ""  # as they are without nesting, its own or those of the rule around it
    around: tuple[str, ...] = ()  # the preludes of the blocks, "" for a rule


@dataclass(eq=False)
class StyleRule:
    """A style rule: its selectors, its block, and where that stands in the text of the sheet."""

    context: Context
    block: str
    block_start: int
    order: tuple[int, int]
    run: list[RawDeclaration] | None = None  # its declarations, if the block holds nested rules, too
    _words: list[frozenset[str]] | None = None
    _ranked: dict[tuple[Specificity, bool], Declarations] = field(default_factory=dict)

    @cached_property
    def is_plain(self) -> bool:
        """True if the selectors are tags, classes and ids without further conditions."""
        return _NOT_READ.search(self.context.selectors) is None

    @cached_property
    def names_client(self) -> bool:
        """True if the selectors are for one mail client."""
        return NAMES_CLIENT.search(self.context.selectors) is not None

    def may_match(self, words: frozenset[str]) -> bool:
        """Return whether a document with these tags, classes and ids may have an element for it."""
        if self._words is None:
            bare = self.context.selectors.replace(":", " ")
            bare = bare.lower() if self.context.quirks else bare
            parts = [] if _NOT_READ.search(bare) else bare.split(",")
            self._words = [frozenset(_WORD.findall(part)) for part in parts]
        return not self._words or any(part <= words for part in self._words)

    @cached_property
    def _selectors(self) -> tuple[Selector, ...]:
        return _read_selectors(self.context)

    @cached_property
    def inlined(self) -> tuple[Selector, ...]:
        """The selectors that can be inlined; none if one is invalid, as clients drop the whole rule then."""
        if not self.context.can_be_inlined or not all(one.is_valid for one in self._selectors):
            return ()
        return tuple([one for one in self._selectors if one.can_be_inlined])

    @cached_property
    def kept(self) -> tuple[Selector, ...]:
        """The selectors that are kept in the sheet."""
        return tuple([one for one in self._selectors if one not in self.inlined])

    @cached_property
    def _parts(self) -> Sequence[RawDeclaration | RawRule]:
        return self.run or read_block(self.block)

    @cached_property
    def is_kept_too(self) -> bool:
        """True if it is kept in the sheet even if it is inlined: there is more in it than declarations."""
        return self.run is not None or any(
            isinstance(part, RawDeclaration) and not part.declaration for part in self._parts
        )

    def declarations(self, specificity: Specificity, *, inlined: bool) -> Declarations:
        """Return the declarations with the precedence that a selector of this specificity gives them."""
        key = specificity, inlined
        if key not in self._ranked:  # two threads must not get different ones
            self._ranked.setdefault(key, tuple(self._rank(specificity, inlined)))
        return self._ranked[key]

    @property
    def known_declarations(self) -> list[RankedDeclaration]:
        """The declarations as all selectors so far give them."""
        return [one for block in list(self._ranked.values()) for one in block]

    def _rank(self, specificity: Specificity, inlined: bool) -> Iterator[RankedDeclaration]:
        layer = 1 if any(one[:6].lower() == "@layer" for one in self.context.around) else 0
        for number, group in enumerate(grouped(self._parts)):
            order = (*self.order, number)
            yield RankedDeclaration(
                group.name,
                group.values[-1],
                tuple(f"{group.name}:{value}" for value in group.values),
                Precedence(group.important, False, layer if group.important else -layer, specificity, order),
                tuple(self.block_start + end for end in group.ends),
                self.context.never_important,
                Key(order, inlined),
            )


class TopLevelRule(NamedTuple):
    """A rule or at-rule of a sheet, and the style rules in it; ``rule`` if it is one without others in it."""

    start: int
    end: int
    rules: tuple[StyleRule, ...]
    rule: StyleRule | None = None


class StyleSheet(NamedTuple):
    """A style sheet that was read.

    ``animated`` are the properties that ``@keyframes`` sets; ``reverts`` says whether a declaration may go
    back to what others set.
    """

    text: str
    top_level: tuple[TopLevelRule, ...]
    rules: tuple[StyleRule, ...]  # of all of them
    animated: frozenset[str]
    reverts: bool


def _read_selectors(context: Context) -> tuple[Selector, ...]:
    prelude = context.selectors
    parts = split_list(prelude) if "," in prelude else [prelude]
    return tuple([read_selector(part, quirks=context.quirks, prefixes=context.prefixes) for part in parts])


@lru_cache(maxsize=32)  # sheets can be large
def parse_sheet(
    css: str,
    number: int,
    *,
    can_be_inlined: bool = True,
    never_important: bool = False,
    quirks: bool = False,
) -> StyleSheet:
    """Read a style sheet, the one of this number in its document.

    ``can_be_inlined`` is false if it depends on a medium, ``never_important`` true if nothing in it may
    change. ``quirks`` says whether classes and ids ignore case.
    """
    text, raw_rules = read_sheet(css)
    reader = _SheetReader(number)
    context = Context(quirks, can_be_inlined, never_important)
    top_level = []
    for one in raw_rules:
        if one.keyword == "@charset" or (reader.rules and one.keyword in ("@import", "@namespace")):
            continue  # behind a rule the latter two mean nothing, but would if that were gone
        if found := _NAMESPACE.match(one.prelude):
            context = context._replace(prefixes=context.prefixes | {found[1]})
        elif one.keyword == "@namespace":  # of all elements without a prefix, perhaps not that of HTML
            context = context._replace(can_be_inlined=False)
        first = len(reader.rules)
        is_rule = reader.read(one, 0, context)
        rules = tuple(reader.rules[first:])
        top_level.append(TopLevelRule(one.start, one.end, rules, rules[0] if is_rule and rules else None))
    return StyleSheet(
        text, tuple(top_level), tuple(reader.rules), frozenset(reader.animated), bool(REVERTS.search(text))
    )


class _SheetReader:
    def __init__(self, number: int) -> None:
        self.number = number
        self.rules: list[StyleRule] = []
        self.animated: set[str] = set()

    def read(self, one: RawRule, base: int, context: Context) -> bool:
        """Read a rule or at-rule that is at ``base``; return whether it is a rule without others in it."""
        keyword, block = one.keyword, one.block
        if block is None or len(context.around) > _DEEPEST:
            return False
        start = base + one.block_start
        inside = context._replace(around=(*context.around, one.prelude if keyword else ""))
        if keyword.endswith("keyframes"):
            for frame in read_rules(block):
                self.animated.update(declaration.name for declaration in read_declarations(frame.block or ""))
        elif keyword in _GROUPS:
            inside = inside._replace(
                can_be_inlined=False, never_important=context.never_important or keyword in _FIXED
            )
            if context.selectors:
                self._contents(block, start, inside)
            else:
                for inner in read_rules(block):
                    self.read(inner, start, inside)
        elif not keyword:
            inside = inside._replace(selectors=_without_nesting(one.prelude, context.selectors))
            if "{" not in block:
                self._add(inside, block, start)
                return True
            if all(selector.is_valid for selector in _read_selectors(inside)):
                self._contents(block, start, inside)
        return False

    def _contents(self, block: str, start: int, context: Context) -> None:
        """Read a block with nested rules: what stands before the first of them may be inlined."""
        run: list[RawDeclaration] = []
        for part in [*read_block(block), None]:
            if isinstance(part, RawDeclaration):
                run.append(part)
                continue
            if run:
                self._add(context, "", start, run)
            run, context = [], context._replace(can_be_inlined=False)
            if part:
                self.read(part, start, context)

    def _add(self, context: Context, block: str, start: int, run: list[RawDeclaration] | None = None) -> None:
        self.rules.append(StyleRule(context, block, start, (self.number, len(self.rules)), run))


def _without_nesting(prelude: str, parent: str) -> str:
    """Return the selectors of a nested rule as they are without nesting (CSS Nesting 1, section 3)."""
    if not parent:
        return prelude
    outer = f":is({parent})"
    return ", ".join(
        one.replace("&", outer) if "&" in one else f"{outer} {one}" for one in split_list(prelude)
    )
