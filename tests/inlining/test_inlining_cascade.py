"""What Chromium computes is the same before and after inlining: each document once went wrong, or could."""

# ruff: noqa: E501 - a sheet and its page are read best in one line

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aerogram.conf import settings
from aerogram.inlining import inline_css
from tests.computed_styles import differences

if TYPE_CHECKING:
    from playwright.sync_api import Page

P = "<p class='a b' id='i'>x <b class='c'>y</b></p>"
PADDED = "<p class=c style='padding:10px;padding-top:20px'>x</p>"
CASES = {
    # reading CSS
    "modern colours": (
        "p{margin:0;color:rgb(0 0 0 / 50%)} b{color:#ff000080} .c{background:hsl(120deg 50% 50%)}",
        P,
    ),
    "calculations": (
        "p{width:calc((100% - 20px) / 2);margin-top:calc(1px + (2px * 3));top:calc(0px + 3px)}",
        P,
    ),
    "variables in functions": ("p{--x:1 2 3;color:rgb(var(--x) / .5);box-shadow:0 0 #0000}", P),
    "grid and gradients": (
        "p{display:grid;grid-template-columns:[a] 1fr;background:linear-gradient(rgb(0 0 0 / 1%),#12345678)}",
        P,
    ),
    "modern values in media": ("@media screen{p{color:rgb(0 0 0 / 50%);width:calc(1px + (2px * 3))}}", P),
    "content": ("p::before{content:'\\\"x\\\"'} b{quotes:'\\\"' '\\\"'}", P),
    "words that fit another property": (
        "p{border:2px solid red;float:left;visibility:hidden} b{text-align:left;position:relative;overflow:auto}",
        "<p style='border:1px dashed solid;float:center;visibility:block'>"
        "x <b style='text-align:none;position:nowrap;overflow:static'>y</b></p>",
    ),
    "a string without its end": (
        'p{color:red;font-family:"abc\n;margin:3px} p{padding:2px} b{color:red);top:1px}',
        P,
    ),
    "hack": ("p{color:red;color:blue\\9}", P),
    "fallbacks": (
        "p{background-color:#eee;background-color:rgba(1,2,3,.5);display:inline-block;display:block}",
        P,
    ),
    "invalid over valid": ("p{color:red} .a{color:#ff00508} #i{margin:1px 2x} b{color:foo(1)}", P),
    "invalid families and blanks over valid": (
        "p{font-family:serif;margin:9px} .a{font-family:Arial 'B'} b{font-family:Arial, inherit} .a{margin:1px\u00a02px}",
        P,
    ),
    "invalid in one rule": ("p{color:red;color:foo(1);padding:1px;padding:-3px}", P),
    "custom properties keep their case": (":root{--Brand:red;--brand:blue} p{color:var(--Brand)}", P),
    "nested": (".a{color:red;&:hover{color:blue} .c{color:lime} margin-top:3px} p{margin:1px}", P),
    "nested media": (".a{margin:1px;@media screen{margin:2px; .c{margin:3px}}} p{margin:9px}", P),
    "nested list": ("#i, .z{& .c{color:red}} .a .c{color:blue}", P),
    "nested in an invalid rule": (
        "b{color:red!important;..x{p &{all:unset!important}}} b{color:blue!important}",
        P,
    ),
    "rules in style attributes": (
        "p{color:red;padding:1px} {}b{color:blue}",
        "<p style='{}margin:3px'>x <b style='&:hover{top:0}margin:3px;padding:2px'>y</b></p>"
        "<p style='{color:blue};margin:4px'>x <b style='@media print{top:0}margin:5px'>y</b></p>",
    ),
    "attributes of SVG": (
        "[viewBox]{color:red} [ALIGN]{color:blue} svg{color:lime}",
        "<svg viewBox='0 0 9 9'></svg><p align=center>x</p>",
    ),
    "revert-layer": (
        "p{color:red} .a{color:blue;color:revert-layer} p.a{margin:3px;padding:4px!important}",
        P + "<p class=a style='margin:5px;margin:revert-layer;color:lime'>",
    ),
    "revert-rule": ("p{color:blue} p.a{color:revert-rule} b{top:1px}", P),
    "another namespace": ("@namespace 'urn:x';p{color:red} .a{margin:3px} *|b{color:blue}", P),
    "a namespace behind a rule": ("p{color:red} @namespace 'urn:x'; b{color:blue} i:hover{top:0}", P),
    "prefixes of namespaces": (
        "@namespace h url(http://www.w3.org/1999/xhtml); h|p.a{color:red} :is(h|b,i){top:1px} b{top:2px} p{color:blue}",
        P,
    ),
    "layers": ("@layer base{.a{color:red}} p{color:blue}", P),
    "layers in order": ("@layer x,y; @layer y{p{color:red}} @layer x{#i{color:blue}} p{margin:1px}", P),
    "important in layers": ("@layer x{p{color:red!important}} p{color:blue!important} .a{color:lime}", P),
    "container": (
        "body{container-type:inline-size} @container (min-width:1px){p{color:red}} p{color:blue}",
        P,
    ),
    "supports": ("p{color:red} @supports (color:red){p{color:blue}}", P),
    "keyframes": (
        "p{opacity:1;animation:k 9s infinite paused} @keyframes k{from,to{opacity:.5}} "
        "@media screen{p{opacity:.9}}",
        P,
    ),
    "specificity of where": (":where(#i){color:red} p{color:blue}", P),
    "specificity of is": (":is(p,#z){color:red} .a.b{color:blue}", P),
    "specificity of not": ("p:not(#z){color:red} .a.b{color:blue}", P),
    "specificity of has": ("p:has(.c,#z){color:red} .a.b{color:blue}", P),
    "specificity of nth": ("p:nth-child(1 of .a){color:red} p.a{color:blue} .a{color:lime}", P),
    "forgiving list": ("p:is(..z,.a){color:red} p{margin:1px}", P),
    "invalid members": (
        ":is(h|p,.a){color:red} :is(b,:foo,::before){top:1px} :is(h|b){left:1px} p{color:blue} .c{top:2px;left:2px}",
        P,
    ),
    "invalid lists": (
        "p, a:unknown(b){color:red} ..b{color:red} p, .a:has(p:has(b)){margin:1px} |p{top:0}",
        P,
    ),
    "bad start": (";p{color:red} b{color:blue}", P),
    "escaped names": (r".tw\:p-4{padding:16px} .p-1\.5{margin:6px}", "<p class='tw:p-4 p-1.5'>x</p>"),
    "wide keywords": ("p{color:red} .a{color:unset;margin:initial} b{all:unset} .c{display:revert}", P),
    "capitals": (
        "[ALIGN=center]{color:red} [type=TEXT]{color:blue} [title=A]{color:lime}",
        "<p align=CENTER title=a>x<input type=text></p>",
    ),
    "universal": ("*{color:red} .a *{color:blue} b{color:lime} :first-child{margin:1px}", P),
    "escaped space at the end": ("p{color:red} p{list-style:square inside\\ }", P),
    "empty": ("p:empty{height:9px} b:empty{color:red}", "<p><!--c--></p><p><!--c-->x<b> </b></p>"),
    # what stays against what is inlined
    "hover over own border": (
        "a:hover{border-left:0}",
        "<a href=# style='border:1px solid red;border-top:3px solid blue'>x</a>",
    ),
    "media under own padding": ("@media screen{.c{padding-left:0}}", PADDED),
    "media over padding": (
        ".c{padding:10px;padding-top:20px} @media screen{p.c{padding-left:0}}",
        PADDED[:11] + ">x",
    ),
    "media under line height": ("@media screen{p{line-height:2}} .a{font:12px/1 serif}", P),
    "media and background": (
        ".a{background:red} @media screen{p{background-color:blue}} #i{background-repeat:no-repeat}",
        P,
    ),
    "important on a phone": (
        "@media (max-width:600px){.a{display:block !important}} @media screen{#i.a{display:inline}} p{display:flex}",
        P,
    ),
    "between two that stay": (
        "@media screen{p{color:red}} .a{color:blue} @media (max-width:600px){#i{color:lime}} b{color:navy}",
        P + "<p>z</p><p id=i>q</p>",
    ),
    "own style between two that stay": (
        "p{color:black} @media screen{#i{color:red}} @media (max-width:600px){p{color:lime !important}}",
        "<p id=i>x</p><p id=i style='color:blue'>y</p><p style='color:navy'>z</p>",
    ),
    "important amid others of its rule": (
        "@media (max-width:600px){p.a{height:95px;height:61px !important;height:77px}} .a{height:36px}",
        P,
    ),
    "important between": (
        "p{margin:1px !important} @media screen{.a{margin:2px !important}} #i{margin:3px !important}"
        " @media (max-width:600px){p{margin:4px !important}}",
        P,
    ),
    "different longhands": (
        "p{padding:1px} @media screen{.a{padding-left:5px}} #i{padding-top:7px} @media (min-width:1px){p.b{padding:9px}}",
        P,
    ),
    "logical": ("p{margin:1px} @media screen{.a{margin-inline:5px}} #i{margin-left:7px}", P),
    "dark": (
        "p{color:black} .a{color:navy} @media (prefers-color-scheme:dark){p{color:white} b{color:red}}",
        P,
    ),
    "tests of style": (
        "@media screen{[style]{margin:7px} p:not([style]){top:1px} [style*=color]{left:1px}} p{color:red}",
        "<p>x</p><p style='color: blue'>y</p>",
    ),
    "all": ("p{color:red;margin:1px} @media screen{.a{all:unset}} #i{margin:3px}", P),
}
PAGES = {
    "an alternative sheet is not applied": (
        "<style title=a>p{color:red}</style><style title=b>p{color:blue}</style><style>b{top:1px}</style><p>x"
    ),
    "plain text is no style": "<style type='text/plain'>p{color:red}</style><style type=' text/css'>p{top:1px}</style><p>x</p>",
    "media lists": "<style media='screen, print'>p{color:red}</style><style media='only screen'>p{top:1px}</style><p>x</p>",
    "media of an element": "<style>p{color:red}</style><style media='only screen and (max-width:480px)'>p{color:blue}</style>"
    "<p>x</p><p style='color:lime'>y</p>",
    "kept apart": "<style>p{color:red !important}</style><style data-premailer=ignore>p{color:blue !important}</style><p>x</p>",
    "in a body": "<style>p:first-of-type{color:red}</style><div><style>b{color:red}</style><p>x</p></div>"
    "<style>p:first-child:not(:hover){margin:1px}</style>",
    "behind a style element": "<style>p:nth-child(2){margin:9px} style + p{padding:4px}</style><p>x</p>",
    "in a template": "<template><style>p{color:red}</style></template><p>x</p>",
    "table widths": "<style>table{width:100%;max-width:600px}td{width:50%;text-align:center;background:#eee}</style>"
    "<table width=600 align=left><tr><td width=100>x<td>y</table>",
    "images": "<style>img{max-width:100%;height:auto;text-align:center;float:left;width:30px}</style>"
    "<img width=300 height=200 alt=x><img alt=y height=9>",
}
VIEWS = [("light", 700), ("dark", 700), ("light", 375), ("dark", 375)]


@pytest.mark.parametrize(("css", "body"), CASES.values(), ids=CASES)
def test_a_sheet_means_the_same(shared_page: Page, css: str, body: str) -> None:
    html = f"<!doctype html><html><head><style>{css}</style></head><body>{body}</body></html>"
    check(shared_page, html)


@pytest.mark.parametrize("body", PAGES.values(), ids=PAGES)
def test_a_page_looks_the_same(shared_page: Page, body: str) -> None:
    check(shared_page, f"<!doctype html><html><head></head><body>{body}</body></html>")


@pytest.mark.parametrize(
    "doctype",
    [
        "",
        "<!doctype html5>",
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN">',
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN" "http://www.w3.org/TR/html4/loose.dtd">',
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2//EN">',
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN">',
    ],
)
def test_the_doctype_decides_whether_classes_and_ids_ignore_case(shared_page: Page, doctype: str) -> None:
    style = "<style>.A{color:red} #I{margin:3px}</style>"
    check(shared_page, f"{doctype}<html><head>{style}</head><body class=a><p id=i>x</p></body></html>")


def check(page: Page, html: str) -> None:
    inlined = inline_css(html)
    with settings.override(CSS_ENGINE="direct"):
        assert inline_css(html) == inlined
    assert differences(page, html, inlined, VIEWS) == [], inlined
