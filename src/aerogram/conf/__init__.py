"""The settings: one object, read at call time, from six kinds of source.

Strongest first: :meth:`Settings.override`, :meth:`Settings.configure`, environment variables
``AEROGRAM_<NAME>``, the configuration of a framework (:meth:`Settings.add_source`), ``aerogram.toml`` or
``[tool.aerogram]`` of the nearest ``pyproject.toml`` upward from the working directory, and the defaults.

>>> from aerogram.conf import settings
>>> with settings.override(EMAIL_HOST="mail.example.com"):
...     settings.EMAIL_HOST
'mail.example.com'

Importing this module is cheap; the table of settings, and pydantic with it, is loaded by the first read.
"""

from __future__ import annotations

from aerogram.conf.lookup import Settings

__all__ = ["Settings", "settings"]

settings: Settings = Settings()  # no module may have this name: mypy would take it for the object
"""The settings of this process."""
