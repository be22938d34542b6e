from __future__ import annotations

import asyncio
from typing import Any

import jinja2
import pytest
from jinja2 import DictLoader, Environment, nodes
from jinja2.ext import Extension
from jinja2.nativetypes import NativeEnvironment
from jinja2.sandbox import SandboxedEnvironment, SecurityError

from aerogram import Notification, Renderer
from aerogram.checks import check
from aerogram.conf import settings
from aerogram.exceptions import DeclarationError, ImproperlyConfigured, UndefinedVariableError
from aerogram.templating import Templates


def shout(text: object) -> str:
    return f"{text}!"


def answer() -> int:
    return 42


COMPANY = {"name": "Acme & Sons"}


class Twice(Extension):
    tags = {"twice"}

    def parse(self, parser: Any) -> Any:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endtwice",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_twice"), [], [], body).set_lineno(line)

    def _twice(self, caller: Any) -> Any:
        return caller() + caller()


SOURCES = {
    "a.html": "<p>{{ name | shout }}</p>",
    "a.txt": "{{ name | shout }}",
    "twice.txt": "{% twice %}{{ answer() }}{% endtwice %}",
    "global.html": "<p>{{ company.name }}</p>",
}


class Extended(Notification, name="extended"):
    subject = "{{ name | shout }}"
    html_template = "a.html"
    to = ["ann@example.com"]
    name: str = "<Ann>"


def html_of(message: Any) -> str:
    return str(message.alternatives[0].content)


HERE = "tests.templating.test_extending"


@pytest.mark.parametrize(
    "filters", [[shout], [f"{HERE}.shout"], {"shout": shout}, {"shout": f"{HERE}.shout"}, (shout,)]
)
def test_filters_of_the_settings_work_in_all_parts(filters: Any) -> None:
    with settings.override(TEMPLATE_FILTERS=filters):
        message = Renderer([], DictLoader(SOURCES)).render(Extended())
    assert message.subject == "<Ann>!"
    assert html_of(message) == "<p>&lt;Ann&gt;!</p>"
    assert message.body == "<Ann>!\n"


def test_filters_work_in_a_computed_subject() -> None:
    class Computed(Extended, name="extended_computed"):
        @property  # type: ignore[misc]  # a property for an attribute
        def subject(self) -> str:
            return "{{ name | shout }}{{ answer() }}"

    with settings.override(TEMPLATE_FILTERS=[shout], TEMPLATE_GLOBALS=[answer]):
        assert Renderer([], DictLoader(SOURCES)).render(Computed()).subject == "<Ann>!42"


@pytest.mark.parametrize("extensions", [[Twice], [f"{HERE}.Twice"], {"twice": Twice}])
def test_extensions_and_globals_of_the_settings(extensions: Any) -> None:
    with settings.override(
        TEMPLATE_EXTENSIONS=extensions, TEMPLATE_GLOBALS={"answer": answer, "company": f"{HERE}.COMPANY"}
    ):
        templates = Renderer([], DictLoader(SOURCES)).templates
    assert templates.text("twice.txt", {}, "x") == "4242"
    assert templates.html("global.html", {}, "x") == "<p>Acme &amp; Sons</p>"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TEMPLATE_FILTERS", ["shout"], "not a dotted path"),
        ("TEMPLATE_FILTERS", ["no.such.filter"], "cannot be imported"),
        ("TEMPLATE_FILTERS", [f"{HERE}.shuot"], "has no shuot"),
        ("TEMPLATE_FILTERS", [f"{HERE}.COMPANY"], "a filter must be a function"),
        ("TEMPLATE_FILTERS", [lambda text: text], "a name is missing"),
        ("TEMPLATE_GLOBALS", [{"secret": "hunter2"}], "a name is missing"),
        ("TEMPLATE_EXTENSIONS", [shout], "not a subclass"),
    ],
)
def test_wrong_additions_are_named(name: str, value: Any, said: str) -> None:
    with (
        settings.override(**{name: value}),
        pytest.raises(ImproperlyConfigured, match=rf"{name} \(settings.override\(\)\).*{said}") as raised,
    ):
        Renderer([])
    assert "hunter2" not in str(raised.value)


def test_the_default_renderer_follows_the_additions(tmp_path: Any) -> None:
    (tmp_path / "a.html").write_text("<p>{{ name | shout }}</p>")
    for mark in "?!":
        with settings.override(
            TEMPLATE_DIRS=[tmp_path], TEMPLATE_FILTERS={"shout": lambda text, mark=mark: f"{text}{mark}"}
        ):
            assert html_of(Extended().render()) == f"<p>&lt;Ann&gt;{mark}</p>"


def test_the_default_renderer_stays_the_same_under_other_overrides(tmp_path: Any) -> None:
    from aerogram.renderer import default_renderer

    first = default_renderer()
    with settings.override(EMAIL_PORT=26, TEMPLATE_GLOBALS=[]):
        assert default_renderer() is first


def own_environment(kind: type[Environment] = Environment, **options: Any) -> Environment:
    environment = kind(loader=DictLoader(SOURCES), extensions=[Twice], **options)
    environment.filters["shout"] = shout
    environment.globals["answer"] = answer
    environment.globals["company"] = COMPANY
    environment.tests["loud"] = lambda text: text.endswith("!")
    return environment


@pytest.mark.parametrize("kind", [Environment, SandboxedEnvironment])
def test_an_environment_gives_loader_filters_globals_tests_and_extensions(kind: type[Environment]) -> None:
    renderer = Renderer([], environment=own_environment(kind))
    message = renderer.render(Extended())
    assert (message.subject, html_of(message)) == ("<Ann>!", "<p>&lt;Ann&gt;!</p>")
    assert renderer.templates.text("twice.txt", {}, "x") == "4242"
    assert renderer.templates.line("{{ 'a!' is loud }}", {}, "x") == "True"


def test_an_environment_has_our_escaping_and_strictness_and_is_not_changed() -> None:
    environment = own_environment(autoescape=False, finalize=lambda value: "" if value is None else value)
    environment.bytecode_cache = jinja2.FileSystemBytecodeCache()
    before = {
        name: dict(value) if isinstance(value, dict) else value for name, value in vars(environment).items()
    }
    with settings.override(TEMPLATE_FILTERS={"extra": shout}, SITE_NAME="Acme"):
        renderer = Renderer([], environment=environment)
    assert html_of(renderer.render(Extended())) == "<p>&lt;Ann&gt;!</p>"
    with pytest.raises(UndefinedVariableError):
        renderer.templates.line("{{ nothing }}", {}, "x")
    after = {
        name: dict(value) if isinstance(value, dict) else value for name, value in vars(environment).items()
    }
    before.pop("cache"), after.pop("cache")
    assert before == after
    assert environment.from_string("{{ nothing }}{{ '<b>' }}").render() == "<b>"


def test_compiled_code_of_the_own_environment_is_never_used(tmp_path: Any) -> None:
    environment = own_environment(
        autoescape=False, bytecode_cache=jinja2.FileSystemBytecodeCache(str(tmp_path))
    )
    assert environment.get_template("a.html").render(name="<b>") == "<p><b>!</p>"
    assert "&lt;" in html_of(Renderer([], environment=environment).render(Extended()))


def test_what_is_added_to_the_environment_later_is_seen() -> None:
    environment = Environment(loader=DictLoader(SOURCES))
    renderer = Renderer([], environment=environment)
    environment.filters["shout"] = shout
    assert renderer.render(Extended()).subject == "<Ann>!"


def test_a_sandbox_stays_one() -> None:
    class Unsafe(Extended, name="extended_unsafe"):
        html_template = "unsafe.html"
        name: str = "Ann"

    environment = SandboxedEnvironment(loader=DictLoader({"unsafe.html": "{{ name.__class__.__mro__ }}"}))
    environment.filters["shout"] = shout
    with pytest.raises(Exception, match="unsafe") as raised:
        Renderer([], environment=environment).render(Unsafe())
    assert isinstance(raised.value.__cause__ or raised.value, (SecurityError, UndefinedVariableError))


def test_delimiters_are_kept_beside_the_templates_that_ship() -> None:
    class Own(Extended, name="extended_delimiters"):
        html_template = "own.html"

    source = "<% extends 'aerogram/base.html' %><% block content %><p>[[ name ]]</p><% endblock %>"
    environment = Environment(
        block_start_string="<%", block_end_string="%>", variable_start_string="[[", variable_end_string="]]",
        loader=DictLoader({"own.html": source}), line_statement_prefix="%%",
    )  # fmt: skip
    environment.filters["shout"] = shout
    message = Renderer([], environment=environment).render(Own())
    assert "&lt;Ann&gt;</p>" in html_of(message)
    assert message.subject == "<Ann>!"


def test_an_asynchronous_environment_renders() -> None:
    async def render() -> str:
        return html_of(Renderer([], environment=own_environment(enable_async=True)).render(Extended()))

    assert asyncio.run(render()) == "<p>&lt;Ann&gt;!</p>"


def test_a_native_environment_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="NativeEnvironment"):
        Renderer([], environment=NativeEnvironment())


def test_a_class_has_a_renderer_of_its_own() -> None:
    class Own(Extended, name="extended_own"):
        renderer = Renderer([], environment=own_environment())

        @classmethod
        def samples(cls) -> dict[str, Any]:
            return {"one": cls()}

    class Computed(Extended, name="extended_computed_renderer"):
        @property
        def renderer(self) -> Renderer:
            return Own.renderer

    assert Own().render().subject == Computed().render().subject == "<Ann>!"
    assert check([Own]) == []


def test_a_renderer_of_another_type_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"Wrong\.renderer.*Environment"):

        class Wrong(Extended, name="extended_wrong"):
            renderer = Environment()


def test_templates_alone_take_an_environment() -> None:
    assert Templates(environment=own_environment()).text("a.txt", {"name": "x"}, "o") == "x!"


OWN = Environment(loader=DictLoader({"own.html": "<p>{{ name | shouted }}"}))
OWN.filters["shouted"] = shout


class FromOwnEnvironment(Notification):
    subject = "{{ name | shouted }}"
    html_template = "own.html"
    to = ["ann@example.com"]
    name: str


@pytest.mark.parametrize("given", [OWN, f"{__name__}.OWN"])
def test_the_settings_give_an_environment(given: object) -> None:
    with settings.override(TEMPLATE_ENVIRONMENT=given):
        message = FromOwnEnvironment(name="<Ann>").render()
    assert message.subject == "<Ann>!"
    assert "<p>&lt;Ann&gt;!" in str(message.alternatives[0].content)


@pytest.mark.parametrize("given", [7, "nowhere.at.all", f"{__name__}.COMPANY"])
def test_what_is_no_environment_is_refused(given: object) -> None:
    with (
        settings.override(TEMPLATE_ENVIRONMENT=given),
        pytest.raises(ImproperlyConfigured, match=r"TEMPLATE_ENVIRONMENT \(settings\.override\(\)\)"),
    ):
        FromOwnEnvironment(name="Ann").render()
