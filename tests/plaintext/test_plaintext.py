"""The text part is what a person would have written."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from aerogram.conf import settings
from aerogram.exceptions import DocumentError
from aerogram.inlining import inline_css
from aerogram.plaintext import html_to_text
from aerogram.plaintext.grid import arrange
from aerogram.plaintext.table import Cell
from aerogram.plaintext.width import columns_of, is_simple
from aerogram.stencil import Stencils

pytestmark = pytest.mark.usefixtures("stencils_at_once")

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.html"))
ACCEPT = '<a href="https://x.example/1">Accept</a>'
DECLINE = '<a href="https://x.example/2">Decline</a>'
BLOCK = 'style="display:block"'


@pytest.mark.parametrize("source", GOLDEN, ids=lambda path: path.stem)
def test_golden(source: Path) -> None:
    html = source.read_text(encoding="utf-8")
    expected = source.with_suffix(".txt").read_text(encoding="utf-8")
    assert html_to_text(html) == expected
    assert html_to_text(inline_css(html)) == expected


def test_ten_structures_that_people_send_have_golden_files() -> None:
    assert len(GOLDEN) >= 10


@pytest.mark.parametrize(
    "hiding",
    [
        'style="display:none"',
        'style="DISPLAY : none !important"',
        "hidden",
        'style="visibility:hidden"',
        'style="opacity:0"',
        'style="max-height:0px;overflow:hidden"',
        'style="font-size:0"',
        'style="font-size:1px;line-height:1px"',
        'style="font-size:.01em"',
        'style="font-size: 1pt"',
        'style="font:0/0 a"',
        'style="font: italic 700 0.0px/1.5 Arial"',
        'style="font-size:12px;font:1px a"',
        'style="color:transparent"',
        'style="position:absolute;overflow:hidden;width:1px;height:1px"',
        'class="preheader"',
        'id="p1"',
    ],
)
def test_what_is_hidden_stays_out(hiding: str) -> None:
    css = "<style>.preheader, div#p1 { display: none; color: red }</style>"
    assert html_to_text(f"{css}<div {hiding}>hidden <b>too</b></div><p>seen</p>") == "seen\n"


@pytest.mark.parametrize(
    "style",
    [
        "font:14px/0 Arial",
        "font:bold 12pt a",
        "font:1px a;font-size:12px",
        "background-clip:text;color:transparent",
        "overflow:hidden;height:10px",
        "font-size:1.5em",
        "font-size:.1em",
        "display:none;opacity:0;all:unset",
    ],
)
def test_what_can_be_seen_stays_in(style: str) -> None:
    assert html_to_text(f'<p style="{style}">seen</p>') == "seen\n"


def test_text_without_colour_hides_no_text_that_has_one() -> None:
    html = '<p style="color:transparent">gone<b style="color:#333"> seen</b><img alt="logo"></p>'
    assert html_to_text(html) == "seenlogo\n"


def test_a_class_hidden_on_phones_alone_is_shown() -> None:
    css = "<style>@media (max-width: 600px) { .wide { display: none } } .wide:hover { display: none }</style>"
    assert html_to_text(f'{css}<p class="wide">seen</p>') == "seen\n"


def test_a_cell_without_font_size_shows_what_sets_its_own() -> None:
    html = '<div style="font-size:0">gone<span style="font-size:12px">seen</span><img alt="logo"></div>'
    assert html_to_text(html) == "seenlogo\n"


def test_preheader_filler_is_dropped_and_joiners_stay_where_they_join() -> None:
    html = (
        "<p>Sale&nbsp;&zwnj;&nbsp;&#847;&#8199;&shy;&#65279; ends</p>"
        "<p>\u0645\u06cc\u200c\u062e\u0648 👩\u200d💻 co\xadop</p>"
    )
    assert html_to_text(html) == "Sale ends\n\n\u0645\u06cc\u200c\u062e\u0648 👩\u200d💻 coop\n"


@pytest.mark.parametrize(
    "text",
    [
        "$5.00 - $7.00",
        "1. January 2026",
        "2026-11-22",
        "snake_case_name",
        "* not a list",
        "# 5",
        "a|b",
        "[x](y)",
        "\\o/",
        "C:\\x",
        "`a`",
        "+49 30",
        "> me",
        "!",
        "--",
        "&amp;",
    ],
)
def test_no_text_is_escaped_or_taken_for_markup(text: str) -> None:
    assert html_to_text(f"<p>{escape(text)}</p>") == f"{text}\n"


@given(
    st.text(
        st.characters(min_codepoint=33, max_codepoint=0x24F, exclude_categories=["Cc", "Cf", "Zs"]),
        min_size=1,
        max_size=60,
    )
)
def test_any_word_comes_out_as_it_went_in(word: str) -> None:
    assert html_to_text(f"<p>{escape(word)}</p>") == f"{word}\n"


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ('<a href="https://x.example/a?b=1&amp;c=2">help</a>', "help: https://x.example/a?b=1&c=2"),
        ('<a href="https://x.example/">https://x.example/</a>', "https://x.example/"),
        ('<a href="https://www.x.example/">x.example</a>', "https://www.x.example/"),
        ('<a href="https://x.example/">Call us:</a>', "Call us: https://x.example/"),
        ('<a href="mailto:a@b.example?subject=x">a@b.example</a>', "a@b.example"),
        ('<a href="mailto:a@b.example">write to us</a>', "write to us: a@b.example"),
        ('<a href="tel:+4930123">+49 30 123</a>', "+49 30 123"),
        ('<a href="tel:+49%2030%20123">+49 30 123</a>', "+49 30 123"),
        ('<a href="tel:+49%2030%20123">call</a>', "call: +49 30 123"),
        ('<a href="mailto:a%2Bb@x.example">write</a>', "write: a+b@x.example"),
        ('<a href="mailto:a%0A%01%00@x.example">write</a>', "write: a @x.example"),
        ('<a href="mailto:?subject=x">share</a>', "share"),
        ('<a href="mailto:%20">share</a>', "share"),
        ('<a href="https://x.example/">our help page.</a>', "our help page: https://x.example/"),
        ('<a href="https://x.example/">See,</a>', "See: https://x.example/"),
        ('<a href="https://x.example/">x.example.</a>', "https://x.example/"),
        ('<a href="https://x.example/">.</a>', "https://x.example/"),
        ('<a href="https://x.example/">Questions?</a>', "Questions? https://x.example/"),
        ('<a href="https://x.example/">Go!</a>', "Go! https://x.example/"),
        ('<a href="https://x.example/">More…</a>', "More… https://x.example/"),
        ('<a href="https://x.example/">More...</a>', "More... https://x.example/"),
        ('<a href="https://x.example/">Shop →</a>', "Shop → https://x.example/"),
        ('<a href=" JavaScript:alert(1)">x</a>', "x"),
        ('<a href="data:text/html,x">x</a>', "x"),
        ('<a href="#top">x</a>', "x"),
        ('<a name="x">x</a>', "x"),
        ('<a href="https://x.example/"><img alt="Acme"></a>', "Acme: https://x.example/"),
        ('<a href="https://x.example/a b">x</a>', "x: https://x.example/a%20b"),
        ('<a href="https://x.example/"><div>a</div><div>b</div></a>', "a b: https://x.example/"),
    ],
)
def test_links(link: str, expected: str) -> None:
    assert html_to_text(f"<div>{link}</div>") == f"{expected}\n"


def test_the_width_is_kept_and_no_url_is_broken() -> None:
    url = "https://x.example/" + "a" * 200
    text = html_to_text(
        f'<blockquote><p>{"word " * 60}<a href="{url}">label</a> {"more " * 30}</p></blockquote>', width=40
    )
    assert url in text
    assert all(len(line) <= 40 or url in line for line in text.splitlines())
    assert all(line.startswith(">") for line in text.splitlines())


def test_the_width_comes_from_the_settings_and_zero_is_none() -> None:
    html = f"<p>{'word ' * 40}</p>"
    with settings.override(TEXT_WIDTH=30):
        assert max(map(len, html_to_text(html).splitlines())) <= 30
    assert html_to_text(html, width=0).count("\n") == 1


@given(st.text(st.sampled_from("a é日 ́&<"), max_size=3000), st.sampled_from([0, 10, 78]))
def test_no_line_is_longer_than_mail_allows(text: str, width: int) -> None:
    html = f"<p>{escape(text)}</p><table><tr><td>{escape(text)}<td>b</table>"
    html += f'<a href="https://x.example/{"é" * 700}">x</a>'
    assert max(len(line.encode()) for line in html_to_text(html, width=width).split("\n")) <= 998


def test_a_data_table_has_aligned_columns_and_a_rule_under_its_heads() -> None:
    html = (
        "<table><tr><th>Item<th style='text-align:right'>Price</tr><tr><td>Tea<td align=right>$5.00</tr>"
        "<tr><td>日本茶<td align=right>$12.50</tr></table>"
    )
    assert html_to_text(html) == "Item     Price\n------  ------\nTea      $5.00\n日本茶  $12.50\n"


def test_a_table_too_wide_for_columns_names_each_cell() -> None:
    cells = "".join(f"<td>{'x' * 30}{number}</td>" for number in range(4))
    html = f"<table><tr><th>A<th>B<th>C<th>D</tr><tr>{cells}</tr></table>"
    assert html_to_text(html).splitlines() == [
        f"{name}: {'x' * 30}{number}" for number, name in enumerate("ABCD")
    ]


@pytest.mark.parametrize(
    "html", ["", "   ", "\ufeff", "<!-- only -->", "<html></html>", "<body></body>", "<p>&nbsp;</p>"]
)
def test_nothing_to_read_is_an_empty_text(html: str) -> None:
    assert html_to_text(html) == ""


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("plain words", "plain words\n"),
        ("\ufeff<p>x</p>", "x\n"),
        ("a < b & c", "a < b & c\n"),
        ("<p>&euro;&nbsp;5", "€ 5\n"),
    ],
)
def test_fragments(html: str, expected: str) -> None:
    assert html_to_text(html) == expected


def test_bytes_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match="bytes"):
        html_to_text("<p>é</p>".encode("latin-1"))  # type: ignore[arg-type]  # the mistake under test


HOSTILE = {
    # The HTML, and the text that it shows, without white space.
    "comments": ("<!--" * 20_000, ""),
    "quotes": ("<blockquote>" * 1500 + "x", ">" * 1500 + "x"),
    "lists": ("<ul><li>" * 900 + "x", "-" * 900 + "x"),
    "links": ("<a href=x>" * 1900, "x" * 1900),
    "ampersands": ("&" * 80_000, "&" * 80_000),
    "one word": ("<p>" + "x" * 900_000, "x" * 900_000),
    "spaces": ("<i> </i>" * 60_000, ""),
    "blocks": ("<div> </div>" * 60_000, ""),
    "reaching cells": ("<table><tr>" + "<th rowspan=0>x" * 4000 + "<tr><td>x" * 4000, "x" * 8000),
    "wide reaching cells": (
        "<table><tr><th rowspan=9>x<td colspan=50>" + "<tr><td rowspan=0 colspan=50>x" * 4000,
        "x" * 4001,
    ),
    "pictures": ("<p>" + "<img alt=x>" * 20_000, "x" * 20_000),
    "picture lines": ("<p><img alt=x></p>" * 10_000, "x" * 10_000),
    "close links": ("<a href=https://x.example>x</a>" * 10_000, "x:https://x.example" * 10_000),
    "wide characters": (f"<p>{'漢' * 200_000}", "漢" * 200_000),
    "wide and narrow": (f"<p>{'漢' + 'x' * 100_000 + '漢'}", "漢" + "x" * 100_000 + "漢"),
    "kept lines": (f"<p style='white-space:pre-line'>{'x' * 5 + chr(10)}" * 20_000, "x" * 100_000),
    "style": (f"<p style='font:{'0' * 50_000} {'.' * 50_000}'>x", "x"),
    "equals signs": ("<a" + " x = " * 4_000, ""),
    "attribute of spaces": ("<a x" + " " * 100_000 + "='", ""),
    "font size": (f"<p style='font-size:{'9' * 50_000}px'>x", "x"),
}


@pytest.mark.parametrize(("html", "shown"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_html_is_read_whole_and_soon(html: str, shown: str) -> None:
    # A quadratic walk takes minutes, and so ends in the time-out of every test.
    assert "".join(html_to_text(html).split()) == shown


@pytest.mark.parametrize("html", ["<b>" * 20_000, "<table><tr><td>" * 600], ids=["b", "tables"])
def test_html_that_is_nested_too_deeply_is_refused_soon(html: str) -> None:
    with pytest.raises(DocumentError, match="nested too deeply"):
        html_to_text(html)


def test_deep_layouts_are_read_whole() -> None:
    html = "<table><tr><td>" * 300 + "deep" + "</td></tr></table>" * 300 + "<p>after</p>"
    assert re.findall(r"\w+", html_to_text(html)) == ["deep", "after"]


@pytest.mark.parametrize("gap", ["  ", " \xa0\t", "\xa0 ", "\n", "\t", "\xa0\xa0", "\u3000 ", " \u200b "])
def test_white_space_becomes_one_space(gap: str) -> None:
    assert html_to_text(f"<p>a{gap}b</p>") == "a b\n"


CELLS = st.builds(
    Cell, st.sampled_from("lrc"), st.sampled_from([1, 1, 2]), st.text(st.sampled_from("ab %€"), max_size=5)
)


@given(
    st.lists(st.lists(CELLS, min_size=1, max_size=3), min_size=1, max_size=3),
    st.integers(0, 2),
    st.text(st.sampled_from("abcde %€"), max_size=150),
    st.sampled_from("lrc"),
    st.sampled_from([(), (1,), (1, 2)]),
)
def test_a_table_is_set_alike_the_quick_way_and_the_slow_one(
    rows: list[list[Cell]], heads: int, note: str, align: str, ruled: tuple[int, ...]
) -> None:
    rows = [[Cell("l", 1, "first"), *row] for row in rows]
    rows.append([Cell(align, max(sum(cell.span for cell in row) for row in rows), note)])
    heads = min(heads, len(rows))
    wide = [Cell("l", 1, "漢")]  # with it, columns are counted character by character
    grid, texts = arrange(heads, rows, ruled)
    other, more = arrange(heads, [*rows, wide], ruled)
    expected = [line.rstrip() for line in other.format(more, 60)[:-1]]
    assert [line.rstrip() for line in grid.format(texts, 60)] == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (f"{ACCEPT}{DECLINE}", "Accept: https://x.example/1 Decline: https://x.example/2"),
        (f"<b>{ACCEPT}</b><i>und</i>", "Accept: https://x.example/1 und"),
        (f"请{ACCEPT}查看", "请Accept: https://x.example/1 查看"),
        (
            f'{ACCEPT}<span style="margin:0 4px">|</span>{DECLINE}',
            "Accept: https://x.example/1 | Decline: https://x.example/2",
        ),
        (f"{ACCEPT}-{DECLINE}", "Accept: https://x.example/1 - Decline: https://x.example/2"),
        (f"{ACCEPT}|", "Accept: https://x.example/1 |"),
        (f"{ACCEPT}(x)", "Accept: https://x.example/1 (x)"),
        (f"({ACCEPT}), &lt;{DECLINE}&gt;.", "(Accept: https://x.example/1), <Decline: https://x.example/2>."),
        (f"{ACCEPT} {DECLINE}", "Accept: https://x.example/1 Decline: https://x.example/2"),
        ('<a href="https://x.example/1">Accept </a>now', "Accept: https://x.example/1 now"),
        ('<a href="mailto:a@b.example">write</a>us', "write: a@b.example us"),
        ('<a href="#top">top</a>most', "topmost"),
        ('<a href="tel:+4930123">+49 30 123</a>x', "+49 30 123x"),
        (
            f"{ACCEPT.replace('Accept', '<img alt=Yes>')}{DECLINE.replace('Decline', '<img alt=No>')}",
            "Yes: https://x.example/1 No: https://x.example/2",
        ),
        (
            f"<table><tr><td>{ACCEPT}{DECLINE}<td>x</table>",
            "Accept: https://x.example/1 Decline: https://x.example/2  x",
        ),
    ],
)
def test_a_url_ends_where_its_link_ends(html: str, expected: str) -> None:
    assert html_to_text(f"<div>{html}</div>") == f"{expected}\n"


@given(st.lists(st.text("ab. |)—漢<", max_size=3), min_size=3, max_size=3))
def test_a_url_ends_where_its_link_ends_in_a_filled_stencil(words: list[str]) -> None:
    form = '<p><a href="https://x.example/1">{}</a>{}<a href="{}">z</a>{}</p>'
    form += '<table><tr><td><a href="https://x.example/1">{}</a>{}<a href="{}">z</a>{}<td>x</table>'
    literals = form.split("{}")
    stencils = Stencils()
    for values in (["a", "b", "https://x.example/2", "c"] * 2, [words[0], words[1], "#x", words[2]] * 2):
        chunks = [piece for pair in zip(literals, [*map(escape, values), ""], strict=True) for piece in pair]
        with settings.override(STENCILS=False):
            slow = stencils.finish(chunks)
        assert stencils.finish(chunks).text == slow.text


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<img alt=One><img alt=Two>", "One Two"),
        ("<img alt=One><b><img alt=Two></b>", "One Two"),
        ("<img alt=One>, <img alt=Two>", "One, Two"),
    ],
)
def test_pictures_beside_each_other_are_words_of_their_own(html: str, expected: str) -> None:
    assert html_to_text(html) == f"{expected}\n"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (f"<b {BLOCK}>one</b><b {BLOCK}>two</b>three", "one\ntwo\nthree"),
        (f"<td><b {BLOCK}>one</b><b {BLOCK}>two</b></td>", "one\ntwo"),
        (f"<table><tr><td><b {BLOCK}>one</b>two<td>x</table>", "one  x\ntwo"),
        (f'<a {BLOCK} href="https://x.example/1">a</a><a {BLOCK} href="https://x.example/2">b</a>',
         "a: https://x.example/1\nb: https://x.example/2"),
        (f'<a href="https://x.example/1"><b {BLOCK}>a</b>b</a>', "a b: https://x.example/1"),
        (f'<ul><li><b {BLOCK}>one</b><b {BLOCK}>two</b></ul>', "- one\n  two"),
        (f"<img {BLOCK} alt=One><img {BLOCK} alt=Two>", "One\nTwo"),
        ('<b style="display:inline-block">one</b><b>two</b>', "onetwo"),
    ],
)  # fmt: skip
def test_what_is_displayed_as_a_block_has_lines_of_its_own(html: str, expected: str) -> None:
    assert html_to_text(html) == f"{expected}\n"


def test_what_is_hidden_from_outlook_alone_is_shown() -> None:
    html = (
        '<!--[if !mso]><!--><div style="mso-hide:all"><p>Your code is 482913</p></div><!--<![endif]-->'
        '<div style="display:none;mso-hide:all">hidden</div>'
    )
    assert html_to_text(html) == "Your code is 482913\n"


def test_cells_too_wide_for_columns_are_wrapped_paragraphs() -> None:
    html = (
        f"<table><tr><td>{'Left column text. ' * 20}</td><td>Right<br>{'column text. ' * 9}</td></tr></table>"
    )
    left, right = html_to_text(html, width=40).removesuffix("\n").split("\n\n")
    assert left.replace("\n", " ") == ("Left column text. " * 20).strip()
    assert right.split("\n")[0] == "Right"
    assert max(map(len, [*left.split("\n"), *right.split("\n")])) <= 40


def test_cells_under_heads_too_wide_for_columns_are_wrapped() -> None:
    html = f"<table><tr><th>A<th>B</tr><tr><td>{'left ' * 20}<td>{'right ' * 20}</tr></table>"
    text = html_to_text(html, width=30)
    assert text.startswith("A: left left")
    assert "\nB: right right" in text
    assert max(map(len, text.split("\n"))) <= 30


@pytest.mark.parametrize(
    "html",
    [
        f"<pre>{'x' * 2000}</pre>",
        f"<pre>  {'é' * 2000}</pre>",
        f"<table><tr><td>{'x' * 600}<td>{'y' * 600}</table>",
        f"<table><tr><td>{'é ' * 300}<td>{'é ' * 300}</table>",
        f"<table><tr><td>a<td>b<tr><td>{'é ' * 200}<td>{'漢' * 300}</table>",
        "<blockquote>" * 600 + "deep",
        "<ul><li>" * 600 + "deep",
        f"<table><tr><th>{'x' * 990}<th>b<tr><td>c<td>{'d' * 990}</table>",
    ],
    ids=["pre", "pre2", "table", "table2", "wide table", "quotes", "lists", "heads"],
)
@pytest.mark.parametrize("width", [0, 10, 78])
def test_no_line_of_any_structure_is_longer_than_mail_allows(html: str, width: int) -> None:
    with settings.override(HTML_SIZE_LIMIT=10**6):
        text = html_to_text(html, width=width)
    assert max(len(line.encode()) for line in text.split("\n")) <= 998
    assert re.sub(r"\W", "", text)


def test_a_character_that_is_sure_to_take_one_column_does() -> None:
    assigned = [char for char in map(chr, range(0x20, 0x30000)) if unicodedata.category(char) != "Cn"]
    for char in assigned:
        wide = unicodedata.east_asian_width(char) in "WF"
        assert columns_of(char) == 1 + wide - (unicodedata.combining(char) > 0), ascii(char)
    assert not any(map(is_simple, ("漢", "e\u0301", "✅")))
    assert is_simple("السلام عليكم გამარჯობა")


def test_a_cell_over_several_rows_leaves_blank_cells_below() -> None:
    html = (
        "<table><tr><th>Group<th>Item<th align=right>Price</tr>"
        "<tr><td rowspan=2>Tea<td>Green<td align=right>1.50</tr><tr><td>Black<td align=right>12.50</tr>"
        "<tr><td>Cup<td rowspan=3>White<td align=right>3.00</table>"
    )
    assert html_to_text(html) == (
        "Group  Item   Price\n-----  -----  -----\n"
        "Tea    Green   1.50\n       Black  12.50\nCup    White   3.00\n"
    )


def test_a_cell_over_rows_ends_with_its_part_of_the_table() -> None:
    html = (
        "<table><thead><tr><th rowspan=9>A<th>B</thead><tbody><tr><td>a<td rowspan=0>b<tr><td>c</table>"
        "<table><tr><th>A<th>B<th>C<tr><td>a<td rowspan=2 colspan=2>b<tr><td>c<tr><td>d<td>e<td>f</table>"
    )
    assert html_to_text(html) == "A  B\n-  -\na  b\nc\n\nA  B  C\n-  -  -\na  b\nc\nd  e  f\n"


def test_a_cell_over_all_columns_is_wrapped_and_stretches_none() -> None:
    note = "All prices include VAT and shipping within the whole of the European Union and in Norway"
    html = (
        "<table><tr><th>Item<th>Qty<th align=right>Price</tr><tr><td>Tea<td>2<td align=right>1.50</tr>"
        f"<tr><td colspan=3>{note}</tr><tr><td colspan=3 align=right>Thanks</tr></table>"
    )
    assert html_to_text(html) == (
        "Item  Qty  Price\n----  ---  -----\nTea   2     1.50\n"
        "All prices include VAT and shipping within the whole of the European\nUnion and in Norway\n"
        "          Thanks\n"
    )


def test_the_foot_of_a_table_is_below_its_rows() -> None:
    html = "<table><tfoot><tr><td>Sum<td>3<tbody><tr><td>Tea<td>1<tr><td>Cup<td>2</table>"
    assert html_to_text(html) == "Tea  1\nCup  2\n---  -\nSum  3\n"


@pytest.mark.parametrize("table", ["<table border=1>", '<table class="MsoTableGrid" border=0>'])
def test_paragraphs_in_the_cells_of_a_ruled_table_are_its_lines(table: str) -> None:
    html = (
        f"{table}<tr><td><p class=MsoNormal>Tea<p>Green<td><div>1.50</div><tr><td><p>Cup<td><p>2.00</table>"
    )
    assert html_to_text(html) == "Tea    1.50\nGreen\nCup    2.00\n"


def test_paragraphs_of_word_in_cells_are_lines() -> None:
    rows = "".join(
        f"<tr><td><p class=MsoNormal>{item}</p><td><p class=MsoNormal align=right>{price}<o:p></o:p></p>"
        for item, price in (("Tea", "1.50"), ("Cup", "12.00"))
    )
    assert html_to_text(f"<table class=MsoNormalTable>{rows}</table>") == "Tea   1.50\nCup  12.00\n"


def test_a_row_of_heads_alone_is_not_lost_where_it_is_too_wide() -> None:
    html = f"<table><tr><th>{'left ' * 20}<th>{'right ' * 20}</tr></table>"
    assert html_to_text(html).split() == ["left"] * 20 + ["right"] * 20


def test_a_table_without_font_size_hides_nothing_behind_it() -> None:
    cell = "<td style='font-size:12px'>"
    html = f"<table style='font-size:0'><tr>{cell}a{cell}b<td>c</table><p>after</p>"
    assert html_to_text(html) == "a  b\n\nafter\n"


def test_paragraphs_of_a_definition_are_indented() -> None:
    html = "<dl><dt>Term<dd><p>one</p><p>two</p><dt>Next<dd>three<div>four</div></dl><p>after</p>"
    assert html_to_text(html) == "Term\n    one\n    two\nNext\n    three\n    four\n\nafter\n"


@pytest.mark.parametrize("way", ["pre-line", "pre-wrap", "pre", "break-spaces"])
def test_line_breaks_that_the_page_keeps_are_kept(way: str) -> None:
    html = (
        f'<div style="white-space:{way}">\nDear all,\nline <b>two\r\nthree</b> <a href="https://x.example/">a\nb</a>'
        '<p style="white-space:normal">one\ntwo</p>\n\nend\n</div>'
    )
    assert html_to_text(html) == "Dear all,\nline two\nthree a b: https://x.example/\n\none two\n\nend\n"


@given(st.lists(st.text("ab \n\r—漢", min_size=1, max_size=6), min_size=3, max_size=3))
def test_line_breaks_that_the_page_keeps_are_kept_in_a_filled_stencil(words: list[str]) -> None:
    form = '<div style="white-space:pre-line">a {}\n{} <i>b</i><a href="https://x.example/{}">c</a></div>'
    literals = form.split("{}")
    stencils = Stencils()
    for values in (["a", "b", "c"], words):
        chunks = [piece for pair in zip(literals, [*map(escape, values), ""], strict=True) for piece in pair]
        with settings.override(STENCILS=False):
            slow = stencils.finish(chunks)
        assert stencils.finish(chunks).text == slow.text


def test_the_areas_of_an_image_map_are_links() -> None:
    html = (
        '<img usemap="#m" alt="Map"><map name="m"><area href="https://x.example/1" alt="North" shape="rect">'
        '<area alt="no link"><area href="https://x.example/2" alt="South"></map>'
    )
    assert html_to_text(html) == "Map\nNorth: https://x.example/1\nSouth: https://x.example/2\n"


@pytest.mark.parametrize(
    "size",
    ["width=1", "height=0", 'width="1px" height="1px"', 'style="width:1px;height:1px"', 'style="height: 0"'],
)
def test_a_pixel_that_counts_readers_leaves_nothing_behind(size: str) -> None:
    pixel = f'<img src=x alt="px" {size}>'
    html = f'<p>a<a href="https://t.example/"> {pixel} </a>b</p>{pixel}'
    html += '<a href="https://x.example/"><img src=y></a>'
    assert html_to_text(html) == "a b\n\nhttps://x.example/\n"


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ('<img src=x style="display:none">', ""),
        ("<span hidden>x</span>", ""),
        ("<img src=x><img src=y width=1>", "https://x.example/"),
        ("<svg></svg>", "https://x.example/"),
        ("<img src=y width=1>x", "x: https://x.example/"),
        ("", "https://x.example/"),
    ],
)
def test_a_link_that_nobody_sees_is_none(inside: str, expected: str) -> None:
    assert html_to_text(f'<a href="https://x.example/">{inside}</a>').strip() == expected


@pytest.mark.parametrize(
    ("picture", "title", "expected"),
    [
        ("<img alt='{}'>", "<h1>{}</h1>", "Tea\n"),
        ("<img alt='{}'>", "<h2>{}</h2>", "Tea\n---\n"),
        ('<a href="https://x.example/"><img alt="{}"></a>', '<h1><a href="https://x.example/">{}</a></h1>',
         "Tea: https://x.example/\n"),
        ("<table><tr><td><img alt='{}'></td></tr></table>", "<div><b>{}</b></div>", "Tea\n"),
        ('<img alt="{}">', '<p><a href="https://x.example/">{}</a><br>new</p>', "Tea: https://x.example/\nnew\n"),
        ('<img alt="{}">', "<p>{}<br>new</p>", "Tea\nnew\n"),
        ("<p>{}</p>", "<p>{}</p>", "Tea\n\nTea\n"),
        ("<p><img alt='{}'></p>", "<p><img alt='{}'></p>", "Tea\n\nTea\n"),
    ],
)  # fmt: skip
def test_what_a_picture_and_its_title_both_say_is_said_once(picture: str, title: str, expected: str) -> None:
    html = f"{picture}{title}<p>end</p>"
    assert html_to_text(html.replace("{}", "Tea")) == f"{expected}\nend\n"
    literals = html.split("{}")
    stencils = Stencils()
    for first, second in (("Tea", "Tea"), ("Tea", "Cup"), ("Cup", "Cup"), ("Tea ", "Tea"), ("x" * 99, "y")):
        for page in (
            [literals[0], escape(first), literals[1], escape(second), literals[2]],
            [literals[0], first, literals[1], escape(second), literals[2]],
            [literals[0], escape(first), literals[1], second, literals[2]],
        ):
            with settings.override(STENCILS=False):
                slow = stencils.finish(page)
            assert stencils.finish(page).text == slow.text


def test_preformatted_text_has_its_breaks_and_nothing_that_nobody_sees() -> None:
    page = (
        "<style>.gone{display:none}</style><pre>one<br>two  <b>three</b>"
        "<!-- no --><script>no</script><style>no{}</style>"
        '<span style="display:none">no</span><i class="gone">no</i>\n  four</pre>'
    )
    assert html_to_text(page) == "    one\n    two  three\n      four\n"


@pytest.mark.parametrize(
    "page",
    [
        '<table><tr><th>Item<th>Price<tr><td>Tea<td>5<tr style="display:none"><td>GHOST<td>9</table>',
        "<table><tr><th>Item<th>Price<tr><td>Tea<td>5<tr hidden><td>GHOST<td>9</table>",
        '<table><tr><th>Item<th>Price<tr><td>Tea<td>5<td style="display:none">GHOST</table>',
        "<style>.m{display:none}</style>"
        '<table><tr><th>Item<th>Price<tr class="m"><td>GHOST<td>1<tr><td>Tea<td>5</table>',
        '<table><tr><th>Item<th>Price<tr><td>Tea<td>5<tbody style="display:none"><tr><td>GHOST<td>9</table>',
    ],
)
def test_rows_and_cells_of_tables_that_nobody_sees_are_left_out(page: str) -> None:
    text = html_to_text(page)
    assert "GHOST" not in text
    assert [line.split() for line in text.splitlines() if "-" not in line] == [
        ["Item", "Price"],
        ["Tea", "5"],
    ]


@pytest.mark.parametrize("flood", ["@", "x", "/*", "{", "}", "a{", "@x{a{", "@x{a{}", "{@x} {"])
def test_a_flood_in_a_sheet_that_stays_costs_no_time(flood: str) -> None:
    # Quadratic time would be longer than any test may take.
    assert html_to_text(f"<style>none {flood * (200_000 // len(flood))}</style><p>a</p>") == "a\n"


def test_headings_above_blank_rows_stay() -> None:
    html = "<table><tr><th>A long heading<th>B<tr><td><a href='javascript:x'></a></table>"
    assert html_to_text(html, width=10) == "A long\nheading\n\nB\n"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<s>$100</s> $60", "~$100~ $60"),
        ("<del>$100</del><b>$60</b>", "~$100~ $60"),
        ("<s>$100</s>, now (<s>$60</s>)", "~$100~, now (~$60~)"),
        ('<ul><li style="display:inline">a</li><li style="display:inline">b</li></ul>', "a b"),
        ("<p>now <del> <b>$100</b> </del>$60", "now ~$100~ $60"),
        ('<span style="text-decoration:line-through">$100</span> $60', "~$100~ $60"),
        ('<s style="text-decoration:none">$100</s> $60', "$100 $60"),
        ("<strike><s>a</s></strike><s></s><s> </s>", "~a~"),
        ("<ul><li><s>a</s><li style='text-decoration:line-through'>b</ul>", "- ~a~\n- ~b~"),
        ("10<sup>6</sup>, x<sup>-1</sup>, m<sup>2</sup>", "10^6, x^-1, m^2"),
        ("x<sup>n</sup>, 2<sup>n+1</sup>", "x^n, 2^(n+1)"),
        ("1<sup>st</sup>, Brand<sup>TM</sup>, a<sup>*</sup>, b<sup>[1]</sup>", "1st, BrandTM, a*, b[1]"),
        ('<sup>1</sup> See <a href="https://x.example/">a</a><sup>2</sup>', "1 See a: https://x.example/ 2"),
        ("<table><tr><td>10<sup>6</sup><td>x</table>", "10^6  x"),
        ("2<sup>n<sup>2</sup>+1</sup>, x<sup>2<sup>n+1</sup></sup>", "2^(n^2+1), x^(2^(n+1))"),
        ("e<sup>f(x)</sup>, a<sup>1)</sup>", "e^(f(x)), a1)"),
        ('<sup style="text-decoration:none"><s style="text-decoration:none">x</s></sup>', "x"),
        ("H<sub>2</sub>O", "H2O"),
        ("<q>a <q>b</q> c</q>", "\u201ca \u2018b\u2019 c\u201d"),
        ('<div lang="de-AT"><q>a <q>b</q></q></div>', "\u201ea \u201ab\u2018\u201c"),
        ('<div lang="fr"><q lang="en"> a </q></div>', "\u00aba\u00bb"),
        ("<ruby>a<rt>b</rt></ruby><ruby>c<rp>[</rp><rt>d</rt><rp>]</rp></ruby>", "a(b)c(d)"),
        ("<fieldset><legend>Address</legend>Street</fieldset>", "Address\nStreet"),
        ("a<noscript>b</noscript>", "ab"),
        ("<select><option>a<option>b</select>", "a\nb"),
        ("<button>a</button><button>b</button>", "a b"),
        ('<p>Total<span style="float:right">$5</span></p>', "Total $5"),
        ('<div style="display:flex"><b>Total</b><i>$5</i></div>', "Total $5"),
        ('<ul><li style="display:inline">a</li> <li style="display:inline">b</li></ul>', "a b"),
        ('<div style="white-space:pre-wrap">a\n  b  c\n\td</div>', "a\n  b  c\n    d"),
        ('<pre>see <a href="https://x.example/">it</a></pre>', "    see it: https://x.example/"),
        ("<pre>a<p>b</p></pre>", "a\n\nb"),
        ("<table><tfoot><tr><td>Sum<tbody><tr><td>Tea</table>", "Tea\n\nSum"),
        ("<h1>Title</h1><h2>Part</h2><h3>Item</h3><p>text</p><h3>Next</h3><p>text</p>",
         "Title\n\nPart\n----\n\nItem\ntext\n\nNext\ntext"),
        ("<blockquote><h3>Item</h3></blockquote><p>text</p>", "> Item\n\ntext"),
        ("<h1>One</h1>a<h1>Two</h1>b", "One\n---\n\na\n\nTwo\n---\n\nb"),
        ("<p>a</p><footer>b</footer>", "a\n\n-- \nb"),
        ('<p>a</p><div class="mail-footer"><p>b</p><p role="contentinfo">c</p></div>', "a\n\n-- \nb\n\nc"),
        ("<footer>b</footer><p>a</p>", "b\n\na"),
        ("<p>a</p><footer></footer>", "a"),
    ],
)  # fmt: skip
def test_the_meaning_of_an_element_is_in_the_text(html: str, expected: str) -> None:
    assert html_to_text(html) == f"{expected}\n"


@pytest.mark.parametrize(
    ("attributes", "items", "expected"),
    [
        ("", "<li>a<li value=7>b<li>c", "1. 7. 8."),
        ("start=3", "<li>a<li>b", "3. 4."),
        ("start=0", "<li>a<li>b", "0. 1."),
        ("start=-1", "<li>a<li>b<li>c", "-1. 0. 1."),
        ("reversed", "<li>a<li hidden>b<li>c<li>d", "3. 2. 1."),
        ("reversed start=10", "<li>a<li>b", "10. 9."),
        ("type=a start=26", "<li>a<li>b", "z. aa."),
        ("type=A", "<li>a<li type=1>b", "A. 2."),
        ("type=i start=3", "<li>a<li>b", "iii. iv."),
        ("type=I start=1994", "<li>a", "MCMXCIV."),
        ("style='list-style: lower-roman inside'", "<li>a<li>b", "i. ii."),
        ("style='list-style-type:none'", "<li>a<li>b", "- -"),
        ("", "<li>a<li></li><li>c", "1. 3."),
    ],
)
def test_the_items_of_a_list_have_the_labels_that_a_browser_shows(
    attributes: str, items: str, expected: str
) -> None:
    text = html_to_text(f"<ol {attributes}>{items}</ol>")
    assert [line.split(" ")[0] for line in text.splitlines()] == expected.split(" ")


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<ul><li>a<ul><li>b</ul>c<li>d</ul>", "- a\n  - b\n  c\n- d"),
        ("<ol><li>a<ul><li>b</ul><p>c</p></ol>", "1. a\n   - b\n   c"),
        ("<ul><li>a<ul></ul>b</ul>", "- a\n  b"),
        ("<ul><li><ol type=a><li>a<li>b</ol></ul>", "- a. a\n  b. b"),
        ("<ul><li><ul></ul><li><div></div><li>a</ul>", "- a"),
        ("a<ul></ul>b", "a\n\nb"),
        ("a<li></li>b", "a\n\nb"),
        ("<blockquote><p></p></blockquote><p>a</p>", "a"),
        ("<blockquote><ul><li>a</ul></blockquote>", "> - a"),
        ("<blockquote> <img></blockquote><blockquote>b</blockquote>c", "> b\n\nc"),
        ("<blockquote><hr>a</blockquote>", "> --------------------\n>\n> a"),
        ("<blockquote><ul></ul>a</blockquote>", "> a"),
        ("<h1>a</h1><h1> </h1>", "a"),
    ],
)
def test_what_is_empty_leaves_nothing_and_an_item_goes_on_behind_a_list(html: str, expected: str) -> None:
    assert html_to_text(html) == f"{expected}\n"


@pytest.mark.parametrize("space", [" ", "&nbsp;", "\n", " <i> </i>"])
def test_white_space_at_the_edges_of_elements_is_one_space_outside_of_their_marks(space: str) -> None:
    link = f'<a href="https://x.example/"><b>{space}here{space}</b></a>'
    assert html_to_text(f"<b>see{space}</b>{link}{space}now") == "see here: https://x.example/ now\n"
    assert html_to_text(f"{space}<s>{space}5{space}</s> <q>{space}a{space}</q>") == "~5~ \u201ca\u201d\n"
    assert html_to_text(f"<s><p>{space}5{space}</p><p> 6{space}</p></s>") == "~5\n\n6~\n"


LONG = "word " * 12


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("<tr><th>A<th colspan=2>Both<tr><th>{0}<th>B<th>C<tr><td>{0}<td>{0}<td>{0}",
         ["A word", "Both B: ", "Both C: "]),
        ("<tr><th>A<th>B<th>Lone<tr><td>{0}<td>{0}<tr><td>{0}<td>{0}", ["A", "B", "Lone"]),
        ("<tr><th>A<th colspan=2>B<tr><td>{0}<td>{0}<td>{0}<tr><td colspan=2>{0}<td>last",
         ["A: ", "B: ", "last"]),
        ("<tr><th>Item<th>Price<tr><td>{0}<td>{0}<td>more", ["Item: ", "Price: ", "more"]),
        ("<tr><th>A<th>B<th>C<tr><td>{0}<td>{0}<td>{0}<tr><td colspan=2>Total<td>$5",
         ["A: ", "C: ", "Total: $5"]),
    ],
)  # fmt: skip
def test_no_word_of_a_table_that_is_too_wide_is_lost(rows: str, expected: list[str]) -> None:
    text = html_to_text(f"<table>{rows.format(LONG)}</table>", width=30)
    assert all(words in text.replace("\n", " ") for words in expected), text


@pytest.mark.parametrize(
    "html",
    [
        '<div style="visibility:hidden">no<b style="visibility:visible">seen</b>no</div>',
        '<table style="visibility:hidden"><tr><td>no<td style="visibility:visible">seen</table>',
        '<p style="display:none !important;display:block">no</p>seen',
        '<p style="display:block;display:none;display:x">no</p>seen',
        '<p hidden style="display:block">seen</p>',
        '<span style="max-height:0;overflow:hidden">seen</span>',
        "<style>.a{display:none}.a.b{display:block}</style><p class='a b'>seen<p class=a>no",
        '<p style="color:transparent">no<a href="#x">seen</a></p>',
        "<object data=x>seen</object>",
        "<style>p.a{display:none}</style><div class=a>seen<p class=a>no",
        '<style media="print">.a{display:none}</style><p class=a>seen',
        "<style>.a{visibility:hidden}</style><p class=a>no<p>seen",
    ],
)
def test_what_is_seen_is_what_a_browser_shows(html: str) -> None:
    assert html_to_text(html) == "seen\n"


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("", "Hello https://e.com/x World"),
        ("<img src=a>", "Hello https://e.com/x World"),
        ("https://e.com/x", "Hello https://e.com/x World"),
        ("&zwnj;", "Hello https://e.com/x World"),
        ('<img src=a alt="Logo">', "Hello Logo: https://e.com/x World"),
    ],
)
def test_the_word_before_a_link_stays_a_word(inside: str, expected: str) -> None:
    link = f'<a href="https://e.com/x">{inside}</a>'
    assert html_to_text(f"Hello{link}World") == f"{expected}\n"
    assert html_to_text(f"<p>{link}</p>") == f"{expected[6:-6]}\n"


def test_a_url_without_a_label_stands_at_once_behind_an_opening_mark() -> None:
    link = '<a href="https://e.com/1">https://e.com/1</a>'
    assert html_to_text(f"see:{link} ({link}) \u201c{link}\u201d") == (
        "see: https://e.com/1 (https://e.com/1) \u201chttps://e.com/1\u201d\n"
    )


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<p hidden style="all:initial">a</p>', "a\n"),
        ('<p hidden style="all:unset">a</p>', "a\n"),
        ('<p hidden style="all:revert">a</p>', "a\n"),
        ('<div style="visibility:hidden"><p style="all:initial">a</p></div>', "a\n"),
        ('<div style="visibility:hidden"><p style="all:unset">a</p></div>', ""),
        ('<p hidden style="display:math">a</p>', "a\n"),
    ],
)
def test_all_resets_what_hides(html: str, expected: str) -> None:
    assert html_to_text(html) == expected


@pytest.mark.parametrize(
    ("style", "is_shown"),
    [
        ("display:table;height:0;overflow:hidden", True),
        ("height:1px;overflow:hidden;min-height:50px", True),
        ("height:1px;overflow:hidden;min-width:50px", False),
        ("max-height:0;overflow-y:hidden", False),
        ("max-height:0;overflow:auto", False),
        ("display:none;display:var(--zz)", True),
        ("display:none /*x*/", False),
        ("display:/*@editable*/none", False),
        ("opacity:0;opacity:x", False),
        ("opacity:-1", False),
        ("opacity:0%", False),
        ("visibility:hidden;visibility:bogus", False),
        ("color:#0000", False),
        ("color:rgba(0,0,0,0)", False),
        ("color:rgb(0 0 0 / 0)", False),
        ("color:#000", True),
        ("color:rgb(0,0,0)", True),
        ("color:rgb(0 0 0)", True),
        ("color:hsl(0,0%,0%)", True),
        ("color:hsla(0,0%,0%,0.0)", False),
        ("color:rgba(0,0,0,.5)", True),
    ],
)
def test_what_a_style_hides(style: str, is_shown: bool) -> None:
    assert ("words" in html_to_text(f'<div style="{style}">words</div>')) == is_shown


@pytest.mark.parametrize("value", ["unset", "revert", "inherit"])
def test_an_inherited_visibility_is_that_around(value: str) -> None:
    html = (
        f'<div style="visibility:hidden">a<p style="visibility:{value}">b</p><p style="visibility:initial">c'
    )
    assert html_to_text(html) == "c\n"


def test_no_line_of_a_quotation_lacks_its_mark() -> None:
    html = "<blockquote><ul><li>li</ul><pre>code\n x</pre><ol><li>a</ol><p>b</blockquote>"
    text = html_to_text(f"a{html}{html}b")
    assert text.count("\n\n") == 3
    assert [line[:1] for line in text.split("\n\n")[1].split("\n")] == [">"] * 8


DESK = "@media only screen and (min-width:600px)"


@pytest.mark.parametrize(
    ("css", "is_shown"),
    [
        (f".d{{display:none}}{DESK}{{.d{{display:block!important}}}}", True),
        (".d{display:none}@media screen{.d{display:block}}", True),
        (".d{display:none}@media print, screen{.d{display:block}}", True),
        (".d{display:none}@supports (display:grid){.d{display:grid}}", True),
        (".d{display:none}@supports not (display:grid){.d{display:block}}", False),
        (".d{display:none;div&{display:block}}", True),
        (".d{display:none}</style><style media='screen and (min-width:300px)'>.d{display:block}", True),
        ("@layer a{.d{visibility:visible!important}}.o{visibility:hidden}", True),
        (f".d{{opacity:0}}{DESK}{{.d{{opacity:1}}}}", True),
        (".d{display:none}@media (max-width:480px){.d{display:block!important}}", False),
        (".d{display:none}@media (max-width:480px){@media screen{.d{display:block!important}}}", False),
        (".d{display:none}@media print{.d{display:block}}", False),
        (".d{display:none}.d:hover{display:block}", False),
        (f".d{{display:none!important}}{DESK}{{.d{{display:block}}}}", False),
        (".d{display:none}@media not print{.d{display:block}}", True),
        (".d{display:none}@media not all and (max-width:480px){.d{display:block}}", True),
        (".d{display:none}@media not (min-width:400px){.d{display:block}}", False),
        (".d{display:none}@media (min-width:1024px){.d{display:block}}", True),
        (".d{display:none}@media (min-width:9000px){.d{display:block}}", False),
        (".d{display:none}@media (max-width:1400px){.d{display:block}}", True),
        (".d{display:none}@media (400px<=width<=700px){.d{display:block}}", False),
        (".d{display:none}@media (width>=600px){.d{display:block}}", True),
        (".d{display:none}@media (hover:hover){.d{display:block}}", True),
        (".d{display:none}@media not (hover:hover){.d{display:block}}", False),
        (".d{display:none}@media (-webkit-min-device-pixel-ratio:0){.d{display:block}}", True),
        (".d{display:none}@supports not (display:nonsense){.d{display:block}}", True),
        (".d{display:none}@supports (color:red) and (not (color:nonsense)){.d{display:block}}", True),
        (".d{display:none;@media screen{display:block}}", True),
        (".d{display:none}.d:not(:hover){display:block}", True),
        (".d{display:none}.D:is(div,:hover){display:block}", True),
        (".d{display:none}@media screen{.D{display:block}}", True),
        (f".d{{font-size:0}}{DESK}{{.d{{font-size:16px!important}}}}", True),
        (f".d{{font-size:0}}{DESK}{{.d{{font:16px/1 Arial!important}}}}", True),
        (f".o{{font-size:0}}{DESK}{{.d{{font-size:16px}}}}", True),
        (f".d{{font-size:0}}{DESK}{{.o{{font-size:16px!important}}}}", False),
        (f".d{{color:transparent}}{DESK}{{.d{{color:#000}}}}", True),
        (f".d{{max-height:0;overflow:hidden}}{DESK}{{.d{{max-height:none}}}}", True),
        (f".d{{max-height:0;overflow:hidden}}{DESK}{{.d{{overflow:visible}}}}", True),
        (f".d{{max-height:0;overflow:hidden}}{DESK}{{.d{{max-height:1px}}}}", False),
        (f".d{{display:none;font-size:0}}{DESK}{{.d{{display:block;font-size:0}}}}", False),
    ],
)
def test_what_a_rule_in_the_sheet_shows_on_a_desk_is_shown(css: str, is_shown: bool) -> None:
    text = html_to_text(f"<style>{css}</style><div class=o><p>aa</p><div class=d>desk words</div></div>")
    assert ("desk words" in text) == is_shown


@pytest.mark.parametrize("deep", ["(", "(not (", "([", "({", "(calc(", "(not ((color) and (", "\\("])
def test_a_deep_condition_counts_as_one_that_holds(deep: str) -> None:
    for group in ("@media", "@supports"):
        css = f".d{{display:none}}{group} {deep * 1000}color{')' * 1000}{{.d{{display:block}}}}"
        assert html_to_text(f"<style>{css}</style>a<p class=d>b").startswith("a")
    assert html_to_text(f'<style media="{deep * 1000}">p{{color:red}}</style>a') == "a\n"


@pytest.mark.parametrize("flood", ["width-min-", "min-width:1", "1", "1<width"])
def test_a_long_feature_of_a_medium_costs_no_time(flood: str) -> None:
    # Quadratic time would be longer than any test may take.
    css = f".d{{display:none}}@media (width:{flood * (200_000 // len(flood))}){{.d{{display:block}}}}"
    assert html_to_text(f"<style>{css}</style>a<p class=d>b") == "a\n\nb\n"


def test_a_carousel_shows_the_slide_that_is_checked() -> None:
    css = ".s{display:none}#a:checked~.a,#b:CHECKED~.b{display:block}#c:not(:checked)~.c{display:block}"
    buttons = "<input type=radio id=a><input type=radio id=b checked><input type=radio id=c>"
    slides = "".join(f"<div class='s {name}'>{name}</div>" for name in "abcd")
    assert html_to_text(f"<style>{css}</style>{buttons}{slides}") == "b\n\nc\n"


@pytest.mark.parametrize(
    "css", ["*{display:block}", "body *{display:block}", "@media screen{p{display:block}}"]
)
def test_hidden_is_overridden_by_the_sheet(css: str) -> None:
    assert html_to_text(f"<style>{css}</style><p hidden>a</p>b") == "a\n\nb\n"
    assert html_to_text(f"<style>{css.replace('block', 'none')}</style><p hidden>a</p>b") == "b\n"


@pytest.mark.parametrize(
    "url",
    [
        "{{ unsubscribe_url }}",
        "{% unsubscribe 'x' %}",
        "{{ a.b | default: 'x' }}",
        "https://e.com/?u={{ user.id }}&x=1",
        "%%view in browser%%",
        "[[ url ]]",
        "*|UNSUB|*",
    ],
)
def test_what_a_provider_fills_into_a_url_stays(url: str) -> None:
    assert html_to_text(f'<a href="{url}">Go</a>') == f"Go: {url}\n"


def test_a_cell_of_no_width_shows_its_words() -> None:
    cell = '<td style="max-width:0;overflow:hidden">'
    assert html_to_text(f"<table><tr>{cell}a{cell}b</table>") == "a  b\n"


def test_a_row_with_a_line_above_it_has_a_rule() -> None:
    lined = "<td style='border-top:1px solid'>"
    rows = f"<tr><td>Tea<td>1<tr><td>Cup<td>2<tr>{lined}Sum{lined}3"
    assert html_to_text(f"<table>{rows}</table>") == "Tea  1\nCup  2\n---  -\nSum  3\n"
    assert "-" not in html_to_text(f"<table>{rows.replace('<td>', lined)}</table>")
