"""Mail as the "Sending email" document of Django 5.2 describes it, without Django.

>>> from aerogram.conf import settings
>>> with settings.override(EMAIL_BACKEND="aerogram.mail.backends.locmem.EmailBackend"):
...     send_mail("Hello", "Good morning.", "me@example.com", ["you@example.com"])
1

The names are those of ``django.core.mail``; ``outbox`` is made by the first message of the locmem backend.
"""

from __future__ import annotations

from email.utils import make_msgid
from typing import TYPE_CHECKING, Any

from aerogram.mail.address.dns_name import DNS_NAME, CachedDnsName
from aerogram.mail.mailers import mailers
from aerogram.mail.message.email_message import (
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
    get_connection,
    mail_admins,
    mail_managers,
    send_mail,
    send_mass_mail,
)

if TYPE_CHECKING:
    from aerogram.mail.backends.deprecated import SMTPConnection

__all__ = [
    "DEFAULT_ATTACHMENT_MIME_TYPE",
    "DNS_NAME",
    "BadHeaderError",
    "CachedDnsName",
    "EmailAlternative",
    "EmailAttachment",
    "EmailMessage",
    "EmailMultiAlternatives",
    "SMTPConnection",
    "SafeMIMEMultipart",
    "SafeMIMEText",
    "asend_mail",
    "asend_mass_mail",
    "forbid_multi_line_headers",
    "get_connection",
    "mail_admins",
    "mail_managers",
    "mailers",
    "make_msgid",
    "send_mail",
    "send_mass_mail",
]

outbox: list[EmailMessage]
"""What the locmem backend was given; not there before its first use."""


def __getattr__(name: str) -> Any:
    # The SMTP client is loaded by who uses it.
    if name == "SMTPConnection":
        from aerogram.mail.backends.deprecated import SMTPConnection

        return SMTPConnection
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
