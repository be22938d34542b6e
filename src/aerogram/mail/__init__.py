"""Mail as the "Sending email" document of Django 5.2 describes it, without Django.

>>> from aerogram.conf import settings
>>> with settings.override(EMAIL_BACKEND="aerogram.mail.backends.locmem.EmailBackend"):
...     send_mail("Hello", "Good morning.", "me@example.com", ["you@example.com"])
1

The names are those of ``django.core.mail`` and Aerogram's additions: delivery reports, hooks, named mailers,
and asynchronous functions.
"""

from __future__ import annotations

from email.utils import make_msgid
from typing import TYPE_CHECKING, Any

from aerogram.exceptions import DeliveryError
from aerogram.mail.address.dns_name import DNS_NAME, CachedDnsName
from aerogram.mail.address.entries import MailboxLike, SupportsEmail, register_mailbox_adapter
from aerogram.mail.address.return_path import verp_recipient
from aerogram.mail.backends.base import BaseEmailBackend
from aerogram.mail.delivery.hooks import before_send, failed, sent
from aerogram.mail.delivery.report import DeliveryReport, RecipientResult
from aerogram.mail.mailers import get_connection, mailers
from aerogram.mail.message import (
    DEFAULT_ATTACHMENT_MIME_TYPE,
    BadHeaderError,
    EmailAlternative,
    EmailAttachment,
    EmailMessage,
    EmailMultiAlternatives,
    SafeMIMEMultipart,
    SafeMIMEText,
    forbid_multi_line_headers,
)
from aerogram.mail.sending import (
    asend_mail,
    asend_mass_mail,
    mail_admins,
    mail_managers,
    send_mail,
    send_mass_mail,
)

if TYPE_CHECKING:
    from aerogram.mail.backends.smtp import SMTPConnection

__all__ = [
    "DEFAULT_ATTACHMENT_MIME_TYPE",
    "DNS_NAME",
    "BadHeaderError",
    "BaseEmailBackend",
    "CachedDnsName",
    "DeliveryError",
    "DeliveryReport",
    "EmailAlternative",
    "EmailAttachment",
    "EmailMessage",
    "EmailMultiAlternatives",
    "MailboxLike",
    "RecipientResult",
    "SMTPConnection",
    "SafeMIMEMultipart",
    "SafeMIMEText",
    "SupportsEmail",
    "asend_mail",
    "asend_mass_mail",
    "before_send",
    "failed",
    "forbid_multi_line_headers",
    "get_connection",
    "mail_admins",
    "mail_managers",
    "mailers",
    "make_msgid",
    "outbox",
    "register_mailbox_adapter",
    "send_mail",
    "send_mass_mail",
    "sent",
    "verp_recipient",
]

outbox: list[EmailMessage]
"""The messages that the locmem backend has sent, an empty list before the first."""


def __getattr__(name: str) -> Any:
    if name == "outbox":  # made when it is first looked at, so that a test may delete it
        return globals().setdefault(name, [])
    if name == "SMTPConnection":  # loads the SMTP client
        from aerogram.mail.backends.smtp import SMTPConnection

        return SMTPConnection
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
