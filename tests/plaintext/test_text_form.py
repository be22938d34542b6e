"""A text part that is filled in is the one that the layout makes, whatever stands beside what."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from markupsafe import escape

from aerogram.conf import settings
from aerogram.stencil import Stencils

pytestmark = pytest.mark.usefixtures("stencils_at_once")

PIECES = st.sampled_from(
    [
        *['<a href="{}">{}</a>', '<a href="https://x.example/{}">{}</a>', '<a href="{}"><img alt="{}"></a>'],
        *["<h2>{}</h2>", "<h3>{}</h3>", "10<sup>{}</sup>", "<s>{}</s>", '<q lang="{}">{}</q>'],
        "<noscript>{}</noscript>",
        *['<ol type=a><li>{}<li value="3">{}</ol>', "<ruby>{}<rt>{}</rt></ruby>", "<footer>{}</footer>"],
        *['<pre>a <a href="{}">{}</a>\n</pre>', "<select><option>{}</select>"],
        '<div style="white-space:pre-wrap">a\n  {}  {}</div>',
        *["{}", " {} ", "|", ".", "x", "<br>", "<p>", "</p>", "<hr>", '<img alt="{}">', "<div>{}</div>"],
        *['<img alt="Tea"><h3>{}</h3>', '<img alt="{}"><p>Tea</p>', '<img alt="{}"><p>{}</p>'],
        '<a href="https://x.example/"><img alt="{}"></a><h3><a href="https://x.example/">{}</a></h3>',
        *['<div style="white-space:pre-line">', "</div>", "{}\nb", '<b style="display:block">{}</b>'],
        '<table><tr><td><a href="{}">{}</a><td><a href="u">{}</a></table>',
        '<img alt="{}"><p><a href="https://x.example/">{}</a><br>{}</p>',
        *['<area href="{}" alt="{}">', '<a href="{}"><img width=1></a>', "<dl><dt>{}<dd><p>{}<p>b</dl>"],
        *[
            "<blockquote>",
            "</blockquote>",
            "<ul><li>",
            "</ul>",
            "<pre>{}</pre>",
            '<a href="mailto:{}">{}</a>',
        ],
        "<table><tr><th>{}<th>b<tr><td rowspan=2>{}<td align=right>{}<tr><td>{}</table>",
        "<table><tr><td>{}<td>b<tr><td colspan=2>{}<tr><td align=center>{}<td>{}</table>",
        '<table><tr><td>{}<td><a href="{}">{}</a>{}<td style="white-space:pre-line">{}</table>',
        "<table><thead><tr><th colspan=2>{}<th>c<tbody><tr><td>{}<td>b<td>10<sup>{}</sup><tfoot>"
        "<tr><td colspan=3>{}</table>",
        "<table border=1><tr><td><p>{}<p>{}<td>{}<tr><td colspan=2 align=right>{}</table>",
    ]
)
VALUES = st.one_of(
    st.sampled_from(
        [
            *[
                "Tea",
                "Tea",
                "Ann",
                "a b",
                "> x",
                "- x",
                "a\nb",
                "a \r\n b",
                "漢字",
                "word " * 30 + "end",
                "x" * 300,
            ],
            *[
                "https://x.example/",
                "#x",
                "javascript:x",
                "mailto:a%2Bb",
                "tel:+49%2030",
                "a%0Ab",
                "%",
                "See.",
                "?",
            ],
            *[
                "日本語のテキスト" * 20,
                "✅",
                "e\u0301",
                "السلام",
                "é" * 600,
                "\ufeff",
                "\u200b",
                "a\u200b",
                "",
                " ",
            ],
        ]
    ),
    st.text("ab. |)—漢\n%", min_size=1, max_size=5),
)
EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "0")) or 100
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


@hypothesis_settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW)
@given(st.lists(PIECES, min_size=1, max_size=6), st.sampled_from([0, 20, 78]), st.data())
def test_a_filled_text_is_the_one_that_the_layout_makes(
    pieces: list[str], width: int, data: st.DataObject
) -> None:
    literals = "".join(pieces).split("{}")
    rows = st.lists(VALUES, min_size=len(literals) - 1, max_size=len(literals) - 1)
    stencils = Stencils()
    with settings.override(TEXT_WIDTH=width):
        for values in data.draw(st.lists(rows, min_size=2, max_size=4)):
            chunks = [literals[0]]
            for value, literal in zip(values, literals[1:], strict=True):
                chunks += [escape(value), literal]
            with settings.override(STENCILS=False):
                slow = stencils.finish(chunks).text
            assert stencils.finish(chunks).text == slow
            assert max(len(line.encode()) for line in slow.split("\n")) <= 998
