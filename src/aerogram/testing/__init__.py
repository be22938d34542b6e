"""The test kit: all mail in a list, assertions and snapshots, and an SMTP server that misbehaves.

The names are loaded on first use, because pytest loads this package at every start.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aerogram.catcher import CatchingServer
    from aerogram.mail.capture import capture_mail
    from aerogram.testing.assertions import assert_mail_not_sent, assert_mail_sent, assert_no_mail
    from aerogram.testing.faulty_server import FaultyServer
    from aerogram.testing.smtp_script import Drip, Drop, Hang, Received
    from aerogram.testing.snapshot import MailSnapshot
    from aerogram.testing.testcase import MailTestCase, MailTestMixin

__all__ = [
    "CatchingServer",
    "Drip",
    "Drop",
    "FaultyServer",
    "Hang",
    "MailSnapshot",
    "MailTestCase",
    "MailTestMixin",
    "Received",
    "assert_mail_not_sent",
    "assert_mail_sent",
    "assert_no_mail",
    "capture_mail",
]

_MODULES = {
    "CatchingServer": "aerogram.catcher",
    "Drip": "aerogram.testing.smtp_script",
    "Drop": "aerogram.testing.smtp_script",
    "FaultyServer": "aerogram.testing.faulty_server",
    "Hang": "aerogram.testing.smtp_script",
    "MailSnapshot": "aerogram.testing.snapshot",
    "MailTestCase": "aerogram.testing.testcase",
    "MailTestMixin": "aerogram.testing.testcase",
    "Received": "aerogram.testing.smtp_script",
    "assert_mail_not_sent": "aerogram.testing.assertions",
    "assert_mail_sent": "aerogram.testing.assertions",
    "assert_no_mail": "aerogram.testing.assertions",
    "capture_mail": "aerogram.mail.capture",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(_MODULES[name]), name)
    return value
