"""What a backend needs of a message: its MIME tree and its envelope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aerogram.mail.address.addresses import addresses_of
from aerogram.mail.address.envelope import Envelope, envelope_of
from aerogram.mail.message.email_message import EmailMessage

if TYPE_CHECKING:
    from email.message import Message

__all__ = ["build"]

_message = EmailMessage.message  # taken at import, so that one replaced later is seen as replaced


def build(message: Any) -> tuple[Message, Envelope]:
    """Build the MIME tree and the envelope of a message, each of its addresses read once.

    Args:
        message: an :class:`EmailMessage`, or any object with ``message()``, ``from_email`` and
            ``recipients()``.

    Raises:
        BadHeaderError: a header would break or forge the message.
        InvalidAddress: a sender or recipient is not exactly one mailbox.
        MessageError: a part cannot be written.
    """
    if getattr(type(message), "message", None) is not _message or "message" in vars(message):
        return message.message(), envelope_of(message)
    addresses = addresses_of(message)
    return message._build(addresses), addresses.envelope(message)
