"""The backend by which Django sends its mail through Aerogram."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aerogram.contrib.django.source import add_sources
from aerogram.mail.backends.base import BaseEmailBackend
from aerogram.mail.delivery.report import OnResult
from aerogram.mail.mailers import get_connection

__all__ = ["EmailBackend"]


class EmailBackend(BaseEmailBackend):
    """Sends Django's messages through a mailer of Aerogram, by default the one that sends notifications.

    ``EMAIL_BACKEND = "aerogram.contrib.django.EmailBackend"`` makes it the backend of the project; in Django
    6.1, use ``MAILERS``.

    Args:
        fail_silently: ignore a failed connection or delivery.
        using: the alias of a mailer of Aerogram.
        alias: the alias that Django 6.1 passes; it has no effect.
        options: options that replace those of the mailer, such as ``username``; None replaces nothing.

    Attributes:
        mailer: the backend that sends.

    Raises:
        ImproperlyConfigured: the mailer is invalid, or itself sends through Django.
    """

    takes_any_option = True  # only the mailer knows its options
    passes_to_mailers = True  # the mail of a mailer must not come here

    def __init__(
        self,
        fail_silently: bool = False,
        *,
        using: str | None = None,
        alias: str | None = None,  # noqa: ARG002 - Django passes it
        **options: Any,
    ) -> None:
        super().__init__(fail_silently=fail_silently)
        add_sources()
        options.pop("_ignore_unknown_kwargs", None)  # of Django 6.1
        given = {name: value for name, value in options.items() if value is not None}
        self.mailer: BaseEmailBackend = get_connection(fail_silently=fail_silently, using=using, **given)

    def open(self) -> bool | None:
        """Open the mailer's connection."""
        return self.mailer.open()

    def close(self) -> None:
        """Close the mailer's connection."""
        self.mailer.close()

    def send_messages(
        self, email_messages: Iterable[Any], *, on_result: OnResult | None = None
    ) -> int | None:
        """Send messages of Django or of Aerogram, as :meth:`BaseEmailBackend.send_messages` does."""
        return self.mailer.send_messages(email_messages, on_result=on_result)
