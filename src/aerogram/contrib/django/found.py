"""What Django finds in a project: folders of templates and catalogues, and modules with notifications."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from django.apps import apps
from django.template import TemplateDoesNotExist, engines
from django.utils.module_loading import module_has_submodule

__all__ = ["Found", "find", "forget"]


class Found(NamedTuple):
    """What is found, the first first."""

    template_dirs: list[str] = []
    environment: jinja2.Environment | None = None
    locale_dirs: list[str] = []
    notification_modules: list[str] = []


def find() -> Found:
    """Return what Django finds now; nothing before it has loaded the applications."""
    return _find() if apps.apps_ready else Found()


def forget(*, setting: str, **_: object) -> None:
    """Find everything anew after a test has changed a setting that matters."""
    if setting in ("INSTALLED_APPS", "TEMPLATES", "DEBUG"):
        _find.cache_clear()


@lru_cache(maxsize=1)
def _find() -> Found:
    folders, loaders, environment = dict[str, None](), list[Any](), None
    for engine in engines.all():
        if isinstance(found := getattr(engine, "env", None), jinja2.Environment):
            environment = environment or found
            folders.update(dict.fromkeys(map(str, engine.template_dirs)))
        for loader in _loaders(getattr(getattr(engine, "engine", None), "template_loaders", ())):
            if hasattr(loader, "get_dirs"):
                folders.update(dict.fromkeys(map(str, loader.get_dirs())))
            else:
                loaders.append(loader)
    if loaders:
        environment = environment or jinja2.Environment(autoescape=True)
        others = [each for each in (environment.loader, *map(DjangoLoader, loaders)) if each is not None]
        environment = environment.overlay(loader=jinja2.ChoiceLoader(others))
    configs = list(apps.get_app_configs())
    return Found(
        list(folders),
        environment,
        [str(folder) for config in configs if (folder := Path(config.path, "locale")).is_dir()],
        [
            f"{config.name}.notifications"
            for config in configs
            if module_has_submodule(config.module, "notifications")
        ],
    )


def _loaders(given: Any) -> Iterator[Any]:
    """Yield loaders of Django, those inside of a cached one in its place."""
    for loader in given:
        yield from _loaders(loader.loaders) if hasattr(loader, "loaders") else [loader]


class DjangoLoader(jinja2.BaseLoader):
    """A Jinja loader of what a loader of Django reads that has no folders, such as one of a database."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def get_source(
        self, _environment: jinja2.Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        """Return the source, name and freshness test of a template.

        Raises:
            jinja2.TemplateNotFound: the loader has none of that name.
        """
        source = self._read(template)
        if source is None:
            raise jinja2.TemplateNotFound(template)
        return source, template, lambda: self._read(template) == source

    def _read(self, template: str) -> str | None:
        for origin in self.loader.get_template_sources(template):
            try:
                return str(self.loader.get_contents(origin))
            except TemplateDoesNotExist:
                continue
        return None
