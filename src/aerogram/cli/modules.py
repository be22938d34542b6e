"""The modules that a command works on, and how they are imported."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from aerogram import registry
from aerogram.conf import settings
from aerogram.exceptions import NotificationNotFound

if TYPE_CHECKING:
    from aerogram.notification import Notification


@dataclass(frozen=True)
class Invocation:
    """The modules given before the command, and the ASGI application of the studio."""

    modules: list[str]
    studio: str

    def module_names(self) -> list[str]:
        """Return the modules to import: those of ``--app``, else those of the settings."""
        # A console script has its own folder on the path, `python -m` the working directory: be alike.
        here = str(Path.cwd())
        if here not in sys.path:
            sys.path.insert(0, here)
        for module in self.modules:
            if not all(part.isidentifier() for part in module.split(".")) or module.endswith(".py"):
                raise _wrong_app(f"{module!r} is not an import name, such as {_import_name(module)!r}.")
        names = self.modules or list(settings.NOTIFICATION_MODULES)
        if not names:
            raise _wrong_app(
                "No module was given. Put --app MODULE before the command, or set NOTIFICATION_MODULES. "
                f"Looked {settings.where_looked()}."
            )
        return names

    def notifications(self) -> list[type[Notification]]:
        """Import the modules and return every notification they define."""
        return registry.load(self.module_names())

    def notification(self, name: str) -> type[Notification]:
        """Return the notification of that name."""
        registry.load(self.module_names())
        try:
            return registry.get(name)
        except NotificationNotFound as error:
            raise typer.BadParameter(str(error), param_hint="NAME") from None


def _wrong_app(text: str) -> typer.BadParameter:
    return typer.BadParameter(text, param_hint="--app")


def _import_name(file: str) -> str:
    dotted = ".".join(Path(file.replace("\\", "/").removesuffix(".py")).parts).strip(".")
    return dotted if all(part.isidentifier() for part in dotted.split(".")) else "shop.notifications"
