"""The decision about each recipient after an attempt, without input or output.

======================================== ============================================================
the attempt                              the recipient
======================================== ============================================================
accepted                                 ``sent``
refused (5xx)                            ``refused``; suppressed later if the address does not exist
refused for now (4xx)                    tried again: 30 s, 2 m, 10 m, 30 m, 1 h, 2 h, then every 4 h
no connection, 421                       tried again after the pause of the transport; counts nothing
wrong password, bad certificate          the same, and the pause is longer
no answer after the content              tried again after 15 minutes, twice at most; then held
an error that nobody expected            tried again; given up at the third
======================================== ============================================================
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from aerogram.exceptions import MessageError, describe
from aerogram.mail.characters import clean_text
from aerogram.mail.delivery.report import DeliveryReport, RecipientResult
from aerogram.outbox.claimed import Claim
from aerogram.outbox.retries.errors import judge_error
from aerogram.outbox.retries.waits import MAX_CRASHES, Random, Transport, backoff, pause, uncertain_due

__all__ = ["HARD_BOUNCES", "Outcome", "RecipientState", "Verdict", "after_error", "judge"]

RecipientState = Literal["pending", "sent", "refused", "suppressed", "expired", "uncertain", "cancelled"]
"""The states of a recipient; all but ``pending`` are terminal."""

HARD_BOUNCES: Final = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})
"""Enhanced codes that say: this address does not exist (RFC 3463). It is suppressed for later mail."""

_LOGIN_CODES: Final = frozenset({530, 535, 538})


@dataclass(frozen=True, slots=True)
class Outcome:
    """The decision about one recipient.

    Attributes:
        address: the recipient.
        state: its state from now on.
        code: the reply code, if there was a reply.
        enhanced_code: the enhanced status code, if there was one.
        text: the text of the reply, or the reason.
        delay: milliseconds until it is tried again; None unless ``pending``.
        counts: whether the attempt counts for the back-off.
        suppress: whether later mail to this address is not to be sent.
    """

    address: str
    state: RecipientState
    code: int | None = None
    enhanced_code: str | None = None
    text: str = ""
    delay: int | None = None
    counts: bool = True
    suppress: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision about a mail and its server after an attempt.

    Attributes:
        outcomes: one for each recipient of the attempt.
        transport: what it showed of the server.
        uncertain: whether the mail may have arrived without an answer.
        crashed: whether the attempt ended in an error that nobody expected.
        reason: why the server counts as down or misconfigured.
    """

    outcomes: tuple[Outcome, ...]
    transport: Transport = "up"
    uncertain: bool = False
    crashed: bool = False
    reason: str = ""


def judge(
    report: DeliveryReport,
    claim: Claim,
    *,
    on_uncertain: str = "retry",
    content_began: bool = False,
    failures: int = 0,
    jitter: Random = random.random,
) -> Verdict:
    """Decide about each recipient after an attempt, from the backend's report.

    Args:
        report: the report.
        claim: the mail.
        on_uncertain: ``"retry"`` or ``"hold"``, for recipients whose outcome is uncertain.
        content_began: whether the content began to leave, and the connection did not break before.
        failures: how often in a row the server failed before.
        jitter: where the random part comes from.
    """
    if report.error is not None:
        return after_error(report.error, claim, failures=failures, jitter=jitter)
    results = _results_by_recipient(report, claim.recipients)
    transport = _transport(list(results.values()), report.handed_over, content_began)
    wait = pause(transport, failures + 1, jitter=jitter) if transport != "up" else 0.0
    uncertain = any(result.status == "uncertain" for result in results.values())
    resend = uncertain_due(claim.uncertain + 1, 0, on_uncertain, jitter=jitter) if uncertain else None
    # A content that was answered was answered for all its recipients: a 5xx was about the content then.
    at_rcpt = not report.handed_over or report.accepted
    outcomes = []
    for address, result in results.items():
        state: RecipientState = "pending"
        delay, counts, suppress = None, True, False
        if result.status == "sent":
            state = "sent"
        elif result.status == "uncertain":
            state, delay = "uncertain" if resend is None else "pending", resend
        elif transport != "up" and not _is_final(result, transport):
            delay, counts = round(wait * 1000), False
        elif result.status == "refused":
            state, suppress = "refused", at_rcpt and result.enhanced_code in HARD_BOUNCES
        else:
            delay = round(backoff(claim.attempts.get(address, 0) + 1, jitter=jitter) * 1000)
        reply = result.code, result.enhanced_code, result.text
        outcomes.append(Outcome(address, state, *reply, delay, counts, suppress))
    reason = "" if transport == "up" else _reason(results.values())
    return Verdict(tuple(outcomes), transport, uncertain, reason=reason)


def after_error(
    error: BaseException,
    claim: Claim,
    *,
    failures: int = 0,
    jitter: Random = random.random,
) -> Verdict:
    """Decide about a mail whose attempt raised an error before anything was sent.

    Args:
        error: the error.
        claim: the mail.
        failures: how often in a row the server failed before.
        jitter: where the random part comes from.
    """
    text, transport = clean_text(f"{type(error).__name__}: {describe(error)}"), judge_error(error)
    if transport == "up":
        crashes = claim.crashes + 1
        is_dead = isinstance(error, MessageError) or crashes >= MAX_CRASHES
        delay = None if is_dead else round(backoff(crashes, jitter=jitter) * 1000)
        outcome = Outcome("", "refused" if is_dead else "pending", text=text, delay=delay)
    else:
        delay = round(pause(transport, failures + 1, jitter=jitter) * 1000)
        outcome = Outcome("", "pending", text=text, delay=delay, counts=False)
    outcomes = [replace(outcome, address=address) for address in claim.recipients]
    return Verdict(
        tuple(outcomes),
        transport,
        crashed=transport == "up",
        reason="" if transport == "up" else text,
    )


def _transport(results: list[RecipientResult], handed_over: bool, content_began: bool) -> Transport:
    if handed_over:
        return "up"
    if results and all(each.status == "refused" and each.code in _LOGIN_CODES for each in results):
        return "misconfigured"
    lost = [each for each in results if each.status == "deferred" and each.code in (None, 421)]
    return "down" if lost and not content_began else "up"


def _is_final(result: RecipientResult, transport: Transport) -> bool:
    """Return whether a recipient has an answer of its own although the server failed."""
    if transport == "misconfigured":
        return False
    return result.status == "refused" or result.code not in (None, 421)


def _results_by_recipient(report: DeliveryReport, recipients: Sequence[str]) -> dict[str, RecipientResult]:
    """Return a result for each recipient; a backend may have sent to others, or dropped some."""
    known = report.recipients
    if any(address in known for address in recipients) or not known:
        dropped = RecipientResult("refused", text="the mailer did not send to this recipient")
        return {address: known.get(address, dropped) for address in recipients}
    return dict.fromkeys(recipients, next(iter(known.values())))  # redirected


def _reason(results: Iterable[RecipientResult]) -> str:
    return next((str(each) for each in results if each.status != "sent"), "")
