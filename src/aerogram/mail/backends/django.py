"""The backend that sends by a mail backend written for Django, such as those of django-anymail.

Django must be installed, but no Django project is needed: if none is configured, Django gets the few settings
that it needs to send mail. A configured project is used as it is, and its EMAIL_BACKEND is the backend that
sends unless another one is given.
"""

from __future__ import annotations

import os
import smtplib
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from copy import copy, deepcopy
from functools import partial
from typing import Any, Final

from aerogram.conf import settings
from aerogram.exceptions import BackendNotFound, ImproperlyConfigured, MissingDependency
from aerogram.mail.address.envelope import entry_text, envelope_of
from aerogram.mail.address.parser import parse_mailbox
from aerogram.mail.backends.wrapping import WrappingBackend
from aerogram.mail.characters import is_lazy_text
from aerogram.mail.delivery.report import DeliveryReport, RecipientResult, Status
from aerogram.mail.header.fields import header_field
from aerogram.mail.header.rules import BLIND_HEADERS
from aerogram.mail.mailers import DEFAULT_MAILER
from aerogram.mail.message import (
    DEFAULT_ATTACHMENT_MIME_TYPE,
    EmailAttachment,
    EmailMessage,
    EmailMultiAlternatives,
)
from aerogram.mail.message.enclosed import without_blind_copies
from aerogram.mail.message.reading import ReadableMessage
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
_NOT_COPIED: Final = frozenset({"connection", "delivery", "message", "notification", "return_path"})
_DEFAULTS: Final = {  # Django 6.0 refuses two of them
    "content_subtype": "plain", "mixed_subtype": "mixed", "alternative_subtype": "alternative",
    "encoding": None,
}  # fmt: skip
DJANGOS_DEFAULT: Final = "django.core.mail.backends.smtp.EmailBackend"
MINIMUM: Final = {"USE_TZ": True, "TIME_ZONE": "UTC", "USE_I18N": False}

_lock = threading.Lock()
_configured_here: list[Any] = []  # Django's settings, if this module has configured them
_being_made: ContextVar[tuple[str, ...]] = ContextVar("aerogram_django_backends_being_made", default=())


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
        _configure_django(settings or {})
        self.backend: str = backend or _followed(alias)
        self._django: Any = _django_backend(self.backend, "" if backend else alias or DEFAULT_MAILER, options)

    def send_one(self, message: EmailMessage) -> DeliveryReport:
        """Send one message and report what the provider or server replied."""
        try:
            built = message.message()  # refuses what the other backends refuse
            addresses = envelope_of(message).recipients
            theirs = django_message(message)
            if without_blind_copies(built) is not built:
                theirs.message = partial(_built_without_blind_copies, theirs.message)
                theirs.extra_headers = {
                    name: value
                    for name, value in theirs.extra_headers.items()
                    if name.lower() not in BLIND_HEADERS
                }
            if getattr(self, "captures", False) and isinstance(message, EmailMessage):
                theirs.__class__ = _captured_class(type(theirs))
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


def django_message(message: EmailMessage) -> Any:
    """Return a message as an object of Django's class.

    The envelope sender, for which Django has no attribute, becomes ``from_email``, and the sender becomes the
    From header. Django's SMTP backend and django-anymail read them in this way.

    Args:
        message: the message; one of Django's is copied as it is.
    """
    from django.core import mail

    if isinstance(message, mail.EmailMessage):
        theirs = copy(message)
        # The backend that Django sends it by need not be one that can be copied.
        vars(theirs).update(dict.fromkeys({"connection", "_connection"} & vars(message).keys()))
        return theirs
    kind = mail.EmailMultiAlternatives if isinstance(message, EmailMultiAlternatives) else mail.EmailMessage
    theirs = kind()
    for name in ("content_subtype", "mixed_subtype", "alternative_subtype", "encoding", *vars(message)):
        value = getattr(message, name, _DEFAULTS.get(name))
        if name not in _NOT_COPIED and (name not in _DEFAULTS or value != _DEFAULTS[name]):
            setattr(theirs, name, list(value) if isinstance(value, list) else value)
    theirs.subject, theirs.body = str(message.subject), str(message.body)
    theirs.from_email = entry_text(message.from_email)
    for name in ("to", "cc", "bcc", "reply_to"):
        setattr(theirs, name, [entry_text(address) for address in getattr(message, name) or () if address])
    fields = [header_field(name, value) for name, value in message.extra_headers.items()]
    theirs.extra_headers = {field.name: field.value for field in fields}
    if message.return_path is not None:
        theirs.extra_headers = {"From": theirs.from_email, **theirs.extra_headers}
        theirs.from_email = message.return_path and entry_text(message.return_path)
    theirs.attachments = [
        EmailAttachment(
            None if part[0] is None else str(part[0]),
            str(part[1]) if is_lazy_text(part[1]) else part[1],
            part[2] or DEFAULT_ATTACHMENT_MIME_TYPE,
        )
        if isinstance(part, tuple)
        else part
        for part in message.attachments
    ]
    if type(message).message not in (EmailMessage.message, EmailMultiAlternatives.message):
        theirs.message = message.message
    return theirs


def _built_without_blind_copies(build: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return without_blind_copies(build(*args, **kwargs))


def _captured_class(kind: type) -> type:
    """Return a subclass of a class of Django's messages, for tests to read."""

    def copied(self: Any, memo: dict[int, Any]) -> Any:
        made = object.__new__(type(self))
        memo[id(self.notification)] = self.notification  # whatever it holds
        vars(made).update(deepcopy(vars(self), memo))
        return made

    return type(kind.__name__, (ReadableMessage, kind), {"__deepcopy__": copied})


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


def _configure_django(wanted: Mapping[str, Any]) -> None:
    try:
        from django.conf import settings as django_settings
    except ImportError:
        raise MissingDependency(
            "aerogram.mail.backends.django needs Django: pip install 'aerogram[django]'."
        ) from None
    with _lock:
        if not django_settings.configured and not os.environ.get("DJANGO_SETTINGS_MODULE"):
            django_settings.configure(**MINIMUM, DEFAULT_CHARSET=settings.DEFAULT_CHARSET)
            _configured_here[:] = [django_settings._wrapped]
        ours = bool(_configured_here) and django_settings._wrapped is _configured_here[0]
        for name, value in wanted.items():
            there = getattr(django_settings, name, None)
            if ours and not django_settings.is_overridden(name):
                setattr(django_settings, name, value)
            elif ours and isinstance(there, dict) and isinstance(value, dict) and _agree(there, value):
                there.update(value)
            elif there != value:
                raise ImproperlyConfigured(
                    f"Django has another value for {name} than settings= of this Django backend. Set "
                    "it in the Django project, or give the same value to every mailer."
                )


def _agree(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one[name] == other[name] for name in one.keys() & other.keys())


def _has_mailers() -> bool:
    """Return whether the Django project has mailers by name, which came with Django 6.1."""
    from django.conf import settings as django_settings
    from django.core import mail

    return hasattr(mail, "mailers") and hasattr(django_settings, "MAILERS")


def _followed(alias: str) -> str:
    """Return the path of the backend by which the Django project sends its own mail."""
    from django.conf import settings as django_settings

    if _has_mailers():
        entry = django_settings.MAILERS.get(alias or DEFAULT_MAILER, {})
        return str(entry.get("BACKEND", DJANGOS_DEFAULT))
    if alias:
        raise ImproperlyConfigured(
            f"The Django backend has alias={alias!r}, but the Django project has no MAILERS (Django 6.1)."
        )
    is_set = django_settings.is_overridden("EMAIL_BACKEND")  # reads the project's settings, if none was read
    ours = bool(_configured_here) and django_settings._wrapped is _configured_here[0]
    if ours and not is_set:
        raise ImproperlyConfigured(
            "The Django backend needs backend=..., the dotted path of a Django mail backend, such as "
            "'anymail.backends.postmark.EmailBackend': no Django project is configured whose EMAIL_BACKEND "
            "it could follow."
        )
    return str(django_settings._wrapped.EMAIL_BACKEND)  # Django 6.1 warns of an access to the settings


def _django_backend(path: str, alias: str, options: dict[str, Any]) -> Any:
    """Return a backend of Django's contract: that of a path, or of an alias of MAILERS if Django has any."""
    from django.core.exceptions import ImproperlyConfigured as DjangosImproperlyConfigured
    from django.utils.module_loading import import_string

    if path in _being_made.get():
        raise ImproperlyConfigured(
            f"Mail goes in a circle: Django sends it by Aerogram ({path[:100]}), and Aerogram by Django. "
            "Give one of them a backend that delivers: MAILERS or EMAIL_BACKEND of Aerogram, backend=... of "
            "aerogram.mail.backends.django, or EMAIL_BACKEND of Django."
        )
    token = _being_made.set((*_being_made.get(), path))
    try:
        if alias and _has_mailers():
            from django.core.mail import mailers

            return mailers[alias]
        return import_string(path)(**options)
    except ImportError as error:
        raise BackendNotFound(
            f"{path[:100]!r} (backend= of aerogram.mail.backends.django) cannot be imported: {error}. "
            "Accepted: the dotted path of a mail backend written for Django."
        ) from error
    except DjangosImproperlyConfigured as error:
        raise ImproperlyConfigured(
            f"{path[:100]} (backend= of aerogram.mail.backends.django): {error}"
        ) from error
    finally:
        _being_made.reset(token)
