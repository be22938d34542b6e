"""Purging: finished entries are deleted after some time, as their contents may be secret."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, select

from aerogram.exceptions import ScheduleError
from aerogram.outbox.schedule import refused, span_of
from aerogram.outbox.storage import schema
from aerogram.outbox.storage.database import Database, current_database
from aerogram.outbox.storage.schema import attempt, content, entry, recipient

__all__ = ["KEPT_DAYS", "purge"]

DAY: Final = 86_400
KEPT_DAYS: Final = {"done": 7, "cancelled": 7, "dead": 90}
"""For how many days an entry is kept that has ended."""

KEPT_KEY_DAYS: Final = 90
BATCH: Final = 500


def purge(
    older_than: float | timedelta | None = None, states: Collection[str] = ("done", "cancelled", "dead")
) -> int:
    """Delete finished entries: sent or cancelled ones after 7 days, dead ones after 90.

    Entries are deleted in batches of 500, so that other processes do not have to wait. Idempotency keys are
    remembered for 90 days.

    Args:
        older_than: the minimum age since the end, as seconds or a timedelta, instead of these days.
        states: delete only entries in these states; only final states are allowed.

    Returns:
        The number of deleted entries.

    Raises:
        ScheduleError: a state that is never deleted, or an age below 0.
    """
    if isinstance(states, str) or not isinstance(states, Collection):
        raise refused("states", states, "a list of states")
    if others := [each for each in states if each not in tuple(KEPT_DAYS)]:
        raise ScheduleError(f"{str(others[0])[:40]!r} is never purged. Accepted: {', '.join(KEPT_DAYS)}.")
    age = None if older_than is None else span_of("older_than", older_than)
    ages = {each: KEPT_DAYS[each] * DAY * 1000 if age is None else age for each in states}
    db = current_database()
    total = sum(_purge(db, state, age) for state, age in ages.items())
    db.checkpoint()
    return total


def _purge(db: Database, state: str, age: int) -> int:
    total = 0
    while True:
        with db.writing() as connection:
            now = db.now(connection)
            ended = select(entry.c.id).where(entry.c.state == state, entry.c.finished <= now - age)
            ids = list(connection.scalars(ended.limit(BATCH).with_for_update(skip_locked=True)))
            for table in (attempt, recipient, content):
                connection.execute(table.delete().where(table.c.entry.in_(ids)))
            connection.execute(entry.delete().where(entry.c.id.in_(ids)))
            if len(ids) < BATCH:
                _purge_keys(connection, now)
                return total + len(ids)
            total += len(ids)


def _purge_keys(connection: Connection, now: int) -> None:
    kept = select(entry.c.id).where(entry.c.id == schema.key.c.entry).exists()
    old = schema.key.c.created <= now - KEPT_KEY_DAYS * DAY * 1000
    connection.execute(schema.key.delete().where(old, ~kept))
