"""A notification as a dict that is ready for JSON, and back."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, cast

from aerogram.conf import settings
from aerogram.exceptions import NotificationNotFound, PayloadError
from aerogram.naming import class_named
from aerogram.payload import fields_from_json, fields_to_json

if TYPE_CHECKING:
    from typing import Self


class SerializableNotification:
    """What a notification does that is written for a queue or another process."""

    _registered_name: ClassVar[str] = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the name and the fields of this mail, ready for JSON: for a queue or another process.

        Raises:
            PayloadError: the value of a field cannot be written as JSON, or is not of the annotated type.

        >>> from aerogram import Notification
        >>> class Reminder(Notification):
        ...     subject = "On {{ day }}"
        ...     text_template = "reminder.txt"
        ...     to: list[str]
        ...     day: date
        >>> Reminder(to=["ann@example.com"], day=date(2026, 5, 13)).to_dict()
        {'notification': 'reminder', 'fields': {'to': ['ann@example.com'], 'day': {'$date': '2026-05-13'}}}
        """
        return {"notification": self._registered_name, "fields": fields_to_json(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the mail that :meth:`to_dict` returned, whose class is found by its name in the registry.

        Nothing that the data names is imported or called, and every field is checked.

        Args:
            data: what :meth:`to_dict` returned, perhaps after ``json.loads``.

        Raises:
            PayloadError: a field is missing, unknown or of the wrong type, or the data is no such dict.
            NotificationNotFound: no class has the name, also after importing ``NOTIFICATION_MODULES``.
        """
        if not isinstance(data, Mapping) or set(data) != {"notification", "fields"}:
            raise PayloadError(
                'The data is not what to_dict() returns: {"notification": name, "fields": {…}}.'
            )
        return cast("Self", fields_from_json(_class_for(str(data["notification"]), cls), data["fields"]))


def _class_for(name: str, base: type[SerializableNotification]) -> type[Any]:
    modules = iter(settings.NOTIFICATION_MODULES)
    while (found := class_named(name)) is None and (module := next(modules, None)) is not None:
        import_module(module)
    if found is None or not issubclass(found, base):
        raise NotificationNotFound(
            f"No {base.__qualname__} is named {name[:100]!r}. Import its module, or add it to "
            "NOTIFICATION_MODULES."
        )
    return found
