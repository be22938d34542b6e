"""The mails of the queue for operators: look, cancel, retry."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from aerogram.conf import settings
from aerogram.exceptions import EntryNotFound, EntryStateError, ScheduleError
from aerogram.mail.characters import excerpt
from aerogram.outbox import transports
from aerogram.outbox.recording import settle
from aerogram.outbox.recovery import recover_all
from aerogram.outbox.schedule import check_limit, datetime_of, refused
from aerogram.outbox.storage import schema
from aerogram.outbox.storage.database import current_database
from aerogram.outbox.storage.schema import ENTRY_STATES, SENDING, attempt, entry, recipient

__all__ = ["Attempt", "Entry", "Recipient", "cancel", "content", "get", "list_entries", "retry"]

_ID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TOGETHER: Final = 500  # entries whose recipients are read by one query


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient of an entry.

    Attributes:
        address: the address.
        state: ``pending``, or the final state: ``sent``, ``refused``, ``suppressed``, ``expired``,
            ``uncertain`` or ``cancelled``.
        attempts: the number of attempts, not counting those that did not reach the server.
        code: the last reply code.
        enhanced_code: the last enhanced status code (RFC 3463).
        text: the text of the last reply, or the reason for the state.
        due: when the next attempt is due, while ``pending``.
    """

    address: str
    state: str
    attempts: int
    code: int | None
    enhanced_code: str | None
    text: str
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send to a recipient, or the whole mail if ``address`` is empty."""

    address: str
    outcome: str
    started: datetime | None
    ended: datetime
    code: int | None
    enhanced_code: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A snapshot of one mail in the outbox.

    Attributes:
        id: the id of the entry.
        state: ``queued``, ``sending``, ``done``, ``dead``, ``cancelled`` or ``held``.
        recipients: all recipients, including Bcc.
        key: the idempotency key.
        subject: the subject.
        sender: the envelope sender.
        message_id: the Message-ID.
        size: the size of the content in bytes.
        mailer: the alias of the mailer; ``None`` means ``OUTBOX_MAILER``.
        priority: the priority.
        created: when the mail was queued.
        due: when the next attempt is due, or when the last one was.
        expires: when the mail expires.
        finished: when the entry reached its final state.
        crashes: how many times a worker died while it was sending the mail.
        uncertain: how many times it was uncertain whether the mail was sent; never reset.
        history: all attempts, oldest first; empty in a list of entries.
    """

    id: str
    state: str
    recipients: tuple[Recipient, ...] = field(repr=False)
    key: str | None = field(repr=False)
    subject: str = field(repr=False)
    sender: str = field(repr=False)
    message_id: str
    size: int
    mailer: str | None
    priority: int
    created: datetime
    due: datetime
    expires: datetime | None
    finished: datetime | None
    crashes: int
    uncertain: int
    history: tuple[Attempt, ...] = field(default=(), repr=False)


def get(entry_id: str) -> Entry:
    """Return an entry, with its recipients and its history.

    Args:
        entry_id: what ``send_later`` returned.

    Raises:
        EntryNotFound: there is no entry with that id.
    """
    _check_id(entry_id)
    with current_database().reading() as connection:
        row = connection.execute(select(entry).where(entry.c.id == entry_id)).first()
        if row is None:
            raise _missing(entry_id)
        query = select(attempt).where(attempt.c.entry == entry_id).order_by(attempt.c.id)
        history = tuple(_attempt(each) for each in connection.execute(query))
        [found] = _entries(connection, [row], history)
    return found


def list_entries(state: str | None = None, limit: int = 100, before: str | None = None) -> list[Entry]:
    """Return entries without their history, newest first.

    Args:
        state: only those in this state.
        limit: the maximum number to return.
        before: the id of an entry; only older ones are returned, for the next page.

    Raises:
        ScheduleError: the state does not exist, or an argument has the wrong type.
    """
    check_limit(limit)
    query = select(entry).order_by(entry.c.id.desc()).limit(limit)
    if state is not None:
        if state not in ENTRY_STATES:
            raise ScheduleError(f"{excerpt(state)} is not a state. Accepted: {', '.join(ENTRY_STATES)}.")
        query = query.where(entry.c.state == state)
    if before is not None:
        if not (isinstance(before, str) and _ID.fullmatch(before)):  # it may have been purged meanwhile
            raise refused("before", before, "the id of an entry, as in the list")
        query = query.where(entry.c.id < before)
    with current_database().reading() as connection:
        return _entries(connection, connection.execute(query).all())


def content(entry_id: str) -> bytes:
    """Return the message of an entry as bytes, before it is signed.

    Args:
        entry_id: what ``send_later`` returned.

    Raises:
        EntryNotFound: there is no entry with that id.
    """
    _check_id(entry_id)
    query = select(schema.content.c.content).where(schema.content.c.entry == entry_id)
    with current_database().reading() as connection:
        found = connection.scalar(query)
    if found is None:
        raise _missing(entry_id)
    return bytes(found)


def cancel(entry_id: str) -> Entry:
    """Cancel a mail for every recipient who has not received it.

    Args:
        entry_id: what ``send_later`` returned.

    Returns:
        The entry: ``cancelled``, or ``done`` if it was sent to someone before.

    Raises:
        EntryNotFound: there is no entry with that id.
        EntryStateError: a worker is sending the mail, or its state is final.
    """
    with _changing(entry_id) as (connection, row, now):
        if row.state not in ("queued", "held"):
            why = "a worker is sending it" if row.state == "sending" else f"it is {row.state}"
            raise EntryStateError(f"Entry {entry_id} cannot be cancelled: {why}. Accepted: queued and held.")
        waiting = recipient.c.state.in_(("pending", "uncertain"))
        _change(connection, entry_id, waiting, state="cancelled")
        settle(connection, [entry_id], now)
    return get(entry_id)


def retry(entry_id: str) -> Entry:
    """Make a queued, dead or held mail due at once, for every recipient who has not received it.

    The crash count of a dead or held entry is reset, and an expired entry expires ``OUTBOX_EXPIRES`` seconds
    from now. Uncertain events stay on record. A pause of its mailer ends.

    Args:
        entry_id: what ``send_later`` returned.

    Returns:
        The entry.

    Raises:
        EntryNotFound: there is no entry with that id.
        EntryStateError: the entry is in another state.
    """
    with _changing(entry_id) as (connection, row, now):
        if row.state not in ("queued", "dead", "held"):
            raise EntryStateError(
                f"Entry {entry_id} cannot be sent again: it is {row.state}. Accepted: queued, dead and held."
            )
        again = (
            ("pending",)
            if row.state == "queued"
            else ("pending", "refused", "suppressed", "expired", "uncertain")
        )
        blank = {"code": None, "enhanced_code": None, "text": ""}  # it is not what it waits for now
        _change(connection, entry_id, recipient.c.state.in_(again), state="pending", due=now, **blank)
        values: dict[str, Any] = {"crashes": 0, "finished": None}
        if row.expires is not None and row.expires <= now:
            wait = settings.OUTBOX_EXPIRES
            values["expires"] = None if wait is None else now + int(wait * 1000)
        connection.execute(entry.update().where(entry.c.id == entry_id).values(values))
        settle(connection, [entry_id], now)
        transports.end_pause(connection, row.mailer)
    return get(entry_id)


@contextmanager
def _changing(entry_id: str) -> Iterator[tuple[Connection, Row[Any], int]]:
    """Provide a locked entry and the time, after taking it back from a dead worker."""
    _check_id(entry_id)
    db = current_database()
    of_dead = select(entry.c.id).where(entry.c.id == entry_id, SENDING)
    with db.reading() as connection:
        now = db.now(connection)
        is_of_dead = connection.scalar(of_dead.where(entry.c.lease_until <= now)) is not None
    if is_of_dead:
        recover_all(db)
    with db.writing() as connection:
        row = connection.execute(select(entry).where(entry.c.id == entry_id).with_for_update()).first()
        if row is None:
            raise _missing(entry_id)
        yield connection, row, db.now(connection)


def _change(connection: Connection, entry_id: str, which: Any, **values: Any) -> None:
    connection.execute(recipient.update().where(recipient.c.entry == entry_id, which).values(values))


def _check_id(entry_id: object) -> None:
    """Raise EntryNotFound for an id that no database can look up."""
    if not (isinstance(entry_id, str) and entry_id.isprintable()):
        raise _missing(entry_id)


def _missing(entry_id: object) -> EntryNotFound:
    return EntryNotFound(
        f"The outbox has no entry {excerpt(entry_id)}. 'aerogram outbox list' shows the ids."
    )


def _entries(
    connection: Connection, rows: Iterable[Row[Any]], history: tuple[Attempt, ...] = ()
) -> list[Entry]:
    rows = list(rows)
    recipients: dict[str, list[Recipient]] = {row.id: [] for row in rows}
    ids = list(recipients)
    while ids:
        some, ids = ids[:_TOGETHER], ids[_TOGETHER:]
        query = select(recipient).where(recipient.c.entry.in_(some)).order_by(recipient.c.position)
        for each in connection.execute(query):
            recipients[each.entry].append(_recipient(each))
    return [
        Entry(
            id=row.id,
            state=row.state,
            recipients=tuple(recipients[row.id]),
            key=row.key,
            subject=row.subject,
            sender=row.sender,
            message_id=row.message_id,
            size=row.size,
            mailer=row.mailer or None,
            priority=row.priority,
            created=datetime_of(row.created),
            due=datetime_of(row.due),
            expires=None if row.expires is None else datetime_of(row.expires),
            finished=None if row.finished is None else datetime_of(row.finished),
            crashes=row.crashes,
            uncertain=row.uncertain,
            history=history,
        )
        for row in rows
    ]


def _recipient(row: Row[Any]) -> Recipient:
    due = datetime_of(row.due) if row.state == "pending" else None
    return Recipient(row.address, row.state, row.attempts, row.code, row.enhanced_code, row.text, due)


def _attempt(row: Row[Any]) -> Attempt:
    started = None if row.started is None else datetime_of(row.started)
    return Attempt(
        row.address, row.outcome, started, datetime_of(row.ended), row.code, row.enhanced_code, row.text
    )
