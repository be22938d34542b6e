"""The Django project around a backend: its settings, its own mail backend, and the backends that it makes."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from aerogram.conf import settings
from aerogram.exceptions import BackendNotFound, ImproperlyConfigured, MissingDependency
from aerogram.mail.mailers import DEFAULT_MAILER

DJANGOS_DEFAULT: Final = "django.core.mail.backends.smtp.EmailBackend"
MINIMUM: Final = {"USE_TZ": True, "TIME_ZONE": "UTC", "USE_I18N": False}

_lock = threading.Lock()
_configured_here: list[Any] = []  # Django's settings, if this module has configured them
_being_made: ContextVar[tuple[str, ...]] = ContextVar("aerogram_django_backends_being_made", default=())


def configure_django(wanted: Mapping[str, Any]) -> None:
    """Give Django the settings that are wanted, or find them there."""
    try:
        from django.conf import settings as django_settings
    except ImportError:
        raise MissingDependency(
            "aerogram.mail.backends.django needs Django: pip install 'aerogram[django]'."
        ) from None
    with _lock:
        if not django_settings.configured and not os.environ.get("DJANGO_SETTINGS_MODULE"):
            django_settings.configure(**MINIMUM, DEFAULT_CHARSET=settings.DEFAULT_CHARSET)
            _configured_here[:] = [django_settings._wrapped]
        ours = bool(_configured_here) and django_settings._wrapped is _configured_here[0]
        for name, value in wanted.items():
            there = getattr(django_settings, name, None)
            if ours and not django_settings.is_overridden(name):
                setattr(django_settings, name, value)
            elif ours and isinstance(there, dict) and isinstance(value, dict) and _agree(there, value):
                there.update(value)
            elif there != value:
                raise ImproperlyConfigured(
                    f"Django has another value for {name} than settings= of this Django backend. Set "
                    "it in the Django project, or give the same value to every mailer."
                )


def _agree(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one[name] == other[name] for name in one.keys() & other.keys())


def _has_mailers() -> bool:
    """Return whether the Django project has mailers by name, which came with Django 6.1."""
    from django.conf import settings as django_settings
    from django.core import mail

    return hasattr(mail, "mailers") and hasattr(django_settings, "MAILERS")


def backend_followed(alias: str) -> str:
    """Return the path of the backend by which the Django project sends its own mail."""
    from django.conf import settings as django_settings

    if _has_mailers():
        entry = django_settings.MAILERS.get(alias or DEFAULT_MAILER, {})
        return str(entry.get("BACKEND", DJANGOS_DEFAULT))
    if alias:
        raise ImproperlyConfigured(
            f"The Django backend has alias={alias!r}, but the Django project has no MAILERS (Django 6.1)."
        )
    is_set = django_settings.is_overridden("EMAIL_BACKEND")  # reads the project's settings, if none was read
    ours = bool(_configured_here) and django_settings._wrapped is _configured_here[0]
    if ours and not is_set:
        raise ImproperlyConfigured(
            "The Django backend needs backend=..., the dotted path of a Django mail backend, such as "
            "'anymail.backends.postmark.EmailBackend', because no Django project with an EMAIL_BACKEND is "
            "configured."
        )
    return str(django_settings._wrapped.EMAIL_BACKEND)  # Django 6.1 warns of an access to the settings


def make_backend(path: str, alias: str, options: dict[str, Any]) -> Any:
    """Return a backend of Django's contract: that of a path, or of an alias of MAILERS if Django has any."""
    from django.core.exceptions import ImproperlyConfigured as DjangosImproperlyConfigured
    from django.utils.module_loading import import_string

    if path in _being_made.get():
        raise ImproperlyConfigured(
            f"Mail goes in a circle: Django sends it through Aerogram ({path[:100]}), and Aerogram through "
            "Django. Configure a backend that delivers in one of them: MAILERS or EMAIL_BACKEND of Aerogram, "
            "backend=... of aerogram.mail.backends.django, or EMAIL_BACKEND of Django."
        )
    token = _being_made.set((*_being_made.get(), path))
    try:
        if alias and _has_mailers():
            from django.core.mail import mailers

            return mailers[alias]
        return import_string(path)(**options)
    except ImportError as error:
        raise BackendNotFound(
            f"{path[:100]!r} (backend= of aerogram.mail.backends.django) cannot be imported: {error}. "
            "Accepted: the dotted path of a mail backend written for Django."
        ) from error
    except DjangosImproperlyConfigured as error:
        raise ImproperlyConfigured(
            f"{path[:100]} (backend= of aerogram.mail.backends.django): {error}"
        ) from error
    finally:
        _being_made.reset(token)
