"""The features of CSS and HTML that a mail uses, named as in the data of caniemail.com."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from aerogram.checks.clients.support import feature_slugs
from aerogram.inlining.css import read_declarations, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aerogram.checks.mail import Mail
    from aerogram.document import Element

__all__ = ["Use", "known_properties", "used_features"]

_NO_PROPERTIES = re.compile(r"css-(?:at-|pseudo-|selector-|unit-|function-|display-|flex-(?:direction|wrap))")
_GROUPS = {  # properties that share an entry
    "css-block-inline-size": "block-size inline-size",
    "css-border-inline-block": "border-inline border-block",
    "css-border-inline-block-individual": "border-block-end border-block-start border-inline-end"
    " border-inline-start",
    "css-border-inline-block-longhand": "border-block-color border-block-style border-block-width"
    " border-inline-color border-inline-style border-inline-width",
    "css-border-radius-logical": "border-end-end-radius border-end-start-radius border-start-end-radius"
    " border-start-start-radius",
    "css-column-layout-properties": "columns column-count column-fill column-rule column-rule-color"
    " column-rule-style column-rule-width column-span column-width",
    "css-gap": "gap column-gap row-gap",
    "css-grid-template": "grid-template grid-template-areas grid-template-columns grid-template-rows",
    "css-left-right-top-bottom": "left right top bottom",
    "css-margin-block-start-end": "margin-block-start margin-block-end",
    "css-margin-inline-block": "margin-inline margin-block",
    "css-margin-inline-start-end": "margin-inline-start margin-inline-end",
    "css-padding-block-start-end": "padding-block-start padding-block-end",
    "css-padding-inline-block": "padding-inline padding-block",
    "css-padding-inline-start-end": "padding-inline-start padding-inline-end",
    "css-inline-size": "inline-size",
    "css-margin": "margin margin-top margin-right margin-bottom margin-left",
    "css-padding": "padding padding-top padding-right padding-bottom padding-left",
    "css-border": "border border-top border-right border-bottom border-left",
}
_PROPERTIES: dict[str, set[str]] = {}
for _slug, _names in _GROUPS.items():
    for _name in _names.split():
        _PROPERTIES.setdefault(_name, set()).add(_slug)
_PAIRS = {
    ("display", "flex"): "css-display-flex",
    ("display", "inline-flex"): "css-display-flex",
    ("display", "grid"): "css-display-grid",
    ("display", "inline-grid"): "css-display-grid",
    ("display", "none"): "css-display-none",
    ("flex-direction", "column"): "css-flex-direction",
    ("flex-wrap", "wrap"): "css-flex-wrap",
}
_FUNCTIONS = {
    name: f"css-{name}" for name in ("conic-gradient", "linear-gradient", "radial-gradient", "rgb", "rgba")
}
_FUNCTIONS |= {name: f"css-function-{name}" for name in ("clamp", "light-dark", "max", "min")}
_FUNCTIONS |= dict.fromkeys(("lab", "lch", "oklab", "oklch"), "css-modern-color")
_FUNCTIONS |= {"calc": "css-unit-calc", "var": "css-variables"}
_KEYWORDS = dict.fromkeys(("fit-content", "max-content", "min-content"), "css-intrinsic-size")
_KEYWORDS |= dict.fromkeys(
    ("system-ui", "ui-monospace", "ui-rounded", "ui-sans-serif", "ui-serif"), "css-sytem-ui"
)
_KEYWORDS["initial"] = "css-unit-initial"
_MEDIA = {
    "prefers-color-scheme": "css-at-media-prefers-color-scheme",
    "prefers-reduced-motion": "css-at-media-prefers-reduced-motion",
    "orientation": "css-at-media-orientation",
    "device-pixel-ratio": "css-at-media-device-pixel-ratio",
    "hover": "css-at-media-hover",
}
_SEMANTIC = "article aside details figcaption figure footer header main mark nav section summary time"
_ELEMENTS = dict.fromkeys(_SEMANTIC.split(), "html-semantics")
_ELEMENTS |= dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "html-h1-h6")
_ELEMENTS |= dict.fromkeys(("ul", "ol", "dl"), "html-lists")
_ELEMENTS |= {"map": "html-image-maps", "svg": "html-svg"}
_ATTRIBUTES = {"loading": "html-loading-attribute", "srcset": "html-srcset", "sizes": "html-srcset"}
_FORMATS = {"jpeg": "jpg", "heic": "heif", "tif": "tiff", "svg+xml": "svg"}
_IMAGE = re.compile(r"[^?#]*\.([a-z]+)(?:[?#]|$)", re.IGNORECASE)
_DATA = re.compile(r"\s*data:image/([a-z+]+)", re.IGNORECASE)
_LOADING = ("img", "source", "image", "input")


@cache
def known_properties() -> frozenset[str]:
    """Return the names of all CSS properties in the data."""
    found = {slug.removeprefix("css-") for slug in feature_slugs() if slug.startswith("css-")}
    return frozenset({name for name in found if not _NO_PROPERTIES.match(f"css-{name}")}.union(_PROPERTIES))


class Use(NamedTuple):
    """The first place of a feature, and whether every mail program reads it (it is outside of ``@media``)."""

    place: Any  # the element, or the text of a sheet
    is_unconditional: bool


def used_features(mail: Mail) -> dict[str, Use]:
    """Return the features that the HTML and its CSS use, each with its first place."""
    known = feature_slugs()
    found: dict[str, Use] = {}

    def add(slugs: frozenset[str] | set[str], place: Any, *, always: bool = True) -> None:
        for slug in slugs:
            if slug in known and (slug not in found or (always and not found[slug].is_unconditional)):
                found[slug] = Use(place, always)

    for element in mail.elements:
        if element.tag in ("html", "head", "body") and not mail.is_page:
            continue  # the parser has added them
        add(_of_element(element), element)
        if style := element.get("style"):
            add(_of_style(style) if len(style) < 2_000 else _of_style.__wrapped__(style), element)
    if any("/*" in sheet for sheet in mail.sheets):
        add({"css-comments"}, "/*")
    for rule in mail.kept_rules:
        conditions = [each for each in rule.around if each.startswith("@")]
        add(_of_conditions(rule.around), rule.around[0] if rule.around else "")
        always = not conditions
        if rule.prelude:
            add(_of_selectors(rule.prelude), rule.prelude, always=always)
        for name, value, important in rule.declarations:
            slugs = _of_declaration(name, value) | ({"css-important"} if important else set())
            add(slugs, rule.prelude or rule.around[-1], always=always)
    return found


@lru_cache(maxsize=4096)
def _of_style(style: str) -> frozenset[str]:
    found = read_declarations(style)
    slugs = {slug for name, value, _ in found for slug in _of_declaration(name, value)}
    return frozenset(slugs | ({"css-important"} if any(each.important for each in found) else set()))


@lru_cache(maxsize=4096)
def _of_declaration(name: str, value: str) -> frozenset[str]:
    """Return the features of one declaration."""
    found = set(_PROPERTIES.get(name, ()))
    if name.startswith("--"):
        found.add("css-variables")
    elif not _NO_PROPERTIES.match(f"css-{name}"):
        found.add(f"css-{name}")
    elif name == "display":
        found.add("css-display")
    if pair := _PAIRS.get((name, value.lower())):
        found.add(pair)
    return frozenset(found.union(_of_values(tokens(value))))


def _of_values(values: Any) -> Iterator[str]:
    for token in values:
        kind = token.type
        if kind == "dimension":
            yield f"css-unit-{token.lower_unit}"
        elif kind == "percentage":
            yield "css-unit-percent"
        elif kind == "ident" and token.lower_value in _KEYWORDS:
            yield _KEYWORDS[token.lower_value]
        elif kind == "url":
            yield from _of_image(token.value)
        elif kind == "function":
            if token.lower_name in _FUNCTIONS:
                yield _FUNCTIONS[token.lower_name]
            if token.lower_name == "url":
                yield from (
                    slug
                    for part in token.arguments
                    if part.type == "string"
                    for slug in _of_image(part.value)
                )
            yield from _of_values(token.arguments)


def _of_image(url: str) -> set[str]:
    if data := _DATA.match(url):
        return {"image-base64", _format(data[1])}
    path = _IMAGE.match(url.strip())
    return {_format(path[1])} if path else set()


def _format(name: str) -> str:
    return f"image-{_FORMATS.get(name.lower(), name.lower())}"


@lru_cache(maxsize=256)
def _of_conditions(around: tuple[str, ...]) -> frozenset[str]:
    """Return the features of the at-rules around a rule."""
    found = set()
    for prelude in around:
        keyword, _, condition = prelude.partition(" ")
        keyword = keyword.lower().split("(")[0].replace("@-webkit-", "@").replace("@-moz-", "@")
        found.add(f"css-at-{keyword[1:]}")
        if keyword == "@media":
            found |= {slug for word, slug in _MEDIA.items() if word in (condition or prelude).lower()}
    return frozenset(found)


@lru_cache(maxsize=4096)
def _of_selectors(prelude: str) -> frozenset[str]:
    """Return the features of the selectors of a rule."""
    found = set()
    classes = 0  # of one element
    before: Any = None  # the token before
    is_apart = False  # by white space
    for token in tokens(prelude):
        kind = token.type
        if kind == "whitespace":
            is_apart = True
            continue
        is_combinator = kind == "literal" and token.value in _COMBINATORS
        if is_apart:
            if before is not None and before not in _COMBINATORS and not is_combinator:
                found.add("css-selector-descendant")
                classes = 0
            before, is_apart = kind, False
        if kind == "literal" and token.value in _LITERALS:
            found.add(_LITERALS[token.value])
        elif kind == "ident" and before == ".":
            classes += 1
            found |= {"css-selector-class", *(["css-selector-chaining"] if classes > 1 else [])}
        elif kind in ("ident", "function") and before == ":":
            name = token.lower_value if kind == "ident" else token.lower_name
            found |= {f"css-pseudo-class-{name}", f"css-pseudo-element-{name}"}
        elif kind in _SIMPLE_SELECTORS:
            found.add(_SIMPLE_SELECTORS[kind])
        before = token.value if kind == "literal" else kind
        if is_combinator:
            classes = 0
    return frozenset(found)


_COMBINATORS = frozenset(">+~,")
_SIMPLE_SELECTORS = {
    "ident": "css-selector-type",
    "hash": "css-selector-id",
    "[] block": "css-selector-attribute",
}
_LITERALS = {
    ">": "css-selector-child",
    "+": "css-selector-adjacent-sibling",
    "~": "css-selector-general-sibling",
    ",": "css-selector-grouping",
    "*": "css-selector-universal",
    "&": "css-nesting",
}


def _of_element(element: Element) -> set[str]:
    tag = element.tag
    found = {_ELEMENTS.get(tag, f"html-{tag}")}
    attributes = element.attrib
    for name in attributes:
        if name not in ("style", "class"):
            found.add(_ATTRIBUTES.get(name, f"html-{name}"))
    if tag in ("input", "button"):
        found = {slug for slug in found if slug != "html-button"} | {
            f"html-{tag}-{attributes.get('type', '').lower()}"
        }
    elif tag == "meta" and attributes.get("name", "").lower() == "color-scheme":
        found.add("html-meta-color-scheme")
    elif tag == "a" and (href := attributes.get("href", "").strip().lower()):
        found |= {"html-mailto-links"} if href.startswith("mailto:") else set()
        found |= {"html-anchor-links"} if href.startswith("#") and len(href) > 1 else set()
    elif tag in _LOADING and "src" in attributes:
        found |= _of_image(attributes["src"])
    if tag in ("img", "source") and "srcset" in attributes:
        for piece in attributes["srcset"].split(","):
            found |= _of_image(piece.split()[0]) if piece.split() else set()
    return found
