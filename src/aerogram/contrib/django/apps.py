"""The application."""

from __future__ import annotations

import re
from typing import Any, Final

from django.apps import AppConfig
from django.core.checks import register
from django.core.signals import setting_changed
from django.utils.module_loading import autodiscover_modules
from django.views.debug import get_default_exception_reporter_filter

from aerogram.contrib.django.checks import check_mail
from aerogram.contrib.django.found import forget
from aerogram.contrib.django.language import activate_languages
from aerogram.contrib.django.source import add_sources

__all__ = ["AerogramConfig"]

_WITH_PASSWORDS: Final = "^(?:EMAIL_URL|EMAIL_CAPTURE|MAILERS|OUTBOX_URL)$"


class AerogramConfig(AppConfig):  # type: ignore[misc]  # Django has no types
    """The application ``aerogram.contrib.django``."""

    name = "aerogram.contrib.django"
    label = "aerogram"
    verbose_name = "Aerogram"

    def ready(self) -> None:
        """Read the project's settings from now on, and import the notifications of its applications."""
        add_sources()
        activate_languages()
        setting_changed.connect(forget, dispatch_uid="aerogram")
        register(check_mail, "aerogram")
        _hide_urls(get_default_exception_reporter_filter())
        autodiscover_modules("notifications")


def _hide_urls(reporter: Any) -> None:
    """Hide URLs with passwords, as Django hides passwords, in its page and mail about an error."""
    if (hidden := getattr(reporter, "hidden_settings", None)) is not None:
        reporter.hidden_settings = re.compile(f"{hidden.pattern}|{_WITH_PASSWORDS}", hidden.flags)
