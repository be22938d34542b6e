"""Stops a send to more people than anybody meant."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from aerogram.exceptions import ImproperlyConfigured, TooManyRecipients
from aerogram.mail.backends.base import BaseEmailBackend
from aerogram.mail.backends.wrapping import mailer_of
from aerogram.mail.batch import send_stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aerogram.mail.delivery.report import OnResult
    from aerogram.mail.message.email_message import EmailMessage

__all__ = ["EmailBackend", "allow_recipients"]

_allowed: ContextVar[float | None] = ContextVar("aerogram_fuse_allowed", default=None)


@contextmanager
def allow_recipients(number: float) -> Iterator[None]:
    """Let a ``with`` block send to that many recipients at once, whatever the limit of the fuse is.

    ``float("inf")`` is any number, and lets a batch flow without being counted first.

    >>> with allow_recipients(20_000):
    ...     pass  # send_mass_mail(...)
    """
    token = _allowed.set(number)
    try:
        yield
    finally:
        _allowed.reset(token)


class EmailBackend(BaseEmailBackend):
    """Refuses a whole send, before any of it leaves, when it has more recipients than the limit.

    The messages of one call are held back until they are known to be few enough, so memory is bounded by the
    limit.

    Args:
        fail_silently: keep quiet about a failed connection or delivery; a refusal is raised all the same.
        mailer: the mailer that sends: an alias of ``MAILERS``, or a backend.
        limit: how many recipients one send may have, counted over all its messages.

    Raises:
        ImproperlyConfigured: ``mailer`` is missing, or ``limit`` is no positive number.
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
            raise ImproperlyConfigured(
                "The fuse backend needs mailer=..., and limit= as a whole number above 0."
            )
        self.mailer = mailer_of(mailer)
        self.mailer.fail_silently = self.mailer.fail_silently or fail_silently
        self.limit = limit

    def open(self) -> bool | None:
        """Open the connection of the mailer behind the fuse."""
        return self.mailer.open()

    def close(self) -> None:
        """Close the connection of the mailer behind the fuse."""
        self.mailer.close()

    def send_messages(
        self, email_messages: Iterable[EmailMessage], *, on_result: OnResult | None = None
    ) -> int:
        """Send by the mailer behind the fuse.

        Raises:
            TooManyRecipients: there are more recipients than the limit; nothing was sent.
        """
        allowed = _allowed.get()
        limit = self.limit if allowed is None else allowed
        if limit == float("inf"):
            return send_stream(email_messages, self.mailer, on_result)
        held: list[EmailMessage] = []
        recipients = 0
        for message in email_messages:
            held.append(message)
            recipients += _number_of_recipients(message)
            if recipients > limit:
                raise TooManyRecipients(
                    f"This send has more than {limit} recipients, the limit of the fuse; nothing left. "
                    "If it is meant, send inside 'with aerogram.mail.backends.fuse.allow_recipients(...):' "
                    "or raise limit."
                )
        return send_stream(held, self.mailer, on_result)


def _number_of_recipients(message: EmailMessage) -> int:
    try:
        return len(message.recipients())
    except Exception:
        return 0
