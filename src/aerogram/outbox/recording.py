"""Recording: a content is about to leave, its result, and the state that follows from it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, case, func, literal_column, null, select

from aerogram.mail.characters import clean_text
from aerogram.outbox import suppressions
from aerogram.outbox.claimed import Claim
from aerogram.outbox.retries import Outcome, Verdict
from aerogram.outbox.storage.prepared import insert_all, run, run_all
from aerogram.outbox.storage.schema import attempt, entry, recipient

__all__ = [
    "RESULT",
    "begin_contents",
    "milliseconds",
    "record",
    "result",
    "settle",
]


def begin_contents(connection: Connection, now: int, claims: Sequence[Claim]) -> set[str]:
    """Record that contents are about to leave, so that a crash from now on makes them uncertain.

    Args:
        connection: a transaction that writes.
        now: the time of the database, in milliseconds.
        claims: the mails.

    Returns:
        The ids of those whose lease is not lost. Of the others nothing may be sent.
    """
    states = _states_of(connection, claims)
    begun = [each.id for each in claims if _is_held(states.get(each.id), each)]
    run(connection, _begin, begun)
    lease = milliseconds(max((each.lease for each in claims), default=0))
    # The time is in an index: a lease that has hardly begun stays as it is.
    worn = [each for each in begun if (states[each].lease_until or 0) < now + lease * 9 // 10]
    run(connection, _extend, worn, until=now + lease, now=now)
    return set(begun)


def record(connection: Connection, now: int, results: Sequence[tuple[Claim, Verdict]]) -> set[str]:
    """Record the results of claimed mails; each ends, or waits for its next attempt.

    To record the same again, as when the answer to the commit was lost, changes nothing.

    Args:
        connection: a transaction that writes.
        now: the time of the database, in milliseconds.
        results: the mails and what became of their recipients.

    Returns:
        The ids of those whose lease was not lost. Of the others only what was sent is recorded: no one sends
        it again.
    """
    states = _states_of(connection, [claim for claim, _ in results])
    held, bounced = set[str](), list[str]()
    ended, uncertain, crashed = list[str](), list[str](), list[str]()
    attempts, known = list[tuple[Any, ...]](), list[dict[str, Any]]()
    late = [claim.id for claim, _ in results if not _is_held(states.get(claim.id), claim)]
    recorded = {tuple(row) for row in run(connection, _recorded, late)}
    for claim, verdict in results:
        if (row := states.get(claim.id)) is None:
            continue
        is_held = _is_held(row, claim)
        if (recorded and verdict.outcomes) and recorded.issuperset(
            (claim.id, claim.token, each.address) for each in verdict.outcomes
        ):
            held.add(claim.id)
            continue
        for each in verdict.outcomes:
            values = result(claim.id, each, now)
            doubtful = verdict.uncertain and each.state == "pending" and each.code is None
            started, outcome = row.claimed if is_held else None, "uncertain" if doubtful else each.state
            reply = values["new_code"], values["new_enhanced_code"], values["new_text"]
            attempts.append((claim.id, claim.token, each.address, started, now, outcome, *reply))
            if is_held or each.state == "sent":
                known.append(values)
                bounced += [each.address] if each.suppress else []
        if is_held:
            held.add(claim.id)
            ended.append(claim.id)
            uncertain += [claim.id] if verdict.uncertain else []
            crashed += [claim.id] if verdict.crashed else []
        # Another worker that has claimed it meanwhile, and has not sent content, loses it here.
        elif not (row.state == "sending" and row.phase == "data") and any(
            each.state == "sent" for each in verdict.outcomes
        ):
            ended.append(claim.id)
    insert_all(connection, attempt, _ATTEMPT, attempts)
    run_all(connection, RESULT, known)
    suppressions.add(connection, bounced, "refused for good", now)
    settle(connection, ended, now, uncertain=uncertain, crashed=crashed)
    return held


def settle(
    connection: Connection,
    ids: Iterable[str],
    now: int,
    *,
    uncertain: Collection[str] = (),
    crashed: Collection[str] = (),
) -> None:
    """Set the states of entries from those of their recipients, and end their leases.

    Args:
        connection: a transaction that writes.
        ids: the entries.
        now: the time of the database, in milliseconds.
        uncertain: those of which it became uncertain whether they were sent.
        crashed: those whose attempt ended in a crash, or in an error that counts as one.
    """
    run(connection, _settle, ids, now=now)
    run(connection, _count_uncertain, uncertain)
    run(connection, _count_crash, crashed)


def _begin(ids: Sequence[Any]) -> Any:
    return entry.update().where(entry.c.id.in_(ids)).values(phase=literal_column("'data'"))


def _extend(ids: Sequence[Any]) -> Any:
    leases = entry.update().where(entry.c.id.in_(ids))
    return leases.values(lease_until=bindparam("until"), planned=bindparam("now"))


# What decides comes first. All that end without one of these are dead.
_DECISIVE: Final = {"pending": "queued", "uncertain": "held", "sent": "done", "cancelled": "cancelled"}
_RANKS: Final = {state: number for number, state in enumerate(_DECISIVE)}
_OF_ENTRY: Final = recipient.c.entry == entry.c.id
_STATE: Final = case(
    dict(enumerate(_DECISIVE.values())),
    value=select(func.min(case(_RANKS, value=recipient.c.state))).where(_OF_ENTRY).scalar_subquery(),
    else_="dead",
)
# Where the next attempt would come too late, the mail is claimed when it expires, and ends.
_DUE: Final = (
    select(func.min(case((entry.c.expires < recipient.c.due, entry.c.expires), else_=recipient.c.due)))
    .where(_OF_ENTRY, recipient.c.state == "pending")
    .scalar_subquery()
)
_SETTLE: Final = entry.update().values(
    state=_STATE,
    phase=null(),
    lease_owner=null(),
    lease_until=null(),
    claimed=null(),
    due=func.coalesce(_DUE, entry.c.due),
    planned=bindparam("now"),
    finished=case((_DUE.is_(None), bindparam("now"))),
)


def _settle(ids: Sequence[Any]) -> Any:
    return _SETTLE.where(entry.c.id.in_(ids))


def _count_uncertain(ids: Sequence[Any]) -> Any:
    values = {"uncertain": entry.c.uncertain + literal_column("1")}
    return entry.update().where(entry.c.id.in_(ids)).values(values)


def _count_crash(ids: Sequence[Any]) -> Any:
    values = {"crashes": entry.c.crashes + literal_column("1")}
    return entry.update().where(entry.c.id.in_(ids)).values(values)


_ATTEMPT: Final = (
    "entry", "token", "address", "started", "ended", "outcome", "code", "enhanced_code", "text",
)  # fmt: skip
RESULT: Final = (
    recipient.update()
    .where(
        recipient.c.entry == bindparam("of_entry"),
        recipient.c.address == bindparam("of_address"),
        recipient.c.state != literal_column("'sent'"),
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


def result(entry_id: str, outcome: Outcome, now: int) -> dict[str, Any]:
    """Return the parameters of :data:`RESULT` for one recipient; every database takes their values."""
    is_code = isinstance(outcome.code, int) and abs(outcome.code) < 2**31
    return {
        "of_entry": entry_id,
        "of_address": outcome.address,
        "new_state": outcome.state,
        "counted": int(outcome.counts),
        "new_code": int(outcome.code or 0) if is_code else None,
        "new_enhanced_code": outcome.enhanced_code and clean_text(str(outcome.enhanced_code))[:20],
        "new_text": clean_text(str(outcome.text)),
        "new_due": now + (outcome.delay or 0),
        "now": now,
    }


def _states_of(connection: Connection, claims: Iterable[Claim]) -> dict[str, _Claimed]:
    """Return the leases of entries, locked against other changes."""
    rows = run(connection, _claimed, [each.id for each in claims])
    return {entry_id: _Claimed(*rest) for entry_id, *rest in rows}


def _recorded(ids: Sequence[Any]) -> Any:
    return select(attempt.c.entry, attempt.c.token, attempt.c.address).where(attempt.c.entry.in_(ids))


class _Claimed(NamedTuple):
    state: str
    phase: str | None
    lease_token: int
    claimed: int | None
    lease_until: int | None


def _claimed(ids: Sequence[Any]) -> Any:
    columns = [entry.c[name] for name in ("id", *_Claimed._fields)]
    # Everybody locks in this order: else two would wait for each other.
    return select(*columns).where(entry.c.id.in_(ids)).order_by(entry.c.id).with_for_update()


def _is_held(row: _Claimed | None, claim: Claim) -> bool:
    return row is not None and row.state == "sending" and row.lease_token == claim.token


def milliseconds(seconds: float) -> int:
    """Return a duration in whole milliseconds, at least 1."""
    return max(1, int(seconds * 1000))
