"""What the backends share that pass mail on to other backends: failover, roundrobin, redirect."""

from __future__ import annotations

import threading
from smtplib import SMTPException
from typing import TYPE_CHECKING, Any

from aerogram.exceptions import ImproperlyConfigured, InvalidMailer
from aerogram.mail.address.envelope import envelope_of
from aerogram.mail.backends.base import BaseEmailBackend
from aerogram.mail.delivery.ready import is_ready
from aerogram.mail.delivery.report import DeliveryReport, DeliverySummary, RecipientResult
from aerogram.mail.mailers import mailers
from aerogram.mail.smtp.replies import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aerogram.mail.delivery.report import OnResult
    from aerogram.mail.message.email_message import EmailMessage

__all__ = ["WrappingBackend", "mailer_of", "report_of"]


class WrappingBackend(BaseEmailBackend):
    """Takes each message of a batch in turn and asks :meth:`deliver` what became of it."""

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:
        super().__init__(fail_silently=fail_silently, **kwargs)
        self._lock = threading.RLock()
        self._opened: list[BaseEmailBackend] = []

    def deliver(self, message: EmailMessage) -> DeliveryReport:
        """Pass one message on. An ``OSError`` raised here ends the batch: it and the rest are deferred."""
        raise NotImplementedError("subclasses of WrappingBackend must override deliver() method")

    def send_messages(
        self, email_messages: Iterable[EmailMessage], *, on_result: OnResult | None = None
    ) -> int:
        """Pass messages on, one by one; connections stay open until the batch ends."""
        tally = DeliverySummary(fail_silently=self.fail_silently, on_result=on_result)
        failure: OSError | None = None
        with self._lock:
            try:
                for message in email_messages:
                    report, failure = self._report_on(message, failure)
                    if report is not None:
                        tally.add(message, report)
                    if failure and not (self.fail_silently or is_ready(email_messages)):
                        break  # nobody waits for what a generator has not made yet
            finally:
                self.close()
        if failure is not None and not self.fail_silently:
            raise failure
        return tally.close()

    def _report_on(
        self, message: EmailMessage, failure: OSError | None
    ) -> tuple[DeliveryReport | None, OSError | None]:
        """Deliver a message, unless it is for nobody, or ``failure`` has ended that; return both anew."""
        try:
            if not message.recipients():
                return None, failure
        except Exception as error:  # an item that did not become a message
            return DeliveryReport(error=error), failure
        if failure is None:
            try:
                return self.deliver(message), None
            except OSError as error:
                failure = error
        return _deferred(message, failure), failure

    def close(self) -> None:
        """Close every connection that was opened for the batch."""
        while self._opened:
            self._opened.pop().close()

    def _close(self, mailer: BaseEmailBackend) -> None:
        if mailer in self._opened:
            self._opened.remove(mailer)
            mailer.close()

    def _open(self, mailer: BaseEmailBackend) -> None:
        if mailer not in self._opened and mailer.open():
            self._opened.append(mailer)


def _deferred(message: EmailMessage, error: OSError) -> DeliveryReport:
    result = RecipientResult("deferred", text=clean_text(f"not sent: {error}"))
    try:
        return DeliveryReport(dict.fromkeys(envelope_of(message).recipients, result))
    except Exception as problem:  # whatever a message, or its subclass, raises is that message's
        return DeliveryReport(error=problem)


def mailer_of(mailer: str | BaseEmailBackend) -> BaseEmailBackend:
    """Return the backend: it is given itself, or by its alias in ``MAILERS``.

    Raises:
        InvalidMailer: the mailer leads back to itself.
    """
    if not isinstance(mailer, str):
        return mailer
    try:
        return mailers[mailer]
    except RecursionError:
        raise InvalidMailer(
            f"MAILERS[{mailer!r}] passes its mail on to itself. Name another mailer."
        ) from None


def report_of(mailer: BaseEmailBackend, message: EmailMessage) -> DeliveryReport:
    """Send one message by a backend whose connection is open, and say what became of it.

    A backend that raises, or counts nothing, without a report may have handed the message over all the same:
    that is ``uncertain``.
    """
    message.delivery = None
    result = RecipientResult("sent")
    try:
        if not mailer.send_messages([message]):
            result = RecipientResult("uncertain", text="the backend did not say what it sent")
    except (OSError, SMTPException) as error:
        result = RecipientResult("uncertain", text=type(error).__name__)
    except ImproperlyConfigured:
        raise
    except Exception as error:  # the message itself cannot be built
        return DeliveryReport(error=error)
    report: DeliveryReport | None = message.delivery
    return report or DeliveryReport(dict.fromkeys(envelope_of(message).recipients, result))
