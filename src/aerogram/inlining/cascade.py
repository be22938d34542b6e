"""The declarations that apply to an element, and which of them win (CSS Cascade 4, section 6.1).

Premailer parses and sorts every sheet for every document, and lets the last rule win, whatever the cascade
says. Here it only reads declarations and makes presentational attributes for old clients. The rules of an
element are merged with its style attribute and compared with the rules that stay in the sheet. The outcome of
the same rules and the same attribute is cached across elements and documents.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from aerogram.inlining.declaration_block import Declaration, old_attributes, read_declarations
from aerogram.inlining.index import Index
from aerogram.inlining.shorthand import are_related

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aerogram.document import Element
    from aerogram.inlining.stylesheet import ClientOnlyRule, KeptRule, Sheet, StyleRule

_LONGEST_CACHED = 2_000  # characters of a style attribute
_PLAIN_LENGTH = re.compile(r"\d+(?:\.\d+)?(?:px|%)?", re.IGNORECASE)  # "auto" is no value of an attribute


class Rank(NamedTuple):
    """The position of a declaration in the cascade: the larger wins."""

    important: bool
    inline: bool
    ids: int
    classes: int
    elements: int
    order: int


Merged = dict[str, tuple[Declaration, Rank]]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The declarations that won and the style attribute for them; ``unread`` is its unreadable end."""

    merged: Merged
    unread: str
    style: str
    attributes: tuple[tuple[str, str], ...]  # presentational ones, for old clients


def apply_sheets(root: Element, sheets: Sequence[Sheet]) -> list[str]:
    """Write the rules of sheets into style attributes; return the text that stays of each sheet."""
    index = Index(root)
    met: dict[Element, list[StyleRule]] = {}
    found: set[StyleRule] = set()
    for sheet in sheets:
        for rule in sheet.rules:
            elements = index.find(rule.selector)
            for element in elements:
                met.setdefault(element, []).append(rule)
            if elements:
                found.add(rule)
    outcomes = {element: _write_outcome(element, tuple(rules)) for element, rules in met.items()}
    _align_images(index)
    client_only = [[rule for rule in sheet.client_only if _stays(rule, index, found)] for sheet in sheets]
    staying = [
        kept
        for sheet, added in zip(sheets, client_only, strict=True)
        for kept in (*sheet.kept, *(rule.kept for rule in added))
    ]
    _settle_importance(index, staying, outcomes)
    return [
        "\n".join([*filter(None, [sheet.kept_text]), *(rule.text for rule in added)])
        for sheet, added in zip(sheets, client_only, strict=True)
    ]


def _stays(one: ClientOnlyRule, index: Index, found: set[StyleRule]) -> bool:
    if one.rule in found:
        return False
    return one.in_clients or bool(index.find(one.kept.selector))


def _write_outcome(element: Element, rules: tuple[StyleRule, ...]) -> Outcome:
    outcome = _outcome_of(rules, element.attrib.pop("style", ""))
    if outcome.style:
        element.set("style", outcome.style)
    for name, value in outcome.attributes:
        element.set(name, value)
    return outcome


def _outcome_of(rules: tuple[StyleRule, ...], inline: str) -> Outcome:
    outcome = _outcome if len(inline) <= _LONGEST_CACHED else _outcome.__wrapped__
    return outcome(rules, inline)


@lru_cache(maxsize=2048)
def _outcome(rules: tuple[StyleRule, ...], inline: str) -> Outcome:
    """Return the outcome of these rules at an element with this style attribute."""
    own = read_declarations(inline)
    merged = _merge(rules, own or ())
    unread = inline.strip() if own is None else ""
    plain = "; ".join(f"{name}:{item.value}" for name, (item, _) in merged.items() if _fits_attribute(item))
    return Outcome(merged, unread, _style(merged, unread), old_attributes(plain))


def _fits_attribute(item: Declaration) -> bool:
    # width="calc(…)" or bgcolor="rgb(…)" would be misread by the old clients that these attributes are for.
    if item.name in ("width", "height"):
        return bool(_PLAIN_LENGTH.fullmatch(item.value))
    return "(" not in item.value


def _merge(rules: Sequence[StyleRule], inline: Sequence[Declaration]) -> Merged:
    """Merge the rules of an element with its style attribute."""
    found = [
        (Rank(item.important, False, *rule.selector.specificity, rule.order), item)
        for rule in rules
        for item in rule.declarations
    ]
    found += [(Rank(item.important, True, 0, 0, 0, 0), item) for item in inline]
    found.sort(key=lambda entry: entry[0])
    merged: Merged = {}
    for rank, item in found:
        if item.name in merged and any(
            are_related(item.name, other) for other in merged if other != item.name
        ):
            del merged[item.name]  # else it would stand before a shorthand that it overrides
        merged[item.name] = (item, rank)
    return {name: pair for name, pair in merged.items() if pair[0].value.lower() != "unset"}


def _style(merged: Merged, unread: str) -> str:
    """Return the declarations that won as a style attribute; what the author wrote unreadably comes last."""
    parts = [
        f"{name}:{item.value}{' !important' if item.important else ''}" for name, (item, _) in merged.items()
    ]
    return "; ".join([*parts, unread] if unread else parts)


def _align_images(index: Index) -> None:
    """Set ``align`` on floating images, for the Outlooks that know no ``float``."""
    for image in index.elements.get("img", ()):
        if "float" in image.get("style", ""):
            for item in read_declarations(image.get("style")) or ():
                if item.name == "float" and item.value in ("left", "right"):
                    image.set("align", item.value)


def _settle_importance(index: Index, staying: Iterable[KeptRule], outcomes: dict[Element, Outcome]) -> None:
    """Set the importance of attributes against the rules that stay in the sheet, as the cascade requires.

    Rules that stay are ``!important``, so that they can override an attribute at all. A declaration of an
    attribute becomes important where it should win over them, and unimportant where it should lose.
    """
    rivals: dict[Element, list[KeptRule]] = {}
    for kept in staying:
        for element in index.find(kept.selector):
            rivals.setdefault(element, []).append(kept)
    for element, against in rivals.items():
        style = element.get("style")
        if not style:
            continue
        settle = _settled if len(style) <= _LONGEST_CACHED else _settled.__wrapped__
        settled = settle(outcomes.get(element) or _outcome_of((), style), tuple(against))
        if settled is not None:
            element.set("style", settled)


@lru_cache(maxsize=2048)
def _settled(outcome: Outcome, against: tuple[KeptRule, ...]) -> str | None:
    """Return the style attribute with its importance set against these rules, ``None`` if it is right."""
    rivals = [
        (name, Rank(important, False, *kept.selector.specificity, kept.order))
        for kept in against
        for name, important in kept.names
    ]
    settled: Merged = {}
    for name, (item, rank) in outcome.merged.items():
        ranks = [rival for other, rival in rivals if are_related(other, name)]
        important = all(rival < rank for rival in ranks) if ranks else item.important
        settled[name] = item._replace(important=important), rank
    return None if settled == outcome.merged else _style(settled, outcome.unread)
