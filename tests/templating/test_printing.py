"""A mail never shows None, a repr, or nothing in place of a block that was filled."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import functools
import re
import uuid
from typing import Any

import pytest
from jinja2 import (
    ChainableUndefined,
    DictLoader,
    Environment,
    pass_context,
    pass_environment,
    pass_eval_context,
)
from markupsafe import Markup

from aerogram import Notification, Renderer
from aerogram.conf import settings
from aerogram.exceptions import RenderError, UnknownBlockError, UnprintableError
from aerogram.templating import Templates

MACROS = "{% macro code(x='') %}[{{ x }}]{% endmacro %}"


class User:
    name = "Ann"
    phone = None

    def full_name(self) -> str:
        return "Ann Lee"


class Shown(User):
    def __str__(self) -> str:
        return "Ann"


class Marked:
    def __html__(self) -> str:
        return "<b>"


class Money(enum.IntEnum):
    ONE = 1


@dataclasses.dataclass
class Point:
    x: int = 1


def stream() -> Any:
    yield "one"


def values() -> dict[str, Any]:
    return {
        "user": User(),
        "none": None,
        "function": stream,
        "anonymous": lambda: 1,
        "partial": functools.partial(int, "1"),
        "stream": stream(),
        "kind": User,
        "color": enum.Enum("Color", "RED"),
        "module": re,
        "data": {"keys": 1, "items": 2},
        "raw": b"text",
        "some": ["a", None],
        "users": [User()],
        "shown": [Shown()],
        "day": datetime.date(2026, 5, 13),
        "greeting": "Dear %s",
        "pair": ("Ann", None),
        "code": "482 913",
        "holds": {"x": None, "name": "Ann", "user": User()},
    }


def templates(source: str, **others: str) -> Templates:
    return Templates((), DictLoader({"a": source, "macros": MACROS, **others}))


def refused(source: str, **others: str) -> str:
    """Return the error that each part raises for the source, the same for all."""
    own = templates(source, **others)
    errors = set()
    for render in (own.html, own.text):
        with pytest.raises(UnprintableError) as raised:
            render("a", values(), "Welcome.html_template")
        errors.add(str(raised.value))
        assert (raised.value.template, isinstance(raised.value, TypeError)) == ("a", True)
    with pytest.raises(UnprintableError, match=r"Welcome\.subject"):
        own.line(source, values(), "Welcome.subject")
    (error,) = errors
    assert " at 0x" not in error
    return error


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("user.name.upper", "is a method. Call it: user.name.upper()."),
        ("user.full_name", "is a method. Call it: user.full_name()."),
        ("function", "is a function. Call it: function()."),
        ("anonymous", "is a function. Call it: anonymous()."),
        ("partial", "Call it: partial()."),
        ("data.keys", "For the key write data['keys']."),
        ("data.items", "For the key write data['items']."),
        ("range", "is the class range."),
        ("kind", "is the class User. Print one of its attributes: kind.full_name"),
        ("color", "is the class Color."),
        ("module", "is the module re."),
        ("stream", 'is a generator. Write {{ stream | join(", ") }}'),
        ("some | map('upper')", "is a generator."),
        ("user", "user.full_name, user.name, user.phone, or give the class a method __str__."),
        ("users", "contains None or objects without a string form"),
        ("[function]", "contains None or objects without a string form"),
        ("[user.phone]", "contains None or objects without a string form"),
        ("some", 'or with {{ some | join(", ") }}'),
        ("shown", "contains None or objects"),
        ("[day]", "contains None or objects"),
        ("{'day': [day]}", "contains None or objects without a string form"),
        ("{day: 1} | string", "contains None or objects"),
        ("pair", "contains None or objects without a string form"),
        ("data.items()", 'is a dict_items. Write {{ data.items() | join(", ") }}'),
        ("raw", "Decode it: raw.decode()."),
        ("self", "no string form"),
        ("none", 'Write {{ none or "" }} or {{ none | default("-", true) }}'),
        ("user.phone", "is None, and the mail would show 'None'. Write {{ user.phone or \"\" }}"),
        ("user['phone']", "{{ user['phone'] }} is None"),
        ("none | default('-')", "is None"),
        ("some[1]", "is None"),
        ("some.append('b')", "is None"),
        ("user.phone | upper", "{{ user.phone }} is None"),
        ("user.name.upper | title", "Call it: user.name.upper()."),
        ("user.phone | trim", "{{ user.phone }} is None"),
        ("user | truncate(3)", "{{ user }} is an object"),
        ("'Tel. ' ~ user.phone", "{{ user.phone }} is None"),
        ("'Dear ' ~ user.full_name ~ '!'", "Call it: user.full_name()."),
        ("'%s!' % user.phone", "{{ user.phone }} is None"),
        ("'%s %s' % (user.name, user.phone)", "{{ user.phone }} is None"),
        ("'%(x)s' % {'x': user.phone}", "{{ user.phone }} is None"),
        ("'%s' | format(user.phone)", "{{ user.phone }} is None"),
        ("'{}'.format(user.full_name)", "Call it"),
        ("'%(x)s' | format(x=user.phone)", "{{ user.phone }} is None"),
        ("'a b' | replace('b', user.phone)", "{{ user.phone }} is None"),
        ("'a b' | replace('b', new=user)", "{{ user }} is an object"),
        ("some | join(', ')", "an item to join is None"),
        ("users | join", "an object of type User"),
        ("users | map(attribute='name.upper') | join", "Call it"),
        ("users | join(', ', attribute='phone')", "an item to join is None"),
        ("users | join(user.phone, 'name')", "{{ separator }} is None"),
        ("user.phone if user", "{{ user.phone }} is None"),
        ("users | map('string') | join", "{{ item }} is an object of type User"),
        ("some | map('upper') | join", "{{ item }} is None"),
        ("['%s'] | map('format', user.phone) | join", "{{ item }} is None"),
        ("{'title': user} | xmlattr", "{{ title }} is an object of type User"),
        ("{'q': user.phone} | urlencode", "{{ q }} is None"),
        ("[('q', user)] | urlencode", "{{ q }} is an object"),
        ("user.phone | urlencode", "a value is None"),
        ("greeting % user.phone", "{{ user.phone }} is None"),
        ("greeting % user", "{{ user }} is an object"),
        ("'%s %s' % pair", "a value is None"),
        ("'%(phone)s' % {'phone': none}.copy()", "{{ phone }} is None"),
        ("'%s %s' | format(*pair)", "a value is None"),
        ("'{} {}'.format(*pair)", "a value is None"),
        ("'{phone}'.format_map({'phone': user.phone})", "{{ phone }} is None"),
        ("none", "{{ none }} is None"),
        ("none | string", "{{ none }} is None"),
        ("'x' ~ none", "{{ none }} is None"),
        ("'%s' % none", "{{ none }} is None"),
        ("_('%(x)s', x=none)", "{{ none }} is None"),
        ("_('%(x)s', **holds)", "{{ x }} is None"),
        ("'%(x)s' | format(**holds)", "{{ x }} is None"),
        ("'{x}'.format(**holds)", "{{ x }} is None"),
        ("'{user.phone}'.format(**holds)", "{{ user.phone }} is None"),
        ("'{user[name]}'.format(**{'user': {'name': none}})", "{{ user['name'] }} is None"),
        ("'{user}'.format(**holds)", "{{ user }} is an object of type User"),
        ("'%(x)d' % holds", "{{ x }} is None"),
    ],
)
@pytest.mark.parametrize("place", ["{{ X }}", "\n\n<a title='{{ X }}'>", "{% set y = X %}{{ y }}"])
def test_what_has_no_text_form_is_refused(expression: str, problem: str, place: str) -> None:
    source = place.replace("X", expression)
    error = refused(source)
    if "set" not in place:
        assert problem in error.replace("{{ … }}", "{{ user.phone }}")
        assert error.startswith(f"a, line {source.count(chr(10)) + 1} (Welcome.html_template): ")


@pytest.mark.parametrize(
    "source",
    [
        "{% from 'macros' import code %}{{ code }}",
        "{% from 'macros' import code %}{% if code %}<p>{{ code }}</p>{% endif %}",
        "{% macro code() %}{% endmacro %}{{ code }}",
        "{% import 'macros' as kit %}{{ kit.code }}",
    ],
)
def test_a_field_named_like_a_macro_is_not_the_macro(source: str) -> None:
    error = refused(source)
    assert "is the macro 'code' itself" in error
    assert "import code as code_macro" in error


def test_a_block_is_called_and_a_loop_is_no_text() -> None:
    assert "Call it: self.x()." in refused("{% block x %}{% endblock %}{{ self.x }}")
    refused("{% for x in [1] %}{{ loop }}{% endfor %}")


def test_an_imported_template_that_prints_nothing_is_not_what_was_meant() -> None:
    assert "{{ code }} is an imported template" in refused("{% import 'macros' as code %}{{ code }}")
    own = templates("{% import 'words' as words %}{{ words }}", words="{% set x = 1 %}Some words")
    assert own.html("a", {}, "o") == own.text("a", {}, "o") == "Some words"


def test_the_body_of_a_call_is_called() -> None:
    macro = "{% macro box() %}{{ caller }}{% endmacro %}"
    assert "Call it: caller()." in refused(macro + "{% call box() %}x{% endcall %}")


def test_a_component_that_is_given_none_is_reported_where_it_is_called() -> None:
    source = "{% from 'aerogram/components.html' import details %}\n{{ details([('Phone', user.phone)]) }}"
    error = refused(source)
    assert error.startswith("a, line 2 (")
    assert error.endswith("""the value of item 1 of items ('Phone') is None; use "" for an empty cell.""")
    error = refused(
        source.replace("details([('Phone', user.phone)])", "figure('a', none)").replace("details", "figure")
    )
    assert re.search(r"aerogram/components\.html, line \d+, prints it\.$", error)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{% if user.phone %}{{ user.phone }}{% else %}-{% endif %}", "-"),
        ("{% if user.full_name %}x{% endif %}{{ 'y' if function }}", "xy"),
        ("{% if user.phone | trim == 'None' or 'a' ~ none %}x{% endif %}", "x"),
        ("{{ user.phone or '' }}{{ user.phone | default('-', true) }}", "-"),
        ("{{ 'a' if user.phone }}", ""),
        ("{{ user.phone is none }} {{ 1.5 }} {{ 7 }}", "True 1.5 7"),
        ("{% set y = none %}{% set z = function %}ok", "ok"),
        ("{{ ['a', 1, 1.5, true, (2,)] }}", "['a', 1, 1.5, True, (2,)]"),
        ("{{ {'title': none, 'id': 'x'} | xmlattr }}", ' id="x"'),
        ("{{ '%s %s' % (day, 1) }} {{ '%s %s' | format(*day.timetuple()[:2]) }}", "2026-05-13 1 2026 5"),
        ("{{ '%(a)s' % {'a': day, 'b': none}.copy() }}", "2026-05-13"),
        ("{{ {'day': day, 'a b': '/'} | urlencode }}", "day=2026-05-13&a+b=%2F"),
        ("{{ [day] | map('string') | join }} {{ 7 % 4 }}", "2026-05-13 3"),
        ("{{ '{name} {user.name}'.format(**holds) }} {{ '%(name)s' | format(**holds) }}", "Ann Ann Ann"),
        ("{{ _('%(name)s', **holds) }} {{ '{name}'.format_map(holds) }}", "Ann Ann"),
        ("{{ some | select | join(', ') }}", "a"),
        ("{% filter upper %}{{ user.name }}{% endfilter %}", "ANN"),
        ("{{ '' | default(none, true) is none }}", "True"),
        ("{% for x in users if x.phone is none %}{{ x.name }}{% endfor %}", "Ann"),
    ],
)
def test_none_and_functions_are_values_like_any_other(source: str, expected: str) -> None:
    own = templates(source)
    assert Markup(own.html("a", values(), "o")).unescape() == own.text("a", values(), "o") == expected
    assert own.line(source + "{##}", values(), "o") == expected


@pytest.mark.parametrize(
    "value",
    [
        Shown(),
        Point(),
        Money.ONE,
        decimal.Decimal("1.50"),
        datetime.date(2026, 11, 28),
        datetime.timedelta(1),
        uuid.UUID(int=1),
        ValueError("text"),
        ("a", 1),
        {"a": 1},
        True,
        1.5,
    ],
)
def test_what_has_a_text_form_is_printed_as_jinja_prints_it(value: object) -> None:
    assert templates("{{ x }}").text("a", {"x": value}, "o") == str(value)


def test_markup_is_text_in_html_alone() -> None:
    own = templates("{{ x }}")
    assert own.html("a", {"x": Marked()}, "o") == "<b>"
    with pytest.raises(UnprintableError):
        own.text("a", {"x": Marked()}, "o")


def test_environments_of_applications_and_sandboxed_subjects_are_as_strict() -> None:
    given = Environment(undefined=ChainableUndefined, finalize=lambda value: value)
    own = Templates((), DictLoader({"a": "{{ x }}"}), environment=given)
    for render in (own.html, own.text):
        with pytest.raises(UnprintableError):
            render("a", {"x": None}, "o")
        with pytest.raises(RenderError, match="'x' is undefined"):
            render("a", {}, "o")
    with pytest.raises(UnprintableError):
        own.line("{{ x }}", {"x": None}, "o", sandboxed=True)


@pytest.mark.parametrize("takes", [None, pass_environment, pass_eval_context, pass_context])
def test_the_finalize_of_an_environment_comes_before_the_check(takes: Any) -> None:
    def finalize(*arguments: Any) -> Any:
        return {None: "-", 1: "<1>", 2: None}.get(arguments[-1], arguments[-1])

    given = Environment(finalize=takes(finalize) if takes else finalize)
    own = Templates((), DictLoader({"a": "{{ x }}{{ none }}{{ 1 }}{{ 'y' }}"}), environment=given)
    assert own.text("a", {"x": None}, "o") == "--<1>y"
    assert own.html("a", {"x": None}, "o") == "--&lt;1&gt;y"
    with pytest.raises(UnprintableError, match=r"\{\{ x \}\} is None"):
        own.html("a", {"x": 2}, "o")


@pytest.mark.parametrize(
    "source",
    [
        "{% markdown %}{{ none }}{% endmarkdown %}",
        "{% markdown %}{{ 'a' ~ none }}{% endmarkdown %}",
        "{% filter replace('a', none) %}a{% endfilter %}",
        "{% set x | replace('a', none) %}a{% endset %}",
        "{% trans x=none %}{{ x }}{% endtrans %}",
    ],
)
def test_a_block_prints_no_none(source: str) -> None:
    assert "None" in refused(source)


def test_an_undefined_item_raises_its_error() -> None:
    for source in ("{{ [nothing] }}", "{{ {'title': nothing} | xmlattr }}"):
        with pytest.raises(RenderError, match="'nothing' is undefined"):
            templates(source).html("a", {}, "o")


@pytest.mark.parametrize("stencils", [True, False])
def test_a_notification_is_refused_with_and_without_stencils(stencils: bool) -> None:
    class Code(Notification, abstract=True):
        subject = "Your code"
        html_template = "a"
        to = ["ann@example.com"]
        code: Any

    source = "{% from 'aerogram/components.html' import code %}<p>{{ code }}</p>"
    with settings.override(STENCILS=stencils):
        with pytest.raises(UnprintableError, match=r"a, line 1 \(Code\.html_template\): .*macro 'code'"):
            Renderer(loader=DictLoader({"a": source})).render(Code(code="1"))
        renderer = Renderer(loader=DictLoader({"a": "<p>{{ code }}</p>"}))
        assert renderer.render(Code(code="1")).body == "1\n"
        with pytest.raises(UnprintableError):
            renderer.render(Code(code=None))


BASE = "[{% block content %}{% block inner %}{% endblock %}{% endblock %}]"
MIDDLE = "{% extends 'base' %}{% block content %}({% block part %}{% endblock %}){% endblock %}"


@pytest.mark.parametrize(
    ("source", "unknown", "line"),
    [
        ("{% extends 'base' %}\n{% block contnet %}x{% endblock %}", "contnet", 2),
        ("{% extends 'middle' %}{% block prat %}x{% endblock %}", "prat", 1),
        ("{% extends 'base' %}{% block part %}x{% endblock %}", "part", 1),
        ("{% extends layout %}\n\n{% block part %}x{% endblock %}", "part", 3),
        ("{% extends 'base' %}{% if 1 %}{% block gone %}x{% endblock %}{% endif %}", "gone", 1),
        ("{% extends 'base' %}{% block a %}{% block b %}{% endblock %}{% endblock %}", "a", 1),
    ],
)
def test_a_block_that_no_parent_has_is_refused(source: str, unknown: str, line: int) -> None:
    own = templates(source, base=BASE, middle=MIDDLE)
    for render in (own.html, own.text):
        with pytest.raises(
            UnknownBlockError, match=rf"^a, line {line} \(o\): .* a block '{unknown}'"
        ) as raised:
            render("a", {"layout": "base"}, "o")
        assert (raised.value.template, raised.value.line) == ("a", line)


@pytest.mark.parametrize(
    "source",
    [
        "{% include 'part' %}",
        "{% extends 'base' %}{% block content %}{% include 'part' %}{% endblock %}",
        "{% import 'part' as part %}x",
        "{% set x = 1 %}{% for each in [1] %}{% include ['gone', 'part'] %}{% endfor %}",
    ],
)
def test_an_unknown_block_of_an_included_template_is_refused(source: str) -> None:
    part = "{% extends 'middle' %}\n{% block prat %}x{% endblock %}"
    own = templates(source, base=BASE, middle=MIDDLE, part=part)
    for render in (own.html, own.text):
        with pytest.raises(UnknownBlockError, match=r"^part, line 2 \(o\): .* Did you mean 'part'\?"):
            render("a", {}, "o")
    own = templates(source, base=BASE, middle=MIDDLE, part=part.replace("prat", "part"))
    assert own.html("a", {}, "o") in ("[(x)]", "[[(x)]]", "x")


def test_an_unknown_block_between_template_and_layout_is_refused() -> None:
    middle = "{% extends 'base' %}{% block footer %}{% endblock %}"
    own = templates("{% extends 'middle' %}{% block footer %}x{% endblock %}", base=BASE, middle=middle)
    with pytest.raises(UnknownBlockError, match=r"^middle, line 1 .* Available: content, inner\.$"):
        own.html("a", {}, "o")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{% extends 'middle' %}{% block part %}x{% endblock %}", "[(x)]"),
        ("{% extends 'middle' %}{% block content %}x{% endblock %}", "[x]"),
        ("{% extends 'base' %}{% block content %}{% block new %}x{% endblock %}{% endblock %}", "[x]"),
        (
            "{% extends 'base' %}{% block x %}x{% endblock %}"
            "{% block content %}{{ self.x() }}{% endblock %}",
            "[x]",
        ),
        ("{% if 0 %}{% extends 'base' %}{% endif %}{% block any %}x{% endblock %}", "x"),
        ("{% block any %}x{% endblock %}", "x"),
    ],
)  # fmt: skip
def test_a_block_that_appears_is_fine(source: str, expected: str) -> None:
    assert templates(source, base=BASE, middle=MIDDLE).html("a", {}, "o") == expected
