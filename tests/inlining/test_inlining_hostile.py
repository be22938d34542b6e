"""Style sheets and attributes made to take long, or to overflow the stack, do neither and cost no rule."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerogram.inlining import inline_css

_VALUES = {
    "url": "x:" + "url(" * 20_000,
    "calc": "width:" + "calc(" * 5_000,
    "calc closed": "width:" + "calc(" * 16 + "1px" + ")" * 16,
    "many calcs": ("width:" + "calc(" * 12 + "1px" + ")" * 12 + ";") * 12,
    "fonts": "font-family:" + "'A b', " * 9_000 + "serif",
    "shadows": "box-shadow:" + ", ".join(["1px 2px 3px #fff"] * 300),
    "spaces": "x:" + "a " * 20_000,
    "escaped quotes": "x:" + "\\';" * 30_000,
    "url of spaces": "x:url(" + " " * 50_000,
    "at words": "@x " * 40_000,
    "declarations": "color:red;" * 30_000,
    "numbers": "x:" + "1." * 20_000,
    "slashes": "font:" + "1/" * 20_000,
    "brackets": "x:" + "[" * 20_000,
    "digits": "x:" + "1" * 20_000,
    "comment of spaces": "x:y/*" + " " * 100_000 + "*/",
    "important": "x:y" + "!important" * 5_000,
}
_SELECTORS = {
    "compounds": "p " * 500,
    "children": "p" + ">p" * 600,
    "classes": "p" + ".a" * 5_000,
    "attributes": "p" + "[a]" * 5_000,
    "open brackets": "p[" * 30_000,
    "nots": "p" + ":not(" * 5_000,
    "parentheses": "(" * 100_000,
    "siblings": "p+" * 600 + "p",
    "hovers": "p" + ":hover" * 5_000,
}
_SHEETS = {
    "semicolons": "a;" * 50_000,
    "media": "@media x{" + "".join(f".c{number}:hover{{color:red}}" for number in range(20_000)) + "}",
    "rules": "".join(f".c{number} p{{color:red}}" for number in range(8_000)),
    "list": "p," * 8_000 + "p{color:red}",
}


# Each takes a fraction of a second. What is quadratic takes minutes in one call, or makes many more calls:
# the flood that needs the most, 20,000 rules in @media, makes 3,963,000.
pytestmark = pytest.mark.timeout(40)
MOST_CALLS = 4_000_000


@pytest.fixture(autouse=True)
def ready() -> None:
    inline_css("<style>p{color:red}</style><p>x</p>")  # loads premailer


@pytest.fixture
def few_calls(ready: None) -> Iterator[None]:
    calls = itertools.count()
    sys.setprofile(lambda *_: next(calls))
    try:
        yield
    finally:
        sys.setprofile(None)
    assert next(calls) < MOST_CALLS


@pytest.mark.usefixtures("few_calls")
@pytest.mark.parametrize("value", _VALUES.values(), ids=_VALUES)
def test_a_hostile_attribute_stays_and_the_rest_is_inlined(value: str) -> None:
    html = inline_css(f'<style>p, b{{color:red}}</style><p style="{value}">y</p><b>x</b>')
    assert '<b style="color:red">' in html
    assert value[:30].partition(";")[0].strip() in html.replace("&quot;", '"')
    assert '<p style="color:red; ' in html


@pytest.mark.usefixtures("few_calls")
@pytest.mark.parametrize("value", _VALUES.values(), ids=_VALUES)
def test_a_hostile_rule_stays_and_the_rest_is_inlined(value: str) -> None:
    html = inline_css(f"<style>b{{color:red}} i{{{value}}}</style><b>x</b><i>y</i>")
    assert '<b style="color:red">' in html
    assert value[:30].partition(";")[0].strip() in html.replace("&quot;", '"')


@pytest.mark.usefixtures("few_calls")
@pytest.mark.parametrize("selector", _SELECTORS.values(), ids=_SELECTORS)
def test_a_hostile_selector_stays_and_the_rest_is_inlined(selector: str) -> None:
    html = inline_css(f"<style>b{{color:red}} {selector}{{color:blue}}</style><b>x</b>")
    assert '<b style="color:red">' in html


@pytest.mark.usefixtures("few_calls")
@pytest.mark.parametrize("sheet", _SHEETS.values(), ids=_SHEETS)
def test_a_hostile_sheet_is_read(sheet: str) -> None:
    assert '<b style="color:red">' in inline_css(f"<style>b{{color:red}} {sheet}</style><b>x</b>")


@pytest.mark.usefixtures("few_calls")
@pytest.mark.parametrize("selector", ["div div div div", "div > div div + p", "i div div", "div ~ div div"])
def test_no_depth_of_nesting_makes_the_search_slow(selector: str) -> None:
    assert inline_css(f"<style>{selector}{{color:red}}</style>" + "<div>" * 1_900 + "x")


def test_a_caller_deep_in_the_stack_loses_no_rule() -> None:
    found: list[str] = []
    shadows = ", ".join(["1px 2px 3px rgba(0, 0, 0, 0.5)"] * 18)

    def dive(depth: int) -> None:
        if depth:
            dive(depth - 1)
        else:
            found.append(
                inline_css(f"<style>b{{color:red}} i{{box-shadow:{shadows}}}</style><b>x</b><i>y</i>")
            )

    thread = threading.Thread(target=dive, args=(800,))
    thread.start()
    thread.join()
    assert '<b style="color:red">' in found[0]
    assert "1px 2px 3px rgba" in found[0]


@pytest.mark.parametrize(
    "value",
    [
        "background:url('data:image/png;base64," + "iVBORw0KGgo" * 3_000 + "') no-repeat",
        "background:url('data:image/svg+xml;utf8,<svg />" + "a b c " * 1_000 + "')",
        "font-family:-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, Oxygen-Sans, Ubuntu, Cantarell, "
        "'Helvetica Neue', Helvetica, Arial, sans-serif, 'Apple Color Emoji', 'Segoe UI Emoji'",
        "background:linear-gradient("
        + ", ".join(f"rgba(1, 2, 3, 0.{stop}) {stop}%" for stop in range(12))
        + ")",
        "width:calc(100% - calc(20px + 1em))",
    ],
)
def test_ordinary_long_values_are_inlined(value: str) -> None:
    html = inline_css(f"<style>b{{{value.replace('<svg />', '')}}}</style><b>x</b>")
    assert "<style" not in html
    assert value[-20:] in html.replace("&quot;", "'").replace('"', "'")


@given(st.text(alphabet="ab:;()'\"\\/*{}[]!,#@ -1.%\n<>", max_size=300))
def test_no_text_makes_the_reader_fail(css: str) -> None:
    html = inline_css(f"<p style='{css.replace(chr(39), '')}'>x</p>", css=f"p{{{css.replace('<', '')}}}")
    assert html.endswith(">x</p>")


@pytest.mark.parametrize("character", ["\0", "\x01", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_a_character_that_no_document_may_hold_costs_no_rule_of_a_further_sheet(character: str) -> None:
    css = f"b {{ content: '{character}' }} p {{ color: red }}"
    assert inline_css("<p>x</p>", css=css) == '<p style="color:red">x</p>'


def test_a_form_feed_parts_the_words_of_a_further_sheet() -> None:
    assert inline_css("<p>x</p>", css="p\f{\fmargin: 1px\f2px }") == '<p style="margin:1px\n2px">x</p>'
