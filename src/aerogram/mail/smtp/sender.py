"""One batch: its messages are serialised, sent and reported, whatever fails on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from aerogram.mail.delivery.dispatch import NOTHING_YET
from aerogram.mail.delivery.report import DeliveryReport
from aerogram.mail.smtp.loop import Loop
from aerogram.mail.smtp.pool import Pool
from aerogram.mail.smtp.transaction import OutgoingMessage
from aerogram.mail.wire.serializer import write

if TYPE_CHECKING:
    from aerogram.mail.backends.smtp import EmailBackend
    from aerogram.mail.delivery.dispatch import Delivery

__all__ = ["Sender"]


class Sender:
    """Reads the messages of a delivery, sends them over the backend's connections, records the reports."""

    def __init__(self, backend: EmailBackend, delivery: Delivery) -> None:
        self._backend = backend
        self._delivery = delivery
        self._error: Exception | None = None  # of the iterable or of on_result, raised when all is sent

    def run(self) -> None:
        """Send everything."""
        outgoing = self._outgoing()
        if (first := next(outgoing, NOTHING_YET)) is not NOTHING_YET:
            self._send(first, outgoing)
        if self._error is not None:
            raise self._error

    def _outgoing(self) -> Iterator[OutgoingMessage]:
        """Yield what can be sent, and NOTHING_YET as it comes."""
        messages = iter(self._delivery)
        while self._error is None:
            try:
                message = next(messages)
            except StopIteration:
                return
            except Exception as error:
                self._error = error
                return
            if message is NOTHING_YET:
                yield message
                continue
            try:
                outgoing = self._prepared(message)
            except Exception as error:  # whatever a message, or its subclass, raises is that message's
                self._record(message, DeliveryReport(error=error))
                continue
            if outgoing is None:
                self._record(message, DeliveryReport())
            else:
                self._backend.pace()
                yield outgoing

    def _prepared(self, message: Any) -> OutgoingMessage | None:
        """Serialise ``message``, 7-bit before the server has said more; ``None`` without recipients."""
        backend = self._backend
        if not message.recipients():
            return None
        # A signed message is 7-bit, so that no server on its way has to change it (RFC 6376 section 5.3).
        written = write(message, eight_bit=backend.has_eight_bit and backend.signer is None)
        if written is None:
            return None
        envelope, head, body, utf8 = written
        if backend.signer is not None:
            head, body = backend.signer(head + body), b""
        return OutgoingMessage(message, envelope, head, body, utf8=utf8, time_left=backend.timeouts.message)

    def _send(self, first: OutgoingMessage, rest: Iterator[OutgoingMessage]) -> None:
        backend, everything = self._backend, chain((first,), rest)
        try:
            opened = backend.open()
        except Exception as error:  # of a token's callable, too
            self._defer(everything if self._delivery.is_ready else (first,), error)
            raise
        if opened is None:
            self._delivery.fail_silently = True  # open() has said so
            self._defer(everything, None)
            return
        has_pool = backend.connections > 1 and backend.has_own_thread
        ahead = has_pool or not backend.has_own_thread or (self._delivery.is_ready and backend.rate is None)
        loop = Loop(backend.open_drivers(), backend.new_driver, backend, ahead=ahead)
        carrier = Pool(loop) if has_pool else loop
        try:
            for outgoing in carrier.carry(everything):
                self._record(outgoing.message, outgoing.report())
        except BaseException as error:  # an interrupt: no doubt may stay unrecorded
            for outgoing in carrier.give_up(error):
                outgoing.message.delivery = outgoing.report()
            raise
        finally:
            backend.keep(loop.drivers)
            if opened:
                backend.close()

    def _defer(self, messages: Iterable[OutgoingMessage], error: Exception | None) -> None:
        if not isinstance(error, OSError | None):
            error = OSError(f"no connection, {type(error).__name__}")  # its words may not be for reports
        for outgoing in messages:
            outgoing.defer(error)
            self._record(outgoing.message, outgoing.report())

    def _record(self, message: Any, report: DeliveryReport) -> None:
        """Record the report of one message. Every report passes here, once, in the caller's thread."""
        try:
            self._delivery.add(message, report)
        except Exception as error:  # of the caller's on_result: what is under way is finished first
            self._error = self._error or error
