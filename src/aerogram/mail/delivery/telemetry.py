"""A log line and an OpenTelemetry span for each message that is sent.

The logger is ``aerogram.mail``. A line has the level INFO if every recipient was accepted, otherwise WARNING,
and holds the Message-ID, the index in a batch, the recipient counts by status, and reply codes. Addresses and
texts of the server are added by the setting ``LOG_ADDRESSES``; a span never has them.

A program that traces has loaded ``opentelemetry.trace`` to set that up. Nothing is imported for any other.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aerogram.conf import settings

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from aerogram.mail.delivery.report import DeliveryReport

logger: Final = logging.getLogger("aerogram.mail")


def log_delivery(report: DeliveryReport, *, is_single: bool) -> None:
    """Write the log line of one message; the line of one of several has its index."""
    level = logging.INFO if report.complete else logging.WARNING
    if logger.isEnabledFor(level):
        which = report.message_id or "without id"
        which += "" if is_single else f" (item {report.index})"
        logger.log(level, "message %s: %s", which, _outcome(report))


def _outcome(report: DeliveryReport) -> str:
    if report.error is not None:
        return f"not sent, {type(report.error).__name__}"
    if settings.LOG_ADDRESSES:
        return "; ".join(f"{address} {result}" for address, result in report.recipients.items())
    counts = Counter(str(replace(result, text="")) for result in report.recipients.values())
    return ", ".join(f"{count} {status}" for status, count in counts.items()) or "no recipients"


def begin_span(backend: object) -> Span | None:
    """Begin the span ``aerogram.send`` of one message, if the program traces."""
    if "opentelemetry.trace" not in sys.modules:
        return None
    from opentelemetry import trace

    name = f"{type(backend).__module__}.{type(backend).__qualname__}"
    return trace.get_tracer("aerogram").start_span(
        "aerogram.send", kind=trace.SpanKind.CLIENT, attributes={"aerogram.backend": name}
    )


def end_span(span: Span, report: DeliveryReport) -> None:
    """End a span with the outcome of its message."""
    from opentelemetry.trace import Status, StatusCode

    results = list(report.recipients.values())
    if report.message_id is not None:
        span.set_attribute("aerogram.message_id", report.message_id)
    span.set_attribute("aerogram.recipients.total", len(results))
    for status, count in Counter(result.status for result in results).items():
        span.set_attribute(f"aerogram.recipients.{status}", count)
    results.sort(key=lambda result: result.status == "sent")  # the code is that of a failure, if there is one
    if results and results[0].code is not None:
        span.set_attribute("aerogram.reply_code", results[0].code)
    if report.error is not None:
        span.set_attribute("error.type", type(report.error).__name__)
    if not report.complete:
        span.set_status(Status(StatusCode.ERROR))
    span.end()
