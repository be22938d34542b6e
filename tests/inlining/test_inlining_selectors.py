"""Selectors match what CSS says they match, escapes and all; and rules for mail clients are kept for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree
from lxml.cssselect import CSSSelector

from aerogram.conf import settings
from aerogram.inlining import inline_css
from aerogram.inlining.matching import ElementIndex
from aerogram.inlining.properties import may_share_longhand
from aerogram.inlining.selectors import read_selector

if TYPE_CHECKING:
    from collections.abc import Sequence


def style_of(html: str, path: str) -> str | None:
    root = etree.fromstring(html, etree.HTMLParser())
    element = root.find(f".//{path}")
    assert element is not None
    return element.get("style")


# --- escapes ---


LIST = (
    "<!doctype html><ul><li id=a class=x><b></b><li id=b><i><b>1</b></i><!--c--><li id=c class=x>3"
    "<li id=d class=x><!--c--></ul><p id=e></p><p id=f><!--c--></p><p id=g> </p>"
)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (":empty", "d e f"),
        ("li:has(b)", "a b"),
        ("li:has(> b)", "a"),
        ("li:has(> i > b)", "b"),
        ("li:has(i b, + #d)", "b c"),
        ("li:has(~ .x)", "a b c"),
        ("li:has(+ li + .x)", "a b"),
        ("li:not(:has(b))", "c d"),
        ("li:nth-child(2 of .x)", "c"),
        ("li:nth-last-child(1 of .x)", "d"),
        ("li:nth-child(odd of :not(:has(i)))", "a d"),
        ("body:has(li.x ~ #d) p:nth-child(2 of p)", "f"),
        ("li:has(b:hover)", ""),
        ("li:nth-child(1 of :hover)", ""),
    ],
)
def test_what_a_relation_selects_is_inlined(selector: str, expected: str) -> None:
    html = inline_css(f"<style>{selector}[id]{{color:red}}</style>{LIST}")
    root = etree.fromstring(html, etree.HTMLParser())
    assert " ".join(root.xpath("//*[@style]/@id")) == expected
    assert ("<style>" in html) is (":hover" in selector)


@pytest.mark.parametrize(
    ("css", "name"),
    [
        (r".w-1\/2{width:50%}", "w-1/2"),
        (r".p-1\.5{width:50%}", "p-1.5"),
        (r".text-\[14px\]{width:50%}", "text-[14px]"),
        (r"table.w-1\/2 td, p.w-1\/2{width:50%}", "w-1/2"),
        (r".\31 0{width:50%}", "10"),
        (r".a\#b{width:50%}", "a#b"),
        (".größe{width:50%}", "größe"),
        (".😀{width:50%}", "😀"),
    ],
)
def test_an_escaped_class_is_the_class_that_it_spells(css: str, name: str) -> None:
    assert style_of(inline_css(f'<style>{css}</style><p class="{name}">x</p>'), "p") == "width:50%"


def test_an_escaped_class_may_stand_above_others() -> None:
    html = inline_css(
        r"<style>table.w-1\/2 td{color:red}</style><table class='w-1/2'><tr><td>x</td></tr></table>"
    )
    assert style_of(html, "td") == "color:red"


def test_a_class_may_begin_with_two_hyphens() -> None:
    html = inline_css("<style>.--wide { width: 1px }</style><p class='--wide'>x</p>")
    assert style_of(html, "p") == "width:1px"


def test_an_escaped_dot_is_no_class_and_an_escaped_hash_no_id() -> None:
    html = "<style>\\.a { color: red } \\#i { color: red }</style><p class='a' id='i'>x</p>"
    assert "style=" not in inline_css(html)


def test_an_escaped_colon_is_no_pseudo_class() -> None:
    css = r"p{width:1px !important} @media (max-width:600px){.sm\:w-full{width:100%!important}}"
    html = inline_css(f'<style>{css}</style><p class="sm:w-full">x</p>')
    assert r".sm\:w-full{width:100%!important}" in html
    assert style_of(html, "p") == "width:1px"  # a rule of a class is worth more


def test_white_space_in_a_string_is_kept() -> None:
    html = inline_css(
        '<style>p[title="a  b"]{color:red} i[title="a b"]{color:red}</style><p title="a  b">x</p>'
    )
    assert style_of(html, "p") == "color:red"


@pytest.mark.parametrize("engine", ["premailer", "direct"])
@pytest.mark.parametrize(
    "css",
    ["p{_color:red}", "p{color_:red}", "p{color:_red}", "p{color:red_}", "p{color:red_!important}",
     "p_{color:red}", "_p{color:red}", "i,_p{color:red}", "q{top:0}_p{color:red}", "p>_q{color:red}",
     "[class~=k]{color:red}"],
)  # fmt: skip
def test_a_no_break_space_is_a_letter(css: str, engine: str) -> None:
    css = css.replace("_", "\xa0")
    with settings.override(CSS_ENGINE=engine):
        html = inline_css(f"<style>{css}</style><p class='a\xa0k'>x<q>y</q></p>")
    assert 'style="color:red"' not in html


# --- matching ---

_TAGS = st.sampled_from(["div", "p", "b"])
_NAMES = st.sampled_from(["a", "c", "x-y"])


@st.composite
def trees(draw: st.DrawFn, depth: int = 4) -> str:
    tag = draw(_TAGS)
    attributes = ""
    if classes := draw(st.lists(_NAMES, max_size=2)):
        attributes += f' class="{" ".join(classes)}"'
    if draw(st.booleans()):
        attributes += f' id="{draw(_NAMES)}"'
    if draw(st.booleans()):
        attributes += f' title="{draw(st.sampled_from(["", "a", "a c", "a-c", "ca"]))}"'
    inside = "".join(draw(st.lists(trees(depth - 1), max_size=3))) if depth else ""
    return f"<{tag}{attributes}>{inside}<!-- x --></{tag}>"


@st.composite
def compounds(draw: st.DrawFn) -> str:
    words = [draw(st.sampled_from(["div", "p", "b", "*", ""]))]
    words += draw(st.lists(st.one_of(_NAMES.map(".{}".format), _NAMES.map("#{}".format)), max_size=2))
    if draw(st.booleans()):
        operator = draw(st.sampled_from(["=", "~=", "|=", "^=", "$=", "*="]))
        value = draw(st.sampled_from(["a", "'a c'", '"c"', "''"]))
        words.append(f"[title{operator}{value}]" if draw(st.booleans()) else "[ title ]")
    words.append(draw(st.sampled_from(["", "", "", ":first-child", ":last-child"])))
    return "".join(words) or "p"


@st.composite
def selectors(draw: st.DrawFn) -> str:
    parts: Sequence[str] = draw(st.lists(compounds(), min_size=1, max_size=4))
    text = parts[0]
    for part in parts[1:]:
        text += draw(st.sampled_from([" ", " ", ">", " > ", "+", " ~ "])) + part
    return text


@given(st.lists(trees(), min_size=1, max_size=3), st.lists(selectors(), min_size=1, max_size=8))
@example(["<div><p><b></b></p></div>"], ["div p > b", "div > div b", "p ~ b", "b:first-child"])
def test_a_selector_matches_what_lxml_matches(documents: list[str], texts: list[str]) -> None:
    root = etree.fromstring(f"<html><body>{''.join(documents)}</body></html>", etree.XMLParser())
    index = ElementIndex(root)
    for text in texts:
        selector = read_selector(text)
        assert selector.is_valid
        found = index.find(selector)
        expected: Any = CSSSelector(text)(root)
        assert set(found) == set(expected), text
        assert len(found) == len(set(found))


@pytest.mark.parametrize(
    "text",
    ["", ">", "p >", "> p", "p > > b", "a,b", "..a", "p$", "[=a]", ".1a", "p[a=1]", "#", "a|b", "pp*"],
)
def test_what_is_no_selector_is_not_read(text: str) -> None:
    assert not read_selector(text).is_valid


def test_a_tag_is_a_tag_in_capital_letters_too() -> None:
    assert style_of(inline_css("<style>P.a{color:red}</style><p class=a>x</p>"), "p") == "color:red"


# --- what stays and what it meets ---


def test_root_is_the_html_element_alone() -> None:
    html = inline_css("<style>:root{color:red;color-scheme:light dark}</style><p style='color:#111'>x</p>")
    assert style_of(html, "p") == "color:#111"


def test_a_pseudo_element_does_not_meet_the_attribute_of_its_element() -> None:
    html = inline_css("<style>p::before, i:after{color:red}</style><p style='color:#111'>x</p>")
    assert style_of(html, "p") == "color:#111"


@pytest.mark.parametrize(
    ("one", "other", "related"),
    [
        ("color", "color", True),
        ("color", "color-scheme", False),
        ("margin", "margin-top", True),
        ("margin-left", "margin-top", False),
        ("margin-inline", "margin-left", True),
        ("-webkit-margin-before", "margin-top", True),
        ("-webkit-padding-start", "padding-left", True),
        ("-webkit-border-start", "border-left", True),
        ("-webkit-border-start-color", "border-left-style", False),
        ("-webkit-max-logical-height", "max-height", True),
        ("scroll-margin-inline", "scroll-margin-left", True),
        ("-webkit-column-break-after", "page-break-after", True),
        ("border", "border-top-color", True),
        ("border-top", "border-color", True),
        ("border-top", "border-bottom", False),
        ("border", "border-radius", False),
        ("border", "border-collapse", False),
        ("border-radius", "border-top-left-radius", True),
        ("background", "background-position-x", True),
        ("font", "line-height", True),
        ("font", "font-size", True),
        ("all", "color", True),
        ("direction", "all", False),
        ("mso-line-height-rule", "line-height", False),
    ],
)
def test_related_properties_are_shorthands_and_what_they_set(one: str, other: str, *, related: bool) -> None:
    assert may_share_longhand(one, other) is related
    assert may_share_longhand(other, one) is related


@pytest.mark.parametrize(
    "hook",
    [
        'a[href^="x-apple-data-detectors:"]',
        'div[style*="margin: 16px 0"]',
        "a[x-apple-data-detectors]",
        ".aBn",
        ".a6S",
        ".im",
        "img.g-img + div",
        "u + #body a",
        "#MessageViewBody a",
        "#outlook a",
        ".ExternalClass *",
        "[data-ogsc] .a",
        "[data-ogsb]",
    ],
)
def test_a_rule_for_a_mail_client_is_kept_though_nothing_matches(hook: str) -> None:
    html = inline_css(f"<style>{hook}{{color:inherit!important}}</style><p>1 High St</p>")
    assert f"{hook}{{color:inherit!important}}" in html


@pytest.mark.parametrize("selector", ["}[class~=x]", "[class~=x;]", "u+1a:hover"])
def test_an_unreadable_selector_that_names_a_mail_client_stays(selector: str) -> None:
    assert f"{selector}{{top:0}}" in inline_css(f"<style>{selector}{{top:0}}</style><p>x</p>")


def test_a_rule_that_nothing_matches_and_no_client_knows_goes() -> None:
    css = ".b{color:red} .important{color:red} p[dir=rtl]{color:red} [data-state=late]{top:0}"
    css += "#body{color:red} .t tbody td{top:0}"
    assert inline_css(f"<style>{css}</style><p>x</p>") == "<p>x</p>"


def test_a_table_body_that_browsers_imply_is_matched() -> None:
    css = ".x > tbody > tr > td{padding:4px} .x > tr > td{color:blue} td{color:red}"
    table = '<table class="x"><tr><td style="margin:1px">x</td></tr></table>'
    html = inline_css(f"<style>{css}</style>{table}")
    assert "<style" not in html
    assert style_of(html, "td") == "color:red; padding:4px; margin:1px"


def test_a_table_body_of_the_source_is_matched() -> None:
    css = ".x > tbody > tr > td{padding:4px}"
    table = "<table class=x><tbody><tr><td>x</td></tr></tbody></table>"
    assert "<style" not in inline_css(f"<style>{css}</style>{table}")
