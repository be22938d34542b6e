"""The functions that send: one message, many messages, messages to the staff; and their awaitable twins."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from typing import TYPE_CHECKING, Any

from aerogram.mail.batch import send_batch
from aerogram.mail.delivery.async_send import items_of, run_in_thread
from aerogram.mail.mailers import get_connection
from aerogram.mail.message.email_message import EmailMultiAlternatives
from aerogram.mail.staff import send_staff_mail

if TYPE_CHECKING:
    from aerogram.mail.backends.base import BaseEmailBackend
    from aerogram.mail.batch import SupportsRender
    from aerogram.mail.delivery.report import OnResult
    from aerogram.mail.message.email_message import EmailMessage

    MassMailItem = (
        tuple[object, object, object, Iterable[object]]
        | tuple[object, object, object, Iterable[object], object]
        | EmailMessage
        | SupportsRender
    )

__all__ = [
    "asend_mail",
    "asend_mass_mail",
    "get_connection",
    "mail_admins",
    "mail_managers",
    "send_mail",
    "send_mass_mail",
]


def send_mail(
    subject: object,
    message: object,
    from_email: object,
    recipient_list: Iterable[object],
    fail_silently: bool = False,
    auth_user: str | None = None,
    auth_password: str | None = None,
    connection: BaseEmailBackend | Any | None = None,
    html_message: object = None,
    *,
    using: str | None = None,
) -> int:
    """Send one message; every recipient sees the others in the To header.

    Args:
        subject: one line.
        message: the text.
        from_email: the sender; ``DEFAULT_FROM_EMAIL`` where it is None.
        recipient_list: a list or tuple of addresses.
        fail_silently: keep quiet about a failed connection or delivery.
        auth_user: the user name of the login; ``EMAIL_HOST_USER`` where it is None.
        auth_password: the password of the login; ``EMAIL_HOST_PASSWORD`` where it is None.
        connection: the backend that sends; a new one where it is None.
        html_message: the same message as HTML.
        using: the alias of a mailer in ``MAILERS``, instead of a connection.

    Returns:
        1, or 0 where nobody is to receive it or the delivery failed silently.

    Raises:
        BadHeaderError: a header contains a newline or control character; nothing was opened.
        InvalidAddress: an entry is not exactly one mailbox.
        OSError: the server cannot be reached.
        smtplib.SMTPException: it refused.
        TypeError: a string as ``recipient_list``, or both ``connection`` and ``using``.
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
    """Send many messages over one connection, in memory that does not grow with their number.

    Args:
        datatuple: any iterable, a generator too, of ``(subject, message, from_email, recipient_list)``
            tuples, the same with an HTML text at the end, messages, and notifications; mixed. Items are made
            and sent one after the other.
        fail_silently: keep quiet about a failed connection or delivery; template and configuration errors
            are raised all the same.
        auth_user: the user name of the login; ``EMAIL_HOST_USER`` where it is None.
        auth_password: the password of the login; ``EMAIL_HOST_PASSWORD`` where it is None.
        connection: the backend that sends; a new one where it is None.
        using: the alias of a mailer in ``MAILERS``, instead of a connection.
        on_result: called with the :class:`~aerogram.mail.delivery.DeliveryReport` of each message as soon
            as it is known.

    Returns:
        How many messages were sent.

    Raises:
        DeliveryError: an item could not be built, or did not reach every recipient; the rest went out. The
            error has the reports.
        OSError: the server cannot be reached.
        smtplib.SMTPException: it refused.
        TypeError: both ``connection`` and ``using``.

    >>> from aerogram.conf import settings
    >>> people = ("ann@example.com", "bob@example.com")
    >>> with settings.override(EMAIL_URL="dummy:"):
    ...     send_mass_mail(("News", "There is some.", None, [person]) for person in people)
    2
    """
    backend = _connection(connection, using, fail_silently, auth_user, auth_password)
    return send_batch(datatuple, backend, on_result)


def mail_admins(
    subject: object,
    message: object,
    fail_silently: bool = False,
    connection: BaseEmailBackend | Any | None = None,
    html_message: object = None,
    *,
    using: str | None = None,
) -> None:
    """Send a message to the ``ADMINS``, from ``SERVER_EMAIL``, its subject behind ``EMAIL_SUBJECT_PREFIX``.

    Nothing happens where there are none. The arguments are those of :func:`send_mail`.
    """
    send_staff_mail("ADMINS", subject, message, fail_silently, connection, html_message, using)


def mail_managers(
    subject: object,
    message: object,
    fail_silently: bool = False,
    connection: BaseEmailBackend | Any | None = None,
    html_message: object = None,
    *,
    using: str | None = None,
) -> None:
    """Send a message to the ``MANAGERS``; otherwise as :func:`mail_admins`."""
    send_staff_mail("MANAGERS", subject, message, fail_silently, connection, html_message, using)


async def asend_mail(*args: Any, **kwargs: Any) -> int:
    """Send one message without blocking the event loop; otherwise as :func:`send_mail`.

    :func:`aerogram.mail.delivery.async_send.run_in_thread` says what a cancelled task leaves.
    """
    return await run_in_thread(send_mail, *args, **kwargs)


async def asend_mass_mail(
    datatuple: Iterable[MassMailItem] | AsyncIterable[MassMailItem], *args: Any, **kwargs: Any
) -> int:
    """Send many messages without blocking the event loop; otherwise as :func:`send_mass_mail`.

    ``datatuple`` may be asynchronous, an async generator too; items are asked for one at a time.
    ``on_result`` is called in the thread that sends. When the task is cancelled, the message in hand is
    finished, or broken off where nothing of it has left, and no further one is begun.
    """
    return await run_in_thread(send_mass_mail, items_of(datatuple), *args, **kwargs)


def _connection(
    connection: BaseEmailBackend | Any | None,
    using: str | None,
    fail_silently: bool,
    auth_user: str | None,
    auth_password: str | None,
) -> BaseEmailBackend | Any:
    if connection is not None and using is not None:
        raise TypeError("Give connection or using, not both: each says where the mail goes.")
    if connection is not None:
        return connection
    login = {"username": auth_user, "password": auth_password}
    return get_connection(
        fail_silently=fail_silently,
        using=using,
        **{name: value for name, value in login.items() if value is not None},
    )
