"""The backend that sends by the first mailer that works."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from aerogram.exceptions import ImproperlyConfigured
from aerogram.mail.backends.base import BaseEmailBackend, WrappingBackend
from aerogram.mail.delivery.lists import report_for, report_of
from aerogram.mail.delivery.report import DeliveryReport, RecipientResult
from aerogram.mail.delivery.telemetry import logger
from aerogram.mail.mailers import mailer_of
from aerogram.mail.message.email_message import EmailMessage

__all__ = ["EmailBackend"]


class EmailBackend(WrappingBackend):
    """Tries several mailers in order, until one accepts the message.

    The next mailer is tried only if nothing of the message was handed over: the connection cannot be opened,
    or was lost before the content was sent, or the server replied 421 ("service not available") before. A
    refused recipient is final: it is no failure of the transport. A message whose outcome is uncertain is
    never sent again.

    Args:
        fail_silently: ignore that no mailer can be reached.
        mailers: aliases of ``MAILERS``, or backends.
        retry_after: seconds during which a mailer that failed is tried last.
    """

    def __init__(
        self,
        fail_silently: bool = False,
        *,
        mailers: Sequence[str | BaseEmailBackend] = (),
        retry_after: float = 60.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(fail_silently=fail_silently, **kwargs)
        if not mailers or isinstance(mailers, str):
            raise ImproperlyConfigured(
                f"{self.__module__} needs mailers=[...], at least one alias or backend."
            )
        if not isinstance(retry_after, int | float):
            raise ImproperlyConfigured(f"retry_after is {retry_after!r:.100}: give a number of seconds.")
        self.mailers: list[BaseEmailBackend] = [mailer_of(mailer) for mailer in mailers]
        self.retry_after = retry_after
        self._failed_at = [float("-inf")] * len(self.mailers)
        self._anything_worked = False

    def order(self) -> list[int]:
        """Return the positions of the mailers, in the order to try them for the next message."""
        return list(range(len(self.mailers)))

    def send_one(self, message: EmailMessage) -> DeliveryReport:
        """Send by the first mailer that accepts the message."""
        report, problem = None, None
        recently = time.monotonic() - self.retry_after
        for place in sorted(self.order(), key=lambda place: self._failed_at[place] > recently):
            mailer = self.mailers[place]
            try:
                self._open(mailer)
            except OSError as error:
                problem = error
            else:
                report = report_of(mailer, message)
                if not _is_unsent(report):
                    self._anything_worked = True
                    return report
            self._close(mailer)
            self._failed_at[place] = time.monotonic()
            logger.warning("mailer %d of %d failed before the message left", place + 1, len(self.mailers))
        if report is None and problem is not None and not self._anything_worked:
            raise problem
        return report or report_for(message, RecipientResult("deferred", text="no mailer could be reached"))


def _is_unsent(report: DeliveryReport) -> bool:
    """Return whether the transport failed before the content was handed over."""
    results = report.recipients.values()
    return bool(results and not report.handed_over) and all(
        each.status == "deferred" and each.code in (None, 421) for each in results
    )
