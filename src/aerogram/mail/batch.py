"""Many items, one connection: what :func:`aerogram.mail.send_mass_mail` does.

Items are turned into messages one by one, while the backend sends. A backend that streams gets them as an
iterator and reports on each; any other gets lists of at most :data:`CHUNK` messages, over the one connection
opened for all.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from aerogram.exceptions import NoRecipients
from aerogram.mail.address.envelope import envelope_of
from aerogram.mail.delivery.dispatch import Dispatch, hand_over, listening, streams
from aerogram.mail.delivery.ready import ReadyMessages, is_ready
from aerogram.mail.delivery.report import DeliveryReport, DeliverySummary, FailedMessage, RecipientResult
from aerogram.mail.message.email_message import EmailMessage, EmailMultiAlternatives

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aerogram.mail.backends.base import BaseEmailBackend
    from aerogram.mail.delivery.report import OnResult

__all__ = ["CHUNK", "Renderable", "send_batch", "send_stream"]

CHUNK: Final = 100
"""How many messages a backend that takes lists is given at once."""


@runtime_checkable
class Renderable(Protocol):
    """Anything that becomes a message when it is sent: a notification."""

    def render(self) -> EmailMessage:
        """Return the message."""
        ...


def send_batch(items: Iterable[Any], connection: BaseEmailBackend, on_result: OnResult | None = None) -> int:
    """Send every item over one connection, holding few of them at a time.

    An item that cannot be rendered or built is reported in its place, and the rest goes out.

    Args:
        items: ``(subject, message, from_email, recipient_list)`` tuples, the same with an HTML text as the
            fifth element, messages, and what has ``render()``; mixed.
        connection: the backend.
        on_result: called with the report of each message.

    Returns:
        How many messages were sent.

    Raises:
        DeliveryError: an item did not reach every recipient, and the backend does not fail silently.
    """
    made = (_message_of(item, connection) for item in items)
    messages: Iterable[Any] = (message for message in made if message is not None)
    return send_stream(ReadyMessages(messages) if is_ready(items) else messages, connection, on_result)


def send_stream(
    messages: Iterable[EmailMessage | FailedMessage],
    connection: BaseEmailBackend,
    on_result: OnResult | None = None,
) -> int:
    """Give messages to a backend in the way it takes them; otherwise as :func:`send_batch`."""
    # The signature decides, so that a subclass which goes back to Django's is understood.
    if streams(connection.send_messages):
        return hand_over(connection, messages, on_result)
    if not listening():
        return _send_in_chunks(iter(messages), connection, on_result)
    dispatch = Dispatch(connection, on_result)
    with dispatch.watched(streaming=True):
        return _send_in_chunks(dispatch.admitted(messages), connection, dispatch.told)


def _message_of(item: Any, connection: BaseEmailBackend) -> EmailMessage | FailedMessage | None:
    """Make the message of one item, ``None`` where it is rendered for nobody, which is no error.

    Whatever goes wrong is told when the backend comes to it.
    """
    try:
        message = _built(item)
    except Exception as error:  # a template or a property of the caller's: anything can be raised
        return FailedMessage(error)
    if message is not None and message.connection is None:
        message.connection = connection
    return message


_ACCEPTED: Final = (
    "Accepted: (subject, message, from_email, recipient_list), the same with an HTML text at the end, an "
    "EmailMessage, or a Notification."
)


def _built(item: Any) -> EmailMessage | None:
    if isinstance(item, EmailMessage):
        return item
    if isinstance(item, Renderable):
        message = item.render()
        if message.recipients():
            return message
        # As their own send() has it: an error for most notifications, nothing to do for those to the staff.
        if getattr(item, "_needs_recipients", False):
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


def _send_in_chunks(
    messages: Iterator[EmailMessage | FailedMessage], connection: BaseEmailBackend, on_result: OnResult | None
) -> int:
    # Whoever gives a connection of their own class need only make it send, as in Django.
    tally = DeliverySummary(fail_silently=getattr(connection, "fail_silently", False), on_result=on_result)
    can_open = hasattr(connection, "open")
    sent, opened = 0, False
    try:
        while chunk := list(islice(messages, CHUNK)):
            ready = list(_ready(chunk, tally))
            if ready:
                opened = (can_open and bool(connection.open())) or opened
                count = connection.send_messages([message for message, _ in ready]) or 0
                sent += count
                _report(ready, count, tally, on_result)
    finally:
        if opened:
            connection.close()
    tally.close()
    return sent


Ready = tuple[EmailMessage, tuple[str, ...]]
"""A message that can be built, and the addresses of its envelope."""


def _ready(chunk: list[Any], tally: DeliverySummary) -> Iterator[Ready]:
    """Keep back what would stop a backend that stops at the first error."""
    for message in chunk:
        message.delivery = None
        try:
            message.message()
            addresses = envelope_of(message).recipients
        except Exception as error:  # as in _message_of
            tally.add(message, DeliveryReport(error=error))
            continue
        yield message, addresses


def _report(ready: list[Ready], count: int, tally: DeliverySummary, on_result: OnResult | None) -> None:
    """Report what a backend that only counts has told: all were sent, or it cannot be said which were not."""
    all_sent = count >= sum(bool(addresses) for _, addresses in ready)
    for message, addresses in ready:
        if message.delivery is not None or all_sent:
            sent = DeliveryReport(dict.fromkeys(addresses, RecipientResult("sent")))
            tally.add(message, message.delivery or sent)
            continue
        unknown = RecipientResult("uncertain", text="the backend did not say which messages it sent")
        message.delivery = DeliveryReport(dict.fromkeys(addresses, unknown))
        if on_result is not None:
            on_result(message.delivery)
