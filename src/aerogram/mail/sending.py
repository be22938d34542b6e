"""The functions that send: one message, many messages, messages to the staff; and the same for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from typing import Any, Final, Literal, Protocol, runtime_checkable

from aerogram.conf import settings
from aerogram.exceptions import NoRecipients
from aerogram.mail.address.entries import MailboxLike
from aerogram.mail.backends.base import BaseEmailBackend
from aerogram.mail.characters import is_text
from aerogram.mail.delivery.async_send import iterate_in_thread, run_in_thread
from aerogram.mail.delivery.dispatch import BatchItem, FailedItem, dispatch
from aerogram.mail.delivery.report import OnResult
from aerogram.mail.delivery.telemetry import logger
from aerogram.mail.mailers import get_connection
from aerogram.mail.message.email_message import EmailMessage, EmailMultiAlternatives


@runtime_checkable
class SupportsRender(Protocol):
    """An object that becomes a message when it is sent, such as a notification."""

    def render(self) -> EmailMessage:
        """Return the message."""


MassMailItem = (
    tuple[object, object, MailboxLike | None, Iterable[MailboxLike]]
    | tuple[object, object, MailboxLike | None, Iterable[MailboxLike], object]
    | EmailMessage
    | SupportsRender
)
"""An item of :func:`aerogram.mail.send_mass_mail`."""


def send_mail(
    subject: object,
    message: object,
    from_email: MailboxLike | None,
    recipient_list: Iterable[MailboxLike],
    fail_silently: bool = False,
    auth_user: str | None = None,
    auth_password: str | None = None,
    connection: BaseEmailBackend | Any | None = None,
    html_message: object = None,
    *,
    using: str | None = None,
) -> int:
    """Send one message. The To header names all recipients.

    Args:
        subject: one line.
        message: the text.
        from_email: the sender; ``DEFAULT_FROM_EMAIL`` if it is None.
        recipient_list: a list or tuple of mailboxes, each in a form of :data:`~aerogram.mail.MailboxLike`.
        fail_silently: ignore a failed connection or delivery.
        auth_user: the user name of the login; ``EMAIL_HOST_USER`` if it is None.
        auth_password: the password of the login; ``EMAIL_HOST_PASSWORD`` if it is None.
        connection: the backend that sends; a new one if it is None.
        html_message: the same message as HTML.
        using: the alias of a mailer in ``MAILERS``, instead of a connection.

    Returns:
        1, or 0 if there are no recipients or the delivery failed silently.

    Raises:
        BadHeaderError: a header contains a newline or control character; no connection was opened.
        InvalidAddress: an entry is not exactly one mailbox.
        OSError: the server cannot be reached.
        smtplib.SMTPException: the server refused the message.
        TypeError: ``recipient_list`` is a string, or both ``connection`` and ``using`` are given.
    """
    backend = _connection(connection, using, fail_silently, auth_user, auth_password)
    mail = EmailMultiAlternatives(subject, message, from_email, recipient_list, connection=backend)
    if html_message:
        mail.attach_alternative(html_message, "text/html")
    return mail.send()


def send_mass_mail(
    datatuple: Iterable[MassMailItem],
    fail_silently: bool = False,
    auth_user: str | None = None,
    auth_password: str | None = None,
    connection: BaseEmailBackend | Any | None = None,
    *,
    using: str | None = None,
    on_result: OnResult | None = None,
) -> int:
    """Send many messages over one connection. Memory does not grow with their number.

    Args:
        datatuple: any iterable of ``(subject, message, from_email, recipient_list)`` tuples, tuples with HTML
            as the fifth element, messages and notifications, in any mixture. Items are built and sent one
            after the other.
        fail_silently: as in :func:`send_mail`; errors in templates and configuration are always raised.
        auth_user: as in :func:`send_mail`.
        auth_password: as in :func:`send_mail`.
        connection: as in :func:`send_mail`.
        using: as in :func:`send_mail`.
        on_result: called with the :class:`~aerogram.mail.delivery.DeliveryReport` of each message as soon as
            it is known.

    Returns:
        How many messages were sent.

    Raises:
        DeliveryError: an item could not be built, or did not reach every recipient. The others were sent. The
            error contains the reports.
        OSError: the server cannot be reached.
        smtplib.SMTPException: the server refused the connection.
        TypeError: both ``connection`` and ``using`` are given, or ``datatuple`` is not an iterable of items.

    >>> from aerogram.conf import settings
    >>> people = ("ann@example.com", "bob@example.com")
    >>> with settings.override(EMAIL_URL="dummy:"):
    ...     send_mass_mail(("News", "There is some.", None, [person]) for person in people)
    2
    """
    _check_items(datatuple)
    backend = _connection(connection, using, fail_silently, auth_user, auth_password)
    messages = (BatchItem(item, _message_of(item, backend)) for item in datatuple)
    return dispatch(backend, messages, on_result, is_ready=isinstance(datatuple, list | tuple))


def _check_items(items: Any) -> None:
    is_one = isinstance(items, str | bytes) or (isinstance(items, tuple) and items and is_text(items[0]))
    if is_one or not isinstance(items, Iterable | AsyncIterable):
        raise TypeError(
            f"send_mass_mail takes an iterable of items, and a {type(items).__name__} was given. Write "
            f"[item] for a single one. {_ACCEPTED}"
        )


def _message_of(item: Any, connection: BaseEmailBackend) -> EmailMessage | FailedItem | None:
    """Return the message of one item; None for a notification that need not have recipients and has none."""
    try:
        message = _built(item)
    except Exception as error:  # a template or a property of the caller's: anything can be raised
        return FailedItem(error, item)
    if message is not None and message.connection is None:
        message.connection = connection
    return message


def _built(item: Any) -> EmailMessage | None:
    if isinstance(item, EmailMessage):
        return item
    if type(item) is not tuple and isinstance(item, SupportsRender):  # which asks a tuple at length
        message = item.render()
        if message.recipients():
            return message
        if getattr(item, "_needs_recipients", False):  # as in Notification.send()
            raise NoRecipients.of(item)
        log_nobody(item)
        return None
    if not isinstance(item, tuple | list):
        raise TypeError(f"An item of send_mass_mail has the type {type(item).__name__}. {_ACCEPTED}")
    if len(item) not in (4, 5):
        raise ValueError(
            f"An item of send_mass_mail is a {type(item).__name__} of {len(item)} elements. {_ACCEPTED}"
        )
    subject, body, from_email, recipients, *html = item
    message = EmailMultiAlternatives(subject, body, from_email, recipients)
    if html and html[0]:
        message.attach_alternative(html[0], "text/html")
    return message


_ACCEPTED: Final = (
    "Accepted: (subject, message, from_email, recipient_list), the same with an HTML text at the end, an "
    "EmailMessage, or a Notification."
)


def mail_admins(
    subject: object,
    message: object,
    fail_silently: bool = False,
    connection: BaseEmailBackend | Any | None = None,
    html_message: object = None,
    *,
    using: str | None = None,
) -> None:
    """Send a message to ``ADMINS`` from ``SERVER_EMAIL``; ``EMAIL_SUBJECT_PREFIX`` precedes the subject.

    Nothing happens if ``ADMINS`` is empty. The arguments are those of :func:`send_mail`.
    """
    options = {"fail_silently": fail_silently, "html_message": html_message}
    _mail_staff("ADMINS", subject, message, connection=connection, using=using, **options)


def mail_managers(
    subject: object,
    message: object,
    fail_silently: bool = False,
    connection: BaseEmailBackend | Any | None = None,
    html_message: object = None,
    *,
    using: str | None = None,
) -> None:
    """Send a message to ``MANAGERS``; otherwise as :func:`mail_admins`."""
    options = {"fail_silently": fail_silently, "html_message": html_message}
    _mail_staff("MANAGERS", subject, message, connection=connection, using=using, **options)


async def asend_mail(*args: Any, **kwargs: Any) -> int:
    """Send one message without blocking the event loop.

    The arguments are those of :func:`send_mail`. If the task is cancelled, see
    :func:`aerogram.mail.delivery.async_send.run_in_thread`.
    """
    return await run_in_thread(send_mail, *args, **kwargs)


async def asend_mass_mail(
    datatuple: Iterable[MassMailItem] | AsyncIterable[MassMailItem], *args: Any, **kwargs: Any
) -> int:
    """Send many messages without blocking the event loop.

    The arguments are those of :func:`send_mass_mail`. ``on_result`` is called in the thread that sends. If
    the task is cancelled, no further message is sent; see
    :func:`aerogram.mail.delivery.async_send.run_in_thread` for the one that is being sent.

    Args:
        datatuple: any iterable or asynchronous iterable; items are requested one at a time.
    """
    _check_items(datatuple)
    return await run_in_thread(send_mass_mail, iterate_in_thread(datatuple), *args, **kwargs)


StaffGroup = Literal["ADMINS", "MANAGERS"]
"""The setting that names the recipients of mail to the staff."""


def staff_addresses(group: StaffGroup) -> list[str]:
    """Return the addresses of the staff, which the setting gives alone or behind their names."""
    return [each if isinstance(each, str) else each[1] for each in getattr(settings, group)]


def log_nobody(notification: object) -> None:
    """Log that a notification to the staff was not sent, because it has no recipients."""
    group = getattr(notification, "_group", "to")
    logger.warning("%s was not sent: %s is empty", type(notification).__name__, group)


def _mail_staff(group: StaffGroup, subject: object, message: object, **options: Any) -> None:
    _refuse_both(options["connection"], options["using"])
    if addresses := staff_addresses(group):
        subject = f"{settings.EMAIL_SUBJECT_PREFIX}{subject}"
        send_mail(subject, message, settings.SERVER_EMAIL, addresses, **options)


def _connection(
    connection: BaseEmailBackend | Any | None,
    using: str | None,
    fail_silently: bool,
    auth_user: str | None,
    auth_password: str | None,
) -> BaseEmailBackend | Any:
    _refuse_both(connection, using)
    if connection is not None:
        return connection
    login = {"username": auth_user, "password": auth_password}
    given = {name: value for name, value in login.items() if value is not None}
    return get_connection(fail_silently=fail_silently, using=using, **given)


def _refuse_both(connection: object, using: object) -> None:
    if connection is not None and using is not None:
        raise TypeError("Give connection or using, not both: each determines the backend.")
