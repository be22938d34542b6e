"""SMTP servers that misbehave, case by case: what a recipient is told, how many copies exist.

What concerns the queue, such as when to try again, is decided elsewhere; here it is only the classification.
"""

from __future__ import annotations

import contextlib
import pickle
import smtplib
import socket

import pytest

from aerogram.exceptions import DeliveryError
from aerogram.mail.backends.smtp import EmailBackend
from aerogram.testing import Drip, Drop, FaultyServer, Hang
from tests.smtp_peers import (
    backend_for,
    copies,
    deliver,
    mail,
    mails,
    only_status,
    statuses,
)

SHORT = 0.3


# -- no session at all --


def test_a_refused_connection_raises_the_standard_error(free_port):
    message = mail()
    port = free_port()
    with pytest.raises(ConnectionRefusedError, match=rf"\(SMTP server 127\.0\.0\.1:{port}\)"):
        EmailBackend("127.0.0.1", port, timeout=5).send_messages([message])
    assert statuses(message) == {"ann@x.org": "deferred"}


def test_a_black_hole_ends_in_a_timeout():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        backend = EmailBackend("127.0.0.1", silent.getsockname()[1], timeout=SHORT)
        with pytest.raises(smtplib.SMTPServerDisconnected, match="did not answer in time"):
            backend.send_messages([mail()])
        assert backend.connection is None


@pytest.mark.parametrize("greeting", ["421 4.3.2 too busy", "554 5.7.1 not for you"])
def test_a_greeting_that_refuses_raises_the_standard_error(greeting):
    with (
        FaultyServer().on("connect", greeting, Drop()) as server,
        pytest.raises(smtplib.SMTPConnectError) as caught,
    ):
        backend_for(server).send_messages([mail()])
    assert caught.value.smtp_code == int(greeting[:3])
    assert str(caught.value) == f"{greeting} (SMTP server {server.host}:{server.port})"
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert not server.commands


def test_an_unknown_host_and_a_server_that_hangs_up_are_named():
    with pytest.raises(OSError, match=r"\(SMTP server no-such-host\.invalid:25\)"):
        EmailBackend("no-such-host.invalid", 25, timeout=5).open()
    with (
        FaultyServer().on("EHLO", Drop()) as server,
        pytest.raises(smtplib.SMTPServerDisconnected, match=rf"\(SMTP server .*:{server.port}\)"),
    ):
        backend_for(server).open()


def test_a_refused_ehlo_and_helo_raise_the_standard_error():
    server = FaultyServer().on("EHLO", "554 5.5.1 no").on("HELO", "554 5.5.1 no")
    with server, pytest.raises(smtplib.SMTPHeloError):
        backend_for(server).send_messages([mail()])
    assert "MAIL" not in server.verbs


def test_a_server_that_only_knows_helo_is_spoken_to_in_lockstep():
    with FaultyServer().on("EHLO", "502 5.5.1 what?") as server:
        assert deliver(server, mails(2)) == (2, [])
    assert len(server.messages) == 2


@pytest.mark.parametrize("silently", [True, False])
def test_messages_of_a_list_are_deferred_when_there_is_no_connection(silently, free_port):
    messages = mails(3)
    backend = EmailBackend("127.0.0.1", free_port(), timeout=5, fail_silently=silently)
    with contextlib.nullcontext() if silently else pytest.raises(OSError, match="refused"):
        assert backend.send_messages(messages) == 0
    assert [list(statuses(message).values()) for message in messages] == [["deferred"]] * 3


# -- logins and TLS: see test_smtp_auth.py and test_smtp_tls.py --
# -- some recipients --


@pytest.mark.parametrize("offers", [["PIPELINING"], []], ids=["pipelined", "lockstep"])
def test_one_of_three_recipients_refused_is_told_and_the_others_are_served(offers):
    message = mail("ann@x.org", "bob@x.org", "cem@x.org")
    with FaultyServer(offers).on("RCPT", "550 5.1.1 no such user", match="bob@") as server:
        sent, reports = deliver(server, [message])
    assert sent == 1
    assert reports == [message.delivery]
    assert statuses(message) == {"ann@x.org": "sent", "bob@x.org": "refused", "cem@x.org": "sent"}
    result = message.delivery.recipients["bob@x.org"]
    assert (result.code, result.enhanced_code, result.text) == (550, "5.1.1", "no such user")
    assert copies(server) == {"ann@x.org": 1, "cem@x.org": 1}


@pytest.mark.parametrize("offers", [["PIPELINING"], []], ids=["pipelined", "lockstep"])
def test_a_recipient_asked_to_come_back_is_deferred_and_the_others_get_one_copy(offers):
    message = mail("ann@x.org", "bob@x.org")
    with FaultyServer(offers).on("RCPT", "450 4.2.1 busy", match="bob@") as server:
        sent, _ = deliver(server, [message])
    assert sent == 1
    assert statuses(message) == {"ann@x.org": "sent", "bob@x.org": "deferred"}
    assert copies(server) == {"ann@x.org": 1}


@pytest.mark.parametrize("offers", [["PIPELINING"], []], ids=["pipelined", "lockstep"])
def test_all_recipients_refused_leaves_the_next_message_unharmed(offers):
    messages = [mail("bob@x.org"), mail("ann@x.org")]
    with FaultyServer(offers).on("RCPT", "550 5.1.1 no", match="bob@") as server:
        sent, reports = deliver(server, messages)
    assert (sent, len(reports), copies(server)) == (1, 1, {"ann@x.org": 1})


def test_a_354_that_nobody_was_accepted_for_is_ended_with_an_empty_content():
    messages = [mail("bob@x.org"), mail("ann@x.org")]
    server = FaultyServer().on("RCPT", "550 5.1.1 no", match="bob@").on("DATA", "354 well then", times=1)
    with server.on(".", "554 5.5.1 no valid recipients", match="", times=1):
        sent, _ = deliver(server, messages)
    assert sent == 1
    assert statuses(messages[0]) == {"bob@x.org": "refused"}
    assert copies(server) == {"ann@x.org": 1}


# -- 421 --


@pytest.mark.parametrize("offers", [["PIPELINING"], []], ids=["pipelined", "lockstep"])
def test_421_at_the_second_recipient_is_sent_again_over_a_new_connection(offers):
    messages = [mail("ann@x.org", "bob@x.org"), mail("cem@x.org")]
    with FaultyServer(offers).on("RCPT", "421 4.7.0 slow down", Drop(), match="bob@", times=1) as server:
        assert deliver(server, messages) == (2, [])
    assert copies(server) == {"ann@x.org": 1, "bob@x.org": 1, "cem@x.org": 1}
    assert server.connections == 2


@pytest.mark.parametrize("offers", [["PIPELINING"], []], ids=["pipelined", "lockstep"])
def test_421_at_data_is_sent_again_over_a_new_connection(offers):
    with FaultyServer(offers).on("DATA", "421 4.7.0 slow down", Drop(), skip=1, times=1) as server:
        assert deliver(server, mails(4)) == (4, [])
    assert set(copies(server).values()) == {1}
    assert len(server.messages) == 4


@pytest.mark.parametrize("offers", [["PIPELINING"], []], ids=["pipelined", "lockstep"])
@pytest.mark.parametrize("limit", [1, 10])
def test_421_between_messages_loses_none_and_copies_none(limit, offers):
    server = FaultyServer(offers)
    with server.on("MAIL", "421 4.7.0 too many messages", Drop(), skip=limit, per_connection=True):
        assert deliver(server, mails(25)) == (25, [])
    assert len(server.messages) == 25
    assert set(copies(server).values()) == {1}


def test_a_message_is_interrupted_once_and_deferred_the_second_time():
    messages = mails(3)
    with FaultyServer().on("RCPT", "421 4.7.0 go away", Drop(), match="p1@") as server:
        sent, reports = deliver(server, messages)
    assert sent == 2
    assert [report.recipients["p1@x.org"].status for report in reports] == ["deferred"]
    assert reports[0].recipients["p1@x.org"].code == 421
    assert copies(server) == {"p0@x.org": 1, "p2@x.org": 1}
    assert [command for command in server.commands if "p1@" in command] == ["RCPT TO:<p1@x.org>"] * 2


def test_when_no_new_connection_can_be_had_the_message_and_the_rest_are_deferred():
    messages = mails(5)
    server = FaultyServer().on("connect", "554 5.3.2 closed", Drop(), skip=1)
    with server.on("MAIL", "421 4.3.2 closing", Drop(), skip=2, times=1):
        sent, reports = deliver(server, messages)
    assert sent == 2
    assert [only_status(message) for message in messages] == ["sent"] * 2 + ["deferred"] * 3
    assert len(reports) == 3
    assert server.connections == 2


def test_a_server_that_breaks_every_connection_is_left_alone_in_the_end():
    with FaultyServer().on("MAIL", Drop()) as server:
        sent, reports = deliver(server, mails(50))
    assert (sent, len(reports)) == (0, 50)
    assert server.connections <= 12


# -- too many recipients --


@pytest.mark.parametrize("offers", [["PIPELINING"], []], ids=["pipelined", "lockstep"])
@pytest.mark.parametrize(
    "reply", ["452 4.5.3 too many recipients", "452 too many", "552 too many recipients"]
)
def test_too_many_recipients_are_split_into_transactions(offers, reply):
    people = [f"p{number}@x.org" for number in range(250)]
    server = FaultyServer(offers)
    server.on("RCPT", reply, skip=100, times=150).on("RCPT", reply, skip=200, times=50)  # 100 at a time
    with server:
        assert deliver(server, [mail(*people), mail("last@x.org")]) == (2, [])
    assert copies(server) == dict.fromkeys([*people, "last@x.org"], 1)
    assert [len(message.recipients) for message in server.messages] == [100, 100, 50, 1]


def test_a_full_mailbox_is_not_taken_for_too_many_recipients():
    message = mail("ann@x.org", "bob@x.org")
    with FaultyServer().on("RCPT", "452 4.2.2 mailbox full", match="bob@") as server:
        deliver(server, [message])
    assert statuses(message) == {"ann@x.org": "sent", "bob@x.org": "deferred"}
    assert len(server.messages) == 1


# -- refused and accepted --


@pytest.mark.parametrize("offers", [["PIPELINING"], []], ids=["pipelined", "lockstep"])
def test_a_refused_sender_is_reported_with_its_own_code_and_the_batch_goes_on(offers):
    messages = mails(3)
    with FaultyServer(offers).on("MAIL", "552 5.3.4 too big", skip=1, times=1) as server:
        sent, _ = deliver(server, messages)
    assert sent == 2
    result = messages[1].delivery.recipients["p1@x.org"]
    assert (result.status, result.code, result.enhanced_code) == ("refused", 552, "5.3.4")
    assert copies(server) == {"p0@x.org": 1, "p2@x.org": 1}


@pytest.mark.parametrize("offers", [["PIPELINING"], []], ids=["pipelined", "lockstep"])
def test_a_refused_content_is_permanent_and_the_batch_goes_on(offers):
    messages = mails(3)
    with FaultyServer(offers).on(".", "554 5.7.1 spam", skip=1, times=1) as server:
        sent, _ = deliver(server, messages)
    assert sent == 2
    assert [only_status(message) for message in messages] == ["sent", "refused", "sent"]
    assert copies(server) == {"p0@x.org": 1, "p2@x.org": 1}


def test_a_content_put_off_is_deferred():
    message = mail()
    with FaultyServer().on(".", "451 4.3.0 later") as server:
        deliver(server, [message])
    assert statuses(message) == {"ann@x.org": "deferred"}
    assert message.delivery.recipients["ann@x.org"].text == "later"


@pytest.mark.parametrize("offers", [["PIPELINING"], []], ids=["pipelined", "lockstep"])
def test_a_server_that_refuses_rset_gets_a_new_connection_and_no_nested_mail(offers):
    messages = mails(4)
    server = FaultyServer(offers).on("RSET", "502 5.5.1 not implemented")
    server.on("RCPT", "450 4.2.0 later", match="p1@").on("RCPT", "450 4.2.0 later", match="p2@")
    with server:
        sent, _ = deliver(server, messages)
    assert sent == 2
    assert [only_status(message) for message in messages] == ["sent", "deferred", "deferred", "sent"]
    assert server.connections == 3
    if not offers:  # a group is written before the reply to its RSET is known, and goes no further than that
        assert not [line for _, side, line in server.log if side == "S" and b"nested MAIL" in line]


def test_a_nested_mail_that_a_server_takes_after_refusing_rset_gets_no_content():
    server = FaultyServer().on("RSET", "502 5.5.1 not implemented").on("MAIL", "250 2.1.0 ok")
    with server.on("RCPT", "450 4.2.0 later", match="p1@"):
        sent, _ = deliver(server, mails(3))
    assert sent == 2
    assert [message.recipients for message in server.messages] == [("p0@x.org",), ("p2@x.org",)]
    assert server.connections == 2


@pytest.mark.parametrize("offers", [["PIPELINING"], []], ids=["pipelined", "lockstep"])
def test_a_data_refused_once_among_25_costs_that_message_alone(offers):
    with FaultyServer(offers).on("DATA", "452 4.3.1 no space", skip=1, times=1) as server:
        sent, reports = deliver(server, mails(25))
    assert (sent, len(reports), len(server.messages)) == (24, 1, 24)
    assert reports[0].recipients["p1@x.org"].status == "deferred"
    assert server.connections == 1


def test_a_connection_dropped_after_the_last_answer_leaves_the_message_sent():
    with FaultyServer().on(".", "250 2.0.0 ok", Drop()) as server:
        assert deliver(server, [mail()]) == (1, [])
    assert copies(server) == {"ann@x.org": 1}


@pytest.mark.parametrize("bye", ["500 5.5.2 QUIT?", b"garbage\r\n"])
def test_a_strange_answer_to_quit_changes_nothing(bye):
    with FaultyServer().on("QUIT", bye, Drop()) as server:
        assert deliver(server, mails(2)) == (2, [])


# -- around the final dot --


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("offers", [["PIPELINING"], []], ids=["pipelined", "lockstep"])
def test_a_drop_amid_the_content_is_sent_again_once(offers, reset):
    big = mail(body="A line of the content.\n" * 300_000)
    with FaultyServer(offers).on("content", Drop(reset), times=1) as server:
        assert deliver(server, [big, mail("bob@x.org")], timeout=60) == (2, [])
    assert copies(server) == {"ann@x.org": 1, "bob@x.org": 1}


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("offers", [["PIPELINING"], []], ids=["pipelined", "lockstep"])
def test_a_drop_after_the_dot_is_uncertain_and_never_sent_again(offers, accepted):
    messages = mails(3)
    with FaultyServer(offers).on(".", Drop(), skip=1, times=1, keep=accepted) as server:
        sent, reports = deliver(server, messages)
    assert sent == 2
    assert [only_status(message) for message in messages] == ["sent", "uncertain", "sent"]
    assert reports == [messages[1].delivery]
    assert copies(server) == {"p0@x.org": 1, "p2@x.org": 1} | ({"p1@x.org": 1} if accepted else {})
    assert messages[1].delivery.recipients["p1@x.org"].code is None


def test_a_long_silence_after_the_dot_ends_well_within_the_timeout():
    with FaultyServer().on(".", Hang(1.3), "250 2.0.0 at last", times=1) as server:
        # A loaded machine may take a good part of a second for any other reply.
        backend = backend_for(server, timeout=None, command_timeout=1, data_timeout=30)
        assert backend.send_messages(mails(2)) == 2
    assert set(copies(server).values()) == {1}


def test_a_silence_longer_than_an_explicit_timeout_is_uncertain():
    messages = mails(2)
    with FaultyServer().on(".", Hang(30), "250 2.0.0 too late", times=1, keep=True) as server:
        sent, _ = deliver(server, messages, timeout=SHORT)
    assert sent == 1
    assert statuses(messages[0]) == {"p0@x.org": "uncertain"}
    assert copies(server) == {"p0@x.org": 1, "p1@x.org": 1}


# -- unreadable replies --

GARBAGE = {
    "no code": b"what?\r\n",
    "a code out of range": b"999 what?\r\n",
    "a line of 10 KB": b"250 " + b"x" * 10_000 + b"\r\n",
    "an endless line": b"250 " + b"x" * 100_000,
    "codes that differ": b"250-so\r\n550 or so?\r\n",
    "binary": bytes(range(256)) + b"\r\n",
}


@pytest.mark.parametrize("reply", GARBAGE.values(), ids=GARBAGE.keys())
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_garbage_before_the_dot_is_sent_again_over_a_new_connection(verb, reply):
    with FaultyServer().on(verb, reply, skip=1, times=1) as server:
        assert deliver(server, mails(3)) == (3, [])
    assert set(copies(server).values()) == {1}
    assert len(server.messages) == 3


@pytest.mark.parametrize("reply", [*GARBAGE.values(), b"354 go on\r\n"], ids=[*GARBAGE.keys(), "a 3xx"])
def test_garbage_after_the_dot_is_uncertain(reply):
    messages = mails(3)
    with FaultyServer().on(".", reply, skip=1, times=1, keep=True) as server:
        sent, _ = deliver(server, messages)
    assert sent == 2
    assert statuses(messages[1]) == {"p1@x.org": "uncertain"}
    assert set(copies(server).values()) == {1}


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "."])
def test_any_2xx_is_acceptance(verb):
    with FaultyServer().on(verb, "252 2.0.0 maybe") as server:
        assert deliver(server, mails(2)) == (2, [])
    assert set(copies(server).values()) == {1}


@pytest.mark.parametrize("connections", [1, 3])
@pytest.mark.parametrize("offers", [["PIPELINING"], []], ids=["pipelined", "lockstep"])
def test_a_2xx_to_data_is_no_acceptance(offers, connections):
    messages = mails(3)
    with FaultyServer(offers).on("DATA", "250 fine", match="", times=1) as server:
        assert deliver(server, messages, connections=connections) == (3, [])
    assert set(copies(server).values()) == {1}
    with FaultyServer(offers).on("DATA", "250 fine") as server:
        sent, _ = deliver(server, messages, connections=connections)
    assert sent == 0 == len(server.messages)
    assert [only_status(message) for message in messages] == ["deferred"] * 3


@pytest.mark.parametrize(
    "reply", [GARBAGE["a line of 10 KB"], GARBAGE["an endless line"]], ids=["10 KB", "endless"]
)
def test_a_line_without_end_is_not_waited_for(reply):
    message = mail()
    with FaultyServer().on(".", reply, Hang(), keep=True) as server:
        deliver(server, [message])
    assert message.delivery.recipients["ann@x.org"].text.endswith("is longer than 8192 octets")


@pytest.mark.parametrize("offers", [["PIPELINING"], []], ids=["pipelined", "lockstep"])
def test_a_recipient_refused_for_good_stays_refused_when_the_connection_breaks(offers):
    message = mail("ann@x.org", "bob@x.org", "cem@x.org")
    server = FaultyServer(offers).on("RCPT", "550 5.1.1 no", match="ann@", times=1)
    with server.on("RCPT", "421 4.3.2 bye", Drop(), match="cem@", times=1):
        deliver(server, [message])
    assert statuses(message) == {"ann@x.org": "refused", "bob@x.org": "sent", "cem@x.org": "sent"}
    assert sum("<ann@" in command for command in server.commands if command.startswith("RCPT")) == 1


@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
@pytest.mark.parametrize("skip", [0, 3, 11])
def test_chunks_behind_a_421_are_judged_by_their_own_answers(verb, skip):
    messages = mails(12)
    with FaultyServer(["PIPELINING", "CHUNKING"]).on(verb, "421 4.3.2 bye", skip=skip, times=1) as server:
        assert deliver(server, messages, chunking=True) == (12, [])  # BDAT is refused (503), and sent again
    assert set(copies(server).values()) == {1}


def test_a_chunk_refused_behind_a_421_at_each_attempt_is_deferred():
    message = mail()
    with FaultyServer(["PIPELINING", "CHUNKING"]).on("MAIL", "421 4.3.2 bye") as server:
        assert deliver(server, [message], chunking=True)[0] == 0
    assert str(message.delivery.recipients["ann@x.org"]) == "deferred 421 4.3.2 bye"
    assert not message.delivery.handed_over
    assert server.verbs.count("MAIL") == 2


def test_a_chunk_behind_a_421_is_uncertain_where_the_server_says_nothing_more():
    message = mail()
    with FaultyServer(["PIPELINING", "CHUNKING"]).on("MAIL", "421 4.3.2 bye", Hang()) as server:
        deliver(server, [message], chunking=True)
    assert only_status(message) == "uncertain"


@pytest.mark.parametrize("connections", [1, 3])
def test_an_item_that_is_no_message_is_reported_and_the_rest_goes_out(connections):
    with FaultyServer() as server:
        sent, (report,) = deliver(server, [mail(), None, mail("bob@x.org")], connections=connections)
    assert (sent, len(server.messages)) == (2, 2)
    assert isinstance(report.error, AttributeError)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_server_that_answers_twice_loses_no_message_and_no_report(of, count):
    messages = mails(count)
    with FaultyServer().on(".", "250 2.1.5 ok", "550 5.2.2 full") as server:
        assert deliver(server, of(messages)) == (count, [])
    assert [only_status(message) for message in messages] == ["sent"] * count
    assert len(server.messages) == count


def test_a_reply_of_many_lines_is_read_whole():
    with FaultyServer().on(".", b"250-first\r\n250-second\r\n250 third\r\n") as server:
        message = mail()
        deliver(server, [message])
    assert message.delivery.recipients["ann@x.org"].text == "first second third"


def test_server_texts_are_shown_without_control_characters_and_cut():
    message = mail()
    with FaultyServer().on(
        ".", b"550 5.7.1 \x1b[2J\x07\xc2\x9bevil\xe2\x80\xae " + b"y" * 2000 + b"\r\n"
    ) as server:
        deliver(server, [message])
    text = message.delivery.recipients["ann@x.org"].text
    assert text.startswith("[2J evil")
    assert len(text.encode()) <= 512
    assert text.isprintable()


# -- time --


def test_a_connection_closed_while_idle_between_messages_is_renewed():
    with FaultyServer().on(".", "250 2.0.0 ok", Drop(), times=1) as server:
        assert deliver(server, mails(3)) == (3, [])
    assert set(copies(server).values()) == {1}
    assert server.connections == 2


def test_a_connection_kept_open_between_batches_is_renewed_when_it_died():
    with FaultyServer().on(".", "250 2.0.0 ok", Drop(), times=1) as server, backend_for(server) as backend:
        assert backend.send_messages([mail()]) == 1
        assert backend.send_messages([mail("bob@x.org")]) == 1
    assert copies(server) == {"ann@x.org": 1, "bob@x.org": 1}


@pytest.mark.parametrize("verb", ["RCPT", "."])
def test_a_dripping_answer_is_cut_off_by_the_timeout_of_the_whole_reply(verb):
    messages = mails(2)
    with FaultyServer().on(verb, Drip("250 2.1.5 so slow", 0.05), times=2, match="", keep=False) as server:
        deliver(server, messages[:1], timeout=SHORT)
    expected = "uncertain" if verb == "." else "deferred"
    assert statuses(messages[0]) == {"p0@x.org": expected}
    assert copies(server) == {}


def test_the_wall_clock_of_a_message_ends_what_single_timeouts_would_allow():
    message = mail(*(f"p{number}@x.org" for number in range(10)))
    with FaultyServer([]).on("RCPT", Hang(0.1), "250 2.1.5 ok") as server:
        deliver(server, [message], message_timeout=SHORT)
    assert set(statuses(message).values()) == {"deferred"}
    assert server.connections == 1
    assert copies(server) == {}


# -- what the server does not offer --


def test_a_message_larger_than_the_servers_size_is_refused_before_anything_is_sent():
    messages = [mail(body="x" * 5000), mail("bob@x.org")]
    with FaultyServer(["PIPELINING", "SIZE 2000"]) as server:
        sent, _ = deliver(server, messages)
    assert sent == 1
    result = messages[0].delivery.recipients["ann@x.org"]
    assert (result.status, result.code, result.enhanced_code) == ("refused", None, "5.3.4")
    assert any(command.startswith("MAIL") and "SIZE=" in command for command in server.commands)
    assert server.verbs.count("MAIL") == 1


@pytest.mark.parametrize("size", ["SIZE", "SIZE 0", "SIZE huge"])
def test_a_size_without_a_number_is_no_limit(size):
    with FaultyServer([size]) as server:
        assert deliver(server, [mail()]) == (1, [])


def test_a_server_without_8bitmime_gets_seven_bits():
    with FaultyServer(["PIPELINING"]) as server:
        assert deliver(server, [mail(subject=f"Grüße {n}", body="Schöne Grüße\n") for n in range(3)]) == (
            3,
            [],
        )
    assert all(message.content.isascii() for message in server.messages)
    assert "BODY=" not in "".join(server.commands)


def test_a_server_with_8bitmime_is_told_of_eight_bits():
    with FaultyServer(["PIPELINING", "8BITMIME"]) as server:
        deliver(server, [mail(), *(mail(body="Schöne Grüße\n") for _ in range(2))])
    for message in server.messages:
        assert ("BODY=8BITMIME" in message.parameters) is (not message.content.isascii())
    assert not server.messages[-1].content.isascii()


def test_an_address_beyond_ascii_needs_smtputf8():
    messages = [mail("ünï@x.org"), mail("ann@x.org")]
    with FaultyServer(["PIPELINING", "8BITMIME"]) as server:
        sent, _ = deliver(server, messages)
    assert sent == 1
    assert statuses(messages[0]) == {"ünï@x.org": "refused"}
    assert "SMTPUTF8" in messages[0].delivery.recipients["ünï@x.org"].text
    assert len(server.messages) == 1


def test_an_address_beyond_ascii_is_sent_with_smtputf8():
    with FaultyServer(["PIPELINING", "8BITMIME", "SMTPUTF8"]) as server:
        assert deliver(server, [mail("ünï@x.org"), mail("ann@x.org")]) == (2, [])
    assert "SMTPUTF8" in server.messages[0].parameters
    assert server.messages[0].recipients == ("ünï@x.org",)
    assert "To: ünï@x.org".encode() in server.messages[0].content
    assert "SMTPUTF8" not in server.messages[1].parameters


def test_a_reply_to_beyond_ascii_alone_asks_for_smtputf8_too():
    with FaultyServer(["PIPELINING", "8BITMIME", "SMTPUTF8"]) as server:
        assert deliver(server, [mail(reply_to=["ünï@x.org"])]) == (1, [])
    assert "SMTPUTF8" in server.messages[0].parameters


def test_a_failed_message_never_stops_the_batch_or_hides_in_the_count():
    messages = mails(6)
    server = (
        FaultyServer().on("MAIL", "550 5.7.1 no", skip=1, times=1).on("RCPT", "450 4.2.0 no", match="p3@")
    )
    with server.on(".", "554 5.6.0 no", skip=2, times=1), pytest.raises(DeliveryError) as caught:
        backend_for(server).send_messages(messages)
    assert caught.value.sent == 3 == len(server.messages)
    assert [report.message_id for report in caught.value.reports] == [
        messages[number].delivery.message_id for number in (1, 3, 4)
    ]


# -- one report for each message --


@pytest.mark.parametrize("connections", [1, 2])
def test_a_message_that_waits_for_a_lost_second_connection_is_reported_once(connections):
    message, reports = mail("ann@v.org", "bob@w.org", "cy@x.org"), []
    server = FaultyServer(["PIPELINING", "LIMITS MAILMAX=2 RCPTDOMAINMAX=1"])
    with server.on("connect", "421 4.3.2 too busy", Drop(), skip=1):
        backend = backend_for(server, connections=connections, fail_silently=True)
        assert backend.send_messages([message], on_result=reports.append) == 1
    assert [report.recipients for report in reports] == [message.delivery.recipients]
    assert statuses(message) == {"ann@v.org": "sent", "bob@w.org": "deferred", "cy@x.org": "deferred"}


@pytest.mark.parametrize("end", [Drop(), "354 what", "421 4.3.2 bye"])
def test_a_message_refused_before_its_empty_content_is_reported_once(end):
    message, reports = mail(), []
    server = FaultyServer(["PIPELINING"]).on("RCPT", "550 5.1.1 no such user")
    with server.on("DATA", "354 go ahead").on(".", end):
        backend = backend_for(server, fail_silently=True)
        assert backend.send_messages([message], on_result=reports.append) == 0
    assert reports == [message.delivery]
    assert statuses(message) == {"ann@x.org": "refused"}
