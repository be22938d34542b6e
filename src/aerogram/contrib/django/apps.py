"""The application."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register
from django.core.signals import setting_changed
from django.utils.module_loading import autodiscover_modules

from aerogram.contrib.django.checks import check_mail
from aerogram.contrib.django.found import forget
from aerogram.contrib.django.language import activate_languages
from aerogram.contrib.django.source import add_sources

__all__ = ["AerogramConfig"]


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
        autodiscover_modules("notifications")
