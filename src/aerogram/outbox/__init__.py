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

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aerogram.exceptions import InvalidAddress, MissingDependency

try:
    import sqlalchemy as _sqlalchemy  # noqa: F401 - so that its absence is told here, and how to mend it
except ImportError:
    raise MissingDependency("The outbox needs SQLAlchemy: pip install 'aerogram[outbox]'.") from None

from aerogram.mail.address.entries import MailboxLike, plain_entry
from aerogram.mail.address.parser import parse_mailbox
from aerogram.mail.characters import clean_text
from aerogram.outbox import entries, metrics, suppressions
from aerogram.outbox.entries import Attempt, Entry, Recipient
from aerogram.outbox.metrics import Status
from aerogram.outbox.schedule import moment_of, refused
from aerogram.outbox.storage import purging
from aerogram.outbox.storage.database import current_database
from aerogram.outbox.storage.joining import committed
from aerogram.outbox.suppressions import Suppression

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


def get(entry_id: str) -> Entry:
    """Return an entry, with its recipients and its history.

    Args:
        entry_id: what ``send_later`` returned.

    Raises:
        EntryNotFound: there is none of that id.
    """
    return entries.find(current_database(), entry_id)


def content(entry_id: str) -> bytes:
    """Return the message of an entry as it is sent, before it is signed.

    Args:
        entry_id: what ``send_later`` returned.

    Raises:
        EntryNotFound: there is none of that id.
    """
    return entries.content_of(current_database(), entry_id)


def counts() -> dict[str, int]:
    """Return how many entries are in each state; every state is there."""
    return metrics.counts(current_database())


def status() -> Status:
    """Return the counts, and what shows whether the queue moves."""
    return metrics.status(current_database())


def list_entries(state: str | None = None, limit: int = 100, before: str | None = None) -> list[Entry]:
    """Return entries without their history, the newest first.

    Args:
        state: only those in this state.
        limit: at most so many.
        before: the id of an entry: only older ones, for the next page.

    Raises:
        OutboxError: there is no such state, or an argument is of another type.
    """
    return entries.listed(current_database(), state, limit, before)


def cancel(entry_id: str) -> Entry:
    """Cancel a mail for everyone who has not got it.

    Args:
        entry_id: what ``send_later`` returned.

    Returns:
        The entry: ``cancelled``, or ``done`` if it was sent to someone before.

    Raises:
        EntryNotFound: there is none of that id.
        EntryStateError: a worker is sending it, or it has ended.
    """
    return entries.cancel(current_database(), entry_id)


def retry(entry_id: str) -> Entry:
    """Make a queued, dead or held mail due at once for everyone who has not got it.

    Args:
        entry_id: what ``send_later`` returned.

    Returns:
        The entry.

    Raises:
        EntryNotFound: there is none of that id.
        EntryStateError: its state is another.
    """
    return entries.retry(current_database(), entry_id)


def purge(
    older_than: float | timedelta | None = None,
    states: Collection[str] = ("done", "cancelled", "dead"),
) -> int:
    """Delete entries that have ended: those sent or cancelled after 7 days, those dead after 90.

    Args:
        older_than: seconds or a timedelta since they ended, instead of these days.
        states: only those in these states.

    Returns:
        The number of entries.

    Raises:
        OutboxError: a state that is never deleted, or an age below 0.
    """
    return purging.purge(current_database(), older_than, states)


def suppress(address: MailboxLike, reason: str = "", expires: datetime | None = None) -> None:
    """Send an address no mail of the outbox any more.

    Args:
        address: a mailbox in any form; upper and lower case are the same.
        reason: for the list.
        expires: until when; for ever if it is None.

    Raises:
        ScheduleError: one of them is not accepted; the text names it.
    """
    db = current_database()
    bare = _bare(address)
    if "@" not in bare:
        raise refused("address", address, "a mail address with its domain, such as bob@example.com")
    if not isinstance(reason, str):
        raise refused("reason", reason, "a text")
    until = None if expires is None else moment_of("expires", expires)
    with db.writing() as connection:
        suppressions.suppress(connection, [bare], clean_text(reason), db.now(connection), until)


def unsuppress(address: MailboxLike) -> bool:
    """Send mail to an address again.

    Args:
        address: a mailbox in any form; upper and lower case are the same.

    Returns:
        Whether it was on the list.

    Raises:
        ScheduleError: it is no address.
    """
    bare = _bare(address)
    with current_database().writing() as connection:
        return suppressions.unsuppress(connection, bare)


def _bare(address: MailboxLike) -> str:
    try:
        return parse_mailbox(plain_entry(address), utf8=True).addr_spec
    except InvalidAddress:
        raise refused("address", address, "a mail address") from None


def list_suppressions(limit: int = 1000) -> list[Suppression]:
    """Return the addresses that get no mail, the newest first.

    Args:
        limit: at most so many.

    Raises:
        ScheduleError: the limit is no whole number, or below 0.
    """
    return suppressions.list_suppressions(current_database(), limit)


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


def prometheus_text() -> str:
    """Return the counts by state, and whether the queue moves, in the text format of Prometheus."""
    return metrics.prometheus_text(current_database())
