"""The constructor of a notification class, made from its fields, and the problems of its definition."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ClassVar

from aerogram.declaration import DECLARATIONS
from aerogram.exceptions import DeclarationError, NotificationError

__all__ = ["DeclarationProblem", "collect_problems", "make_constructor", "report_problem"]


@dataclass(frozen=True, slots=True)
class DeclarationProblem:
    """A reason why a class cannot work: the class, the wrong declaration if it is one, and the error."""

    cls: type
    declaration: str | None
    error: NotificationError


_collected: ContextVar[list[DeclarationProblem] | None] = ContextVar(
    "aerogram_declaration_problems", default=None
)


def make_constructor(cls: type, base: type) -> tuple[str, ...]:
    """Make ``cls`` a dataclass with keyword-only fields and return their names, inherited ones first.

    The attributes of ``base`` are declarations and methods, and no defaults of fields. DeclarationError is
    raised where a field is named like a method, or dataclasses refuse the class.
    """
    annotations = _own_annotations(cls)
    inherited = _inherited_fields(cls)
    _refuse_taken_names(cls, annotations, base)
    for name in annotations:
        if name not in cls.__dict__ and name not in inherited and hasattr(base, name):
            # Without a value of its own the field has no default: not the base's empty declaration.
            setattr(cls, name, dataclasses.field())
    for name, kind in inherited.items():
        if name in cls.__dict__ and name not in annotations:
            # A value without an annotation: a declaration is settled by it, another field gets a new default.
            annotations[name] = ClassVar[Any] if name in DECLARATIONS else kind
    cls.__annotations__ = annotations
    try:
        dataclasses.dataclass(cls, kw_only=True, repr=False)
    except (TypeError, ValueError) as error:
        raise DeclarationError(f"{cls.__qualname__}: {error}") from None
    return tuple(field.name for field in dataclasses.fields(cls))


def report_problem(problem: DeclarationProblem) -> None:
    """Raise the problem's error, or keep the problem inside :func:`collect_problems`."""
    collected = _collected.get()
    if collected is None:
        raise problem.error from None
    collected.append(problem)


@contextmanager
def collect_problems() -> Iterator[list[DeclarationProblem]]:
    """Define classes that cannot work instead of stopping at the first, and list their problems."""
    collected: list[DeclarationProblem] = []
    token = _collected.set(collected)
    try:
        yield collected
    finally:
        _collected.reset(token)


def _own_annotations(cls: type) -> dict[str, Any]:
    if sys.version_info >= (3, 14):
        import annotationlib  # exists from 3.14 on

        return dict(annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF))
    return inspect.get_annotations(cls)


def _inherited_fields(cls: type) -> dict[str, Any]:
    return {
        field.name: field.type
        for ancestor in reversed(cls.__mro__[1:])
        if dataclasses.is_dataclass(ancestor)
        for field in dataclasses.fields(ancestor)
    }


def _refuse_taken_names(cls: type, annotations: Iterable[str], base: type) -> None:
    taken = {name for name in dir(base) if not name.startswith("__")} - set(DECLARATIONS)
    for name in annotations:
        if name in taken:
            public = ", ".join(sorted(name for name in taken if not name.startswith("_")))
            raise DeclarationError(
                f"{cls.__qualname__}.{name}: a field cannot be named like a method. Taken are {public}; "
                "call the field something else."
            )
