from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from jinja2 import DictLoader, Environment, StrictUndefined, UndefinedError
from markupsafe import Markup

from aerogram.exceptions import (
    RenderError,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedVariableError,
    describe,
)
from aerogram.templating import Finding, Templates, read_line, read_template, shipped_templates


def templates(sources: dict[str, str], **shared: object) -> Templates:
    return Templates((), DictLoader(sources), shared)


@pytest.mark.parametrize("name", ["a.html", "a.html.jinja", "a.html.j2", "a.mjml", "a.txt", "a"])
def test_an_html_part_escapes_whatever_the_file_is_called(name: str) -> None:
    rendered = templates({name: "<p>{{ x }}</p>"}).html(name, {"x": "<script>"}, "origin")
    assert rendered == "<p>&lt;script&gt;</p>"


@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.html.j2"])
def test_a_text_part_escapes_nothing_whatever_the_file_is_called(name: str) -> None:
    rendered = templates({name: "{{ x }}"}).text(name, {"x": "<O'Brien & Co>"}, "origin")
    assert rendered == "<O'Brien & Co>"


def test_a_subject_shows_its_values_unescaped() -> None:
    line = templates({}).line("For {{ who }}", {"who": "O'Brien & Co <b>"}, "origin")
    assert line == "For O'Brien & Co <b>"


class Order:
    number = "A-17"

    @property
    def total(self) -> str:
        raise ValueError("no prices yet")


PIECES = st.sampled_from(
    [
        "Hello ",
        "100 % ",
        "{{ name }}",
        "{{ order.number }}",
        "{{ order.total }}",
        "{{ order.nothing }}",
        "{{ data['items'] }}",
        "{{ data.title }}",
        "{{ data.inner.title }}",
        "{{ data.nothing }}",
        "{{ data.nothing.at_all }}",
        "{{ data['title'] }}",
        "{{ name | upper }}",
        "{{ name ~ 1 }}",
        "{{ site_name }}",
        "{{ missing }}",
        "{{ loop }}",
        "{{ true }}",
        "{{ 1.50 }}",
        "{# not seen #}",
        "{% if data.inner %}yes{% endif %}",
        "{{- name -}}",
        " .\n",  # without the dot, Jinja would keep a space behind a tag alone on its line, and we do not
        "<b>",
        "{% raw %}{{ x }}{% endraw %}",
    ]
)


@hypothesis_settings(deadline=None)
@given(st.lists(PIECES, max_size=6).map("".join))
def test_a_line_and_a_text_part_say_what_jinja_says(source: str) -> None:
    variables = {
        "name": Markup("<Ann & Co>"),
        "order": Order(),
        "data": {"title": "T", "items": "I", "inner": {"title": 0}},
    }
    rendered = templates({"a.txt": source}, site_name="Example")
    jinja = Environment(
        autoescape=False, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, cache_size=0
    )
    jinja.globals["site_name"] = "Example"
    try:
        expected = jinja.from_string(source).render(variables)
    except (UndefinedError, ValueError) as error:
        with pytest.raises(UndefinedVariableError if isinstance(error, UndefinedError) else ValueError):
            rendered.line(source, variables, "origin")
        with pytest.raises(UndefinedVariableError if isinstance(error, UndefinedError) else ValueError):
            rendered.text("a.txt", variables, "origin")
    else:
        assert rendered.text("a.txt", variables, "origin") == expected
        if "{{" in source or "{%" in source or "{#" in source:
            assert rendered.line(source, variables, "origin") == expected


class Lazy(str):
    def __str__(self) -> str:
        return "<lazy>"


class Html:
    def __html__(self) -> str:
        return "<b>"

    def __str__(self) -> str:
        return "b"


@given(
    st.one_of(
        st.text(),
        st.text("ab&<>'\"", max_size=5),
        st.integers(),
        st.booleans(),
        st.floats(allow_nan=False),
        st.builds(Markup, st.text("ab&<", max_size=4)),
        st.sampled_from([Lazy("x"), Html(), [1, "<"]]),
    )
)
def test_a_value_is_escaped_as_jinja_does(value: object) -> None:
    sources = {"a": "{{ x }}{% autoescape false %}{{ x }}{% endautoescape %}"}
    jinja = Environment(loader=DictLoader(sources), autoescape=True)  # it is on
    assert templates(sources).html("a", {"x": value}, "origin") == jinja.get_template("a").render(x=value)


def test_an_attribute_comes_before_an_item_and_a_property_is_asked_once() -> None:
    asked = []

    class Both(dict[str, str]):
        name = "attribute"

        @property
        def counted(self) -> int:
            asked.append(1)
            return len(asked)

    sources = {"a": "{{ x.name }} {{ x.item }} {{ x.counted }} {{ y.keys is callable }} {{ y.z }}"}
    text = templates(sources).html("a", {"x": Both(name="n", item="i"), "y": {"keys": 1, "z": 2}}, "origin")
    assert text == "attribute i 1 True 2"


def test_an_error_in_a_subject_says_where_it_was_raised() -> None:
    with pytest.raises(ValueError, match="no prices yet") as raised:
        templates({}).line("Total: {{ order.total }}", {"order": Order()}, "Receipt.subject")
    assert raised.value.__notes__ == ["while rendering Receipt.subject, line 1"]


def test_a_global_added_later_is_seen() -> None:
    rendered = templates({"a.txt": "{{ slogan }}"})
    rendered.text_environment.globals["slogan"] = "Now"
    assert rendered.text("a.txt", {}, "origin") == "Now"
    rendered.text_environment.globals["slogan"] = "Then"
    assert rendered.text("a.txt", {}, "origin") == "Then"
    assert rendered.line("{{ slogan }}!", {}, "origin") == "Then!"


def test_a_macro_escapes_for_the_part_it_is_used_in() -> None:
    sources = {
        "m": "{% macro show(x) %}[{{ x }}]{% endmacro %}",
        "a": "{% from 'm' import show %}{{ show(x) }}",
    }
    both = templates(sources)
    assert both.html("a", {"x": "<&"}, "origin") == "[&lt;&amp;]"
    assert both.text("a", {"x": "<&"}, "origin") == "[<&]"


def test_an_undefined_variable_names_template_line_and_variable() -> None:
    with pytest.raises(UndefinedVariableError) as caught:
        templates({"shop/a.html": "one\ntwo {{ custmer.name }}"}).html(
            "shop/a.html", {"customer": 1}, "OrderShipped.html_template"
        )
    assert str(caught.value) == (
        "shop/a.html, line 2 (OrderShipped.html_template): 'custmer' is undefined. Did you mean 'customer'?"
    )
    assert (caught.value.template, caught.value.line) == ("shop/a.html", 2)
    assert isinstance(caught.value, NameError)


def test_an_undefined_attribute_is_found_in_the_template_that_asks_for_it() -> None:
    sources = {"base": "\n\n{% block b %}{% endblock %}", "part": "\n{{ order.nmber }}",
               "a": "{% extends 'base' %}\n{% block b %}{% include 'part' %}{% endblock %}"}  # fmt: skip
    with pytest.raises(UndefinedVariableError, match=r"part, line 2 .*has no attribute 'nmber'"):
        templates(sources).html("a", {"order": object()}, "origin")


def test_an_undefined_variable_in_a_subject_names_the_declaration() -> None:
    with pytest.raises(UndefinedVariableError, match=r"Welcome\.subject.*'nam' is undefined"):
        templates({}).line("Hi {{ nam }}", {"name": 1}, "Welcome.subject")


class User:
    name = "Ann"
    email = "ann@example.com"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ user.nam }}", r"User object' .* 'nam'\. Did you mean 'name'\? Available: name, email"),
        ("{{ user['zzz'] }}", r"User object' has no attribute 'zzz'\. Available: email, name"),
        ("{{ data.titel }}", r"'titel'\. Did you mean 'title'\? Available: title, subtitle, text"),
        ("{{ nothing.x }}", r"'None' has no attribute 'x'\. Available: none"),
        ("{% from 'm' import buton %}{{ buton }}", r"'buton'\. Did you mean 'button'\? Available"),
        ("{% import 'm' as m %}{{ m.buton }}", r"'buton'\. Did you mean 'button'\? Available: button, code"),
        ("{% macro f(x) %}{{ x }}{% endmacro %}{{ f() }}", r"parameter 'x' was not provided\. Pass it"),
        ("{{ zzz }}", r"'zzz' is undefined\. Available: data, nothing, user"),
    ],
)  # fmt: skip
def test_an_undefined_name_is_answered_with_the_names_there_are(source: str, expected: str) -> None:
    macros = "{% macro button() %}{% endmacro %}{% macro code() %}{% endmacro %}{% set _own = 1 %}"
    variables = {"user": User(), "data": {"title": 1, "text": 2, "subtitle": 3}, "nothing": None}
    for html in (True, False):
        rendered = templates({"a": source, "m": macros})
        with pytest.raises(UndefinedVariableError, match=f"a, line 1 .*{expected}"):
            (rendered.html if html else rendered.text)("a", variables, "origin")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("welcome.html", "billing/welcome.html"),
        ("biling/welcome.html", "billing/welcome.html"),
        ("billing/welcom.html", "billing/welcome.html"),
        ("zzz.txt", ""),
        ("billing/welcome.txt", ""),
    ],
)
def test_a_missing_template_is_answered_with_the_nearest(name: str, near: str) -> None:
    own = templates({"billing/welcome.html": "", "other.html": f"{{% include {name!r} %}}"})
    for each, where in ((name, "origin"), ("other.html", "other.html, line 1 (origin)")):
        with pytest.raises(TemplateNotFound) as caught:
            own.html(each, {}, "origin")
        hint = f" Did you mean {near!r}?" if near else ""
        assert str(caught.value).startswith(f"{where}: there is no template {name!r}.{hint} Looked in")


@pytest.mark.parametrize(
    ("source", "near"), [('{{ 1 | mony("EUR") }}', "money"), ("{{ 1 is defind }}", "defined")]
)
def test_an_unknown_filter_or_test_is_answered_with_the_nearest(source: str, near: str) -> None:
    text = f"named '.*'. Did you mean '{near}'"
    with pytest.raises(TemplateSyntaxError, match=text):
        templates({"a": source}).html("a", {}, "origin")
    with pytest.raises(TemplateSyntaxError, match=text):
        templates({}).line(source, {}, "origin", sandboxed=True)
    assert (
        f"Did you mean '{near}'?"
        in read_template(templates({"a": source}), "a", html=True).findings[0].subject
    )


def test_an_undefined_variable_is_refused_even_where_jinja_would_print_nothing() -> None:
    for source in ("{{ x }}", "{% for y in x %}{% endfor %}", "{% if x %}{% endif %}", "{{ x|upper }}"):
        with pytest.raises(UndefinedVariableError):
            templates({"a": source}).text("a", {}, "origin")


def test_a_missing_template_says_where_it_was_looked_for() -> None:
    with pytest.raises(
        TemplateNotFound, match=r"Welcome\.html_template: there is no template 'nope\.html'"
    ) as caught:
        Templates(["some/folder"]).html("nope.html", {}, "Welcome.html_template")
    assert "some/folder" in str(caught.value)
    assert isinstance(caught.value, LookupError)


def test_a_missing_include_names_the_line_that_asks_for_it() -> None:
    with pytest.raises(TemplateNotFound, match=r"^a, line 2 \(.*\): there is no template 'gone'"):
        templates({"a": "\n{% include 'gone' %}"}).html("a", {}, "origin")


def test_a_broken_template_names_file_and_line() -> None:
    with pytest.raises(TemplateSyntaxError, match=r"a, line 3 \(origin\): "):
        templates({"a": "\n\n{% if %}"}).html("a", {}, "origin")
    with pytest.raises(TemplateSyntaxError, match=r"b, line 1 \(origin\): "):
        templates({"a": "{% include 'b' %}", "b": "{{ "}).html("a", {}, "origin")
    with pytest.raises(TemplateSyntaxError, match=r"origin: .* in '\{\{ x'"):
        templates({}).line("{{ x", {}, "origin")


def test_a_jinja_runtime_error_names_template_and_line() -> None:
    with pytest.raises(RenderError, match="a, line 2"):
        templates({"a": "\n{% include names %}"}).html("a", {"names": []}, "origin")


def test_an_error_of_the_application_keeps_its_type_and_gains_the_place() -> None:
    def explode() -> None:
        raise ZeroDivisionError("own")

    with pytest.raises(ZeroDivisionError, match="own") as caught:
        templates({"a": "\n{{ f() }}"}).html("a", {"f": explode}, "origin")
    assert caught.value.__notes__ == ["while rendering a, line 2 (origin)"]


def test_a_computed_subject_cannot_reach_into_python() -> None:
    own = templates({})
    assert own.line("{{ n }} new", {"n": 3}, "origin", sandboxed=True) == "3 new"
    for hostile in (
        "{{ ().__class__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ lipsum.__globals__ }}",
        "{{ x.__class__.__mro__ }}",
        "{{ x['__class__'] }}",
        "{{ x|attr('__class__') }}",
        "{{ '{0.__class__}'.format(x) }}",
        "{{ '{a.__class__}'.format_map({'a': x}) }}",
        "{{ [x]|map(attribute='__class__')|first }}",
        "{{ numbers.append(1) }}",
    ):
        with pytest.raises(RenderError):
            own.line(hostile, {"x": "", "numbers": []}, "origin", sandboxed=True)


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/hostname", "a/../../secret", "a\0b", "..\\secret", "link"]
)
def test_a_template_name_never_leaves_its_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(TemplateNotFound):
        Templates([folder]).text(name, {}, "origin")


def test_a_folder_of_the_application_comes_before_what_ships(tmp_path: Path) -> None:
    (tmp_path / "aerogram").mkdir()
    (tmp_path / "aerogram" / "base.html").write_text("mine")
    assert Templates([tmp_path]).html("aerogram/base.html", {}, "origin") == "mine"
    assert (shipped_templates() / "aerogram").is_dir()


def test_a_changed_stylesheet_is_read_again(tmp_path: Path) -> None:
    import os

    sheet = tmp_path / "brand.css"
    sheet.write_text("p { color: red }")
    own = Templates([tmp_path])
    assert own.source("brand.css", "origin") == "p { color: red }"
    sheet.write_text("p { color: blue }")
    os.utime(sheet, (1, 1))
    assert own.source("brand.css", "origin") == "p { color: blue }"
    with pytest.raises(TemplateNotFound, match=r"origin: there is no template 'other\.css'"):
        own.source("other.css", "origin")


def test_shared_variables_reach_imported_macros() -> None:
    sources = {
        "m": "{% macro site() %}{{ site_name }}{% endmacro %}",
        "a": "{% import 'm' as m %}{{ m.site() }}",
    }
    assert templates(sources, site_name="Shop").html("a", {}, "origin") == "Shop"


def names(found: list[Finding]) -> list[tuple[str, str, str, int]]:
    return [(finding.kind, finding.subject, finding.template, finding.line) for finding in found]


def test_inspection_finds_what_the_whole_chain_asks_for_with_its_lines() -> None:
    own = templates(
        {
            "base": "{{ title }}\n{% block b %}{% endblock %}",
            "row": "\n{{ item.price }} {{ currency }}",
            "a": "{% extends 'base' %}{% set title = 'x' %}\n"
            "{% block b %}{% for item in items %}{% include 'row' %}{% endfor %}{% endblock %}",
        }
    )
    assert names(read_template(own, "a", html=True).findings) == [
        ("variable", "items", "a", 2),
        ("variable", "currency", "row", 2),
    ]


def test_inspection_leaves_out_globals_and_what_the_template_treats_as_optional() -> None:
    source = (
        "{{ range(3) }}{{ site_name }}{% if note is defined %}{{ note }}{% endif %}{{ nick|default('you') }}"
    )
    assert read_template(templates({"a": source}, site_name=""), "a", html=False).findings == []


def test_inspection_reports_missing_broken_and_dynamic_templates_at_once() -> None:
    own = templates(
        {"a": "{% include 'gone' %}\n{% include 'bad' %}\n{% include which %}", "bad": "\n{{ x|nofilter }}"}
    )
    assert names(read_template(own, "a", html=True).findings) == [
        ("variable", "which", "a", 3),
        ("missing", "gone", "a", 1),
        ("broken", "No filter named 'nofilter'.", "bad", 2),
        ("dynamic", "", "a", 3),
    ]
    assert names(read_template(own, "nowhere", html=True).findings) == [("missing", "nowhere", "nowhere", 0)]


def test_inspection_survives_templates_that_include_each_other() -> None:
    own = templates({"a": "{% include 'b' %}{{ x }}", "b": "{% include 'a' %}{{ y }}"})
    assert {finding.subject for finding in read_template(own, "a", html=True).findings} == {"x", "y"}


def test_inspection_of_a_subject() -> None:
    assert names(read_line(templates({}), "{{ order.number }} {{ x|default(1) }}").findings) == [
        ("variable", "order", "", 1)
    ]
    assert [finding.kind for finding in read_line(templates({}), "{{ order").findings] == ["broken"]


def test_the_place_of_an_error_begins_a_sentence_where_the_text_ends_one() -> None:
    for text, expected in [("no prices yet", "while rendering"), ("There are no prices.", "While rendering")]:
        error = ValueError(text)
        error.add_note("while rendering a.txt, line 1")
        assert describe(error) == f"ValueError: {text}\n{expected} a.txt, line 1"
