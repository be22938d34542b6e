"""Several connections: none waits for what the server of another one does."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from aerogram.mail.smtp import loop
from aerogram.testing import Drip, Drop, FaultyServer, Hang
from tests.smtp_peers import backend_for, copies, deliver, mail, mails, only_status

LARGE = "A line of the large message, number after number.\n" * 40_000  # 2 MB: more than any buffer takes


@pytest.fixture
def trusted(ca_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))


def first_of_all(server: FaultyServer) -> list[str]:
    return [message.recipients[0] for message in server.messages]


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
def test_tls_connections_share_a_batch_with_large_messages_in_it(implicit, server_tls, trusted, of):
    offers = ["PIPELINING"] if implicit else ["PIPELINING", "STARTTLS"]
    messages = mails(40)
    for message in messages[::13]:
        message.body = LARGE
    with FaultyServer(offers, tls=server_tls, implicit_tls=implicit) as server:
        option = {"use_ssl" if implicit else "use_tls": True}
        assert deliver(server, of(messages), connections=4, max_messages=7, **option) == (40, [])
    assert set(copies(server).values()) == {1}
    assert sum(len(message.content) > len(LARGE) for message in server.messages) == 4
    assert server.connections > 4


@pytest.mark.parametrize("offers", [["PIPELINING"], [], ["PIPELINING", "CHUNKING"]])
def test_a_server_that_thinks_over_one_message_gets_the_others(offers, of):
    messages = mails(40)
    with FaultyServer(offers).on("RCPT", Hang(1.5), "250 2.1.5 ok", match="<p5@") as server:
        assert deliver(server, of(messages), connections=3, chunking=True) == (40, [])
    # What the same connection carries behind it, and what had been given to that, comes later still.
    assert first_of_all(server).index("p5@x.org") >= 30


def test_a_reply_in_drops_holds_up_nobody_else(of):
    with FaultyServer().on("DATA", Drip("354 go on", 0.15), skip=3, times=1) as server:
        assert deliver(server, of(mails(40)), connections=3) == (40, [])
    connections = [message.connection for message in server.messages]
    assert min(connections.count(number) for number in (1, 2, 3)) <= 4


def test_a_server_that_does_not_read_holds_up_one_connection():
    def messages():
        yield mail("large@x.org", body=LARGE)
        while "DATA" not in server.verbs:
            threading.Event().wait(0.005)
        yield from mails(30)

    with FaultyServer().on("DATA", "354 go on", Hang(1.5), times=1) as server:
        assert deliver(server, messages(), connections=3) == (31, [])
    assert first_of_all(server).index("large@x.org") >= 25


def test_a_content_that_nobody_reads_is_given_up_in_time(of):
    messages = [mail("large@x.org", body=LARGE * 4), *mails(30)]
    with FaultyServer().on("DATA", "354 go on", Hang(20), times=2) as server:
        sent, _ = deliver(server, of(messages), connections=3, timeout=2)
    # Sent again once, over another connection, whose server does not read either.
    lost = [message for message in messages if only_status(message) != "sent"]
    assert sent == 31 - len(lost)
    assert 1 <= len(lost) <= 2
    assert set(copies(server).values()) == {1}


def test_an_answer_that_never_comes_is_uncertain_and_the_rest_goes_out(of):
    messages = mails(40)
    with FaultyServer().on(".", Hang(20), skip=6, times=1, keep=False) as server:
        sent, reports = deliver(server, of(messages), connections=3, timeout=2)
    assert (sent, len(reports)) == (39, 1)
    assert [only_status(message) for message in messages].count("uncertain") == 1


def test_what_was_yielded_is_sent_while_the_source_takes_its_time():
    taken = []

    def messages(server):
        for number in range(6):
            yield mail(f"p{number}@x.org")
            for _ in range(1000):
                if len(server.messages) == number + 1:
                    break
                threading.Event().wait(0.005)
            taken.append(len(server.messages))

    with FaultyServer() as server:
        assert backend_for(server, connections=2).send_messages(messages(server)) == 6
    assert taken == [1, 2, 3, 4, 5, 6]


def test_the_answer_of_a_quiet_connection_is_waited_for_no_longer_than_any():
    messages = mails(4)

    def slow():
        yield from messages[:2]
        threading.Event().wait(1.2)  # longer than the timeout, while nothing new is sent
        yield from messages[2:]

    with FaultyServer().on(".", Hang(20), times=1, keep=False) as server:
        sent, _ = deliver(server, slow(), connections=2, timeout=0.4)
    assert sent == 3
    # Whichever content came first: each of the two went over a connection of its own.
    assert sorted(map(only_status, messages[:2])) == ["sent", "uncertain"]


def test_a_server_that_hangs_up_on_quiet_connections_costs_no_message():
    def slow(server):
        yield from mails(4)
        while len(server.messages) < 4:
            threading.Event().wait(0.005)
        server.hang_up()
        yield from mails(4)

    with Leaving() as server:
        assert deliver(server, slow(server), connections=2) == (8, [])
    assert server.connections > 2


class Leaving(FaultyServer):
    """Can close its connections while they are quiet."""

    def hang_up(self) -> None:
        with self.lock:
            conversations = list(self._conversations)
        for conversation in conversations:
            conversation.hang_up()


def test_connections_are_renewed_side_by_side(of):
    with FaultyServer().on(".", Drop(), skip=9, times=3, keep=False, per_connection=True) as server:
        sent, reports = deliver(server, of(mails(100)), connections=3, max_messages=5)
    assert (sent, reports) == (100, [])
    assert server.connections >= 20
    assert server.verbs.count("QUIT") == server.connections


def test_a_message_of_several_transactions_stays_with_its_connection():
    messages, reports = [mail(f"a{number}@x.org", f"b{number}@x.org") for number in range(60)], []
    with FaultyServer(["PIPELINING", "LIMITS RCPTMAX=1"]) as server:
        assert backend_for(server, connections=4).send_messages(messages, on_result=reports.append) == 60
    assert len(reports) == 60
    carriers = {message.recipients[0]: message.connection for message in server.messages}
    assert len(carriers) == len(server.messages) == 120
    assert all(carriers[f"a{number}@x.org"] == carriers[f"b{number}@x.org"] for number in range(60))


def test_a_connection_that_failed_is_replaced_later(of, monkeypatch):
    monkeypatch.setattr(loop, "_ABSENCE", 0.1)
    with FaultyServer().on(".", Hang(0.01), "250 2.0.0 ok") as server:
        server.on("connect", "421 4.7.0 too many connections", Drop(), skip=1, times=2)
        assert deliver(server, of(mails(80)), connections=3) == (80, [])
    assert len({message.connection for message in server.messages}) == 3
