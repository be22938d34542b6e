"""Servers that lose what is pipelined behind a content, as Dovecot's submission proxy and Courier do."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

import pytest

from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured
from aerogram.mail import get_connection
from aerogram.mail.backends.smtp import EmailBackend
from aerogram.testing import Drop, FaultyServer, faulty_server
from aerogram.testing.smtp_conversation import Conversation, _Over
from tests.smtp_peers import copies, deliver, mails, only_status

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNKING = ["PIPELINING", "CHUNKING"]


class Losing(Conversation):
    """Looks whether something follows a content; ``lose`` says what comes of it."""

    followed = 0
    grouped = 0

    def _obey(self, line: str) -> None:
        type(self).grouped += bool(self._buffer)
        super()._obey(line)

    def _take(self, content: bytes) -> None:
        if self._buffer or select.select([self._client], [], [], 0.05)[0]:
            type(self).followed += 1
            self.lose(content)
        else:
            super()._take(content)

    def lose(self, content: bytes) -> None:
        super()._take(content)


class Dovecot(Losing):
    """Takes the content, and closes the connection without an answer."""

    def lose(self, content: bytes) -> None:
        self._reply = lambda text: None  # type: ignore[method-assign]  # the server falls silent
        super().lose(content)
        raise _Over


class Courier(Losing):
    """Discards its input before it answers the content."""

    def lose(self, content: bytes) -> None:
        self._buffer.clear()
        while select.select([self._client], [], [], 0.05)[0]:
            if not self._client.recv(65536):
                raise _Over
        super().lose(content)


@pytest.fixture
def conversation(monkeypatch: pytest.MonkeyPatch) -> Callable[[type[Losing]], type[Losing]]:
    def use(kind: type[Losing]) -> type[Losing]:
        fresh = type(kind.__name__, (kind,), {"followed": 0, "grouped": 0})
        monkeypatch.setattr(faulty_server, "Conversation", fresh)
        return fresh

    return use


@pytest.mark.parametrize("connections", [1, 4])
def test_where_the_connection_is_lost_one_message_is_in_doubt(conversation, connections, of):
    kind = conversation(Dovecot)
    messages = mails(24)
    with FaultyServer() as server:
        sent, _ = deliver(server, of(messages), connections=connections)
        statuses = [only_status(message) for message in messages]
        assert (sent, statuses.count("sent"), statuses.count("uncertain")) == (23, 23, 1)
        assert deliver(server, mails(5), connections=connections) == (5, [])
    assert kind.followed == 1
    assert len(server.messages) == 29


@pytest.mark.parametrize("connections", [1, 4])
def test_where_the_commands_are_discarded_one_silence_is_waited_for(conversation, connections, of):
    kind = conversation(Courier)
    with FaultyServer() as server:
        assert deliver(server, of(mails(24)), connections=connections, command_timeout=1) == (24, [])
        assert deliver(server, mails(5), connections=connections, command_timeout=1) == (5, [])
    assert kind.followed == 1
    assert set(copies(server).values()) == {1, 2}  # p0 to p4 had two different messages


def test_what_was_lost_is_remembered_for_this_server_alone(conversation):
    kind = conversation(Dovecot)
    with FaultyServer() as server:
        deliver(server, mails(3))
        assert deliver(server, mails(9)) == (9, [])
        with FaultyServer() as other:
            assert deliver(other, mails(3))[0] == 2
    assert kind.followed == 2


def test_chunks_lost_behind_the_first_one_do_not_follow_each_other_any_more(conversation):
    kind = conversation(Dovecot)
    messages = mails(12)
    with FaultyServer(CHUNKING) as server:
        deliver(server, messages, chunking=True)
        assert deliver(server, mails(5), chunking=True) == (5, [])
    assert only_status(messages[0]) == "sent"
    assert set(copies(server).values()) <= {1, 2}
    assert kind.followed == 1


@pytest.mark.parametrize("connections", [1, 3])
@pytest.mark.parametrize("mode", ["group", False])
def test_a_mode_that_is_chosen_beforehand_puts_nothing_behind_a_content(conversation, mode, connections):
    kind = conversation(Dovecot)
    with FaultyServer() as server:
        assert deliver(server, mails(12), pipelining=mode, connections=connections) == (12, [])
    assert kind.followed == 0
    assert (kind.grouped > 0) is (mode == "group")


def test_a_server_that_offers_burl_as_dovecot_does_loses_nothing(conversation):
    kind = conversation(Dovecot)
    with FaultyServer(["PIPELINING", "BURL imap"]) as server:
        assert deliver(server, mails(12), connections=3) == (12, [])
    assert (kind.followed, kind.grouped > 0) == (0, True)


def test_the_answer_to_the_first_content_is_waited_for(conversation):
    kind = conversation(Losing)
    with FaultyServer() as server:
        deliver(server, mails(2))
        assert kind.followed == 0
        deliver(server, mails(9), max_messages=3)
    assert kind.followed == 3  # the second message of each connection is followed by the third


def test_a_goodbye_is_no_sign_of_a_loss(conversation):
    kind = conversation(Losing)
    with FaultyServer().on("MAIL", "421 4.3.2 enough", Drop(), skip=2, times=1) as server:
        assert deliver(server, mails(9)) == (9, [])
    assert kind.followed == 1 + 5


@pytest.mark.parametrize("wrong", ["contents", "", True, 3, "false"])
def test_another_mode_is_refused(wrong):
    with pytest.raises(ImproperlyConfigured, match="'content', 'group' or False"):
        EmailBackend("x.example", pipelining=wrong)


def test_the_mode_is_an_option_of_the_url():
    for words, mode in (("content", "content"), ("group", "group"), ("false", False)):
        with settings.override(EMAIL_URL=f"smtp://x.example?pipelining={words}"):
            assert get_connection().pipelining == mode
    with pytest.raises(ImproperlyConfigured, match="'content', 'group' or 'false'"):
        settings.configure(EMAIL_URL="smtp://x.example?pipelining=yes")
    with settings.override(EMAIL_URL="smtp://x.example"):
        assert get_connection().pipelining == "content"


def test_a_message_that_could_not_follow_may_still_be_interrupted_once(conversation):
    conversation(Courier)
    messages = mails(3)
    with FaultyServer().on("DATA", Drop(), skip=2, times=1) as server:  # the discarded DATA does not count
        assert deliver(server, messages, command_timeout=1) == (3, [])
    assert set(copies(server).values()) == {1}
