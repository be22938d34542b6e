"""Queries about many entries: those of a run, found by their keys, and those that are overdue."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from aerogram.outbox.storage import schema
from aerogram.outbox.storage.database import current_database
from aerogram.outbox.storage.schema import ENTRY_STATES, QUEUED, entry
from aerogram.outbox.transports import paused_mailers

__all__ = ["counts_of", "entries_of", "overdue"]


def entries_of(keys: Sequence[str]) -> dict[str, str]:
    """Return the ids of the entries that were queued by these keys.

    Args:
        keys: some hundreds at most.
    """
    query = select(schema.key.c.key, schema.key.c.entry).where(schema.key.c.key.in_(keys))
    with current_database().reading() as connection:
        return {row.key: row.entry for row in connection.execute(query)}


def counts_of(prefix: str) -> dict[str, int]:
    """Return the number of entries in each state whose keys have a prefix, and how many are ``purged``.

    Args:
        prefix: what the keys begin with, a slash at its end.
    """
    behind = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    keys = schema.key
    query = (
        select(func.coalesce(entry.c.state, "purged"), func.count())
        .select_from(keys.outerjoin(entry, entry.c.id == keys.c.entry))
        .where(keys.c.key >= prefix, keys.c.key < behind)
        .group_by(func.coalesce(entry.c.state, "purged"))
    )
    with current_database().reading() as connection:
        found = {str(state): int(count) for state, count in connection.execute(query)}
    return {**dict.fromkeys((*ENTRY_STATES, "purged"), 0), **found}


def overdue(seconds: float, *, limit: int) -> int:
    """Return how many entries have been due for a time, except those of paused mailers.

    Args:
        seconds: how long.
        limit: no more than these are counted.
    """
    db = current_database()
    with db.reading() as connection:
        now = db.now(connection)
        paused = paused_mailers(connection, now)
        some = (
            select(entry.c.id)
            .where(QUEUED, entry.c.due <= now - int(seconds * 1000), entry.c.mailer.not_in(paused))
            .limit(limit)
            .subquery()
        )
        return int(connection.execute(select(func.count()).select_from(some)).scalar_one())
