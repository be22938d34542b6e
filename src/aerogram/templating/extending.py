"""Jinja additions of an application: extensions, filters, globals, or its own environment."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from jinja2.ext import Extension
from jinja2.nativetypes import NativeEnvironment
from jinja2.sandbox import SandboxedEnvironment, safe_range

from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured

__all__ = ["Additions", "checked_folders", "make_environment", "settings_additions", "settings_environment"]


def checked_folders(folders: Any, loader: object, shared: object, environment: object) -> list[str | Path]:
    """Return the folders of templates as a list, one alone too.

    Raises:
        TypeError: they, or another argument of :class:`aerogram.Renderer`, are of another type.
    """
    folders = [folders] if isinstance(folders, str | Path) else folders
    _check_type("environment", environment, jinja2.Environment | None, "a jinja2.Environment")
    _check_type("loader", loader, jinja2.BaseLoader | None, "a loader of Jinja, such as jinja2.DictLoader")
    _check_type("shared", shared, Mapping | None, "a dict of variables")
    _check_type("template_dirs", folders, Iterable, "a folder, or a list of folders")
    checked = list(folders)
    for folder in checked:
        _check_type("template_dirs", folder, str | Path, "a folder, or a list of folders")
    return checked


def _check_type(name: str, value: object, kind: Any, accepted: str) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{name}: a value of type {type(value).__name__} was given. Accepted: {accepted}.")


class Additions(NamedTuple):
    """Extensions, filters and globals for an environment."""

    extensions: Sequence[type[Extension]] = ()
    filters: Mapping[str, Any] = {}
    globals: Mapping[str, Any] = {}


def settings_additions() -> Additions:
    """Return what the settings ``TEMPLATE_EXTENSIONS``, ``…_FILTERS`` and ``…_GLOBALS`` add, imported.

    Raises:
        ImproperlyConfigured: a dotted path leads nowhere, or to something of another kind.
    """
    extensions = list(_objects("TEMPLATE_EXTENSIONS"))
    for _, kind in extensions:
        if not (isinstance(kind, type) and issubclass(kind, Extension)):
            raise _wrong("TEMPLATE_EXTENSIONS", kind, "it is not a subclass of jinja2.ext.Extension")
    filters = dict(_objects("TEMPLATE_FILTERS"))
    for function in filters.values():
        if not callable(function):
            raise _wrong("TEMPLATE_FILTERS", function, "a filter must be a function")
    return Additions([kind for _, kind in extensions], filters, dict(_objects("TEMPLATE_GLOBALS")))


def settings_environment() -> jinja2.Environment | None:
    """Return the environment that the setting ``TEMPLATE_ENVIRONMENT`` holds or names, if any."""
    given = settings.TEMPLATE_ENVIRONMENT
    found = _imported("TEMPLATE_ENVIRONMENT", given) if isinstance(given, str) and given else given or None
    if not isinstance(found, jinja2.Environment | None):
        raise _wrong("TEMPLATE_ENVIRONMENT", given, "it is not a jinja2.Environment")
    return found


def _objects(setting: str) -> Iterator[tuple[str, Any]]:
    """Yield the name and object of each entry; a string is a dotted path."""
    given: Any = getattr(settings, setting)
    entries = given.items() if isinstance(given, Mapping) else [("", entry) for entry in given]
    for name, entry in entries:
        is_path = isinstance(entry, str)
        name = name or (entry.rpartition(".")[2] if is_path else getattr(entry, "__name__", ""))
        if not name.isidentifier():
            raise _wrong(setting, entry, "a name is missing: write {name: object}")
        yield name, _imported(setting, entry) if is_path else entry


def _imported(setting: str, path: str) -> Any:
    module, _, name = path.rpartition(".")
    if not module:
        raise _wrong(setting, path, "it is not a dotted path")
    try:
        return getattr(import_module(module), name)
    except ImportError as error:
        raise _wrong(setting, path, f"its module cannot be imported: {error}") from error
    except AttributeError:
        raise _wrong(setting, path, f"the module {module} has no {name}") from None


def _wrong(setting: str, value: object, problem: str) -> ImproperlyConfigured:
    shown = repr(value) if isinstance(value, str | type) else f"an object of type {type(value).__name__}"
    return ImproperlyConfigured(
        f"{setting} ({settings.source_of(setting)}): {shown} cannot be used: {problem}. Accepted: "
        "dotted paths, such as 'shop.templating.shout', and objects, in a list or a dict of names."
    )


def make_environment(
    kind: type[jinja2.Environment],
    options: Mapping[str, Any],
    additions: Additions,
    given: jinja2.Environment | None = None,
) -> jinja2.Environment:
    """Return an environment of ``kind``.

    With a ``given`` one it has the class, syntax, extensions, filters, tests and globals of that too, also
    those that come later. The given environment is never changed.
    """
    environment = kind(**options) if given is None else _derived(kind, options, given)
    for extension in additions.extensions:
        environment.add_extension(extension)
    environment.filters.update(additions.filters)
    environment.globals.update(additions.globals)
    return environment


def _derived(
    kind: type[jinja2.Environment], options: Mapping[str, Any], given: jinja2.Environment
) -> jinja2.Environment:
    if isinstance(given, NativeEnvironment):
        raise ImproperlyConfigured(
            "A NativeEnvironment was given, whose templates return Python values. Accepted: an "
            "environment whose templates return text, such as jinja2.Environment."
        )
    base = type(given)
    # Compiled code has its escaping in it, and so has what a bytecode cache holds.
    environment = given.overlay(**options, bytecode_cache=None, enable_async=False)
    namespace = {"default_syntax": kind(**options)}
    environment.__class__ = type(
        kind.__name__, (_TwoSyntaxes, kind, *(() if issubclass(kind, base) else (base,))), namespace
    )
    for name in ("filters", "tests", "globals"):
        setattr(environment, name, ChainMap({}, getattr(given, name)))
    if issubclass(kind, SandboxedEnvironment):
        environment.globals["range"] = safe_range
    return environment


class _TwoSyntaxes(jinja2.Environment):
    """Reads subjects and built-in templates with the default delimiters, and others with its own."""

    default_syntax: jinja2.Environment

    def _tokenize(self, source: str, name: str | None, *arguments: Any) -> Any:
        is_usual = name is None or name.startswith("aerogram/")
        tokenize = self.default_syntax._tokenize if is_usual else super()._tokenize
        return tokenize(source, name, *arguments)
