"""Selectors, read by cssselect2: what they test, and how specific they are.

A selector is *static* if the tree decides what it matches. Of any other (``:hover``, ``[data-ogsc] p``) only
the static part is tested: it may match more than the selector does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from aerogram.inlining import matching
from aerogram.inlining.css import tokens
from aerogram.inlining.matching import Check

__all__ = ["AttributeTest", "Compound", "Selector", "read_selector"]

_LONGEST = 1_000  # characters, and
_MOST_COMPOUNDS = 50  # compounds of a selector that is read
_DEEPEST = 8  # parentheses inside each other
_CASELESS_NAMES = (  # attributes whose values ignore case (HTML, section 4.16.2)
    "accept accept-charset align alink axis bgcolor charset checked clear codetype color compact"
    " declare defer dir direction disabled enctype face frame hreflang http-equiv lang language link"
    " media method multiple nohref noresize noshade nowrap readonly rel rev rules scope scrolling"
    " selected shape target text type valign valuetype vlink"
)
_DYNAMIC_NAMES = (  # pseudo-classes whose answer changes, or that a mail client may see differently
    "active any-link autofill checked default defined dir disabled enabled focus focus-visible focus-within"
    " fullscreen hover in-range indeterminate invalid link local-link modal open optional out-of-range"
    " placeholder-shown read-only read-write required root scope target target-within user-invalid user-valid"
    " valid visited"
)
_CASELESS, _DYNAMIC = frozenset(_CASELESS_NAMES.split()), frozenset(_DYNAMIC_NAMES.split())
Specificity = tuple[int, int, int]


class AttributeTest(NamedTuple):
    """A selector's condition on one attribute."""

    name: str
    operator: str
    value: str
    ignores_case: bool = False

    def holds(self, given: str | None) -> bool:
        """Return whether an attribute's value passes (Selectors 4, section 6)."""
        operator, value = self.operator, self.value
        if given is None or not operator:
            return given is not None
        if self.ignores_case:
            given, value = given.lower(), value.lower()
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
    tests: tuple[Check, ...] = ()
    attributes: tuple[AttributeTest, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Selector:
    """A selector that was read."""

    text: str
    compounds: tuple[Compound, ...]
    specificity: Specificity
    is_static: bool
    words: frozenset[str] = frozenset()  # tags, classes and ids that must be in a document where it matches
    is_valid: bool = True
    is_element: bool = True  # false for ::before and the like, which no style attribute touches


@lru_cache(maxsize=4096)
def read_selector(text: str, *, quirks: bool = False) -> Selector:
    """Read one selector; what cannot be read is neither valid nor static, and matches nothing.

    ``quirks`` says whether classes and ids ignore case, as in documents without a doctype.
    """
    from cssselect2.parser import SelectorError, parse

    unknown = Selector(text, (), (0, 0, 0), is_static=False, is_valid=False)
    if len(text) > _LONGEST or text.count("(") > _DEEPEST:
        return unknown
    try:
        parsed = list(parse(tokens(text)))
        if len(parsed) != 1:
            return unknown
        parser = _SelectorParser(quirks=quirks)
        compounds = parser.compounds(parsed[0].parsed_tree)
    except (SelectorError, AttributeError):  # the latter for ``a|b`` and other words it has no name for
        return unknown
    if len(compounds) > _MOST_COMPOUNDS:
        return unknown
    ids, classes, elements = parsed[0].specificity
    more = parser.more
    return Selector(
        text,
        compounds,
        (ids + more[0], classes + more[1], elements + more[2]),
        is_static=parser.is_static and parser.is_valid and parsed[0].pseudo_element is None,
        words=frozenset().union(*(compound.words for compound in compounds)),
        is_valid=parser.is_valid,
        is_element=parsed[0].pseudo_element is None,
    )


class _SelectorParser:
    """The state of reading one selector."""

    def __init__(self, *, quirks: bool) -> None:
        self.quirks = quirks
        self.is_static = self.is_valid = True
        self.has_relation = False
        self.more: Specificity = (0, 0, 0)  # of the selectors behind "of", which cssselect2 leaves out

    def compounds(self, tree: Any) -> tuple[Compound, ...]:
        combinators, trees = [], []
        while hasattr(tree, "combinator"):
            combinators.append(tree.combinator)
            trees.append(tree.right)
            tree = tree.left
        pairs = zip(["", *reversed(combinators)], [tree, *reversed(trees)], strict=True)
        return tuple(self._compound(combinator, one) for combinator, one in pairs)

    def _compound(self, combinator: str, tree: Any) -> Compound:
        words: set[str] = set()
        tests: list[Check] = []
        attributes: list[AttributeTest] = []
        for simple in tree.simple_selectors:
            kind = type(simple).__name__
            if kind == "LocalNameSelector":
                tag = simple.lower_local_name
                words.add(f"\\{tag}" if tag[0] in ".#" else tag)  # an escaped dot is no class
            elif kind == "ClassSelector":
                words.add("." + (simple.class_name.lower() if self.quirks else simple.class_name))
            elif kind == "IDSelector":
                words.add("#" + (simple.ident.lower() if self.quirks else simple.ident))
            elif kind == "AttributeSelector":
                if simple.name[0].islower() and not simple.name.islower():  # viewBox: in SVG, case counts
                    self.is_static = False
                else:
                    attributes.append(_attribute_test(simple))
                self.is_valid = self.is_valid and not simple.case_sensitive  # few browsers know the flag "s"
            elif kind == "PseudoClassSelector":
                self._pseudo_class(simple.name, tests)
            elif kind == "FunctionalPseudoClassSelector":
                self._function(simple, tests)
            elif kind == "NamespaceSelector":
                self.is_static = False
            else:
                self._list(kind, simple.selector_list, tests)
        return Compound(combinator, frozenset(words), tuple(tests), tuple(attributes))

    def _pseudo_class(self, name: str, tests: list[Check]) -> None:
        if found := matching.STRUCTURAL.get(name):
            tests.extend(found)
        else:
            self.is_static = False
            self.is_valid = self.is_valid and (name in _DYNAMIC or name.startswith("-"))

    def _function(self, simple: Any, tests: list[Check]) -> None:
        from tinycss2.nth import parse_nth

        arguments = simple.arguments
        places = [n for n, token in enumerate(arguments) if token.type == "ident" and token.value == "of"]
        of = places[0] if places else None
        nth: tuple[int, int] | None = parse_nth(arguments[:of])
        if simple.name not in matching.NTH or nth is None or (places and simple.name.endswith("type")):
            self.is_static = False
            self.is_valid = self.is_valid and simple.name in ("lang", "dir", "host", "state")
            return
        members: tuple[tuple[Compound, ...], ...] = ()
        if of is not None:
            members = self._members(arguments[of + 1 :])
        tests.append(matching.nth(simple.name, *nth, members))

    def _members(self, arguments: Any) -> tuple[tuple[Compound, ...], ...]:
        from cssselect2.parser import parse

        parsed = list(parse(arguments))
        best = max(selector.specificity for selector in parsed)
        self.more = (self.more[0] + best[0], self.more[1] + best[1], self.more[2] + best[2])
        return tuple(self.compounds(selector.parsed_tree) for selector in parsed)

    def _list(self, kind: str, members: Any, tests: list[Check]) -> None:
        """Read the list of ``:not()``, ``:has()``, ``:is()`` or ``:where()``."""
        inner = _SelectorParser(quirks=self.quirks)
        is_relation = kind == "RelationalSelector"
        if is_relation:
            found = tuple((one.combinator, inner.compounds(one.selector.parsed_tree)) for one in members)
            if inner.is_static and inner.is_valid and all(len(compounds) == 1 for _, compounds in found):
                tests.append(lambda index, element: any(element in index.holders(one) for one in found))
            else:
                inner.is_static = False
            inner.is_valid = inner.is_valid and not inner.has_relation  # :has() cannot stand in itself
        else:
            lists = tuple(inner.compounds(one.parsed_tree) for one in members)
            if kind == "NegationSelector":
                if inner.is_static:
                    tests.append(lambda index, element: not any(index.matches(element, one) for one in lists))
            elif lists:
                tests.append(lambda index, element: any(index.matches(element, one) for one in lists))
            else:
                inner.is_static = False  # cssselect2 loses all members if the first is invalid
        self.has_relation = self.has_relation or inner.has_relation or is_relation
        self.is_static = self.is_static and inner.is_static
        self.is_valid = self.is_valid and (
            inner.is_valid or kind in ("MatchesAnySelector", "SpecificityAdjustmentSelector")
        )


def _attribute_test(simple: Any) -> AttributeTest:
    name = simple.lower_name
    ignores_case = name in _CASELESS if simple.case_sensitive is None else not simple.case_sensitive
    return AttributeTest(name, simple.operator or "", simple.value or "", ignores_case)
