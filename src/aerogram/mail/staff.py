"""Mail to the people that ``ADMINS`` and ``MANAGERS`` name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aerogram.conf import settings
from aerogram.mail.message.email_message import EmailMultiAlternatives

if TYPE_CHECKING:
    from aerogram.mail.backends.base import BaseEmailBackend

__all__ = ["Group", "StaffEnvelope", "send_staff_mail", "staff_envelope"]

Group = Literal["ADMINS", "MANAGERS"]
"""The setting that names the recipients."""


@dataclass(frozen=True, slots=True)
class StaffEnvelope:
    """Whom a mail to the staff goes to, whom it comes from, and what stands before its subject."""

    recipients: list[str]
    from_email: str
    subject_prefix: str


def staff_envelope(group: Group) -> StaffEnvelope:
    """Read the settings of a mail to the staff.

    >>> with settings.override(ADMINS=[("Ada", "ada@example.com"), "bob@example.com"]):
    ...     staff_envelope("ADMINS").recipients
    ['ada@example.com', 'bob@example.com']
    """
    people = getattr(settings, group)
    return StaffEnvelope(
        recipients=[person if isinstance(person, str) else person[1] for person in people],
        from_email=settings.SERVER_EMAIL,
        subject_prefix=settings.EMAIL_SUBJECT_PREFIX,
    )


def send_staff_mail(
    group: Group,
    subject: object,
    message: object,
    fail_silently: bool = False,
    connection: BaseEmailBackend | Any | None = None,
    html_message: object = None,
    using: str | None = None,
) -> None:
    """Send one message to a group of the staff; nothing at all happens where the group is empty."""
    if connection is not None and using is not None:
        raise TypeError("Give connection or using, not both: each says where the mail goes.")
    envelope = staff_envelope(group)
    if not envelope.recipients:
        return
    mail = EmailMultiAlternatives(
        f"{envelope.subject_prefix}{subject}",
        message,
        envelope.from_email,
        envelope.recipients,
        connection=connection,
    )
    if html_message:
        mail.attach_alternative(html_message, "text/html")
    mail.send(fail_silently=fail_silently, using=using)
