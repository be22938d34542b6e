"""The reading of selectors, by cssselect2."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from itertools import pairwise
from typing import Any

from aerogram.inlining.css import tokens
from aerogram.inlining.matching import STRUCTURAL, among, has, nth
from aerogram.inlining.selector import AttributeTest, Compound, Filter, Selector

__all__ = ["read_selector"]

_LONGEST = 1_000  # characters, and
_MOST_COMPOUNDS = 50  # compounds of a selector that is read
_DEEPEST = 8  # parentheses
_FORGIVING = ("MatchesAnySelector", "SpecificityAdjustmentSelector")  # :is() and :where()
_NTH = ("nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type")
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


@lru_cache(maxsize=4096)
def read_selector(text: str, *, quirks: bool = False, prefixes: frozenset[str] = frozenset()) -> Selector:
    """Read one selector; what cannot be read is neither valid nor static, and matches nothing.

    ``quirks`` says whether classes and ids ignore case, as in documents without a doctype; ``prefixes`` are
    those of the namespaces that the sheet declares.
    """
    from cssselect2.parser import parse

    if len(text) > _LONGEST or text.count("(") > _DEEPEST:
        return Selector(text)
    reader = _SelectorReader(quirks=quirks)
    namespaces = dict.fromkeys(prefixes, "of a prefix")
    try:
        (parsed,) = parse(_forgiving(tokens(text), namespaces), namespaces)
        compounds = reader.compounds(parsed.parsed_tree)
    except (ValueError, AttributeError):  # the latter for ``a|b`` and other words that have no value
        return Selector(text)
    if len(compounds) > _MOST_COMPOUNDS:
        return Selector(text)
    is_element = parsed.pseudo_element is None
    ids, classes, tags = parsed.parsed_tree.specificity
    return Selector(
        text,
        compounds,
        (ids, classes, tags + (not is_element)),
        is_static=reader.is_static and reader.is_valid and is_element,
        words=frozenset().union(*(compound.words for compound in compounds)),
        is_valid=reader.is_valid,
        is_element=is_element,
    )


def _forgiving(values: list[Any], namespaces: dict[str, str]) -> list[Any]:
    """Leave out of ``:is()`` and ``:where()`` what is no selector (Selectors 4, section 18.1)."""
    from cssselect2.parser import parse

    for value in values:
        if value.type != "function":
            continue
        _forgiving(value.arguments, namespaces)
        if value.lower_name in ("is", "where"):
            commas = [number for number, one in enumerate(value.arguments) if one == ","]
            kept: list[Any] = []
            for start, end in pairwise([-1, *commas, len(value.arguments)]):
                with suppress(ValueError, AttributeError):
                    list(parse(value.arguments[start + 1 : end], namespaces))
                    kept += value.arguments[max(start, 0) : end]
            value.arguments = kept[1:] if kept and kept[0] == "," else kept
    return values


class _SelectorReader:
    """The state of reading one selector."""

    def __init__(self, *, quirks: bool) -> None:
        self.quirks = quirks
        self.is_static = self.is_valid = True
        self.has_relation = False

    def compounds(self, tree: Any) -> tuple[Compound, ...]:
        """Read a selector of cssselect2."""
        before: tuple[Compound, ...] = ()
        combinator = ""
        if hasattr(tree, "combinator"):
            before, combinator, tree = self.compounds(tree.left), tree.combinator, tree.right
        words: set[str] = set()
        filters: list[Filter] = []
        has_attributes = False
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
                has_attributes = True
                filters += self._attribute(simple)
            elif kind == "PseudoClassSelector":
                filters += self._pseudo_class(simple.name)
            elif kind == "FunctionalPseudoClassSelector":
                filters += self._function(simple)
            elif kind == "NamespaceSelector":
                self.is_static = False
            else:
                filters += self._list(kind, simple)
        return (*before, Compound(combinator, frozenset(words), tuple(filters), has_attributes))

    def _unknown(self, *, is_valid: bool) -> tuple[Filter, ...]:
        """Record a condition that the tree cannot decide; it is taken as one that always holds."""
        self.is_static = False
        self.is_valid = self.is_valid and is_valid
        return ()

    def _attribute(self, simple: Any) -> tuple[Filter, ...]:
        name = simple.lower_name
        self.is_valid = self.is_valid and not simple.case_sensitive  # few browsers know the flag "s"
        if simple.name[0].islower() and not simple.name.islower():  # viewBox: in SVG, case counts
            return self._unknown(is_valid=True)
        ignores_case = name in _CASELESS if simple.case_sensitive is None else not simple.case_sensitive
        test = AttributeTest(name, simple.operator or "", simple.value or "", ignores_case)
        return (lambda _, elements: [one for one in elements if test.holds(one.get(name))],)

    def _pseudo_class(self, name: str) -> tuple[Filter, ...]:
        return STRUCTURAL.get(name) or self._unknown(is_valid=name in _DYNAMIC or name.startswith("-"))

    def _function(self, simple: Any) -> tuple[Filter, ...]:
        from cssselect2.parser import parse
        from tinycss2.nth import parse_nth

        arguments = simple.arguments
        of = next((n for n, one in enumerate(arguments) if one.type == "ident" and one.value == "of"), None)
        ordinal: tuple[int, int] | None = parse_nth(arguments[:of])
        if simple.name not in _NTH or ordinal is None or (of and simple.name.endswith("type")):
            return self._unknown(is_valid=simple.name in ("lang", "dir", "host", "state"))
        if of is None:
            return (nth(simple.name, *ordinal),)
        counted = list(parse(arguments[of + 1 :]))
        ids, classes, tags = max(one.specificity for one in counted)
        simple.specificity = ids, classes + 1, tags  # cssselect2 leaves them out
        lists = [self.compounds(one.parsed_tree) for one in counted]
        return (nth(simple.name, *ordinal, lists),) if self.is_static else ()

    def _list(self, kind: str, simple: Any) -> tuple[Filter, ...]:
        """Read the list of ``:not()``, ``:is()``, ``:where()`` or ``:has()``."""
        is_relation = kind == "RelationalSelector"
        is_static, lists = True, []
        relations: list[tuple[str, tuple[Compound, ...]]] = []
        for member in list(simple.selector_list):
            inner = _SelectorReader(quirks=self.quirks)
            selector = member.selector if is_relation else member
            compounds = inner.compounds(selector.parsed_tree)
            selector.specificity = selector.parsed_tree.specificity
            if kind in _FORGIVING and not inner.is_valid:
                simple.selector_list.remove(member)
                continue
            lists.append(compounds)
            if is_relation:
                relations.append((member.combinator, compounds))
            is_static = is_static and inner.is_static
            self.is_valid = self.is_valid and inner.is_valid and not (is_relation and inner.has_relation)
            self.has_relation = self.has_relation or inner.has_relation
        self.has_relation = self.has_relation or is_relation
        self.is_static = self.is_static and is_static
        if is_relation:
            return (has(relations),) if is_static else ()
        return (among(lists, expected=kind in _FORGIVING),) if is_static or kind in _FORGIVING else ()
