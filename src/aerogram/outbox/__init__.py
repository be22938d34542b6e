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
    """Create the tables of ``OUTBOX_URL`` (and the SQLite file) if they do not exist, as queueing does.

    Raises:
        OutboxUnavailable: the file or the tables cannot be created.
        OutboxSchemaError: they are of another version.
    """
    current_database().prepare(create=True)


def run_once(*, concurrency: int = 8) -> int:
    """Send all due mail, then return; for cron.

    Args:
        concurrency: the number of connections to each SMTP server, and of simultaneous mails for other
            mailers.

    Returns:
        The number of mails that were accepted for at least one recipient.

    Raises:
        ScheduleError: the concurrency is not a whole number, or is below 1.
        OutboxUnavailable: the database cannot be used.
    """
    from aerogram.outbox.worker import Worker

    return Worker(concurrency=concurrency, once=True).run()


def start(*, concurrency: int = 1) -> Worker:
    """Send mail in background threads of this process; for small web applications.

    Further calls return the running worker. A process that is forked later has no worker, but wakes that of
    its parent.

    Args:
        concurrency: the number of connections to each SMTP server, and of simultaneous mails for other
            mailers.

    Returns:
        The worker; its ``stop()`` stops it after the mails that are being sent.

    Raises:
        ScheduleError: the concurrency is not a whole number, or is below 1.
    """
    from aerogram.outbox import worker

    return worker.start(concurrency=concurrency)
