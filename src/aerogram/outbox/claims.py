"""Claims: which worker may send a mail, and in what order.

A claim is a lease: it ends at a time unless it is renewed, and a token that rises with each claim says who
holds it. A worker that has lost its lease can neither begin to send nor overwrite what another recorded.

The mails of one call of :func:`claim` are sent in the order of the list: when a worker dies, the first of
them that is not recorded is the one that it was sending.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import Connection, Row, bindparam, literal_column, select

from aerogram.outbox.claimed import Claim
from aerogram.outbox.recording import RESULT, milliseconds, result, settle
from aerogram.outbox.retries import Outcome
from aerogram.outbox.storage.prepared import fetch, run, run_all
from aerogram.outbox.storage.schema import QUEUED, SENDING, content, entry, recipient
from aerogram.outbox.suppressions import suppressed_of
from aerogram.outbox.transports import paused_mailers

if TYPE_CHECKING:
    from aerogram.outbox.storage.database import Database

__all__ = ["DAY", "claim", "mailers_with_mail", "release", "renew", "urgency"]

DAY: Final = 86_400_000
"""Milliseconds of waiting that outweigh one step of priority."""

CLAIM_BYTES: Final = 16 * 2**20
"""A claim of several mails ends where they have this size together."""


def claim(
    db: Database,
    worker: str,
    limit: int,
    *,
    lease: float,
    mailers: Collection[str | None] | None = None,
    mailers_paused: Collection[str | None] = (),
    only: Collection[str] | None = None,
) -> list[Claim]:
    """Claim mail that is due, the most urgent first; end mail that has expired or is suppressed.

    Args:
        db: the database.
        worker: a name that no other worker has, alive or dead.
        limit: how many mails at most.
        lease: seconds for which the claims hold unless they are renewed.
        mailers: those that the caller wants mail of; all if it is None.
        mailers_paused: mailers that the caller does not want mail of, beside those that are paused.
        only: the ids of the mails that the caller wants, some hundreds at most; of all if it is None.

    Returns:
        The claims; an empty list if nothing is due.
    """
    while True:
        with db.writing() as connection:
            now = db.now(connection)
            skipped = {each or "" for each in mailers_paused} | paused_mailers(connection, now)
            served = None if mailers is None else [each or "" for each in mailers if each not in skipped]
            if only is None:
                rows = _due(connection, now, limit, skipped, served)
            else:
                wanted = {"ids": list(only), "skipped": list(skipped), "now": now, "limit": limit}
                query = _WANTED if served is None else _WANTED.where(entry.c.mailer.in_(served))
                rows = [_Ready(*row) for row in connection.execute(query, wanted)]
            claims = _take(connection, rows, worker, now, lease) if rows else []
        if claims or not rows:
            return claims


def renew(db: Database, worker: str, claims: Iterable[Claim], lease: float) -> set[str]:
    """Extend the leases of a worker.

    Returns:
        The ids of the claims that are still held.
    """
    tokens = {each.id: each.token for each in claims}
    with db.writing() as connection:
        now = db.now(connection)
        query = select(entry.c.id, entry.c.lease_token).where(
            entry.c.id.in_(tokens), entry.c.lease_owner == worker, SENDING
        )
        rows = connection.execute(query.order_by(entry.c.id).with_for_update())
        held = {row.id for row in rows if row.lease_token == tokens[row.id]}
        if held:
            values = {"lease_until": now + milliseconds(lease), "planned": now}
            connection.execute(entry.update().where(entry.c.id.in_(held)).values(values))
    return held


def release(db: Database, claims: Iterable[Claim]) -> None:
    """Put mails back that were claimed and not sent. Nothing is counted, and they stay due."""
    with db.writing() as connection:
        tokens = {each.id: each.token for each in claims}
        query = select(entry.c.id, entry.c.lease_token).where(entry.c.id.in_(tokens), SENDING)
        rows = connection.execute(query.order_by(entry.c.id).with_for_update())
        held = [row.id for row in rows if row.lease_token == tokens[row.id]]
        settle(connection, held, db.now(connection))


_LANE_HEAD: Final = select(entry.c.mailer, entry.c.priority, entry.c.due).where(QUEUED).limit(1)
_NEXT_OF_MAILER: Final = _LANE_HEAD.where(
    entry.c.mailer == bindparam("mailer"), entry.c.priority > bindparam("priority")
).order_by(entry.c.priority, entry.c.due)
_NEXT_MAILER: Final = _LANE_HEAD.where(entry.c.mailer > bindparam("mailer")).order_by(
    entry.c.mailer, entry.c.priority, entry.c.due
)


class _Ready(NamedTuple):
    """The columns that are read of an entry that is due."""

    id: str
    due: int
    priority: int
    size: int
    mailer: str
    sender: str
    expires: int | None
    lease_token: int
    crashes: int
    uncertain: int


_READY: Final = select(*[entry.c[name] for name in _Ready._fields])
_LANE: Final = (
    _READY.where(
        QUEUED,
        entry.c.mailer == bindparam("mailer"),
        entry.c.priority == bindparam("priority"),
        entry.c.due <= bindparam("now"),
    )
    .order_by(entry.c.due, entry.c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_LOWEST: Final = -(2**31)


_WANTED: Final = (
    _READY.where(
        entry.c.id.in_(bindparam("ids", expanding=True)),
        QUEUED,
        entry.c.due <= bindparam("now"),
        entry.c.mailer.not_in(bindparam("skipped", expanding=True)),
    )
    .order_by(entry.c.due, entry.c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)


def _due(
    connection: Connection, now: int, limit: int, skipped: Collection[str], served: Collection[str] | None
) -> list[_Ready]:
    """Return the most urgent entries: of some mailers, or of all but some.

    A lane is what has the same mailer and priority. The index has each lane in the order of ``due``, so what
    this reads does not grow with the number of entries: neither with those of later, nor with those of a
    mailer that is paused.
    """
    rows: list[_Ready] = []
    for mailer, priority, due in _lane_heads(connection, skipped, served):
        if due <= now:
            lane = fetch(connection, _LANE, mailer=mailer, priority=priority, now=now, limit=limit)
            rows += map(_Ready._make, lane)
    size, chosen = 0, list[_Ready]()
    for row in sorted(rows, key=urgency)[:limit]:
        size += row.size
        if chosen and size > CLAIM_BYTES:
            break
        chosen.append(row)
    return chosen


def _lane_heads(
    connection: Connection, skipped: Collection[str], served: Collection[str] | None
) -> Iterator[tuple[str, int, int]]:
    """Yield the first entry of each lane. A comparison of pairs would read whole lanes of SQLite's index."""
    for mailer in mailers_with_mail(connection) if served is None else served:
        priority = _LOWEST
        while mailer not in skipped and (
            heads := fetch(connection, _NEXT_OF_MAILER, mailer=mailer, priority=priority)
        ):
            yield heads[0]
            [(_, priority, _)] = heads


def mailers_with_mail(connection: Connection) -> Iterator[str]:
    """Yield the mailers that have queued mail, and first that of ``OUTBOX_MAILER``."""
    yield (mailer := "")
    while heads := fetch(connection, _NEXT_MAILER, mailer=mailer):
        yield (mailer := heads[0][0])


def urgency(row: _Ready | Row[Any]) -> tuple[int, str]:
    """Return the expression that orders claims: a day of waiting outweighs a step of priority."""
    return row.due - row.priority * DAY, row.id


def _take(connection: Connection, rows: list[_Ready], worker: str, now: int, lease: float) -> list[Claim]:
    """Lease the entries with a recipient who gets the mail now; end the others."""
    expired = {row.id for row in rows if row.expires is not None and row.expires <= now}
    if expired:
        ending = {"state": "expired", "text": "not sent in time"}
        pending = (recipient.c.entry.in_(expired), recipient.c.state == "pending")
        connection.execute(recipient.update().where(*pending).values(ending))
    attempts: dict[str, dict[str, int]] = {row.id: {} for row in rows}
    waiting = run(connection, _waiting, [row.id for row in rows if row.id not in expired], now=now)
    barred = suppressed_of(connection, [address for _, address, _ in waiting], now)
    for entry_id, address, number in waiting:
        if address not in barred:
            attempts[entry_id][address] = number
    suppressed = [
        result(entry_id, Outcome(address, "suppressed", counts=False), now)
        for entry_id, address, _ in waiting
        if address in barred
    ]
    run_all(connection, RESULT, suppressed)
    settle(connection, [row.id for row in rows if not attempts[row.id]], now)
    taken = [row for row in rows if attempts[row.id]]
    until, ids = now + milliseconds(lease), [row.id for row in taken]
    run(connection, _lease, ids, owner=worker, until=until, now=now)
    contents = dict(run(connection, _contents, ids))
    return [
        Claim(
            id=row.id,
            token=row.lease_token + 1,
            mailer=row.mailer or None,
            sender=row.sender,
            recipients=tuple(attempts[row.id]),
            content=contents[row.id],
            attempts=attempts[row.id],
            crashes=row.crashes,
            uncertain=row.uncertain,
            lease=lease,
        )
        for row in taken
    ]


def _lease(ids: Sequence[Any]) -> Any:
    return (
        entry.update()
        .where(entry.c.id.in_(ids))
        .values(
            state=literal_column("'sending'"),
            phase=literal_column("'claimed'"),
            lease_owner=bindparam("owner"),
            lease_until=bindparam("until"),
            claimed=bindparam("now"),
            planned=bindparam("now"),
            lease_token=entry.c.lease_token + literal_column("1"),
        )
    )


def _waiting(ids: Sequence[Any]) -> Any:
    return (
        select(recipient.c.entry, recipient.c.address, recipient.c.attempts)
        .where(
            recipient.c.entry.in_(ids), recipient.c.state == "pending", recipient.c.due <= bindparam("now")
        )
        .order_by(recipient.c.entry, recipient.c.position)
    )


def _contents(ids: Sequence[Any]) -> Any:
    return select(content.c.entry, content.c.content).where(content.c.entry.in_(ids))
