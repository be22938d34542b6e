"""One log line a message, to the logger ``aerogram.mail``: INFO where all went well, else WARNING.

A line has the Message-ID, how many recipients met which fate, and reply codes. Addresses, and what the server
said, are in it only where the setting ``LOG_ADDRESSES`` asks for them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from aerogram.conf import settings

if TYPE_CHECKING:
    from aerogram.mail.delivery.report import DeliveryReport, RecipientResult

__all__ = ["listened", "log_delivery", "logger"]

logger: Final = logging.getLogger("aerogram.mail")


def listened() -> bool:
    """Whether anything would be done with a line: the program has configured logging."""
    if not logger.isEnabledFor(logging.WARNING):
        return False
    place: logging.Logger | None = logger
    while place is not None:
        if any(not isinstance(handler, logging.NullHandler) for handler in place.handlers):
            return True
        place = place.parent if place.propagate else None
    return False


def log_delivery(report: DeliveryReport) -> None:
    """Write the line of one message."""
    level = logging.INFO if report.complete else logging.WARNING
    if logger.isEnabledFor(level):
        logger.log(level, "message %s: %s", report.message_id or "without id", _fates(report))


def _fates(report: DeliveryReport) -> str:
    if report.error is not None:
        return f"not sent, {type(report.error).__name__}"
    if settings.LOG_ADDRESSES:
        return "; ".join(f"{address} {result}" for address, result in report.recipients.items())
    counts: dict[str, int] = {}
    for result in report.recipients.values():
        fate = _fate(result)
        counts[fate] = counts.get(fate, 0) + 1
    return ", ".join(f"{count} {fate}" for fate, count in counts.items()) or "no recipients"


def _fate(result: RecipientResult) -> str:
    words = (result.status, str(result.code or ""), result.enhanced_code or "")
    return " ".join(word for word in words if word)
