"""The one gate to every backend: hooks, spans and log lines, once a message.

:func:`dispatched` is put around ``send_messages`` of every class that inherits from
:class:`~aerogram.mail.backends.base.BaseEmailBackend`, so it does not matter who calls it. A backend that is
called while another one sends (by failover, by ``super()``) belongs to that send. Where nobody listens, the
gate is open and costs one test a call.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import signature
from typing import TYPE_CHECKING, Any, Final

from aerogram.conf import settings
from aerogram.mail.address.envelope import envelope_of
from aerogram.mail.delivery import cancellation, hooks
from aerogram.mail.delivery.log import listened, log_delivery, logger
from aerogram.mail.delivery.ready import ReadyMessages, is_ready
from aerogram.mail.delivery.report import DeliveryReport, DeliverySummary, FailedMessage, RecipientResult
from aerogram.mail.delivery.tracing import begin_span, end_span, traced

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from aerogram.mail.delivery.report import OnResult

__all__ = ["Dispatch", "dispatched", "hand_over", "listening", "streams"]

_END: Final = object()
_inside: ContextVar[bool] = ContextVar("aerogram_dispatch", default=False)

SendMessages = Callable[..., Any]


def streams(send_messages: SendMessages) -> bool:
    """Whether a backend reads an iterable and reports on each message: it takes ``on_result``."""
    return "on_result" in signature(send_messages).parameters


def dispatched(send_messages: SendMessages) -> SendMessages:
    """Put the gate before a method ``send_messages``; before one that has it already, nothing more."""
    if hasattr(send_messages, "is_dispatched"):
        return send_messages
    name = next(iter(list(signature(send_messages).parameters)[1:]), "email_messages")

    @functools.wraps(send_messages)
    def gate(self: Any, *args: Any, **kwargs: Any) -> Any:
        cancellation.check()
        with settings.frozen():  # one batch is written from one set of values
            if not listening():
                return send_messages(self, *args, **kwargs)
            messages, *more = args or (kwargs.pop(name),)
            send = functools.partial(send_messages, self)
            return Dispatch(self, kwargs.pop("on_result", None)).run(send, messages, *more, **kwargs)

    gate.is_dispatched = True  # type: ignore[attr-defined] # a mark for the next class that inherits it
    return gate


def hand_over(connection: Any, messages: Iterable[Any], on_result: OnResult | None = None) -> int:
    """Send by a backend of any class, one that is not derived from ours too.

    ``on_result`` only where the backend streams.
    """
    send: SendMessages = connection.send_messages
    if not hasattr(send, "is_dispatched") and listening():
        return Dispatch(connection, on_result).run(send, messages) or 0
    return (send(messages) if on_result is None else send(messages, on_result=on_result)) or 0


def listening() -> bool:
    """Whether anybody is to be told of a send that begins here: it is not part of another one."""
    return not _inside.get() and bool(
        hooks.before_send.listeners
        or hooks.sent.listeners
        or hooks.failed.listeners
        or traced()
        or listened()
    )


@contextmanager
def _as(inside: bool) -> Iterator[None]:
    token = _inside.set(inside)
    try:
        yield
    finally:
        _inside.reset(token)


class Refused(FailedMessage):
    """Stands in for a message that a hook refused; its report is the message's too."""

    def __init__(self, message: Any, error: Exception) -> None:
        self.message_refused = message
        super().__init__(error)

    @property
    def delivery(self) -> DeliveryReport | None:
        """The report of the message."""
        report: DeliveryReport | None = self.message_refused.delivery
        return report

    @delivery.setter
    def delivery(self, report: DeliveryReport | None) -> None:
        self.message_refused.delivery = report


class Dispatch:
    """The messages of one call, from the gate until it is known what became of each.

    Args:
        backend: named by the spans.
        on_result: the caller's, told of each report after the hooks.
    """

    def __init__(self, backend: Any, on_result: OnResult | None = None) -> None:
        self._backend = backend
        self._on_result = on_result
        self._number = 0
        self._under_way: dict[int, tuple[Any, Span | None]] = {}

    def run(self, send: SendMessages, messages: Iterable[Any] | None, *args: Any, **kwargs: Any) -> Any:
        """Send by ``send``, a backend's own ``send_messages``; return what it returns."""
        if messages is None:
            return send(messages, *args, **kwargs)
        if not streams(send):
            return self._run_list(send, messages, *args, **kwargs)
        admitted: Iterable[Any] = self.admitted(messages)
        if isinstance(messages, list | tuple):  # backends may ask what else there is, when no connection is
            admitted = list(admitted)
        elif is_ready(messages):
            admitted = ReadyMessages(admitted)
        with self.watched(streaming=True):
            return send(admitted, *args, on_result=self.told, **kwargs)

    def _run_list(self, send: SendMessages, messages: Iterable[Any], *args: Any, **kwargs: Any) -> Any:
        """Send by a backend that takes lists and may stop at the first error: refused ones are kept back."""
        tally = DeliverySummary(
            fail_silently=getattr(self._backend, "fail_silently", False), on_result=self.told
        )
        ready = []
        for message in self.admitted(messages):
            if isinstance(message, Refused):
                tally.add(message, DeliveryReport(error=message.error))
            else:
                ready.append(message)
        if tally.total and not ready:
            return tally.close()
        with self.watched(streaming=False):
            count = send(ready, *args, **kwargs)
        all_sent = (count or 0) >= sum(bool(_addresses(message)) for message in ready)
        fate = RecipientResult("sent") if all_sent else _UNSAID
        self._conclude(lambda message: DeliveryReport(dict.fromkeys(_addresses(message), fate)))
        tally.close()
        return count

    @contextmanager
    def watched(self, *, streaming: bool) -> Iterator[None]:
        """Let a backend send inside the ``with`` block; when it breaks off, say so of what is left."""
        try:
            with _as(True):
                yield
        except BaseException as error:
            certain = streaming or len(self._under_way) == 1
            self._conclude(functools.partial(_broken_off, error=error, certain=certain))
            raise
        if streaming:
            self._conclude(lambda _: DeliveryReport())  # for nobody: not reported, and nothing to tell

    def admitted(self, messages: Iterable[Any]) -> Iterator[Any]:
        """Yield each message after ``before_send``, or what stands in for one that was refused."""
        iterator = iter(messages)
        while True:
            token = _inside.set(False)  # the caller's code: a mail it sends is one of its own
            try:
                message = next(iterator, _END)
                if message is _END:
                    return
                message = self._admit(message)
            finally:
                _inside.reset(token)
            yield message

    def _admit(self, message: Any) -> Any:
        span = begin_span(self._backend)
        if not isinstance(message, FailedMessage):
            if _delivery(message) is not None:
                message.delivery = None  # an earlier send has left it there
            try:
                for listener in hooks.before_send.listeners:
                    listener(message)
            except Exception as error:  # any error of a hook is a refusal
                message = Refused(message, error)
        self._number += 1
        self._under_way[self._number] = message, span
        return message

    def told(self, report: DeliveryReport) -> None:
        """Take in a report, which the backend has put on its message."""
        for number, (message, span) in self._under_way.items():  # about in the order of the reports
            if _delivery(message) is report:
                del self._under_way[number]
                self._tell(message, span, report)
                break
        if self._on_result is not None:
            with _as(False):
                self._on_result(report)

    def _conclude(self, report_of: Callable[[Any], DeliveryReport]) -> None:
        """Tell what nobody reported: by the report the backend left on the message, else by a made one."""
        while self._under_way:
            number = next(iter(self._under_way))
            message, span = self._under_way.pop(number)
            self._tell(message, span, _delivery(message) or report_of(message))

    def _tell(self, message: Any, span: Span | None, report: DeliveryReport) -> None:
        if isinstance(message, Refused):
            message = message.message_refused
        if report.accepted and hooks.sent.listeners:
            _call(hooks.sent, message, report)
        if not report.complete and hooks.failed.listeners:
            _call(hooks.failed, message, report)
        if span is not None:
            end_span(span, report)
        log_delivery(report)


_UNSAID: Final = RecipientResult("uncertain", text="the backend did not say which messages it sent")


def _call(hook: hooks.Hook[Any], message: Any, report: DeliveryReport) -> None:
    with _as(False):
        for listener in hook.listeners:
            try:
                listener(message, report)
            except Exception:
                logger.exception("a listener of the hook %s failed", hook.name)


def _broken_off(message: Any, *, error: BaseException, certain: bool) -> DeliveryReport:
    """What is known of a message when the backend raised: its own error, or that it may have left."""
    if certain and isinstance(error, Exception) and not isinstance(error, OSError):
        return DeliveryReport(error=error)
    fate = RecipientResult("uncertain", text=type(error).__name__)
    return DeliveryReport(dict.fromkeys(_addresses(message), fate))


def _delivery(message: Any) -> DeliveryReport | None:
    return getattr(message, "delivery", None)


def _addresses(message: Any) -> tuple[str, ...]:
    try:
        return envelope_of(message).recipients
    except Exception:
        return ()
