"""The constructor of a notification class, made from its fields, and the problems of its definition."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import re
import sys
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ClassVar

from aerogram.declaration import DECLARATIONS
from aerogram.exceptions import DeclarationError, NotificationError, RenderError

__all__ = [
    "DeclarationProblem",
    "arguments_of",
    "collect_problems",
    "make_constructor",
    "refuse_arguments",
    "report_problem",
    "wrong_annotations",
    "wrong_declarations",
]


@dataclass(frozen=True, slots=True)
class DeclarationProblem:
    """A reason why a class cannot work: the class, the wrong declaration if it is one, and the error."""

    cls: type
    declaration: str | None
    error: NotificationError


_NO_FIELD = re.compile(r"(\w+\.)*(ClassVar|InitVar)\b")
_METHODS = (types.FunctionType, classmethod, staticmethod)

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
        _explain_mutable_default(cls, annotations)
        raise DeclarationError(f"{cls.__qualname__}: {error}") from None
    return tuple(field.name for field in dataclasses.fields(cls))


def arguments_of(cls: type) -> frozenset[str]:
    """Return the names of the arguments that the constructor of ``cls`` takes."""
    code = cls.__init__.__code__  # type: ignore[misc]  # that of the class itself, made by dataclasses
    return frozenset(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount])


def refuse_arguments(cls: type, positional: tuple[object, ...], keywords: Iterable[str]) -> None:
    """Raise TypeError for arguments that a constructor made from fields does not take, and say what it takes.

    A constructor that is written by hand decides for itself.
    """
    names = sorted(arguments_of(cls))
    code = cls.__init__.__code__  # type: ignore[misc]  # as above
    if code.co_filename != "<string>":
        return
    accepted = f"Accepted: {', '.join(names) or 'none'}."
    if positional and code.co_argcount == 1:  # of self
        example = f", for example {cls.__name__}({names[0]}=…)" if names else ""
        raise TypeError(
            f"{cls.__name__}() takes no positional arguments: fields are keyword arguments{example}. "
            f"{accepted}"
        )
    for name in keywords:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise TypeError(f"{cls.__name__}() got an unexpected keyword argument {name!r}.{hint} {accepted}")


def wrong_declarations(cls: type) -> Iterator[tuple[str, DeclarationError]]:
    """Yield the name and the error of each declaration of ``cls`` itself that no data can mend."""
    for name, value in list(cls.__dict__.items()):
        if name not in DECLARATIONS:
            continue
        absent = value is None and name not in ("subject", "subject_prefix")  # these are texts
        if name == "category" and name in getattr(cls, "_fields", ()):
            continue  # a field that happens to have this name
        if absent or isinstance(value, dataclasses.Field) or _is_computed(value):
            continue
        try:
            if isinstance(value, _METHODS):
                raise TypeError(f"a method was given; put @property above 'def {name}(self)'.")
            DECLARATIONS[name].check(name, value)
        except (ValueError, RenderError, TypeError) as error:
            yield name, DeclarationError(f"{cls.__qualname__}.{name}: {error}")


def _is_computed(value: object) -> bool:
    """Return whether a class attribute is a property or another descriptor, and not itself the value."""
    return hasattr(type(value), "__get__") and not isinstance(value, _METHODS)


def wrong_annotations(cls: type) -> Iterator[tuple[str, DeclarationError]]:
    """Yield the name and the error of each annotated declaration of ``cls`` itself that no value can mend."""
    for name, annotation in _own_annotations(cls).items():
        if name not in DECLARATIONS or name in _ANY_TYPE:
            continue
        errors = [_error_of_type(name, kind) for kind in _types(cls, annotation)]
        if errors and all(errors):
            text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
            yield (
                name,
                DeclarationError(
                    f"{cls.__qualname__}.{name}: the annotation {text} cannot work: {errors[0]}"
                ),
            )


_ANY_TYPE = {"category", "subject", "subject_prefix"}  # a field of the application, and what becomes a text
_NUMBERS = (bool, int, float, complex)
_EXAMPLES = {str: "x", bytes: b"x", list: [], tuple: (), dict: {}, set: set(), frozenset: frozenset()}


def _types(cls: type, annotation: Any) -> list[Any]:
    """Return the types that an annotation allows; none where it cannot be read."""
    if isinstance(annotation, str):
        try:
            body = {"__annotations__": {"it": annotation}, "__module__": cls.__module__}
            annotation = typing.get_type_hints(type("Annotated", (), body), include_extras=True)["it"]
        except Exception:  # noqa: BLE001,RUF100 - a name that comes later, or exists for type checkers only
            return []
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _types(cls, annotation.__origin__)
    if origin in (typing.Union, types.UnionType):
        return [kind for each in typing.get_args(annotation) for kind in _types(cls, each) or [each]]
    return [origin or annotation]


def _error_of_type(name: str, kind: Any) -> Exception | None:
    """Return why a declaration cannot have a value of a built-in type; None where the value decides."""
    if not any(kind is each for each in (*_NUMBERS, *_EXAMPLES)):
        return None
    try:
        DECLARATIONS[name].check(name, kind(1) if kind in _NUMBERS else _EXAMPLES[kind])
    except Exception as error:
        return error if kind in _NUMBERS or isinstance(error, TypeError) else None
    return None


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


def _explain_mutable_default(cls: type, annotations: Mapping[str, Any]) -> None:
    for name, annotation in annotations.items():
        default = cls.__dict__.get(name)
        if isinstance(default, dataclasses.Field):
            default = default.default
        kind = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
        if type(default).__hash__ is None and not _NO_FIELD.match(kind):
            factory = f"lambda: {default!r}" if default else type(default).__name__
            raise DeclarationError(
                f"{cls.__qualname__}.{name}: all mails would share this default of type "
                f"{type(default).__name__}. Write {name}: {kind} = field(default_factory={factory}), with "
                "field of dataclasses."
            )


def _refuse_taken_names(cls: type, annotations: Iterable[str], base: type) -> None:
    taken = {name for name in dir(base) if not name.startswith("__")} - set(DECLARATIONS)
    for name in annotations:
        if name in taken:
            public = ", ".join(sorted(name for name in taken if not name.startswith("_")))
            raise DeclarationError(
                f"{cls.__qualname__}.{name}: a field cannot have the name of a method ({public}); "
                "rename the field."
            )
