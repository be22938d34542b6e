"""Keeps mail of a staging system away from real people."""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from aerogram.exceptions import ImproperlyConfigured
from aerogram.mail.address.parser import parse_mailbox
from aerogram.mail.backends.wrapping import WrappingBackend, mailer_of, report_of
from aerogram.mail.delivery.report import DeliveryReport

if TYPE_CHECKING:
    from aerogram.mail.backends.base import BaseEmailBackend
    from aerogram.mail.message.email_message import EmailMessage

__all__ = ["EmailBackend"]

logger = logging.getLogger("aerogram.mail")
FIELDS = ("to", "cc", "bcc")


class EmailBackend(WrappingBackend):
    """Sends all mail to the addresses given, or drops the recipients that no pattern allows.

    Args:
        fail_silently: keep quiet about a failed connection or delivery.
        mailer: the mailer that sends: an alias of ``MAILERS``, or a backend.
        to: where everything goes. The real recipients are shown in the headers ``X-Original-To``,
            ``X-Original-Cc`` and ``X-Original-Bcc``.
        allow: instead of ``to``, patterns of the addresses that do receive mail, such as ``"*@example.com"``
            (``*`` and ``?``, capitals or not). The others are dropped, and their number is logged.

    Raises:
        ImproperlyConfigured: not exactly one of ``to`` and ``allow`` is given.
    """

    def __init__(
        self,
        fail_silently: bool = False,
        *,
        mailer: str | BaseEmailBackend | None = None,
        to: Sequence[str] = (),
        allow: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(fail_silently=fail_silently, **kwargs)
        if mailer is None or bool(to) == bool(allow) or isinstance(to, str) or isinstance(allow, str):
            raise ImproperlyConfigured(
                "The redirect backend needs mailer=..., and either to=[addresses] or allow=[patterns]."
            )
        self.mailer = mailer_of(mailer)
        self.to = list(to)
        self.allow = [pattern.lower() for pattern in allow]

    def deliver(self, message: EmailMessage) -> DeliveryReport:
        """Send the message to those who may have it."""
        try:
            twin = self._redirected(message) if self.to else self._thinned(message)
        except Exception as error:  # a recipient that is no address
            return DeliveryReport(error=error)
        if not twin.recipients():
            return DeliveryReport()
        self._open(self.mailer)
        return report_of(self.mailer, twin)

    def _redirected(self, message: EmailMessage) -> EmailMessage:
        twin = copy.copy(message)
        twin.to, twin.cc, twin.bcc = list(self.to), [], []
        twin.recipients = lambda: list(self.to)  # type: ignore[method-assign] # a class may have its own
        # A To or Cc header given by hand would still name the real recipients as if they had been served.
        headers = {
            name: value
            for name, value in message.extra_headers.items()
            if name.lower().removeprefix("x-original-") not in FIELDS
        }
        for field in FIELDS:
            real = [str(recipient) for recipient in getattr(message, field) if recipient]
            if real:
                headers[f"X-Original-{field.title()}"] = ", ".join(real)
        twin.extra_headers = headers
        return twin

    def _thinned(self, message: EmailMessage) -> EmailMessage:
        twin, dropped = copy.copy(message), 0
        for field in FIELDS:
            everyone = [recipient for recipient in getattr(message, field) if recipient]
            allowed = [recipient for recipient in everyone if self._allows(recipient)]
            setattr(twin, field, allowed)
            dropped += len(everyone) - len(allowed)
        served = [recipient for recipient in message.recipients() if recipient and self._allows(recipient)]
        twin.recipients = lambda: served  # type: ignore[method-assign] # a class may have its own
        if dropped:
            logger.warning("recipients dropped: %d; no pattern of the redirect backend allows them", dropped)
        return twin

    def _allows(self, recipient: object) -> bool:
        address = parse_mailbox(recipient).addr_spec.lower()
        return any(fnmatchcase(address, pattern) for pattern in self.allow)
