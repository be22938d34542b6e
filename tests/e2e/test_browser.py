"""Every example mail, and a page of all components, in a real browser: phone and desktop, light and dark."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from aerogram.inlining import inline_css
from aerogram.templating import Templates
from tests.sample_mail import KIT, example_messages, html_of
from tests.templating.test_templates import contrast

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

WIDTHS = (320, 375, 1280)
BREAKING = re.compile(r"(?<![\w-])(?:overflow-wrap|word-break|white-space)\s*:[^;\"'}]*;?")

CONTRASTS = """() => {
    const channels = text => text.match(/[\\d.]+/g).map(Number);
    const luminance = ([r, g, b]) => {
        const [red, green, blue] = [r, g, b].map(c => c / 255)
            .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const background = element => {
        for (let e = element; e; e = e.parentElement) {
            const color = channels(getComputedStyle(e).backgroundColor);
            if (color.length === 3 || color[3] > 0) return color;
        }
        return [255, 255, 255];
    };
    const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode, element = text.parentElement;
        if (!text.data.trim() || element.getClientRects().length === 0) continue;
        const pair = [channels(getComputedStyle(element).color), background(element)].map(luminance);
        found.push([(Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05), text.data.trim().slice(0, 40)]);
    }
    return found;
}"""
"""The contrast ratio of WCAG 2 between each visible text and what is behind it."""


LONE_LINKS = """() => [...document.querySelectorAll('a')]
    .filter(a => a.parentElement.innerText.trim() === a.innerText.trim() || a.closest('.links'))
    .map(a => [a.innerText, a.getBoundingClientRect().height])"""
"""The label and height of each link that is no part of a sentence."""


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The HTML part of each mail as a file."""
    folder = tmp_path_factory.mktemp("mail")
    sources = {name: html_of(message) for name, (_, message) in example_messages().items()}
    for direction in ("ltr", "rtl"):
        environment = Templates(shared={"site_name": "Halyard", "base_url": "https://halyard.example"})
        page = environment.html_environment.from_string(KIT)
        sources[f"kit {direction}"] = inline_css(page.render(direction=direction, language="en"))
    files = {name: folder / f"{number}.html" for number, name in enumerate(sources)}
    for name, file in files.items():
        file.write_text(sources[name], encoding="utf-8")
    return files


def test_every_mail_fits_runs_quietly_and_can_be_read(page: Page, documents: dict[str, Path]) -> None:
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"{page.url}: {error}"))
    page.on("request", lambda request: asked.append(request.url))
    too_wide, too_pale = [], []
    for name, file in documents.items():
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.goto(file.as_uri())
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 700})
                if page.evaluate("document.documentElement.scrollWidth") > width:
                    too_wide.append((name, width))
            contrasts = page.evaluate(CONTRASTS)
            assert len(contrasts) > 4, f"{name}: no text was seen"
            too_pale += [(name, scheme, ratio, text) for ratio, text in contrasts if ratio < 4.5]
    assert too_wide == []
    assert too_pale == []
    assert said == []
    assert set(asked) == {file.as_uri() for file in documents.values()}


def test_a_long_url_widens_no_mail_where_only_old_properties_break_words(
    page: Page, documents: dict[str, Path], tmp_path: Path
) -> None:
    """Yahoo, GMX and web.de know neither ``overflow-wrap`` nor ``word-break``, Samsung no ``white-space``."""
    page.set_viewport_size({"width": 375, "height": 700})
    mail = tmp_path / "mail.html"
    too_wide = {}
    for name, file in documents.items():
        mail.write_text(BREAKING.sub("", file.read_text("utf-8")), encoding="utf-8")
        page.goto(mail.as_uri())
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 375:
            too_wide[name] = width
    assert too_wide == {}


def test_links_that_stand_alone_can_be_hit_with_a_thumb(page: Page, documents: dict[str, Path]) -> None:
    page.set_viewport_size({"width": 375, "height": 700})
    found = []
    for name, file in documents.items():
        page.goto(file.as_uri())
        found += [(name, *link) for link in page.evaluate(LONE_LINKS)]
    assert len(found) > 30
    assert [link for link in found if link[2] < 44] == []


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_buttons_stand_out_in_both_schemes(page: Page, documents: dict[str, Path], direction: str) -> None:
    """WCAG 1.4.11: the shape of a button has a contrast of 3 to what is around it."""
    for name in ("order_receipt-two articles", f"kit {direction}"):
        page.goto(documents[name].as_uri())
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            card = style(page, ".card", "backgroundColor")
            assert ratio(style(page, ".button", "backgroundColor"), card) >= 3, (name, scheme)
            for border in page.locator(".secondary").all():
                color = border.evaluate("e => getComputedStyle(e).borderTopColor")
                assert ratio(color, card) >= 3, (name, scheme)


def test_values_from_the_left_keep_their_order_in_a_mail_from_the_right(
    page: Page, documents: dict[str, Path]
) -> None:
    page.goto(documents["kit rtl"].as_uri())
    directions = {
        style(page, selector, "direction")
        for selector in (".value div", ".data td.num", ".panel .figure span[dir]")
    }
    assert directions == {"ltr"}
    assert style(page, ".card p", "direction") == "rtl"


def test_a_logo_has_a_variant_for_dark_mode(page: Page, tmp_path: Path) -> None:
    source = (
        '{% extends "aerogram/base.html" %}{% from "aerogram/components.html" import image, logo %}'
        '{% block logo %}{{ logo("light.png", "Halyard", 140, 32, dark="dark.png") }}{% endblock %}'
        '{% block content %}{{ image("boat.png", "A boat", 1040, 300) }}{% endblock %}'
    )
    mail = tmp_path / "logo.html"
    environment = Templates(shared={"site_name": "Halyard", "base_url": ""}).html_environment
    mail.write_text(inline_css(environment.from_string(source).render()), encoding="utf-8")
    page.set_viewport_size({"width": 375, "height": 700})
    page.goto(mail.as_uri())
    light, dark = page.locator(".header img.light"), page.locator(".header img.dark")
    assert (light.is_visible(), dark.is_visible()) == (True, False)
    page.emulate_media(color_scheme="dark")
    assert (light.is_visible(), dark.is_visible()) == (False, True)
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    assert style(page, ".image img", "display") == "block"


def style(page: Page, selector: str, name: str) -> str:
    value = page.locator(selector).first.evaluate("(e, name) => getComputedStyle(e)[name]", name)
    assert isinstance(value, str)
    return value


def ratio(one: str, other: str) -> float:
    """Return the contrast ratio of WCAG 2 between two computed colours."""
    colors = [
        "#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", color)) for color in (one, other)
    ]
    return contrast(*colors)


def test_dark_rules_beat_the_inlined_ones(page: Page, documents: dict[str, Path]) -> None:
    page.goto(documents["kit ltr"].as_uri())
    light = {
        selector: style(page, selector, "backgroundColor") for selector in (".backdrop", ".card", ".panel")
    }
    assert light[".card"] == "rgb(255, 255, 255)"
    page.emulate_media(color_scheme="dark")
    dark = {selector: style(page, selector, "backgroundColor") for selector in light}
    assert dark == {
        ".backdrop": "rgb(15, 17, 21)",
        ".card": "rgb(25, 28, 34)",
        ".panel": "rgb(34, 38, 46)",
    }
    assert style(page, ".card h1", "color") == "rgb(243, 244, 246)"
    assert style(page, ".card .small", "color") == "rgb(167, 174, 187)"


def test_the_card_is_narrow_and_centred_on_a_desk_and_wide_on_a_phone(
    page: Page, documents: dict[str, Path]
) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(documents["order_receipt-two articles"].as_uri())
    card, button = page.locator(".card").bounding_box(), page.locator(".button a").bounding_box()
    assert card is not None
    assert button is not None
    assert card["width"] == 600
    assert card["x"] == (1280 - 600) / 2
    assert button["width"] < 300
    page.set_viewport_size({"width": 375, "height": 700})
    card, button = page.locator(".card").bounding_box(), page.locator(".button a").bounding_box()
    assert card is not None
    assert button is not None
    assert card["width"] == 375 - 2 * 8
    assert button["width"] > 300, "as wide as the text, for a thumb"
    assert button["height"] >= 44


def test_a_mail_from_the_right_is_mirrored(page: Page, documents: dict[str, Path]) -> None:
    page.set_viewport_size({"width": 375, "height": 700})
    page.goto(documents["kit rtl"].as_uri())
    label = page.locator(".details th").first.bounding_box()
    value = page.locator(".details td").first.bounding_box()
    assert label is not None
    assert value is not None
    assert label["x"] > value["x"]
    assert style(page, ".header", "textAlign") == "right"
    assert style(page, ".log", "direction") == "ltr"


def test_the_preheader_is_never_seen(page: Page, documents: dict[str, Path]) -> None:
    page.goto(documents["kit ltr"].as_uri())
    assert page.locator(".preheader").count() == 1
    assert not page.locator(".preheader").is_visible()


def test_outlook_dark_mode_finds_its_rules(page: Page, documents: dict[str, Path]) -> None:
    """Outlook on the web marks what it recoloured with data-ogsc (text) and data-ogsb (background)."""
    page.goto(documents["kit ltr"].as_uri())
    page.evaluate(
        "for (const mark of ['data-ogsc', 'data-ogsb']) document.documentElement.setAttribute(mark, '')"
    )
    assert style(page, ".card", "backgroundColor") == "rgb(25, 28, 34)"
    assert style(page, ".card h1", "color") == "rgb(243, 244, 246)"
    assert [text for ratio, text in page.evaluate(CONTRASTS) if ratio < 4.5] == []
