"""`check` finds what would otherwise be noticed by the first reader of the mail, or by nobody."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

from aerogram import AdminNotification, ManagerNotification, Notification
from aerogram.checks import check
from aerogram.conf import settings
from aerogram.templating.i18n.localization import babel_locale

HERE = Path(__file__).resolve()


@pytest.fixture(autouse=True)
def folder(tmp_path):
    (tmp_path / "a.txt").write_text("Hello")
    (tmp_path / "base.html").write_text("{% block content %}{% block inner %}{% endblock %}{% endblock %}")
    (tmp_path / "middle.html").write_text("{% extends 'base.html' %}{% block content %}x{% endblock %}")
    (tmp_path / "macros.html").write_text("{% macro code() %}{% endmacro %}{% set other = 1 %}")
    (tmp_path / "child.html").write_text("{% extends 'base.html' %}\n{% block contnet %}{% endblock %}")
    settings.configure(TEMPLATE_DIRS=[str(tmp_path)])
    return tmp_path


class Base(Notification, abstract=True):
    subject = "Hello"
    to = ["ann@example.com"]

    @classmethod
    def samples(cls):
        return {"one": cls()}


def found(cls: type[Notification]) -> list[tuple[str, str]]:
    return [(problem.code, problem.severity) for problem in check([cls])]


def found_in(folder: Path, source: str, **fields: Any) -> list[tuple[str, str, int]]:
    """Return the problems of a notification with this HTML template, its fields and no samples."""
    (folder / "a.html").write_text(source)
    body = {"html_template": "a.html", "samples": classmethod(lambda cls: {}), **fields}
    body["__annotations__"] = dict.fromkeys(fields, Any)
    cls = type("Made", (Base,), body, name="check_silent")
    problems = [problem for problem in check([cls]) if problem.code != "no-samples"]
    return [(problem.code, Path(problem.file).name, problem.line) for problem in problems]


@pytest.mark.parametrize(
    ("source", "code", "line"),
    [
        ("{% from 'macros.html' import code %}\n{{ code }}", "unprintable", 2),
        ("{% from 'macros.html' import code as c %}<p title='{{ c }}'>", "unprintable", 1),
        ("{% macro code() %}{% endmacro %}\n\n{{ code }}", "unprintable", 3),
        ("{% extends 'base.html' %}\n{% block contnet %}x{% endblock %}", "unknown-block", 2),
        ("{% extends 'middle.html' %}{% block footer %}x{% endblock %}", "unknown-block", 1),
        ("{% include 'child.html' %}", "unknown-block", 2),
        ("{% extends 'base.html' %}\n\n  lost{% block content %}x{% endblock %}", "outside-blocks", 3),
        ("{% extends 'base.html' %}{% block content %}x{% endblock %}\n{{ code }}", "outside-blocks", 2),
        ("{% extends 'base.html' %}\n{% if code %}\nlost{% endif %}", "outside-blocks", 3),
        (
            "{% extends 'base.html' %}{% for x in code %}{% with %}{{ x }}{% endwith %}{% endfor %}",
            "outside-blocks",
            1,
        ),
        (
            "{% extends 'base.html' %}{% filter upper %}{% trans %}lost{% endtrans %}{% endfilter %}",
            "outside-blocks",
            1,
        ),
        ("{% extends 'base.html' %}\n{% include 'macros.html' %}", "outside-blocks", 2),
        ("{% extends 'base.html' %}\n\n{% call x() %}{% endcall %}", "outside-blocks", 3),
    ],
)
def test_a_mistake_in_a_template_is_found_without_samples(folder, source, code, line):
    file = "child.html" if "child" in source else "a.html"
    found = found_in(folder, source, code="482", x=str)
    assert found == [(code, file, line)]


@pytest.mark.parametrize(
    "source",
    [
        "{% from 'macros.html' import code %}{{ code() }}",
        "{% from 'macros.html' import other %}{{ other }}",
        "{% from 'macros.html' import code %}{% for code in [1] %}{{ code }}{% endfor %}",
        "{{ code }}{% if unsubscribe_url %}{{ unsubscribe_url }}{% endif %}",
        "{% extends 'middle.html' %}{% block inner %}x{% endblock %}{% block content %}y{% endblock %}",
        "{% extends 'base.html' %}{% block content %}{% block new %}x{% endblock %}{% endblock %}",
        "x{% extends 'base.html' %}\n  {% set y = 1 %}{% set z %}text{% endset %}{# note #}\n"
        "{% from 'macros.html' import code %}{% macro m() %}text{% endmacro %}\n"
        "{% block content %}x{% endblock %}\n",
        "{% if 0 %}{% extends 'base.html' %}{% endif %}text",
        "{% extends code %}{% block any %}x{% endblock %}",
    ],
)
def test_what_is_meant_is_no_mistake(folder, source):
    assert [
        problem for problem in found_in(folder, source, code="482") if problem[0] != "unchecked-include"
    ] == []


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("\n{{ name.upper }}", "unprintable"),
        ("\n{{ nothing }}", "unprintable"),
        ("\n<a title='{{ nothing | trim }}'>", "unprintable"),
        ("{% extends base %}\n{% block gone %}{% endblock %}", "unknown-block"),
    ],
)
def test_samples_show_what_only_the_data_decides(folder, source, code):
    (folder / "a.html").write_text(source)

    class Sampled(Base, name="check_sampled"):
        html_template = "a.html"
        name: str = "Ann"
        nothing: str | None = None
        base: str = "base.html"

    (problem,) = check([Sampled])
    assert (problem.code, Path(problem.file).name, problem.line) == (code, "a.html", 2)


def test_a_subject_that_is_taken_literally():
    class Literal(Base, name="check_literal"):
        subject: str = "Order {{ number }}"
        text_template = "a.txt"

    class FieldLiteral(Literal, name="check_field_literal"):
        subject: str = dataclasses.field(default="{% if x %}Order{% endif %}")

    class Settled(Literal, name="check_settled"):
        subject = "Order {{ 1 }}"

    for cls in (Literal, FieldLiteral):
        (problem,) = check([cls])
        assert problem.code == "subject-literal"
        assert "Remove the annotation" in problem.message
    assert check([Settled]) == []


@pytest.mark.parametrize("name", ["html_template", "subject_prefix", "css"])
def test_jinja_in_a_declaration_that_is_no_template(name):
    cls = type(
        "Literal",
        (Base,),
        {
            "text_template": "a.txt",
            name: "https://example.com/{{x}}",
            "samples": classmethod(lambda cls: {}),
        },
        name="check_jinja",
    )
    assert ("jinja-literal", "error") in found(cls)


@pytest.mark.parametrize(
    ("kind", "setting"), [(AdminNotification, "ADMINS"), (ManagerNotification, "MANAGERS")]
)
def test_staff_mail_to_nobody(kind, setting):
    class Alarm(kind, name="check_staff"):
        subject = "Alarm"

        @classmethod
        def samples(cls):
            return {"one": cls(message="Fire")}

    class ToOps(Alarm, name="check_staff_ops"):
        to = ["ops@example.com"]

    (problem,) = check([Alarm])
    assert (problem.code, problem.severity) == ("no-staff", "warning")
    assert f"{setting} is empty" in problem.message
    assert check([ToOps]) == []
    with settings.override(**{setting: [("Ada", "ada@example.com")]}):
        assert check([Alarm]) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("sender", "from_email"),
        ("from_", "from_email"),
        ("replyto", "reply_to"),
        ("replyTo", "reply_to"),
        ("REPLY_TO", "reply_to"),
        ("unsubscribe_ulr", "unsubscribe_url"),
        ("recipients_", "to"),
        ("SUBJECT", "subject"),
        ("text_tempalte", "text_template"),
        ("attachement", "attachments"),
        ("colour", None),
        ("title", None),
    ],
)
def test_an_attribute_that_is_nearly_a_declaration(name, meant):
    body = {"html_template": None, name: "x", "_private": "sender"}
    if name != "text_tempalte":
        body["text_template"] = "a.txt"
    problems = check([type("Near", (Base,), body, name="check_near")])
    near = [problem for problem in problems if problem.code == "nearly-declaration"]
    assert [problem.message.split("?")[0].split()[-1] for problem in near] == ([repr(meant)] if meant else [])


@pytest.mark.parametrize("is_abstract", [True, False])
def test_a_mistake_in_an_attribute_is_reported_once_for_the_class_that_writes_it(is_abstract):
    class Parent(Base, abstract=is_abstract, name="check_parent"):
        text_template = "a.txt"
        category = "transactional"
        replyto = ["x@example.com"]
        subject_prefix = "{{ x }} "

    class First(Parent, name="check_a_first"):
        cateogry = "bulk"

    class Second(Parent, name="check_b_second"):
        subject_prefix = "b "
        replyto = ["y@example.com"]

    class Third(First, name="check_c_third"):
        pass

    def found(*classes):
        problems = [
            problem for problem in check(classes) if problem.code.endswith(("literal", "declaration"))
        ]
        return sorted((problem.notification, problem.message.split()[0]) for problem in problems)

    writer = "check_a_first" if is_abstract else "check_parent"
    classes = [First, Second, Third] if is_abstract else [First, Parent, Second, Third]
    assert found(*classes) == sorted(
        [
            ("check_a_first", "cateogry"),
            ("check_b_second", "replyto"),
            (writer, "subject_prefix"),
            (writer, "replyto"),
        ]
    )
    inherited = [("check_c_third", name) for name in ("cateogry", "replyto", "subject_prefix")]
    assert found(Third) == inherited


def test_an_attribute_that_the_code_of_a_base_class_reads_is_not_nearly_a_declaration():
    class Reading(Base, abstract=True):
        text_template = "a.txt"
        files = ()

        @property
        def attachments(self):
            return [("a.txt", text, "text/plain") for text in self.files]

        @property
        def from_email(self):
            return self.sender

    class Read(Reading, name="check_read"):
        sender = "a@example.com"
        files = ("a",)

    assert check([Read]) == []


def test_fields_methods_and_declared_things_are_not_nearly_declarations():
    class Fine(Base, name="check_fine"):
        text_template = "a.txt"
        from_email = "a@example.com"
        sender = "x"
        replyto: str = "a field"
        attachment: ClassVar[str] = "mine"

        def header(self):
            return None

    assert check([Fine]) == []


def test_a_computed_attribute_may_be_nearly_a_declaration():
    class Computed(Base, name="check_computed"):
        text_template = "a.txt"

        @property
        def replyto(self):
            return ["x@example.com"]

    (problem,) = check([Computed])
    assert (problem.code, Path(problem.file).name) == ("nearly-declaration", HERE.name)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("shop", "annotate it, shop: str = …"),
        ("total", 'return {**super().context(), "total": self.total}'),
        ("count", '"count": self.count()'),
        ("shpo", "Did you mean 'name'"),
    ],
)
def test_a_name_that_is_an_attribute_of_the_class(folder, name, hint):
    (folder / "a.html").write_text("{{ X }}".replace("X", name if name != "shpo" else "nmae"))

    class Attributes(Base, name="check_attributes"):
        html_template = "a.html"
        shop = "Halyard"
        name: str = "Ann"

        @property
        def total(self):
            return 1

        def count(self):
            return 1

    (problem,) = check([Attributes])
    assert problem.code == "unknown-variable"
    assert hint in problem.message


@pytest.mark.parametrize(
    ("markup", "codes"),
    [
        ("<a href='/x'>", ["link-relative"]),
        ("<a href='{{ link }}'>", ["link-relative"]),
        ("<a href='//cdn.example/x'>", ["link-relative"]),
        ("<img src='x.png'>", ["link-relative"]),
        ("<img srcset='https://x.example 1x, x.png 2x'>", ["link-relative"]),
        ("<table><td background='x.png'>", ["link-relative"]),
        ("<p style='background: url(x.png)'>", ["link-relative"]),
        ("<style>@media print { p { background: url('x.png') } }</style><p>", ["link-relative"]),
        ("<a href=''>", ["link-dead"]),
        ("<a href=' '>", ["link-dead"]),
        ("<img src=''>", ["link-dead"]),
        ("<a href='#'>", ["link-dead"]),
        ("<a href='javascript:void(0)'>", ["link-dead"]),
        ("<a href=' JavaScript:x'>", ["link-dead"]),
        ("<a href='file:///x'>", ["link-dead"]),
        ("<a href='/x'></a><a href='/x'></a><a href='#'>", ["link-relative", "link-dead"]),
        ("<a href='#top'></a><a href='mailto:a@b.example'></a><a href='https://x.example'></a>", []),
        ("<a href='*|UNSUB|*'></a><a>", []),
    ],
)  # fmt: skip
def test_links_that_lead_nowhere(folder, markup, codes):
    (folder / "a.html").write_text(markup)

    class Linked(Base, name="check_linked"):
        html_template = "a.html"
        link: str = "orders/1"

    def dead() -> list[str]:
        return [code for code, _ in found(Linked) if code in ("link-relative", "link-dead")]

    assert dead() == codes
    with settings.override(BASE_URL="https://shop.example"):
        assert dead() == [code for code in codes if code != "link-relative"]


def test_what_mail_programs_lack_of_the_layout_is_no_finding_about_a_mail(folder: Path) -> None:
    (folder / "own.html").write_text(
        '{% extends "aerogram/base.html" %}{% from "aerogram/components.html" import button, code, panel %}\n'
        "{% block title %}Hello{% endblock %}{% block content %}"
        '{{ code("12") }}{{ button("Open it", "https://x.example") }}\n'
        '{% call panel() %}<p style="word-break: break-all">own</p>{% endcall %}{% endblock %}'
    )
    cls = type("Own", (Base,), {"html_template": "own.html"}, name="check_layout")
    infos = [problem for problem in check([cls], level="info") if problem.code.startswith("client")]
    assert [(Path(each.file).name, each.line) for each in infos if "word-break" in each.message] == [
        ("own.html", 3)
    ]
    assert not [each for each in infos if "/aerogram/" in each.file]
    assert len(infos) < 4, infos


ALL_COMPONENTS = """
{% extends "aerogram/base.html" %}
{% from "aerogram/components.html" import button, details, divider, figure, image, item, table %}
{% block title %}Hello{% endblock %}
{% block content %}
<p>See <a href="https://x.example">here</a>.</p>
{{ button("Open", "https://x.example/a") }}{{ details([("a", "b")]) }}{{ divider() }}{{ figure("a", "b") }}
{{ table(["a", "b"], [(1, 2)], numeric=[1], totals=[("t", 3)]) }}{% call item("a") %}b{% endcall %}
{{ image("https://x.example/a.png", "boat", 520, 260) }}
OWN
{% endblock %}
"""


@pytest.mark.parametrize(
    ("own", "line", "text"),
    [
        ("", 0, ""),
        ("<ul><li>a</li></ul>", 10, "<ul>, <ol> and <dl> are partly supported"),
        ("<p>a</p>\n<p style='box-shadow: 0 0 1px red'>a</p>", 11, "box-shadow is not supported"),
        ("{% endblock %}{% block styles %}\np {box-shadow: none}", 11, "box-shadow is not supported"),
    ],
)
def test_infos_about_mail_programs_are_those_of_the_own_templates(folder, own, line, text):
    (folder / "own.html").write_text(ALL_COMPONENTS.strip().replace("OWN", own).replace("\n\n", "\n"))
    cls = type("Own", (Base,), {"html_template": "own.html"}, name="check_own_infos")
    infos = [problem for problem in check([cls], level="info") if problem.code.startswith("client")]
    assert all(Path(each.file).name == "own.html" for each in infos), infos
    assert [each.line for each in infos if text in each.message][:1] == [line - 1] * bool(text), infos
    assert len(infos) <= 2 * bool(text), infos


def test_what_is_found_in_the_layout_is_reported_at_the_declared_template(folder: Path) -> None:
    (folder / "middle.html").write_text('{% extends "aerogram/base.html" %}')
    source = '{% extends "middle.html" %}{% block content %}<p>Hello</p>{% endblock %}'
    (folder / "own.html").write_text(source)
    own = type("Own", (Base,), {"html_template": "own.html"}, name="check_layout_place")
    body = {"subject": "Hello", "samples": classmethod(lambda cls: {"one": cls()})}
    staff = type("Staff", (AdminNotification,), body, name="check_staff")
    problems = check([own, staff], level="info")
    preheader, _ = [each for each in problems if each.code == "no-preheader"]
    assert (Path(preheader.file).name, preheader.line) == ("own.html", 1)
    assert "Add {% block preheader %}…{% endblock %}" in preheader.message
    assert {Path(each.file).name for each in problems} <= {"own.html", HERE.name, ""}
    (folder / "own.html").write_text("{# aerogram: ignore no-preheader #}" + source)
    assert not [each for each in check([own]) if each.code == "no-preheader"]


def test_a_missing_extra_is_found_once_where_the_filter_is(folder: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "babel", None)
    babel_locale.cache_clear()
    (folder / "own.html").write_text("<p>\n{{ 1 | money('EUR') }}{{ 2 | number }}")
    samples = classmethod(lambda cls: {"one": cls(), "two": cls()})
    cls = type("Own", (Base,), {"html_template": "own.html", "samples": samples}, name="check_extra")
    (problem,) = [each for each in check([cls]) if "i18n" in each.message]
    assert (Path(problem.file).name, problem.line) == ("own.html", 2)


def test_an_unknown_component_is_found_with_its_import(folder: Path) -> None:
    (folder / "own.txt").write_text("{{ buton('a', 'b') }} {{ site_nme }} {{ order }}")
    cls = type("Own", (Base,), {"text_template": "own.txt"}, name="check_import")
    first, second, third = [each.message for each in check([cls]) if each.code == "unknown-variable"]
    assert '{% from "aerogram/components.html" import button %}' in first
    assert "Did you mean 'site_name'?" in second
    assert "Available: base_url, site_name, unsubscribe_url." in third
