"""The mail as a value. The names are those of Django 5.2's ``django.core.mail.message``."""

from __future__ import annotations

from aerogram.exceptions import BadHeaderError
from aerogram.mail.address.dns_name import DNS_NAME
from aerogram.mail.header.django import forbid_multi_line_headers, sanitize_address
from aerogram.mail.header.rules import ADDRESS_HEADERS
from aerogram.mail.message.attachments import DEFAULT_ATTACHMENT_MIME_TYPE, EmailAlternative, EmailAttachment
from aerogram.mail.message.email_message import EmailMessage, EmailMultiAlternatives
from aerogram.mail.message.safemime import (
    SafeMIMEMessage,
    SafeMIMEMultipart,
    SafeMIMEText,
    utf8_charset,
    utf8_charset_qp,
)

__all__ = [
    "ADDRESS_HEADERS",
    "DEFAULT_ATTACHMENT_MIME_TYPE",
    "DNS_NAME",
    "BadHeaderError",
    "EmailAlternative",
    "EmailAttachment",
    "EmailMessage",
    "EmailMultiAlternatives",
    "SafeMIMEMessage",
    "SafeMIMEMultipart",
    "SafeMIMEText",
    "forbid_multi_line_headers",
    "sanitize_address",
    "utf8_charset",
    "utf8_charset_qp",
]
