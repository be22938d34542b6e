"""The fields of a sample as a form, and a sample with some of them edited."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import types
import typing
from decimal import Decimal
from enum import Enum, Flag
from typing import TYPE_CHECKING, Any, Literal

from aerogram.exceptions import PayloadError
from aerogram.payload.annotations import field_adapter, field_hints

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aerogram.notification import Notification

__all__ = ["EditError", "FormField", "edited", "form_of"]

_DEEPEST = 6


class EditError(PayloadError):
    """Edited values that the fields do not accept.

    Args:
        problems: what is wrong, by the path of the field: ``{"order.number": "…"}``.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{path}: {text}" for path, text in problems.items()))
        self.problems: dict[str, str] = dict(problems)


@dataclasses.dataclass(frozen=True)
class FormField:
    """One field of the form; a group has fields of its own.

    ``kind`` is ``text``, ``long``, ``number``, ``bool``, ``date``, ``datetime``, ``time``, ``choice``,
    ``json``, ``group``, or ``fixed`` for what cannot be edited. ``value`` is None where the field has None.
    """

    path: str
    label: str
    kind: str
    value: str | None = None
    choices: Sequence[str] = ()
    optional: bool = False
    fields: Sequence[FormField] = ()


def form_of(value: Any, path: str = "", depth: int = 0) -> list[FormField]:
    """Return the form of a notification, or of another dataclass."""
    found = []
    for each in dataclasses.fields(value):
        if each.init:
            where = f"{path}.{each.name}" if path else each.name
            found.append(_form_field(type(value), each.name, getattr(value, each.name), where, depth))
    return found


def edited(notification: Notification, edits: Mapping[str, str | None]) -> Notification:
    """Return a copy with other values.

    Args:
        notification: the sample.
        edits: the values by path, as the form sends them: text, JSON for lists, None for None.

    Raises:
        EditError: there is no such field, or it does not accept the value.
    """
    if not edits:
        return notification
    problems: dict[str, str] = {}
    copied = _replaced(notification, "", edits, problems)
    if problems:
        raise EditError(problems)
    return typing.cast("Notification", copied)


def _form_field(cls: type, name: str, value: Any, path: str, depth: int) -> FormField:
    label = name.replace("_", " ")
    kind, optional, choices = _kind(cls, name, value)
    if kind == "group" and depth < _DEEPEST:
        return FormField(path, label, kind, fields=form_of(value, path, depth + 1))
    try:
        return FormField(path, label, kind, _written(cls, name, kind, value), list(choices), optional)
    except Exception:  # noqa: BLE001,RUF100 - whatever the serialisers of the application's classes raise
        return FormField(path, label, "fixed", type(value).__qualname__)


def _kind(cls: type, name: str, value: Any) -> tuple[str, bool, dict[str, Any]]:
    """Return how a field is edited, whether it may be None, and what can be chosen, by its text."""
    hints = _alternatives(field_hints(cls).get(name, Any))
    others = [each for each in hints if each is not type(None)]
    optional = len(others) < len(hints)
    kind = type(value) if value is not None or len(others) != 1 else others[0]
    if typing.get_origin(others[0]) is Literal:
        return "choice", optional, {str(each): each for each in typing.get_args(others[0])}
    if isinstance(kind, type):
        if issubclass(kind, Enum) and not issubclass(kind, Flag):
            return "choice", optional, {each.name: each for each in kind}
        if dataclasses.is_dataclass(kind):
            return ("group" if value is not None else "json"), optional, {}
        for simple, found in _KINDS.items():
            if issubclass(kind, simple):
                is_long = found == "text" and (len(str(value or "")) > 60 or "\n" in str(value or ""))
                return ("long" if is_long else found), optional, {}
    return "json", optional, {}


def _alternatives(hint: Any) -> list[Any]:
    """Return the types of a union, without what ``Annotated`` adds to them."""
    if typing.get_origin(hint) is typing.Annotated:
        return _alternatives(typing.get_args(hint)[0])
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [each for inner in typing.get_args(hint) for each in _alternatives(inner)]
    return [hint]


_KINDS: dict[type, str] = {
    bool: "bool",
    int: "number",
    float: "number",
    Decimal: "number",
    dt.datetime: "datetime",
    dt.date: "date",
    dt.time: "time",
    str: "text",
}


def _written(cls: type, name: str, kind: str, value: Any) -> str | None:
    if kind in ("json", "group"):
        plain = field_adapter(cls, name).dump_python(value, mode="json")
        return json.dumps(plain, indent=2, ensure_ascii=False)
    if value is None:
        return None
    if kind == "choice":
        return value.name if isinstance(value, Enum) else str(value)
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None).isoformat(timespec="seconds")
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _replaced(value: Any, path: str, edits: Mapping[str, str | None], problems: dict[str, str]) -> Any:
    """Return a dataclass with the edits below it; what is wrong is added to the problems."""
    below: dict[str, dict[str, str | None]] = {}
    for place, text in edits.items():
        head, _, rest = place.partition(".")
        below.setdefault(head, {})[rest] = text
    known = {each.name for each in dataclasses.fields(value) if each.init}
    changes = {}
    for name, inner in below.items():
        where = f"{path}.{name}" if path else name
        try:
            if name not in known:
                raise ValueError(f"There is no such field. Available: {', '.join(sorted(known))}.")
            current = getattr(value, name)
            if "" in inner:
                changes[name] = _read(type(value), name, current, inner[""])
            elif dataclasses.is_dataclass(current):
                changes[name] = _replaced(current, where, inner, problems)
            else:
                raise ValueError("It has no fields of its own.")
        except Exception as error:  # noqa: BLE001,RUF100 - a value of any form was typed in
            problems[where] = _reason(error)
    try:
        return value if problems else dataclasses.replace(value, **changes)
    except Exception as error:  # noqa: BLE001,RUF100 - the application's own __post_init__
        problems[path or next(iter(changes))] = _reason(error)
        return value


def _read(cls: type, name: str, current: Any, text: str | None) -> Any:
    adapter = field_adapter(cls, name)
    if text is None:
        return adapter.validate_python(None)
    kind, _, choices = _kind(cls, name, current)
    if kind in ("json", "group"):
        return adapter.validate_python(json.loads(text))
    if text in choices:
        return choices[text]
    if kind == "datetime":
        moment = dt.datetime.fromisoformat(text)
        zone = current.tzinfo if isinstance(current, dt.datetime) else None
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return adapter.validate_python(text)


def _reason(error: Exception) -> str:
    listed = getattr(error, "errors", None)
    if callable(listed):  # pydantic's
        first = listed()[0]
        place = ".".join(map(str, first["loc"]))
        return f"{place}: {first['msg']}" if place else str(first["msg"])
    return str(error) or type(error).__name__
