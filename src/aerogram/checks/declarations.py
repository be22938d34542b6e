"""Mistakes in a class body that raise no error: misspelt declarations, and Jinja in data."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator, Sequence

from aerogram.checks.fields import fields_of, names_in_code
from aerogram.declaration import DECLARATIONS
from aerogram.mail.sending import staff_addresses
from aerogram.notification import AdminNotification, ManagerNotification, Notification

__all__ = ["class_mistakes", "how_to_use"]

_MARKS = ("{{", "{%", "{#")
_SYNONYMS = {
    "attachment": "attachments",
    "bounce": "return_path",
    "bounceto": "return_path",
    "envelopefrom": "return_path",
    "files": "attachments",
    "from": "from_email",
    "fromaddr": "from_email",
    "fromaddress": "from_email",
    "header": "headers",
    "extraheaders": "headers",
    "htmltemplatename": "html_template",
    "mailfrom": "from_email",
    "mailto": "to",
    "receiver": "to",
    "receivers": "to",
    "recipient": "to",
    "recipientlist": "to",
    "recipients": "to",
    "replytoaddress": "reply_to",
    "sender": "from_email",
    "senderemail": "from_email",
    "stylesheet": "css",
    "stylesheets": "css",
    "template": "html_template",
    "templatename": "html_template",
    "toaddress": "to",
    "toaddresses": "to",
    "toemail": "to",
    "toemails": "to",
    "unsubscribe": "unsubscribe_url",
    "unsubscribelink": "unsubscribe_url",
}


def class_mistakes(
    cls: type[Notification], together: Sequence[type[Notification]]
) -> Iterator[tuple[str | None, str, str]]:
    """Yield the declaration or attribute, code and message of each mistake.

    One in an attribute is yielded once for the classes that are checked together: for the class that writes
    the attribute, or else for the first that inherits it.
    """
    for name, code, message in (*_near_declarations(cls), *_jinja_in_data(cls)):
        writer = _writer(cls, name)
        heirs = (each for each in together if _writer(each, name) is writer)
        if cls is (writer if writer in together else next(heirs, cls)):
            yield name, code, message
    group = getattr(cls, "_group", None)
    staff = (AdminNotification, ManagerNotification)
    uses_setting = any(
        inspect.getattr_static(cls, "to") is inspect.getattr_static(each, "to") for each in staff
    )
    if group is not None and uses_setting and not staff_addresses(group):
        yield (
            None,
            "no-staff",
            f"{group} is empty, so this mail is sent to no one and raises no error. "
            f'Set it: {group} = [("Ada", "ada@example.com")].',
        )


def _writer(cls: type, name: str) -> type:
    """Return the class whose body defines an attribute or annotation of ``cls``."""
    return next((owner for owner in cls.__mro__ if name in _written(owner)), cls)


def _written(owner: type) -> set[str]:
    return {*vars(owner), *inspect.get_annotations(owner)}


def _near_declarations(cls: type[Notification]) -> Iterator[tuple[str, str, str]]:
    own = [owner for owner in cls.__mro__ if owner is not Notification and issubclass(owner, Notification)]
    own = [owner for owner in own if not owner.__module__.startswith("aerogram.")]
    annotated = {name for owner in own for name in inspect.get_annotations(owner)}
    for name in dict.fromkeys(name for owner in own for name in vars(owner)):
        value = inspect.getattr_static(cls, name)
        if name.startswith("_") or name in DECLARATIONS or name in annotated or hasattr(Notification, name):
            continue
        meant = None if inspect.isroutine(value) else _meant(name)
        if meant and not _is_used(cls, name, meant):
            yield (
                name,
                "nearly-declaration",
                f"{name} is not a declaration and has no effect. Did you mean {meant!r}? If it is "
                f"your own value, annotate it ({name}: {type(value).__name__}) or give it another name.",
            )


def _is_used(cls: type[Notification], name: str, meant: str) -> bool:
    """Return whether an attribute is intended: a method reads it, or a class defines both names."""
    return name in names_in_code(cls) or any({name, meant} <= _written(owner) for owner in cls.__mro__)


def _meant(name: str) -> str | None:
    """Return the declaration that a name probably misspells."""
    plain = name.replace("_", "").replace("-", "").lower()
    by_plain = {each.replace("_", ""): each for each in DECLARATIONS}
    if found := by_plain.get(plain) or _SYNONYMS.get(plain):
        return found
    near = difflib.get_close_matches(plain, [each for each in by_plain if len(each) > 3], n=1, cutoff=0.84)
    return by_plain[near[0]] if near else None


def _jinja_in_data(cls: type[Notification]) -> Iterator[tuple[str, str, str]]:
    defaults = {field.name: field.default for field in fields_of(cls)}
    if _has_marks(defaults.get("subject")):
        yield (
            "subject",
            "subject-literal",
            "subject is an argument, because it is annotated, and an argument is not rendered: the mail "
            f'would say {str(defaults["subject"])[:60]!r}. Remove the annotation: subject = "…".',
        )
    for name in DECLARATIONS.keys() - {"subject"}:
        value = defaults.get(name, inspect.getattr_static(cls, name))
        texts = value if isinstance(value, list | tuple) else [value]
        if any(map(_has_marks, texts)):
            yield (
                name,
                "jinja-literal",
                f"{name} contains Jinja, but only the subject is rendered. Compute it: @property def "
                f"{name}(self).",
            )


def how_to_use(cls: type[Notification], name: str) -> str:
    """Return how an attribute of a class becomes a variable of its templates."""
    value = inspect.getattr_static(cls, name)
    if isinstance(value, str | int | float | list | tuple | dict | None) and name not in DECLARATIONS:
        return (
            f"It is a class attribute: annotate it, {name}: {type(value).__name__} = …, to make it a field."
        )
    called = "()" if inspect.isroutine(value) else ""
    return f'Add it to the context(): return {{**super().context(), "{name}": self.{name}{called}}}.'


def _has_marks(value: object) -> bool:
    return isinstance(value, str) and any(mark in value for mark in _MARKS)
