"""A style sheet as inlining sees it: its top-level rules, and the style rules in them.

A rule that stands in no block of another may be inlined as far as its selectors are static; every other rule
stays where it is. Selectors and declarations are read when a document first has what the rule asks for.
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
from aerogram.inlining.properties import is_surely_valid, may_share_longhand
from aerogram.inlining.selectors import read_selector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aerogram.inlining.css import RawRule
    from aerogram.inlining.selectors import Selector, Specificity

__all__ = [
    "Declarations",
    "Precedence",
    "RankedDeclaration",
    "StyleRule",
    "StyleSheet",
    "TopLevelRule",
    "parse_sheet",
]

_FIXED = ("@layer", "@scope", "@starting-style")  # !important would change their order
_GROUPS = ("@media", "@supports", "@container", "@document", "@-moz-document", *_FIXED)
_DEEPEST = 8  # blocks of rules inside each other that are looked into; deeper ones stay as they are
_DEFAULT_NAMESPACE = re.compile(r"@namespace\s*(?:[\"']|url\()", re.IGNORECASE)
_NOT_READ = re.compile(r"[(\[\\\"'*:&|]")  # in what _WORD cannot read, or is not sure to be static
_WORD = re.compile(r"[.#]-?[^\W\d][\w-]*")
_SIMPLE_NAME = re.compile(r"[a-z]+(?:-[a-z]+)*")  # of a property; premailer reads no others right
Group = tuple[str, bool, list[tuple[str, int, str]]]  # name, importance; value, end and text of each


class Precedence(NamedTuple):
    """The precedence of a declaration in the cascade: the larger wins (CSS Cascade 5, section 6.1)."""

    important: bool
    inline: bool
    layer: int
    specificity: Specificity
    order: tuple[int, int, int]  # of the sheet, of the rule in it, of the declaration in that


@dataclass(frozen=True, slots=True, eq=False)
class RankedDeclaration:
    """The values that one block gives a property, in order, and their precedence.

    Several values are for clients that do not know the last. ``ends`` says where each ends in the text of the
    sheet. ``placeholder`` stands for the declaration where its value must not be read. Of those with one
    ``rival``, the last wins: that is the name, but a value that may be invalid overrides no other. All
    selectors of one rule share its ``key``.
    """

    name: str
    value: str  # the last
    texts: tuple[str, ...]  # with the name, as a style attribute has them
    ends: tuple[int, ...]
    precedence: Precedence
    is_surely_valid: bool
    stays_normal: bool = False
    placeholder: str = ""
    rival: str = ""
    key: tuple[int, ...] = ()

    @property
    def important(self) -> bool:
        """True for ``!important`` declarations."""
        return self.precedence.important


Declarations = tuple[RankedDeclaration, ...]


class Context(NamedTuple):
    """What holds for a rule by its sheet and the blocks around it."""

    quirks: bool  # classes and ids ignore case
    can_be_inlined: bool  # it depends on no medium and the like
    stays_normal: bool  # it must not become important
    selectors: str = ""  # as they are without nesting, its own or those of the rule around it
    around: tuple[str, ...] = ()  # the keywords of the blocks, "" for a rule


@dataclass(eq=False)
class StyleRule:
    """A style rule: its selectors, its block, and where that stands in the text of the sheet."""

    context: Context
    block: str
    block_start: int
    order: tuple[int, int]
    stays: bool = False  # in the sheet as well, if it is inlined
    raw: list[RawDeclaration] | None = None  # if there is more in the block than these
    _words: list[frozenset[str]] | None = None
    _by_specificity: dict[tuple[Specificity, bool], Declarations] = field(default_factory=dict)

    @property
    def is_plain(self) -> bool:
        """True if the selectors are tags, classes and ids without further conditions."""
        return _NOT_READ.search(self.context.selectors) is None

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
        return _read_selectors(self.context.selectors, self.context.quirks)

    @cached_property
    def inlined(self) -> tuple[Selector, ...]:
        """The selectors that can be inlined."""
        can_split = self.context.can_be_inlined and all(one.is_valid for one in self._selectors)
        return tuple([one for one in self._selectors if can_split and _can_be_inlined(one)])

    @cached_property
    def kept(self) -> tuple[Selector, ...]:
        """The selectors that stay in the sheet."""
        return tuple([one for one in self._selectors if one not in self.inlined])

    def declarations(self, specificity: Specificity, *, inlined: bool) -> Declarations:
        """Return the declarations as a selector of this specificity gives them."""
        key = specificity, inlined
        if key not in self._by_specificity:  # two threads must not get different ones
            self._by_specificity.setdefault(key, tuple(self._read_declarations(specificity, inlined)))
        return self._by_specificity[key]

    @property
    def known_declarations(self) -> list[RankedDeclaration]:
        """The declarations as all selectors so far give them."""
        return [one for block in list(self._by_specificity.values()) for one in block]

    def _read_declarations(self, specificity: Specificity, inlined: bool) -> list[RankedDeclaration]:
        if self.raw is None:
            found = read_block(self.block)
            raw = [part for part in found if isinstance(part, RawDeclaration) and part.declaration]
            self.stays = self.stays or len(found) > len(raw)
            self.raw = raw
        layer = 1 if "@layer" in self.context.around else 0
        declarations = []
        for number, (name, important, parts) in enumerate(grouped(self.raw)):
            order = (*self.order, number)
            values, ends, _ = zip(*parts, strict=True)
            is_valid = is_surely_valid(name, values[-1])
            placeholder = "-".join(map(str, ("v", *order, *specificity)))
            declarations.append(
                RankedDeclaration(
                    name,
                    values[-1],
                    tuple(f"{name}:{value}" for value in values),
                    tuple(self.block_start + end for end in ends),
                    Precedence(important, False, layer if important else -layer, specificity, order),
                    is_valid,
                    self.context.stays_normal,
                    placeholder,
                    name if is_valid and _SIMPLE_NAME.fullmatch(name) else placeholder,
                    (*order, inlined),
                )
            )
        return declarations


class TopLevelRule(NamedTuple):
    """A rule or at-rule of a sheet, and the style rules in it; ``rule`` if it is one without others in it."""

    start: int
    end: int
    rules: tuple[StyleRule, ...]
    rule: StyleRule | None = None


class StyleSheet(NamedTuple):
    """A style sheet that was read; ``animated`` are the properties that ``@keyframes`` sets."""

    text: str
    top_level: tuple[TopLevelRule, ...]
    rules: tuple[StyleRule, ...]  # of all of them
    animated: frozenset[str]


def grouped(written: Sequence[RawDeclaration]) -> list[Group]:
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
            if group[1] == important and may_share_longhand(group[0], name):
                if group[0] != name and is_surely_valid(name, value):  # it will win over the last of its name
                    groups = [one for one in groups if one[:2] != (name, important)]
                groups.append((name, important, [this]))
                break
        else:
            groups.append((name, important, [this]))
    return groups


def _read_selectors(prelude: str, quirks: bool) -> tuple[Selector, ...]:
    parts = split_list(prelude) if "," in prelude else [prelude]
    return tuple([read_selector(part, quirks=quirks) for part in parts])


def _can_be_inlined(selector: Selector) -> bool:
    """Return whether the tree alone decides what a selector matches, and that is not everything."""
    if not selector.is_static or not selector.compounds:
        return False
    last = selector.compounds[-1]
    return bool(last.words or last.has_attributes or (last.filters and len(selector.compounds) > 1))


@lru_cache(maxsize=32)  # sheets can be large
def parse_sheet(
    css: str,
    number: int,
    *,
    can_be_inlined: bool = True,
    stays_normal: bool = False,
    quirks: bool = False,
) -> StyleSheet:
    """Read a style sheet, the one of this number in its document.

    ``can_be_inlined`` is false if it depends on a medium, ``stays_normal`` true if nothing in it may change.
    ``quirks`` says whether classes and ids ignore case.
    """
    text, raw_rules = read_sheet(css)
    parser = _SheetParser(number, reverts_layers="revert-layer" in text.lower())
    context = Context(quirks, can_be_inlined, stays_normal)
    top_level = []
    for one in raw_rules:
        if one.keyword == "@charset" or (parser.rules and one.keyword in ("@import", "@namespace")):
            continue  # behind a rule the latter two mean nothing, but would if that were gone
        if _DEFAULT_NAMESPACE.match(one.prelude):  # it may not be that of HTML
            context = context._replace(can_be_inlined=False)
        first = len(parser.rules)
        is_rule = parser.read(one, 0, context)
        rules = tuple(parser.rules[first:])
        top_level.append(TopLevelRule(one.start, one.end, rules, rules[0] if is_rule and rules else None))
    return StyleSheet(text, tuple(top_level), tuple(parser.rules), frozenset(parser.animated))


class _SheetParser:
    def __init__(self, number: int, *, reverts_layers: bool) -> None:
        self.number = number
        self.reverts_layers = reverts_layers  # "revert-layer" in an attribute would uncover rules of sheets
        self.rules: list[StyleRule] = []
        self.animated: set[str] = set()

    def read(self, one: RawRule, base: int, context: Context) -> bool:
        """Read a rule or at-rule that is at ``base``; return whether it is a rule without others in it."""
        keyword, block = one.keyword, one.block
        if block is None or len(context.around) > _DEEPEST:
            return False
        start = base + one.block_start
        inside = context._replace(around=(*context.around, keyword))
        if keyword.endswith("keyframes"):
            for frame in read_rules(block):
                self.animated.update(declaration.name for declaration in read_declarations(frame.block or ""))
        elif keyword in _GROUPS:
            inside = inside._replace(
                can_be_inlined=False, stays_normal=context.stays_normal or keyword in _FIXED
            )
            if context.selectors:
                self._contents(block, start, inside)
            else:
                for inner in read_rules(block):
                    self.read(inner, start, inside)
        elif not keyword:
            inside = inside._replace(selectors=_without_nesting(one.prelude, context.selectors))
            if self.reverts_layers and "revert-layer" in block.lower():
                inside = inside._replace(can_be_inlined=False, stays_normal=True)
            if "{" not in block:
                self._add(inside, block, start)
                return True
            if all(selector.is_valid for selector in _read_selectors(inside.selectors, context.quirks)):
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

    def _add(self, context: Context, block: str, start: int, raw: list[RawDeclaration] | None = None) -> None:
        order = self.number, len(self.rules)
        self.rules.append(StyleRule(context, block, start, order, stays=raw is not None, raw=raw))


def _without_nesting(prelude: str, parent: str) -> str:
    """Return the selectors of a nested rule as they are without nesting (CSS Nesting 1, section 3)."""
    if not parent:
        return prelude
    outer = f":is({parent})"
    return ", ".join(
        one.replace("&", outer) if "&" in one else f"{outer} {one}" for one in split_list(prelude)
    )
