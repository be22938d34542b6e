"""A line break of a template goes with a tag that stands alone on its line, and no other goes."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import DictLoader, Environment

from aerogram.exceptions import TemplateSyntaxError, UndefinedVariableError
from aerogram.templating import Templates

PARTS = {"part": "P\n"}
VIP = {"vip": False, "xs": [1, 2]}


def rendered(source: str, environment: Environment | None = None) -> str:
    """Return the source rendered as a text part; the HTML part says the same."""
    own = Templates((), DictLoader({"a": source, **PARTS}), environment=environment)
    text = own.text("a", VIP, "origin")
    assert own.html("a", VIP, "origin") == text
    return text


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Dear Ann{% if vip %}, our best{% endif %}\nYour order", "Dear Ann\nYour order"),
        ("Dear Ann{% if not vip %}!{% else %}, our best{% endif %}\nYour order", "Dear Ann!\nYour order"),
        ("Seats{% for x in xs %} {{ x }}{% endfor %}\nRow", "Seats 1 2\nRow"),
        ("Total{% set x = 1 %}\nDue", "Total\nDue"),
        ("Total{% set x %}1{% endset %}\nDue", "Total\nDue"),
        ("Total{# of all #}\nDue", "Total\nDue"),
        ("Total {# of\nall #}\nDue", "Total \nDue"),
        ("{# note #}Total{# of all #}\nDue", "Total\nDue"),
        ("{% with x = 1 %}Total{% endwith %}\nDue", "Total\nDue"),
        ("{% filter upper %}Total{% endfilter %}\nDue", "TOTAL\nDue"),
        ("{% macro m() %}M{% endmacro %}Total\nDue", "Total\nDue"),
        ("{% block a %}Total{% endblock %}\nDue", "Total\nDue"),
        ("{% raw %}{{ x }}{% endraw %}\nDue", "{{ x }}\nDue"),
        ("{{ 1 }}{% if vip %}{% endif %}\nDue", "1\nDue"),
        ("{% if vip %}{{ 1 }}{% endif %}\nDue", "\nDue"),
        ("Total {{ '%}' }}{% if vip == '%}\n' %}{% endif %}\nDue", "Total %}\nDue"),
        ("Total{% if vip %}{% endif %}\r\nDue\rNow", "Total\nDue\nNow"),
        ("Total{% if vip %}{% endif %} \nDue", "Total \nDue"),
        ("{% include 'part' %}\nDue", "P\nDue"),
        ("{% for x in xs %}\n{% include 'part' %}\n{% endfor %}\nDue", "P\nP\nDue"),
        ("<td{% if not vip %} class=y{% endif %}\n  dir=ltr>", "<td class=y\n  dir=ltr>"),
    ],
)
def test_a_line_break_beside_something_else_stays(source: str, expected: str) -> None:
    assert rendered(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("A\n{% if not vip %}\nB\n{% endif %}\nC", "A\nB\nC"),
        ("A\n  {% if not vip %}\n  B\n\t{% endif %}\nC", "A\n  B\nC"),
        ("A\n{% for x in xs %}\n{{ x }}\n{% endfor %}\nC", "A\n1\n2\nC"),
        ("A\n{% set x = [\n1,\n2] %}\nC", "A\nC"),
        ("{# one\ntwo #}\nC", "C"),
        ("A\n{% if not vip %}{% for x in xs %}\nB\n{% endfor %}{% endif %}\nC", "A\nB\nB\nC"),
        ("A\n{# note #}{% set x = 1 %}{# note #}\nC", "A\nC"),
        ("A\r\n{% if not vip %}\r\nB\r\n{% endif %}\r\nC", "A\nB\nC"),
        ("A\n{% if not vip %}  \nB\n{% endif %}\t\nC", "A\nB\nC"),
        ("A\n{% set s = '{#' %}\nC", "A\nC"),
        ("A\n{% block a %}{% endblock %}\nC", "A\nC"),
    ],
)
def test_a_line_of_tags_goes(source: str, expected: str) -> None:
    assert rendered(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("A{% if not vip -%}\n B{%- endif %}\nC", "AB\nC"),
        ("A {%- if not vip %} B{% endif -%}\n\n C", "A BC"),
        ("A\n{% if not vip +%}\nB\n{% endif +%}\nC", "A\n\nB\n\nC"),
        ("A\n  {%+ if not vip %}\nB\n{% endif %}\nC", "A\n  B\nC"),
        ("A\n{%- if not vip %}\n B\n{%- endif %}\nC", "A BC"),
        ("A{#- note -#}\n B", "AB"),
    ],
)
def test_marks_are_respected(source: str, expected: str) -> None:
    assert rendered(source) == expected


def test_lines_keep_their_numbers() -> None:
    source = "A{% if vip %}{% endif %} \n{# x\ny #}\t\n{% set x = 1 %}\nB {{ gone }}"
    with pytest.raises(UndefinedVariableError, match="a, line 5 "):
        rendered(source)
    with pytest.raises(TemplateSyntaxError, match="a, line 3 "):
        rendered("A{% if vip %}x{% endif %}\n\n{% if %}\n")
    with pytest.raises(TemplateSyntaxError, match="a, line 2 "):
        rendered("A{% if vip %}x{% endif %}\n{% if 'open %}\n")


def test_subjects_and_environments_of_applications_are_treated_alike() -> None:
    own = Templates()
    assert own.line("{% set x = 1 %}\nA{% if vip %}{% endif %}\nB", VIP, "o") == "A\nB"
    assert own.line("A{% if vip %}{% endif %}\nB", VIP, "o", sandboxed=True) == "A\nB"
    given = Environment(
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
        line_statement_prefix="%%",
        line_comment_prefix="##",
    )
    source = (
        "A<% if vip %>x<% endif %>\n<% if not vip %>\nB<# note #>\n<% endif %>\n"
        "C {%x%}\n%% if vip\nD\n%% endif\nE ## note\nF"
    )
    assert rendered(source, given) == "A\nB\nC {%x%}\nE\nF"


@example("a{% if 1 %}{% endif -%}\n{% set x = 1 %}\na")
@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                " ",
                "\n",
                "\r\n",
                "{{ 1 }}",
                "{% if 1 %}",
                "{% endif %}",
                "{# c\n #}",
                "{%- if 1 -%}",
                "{% if 1 +%}",
                "{% endif -%}",
                "{% raw %}",
                "{% endraw %}",
                "{% set x = '%}\n' %}",
                "{%",
                "#}",
            ]
        ),
        max_size=12,
    ).map("".join)
)
def test_no_text_is_lost_and_no_line_break_joins_words(source: str) -> None:
    plain = Environment(lstrip_blocks=True)
    try:
        expected = plain.from_string(source).render()
    except Exception as error:
        with pytest.raises(type(error)):
            Templates().text_environment.from_string(source).render()
        return
    found = Templates().text_environment.from_string(source).render()
    assert found.split() == expected.split()
