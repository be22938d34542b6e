"""The declarations of a notification: name, type, default, check and explanation of each, in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from datetime import tzinfo
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from aerogram.exceptions import DeclarationError
from aerogram.mail.address.entries import MailboxLike, check_list, has_adapter, has_email
from aerogram.mail.address.parser import parse_mailbox
from aerogram.mail.address.return_path import RECIPIENT_PLACEHOLDER, check_return_path, verp
from aerogram.mail.characters import check_header_value, is_lazy_text, is_text
from aerogram.mail.header.category import (
    check_category,
    check_list_id,
    check_unsubscribe_email,
    check_unsubscribe_url,
)
from aerogram.mail.header.rules import check_extra_headers
from aerogram.mail.message.attachments import check_media_type
from aerogram.mail.message.content import ACCEPTED, is_content
from aerogram.templating import check_line, parse_locale, parse_timezone

__all__ = [
    "DECLARATIONS",
    "Declaration",
    "Declarations",
    "explain_wrong_type",
    "listed",
    "return_path_of",
]

Check = Callable[[str, Any], object]
"""Raises an error if a value of a declaration (of that name) cannot work."""

Function = TypeVar("Function", bound=Callable[[Any], Any])


def _check_header(name: str, value: object) -> None:
    _require_text(value)
    if isinstance(value, str):  # a lazy text is read when it is needed
        check_header_value(name.replace("_", "-").capitalize(), value)


def _check_subject(name: str, value: object) -> None:
    _check_header(name, value)
    if isinstance(value, str):
        check_line(value)


def _require_text(value: object) -> None:
    if not is_text(value):
        raise TypeError(f"a value of type {type(value).__name__} was given. Accepted: a string.")


def _check_template_name(_name: str, value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise TypeError(
            f"{value!r} is not the name of a template; write it relative to a folder of TEMPLATE_DIRS, "
            'for example "shop/order_shipped.html".'
        )


def _check_stylesheets(name: str, value: object) -> None:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)):
        raise TypeError(
            f"a value of type {type(value).__name__} was given. Accepted: a stylesheet's name, or a list."
        )
    for stylesheet in names:
        if stylesheet:
            _check_template_name(name, stylesheet)


def _check_recipients(name: str, value: object) -> None:
    if not isinstance(value, (list, tuple)):
        raise TypeError(
            f"a value of type {type(value).__name__} was given. Accepted: a list or tuple of addresses, "
            'for example ["ops@example.com"].'
        )
    check_list(name, value)
    for mailbox in value:
        _check_mailbox(name, mailbox)


def _check_mailbox(_name: str, value: object) -> None:
    """Refuse what is no mailbox; objects of the application and lazy texts are read when they are needed."""
    parts = value if isinstance(value, tuple) else (value,)
    if not (has_adapter(value) or has_email(value) or any(map(is_lazy_text, parts))):
        parse_mailbox(value)


def _check_headers(_name: str, value: object) -> None:
    if not isinstance(value, Mapping):
        raise TypeError(
            f"a value of type {type(value).__name__} was given. Accepted: a dict of header names and values."
        )
    check_extra_headers(value)
    for header, text in value.items():
        if isinstance(text, str):
            check_header_value(header, text)


def _check_attachments(_name: str, value: object) -> None:
    if not isinstance(value, (list, tuple)):
        raise TypeError(
            f"a value of type {type(value).__name__} was given. Accepted: a list of pathlib.Path, "
            "(filename, content, mimetype) or MIME parts."
        )

    for attachment in value:
        if isinstance(attachment, (Path, Message)):
            continue
        if not isinstance(attachment, (tuple, list)) or len(attachment) not in (2, 3):
            raise TypeError(
                f"an attachment of type {type(attachment).__name__} was given. Accepted: "
                "a pathlib.Path for a file, (filename, content, mimetype), or a MIME part."
            )
        if not is_content(attachment[1]):
            raise TypeError(
                f"the content of an attachment is of type {type(attachment[1]).__name__}. {ACCEPTED}"
            )
        if len(attachment) == 3 and attachment[2] is not None:
            check_media_type(attachment[2])


def _check_locale(_name: str, value: object) -> None:
    _parse(parse_locale, value, "a string")


def _check_timezone(_name: str, value: Any) -> None:
    _parse(parse_timezone, value, "a name such as 'Europe/Berlin', or a tzinfo")


def _parse(parse: Callable[[Any], object], value: object, accepted: str) -> None:
    try:
        parse(value)
    except TypeError:
        raise TypeError(f"a value of type {type(value).__name__} was given. Accepted: {accepted}.") from None


def _text_with(check: Callable[[object], object]) -> Check:
    def check_text(name: str, value: object) -> None:
        _require_text(value)
        if isinstance(value, str) and (value or name == "category"):
            check(value)

    return check_text


def _checked(check: Check) -> Callable[[Function], Function]:
    """Attach the check of a declaration to the function that returns its default."""

    def attach(function: Function) -> Function:
        function.check = check  # type: ignore[attr-defined]  # read where the table is made
        return function

    return attach


class Declarations(Protocol):
    """What a notification declares and a renderer reads; each property returns its default."""

    @property
    @_checked(_check_subject)
    def subject(self) -> str:
        """The Jinja string that becomes the subject line; nothing is escaped."""
        return ""

    @property
    @_checked(_check_header)
    def subject_prefix(self) -> str:
        """The text before every subject."""
        return ""

    @property
    @_checked(_check_template_name)
    def html_template(self) -> str | None:
        """The HTML part's template; every value in it is escaped."""
        return None

    @property
    @_checked(_check_template_name)
    def text_template(self) -> str | None:
        """The text part's template; if there is none, the HTML part is converted."""
        return None

    @property
    @_checked(_check_stylesheets)
    def css(self) -> str | Sequence[str]:
        """Style sheets to inline into the HTML part, by their names as templates."""
        return ()

    @property
    @_checked(_check_mailbox)
    def from_email(self) -> MailboxLike | None:
        """The sender; ``DEFAULT_FROM_EMAIL`` if there is none."""
        return None

    @property
    @_checked(_check_recipients)
    def to(self) -> Sequence[MailboxLike]:
        """The recipients, each in a form of :data:`~aerogram.mail.MailboxLike`."""
        return ()

    @property
    @_checked(_check_recipients)
    def cc(self) -> Sequence[MailboxLike]:
        """The recipients of a copy."""
        return ()

    @property
    @_checked(_check_recipients)
    def bcc(self) -> Sequence[MailboxLike]:
        """The recipients that no header names."""
        return ()

    @property
    @_checked(_check_recipients)
    def reply_to(self) -> Sequence[MailboxLike]:
        """The addresses that replies go to, instead of the sender."""
        return ()

    @property
    @_checked(_check_headers)
    def headers(self) -> Mapping[str, Any]:
        """More header fields, by name."""
        return {}

    @property
    @_checked(_check_attachments)
    def attachments(self) -> Sequence[Any]:
        """Files: each a ``pathlib.Path``, ``(filename, content, mimetype)`` or a MIME part.

        A content is text, bytes, an open file, or a path.
        """
        return ()

    @property
    @_checked(_text_with(check_category))
    def category(self) -> str | None:
        """``"transactional"`` or ``"bulk"``, on the class; an annotated one is a field of yours."""
        return None

    @property
    @_checked(_text_with(check_unsubscribe_url))
    def unsubscribe_url(self) -> str | None:
        """The https URL that unsubscribes the recipient by a POST (RFC 8058)."""
        return None

    @property
    @_checked(_text_with(check_unsubscribe_email))
    def unsubscribe_email(self) -> str | None:
        """The address or ``mailto:`` URI that unsubscribes whoever writes to it."""
        return None

    @property
    @_checked(_text_with(check_list_id))
    def list_id(self) -> str | None:
        """The List-Id (RFC 2919); bulk mail without one gets a List-Id made of its name."""
        return None

    @property
    @_checked(_text_with(check_return_path))
    def return_path(self) -> str | None:
        """The address for bounces; ``{recipient}`` in it stands for the recipient."""
        return None

    @property
    @_checked(_check_locale)
    def locale(self) -> str | None:
        """The locale of the mail, such as ``"pt_BR"``; the setting ``LOCALE`` if there is none."""
        return None

    @property
    @_checked(_check_timezone)
    def timezone(self) -> str | tzinfo | None:
        """The time zone of the dates in the mail, by name or a ``tzinfo``; else the setting ``TIMEZONE``."""
        return None


class Declaration(NamedTuple):
    """One declaration; ``type`` is an annotation, ``check`` raises an error for a value that cannot work."""

    name: str
    type: str
    default: Any
    check: Check
    doc: str


def _declaration(name: str, function: Any) -> Declaration:
    return Declaration(
        name, function.__annotations__["return"], function(None), function.check, function.__doc__
    )


DECLARATIONS = {
    name: _declaration(name, value.fget)
    for name, value in vars(Declarations).items()
    if isinstance(value, property)
}
"""The declarations by name; every other annotation of a class is a field."""


def listed(name: str, value: Any, origin: str) -> Any:
    """Return the value of a declaration that is a list, if it gives its entries in an order.

    Raises:
        DeclarationError: a text, a set, a pair of name and address, or an object that is no list.
    """
    if type(value) is list or not value:
        return value
    try:
        if isinstance(value, tuple):
            if name != "attachments":
                check_list(name, value)
        elif isinstance(value, str | bytes | bytearray | Set | Mapping) or not hasattr(value, "__iter__"):
            DECLARATIONS[name].check(name, value)
    except TypeError as error:
        raise DeclarationError(f"{origin}.{name}: {error}") from None
    return value


def explain_wrong_type(notification: Declarations, origin: str) -> None:
    """Raise DeclarationError for a declaration whose type is wrong, after it made the rendering fail."""
    for name in ("html_template", "text_template", "css", "headers", "locale", "timezone"):
        value = getattr(notification, name)
        try:
            if value:
                DECLARATIONS[name].check(name, value)
        except TypeError as error:
            raise DeclarationError(f"{origin}.{name}: {error}") from None
        except ValueError:  # of the right type
            continue


def return_path_of(path: str, recipients: Sequence[str], origin: str) -> str | None:
    """Return the address for the bounces of a mail, its recipient in place of the placeholder."""
    if RECIPIENT_PLACEHOLDER not in check_return_path(path):
        return path
    if len(recipients) > 1:
        raise DeclarationError(
            f"{origin}.return_path has {RECIPIENT_PLACEHOLDER}, but the mail has {len(recipients)} "
            "recipients. Send one mail per recipient, or declare an address without it."
        )
    return verp(path, recipients[0]) if recipients else None
