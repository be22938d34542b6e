"""`check` finds every problem of every notification, names its file and line, and sends nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aerogram import AdminNotification, Notification
from aerogram.checks import Problem, check
from aerogram.conf import settings

HERE = Path(__file__).resolve()


@pytest.fixture(autouse=True)
def templates(tmp_path):
    folder = tmp_path / "templates"
    folder.mkdir()
    for name, source in {
        "good.html": "<p>Hello {{ name }}</p>",
        "good.txt": "Hello {{ name }}",
        "typo.html": "<p>\n\n{{ nmae }}</p>",
        "attribute.txt": "one\n{{ name.nope }}",
        "broken.html": "<p>\n{% if %}</p>",
        "filter.txt": "{{ name|nofilter }}",
        "extends.html": "{% extends 'nobase.html' %}",
        "includes.txt": "{{ name }}\n{% include 'nopart.txt' %}",
        "child.html": "{% extends 'parent.html' %}{% block a %}{{ name }}{% endblock %}",
        "parent.html": "<p>\n{% block a %}{% endblock %}\n{{ fotter }}</p>",
        "dynamic.txt": "{% include part %}",
        "extra.txt": "{{ name }} {{ total }}",
        "optional.txt": "{{ name }}{% if extra is defined %}{{ extra }}{% endif %}{{ site_name }}",
    }.items():
        (folder / name).write_text(source)
    settings.configure(TEMPLATE_DIRS=[str(folder)])
    return folder


class Base(Notification, abstract=True):
    subject = "Hello {{ name }}"
    to = ["ann@example.com"]
    name: str = "Ann"

    @classmethod
    def samples(cls):
        return {"one": cls()}


def line_of(text: str) -> int:
    """Return the one line of this file that ends in ``text``."""
    (number,) = [
        number for number, line in enumerate(HERE.read_text().splitlines(), 1) if line.endswith(text)
    ]
    return number


def only(problems: list[Problem]) -> Problem:
    assert len(problems) == 1, problems
    return problems[0]


def where(problem: Problem) -> tuple[str, int, str]:
    return Path(problem.file).name, problem.line, problem.code


def test_a_good_notification_has_no_problem():
    class Good(Base, name="check_good"):
        html_template = "good.html"
        text_template = "good.txt"

    assert check([Good]) == []


def test_optional_variables_and_globals_are_no_problem():
    class Optional(Base, name="check_optional"):
        text_template = "optional.txt"

    assert check([Optional]) == []


def test_a_missing_template_is_reported_once_at_its_declaration():
    class Missing(Base, name="check_missing"):
        html_template = "nowhere.html"  # missing declared here

    problem = only(check([Missing]))
    assert where(problem) == (HERE.name, line_of("# missing declared here"), "template-missing")
    assert "'nowhere.html'" in problem.message
    assert problem.notification == "check_missing"
    assert problem.severity == "error"


@pytest.mark.parametrize(
    ("template", "place"),
    [
        ("typo.html", ("typo.html", 3, "unknown-variable")),
        ("broken.html", ("broken.html", 2, "template-broken")),
        ("filter.txt", ("filter.txt", 1, "template-broken")),
        ("extends.html", ("extends.html", 1, "template-missing")),
        ("includes.txt", ("includes.txt", 2, "template-missing")),
        ("child.html", ("parent.html", 3, "unknown-variable")),
        ("attribute.txt", ("attribute.txt", 2, "unknown-variable")),
    ],
)
def test_a_problem_in_a_template_is_reported_once_at_its_line(template, place):
    class Faulty(Base, name="check_faulty"):
        if template.endswith(".html"):
            html_template = template
        else:
            text_template = template

    assert where(only(check([Faulty]))) == place


def test_templates_are_read_without_samples_too():
    class Unsampled(Base, name="check_unsampled"):
        html_template = "typo.html"

        @classmethod
        def samples(cls):
            return {}

    problems = check([Unsampled])
    assert [(problem.code, problem.severity) for problem in problems] == [
        ("no-samples", "warning"),
        ("unknown-variable", "error"),
    ]


def test_a_subject_that_asks_for_no_field_is_reported_at_its_line():
    class Subject(Base, name="check_subject"):
        subject = "Hello {{ nmae }}"  # subject declared here
        text_template = "good.txt"

    assert where(only(check([Subject]))) == (
        HERE.name,
        line_of("# subject declared here"),
        "unknown-variable",
    )


def test_a_subject_whose_data_has_a_newline_is_reported():
    class Newline(Base, name="check_newline"):
        text_template = "good.txt"

        @classmethod
        def samples(cls):
            return {"hostile": cls(name="Ann\r\nBcc: eve@example.com")}

    problem = only(check([Newline]))
    assert problem.code == "header-invalid"
    assert "'hostile'" in problem.message


def test_an_empty_subject_is_reported():
    class Silent(Base, name="check_silent"):
        subject = ""
        text_template = "good.txt"

    assert "no-subject" in {problem.code for problem in check([Silent])}


def test_neither_template_is_reported():
    class Bare(Base, name="check_bare"):
        pass

    assert "no-template" in {problem.code for problem in check([Bare])}


def test_nobody_to_send_to_is_reported_once():
    class Nobody(Notification, name="check_nobody"):
        subject = "Hello"
        text_template = "good.txt"
        name: str = "Ann"

        @classmethod
        def samples(cls):
            return {"one": cls()}

    assert only(check([Nobody])).code == "no-recipients"


def test_a_sample_with_no_recipients_is_named():
    class Emptied(Base, name="check_emptied"):
        text_template = "good.txt"

        @property
        def to(self):
            return []

    problem = only(check([Emptied]))
    assert problem.code == "no-recipients"
    assert "'one'" in problem.message


def test_staff_mail_to_nobody_is_no_error():
    class Alarm(AdminNotification, name="check_alarm"):
        subject = "Alarm"

        @classmethod
        def samples(cls):
            return {"one": cls(message="Fire")}

    assert only(check([Alarm])).severity == "warning"


def test_an_invalid_recipient_of_a_sample_is_reported():
    class Recipient(Base, name="check_recipient"):
        text_template = "good.txt"

        @property
        def to(self):
            return ["ann@example.com, eve@example.com"]

    problem = only(check([Recipient]))
    assert problem.code == "address-invalid"


def test_a_missing_attachment_is_reported(tmp_path):
    class Attached(Base, name="check_attached"):
        text_template = "good.txt"

        @property
        def attachments(self):
            return [tmp_path / "bill.pdf"]

    problem = only(check([Attached]))
    assert problem.code in {"attachment-missing", "attachment-invalid"}
    assert "bill.pdf" in problem.message


def test_a_missing_stylesheet_is_reported_once():
    class Styled(Base, name="check_styled"):
        html_template = "good.html"
        css = "nowhere.css"

    assert only(check([Styled])).code == "stylesheet-missing"


def test_samples_that_raise_are_reported_with_the_error():
    class Raising(Base, name="check_raising"):
        text_template = "good.txt"

        @classmethod
        def samples(cls):
            raise KeyError("fixture")

    problem = only(check([Raising]))
    assert problem.code == "samples-failed"
    assert "KeyError: 'fixture'" in problem.message


def test_a_sample_that_is_no_notification_is_reported():
    class Stranger(Base, name="check_stranger"):
        text_template = "good.txt"

        @classmethod
        def samples(cls) -> Any:
            return {"odd": "a text"}

    assert only(check([Stranger])).code == "samples-failed"


def test_an_error_of_the_applications_own_code_is_reported_by_its_kind():
    class Own(Base, name="check_own"):
        text_template = "good.txt"

        def context(self):
            raise ZeroDivisionError("division by zero")

    problem = only(check([Own]))
    assert problem.code == "sample-failed"
    assert "ZeroDivisionError: division by zero" in problem.message


def test_variables_of_an_overridden_context_come_from_the_samples():
    class Extra(Base, name="check_extra"):
        text_template = "extra.txt"

        def context(self):
            return {**super().context(), "total": 3}

    class ExtraUnsampled(Extra, name="check_extra_unsampled"):
        @classmethod
        def samples(cls):
            return {}

    assert check([Extra]) == []
    assert only(check([ExtraUnsampled])).code == "no-samples"


def test_a_dynamic_include_needs_a_sample():
    class Dynamic(Base, name="check_dynamic"):
        text_template = "dynamic.txt"
        part: str = "good.txt"

    class DynamicUnsampled(Dynamic, name="check_dynamic_unsampled"):
        @classmethod
        def samples(cls):
            return {}

    assert check([Dynamic]) == []
    assert {problem.code for problem in check([DynamicUnsampled])} == {"no-samples", "unchecked-include"}


def test_templates_that_samples_choose_are_read():
    class Chosen(Base, name="check_chosen"):
        text_template: str

        @classmethod
        def samples(cls):
            return {"good": cls(text_template="good.txt"), "bad": cls(text_template="nowhere.txt")}

    assert only(check([Chosen])).code == "template-missing"


def test_everything_is_reported_at_once():
    class First(Base, name="check_first"):
        subject = "{{ a }}"
        html_template = "typo.html"
        text_template = "nowhere.txt"
        css = "nowhere.css"

    class Second(Base, name="check_second"):
        html_template = "child.html"

    problems = check([First, Second])
    assert [(problem.notification, problem.code) for problem in problems] == [
        ("check_first", "unknown-variable"),
        ("check_first", "unknown-variable"),
        ("check_first", "template-missing"),
        ("check_first", "stylesheet-missing"),
        ("check_second", "unknown-variable"),
    ]
    assert all(problem.file and problem.line for problem in problems)


def test_a_class_without_source_is_checked_all_the_same():
    made: dict[str, Any] = {"Base": Base}
    exec("class Sourceless(Base, name='check_sourceless'):\n    html_template = 'typo.html'\n", made)
    problem = only(check([made["Sourceless"]]))
    assert where(problem) == ("typo.html", 3, "unknown-variable")
    exec("class Sourceless2(Base, name='check_sourceless2'):\n    html_template = 'nope.html'\n", made)
    assert only(check([made["Sourceless2"]])).code == "template-missing"


def test_checking_sends_nothing(monkeypatch):
    class Sent(Base, name="check_sent"):
        text_template = "good.txt"

    with settings.override(EMAIL_BACKEND="aerogram.mail.backends.locmem.EmailBackend"):
        check([Sent])
    import aerogram.mail

    assert not getattr(aerogram.mail, "outbox", [])


def test_all_notifications_of_the_settings_are_the_default(tmp_path, monkeypatch):
    (tmp_path / "mails_for_checks.py").write_text(
        "from aerogram import Notification\n"
        "class CheckedByDefault(Notification):\n"
        "    subject = 'Hi'\n"
        "    text_template = 'nowhere.txt'\n"
        "    to = ['ann@example.com']\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with settings.override(NOTIFICATION_MODULES=["mails_for_checks"]):
        found = [problem for problem in check() if problem.notification == "checked_by_default"]
    assert [(Path(problem.file).name, problem.line, problem.code) for problem in found] == [
        ("mails_for_checks.py", 2, "no-samples"),
        ("mails_for_checks.py", 4, "template-missing"),
    ]


def test_a_context_that_fails_is_reported_when_the_sample_is_rendered():
    class HalfBroken(Base, name="check_half_broken"):
        text_template = "extra.txt"

        def context(self):
            if self.name == "Bob":
                raise LookupError("no Bob")
            return {**super().context(), "total": 1}

        @classmethod
        def samples(cls):
            return {"Ann": cls(), "Bob": cls(name="Bob")}

    problem = only(check([HalfBroken]))
    assert "'Bob'" in problem.message
    assert "LookupError: no Bob" in problem.message
