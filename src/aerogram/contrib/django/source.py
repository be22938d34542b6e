"""Django's settings as two sources of Aerogram's: what both share, and above it the setting ``AEROGRAM``."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from functools import lru_cache
from typing import Any, Final, NamedTuple

from django import conf
from django.conf import global_settings
from django.core import mail
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.module_loading import import_string

from aerogram.conf import settings
from aerogram.contrib.django.found import Found, find
from aerogram.contrib.django.urls import url
from aerogram.exceptions import ImproperlyConfigured
from aerogram.mail.backends.base import BaseEmailBackend
from aerogram.templating import parse_locale

__all__ = ["add_sources"]

SHARED: Final = (
    "EMAIL_HOST", "EMAIL_PORT", "EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD", "EMAIL_USE_TLS", "EMAIL_USE_SSL",
    "EMAIL_SSL_CERTFILE", "EMAIL_SSL_KEYFILE", "EMAIL_TIMEOUT", "EMAIL_FILE_PATH", "EMAIL_USE_LOCALTIME",
    "EMAIL_SUBJECT_PREFIX", "DEFAULT_FROM_EMAIL", "SERVER_EMAIL", "DEFAULT_CHARSET", "ADMINS", "MANAGERS",
)  # fmt: skip
"""The settings that mean the same in both."""

PROJECT: Final = "the settings of the Django project"
THROUGH_DJANGO: Final = "aerogram.mail.backends.django.EmailBackend"
LOCMEM: Final = "django.core.mail.backends.locmem.EmailBackend"
_MISSING: Final = object()
_SEEN: Final = (*SHARED, "AEROGRAM", "EMAIL_BACKEND", "MAILERS", "LOCALE_PATHS")
SMTP: Final = "django.core.mail.backends.smtp.EmailBackend"


def add_sources() -> None:
    """Read Aerogram's settings from Django's from now on; a second call changes nothing."""
    settings.add_source(PROJECT, shared_settings)
    settings.add_source(f"AEROGRAM in {PROJECT}", own_settings)


def shared_settings() -> Mapping[str, Any]:
    """Return what the project has set for Django, and what counts for both."""
    return _current().shared


def own_settings() -> Mapping[str, Any]:
    """Return the setting ``AEROGRAM``; its lists come before what Django finds, and do not replace it."""
    return _current().own


class _Read(NamedTuple):
    """What was read, and what it was read from."""

    project: Any = None
    seen: Any = None
    shared: Mapping[str, Any] = {}
    own: Mapping[str, Any] = {}


_latest = _Read()


def _current() -> _Read:
    """Return what counts now. Each access to a setting calls it: nothing is made anew without a change."""
    global _latest
    if not conf.settings.configured:
        return _Read()
    project = conf.settings._wrapped  # Django 6.1 warns of an access to EMAIL_… of the settings
    language, zone = translation.get_language(), _zone(project)
    found = find()
    values = [getattr(project, name, _MISSING) for name in _SEEN]
    latest = _latest  # one read: another thread may replace it
    seen = [found, language, zone, values]
    if latest.project is project and latest.seen == seen:
        return latest
    shared = _shared(project, found, _locale(language or ""), zone)
    # Copies, so that a list which is changed in place is seen to differ.
    seen[3] = [copy(value) if isinstance(value, list | dict) else value for value in values]
    _latest = latest = _Read(project, seen, shared, _own(project, shared))
    return latest


def _shared(project: Any, found: Found, locale: str, zone: str) -> dict[str, Any]:
    values = {name: _plain(getattr(project, name)) for name in SHARED if _is_set(project, name)}
    values |= _transport(project)
    values["TEMPLATE_GLOBALS"] = [url]
    values["LOCALE_DIRS"] = [*map(str, project.LOCALE_PATHS), *found.locale_dirs]
    if found.template_dirs:
        values["TEMPLATE_DIRS"] = found.template_dirs
    if found.environment is not None:
        values["TEMPLATE_ENVIRONMENT"] = found.environment
    if found.notification_modules:
        values["NOTIFICATION_MODULES"] = found.notification_modules
    if locale:
        values["LOCALE"] = locale
    if zone:
        values["TIMEZONE"] = zone
    return values


def _own(project: Any, shared: Mapping[str, Any]) -> dict[str, Any]:
    given = getattr(project, "AEROGRAM", {})
    if not isinstance(given, Mapping):
        raise ImproperlyConfigured(
            f"AEROGRAM ({PROJECT}): a value of type {type(given).__name__} is not accepted. Accepted: a dict "
            'of settings of Aerogram, such as {"BASE_URL": "https://shop.example.com"}.'
        )
    values = {name: value if name.startswith("TEMPLATE_") else _plain(value) for name, value in given.items()}
    for name in ("TEMPLATE_DIRS", "LOCALE_DIRS", "NOTIFICATION_MODULES"):
        if isinstance(values.get(name), list | tuple):
            values[name] = list(dict.fromkeys([*values[name], *shared.get(name, ())]))
    if isinstance(functions := values.get("TEMPLATE_GLOBALS"), Mapping):
        values["TEMPLATE_GLOBALS"] = {"url": url, **functions}
    elif isinstance(functions, list | tuple):
        values["TEMPLATE_GLOBALS"] = [url, *functions]
    if "EMAIL_CAPTURE" in shared:
        values["EMAIL_CAPTURE"] = shared["EMAIL_CAPTURE"]
    if isinstance(mailers := values.get("MAILERS"), Mapping):
        djangos = dict(shared.get("MAILERS", {}))
        if values.keys() & {"EMAIL_URL", "EMAIL_BACKEND"}:  # which name the default mailer
            djangos.pop("default", None)
        values["MAILERS"] = {**djangos, **mailers}
    return values


def _zone(project: Any) -> str:
    """Return the name of the active time zone, if it has one and Django's datetimes have zones."""
    return getattr(timezone.get_current_timezone(), "key", "") if project.USE_TZ else ""


def _is_set(project: Any, name: str) -> bool:
    """Return whether the project, or a test, has set a setting."""
    value = getattr(project, name, _MISSING)  # a test may have deleted it
    return value is not _MISSING and (
        conf.settings.is_overridden(name) or value != getattr(global_settings, name, _MISSING)
    )


def _transport(project: Any) -> dict[str, Any]:
    """Return where Aerogram's mail goes: by Django's backends, unless those are Aerogram's."""
    if hasattr(mail, "mailers") and hasattr(project, "MAILERS"):  # Django 6.1
        entries = {"default": {}, **project.MAILERS}
        paths = {alias: entry.get("BACKEND", SMTP) for alias, entry in entries.items()}
        values = {
            "MAILERS": {
                alias: {"BACKEND": paths[alias], "OPTIONS": dict(entry.get("OPTIONS", {}))}
                if _is_ours(paths[alias])
                else {"BACKEND": THROUGH_DJANGO, "OPTIONS": {"alias": alias}}
                for alias, entry in entries.items()
                if not _sends_by_aerogram(paths[alias])
            }
        }
        return {**values, "EMAIL_CAPTURE": "django:"} if paths["default"] == LOCMEM else values
    path = project.EMAIL_BACKEND
    if path == LOCMEM:  # as in tests: whatever AEROGRAM says
        return {"EMAIL_BACKEND": THROUGH_DJANGO, "EMAIL_CAPTURE": "django:"}
    if _sends_by_aerogram(path):
        return {}
    return {"EMAIL_BACKEND": path if _is_ours(path) else THROUGH_DJANGO}


def _is_ours(path: str) -> bool:
    kind = _imported(path)
    return isinstance(kind, type) and issubclass(kind, BaseEmailBackend)


def _sends_by_aerogram(path: str) -> bool:
    """Return whether a backend passes its mail on to Aerogram's mailers."""
    return getattr(_imported(path), "passes_to_mailers", None) is True


@lru_cache(maxsize=64)
def _imported(path: str) -> Any:
    try:
        return import_string(path)
    except ImportError:  # Django says so when it sends
        return None


@lru_cache(maxsize=256)
def _locale(language: str) -> str:
    """Return a language of Django as a locale; one that Babel does not know as nothing."""
    try:
        return parse_locale(language)
    except ValueError:
        return ""


def _plain(value: Any) -> Any:
    """Return a value with lazy translations as texts of the active language."""
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value] if isinstance(value, list) else tuple(map(_plain, value))
    return {name: _plain(each) for name, each in value.items()} if isinstance(value, dict) else value
