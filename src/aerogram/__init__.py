"""Aerogram writes and sends mail from templates, for any Python program.

The names below are loaded on first use, so ``import aerogram`` is fast::

    from aerogram import Notification


    class Welcome(Notification):
        subject = "Welcome, {{ customer.name }}"
        html_template = "welcome.html"
        customer: Customer

        @property
        def to(self):
            return [self.customer.email]


    Welcome(customer=customer).send()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aerogram import exceptions, mail, preview
    from aerogram.conf import settings
    from aerogram.exceptions import AerogramError
    from aerogram.notification import AdminNotification, ManagerNotification, Notification
    from aerogram.renderer import Renderer
    from aerogram.templating import InlineImage

__version__ = "0.1.0"

__all__ = [
    "AdminNotification",
    "AerogramError",
    "InlineImage",
    "ManagerNotification",
    "Notification",
    "Renderer",
    "exceptions",
    "mail",
    "preview",
    "settings",
]

_MODULES = {
    "AdminNotification": "aerogram.notification",
    "AerogramError": "aerogram.exceptions",
    "InlineImage": "aerogram.templating",
    "ManagerNotification": "aerogram.notification",
    "Notification": "aerogram.notification",
    "Renderer": "aerogram.renderer",
    "settings": "aerogram.conf",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'aerogram' has no attribute {name!r}")
    module = import_module(_MODULES.get(name, f"aerogram.{name}"))
    globals()[name] = value = getattr(module, name) if name in _MODULES else module
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
