"""For tests of mail: all mail in a list, and an SMTP server that misbehaves as a test wants it.

The names are loaded when they are first used, because pytest loads this package at every start.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aerogram.mail.capture import capture_mail
    from aerogram.testing.faulty_server import FaultyServer
    from aerogram.testing.smtp_script import Drip, Drop, Hang, Received

__all__ = ["Drip", "Drop", "FaultyServer", "Hang", "Received", "capture_mail"]

_MODULES = {
    "Drip": "aerogram.testing.smtp_script",
    "Drop": "aerogram.testing.smtp_script",
    "FaultyServer": "aerogram.testing.faulty_server",
    "Hang": "aerogram.testing.smtp_script",
    "Received": "aerogram.testing.smtp_script",
    "capture_mail": "aerogram.mail.capture",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(_MODULES[name]), name)
    return value
