"""The backend that sends by a mail backend written for Django, such as those of django-anymail.

Django must be installed, but no Django project is needed: if none is configured, Django gets the few settings
that it needs to send mail. A configured project is used as it is, and its EMAIL_BACKEND is the backend that
sends unless another one is given.
"""

from __future__ import annotations

import smtplib
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from aerogram.exceptions import ImproperlyConfigured
from aerogram.mail.address.envelope import envelope_of
from aerogram.mail.address.parser import parse_mailbox
from aerogram.mail.backends.base import WrappingBackend
from aerogram.mail.backends.django.conversion import (
    built_without_blind_copies,
    captured_class,
    django_message,
)
from aerogram.mail.backends.django.project import backend_followed, configure_django, make_backend
from aerogram.mail.delivery.report import DeliveryReport, RecipientResult, Status
from aerogram.mail.header.rules import BLIND_HEADERS
from aerogram.mail.mailers import DEFAULT_MAILER
from aerogram.mail.message import EmailMessage
from aerogram.mail.message.enclosed import without_blind_copies
from aerogram.mail.smtp.replies import result_of

__all__ = ["EmailBackend", "django_message"]

# The outcome for each status of django-anymail.
ANYMAIL_STATUS: Final[Mapping[str | None, Status]] = {
    "sent": "sent",
    "queued": "sent",  # accepted by the provider, as by a mail server
    "invalid": "refused",
    "rejected": "refused",
    "failed": "deferred",
}


class EmailBackend(WrappingBackend):
    """Converts each message to Django's class and sends it by a backend of Django's contract.

    Further attributes that are set on a message, such as ``tags`` or ``metadata`` of django-anymail, are
    copied.

    Args:
        fail_silently: ignore a failed connection or delivery.
        backend: the dotted path of the backend, such as ``"anymail.backends.postmark.EmailBackend"``. Without
            it, mail goes where the Django project sends its own: to its ``EMAIL_BACKEND`` at that moment, so
            that the tests of Django keep it in ``django.core.mail.outbox``.
        alias: a key of the Django project's ``MAILERS`` (Django 6.1), instead of a path.
        settings: Django settings that it needs, such as ``{"ANYMAIL": {...}}``, for use without a Django
            project. They cannot change a setting that Django has already.
        options: further keyword arguments of that backend.

    Raises:
        MissingDependency: Django is not installed.
        BackendNotFound: there is no such backend.
        ImproperlyConfigured: it lacks a setting, Django has another value for one of ``settings``, there is
            neither a path nor a Django project, or the project sends by Aerogram in its turn.
    """

    takes_any_option = True  # only the other backend knows its options

    def __init__(
        self,
        fail_silently: bool = False,
        *,
        backend: str = "",
        alias: str = "",
        settings: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(fail_silently=fail_silently)
        if backend and alias:
            raise ImproperlyConfigured("Give the Django backend backend=... or alias=..., not both.")
        configure_django(settings or {})
        self.backend: str = backend or backend_followed(alias)
        self._django: Any = make_backend(self.backend, "" if backend else alias or DEFAULT_MAILER, options)

    def send_one(self, message: EmailMessage) -> DeliveryReport:
        """Send one message and report what the provider or server replied."""
        try:
            built = message.message()  # refuses what the other backends refuse
            addresses = envelope_of(message).recipients
            theirs = django_message(message)
            if without_blind_copies(built) is not built:
                theirs.message = partial(built_without_blind_copies, theirs.message)
                theirs.extra_headers = {
                    name: value
                    for name, value in theirs.extra_headers.items()
                    if name.lower() not in BLIND_HEADERS
                }
            if getattr(self, "captures", False) and isinstance(message, EmailMessage):
                theirs.__class__ = captured_class(type(theirs))
                theirs.notification = message.notification
        except Exception as error:  # whatever a message or its subclass raises is that message's
            return DeliveryReport(error=error)
        self._open(self._django)
        given = [value for name, value in theirs.extra_headers.items() if name.lower() == "message-id"]
        message_id = str(given[-1]) if given else None
        try:
            count = self._django.send_messages([theirs])
        except Exception as error:  # each provider has its own
            report = _failure(addresses, message_id, error)
        else:
            result = RecipientResult("sent")
            if not count:
                result = RecipientResult("uncertain", text="the backend did not say what it sent")
            report = DeliveryReport(dict.fromkeys(addresses, result), message_id)
        return _provider_report(theirs, addresses) or report


def _provider_report(theirs: Any, addresses: tuple[str, ...]) -> DeliveryReport | None:
    """Return the outcome for each recipient, if django-anymail has asked a provider."""
    status = getattr(theirs, "anymail_status", None)
    statuses = {address.lower(): each.status for address, each in getattr(status, "recipients", {}).items()}
    if status is None or not statuses:
        return None
    results = {}
    for address in addresses:
        word = statuses.get(address.lower())
        results[address] = RecipientResult(ANYMAIL_STATUS.get(word, "uncertain"), text=word or "no status")
    message_id = None if isinstance(status.message_id, set) else status.message_id
    return DeliveryReport(results, str(message_id) if message_id else None)


def _failure(addresses: tuple[str, ...], message_id: str | None, error: Exception) -> DeliveryReport:
    """Return what is known of a message when the backend raised and no provider replied."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        # Django gives sendmail() each recipient with its name.
        replies = {parse_mailbox(given).addr_spec: reply for given, reply in error.recipients.items()}
        refused = RecipientResult("refused", text=type(error).__name__)
        results = {each: result_of(*replies[each]) if each in replies else refused for each in addresses}
        return DeliveryReport(results, message_id)
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        result = result_of(error.smtp_code, text if isinstance(text, bytes) else str(text).encode())
    elif (code := getattr(error, "status_code", None)) is not None:  # of an HTTP response of the provider
        status: Status = "deferred" if code == 429 or code >= 500 else "refused"
        result = RecipientResult(status, text=f"{type(error).__name__}, HTTP {code}")
    elif isinstance(error, ValueError) or not (
        isinstance(error, OSError) or type(error).__module__.startswith("anymail")
    ):
        return DeliveryReport(message_id=message_id, error=error)  # the message cannot be sent in this way
    else:
        result = RecipientResult("uncertain", text=type(error).__name__)
    return DeliveryReport(dict.fromkeys(addresses, result), message_id)
