"""The backend that sends nothing."""

from __future__ import annotations

from aerogram.mail.backends.base import LocalBackend
from aerogram.mail.message.email_message import EmailMessage
from aerogram.mail.message.safemime import SafeMIMEMultipart, SafeMIMEText

__all__ = ["EmailBackend"]


class EmailBackend(LocalBackend):
    """Builds each message, which refuses what could not be sent, and drops it."""

    def keep(self, message: EmailMessage, mime: SafeMIMEText | SafeMIMEMultipart) -> None:
        """Drop the message."""
