"""The work of the workers: claim mail, mark that its content is sent, record what came of it.

A claim is a lease: it ends at a time unless it is renewed, and a token that rises with each claim says who
holds it. A worker that has lost its lease can neither begin to send nor overwrite what another recorded.

The mails of one call of :func:`claim` are sent in the order of the list: when a worker dies, the first of
them that is not recorded is the one that it was sending.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import Connection, Row, bindparam, case, func, select

from aerogram.outbox.retries import Outcome, Verdict
from aerogram.outbox.storage.prepared import run, run_all
from aerogram.outbox.storage.schema import QUEUED, SENDING, attempt, content, entry, recipient
from aerogram.outbox.suppressions import suppress, suppressed_of
from aerogram.outbox.transports import paused_mailers

if TYPE_CHECKING:
    from aerogram.outbox.storage.database import Database

__all__ = [
    "DAY",
    "Claim",
    "begin_content",
    "begin_contents",
    "claim",
    "record",
    "record_all",
    "release",
    "renew",
    "settle",
    "settle_all",
    "urgency",
]

DAY: Final = 86_400_000
"""Milliseconds of waiting that outweigh one step of priority."""

CLAIM_BYTES: Final = 16 * 2**20
"""A claim of several mails ends where they have this size together."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One mail that a worker holds.

    Attributes:
        id: the entry.
        token: which claim of the entry this is.
        mailer: the alias of the mailer that sends; ``None`` for that of ``OUTBOX_MAILER``.
        sender: the envelope sender, empty for the null sender.
        recipients: the addresses that the mail goes to now.
        content: the message in lines ended by CRLF, without dot-stuffing and signature.
        attempts: the attempts so far, for each of the recipients.
        crashes: how often a worker died that was sending it.
        uncertain: how often it was uncertain whether it was sent.
        expires: milliseconds, or ``None``.
        message_id: its Message-ID.
        lease: seconds.
    """

    id: str
    token: int
    mailer: str | None
    sender: str
    recipients: tuple[str, ...]
    content: bytes
    attempts: Mapping[str, int]
    crashes: int
    uncertain: int
    expires: int | None
    message_id: str
    lease: float

    def __repr__(self) -> str:
        return f"<Claim {self.id} #{self.token} to {len(self.recipients)} recipients>"


def claim(
    db: Database,
    worker: str,
    limit: int,
    *,
    lease: float,
    mailers_paused: Collection[str | None] = (),
    only: Collection[str] | None = None,
) -> list[Claim]:
    """Take mail that is due, the most urgent first; what has expired or is suppressed ends here.

    Args:
        db: the database.
        worker: a name that no other worker has, alive or dead.
        limit: how many mails at most.
        lease: seconds for which the claims hold unless they are renewed.
        mailers_paused: mailers that the caller does not want mail of, beside those that are paused.
        only: the ids of the mails that the caller wants, some hundreds at most; of all if it is None.

    Returns:
        The claims; an empty list if nothing is due.
    """
    while True:
        with db.writing() as connection:
            now = db.now(connection)
            skipped = {each or "" for each in mailers_paused} | paused_mailers(connection, now)
            if only is None:
                rows = _due(connection, now, limit, skipped)
            else:
                wanted = {"ids": list(only), "skipped": list(skipped), "now": now, "limit": limit}
                rows = list(connection.execute(_WANTED, wanted))
            claims = _take(connection, rows, worker, now, lease) if rows else []
        if claims or not rows:
            return claims


def begin_content(db: Database, claim: Claim) -> bool:
    """Record that the content of one mail is about to be sent; as :func:`begin_contents`.

    Returns:
        False if the lease is lost: send nothing.
    """
    with db.writing() as connection:
        return bool(begin_contents(connection, db.now(connection), [claim]))


def begin_contents(connection: Connection, now: int, claims: Sequence[Claim]) -> set[str]:
    """Record that the contents of some mails are about to be sent, so that a crash is uncertain from now on.

    Args:
        connection: a transaction that writes.
        now: the time of the database, in milliseconds.
        claims: the mails.

    Returns:
        The ids of those whose lease is not lost. Of the others nothing may be sent.
    """
    rows = [
        {"of_entry": each.id, "of_token": each.token, "until": now + _ms(each.lease), "now": now}
        for each in claims
    ]
    if run_all(connection, _BEGIN, rows) == len(rows):
        return {each.id for each in claims}
    states = _states_of(connection, claims)
    return {each.id for each in claims if _is_held(states.get(each.id), each)}


def record(
    db: Database, claim: Claim, results: Sequence[Outcome], *, uncertain: bool = False, crashed: bool = False
) -> bool:
    """Record what became of one mail; as :func:`record_all`.

    Args:
        db: the database.
        claim: the mail.
        results: what became of each recipient.
        uncertain: whether it is uncertain if the mail was sent.
        crashed: whether the attempt ended in an error that counts as a crash.

    Returns:
        False if the lease was lost.
    """
    verdict = Verdict(tuple(results), uncertain=uncertain, crashed=crashed)
    with db.writing() as connection:
        return bool(record_all(connection, db.now(connection), [(claim, verdict)]))


def record_all(connection: Connection, now: int, results: Sequence[tuple[Claim, Verdict]]) -> set[str]:
    """Record what became of mails that were claimed; each ends, or waits for its next attempt.

    Args:
        connection: a transaction that writes.
        now: the time of the database, in milliseconds.
        results: the mails and what became of their recipients.

    Returns:
        The ids of those whose lease was not lost. Of the others only what was sent is recorded: no one sends
        it again.
    """
    states = _states_of(connection, [claim for claim, _ in results])
    held, attempts, outcomes = set[str](), list[dict[str, Any]](), list[dict[str, Any]]()
    ended: dict[str, tuple[int, int]] = {}
    for claim, verdict in results:
        if (row := states.get(claim.id)) is None:
            continue
        is_held = _is_held(row, claim)
        started = row.claimed if is_held else None
        attempts += [_attempt(claim, each, started, now, verdict.uncertain) for each in verdict.outcomes]
        known = [each for each in verdict.outcomes if is_held or each.state == "sent"]
        outcomes += [_result(claim.id, each, now) for each in known]
        suppress(connection, [each.address for each in known if each.suppress], "refused for good", now)
        if is_held:
            held.add(claim.id)
            ended[claim.id] = int(verdict.uncertain), int(verdict.crashed)
        # Another worker that has claimed it meanwhile, and has not sent content, loses it here.
        elif known and not (row.state == "sending" and row.phase == "data"):
            ended[claim.id] = 0, 0
    if attempts:
        run_all(connection, _ATTEMPT, attempts)
    if outcomes:
        run_all(connection, _RESULT, outcomes)
    settle_all(connection, ended, now)
    return held


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
        rows = connection.execute(query.with_for_update())
        held = {row.id for row in rows if row.lease_token == tokens[row.id]}
        if held:
            values = {"lease_until": now + _ms(lease), "planned": now}
            connection.execute(entry.update().where(entry.c.id.in_(held)).values(values))
    return held


def release(db: Database, claims: Iterable[Claim]) -> None:
    """Put mails back that were claimed and not sent. Nothing is counted, and they stay due."""
    with db.writing() as connection:
        now = db.now(connection)
        for each in claims:
            if connection.execute(_held(each).values(phase="claimed")).rowcount:
                settle(connection, each.id, now)


def settle(connection: Connection, entry_id: str, now: int, *, uncertain: int = 0, crashes: int = 0) -> str:
    """Give an entry the state that follows from those of its recipients, and end its lease.

    Returns:
        The state.
    """
    return settle_all(connection, {entry_id: (uncertain, crashes)}, now)[entry_id]


def settle_all(connection: Connection, ended: Mapping[str, tuple[int, int]], now: int) -> dict[str, str]:
    """Do the same for several entries, each with the uncertain events and crashes to be added.

    Returns:
        The states.
    """
    if not ended:
        return {}
    found: dict[str, dict[str, int | None]] = {entry_id: {} for entry_id in ended}
    for entry_id, state, due in run(connection, _states, ended):
        found[entry_id][state] = due
    states = {
        entry_id: next((state for each, state in _ENDS if each in due), "dead")
        for entry_id, due in found.items()
    }
    rows = [
        {
            "of_entry": entry_id,
            "new_state": state,
            "new_due": found[entry_id].get("pending"),
            "more_uncertain": ended[entry_id][0],
            "more_crashes": ended[entry_id][1],
            "now": now,
        }
        for entry_id, state in states.items()
    ]
    for statement, some in (
        (_QUEUE_AGAIN, [row for row in rows if row["new_state"] == "queued"]),
        (_END, [row for row in rows if row["new_state"] != "queued"]),
    ):
        if some:
            run_all(connection, statement, some)
    return states


# -- claiming --

_LANE_HEAD: Final = select(entry.c.mailer, entry.c.priority, entry.c.due).where(QUEUED).limit(1)
_NEXT_OF_MAILER: Final = _LANE_HEAD.where(
    entry.c.mailer == bindparam("mailer"), entry.c.priority > bindparam("priority")
).order_by(entry.c.priority, entry.c.due)
_NEXT_MAILER: Final = _LANE_HEAD.where(entry.c.mailer > bindparam("mailer")).order_by(
    entry.c.mailer, entry.c.priority, entry.c.due
)
_LANE: Final = (
    select(entry)
    .where(
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
    select(entry)
    .where(
        entry.c.id.in_(bindparam("ids", expanding=True)),
        QUEUED,
        entry.c.due <= bindparam("now"),
        entry.c.mailer.not_in(bindparam("skipped", expanding=True)),
    )
    .order_by(entry.c.due, entry.c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)


def _due(connection: Connection, now: int, limit: int, skipped: Collection[str]) -> list[Row[Any]]:
    """Return the most urgent entries.

    A lane is what has the same mailer and priority. The index has each lane in the order of ``due``, so what
    this reads does not grow with the number of entries: neither with those of later, nor with those of a
    mailer that is paused.
    """
    rows: list[Row[Any]] = []
    for head in _lane_heads(connection, skipped):
        if head.due <= now:
            lane = {"mailer": head.mailer, "priority": head.priority, "now": now, "limit": limit}
            rows += connection.execute(_LANE, lane)
    size, chosen = 0, list[Row[Any]]()
    for row in sorted(rows, key=urgency)[:limit]:
        size += row.size
        if chosen and size > CLAIM_BYTES:
            break
        chosen.append(row)
    return chosen


def _lane_heads(connection: Connection, skipped: Collection[str]) -> Iterator[Row[Any]]:
    """Yield the first entry of each lane. A comparison of pairs would read whole lanes of SQLite's index."""
    mailer, priority = "", _LOWEST
    while True:
        head: Any = None
        if mailer not in skipped:
            head = connection.execute(_NEXT_OF_MAILER, {"mailer": mailer, "priority": priority}).first()
        if head is None and (head := connection.execute(_NEXT_MAILER, {"mailer": mailer}).first()) is None:
            return
        mailer, priority = head.mailer, head.priority
        if mailer not in skipped:
            yield head


def urgency(row: Row[Any]) -> tuple[int, str]:
    """Return what entries are claimed in the order of: a day of waiting outweighs a step of priority."""
    return row.due - row.priority * DAY, row.id


def _take(connection: Connection, rows: list[Row[Any]], worker: str, now: int, lease: float) -> list[Claim]:
    """Lease what has a recipient who gets it now; let the rest end."""
    expired = {row.id for row in rows if row.expires is not None and row.expires <= now}
    if expired:
        ending = {"state": "expired", "text": "not sent in time"}
        pending = (recipient.c.entry.in_(expired), recipient.c.state == "pending")
        connection.execute(recipient.update().where(*pending).values(ending))
    attempts: dict[str, dict[str, int]] = {row.id: {} for row in rows}
    waiting = connection.execute(_WAITING, {"entries": list(attempts.keys() - expired), "now": now}).all()
    barred = suppressed_of(connection, (each.address for each in waiting), now)
    for each in waiting:
        if each.address in barred:
            connection.execute(
                _RESULT, _result(each.entry, Outcome(each.address, "suppressed", counts=False), now)
            )
        else:
            attempts[each.entry][each.address] = each.attempts
    for row in rows:
        if not attempts[row.id]:
            settle(connection, row.id, now)
    taken = [row for row in rows if attempts[row.id]]
    if not taken:
        return []
    ids = [row.id for row in taken]
    values: dict[str, Any] = {
        "state": "sending",
        "phase": "claimed",
        "lease_owner": worker,
        "lease_until": now + _ms(lease),
        "claimed": now,
        "planned": now,
        "lease_token": entry.c.lease_token + 1,
    }
    connection.execute(entry.update().where(entry.c.id.in_(ids)).values(values))
    contents = {
        row.entry: row.content for row in connection.execute(select(content).where(content.c.entry.in_(ids)))
    }
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
            expires=row.expires,
            message_id=row.message_id,
            lease=lease,
        )
        for row in taken
    ]


_WAITING: Final = (
    select(recipient.c.entry, recipient.c.address, recipient.c.attempts)
    .where(
        recipient.c.entry.in_(bindparam("entries", expanding=True)),
        recipient.c.state == "pending",
        recipient.c.due <= bindparam("now"),
    )
    .order_by(recipient.c.entry, recipient.c.position)
)


# -- recording --

_BEGIN: Final = (
    entry.update()
    .where(
        entry.c.id == bindparam("of_entry"),
        entry.c.lease_token == bindparam("of_token"),
        entry.c.state == "sending",
    )
    .values(phase="data", lease_until=bindparam("until"), planned=bindparam("now"))
)
_ENDS: Final = (("pending", "queued"), ("uncertain", "held"), ("sent", "done"), ("cancelled", "cancelled"))


def _states(ids: Sequence[Any]) -> Any:
    return (
        select(recipient.c.entry, recipient.c.state, func.min(recipient.c.due))
        .where(recipient.c.entry.in_(ids))
        .group_by(recipient.c.entry, recipient.c.state)
    )


_SETTLE: Final = (
    entry.update()
    .where(entry.c.id == bindparam("of_entry"))
    .values(
        state=bindparam("new_state"),
        phase=None,
        lease_owner=None,
        lease_until=None,
        claimed=None,
        uncertain=entry.c.uncertain + bindparam("more_uncertain"),
        crashes=entry.c.crashes + bindparam("more_crashes"),
    )
)
_END: Final = _SETTLE.values(finished=bindparam("now"))
# Where the next attempt would come too late, it is claimed when it expires, and ends.
_QUEUE_AGAIN: Final = _SETTLE.values(
    due=case((entry.c.expires < bindparam("new_due"), entry.c.expires), else_=bindparam("new_due")),
    planned=bindparam("now"),
)
_ATTEMPT: Final = attempt.insert().values(
    {column.name: bindparam(column.name) for column in attempt.c if column is not attempt.c.id}
)
_RESULT: Final = (
    recipient.update()
    .where(
        recipient.c.entry == bindparam("of_entry"),
        recipient.c.address == bindparam("of_address"),
        recipient.c.state != "sent",
    )
    .values(
        state=bindparam("new_state"),
        attempts=recipient.c.attempts + bindparam("counted"),
        code=bindparam("new_code"),
        enhanced_code=bindparam("new_enhanced_code"),
        text=bindparam("new_text"),
        due=bindparam("new_due"),
    )
)


def _result(entry_id: str, outcome: Outcome, now: int) -> dict[str, Any]:
    return {
        "of_entry": entry_id,
        "of_address": outcome.address,
        "new_state": outcome.state,
        "counted": int(outcome.counts),
        "new_code": outcome.code,
        "new_enhanced_code": outcome.enhanced_code,
        "new_text": outcome.text[:512],
        "new_due": now + (outcome.delay or 0),
    }


def _attempt(
    claim: Claim, outcome: Outcome, started: int | None, now: int, uncertain: bool
) -> dict[str, Any]:
    doubtful = uncertain and outcome.state == "pending" and outcome.code is None
    return {
        "entry": claim.id,
        "token": claim.token,
        "address": outcome.address,
        "started": started,
        "ended": now,
        "outcome": "uncertain" if doubtful else outcome.state,
        "code": outcome.code,
        "enhanced_code": outcome.enhanced_code,
        "text": outcome.text[:512],
    }


def _states_of(connection: Connection, claims: Iterable[Claim]) -> dict[str, _Claimed]:
    """Return state, phase, token and time of the claim of entries, which no one else can change meanwhile."""
    rows = run(connection, _claimed, [each.id for each in claims])
    return {entry_id: _Claimed(*rest) for entry_id, *rest in rows}


class _Claimed(NamedTuple):
    state: str
    phase: str | None
    lease_token: int
    claimed: int | None


def _claimed(ids: Sequence[Any]) -> Any:
    columns = entry.c.id, entry.c.state, entry.c.phase, entry.c.lease_token, entry.c.claimed
    return select(*columns).where(entry.c.id.in_(ids)).with_for_update()


def _is_held(row: _Claimed | None, claim: Claim) -> bool:
    return row is not None and row.state == "sending" and row.lease_token == claim.token


def _held(claim: Claim) -> Any:
    """Return an update of the entry that changes nothing unless the claim still holds."""
    return entry.update().where(
        entry.c.id == claim.id, entry.c.lease_token == claim.token, entry.c.state == "sending"
    )


def _ms(seconds: float) -> int:
    return max(1, int(seconds * 1000))
