"""premailer goes over the elements and writes them; what meets there and what wins is settled here.

Premailer compiles, parses and sorts anew for every document, and lets the last rule win whatever the cascade
says. So the rules that meet at an element are found first, from sheets taken apart once; premailer is given
one rule for all of them, and where it calls back for an element the declarations are merged with the author's
own style attribute by importance and compared with what stays in the sheet (CSS Cascade 4, section 6.1).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from lxml import etree

from aerogram.inlining.engine import load_premailer
from aerogram.inlining.stylesheet import Declaration, Rank, Rule, Sheet, declarations, selector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aerogram.document import Element

__all__ = ["apply_sheets"]

_MARK = "data-aerogram-met"
_ONE_WORD = re.compile(r"[.#]?[a-zA-Z][a-zA-Z0-9-]*")
_PLAIN_LENGTH = re.compile(r"\d+(?:\.\d+)?(?:px|%)?|auto", re.IGNORECASE)
_NO_BORDER_LINE = frozenset(("border-collapse", "border-radius", "border-spacing", "border-image"))

Merged = dict[str, tuple[Declaration, Rank]]


def apply_sheets(root: Element, sheets: Sequence[Sheet]) -> list[str]:
    """Write the rules of ``sheets`` into style attributes; return, for each sheet, the text that stays."""
    index = Index(root)
    met: dict[Element, list[Rule]] = {}
    unmet: set[int] = set()
    for sheet in sheets:
        for rule in sheet.rules:
            elements = index.find(rule.selector, rule.needs)
            for element in elements:
                met.setdefault(element, []).append(rule)
            if not elements:
                unmet.add(rule.order)
    merged: dict[Element, Merged] = {}
    if met:
        _premailer_class()(met, merged).transform(root)
    _align_images(root)
    _settle_importance(index, sheets, merged)
    return [_staying(sheet, unmet) for sheet in sheets]


def _staying(sheet: Sheet, unmet: set[int]) -> str:
    hooks = [text for rule, text in sheet.hooks if rule.order in unmet]
    return "\n".join([*([sheet.kept_text] if sheet.kept_text else []), *hooks])


class Index:
    """The elements of a document by what simple selectors ask for."""

    def __init__(self, root: Element) -> None:
        self.root = root
        self.words: dict[str, list[Element]] = {}  # by tag, .class and #id
        for element in root.iter(etree.Element):
            attributes = element.attrib
            words = {element.tag}
            if "class" in attributes:
                words.update(f".{name}" for name in attributes["class"].split())
            if "id" in attributes:
                words.add(f"#{attributes['id']}")
            for word in words:
                self.words.setdefault(word, []).append(element)

    def find(self, text: str, needs: frozenset[str] = frozenset()) -> Sequence[Element]:
        """Return the elements that a selector matches; ``needs`` are classes and ids that it asks for."""
        if not all(word in self.words for word in needs):
            return ()
        if _ONE_WORD.fullmatch(text):
            return self.words.get(text if text[0] in ".#" else text.lower(), ())
        compiled = selector(text)
        found: Sequence[Element] = () if compiled is None else compiled(self.root)  # type: ignore[assignment]  # elements
        return found


@cache
def _premailer_class() -> Any:
    class OneRule(load_premailer().premailer):  # type: ignore[misc]  # known at run time alone
        """Premailer with one rule, for all elements that have something to be written."""

        def __init__(self, met: dict[Element, list[Rule]], merged: dict[Element, Merged]) -> None:
            super().__init__(
                css_text=_MARK,
                strip_important=False,
                allow_network=False,
                allow_loading_external_files=False,
                disable_validation=True,
                disable_leftover_css=True,
                align_floating_images=False,
            )
            self.met = met
            self.merged = merged

        def transform(self, root: Element) -> None:
            styles = list(root.iter("style"))
            for style in styles:
                style.set(self.attribute_name, "ignore")
            self.inline = {element: element.attrib.pop("style", "") for element in self.met}
            for element in self.met:
                element.set(_MARK, "")
            super().transform(root)
            for element in self.met:
                element.attrib.pop(_MARK)
            for style in styles:
                style.attrib.pop(self.attribute_name, None)

        def _parse_style_rules(self, css_body: str, _: int) -> Any:
            return ([((0,), f"[{_MARK}]", "x:y")] if css_body == _MARK else []), []

        def _style_to_basic_html_attributes(self, element: Element, _: str, force: bool = False) -> None:
            merged = self.merged[element] = merge(self.met[element], self.inline[element])
            write_style(element, merged)
            plain = "; ".join(
                f"{name}:{item.value}" for name, (item, _) in merged.items() if _fits_attribute(item)
            )
            super()._style_to_basic_html_attributes(element, plain, force=force)

    return OneRule


def _align_images(root: Element) -> None:
    """Set ``align`` on floating images, for the Outlooks that know no ``float``."""
    for image in root.iter("img"):
        if "float" in image.get("style", ""):
            for item in declarations(image.get("style")):
                if item.name == "float" and item.value in ("left", "right"):
                    image.set("align", item.value)


def _fits_attribute(item: Declaration) -> bool:
    # width="calc(…)" or bgcolor="rgb(…)" would be misread by the old clients that these attributes are for.
    if item.name in ("width", "height"):
        return bool(_PLAIN_LENGTH.fullmatch(item.value))
    return "(" not in item.value


def merge(rules: Sequence[Rule], inline: str) -> Merged:
    """Merge what meets at one element: its rules, and its own style attribute."""
    found = [
        (Rank(item.important, False, *rule.specificity, rule.order), item)
        for rule in rules
        for item in rule.declarations
    ]
    found += [(Rank(item.important, True, 0, 0, 0, 0), item) for item in declarations(inline)]
    found.sort(key=lambda entry: entry[0])
    merged: Merged = {}
    for rank, item in found:
        if item.name in merged and any(_related(item.name, other) for other in merged if other != item.name):
            del merged[item.name]  # else it would stand before a shorthand that it overrides
        merged[item.name] = (item, rank)
    return {name: pair for name, pair in merged.items() if pair[0].value.lower() != "unset"}


def write_style(element: Element, merged: Merged) -> None:
    """Write what won into the style attribute."""
    text = "; ".join(
        f"{name}:{item.value}{' !important' if item.important else ''}" for name, (item, _) in merged.items()
    )
    if text:
        element.set("style", text)
    else:
        element.attrib.pop("style", None)


def _settle_importance(index: Index, sheets: Sequence[Sheet], merged: dict[Element, Merged]) -> None:
    """Let attributes and the rules that stayed in the sheet meet as the cascade would have it.

    What stays is ``!important`` so that it can override an attribute at all. So where the attribute's
    declaration should win it becomes important too, and where it should lose it must not be.
    """
    rivals: dict[Element, list[tuple[str, Rank]]] = {}
    for sheet in sheets:
        for kept in sheet.kept:
            elements = index.find(kept.selector)
            if elements:
                ranks = [
                    (name, Rank(important, False, *kept.specificity, kept.order))
                    for name, important in kept.names
                ]
                for element in elements:
                    rivals.setdefault(element, []).extend(ranks)
    for element, ranked in rivals.items():
        style = element.get("style")
        if not style:
            continue
        current = merged.get(element)
        if current is None:
            current = merge((), style)
        settled = {name: (_settled(name, *pair, ranked), pair[1]) for name, pair in current.items()}
        if settled != current:
            write_style(element, settled)


def _settled(name: str, item: Declaration, rank: Rank, rivals: list[tuple[str, Rank]]) -> Declaration:
    against = [rival for other, rival in rivals if other == name or _related(other, name)]
    if not against:
        return item
    return item._replace(important=all(rival < rank for rival in against))


def _related(one: str, other: str) -> bool:
    """Whether one property sets what the other sets: margin and margin-top, border-top and border-color."""
    if one.startswith(f"{other}-") or other.startswith(f"{one}-"):
        return True
    if one.startswith("border-") and other.startswith("border-"):
        return not (one in _NO_BORDER_LINE or other in _NO_BORDER_LINE)
    return {one, other} == {"font", "line-height"}
