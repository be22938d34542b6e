"""Everything around a send: reports, hooks, log lines, spans, cancellation."""

from __future__ import annotations

from aerogram.mail.delivery.report import DeliveryReport, OnResult, RecipientResult, Status

__all__ = ["DeliveryReport", "OnResult", "RecipientResult", "Status"]
