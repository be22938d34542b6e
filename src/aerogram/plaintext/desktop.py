"""The content that kept rules of the sheets show on a desktop, before any interaction.

The screen is light, from 800 to 1,920 pixels wide, and has a mouse. A rule that may apply there is applied,
but only to show: a word may be shown too much, and none is lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aerogram.inlining.css import split_list, tokens
from aerogram.inlining.matching import ElementIndex
from aerogram.inlining.properties import is_surely_valid
from aerogram.inlining.selectors import read_selector
from aerogram.inlining.stylesheet import parse_sheet
from aerogram.plaintext.style import HIDING, is_seen, read_style, style_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aerogram.document import Element
    from aerogram.inlining.selector import Selector
    from aerogram.plaintext.style import StyleInfo

_CHECKED = re.compile(r":checked(?![\w-])", re.IGNORECASE)
_LATER = re.compile(  # states that no element has at first
    r":(?:active|focus(?:-visible|-within)?|fullscreen|hover|modal|target(?:-within)?|user-(?:in)?valid|visited)(?![\w-])",
    re.IGNORECASE,
)
_AT_KEYWORD = re.compile(r"(?:@([\w-]+))?")
_RANGES = {"width": (800, 1920), "pixel-ratio": (1, 1), "resolution": (1, 1)}
_RANGED = re.compile("|".join(_RANGES))
_UNITS = {"px": 1.0, "em": 16.0, "rem": 16.0, "": 1.0, "x": 1.0, "dppx": 1.0, "dpi": 1 / 96}
_NUMBER = r"(\d*\.?\d+)([a-z]*)"
_LEAST = re.compile(rf"min-\S*:{_NUMBER}|[a-z]>=?{_NUMBER}|{_NUMBER}<=?(?=[a-z])")
_MOST = re.compile(rf"max-\S*:{_NUMBER}|[a-z]<=?{_NUMBER}|{_NUMBER}>=?(?=[a-z])")
_HOLDS = re.compile(r"(?:any-)?(?:hover(?::hover)?|pointer(?::fine)?)|prefers-color-scheme(?::light)?")
_FAILS = re.compile(r"(?:any-)?(?:hover:none|pointer:(?:none|coarse))|prefers-color-scheme:dark")
_SUPPORTED = re.compile("--|display:(?:inline-)?(?:flex|grid)")
_MOST_BLOCKS = 50  # of a condition that is read
_LONGEST = 100  # characters of a feature that is read
Outcomes = tuple[bool, bool]  # whether a condition may hold, and whether it may fail


def apply_showing_rules(root: Element) -> None:
    """Copy declarations that show an element on a desktop from the sheets to its style attribute.

    Inlining left them there, in ``@media`` for instance, and made them important where they should win.
    """
    sheets = [sheet for sheet in root.iter("style") if _may_apply(f"@media {sheet.get('media', '')}")]
    rules = [rule for sheet in sheets for rule in _showing_rules(sheet.text or "")]
    index = ElementIndex(root, quirks=True) if rules else None
    for selector, declarations in rules:
        for element in index.find(selector) if index else ():
            style = f"{declarations};{element.get('style', '')}"
            before, after = _visibility(element, style_of(element)), _visibility(element, read_style(style))
            if any(new > old for new, old in zip(after, before, strict=True)):
                element.set("style", style)


def _visibility(element: Element, style: StyleInfo) -> tuple[int, ...]:
    return is_seen(element, style), *((False, None, True).index(one) for one in style.inherited_visibility)


@lru_cache(maxsize=32)
def _showing_rules(sheet: str) -> list[tuple[Selector, str]]:
    """Return the selectors and declarations that may show elements on a desktop."""
    found = []
    for rule in parse_sheet(sheet, 0, can_be_inlined=False, quirks=True).rules:
        if not (all(one.is_valid for one in rule.kept) and all(map(_may_apply, rule.context.around))):
            continue
        for selector in rule.kept:
            shown = [
                f"{one.name}:{one.value}{' !important' if one.important else ''}"
                for one in rule.declarations(selector.specificity, inlined=False)
                if one.name in HIDING and not read_style(f"{one.name}:{one.value}").hides
            ]
            is_later = "(" not in selector.text and _LATER.search(selector.text)  # it matches nothing
            if shown and selector.is_element and not is_later:
                found.append((_at_first(selector), ";".join(shown)))
    return found


def _at_first(selector: Selector) -> Selector:
    """Return a matcher for the elements that a selector may match before any interaction."""
    if selector.is_static:
        return selector
    return read_selector(_LATER.sub(":not(*)", _CHECKED.sub("[checked]", selector.text)), quirks=True)


def _may_apply(prelude: str) -> bool:
    """Return whether the content of a block with this prelude may apply on a desktop."""
    if sum(map(prelude.count, "([{")) > _MOST_BLOCKS:
        return True
    found: Any = _AT_KEYWORD.match(prelude)
    name, condition = (found[1] or "").lower(), prelude[found.end() :]
    if name == "media":
        return any(_outcomes(tokens(query), _media_outcomes)[0] for query in split_list(condition))
    if name == "supports":
        return _outcomes(tokens(condition), _support_outcomes)[0]
    return name in ("", "layer", "scope", "container")


def _outcomes(condition: Sequence[Any], test: Callable[[str], Outcomes]) -> Outcomes:
    """Return the possible outcomes of a condition; ``test`` returns those of one feature."""
    found: list[Outcomes] = []
    joins, is_negated = (all, any), False
    for part in condition:
        word = part.lower_value if part.type == "ident" else part.type
        if word == "or":
            joins = any, all
        elif word == "not":
            is_negated = True
        elif word == "() block":
            is_group = any(one.type == "() block" for one in part.content)
            found.append(_outcomes(part.content, test) if is_group else test(_written(part.content)))
        elif word not in ("and", "only", "whitespace"):
            found.append((word in ("all", "screen") or part.type != "ident", word not in ("all", "screen")))
    may_hold, may_fail = (join(one[number] for one in found) for number, join in enumerate(joins))
    return (may_fail, may_hold) if is_negated else (may_hold, may_fail)


def _written(content: Sequence[Any]) -> str:
    return "".join([part.serialize() for part in content if part.type != "whitespace"]).lower()


def _media_outcomes(feature: str) -> Outcomes:
    if _HOLDS.fullmatch(feature) or _FAILS.fullmatch(feature):
        return _FAILS.fullmatch(feature) is None, _HOLDS.fullmatch(feature) is None
    ranged = _RANGED.search(feature)
    if not ranged or len(feature) > _LONGEST:
        return True, True
    low, high = _RANGES[ranged[0]]
    least, most = max(_limits(_LEAST, feature), default=0), min(_limits(_MOST, feature), default=high)
    return least <= high and low <= most, least > low or most < high


def _limits(pattern: re.Pattern[str], feature: str) -> list[float]:
    found = [[one for one in limit.groups() if one is not None] for limit in pattern.finditer(feature)]
    return [float(number) * _UNITS[unit] for number, unit in found if unit in _UNITS]


def _support_outcomes(feature: str) -> Outcomes:
    name, _, value = feature.partition(":")
    return True, not (_SUPPORTED.match(feature) or is_surely_valid(name, value))
