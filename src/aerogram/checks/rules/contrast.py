"""The contrast of text and background, computed from the HTML and its CSS.

The colour of a text is that of the nearest element that sets one: by its style attribute, by a rule of a
``<style>`` that surely applies, or by ``color``, ``text`` and ``bgcolor``. Its background is the nearest one
likewise, a transparent one over what is behind it. Texts over images and gradients, and hidden ones, are left
out. A rule of a ``<style>`` counts if it holds without conditions; for the dark scheme also inside of
``@media (prefers-color-scheme: dark)``. What mail programs invert by themselves cannot be computed.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from aerogram.checks.mail import styles
from aerogram.checks.rules.rule import Finding, Rule
from aerogram.inlining.css import read_declarations, tokens
from aerogram.plaintext.style import Scope, is_seen, read_style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aerogram.checks.mail import KeptRule, Mail
    from aerogram.document import Element

__all__ = ["CHECKS", "RULES"]

RULES = (
    Rule("contrast", "warning", "Text is hard to read on its background (below 4.5:1)."),
    Rule("contrast-dark", "warning", "Text is hard to read in the mail's own dark scheme."),
)

_LEAST, _LEAST_LARGE = 4.5, 3.0  # WCAG 2.2, success criterion 1.4.3
_NAMES = """
color background background-color background-image display visibility opacity overflow font-size font-weight
height max-height width max-width
"""
_PROPERTIES = frozenset(_NAMES.split())
_SCREEN = r"@media\s*(?:(?:only\s+)?(?:screen|all)"
_DARK = re.compile(rf"{_SCREEN}\s+and\s*)?\(\s*prefers-color-scheme\s*:\s*dark\s*\)\s*", re.IGNORECASE)
_LIGHT = re.compile(rf"{_SCREEN}\s*)?", re.IGNORECASE)
_SIZE = re.compile(r"([\d.]+)(px|pt|em|rem|%)")
_BOLD_TAGS = ("b", "strong", "th", "h1", "h2", "h3")
_BOLD = re.compile("bold|bolder|[7-9]00|1000")
Color = tuple[float, float, float]
Declared = dict[str, str]


class Look(NamedTuple):
    """The colours and sizes that an element passes to its text; ``background`` is ``None`` over images."""

    color: Color = (0.0, 0.0, 0.0)
    background: Color | None = (1.0, 1.0, 1.0)
    size: float = 16.0  # pixels
    is_bold: bool = False
    link: str = "#0000ee"

    @property
    def least(self) -> float:
        """The lowest acceptable contrast ratio."""
        return _LEAST_LARGE if self.size >= 24 or (self.is_bold and self.size >= 18.66) else _LEAST


# What a browser begins with where the mail says that it has a dark scheme.
_DARK_LOOK = Look((1.0, 1.0, 1.0), (0x12 / 255,) * 3, link="#9e9eff")


def contrasts(mail: Mail) -> Iterator[Finding]:
    """Yield each pair of colours that is hard to read, at the first text that has it."""
    schemes = [("contrast", "The"), ("contrast-dark", "In the dark scheme the")]
    for code, beginning in schemes if any(map(_is_dark, mail.kept_rules)) else schemes[:1]:
        seen = set()
        for number, root in enumerate(mail.roots):
            is_dark = code != "contrast"
            begun = _DARK_LOOK if is_dark and _has_dark_scheme(mail, root) else Look()
            for element, text, look in _texts(root, _changes(mail, number, is_dark=is_dark), begun):
                pair = look.color, look.background
                if look.background is None or pair in seen:
                    continue
                ratio = _ratio(look.color, look.background)
                if round(ratio, 2) < look.least:
                    seen.add(pair)
                    colors = f"{_hex(look.color)} on {_hex(look.background)}"
                    shown = repr(" ".join(text.split())[:40])
                    words = (
                        f"{beginning} text {shown} is {colors}: {ratio:.2f}:1, and readers need "
                        f"{look.least}:1. Use a darker or lighter colour."
                    )
                    yield Finding(code, words, element)


def _has_dark_scheme(mail: Mail, root: Element) -> bool:
    """Return whether texts without a colour become light in the dark scheme (``color-scheme``)."""
    metas = [
        meta.get("content", "")
        for meta in root.iter("meta")
        if meta.get("name", "").lower() == "color-scheme"
    ]
    kept = [
        each.value for rule in mail.kept_rules for each in rule.declarations if each.name == "color-scheme"
    ]
    own = [styles(each).get("color-scheme", "") for each in (root, *root.iter("body"))]
    return any("dark" in value.lower() for value in (*metas, *kept, *own))


def _is_dark(rule: KeptRule) -> bool:
    return len(rule.around) == 1 and _DARK.fullmatch(rule.around[0]) is not None


def _changes(mail: Mail, number: int, *, is_dark: bool) -> dict[Element, Declared]:
    """Return what the rules kept in the sheets set, overriding the style attribute or in addition to it."""
    found: dict[Element, dict[str, tuple[tuple[bool, tuple[int, int, int], int], str]]] = {}
    index = mail.indexes[number]
    for order, rule in enumerate(mail.kept_rules):
        is_light = not rule.around or (len(rule.around) == 1 and _LIGHT.fullmatch(rule.around[0]) is not None)
        wanted = [each for each in rule.declarations if each.name in _PROPERTIES]
        if not wanted or not (is_light or (is_dark and _is_dark(rule))):
            continue
        for selector in rule.selectors:
            if not (selector.is_static and selector.is_valid and selector.is_element):
                continue
            for element in index.find(selector):
                own = styles(element)
                declared = found.setdefault(element, {})
                for name, value, important in wanted:
                    if name in own and (not important or name in _important(element.get("style", ""))):
                        continue
                    rank = important, selector.specificity, order
                    if name not in declared or declared[name][0] <= rank:
                        declared[name] = rank, value
    return {
        element: {name: value for name, (_, value) in sorted(declared.items(), key=lambda each: each[1][0])}
        for element, declared in found.items()
    }


@lru_cache(maxsize=1024)
def _important(style: str) -> frozenset[str]:
    found = read_declarations(style) if "!" in style else ()
    return frozenset(each.name for each in found if each.important)


def _texts(
    root: Element, changes: dict[Element, Declared], begun: Look
) -> Iterator[tuple[Element, str, Look]]:
    body = root.find("body")
    todo = [] if body is None else [(body, begun, Scope())]
    while todo:
        element, outer, around = todo.pop()
        if not isinstance(element.tag, str):
            continue
        declared = {**styles(element), **changes.get(element, {})}
        style = read_style(";".join(f"{name}:{value}" for name, value in declared.items()))
        if not is_seen(element, style):
            continue
        look = _look(element, outer, declared)
        scope = around.inside(element, element.tag, style)
        for text in (element.text, *(child.tail for child in element)) if scope.shows_text else ():
            if (text or "").strip():
                yield element, text, look
        todo += [(child, look, scope) for child in reversed(element)]


def _look(element: Element, outer: Look, declared: Declared) -> Look:
    color, background = outer.color, outer.background
    attribute = element.get("bgcolor")
    if attribute and (found := _over(_color(attribute), background)):
        background = found
    if element.get("background"):
        background = None
    tag = element.tag
    given = element.get("text") if tag == "body" else element.get("color") if tag == "font" else None
    given = given or (outer.link if tag == "a" and element.get("href") else None)
    values = {"color": given, **declared} if given else declared
    for name, value in values.items():
        if name == "color" and value:
            color = _over(_color(value), background or outer.color) or color
        elif name in ("background", "background-color", "background-image"):
            background = _background(value, background, outer.background)
    if values.get("color"):  # again, as the background is known now
        color = _over(_color(values["color"]), background or color) or color
    weight = values.get("font-weight")
    is_bold = outer.is_bold or tag in _BOLD_TAGS if weight is None else bool(_BOLD.fullmatch(weight))
    size = _size(values.get("font-size", ""), outer.size)
    return Look(color, background, size, is_bold, outer.link)


def _background(value: str, background: Color | None, behind: Color | None) -> Color | None:
    lowered = value.lower()
    if "url(" in lowered or "gradient(" in lowered or "image-set(" in lowered:
        return None
    for part in _parts(value):
        if (found := _color(part)) is not None:
            return _over(found, behind) if found[3] < 1 else found[:3]
    return behind if lowered in ("none", "initial", "unset") else background


@lru_cache(maxsize=1024)
def _parts(value: str) -> tuple[str, ...]:
    return tuple(token.serialize() for token in tokens(value) if token.type in ("ident", "hash", "function"))


@lru_cache(maxsize=1024)
def _color(text: str) -> tuple[float, float, float, float] | None:
    from tinycss2.color4 import parse_color

    color = parse_color(text) or (parse_color(f"#{text}") if re.fullmatch("[0-9a-fA-F]{6}", text) else None)
    if color is None or color == "currentcolor":
        return None
    try:
        red, green, blue = color.to("srgb").coordinates
    except (NotImplementedError, ValueError):
        return None
    return (float(red or 0), float(green or 0), float(blue or 0), float(color.alpha))


def _over(color: tuple[float, float, float, float] | None, behind: Color | None) -> Color | None:
    """Return a colour composited over another; ``None`` if it is unknown."""
    if color is None or (behind is None and color[3] < 1):
        return None
    alpha, (red, green, blue) = color[3], behind or (0.0, 0.0, 0.0)
    return (
        color[0] * alpha + red * (1 - alpha),
        color[1] * alpha + green * (1 - alpha),
        color[2] * alpha + blue * (1 - alpha),
    )


def _size(value: str, outer: float) -> float:
    found = _SIZE.fullmatch(value.strip().lower())
    if found is None or found[1].count(".") > 1 or found[1] == ".":
        return outer
    number = float(found[1])
    return number * {"px": 1, "pt": 4 / 3, "em": outer, "rem": 16, "%": outer / 100}[found[2]]


def _ratio(one: Color, other: Color) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2, section "contrast ratio")."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
        for part in (min(1.0, max(0.0, each)) for each in color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _hex(color: Color) -> str:
    return "#" + "".join(f"{round(min(1.0, max(0.0, part)) * 255):02x}" for part in color)


CHECKS = (contrasts,)
