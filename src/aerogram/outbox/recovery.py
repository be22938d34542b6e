"""Recovery, at start and regularly: take back the mail of dead workers, and correct wrong times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Row, select

from aerogram.conf import settings
from aerogram.outbox.claims import urgency
from aerogram.outbox.recording import settle
from aerogram.outbox.retries.waits import MAX_CRASHES, uncertain_due
from aerogram.outbox.storage.schema import QUEUED, SENDING, attempt, entry, recipient, transport

if TYPE_CHECKING:
    from aerogram.outbox.storage.database import Database

__all__ = ["BATCH", "recover", "recover_all"]

AHEAD: Final = 1_000
"""Milliseconds that a time in the database may be ahead of the clock before the clock counts as set back."""

LONGEST_PAUSE: Final = 720_000
"""Milliseconds for which a mailer is paused at most: ten minutes and a fifth."""

BATCH: Final = 500
"""How many mails are taken back at once, and whose times are corrected at once."""


def recover(db: Database, now: int | None = None) -> int:
    """Take back the mail of workers that died, and correct times that a clock which was ahead has written.

    The mail that a dead worker was sending counts a crash, and is dead after three; one whose content it may
    have sent follows ``OUTBOX_ON_UNCERTAIN``. What else it had claimed is queued as it was.

    Args:
        db: the database.
        now: milliseconds; by default the time of the database.

    Returns:
        The number of mails that were taken back.
    """
    with db.writing() as connection:
        now = db.now(connection) if now is None else now
        _correct_times(connection, now)
        query = select(entry).where(SENDING, entry.c.lease_until <= now).limit(BATCH)
        rows = connection.execute(query.with_for_update(skip_locked=True)).all()
        on_wire = {row.lease_owner for row in rows if row.phase == "data"}
        blamed = set[str](on_wire)
        for row in sorted(rows, key=urgency):
            if row.phase == "data":
                _recover_uncertain(connection, row, now)
                continue
            crashes = row.crashes + (row.lease_owner not in blamed)
            blamed.add(row.lease_owner)
            _recover_claimed(connection, row, crashes, now)
    return len(rows)


def recover_all(db: Database) -> int:
    """Do the same until none is left whose lease has ended; return how many mails were taken back."""
    total = 0
    while True:
        total += (taken := recover(db))
        if taken < BATCH:
            return total


def _recover_claimed(connection: Connection, row: Row[Any], crashes: int, now: int) -> None:
    connection.execute(entry.update().where(entry.c.id == row.id).values(crashes=crashes))
    if crashes > row.crashes:
        note = "a worker ended while it was sending this mail"
        waiting = (recipient.c.entry == row.id, recipient.c.state == "pending", recipient.c.due < now)
        connection.execute(recipient.update().where(*waiting).values(due=now))  # behind the others
        _note(connection, row, "crash", note, now)
        if crashes >= MAX_CRASHES:
            pending = (recipient.c.entry == row.id, recipient.c.state == "pending")
            values = {"state": "refused", "text": f"given up: {note}, {crashes} times"}
            connection.execute(recipient.update().where(*pending).values(values))
    settle(connection, [row.id], now)


def _recover_uncertain(connection: Connection, row: Row[Any], now: int) -> None:
    due = uncertain_due(row.uncertain + 1, now, settings.OUTBOX_ON_UNCERTAIN)
    text = "a worker ended while it was sending the content"
    values = {"state": "uncertain"} if due is None else {"due": due}
    on_wire = (
        recipient.c.entry == row.id,
        recipient.c.state == "pending",
        recipient.c.due <= row.claimed,
    )
    connection.execute(
        recipient.update()
        .where(*on_wire)
        .values(values | {"attempts": recipient.c.attempts + 1, "text": text})
    )
    _note(connection, row, "uncertain", text, now)
    settle(connection, [row.id], now, uncertain=[row.id])


def _note(connection: Connection, row: Row[Any], outcome: str, text: str, now: int) -> None:
    """Record an event that concerns the mail as a whole: its row has no address."""
    values = {"entry": row.id, "token": row.lease_token, "address": "", "started": row.claimed, "ended": now}
    connection.execute(attempt.insert().values(values | {"outcome": outcome, "text": text}))


def _correct_times(connection: Connection, now: int) -> None:
    """Shift the times that a clock which was ahead has computed, and has been set back since.

    The span that was meant stays: a mail that is due at once is due at once. So do times the caller named.
    """
    too_late = transport.c.paused_until > now + LONGEST_PAUSE
    connection.execute(transport.update().where(too_late).values(paused_until=0))
    for state in (QUEUED, SENDING):
        for column in (entry.c.planned, entry.c.created):
            query = select(entry).where(state, column > now + AHEAD).limit(BATCH)
            while rows := connection.execute(query.with_for_update(skip_locked=True)).all():
                for row in rows:
                    _correct_entry(connection, row, now)


def _correct_entry(connection: Connection, row: Row[Any], now: int) -> None:
    shift = (row.created if row.planned is None else row.planned) - now
    values: dict[str, Any] = {}
    if row.created > now + AHEAD:
        values["created"] = now
        if row.expires_from_now and row.expires is not None:
            values["expires"] = row.expires - max(shift, row.created - now)
    if row.planned is not None and row.planned > now + AHEAD:
        values |= {name: getattr(entry.c, name) - shift for name in ("due", "claimed", "lease_until")}
        values["planned"] = now
        pending = (recipient.c.entry == row.id, recipient.c.state == "pending")
        connection.execute(recipient.update().where(*pending).values(due=recipient.c.due - shift))
    connection.execute(entry.update().where(entry.c.id == row.id).values(values))
