"""How a message of any kind becomes a MIME tree and an envelope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aerogram.mail.address.envelope import Envelope, addresses_of, envelope_of
from aerogram.mail.message.email_message import EmailMessage

if TYPE_CHECKING:
    from aerogram.mail.message.safemime import SafeMIMEMultipart, SafeMIMEText

_message = EmailMessage.message  # taken at import, so that one replaced later is seen as replaced


def build(message: Any) -> tuple[SafeMIMEText | SafeMIMEMultipart, Envelope]:
    """Build the MIME tree and the envelope of a message, each of its addresses read once.

    ``message`` may be any object with ``message()``, ``from_email`` and ``recipients()``. Errors are those of
    :meth:`EmailMessage.message`.
    """
    if getattr(type(message), "message", None) is not _message or "message" in vars(message):
        return message.message(), envelope_of(message)
    addresses = addresses_of(message)
    return message._build(addresses), envelope_of(message, known=addresses.known)
