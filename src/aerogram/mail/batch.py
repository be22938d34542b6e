"""Sends many items over one connection: items become messages one by one, while the backend sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from aerogram.exceptions import NoRecipients
from aerogram.mail.delivery.dispatch import FailedItem, deliver
from aerogram.mail.message.email_message import EmailMessage, EmailMultiAlternatives

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aerogram.mail.backends.base import BaseEmailBackend
    from aerogram.mail.delivery.report import OnResult

__all__ = ["MassMailItem", "SupportsRender", "send_batch"]

_ACCEPTED: Final = (
    "Accepted: (subject, message, from_email, recipient_list), the same with an HTML text at the end, an "
    "EmailMessage, or a Notification."
)


@runtime_checkable
class SupportsRender(Protocol):
    """An object that becomes a message when it is sent, such as a notification."""

    def render(self) -> EmailMessage:
        """Return the message."""
        ...


MassMailItem = (
    tuple[object, object, object, "Iterable[object]"]
    | tuple[object, object, object, "Iterable[object]", object]
    | EmailMessage
    | SupportsRender
)
"""An item of :func:`aerogram.mail.send_mass_mail`."""


def send_batch(
    items: Iterable[MassMailItem], connection: BaseEmailBackend | Any, on_result: OnResult | None = None
) -> int:
    """Send every item over one connection, and hold few of them at a time.

    An item that cannot be rendered or built is reported in its turn, and the others are sent.

    Args:
        items: ``(subject, message, from_email, recipient_list)`` tuples, the same with an HTML text as the
            fifth element, messages, and objects with ``render()``; mixed.
        connection: the backend.
        on_result: called with the report of each message.

    Returns:
        How many messages were sent.

    Raises:
        DeliveryError: an item did not reach every recipient, and the backend does not fail silently.
    """
    made = (_message_of(item, connection) for item in items)
    messages = (message for message in made if message is not None)
    return deliver(connection, messages, on_result, is_ready=isinstance(items, list | tuple))


def _message_of(item: Any, connection: BaseEmailBackend) -> EmailMessage | FailedItem | None:
    """Return the message of one item; None for a notification that need not have recipients and has none."""
    try:
        message = _built(item)
    except Exception as error:  # a template or a property of the caller's: anything can be raised
        return FailedItem(error)
    if message is not None and message.connection is None:
        message.connection = connection
    return message


def _built(item: Any) -> EmailMessage | None:
    if isinstance(item, EmailMessage):
        return item
    if isinstance(item, SupportsRender):
        message = item.render()
        if message.recipients():
            return message
        if getattr(item, "_needs_recipients", False):  # as in Notification.send()
            raise NoRecipients.of(item)
        return None
    if not isinstance(item, tuple | list):
        raise TypeError(f"An item of send_mass_mail is a {type(item).__name__}. {_ACCEPTED}")
    if len(item) not in (4, 5):
        raise ValueError(f"An item of send_mass_mail is a {type(item).__name__} of {len(item)}. {_ACCEPTED}")
    subject, body, from_email, recipients, *html = item
    message = EmailMultiAlternatives(subject, body, from_email, recipients)
    if html and html[0]:
        message.attach_alternative(html[0], "text/html")
    return message
