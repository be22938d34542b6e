"""Keeps messages in memory, for tests."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from aerogram import mail
from aerogram.mail.backends.local import LocalBackend

if TYPE_CHECKING:
    from aerogram.mail.message.email_message import EmailMessage
    from aerogram.mail.message.safemime import SafeMIMEMultipart, SafeMIMEText

__all__ = ["EmailBackend"]


class EmailBackend(LocalBackend):
    """Puts a deep copy of each message into the list ``aerogram.mail.outbox``.

    The list belongs to the process. A test may delete it, or put another in its place.
    """

    def keep(self, message: EmailMessage, mime: SafeMIMEText | SafeMIMEMultipart) -> None:  # noqa: ARG002 - only copies
        """Put a copy into the outbox: what happens to the message later does not reach it."""
        mail.outbox.append(copy.deepcopy(message))
