"""Which declarations of the rules reach which element: two ways, chosen by ``CSS_ENGINE``.

``merge_with_premailer`` runs premailer's own ``transform``, which matches the rules, sorts them by
specificity, lets the last declaration of a property win, and writes the winners into style attributes. Three
things are hidden from it, because it cannot always read them:

- the values: a placeholder (``color:v17``) stands for each declaration;
- the author's style attributes, which are put back afterwards;
- selectors that it cannot match: their elements are marked with an attribute, and the selector tests that.

``merge_directly`` matches and sorts without premailer, and faster. ``cascade_of`` gives the same for both.
"""

from __future__ import annotations

import logging
import os
import re
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aerogram.document import Element
    from aerogram.inlining.declarations import Declarations, RankedDeclaration
    from aerogram.inlining.matching import ElementIndex
    from aerogram.inlining.selector import Selector

__all__ = ["ENGINES", "InlineRule", "merge_directly", "merge_with_premailer"]

_SIMPLE_SELECTOR = re.compile(  # but for .--x, which cssselect, premailer's reader of selectors, refuses
    r"(?!.*[.#]--)[a-z0-9_.#-]+(?:(?: |\s*[>+]\s*)[a-z0-9_.#-]+)?", re.ASCII
)
_BLANKS = re.compile(r"\s+", re.ASCII)
_SIMPLE_NAME = re.compile(r"[a-z]+(?:-[a-z]+)*")  # of a property; it reads no others right
_STYLED: Any = etree.XPath("//*[@style]")
_HIDDEN_STYLE = "aerogram-style"  # premailer looks for <style>
_MARKER = "aerogramRules"  # parsers of HTML write the names of attributes in lower case


InlineRule = tuple["Selector", "Declarations"]  # a rule with one of its selectors
MergedDeclarations = dict["Element", "Declarations"]


def merge_directly(index: ElementIndex, inline_rules: Sequence[InlineRule]) -> MergedDeclarations:
    """Return the declarations that reach each element, in the order of their precedence."""
    met: dict[Element, list[RankedDeclaration]] = {}
    for selector, declarations in inline_rules:
        for element in index.find(selector):
            met.setdefault(element, []).extend(declarations)
    return {element: tuple(sorted(found, key=attrgetter("precedence"))) for element, found in met.items()}


def merge_with_premailer(index: ElementIndex, inline_rules: Sequence[InlineRule]) -> MergedDeclarations:
    """Return the same as :func:`merge_directly`, found by premailer's ``transform``."""
    root = index.root
    marked: dict[Element, list[str]] = {}
    rules: list[Any] = []
    by_placeholder: dict[str, RankedDeclaration] = {}
    for number, (selector, declarations) in enumerate(inline_rules):
        text = _BLANKS.sub(" ", selector.text)
        if index.folds_case or "style" in text or not _SIMPLE_SELECTOR.fullmatch(text):
            text = f"[{_MARKER}~=r{number}]"
            for element in index.find(selector):
                marked.setdefault(element, []).append(f"r{number}")
        for important in (False, True):
            bulk = []
            for one in declarations:
                if one.important == important:
                    placeholder = f"v{len(by_placeholder)}"
                    by_placeholder[placeholder] = one
                    overrides = one.is_surely_valid and _SIMPLE_NAME.fullmatch(one.name)
                    bulk.append(f"{one.name if overrides else placeholder}:{placeholder}")
            if bulk:
                precedence = declarations[0].precedence
                rules.append(((important, precedence.specificity, precedence.order), text, ";".join(bulk)))
    for element, names in marked.items():
        element.set(_MARKER, " ".join(names))
    styled = {element: element.get("style") for element in _STYLED(root)}
    sheets = list(root.iter("style"))
    for element in styled:
        element.set("style", "")
    for element in sheets:
        element.tag = _HIDDEN_STYLE
    try:
        _inliner()(rules).transform(root)
        written = [(element, element.get("style")) for element in _STYLED(root)]
    finally:
        for element in sheets:
            element.tag = "style"
        for element in marked:
            del element.attrib[_MARKER]
    for element, _ in written:
        if element in styled:
            element.set("style", styled[element])
        else:
            del element.attrib["style"]
    return {
        element: tuple([by_placeholder[part.rpartition(":")[2]] for part in style.split("; ")])
        for element, style in written
        if style
    }


@cache
def _inliner() -> Callable[[list[Any]], Any]:
    """Import premailer, which imports requests; so it is loaded for the first document only."""
    size = "PREMAILER_CACHE_MAXSIZE"  # read at import; 128 entries are too few for one large sheet
    was_set = size in os.environ
    os.environ.setdefault(size, "4096")
    import cssutils
    from premailer import Premailer

    if not was_set:
        del os.environ[size]
    cssutils.log.setLevel(logging.CRITICAL)

    class Inliner(Premailer):  # type: ignore[misc]  # it ships no types
        """Premailer with rules that were read before, and without its ways out of the document."""

        def __init__(self, rules: list[Any]) -> None:
            super().__init__(
                css_text="the rules",
                allow_network=False,
                disable_validation=True,
                disable_leftover_css=True,
                align_floating_images=False,
                remove_unset_properties=False,
                strip_important=False,
            )
            self.rules = rules

        def _parse_style_rules(self, *_: object) -> tuple[list[Any], list[Any]]:
            return self.rules, []

        def _load_external(self, *_: object) -> str:
            raise RuntimeError("inlining fetches nothing")

        def _style_to_basic_html_attributes(self, *_: object, **__: object) -> None:
            """Leave these to ``presentational_attributes``, which knows the values."""

    return Inliner


ENGINES: dict[str, Callable[[ElementIndex, Sequence[InlineRule]], MergedDeclarations]] = {
    "premailer": merge_with_premailer,
    "direct": merge_directly,
}
