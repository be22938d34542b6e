"""The templates and environments of Jinja as mails need them: strict, and quick to start."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from time import monotonic
from typing import Any

import jinja2
from jinja2.environment import TemplateModule
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from aerogram.templating.blocks import check_blocks
from aerogram.templating.i18n.localization import localized_names
from aerogram.templating.line_breaks import LineBreaks
from aerogram.templating.printing import PrintingEnvironment
from aerogram.templating.rendering import current_rendering

__all__ = ["Environment", "Sandbox", "Template", "strict_options"]

_DICT_ATTRIBUTES = frozenset(dir(dict))
_ABSENT_SECONDS = 1.0
_UNKNOWN_TAG = re.compile("Encountered unknown tag '(?:end)?(\\w+)'")
_TAGS_OF_DJANGO = {
    "blocktrans": "write {% trans name=… %}…{% endtrans %}",
    "blocktranslate": "write {% trans name=… %}…{% endtrans %}",
    "comment": "write {# … #}",
    "csrf_token": "a mail has no forms",
    "cycle": "write {{ loop.cycle(…) }}",
    "empty": "write {% else %}",
    "firstof": "write {{ a or b }}",
    "ifchanged": "write {% if loop.changed(…) %}",
    "load": "leave it out: TEMPLATE_FILTERS and TEMPLATE_GLOBALS name filters and functions",
    "now": "give the time in context()",
    "regroup": "write {% for group in …|groupby('…') %}",
    "static": "give static() in TEMPLATE_GLOBALS",
    "translate": "write {{ _('…') }}",
    "url": "write {{ url('name', …) }}, which the Django integration gives",
    "verbatim": "write {% raw %}…{% endraw %}",
}
_SYNTAX_OF_DJANGO = {
    "expected token 'end of print statement', got ':'": "write {{ value|filter(argument) }}",
    "expected token 'end of statement block', got 'with'": "write {% with … %}{% include … %}{% endwith %}",
    "expected token 'end of statement block', got 'only'": "write {% include … without context %}",
    "expected token 'end of statement block', got 'reversed'": "write {% for … in …|reverse %}",
    "unclosed translation block": "write {% trans %}…{% endtrans %} or {{ _('…') }}",
}


class Template(jinja2.Template):
    """Jinja's template, whose variables at top level are computed for each locale when it is imported.

    One that extends another, included ones too, raises an error for a block that no parent has.
    """

    @classmethod
    def _from_namespace(cls, environment: Any, namespace: Any, globals: Any) -> Any:
        template = super()._from_namespace(environment, namespace, globals)
        if namespace["own_blocks"]:
            template.root_render_func = _checked(template.root_render_func)
        return template

    def _get_default_module(self, ctx: Any = None) -> TemplateModule:
        rendering = current_rendering.get()
        if rendering is None or not rendering.declared or (ctx and ctx.globals_keys - self.globals.keys()):
            return super()._get_default_module(ctx)
        modules = self.__dict__.setdefault("_modules", {})
        key = rendering.locale, rendering.timezone
        if key not in modules:
            modules[key] = self.make_module()
        module: TemplateModule = modules[key]
        return module


def _checked(render: Callable[[Context], Iterator[str]]) -> Callable[[Context], Iterator[str]]:
    def root(context: Context) -> Iterator[str]:
        yield from render(context)
        check_blocks(context)

    return root


class Environment(PrintingEnvironment):
    """Jinja's environment, faster at looking up the keys of dicts and at starting a template."""

    template_class = Template

    @cached_property
    def _absent(self) -> dict[str, float]:
        """When each template for a locale that was not found is looked for again."""
        return {}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return an attribute or else an item; the keys of a dict raise no AttributeError first."""
        if type(obj) is dict and attribute in obj and attribute not in _DICT_ATTRIBUTES:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def _load_template(self, name: str, globals: Any) -> jinja2.Template:
        """Prefer the template for the locale of the message: ``welcome.fr.html`` to ``welcome.html``."""
        rendering = current_rendering.get()
        if rendering is not None and rendering.declared and not name.startswith("aerogram/"):
            for localized in localized_names(name, rendering.locale):
                if monotonic() < self._absent.get(localized, 0):
                    continue
                try:
                    return super()._load_template(localized, globals)
                except jinja2.TemplateNotFound as error:
                    if error.name != localized:
                        raise
                    self._absent[localized] = monotonic() + _ABSENT_SECONDS
        return super()._load_template(name, globals)

    def _parse(self, source: str, name: str | None, filename: str | None) -> Any:
        try:
            return super()._parse(source, name, filename)
        except jinja2.TemplateSyntaxError as error:
            error.args = ((error.message or "") + _instead_of_django(error.message or ""),)
            raise

    def make_globals(self, d: Any) -> Any:
        """Return the globals themselves, which are copied faster than Jinja's chain of two mappings."""
        return super().make_globals(d) if d else self.globals


class Sandbox(PrintingEnvironment, ImmutableSandboxedEnvironment):
    """An environment for strings that data may have got into."""


def _instead_of_django(message: str) -> str:
    """Return what to write in place of something of Django's template language."""
    tag = _UNKNOWN_TAG.match(message)
    advice = _TAGS_OF_DJANGO.get(tag[1]) if tag else _SYNTAX_OF_DJANGO.get(message)
    if advice is None:
        return ""
    stop = "" if message.endswith(".") else "."
    return f"{stop} If this is Django's template language: mails are written in Jinja; {advice}."


def strict_options(loader: jinja2.BaseLoader | None, *, autoescape: bool) -> dict[str, Any]:
    """Return the options of an environment in which undefined variables are errors."""
    return {
        "loader": loader,
        "autoescape": autoescape,
        "undefined": jinja2.StrictUndefined,
        "trim_blocks": True,
        "lstrip_blocks": True,
        "extensions": [LineBreaks],
    }
