"""Which notifications exist: those of the modules that were imported, by name."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Iterator

from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured, NotificationNotFound
from aerogram.naming import class_named
from aerogram.notification import Notification, is_abstract, registered_name


def load(modules: Iterable[str] | None = None) -> list[type[Notification]]:
    """Import ``modules``, else those of ``NOTIFICATION_MODULES``, and return all notifications.

    Raises:
        ImproperlyConfigured: there is no such module. An error inside a module is raised as it is.
    """
    for module in settings.NOTIFICATION_MODULES if modules is None else modules:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
            raise ImproperlyConfigured(
                f"There is no module {module!r} to load notifications from. It is named by --app or by the "
                "setting NOTIFICATION_MODULES, and must be importable: run the command in the folder "
                "that contains it, or install it."
            ) from None
    return all_notifications()


def all_notifications() -> list[type[Notification]]:
    """Return every notification class that is not only a base for others, sorted by name.

    The built-in ones are listed only through their subclasses.
    """
    return sorted(filter(_is_listed, set(_descendants(Notification))), key=registered_name)


def get(name: str) -> type[Notification]:
    """Return the notification class of that name; if none has it, raise NotificationNotFound."""
    found = {registered_name(cls): cls for cls in all_notifications()}
    if name in found:
        return found[name]
    if not found:
        hint = "No module with notifications was loaded."
    elif close := difflib.get_close_matches(name, found, n=3):
        hint = f"Did you mean {' or '.join(map(repr, close))}?"
    else:
        hint = f"Available: {', '.join(sorted(found)[:10])}{', …' if len(found) > 10 else ''}."
    raise NotificationNotFound(f"There is no notification named {name!r}. {hint}")


def _is_listed(cls: type[Notification]) -> bool:
    own = not cls.__module__.startswith("aerogram.")
    return own and class_named(registered_name(cls)) is cls and not is_abstract(cls)


def _descendants(cls: type[Notification]) -> Iterator[type[Notification]]:
    for subclass in cls.__subclasses__():
        yield subclass
        yield from _descendants(subclass)
