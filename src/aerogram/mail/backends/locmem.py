"""The backend that keeps messages in memory, for tests."""

from __future__ import annotations

import copy

from aerogram import mail
from aerogram.mail.backends.base import LocalBackend
from aerogram.mail.message.email_message import EmailMessage
from aerogram.mail.message.safemime import SafeMIMEMultipart, SafeMIMEText

__all__ = ["EmailBackend"]


class EmailBackend(LocalBackend):
    """Appends a deep copy of each message to the list ``aerogram.mail.outbox``.

    There is one list for the process. A test may delete or replace it.
    """

    outbox: list[EmailMessage] | None = None  # another list

    def keep(self, message: EmailMessage, mime: SafeMIMEText | SafeMIMEMultipart) -> None:  # noqa: ARG002 - only copies
        """Append a copy, which later changes of the message do not reach."""
        # A message of Django refers to the backend that sends it, whose socket and lock cannot be copied.
        backends: dict[int, object] = {}
        for each in vars(message).values():
            if hasattr(each, "send_messages"):
                backends[id(each)] = each
        (mail.outbox if self.outbox is None else self.outbox).append(copy.deepcopy(message, backends))
