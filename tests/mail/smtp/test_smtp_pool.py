"""One batch over several connections."""

from __future__ import annotations

import contextlib
import contextvars
import sqlite3
import threading
import time
from types import SimpleNamespace

import pytest

from aerogram.exceptions import BadHeaderError, DeliveryError
from aerogram.mail import EmailMessage
from aerogram.mail.smtp import driver
from aerogram.mail.smtp.connection import State
from aerogram.mail.smtp.loop import Loop
from aerogram.testing import Drop, FaultyServer, Hang
from aerogram.testing.smtp_script import ScriptRule
from tests.smtp_peers import (
    OneToken,
    backend_for,
    copies,
    deliver,
    mail,
    mails,
    only_status,
)


@pytest.mark.parametrize("offers", [["PIPELINING"], [], ["PIPELINING", "CHUNKING"]])
def test_a_batch_is_spread_and_each_message_goes_once(offers, of):
    with FaultyServer(offers).on(".", Hang(0.01), "250 2.0.0 ok") as server:
        assert deliver(server, of(mails(60)), connections=4, chunking=True) == (60, [])
    assert len(copies(server)) == 60
    assert set(copies(server).values()) == {1}
    assert server.connections == 4
    assert len({message.connection for message in server.messages}) == 4
    assert server.verbs.count("QUIT") == 4


def test_one_message_needs_one_connection():
    with FaultyServer() as server:
        assert deliver(server, [mail()], connections=4) == (1, [])
    assert server.connections == 1


def test_messages_and_reports_stay_in_the_callers_thread():
    database = sqlite3.connect(":memory:")  # refuses any thread but its own
    database.execute("CREATE TABLE done (id TEXT)")
    variable = contextvars.ContextVar("variable", default="elsewhere")
    variable.set("here")

    def messages():
        for message in mails(40):
            assert variable.get() == "here"
            yield message

    def done(report):
        database.execute("INSERT INTO done VALUES (?)", (report.message_id,))

    with FaultyServer() as server:
        assert backend_for(server, connections=3).send_messages(messages(), on_result=done) == 40
    assert database.execute("SELECT count(DISTINCT id) FROM done").fetchone() == (40,)
    database.close()


def test_a_connection_the_server_does_not_grant_leaves_the_work_to_the_others(of):
    with FaultyServer().on("connect", "421 4.7.0 too many connections", Drop(), skip=2) as server:
        server.on(".", Hang(0.01), "250 2.0.0 ok")
        assert deliver(server, of(mails(30)), connections=4) == (30, [])
    assert len({message.connection for message in server.messages}) <= 2
    assert set(copies(server).values()) == {1}


def test_when_every_connection_is_gone_the_rest_is_deferred(of):
    messages = mails(100)
    server = FaultyServer().on("connect", "554 5.3.2 closed", Drop(), skip=3)
    with server.on(".", Drop(), skip=4, per_connection=True, keep=False):
        sent, reports = deliver(server, of(messages), connections=3)
    found = [only_status(message) for message in messages]
    assert sent == found.count("sent") == len(server.messages) == 12
    assert found.count("uncertain") == 3
    assert found.count("deferred") == 85 == len(reports) - 3


def test_faults_cost_only_the_messages_they_hit(of):
    messages = mails(80)
    server = (
        FaultyServer()
        .on("RCPT", "550 5.1.1 no", match="p7@")
        .on("MAIL", "421 4.3.2 no", Drop(), skip=20, times=3)
    )
    with server.on(".", Drop(), skip=30, times=2, keep=False):
        deliver(server, of(messages), connections=4)
    found = {message.to[0]: only_status(message) for message in messages}
    assert found["p7@x.org"] == "refused"
    assert list(found.values()).count("uncertain") == 2
    assert {address for address, status in found.items() if status == "sent"} == set(copies(server))
    assert set(copies(server).values()) == {1}
    # A message may be hit by two of the faults, and is sent again once only.
    assert list(found.values()).count("deferred") <= 2


def test_reports_come_in_the_order_of_the_messages(of):
    messages = [*mails(10), mail(subject="a\nb"), *mails(10)]
    server = FaultyServer().on("RCPT", "550 5.1.1 no", match="p3@")
    with server, pytest.raises(DeliveryError) as caught:
        backend_for(server, connections=3).send_messages(of(messages))
    wrong = [messages[3].delivery, messages[10].delivery, messages[14].delivery]
    assert list(caught.value.reports) == wrong
    assert isinstance(wrong[1].error, BadHeaderError)


def test_an_error_of_the_iterable_is_raised_when_all_before_it_is_sent():
    def broken():
        yield from mails(20)
        raise LookupError("the database went away")

    with FaultyServer() as server, pytest.raises(LookupError):
        backend_for(server, connections=3).send_messages(broken())
    assert len(server.messages) == 20
    assert not workers()


def test_an_interrupt_leaves_no_message_without_a_report_that_was_taken():
    taken = []

    def taken_from():
        for message in mails(100):
            taken.append(message)
            yield message

    def interrupt(report):
        raise KeyboardInterrupt

    server = FaultyServer().on(".", Hang(0.5), "250 2.0.0 ok", times=1).on(".", Hang(30))
    with server, pytest.raises(KeyboardInterrupt):
        backend_for(server, connections=2).send_messages(taken_from(), on_result=interrupt)
    assert len(taken) > 30
    assert [message for message in taken if message.delivery is None] == []


def test_an_interrupt_stops_every_connection_and_records_every_doubt():
    messages = mails(40)

    with FaultyServer().on(".", Hang(30), skip=4, keep=True) as server:
        backend = backend_for(server, connections=3)
        with pytest.raises(KeyboardInterrupt):
            backend.send_messages(_impatient(messages, server))
        assert backend.connection is None
    while workers():  # one may still be opening a connection
        threading.Event().wait(0.01)
    taken = [message for message in messages if message.delivery is not None]
    for message in taken:
        assert (only_status(message) == "sent") <= (message.to[0] in copies(server))
    uncertain = {message.to[0] for message in taken if only_status(message) == "uncertain"}
    assert (
        set(copies(server)) - {message.to[0] for message in taken if only_status(message) == "sent"}
        <= uncertain
    )


@pytest.mark.parametrize("own_thread", [True, False])
def test_an_interrupt_does_not_wait_for_a_connection_that_is_being_opened(own_thread):
    def interrupt(_report):
        raise KeyboardInterrupt

    server = FaultyServer().on("connect", Hang(30), skip=1)
    with server.on(".", Hang(0.1), "250 2.0.0 ok"):
        backend = backend_for(server, connections=2, timeout=30)
        backend.has_own_thread = own_thread
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            backend.send_messages(mails(8), on_result=interrupt)
        assert time.monotonic() - began < 20
        assert server.connections == 2


def test_an_interrupt_amid_messages_at_hand_records_every_doubt():
    class Interrupted(EmailMessage):
        def recipients(self):
            if len(server.messages) >= 5:
                raise KeyboardInterrupt
            return super().recipients()

    messages = [Interrupted("Hi", "Text", "me@x.org", [f"p{number}@x.org"]) for number in range(200)]
    with FaultyServer().on(".", Hang(0.01), "250 2.0.0 ok") as server:
        backend = backend_for(server, connections=3)
        with pytest.raises(KeyboardInterrupt):
            backend.send_messages(messages)
        assert backend.connection is None
    told = {message.to[0]: only_status(message) for message in messages if message.delivery is not None}
    assert {address for address, status in told.items() if status == "sent"} <= set(copies(server))
    assert set(copies(server)) <= {address for address, status in told.items() if status != "deferred"}
    assert set(told.values()) <= {"sent", "uncertain", "deferred"}


def test_results_that_take_their_time_hold_up_no_connection():
    def slowly(_report):
        threading.Event().wait(0.05)
        told.append(len(server.messages))

    told = []
    with FaultyServer() as server:
        assert backend_for(server, connections=2).send_messages(mails(30), on_result=slowly) == 30
    assert told[10] >= 20  # whoever took in that result had the server go on meanwhile


def _impatient(messages, server):
    for number, message in enumerate(messages):
        if number >= 8:
            while len(server.messages) < 5:
                threading.Event().wait(0.005)
            raise KeyboardInterrupt
        yield message


def test_a_server_that_does_not_close_behind_a_421_holds_up_no_other_connection(of, monkeypatch):
    monkeypatch.setattr(driver, "_LAST_WORDS_TIMEOUT", 30)
    released = threading.Event()

    class Slow(FaultyServer):
        def rule_for(self, verb: str, argument: str, connection: int) -> ScriptRule | None:
            if verb == "RCPT" and connection == 1:
                released.wait(30)  # behind its 421 to MAIL
                return ScriptRule("RCPT", (Drop(),))
            return super().rule_for(verb, argument, connection)

    reports = []

    def count(report):
        reports.append(report)
        if len(reports) == 19:
            released.set()

    server = Slow(["PIPELINING", "CHUNKING"]).on("MAIL", "421 4.3.2 bye", times=1)
    began = time.monotonic()
    with server:
        backend = backend_for(server, connections=3, chunking=True, timeout=30)
        assert backend.send_messages(of(mails(20)), on_result=count) == 20
    assert time.monotonic() - began < 20
    assert set(copies(server).values()) == {1}


def test_the_open_connection_is_one_of_the_pool_and_stays_open(of):
    with FaultyServer() as server, backend_for(server, connections=2) as backend:
        backend.send_messages(of(mails(20)))
        backend.send_messages(of(mails(20)))
        assert backend.connection is not None
        first = {message.connection for message in server.messages}
    assert 1 in first
    assert len(server.messages) == 40
    assert not workers()


class Meeting(FaultyServer):
    """Answers MAIL only when a second connection says it too, as long as :attr:`meeting` is set."""

    meeting: threading.Barrier | None = None

    def rule_for(self, verb: str, argument: str, connection: int) -> ScriptRule | None:
        if verb == "MAIL" and self.meeting is not None:
            with contextlib.suppress(threading.BrokenBarrierError):
                self.meeting.wait(timeout=5)
        return super().rule_for(verb, argument, connection)


def test_two_messages_at_once_wake_two_connections():
    def messages(server):
        yield from mails(9)
        for known in (9, 11, 13):  # every connection is idle, or soon will be; then come two messages at once
            for _ in range(2000):
                if len(server.messages) == known:
                    break
                threading.Event().wait(0.005)
            server.meeting = threading.Barrier(2)
            yield from mails(2)

    with Meeting().on(".", Hang(0.1), "250 2.0.0 ok") as server:
        assert backend_for(server, connections=3).send_messages(messages(server)) == 15
        assert not server.meeting.broken
    carriers = [message.connection for message in server.messages][9:]
    assert all(one != other for one, other in zip(carriers[::2], carriers[1::2], strict=True))


def workers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("aerogram-smtp")]


@pytest.mark.parametrize("of", [list, iter], ids=["listed", "streamed"])  # not in the caller's thread
def test_the_time_of_the_callers_own_code_is_no_wait_for_a_server(of):
    def slowly(_report):
        told.append(1)
        if len(told) == 6:
            threading.Event().wait(1.5)

    told = []
    server = FaultyServer().on(".", Hang(0.3), "250 2.0.0 ok", times=1, per_connection=True)
    with server:
        backend = backend_for(server, connections=4, timeout=1, message_timeout=1.2)
        assert backend.send_messages(of(mails(40)), on_result=slowly) == 40
    assert set(copies(server).values()) == {1}


def test_a_connection_that_cannot_be_renewed_leaves_its_message_to_the_others(of):
    server = FaultyServer().on("connect", "421 4.7.0 too many", Drop(), skip=4)
    server.on("MAIL", "421 4.3.2 bye", Drop(), skip=12, times=2)
    with server.on(".", Hang(0.02), "250 2.0.0 ok"):
        assert deliver(server, of(mails(40)), connections=4) == (40, [])
    assert set(copies(server).values()) == {1}


def test_what_a_connection_leaves_that_fails_in_a_flush_goes_to_an_idle_one():
    # No server brings this about at will: the connection must fail for good at the moment of the write.
    class Stub:
        key = call = awaiting = None
        failure = OSError("lost")

        def __init__(self, state, *queue):
            self.state, self.queue = state, list(queue)
            self.driver = SimpleNamespace(set_blocking=bool)

        def advance(self, _step=None, *, holds=False):
            if not self.queue:
                self.state = State.IDLE
            elif self.state is State.HOLDING:
                self.state = State.FAILED
            else:
                finished.append(self.queue.pop())

        def take_back(self):
            return self.queue

        def take(self, message):
            self.queue.append(message)

    loop = Loop([], lambda: None, SimpleNamespace(connections=2), ahead=True)
    finished = loop._finished
    loop._connections = [Stub(State.HOLDING, "mail"), Stub(State.IDLE)]
    loop._wait = lambda _patience: pytest.fail("it waits for a server")
    loop._turn(flush=True)
    loop._close()
    assert list(finished) == ["mail"]


def test_a_token_that_cannot_be_renewed_leaves_the_work_to_the_connections_there_are(of):
    token = OneToken()
    with FaultyServer(["PIPELINING", "AUTH XOAUTH2"], logins={"u": "t"}) as server:
        options = {"connections": 3, "username": "u", "auth_token": token}
        assert deliver(server, of(mails(30)), **options) == (30, [])
    assert token.asked == 3


def test_a_token_whose_callable_ends_the_program_leaves_the_work_to_the_connections_there_are(of):
    def token():
        tokens.append("t")
        if len(tokens) > 1:
            raise SystemExit
        return "t"

    tokens = []
    with FaultyServer(["PIPELINING", "AUTH XOAUTH2"], logins={"u": "t"}) as server:
        options = {"connections": 3, "username": "u", "auth_token": token}
        assert deliver(server, of(mails(30)), **options) == (30, [])
