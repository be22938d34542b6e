"""The templates that ship: they render strictly, escape, survive inlining, and can be read by everybody."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest
from jinja2 import DictLoader
from lxml import html as lxml_html

from aerogram.document import parse_html
from aerogram.exceptions import RenderError, UndefinedVariableError
from aerogram.inlining import inline_css
from aerogram.templating import Templates, read_template, shipped_templates
from tests.sample_mail import EXAMPLES, KIT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lxml.html import HtmlElement

SITES: list[dict[str, object]] = [
    {"site_name": "Halyard & Sons", "base_url": "https://halyard.example"},
    {"site_name": "Halyard & Sons", "base_url": ""},
    {"site_name": "", "base_url": ""},
]
PAYLOAD = '<img src=x onerror="alert(1)">&\'"'
SHIPPED = sorted(
    path.relative_to(shipped_templates()).as_posix() for path in shipped_templates().rglob("*.*")
)


def templates(source: str = "", site: dict[str, object] = SITES[0]) -> Templates:
    return Templates(loader=DictLoader({"page.html": source, "page.txt": source}), shared=site)


def page(source: str, site: dict[str, object] = SITES[0], **variables: object) -> str:
    return templates(source, site).html("page.html", variables, "test")


def extending(body: str) -> str:
    return '{% extends "aerogram/base.html" %}' + body


def kit(direction: str = "ltr", language: str = "en") -> str:
    return page(KIT, direction=direction, language=language)


# Rendering


@pytest.mark.parametrize("site", SITES, ids=["named", "no address", "nameless"])
@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_template_renders_strictly(name: str, site: dict[str, object]) -> None:
    fields = {"subject": "Disk full", "message": "Line <one>\n\nLine two"}
    fields |= {"details": [("Where", "shop.py, line 7")], "traceback": "Traceback:\n  ValueError: 7"}
    shipped = templates(site=site)
    rendered = (shipped.html if name.endswith(".html") else shipped.text)(name, fields, "test")
    assert "Undefined" not in rendered
    assert "None" not in rendered


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_templates_ask_for_nothing_but_the_fields_of_their_mails(name: str) -> None:
    findings = read_template(templates(), name, html=name.endswith(".html")).findings
    asked = {finding.subject for finding in findings}
    error = {"message", "details", "traceback"}
    of_staff = {"message"} if "admin" in name or "manager" in name else set()
    assert asked <= (error if "error_report" in name else of_staff)


@pytest.mark.parametrize("site", SITES, ids=["named", "no address", "nameless"])
def test_a_nameless_site_leaves_no_gap(site: dict[str, object]) -> None:
    document = lxml_html.fromstring(page(extending("{% block content %}<p>Hi</p>{% endblock %}"), site))
    assert document.findtext(".//title") == (site["site_name"] or "Message")
    assert [text for link in document.iter("a") if not (text := link.get("href"))] == []
    visible = " ".join(document.find("body").text_content().split())
    assert visible == ("Halyard & Sons Hi Sent by Halyard & Sons" if site["site_name"] else "Hi")


def test_the_document_is_whole_and_accessible() -> None:
    source = kit(language="de")
    assert source.lower().startswith("<!doctype html>")
    document = lxml_html.fromstring(source)
    assert (document.get("lang"), document.get("dir")) == ("de", "ltr")
    article = document.find(".//div[@role='article']")
    assert (article.get("lang"), article.get("dir")) == ("de", "ltr")
    assert article.get("aria-label") == document.findtext(".//title") == "Every part, once"
    assert [heading.text for heading in document.iter("h1")] == ["Every part, once"]
    for table in document.iter("table"):
        is_data = bool(table.xpath("./tr/th[@scope] | ./*/tr/th[@scope]"))
        assert is_data != (table.get("role") == "presentation")
    assert {meta.get("name") for meta in document.iter("meta")} >= {"color-scheme", "supported-color-schemes"}


def test_nothing_is_loaded_from_outside_and_nothing_runs() -> None:
    document = lxml_html.fromstring(kit())
    assert not list(document.iter("script", "link", "iframe", "form", "object", "img"))
    assert not [element for element in document.iter() if element.get("src") or element.get("background")]
    sheets = "".join(style.text_content() for style in document.iter("style"))
    assert "url(" not in sheets
    assert "@import" not in sheets


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_no_table_has_a_margin_and_every_cell_says_how_it_looks(direction: str) -> None:
    """Word gives a table's vertical margin to each cell, and cells inherit nothing into nested tables."""
    document = lxml_html.fromstring(inline_css(kit(direction)))
    assert not [table for table in document.iter("table") if "margin" in (table.get("style") or "")]
    for cell in document.iter("th", "td"):
        if (cell.text or "").strip() or cell.find("p") is not None:
            style = dict(declarations(cell))
            assert style.keys() >= {"font-size", "line-height", "color"}, lxml_html.tostring(cell)[:300]


def test_gmail_can_read_the_sheet_with_the_media_queries() -> None:
    first, second = (style.text_content() for style in lxml_html.fromstring(inline_css(kit())).iter("style"))
    assert "@media" in first
    assert not re.search(r"\[|:root", first), "Gmail drops a style element with a selector it does not know"
    assert "@media" not in second


@pytest.mark.parametrize("folder", [shipped_templates(), EXAMPLES])
def test_nothing_relies_on_bdi(folder: Path) -> None:
    """Gmail, Outlook and Yahoo do not isolate what stands in it."""
    files = sorted(folder.rglob("*.html"))
    assert files
    assert not [file for file in files if "<bdi>" in file.read_text("utf-8")]


def blocks() -> list[str]:
    environment = templates().html_environment
    return sorted(environment.get_template("aerogram/base.html").blocks)


@pytest.mark.parametrize("block", blocks())
def test_every_block_can_be_overridden(block: str) -> None:
    assert "MARK" in page(extending("{% block " + block + " %}MARK{% endblock %}"))


def test_the_theme_reaches_everything_it_colours() -> None:
    themed = extending(
        "{% block accent %}#a1b2c3{% endblock %}{% block accent_text %}#010203{% endblock %}"
        "{% block accent_dark %}#d4e5f6{% endblock %}{% from 'aerogram/components.html' import button %}"
        "{% block content %}<a class='plain' href='https://example.com'>x</a>"
        "{{ button('Go', 'https://example.com') }}{% endblock %}"
    )
    inlined = inline_css(page(themed))
    document = lxml_html.fromstring(inlined)
    (plain,) = document.find_class("plain")
    (button,) = document.find_class("button")
    (card,) = document.find_class("card")
    assert "color:#a1b2c3" in squeezed(plain.get("style"))
    assert "background-color:#a1b2c3" in squeezed(button.get("style"))
    assert "color:#010203" in squeezed(button.find("a").get("style"))
    assert "4pxsolid#a1b2c3" in squeezed(card.get("style"))
    assert "#d4e5f6 !important" in inlined
    assert "#4f46e5" not in inlined


def squeezed(text: str | None) -> str:
    return re.sub(r"\s", "", text or "")


# Preheader and title


def test_a_preheader_is_hidden_and_keeps_the_rest_out_of_the_inbox_row() -> None:
    document = lxml_html.fromstring(inline_css(page(extending("{% block preheader %}Soon.{% endblock %}"))))
    first = document.find("body")[0]
    assert first.text.startswith("Soon.")
    assert first.text.count("\N{EM SPACE}") >= 45, "as wide as 100 letters"
    assert "\N{EM SPACE} " not in first.text.replace("\N{COMBINING GRAPHEME JOINER}", "x"), (
        "else they are one"
    )
    style = dict(declarations(first))
    assert style["display"] == "none"
    assert "color" not in style, "SpamAssassin takes a colour that equals the background for a trick"


def test_without_a_preheader_nothing_hides_the_content() -> None:
    assert "&emsp;" not in page(extending("{% block content %}Hi{% endblock %}"))


def test_a_title_with_markup_is_plain_where_markup_cannot_stand() -> None:
    source = page(
        extending("{% block title %}Hi <span dir='auto'>{{ name }}</span> &amp; all{% endblock %}"),
        name='<Ann> "O\'B"',
    )
    document = lxml_html.fromstring(source)
    plain = 'Hi <Ann> "O\'B" & all'
    assert document.findtext(".//title") == plain
    assert document.find(".//div[@role='article']").get("aria-label") == plain
    assert document.find(".//h1").text_content() == plain


# Escaping

CALLS: dict[str, str] = {
    "button": "{{ kit.button(X, X) }}",
    "buttons": "{{ kit.buttons([(X, X), (X, X)]) }}",
    "code": "{{ kit.code(X) }}",
    "details": "{{ kit.details([(X, X)]) }}",
    "divider": "{{ kit.divider() }}{{ X }}",
    "figure": "{{ kit.figure(X, X) }}",
    "image": '{{ kit.image(X, "", 1, 1, dark=X) }}{{ kit.image("", X, 1, 1) }}',
    "item": "{{ kit.item(X, X, X) }}{% call kit.item(X, X, X) %}{{ X }}{% endcall %}{{ kit.item(X) }}",
    "log": "{{ kit.log(X) }}",
    "logo": '{{ kit.logo(X, "", 1, 1, dark=X) }}{{ kit.logo("", X, 1, 1) }}',
    "panel": "{% call kit.panel() %}{{ X }}{% endcall %}",
    "quote": "{% call kit.quote(X) %}{{ X }}{% endcall %}{% call kit.quote() %}{{ X }}{% endcall %}",
    "small": "{% call kit.small() %}{{ X }}{% endcall %}",
    "table": "{{ kit.table([X, X], [(X, X)], numeric=[1], totals=[(X, X)], caption=X) }}",
}
"""One use of each macro that puts ``X`` wherever the macro takes something."""


def macros() -> set[str]:
    module: Any = templates().html_environment.get_template("aerogram/components.html").module
    return {name for name in vars(module) if not name.startswith("_")}


def test_every_macro_is_tried() -> None:
    assert macros() == CALLS.keys()


@pytest.mark.parametrize("name", CALLS)
def test_macros_escape_what_they_are_given(name: str) -> None:
    use = '{% import "aerogram/components.html" as kit %}' + CALLS[name]
    rendered = page(use, X=PAYLOAD)
    assert "<img src=x" not in rendered
    assert rendered.count("&lt;img") == CALLS[name].count("X")
    document = lxml_html.fromstring(f"<div>{rendered}</div>")
    assert not [element for element in document.iter() if element.get("onerror")]


@pytest.mark.parametrize("name", CALLS)
def test_macros_leave_markup_alone(name: str) -> None:
    use = '{% import "aerogram/components.html" as kit %}{% set X %}<b>{{ y }}</b>{% endset %}' + CALLS[name]
    rendered = page(use, y="&")
    assert "<b>&amp;</b>" in rendered
    assert "&lt;b" not in rendered
    assert "&amp;amp;" not in rendered


# Staff mail


def test_an_admin_mail_shows_the_message_as_it_was_written() -> None:
    message = "Filesystem   Use%\n/dev/sda1     98%\n\n  <run cleanup> & wait"
    rendered = templates().html("aerogram/admin.html", {"subject": "Disk", "message": message}, "test")
    document = lxml_html.fromstring(inline_css(rendered))
    (shown,) = document.iter("pre")
    assert not re.search(r"\n|^ |  ", shown.text_content()), "white-space is not known everywhere"
    for line_break in shown.iter("br"):
        line_break.text = "\n"
    assert shown.text_content().replace("\N{NO-BREAK SPACE}", " ") == message
    assert document.findtext(".//h1") == "Disk"


def test_a_manager_mail_keeps_paragraphs_and_lines() -> None:
    fields = {"subject": "Link", "message": "Hello,\na <reader> wrote.\n\nBye"}
    document = lxml_html.fromstring(templates().html("aerogram/manager.html", fields, "test"))
    (card,) = document.find_class("card")
    first, second = card.findall("p")
    assert [first.text, first.find("br").tail, second.text] == ["Hello,", "a <reader> wrote.", "Bye"]


@pytest.mark.parametrize("name", ["admin", "manager"])
def test_the_text_of_a_staff_mail_is_the_message_and_nothing_else(name: str) -> None:
    message = " <b>&\n\n two\n"
    assert templates().text(f"aerogram/{name}.txt", {"message": message}, "test") == message


@pytest.mark.parametrize("name", ["admin", "manager"])
def test_a_staff_mail_needs_no_subject(name: str) -> None:
    document = lxml_html.fromstring(templates().html(f"aerogram/{name}.html", {"message": "Hi"}, "test"))
    assert not list(document.iter("h1"))


def test_the_text_layout_signs_with_what_there_is() -> None:
    source = (
        '{% extends "aerogram/base.txt" %}{% block title %}Hi{% endblock %}'
        "{% block content %}A & B\n{% endblock %}"
    )
    signed, unsigned = (
        templates(source, site).text("page.txt", {}, "test").strip("\n") for site in (SITES[0], SITES[2])
    )
    assert signed == "Hi\n\nA & B\n\n-- \nHalyard & Sons\nhttps://halyard.example"
    assert unsigned == "Hi\n\nA & B"


# Styles


def test_what_cannot_be_inlined_survives_inlining() -> None:
    kept = re.search(r"<head>.*</head>", inline_css(kit()), re.DOTALL)
    assert kept is not None
    for rule in (
        "@media (prefers-color-scheme: dark)",
        "@media (max-width: 600px)",
        "[data-ogsc] .card",
        ".button-box a:hover",
        "background-color: #191c22 !important",
        "<!--[if mso]>",
    ):
        assert rule in kept.group()
    assert ".card h1 {margin:" not in kept.group(), "what was inlined need not travel twice"


@pytest.mark.parametrize("options", [{}, {"keep_at_rules": True}, {"keep_style_tags": True}])
def test_what_cannot_be_inlined_survives_the_other_engine(options: dict[str, bool]) -> None:
    css_inline = pytest.importorskip("css_inline", reason="css-inline is not installed")
    inlined = css_inline.CSSInliner(load_remote_stylesheets=False, **options).inline(kit())
    for rule in (
        "@media (prefers-color-scheme: dark)",
        "[data-ogsc] .card",
        ".button-box a:hover",
        "<!--[if mso]>",
    ):
        assert rule in inlined
    (card,) = lxml_html.fromstring(inlined).find_class("card")
    assert "#191c22" not in card.get("style"), "a dark rule must not become an inline style"


def test_the_same_content_reads_from_the_right() -> None:
    left, right = (lxml_html.fromstring(inline_css(kit(direction=direction))) for direction in ("ltr", "rtl"))
    for name in ("card", "header", "footer"):
        assert "text-align:left" in squeezed(left.find_class(name)[0].get("style"))
        assert "text-align:right" in squeezed(right.find_class(name)[0].get("style"))
    assert "border-right:3px" in squeezed(right.find_class("quote")[0].get("style"))


DARK = re.compile(r"@media \(prefers-color-scheme: dark\) \{(.*?)\n\}\n", re.DOTALL)


def in_scheme(source: str, scheme: str) -> HtmlElement:
    """Return the document with the rules of that colour scheme written into its style attributes."""
    if scheme == "dark":
        found = DARK.search(source)
        assert found is not None
        source = source.replace("</head>", f"<style>{found.group(1)}</style></head>")
    return lxml_html.fromstring(inline_css(source))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(scheme: str) -> None:
    document = in_scheme(kit(), scheme)
    ratios = {
        f"{element.tag}.{element.get('class', '')}: {color} on {background}": contrast(color, background)
        for element in document.find("body").iter("*")
        if (element.text or "").strip() and "display:none" not in squeezed(element.get("style"))
        for color, background in [(inherited(element, "color"), inherited(element, "background-color"))]
    }
    assert len({key.rpartition(": ")[2] for key in ratios}) >= 5
    assert not {key: ratio for key, ratio in ratios.items() if ratio < 4.5}


def inherited(element: HtmlElement, name: str) -> str:
    for ancestor in itertools.chain([element], element.iterancestors()):
        found = dict(declarations(ancestor)).get(name)
        if found:
            return found
    raise AssertionError(f"no {name} above {element.tag}")


def declarations(element: HtmlElement) -> Iterator[tuple[str, str]]:
    for declaration in (element.get("style") or "").split(";"):
        name, _, value = declaration.partition(":")
        yield name.strip(), value.replace("!important", "").strip()


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    if len(color) == 4:
        color = "#" + "".join(2 * digit for digit in color[1:])
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# Bodies of paragraphs, and tables of many columns


@pytest.mark.parametrize("call", ["small()", "panel()", "quote()", "item('Title', '', 'Ann')"])
@pytest.mark.parametrize(
    "body", ["<p>a</p><p>b</p>", "\n<p class='x'>a</p>\n<p>b</p>\n", "<ul><li>a</li></ul><p>b</p>"]
)
def test_a_body_of_paragraphs_stands_in_no_paragraph(call: str, body: str) -> None:
    kit_of = '{% import "aerogram/components.html" as kit %}'
    source = page(
        extending(
            "{% block content %}"
            + kit_of
            + "{% call kit."
            + call
            + " %}"
            + body
            + "{% endcall %}{% endblock %}"
        )
    )
    document = parse_html(inline_css(source))
    assert not [p for p in document.iter("p") if not "".join(p.itertext()).strip()], (
        "an empty one is left over"
    )
    (second,) = [p for p in document.iter("p") if p.text == "b"]
    assert "p" not in [ancestor.tag for ancestor in second.iterancestors()]
    if call == "small()":
        assert "small" in [ancestor.get("class") for ancestor in second.iterancestors()]


@pytest.mark.parametrize("call", ["small()", "item('Title')"])
def test_a_body_of_words_is_a_paragraph(call: str) -> None:
    source = page(
        '{% import "aerogram/components.html" as kit %}{% call kit.' + call + " %}a <b>c</b>{% endcall %}"
    )
    assert "a <b>c</b>" in re.sub(r"<p class=\"small\">|<p><span dir=\"auto\">", "", source)
    assert "<div" not in source


@pytest.mark.parametrize("width", [320, 375, 640])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("numeric", [[], [3, 4, 5], [0, 1, 2, 3, 4, 5]])
def test_a_table_of_six_columns_stays_inside_the_page(
    shared_page: Any, width: int, scheme: str, numeric: list[int]
) -> None:
    source = (
        '{% from "aerogram/components.html" import table %}{% block content %}'
        '{{ table(["Item", "Colour", "Size", "Quantity", "Unit price", "Amount"],'
        ' [("Ergonomic chair", "Anthracite", "Communication", 1200, "€1,249,000.00", "€14,988,000.00")],'
        ' numeric=numeric, totals=[("Total", "€14,988,000.00")]) }}{% endblock %}'
    )
    shared_page.set_viewport_size({"width": width, "height": 800})
    shared_page.emulate_media(color_scheme=scheme)
    shared_page.set_content(inline_css(page(extending(source), numeric=numeric)))
    cells = "[...document.querySelectorAll('td, th, table')]"
    right = shared_page.evaluate(f"Math.max(...{cells}.map(e => e.getBoundingClientRect().right))")
    assert shared_page.evaluate("document.documentElement.scrollWidth") <= width
    assert right <= width


# What is no argument of a component

WRONG_ARGUMENTS = {
    'details({"a": 1})': "details(): items is of type dict. Accepted: a list of pairs .* items: ….items()",
    'details([("a",)])': "details(): item 1 of items has 1 value. Accepted: a list of pairs",
    'details(("Total", 3))': "details(): item 1 of items is of type str. .*Put a single pair into a list",
    "details(none)": "details(): items is None.",
    'buttons([("a", "/"), ("b", "/", true)])': "buttons(): item 2 of links has 3 values.",
    'buttons(["OK"])': "buttons(): item 1 of links is of type str.",
    'table("ab", [])': "table(): columns is of type str. Accepted: a list of headings",
    'table(["a", "b"], ["xy"])': "table(): row 1 is of type str. Accepted: a list of rows",
    'table(["a", "b"], [(1, 2), (1,)])': "table(): row 2 has 1 cell, but the table has 2 columns.",
    'table(["a"], [(1, 2)])': "table(): row 1 has 2 cells, but the table has 1 column.",
    'table(["a"], [{"a": 1}])': "table(): row 1 is of type dict.",
    'table(["a"], 5)': "table(): rows is of type int.",
    'table(["a"], [[1]], numeric=0)': "table(): numeric is of type int. Accepted: a list of the columns",
    'table(["a"], [[1]], numeric=[1])': "table(): numeric has column 1, but the table has 1 column",
    'table(["a"], [[1]], numeric=["a"])': "table(): numeric has a value of type str",
    'table(["a"], [[1]], totals=("Total", 3))': "table(): item 1 of totals is of type str. .*into a list",
    'table(["a"], [[1]], totals=[("a", 1, 2)])': "table(): item 1 of totals has 3 values.",
    'table(["A", "B"], [(1, none)])': "table(): row 1, column 2 ('B') is None; use \"\" for an empty cell.",
    "table([], [(none,)])": "table(): row 1, column 1 is None; use",
    'table(["A", none], [])': "table(): the heading of column 2 is None; use",
    'details([("A", none)])': "details(): the value of item 1 of items ('A') is None; use",
    'buttons([("A", "/"), (none, "/")])': "buttons(): the label of item 2 of links is None; use",
    'table(["a"], [[1]], totals=[("T", none)])': "table(): the value of item 1 of totals ('T') is None; use",
    "panel()": "panel() has no body. Write {% call panel(…) %}…{% endcall %}.",
    'quote("Ann")': "quote() has no body.",
    "small()": "small() has no body.",
}


@pytest.mark.parametrize("call", WRONG_ARGUMENTS)
def test_a_component_says_which_argument_it_cannot_use(call: str) -> None:
    source = '{% import "aerogram/components.html" as kit %}\n\n{{ kit.' + call + " }}"
    text = re.escape(WRONG_ARGUMENTS[call]).replace(re.escape(".*"), ".*")
    with pytest.raises(RenderError, match=f"^page.html, line 3 .test.: {text}") as caught:
        page(source)
    assert (caught.value.template, caught.value.line) == ("page.html", 3)


def test_a_table_takes_what_holds_several_values_in_an_order() -> None:
    source = (
        '{% from "aerogram/components.html" import details, table %}{{ details(facts.items()) }}'
        '{{ table(columns, rows, numeric=numeric, totals=totals) }}{{ table([], [("no", "headings")]) }}'
    )
    shown = page(
        source,
        facts={"Order": 1042},
        columns=iter(("Item", "Price")),
        rows=(row for row in [("Tea", 4), ["Milk", 1]]),
        numeric={1},
        totals=[["Total", 5]],
    )
    assert "".join(re.sub("<[^>]*>", " ", shown)).split() == (
        ["Order", "1042", "Item", "Price", "Tea", "4", "Milk", "1", "Total", "5", "no", "headings"]
    )


@pytest.mark.parametrize(
    "use", ['{{ button("a", "/") }}', "{% call buton() %}x{% endcall %}", "{{ button }}"]
)
def test_a_component_that_was_not_imported_says_how(use: str) -> None:
    with pytest.raises(UndefinedVariableError) as caught:
        page(use)
    assert '{% from "aerogram/components.html" import button %}' in str(caught.value)


def test_a_field_that_is_nearer_than_a_component_is_the_hint() -> None:
    with pytest.raises(UndefinedVariableError, match="Did you mean 'detail'"):
        page("{{ details }}", detail="x")


def test_the_known_names_are_those_of_all_templates_too() -> None:
    with pytest.raises(UndefinedVariableError, match="Available: base_url, order, site_name"):
        page("{{ zzz }}", order=1)


def test_what_a_component_is_not_given_is_missing_in_the_line_of_its_call() -> None:
    source = '{% from "aerogram/components.html" import button %}\n{{ button("Open") }}'
    with pytest.raises(
        UndefinedVariableError, match=r"^page.html, line 2 .*button\(\): url is missing\. Give it"
    ):
        page(source)
