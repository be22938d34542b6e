"""Sending through a backend with Django's contract: it takes lists, and may stop at the first error."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from aerogram.exceptions import DeliveryError, ImproperlyConfigured
from aerogram.mail.address.envelope import envelope_of
from aerogram.mail.address.parser import parse_mailbox
from aerogram.mail.delivery import cancellation
from aerogram.mail.delivery.report import DeliveryReport, RecipientResult

if TYPE_CHECKING:
    from aerogram.mail.delivery.dispatch import Delivery

CHUNK: Final = 100
"""The largest number of messages in a list."""

_SENT: Final = RecipientResult("sent")
_UNKNOWN: Final = RecipientResult("uncertain", text="the backend did not say which messages it sent")


def send_lists(backend: Any, delivery: Delivery) -> None:
    """Send the messages of a delivery, in lists, over one connection."""
    messages, sent, opened = iter(delivery), 0, False
    try:
        while chunk := list(islice(messages, CHUNK)):
            if not delivery.is_single:  # a single message may raise its own error
                chunk = [message for message in chunk if _can_be_built(message, delivery)]
                if chunk and hasattr(backend, "open"):
                    opened = bool(backend.open()) or opened
            if chunk:
                cancellation.check()
                delivery.is_certain = len(chunk) == 1
                sent += _send_list(backend, chunk, delivery)
                delivery.is_certain = True
    finally:
        if opened:
            backend.close()
    delivery.sent = sent


def _can_be_built(message: Any, delivery: Delivery) -> bool:
    """Return whether a message can be built; report one that would stop the backend."""
    try:
        message.message()
        envelope_of(message)
    except Exception as error:  # whatever a message or its subclass raises is that message's
        delivery.add(message, DeliveryReport(error=error))
        return False
    return True


def _send_list(backend: Any, messages: list[Any], delivery: Delivery) -> int:
    """Send one list. If the backend makes no reports, its count says whether all were sent."""
    try:
        sent = backend.send_messages(messages) or 0
    except DeliveryError as error:
        if any(getattr(message, "delivery", None) is None for message in messages):
            raise
        sent = error.sent
    addresses = [recipients_of(message) for message in messages]
    all_sent = sent >= sum(map(bool, addresses))
    for message, recipients in zip(messages, addresses, strict=True):
        report = getattr(message, "delivery", None)
        if report is not None or all_sent:
            delivery.add(message, report or DeliveryReport(dict.fromkeys(recipients, _SENT)))
        else:
            delivery.add_uncounted(message, DeliveryReport(dict.fromkeys(recipients, _UNKNOWN)))
    return sent


def report_of(backend: Any, message: Any) -> DeliveryReport:
    """Send one message through a backend with an open connection, and return the outcome.

    A backend that raises, or returns 0, without a report may have sent the message nevertheless.
    """
    message.delivery = None
    result = RecipientResult("sent")
    try:
        if not backend.send_messages([message]):
            result = RecipientResult("uncertain", text="the backend did not say what it sent")
    except OSError as error:
        result = RecipientResult("uncertain", text=type(error).__name__)
    except ImproperlyConfigured:
        raise
    except Exception as error:  # the message itself cannot be built
        return DeliveryReport(error=error)
    report: DeliveryReport | None = message.delivery
    return report or report_for(message, result)


def report_for(message: Any, result: RecipientResult) -> DeliveryReport:
    """Return a report with one result for every recipient of a message."""
    try:
        return DeliveryReport(dict.fromkeys(envelope_of(message).recipients, result))
    except Exception as error:  # whatever a message or its subclass raises is that message's
        return DeliveryReport(error=error)


def recipients_of(message: Any) -> tuple[str, ...]:
    """Return the recipients of a message as bare addresses; none if they cannot be read."""
    try:
        return envelope_of(message).recipients
    except Exception:
        return ()


def known_recipients(item: Any) -> list[str]:
    """Return the readable recipients of a message, notification or tuple, as bare addresses."""
    entries: list[Any] = []
    if isinstance(item, tuple | list):
        item = {"to": item[3]} if len(item) > 3 else {}
    for name in ("to", "cc", "bcc"):
        with suppress(Exception):  # a property of the caller's: anything can be raised
            given = item.get(name) if isinstance(item, dict) else getattr(item, name, None)
            entries += [given] if isinstance(given, str) else given or ()
    found = dict[str, None]()
    for entry in entries:
        with suppress(Exception):
            found[parse_mailbox(entry, utf8=True).addr_spec] = None
    return list(found)


def subject_of(item: Any) -> str:
    """Return the subject of a message, notification or tuple as far as it is known."""
    with suppress(Exception):  # a property of the caller's: anything can be raised
        subject = item[0] if isinstance(item, tuple | list) and item else getattr(item, "subject", None)
        return "" if subject is None else str(subject)
    return ""
