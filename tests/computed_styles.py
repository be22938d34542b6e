"""What a browser computes for two documents, compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Page

# The window outlives its documents, so what was seen of the first is compared in the browser: megabytes of
# values stay there.
LOOK = """view => {
  const names = [...getComputedStyle(document.documentElement)].filter(name => !name.startsWith("--"));
  const elements = [...document.querySelectorAll("html, body, body *:not(style):not(script)")];
  const read = (element, pseudo) => {
    const style = getComputedStyle(element, pseudo);
    return names.map(name => `${element.tagName}${pseudo} ${name}: ${style.getPropertyValue(name)}`);
  };
  const seen = elements.flatMap(element => [...read(element, ""), ...read(element, "::before")]);
  seen.unshift(`${elements.length} elements`);
  const before = window.seen[view];
  window.seen[view] = seen;
  return before ? seen.map((text, place) => [before[place], text]).filter(([a, b]) => a !== b) : [];
}"""


def differences(page: Page, before: str, after: str, views: Sequence[tuple[str, int]]) -> list[list[str]]:
    """Return each computed property of an element, or of its ``::before``, that is another one after.

    Args:
        page: A tab.
        before: A document.
        after: Another one.
        views: Color schemes and widths in pixels.
    """
    found = []
    page.evaluate("window.seen = {}")
    for html in (before, after):
        page.set_content(html)
        for scheme, width in views:
            page.set_viewport_size({"width": width, "height": 700})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the accepted words
            found += page.evaluate(LOOK, f"{scheme} {width}")
    return found
