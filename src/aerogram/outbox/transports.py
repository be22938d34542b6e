"""State of a mailer that all workers share: a pause while its server is down, and a rate limit.

A mailer is named by its alias; ``None`` is the one of ``OUTBOX_MAILER``.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, Update, select

from aerogram.conf import settings
from aerogram.mail.mailers import DEFAULT_MAILER
from aerogram.outbox.schedule import datetime_of
from aerogram.outbox.storage.prepared import insertion
from aerogram.outbox.storage.schema import transport

if TYPE_CHECKING:
    from aerogram.outbox.storage.database import Database

__all__ = ["end_pause", "name_of", "pause", "paused_mailers", "paused_until", "resume", "take_tokens"]


def pause(db: Database, mailer: str | None, seconds: float) -> int:
    """Claim no mail of a mailer for some time.

    Returns:
        How many times in a row it was paused, since the last :func:`resume`.
    """
    with db.writing() as connection:
        now, row = _locked(db, connection, mailer)
        failures: int = row.failures + 1
        until = now + int(seconds * 1000)
        connection.execute(_update(mailer).values(paused_until=until, failures=failures))
    return failures


def resume(db: Database, mailer: str | None) -> None:
    """Claim mail of a mailer again: its server has answered."""
    with db.writing() as connection:
        connection.execute(_update(mailer).values(paused_until=0, failures=0))


def end_pause(connection: Connection, mailer: str | None) -> None:
    """End a pause for workers that start now; the server counts as failing until it answers."""
    connection.execute(_update(mailer).values(paused_until=0))


def name_of(mailer: str | None) -> str:
    """Return the alias of a mailer, or ``default`` for SMTP as the EMAIL_* settings say."""
    return mailer or settings.OUTBOX_MAILER or DEFAULT_MAILER


def paused_until(connection: Connection, now: int) -> dict[str, datetime]:
    """Return the names of the mailers that are paused, with the end of each pause."""
    rows = connection.execute(
        select(transport.c.mailer, transport.c.paused_until)
        .where(transport.c.paused_until > now)
        .order_by(transport.c.paused_until)
    )
    return {name_of(mailer): datetime_of(until) for mailer, until in rows}


def paused_mailers(connection: Connection, now: int) -> set[str]:
    """Return the mailers that are paused, as the table of entries names them."""
    return set(connection.scalars(select(transport.c.mailer).where(transport.c.paused_until > now)))


def take_tokens(db: Database, mailer: str | None, wanted: int, *, rate: float, burst: float) -> int:
    """Take from the rate limit that all workers share.

    Args:
        mailer: whose limit it is.
        wanted: messages that could be sent now.
        rate: messages a second.
        burst: tokens that collect at most while nothing is sent.

    Returns:
        How many messages may be sent now.
    """
    most = max(1.0, burst)
    with db.writing() as connection:
        now, row = _locked(db, connection, mailer)
        tokens, refilled = (most, now) if row.tokens is None else (row.tokens, row.refilled)
        # A clock that was set back neither gives tokens nor takes them.
        tokens = min(most, tokens + max(0, now - refilled) / 1000 * rate)
        granted = min(wanted, int(tokens))
        connection.execute(_update(mailer).values(tokens=tokens - granted, refilled=now))
    return granted


def _locked(db: Database, connection: Connection, mailer: str | None) -> tuple[int, Row[Any]]:
    """Return the time and the row of a mailer, locked against other workers."""
    where = transport.c.mailer == (mailer or "")
    query = select(transport).where(where).with_for_update()
    if (row := connection.execute(query).first()) is None:
        # Another process may be inserting it at the same time.
        connection.execute(
            insertion(connection, transport).values(mailer=mailer or "").on_conflict_do_nothing()
        )
        row = connection.execute(query).one()
    return db.now(connection), row


def _update(mailer: str | None) -> Update:
    return transport.update().where(transport.c.mailer == (mailer or ""))
