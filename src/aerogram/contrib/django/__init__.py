"""Aerogram in a Django project: an application for ``INSTALLED_APPS``, and a backend for ``EMAIL_BACKEND``.

The application reads Django's settings and the setting ``AEROGRAM``, finds templates where Django does,
imports ``notifications.py`` of every application, registers system checks, and adds the command
``manage.py aerogram``. See docs/django.md.
"""

from __future__ import annotations

from aerogram.contrib.django.backend import EmailBackend
from aerogram.contrib.django.urls import url

__all__ = ["EmailBackend", "url"]
