"""A selector as a value: what it tests, and how specific it is.

A selector is *static* if the tree decides what it matches. Of any other (``:hover``, ``[data-ogsc] p``) only
the static part is tested: it may match more than the selector does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["NAMES_CLIENT", "AttributeTest", "Compound", "Filter", "Selector", "Specificity"]

_WORDS = re.compile(r"[^ \t\r\n\f]+")
# Selectors for one mail client, by what it puts around or into a mail. Some are on howtotarget.email, some in
# github.com/hteumeuleu/email-bugs (.undoreset in issue 25, .rps_ in issue 88).
NAMES_CLIENT = re.compile(
    r"(?:^|,|\s)(?:div\s*>?\s*)?u\s*[+~]|\.&"
    r"|\bimg\b[^,]*\+\s*div|#(?:outlook|MessageViewBody|MessageWebViewDiv|msgBody|_rteEl)(?![\w-])"
    r"|\.(?:(?:ecx)?ExternalClass|ReadMsgBody|moz-\w[\w-]*|aBn|a6S|im|ii|CToWUd|g-img|gmail\w*|yshortcuts|yahoo|undoreset"
    r"|Apple[\w-]*|apple-\w+|Mso\w+|Word\w+|rps_\w*|protonmail\w*|aolmail\w*|mail-\w+|msg-\w+|lc_\w*)(?![\w-])"
    r"|\[\s*(?:style|href|class|id|x-|data-og|data-outlook|data-darkreader|owa|office365|override|summary)",
)
Specificity = tuple[int, int, int]
Filter = Callable[[Any, Any], Any]  # takes an ElementIndex and elements, returns those that pass


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
            return value in _WORDS.findall(given)
        if operator == "*=":
            return value in given
        return given.startswith(value) if operator == "^=" else given.endswith(value)


class Compound(NamedTuple):
    """A selector's conditions on one element; ``combinator`` is its relation to the compound before."""

    combinator: str
    words: frozenset[str]  # its tag, .classes and #ids
    filters: tuple[Filter, ...] = ()
    has_attributes: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Selector:
    """A selector that was read."""

    text: str
    compounds: tuple[Compound, ...] = ()
    specificity: Specificity = (0, 0, 0)
    is_static: bool = False
    words: frozenset[str] = frozenset()  # tags, classes and ids that must be in a document where it matches
    is_valid: bool = False
    is_element: bool = True  # false for ::before and the like, which no style attribute touches

    @property
    def names_client(self) -> bool:
        """True if it is for one mail client, by what that puts around or into a mail."""
        return NAMES_CLIENT.search(self.text) is not None

    @property
    def can_be_inlined(self) -> bool:
        """True if the tree alone decides what it matches, and that is not everything."""
        if not self.is_static:
            return False
        last = self.compounds[-1]
        return bool(last.words or last.has_attributes or (last.filters and len(self.compounds) > 1))
