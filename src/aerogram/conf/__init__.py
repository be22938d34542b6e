"""The settings: one object whose values are read at call time from six kinds of source.

In order of precedence: :meth:`Settings.override`, :meth:`Settings.configure`, environment variables
``AEROGRAM_<NAME>``, the configuration of a framework (:meth:`Settings.add_source`), ``aerogram.toml`` or
``[tool.aerogram]`` of ``pyproject.toml`` in the working directory or the nearest parent folder that has one,
and the defaults.

>>> from aerogram.conf import settings
>>> with settings.override(EMAIL_HOST="mail.example.com"):
...     settings.EMAIL_HOST
'mail.example.com'

Importing this module is fast; pydantic and the table of settings are loaded when a setting is first read.
"""

from __future__ import annotations

from aerogram.conf.lookup import Settings

__all__ = ["Settings", "settings"]

settings: Settings = Settings()  # no module may have this name: mypy would take it for the object
"""The settings of this process."""
