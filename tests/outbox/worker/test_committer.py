"""The committer when the database fails amid a commit, and a renewal that comes late."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event, select
from sqlalchemy.exc import OperationalError

from aerogram.conf import settings
from aerogram.exceptions import OutboxUnavailable
from aerogram.outbox import claims
from aerogram.outbox.retries import Outcome, Verdict
from aerogram.outbox.storage.database import Database, current_database
from aerogram.outbox.storage.schema import entry, recipient
from aerogram.outbox.worker.breaker import Breaker
from aerogram.outbox.worker.committer import Committer
from aerogram.outbox.worker.sending import SendingThread

Put = Callable[..., str]
SENT = Verdict((Outcome("ann@example.com", "sent", 250),))


@pytest.fixture
def db(sqlite_url: str) -> Database:
    settings.configure(OUTBOX_URL=sqlite_url)
    return current_database()


@contextmanager
def full_disk(engine: Engine) -> Iterator[None]:
    """Let every commit fail, when all statements before it have worked."""

    def fail(_: object) -> None:
        raise OperationalError("COMMIT", None, sqlite3.OperationalError("database or disk is full"))

    event.listen(engine, "commit", fail)
    try:
        yield
    finally:
        event.remove(engine, "commit", fail)


def column(db: Database, which: Any) -> list[Any]:
    with db.reading() as connection:
        return list(connection.scalars(select(which)))


def test_no_content_leaves_whose_mark_could_not_be_committed(db: Database, put: Put) -> None:
    put()
    [claim] = claims.claim(db, "worker", 1, lease=60)
    committer = Committer(db)
    with full_disk(db.engine):
        assert committer.begin_contents([claim]) == set()
    assert column(db, entry.c.phase) == ["claimed"]
    assert committer.begin_contents([claim]) == {claim.id}
    assert column(db, entry.c.phase) == ["data"]


def test_a_question_behind_many_results_is_answered_without_the_database(db: Database, put: Put) -> None:
    put()
    [claim] = claims.claim(db, "worker", 1, lease=60)
    committer, answers = Committer(db), list[object]()
    with full_disk(db.engine):
        for _ in range(400):
            committer.record(claim, SENT)
        asking = threading.Thread(
            target=lambda: answers.append(committer.begin_contents([claim])), daemon=True
        )
        asking.start()
        asking.join(10)
        assert answers == [set()]
    assert committer.unrecorded == 400
    assert committer.flush()
    assert column(db, recipient.c.state) == ["sent"]


def test_a_result_beside_one_that_cannot_be_recorded_outlasts_the_database(db: Database, put: Put) -> None:
    put(), put()
    good, bad = claims.claim(db, "worker", 2, lease=60)
    committer = Committer(db)
    with full_disk(db.engine):
        committer.record(bad, Verdict((Outcome("ann@example.com", "pending", delay="soon"),)))  # type: ignore[arg-type] # wrong, so that it fails
        committer.record(good, SENT)
        assert not committer.flush()
        assert committer.unrecorded == 1
    assert committer.flush()
    assert column(db, recipient.c.state) == ["sent", "pending"]


def test_a_late_renewal_leaves_what_was_claimed_again_to_its_thread(
    db: Database, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put()
    thread, renew = SendingThread(db, Committer(db), Breaker(db), threading.Event()), claims.renew
    [first] = claims.claim(db, thread.owner, 1, lease=60)
    thread._held = {first.id: first}

    def renew_late(*arguments: Any) -> set[str]:
        claims.release(db, [first])
        [again] = claims.claim(db, thread.owner, 1, lease=60)
        thread._held = {again.id: again}
        return renew(*arguments)

    monkeypatch.setattr(claims, "renew", renew_late)
    thread.renew()
    assert [each.token for each in thread._held.values()] == [2]


def test_what_could_not_be_given_back_is_given_back_when_the_database_is_there_again(
    db: Database, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put()
    stop = threading.Event()
    stop.set()  # so that what is claimed is given back
    thread = SendingThread(db, Committer(db), Breaker(db), stop)

    def fail(*_: object) -> None:
        raise OutboxUnavailable("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(claims, "release", fail)
        assert thread.work() == 1
    assert column(db, entry.c.state) == ["sending"]
    thread.work()
    assert column(db, entry.c.state) == ["queued"]
