"""The elements of a document by tag, class and id, and which of them a selector matches."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aerogram.document import Element
    from aerogram.inlining.selector import Compound, Selector

__all__ = ["Index"]

_BLANKS = re.compile(r"[ \t\r\n\f]+")


class Index:
    """The elements of a document as selectors look for them.

    A selector is matched from its end: of all documents and selectors, few elements pass the last compound.
    What is above an element is remembered, so that no depth of nesting makes the search slow.
    """

    def __init__(self, root: Element) -> None:
        self.elements: dict[str, list[Element]] = {}  # by tag, .class and #id
        self.words: dict[Element, list[str]] = {}  # of each element
        for element in root.iter(etree.Element):
            words = self.words[element] = [element.tag]
            attributes = element.attrib
            if "class" in attributes:
                words += [f".{name}" for name in _names(attributes["class"])]
            if "id" in attributes:
                words.append(f"#{attributes['id']}")
            for word in words:
                self.elements.setdefault(word, []).append(element)

    def find(self, selector: Selector, words: frozenset[str]) -> Sequence[Element]:
        """Return the elements that a selector matches; ``words`` are those of the selector."""
        if not self.elements.keys() >= words:
            return ()
        *above, last = selector.compounds
        found: Sequence[Element] = (
            min((self.elements[word] for word in last.words), key=len) if last.words else list(self.words)
        )
        if len(last.words) > 1 or last.tests or last.children:
            found = [element for element in found if self._fits(element, last)]
        if above:
            search = _Search(self, selector.compounds)
            found = [element for element in found if search.has_before(element, len(above))]
        return found

    def _fits(self, element: Element, compound: Compound) -> bool:
        words = self.words.get(element)
        return (
            words is not None
            and compound.words.issubset(words)
            and all(test.holds(element.get(test.name)) for test in compound.tests)
            and all(_is_end(element, preceding=child == ":first-child") for child in compound.children)
        )


class _Search:
    """Whether what one selector asks for stands above or before elements."""

    def __init__(self, index: Index, compounds: Sequence[Compound]) -> None:
        self.index = index
        self.compounds = compounds
        self.known: list[dict[Element, bool]] = [{} for _ in compounds]

    def has_before(self, element: Element, number: int) -> bool:
        """Whether the compounds before ``number``, which fits ``element``, are met by what is around it."""
        if number == 0:
            return True
        combinator = self.compounds[number].combinator
        step = _parent if combinator in (" ", ">") else _previous
        if combinator in (">", "+"):
            return self._ends_at(step(element), number - 1)
        known = self.known[number]
        passed = []
        answer = False
        while element is not None:
            if element in known:
                answer = known[element]
                break
            passed.append(element)
            element = step(element)
            if self._ends_at(element, number - 1):
                answer = True
                break
        known.update(dict.fromkeys(passed, answer))
        return answer

    def _ends_at(self, element: Element | None, number: int) -> bool:
        return (
            element is not None
            and self.index._fits(element, self.compounds[number])
            and self.has_before(element, number)
        )


def _names(text: str) -> set[str]:
    return set(text.split() if text.isascii() else _BLANKS.split(text)) - {""}


def _parent(element: Element) -> Element | None:
    return element.getparent()


def _previous(element: Element) -> Element | None:
    return next(element.itersiblings(etree.Element, preceding=True), None)


def _is_end(element: Element, *, preceding: bool) -> bool:
    return next(element.itersiblings(etree.Element, preceding=preceding), None) is None
