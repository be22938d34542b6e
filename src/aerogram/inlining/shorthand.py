"""Shorthand properties and the longhands they set, by the CSS modules that define them."""

from __future__ import annotations

from functools import cache

_SIDES = ("top", "right", "bottom", "left")
_CORNERS = ("top-left", "top-right", "bottom-right", "bottom-left")
_PARTS = {  # the last word of each longhand, behind the shorthand's name
    "animation": "name duration timing-function delay iteration-count direction fill-mode play-state",
    "background": "color image position position-x position-y size repeat origin clip attachment",
    "border-image": "source slice width outset repeat",
    "column-rule": "width style color",
    "font": "style variant weight stretch size family size-adjust kerning",
    "list-style": "type position image",
    "margin": "top right bottom left",
    "outline": "width style color",
    "overflow": "x y",
    "padding": "top right bottom left",
    "text-decoration": "line style color thickness",
    "text-emphasis": "style color",
    "transition": "property duration timing-function delay",
}
_LISTED: dict[str, tuple[str, ...]] = {
    "background-position": ("background-position-x", "background-position-y"),
    "border-radius": tuple(f"border-{corner}-radius" for corner in _CORNERS),
    "columns": ("column-count", "column-width"),
    "flex": ("flex-basis", "flex-grow", "flex-shrink"),
    "flex-flow": ("flex-direction", "flex-wrap"),
    "font": ("line-height",),
    "gap": ("column-gap", "row-gap"),
    "grid": ("grid-template", "grid-template-rows", "grid-template-columns", "grid-template-areas"),
    "grid-area": ("grid-row-start", "grid-row-end", "grid-column-start", "grid-column-end"),
    "grid-column": ("grid-column-start", "grid-column-end"),
    "grid-row": ("grid-row-start", "grid-row-end"),
    "inset": _SIDES,
    "place-content": ("align-content", "justify-content"),
    "place-items": ("align-items", "justify-items"),
    "place-self": ("align-self", "justify-self"),
}
_UNTOUCHED_BY_ALL = ("direction", "unicode-bidi")


def are_related(one: str, other: str) -> bool:
    """Return whether two properties set a common longhand, as margin and margin-top do."""
    if one == other:
        return True
    if "all" in (one, other):
        rest = other if one == "all" else one
        return rest not in _UNTOUCHED_BY_ALL and not rest.startswith("--")
    longhands = _longhands()
    return not longhands.get(one, {one}).isdisjoint(longhands.get(other, {other}))


@cache
def _longhands() -> dict[str, frozenset[str]]:
    """Return what each shorthand sets, itself included."""
    sets: dict[str, set[str]] = {name: set(parts) for name, parts in _LISTED.items()}
    for name, parts in _PARTS.items():
        sets.setdefault(name, set()).update(f"{name}-{part}" for part in parts.split())
    line = ("width", "style", "color")
    for side in _SIDES:
        sets[f"border-{side}"] = {f"border-{side}-{part}" for part in line}
    for part in line:
        sets[f"border-{part}"] = {f"border-{side}-{part}" for side in _SIDES}
    sets["border"] = set().union(
        sets["border-image"], ("border-image",), *(sets[f"border-{part}"] for part in line)
    )
    for name in ("margin", "padding"):
        sets[f"{name}-block"] = {f"{name}-top", f"{name}-bottom"}
        sets[f"{name}-inline"] = {f"{name}-left", f"{name}-right"}
    return {name: frozenset((name, *parts)) for name, parts in sets.items()}
