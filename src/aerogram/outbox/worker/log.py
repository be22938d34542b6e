"""The log lines of the outbox: one for each change of a state, without addresses."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Final

from aerogram.conf import settings
from aerogram.exceptions import describe
from aerogram.outbox.claimed import Claim
from aerogram.outbox.retries import Outcome, Verdict
from aerogram.outbox.transports import name_of

__all__ = ["log_database", "log_pause", "log_result", "log_resume", "logger"]

logger: Final = logging.getLogger("aerogram.outbox")


def log_result(claim: Claim, verdict: Verdict, *, is_held: bool) -> None:
    """Log the result of a mail."""
    good = is_held and all(each.state == "sent" for each in verdict.outcomes)
    level = logging.INFO if good else logging.WARNING
    if not logger.isEnabledFor(level):
        return
    if settings.LOG_ADDRESSES:
        shown = "; ".join(f"{each.address} {_shown(each)} {each.text}".strip() for each in verdict.outcomes)
    else:
        counts = Counter(map(_shown, verdict.outcomes))
        shown = ", ".join(f"{count} {words}" for words, count in counts.items())
    shown = shown or "not sent, and still due"
    late = "" if is_held else " (the lease was lost; only what was sent is recorded)"
    doubt = ", uncertain" if verdict.uncertain else ""
    logger.log(level, "entry %s: %s%s%s", claim.id, shown, doubt, late)


def log_pause(mailer: str | None, seconds: float, kind: str, reason: str) -> None:
    """Log that a mailer is paused; as an error if only the operator can fix it."""
    level = logging.ERROR if kind == "misconfigured" else logging.WARNING
    logger.log(level, "mailer %s is %s, paused for %.0f s: %s", name_of(mailer), kind, seconds, reason)


def log_resume(mailer: str | None) -> None:
    """Log that a server works again."""
    logger.info("mailer %s works again", name_of(mailer))


def log_database(error: BaseException) -> None:
    """Log that the database cannot be used."""
    logger.error("the outbox is unavailable, retrying: %s", describe(error))


def _shown(outcome: Outcome) -> str:
    return " ".join(str(word) for word in (outcome.state, outcome.code, outcome.enhanced_code) if word)
