"""The fields of a notification as JSON, and back: for queues, and for tasks that run in another process.

What JSON has no type for stands in an object with one key: ``{"$date": "2026-05-13"}``. Reading never imports
or calls what the data names: a class is found only among those in the annotations of the fields, and every
value is checked against its annotation.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import math
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from email.headerregistry import Address
from enum import Enum
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Final, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from aerogram.exceptions import PayloadError
from aerogram.mail.characters import without_laziness
from aerogram.payload.annotations import (
    classes_of,
    field_adapter,
    field_hints,
    is_path,
    model_hints,
    types_in,
)
from aerogram.templating import InlineImage

__all__ = ["fields_from_json", "fields_to_json"]

ACCEPTED: Final = (
    "None, bool, int, float, str, bytes, date, datetime, time, timedelta, Decimal, UUID, enums, paths, "
    "lists, tuples, sets, dicts, dataclasses, named tuples, pydantic models and inline images"
)
_PLAIN: Final = (str, int, bool, types.NoneType)


def _moment(value: dt.datetime | dt.time) -> str | list[Any]:
    # A ZoneInfo is written by its name, as the offset alone would not be the zone.
    if not isinstance(value.tzinfo, ZoneInfo) or value.tzinfo.key is None:
        return value.isoformat() if not value.fold else [value.isoformat(), "", value.fold]
    return [value.replace(tzinfo=None).isoformat(), value.tzinfo.key, value.fold]


def _moment_of(kind: Any) -> Callable[[Any], Any]:
    def read(written: Any) -> Any:
        text, zone, fold = (written, "", 0) if isinstance(written, str) else written
        value = kind.fromisoformat(text).replace(fold=fold)
        return value.replace(tzinfo=ZoneInfo(zone)) if zone else value

    return read


# The key of each type, how a value of it is written, and how it is read.
_LEAVES: Final[dict[type, tuple[str, Callable[[Any], Any], Callable[[Any], Any]]]] = {
    dt.datetime: ("$datetime", _moment, _moment_of(dt.datetime)),
    dt.date: ("$date", dt.date.isoformat, dt.date.fromisoformat),
    dt.time: ("$time", _moment, _moment_of(dt.time)),
    dt.timedelta: (
        "$timedelta",
        lambda value: [value.days, value.seconds, value.microseconds],
        lambda written: dt.timedelta(*written),
    ),
    ZoneInfo: ("$zone", str, ZoneInfo),
    Decimal: ("$decimal", str, Decimal),
    UUID: ("$uuid", str, UUID),
    float: ("$float", str, float),  # infinities and "not a number", which JSON does not have
    bytes: (
        "$bytes",
        lambda value: base64.b64encode(value).decode(),
        lambda written: base64.b64decode(written, validate=True),
    ),
    bytearray: (
        "$bytearray",
        lambda value: base64.b64encode(value).decode(),
        lambda written: bytearray(base64.b64decode(written, validate=True)),
    ),
    Address: (
        "$address",
        lambda value: [value.display_name, value.username, value.domain],  # not every addr_spec is read back
        lambda written: Address(*written),
    ),
    InlineImage: (
        "$image",
        lambda image: [image.mimetype, image.filename, base64.b64encode(image.content).decode()],
        lambda written: InlineImage(base64.b64decode(written[2], validate=True), *written[:2]),
    ),
    type(Path()): ("$path", str, Path),
    PurePosixPath: ("$posix_path", str, PurePosixPath),
    PureWindowsPath: ("$windows_path", str, PureWindowsPath),
}
_COLLECTIONS: Final[dict[type, str]] = {tuple: "$tuple", set: "$set", frozenset: "$frozenset"}
_PATHS: Final = ("$path", "$posix_path", "$windows_path")
_READERS: Final = {key: read for key, _, read in _LEAVES.values()}
_MAKERS: Final = {key: kind for kind, key in _COLLECTIONS.items()}


def fields_to_json(notification: Any) -> dict[str, Any]:
    """Return the values of the fields of a notification, or another dataclass, as JSON takes them.

    Raises:
        PayloadError: a value is not of the annotated type, or of one that cannot be read back. The text names
            the field.
    """
    try:
        return _Writer(type(notification)).fields(notification, "")
    except RecursionError:
        raise PayloadError(
            f"{type(notification).__qualname__}: the values of its fields are nested too deeply."
        ) from None


def fields_from_json(cls: type, data: object) -> Any:
    """Return an instance of a class, made from what :func:`fields_to_json` returned.

    Raises:
        PayloadError: a field is missing, unknown, or not of its annotated type. The text names the field.
    """
    try:
        return _Reader(cls).instance(cls, data, "")
    except RecursionError:
        raise PayloadError(f"{cls.__qualname__}: the data is nested too deeply.") from None


class _Classes:
    """The classes that the annotations of a class lead to, by name, and the checks of values against them."""

    def __init__(self, origin: type) -> None:
        self.origin = origin
        self._accepts_paths = False
        self.by_name: dict[str, type] = {}
        classes = list(classes_of(origin))
        for cls in classes:
            self.by_name[f"{cls.__module__}:{cls.__qualname__}"] = cls
            if sum(each.__qualname__ == cls.__qualname__ for each in classes) == 1:
                self.by_name[cls.__qualname__] = cls

    @contextmanager
    def annotated(self, hints: Any) -> Iterator[None]:
        """Accept paths within, if an annotation says so: a path of a file to attach is no harmless text."""
        before = self._accepts_paths
        self._accepts_paths = any(map(is_path, types_in(hints)))
        try:
            yield
        finally:
            self._accepts_paths = before

    def check_tag(self, tag: str, field: str) -> None:
        if tag in _PATHS and not self._accepts_paths:
            raise self.wrong(
                field, "a path was given, but the annotation does not allow one. Annotate the field with Path"
            )

    def key(self, cls: type, field: str) -> str:
        """Return the name of a class by which it will be found again."""
        for name in (cls.__qualname__, f"{cls.__module__}:{cls.__qualname__}"):
            if self.by_name.get(name) is cls:
                return name
        raise self.wrong(
            field,
            f"{cls.__qualname__} is in no annotation, so it could not be restored. Annotate the field "
            "with the class, with a base class of it, or with a union",
        )

    def check(self, cls: type, name: str, value: object, field: str) -> None:
        """Check a value against the annotation of the field ``name`` of ``cls``."""
        from pydantic import ValidationError

        try:
            field_adapter(cls, name).validate_python(value, strict=True)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
            raise self.wrong(field, f"{_shown(value)} was given. {problem['msg']}") from None

    def wrong(self, field: str, problem: str) -> PayloadError:
        return PayloadError(f"{self.origin.__qualname__}{'.' if field else ''}{field}: {problem}.")


class _Writer(_Classes):
    def fields(self, value: Any, field: str) -> dict[str, Any]:
        """Return the fields of a dataclass, each checked, so that it fails here and not where it is read."""
        cls, where = type(value), f"{field}." if field else ""
        if any(each._field_type is dataclasses._FIELD_INITVAR for each in cls.__dataclass_fields__.values()):  # type: ignore[attr-defined]  # dataclasses tells it in no other way
            raise self._refused(value, field, " has an InitVar, which is not kept, and")
        written = {}
        for name in (each.name for each in dataclasses.fields(value)):
            given = without_laziness(getattr(value, name))
            with self.annotated([field_hints(cast("Any", cls))[name]]):
                written[name] = self.write(given, where + name)
            self.check(cls, name, given, where + name)
        return written

    def write(self, value: Any, field: str) -> Any:
        kind = type(value)
        if kind in _PLAIN or (kind is float and math.isfinite(value)):
            return value
        if isinstance(value, Enum):
            return {"$enum": [self.key(kind, field), self.write(value.value, field)]}
        if kind is list:
            return self._each(value, field)
        if kind is dict:
            if all(type(key) is str and not key.startswith("$") for key in value):
                return {key: self.write(each, f"{field}[{key!r}]") for key, each in value.items()}
            return {"$dict": [self._each(pair, field) for pair in value.items()]}
        if kind in _COLLECTIONS:
            return {_COLLECTIONS[kind]: self._each(value, field)}
        if dataclasses.is_dataclass(value):
            return {"$class": [self.key(kind, field), self.fields(value, field)]}
        if isinstance(value, tuple) and hasattr(kind, "_fields"):
            with self.annotated(field_hints(cast("Any", kind)).values()):
                return {"$class": [self.key(kind, field), self._each(value, field)]}
        if hasattr(kind, "model_validate"):
            with self.annotated(model_hints(kind)):
                return {"$class": [self.key(kind, field), self._model(value, field)]}
        if (leaf := _leaf(value)) is not None:
            key, write, _ = leaf
            self.check_tag(key, field)
            return {key: write(value)}
        raise self._refused(value, field)

    def _each(self, values: Any, field: str) -> list[Any]:
        return [
            self.write(without_laziness(each), f"{field}[{number}]") for number, each in enumerate(values)
        ]

    def _model(self, value: Any, field: str) -> Any:
        """Return the fields of a pydantic model, if it can be made of them again."""
        try:
            fields = value.model_dump(round_trip=True, by_alias=True)
            is_whole = type(value).model_validate(fields) == value
        except Exception as error:  # whatever its serialisers and validators raise
            raise self._refused(value, field) from error
        if not is_whole:
            raise self._refused(value, field, " is not what its own fields give again, and")
        return self.write(fields, field)

    def _refused(self, value: object, field: str, why: str = "") -> PayloadError:
        return self.wrong(
            field,
            f"an object of type {type(value).__qualname__}{why} cannot be written as JSON and read back. "
            f"Accepted: {ACCEPTED}. Give what identifies the object, such as the key of a database row, "
            "and load it in context()",
        )


class _Reader(_Classes):
    def instance(self, cls: type, data: Any, field: str) -> Any:
        """Return a dataclass made of what was written of its fields, each checked."""
        fields = {each.name: each for each in dataclasses.fields(cls)}
        where = f"{field}." if field else ""
        if not isinstance(data, Mapping):
            raise self.wrong(field, f"{_shown(data)} was given. Accepted: a dict of fields")
        if unknown := sorted(str(name) for name in data.keys() - fields.keys()):
            raise self.wrong(where + unknown[0], f"there is no such field. Available: {', '.join(fields)}")
        for name, each in fields.items():
            has_default = (each.default, each.default_factory) != (dataclasses.MISSING, dataclasses.MISSING)
            if name not in data and each.init and not has_default:
                raise self.wrong(where + name, "the field is missing")
        values = {}
        for name, written in data.items():
            with self.annotated([field_hints(cls)[name]]):
                values[name] = self.read(written, where + name)
        for name, value in values.items():
            self.check(cls, name, value, where + name)
        try:
            made = cls(**{name: value for name, value in values.items() if fields[name].init})
        except Exception as error:
            raise self.wrong(
                field, f"{cls.__qualname__} refuses its fields: {type(error).__name__}"
            ) from error
        for name, value in values.items():
            if not fields[name].init:
                object.__setattr__(made, name, value)
        return made

    def read(self, written: Any, field: str) -> Any:
        """Return the value that was written. Its type is checked against the annotation by who asked."""
        if isinstance(written, list):
            return [self.read(each, f"{field}[{number}]") for number, each in enumerate(written)]
        if not isinstance(written, dict):
            return written
        if len(written) != 1 or not (key := str(next(iter(written)))).startswith("$"):
            return {key: self.read(each, f"{field}[{key!r}]") for key, each in written.items()}
        content = written[key]
        try:
            return self._tagged(key, content, field)
        except PayloadError:
            raise
        except Exception as error:  # wrong data can fail in any way
            raise self.wrong(field, f"{key} with {_shown(content)} cannot be read") from error

    def _tagged(self, key: str, content: Any, field: str) -> Any:
        self.check_tag(key, field)
        if key in _READERS:
            return _READERS[key](content)
        if key in _MAKERS:
            return _MAKERS[key](self.read(content, field))
        if key == "$dict":
            return {self.read(name, field): self.read(each, field) for name, each in content}
        if key not in ("$enum", "$class"):
            raise self.wrong(field, f"{key!r} is not known")
        name, written = content
        cls = cast("Any", self.by_name.get(name))
        if cls is None or issubclass(cls, Enum) is not (key == "$enum"):
            raise self.wrong(field, f"no annotation leads to a class {_shown(name)}")
        if key == "$enum":
            return cls(self.read(written, field))
        if dataclasses.is_dataclass(cls):
            return self.instance(cast("type", cls), written, field)
        if issubclass(cls, tuple):
            with self.annotated(field_hints(cls).values()):
                return cls(*self.read(written, field))
        with self.annotated(model_hints(cls)):
            return cls.model_validate(self.read(written, field))


def _leaf(value: object) -> tuple[str, Callable[[Any], Any], Callable[[Any], Any]] | None:
    """Return how a value is written: by its type, or by the type that it is a kind of."""
    for kind in type(value).__mro__:
        if kind in _LEAVES:
            return _LEAVES[kind]
    return None


def _shown(value: object) -> str:
    """Return what an error text says of a value, which may be a secret."""
    return f"a value of type {type(value).__name__}"
