"""How messages share a connection: waits, groups, streaming, limits, BDAT, renewal."""

from __future__ import annotations

import threading
import time
import tracemalloc
from operator import attrgetter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aerogram.exceptions import BadHeaderError, DeliveryError, TemplateNotFound
from aerogram.mail import EmailMessage
from aerogram.mail.delivery.dispatch import FailedItem
from aerogram.mail.smtp.session import BDAT_WINDOW
from aerogram.mail.smtp.transaction import stuffed
from aerogram.testing import Drop, FaultyServer, Hang, faulty_server
from aerogram.testing.smtp_conversation import Conversation
from tests.smtp_peers import backend_for, copies, deliver, mail, mails, only_status, statuses

SETUP = 4  # EHLO, the first group, the first content, QUIT


@pytest.mark.parametrize("count", [1, 10, 60])
@pytest.mark.parametrize("lazily", [False, True])
def test_a_pipelined_message_costs_one_wait(count, lazily):
    messages = mails(count)
    with FaultyServer() as server:
        deliver(server, iter(messages) if lazily else messages)
    assert len(server.messages) == count
    # A thread that a busy machine stops may read what was sent together in two pieces now and then.
    assert server.waits <= count + SETUP + count // 20


def test_refused_messages_cost_no_wait_more():
    server = (
        FaultyServer().on("RCPT", "550 5.1.1 no", match="p3@").on("MAIL", "550 5.7.1 no", skip=5, times=1)
    )
    with server.on("DATA", "452 4.3.1 no", skip=7, times=1):
        assert deliver(server, mails(20))[0] == 17
    assert server.waits <= 20 + SETUP


def test_a_content_of_a_list_goes_out_with_the_commands_of_the_next_message():
    reads = []

    class Noting(Conversation):
        def _receive(self) -> None:
            super()._receive()
            reads.append(bytes(self._buffer))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faulty_server, "Conversation", Noting)
        with FaultyServer() as server:
            assert deliver(server, mails(6)) == (6, [])
    assert sum(b"\r\n.\r\nMAIL FROM:" in read for read in reads) >= 3  # all but the first and the last


def test_without_pipelining_every_command_waits_for_its_reply():
    with FaultyServer([]) as server:
        deliver(server, mails(30))
    # Four a message; the server may now and then be too late to see that it would have had to wait.
    assert server.waits > 30 + SETUP


def test_nothing_is_said_before_ehlo_is_answered():
    with FaultyServer() as server:
        deliver(server, mails(2))
    first_mail = next(index for index, (_, _, line) in enumerate(server.log) if line.startswith(b"MAIL"))
    ehlo_answer = [side for _, side, _ in server.log[:first_mail]]
    assert ehlo_answer == ["S", "C", "S", "S", "S"]  # greeting, EHLO, its three lines


def test_the_content_is_written_at_once_when_the_next_message_takes_its_time():
    arrived = threading.Event()

    def slowly():
        yield mail("first@x.org")
        deadline = time.monotonic() + 60
        while not server.messages and time.monotonic() < deadline:
            time.sleep(0.01)
        if server.messages:
            arrived.set()
        yield mail("second@x.org")

    with FaultyServer() as server:
        assert deliver(server, slowly()) == (2, [])
    assert arrived.is_set()


def test_messages_are_read_from_the_iterable_while_sending_goes_on():
    taken = []

    def counted():
        for number, message in enumerate(mails(30)):
            taken.append((number, len(server.messages)))
            yield message

    with FaultyServer() as server:
        deliver(server, counted())
    assert max(number - done for number, done in taken) <= 3


@pytest.mark.no_cover  # what coverage keeps would be counted too
def test_memory_does_not_grow_with_the_batch():
    def many(count):
        for number in range(count):
            yield mail(f"p{number}@x.org", body="x" * 20_000)

    def peak(count):
        with FaultyServer() as server:
            server.messages = _Forgetful()
            server.log = _Forgetful()
            server.commands = _Forgetful()
            tracemalloc.start()
            backend_for(server).send_messages(many(count))
            result = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return result

    peak(3)  # warm: caches, imports
    assert peak(300) < peak(10) + 2_000_000  # 290 bodies more would be 5,800,000


class _Forgetful(list):
    def append(self, item):
        pass


# -- one thing at a time: errors of messages, of the iterable, of the callback --


def test_a_message_that_cannot_be_built_does_not_stop_the_rest():
    messages = [mail(), mail("bob@x.org", subject="a\nb"), mail("cem@x.org")]
    with FaultyServer() as server:
        sent, reports = deliver(server, messages)
    assert sent == 2
    assert [type(report.error) for report in reports] == [BadHeaderError]
    assert reports[0] == messages[1].delivery
    assert copies(server) == {"ann@x.org": 1, "cem@x.org": 1}


@pytest.mark.parametrize("fail_silently", [False, True])
def test_alone_it_raises_its_own_error_and_opens_no_connection(fail_silently):
    message = mail(subject="a\nb")
    with FaultyServer() as server:
        with pytest.raises(BadHeaderError):
            backend_for(server, fail_silently=fail_silently).send_messages([message])
        assert server.connections == 0
    assert isinstance(message.delivery.error, BadHeaderError)


def test_several_that_cannot_be_built_open_no_connection():
    with FaultyServer() as server, pytest.raises(DeliveryError) as caught:
        backend_for(server).send_messages([mail(subject="a\nb"), mail("not an address")])
    assert server.connections == 0
    assert caught.value.sent == 0
    assert len(caught.value.reports) == 2


def test_an_item_that_was_not_rendered_is_reported_in_its_place():
    missing = TemplateNotFound("no template shop/x.html")
    with FaultyServer() as server:
        sent, reports = deliver(server, [mail(), FailedItem(missing), mail("bob@x.org")])
    assert sent == 2
    assert [report.error for report in reports] == [missing]


def test_a_message_without_recipients_is_neither_sent_nor_an_error():
    message = EmailMessage("Hello", "", "me@x.org", [])
    with FaultyServer() as server:
        assert deliver(server, [message, mail()]) == (1, [])
    assert message.delivery.recipients == {}


def test_an_error_of_the_iterable_is_raised_when_what_came_before_it_is_sent():
    first = mail()

    def broken():
        yield first
        raise LookupError("the database went away")

    with FaultyServer() as server, pytest.raises(LookupError, match="database"):
        backend_for(server).send_messages(broken())
    assert only_status(first) == "sent"
    assert copies(server) == {"ann@x.org": 1}
    assert server.verbs[-1] == "QUIT"


def test_an_error_of_the_callback_is_raised_when_what_is_under_way_has_its_report():
    messages = mails(10)

    def callback(report):
        raise OSError("the pipe of the progress bar is closed")

    with FaultyServer() as server, pytest.raises(OSError, match="progress bar"):
        backend_for(server).send_messages(iter(messages), on_result=callback)
    sent = [message for message in messages if message.delivery is not None]
    assert 1 <= len(sent) <= 3
    assert {only_status(message) for message in sent} == {"sent"}
    assert len(server.messages) == len(sent)


def test_an_interrupt_leaves_no_connection_and_no_doubt_unrecorded():
    messages = mails(3)

    def interrupted():
        yield messages[0]
        yield messages[1]
        raise KeyboardInterrupt

    with FaultyServer() as server:
        backend = backend_for(server)
        with pytest.raises(KeyboardInterrupt):
            backend.send_messages(interrupted())
        assert backend.connection is None
    assert only_status(messages[0]) == "sent"
    assert only_status(messages[1]) == "uncertain"  # its content is out, its answer was not read


def test_the_callback_follows_the_batch():
    seen = []
    messages = [mail(), mail("bob@x.org"), mail(subject="a\nb")]
    with FaultyServer().on("RCPT", "550 5.1.1 no", match="bob@") as server, pytest.raises(DeliveryError):
        backend_for(server).send_messages(messages, on_result=seen.append)
    assert sorted(seen, key=attrgetter("index")) == [message.delivery for message in messages]
    assert {report.index: report.item for report in seen} == dict(enumerate(messages))


def test_an_old_report_does_not_survive_a_new_attempt():
    message = mail()
    with FaultyServer().on(".", "451 4.3.0 later", times=1) as server:
        deliver(server, [message])
        assert only_status(message) == "deferred"
        deliver(server, [message])
    assert only_status(message) == "sent"


def test_the_report_has_the_message_id_that_was_sent():
    message = mail(headers={"Message-ID": "<own.1@x.org>"})
    with FaultyServer() as server:
        deliver(server, [message, other := mail()])
    assert message.delivery.message_id == "<own.1@x.org>"
    assert f"Message-ID: {other.delivery.message_id}\r\n".encode() in server.messages[1].content


# -- limits and renewal --


def test_a_connection_is_renewed_after_its_number_of_messages():
    with FaultyServer() as server:
        assert deliver(server, mails(7), max_messages=3) == (7, [])
    assert [message.connection for message in server.messages] == [1, 1, 1, 2, 2, 2, 3]
    assert server.verbs.count("QUIT") == 3


def test_the_servers_own_limits_are_kept():
    people = [f"p{number}@x.org" for number in range(5)]
    with FaultyServer(["PIPELINING", "LIMITS MAILMAX=2 RCPTMAX=2"]) as server:
        assert deliver(server, [mail(*people)]) == (1, [])
    assert [len(message.recipients) for message in server.messages] == [2, 2, 1]
    assert [message.connection for message in server.messages] == [1, 1, 2]
    assert copies(server) == dict.fromkeys(people, 1)


def test_nonsense_in_limits_is_ignored():
    with FaultyServer(["PIPELINING", "LIMITS MAILMAX=none RCPTMAX=0 FOO"]) as server:
        assert deliver(server, mails(2)) == (2, [])


def test_an_idle_connection_is_renewed():
    with FaultyServer() as server, backend_for(server, max_idle=0.05) as backend:
        backend.send_messages([mail()])
        time.sleep(0.1)
        backend.send_messages([mail()])
        assert backend.connection is not None
    assert server.connections == 2
    assert len(server.messages) == 2


def test_a_rate_spreads_the_messages():
    with FaultyServer() as server:
        began = time.monotonic()
        assert deliver(server, mails(4), rate=20) == (4, [])
        assert time.monotonic() - began >= 3 / 20


def test_many_recipients_go_out_in_groups_that_cannot_block_each_other():
    people = [f"p{number}@x.org" for number in range(1000)]
    with FaultyServer() as server:
        assert deliver(server, [mail(*people)]) == (1, [])
    assert copies(server) == dict.fromkeys(people, 1)
    assert server.waits <= 11 + SETUP


def test_a_new_server_that_offers_less_gets_the_message_in_seven_bits():
    message = mail(body="Schöne Grüße\n")
    server = FaultyServer(["PIPELINING", "8BITMIME"])
    server.on("EHLO", "250 faulty.test", skip=1).on("MAIL", "421 4.3.2 moving", Drop(), skip=1, times=1)
    with server:
        assert deliver(server, [mail("bob@x.org"), message]) == (2, [])
    assert server.messages[1].content.isascii()
    assert server.messages[1].parameters == ()
    assert f"Message-ID: {message.delivery.message_id}\r\n".encode() in server.messages[1].content


# -- BDAT --

CHUNKING = ["PIPELINING", "CHUNKING"]


def test_chunking_is_off_by_default():
    with FaultyServer(CHUNKING) as server:
        deliver(server, mails(2))
    assert "BDAT" not in server.verbs


def test_several_chunks_are_on_their_way_before_the_first_is_answered():
    ahead = []

    def watched():
        for number, message in enumerate([mail(body=".\n..\n"), *mails(40)]):
            ahead.append(number - len(server.messages))
            yield message

    with FaultyServer(CHUNKING).on(".", Hang(0.1), "250 2.0.0 ok", times=1, keep=True) as server:
        assert deliver(server, watched(), chunking=True) == (41, [])
    assert 4 < max(ahead) <= BDAT_WINDOW + 2
    assert b"\r\n\r\n.\r\n..\r\n" in server.messages[0].content
    assert set(copies(server).values()) == {1}


def test_chunks_report_each_recipient_and_each_refusal():
    messages = [mail("ann@x.org", "bob@x.org"), mail("bob@x.org"), mail("cem@x.org"), mail("dan@x.org")]
    server = FaultyServer(CHUNKING).on("RCPT", "550 5.1.1 no", match="bob@")
    with server.on(".", "554 5.7.1 spam", skip=1, times=1):
        sent, _ = deliver(server, messages, chunking=True)
    assert sent == 2
    assert [statuses(message) for message in messages] == [
        {"ann@x.org": "sent", "bob@x.org": "refused"},
        {"bob@x.org": "refused"},
        {"cem@x.org": "refused"},
        {"dan@x.org": "sent"},
    ]


def test_chunks_refused_for_too_many_recipients_are_split():
    people = [f"p{number}@x.org" for number in range(30)]
    with FaultyServer(CHUNKING).on("RCPT", "452 4.5.3 enough", skip=10, times=20) as server:
        assert deliver(server, [mail(*people), mail("last@x.org")], chunking=True) == (2, [])
    assert copies(server) == dict.fromkeys([*people, "last@x.org"], 1)


def test_chunks_in_flight_when_the_connection_breaks_are_uncertain_and_not_sent_again():
    messages = mails(12)
    with FaultyServer(CHUNKING).on(".", Drop(), skip=2, times=1, keep=True) as server:
        sent, _ = deliver(server, messages, chunking=True)
    assert set(copies(server).values()) == {1}
    found = [only_status(message) for message in messages]
    assert found[:3] == ["sent", "sent", "uncertain"]
    assert sent == found.count("sent") == len(server.messages) - 1
    assert set(found) == {"sent", "uncertain"}


def test_chunks_behind_a_421_were_surely_not_taken_and_are_sent_again():
    with FaultyServer(CHUNKING).on("MAIL", "421 4.3.2 closing", Drop(), skip=3, times=1) as server:
        assert deliver(server, mails(12), chunking=True) == (12, [])
    assert set(copies(server).values()) == {1}
    assert len(server.messages) == 12


# -- contents --


@settings(max_examples=200)
@given(st.lists(st.sampled_from([b".", b"..", b"a", b"", b".a", b"a."]), min_size=1), st.booleans())
def test_a_stuffed_content_is_what_the_server_unstuffs(lines, ends):
    content = b"\r\n".join(lines) + (b"\r\n" if ends else b"")
    wire = stuffed(content)
    assert wire.endswith(b"\r\n.\r\n") or wire == b".\r\n"
    body = wire[: -len(b".\r\n")]
    assert b"\r\n.\r\n" not in b"\r\n" + body
    received = b"\r\n".join(line[1:] if line[:1] == b"." else line for line in body.split(b"\r\n"))
    assert received == (content if content.endswith(b"\r\n") else content + b"\r\n")


@pytest.mark.parametrize("body", ["a\r.\rb", "\n.\n", "\r\n.\r\nMAIL FROM:<evil@x.org>\r\n", "x\r\r\n.\r\ny"])
@pytest.mark.parametrize("offers", [["PIPELINING"], [], CHUNKING])
def test_no_body_can_end_its_message_early(body, offers):
    with FaultyServer(offers) as server:
        assert deliver(server, [mail(body=body), mail("bob@x.org")], chunking=True) == (2, [])
    assert len(server.messages) == 2
    assert server.verbs.count("MAIL") == 2
    content = server.messages[0].content
    assert content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")
