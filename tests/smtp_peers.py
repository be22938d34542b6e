"""What the SMTP tests share: messages, a backend for a scripted server, and what the server knows."""

from __future__ import annotations

from typing import Any

from aerogram.exceptions import DeliveryError
from aerogram.mail import EmailMessage
from aerogram.mail.backends.smtp import EmailBackend
from aerogram.mail.delivery.report import DeliveryReport
from aerogram.testing import FaultyServer


def mail(*to: str, subject: str = "Hello", body: str = "Good news.\n", **kwargs: Any) -> EmailMessage:
    return EmailMessage(subject, body, "sender@x.org", list(to or ("ann@x.org",)), **kwargs)


def mails(count: int) -> list[EmailMessage]:
    return [mail(f"p{number}@x.org", subject=f"Number {number}") for number in range(count)]


def backend_for(server: FaultyServer, **options: Any) -> EmailBackend:
    options.setdefault("timeout", 5)
    return EmailBackend(server.host, server.port, **options)


def deliver(server: FaultyServer, messages: Any, **options: Any) -> tuple[int, list[DeliveryReport]]:
    """Send over a new connection; return the count and the reports of what did not reach everybody."""
    try:
        return backend_for(server, **options).send_messages(messages), []
    except DeliveryError as error:
        return error.sent, list(error.reports)


def statuses(message: EmailMessage) -> dict[str, str]:
    assert message.delivery is not None
    return {address: result.status for address, result in message.delivery.recipients.items()}


def only_status(message: EmailMessage) -> str:
    (status,) = set(statuses(message).values())
    return status


def copies(server: FaultyServer) -> dict[str, int]:
    """How often the server has taken a message for each recipient."""
    counts: dict[str, int] = {}
    for message in server.messages:
        for recipient in message.recipients:
            counts[recipient] = counts.get(recipient, 0) + 1
    return counts


class OneToken:
    """An access token that can be had once; ``asked`` counts."""

    asked = 0

    def __call__(self) -> str:
        self.asked += 1
        if self.asked > 1:
            raise LookupError("no token now")
        return "t"
