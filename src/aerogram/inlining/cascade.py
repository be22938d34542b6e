"""Which declarations meet at an element, and which of them win (CSS Cascade 4, section 6.1).

Premailer compiles, parses and sorts anew for every document, and lets the last rule win whatever the cascade
says. So its own walk is not taken; its reader of declarations and the attributes that it sets for old clients
make the result. The rules that meet at an element are found from sheets taken apart once, merged with the
author's own style attribute by importance, and compared with what stays in the sheet. What came of the same
rules and the same attribute once is written again wherever they meet, in this document and the next.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from aerogram.inlining.declaration import LONGEST_REMEMBERED, Declaration, read_declarations
from aerogram.inlining.engine import load_premailer
from aerogram.inlining.index import Index
from aerogram.inlining.shorthand import are_related

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aerogram.document import Element
    from aerogram.inlining.stylesheet import Hook, Kept, Rule, Sheet

__all__ = ["apply_sheets"]

_PLAIN_LENGTH = re.compile(r"\d+(?:\.\d+)?(?:px|%)?|auto", re.IGNORECASE)


class Rank(NamedTuple):
    """A declaration's place in the cascade: the larger wins."""

    important: bool
    inline: bool
    ids: int
    classes: int
    elements: int
    order: int


Merged = dict[str, tuple[Declaration, Rank]]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What came of the rules that met, and the style attribute that says it; ``unread`` is its end."""

    merged: Merged
    unread: str
    style: str
    attributes: tuple[tuple[str, str], ...]  # the old ones that premailer sets for old clients


def apply_sheets(root: Element, sheets: Sequence[Sheet]) -> list[str]:
    """Write the rules of ``sheets`` into style attributes; return, for each sheet, the text that stays."""
    index = Index(root)
    met: dict[Element, list[Rule]] = {}
    found: set[Rule] = set()
    for sheet in sheets:
        for rule in sheet.rules:
            elements = index.find(rule.selector, rule.words)
            for element in elements:
                met.setdefault(element, []).append(rule)
            if elements:
                found.add(rule)
    outcomes = {element: _write_outcome(element, tuple(rules)) for element, rules in met.items()}
    _align_images(index)
    hooks = [[hook for hook in sheet.hooks if _stays(hook, index, found)] for sheet in sheets]
    staying = [
        kept
        for sheet, kept_hooks in zip(sheets, hooks, strict=True)
        for kept in (*sheet.kept, *(hook.kept for hook in kept_hooks))
    ]
    _settle_importance(index, staying, outcomes)
    return [
        "\n".join([*filter(None, [sheet.kept_text]), *(hook.text for hook in kept_hooks)])
        for sheet, kept_hooks in zip(sheets, hooks, strict=True)
    ]


def _stays(hook: Hook, index: Index, found: set[Rule]) -> bool:
    if hook.rule in found:
        return False
    return hook.in_clients or bool(index.find(hook.kept.selector, hook.kept.words))


def _write_outcome(element: Element, rules: tuple[Rule, ...]) -> Outcome:
    inline = element.attrib.pop("style", "")
    remembered = len(inline) <= LONGEST_REMEMBERED
    outcome = _outcome(rules, inline) if remembered else _outcome.__wrapped__(rules, inline)
    if outcome.style:
        element.set("style", outcome.style)
    for name, value in outcome.attributes:
        element.set(name, value)
    return outcome


@lru_cache(maxsize=2048)
def _outcome(rules: tuple[Rule, ...], inline: str) -> Outcome:
    """Return what comes of rules that meet at an element with such a style attribute."""
    own = read_declarations(inline)
    merged = _merge(rules, own or ())
    unread = inline.strip() if own is None else ""
    plain = "; ".join(f"{name}:{item.value}" for name, (item, _) in merged.items() if _fits_attribute(item))
    return Outcome(merged, unread, _style(merged, unread), load_premailer().old_attributes(plain))


def _fits_attribute(item: Declaration) -> bool:
    # width="calc(…)" or bgcolor="rgb(…)" would be misread by the old clients that these attributes are for.
    if item.name in ("width", "height"):
        return bool(_PLAIN_LENGTH.fullmatch(item.value))
    return "(" not in item.value


def _merge(rules: Sequence[Rule], inline: Sequence[Declaration]) -> Merged:
    """Merge what meets at one element: its rules, and its own style attribute."""
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
    """Return what won as a style attribute; what could not be read was the author's own, and comes last."""
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


def _settle_importance(index: Index, staying: Iterable[Kept], outcomes: dict[Element, Outcome]) -> None:
    """Let attributes and the rules that stayed in the sheet meet as the cascade would have it.

    What stays is ``!important`` so that it can override an attribute at all. So where the attribute's
    declaration should win it becomes important too, and where it should lose it must not be.
    """
    rivals: dict[Element, list[Kept]] = {}
    for kept in staying:
        for element in index.find(kept.selector, kept.words):
            rivals.setdefault(element, []).append(kept)
    for element, against in rivals.items():
        style = element.get("style")
        if not style:
            continue
        if len(style) <= LONGEST_REMEMBERED:
            settled = _settled(outcomes.get(element) or _outcome((), style), tuple(against))
        else:
            outcome = outcomes.get(element) or _outcome.__wrapped__((), style)
            settled = _settled.__wrapped__(outcome, tuple(against))
        if settled is not None:
            element.set("style", settled)


@lru_cache(maxsize=2048)
def _settled(outcome: Outcome, against: tuple[Kept, ...]) -> str | None:
    """Return the style attribute that stands as it should against what stayed; ``None`` if it does."""
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
