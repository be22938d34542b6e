"""The meaning of a backend's error for the mail that it was sending, and for the server."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from aerogram.exceptions import DeliveryError, ImproperlyConfigured
from aerogram.mail.delivery.report import DeliveryReport, RecipientResult
from aerogram.mail.smtp.replies import ConnectionLost, result_of

if TYPE_CHECKING:
    from aerogram.outbox.retries.waits import Transport

__all__ = ["judge_error", "report_of_error"]

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
