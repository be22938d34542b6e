"""What a worker records: that a content is about to leave, what came of it, and the state that follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, case, exists, func, literal_column, null, select

from aerogram.mail.characters import clean_text
from aerogram.outbox.retries import Outcome, Verdict
from aerogram.outbox.storage.prepared import change, insert_all, run, run_all
from aerogram.outbox.storage.schema import attempt, entry, recipient
from aerogram.outbox.suppressions import suppress

if TYPE_CHECKING:
    from aerogram.outbox.claims import Claim
    from aerogram.outbox.storage.database import Database

__all__ = [
    "RESULT",
    "begin_content",
    "begin_contents",
    "held",
    "milliseconds",
    "record",
    "record_all",
    "result",
    "settle",
    "settle_all",
]


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
    if connection.dialect.name != "sqlite":
        _states_of(connection, claims)  # locks them in the order that everybody uses
    alike: dict[tuple[int, float], list[str]] = {}
    for each in claims:
        alike.setdefault((each.token, each.lease), []).append(each.id)
    begun = 0
    for (token, lease), ids in alike.items():
        until = now + milliseconds(lease)
        left = until - milliseconds(lease) // _HARDLY_BEGUN
        if (some := change(connection, _begin, ids, of_token=token, left=left)) < len(ids):
            some = change(connection, _begin_anew, ids, of_token=token, until=until, now=now)
        begun += some
    if begun == len(claims):
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
    held, attempts, known = set[str](), list[tuple[Any, ...]](), list[dict[str, Any]]()
    bounced: list[str] = []
    ended: dict[str, tuple[int, int]] = {}
    final: dict[str, list[str]] = {}
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
            if claim.token == 1 and (state := _final_state(verdict)) is not None:
                final.setdefault(state, []).append(claim.id)
            else:
                ended[claim.id] = int(verdict.uncertain), int(verdict.crashed)
        # Another worker that has claimed it meanwhile, and has not sent content, loses it here.
        elif not (row.state == "sending" and row.phase == "data") and any(
            each.state == "sent" for each in verdict.outcomes
        ):
            ended[claim.id] = 0, 0
    insert_all(connection, attempt, _ATTEMPT, attempts)
    run_all(connection, RESULT, known)
    suppress(connection, bounced, "refused for good", now)
    for state, ids in final.items():
        if change(connection, _end_first, ids, new_state=state, now=now) != len(ids):
            ended |= dict.fromkeys(ids, (0, 0))  # not all recipients were in the claim
    settle_all(connection, ended, now)
    return held


def _final_state(verdict: Verdict) -> str | None:
    """Return the state of an entry after its first attempt, if no recipient waits or is in doubt."""
    states = {each.state for each in verdict.outcomes}
    if verdict.crashed or verdict.uncertain or not states or not states <= _SETTLED:
        return None
    return "done" if "sent" in states else "dead"


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
    run_all(connection, _QUEUE_AGAIN, [row for row in rows if row["new_state"] == "queued"])
    run_all(connection, _END, [row for row in rows if row["new_state"] != "queued"])
    return states


_HARDLY_BEGUN: Final = 10  # a lease of which less than this part is over is not renewed: that is in an index
_BEGIN: Final = (
    entry.update()
    # As state = 'sending', which PostgreSQL might take for a reason to read all leases by their index.
    .where(entry.c.lease_token == bindparam("of_token"), entry.c.phase.is_not(None))
    .values(phase=literal_column("'data'"))
)


def _begin(ids: Sequence[Any]) -> Any:
    return _BEGIN.where(entry.c.id.in_(ids), entry.c.lease_until >= bindparam("left"))


def _begin_anew(ids: Sequence[Any]) -> Any:
    return _BEGIN.where(entry.c.id.in_(ids)).values(lease_until=bindparam("until"), planned=bindparam("now"))


_SETTLED: Final = frozenset({"sent", "refused"})
_ENDS: Final = (("pending", "queued"), ("uncertain", "held"), ("sent", "done"), ("cancelled", "cancelled"))


def _states(ids: Sequence[Any]) -> Any:
    return (
        select(recipient.c.entry, recipient.c.state, func.min(recipient.c.due))
        .where(recipient.c.entry.in_(ids))
        .group_by(recipient.c.entry, recipient.c.state)
    )


_RELEASE: Final = entry.update().values(
    state=bindparam("new_state"), phase=null(), lease_owner=null(), lease_until=null(), claimed=null()
)
_PENDING: Final = exists(literal_column("1")).where(
    recipient.c.entry == entry.c.id, recipient.c.state == literal_column("'pending'")
)


def _end_first(ids: Sequence[Any]) -> Any:
    return _RELEASE.where(entry.c.id.in_(ids), ~_PENDING).values(finished=bindparam("now"))


_SETTLE: Final = _RELEASE.where(entry.c.id == bindparam("of_entry")).values(
    uncertain=entry.c.uncertain + bindparam("more_uncertain"),
    crashes=entry.c.crashes + bindparam("more_crashes"),
)
_END: Final = _SETTLE.values(finished=bindparam("now"))
# Where the next attempt would come too late, it is claimed when it expires, and ends.
_QUEUE_AGAIN: Final = _SETTLE.values(
    due=case((entry.c.expires < bindparam("new_due"), entry.c.expires), else_=bindparam("new_due")),
    planned=bindparam("now"),
)
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
    """Return state, phase, token and time of the claim of entries, which no one else can change meanwhile."""
    rows = run(connection, _claimed, [each.id for each in claims])
    return {entry_id: _Claimed(*rest) for entry_id, *rest in rows}


def _recorded(ids: Sequence[Any]) -> Any:
    return select(attempt.c.entry, attempt.c.token, attempt.c.address).where(attempt.c.entry.in_(ids))


class _Claimed(NamedTuple):
    state: str
    phase: str | None
    lease_token: int
    claimed: int | None


def _claimed(ids: Sequence[Any]) -> Any:
    columns = entry.c.id, entry.c.state, entry.c.phase, entry.c.lease_token, entry.c.claimed
    # Everybody locks in this order: else two would wait for each other.
    return select(*columns).where(entry.c.id.in_(ids)).order_by(entry.c.id).with_for_update()


def _is_held(row: _Claimed | None, claim: Claim) -> bool:
    return row is not None and row.state == "sending" and row.lease_token == claim.token


def held(claim: Claim) -> Any:
    """Return an update of the entry that changes nothing unless the claim still holds."""
    return entry.update().where(
        entry.c.id == claim.id, entry.c.lease_token == claim.token, entry.c.state == "sending"
    )


def milliseconds(seconds: float) -> int:
    """Return a lease as the database has it, at least 1."""
    return max(1, int(seconds * 1000))
