"""What becomes of each recipient after an attempt: a decision without input or output.

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
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

from aerogram.exceptions import DeliveryError, ImproperlyConfigured, MessageError, describe
from aerogram.mail.delivery.report import DeliveryReport, RecipientResult
from aerogram.mail.smtp.replies import ConnectionLost, clean_text, result_of

__all__ = [
    "BACKOFF",
    "HARD_BOUNCES",
    "MAX_CRASHES",
    "MAX_UNCERTAIN",
    "UNCERTAIN_DELAY",
    "Attempted",
    "Outcome",
    "RecipientState",
    "Transport",
    "Verdict",
    "after_error",
    "backoff",
    "judge",
    "judge_error",
    "pause",
    "uncertain_due",
]

RecipientState = Literal["pending", "sent", "refused", "suppressed", "expired", "uncertain", "cancelled"]
"""The states of a recipient; all but ``pending`` are terminal."""

Transport = Literal["up", "down", "misconfigured"]
"""What an attempt showed of the server: it answered, could not be reached, or needs the operator."""

BACKOFF: Final = (30, 120, 600, 1800, 3600, 7200, 14400)
"""Seconds until the next attempt, by the number of attempts so far; the last one repeats."""

UNCERTAIN_DELAY: Final = 900
"""Seconds until a mail that may have arrived is sent again."""

MAX_UNCERTAIN: Final = 2
"""How often that happens to one mail. After another uncertain outcome it is held."""

MAX_CRASHES: Final = 3
"""How many crashes and unexpected errors one mail may cause. It is dead then."""

HARD_BOUNCES: Final = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})
"""Enhanced codes that say: this address does not exist (RFC 3463). It is suppressed for later mail."""

_JITTER: Final = 0.2
_PAUSES: Final[Mapping[Transport, tuple[int, int]]] = {"down": (1, 60), "misconfigured": (30, 600)}
_BEFORE_MAIL: Final = (
    smtplib.SMTPConnectError,
    smtplib.SMTPHeloError,
    smtplib.SMTPAuthenticationError,
    smtplib.SMTPNotSupportedError,
    ssl.SSLCertVerificationError,
    ConnectionRefusedError,
    socket.gaierror,
    ImproperlyConfigured,
)
"""Errors after which nothing of a mail was sent."""

_LOGIN_CODES: Final = frozenset({530, 535, 538})

Random = Callable[[], float]
"""A function that gives a number from 0 to 1, such as ``random.random``."""


class Attempted(Protocol):
    """What is known of a mail that was attempted; a claim has it."""

    @property
    def recipients(self) -> Sequence[str]:
        """The recipients of this attempt."""

    @property
    def attempts(self) -> Mapping[str, int]:
        """The earlier attempts that count, by recipient."""

    @property
    def uncertain(self) -> int:
        """The earlier uncertain outcomes."""

    @property
    def crashes(self) -> int:
        """The earlier crashes and unexpected errors."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one recipient.

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
    """What an attempt means for the mail and for the server.

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


def backoff(attempts: int, *, jitter: Random = random.random) -> float:
    """Return the seconds until the next attempt, within 20 % of :data:`BACKOFF`.

    Args:
        attempts: how many attempts failed, at least 1.
        jitter: where the random part comes from.

    >>> backoff(1, jitter=lambda: 0.5), backoff(99, jitter=lambda: 0.5)
    (30.0, 14400.0)
    """
    return BACKOFF[min(attempts, len(BACKOFF)) - 1] * (1 + _JITTER * (2 * jitter() - 1))


def pause(transport: Transport, failures: int, *, jitter: Random = random.random) -> float:
    """Return for how many seconds a server is left alone: doubled with each failure, within 20 %.

    Args:
        transport: ``"down"``, from 1 second to a minute; ``"misconfigured"``, from 30 seconds to 10 minutes.
        failures: how often in a row it was so, at least 1.
        jitter: where the random part comes from.

    >>> pause("down", 1, jitter=lambda: 0.5), pause("down", 40, jitter=lambda: 0.5)
    (1.0, 60.0)
    """
    first, longest = _PAUSES[transport]
    seconds = min(first * 2 ** min(failures - 1, 20), longest)
    return float(seconds) * (1 + _JITTER * (2 * jitter() - 1))


def uncertain_due(
    uncertain: int, now: int, on_uncertain: str, *, jitter: Random = random.random
) -> int | None:
    """Return when a mail that may have arrived is sent again, in milliseconds; None if it is held.

    Args:
        uncertain: how many outcomes were uncertain, this one included.
        now: the time in milliseconds.
        on_uncertain: ``"retry"`` or ``"hold"``.
        jitter: where the random part comes from.
    """
    if on_uncertain == "hold" or uncertain > MAX_UNCERTAIN:
        return None
    return now + round(UNCERTAIN_DELAY * 1000 * (1 + _JITTER * jitter()))


def judge(
    report: DeliveryReport,
    attempted: Attempted,
    *,
    on_uncertain: str = "retry",
    content_began: bool = False,
    failures: int = 0,
    jitter: Random = random.random,
) -> Verdict:
    """Decide what becomes of each recipient after an attempt, from the backend's report.

    Args:
        report: the report.
        attempted: the mail.
        on_uncertain: ``"retry"`` or ``"hold"``, for recipients whose outcome is uncertain.
        content_began: whether the content began to leave, and the connection did not break before.
        failures: how often in a row the server failed before.
        jitter: where the random part comes from.
    """
    if report.error is not None:
        return after_error(report.error, attempted, failures=failures, jitter=jitter)
    results = _results_by_recipient(report, attempted.recipients)
    transport = _transport(list(results.values()), report.handed_over, content_began)
    wait = pause(transport, failures + 1, jitter=jitter) if transport != "up" else 0.0
    uncertain = any(result.status == "uncertain" for result in results.values())
    resend = uncertain_due(attempted.uncertain + 1, 0, on_uncertain, jitter=jitter) if uncertain else None
    # A content that was answered was answered for all its recipients: a 5xx was about the content then.
    at_rcpt = not report.handed_over or report.accepted
    outcomes = []
    for address, result in results.items():
        outcome = Outcome(address, "pending", result.code, result.enhanced_code, result.text)
        if result.status == "uncertain":
            outcome = replace(outcome, state="uncertain" if resend is None else "pending", delay=resend)
        elif result.status == "sent":
            outcome = replace(outcome, state="sent")
        elif transport != "up" and not _is_final(result, transport):
            outcome = replace(outcome, delay=round(wait * 1000), counts=False)
        elif result.status == "refused":
            suppress = at_rcpt and result.enhanced_code in HARD_BOUNCES
            outcome = replace(outcome, state="refused", suppress=suppress)
        else:
            seconds = backoff(attempted.attempts.get(address, 0) + 1, jitter=jitter)
            outcome = replace(outcome, delay=round(seconds * 1000))
        outcomes.append(outcome)
    reason = "" if transport == "up" else _reason(results.values())
    return Verdict(tuple(outcomes), transport, uncertain, reason=reason)


def after_error(
    error: BaseException,
    attempted: Attempted,
    *,
    failures: int = 0,
    jitter: Random = random.random,
) -> Verdict:
    """Decide what becomes of a mail whose attempt raised an error; nothing of it was sent.

    Args:
        error: the error.
        attempted: the mail.
        failures: how often in a row the server failed before.
        jitter: where the random part comes from.
    """
    text, transport = clean_text(f"{type(error).__name__}: {describe(error)}"), judge_error(error)
    if transport == "up":
        crashes = attempted.crashes + 1
        is_dead = isinstance(error, MessageError) or crashes >= MAX_CRASHES
        delay = None if is_dead else round(backoff(crashes, jitter=jitter) * 1000)
        outcome = Outcome("", "refused" if is_dead else "pending", text=text, delay=delay)
    else:
        delay = round(pause(transport, failures + 1, jitter=jitter) * 1000)
        outcome = Outcome("", "pending", text=text, delay=delay, counts=False)
    outcomes = [replace(outcome, address=address) for address in attempted.recipients]
    return Verdict(
        tuple(outcomes),
        transport,
        crashed=transport == "up",
        reason="" if transport == "up" else text,
    )


def report_of_error(error: BaseException, recipients: Sequence[str]) -> DeliveryReport | None:
    """Return what an error that a backend raised says of the mail that it was sending; None if nothing.

    Args:
        error: what was raised instead of a report.
        recipients: the recipients of the attempt.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        results = {address: result_of(*reply) for address, reply in error.recipients.items()}
        return DeliveryReport(results)
    if isinstance(error, _BEFORE_MAIL):
        return None
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error if isinstance(error.smtp_error, bytes) else error.smtp_error.encode()
        result = result_of(error.smtp_code, text)
        is_content = isinstance(error, smtplib.SMTPDataError)
        return DeliveryReport(dict.fromkeys(recipients, result), handed_over=is_content)
    if isinstance(error, OSError | DeliveryError):  # it may have sent the mail before
        doubt = RecipientResult("uncertain", text=f"no report, {type(error).__name__}")
        return DeliveryReport(dict.fromkeys(recipients, doubt))
    return None


def judge_error(error: BaseException) -> Transport:
    """Return what an error of a backend says about its server; ``up`` if the mail is to blame.

    Args:
        error: what opening a connection or sending raised.

    >>> judge_error(smtplib.SMTPAuthenticationError(535, b"no")), judge_error(TimeoutError())
    ('misconfigured', 'down')
    """
    if isinstance(error, ConnectionLost) and error.reply is not None:
        return _by_code(error.reply.code)
    if isinstance(error, smtplib.SMTPResponseException):
        return _by_code(error.smtp_code)
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "down"
    if isinstance(error, ImproperlyConfigured | ssl.SSLCertVerificationError | smtplib.SMTPException):
        return "misconfigured"  # such as STARTTLS or a login that the server does not offer
    return "down" if isinstance(error, OSError) else "up"


def _by_code(code: int) -> Transport:
    return "misconfigured" if code >= 500 else "down"


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
