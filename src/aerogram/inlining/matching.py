"""The elements of a document by tag, class and id, and which of them a selector matches.

Nothing takes longer than elements times compounds: what was found above or before an element is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aerogram.document import Element
    from aerogram.inlining.selectors import Compound, Selector

__all__ = ["NTH", "STRUCTURAL", "ElementIndex", "nth"]

Lists = tuple["Sequence[Compound]", ...]
Check = Callable[[Any, Any], bool]  # of an index and an element
_BLANKS = re.compile(r"[ \t\r\n\f]+")
NTH = ("nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type")


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
        self._known: dict[int, tuple[Sequence[Compound], list[dict[Element, bool]]]] = {}
        self._ordinals: dict[object, dict[Element, tuple[int, int]]] = {}
        self._holders: dict[int, tuple[object, set[Element]]] = {}

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
        return self.find_all(selector.compounds)

    def find_all(self, compounds: Sequence[Compound]) -> Sequence[Element]:
        """Return the elements that match compounds with their combinators."""
        if not compounds:
            return ()
        last = compounds[-1]
        found = self._candidates(last.words)
        if len(last.words) > 1 or last.tests or last.attributes:
            found = [element for element in found if self.matches_compound(element, last)]
        if len(compounds) > 1:
            found = [
                element for element in found if self._matches_before(element, compounds, len(compounds) - 1)
            ]
        return found

    def find_in_any_client(self, selector: Selector) -> Sequence[Element]:
        """Return the elements that a selector may match in a mail client, which rewrites what is around."""
        words = selector.compounds[-1].words & self.elements.keys() if selector.compounds else frozenset()
        return [element for element in self._candidates(words) if words <= self.words[element]]

    def _candidates(self, words: Iterable[str]) -> Sequence[Element]:
        lists = [self.elements.get(word, ()) for word in words]
        return min(lists, key=len) if lists else list(self.words)

    def matches(self, element: Element, compounds: Sequence[Compound]) -> bool:
        """Return whether an element matches compounds with their combinators."""
        last = len(compounds) - 1
        return (
            last >= 0
            and self.matches_compound(element, compounds[last])
            and self._matches_before(element, compounds, last)
        )

    def matches_compound(self, element: Element, compound: Compound) -> bool:
        """Return whether an element fulfils a compound."""
        return (
            compound.words <= self.words[element]
            and all(test.holds(element.get(test.name)) for test in compound.attributes)
            and all(test(self, element) for test in compound.tests)
        )

    def _matches_before(self, element: Element, compounds: Sequence[Compound], number: int) -> bool:
        """Return whether the compounds before ``number``, which ``element`` matches, match around it."""
        if number == 0:
            return True
        if id(compounds) not in self._known:
            self._known[id(compounds)] = compounds, [{} for _ in compounds]
        known = self._known[id(compounds)][1][number]
        combinator, left = compounds[number].combinator, compounds[number - 1]
        step = etree._Element.getparent if combinator in " >" else previous
        near = step(element)
        passed = []
        answer = False
        while near is not None and not answer:
            if near in known:
                answer = known[near]
                break
            passed.append(near)
            answer = self.matches_compound(near, left) and self._matches_before(near, compounds, number - 1)
            if combinator in ">+":
                break
            near = step(near)
        known.update(dict.fromkeys(passed, answer))
        return answer

    def ordinal(self, element: Element, *, of_type: bool, members: Lists) -> tuple[int, int]:
        """Return the number of an element among the siblings that count, from the start and from the end."""
        parent = element.getparent()
        key = parent, element.tag if of_type else None, tuple(map(id, members))
        if key not in self._ordinals:
            siblings = [element] if parent is None else parent.iterchildren(etree.Element)
            counted = [one for one in siblings if not of_type or one.tag == element.tag]
            if members:
                counted = [one for one in counted if any(self.matches(one, each) for each in members)]
            self._ordinals[key] = {one: (n + 1, len(counted) - n) for n, one in enumerate(counted)}
        return self._ordinals[key].get(element, (0, 0))

    def holders(self, relation: tuple[str, Sequence[Compound]]) -> set[Element]:
        """Return the elements that have one in this relation to them (``:has()``)."""
        if id(relation) not in self._holders:
            combinator, compounds = relation
            step = etree._Element.getparent if combinator in " >" else previous
            found: set[Element] = set()
            for element in self.find_all(compounds):
                near = step(element)
                while near is not None and near not in found:
                    found.add(near)
                    near = step(near) if combinator in " ~" else None
            self._holders[id(relation)] = relation, found
        return self._holders[id(relation)][1]


def previous(element: Element) -> Element | None:
    """Return the element before another, of the same parent."""
    return next(element.itersiblings(etree.Element, preceding=True), None)


def nth(name: str, step: int, start: int, members: Lists = ()) -> Check:
    """Return the test of ``:nth-child(step n + start of members)`` and its like."""
    from_end, of_type = "last" in name, name.endswith("type")

    def test(index: ElementIndex, element: Element) -> bool:
        number = index.ordinal(element, of_type=of_type, members=members)[from_end] - start
        if number + start == 0:
            return False
        return number % step == 0 and number // step >= 0 if step else number == 0

    return test


def _is_empty(_: ElementIndex, element: Element) -> bool:
    return not element.text and all(not isinstance(child.tag, str) and not child.tail for child in element)


STRUCTURAL: dict[str, tuple[Check, ...]] = {"empty": (_is_empty,)}
for _edge, _names in ("first", ["nth"]), ("last", ["nth-last"]), ("only", ["nth", "nth-last"]):
    for _kind in ("child", "of-type"):
        STRUCTURAL[f"{_edge}-{_kind}"] = tuple(nth(f"{name}-{_kind}", 0, 1) for name in _names)
