"""One batch: its messages as they go out, and the reports on them, whatever fails on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from aerogram.mail.delivery.dispatch import NOTHING_YET, Delivery
from aerogram.mail.delivery.report import DeliveryReport
from aerogram.mail.smtp.transaction import OutgoingMessage

__all__ = ["Batch"]


class Batch:
    """The messages of a delivery, each ``prepared`` to go out, or None if there is nobody to send it to.

    An error of the delivery's iterable or of ``on_result`` ends the iteration; :attr:`error` has it, and is
    raised when everything before it is sent.
    """

    def __init__(self, delivery: Delivery, prepared: Callable[[Any], OutgoingMessage | None]) -> None:
        self.error: Exception | None = None
        self._delivery = delivery
        self._prepared = prepared

    def __iter__(self) -> Iterator[OutgoingMessage]:
        """Yield what can be sent, and ``NOTHING_YET`` as it comes."""
        messages = iter(self._delivery)
        while self.error is None:
            try:
                message = next(messages)
            except StopIteration:
                return
            except Exception as error:
                self.error = error
                return
            if message is NOTHING_YET:
                yield message
                continue
            try:
                outgoing = self._prepared(message)
            except Exception as error:  # whatever a message, or its subclass, raises is that message's
                self.record(message, DeliveryReport(error=error))
                continue
            if outgoing is None:
                self.record(message, DeliveryReport())
            else:
                yield outgoing

    def defer(self, messages: Iterable[OutgoingMessage], error: Exception | None) -> None:
        """Record that there was no connection for these messages."""
        if not isinstance(error, OSError | None):
            error = OSError(f"no connection, {type(error).__name__}")  # its words may not be for reports
        for outgoing in messages:
            outgoing.defer(error)
            self.record(outgoing.message, outgoing.report())

    def record(self, message: Any, report: DeliveryReport) -> None:
        """Record the report of one message. Every report passes here, once, in the caller's thread."""
        try:
            self._delivery.add(message, report)
        except Exception as error:  # of the caller's on_result: what is under way is finished first
            self.error = self.error or error
