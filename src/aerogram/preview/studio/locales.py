"""The languages that a notification is translated to, and a notification in one of them."""

from __future__ import annotations

import copy
import dataclasses
import types
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aerogram.conf import settings
from aerogram.notification import registered_name, renderer_of
from aerogram.templating import parse_locale, template_locale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aerogram.notification import Notification

__all__ = ["in_locale", "locales_of"]


def in_locale(notification: Notification, locale: str) -> Notification:
    """Return a copy of a notification whose locale is another; raise ValueError for what is no locale."""
    parse_locale(locale)
    if "locale" in {field.name for field in dataclasses.fields(notification)}:  # type: ignore[arg-type]  # each is one
        return dataclasses.replace(notification, locale=locale)  # type: ignore[type-var]  # the same
    copied = copy.copy(notification)
    object.__setattr__(copied, "__class__", _class_in(type(notification), locale))
    return copied


@lru_cache(maxsize=256)
def _class_in(cls: type[Notification], locale: str) -> type[Notification]:
    def fill(namespace: dict[str, Any]) -> None:
        namespace.update(
            locale=locale, __module__=cls.__module__, __qualname__=cls.__qualname__, __doc__=cls.__doc__
        )

    options = {"abstract": True, "name": registered_name(cls)}  # so that the registry does not list it
    return types.new_class(cls.__name__, (cls,), options, fill)


def locales_of(notification: Notification) -> list[str]:
    """Return the locales that there are catalogues or templates for; empty where nothing is translated."""
    return sorted({*_catalogues(), *_templates(notification)})


def _catalogues() -> Iterator[str]:
    for folder in map(Path, settings.LOCALE_DIRS):
        for path in folder.glob("*/LC_MESSAGES/*.mo"):
            yield path.parts[-3]


def _templates(notification: Notification) -> Iterator[str]:
    """Yield the locales of templates such as ``welcome.de.html`` beside ``welcome.html``."""
    names = renderer_of(notification).templates.names()
    for original in filter(None, (notification.html_template, notification.text_template)):
        yield from filter(None, (template_locale(name, str(original)) for name in names))
