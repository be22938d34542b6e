"""Premailer is the reference: where it follows the cascade, our tree and its attributes are the same."""

from __future__ import annotations

from typing import Any

import cssutils
import premailer
import pytest
from lxml import etree

from aerogram.inlining import inline_css

BODY = """<body class="mail"><table class="t" id="tb" width="600">
<tbody><tr><td class="a b" align="left" style="color:black">
x &amp; y</td><td class="num" style="COLOR: Blue ; padding:1px">y</td></tr>
<tr class="odd"><td lang="en">z</td></tr>
</tbody></table><!-- note --><p class="p1">p
<a href="https://x.example/?a=1&amp;b=2" title="a,b" class="btn">l</a> tail
<img src="i.png" alt="" class="fl"></p><ul><li>1</li><li class="last">2</li></ul>
<div><div class="p1">d</div></div></body>"""
SHEETS = [
    "td{color:green;padding:2px} .a{margin:0} #tb td{border:1px solid #aabbcc} a{color:#FF0000 !important}",
    "td{width:50px;height:20px;background-color:#abc;text-align:left;vertical-align:top} table{height:9px}",
    "tr td, ul > li, td + td, td ~ td{padding:0.50em .5em 1.0px} "
    "li:first-child{color:red} li:last-child{top:0px}",
    "td.a.b{font:bold 12px/1.5 'A B',serif} .odd td[lang]{color:x} "
    "a[title^='a']{color:red} td[align=left]{top:1px}",
    "td{background:url(data:image/png;base64,iVBORw0KGgo=) no-repeat;filter:alpha(opacity=50)}",
    "td{_height:1px;color:green;;padding:2px} p{color:inherit;margin:0} .fl{width:10px}",
    "html{margin:0} body, .mail{background-color:transparent;background:#eee} div .p1, p.p1{mso-x-alt:1pt}",
    r".p1{font-size:12.3456789px;content:'a\65'} div div{-webkit-text-size-adjust:none} "
    r".num{line-height:1.50}",
]


def elements(html: str) -> list[Any]:
    """Return what a tree is made of, the declarations of style attributes without their order."""
    found: list[Any] = []
    for element in etree.fromstring(html, etree.HTMLParser()).iter():
        attributes = {str(name): str(value) for name, value in element.attrib.items()}
        # As premailer writes values.
        parsed = cssutils.parseStyle(attributes.pop("style", ""), validate=False)
        style = sorted(f"{one.name}:{one.value}" for one in parsed)
        texts = [" ".join((text or "").split()) for text in (element.text, element.tail)]
        found.append((str(element.tag), attributes, style, texts))
    return found


@pytest.mark.filterwarnings("ignore:'maxsplit' is passed:DeprecationWarning")  # on Python 3.13, by premailer
@pytest.mark.parametrize("sheet", SHEETS)
def test_the_tree_and_its_attributes_are_premailers(sheet: str) -> None:
    page = f"<!doctype html><html><head><title>t</title><style>{sheet}</style></head>{BODY}</html>"
    expected = premailer.transform(page, strip_important=False, allow_network=False, disable_validation=True)
    assert elements(inline_css(page)) == elements(expected)
