"""The base of the backends that pass mail on to other backends: failover, roundrobin, redirect, django."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from smtplib import SMTPException
from typing import Any

from aerogram.exceptions import ImproperlyConfigured, InvalidMailer
from aerogram.mail.address.envelope import envelope_of
from aerogram.mail.backends.base import BaseEmailBackend
from aerogram.mail.delivery.dispatch import Delivery
from aerogram.mail.delivery.report import DeliveryReport, RecipientResult
from aerogram.mail.mailers import mailers
from aerogram.mail.message.email_message import EmailMessage
from aerogram.mail.smtp.replies import clean_text

_being_made: ContextVar[tuple[str, ...]] = ContextVar("aerogram_mailers_being_made", default=())


class WrappingBackend(BaseEmailBackend):
    """Passes each message of a batch to :meth:`send_one`; connections stay open until the batch ends."""

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:
        super().__init__(fail_silently=fail_silently, **kwargs)
        self._lock = threading.RLock()
        self._opened: list[BaseEmailBackend] = []

    def send_one(self, message: EmailMessage) -> DeliveryReport:
        """Send one message, which has recipients; an OSError defers it and the rest of the batch."""
        raise NotImplementedError("subclasses of WrappingBackend must override send_one() method")

    def deliver(self, delivery: Delivery) -> None:
        """Send the messages one by one, and defer those behind one that no backend could be reached for."""
        failure: OSError | None = None
        with self._lock:
            try:
                for message in delivery:
                    try:
                        report = None if message.recipients() else DeliveryReport()
                    except Exception as error:  # whatever a message or its subclass raises is that message's
                        report = DeliveryReport(error=error)
                    if report is None and failure is None:
                        try:
                            report = self.send_one(message)
                        except OSError as error:
                            failure = error
                    if report is None:
                        deferred = RecipientResult("deferred", text=clean_text(f"not sent: {failure}"))
                        report = report_for(message, deferred)
                    delivery.add(message, report)
                    if failure is not None and not (self.fail_silently or delivery.is_ready):
                        break  # a generator makes no more messages
            finally:
                self.close()
        if failure is not None and not self.fail_silently:
            raise failure

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


def mailer_of(mailer: str | BaseEmailBackend) -> BaseEmailBackend:
    """Return a backend that is given itself or by its alias in ``MAILERS``."""
    if not isinstance(mailer, str):
        if not hasattr(mailer, "send_messages"):
            shown = type(mailer).__name__
            raise ImproperlyConfigured(
                f"a {shown} was given as a mailer: give an alias of MAILERS or a backend."
            )
        return mailer
    if mailer in _being_made.get():
        raise InvalidMailer(f"MAILERS[{mailer!r}] passes its mail on to itself. Name another mailer.")
    token = _being_made.set((*_being_made.get(), mailer))
    try:
        return mailers[mailer]
    finally:
        _being_made.reset(token)


def report_of(mailer: BaseEmailBackend, message: EmailMessage) -> DeliveryReport:
    """Send one message by a backend whose connection is open, and return the outcome.

    A backend that raises, or returns 0, without a report may have sent the message nevertheless.
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
    return report or report_for(message, result)


def report_for(message: EmailMessage, result: RecipientResult) -> DeliveryReport:
    """Return a report with one result for every recipient of a message."""
    try:
        return DeliveryReport(dict.fromkeys(envelope_of(message).recipients, result))
    except Exception as error:  # whatever a message or its subclass raises is that message's
        return DeliveryReport(error=error)
