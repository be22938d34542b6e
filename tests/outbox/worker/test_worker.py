"""The worker: what it sends, what it leaves alone, and how it ends. The numbers are those of the battery."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from aerogram import exceptions, outbox
from aerogram.conf import settings
from aerogram.mail.backends.base import BaseEmailBackend
from aerogram.mail.capture import capture_mail
from aerogram.mail.delivery import hooks
from aerogram.outbox import claims, recovery, transports
from aerogram.outbox.retries import Outcome, waits
from aerogram.outbox.storage.database import Database
from aerogram.outbox.worker import Worker, committer, process
from aerogram.outbox.worker.committer import checkpoint
from aerogram.outbox.worker.threads import run_thread
from aerogram.testing import Drop, FaultyServer
from tests.forked_python import python
from tests.outbox import recorder

Put = Callable[..., str]
ANN, BOB, EVE = "ann@example.com", "bob@example.com", "eve@example.com"


@contextmanager
def relay(*arguments: Any, **options: Any) -> Iterator[FaultyServer]:
    """A server that the worker sends through."""
    with FaultyServer(*arguments, **options) as server:
        settings.configure(EMAIL_HOST=server.host, EMAIL_PORT=server.port)
        yield server


@pytest.fixture
def sqlite_db(sqlite_url: str) -> Iterator[Database]:
    """An outbox for what does not depend on the database."""
    settings.configure(OUTBOX_URL=sqlite_url)
    database = Database(sqlite_url)
    yield database
    database.close()


def put_one(**options: Any) -> str:
    from aerogram.mail import EmailMessage

    recipients = options.pop("to", [ANN])
    return EmailMessage(options.pop("subject", "News"), "x", "shop@example.com", recipients).send_later(
        **options
    )


def states(entry_id: str) -> dict[str, str]:
    return {each.address: each.state for each in outbox.get(entry_id).recipients}


def execute(db: Database, statement: str) -> None:
    with db.writing() as connection:
        connection.execute(text(statement))


def paused(db: Database) -> dict[str, datetime]:
    with db.reading() as connection:
        return transports.paused_until(connection, db.now(connection))


def make_due(db: Database) -> None:
    execute(db, "UPDATE aerogram_outbox_entry SET due = 1 WHERE state = 'queued'")
    execute(db, "UPDATE aerogram_outbox_recipient SET due = 1 WHERE state = 'pending'")
    execute(db, "UPDATE aerogram_outbox_transport SET paused_until = 0")


def test_what_is_due_is_sent_with_the_bytes_that_were_queued(db: Database, put: Put) -> None:
    with relay() as server:
        ids = [put(ANN, BOB, subject=f"n{i}") for i in range(30)]
        later = put(delay=3600)
        assert outbox.run_once(concurrency=3) == 30
        assert sorted(each.content for each in server.messages) == sorted(map(outbox.content, ids))
        assert outbox.run_once() == 0
    assert {outbox.get(each).state for each in ids} == {"done"}
    assert outbox.get(later).state == "queued"


def test_62_63_each_recipient_has_its_own_fate(db: Database, put: Put) -> None:
    with relay() as server:
        server.on("RCPT", "550 5.1.1 no such user", match="bob@")
        server.on("RCPT", "450 4.2.1 later", match="eve@", times=1)
        entry_id = put(ANN, BOB, EVE)
        assert outbox.run_once() == 1
        assert states(entry_id) == {ANN: "sent", BOB: "refused", EVE: "pending"}
        eve = outbox.get(entry_id).recipients[2]
        assert (eve.attempts, eve.code) == (1, 450)
        make_due(db)
        outbox.run_once()
        assert states(entry_id)[EVE] == "sent"
        assert [each.recipients for each in server.messages] == [(ANN,), (EVE,)]
        assert [each.address for each in outbox.list_suppressions()] == [BOB]
        # 88: later mail leaves out the address that does not exist.
        other = put(ANN, BOB)
        outbox.run_once()
    assert (states(other), outbox.get(other).state) == ({ANN: "sent", BOB: "suppressed"}, "done")


def test_58_a_dead_relay_counts_nothing_and_is_left_alone(
    db: Database, put: Put, caplog: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waits, "_PAUSES", {"down": (600, 600)})  # longer than the test takes
    ids = [put() for _ in range(30)]
    settings.configure(EMAIL_HOST="127.0.0.1", EMAIL_PORT=1)
    for _ in range(2):
        assert outbox.run_once() == 0
    assert list(paused(db)) == ["default"]
    assert sum("is down" in each for each in caplog.messages) == 1
    assert 'mailer_paused{mailer="default"} 1' in outbox.prometheus_text()
    for entry_id in ids:
        entry = outbox.get(entry_id)
        assert (entry.state, entry.crashes, entry.recipients[0].attempts) == ("queued", 0, 0)
    make_due(db)
    with relay():
        assert outbox.run_once() == 30


@pytest.mark.parametrize("verb", ["connect", "MAIL", "RCPT", "DATA"])
def test_64_a_421_before_the_content_counts_nothing(sqlite_db: Database, verb: str) -> None:
    with relay() as server:
        server.on(verb, "421 4.3.2 closing", Drop(), times=2)
        ids = [put_one() for _ in range(3)]
        outbox.run_once(concurrency=1)
        for _ in range(3):
            make_due(sqlite_db)
            outbox.run_once(concurrency=1)
        assert {outbox.get(each).state for each in ids} == {"done"}
        assert all(outbox.get(each).recipients[0].attempts == 1 for each in ids)
        assert len(server.messages) == 3


def test_61_a_wrong_password_waits_for_the_operator(sqlite_db: Database, caplog: Any) -> None:
    with relay(offers=("PIPELINING", "AUTH PLAIN"), logins={"ann": "right"}):
        settings.configure(EMAIL_HOST_USER="ann", EMAIL_HOST_PASSWORD="wrong")
        entry_id = put_one()
        worker = Worker(concurrency=1, once=True)
        assert worker.run() == 0
        assert "535" in worker.misconfigured["default"]
        assert [each.levelname for each in caplog.records if "paused" in each.message] == ["ERROR"]
        assert "wrong" not in caplog.text
        assert outbox.get(entry_id).recipients[0].attempts == 0
        until = paused(sqlite_db)["default"]
        assert until > datetime.now(UTC) + timedelta(seconds=20)


@pytest.mark.parametrize(("policy", "state"), [("retry", "queued"), ("hold", "held")])
def test_70_no_answer_after_the_content_is_on_record(db: Database, put: Put, policy: str, state: str) -> None:
    settings.configure(OUTBOX_ON_UNCERTAIN=policy)
    with relay() as server:
        server.on(".", Drop(), keep=True, times=3 if policy == "retry" else 1)
        entry_id = put()
        for times in range(1, 4 if policy == "retry" else 2):
            outbox.run_once()
            entry = outbox.get(entry_id)
            assert entry.uncertain == times
            if times < 3 and policy == "retry":
                assert (entry.due.timestamp() - time.time()) > 850
                make_due(db)
        assert entry.state == ("held" if policy == "hold" or times == 3 else state)
        assert outbox.status().uncertain == 1
        outbox.retry(entry_id)
        assert outbox.run_once() == 1
        assert len({each.content for each in server.messages}) == 1


def test_79_a_worker_that_lost_its_lease_sends_no_content(db: Database, put: Put) -> None:
    entry_id = put()
    other: list[claims.Claim] = []
    ended: list[str] = []

    def steal(step: str) -> None:
        if step == "before content" and not other:
            # Once more, if the worker has taken its own mail back and claimed it first.
            ended.append(step)
            execute(db, "UPDATE aerogram_outbox_entry SET lease_until = 1")
            recovery.recover(db)
            other.extend(claims.claim(db, "other", 1, lease=60))

    checkpoint.append(steal)
    try:
        with relay() as server:
            assert outbox.run_once() == 0
            assert server.messages == []
    finally:
        checkpoint.remove(steal)
    assert [each.id for each in other] == [entry_id]
    assert outbox.get(entry_id).state == "sending"
    assert outbox.get(entry_id).crashes == len(ended)


class Poisoned(BaseEmailBackend):
    """A backend of an application that fails for one subject."""

    taken: list[str] = []

    def send_messages(self, email_messages: Any, **_: Any) -> int:
        for message in email_messages:
            if message.subject == "poison":
                raise RuntimeError("boom")
            self.taken.append(message.subject)
        return len(email_messages)


def test_80_a_poisonous_mail_is_dead_at_the_third_error_and_the_others_go(db: Database, put: Put) -> None:
    Poisoned.taken.clear()
    settings.configure(MAILERS={"own": {"BACKEND": f"{__name__}.Poisoned"}}, OUTBOX_MAILER="own")
    poison = put(subject="poison", priority=5)
    others = [put(subject=f"n{i}") for i in range(5)]
    for _ in range(3):
        outbox.run_once(concurrency=1)
        make_due(db)
    assert (outbox.get(poison).state, outbox.get(poison).crashes) == ("dead", 3)
    assert "RuntimeError: boom" in outbox.get(poison).recipients[0].text
    assert {outbox.get(each).state for each in others} == {"done"}
    assert Poisoned.taken == [f"n{i}" for i in range(5)]


def test_a_result_that_cannot_be_recorded_holds_up_no_other(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [put_one(subject=f"n{i}") for i in range(4)]
    real = committer.record

    def record(connection: Any, now: int, results: Any) -> set[str]:
        if any(claim.id == ids[1] for claim, _ in results):
            raise ValueError("not this one")
        return real(connection, now, results)

    monkeypatch.setattr(committer, "record", record)
    with relay() as server:
        assert outbox.run_once(concurrency=1) == 4
        assert len(server.messages) == 4
    assert [outbox.get(each).state for each in ids] == ["done", "sending", "done", "done"]


def test_once_takes_back_and_sends_all_that_dead_workers_left(
    sqlite_db: Database, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "BATCH", 3)
    for number in range(8):
        put(subject=f"n{number}")
        claims.claim(sqlite_db, f"dead {number}", 1, lease=0)
    with relay():
        assert outbox.run_once() == 8


def test_86_a_rate_is_shared(sqlite_db: Database) -> None:
    with relay() as server:
        url = f"smtp://{server.host}:{server.port}"
        settings.configure(MAILERS={"slow": {"URL": url, "OPTIONS": {"rate": 20}}}, OUTBOX_MAILER="slow")
        for _ in range(12):
            put_one()
        began = time.monotonic()
        assert outbox.run_once(concurrency=4) == 12
        assert time.monotonic() - began >= 11 / 20 - 0.05


def test_87_higher_priority_goes_first(db: Database, put: Put) -> None:
    with relay() as server:
        for i in range(5):
            put(subject=f"low {i}", priority=-1)
        put(subject="high", priority=1)
        outbox.run_once(concurrency=1)
        assert server.messages[0].content.startswith(b"Subject: high\r\n")


def test_mail_goes_by_the_mailer_it_names(sqlite_db: Database) -> None:
    with relay() as first, FaultyServer() as second:
        settings.configure(MAILERS={"bulk": {"URL": f"smtp://{second.host}:{second.port}"}})
        put_one()
        put_one(using="bulk")
        assert outbox.run_once() == 2
        assert (len(first.messages), len(second.messages)) == (1, 1)


def test_a_worker_whose_settings_lack_a_mailer_keeps_no_other_from_its_mail(sqlite_db: Database) -> None:
    with relay() as server:
        newer = {"bulk": {"URL": f"smtp://{server.host}:{server.port}"}}
        with settings.override(MAILERS=newer):
            put_one(using="bulk")
        worker = Worker(once=True)
        assert worker.run() == 0
        assert list(worker.misconfigured) == ["bulk"]
        assert paused(sqlite_db) == {}
        with settings.override(MAILERS=newer):
            assert outbox.run_once() == 1
        assert len(server.messages) == 1


def test_a_mailer_that_queues_is_refused(sqlite_db: Database) -> None:
    path = "aerogram.mail.backends.outbox.EmailBackend"
    entry_id = put_one()
    settings.configure(MAILERS={"loop": {"BACKEND": path}}, OUTBOX_MAILER="loop")
    worker = Worker(once=True)
    assert worker.run() == 0
    assert "OUTBOX_MAILER" in worker.misconfigured["loop"]
    assert outbox.get(entry_id).state == "queued"


def test_a_hook_runs_when_the_mail_is_queued_and_not_again(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def once(message: Any) -> None:
        seen.append(message.subject)
        if len(seen) > 1:
            raise OSError("the quota server is away")

    monkeypatch.setattr(hooks.before_send, "listeners", (once,))
    with relay() as server:
        entry_id = put_one()
        assert outbox.run_once() == 1
        assert len(server.messages) == 1
    assert (seen, outbox.get(entry_id).state) == (["News"], "done")


def test_what_a_worker_sends_is_captured(sqlite_db: Database) -> None:
    put_one(to=[ANN, BOB])
    with capture_mail() as messages:
        assert outbox.run_once() == 1
    assert [(each.subject, each.to) for each in messages] == [("News", [ANN, BOB])]


def test_a_folder_that_cannot_be_written_is_a_mailer_that_is_down(
    sqlite_db: Database, tmp_path: Path
) -> None:
    settings.configure(MAILERS={"file": {"URL": f"file://{tmp_path}/mails"}}, OUTBOX_MAILER="file")
    entry_id = put_one()
    assert outbox.run_once() == 1
    assert outbox.get(entry_id).state == "done"


def test_new_mail_wakes_the_worker_at_once(db: Database, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_POLL", 3600.0)
    with relay() as server:
        worker = outbox.start()
        try:
            assert outbox.start() is worker
            for number in (1, 2):
                time.sleep(0.3)
                put()
                wait_for_done(number)
            assert len(server.messages) == 2
        finally:
            worker.stop()
            worker.join()


def wait_for_done(number: int) -> None:
    deadline = time.monotonic() + 60
    while outbox.counts()["done"] < number:
        assert time.monotonic() < deadline
        time.sleep(0.02)


FORKING = """
import os, sys, time
from aerogram import outbox, settings
from aerogram.mail import EmailMessage
from aerogram.outbox.worker import process

process._POLL = 3600.0
settings.configure(OUTBOX_URL=sys.argv[1], EMAIL_URL=sys.argv[2])
worker = outbox.start()
idle = [signal._condition._waiters for _, signal in worker._senders]
while not all(idle):  # no thread may be in the middle of a statement when the process forks
    time.sleep(0.02)
if not os.fork():
    EmailMessage("Hi", "Hi", "a@x.org", ["b@x.org"]).send_later()
    os._exit(0)
os.wait()
while not outbox.counts()["done"]:
    time.sleep(0.02)
"""


def test_mail_that_a_fork_queues_wakes_the_worker_of_its_parent(outbox_url: str) -> None:
    with FaultyServer() as server:
        command = python("-c", FORKING, outbox_url, f"smtp://127.0.0.1:{server.port}")
        subprocess.run(command, check=True)
        assert len(server.messages) == 1


def test_an_idle_worker_uses_no_processor(sqlite_db: Database) -> None:
    sqlite_db.prepare()
    worker = Worker(concurrency=4)
    thread = threading.Thread(target=worker.run)
    thread.start()
    time.sleep(0.3)
    before, began = time.process_time(), time.monotonic()
    time.sleep(1.5)
    used = (time.process_time() - before) / (time.monotonic() - began)
    worker.stop()
    thread.join()
    assert used < 0.03  # of a core; measured 0.0025, and the rest is room for a busy machine


def test_90_sigterm_finishes_the_mail_and_gives_the_others_back(sqlite_db: Database, sqlite_url: str) -> None:
    with relay() as server:
        server.on(".", "250 ok", times=1, keep=True)
        release, reached = threading.Event(), threading.Event()
        real = server.rule_for

        def rule_for(verb: str, argument: str, connection: int) -> Any:
            if verb == ".":
                reached.set()
                release.wait(60)
            return real(verb, argument, connection)

        server.rule_for = rule_for  # type: ignore[method-assign] # a server with rules of its own
        for i in range(5):
            put_one(subject=f"n{i}")
        values = {"OUTBOX_URL": sqlite_url, "EMAIL_HOST": server.host, "EMAIL_PORT": str(server.port)}
        environment = {**os.environ, **{f"AEROGRAM_{name}": value for name, value in values.items()}}
        process = subprocess.Popen(python("-m", "aerogram", "worker", "--concurrency", "1"), env=environment)
        assert reached.wait(60)
        assert outbox.counts()["sending"] == 5
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        release.set()
        assert process.wait(60) == 0
        assert outbox.counts() == {
            "queued": 4, "sending": 0, "done": 1, "dead": 0, "cancelled": 0, "held": 0,
        }  # fmt: skip
        assert len(server.messages) == 1


@pytest.mark.parametrize(("concurrency", "before"), [(1, 0), (8, 0), (1, 1), (8, 1)])
def test_a_worker_that_stops_waits_for_no_connection(
    sqlite_db: Database, concurrency: int, before: int
) -> None:
    with relay() as server:
        release, reached, real = threading.Event(), threading.Event(), server.rule_for

        def rule_for(verb: str, argument: str, connection: int) -> Any:
            if verb == "EHLO" and connection > before:
                reached.set()
                release.wait(60)
            return real(verb, argument, connection)

        server.rule_for = rule_for  # type: ignore[method-assign] # a server with rules of its own
        options = {"host": server.host, "port": server.port, "max_messages": 1}
        mailer = {"BACKEND": "aerogram.mail.backends.smtp.EmailBackend", "OPTIONS": options}
        settings.configure(MAILERS={"relay": mailer}, OUTBOX_MAILER="relay")
        for _ in range(before + 1):
            put_one()
        worker = Worker(concurrency=concurrency)
        thread = run_thread(worker.run)
        assert reached.wait(60)
        wait_for(lambda: outbox.counts()["done"] == before)
        worker.stop()
        thread.join(20)
        assert not thread.is_alive()
        release.set()
    counts = outbox.counts()
    assert (counts["done"], counts["queued"]) == (before, 1)
    assert paused(sqlite_db) == {}


def test_a_database_that_vanishes_is_survived(sqlite_db: Database, sqlite_url: str, caplog: Any) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with relay() as server:
        put_one()
        worker = Worker(concurrency=2)
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            wait_for(lambda: outbox.counts()["done"] == 1)
            hidden = path.with_suffix(".hidden")
            for suffix in ("", "-wal", "-shm"):
                if Path(f"{path}{suffix}").exists():
                    Path(f"{path}{suffix}").rename(f"{hidden}{suffix}")
            wait_for(lambda: "outbox is unavailable" in caplog.text)
            for suffix in ("", "-wal", "-shm"):
                if Path(f"{hidden}{suffix}").exists():
                    Path(f"{hidden}{suffix}").rename(f"{path}{suffix}")
            put_one()
            wait_for(lambda: outbox.counts()["done"] == 2)
        finally:
            worker.stop()
            thread.join()
        assert len(server.messages) == 2


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_log_lines_show_no_address(sqlite_db: Database, caplog: Any) -> None:
    caplog.set_level(logging.INFO)
    with relay() as server:
        server.on("RCPT", "550 5.1.1 no ann@example.com here")
        put_one(subject="secret")
        outbox.run_once()
    assert "1 refused 550 5.1.1" in caplog.text
    assert "ann@" not in caplog.text
    assert "secret" not in caplog.text


def test_the_command_shows_and_changes_what_is_queued(sqlite_db: Database, sqlite_url: str) -> None:
    entry_id = put_one(delay=60)

    def run(*arguments: str) -> str:
        from aerogram.cli import main

        with capture_output() as output:
            assert main(["outbox", *arguments]) == 0
        return output()

    status = json.loads(run("status", "--json"))
    assert (status["counts"]["queued"], status["uncertain"], status["oldest_queued_seconds"]) == (1, 0, None)
    [listed] = json.loads(run("list", "--json"))
    assert (listed["id"], listed["state"], "history" in listed) == (entry_id, "queued", False)
    identity, state, *times, address, subject = run("list").rstrip("\n").split("\t")
    assert (identity, state, address, subject) == (entry_id, "queued", ANN, listed["subject"])
    assert [datetime.fromisoformat(each).tzinfo is None for each in times] == [False, False]
    assert json.loads(run("show", entry_id, "--json"))["recipients"][0]["address"] == ANN
    assert ANN in run("show", entry_id)
    assert re.search(r"queued, expires \d{4}-", run("retry", entry_id))
    assert json.loads(run("retry", entry_id, "--json"))["state"] == "queued"
    assert "cancelled" in run("cancel", entry_id)
    assert 'aerogram_outbox_entries{state="cancelled"} 1' in run("metrics")
    assert json.loads(run("purge", "--older-than", "0", "--json")) == {"purged": 1}
    assert "queued\t0\nsending\t0\n" in run("status")
    run("init")


def test_once_tells_what_it_has_left(sqlite_db: Database) -> None:
    from aerogram.cli import main

    def run() -> str:
        with capture_output() as output:
            assert main(["worker", "--once"]) == 0
        return output()

    assert run() == "0 mails sent, 0 refused or expired. 0 mails waiting. 0 held.\n"
    held = put_one(subject="held")
    [claim] = claims.claim(sqlite_db, "worker", 1, lease=60)
    recorder.record(sqlite_db, claim, [Outcome(ANN, "uncertain")], uncertain=True)
    assert outbox.get(held).state == "held"
    late = put_one(delay=3600)
    put_one(delay=7200)
    with relay() as server:
        put_one()
        server.on("RCPT", "550 no", times=1)
        first, second, _ = run().split(". ")
        assert first == "0 mails sent, 1 refused or expired"
        due = outbox.get(late).due.astimezone()
        assert second == f"2 mails waiting until {due:%Y-%m-%d %H:%M:%S} or later"
        put_one()
        assert run().startswith("1 mail sent, 0 refused")
    put_one()  # the relay is gone
    waits = run().partition("until ")[2].partition(" or")[0]
    assert datetime.fromisoformat(waits).astimezone() >= datetime.now(UTC) - timedelta(seconds=1)


@pytest.mark.parametrize("number", [0, -1, "2", 1.5, True, None])
def test_a_wrong_concurrency_is_refused(sqlite_db: Database, number: Any) -> None:
    for run in (outbox.run_once, outbox.start):
        with pytest.raises(exceptions.ScheduleError, match="concurrency"):
            run(concurrency=number)


@contextmanager
def capture_output() -> Iterator[Callable[[], str]]:
    import contextlib
    import io

    from aerogram.cli import screen

    stream = io.StringIO()
    screen.screen.cache_clear()
    with contextlib.redirect_stdout(stream):
        yield stream.getvalue
    screen.screen.cache_clear()
