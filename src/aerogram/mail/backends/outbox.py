"""The backend that puts messages into the outbox (extra ``outbox``), from which a worker sends them."""

from __future__ import annotations

from time import monotonic
from typing import Any, Final

from aerogram.exceptions import NoRecipients, OutboxUnavailable
from aerogram.mail.backends.base import BaseEmailBackend
from aerogram.mail.delivery.dispatch import Delivery, dispatch
from aerogram.mail.delivery.report import DeliveryReport, RecipientResult
from aerogram.outbox.queueing import Frozen, freeze, new_id, queue
from aerogram.outbox.schedule import Schedule
from aerogram.outbox.storage.database import current_database

__all__ = ["EmailBackend"]

BATCH: Final = 200
BATCH_BYTES: Final = 4 * 2**20
BATCH_SECONDS: Final = 1.0


class EmailBackend(BaseEmailBackend):
    """Queues each message; the messages of a batch are committed in groups.

    A message that is queued counts as sent, as one that a mail server has accepted. What cannot be sent is
    refused now, not by the worker.

    Args:
        fail_silently: ignore that the database cannot be written.
        mailer: the alias in ``MAILERS`` of the mailer that the worker sends through; ``OUTBOX_MAILER`` if it
            is None.

    Raises:
        InvalidMailer: there is no such mailer, or it puts mail into the outbox itself.
    """

    def __init__(self, fail_silently: bool = False, *, mailer: str | None = None, **kwargs: Any) -> None:
        super().__init__(fail_silently=fail_silently, **kwargs)
        self._schedule = Schedule.of(using=mailer)
        self._session: Any = None
        self._last_id: str | None = None
        self._was_empty = False  # a message without recipients was given

    @classmethod
    def queue(cls, message: Any, schedule: Schedule, session: Any = None) -> str:
        """Queue one message, which ``send_later`` was called for.

        Args:
            message: the message.
            schedule: when it is due, and how it is sent.
            session: the transaction that it joins.

        Returns:
            The id of its entry; if mail is captured, of an entry that does not exist.

        Raises:
            NoRecipients: a ``before_send`` hook has removed all its recipients.
        """
        backend = cls()
        backend._schedule, backend._session = schedule, session
        dispatch(backend, [message], item=message.notification)
        if backend._was_empty:
            raise NoRecipients.of(message.notification or message)
        return backend._last_id or new_id()

    def deliver(self, delivery: Delivery) -> None:
        """Queue the messages, each group in one transaction."""
        group: list[tuple[Any, Frozen]] = []
        size, begun = 0, monotonic()
        try:
            for message in delivery:
                try:
                    frozen = freeze(message, sent_at=self.schedule_of(message).sent_at)
                except Exception as error:  # whatever a message or its subclass raises is that message's
                    delivery.add(message, DeliveryReport(error=error))
                    continue
                if frozen is None:
                    self._was_empty = True
                    delivery.add(message, DeliveryReport())
                    continue
                if not group:
                    size, begun = 0, monotonic()
                group.append((message, frozen))
                size += len(frozen.content)
                if len(group) >= BATCH or size >= BATCH_BYTES or monotonic() - begun > BATCH_SECONDS:
                    self._commit(delivery, group)
                    group = []
        except Exception:
            self._commit(delivery, group)  # of an iterable that fails, as of one that ends
            raise
        self._commit(delivery, group)

    def schedule_of(self, _message: Any) -> Schedule:
        """Return when a message is due, and how it is sent."""
        return self._schedule

    def _commit(self, delivery: Delivery, group: list[tuple[Any, Frozen]]) -> None:
        if not group:
            return
        try:
            mails = [(frozen, self.schedule_of(message)) for message, frozen in group]
            ids = queue(current_database(), mails, self._session)
        except OutboxUnavailable as error:
            self._report(delivery, group, RecipientResult("deferred", text=str(error)[:512]))
            if not self.fail_silently:
                raise
            return
        self._last_id = ids[-1]
        self._report(delivery, group, RecipientResult("sent", text="queued in the outbox"))

    def _report(self, delivery: Delivery, group: list[tuple[Any, Frozen]], result: RecipientResult) -> None:
        failure: Exception | None = None
        reported, group[:] = list(group), []  # once each, whatever a listener raises
        for message, frozen in reported:
            report = DeliveryReport(dict.fromkeys(frozen.recipients, result), frozen.message_id)
            try:
                delivery.add(message, report)
            except Exception as error:  # of the caller's on_result
                failure = failure or error
        if failure is not None:
            raise failure
