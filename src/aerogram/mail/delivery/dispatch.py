"""Everything around a send: hooks, log lines, spans, cancellation, and one set of settings.

Every function and method that sends calls :func:`dispatch`. A backend that sends by another one (failover, or
``super().send_messages()``) calls it again. That inner send is a part of the outer one: only the outer one
calls hooks and writes log lines.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, count
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from aerogram.conf import settings
from aerogram.exceptions import DeliveryError, ImproperlyConfigured, RenderError
from aerogram.mail.capture import active as captures
from aerogram.mail.capture import capturing_backend, is_captured
from aerogram.mail.delivery import cancellation, hooks
from aerogram.mail.delivery.lists import known_recipients, recipients_of, send_lists, subject_of
from aerogram.mail.delivery.report import DeliveryReport, OnResult, RecipientResult
from aerogram.mail.delivery.telemetry import begin_span, end_span, log_delivery, logger

if TYPE_CHECKING:
    from opentelemetry.trace import Span

NOTHING_YET: Final[Any] = object()
"""What the messages of an SMTP backend without a thread of its own yield while there is none.

The backend goes on with what is under way, and asks again; when nothing is, the messages are at their end.
"""

_END: Final = object()
_NEVER_SILENT: Final = (RenderError, ImproperlyConfigured)
_UNCHANGED: Final = nullcontext()
_NOT_BUILT: Final = RecipientResult("refused", text="the message could not be built")
_inside: ContextVar[bool] = ContextVar("aerogram_inside_a_send", default=False)


def dispatch(
    backend: Any,
    messages: Iterable[Any],
    on_result: OnResult | None = None,
    *,
    is_ready: bool | None = None,
    send: Callable[[Delivery], None] | None = None,
    item: Any = None,
) -> int:
    """Send messages, including failed items, through any backend; return how many were sent.

    ``item`` is what was given to be sent, if not the message itself. ``is_ready`` says whether the next
    message is available without waiting, as in a list or tuple. ``send`` replaces :func:`send_by`.
    docs/delivery.md says what is raised; a cancelled send is ``SendCancelled``.
    """
    if not (hasattr(backend, "send_messages") or hasattr(backend, "deliver")):
        kind = type(backend).__name__
        raise TypeError(f"connection is of type {kind}. Accepted: a mail backend, such as get_connection().")
    if (cancelled := cancellation.current.get()) is not None:
        cancelled.check()
    with settings.frozen():  # one batch is written from one set of values
        if (captures or settings.EMAIL_CAPTURE) and is_captured(backend):
            backend, send = capturing_backend(backend), None
        delivery = Delivery(backend, messages, on_result, is_ready, item)
        delivery.run(partial(send_by, backend) if send is None else send)
        return delivery.close()


def send_by(backend: Any, delivery: Delivery) -> None:
    """Send the messages of a delivery as the backend accepts them: one by one, or in lists."""
    if getattr(backend, "streams", None) is True:  # in a test the backend may be a mock
        backend.deliver(delivery)
    else:
        send_lists(backend, delivery)


def is_observed() -> bool:
    """Return whether a send that begins here has an observer: a hook, a logging handler or a tracer."""
    if _inside.get():
        return False
    if hooks.before_send.listeners or hooks.sent.listeners or hooks.failed.listeners:
        return True
    if "opentelemetry.trace" in sys.modules:  # only a program that traces loads it
        return True
    source: logging.Logger | None = logger if logger.isEnabledFor(logging.WARNING) else None
    while source is not None:
        for handler in source.handlers:
            if not isinstance(handler, logging.NullHandler):
                return True
        source = source.parent if source.propagate else None
    return False


@dataclass(frozen=True)
class FailedItem:
    """An item of a batch that did not become a message. It is reported in its turn; no backend sees it."""

    error: Exception
    item: Any = None


@dataclass(slots=True, eq=False)
class BatchItem:
    """An item of a batch, and its message or failed item; None if there is nothing to send."""

    item: Any
    message: Any


@dataclass(slots=True, eq=False)
class UnderWay:
    """A message that a backend has received and not yet reported."""

    message: Any
    position: int
    item: Any
    span: Span | None = None

    def identified(self, report: DeliveryReport) -> DeliveryReport:
        """Return a report with the item, index and subject, which the backend does not know.

        The report that a message keeps does not refer to the message: in a circle, both would stay in memory
        until circles are collected. Everybody else gets the report with its item.
        """
        shown = self.item if isinstance(self.message, FailedItem) else self.message
        subject = vars(shown).get("subject") if hasattr(shown, "__dict__") else None
        return DeliveryReport(
            report.recipients,
            report.message_id,
            report.error,
            report.handed_over,
            self.position,
            report.item if self.item is self.message else self.item,
            subject if type(subject) is str else subject_of(shown),
        )


class Delivery:
    """The messages of one call of ``send_messages``, and the reports on them; :func:`dispatch` makes it.

    A backend iterates over it for the messages, and calls :meth:`add` with the report on each. Only the
    reports of messages that did not reach every recipient are kept, so memory does not grow with the batch.
    """

    def __init__(
        self,
        backend: Any,
        messages: Iterable[Any],
        on_result: OnResult | None,
        is_ready: bool | None,
        item: Any = None,
    ) -> None:
        is_list = isinstance(messages, list | tuple)
        # Whether the next message is available without waiting.
        self.is_ready: bool = is_list if is_ready is None else is_ready
        self.is_single: bool = is_list and len(messages) == 1  # type: ignore[arg-type] # a list has a length
        self.is_certain: bool = True  # that none under way was sent when the backend raises
        self.fail_silently: bool = getattr(backend, "fail_silently", False)
        self.total: int = 0  # messages that have a report
        self.sent: int = 0  # those of them that were accepted for at least one recipient
        self._messages: Iterator[Any] = self._admitted(iter(messages or ()))
        self._item = item
        self._backend = backend
        self._on_result = on_result
        self._observed = is_observed()
        self._under_way: list[UnderWay] = []
        self._incomplete = 0
        self._kept: list[tuple[int, DeliveryReport]] = []

    def run(self, send: Callable[[Delivery], None]) -> None:
        """Call ``send`` with this delivery; then notify the observers of every message without a report."""
        token = _inside.set(True)
        try:
            send(self)
        except BaseException as error:
            self._conclude(error)
            raise
        finally:
            _inside.reset(token)
        if self._under_way:
            self._conclude(None)

    def __iter__(self) -> Iterator[Any]:
        return self._messages

    def put_back(self, messages: list[Any]) -> None:
        """Yield messages that were already taken again, before the next ones."""
        self._messages = chain(messages, self._messages)

    def _admitted(self, messages: Iterator[Any]) -> Iterator[Any]:
        """Yield each message after ``before_send``; report an item that failed or was refused."""
        for position in count():
            with _outside() if self._observed else _UNCHANGED:
                message: Any = next(messages, _END)
                if message is _END:
                    return
            if message is NOTHING_YET:
                yield message
                continue
            with _outside() if self._observed else _UNCHANGED:
                item = message if self._item is None else self._item
                if isinstance(message, BatchItem):
                    item, message = message.item, message.message
                    if message is None:
                        continue
                entry = UnderWay(message, position, item)
                error = message.error if isinstance(message, FailedItem) else None
                if getattr(message, "delivery", None) is not None:
                    message.delivery = None  # left by an earlier send
                if self._observed:
                    entry.span = begin_span(self._backend)
                    try:
                        for listener in hooks.before_send.listeners if error is None else ():
                            if getattr(message, "frozen", None) is None:  # they ran when it was queued
                                listener(message)
                    except Exception as refusal:
                        error = refusal
            self._under_way.append(entry)
            if error is None:
                yield message
            else:
                self.add(message, DeliveryReport(error=error))

    def add(self, message: Any, report: DeliveryReport) -> None:
        """Add the report on a message, which no other message shares; it becomes ``message.delivery``."""
        entry = self._take_entry(message)
        if report.error is not None and not report.recipients:
            known = known_recipients(entry.item if isinstance(message, FailedItem) else message)
            report = replace(report, recipients=dict.fromkeys(known, _NOT_BUILT))
        report = entry.identified(report)
        self.total += 1
        self.sent += report.accepted
        if not report.complete:
            self._incomplete += 1
            # A silent batch keeps what is raised in spite of that, and what a single message may raise.
            if not self.fail_silently or isinstance(report.error, _NEVER_SILENT) or self.total == 1:
                self._kept.append((entry.position, report.about(entry.item)))
        self._publish(entry, report)

    def add_uncounted(self, message: Any, report: DeliveryReport) -> None:
        """Add a report that neither counts as sent nor raises an error at the end."""
        entry = self._take_entry(message)
        self._publish(entry, entry.identified(report))

    def close(self) -> int:
        """Return how many messages were accepted for at least one recipient, or raise :exc:`DeliveryError`.

        A silent batch raises template and configuration errors, and the error of a single message.
        """
        if not self._kept:
            return self.sent
        reports = [report for _, report in sorted(self._kept, key=itemgetter(0))]
        if self.total == 1 and (error := reports[0].error) is not None:
            raise error
        if self.fail_silently:
            reports = [report for report in reports if isinstance(report.error, _NEVER_SILENT)]
        if reports:
            cause = next((report.error for report in reports if report.error is not None), None)
            text = (
                f"{self._incomplete} of {self.total} message{'s' * (self.total != 1)} did not reach every "
                f"recipient; the first of them, {_reason(reports[0]).removesuffix('.')}. See "
                ".reports of this error, or .delivery of each message."
            )
            raise DeliveryError(text, sent=self.sent, reports=reports) from cause
        return self.sent

    def _take_entry(self, message: Any) -> UnderWay:
        """Remove and return the entry of a message under way; create it if the message was never given."""
        for entry in self._under_way:  # reports come nearly in the order of the messages
            if entry.message is message:
                self._under_way.remove(entry)
                return entry
        return UnderWay(message, self.total, message)

    def _conclude(self, error: BaseException | None) -> None:
        """Notify the observers of the messages that the backend did not report."""
        left, self._under_way = self._under_way, []
        for entry in left if self._observed else ():
            report = getattr(entry.message, "delivery", None)
            report = report or _broken_off(entry.message, error, certain=self.is_certain)
            self._notify(entry, entry.identified(report))

    def _publish(self, entry: UnderWay, report: DeliveryReport) -> None:
        """Give a report to the message, the observers and ``on_result``."""
        try:  # noqa: SIM105 - suppress() takes longer than all else here
            entry.message.delivery = report
        except AttributeError:  # an object that is no message
            pass
        if self._observed:
            self._notify(entry, report)
        if self._on_result is not None:
            with _outside():
                self._on_result(report.about(entry.item))

    def _notify(self, entry: UnderWay, report: DeliveryReport) -> None:
        report = report.about(entry.item)
        if report.accepted:
            _call(hooks.sent, entry.message, report)
        if not report.complete:
            _call(hooks.failed, entry.message, report)
        if entry.span is not None:
            end_span(entry.span, report)
        log_delivery(report, is_single=self.is_single)


@contextmanager
def _outside() -> Iterator[None]:
    """Run the caller's code: a message that it sends is a send of its own."""
    token = _inside.set(False)
    try:
        yield
    finally:
        _inside.reset(token)


def _call(hook: hooks.Hook[Any], message: Any, report: DeliveryReport) -> None:
    with _outside():
        for listener in hook.listeners:
            try:
                listener(message, report)
            except Exception:
                logger.exception("a listener of the hook %s failed", hook.name)


def _broken_off(message: Any, error: BaseException | None, *, certain: bool) -> DeliveryReport:
    """Return the report on a message after the backend raised: its own error, or that it may have left."""
    if error is None:
        return DeliveryReport()
    if certain and isinstance(error, Exception) and not isinstance(error, OSError):
        return DeliveryReport(error=error)
    result = RecipientResult("uncertain", text=type(error).__name__)
    return DeliveryReport(dict.fromkeys(recipients_of(message), result))


def _reason(report: DeliveryReport) -> str:
    """Return which message a report is about, and why it is not complete."""
    if report.error is not None:
        return f"{report.message_id or 'not built'}: {type(report.error).__name__}: {report.error}"
    failed = [result for result in report.recipients.values() if result.status != "sent"]
    which = report.message_id or "without a Message-ID"
    return f"{which}: {len(failed)} of {len(report.recipients)} recipients, {failed[0]}"
