"""The Jinja environments, and rendering of one template with precise errors."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import jinja2

from aerogram.exceptions import (
    MissingDependency,
    RenderError,
    TemplateNotFound,
    UndefinedVariableError,
    UnknownBlockError,
    UnprintableError,
)
from aerogram.templating import components
from aerogram.templating.components import COMPONENTS
from aerogram.templating.error_texts import (
    broken_line,
    broken_template,
    innermost_template,
    names_of,
    near_hint,
    nearest,
    place_of,
    reraise_with_place,
)
from aerogram.templating.extending import Additions, make_environment
from aerogram.templating.i18n.catalogs import Catalogs
from aerogram.templating.i18n.formats import FILTERS
from aerogram.templating.i18n.localization import language_tag, text_direction
from aerogram.templating.images import ImageFiles, ImageNotFound
from aerogram.templating.jinja_classes import Environment, Sandbox, strict_options
from aerogram.templating.loaders import ConfinedLoader, template_loader, template_names
from aerogram.templating.markdown import MarkdownExtension
from aerogram.templating.printing import checked_filters

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

__all__ = ["Templates", "check_line", "page_environment"]

_JINJA_MARK = re.compile("{[{%#]")
_NOT_EXPORTED = re.compile("the template '(.+?)' .*does not export the requested name '(.+?)'")
_OTHER_TAG = re.compile(r"Encountered unknown tag '(?!end|el)")
_NOT_PROVIDED = re.compile("parameter '(\\w+)' was not provided")
_MACRO = re.compile(r"{%-?\s*macro\s+(\w+)")


class Templates:
    """One set of templates, rendered by part.

    HTML escapes whatever the file is called; text and subject never do.

    Args:
        template_dirs: folders of templates; the first that has a name wins, what ships comes last.
        loader: a Jinja loader asked before the folders.
        shared: variables every template sees, imported macros included.
        environment: the application's own; its loader comes after ``loader``.
        additions: extensions, filters and globals of the application.
        locale_dirs: folders of gettext catalogues.
    """

    def __init__(
        self,
        template_dirs: Iterable[str | Path] = (),
        loader: jinja2.BaseLoader | None = None,
        shared: Mapping[str, object] | None = None,
        environment: jinja2.Environment | None = None,
        additions: Additions | None = None,
        locale_dirs: Iterable[str | Path] = (),
    ) -> None:
        self.template_dirs: tuple[str, ...] = tuple(str(folder) for folder in template_dirs)
        self.loader: jinja2.BaseLoader = template_loader(
            self.template_dirs, loader, environment.loader if environment else None
        )
        additions = additions or Additions()
        additions = additions._replace(globals={**additions.globals, **(shared or {})})

        def made(kind: type[jinja2.Environment], *, autoescape: bool) -> jinja2.Environment:
            return make_environment(
                kind, strict_options(self.loader, autoescape=autoescape), additions, environment
            )

        self.html_environment: jinja2.Environment = made(Environment, autoescape=True)
        self.text_environment: jinja2.Environment = made(Environment, autoescape=False)
        self.sandbox: jinja2.Environment = made(Sandbox, autoescape=False)
        self.sandbox.loader = None
        images, catalogs = ImageFiles(self.loader), Catalogs(locale_dirs)
        functions = {
            "inline_image": images.get,
            "language_tag": language_tag,
            "shipped_components": components,
            "text_direction": text_direction,
        }
        for each in (self.html_environment, self.text_environment, self.sandbox):
            catalogs.install(each)
            each.add_extension(MarkdownExtension)
            for given, ours in ((each.globals, functions), (each.filters, FILTERS)):
                for name, function in ours.items():
                    given.setdefault(name, function)
            each.filters.update(checked_filters(each.filters))
        self.shared_names: frozenset[str] = frozenset(shared or ())
        self._sources: dict[str, tuple[str, Callable[[], bool] | None]] = {}
        self._line = lru_cache(maxsize=1024)(self.text_environment.from_string)
        self._sandboxed_line = lru_cache(maxsize=256)(self.sandbox.from_string)

    def html(self, name: str, variables: Mapping[str, object], origin: str) -> str:
        """Return the HTML template ``name`` rendered with ``variables``, every value escaped.

        ``origin`` is the declaration that names it, for error texts: ``"OrderShipped.html_template"``.

        Raises:
            TemplateNotFound: no loader finds it, or one it includes.
            TemplateSyntaxError: it does not parse.
            UndefinedVariableError: it uses a variable or attribute that does not exist.
        """
        return "".join(self.html_chunks(name, variables, origin))

    def html_chunks(self, name: str, variables: Mapping[str, object], origin: str) -> list[str]:
        """Return the result of :meth:`html` in the chunks that Jinja yields: constants and values in turn."""
        return self._chunks(self._get(self.html_environment, name, origin), variables, origin)

    def text(self, name: str, variables: Mapping[str, object], origin: str) -> str:
        """Return the plain-text template ``name`` rendered, nothing escaped; raises as :meth:`html`."""
        return "".join(self._chunks(self._get(self.text_environment, name, origin), variables, origin))

    def line(
        self, source: str, variables: Mapping[str, object], origin: str, *, sandboxed: bool = False
    ) -> str:
        """Return ``source``, a Jinja string such as a subject, rendered; raises as :meth:`html`.

        If ``sandboxed``, only harmless expressions may run, as data may have got into the string.
        """
        if not _JINJA_MARK.search(source):
            return source
        try:
            template = self._sandboxed_line(source) if sandboxed else self._line(source)
        except jinja2.TemplateSyntaxError as error:
            raise broken_line(error, source, origin) from None
        return "".join(self._chunks(template, variables, origin))

    def source(self, name: str, origin: str) -> str:
        """Return a file of the template folders, for example a stylesheet; raises TemplateNotFound."""
        source, is_fresh = self._sources.get(name, ("", None))
        if is_fresh is None or not is_fresh():
            try:
                source, _, is_fresh = self.loader.get_source(self.text_environment, name)
            except jinja2.TemplateNotFound as error:
                raise self._not_found(error, origin) from None
            self._sources[name] = source, is_fresh
        return source

    def _get(self, environment: jinja2.Environment, name: str, origin: str) -> jinja2.Template:
        try:
            return environment.get_template(name)
        except jinja2.TemplateNotFound as error:
            raise self._not_found(error, origin) from None
        except jinja2.TemplateSyntaxError as error:
            raise broken_template(error, origin) from None

    def _chunks(self, template: jinja2.Template, variables: Any, origin: str) -> list[str]:
        try:
            environment, known = template.environment, template.globals
            # Only those that other templates do not have must be known as such, for imports.
            own = None if known is environment.globals else known
            names = {**known, **variables}
            context = environment.context_class(environment, names, template.name, template.blocks, own)
            return list(template.root_render_func(context))
        except UnknownBlockError as error:
            where = place_of(error.template, error.line, origin)
            raise UnknownBlockError(f"{where}: {error}", template=error.template, line=error.line) from None
        except UnprintableError as error:
            name, line = innermost_template(error.__traceback__, at_call=True)
            text = f"{place_of(name, line, origin)}: {error}"
            inner, inner_line = innermost_template(error.__traceback__)
            if inner != name and "}} " in str(error):
                text += f" {inner}, line {inner_line}, prints it."
            raise UnprintableError(text, template=name, line=line) from None
        except jinja2.UndefinedError as error:
            raise self._undefined(error, variables, origin) from None
        except jinja2.TemplateNotFound as error:
            raise self._not_found(error, origin) from None
        except jinja2.TemplateSyntaxError as error:
            raise broken_template(error, origin) from None
        except jinja2.TemplateError as error:
            name, line = innermost_template(error.__traceback__, at_call=True)
            raise RenderError(f"{place_of(name, line, origin)}: {error}", template=name, line=line) from error
        except MissingDependency as error:
            error.template, error.line = innermost_template(error.__traceback__, at_call=True)
            reraise_with_place(template, error, origin)
        except Exception as error:
            reraise_with_place(template, error, origin)

    def _not_found(self, error: jinja2.TemplateNotFound, origin: str) -> TemplateNotFound:
        name, line = innermost_template(error.__traceback__)
        where = place_of(name, line, origin) if name != error.name else origin
        folders = ", ".join(self.template_dirs) or "no folder of yours (TEMPLATE_DIRS is empty)"
        near = self.near_file(str(error.name))
        what = "image" if isinstance(error, ImageNotFound) else "template"
        return TemplateNotFound(
            f"{where}: there is no {what} {error.name!r}.{near} Looked in {folders}, and among the templates "
            "that ship (their names begin with 'aerogram/'). Names are relative to one of these folders, "
            "with forward slashes.",
            template=str(error.name),
            line=line,
        )

    def names(self) -> list[str]:
        """Return the names of all templates that the loaders can list."""
        return template_names(self.loader)

    def near_file(self, name: str) -> str:
        """Return a hint at the file of that kind whose name is nearest; empty if none is."""
        kind = PurePosixPath(name).suffix
        names = [each for each in self.names() if PurePosixPath(each).suffix == kind]
        own = [each for each in names if not each.startswith("aerogram/") or name.startswith("aerogram/")]
        same = [each for each in own if each.rpartition("/")[2] == name.rpartition("/")[2]]
        return near_hint(name, same, cutoff=0) or near_hint(name, own)

    def _undefined(
        self, error: jinja2.UndefinedError, variables: Mapping[str, object], origin: str
    ) -> UndefinedVariableError:
        name, line = innermost_template(error.__traceback__, at_call=True)
        text = (error.message or "a variable is undefined").rstrip(".")
        missing = _NOT_PROVIDED.fullmatch(text)
        if missing and (component := self._component_of(error.__traceback__)):
            text = f"{component}(): {missing[1]} is missing. Give it in the call."
        else:
            text = f"{text}.{self._names_instead(error, text, variables)}"
        return UndefinedVariableError(f"{place_of(name, line, origin)}: {text}", template=name, line=line)

    def _names_instead(self, error: jinja2.UndefinedError, text: str, variables: Mapping[str, object]) -> str:
        """Return suggestions for an undefined name: variables, attributes, macros."""
        unexported = _NOT_EXPORTED.match(text)
        if unexported:
            module: Any = self.text_environment.get_template(unexported[1]).module
            return nearest(unexported[2], names_of(module))
        if text.endswith("was not provided"):
            return " Pass it where the macro is called."
        traceback = error.__traceback__
        while traceback is not None and traceback.tb_next is not None:
            traceback = traceback.tb_next
        undefined = traceback.tb_frame.f_locals.get("self") if traceback else None
        if not isinstance(undefined, jinja2.Undefined) or undefined._undefined_name is None:
            return ""
        if isinstance(undefined._undefined_name, int):  # of a list
            return ""
        name = str(undefined._undefined_name)
        if text == f"{name!r} is undefined":
            known = {*variables, *self.shared_names}
            return near_hint(name, known) or self.import_hint(name) or nearest(name, known)
        return nearest(name, names_of(undefined._undefined_obj))

    def _component_of(self, traceback: TracebackType | None) -> str:
        """Return the component that a template called; empty if the error is not inside of one."""
        while traceback is not None:
            template = traceback.tb_frame.f_globals.get("__jinja_template__")
            if template is not None and template.name == COMPONENTS:
                lines = self.source(COMPONENTS, COMPONENTS).splitlines()
                above = "\n".join(lines[: template.get_corresponding_lineno(traceback.tb_lineno)])
                return str(_MACRO.findall(above)[-1])
            traceback = traceback.tb_next
        return ""

    def import_hint(self, name: str) -> str:
        """Return the import of the built-in component with this or a similar name; empty if there is none."""
        module: Any = self.text_environment.get_template(COMPONENTS).module
        close = difflib.get_close_matches(name, names_of(module), n=1, cutoff=0.8)
        if not close:
            return ""
        line = f'{{% from "{COMPONENTS}" import {close[0]} %}}'
        return f" {close[0]}() is a component that ships. Import it: {line}."


def check_line(source: str) -> None:
    """Raise TemplateSyntaxError if ``source``, a Jinja string such as a subject, does not parse.

    A tag that Jinja does not know may be one of ``TEMPLATE_EXTENSIONS``: rendering tells.
    """
    try:
        jinja2.Environment(extensions=["jinja2.ext.i18n"]).parse(source)  # noqa: S701 - parsed only
    except jinja2.TemplateSyntaxError as error:
        if _OTHER_TAG.match(error.message or ""):
            return
        raise broken_line(error, source) from None


def page_environment(folder: Path) -> jinja2.Environment:
    """Return the environment of pages of Aerogram's own, such as the gallery: escaped, strict."""
    return jinja2.Environment(**strict_options(ConfinedLoader(folder), autoescape=True))  # noqa: S701 - autoescape is on
