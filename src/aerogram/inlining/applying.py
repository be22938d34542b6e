"""The sheets of one document: collected, inlined by an engine, settled, and written back."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from lxml import etree

from aerogram.inlining.attributes import SOURCES, presentational_attributes
from aerogram.inlining.cascade import CascadeChanges, ElementCascade, cascade_of, find_changes
from aerogram.inlining.css import split_list
from aerogram.inlining.engines import ENGINES, InlineRule
from aerogram.inlining.matching import ElementIndex
from aerogram.inlining.selector import AttributeTest
from aerogram.inlining.stylesheet import REVERTS, StyleRule, StyleSheet, parse_sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aerogram.document import Element
    from aerogram.inlining.declarations import Declarations, Key, RankedDeclaration
    from aerogram.inlining.selector import Selector

__all__ = ["inline_tree"]

Comments = list[tuple[frozenset[str], frozenset[str]]]
_EMPTIED = "{aerogram}style"  # no parser of HTML gives a tag like this
_SCREENS = re.compile(r"(?:only\s+)?(?:all|screen)", re.IGNORECASE | re.ASCII)
_WORDS_IN_COMMENT = re.compile(
    r"<([a-zA-Z][\w:-]*)|\b(class|id)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", re.I
)
_TEST_OF_STYLE = re.compile(r"\[style(?:([~|^$*]?=)(\"[^\"]*\"|'[^']*'|[\w-]+))?")
_DEPENDS_ON_ORDER = re.compile(r"[+~]|:(?:first|last|nth|only|empty|has)")
_TESTED_ATTRIBUTE = re.compile(r"\[\s*([a-z]+)", re.IGNORECASE)


class _StyleElement(NamedTuple):
    """A style element and its sheet; ``may_change`` is false if not even importance is added."""

    element: Element
    sheet: StyleSheet
    may_change: bool
    is_kept_whole: bool  # nothing of it is inlined


def inline_tree(root: Element, engine: str, *, quirks: bool, is_fragment: bool) -> None:
    """Inline the sheets of a tree in place.

    ``quirks`` says whether classes and ids ignore case; of a fragment html, head and body are not written. A
    document with ``revert-layer`` or ``revert-rule`` stays as it is: they would go back to other rules.
    """
    style_elements = _style_elements(root, quirks=quirks)
    if any(style.sheet.reverts for style in style_elements):
        return
    index = ElementIndex(root, quirks=quirks)
    words = frozenset(index.elements)
    inline_rules: list[InlineRule] = []
    kept: dict[Element, list[RankedDeclaration]] = {}
    rules = [rule for style in style_elements for rule in style.sheet.rules]
    for rule in rules:
        if not rule.may_match(words):
            continue
        for selector in rule.inlined:
            if declarations := rule.declarations(selector.specificity, inlined=True):
                inline_rules.append((selector, declarations))
        _add_kept(kept, rule, index)
    merged = ENGINES[engine](index, inline_rules)
    groups: dict[ElementCascade, list[Element]] = {}
    tests = _tests_of_style(rules)
    kept_too: set[Key] = set()
    for element in {**merged, **kept}:
        own, kept_here = element.get("style", ""), tuple(kept.get(element, ()))
        if own and REVERTS.search(own):
            return
        cascade = cascade_of(merged.get(element, ()), own, kept_here)
        is_written = not (is_fragment and element.tag in ("html", "head", "body"))
        if tests or not is_written:
            from_rules = tuple([one for one in cascade.inlined if not one.precedence.inline])
            after = cascade.style((), ()) if from_rules else ""
            changes_test = after and any(test.holds(own or None) != test.holds(after) for test in tests)
            if changes_test:
                del merged[element]
                cascade = cascade_of((), own, kept_here + from_rules)
            if changes_test or not is_written:
                kept_too.update(one.key for one in from_rules)
        groups.setdefault(cascade, []).append(element)
    animated = frozenset().union(*(style.sheet.animated for style in style_elements))
    changes = find_changes(list(groups), animated)
    changes.kept_too |= kept_too
    comments = _comments(root, index)
    texts = [_kept_css(style, changes, index, comments) for style in style_elements]
    _write_attributes(groups, changes, merged, "".join(texts))
    _write_sheets(root, style_elements, texts)


def _style_elements(root: Element, *, quirks: bool) -> list[_StyleElement]:
    found: list[_StyleElement] = []
    preferred = ""
    for element in root.iter("style"):
        is_css = (element.get("type") or "text/css").lower() == "text/css"
        if not is_css or next(element.iterancestors("template"), None) is not None:
            continue
        title = element.get("title", "")
        preferred = preferred or title
        if title not in ("", preferred):  # an alternative, which browsers do not apply (CSSOM, section 6.2)
            continue
        is_apart = element.attrib.pop("data-premailer", None) == "ignore"
        media = element.get("media")
        is_plain = not is_apart and (not media or any(map(_SCREENS.fullmatch, split_list(media))))
        sheet = parse_sheet(
            element.text or "",
            len(found),
            can_be_inlined=is_plain,
            never_important=is_apart,
            quirks=quirks,
        )
        found.append(_StyleElement(element, sheet, may_change=not is_apart, is_kept_whole=not is_plain))
    return found


def _tests_of_style(rules: Iterable[StyleRule]) -> list[AttributeTest]:
    """Return the conditions of selectors on style attributes, which inlining changes."""
    asking = "".join(rule.context.selectors for rule in rules if "[style" in rule.context.selectors)
    return [
        AttributeTest("style", operator, value.strip("\"'"))
        for operator, value in _TEST_OF_STYLE.findall(asking)
    ]


def _add_kept(found: dict[Element, list[RankedDeclaration]], rule: StyleRule, index: ElementIndex) -> None:
    """Add the declarations that elements may get from what is kept of a rule."""
    best: dict[Element, Selector] = {}
    for selector in rule.kept:
        if not selector.is_element:
            continue
        elements = index.find(selector)
        if not elements and selector.names_client:
            elements = index.find_in_any_client(selector)
        for element in elements:
            if not selector.is_static:
                found.setdefault(element, []).extend(rule.declarations(selector.specificity, inlined=False))
            elif element not in best or best[element].specificity < selector.specificity:
                best[element] = selector
    for element, selector in best.items():
        found.setdefault(element, []).extend(rule.declarations(selector.specificity, inlined=False))


def _comments(root: Element, index: ElementIndex) -> Comments:
    """Return the tags, classes and ids in each conditional comment, and the same with those around it."""
    comments = []
    for comment in root.getroottree().iter(etree.Comment):
        text = comment.text or ""
        if not text.lstrip().lower().startswith("[if") or "<" not in text:
            continue
        found: set[str] = set()
        for match in _WORDS_IN_COMMENT.finditer(text):
            if match[1]:
                found.add(match[1].lower())
            else:
                mark = "." if match[2].lower() == "class" else "#"
                found.update(f"{mark}{name}" for name in (match[3] or match[4] or match[5] or "").split())
        near = [*comment.iterancestors(), *comment.itersiblings(etree.Element, preceding=True)]
        around = found.union(*(index.words[element] for element in near))
        comments.append((frozenset(found), frozenset(around)))
    return comments


def _kept_css(style: _StyleElement, changes: CascadeChanges, index: ElementIndex, comments: Comments) -> str:
    """Return the text that is kept of a sheet."""
    sheet = style.sheet
    if not style.may_change:
        return sheet.text
    if style.is_kept_whole:
        return _css_between(sheet, 0, len(sheet.text), sheet.rules, changes)
    parts = []
    everywhere = frozenset(index.elements).union(*(inside for inside, _ in comments))
    for top in sheet.top_level:
        rule = top.rule
        if rule is None:
            parts.append(_css_between(sheet, top.start, top.end, top.rules, changes))
            continue
        if rule.is_plain and not rule.names_client and not rule.may_match(everywhere):
            continue
        for inlined, selectors in (True, rule.inlined), (False, rule.kept):
            if not selectors or (inlined and not _is_kept_too(rule, changes, index, comments)):
                continue
            start, prelude = top.start, ""
            if rule.inlined and rule.kept:
                start += len(rule.context.selectors)
                prelude = ", ".join(selector.text for selector in selectors)
            parts.append(prelude + _css_between(sheet, start, top.end, [rule], changes, inlined))
    return "\n".join(parts)


def _is_kept_too(rule: StyleRule, changes: CascadeChanges, index: ElementIndex, comments: Comments) -> bool:
    """Return whether a rule that was inlined is kept in the sheet, too."""
    if rule.is_kept_too or (rule.names_client and not any(map(index.find, rule.inlined))):
        return True
    if changes.kept_too and any(one.key in changes.kept_too for one in rule.known_declarations):
        return True
    return any(
        (selector.compounds[-1].words <= inside and selector.words <= around)
        or not selector.words <= index.elements.keys()
        for selector in rule.inlined
        for inside, around in comments
        if selector.words <= inside.union(index.elements)
    )


def _css_between(
    sheet: StyleSheet,
    start: int,
    end: int,
    rules: Iterable[StyleRule],
    changes: CascadeChanges,
    inlined: bool | None = None,
) -> str:
    """Return a part of the sheet in which the declarations that have to be are important."""
    places = {
        place
        for rule in (rules if changes.important else ())
        for one in rule.known_declarations
        if one.key in changes.important and not one.important and inlined in (None, one.key.is_inlined)
        for place in one.ends
    }
    edges = pairwise([start, *sorted(places), end])
    return " !important".join([sheet.text[first:last] for first, last in edges])


def _write_attributes(
    groups: dict[ElementCascade, list[Element]],
    changes: CascadeChanges,
    merged: dict[Element, Declarations],
    kept: str,
) -> None:
    tested = {name.lower() for name in _TESTED_ATTRIBUTE.findall(kept)}
    for cascade, elements in groups.items():
        important, left_out = changes.attributes[cascade]
        style = cascade.style(important, left_out)
        values = {one.name: one.value for one in cascade.inlined if one not in left_out}
        has_sources = not SOURCES.isdisjoint(values)
        for element in elements:
            if element not in merged and not important:
                continue
            if style:
                element.set("style", style)
            elif "style" in element.attrib:
                del element.attrib["style"]
            if has_sources and element in merged:
                for name, value in presentational_attributes(element.tag, values, element.attrib):
                    if name not in tested:
                        element.set(name, value)


def _write_sheets(root: Element, style_elements: Sequence[_StyleElement], texts: Sequence[str]) -> None:
    depends = any(_DEPENDS_ON_ORDER.search(text) for text in texts)
    for style, text in zip(style_elements, texts, strict=True):
        element = style.element
        if style.is_kept_whole:
            element.text = text if text != style.sheet.text else element.text
        elif text:
            element.text = f"\n{text}\n"
        elif depends and element.getparent().tag != "head":
            element.text = ""  # it counts among the siblings
        else:
            element.tag = _EMPTIED
    etree.strip_elements(root, _EMPTIED, with_tail=False)
