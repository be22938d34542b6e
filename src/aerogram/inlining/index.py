"""The elements of a document by tag, class and id, and which of them a selector matches."""

from __future__ import annotations

import re
from collections import defaultdict
from operator import methodcaller
from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aerogram.document import Element
    from aerogram.inlining.selector import Compound, Selector

_BLANKS = re.compile(r"[ \t\r\n\f]+")


class Index:
    """The elements of a document by the words that selectors look for.

    A selector is matched from its last compound, which few elements pass. The results for ancestors are kept,
    so that deep nesting does not make the search slow.
    """

    def __init__(self, root: Element) -> None:
        self.elements: defaultdict[str, list[Element]] = defaultdict(list)  # by tag, .class and #id
        self.words: dict[Element, set[str]] = {}  # of each element
        self.known: defaultdict[tuple[Compound, str], dict[Element, bool]] = defaultdict(dict)
        self._there: dict[Compound, bool] = {}
        for element in root.iter(etree.Element):
            words = self.words[element] = {element.tag}
            if classes := element.get("class"):
                names = classes.split() if classes.isascii() else _BLANKS.split(classes)
                words.update([f".{name}" for name in names if name])
            if identifier := element.get("id"):
                words.add(f"#{identifier}")
            for word in words:
                self.elements[word].append(element)

    def find(self, selector: Selector) -> Sequence[Element]:
        """Return the elements that a selector matches."""
        if not self.elements.keys() >= selector.words:
            return ()
        *above, last = selector.compounds
        for compound in above:
            if compound.tests and not self._is_there(compound):
                return ()
        found = self._candidates(last)
        if len(last.words) > 1 or last.tests or last.children:
            found = [element for element in found if self.fits(element, last)]
        if above:
            search = _Search(self, selector.compounds)
            found = [element for element in found if search.has_before(element, len(above))]
        return found

    def _candidates(self, compound: Compound) -> Sequence[Element]:
        if not compound.words and compound.tests:
            name = compound.tests[0].name
            return [element for element in self.words if element.get(name) is not None]
        if not compound.words:
            return list(self.words)
        return min((self.elements[word] for word in compound.words), key=len)

    def _is_there(self, compound: Compound) -> bool:
        """Return whether any element fits; many selectors begin alike, with ``[dir=rtl]`` for one."""
        answer = self._there.get(compound)
        if answer is None:
            answer = any(self.fits(element, compound) for element in self._candidates(compound))
            self._there[compound] = answer
        return answer

    def fits(self, element: Element, compound: Compound) -> bool:
        """Return whether an element fulfils a compound."""
        if not compound.words <= self.words[element]:
            return False
        for test in compound.tests:
            if not test.holds(element.get(test.name)):
                return False
        return all(_sibling(element, preceding=end == ":first-child") is None for end in compound.children)


class _Search:
    """The search of one selector's compounds above or before elements."""

    def __init__(self, index: Index, compounds: Sequence[Compound]) -> None:
        self.fits = index.fits
        self.compounds = compounds
        self.known: list[dict[Element, bool]] = [{} for _ in compounds]  # by the next element above or before
        self.known[1] = index.known[
            compounds[0], compounds[1].combinator
        ]  # selectors that begin alike share it

    def has_before(self, element: Element, number: int) -> bool:
        """Return whether the compounds before ``number``, which fits ``element``, match around it."""
        if number == 0:
            return True
        combinator = self.compounds[number].combinator
        step = _parent if combinator in (" ", ">") else _sibling
        near = step(element)
        if near is None:
            return False
        known = self.known[number]
        answer = known.get(near)
        if answer is None:
            if combinator in (">", "+"):
                answer = known[near] = self._ends_at(near, number - 1)
            else:
                answer = self._ends_beyond(near, number - 1, step)
        return answer

    def _ends_beyond(self, element: Element, number: int, step: Callable[[Element], Element | None]) -> bool:
        """Return whether the compounds up to ``number`` match at an element or above or before it."""
        known = self.known[number + 1]
        passed = []
        answer: bool | None = None
        while element is not None and (answer := known.get(element)) is None:
            passed.append(element)
            if self._ends_at(element, number):
                answer = True
                break
            element = step(element)
        known.update(dict.fromkeys(passed, bool(answer)))
        return bool(answer)

    def _ends_at(self, element: Element, number: int) -> bool:
        return self.fits(element, self.compounds[number]) and self.has_before(element, number)


_parent: Callable[[Element], Element | None] = methodcaller("getparent")


def _sibling(element: Element, *, preceding: bool = True) -> Element | None:
    return next(element.itersiblings(etree.Element, preceding=preceding), None)
