"""What survived inlining works where it is shown: computed styles in Chromium, phones and dark scheme."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aerogram.inlining import inline_css

if TYPE_CHECKING:
    from playwright.sync_api import Page

MAIL = """<!doctype html><html lang="en" dir="ltr"><head><style>
p { color: rgb(1, 0, 0); margin: 3px; width: calc(100px + 20px) }
.wins { color: rgb(2, 0, 0) !important }
#strong { color: rgb(3, 0, 0) }
h1 { margin-top: 9px }
h1 { margin: 0 }
td { padding: 4px }
@font-face { font-family: Kept; src: url(data:font/woff2;base64,AAAA) }
a:hover { color: rgb(9, 0, 0) }
@media (max-width: 600px) {
  p { color: rgb(0, 1, 0) }
  .wins { color: rgb(0, 2, 0) }
  #strong { color: rgb(0, 3, 0) !important }
  td { display: block; padding: 8px !important }
}
@media (prefers-color-scheme: dark) {
  p, .wins { background-color: rgb(0, 0, 1) !important }
  #plain { color: rgb(0, 0, 2) !important }
  body { background-color: rgb(0, 0, 9) }
}
</style></head><body style="background-color: rgb(9, 9, 9)">
<p id="plain">x</p><p id="wins" class="wins">x</p><p id="strong">x</p>
<p id="inline" style="color: rgb(4, 0, 0); background-color: rgb(4, 4, 4)">x</p>
<p id="sealed" style="color: rgb(5, 0, 0) !important">x</p><h1 id="head">x</h1>
<table><tr><td id="cell">x</td></tr></table><a id="link" href="#">x</a></body></html>"""
ESCAPED = r"""<!doctype html><html><head><style>
.w-1\/2 { width: 50% } .p-1\.5 { padding: 6px } .text-\[14px\] { color: rgb(1, 0, 0) }
.sm\:p-4 { padding: 16px }
table.w-1\/2 td { color: rgb(2, 0, 0) }
@media (max-width: 600px) { .sm\:w-full { width: 100% !important } .p-1\.5 { margin: 9px } }
</style></head><body><div id="a" class="w-1/2 p-1.5 text-[14px] sm:w-full">a</div>
<p id="b" class="sm:p-4">b</p>
<table class="w-1/2 sm:w-full" id="c"><tr><td id="d">x</td></tr></table></body></html>"""
SCHEMES = """<!doctype html><html><head><style>
:root { color-scheme: light dark }
@media (prefers-color-scheme: dark) { td { color: rgb(9, 9, 9) } #late { color: rgb(8, 8, 8) } }
td { color: rgb(1, 1, 1) } p::before { color: rgb(7, 7, 7); content: "x" }
.x > tbody > tr > td { padding: 4px }
:lang(ar) p { color: rgb(6, 6, 6) }
</style></head><body><table class="x"><tr><td id="cell">x</td>
<td id="own" style="padding: 1px">y</td></tr></table>
<p id="late" style="color: rgb(5, 5, 5)">z</p><div lang="ar"><p id="arabic">z</p></div></body></html>"""
PHONE, DESK = {"width": 375, "height": 700}, {"width": 1000, "height": 700}
PROPERTIES = ["color", "marginTop", "width", "display", "paddingTop", "backgroundColor"]


def computed(page: Page, html: str) -> dict[str, list[str]]:
    """Return the computed style of every element that has an id, and of the body."""
    page.set_content(html)
    found: dict[str, list[str]] = page.evaluate(
        """properties => Object.fromEntries([document.body, ...document.querySelectorAll("[id]")].map(
            element => [element.id, properties.map(name => getComputedStyle(element)[name])]))""",
        PROPERTIES,
    )
    return found


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("mail", [MAIL, ESCAPED, SCHEMES], ids=["mail", "escaped", "schemes"])
def test_every_computed_style_is_what_the_sheet_gave(
    shared_page: Page, mail: str, viewport: dict[str, int], scheme: str
) -> None:
    shared_page.set_viewport_size(viewport)  # type: ignore[arg-type]  # a plain dict is what it takes
    shared_page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the accepted words
    assert computed(shared_page, inline_css(mail)) == computed(shared_page, mail)


def test_dark_and_phone_rules_have_an_effect_at_all(shared_page: Page) -> None:
    html = inline_css(MAIL)
    shared_page.set_viewport_size(PHONE)
    shared_page.emulate_media(color_scheme="dark")
    found = computed(shared_page, html)
    assert found["plain"][0] == "rgb(0, 0, 2)"
    assert found["cell"][3:5] == ["block", "8px"]
    assert found["inline"][5] == "rgb(0, 0, 1)"


def test_the_page_is_in_standards_mode_and_keeps_its_font_and_hover(shared_page: Page) -> None:
    shared_page.set_content(inline_css(MAIL))
    assert shared_page.evaluate("document.compatMode") == "CSS1Compat"
    shared_page.hover("#link")
    assert shared_page.evaluate("getComputedStyle(document.getElementById('link')).color") == "rgb(9, 0, 0)"
    assert shared_page.evaluate("[...document.fonts].map(font => font.family)") == ["Kept"]
