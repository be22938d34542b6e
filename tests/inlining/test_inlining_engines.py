"""The two engines give the same text, and the default one really is premailer."""

from __future__ import annotations

from typing import Any

import premailer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerogram.conf import settings
from aerogram.inlining import inline_css
from aerogram.inlining.engines import ENGINES

_TAGS = st.sampled_from(["div", "p", "b", "td", "span"])
_NAMES = st.sampled_from(["a", "c", "x-y"])
_SELECTORS = st.lists(
    st.sampled_from(
        ["p", "div", ".a", ".c", "#a", "td.x-y", "div > p", "div p", "p + b", ".a .c b", "p:hover", "[title]",
         "p:first-child", ":is(p, .c)", "div:not(.a)", "b ~ p", "*", "P.a", "p::before", "..bad"]
    ),
    min_size=1,
    max_size=2,
).map(", ".join)  # fmt: skip
_DECLARATIONS = st.lists(
    st.sampled_from(
        ["color:red", "color:#00f", "color:rgb(0 0 0 / 50%)", "margin:0", "margin-top:3px", "margin:1px 2px",
         "color:lime !important", "margin-left:9px !important", "--A:b", "width:{{W}}px", "font:12px serif",
         "line-height:2", "display:block", "-webkit-text-size-adjust:none", "background:url(a;b)", "*zoom:1"]
    ),
    max_size=4,
).map(";".join)  # fmt: skip


@st.composite
def rules(draw: st.DrawFn) -> str:
    rule = f"{draw(_SELECTORS)}{{{draw(_DECLARATIONS)}}}"
    around = draw(st.sampled_from(["", "", "", "@media (max-width:600px)", "@layer x"]))
    return f"{around}{{{rule}}}" if around else rule


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> str:
    tag = draw(_TAGS)
    attributes = "".join(
        f" {name}='{draw(values)}'"
        for name, values in (("class", _NAMES), ("id", _NAMES), ("title", _NAMES), ("style", _DECLARATIONS))
        if draw(st.booleans())
    )
    inside = "".join(draw(st.lists(trees(depth - 1), max_size=3))) if depth else "x"
    return f"<{tag}{attributes}>{inside}</{tag}>"


@given(
    st.lists(rules(), max_size=8),
    st.lists(trees(), min_size=1, max_size=3),
    st.sampled_from(["<!doctype html>", ""]),
)
def test_both_engines_give_the_same_text(css: list[str], body: list[str], doctype: str) -> None:
    html = f"{doctype}<style>{' '.join(css)}</style>{''.join(body)}"
    found = []
    for engine in ENGINES:
        with settings.override(CSS_ENGINE=engine):
            found.append(inline_css(html))
    assert found[0] == found[1]


def test_premailers_own_transform_runs_for_every_document(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    genuine = premailer.Premailer.transform
    monkeypatch.setattr(
        premailer.Premailer, "transform", lambda self, *args: calls.append(args) or genuine(self, *args)
    )
    for number in range(3):
        assert (
            inline_css(f"<style>p{{color:red}}</style><p>{number}</p>")
            == f'<p style="color:red">{number}</p>'
        )
    assert len(calls) == 3
    with settings.override(CSS_ENGINE="direct"):
        inline_css("<style>p{color:red}</style><p>x</p>")
    assert len(calls) == 3


def test_premailer_sees_words_for_values_and_the_selectors_it_can_do(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    genuine = premailer.premailer.merge_styles
    monkeypatch.setattr(
        premailer.premailer,
        "merge_styles",
        lambda *args, **kwargs: seen.append(args) or genuine(*args, **kwargs),
    )
    html = inline_css("<style>p{color:rgb(0 0 0 / 50%);--A:b;margin:0}</style><p style='top:1px'>x</p>")
    assert html == '<p style="color:rgb(0 0 0 / 50%); --A:b; margin:0; top:1px">x</p>'
    assert [name for style in seen[0][1] for name, _ in style][-1] == "margin"
    assert "rgb" not in str(seen)


def test_an_author_may_use_the_name_of_the_marker() -> None:
    html = (
        '<style>[title]{color:red}</style><p title="x" aerogram-rules="r0">x</p><p aerogram-rulesx="r0">y</p>'
    )
    assert inline_css(html) == html.partition("</style>")[2].replace('r0">x', 'r0" style="color:red">x')
