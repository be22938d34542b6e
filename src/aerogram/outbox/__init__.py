"""The outbox: mail that is committed to a database before anything is sent.

>>> from aerogram import outbox
>>> from aerogram.mail import EmailMessage
>>> mail = EmailMessage("Hello", "Good morning.", None, ["ann@example.com"])
>>> entry_id = mail.send_later(delay=60)
>>> outbox.get(entry_id).state
'queued'
>>> outbox.cancel(entry_id).state
'cancelled'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aerogram.exceptions import MissingDependency

try:
    import sqlalchemy as _sqlalchemy  # noqa: F401 - so that its absence is told here, and how to mend it
except ImportError:
    raise MissingDependency("The outbox needs SQLAlchemy: pip install 'aerogram[outbox]'.") from None

from aerogram.outbox.entries import Attempt, Entry, Recipient, cancel, content, get, list_entries, retry
from aerogram.outbox.metrics import Status, counts, prometheus_text, status
from aerogram.outbox.storage.database import current_database
from aerogram.outbox.storage.joining import committed
from aerogram.outbox.storage.purging import purge
from aerogram.outbox.suppressions import Suppression, list_suppressions, suppress, unsuppress

if TYPE_CHECKING:
    from aerogram.outbox.worker import Worker

__all__ = [
    "Attempt",
    "Entry",
    "Recipient",
    "Status",
    "Suppression",
    "cancel",
    "committed",
    "content",
    "counts",
    "get",
    "init",
    "list_entries",
    "list_suppressions",
    "prometheus_text",
    "purge",
    "retry",
    "run_once",
    "start",
    "status",
    "suppress",
    "unsuppress",
]


def init() -> None:
    """Make the tables of ``OUTBOX_URL``, and the file, if they do not exist. Queueing does so, too.

    Raises:
        OutboxUnavailable: they cannot be made.
        OutboxSchemaError: they are of another version.
    """
    current_database().prepare(create=True)


def run_once(*, concurrency: int = 8) -> int:
    """Send what is due, then return; for cron.

    Args:
        concurrency: how many connections to each server, and how many mails at once by other mailers.

    Returns:
        How many mails were accepted for at least one recipient.

    Raises:
        ScheduleError: the concurrency is no whole number, or below 1.
        OutboxUnavailable: the database cannot be used.
    """
    from aerogram.outbox.worker import Worker

    return Worker(concurrency=concurrency, once=True).run()


def start(*, concurrency: int = 1) -> Worker:
    """Send in the background, in threads of this process, until it ends; for a small web application.

    Another call returns the worker that runs already. A process that is forked later has none, and wakes that
    of its parent.

    Args:
        concurrency: how many connections to each server, and how many mails at once by other mailers.

    Returns:
        The worker; its ``stop()`` ends it after the mails that are being sent.

    Raises:
        ScheduleError: the concurrency is no whole number, or below 1.
    """
    from aerogram.outbox import worker

    return worker.start(concurrency=concurrency)
