"""premailer finds the elements and writes the attributes; what wins in the end is settled here, as CSS says.

premailer is handed each rule under a number instead of its declarations, so that its hook for one element
tells us which rules met there. The declarations are then merged with the author's own style
attribute by importance, and compared with what stays in the sheet (CSS Cascade 4, section 6.1).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from aerogram.inlining.engine import load_premailer
from aerogram.inlining.stylesheet import Declaration, Rank, Rule, Sheet, declarations, selector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aerogram.document import Element

__all__ = ["apply_sheets"]

_NUMBER = re.compile(r"--rule-(\d+)")
_PLAIN_LENGTH = re.compile(r"\d+(?:\.\d+)?(?:px|%)?|auto", re.IGNORECASE)
_NO_BORDER_LINE = frozenset(("border-collapse", "border-radius", "border-spacing", "border-image"))

Merged = dict[str, tuple[Declaration, Rank]]


def apply_sheets(root: Element, sheets: Sequence[Sheet]) -> list[str]:
    """Write the rules of ``sheets`` into style attributes; return, for each sheet, the text that stays."""
    words = _vocabulary(root)
    rules = {rule.order: rule for sheet in sheets for rule in sheet.rules if rule.needs <= words}
    merged: dict[Element, Merged] = {}
    if rules:
        _premailer_class()(rules, merged).transform(root)
    _settle_importance(root, sheets, merged)
    met = {rank.order for element in merged.values() for _, rank in element.values()}
    return [_staying(sheet, met) for sheet in sheets]


def _staying(sheet: Sheet, met: set[int]) -> str:
    hooks = [text for rule, text in sheet.hooks if rule.order not in met]
    return "\n".join([*([sheet.kept_text] if sheet.kept_text else []), *hooks])


def _vocabulary(root: Element) -> set[str]:
    """The classes and ids of the document, as selectors write them."""
    words: set[str] = set()
    for value in set(root.xpath("//@class")):
        words.update("." + name for name in value.split())
    words.update("#" + value for value in root.xpath("//@id"))
    return words


@cache
def _premailer_class() -> Any:
    class NumberedRules(load_premailer().premailer):  # type: ignore[misc]  # known at run time alone
        """Premailer over rules that are parsed already."""

        def __init__(self, rules: dict[int, Rule], merged: dict[Element, Merged]) -> None:
            super().__init__(
                css_text="numbered",
                strip_important=False,
                allow_network=False,
                allow_loading_external_files=False,
                disable_validation=True,
                disable_leftover_css=True,
            )
            self.rules = rules
            self.merged = merged

        def transform(self, root: Element) -> None:
            styles = list(root.iter("style"))
            for style in styles:
                style.set(self.attribute_name, "ignore")
            self.inline = {element: element.attrib.pop("style") for element in root.xpath("//*[@style]")}
            super().transform(root)
            for style in styles:
                style.attrib.pop(self.attribute_name, None)
            for element, style in self.inline.items():
                if "style" not in element.attrib:
                    element.set("style", style)

        def _parse_style_rules(self, css_body: str, _: int) -> Any:
            if css_body != "numbered":
                return [], []
            numbered = [
                ((important, *rule.specificity, number), rule.selector, f"--rule-{number}:{important}")
                for number, rule in self.rules.items()
                for important in (0, 1)
                if any(item.important == important for item in rule.declarations)
            ]
            return numbered, []

        def _style_to_basic_html_attributes(self, element: Element, style: str, force: bool = False) -> None:
            met = [self.rules[number] for number in sorted(set(map(int, _NUMBER.findall(style))))]
            merged = self.merged[element] = merge(met, self.inline.get(element, ""))
            write_style(element, merged)
            plain = "; ".join(
                f"{name}:{item.value}" for name, (item, _) in merged.items() if _fits_attribute(item)
            )
            super()._style_to_basic_html_attributes(element, plain, force=force)

    return NumberedRules


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


def _settle_importance(root: Element, sheets: Sequence[Sheet], merged: dict[Element, Merged]) -> None:
    """Let attributes and the rules that stayed in the sheet meet as the cascade would have it.

    What stays is ``!important`` so that it can override an attribute at all. So where the attribute's
    declaration should win it becomes important too, and where it should lose it must not be.
    """
    rivals: dict[Element, list[tuple[str, Rank]]] = {}
    for sheet in sheets:
        for kept in sheet.kept:
            find = selector(kept.selector)
            if find is None:
                continue
            ranks = [
                (name, Rank(important, False, *kept.specificity, kept.order))
                for name, important in kept.names
            ]
            matched: Any = find(root)
            for element in matched:
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
