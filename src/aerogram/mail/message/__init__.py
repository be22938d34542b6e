"""The mail as a value. The names are those of Django 5.2's ``django.core.mail.message``."""

from __future__ import annotations

from aerogram.mail.message.email_message import (
    ADDRESS_HEADERS,
    DEFAULT_ATTACHMENT_MIME_TYPE,
    DNS_NAME,
    BadHeaderError,
    EmailAlternative,
    EmailAttachment,
    EmailMessage,
    EmailMultiAlternatives,
    SafeMIMEMessage,
    SafeMIMEMultipart,
    SafeMIMEText,
    forbid_multi_line_headers,
    sanitize_address,
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
