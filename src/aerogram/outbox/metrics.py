"""The status of the queue: counts by state and ages, also in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import time

from sqlalchemy import Connection, case, func, or_, select

from aerogram.mail.mailers import mailers
from aerogram.outbox import transports
from aerogram.outbox.claims import mailers_with_mail
from aerogram.outbox.schedule import datetime_of, moment_of
from aerogram.outbox.storage.database import current_database
from aerogram.outbox.storage.schema import ENDED, ENTRY_STATES, IN_DOUBT, QUEUED, SENDING, entry, transport
from aerogram.outbox.transports import name_of

__all__ = ["Left", "Status", "counts", "left_since", "prometheus_text", "status"]

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Status:
    """An overview of the queue.

    Attributes:
        counts: how many entries are in each state.
        uncertain: entries of which it was at least once uncertain whether they were sent.
        oldest_queued_seconds: the age of the oldest mail that is or was due; ``None`` if there is none.
        sent_last_hour: entries that ended as ``done`` during the last hour.
        paused: the mailers whose server failed and is left alone, with the end of the pause.
        unknown_mailers: the mailers that queued mail or ``OUTBOX_MAILER`` names, and that the settings lack.
    """

    counts: dict[str, int]
    uncertain: int
    oldest_queued_seconds: float | None
    sent_last_hour: int
    paused: dict[str, datetime] = field(default_factory=dict)
    unknown_mailers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """The mail that a run of a worker has left.

    Attributes:
        queued: the mails that are queued, or sent by other workers now.
        next_due: when the first of those that are queued can be sent; None if there is none.
        dead: the mails that have ended since then and reached no one.
        held: the mails that wait for the operator.
    """

    queued: int
    next_due: datetime | None
    dead: int
    held: int


def left_since(began: datetime) -> Left:
    """Return the mail left by a run of a worker that began at a given time."""
    db = current_database()
    with db.reading() as connection:
        since = moment_of("began", began) - int(time() * 1000) + db.now(connection)
        dead = (
            select(func.count()).select_from(entry).where(entry.c.state == "dead", entry.c.finished >= since)
        )
        paused = (
            select(transport.c.paused_until).where(transport.c.mailer == entry.c.mailer).scalar_subquery()
        )
        possible = func.coalesce(case((paused > entry.c.due, paused)), entry.c.due)
        soonest = connection.scalar(select(func.min(possible)).where(QUEUED))
        found = _counts(connection)
        return Left(
            found["queued"] + found["sending"],
            None if soonest is None else datetime_of(soonest),
            connection.scalar(dead) or 0,
            found["held"],
        )


def counts() -> dict[str, int]:
    """Return the number of entries in each state, including states without entries."""
    with current_database().reading() as connection:
        return _counts(connection)


def status() -> Status:
    """Return the status of the queue."""
    db = current_database()
    with db.reading() as connection:
        now = db.now(connection)
        doubtful = select(func.count()).select_from(entry).where(IN_DOUBT)
        was_due = or_(entry.c.due <= now, entry.c.lease_token > 0)  # not what waits for its first time
        oldest = select(entry.c.created).where(QUEUED, was_due).order_by(entry.c.created).limit(1)
        recent = select(func.count()).select_from(entry)
        recent = recent.where(entry.c.state == "done", entry.c.finished > now - 3_600_000)
        created = connection.scalar(oldest)
        return Status(
            counts=_counts(connection),
            uncertain=connection.scalar(doubtful) or 0,
            oldest_queued_seconds=None if created is None else max(0, now - created) / 1000,
            sent_last_hour=connection.scalar(recent) or 0,
            paused=transports.paused_until(connection, now),
            unknown_mailers=tuple(
                name for alias in mailers_with_mail(connection) if (name := name_of(alias)) not in mailers
            ),
        )


def _counts(connection: Connection) -> dict[str, int]:
    found = dict.fromkeys(ENTRY_STATES, 0)
    for where in (QUEUED, SENDING, ENDED):  # each has an index of its own
        query = select(entry.c.state, func.count().label("number")).where(where).group_by(entry.c.state)
        found |= {row.state: row.number for row in connection.execute(query)}
    return found


def prometheus_text() -> str:
    """Return the status of the queue in the text format of Prometheus."""
    found = status()
    gauges: Iterable[tuple[str, str, Mapping[Labels, float]]] = (
        (
            "entries",
            "Entries by state.",
            {(("state", state),): number for state, number in found.counts.items()},
        ),
        (
            "uncertain_entries",
            "Entries of which it was at least once uncertain whether they were sent.",
            {(): found.uncertain},
        ),
        (
            "oldest_queued_seconds",
            "Age of the oldest mail that is due, 0 if none is.",
            {(): found.oldest_queued_seconds or 0},
        ),
        ("sent_last_hour", "Entries that were sent during the last hour.", {(): found.sent_last_hour}),
        (
            "mailer_paused",
            "Mailers whose server failed and is left alone for some time.",
            {(("mailer", name),): 1 for name in found.paused},
        ),
    )
    lines = []
    for name, explanation, values in gauges:
        name = f"aerogram_outbox_{name}"
        lines += [f"# HELP {name} {explanation}", f"# TYPE {name} gauge"]
        lines += [f"{name}{_written(labels)} {value:g}" for labels, value in values.items()]
    return "\n".join(lines) + "\n"


def _written(labels: Labels) -> str:
    escapes = {ord("\\"): "\\\\", ord('"'): '\\"', ord("\n"): "\\n"}
    pairs = ",".join(f'{name}="{value.translate(escapes)}"' for name, value in labels)
    return f"{{{pairs}}}" if pairs else ""
