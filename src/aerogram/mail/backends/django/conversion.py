"""A message as an object of Django's class."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy, deepcopy
from typing import Any, Final

from aerogram.mail.address.envelope import entry_text
from aerogram.mail.characters import is_lazy_text
from aerogram.mail.header.fields import header_field
from aerogram.mail.message import (
    DEFAULT_ATTACHMENT_MIME_TYPE,
    EmailAttachment,
    EmailMessage,
    EmailMultiAlternatives,
)
from aerogram.mail.message.enclosed import without_blind_copies
from aerogram.mail.message.reading import ReadableMessage

_NOT_COPIED: Final = frozenset({"connection", "delivery", "message", "notification", "return_path"})
_DEFAULTS: Final = {  # Django 6.0 refuses two of them
    "content_subtype": "plain", "mixed_subtype": "mixed", "alternative_subtype": "alternative",
    "encoding": None,
}  # fmt: skip


def django_message(message: EmailMessage) -> Any:
    """Return a message as an object of Django's class.

    The envelope sender, for which Django has no attribute, becomes ``from_email``, and the sender becomes the
    From header. Django's SMTP backend and django-anymail read them in this way.

    Args:
        message: the message; one of Django's is copied as it is.
    """
    from django.core import mail

    if isinstance(message, mail.EmailMessage):
        theirs = copy(message)
        # The backend that Django sends it by need not be one that can be copied.
        vars(theirs).update(dict.fromkeys({"connection", "_connection"} & vars(message).keys()))
        return theirs
    kind = mail.EmailMultiAlternatives if isinstance(message, EmailMultiAlternatives) else mail.EmailMessage
    theirs = kind()
    for name in ("content_subtype", "mixed_subtype", "alternative_subtype", "encoding", *vars(message)):
        value = getattr(message, name, _DEFAULTS.get(name))
        if name not in _NOT_COPIED and (name not in _DEFAULTS or value != _DEFAULTS[name]):
            setattr(theirs, name, list(value) if isinstance(value, list) else value)
    theirs.subject, theirs.body = str(message.subject), str(message.body)
    theirs.from_email = entry_text(message.from_email)
    for name in ("to", "cc", "bcc", "reply_to"):
        setattr(theirs, name, [entry_text(address) for address in getattr(message, name) or () if address])
    fields = [header_field(name, value) for name, value in message.extra_headers.items()]
    theirs.extra_headers = {field.name: field.value for field in fields}
    if message.return_path is not None:
        theirs.extra_headers = {"From": theirs.from_email, **theirs.extra_headers}
        theirs.from_email = message.return_path and entry_text(message.return_path)
    theirs.attachments = [
        EmailAttachment(
            None if part[0] is None else str(part[0]),
            str(part[1]) if is_lazy_text(part[1]) else part[1],
            part[2] or DEFAULT_ATTACHMENT_MIME_TYPE,
        )
        if isinstance(part, tuple)
        else part
        for part in message.attachments
    ]
    if type(message).message not in (EmailMessage.message, EmailMultiAlternatives.message):
        theirs.message = message.message
    return theirs


def built_without_blind_copies(build: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Build a message by ``build``, and leave out what names blind copies."""
    return without_blind_copies(build(*args, **kwargs))


def captured_class(kind: type) -> type:
    """Return a subclass of a class of Django's messages, for tests to read."""

    def copied(self: Any, memo: dict[int, Any]) -> Any:
        made = object.__new__(type(self))
        memo[id(self.notification)] = self.notification  # whatever it holds
        vars(made).update(deepcopy(vars(self), memo))
        return made

    return type(kind.__name__, (ReadableMessage, kind), {"__deepcopy__": copied})
