"""A sample sent to an address typed in, through the project's own mailer, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aerogram.exceptions import InvalidAddress, describe
from aerogram.mail import get_connection
from aerogram.mail.address.parser import parse_mailbox

if TYPE_CHECKING:
    from aerogram.notification import Notification

__all__ = ["check_recipient", "mailer_name", "send_test"]


def check_recipient(address: str) -> None:
    """Raise InvalidAddress for what is not one whole address."""
    if not parse_mailbox(address).domain:
        raise InvalidAddress(f"{address!r} has no domain. Write the whole address: ann@example.com.")


def mailer_name() -> str:
    """Return what mail is sent through, by the settings, as people know it: a server or a backend."""
    try:
        connection = get_connection()
    except Exception as error:  # noqa: BLE001,RUF100 - a backend of the application's own
        return describe(error)
    host, port = getattr(connection, "host", None), getattr(connection, "port", None)
    return f"{host}:{port}" if host else type(connection).__module__.rpartition(".")[2]


def send_test(notification: Notification, to: str) -> dict[str, Any]:
    """Render and send a notification to ``to`` alone; its own recipients, Cc and Bcc get nothing.

    Returns:
        ``sent`` (whether the server took it), ``through``, ``message_id``, and ``recipients``: the address,
        status and reply of each; with ``error`` where there was one.

    Raises:
        InvalidAddress: ``to`` is not one whole address.
    """
    check_recipient(to)
    answer: dict[str, Any] = {"sent": False, "through": mailer_name(), "recipients": []}
    message = None
    try:
        message = notification.render()
        message.to, message.cc, message.bcc = [to], [], []
        answer["sent"] = bool(message.send())
    except Exception as error:  # noqa: BLE001,RUF100 - whatever a transport or a template raises is shown
        answer["error"] = describe(error)
        report = next(iter(getattr(error, "reports", ())), None) or getattr(message, "delivery", None)
    else:
        report = message.delivery
    if report is not None:
        answer["message_id"] = report.message_id
        answer["recipients"] = [
            {"address": address, "status": result.status, "reply": str(result)}
            for address, result in report.recipients.items()
        ]
    return answer
