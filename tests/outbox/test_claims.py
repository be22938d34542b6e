"""The work of the workers: who may send what, what is recorded, and what a dead worker leaves."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from aerogram import outbox
from aerogram.conf import settings
from aerogram.exceptions import ScheduleError
from aerogram.outbox import claims, recording, recovery, transports
from aerogram.outbox.claimed import Claim
from aerogram.outbox.claims import DAY
from aerogram.outbox.retries import Outcome, Verdict
from aerogram.outbox.storage import schema
from tests.outbox import recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from aerogram.outbox.storage.database import Database
    from tests.outbox.conftest import Clock

    Put = Callable[..., str]


def take(db: Database, limit: int = 10, worker: str = "one", **options: Any) -> list[Claim]:
    return claims.claim(db, worker, limit, lease=60, **options)


def state_of(db: Database, entry_id: str) -> tuple[str, dict[str, str]]:
    """The state of an entry, and of each of its recipients."""
    with db.reading() as connection:
        state = connection.scalar(select(schema.entry.c.state).where(schema.entry.c.id == entry_id))
        rows = connection.execute(select(schema.recipient).where(schema.recipient.c.entry == entry_id)).all()
    return str(state), {row.address: row.state for row in rows}


def row_of(db: Database, entry_id: str) -> Any:
    with db.reading() as connection:
        return connection.execute(select(schema.entry).where(schema.entry.c.id == entry_id)).one()


def attempts_of(db: Database, entry_id: str) -> list[tuple[str, str]]:
    with db.reading() as connection:
        query = select(schema.attempt).where(schema.attempt.c.entry == entry_id).order_by(schema.attempt.c.id)
        return [(row.address, row.outcome) for row in connection.execute(query)]


def sent(claim: Claim) -> list[Outcome]:
    return [Outcome(address, "sent", 250, "2.0.0", "ok") for address in claim.recipients]


def test_a_claim_has_all_that_is_needed_to_send(db: Database, put: Put) -> None:
    entry_id = put("ann@example.com", "bob@example.com", using=None)
    [claim] = take(db)

    assert (claim.id, claim.token, claim.mailer, claim.sender) == (entry_id, 1, None, "shop@example.com")
    assert claim.recipients == ("ann@example.com", "bob@example.com")
    assert claim.content.startswith(b"Subject: News\r\n")
    assert outbox.get(entry_id).message_id.encode() in claim.content
    assert claim.attempts == {"ann@example.com": 0, "bob@example.com": 0}
    assert state_of(db, entry_id)[0] == "sending"
    assert take(db, worker="two") == []


def test_an_entry_ends_when_every_recipient_has_a_terminal_state(db: Database, put: Put) -> None:
    entry_id = put("ann@example.com", "bob@example.com", "eve@example.com")
    [claim] = take(db)
    assert recorder.begin_content(db, claim)
    outcomes = [
        Outcome("ann@example.com", "sent", 250),
        Outcome("bob@example.com", "refused", 550, "5.1.1", "no such user"),
        Outcome("eve@example.com", "pending", 450),
    ]
    assert recorder.record(db, claim, outcomes)
    assert state_of(db, entry_id)[0] == "queued"

    [again] = take(db)
    assert (again.recipients, again.token, again.attempts) == (
        ("eve@example.com",),
        2,
        {"eve@example.com": 1},
    )
    assert recorder.record(db, again, sent(again))
    assert state_of(db, entry_id) == (
        "done",
        {"ann@example.com": "sent", "bob@example.com": "refused", "eve@example.com": "sent"},
    )
    assert attempts_of(db, entry_id) == [
        ("ann@example.com", "sent"),
        ("bob@example.com", "refused"),
        ("eve@example.com", "pending"),
        ("eve@example.com", "sent"),
    ]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (("refused", "refused"), "dead"),
        (("expired", "refused"), "dead"),
        (("sent", "expired"), "done"),
        (("sent", "uncertain"), "held"),
        (("suppressed", "sent"), "done"),
    ],
)
def test_the_state_of_an_entry_follows_from_its_recipients(
    db: Database, put: Put, states: tuple[Any, Any], expected: str
) -> None:
    entry_id = put("ann@example.com", "bob@example.com")
    [claim] = take(db)
    pairs = zip(claim.recipients, states, strict=True)
    recorder.record(db, claim, [Outcome(address, state) for address, state in pairs])

    assert state_of(db, entry_id)[0] == expected


def test_only_recipients_that_are_due_are_claimed(db: Database, put: Put, clock: Clock) -> None:
    put("ann@example.com", "bob@example.com")
    [claim] = take(db)
    later = [
        Outcome(each, "pending", delay=1000 * n)
        for n, each in ((60, "ann@example.com"), (600, "bob@example.com"))
    ]
    recorder.record(db, claim, later)

    assert take(db) == []
    clock.forward(61)
    [claim] = take(db)
    assert claim.recipients == ("ann@example.com",)
    recorder.record(db, claim, sent(claim))
    assert take(db) == []
    clock.forward(600)
    [claim] = take(db)
    assert claim.recipients == ("bob@example.com",)


def test_a_worker_that_lost_its_lease_neither_sends_nor_overwrites(
    db: Database, put: Put, clock: Clock
) -> None:
    entry_id = put()
    [first] = take(db)
    clock.forward(61)
    assert recovery.recover(db) == 1
    [second] = take(db, worker="two")

    assert not recorder.begin_content(db, first)
    assert not recorder.record(db, first, [Outcome("ann@example.com", "refused", 550)])
    assert claims.renew(db, "one", [first], 60) == set()
    claims.release(db, [first])
    assert state_of(db, entry_id)[0] == "sending"
    assert recorder.begin_content(db, second)
    assert recorder.record(db, second, sent(second))
    assert state_of(db, entry_id)[0] == "done"


def test_a_late_success_is_kept_and_no_one_sends_again(db: Database, put: Put, clock: Clock) -> None:
    entry_id = put()
    [first] = take(db)
    recorder.begin_content(db, first)
    clock.forward(61)
    recovery.recover(db)
    clock.forward(20 * 60)
    [second] = take(db, worker="two")
    assert second.uncertain == 1

    assert not recorder.record(db, first, sent(first))
    assert not recorder.begin_content(db, second)
    assert state_of(db, entry_id) == ("done", {"ann@example.com": "sent"})
    assert row_of(db, entry_id).uncertain == 1
    assert not recorder.record(db, second, [Outcome("ann@example.com", "refused", 550)])
    assert state_of(db, entry_id) == ("done", {"ann@example.com": "sent"})


def test_a_renewed_lease_does_not_expire(db: Database, put: Put, clock: Clock) -> None:
    entry_id = put()
    taken = take(db)
    clock.forward(50)
    assert claims.renew(db, "one", taken, 60) == {entry_id}
    clock.forward(50)
    assert recovery.recover(db) == 0


def test_a_released_claim_is_due_at_once_and_counts_nothing(db: Database, put: Put) -> None:
    put()
    claims.release(db, take(db))
    [claim] = take(db)
    assert (claim.crashes, claim.uncertain, claim.attempts) == (0, 0, {"ann@example.com": 0})


def test_a_crash_counts_against_the_mail_that_was_being_sent(db: Database, put: Put, clock: Clock) -> None:
    recorded, poison, waiting = (put(subject=name) for name in ("recorded", "poison", "waiting"))
    for crashes in (1, 2, 3):
        taken = take(db)
        if crashes == 1:
            recorder.record(db, taken.pop(0), sent(taken[0]))
            assert [each.id for each in taken] == [poison, waiting]
        else:  # the others go first
            assert [each.id for each in taken] == [waiting, poison]
            claims.release(db, taken[:1])
        clock.forward(61)
        assert recovery.recover(db) == (2 if crashes == 1 else 1)
        assert row_of(db, poison).crashes == crashes
        assert row_of(db, waiting).crashes == 0

    assert state_of(db, recorded)[0] == "done"
    assert state_of(db, poison) == ("dead", {"ann@example.com": "refused"})
    assert [each.id for each in take(db)] == [waiting]


def test_a_crash_while_content_was_sent_is_uncertain(db: Database, put: Put, clock: Clock) -> None:
    entry_id, waiting = put(), put()
    for events in (1, 2):
        [claim] = (each for each in take(db) if each.id == entry_id)
        recorder.begin_content(db, claim)
        clock.forward(61)
        recovery.recover(db)
        assert row_of(db, entry_id).uncertain == events
        assert row_of(db, waiting).crashes == 0
        [claim] = take(db)  # the uncertain one waits
        assert claim.id == waiting
        claims.release(db, [claim])
        clock.forward(20 * 60)
    [claim] = (each for each in take(db) if each.id == entry_id)
    recorder.begin_content(db, claim)
    clock.forward(61)
    recovery.recover(db)

    assert state_of(db, entry_id) == ("held", {"ann@example.com": "uncertain"})
    assert attempts_of(db, entry_id) == [("", "uncertain")] * 3


def test_uncertain_mail_is_held_where_the_settings_say_so(db: Database, put: Put, clock: Clock) -> None:
    settings.configure(OUTBOX_ON_UNCERTAIN="hold")
    entry_id = put()
    recorder.begin_content(db, take(db)[0])
    clock.forward(61)
    recovery.recover(db)

    assert state_of(db, entry_id) == ("held", {"ann@example.com": "uncertain"})
    assert row_of(db, entry_id).uncertain == 1


def test_higher_priority_goes_first_and_a_day_outweighs_one_step(
    db: Database, put: Put, clock: Clock
) -> None:
    old_low = put(priority=-1)
    old_normal = put()
    clock.forward(DAY / 1000 + 60)
    normal, high, low = put(), put(priority=1), put(priority=-1)

    assert [each.id for each in take(db)] == [old_normal, high, old_low, normal, low]


def test_mail_of_a_paused_mailer_is_not_claimed(db: Database, put: Put, clock: Clock) -> None:
    settings.configure(MAILERS={"bulk": {"URL": "dummy:"}})
    bulk, normal = put(using="bulk"), put()
    assert transports.pause(db, "bulk", 60) == 1
    assert transports.pause(db, "bulk", 60) == 2
    assert set(outbox.status().paused) == {"bulk"}

    assert [each.id for each in take(db)] == [normal]
    transports.resume(db, "bulk")
    assert take(db, mailers_paused=["bulk"]) == []
    [claim] = take(db)
    assert (claim.id, claim.mailer) == (bulk, "bulk")
    assert transports.pause(db, "bulk", 60) == 1
    clock.forward(61)
    assert outbox.status().paused == {}


def test_mail_that_expired_ends_unsent(db: Database, put: Put, clock: Clock) -> None:
    soon, never_due = put(expires=10), put(delay=3600, expires=20)
    fresh = put()
    clock.forward(21)

    assert [each.id for each in take(db, limit=1)] == [fresh]
    assert take(db, limit=1) == []
    assert state_of(db, soon) == ("dead", {"ann@example.com": "expired"})
    assert state_of(db, never_due) == ("dead", {"ann@example.com": "expired"})


def test_a_retry_that_would_come_too_late_expires_on_time(db: Database, put: Put, clock: Clock) -> None:
    entry_id = put(expires=60)
    [claim] = take(db)
    recorder.record(db, claim, [Outcome("ann@example.com", "pending", 450, delay=30 * 86_400_000)])
    clock.forward(61)
    assert take(db) == []
    assert state_of(db, entry_id) == ("dead", {"ann@example.com": "expired"})


def test_suppressed_recipients_get_nothing_and_the_others_do(db: Database, put: Put, clock: Clock) -> None:
    outbox.suppress("Bob@Example.com", "asked")
    entry_id, alone = put("ann@example.com", "bob@example.com", "eve@example.com"), put("bob@example.com")
    [claim] = take(db)
    assert claim.recipients == ("ann@example.com", "eve@example.com")
    recorder.record(db, claim, sent(claim))
    assert state_of(db, entry_id) == (
        "done",
        {"ann@example.com": "sent", "bob@example.com": "suppressed", "eve@example.com": "sent"},
    )
    assert state_of(db, alone) == ("dead", {"bob@example.com": "suppressed"})


def test_a_hard_bounce_can_suppress_the_address(db: Database, put: Put) -> None:
    put("ann@example.com")
    [claim] = take(db)
    recorder.record(db, claim, [Outcome("ann@example.com", "refused", 550, "5.1.1", suppress=True)])

    [listed] = outbox.list_suppressions()
    assert (listed.address, listed.expires) == ("ann@example.com", None)
    put("ann@example.com")
    assert take(db) == []
    assert outbox.unsuppress("ANN@example.com")
    put("ann@example.com")
    assert len(take(db)) == 1


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_clock_that_is_set_makes_neither_a_storm_nor_a_stall(
    db: Database, put: Put, clock: Clock, seconds: int
) -> None:
    at_once = put()
    clock.forward(seconds)
    [claim] = take(db) or (recovery.recover(db), take(db))[1]
    assert claim.id == at_once
    recorder.record(db, claim, [Outcome("ann@example.com", "pending", 450, delay=600_000)])
    crashed = put()
    assert take(db)[0].id == crashed
    clock.forward(-seconds)

    recovery.recover(db)
    if seconds > 0:  # the clock was ahead, and is set back: the retry still waits its ten minutes
        assert take(db) == []
        clock.forward(61)
        assert recovery.recover(db) == 1  # the lease of a dead worker ends in its time
        assert [each.id for each in take(db)] == [crashed]
        clock.forward(540)
        assert [each.id for each in take(db)] == [at_once]
    else:  # each comes once, an hour early
        assert {each.id for each in take(db)} == {at_once, crashed}
        assert take(db) == []


def test_a_pause_made_while_the_clock_was_ahead_ends(db: Database, put: Put, clock: Clock) -> None:
    clock.forward(86_400)
    transports.pause(db, None, 60)
    clock.forward(-86_400)
    put()
    recovery.recover(db)
    assert len(take(db)) == 1
    transports.pause(db, None, 600)
    recovery.recover(db)
    assert list(outbox.status().paused) == ["default"]


@pytest.mark.parametrize(
    "given",
    [{"expires": 600}, {"expires": 600, "at": 300}, {"expires": timedelta(minutes=10), "delay": 60}, {}],
)
def test_a_mail_expires_after_the_span_that_was_meant_when_the_clock_is_set_back(
    db: Database, put: Put, clock: Clock, given: dict[str, Any]
) -> None:
    if "at" in given:
        given = {**given, "at": datetime.now(UTC) + timedelta(seconds=given["at"])}
    clock.forward(86_400)
    with settings.override(OUTBOX_EXPIRES=600):
        entry_id = put(**given)
        named = put(expires=datetime.now(UTC) + timedelta(days=2))
    before = outbox.get(named).expires
    clock.forward(-86_400)
    recovery.recover(db)
    found = outbox.get(entry_id)
    assert found.expires is not None
    late = (found.expires - datetime.now(UTC)).total_seconds()
    assert late == pytest.approx(600 + (given.get("delay", 0) if "expires" not in given else 0), abs=60)
    assert outbox.get(named).expires == before
    assert abs((found.created - datetime.now(UTC)).total_seconds()) < 60
    recovery.recover(db)
    assert outbox.get(entry_id).expires == found.expires


def test_a_time_that_the_caller_named_stays_when_the_clock_is_set_back(
    db: Database, put: Put, clock: Clock
) -> None:
    put(at=datetime.now(UTC) + timedelta(minutes=90))
    clock.forward(-3600)
    recovery.recover(db)
    clock.forward(3600)
    assert take(db) == []
    clock.forward(90 * 60)
    assert len(take(db)) == 1


def test_many_workers_take_each_mail_once(db: Database, put: Put) -> None:
    from aerogram.mail import EmailMessage
    from aerogram.outbox.queueing import freeze, queue
    from aerogram.outbox.schedule import Schedule

    frozen = freeze(EmailMessage("News", "", "shop@example.com", ["ann@example.com"]))
    assert frozen is not None
    ids = queue(db, [(frozen, Schedule())] * 400)
    taken: list[str] = []

    def work(worker: str) -> None:
        while mine := take(db, 7, worker):
            for each in mine:
                taken.append(each.id)
                assert recorder.begin_content(db, each)
                assert recorder.record(db, each, sent(each))

    threads = [threading.Thread(target=work, args=(f"worker {number}",)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert Counter(taken) == Counter(ids)


def test_the_rate_limit_is_shared_and_a_clock_set_back_stops_nothing(db: Database, clock: Clock) -> None:
    def granted(wanted: int) -> int:
        return transports.take_tokens(db, "bulk", wanted, rate=0.01, burst=10)

    assert [granted(6), granted(6), granted(6)] == [6, 4, 0]
    clock.forward(500)
    assert granted(6) == 5
    clock.forward(-3600)
    assert granted(6) == 0
    clock.forward(1000)
    assert granted(20) == 10


def test_a_value_that_the_database_refuses_does_not_count_as_a_database_that_is_away(
    db: Database, put: Put
) -> None:
    put()
    [claim] = take(db)
    with pytest.raises(ScheduleError, match="refuses a value"):
        recorder.record(db, claim, [Outcome("ann@example.com", "pending", delay=10**30)])
    assert recorder.record(db, claim, sent(claim))


def test_an_entry_does_not_end_at_its_first_attempt_while_a_recipient_waits(db: Database, put: Put) -> None:
    entry_id, other = put("ann@example.com", "bob@example.com"), put("eve@example.com")
    with db.writing() as connection:  # as nothing here leaves it
        later = schema.recipient.update().where(schema.recipient.c.address == "bob@example.com")
        connection.execute(later.values(due=schema.recipient.c.due + 10**9))
    taken = take(db)
    assert [each.recipients for each in taken] == [("ann@example.com",), ("eve@example.com",)]
    with db.writing() as connection:
        verdicts = [(each, Verdict(tuple(sent(each)))) for each in taken]
        assert recording.record(connection, db.now(connection), verdicts) == {entry_id, other}
    assert state_of(db, entry_id) == ("queued", {"ann@example.com": "sent", "bob@example.com": "pending"})
    assert state_of(db, other) == ("done", {"eve@example.com": "sent"})


def test_a_lease_is_renewed_before_the_content_unless_it_has_hardly_begun(
    db: Database, put: Put, clock: Clock
) -> None:
    entry_id = put()
    [claim] = take(db)
    first = row_of(db, entry_id)
    assert first.lease_until == first.planned + 60_000
    clock.forward(3)
    assert recorder.begin_content(db, claim)
    assert row_of(db, entry_id).lease_until == first.lease_until
    clock.forward(27)
    assert recorder.begin_content(db, claim)
    row = row_of(db, entry_id)
    assert (row.phase, row.lease_until) == ("data", row.planned + 60_000)
    assert row.planned >= first.planned + 30_000
