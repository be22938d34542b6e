"""What the operator sees and does: entries, counts, cancelling, retrying, purging."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from aerogram import exceptions, outbox
from aerogram.conf import settings
from aerogram.outbox import claims, metrics, recovery, transports
from aerogram.outbox.retries import Outcome
from aerogram.outbox.storage import purging
from tests.outbox import recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from aerogram.outbox.storage.database import Database
    from tests.outbox.conftest import Clock

    Put = Callable[..., str]


def finish(db: Database, *states: Any, **fields: Any) -> None:
    """Claim the next mail, and record a state for each of its recipients."""
    [claim] = claims.claim(db, "worker", 1, lease=60)
    pairs = zip(claim.recipients, states, strict=True)
    assert recorder.record(db, claim, [Outcome(address, state, **fields) for address, state in pairs])


def test_an_entry_shows_each_recipient_and_the_history(db: Database, put: Put) -> None:
    entry_id = put("ann@example.com", "bob@example.com", priority=2)
    finish(db, "sent", "pending", code=450, enhanced_code="4.7.1", text="greylisted", delay=None)
    entry = outbox.get(entry_id)

    ann, bob = entry.recipients
    assert (ann.state, ann.due) == ("sent", None)
    assert (bob.state, bob.attempts, bob.code, bob.enhanced_code, bob.text) == (
        "pending", 1, 450, "4.7.1", "greylisted",
    )  # fmt: skip
    assert bob.due is not None
    assert [(each.address, each.outcome) for each in entry.history] == [
        ("ann@example.com", "sent"),
        ("bob@example.com", "pending"),
    ]
    assert (entry.state, entry.priority, entry.uncertain, entry.crashes) == ("queued", 2, 0, 0)
    assert abs(datetime.now(UTC) - entry.created) < timedelta(minutes=1)
    assert "@" not in repr(entry).replace(entry.message_id, "")


def test_an_unknown_id_is_an_error(db: Database) -> None:
    for act in (outbox.get, outbox.content, outbox.cancel, outbox.retry):
        with pytest.raises(exceptions.EntryNotFound, match="no entry 'nothing'"):
            act("nothing")
        for wrong in ("\ud800", "a\0", 5, None, b"x"):
            with pytest.raises(exceptions.EntryNotFound):
                act(wrong)  # type: ignore[arg-type] # what a caller may get wrong
    with pytest.raises(LookupError):
        outbox.get("nothing")


@pytest.mark.parametrize("said", ["bad \0 text", "caf\udce9", "x" * 3000, "\U0001f600" * 600])
def test_any_text_of_a_result_is_recorded(db: Database, put: Put, said: str) -> None:
    entry_id = put()
    finish(db, "refused", code=10**20, enhanced_code=f"5.1.1 {said}", text=said)
    [ann] = outbox.get(entry_id).recipients
    assert (ann.state, ann.code, outbox.get(entry_id).state) == ("refused", None, "dead")
    assert len(ann.text.encode()) <= 512
    assert "\0" not in ann.text


def test_the_status_counts_by_state_and_tells_the_age_of_the_oldest(
    db: Database, put: Put, clock: Clock
) -> None:
    assert outbox.status() == metrics.Status(dict.fromkeys(outbox.counts(), 0), 0, None, 0)
    put(delay=3600)
    assert outbox.status().oldest_queued_seconds is None
    put()
    clock.forward(30)
    put()
    status = outbox.status()
    assert status.counts["queued"] == 3
    assert status.oldest_queued_seconds == pytest.approx(30, abs=10)
    finish(db, "pending", delay=10**12)
    assert outbox.status().oldest_queued_seconds == pytest.approx(30, abs=10)  # although it waits
    finish(db, "sent")
    put()
    assert (outbox.status().counts["done"], outbox.status().sent_last_hour) == (1, 1)
    [claim] = claims.claim(db, "worker", 1, lease=60)
    recorder.record(db, claim, [Outcome("ann@example.com", "uncertain")], uncertain=True)
    assert outbox.status().uncertain == 1
    outbox.retry(claim.id)
    assert outbox.status().uncertain == 1  # for good


def test_the_list_is_newest_first_by_state_and_in_pages(db: Database, put: Put) -> None:
    ids = [put(subject=str(number)) for number in range(5)]
    outbox.cancel(ids[2])

    assert [each.id for each in outbox.list_entries()] == ids[::-1]
    assert [each.id for each in outbox.list_entries("cancelled")] == [ids[2]]
    assert [each.id for each in outbox.list_entries("queued", limit=2, before=ids[4])] == [ids[3], ids[1]]
    with pytest.raises(exceptions.OutboxError, match="queued, sending"):
        outbox.list_entries("lost")


def test_a_queued_mail_can_be_cancelled(db: Database, put: Put) -> None:
    entry = outbox.cancel(put("ann@example.com", "bob@example.com"))
    assert (entry.state, {each.state for each in entry.recipients}) == ("cancelled", {"cancelled"})
    assert entry.finished is not None
    assert claims.claim(db, "worker", 10, lease=60) == []


def test_what_was_sent_before_stays_sent_when_the_rest_is_cancelled(db: Database, put: Put) -> None:
    entry_id = put("ann@example.com", "bob@example.com")
    finish(db, "sent", "pending")
    entry = outbox.cancel(entry_id)
    assert (entry.state, [each.state for each in entry.recipients]) == ("done", ["sent", "cancelled"])


def test_a_mail_on_the_wire_is_not_cancelled_and_ends_as_it_ends(db: Database, put: Put) -> None:
    entry_id = put()
    [claim] = claims.claim(db, "worker", 1, lease=60)
    for _ in range(2):
        with pytest.raises(exceptions.EntryStateError, match="a worker is sending it"):
            outbox.cancel(entry_id)
        recorder.begin_content(db, claim)
    recorder.record(db, claim, [Outcome("ann@example.com", "sent", 250)])
    assert outbox.get(entry_id).state == "done"
    for act in (outbox.cancel, outbox.retry):
        with pytest.raises(exceptions.EntryStateError, match="it is done"):
            act(entry_id)


def test_the_mail_of_a_dead_worker_can_be_cancelled_and_retried(db: Database, put: Put, clock: Clock) -> None:
    first, second = put(), put()
    assert len(claims.claim(db, "worker", 2, lease=60)) == 2
    with pytest.raises(exceptions.EntryStateError, match="a worker is sending it"):
        outbox.cancel(first)
    clock.forward(61)
    assert outbox.retry(second).state == "queued"
    assert outbox.cancel(first).state == "cancelled"


def test_a_retry_makes_due_at_once_and_sends_to_no_one_twice(db: Database, put: Put, clock: Clock) -> None:
    entry_id = put("ann@example.com", "bob@example.com", "eve@example.com", delay=3600)
    assert claims.claim(db, "worker", 1, lease=60) == []
    outbox.retry(entry_id)
    finish(db, "sent", "refused", "uncertain")
    assert outbox.get(entry_id).state == "held"

    outbox.retry(entry_id)
    [claim] = claims.claim(db, "worker", 1, lease=60)
    assert claim.recipients == ("bob@example.com", "eve@example.com")
    recorder.record(db, claim, [Outcome("bob@example.com", "refused"), Outcome("eve@example.com", "refused")])
    assert outbox.get(entry_id).state == "done"


def test_a_retry_ends_the_pause_of_its_mailer(db: Database, put: Put) -> None:
    settings.configure(MAILERS={"bulk": {"URL": "dummy:"}})
    entry_id = put(using="bulk")
    for mailer in (None, "bulk"):
        transports.pause(db, mailer, 600)
    outbox.retry(entry_id)
    assert list(outbox.status().paused) == ["default"]
    [claim] = claims.claim(db, "worker", 1, lease=60)
    assert claim.id == entry_id


def test_a_retry_of_an_expired_mail_gives_it_new_time(db: Database, put: Put, clock: Clock) -> None:
    entry_id = put(expires=10)
    clock.forward(20)
    assert claims.claim(db, "worker", 1, lease=60) == []
    assert outbox.get(entry_id).state == "dead"
    outbox.retry(entry_id)
    finish(db, "sent")
    assert outbox.get(entry_id).state == "done"


def test_a_poison_mail_can_be_tried_again(db: Database, put: Put, clock: Clock) -> None:
    entry_id = put()
    for _ in range(3):
        claims.claim(db, "worker", 1, lease=60)
        clock.forward(61)
        recovery.recover(db)
    assert (outbox.get(entry_id).state, outbox.get(entry_id).crashes) == ("dead", 3)
    assert outbox.retry(entry_id).crashes == 0
    assert len(claims.claim(db, "worker", 1, lease=60)) == 1


def test_purging_keeps_what_lives_and_what_is_young(db: Database, put: Put, clock: Clock) -> None:
    done, dead, sending, held, queued, cancelled = (put() for _ in range(6))
    finish(db, "sent")
    finish(db, "refused")
    claims.claim(db, "worker", 1, lease=10**7)
    finish(db, "uncertain")
    outbox.cancel(cancelled)

    assert outbox.purge() == 0
    clock.forward(8 * 86_400)
    assert outbox.purge() == 2  # done and cancelled
    assert outbox.purge(older_than=timedelta(days=9)) == 0
    assert outbox.purge(older_than=timedelta(days=7), states=["dead"]) == 1
    assert {each.id for each in outbox.list_entries()} == {sending, held, queued}
    for gone in (done, dead):
        with pytest.raises(exceptions.EntryNotFound):
            outbox.content(gone)
    for wrong in ("sending", "done", [["done"]], 5):
        with pytest.raises(exceptions.OutboxError):
            outbox.purge(states=wrong)  # type: ignore[arg-type]  # what is tested
    for age in (-1, float("inf"), float("nan"), "x", True, 1e300):
        with pytest.raises(exceptions.OutboxError, match="older_than"):
            outbox.purge(age)  # type: ignore[arg-type]  # what is tested


def test_purging_works_in_batches(db: Database, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "BATCH", 2)
    for _ in range(5):
        outbox.cancel(put())
    assert outbox.purge(older_than=0) == 5
    assert outbox.counts()["cancelled"] == 0


def test_purging_while_mail_is_sent_takes_no_live_entry(db: Database, put: Put) -> None:
    ids = {put() for _ in range(60)}
    purged = 0
    recorded: set[str] = set()

    def send() -> None:
        while taken := claims.claim(db, threading.current_thread().name, 5, lease=60):
            for claim in taken:
                assert recorder.begin_content(db, claim)
                assert recorder.record(db, claim, [Outcome("ann@example.com", "sent", 250)])
                recorded.add(claim.id)

    threads = [threading.Thread(target=send) for _ in range(3)]
    for each in threads:
        each.start()
    while any(each.is_alive() for each in threads):
        purged += outbox.purge(older_than=0)
    purged += outbox.purge(older_than=0)
    assert (recorded, purged) == (ids, 60)


def test_suppressions_are_listed_added_and_removed(db: Database, put: Put) -> None:
    outbox.suppress("Ann@example.com", "asked by mail")
    outbox.suppress("old@example.com", expires=datetime.now(UTC) - timedelta(days=1))
    [listed] = outbox.list_suppressions()
    assert (listed.address, listed.reason) == ("ann@example.com", "asked by mail")
    assert outbox.unsuppress("ann@example.com")
    assert not outbox.unsuppress("ann@example.com")
    outbox.suppress("Bob <bob@BÜCHER.example>")
    assert outbox.list_suppressions()[0].address == "bob@xn--bcher-kva.example"
    assert outbox.unsuppress(("Bob", "bob@bücher.example"))
    assert outbox.list_suppressions() == []


@pytest.mark.parametrize(
    "act",
    [
        lambda: outbox.suppress(None),  # type: ignore[arg-type] # what is tested, as below
        lambda: outbox.suppress("a\0@example.com"),
        lambda: outbox.suppress("\ud800@example.com"),
        lambda: outbox.suppress("x" * 321),
        lambda: outbox.suppress("bob"),
        lambda: outbox.suppress("Bob <bob>"),
        lambda: outbox.suppress("ann@example.com", 5),  # type: ignore[arg-type] # wrong on purpose
        lambda: outbox.suppress("ann@example.com", expires=datetime(2030, 1, 1)),
        lambda: outbox.suppress("ann@example.com", expires=datetime.max),
        lambda: outbox.suppress("ann@example.com", expires=datetime.max.replace(tzinfo=UTC)),
        lambda: outbox.suppress("ann@example.com", expires=60),  # type: ignore[arg-type] # wrong on purpose
        lambda: outbox.unsuppress(None),  # type: ignore[arg-type] # wrong on purpose
        lambda: outbox.list_suppressions("x"),  # type: ignore[arg-type] # wrong on purpose
        lambda: outbox.list_entries(5),  # type: ignore[arg-type] # wrong on purpose
        lambda: outbox.list_entries([]),  # type: ignore[arg-type] # wrong on purpose
        lambda: outbox.list_entries(limit=-1),
        lambda: outbox.list_entries(limit=None),  # type: ignore[arg-type] # wrong on purpose
        lambda: outbox.list_entries(before="\ud800"),
        lambda: outbox.list_entries(before="nope"),
        lambda: outbox.list_entries(before=5),  # type: ignore[arg-type] # wrong on purpose
    ],
)
def test_a_wrong_argument_is_refused(db: Database, act: Callable[[], object]) -> None:
    with pytest.raises(exceptions.ScheduleError):
        act()
    assert outbox.list_suppressions() == []


def test_a_time_beyond_all_datetimes_is_shown_as_a_late_one(db: Database, put: Put) -> None:
    entry_id = put()
    outbox.suppress("ann@example.com", "a \0 reason")
    with db.writing() as connection:
        for table, column in (("entry", "expires"), ("entry", "due"), ("suppression", "expires")):
            connection.execute(text(f"UPDATE aerogram_outbox_{table} SET {column} = {2**62}"))
    assert (
        outbox.get(entry_id).expires == outbox.list_entries()[0].due == outbox.list_suppressions()[0].expires
    )
    with db.writing() as connection:
        connection.execute(text(f"UPDATE aerogram_outbox_entry SET expires = {-(2**62)}"))
    assert outbox.get(entry_id).expires == datetime.fromtimestamp(0, UTC)


def test_a_retry_leaves_no_reason_of_an_earlier_attempt(db: Database, put: Put, clock: Clock) -> None:
    deferred, refused = put("ann@example.com"), put("bob@example.com")
    answers = {
        "ann@example.com": Outcome("ann@example.com", "pending", 450, "4.2.0", "later", delay=60_000),
        "bob@example.com": Outcome("bob@example.com", "refused", 550, "5.1.1", "no such user"),
    }
    for claim in claims.claim(db, "worker", 2, lease=60):
        recorder.record(db, claim, [answers[claim.recipients[0]]])
    for entry_id in (deferred, refused):
        [waiting] = outbox.retry(entry_id).recipients
        assert (waiting.state, waiting.code, waiting.enhanced_code, waiting.text) == (
            "pending",
            None,
            None,
            "",
        )
        assert outbox.get(entry_id).history[0].code in (450, 550)  # what was said is still known
