"""The connections of a worker: how many there are, and what a slow server holds up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from aerogram import outbox
from aerogram.conf import settings
from aerogram.exceptions import OutboxUnavailable
from aerogram.mail import EmailMessage
from aerogram.outbox.worker import Worker
from aerogram.outbox.worker.committer import Committer, checkpoint
from aerogram.testing import FaultyServer, Hang
from tests.smtp_peers import copies


class Slow(FaultyServer):
    """Answers no content of its first connection until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def rule_for(self, verb: str, argument: str, connection: int) -> Any:
        if verb == "." and connection == 1:
            self.released.wait(60)
        return super().rule_for(verb, argument, connection)


def put(subject: str, **options: Any) -> str:
    return EmailMessage(subject, "x", "shop@example.com", ["ann@example.com"]).send_later(**options)


@contextmanager
def working(**options: Any) -> Iterator[Worker]:
    worker = Worker(**options)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join()


def wait_until_done(entry_id: str) -> None:
    waiting = threading.Event()
    for _ in range(600):
        if outbox.get(entry_id).state == "done":
            return
        waiting.wait(0.05)
    pytest.fail("the mail was not sent in half a minute")


@pytest.fixture
def sqlite_outbox(sqlite_url: str) -> str:
    settings.configure(OUTBOX_URL=sqlite_url)
    return sqlite_url


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_connections_are_open_than_asked_for(sqlite_outbox: str, concurrency: int) -> None:
    with FaultyServer().on(".", Hang(0.01), "250 2.0.0 ok") as server:
        settings.configure(EMAIL_HOST=server.host, EMAIL_PORT=server.port)
        ids = [put(f"n{number}") for number in range(60)]
        assert outbox.run_once(concurrency=concurrency) == 60
        assert server.connections == concurrency
    assert {outbox.get(each).state for each in ids} == {"done"}


def test_a_mail_whose_answer_takes_long_holds_up_no_later_one(sqlite_outbox: str) -> None:
    with Slow() as server:
        settings.configure(EMAIL_HOST=server.host, EMAIL_PORT=server.port)
        with working(concurrency=2):
            slow = put("slow")
            while "DATA" not in server.verbs:
                server.released.wait(0.01)
            wait_until_done(put("quick"))
            assert outbox.get(slow).state == "sending"
            server.released.set()
            wait_until_done(slow)


def test_a_server_that_takes_long_holds_up_no_other_mailer(sqlite_outbox: str) -> None:
    with Slow() as slow, FaultyServer() as quick:
        settings.configure(
            EMAIL_HOST=slow.host,
            EMAIL_PORT=slow.port,
            MAILERS={
                "quick": {"URL": f"smtp://{quick.host}:{quick.port}"},
                "shown": {"URL": "locmem:"},
            },
        )
        first = put("slow")
        with working(concurrency=1):
            while "DATA" not in slow.verbs:
                slow.released.wait(0.01)
            wait_until_done(put("over another server", using="quick"))
            wait_until_done(put("by another backend", using="shown"))
            assert outbox.get(first).state == "sending"
            slow.released.set()
            wait_until_done(first)


def test_connections_stay_open_from_one_mail_to_the_next(sqlite_outbox: str) -> None:
    with FaultyServer() as server:
        settings.configure(EMAIL_HOST=server.host, EMAIL_PORT=server.port)
        with working(concurrency=3):
            for number in range(5):
                wait_until_done(put(f"n{number}"))
            assert server.connections == 1
    assert server.verbs.count("QUIT") == 1


def test_a_mailer_with_a_rate_ends_when_all_is_sent(sqlite_outbox: str) -> None:
    with FaultyServer() as server:
        settings.configure(
            OUTBOX_MAILER="slowly",
            MAILERS={"slowly": {"URL": f"smtp://{server.host}:{server.port}", "OPTIONS": {"rate": 400}}},
        )
        for number in range(120):
            put(f"n{number}")
        assert outbox.run_once(concurrency=3) == 120
    assert len(server.messages) == 120


@pytest.mark.parametrize("limit", [["LIMITS RCPTMAX=1"], []])
def test_what_left_in_a_first_transaction_is_not_sent_again_when_the_second_is_stopped(
    sqlite_outbox: str, limit: list[str]
) -> None:
    questions = []

    def stop_at_second_content(step: str) -> None:
        questions.extend([step] if step == "before content" else [])
        if len(questions) == 2:
            worker.stop()

    with FaultyServer(["PIPELINING", *limit]) as server:
        server.on("RCPT", "452 4.5.3 too many recipients", match="bob", times=0 if limit else 1)
        settings.configure(EMAIL_HOST=server.host, EMAIL_PORT=server.port)
        mail = EmailMessage("two", "x", "shop@example.com", ["ann@example.com", "bob@example.com"])
        entry_id = mail.send_later()
        worker = Worker(concurrency=1)
        checkpoint.append(stop_at_second_content)
        try:
            worker.run()
        finally:
            checkpoint.remove(stop_at_second_content)
        states = {each.address: each.state for each in outbox.get(entry_id).recipients}
    assert copies(server) == {"ann@example.com": 1}
    assert states == {"ann@example.com": "sent", "bob@example.com": "pending"}


def test_a_mail_that_the_database_stopped_is_sent_while_others_go_on(
    sqlite_outbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_contents, fails = Committer.begin_contents, [True]

    def fail(step: str) -> None:
        if step == "before commit" and fails:
            raise OutboxUnavailable("locked")

    def fail_at_first(committer: Committer, claims: Any) -> Any:
        try:
            return begin_contents(committer, claims)
        finally:
            fails.clear()

    monkeypatch.setattr(Committer, "begin_contents", fail_at_first)
    monkeypatch.setattr("aerogram.outbox.worker.committer.checkpoint", [fail])
    with FaultyServer() as server:
        settings.configure(EMAIL_HOST=server.host, EMAIL_PORT=server.port)
        put("first")
        for _ in range(150):
            put("more")
        assert outbox.run_once(concurrency=1) == 151
    order = [b"first" in message.content for message in server.messages]
    assert order.count(True) == 1
    assert 0 < order.index(True) < 130
