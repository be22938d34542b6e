"""The elements of a document by tag, class and id, and which of them a selector matches.

The compounds of a selector are tried from left to right, each on all elements at once: nothing takes longer
than elements times compounds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aerogram.document import Element
    from aerogram.inlining.selector import Compound, Filter, Selector

__all__ = ["STRUCTURAL", "ElementIndex", "among", "has", "nth"]

Compounds = Sequence["Compound"]
_BLANKS = re.compile(r"[ \t\r\n\f]+")


class ElementIndex:
    """The elements of a document by tag, class and id; ``quirks`` if classes and ids ignore case."""

    def __init__(self, root: Element, *, quirks: bool = False) -> None:
        self.root, self.quirks = root, quirks
        self.elements: dict[str, list[Element]] = {}  # by tag, .class and #id
        self.words: dict[Element, set[str]] = {}  # of each element
        self.folds_case = False  # whether a class or id of the document has capitals that are ignored
        for element in root.iter(etree.Element):
            words = self.words[element] = {element.tag.lower()}
            if classes := self._folded(element.get("class")):
                names = classes.split() if classes.isascii() else _BLANKS.split(classes)
                words.update([f".{name}" for name in names if name])
            if identifier := self._folded(element.get("id")):
                words.add(f"#{identifier}")
            for word in words:
                self.elements.setdefault(word, []).append(element)

    def _folded(self, name: str | None) -> str | None:
        if not (name and self.quirks):
            return name
        folded = name.lower()
        self.folds_case = self.folds_case or folded != name
        return folded

    def find(self, selector: Selector) -> Sequence[Element]:
        """Return the elements that a selector matches."""
        if not self.elements.keys() >= selector.words:
            return ()
        return self.select(selector.compounds)

    def select(self, compounds: Compounds) -> Sequence[Element]:
        """Return the elements that match compounds with their combinators."""
        found: Sequence[Element] = ()
        for number, compound in enumerate(compounds):
            here = self.select_alone(compound)
            found = _related(found, compound.combinator, here) if number else here
        return found

    def select_alone(self, compound: Compound) -> Sequence[Element]:
        """Return the elements that match one compound."""
        found = self._with_words(compound.words)
        for keep in compound.filters:
            found = keep(self, found)
        return found

    def find_in_any_client(self, selector: Selector) -> Sequence[Element]:
        """Return the elements that a selector may match in a client, which changes what is around them."""
        last = selector.compounds[-1].words if selector.compounds else frozenset()
        return self._with_words(last & self.elements.keys())

    def _with_words(self, words: frozenset[str]) -> Sequence[Element]:
        if not words:
            return list(self.words)
        found = min([self.elements.get(word, ()) for word in words], key=len)
        return found if len(words) == 1 else [one for one in found if words <= self.words[one]]


def _related(left: Iterable[Element], combinator: str, elements: Iterable[Element]) -> list[Element]:
    """Return those of the elements that stand in this relation to one on the left."""
    step: Callable[[Any], Any] = etree._Element.getparent if combinator in " >" else _previous
    reached: dict[Element | None, bool] = {None: False, **dict.fromkeys(left, True)}
    if combinator in ">+":
        return [one for one in elements if reached.get(step(one))]
    found = []
    for one in elements:
        passed, near = [], step(one)
        while near not in reached:
            passed.append(near)
            near = step(near)
        reached.update(dict.fromkeys(passed, reached[near]))
        if reached[near]:
            found.append(one)
    return found


def _relating(combinator: str, elements: Iterable[Element]) -> set[Element]:
    """Return what has one of the elements in this relation to it on the right."""
    step: Callable[[Any], Any] = etree._Element.getparent if combinator in " >" else _previous
    found: set[Element] = set()
    for one in elements:
        near = step(one)
        while near is not None and near not in found:
            found.add(near)
            near = None if combinator in ">+" else step(near)
    return found


def _previous(element: Element) -> Element | None:
    return next(element.itersiblings(etree.Element, preceding=True), None)


def among(lists: Sequence[Compounds], *, expected: bool = True) -> Filter:
    """Return the test of ``:is()``, or of ``:not()`` if it is ``expected`` that no selector matches."""

    def keep(index: ElementIndex, elements: Sequence[Element]) -> Sequence[Element]:
        matched = {one for compounds in lists for one in index.select(compounds)}
        return [one for one in elements if (one in matched) == expected]

    return keep


def has(lists: Sequence[tuple[str, Compounds]]) -> Filter:
    """Return the test of ``:has()``: each member is a combinator and what stands behind it."""

    def keep(index: ElementIndex, elements: Sequence[Element]) -> Sequence[Element]:
        matched: set[Element] = set()
        for first, compounds in lists:
            found: Iterable[Element] = index.select_alone(compounds[-1])
            for compound, before in zip(compounds[:0:-1], compounds[-2::-1], strict=True):
                found = _relating(compound.combinator, found).intersection(index.select_alone(before))
            matched |= _relating(first, found)
        return [one for one in elements if one in matched]

    return keep


def _empty(_: ElementIndex, elements: Sequence[Element]) -> Sequence[Element]:
    return [
        one
        for one in elements
        if not one.text and all(not isinstance(child.tag, str) and not child.tail for child in one)
    ]


def nth(name: str, step: int, start: int, of: Sequence[Compounds] = ()) -> Filter:
    """Return the test of ``:nth-child(step n + start of …)`` and its like."""
    from_end, of_type = "last" in name, name.endswith("type")

    def keep(index: ElementIndex, elements: Sequence[Element]) -> Sequence[Element]:
        numbers: dict[Element, int] = {}
        counted = {one for compounds in of for one in index.select(compounds)}
        for parent in dict.fromkeys([one.getparent() for one in elements]):
            siblings = (
                [index.root] if parent is None else parent.iterchildren(etree.Element, reversed=from_end)
            )
            seen: Counter[str] = Counter()
            for one in siblings:
                if of and one not in counted:
                    continue
                kind = one.tag if of_type else ""
                seen[kind] += 1
                numbers[one] = seen[kind] - start
        return [one for one in elements if one in numbers and fits(numbers[one])]

    def fits(number: int) -> bool:
        return number % step == 0 and number // step >= 0 if step else number == 0

    return keep


STRUCTURAL: dict[str, tuple[Filter, ...]] = {"empty": (_empty,)}
for _edge, _names in ("first", ["nth"]), ("last", ["nth-last"]), ("only", ["nth", "nth-last"]):
    for _kind in ("child", "of-type"):
        STRUCTURAL[f"{_edge}-{_kind}"] = tuple(nth(f"{name}-{_kind}", 0, 1) for name in _names)
