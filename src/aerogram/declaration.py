"""What a notification class declares: made into a constructor, and refused where it cannot work."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from email.mime.base import MIMEBase
from pathlib import Path
from types import FunctionType
from typing import Any, ClassVar

from aerogram.exceptions import DeclarationError, MessageError, NotificationError, RenderError
from aerogram.mail.address.parser import parse_mailbox
from aerogram.mail.address.return_path import check_return_path
from aerogram.mail.characters import check_header_value
from aerogram.mail.header.category import (
    check_category,
    check_list_id,
    check_unsubscribe_email,
    check_unsubscribe_url,
)
from aerogram.mail.header.rules import check_extra_headers
from aerogram.mail.message.attachments import check_media_type

DECLARATIONS = (
    "subject",
    "subject_prefix",
    "html_template",
    "text_template",
    "css",
    "from_email",
    "to",
    "cc",
    "bcc",
    "reply_to",
    "headers",
    "attachments",
    "category",
    "unsubscribe_url",
    "unsubscribe_email",
    "list_id",
    "return_path",
)
"""The names a class may declare as an attribute, a property or a field; every other annotation is a field."""


@dataclass(frozen=True, slots=True)
class DeclarationProblem:
    """Why a class cannot work: the class, the declaration that is wrong (if it is one), and the error."""

    cls: type
    declaration: str | None
    error: NotificationError


_METHODS = (FunctionType, classmethod, staticmethod)

_kept: ContextVar[list[DeclarationProblem] | None] = ContextVar("aerogram_refusals_kept", default=None)


def make_constructor(cls: type, base: type) -> tuple[str, ...]:
    """Make ``cls`` a dataclass with keyword-only fields and return their names, inherited ones first.

    Args:
        cls: the class just defined.
        base: the class whose attributes are declarations and methods, not defaults of fields.

    Raises:
        DeclarationError: a field is named like a method, or dataclasses refuse the class.
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


def wrong_declarations(cls: type, subject_parses: Callable[[str], None]) -> Iterator[DeclarationProblem]:
    """Yield what ``cls`` itself declares and no data can mend.

    Args:
        cls: the class just defined.
        subject_parses: raises an error where a Jinja string does not parse.
    """
    declared = {name: value for name, value in cls.__dict__.items() if name in DECLARATIONS}
    for name, value in declared.items():
        absent = value is None and name not in ("subject", "subject_prefix")  # these are texts
        if name == "category" and name in getattr(cls, "_fields", ()):
            continue  # a field that happens to be called so
        if absent or isinstance(value, dataclasses.Field) or is_computed(value):
            continue
        try:
            if isinstance(value, _METHODS):
                raise TypeError(f"a method was given; put @property above 'def {name}(self)'.")
            _CHECKS[name](name, value)
            if name == "subject":
                subject_parses(value)
        except (MessageError, RenderError, TypeError) as error:
            yield DeclarationProblem(cls, name, DeclarationError(f"{cls.__qualname__}.{name}: {error}"))


def is_computed(value: object) -> bool:
    """Tell whether a class attribute is a property, or a like descriptor, and not itself the value."""
    return hasattr(type(value), "__get__") and not isinstance(value, _METHODS)


def refuse(refusal: DeclarationProblem) -> None:
    """Raise a refusal's error, or keep it where :func:`collect_problems` asks for all of them."""
    kept = _kept.get()
    if kept is None:
        raise refusal.error from None
    kept.append(refusal)


@contextmanager
def collect_problems() -> Iterator[list[DeclarationProblem]]:
    """Define classes that cannot work instead of stopping at the first; the list says which, and why.

    For a check that reports every problem of a module at once.
    """
    kept: list[DeclarationProblem] = []
    token = _kept.set(kept)
    try:
        yield kept
    finally:
        _kept.reset(token)


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


def _check_line(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"a {type(value).__name__} was given; a text is meant.")
    check_header_value(name.replace("_", "-").capitalize(), value)


def _check_template_name(_name: str, value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise TypeError(
            f"{value!r} is not a template's name; give it relative to a folder of TEMPLATE_DIRS, "
            'for example "shop/order_shipped.html".'
        )


def _check_stylesheets(name: str, value: object) -> None:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)):
        raise TypeError(
            f"a {type(value).__name__} was given; a stylesheet's name or a list of them is meant."
        )
    for stylesheet in names:
        if stylesheet:
            _check_template_name(name, stylesheet)


def _check_recipients(_name: str, value: object) -> None:
    if isinstance(value, str) or not isinstance(value, (list, tuple)):
        raise TypeError(
            f"a {type(value).__name__} was given; a list or tuple of addresses is meant, "
            'for example ["ops@example.com"].'
        )
    for mailbox in value:
        parse_mailbox(mailbox)


def _check_sender(_name: str, value: object) -> None:
    parse_mailbox(value)


def _check_headers(_name: str, value: object) -> None:
    if not isinstance(value, Mapping):
        raise TypeError(f"a {type(value).__name__} was given; a dict of header names and values is meant.")
    check_extra_headers(value)
    for header, text in value.items():
        check_header_value(header, text)


def _check_attachments(_name: str, value: object) -> None:
    if not isinstance(value, (list, tuple)):
        raise TypeError(
            f"a {type(value).__name__} was given; a list is meant, "
            "of pathlib.Path or (filename, content, mimetype)."
        )

    for attachment in value:
        if isinstance(attachment, (Path, MIMEBase)):
            continue
        if not isinstance(attachment, (tuple, list)) or len(attachment) not in (2, 3):
            raise TypeError(
                f"a {type(attachment).__name__} is among them; give a pathlib.Path for a file, "
                "(filename, content, mimetype), or a MIME part."
            )
        if len(attachment) == 3 and attachment[2] is not None:
            check_media_type(attachment[2])


def _text_checked_by(check: Callable[[object], object]) -> Callable[[str, object], None]:
    def check_text(name: str, value: object) -> None:
        if not isinstance(value, str):
            raise TypeError(f"a {type(value).__name__} was given; a text is meant.")
        if value or name == "category":
            check(value)

    return check_text


_CHECKS: dict[str, Callable[[str, object], None]] = {
    "subject": _check_line,
    "subject_prefix": _check_line,
    "html_template": _check_template_name,
    "text_template": _check_template_name,
    "css": _check_stylesheets,
    "from_email": _check_sender,
    "to": _check_recipients,
    "cc": _check_recipients,
    "bcc": _check_recipients,
    "reply_to": _check_recipients,
    "headers": _check_headers,
    "attachments": _check_attachments,
    "category": _text_checked_by(check_category),
    "unsubscribe_url": _text_checked_by(check_unsubscribe_url),
    "unsubscribe_email": _text_checked_by(check_unsubscribe_email),
    "list_id": _text_checked_by(check_list_id),
    "return_path": _text_checked_by(check_return_path),
}
