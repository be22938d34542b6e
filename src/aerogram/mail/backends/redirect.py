"""The backend that sends the mail of a staging system to other recipients, or to allowed ones only."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from aerogram.exceptions import ImproperlyConfigured
from aerogram.mail.address.entries import MailboxLike
from aerogram.mail.address.envelope import entry_text
from aerogram.mail.address.parser import parse_mailbox
from aerogram.mail.backends.base import BaseEmailBackend, WrappingBackend
from aerogram.mail.delivery.lists import report_of
from aerogram.mail.delivery.report import DeliveryReport
from aerogram.mail.delivery.telemetry import logger
from aerogram.mail.mailers import mailer_of
from aerogram.mail.message.email_message import EmailMessage

__all__ = ["EmailBackend"]

FIELDS = ("to", "cc", "bcc")


class EmailBackend(WrappingBackend):
    """Sends all mail to given addresses, or drops the recipients that no pattern allows.

    Args:
        fail_silently: ignore a failed connection or delivery.
        mailer: the mailer that sends: an alias of ``MAILERS``, or a backend.
        to: the mailboxes that all mail is sent to. The header fields ``X-Original-To``, ``X-Original-Cc``
            and ``X-Original-Bcc`` name the real recipients.
        allow: instead of ``to``, patterns of the addresses that receive mail, such as ``"*@example.com"``
            (``*`` and ``?``, ignoring case). Other recipients are dropped, and their number is logged.
    """

    def __init__(
        self,
        fail_silently: bool = False,
        *,
        mailer: str | BaseEmailBackend | None = None,
        to: Sequence[MailboxLike] = (),
        allow: Sequence[MailboxLike] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(fail_silently=fail_silently, **kwargs)
        if mailer is None or bool(to) == bool(allow) or isinstance(to, str) or isinstance(allow, str):
            raise ImproperlyConfigured(
                "The redirect backend needs mailer=..., and either to=[addresses] or allow=[patterns]."
            )
        self.mailer: BaseEmailBackend = mailer_of(mailer)
        self.to: list[MailboxLike] = list(to)
        self.allow: list[str] = [_pattern(each).lower() for each in allow]

    def send_one(self, message: EmailMessage) -> DeliveryReport:
        """Send the message to the given or allowed addresses."""
        try:
            changed = self._redirected(message) if self.to else self._filtered(message)
        except Exception as error:  # an invalid address
            return DeliveryReport(error=error)
        if not changed.recipients():
            return DeliveryReport()
        self._open(self.mailer)
        return report_of(self.mailer, changed)

    def _redirected(self, message: EmailMessage) -> EmailMessage:
        changed = copy.copy(message)
        changed.to, changed.cc, changed.bcc = list(self.to), [], []
        changed.recipients = lambda: list(map(entry_text, self.to))  # type: ignore[method-assign] # a class may override it
        # An explicit To or Cc header would still name the real recipients.
        headers = {
            name: value
            for name, value in message.extra_headers.items()
            if name.lower().removeprefix("x-original-") not in FIELDS
        }
        for field in FIELDS:
            real = [entry_text(recipient) for recipient in getattr(message, field) if recipient]
            if real:
                headers[f"X-Original-{field.title()}"] = ", ".join(real)
        changed.extra_headers = headers
        return changed

    def _filtered(self, message: EmailMessage) -> EmailMessage:
        changed = copy.copy(message)
        for field in FIELDS:
            setattr(changed, field, [each for each in getattr(message, field) if each and self._allows(each)])
        everyone = list(filter(None, message.recipients()))
        allowed = list(filter(self._allows, everyone))
        changed.recipients = lambda: allowed  # type: ignore[method-assign] # a class may override it
        if dropped := len(everyone) - len(allowed):
            logger.warning("recipients dropped: %d; no pattern of the redirect backend allows them", dropped)
        return changed

    def _allows(self, recipient: object) -> bool:
        address = parse_mailbox(recipient).addr_spec.lower()
        return any(fnmatchcase(address, pattern) for pattern in self.allow)


def _pattern(allowed: MailboxLike) -> str:
    is_plain = isinstance(allowed, str) and not allowed.endswith(">")
    return str(allowed) if is_plain else parse_mailbox(allowed).addr_spec
