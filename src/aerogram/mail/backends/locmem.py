"""Keeps messages in memory, for tests."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from aerogram import mail
from aerogram.mail.backends.local import LocalBackend

if TYPE_CHECKING:
    from aerogram.mail.message.email_message import EmailMessage
    from aerogram.mail.message.safemime import SafeMIMEMultipart, SafeMIMEText

__all__ = ["EmailBackend"]


class EmailBackend(LocalBackend):
    """Puts a deep copy of each message into the list ``aerogram.mail.outbox``.

    The list belongs to the process; it is made where it is missing, so a test may delete or replace it.
    """

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:
        super().__init__(fail_silently=fail_silently, **kwargs)
        vars(mail).setdefault("outbox", [])

    def keep(self, message: EmailMessage, mime: SafeMIMEText | SafeMIMEMultipart) -> None:  # noqa: ARG002 - only copies
        """Put a copy into the outbox: what happens to the message later does not reach it."""
        vars(mail).setdefault("outbox", []).append(copy.deepcopy(message))
