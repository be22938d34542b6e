"""The backend that refuses a send to more recipients than was intended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from aerogram.exceptions import ImproperlyConfigured, TooManyRecipients
from aerogram.mail.backends.base import BaseEmailBackend
from aerogram.mail.delivery.dispatch import Delivery, send_by
from aerogram.mail.mailers import mailer_of
from aerogram.mail.message.email_message import EmailMessage

__all__ = ["EmailBackend", "allow_recipients"]

_allowed: ContextVar[float | None] = ContextVar("aerogram_fuse_allowed", default=None)


@contextmanager
def allow_recipients(number: float) -> Iterator[None]:
    """Replace the limit of the fuse for each send inside a ``with`` block.

    Args:
        number: how many recipients a send may have. With ``float("inf")`` a batch is sent without being
            counted first.

    >>> with allow_recipients(20_000):
    ...     pass  # send_mass_mail(...)
    """
    token = _allowed.set(number)
    try:
        yield
    finally:
        _allowed.reset(token)


class EmailBackend(BaseEmailBackend):
    """Refuses a whole send, before any of it leaves, if it has more recipients than the limit.

    The messages of one call are held until they have been counted. Their number is bounded by the limit.

    Args:
        fail_silently: ignore a failed connection or delivery; a refusal is raised nevertheless.
        mailer: the mailer that sends: an alias of ``MAILERS``, or a backend.
        limit: how many recipients one send may have, counted over all its messages.
    """

    def __init__(
        self,
        fail_silently: bool = False,
        *,
        mailer: str | BaseEmailBackend | None = None,
        limit: int = 100,
        **kwargs: Any,
    ) -> None:
        super().__init__(fail_silently=fail_silently, **kwargs)
        if mailer is None or not isinstance(limit, int) or limit < 1:
            raise ImproperlyConfigured("The fuse backend needs mailer=..., and limit= as an integer above 0.")
        self.mailer: BaseEmailBackend = mailer_of(mailer)
        self.fail_silently: bool = self.mailer.fail_silently or fail_silently
        self.mailer.fail_silently = self.fail_silently
        self.limit = limit

    def open(self) -> bool | None:
        """Open the connection of the mailer."""
        return self.mailer.open()

    def close(self) -> None:
        """Close the connection of the mailer."""
        self.mailer.close()

    def deliver(self, delivery: Delivery) -> None:
        """Send by the mailer, or raise ``TooManyRecipients`` before anything is sent."""
        allowed = _allowed.get()
        limit = self.limit if allowed is None else allowed
        if limit != float("inf"):
            delivery.put_back(_counted(delivery, limit))
        send_by(self.mailer, delivery)


def _counted(delivery: Delivery, limit: float) -> list[EmailMessage]:
    """Return the messages of a delivery, unless they have more recipients than the limit."""
    held: list[EmailMessage] = []
    recipients = 0
    for message in delivery:
        held.append(message)
        with suppress(Exception):  # whatever a message or its subclass raises is reported when it is sent
            recipients += len(message.recipients())
        if recipients > limit:
            raise TooManyRecipients(
                f"This send has more than {limit} recipients, the limit of the fuse. Nothing was sent. If it "
                "is intended, send inside 'with aerogram.mail.backends.fuse.allow_recipients(...):', or "
                "raise limit."
            )
    return held
