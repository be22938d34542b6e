"""What tests of mail need: see :class:`~aerogram.testing.faulty_server.FaultyServer`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aerogram.testing.faulty_server import FaultyServer
    from aerogram.testing.smtp_script import Drip, Drop, Hang, Received

__all__ = ["Drip", "Drop", "FaultyServer", "Hang", "Received"]

_HOMES = {
    "Drip": "smtp_script",
    "Drop": "smtp_script",
    "FaultyServer": "faulty_server",
    "Hang": "smtp_script",
    "Received": "smtp_script",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
