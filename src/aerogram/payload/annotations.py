"""The annotations of the fields of a class: what they are made of, and the check of a value against them."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import lru_cache
from os import PathLike
from pathlib import PurePath
from typing import Any

from aerogram.exceptions import PayloadError

__all__ = ["classes_of", "field_adapter", "field_hints", "is_path", "model_hints", "types_in"]


def classes_of(origin: type) -> Iterator[type]:
    """Yield the classes that the fields' annotations lead to, with their subclasses."""
    found: set[type] = set()
    ahead: list[Any] = list(field_hints(origin).values())
    while new := set(types_in(ahead)) - found:
        found |= new
        ahead = []
        for kind in new:
            ahead += [*type.__subclasses__(kind), *model_hints(kind)]
            if dataclasses.is_dataclass(kind) or hasattr(kind, "_fields"):
                ahead += field_hints(kind).values()
    yield from (cls for cls in found if _is_written_by_name(cls))


def types_in(hints: Iterable[Any]) -> Iterator[type]:
    """Yield the classes that annotations are made of."""
    ahead, seen = list(hints), dict[int, Any]()  # by id; the values keep the ids in use
    while ahead:
        hint = ahead.pop()
        if id(hint) in seen:  # an alias that refers to itself
            continue
        seen[id(hint)] = hint
        ahead += [*typing.get_args(hint), typing.get_origin(hint)]
        ahead += [getattr(hint, "__value__", None), getattr(hint, "__bound__", None)]
        if typing.is_typeddict(hint):
            ahead += typing.get_type_hints(hint).values()
        elif isinstance(hint, type) and hint.__module__ not in ("builtins", "typing"):
            yield hint


def model_hints(kind: type) -> list[Any]:
    """Return the annotations of the fields of a pydantic model; none for another class."""
    return [each.annotation for each in getattr(kind, "model_fields", {}).values()]


def is_path(kind: type) -> bool:
    """Return whether an annotation with this class says that a value is a path."""
    return kind is PathLike or issubclass(kind, PurePath)


def _is_written_by_name(cls: type) -> bool:
    return (
        issubclass(cls, Enum)
        or dataclasses.is_dataclass(cls)
        or (issubclass(cls, tuple) and hasattr(cls, "_fields"))
        or hasattr(cls, "model_validate")
    )


@lru_cache(maxsize=1024)
def field_hints(cls: type) -> dict[str, Any]:
    """Return the annotations of the fields of a class, evaluated."""
    names = [each.name for each in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else cls._fields  # type: ignore[attr-defined]  # a named tuple
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except NameError as error:
        field = next(
            (name for name in names if f"{error.name}" in str(cls.__annotations__.get(name, ""))), "?"
        )
        raise PayloadError(
            f"{cls.__qualname__}.{field}: {error.name!r} in its annotation does not exist at run time. "
            "Import it or define it in the module, outside of 'if TYPE_CHECKING' and of functions."
        ) from None
    return {name: hints[name] for name in names if name in hints}


@lru_cache(maxsize=4096)
def field_adapter(cls: type, name: str) -> Any:
    """Return pydantic's validator of one field."""
    from pydantic import ConfigDict, TypeAdapter
    from pydantic.errors import PydanticUserError

    hint = field_hints(cls)[name]
    try:
        return TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUserError:  # a class that has a configuration of its own
        pass
    try:
        return TypeAdapter(hint)
    except PydanticUserError as error:  # such as typing.TypedDict before Python 3.12
        raise PayloadError(
            f"{cls.__qualname__}.{name}: pydantic cannot check its annotation. {error.message}"
        ) from error
