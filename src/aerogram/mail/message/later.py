"""Sending a message beside other work: in a thread, or later, through the outbox of another package."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from aerogram.conf import settings
from aerogram.exceptions import NoRecipients
from aerogram.mail.delivery.async_send import run_in_thread

if TYPE_CHECKING:
    from datetime import datetime, timedelta


class QueueableMessage:
    """What a message does that need not be sent at once."""

    send: Any

    def send_later(
        self,
        delay: float | timedelta | None = None,
        at: datetime | None = None,
        expires: float | timedelta | datetime | None = None,
        priority: int = 0,
        key: str | None = None,
        using: str | None = None,
        session: Any = None,
    ) -> str:
        """Put the message into the outbox (extra ``outbox``), from which a worker sends it.

        Once this returns, the mail is committed. It is checked and written as bytes now, so later changes of
        the message do not reach it. Its ``connection`` has no part in it.

        Args:
            delay: seconds or a timedelta until the mail is due.
            at: an aware datetime at which the mail is due.
            expires: seconds, a timedelta or an aware datetime after which it is no longer sent;
                ``OUTBOX_EXPIRES`` after it is due if it is None.
            priority: a whole number; higher ones are sent first. A day of waiting outweighs one step.
            key: an idempotency key. A second mail with the same key and content is not queued.
            using: the alias in ``MAILERS`` of the mailer that the worker sends through.
            session: an SQLAlchemy Session or Connection. The mail joins its transaction: if that is rolled
                back, it is never sent.

        Returns:
            The id of the entry, for :func:`aerogram.outbox.get`; with a known key, that of the first one.

        Raises:
            MessageError: it cannot be sent, or has no recipients.
            OutboxError: an argument is wrong, the key belongs to a mail with other content, or the database
                cannot be used.
            ImproperlyConfigured: ``using`` or ``OUTBOX_URL`` cannot work.
        """
        message: Any = self
        if not message.recipients():
            raise NoRecipients.of(message.notification or message)
        backend = import_module("aerogram.mail.backends.outbox")  # as any backend: when it is used
        with settings.frozen():
            schedule = backend.Schedule.of(delay, at, expires, priority, key, using)
            queued: str = backend.EmailBackend.queue(message, schedule, session)
        return queued

    async def asend(self, fail_silently: bool = False, *, using: str | None = None) -> int:
        """Send the message without blocking the event loop; otherwise as :meth:`send`.

        :func:`aerogram.mail.delivery.async_send.run_in_thread` says what a cancelled task leaves.
        """
        return await run_in_thread(self.send, fail_silently, using=using)
