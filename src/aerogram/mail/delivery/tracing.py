"""A span of OpenTelemetry for each message that is sent, where the program traces.

A program that traces has loaded ``opentelemetry.trace`` to set that up; for any other this costs a look into
a dict, and nothing is imported. No attribute holds an address or a text of the server.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from aerogram.mail.delivery.report import DeliveryReport

__all__ = ["begin_span", "end_span", "traced"]


def traced() -> bool:
    """Whether the program has loaded OpenTelemetry's API."""
    return "opentelemetry.trace" in sys.modules


def begin_span(backend: object) -> Span | None:
    """Begin the span ``aerogram.send`` of one message; ``None`` where the program does not trace."""
    if not traced():
        return None
    from opentelemetry import trace

    kind = type(backend)
    name = f"{kind.__module__}.{kind.__qualname__}"
    tracer = trace.get_tracer("aerogram")
    return tracer.start_span(
        "aerogram.send", kind=trace.SpanKind.CLIENT, attributes={"aerogram.backend": name}
    )


def end_span(span: Span, report: DeliveryReport) -> None:
    """End it with what became of the message: its id, counts, and the reply code that says most.

    The code is that of the first recipient who was not served, else of the first recipient.
    """
    from opentelemetry.trace import Status, StatusCode

    results = list(report.recipients.values())
    if report.message_id is not None:
        span.set_attribute("aerogram.message_id", report.message_id)
    span.set_attribute("aerogram.recipients.total", len(results))
    for status, count in Counter(result.status for result in results).items():
        span.set_attribute(f"aerogram.recipients.{status}", count)
    telling = (
        next((result for result in results if result.status != "sent"), *results[:1]) if results else None
    )
    if telling is not None and telling.code is not None:
        span.set_attribute("aerogram.reply_code", telling.code)
    if report.error is not None:
        span.set_attribute("error.type", type(report.error).__name__)
    if not report.complete:
        span.set_status(Status(StatusCode.ERROR))
    span.end()
