"""Find unused fields, and fields that templates print into CSS."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable, Iterator
from functools import cached_property
from types import CodeType
from typing import TYPE_CHECKING, Any

from aerogram.checks.problem import SourceLine
from aerogram.declaration import DECLARATIONS
from aerogram.notification import Notification

if TYPE_CHECKING:
    from aerogram.checks.problem import Severity
    from aerogram.checks.sources import Sources

__all__ = ["fields_of", "names_in_code", "unused_fields", "values_in_css"]

_HARMLESS = ("int", "float", "bool", "Decimal", "date", "datetime")
_SHARED = {"site_name", "base_url", "unsubscribe_url"}
Mistake = tuple[SourceLine | str, str, str]
"""Where it is, its code and its message."""


def unused_fields(
    cls: type[Notification], sources: Sources
) -> Iterator[tuple[str, str, str, Severity | None]]:
    """Yield the fields of the class itself that neither its templates nor its code read.

    Those with a default are an info. Nothing is found where a template cannot be read, or only the data
    decides which one is.
    """
    own = inspect.get_annotations(cls)
    if not sources.are_complete or not sources.all or cls.render is not Notification.render:
        return
    used = names_in_code(cls).union(*(source.names for source in sources.all))
    for field in fields_of(cls):
        name = field.name
        if name in own and not (name in used or name in DECLARATIONS or name.startswith("_")):
            is_required = (
                field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            )
            cost = ", although callers must pass it" if is_required else ""
            text = f"No template and no method uses {name!r}{cost}. Use it or remove it."
            yield name, "unused-field", text, None if is_required else "info"


def values_in_css(
    cls: type[Notification], sources: Sources, variables: Iterable[str] | None
) -> Iterator[Mistake]:
    """Yield the values that a template prints into ``<style>`` or a style attribute."""
    harmless = {field.name for field in fields_of(cls) if _type_name(field.type) in _HARMLESS}
    data = set(variables or (field.name for field in fields_of(cls))) - harmless - _SHARED
    for source in sources.html:
        for value in source.values_in_css:
            for name in sorted(value.names & data):
                yield (
                    SourceLine(source.path, value.line) if source.path else "html_template",
                    "value-in-css",
                    f"{name!r} goes into CSS, where HTML escaping does not protect: a value with a "
                    "semicolon adds declarations. Choose between fixed values, or make it a number.",
                )


def fields_of(cls: type[Notification]) -> tuple[dataclasses.Field[Any], ...]:
    """Return the fields of a class."""
    return dataclasses.fields(cls)  # type: ignore[arg-type]  # each is a dataclass


def _type_name(annotation: object) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")


def names_in_code(cls: type[Notification]) -> set[str]:
    """Return the names that the code of a class reads, without its samples, which set every field."""
    found: set[str] = set()
    for owner in cls.__mro__:
        if owner.__module__.startswith("aerogram.") or owner is object:
            continue
        for name, value in vars(owner).items():
            if name in ("samples", "__init__", "__eq__", "__repr__", "__hash__"):
                continue
            for function in _functions(value):
                found |= _names_of(function.__code__)
    return found


def _functions(value: Any) -> Iterator[Any]:
    candidates = [value, getattr(value, "__func__", None)]
    if isinstance(value, property):
        candidates += [value.fget, value.fset]
    if isinstance(value, cached_property):
        candidates.append(value.func)
    for each in candidates:
        function = inspect.unwrap(each) if callable(each) and not isinstance(each, type) else None
        if function is not None and hasattr(function, "__code__"):
            yield function


def _names_of(code: CodeType) -> set[str]:
    inner = [each for each in code.co_consts if isinstance(each, CodeType)]
    return {*code.co_names, *code.co_freevars}.union(*map(_names_of, inner))
