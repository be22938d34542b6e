"""Rules are switched off by a setting or by a comment of a template, and get other levels by a setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from aerogram import Notification
from aerogram.checks import Problem, check
from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured

RELATIVE = "<p>Hello</p>\n<a href='/orders'>Orders</a>"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Path:
    settings.configure(TEMPLATE_DIRS=[str(tmp_path)])
    return tmp_path


def problems(folder: Path, source: str, text: str = "", **others: str) -> list[Problem]:
    (folder / "a.html").write_text(source)
    for name, content in others.items():
        (folder / f"{name}.html").write_text(content)

    class Switched(Notification, name="switched"):
        subject = "Hello"
        to = ["ann@example.com"]
        html_template = "a.html"

        @classmethod
        def samples(cls) -> dict[str, Notification]:
            return {"one": cls(), "two": cls()}

    return check([Switched])


def codes(folder: Path, source: str, **others: str) -> list[str]:
    return [problem.code for problem in problems(folder, source, **others)]


def test_a_finding_has_its_line_and_the_first_sample(folder: Path) -> None:
    (problem,) = problems(folder, RELATIVE)
    assert (Path(problem.file).name, problem.line, problem.sample) == ("a.html", 2, "one")


@pytest.mark.parametrize(
    "comment",
    [
        "{# aerogram: ignore link-relative #}",
        "{#- aerogram: ignore image-alt, link-relative -#}",
        "{# Ours.\n   aerogram: ignore image-alt link-relative #}",
    ],
)
def test_a_comment_switches_a_rule_off(folder: Path, comment: str) -> None:
    assert codes(folder, f"{comment}{RELATIVE}") == []
    assert codes(folder, f"{RELATIVE}\n{comment}") == []


@pytest.mark.parametrize(
    "other", ["{# aerogram: ignore link-dead #}", "<!-- aerogram: ignore link-relative -->", "{{ '' }}"]
)
def test_another_rule_and_another_comment_switch_nothing_off(folder: Path, other: str) -> None:
    assert codes(folder, f"{other}{RELATIVE}") == ["link-relative"]


def test_a_comment_holds_for_the_lines_of_its_own_template(folder: Path) -> None:
    layout = "{# aerogram: ignore link-relative #}<a href='/home'>Home</a>{% block a %}{% endblock %}"
    child = "{% extends 'layout.html' %}{% block a %}<a href='/orders'>Orders</a>{% endblock %}"
    (problem,) = problems(folder, child, layout=layout)
    assert "/orders" in problem.message


def test_a_comment_that_names_no_rule_is_a_finding(folder: Path) -> None:
    (problem,) = problems(folder, "<p>Hello\n{# aerogram: ignore link-relativ #}")
    assert (problem.code, problem.line, problem.severity) == ("unknown-rule", 2, "warning")
    assert "Did you mean 'link-relative'?" in problem.message


@pytest.mark.parametrize("entry", ["link-relative", "switched:link-relative"])
def test_a_setting_switches_a_rule_off(folder: Path, entry: str) -> None:
    with settings.override(CHECKS_IGNORE=[entry]):
        assert codes(folder, RELATIVE) == []
    with settings.override(CHECKS_IGNORE=["other:link-relative", "link-dead"]):
        assert codes(folder, RELATIVE) == ["link-relative"]


def test_a_setting_changes_a_level(folder: Path) -> None:
    for levels, expected in (
        ({"link-relative": "warning"}, ["warning"]),
        ({"link-relative": "info"}, []),
        ({"link-relative": "info", "switched:link-relative": "warning"}, ["warning"]),
    ):
        with settings.override(CHECKS_LEVELS=levels):
            assert [problem.severity for problem in problems(folder, RELATIVE)] == expected


@pytest.mark.parametrize(
    "wrong", [{"CHECKS_IGNORE": ["link-relativ"]}, {"CHECKS_LEVELS": {"x:link-relativ": "error"}}]
)
def test_a_rule_that_does_not_exist_is_refused(wrong: dict[str, object]) -> None:
    with (
        settings.override(**wrong),  # type: ignore[arg-type]  # names of settings, in a dict
        pytest.raises(ImproperlyConfigured, match=r"CHECKS_\w+ .*link-relativ.*Did you mean 'link-relative'"),
    ):
        check([])
