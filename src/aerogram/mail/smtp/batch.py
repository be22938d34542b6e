"""One call of ``send_messages``: messages in, reports out, whatever fails on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from time import monotonic
from typing import TYPE_CHECKING, Any

from aerogram.mail.delivery.report import DeliveryReport
from aerogram.mail.smtp.lane import Lane, defer
from aerogram.mail.smtp.outgoing import Outgoing
from aerogram.mail.smtp.pool import Pool

if TYPE_CHECKING:
    from aerogram.mail.backends.smtp import EmailBackend
    from aerogram.mail.delivery.dispatch import Delivery

__all__ = ["Ahead", "Batch"]

_SLOW = 0.02  # seconds to build a message, after which none is built while the server waits


class Batch:
    """Reads the messages, sends them over the backend's connections, takes in the results.

    Args:
        backend: says how a message is built, and makes connections.
        delivery: the messages, read while sending goes on, and what takes the reports.
    """

    def __init__(self, backend: EmailBackend, delivery: Delivery) -> None:
        self._backend = backend
        self._delivery = delivery
        self._error: Exception | None = None

    def run(self) -> None:
        """Send everything."""
        items = self._items()
        first = next(items, None)
        if first is not None:
            self._send(first, items)
        if self._error is not None:
            raise self._error

    def _items(self) -> Iterator[Outgoing]:
        """Yield what can be sent. An error of the iterable itself ends it, and is raised when all is sent."""
        messages = iter(self._delivery)
        while self._error is None:
            try:
                message = next(messages)
            except StopIteration:
                return
            except Exception as error:
                self._error = error
                return
            try:
                item = self._backend.prepared(message)
            except Exception as error:  # whatever a message, or its subclass, raises is that message's
                self._finished(message, DeliveryReport(error=error))
                continue
            if item is None:
                self._finished(message, DeliveryReport())
                continue
            self._backend.pace()
            yield item

    def _send(self, first: Outgoing, rest: Iterator[Outgoing]) -> None:
        backend = self._backend
        try:
            opened = backend.open()
        except Exception as error:  # of a token's callable, too
            self._defer_all(first, rest if self._delivery.is_ready else (), error)
            raise
        if opened is None or backend.connection is None:
            self._delivery.fail_silently = True  # open() has said so
            self._defer_all(first, rest, None)
            return
        lane = backend.lane(backend.current_session())
        carrier: Lane | Pool = lane
        at_hand = self._delivery.is_ready and backend.rate is None
        if backend.connections > 1:
            carrier = Pool(lane, backend.lane, backend.connections)
            delivered = carrier.deliver(chain((first,), rest), at_hand=at_hand)
        else:
            ahead = Ahead(rest, willing=at_hand)
            delivered = lane.deliver(chain((first,), ahead), ahead.fetch)
        try:
            for item in delivered:
                self._finished(item.message, item.report())
        except BaseException as error:  # an interrupt: no doubt may stay unrecorded
            for item in carrier.give_up(error):
                item.message.delivery = item.report()
            raise
        finally:
            backend.adopt(lane.session)
            if opened:
                backend.close()

    def _defer_all(self, first: Outgoing, rest: Iterable[Outgoing], error: Exception | None) -> None:
        if not isinstance(error, OSError | None):
            error = OSError(f"no connection, {type(error).__name__}")  # its words may not be for reports
        for item in chain((first,), rest):
            self._finished(item.message, defer(item, error).report())

    def _finished(self, message: Any, report: DeliveryReport) -> None:
        """Take in the report of one message. Every report passes here, once, in the caller's thread."""
        try:
            self._delivery.add(message, report)
        except Exception as error:  # of the caller's on_result: what is under way is finished first
            self._error = self._error or error


class Ahead:
    """An iterator over messages, one of which may be fetched before it is asked for.

    Building a message while the server is busy with the one before takes no time of its own. It is done for
    messages that all exist already, as long as it is quick: a server shall not wait for a content while the
    message behind it is rendered, or while a queue stands empty.

    Args:
        source: builds a message at each step.
        willing: whether to fetch at all.
    """

    def __init__(self, source: Iterator[Outgoing], *, willing: bool) -> None:
        self._source = source
        self._willing = willing
        self._fetched: Outgoing | None = None

    def __iter__(self) -> Iterator[Outgoing]:
        return self

    def __next__(self) -> Outgoing:
        item, self._fetched = self._fetched, None
        return next(self._source) if item is None else item

    def fetch(self) -> None:
        """Fetch the next message, unless there is one already."""
        if self._willing and self._fetched is None:
            began = monotonic()
            self._fetched = next(self._source, None)
            self._willing = monotonic() - began < _SLOW
