"""Connections that stay open between the batches of an open backend, and contents that are asked for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from aerogram.mail.delivery.dispatch import NOTHING_YET, dispatch
from aerogram.mail.smtp.transaction import permitted
from aerogram.outbox.frozen import FrozenMessage
from aerogram.testing import Drop, FaultyServer, Hang
from tests.smtp_peers import backend_for, copies, mails


class Asking(FrozenMessage):
    """A message of the outbox, which is asked before its content leaves."""

    def __init__(self, number: int, permit_contents: Any) -> None:
        content = b"Subject: %d\r\nMessage-ID: <%d@x.org>\r\n\r\nx\r\n" % (number, number)
        super().__init__(content, "me@x.org", [f"p{number}@x.org"], permit_contents)


@pytest.mark.parametrize("own_thread", [True, False])
def test_the_connections_of_an_open_backend_serve_the_next_batch(own_thread: bool) -> None:
    with FaultyServer().on(".", Hang(0.01), "250 2.0.0 ok") as server:
        backend = backend_for(server, connections=3)
        backend.has_own_thread = own_thread
        with backend:
            for _ in range(3):
                assert backend.send_messages(mails(30)) == 30
            assert server.connections == 3
            assert server.verbs.count("QUIT") == 0
        assert server.verbs.count("QUIT") == 3
    assert len({message.connection for message in server.messages[60:]}) > 1


def test_a_spare_connection_that_was_lost_meanwhile_is_replaced() -> None:
    with (
        FaultyServer().on(".", Hang(0.01), "250 2.0.0 ok") as server,
        backend_for(server, connections=3) as backend,
    ):
        backend.send_messages(mails(30))
        server.on("MAIL", Drop(), times=2)
        assert backend.send_messages(mails(30)) == 30
    assert set(copies(server).values()) == {2}


@pytest.mark.parametrize("own_thread", [True, False])
def test_each_content_is_asked_for_once_and_leaves_only_if_it_may(own_thread: bool) -> None:
    asked: list[int] = []
    groups: list[int] = []

    def permit_contents(messages: Sequence[Asking]) -> list[Asking]:
        groups.append(len(messages))
        asked.extend(numbers[message] for message in messages)
        return [message for message in messages if numbers[message] % 10]

    messages = [Asking(number, permit_contents) for number in range(60)]
    numbers = {message: number for number, message in enumerate(messages)}
    with FaultyServer() as server:
        backend = backend_for(server, connections=4, fail_silently=True)
        backend.has_own_thread = own_thread
        assert backend.send_messages(messages) == 54
    assert sorted(asked) == list(range(60))
    assert sum(groups) == 60
    assert copies(server) == {f"p{number}@x.org": 1 for number in range(60) if number % 10}


@pytest.mark.parametrize("own_thread", [True, False])
def test_an_answer_that_came_while_another_content_was_asked_for_is_in_time(own_thread: bool) -> None:
    def permit_contents(messages: Sequence[FrozenMessage]) -> Sequence[FrozenMessage]:
        threading.Event().wait(0.3)  # a commit that takes longer than the server may
        return messages

    people = [f"p{number}@x.org" for number in range(4)]
    messages = [FrozenMessage(b"Subject: x\r\n\r\nx\r\n", "me@x.org", people) for _ in range(2)]
    for message in messages:
        message.permit_contents = permit_contents
    with FaultyServer(["PIPELINING", "CHUNKING", "LIMITS RCPTMAX=1"]) as server:
        server.on(".", Hang(0.05), "250 2.0.0 ok")
        backend = backend_for(server, connections=2, chunking=True, data_timeout=0.2)
        backend.has_own_thread = own_thread
        assert backend.send_messages(messages) == 2
    assert copies(server) == dict.fromkeys(people, 2)


def test_one_owner_is_asked_once_for_all_its_messages() -> None:
    class Outgoing:
        def __init__(self, message: Asking) -> None:
            self.message = message

    asked: list[tuple[str, int]] = []

    def owner(name: str) -> Any:
        return lambda messages: asked.append((name, len(messages))) or messages[1:]

    first, second = owner("first"), owner("second")
    outgoing: list[Any] = [Outgoing(Asking(n, first if n < 3 else second)) for n in range(5)]
    assert permitted(outgoing) == {outgoing[1], outgoing[2], outgoing[4]}
    assert asked == [("first", 3), ("second", 2)]


def test_a_source_that_has_nothing_yet_is_asked_again_while_an_answer_is_awaited() -> None:
    released = threading.Event()

    class Slow(FaultyServer):
        def rule_for(self, verb: str, argument: str, connection: int) -> Any:
            if verb == "." and connection == 1:
                released.wait(20)
            return super().rule_for(verb, argument, connection)

    def source() -> Any:
        yield Asking(1, None)
        while "DATA" not in server.verbs:
            yield NOTHING_YET
        yield Asking(2, None)
        while not server.messages:  # the second one, over another connection
            yield NOTHING_YET
        released.set()
        while True:
            yield NOTHING_YET  # until nothing is under way

    with Slow() as server:
        backend = backend_for(server, connections=2, timeout=30)
        backend.has_own_thread = False
        assert dispatch(backend, source()) == 2
    assert [message.recipients for message in server.messages] == [("p2@x.org",), ("p1@x.org",)]
