"""Render one template of a notification, with errors that say which, where and why."""

from __future__ import annotations

import difflib
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NoReturn

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from aerogram.exceptions import RenderError, TemplateNotFound, TemplateSyntaxError, UndefinedVariableError
from aerogram.templating.line import PlainLine
from aerogram.templating.loaders import ConfinedLoader, template_loader
from aerogram.templating.swift import SwiftEnvironment

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_JINJA_MARKS = ("{{", "{%", "{#")


def _options(loader: jinja2.BaseLoader | None, *, autoescape: bool) -> dict[str, Any]:
    return {
        "loader": loader,
        "autoescape": autoescape,
        "undefined": jinja2.StrictUndefined,
        "trim_blocks": True,
        "lstrip_blocks": True,
    }


class Templates:
    """One set of templates, rendered by part.

    HTML escapes whatever the file is called; text and subject never do.

    Args:
        template_dirs: folders of templates; the first that has a name wins, what ships comes last.
        loader: a Jinja loader asked before the folders.
        shared: variables every template sees, imported macros included.
    """

    def __init__(
        self,
        template_dirs: Iterable[str | Path] = (),
        loader: jinja2.BaseLoader | None = None,
        shared: Mapping[str, object] | None = None,
    ) -> None:
        self.template_dirs: tuple[str, ...] = tuple(str(folder) for folder in template_dirs)
        self.loader: jinja2.BaseLoader = template_loader(self.template_dirs, loader)
        self.html_environment: SwiftEnvironment = SwiftEnvironment(**_options(self.loader, autoescape=True))
        self.text_environment: SwiftEnvironment = SwiftEnvironment(
            **_options(self.loader, autoescape=False)
        )  # nothing to escape
        self.sandbox: ImmutableSandboxedEnvironment = ImmutableSandboxedEnvironment(
            **_options(None, autoescape=False)
        )
        for environment in (self.html_environment, self.text_environment, self.sandbox):
            environment.globals.update(shared or {})
        self._sources: dict[str, tuple[str, Callable[[], bool] | None]] = {}
        self._plain_line = lru_cache(maxsize=1024)(partial(PlainLine.of, self.text_environment))
        self._line = lru_cache(maxsize=1024)(self.text_environment.from_string)
        self._sandboxed_line = lru_cache(maxsize=256)(self.sandbox.from_string)

    def html(self, name: str, variables: Mapping[str, object], asker: str) -> str:
        """Return the HTML template ``name`` rendered with ``variables``, every value escaped.

        Args:
            name: the template's logical name.
            variables: what the template may use.
            asker: who asks, for the error's text: ``"OrderShipped.html_template"``.

        Raises:
            TemplateNotFound: no loader finds it, or one it includes.
            TemplateSyntaxError: it does not parse.
            UndefinedVariableError: it asks for a variable or attribute that is not there.
        """
        return "".join(self.html_chunks(name, variables, asker))

    def html_chunks(self, name: str, variables: Mapping[str, object], asker: str) -> list[str]:
        """Return what :meth:`html` does, in the pieces Jinja makes it of: constants and values."""
        return self._chunks(self._get(self.html_environment, name, asker), variables, asker)

    def text(self, name: str, variables: Mapping[str, object], asker: str) -> str:
        """Return the plain-text template ``name`` rendered, nothing escaped; raises as :meth:`html`."""
        return self._render(self._get(self.text_environment, name, asker), variables, asker)

    def line(
        self, source: str, variables: Mapping[str, object], asker: str, *, sandboxed: bool = False
    ) -> str:
        """Return ``source``, a Jinja string such as a subject, rendered; raises as :meth:`html`.

        Args:
            source: the Jinja string itself.
            variables: what it may use.
            asker: who asks, for the error's text.
            sandboxed: the string was computed, so data may have got into it: only harmless expressions run.
        """
        if not any(mark in source for mark in _JINJA_MARKS):
            return source
        try:
            plain = None if sandboxed else self._plain_line(source)
            if plain is not None and (text := plain.render(variables)) is not None:
                return text
            template = self._sandboxed_line(source) if sandboxed else self._line(source)
        except jinja2.TemplateSyntaxError as error:
            raise TemplateSyntaxError(
                f"{asker}: {error.message} in {_shortened(source)}", line=error.lineno
            ) from None
        return self._render(template, variables, asker)

    def source(self, name: str, asker: str) -> str:
        """Return a file of the template folders as it stands, for example a stylesheet.

        Raises:
            TemplateNotFound: no loader finds it.
        """
        source, is_fresh = self._sources.get(name, ("", None))
        if is_fresh is None or not is_fresh():
            try:
                source, _, is_fresh = self.loader.get_source(self.text_environment, name)
            except jinja2.TemplateNotFound as error:
                raise self._missing(error, asker) from None
            self._sources[name] = source, is_fresh
        return source

    def _get(self, environment: jinja2.Environment, name: str, asker: str) -> jinja2.Template:
        try:
            return environment.get_template(name)
        except jinja2.TemplateNotFound as error:
            raise self._missing(error, asker) from None
        except jinja2.TemplateSyntaxError as error:
            raise _broken(error, asker) from None

    def _render(self, template: jinja2.Template, variables: Mapping[str, object], asker: str) -> str:
        return "".join(self._chunks(template, variables, asker))

    def _chunks(self, template: jinja2.Template, variables: Mapping[str, object], asker: str) -> list[str]:
        context = template.new_context({**_globals_of(template), **variables}, shared=True)
        try:
            return list(template.root_render_func(context))
        except jinja2.UndefinedError as error:
            raise _undefined(error, variables, asker) from None
        except jinja2.TemplateNotFound as error:
            raise self._missing(error, asker) from None
        except jinja2.TemplateSyntaxError as error:
            raise _broken(error, asker) from None
        except jinja2.TemplateError as error:
            name, line = _place(error.__traceback__)
            raise RenderError(f"{_where(name, line, asker)}: {error}", template=name, line=line) from error
        except Exception as error:
            _reraise_with_place(template, error, asker)

    def _missing(self, error: jinja2.TemplateNotFound, asker: str) -> TemplateNotFound:
        name, line = _place(error.__traceback__)
        where = f"{asker} ({name}, line {line})" if name and name != error.name else asker
        folders = ", ".join(self.template_dirs) or "no folder of yours (TEMPLATE_DIRS is empty)"
        return TemplateNotFound(
            f"{where}: there is no template {error.name!r}. Looked in {folders}, and among the templates "
            "that ship (their names begin with 'aerogram/'). Names are relative to one of these folders, "
            "with forward slashes.",
            template=str(error.name),
            line=line,
        )


def _globals_of(template: jinja2.Template) -> dict[str, Any]:
    """Return what a template sees of its environment: as Jinja would, but not name by name."""
    globals_: dict[str, Any] = {}
    if isinstance(template.globals, ChainMap):
        for each in reversed(template.globals.maps):
            globals_.update(each)
    else:
        globals_.update(template.globals)
    return globals_


def check_line(source: str) -> None:
    """Raise TemplateSyntaxError if ``source``, a Jinja string such as a subject, does not parse."""
    try:
        jinja2.Environment().parse(source)  # noqa: S701 - parsed only, never rendered
    except jinja2.TemplateSyntaxError as error:
        raise TemplateSyntaxError(f"{error.message} in {_shortened(source)}", line=error.lineno) from None


def page_environment(folder: Path) -> jinja2.Environment:
    """Return the environment of pages of Aerogram's own, such as the gallery: escaped, strict."""
    return jinja2.Environment(**_options(ConfinedLoader(folder), autoescape=True))  # noqa: S701 - autoescape is on


def _reraise_with_place(template: jinja2.Template, error: Exception, asker: str) -> NoReturn:
    """Raise the application's own error again, with a note of the template and line it came from."""
    name, line = _place(error.__traceback__)
    error.add_note(f"while rendering {_where(name, line, asker)}")
    template.environment.handle_exception()


def _place(traceback: TracebackType | None) -> tuple[str | None, int | None]:
    """Return the logical name and line of the innermost template in a traceback."""
    name = line = None
    while traceback is not None:
        template = traceback.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            name, line = template.name, template.get_corresponding_lineno(traceback.tb_lineno)
        traceback = traceback.tb_next
    return name, line


def _where(name: str | None, line: int | None, asker: str) -> str:
    return f"{name}, line {line} ({asker})" if name else f"{asker}, line {line}" if line else asker


def _broken(error: jinja2.TemplateSyntaxError, asker: str) -> TemplateSyntaxError:
    where = _where(error.name, error.lineno, asker)
    return TemplateSyntaxError(f"{where}: {error.message}", template=error.name, line=error.lineno)


def _undefined(
    error: jinja2.UndefinedError, variables: Mapping[str, object], asker: str
) -> UndefinedVariableError:
    name, line = _place(error.__traceback__)
    text = (error.message or "a variable is undefined").rstrip(".")
    asked = text.split("'")[1] if text.count("'") >= 2 else ""
    close = difflib.get_close_matches(asked, variables, n=1) if text == f"{asked!r} is undefined" else []
    hint = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(sorted(variables)) or 'none'}."
    return UndefinedVariableError(f"{_where(name, line, asker)}: {text}. {hint}", template=name, line=line)


def _shortened(source: str) -> str:
    return repr(source if len(source) <= 100 else source[:99] + "…")
