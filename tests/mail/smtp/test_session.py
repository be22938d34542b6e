"""The session as a state machine: what it writes at which reply, without any socket."""

from __future__ import annotations

import pytest

from aerogram.mail.address.envelope import Envelope
from aerogram.mail.smtp.capabilities import Capabilities, ContentPipelining
from aerogram.mail.smtp.replies import ConnectionLost
from aerogram.mail.smtp.session import Session
from aerogram.mail.smtp.transaction import OutgoingMessage


def session(*offers: str, chunking: bool = False) -> Session:
    return Session(Capabilities(dict.fromkeys(offers, ""), chunking=chunking))


def message(*recipients: str, content: bytes = b"Subject: x\r\n\r\nHi\r\n") -> OutgoingMessage:
    return OutgoingMessage(None, Envelope("me@x.org", recipients or ("ann@x.org",)), content)


def written(protocol: Session) -> bytes:
    data = protocol.data_to_send()
    protocol.data_sent()
    return data


def results(outgoing: OutgoingMessage) -> dict[str, str]:
    return {address: str(result) for address, result in outgoing.results.items()}


def test_a_pipelined_group_follows_the_content_before_its_answer():
    protocol, first, second = session("pipelining"), message(), message("bob@x.org")
    protocol.begin(message("zoe@x.org"))
    protocol.receive_data(b"250 ok\r\n250 ok\r\n354 go on\r\n")
    protocol.begin(first)  # the answer to the first content is waited for
    assert written(protocol).endswith(b"DATA\r\nSubject: x\r\n\r\nHi\r\n.\r\n")
    protocol.receive_data(b"250 2.0.0 queued\r\n")
    protocol.finished.clear()
    assert written(protocol) == b"MAIL FROM:<me@x.org>\r\nRCPT TO:<ann@x.org>\r\nDATA\r\n"
    assert not protocol.is_ready
    assert protocol.receive_data(b"250 ok\r\n250 ok\r\n35") is True
    assert written(protocol) == b""
    protocol.receive_data(b"4 go on\r\n")
    assert written(protocol) == b"Subject: x\r\n\r\nHi\r\n.\r\n"
    assert protocol.is_ready
    assert protocol.awaited == (first, True)
    protocol.begin(second)
    assert written(protocol).startswith(b"MAIL FROM")
    protocol.receive_data(b"250 2.0.0 queued\r\n")
    assert list(protocol.finished) == [first]
    assert results(first) == {"ann@x.org": "sent 250 2.0.0 queued"}
    assert protocol.awaited == (second, False)


def test_of_two_sessions_that_would_try_at_once_what_a_server_takes_one_does(monkeypatch):
    known = ContentPipelining()
    both = [Session(Capabilities({"pipelining": ""}), known) for _ in range(2)]
    for protocol in both:
        for _ in range(2):
            protocol.begin(message())
            written(protocol)
            protocol.receive_data(b"250 ok\r\n250 ok\r\n354 go on\r\n")
            written(protocol)
            if not protocol.answered:
                protocol.receive_data(b"250 2.0.0 queued\r\n")

    begin = known.begin

    def begin_second(session):  # when the other one was permitted to, and has not begun
        monkeypatch.undo()
        both[1].begin(message())
        return begin(session)

    monkeypatch.setattr(known, "begin", begin_second)
    both[0].begin(message())
    assert [bool(written(protocol)) for protocol in both] == [False, True]
    both[0].receive_data(b"250 2.0.0 queued\r\n")
    assert written(both[0]).startswith(b"MAIL")


def with_a_group_behind_a_content() -> tuple[Session, OutgoingMessage, bytes]:
    """Return a session with a message whose content, and the next message's group, are to be written."""
    protocol, outgoing = session("pipelining"), message()
    for each, answer in ((message(), b"250 2.0.0 queued\r\n"), (outgoing, b"")):
        protocol.begin(each)
        written(protocol)
        protocol.receive_data(b"250 ok\r\n250 ok\r\n354 go on\r\n")
        if answer:
            written(protocol)
            protocol.receive_data(answer)
    protocol.begin(message("bob@x.org"))
    return protocol, outgoing, protocol.data_to_send()


@pytest.mark.parametrize("of_group", [0, 1, 20], ids=lambda octets: f"{octets}_octets")
def test_a_content_that_left_without_the_whole_group_behind_it_is_not_sent_again(of_group):
    protocol, outgoing, data = with_a_group_behind_a_content()
    group = len(data) - data.index(b"MAIL FROM")
    protocol.data_sent(group - of_group)
    protocol.receive_data(b"250 2.0.0 queued\r\n")
    [interrupted] = protocol.end(ConnectionLost("the server closed the connection"))
    assert results(outgoing) == {"ann@x.org": "sent 250 2.0.0 queued"}
    assert interrupted is not outgoing


def test_a_content_that_left_without_the_whole_group_and_got_no_answer_is_uncertain():
    protocol, outgoing, data = with_a_group_behind_a_content()
    protocol.data_sent(len(data) - data.index(b"MAIL FROM") - 3)
    assert outgoing not in protocol.end(ConnectionLost("the server closed the connection"))
    assert results(outgoing)["ann@x.org"].startswith("uncertain")
    assert outgoing.handed_over


def test_a_content_that_did_not_leave_whole_is_sent_again():
    protocol, outgoing, data = with_a_group_behind_a_content()
    protocol.data_sent(len(data) - data.index(b"MAIL FROM") + 1)
    assert outgoing in protocol.end(ConnectionLost("the server closed the connection"))
    assert (outgoing.results, outgoing.handed_over) == ({}, False)


def test_a_message_that_cannot_be_made_seven_bit_is_refused_alone():
    protocol, outgoing = session("pipelining"), message(content="Subject: x\r\n\r\né\r\n".encode())
    outgoing.message = None  # which to_pieces() cannot serialise
    protocol.begin(outgoing)
    assert protocol.is_ready
    assert not protocol.data_to_send()
    assert results(outgoing)["ann@x.org"].startswith("refused")
    assert list(protocol.finished) == [outgoing]


def test_without_pipelining_one_command_waits_for_the_reply_to_the_other():
    protocol, outgoing = session(), message("ann@x.org", "bob@x.org")
    protocol.begin(outgoing)
    said = [written(protocol)]
    for reply in (b"250 ok\r\n", b"550 5.1.1 no\r\n", b"250 ok\r\n", b"354 go\r\n"):
        protocol.receive_data(reply)
        said.append(written(protocol))
    assert [line.split()[0] for line in said] == [b"MAIL", b"RCPT", b"RCPT", b"DATA", b"Subject:"]
    protocol.receive_data(b"250 ok\r\n")
    assert results(outgoing) == {"ann@x.org": "refused 550 5.1.1 no", "bob@x.org": "sent 250 ok"}


@pytest.mark.parametrize("reply", [b"550 no\r\n", b"250 ok\r\n550 no\r\n"], ids=["sender", "recipients"])
def test_what_is_refused_before_data_asks_for_no_data(reply):
    protocol, outgoing = session(), message()
    protocol.begin(outgoing)
    said = written(protocol)
    for line in reply.splitlines(keepends=True):
        protocol.receive_data(line)
        said += written(protocol)
    assert b"DATA" not in said
    assert protocol.is_ready
    assert results(outgoing) == {"ann@x.org": "refused 550 no"}
    protocol.begin(message())
    assert written(protocol).startswith(b"RSET" if b"250" in reply else b"MAIL")


def test_more_than_a_hundred_commands_wait_for_the_first_replies():
    protocol = session("pipelining")
    protocol.begin(message(*[f"p{number}@x.org" for number in range(150)]))
    assert written(protocol).count(b"\r\n") == 100
    protocol.receive_data(b"250 ok\r\n" * 99)
    assert written(protocol) == b""
    protocol.receive_data(b"250 ok\r\n")
    assert written(protocol).count(b"\r\n") == 52


def test_a_refused_rset_ends_the_session_before_the_next_message_is_in_danger():
    protocol, first, second = session("pipelining"), message(), message("bob@x.org")
    protocol.begin(first)
    protocol.receive_data(b"250 ok\r\n250 ok\r\n451 later\r\n")
    assert list(protocol.finished) == [first]
    protocol.begin(second)
    with pytest.raises(ConnectionLost, match="502") as caught:
        protocol.receive_data(b"502 what?\r\n250 ok\r\n250 ok\r\n354 go on\r\n")
    assert protocol.end(caught.value) == [second]
    assert second.waiting == ["bob@x.org"]
    assert not second.results


@pytest.mark.parametrize(("is_written", "status"), [(True, "uncertain"), (False, None)])
def test_a_content_without_an_answer_is_uncertain_once_it_was_written(is_written, status):
    protocol, outgoing = session("pipelining"), message()
    protocol.begin(outgoing)
    written(protocol)
    protocol.receive_data(b"250 ok\r\n250 ok\r\n354 go on\r\n")
    protocol.data_to_send()
    if is_written:
        protocol.data_sent()
    interrupted = protocol.end(ConnectionLost("the server closed the connection"))
    assert [result.status for result in outgoing.results.values()] == [status] * is_written
    assert interrupted == [outgoing] * (not is_written)


def test_a_content_that_waits_to_be_written_is_not_in_doubt_after_an_interrupt():
    protocol, outgoing = session("pipelining"), message()
    protocol.begin(outgoing)
    written(protocol)
    protocol.receive_data(b"250 ok\r\n250 ok\r\n354 go on\r\n")
    assert protocol.is_ready  # the content goes out together with the next commands
    assert protocol.end(KeyboardInterrupt()) == [outgoing]
    assert not outgoing.results
    assert not outgoing.handed_over


def test_a_recipient_of_the_next_transaction_is_not_in_doubt_when_this_content_has_no_answer():
    protocol, outgoing = session("pipelining"), message("ann@x.org", "bob@x.org")
    protocol.begin(outgoing)
    written(protocol)
    protocol.receive_data(b"250 ok\r\n250 ok\r\n452 4.5.3 too many\r\n354 go on\r\n")
    protocol.begin(outgoing)
    written(protocol)
    assert protocol.end(ConnectionLost("the server closed the connection")) == [outgoing]
    assert set(results(outgoing)) == {"ann@x.org"}
    assert outgoing.results["ann@x.org"].status == "uncertain"
    assert outgoing.waiting == ["bob@x.org"]


def test_who_was_refused_is_not_in_doubt_when_a_chunk_has_no_answer():
    protocol = session("pipelining", "chunking", chunking=True)
    outgoing, unread = message("ann@x.org", "bob@x.org", "cem@x.org", "dan@x.org"), message("eve@x.org")
    for each in (outgoing, unread):
        protocol.begin(each)
        written(protocol)
    protocol.receive_data(b"250 ok\r\n550 no\r\n250 ok\r\n451 later\r\n452 4.5.3 too many\r\n")
    protocol.end(ConnectionLost("the server closed the connection"))
    statuses = {address: result.status for address, result in outgoing.results.items()}
    assert statuses == {"ann@x.org": "refused", "bob@x.org": "uncertain", "cem@x.org": "deferred"}
    assert outgoing.waiting == ["dan@x.org"]
    assert unread.results["eve@x.org"].status == "uncertain"


@pytest.mark.parametrize("unasked", [b"250 ok\r\n", b"550 5.2.2 full\r\n", b"421 4.4.2 idle\r\n"])
def test_a_reply_to_nothing_is_no_reply_to_the_next_message(unasked):
    protocol, first, second = session("pipelining"), message(), message("bob@x.org")
    protocol.begin(first)
    written(protocol)
    protocol.receive_data(b"250 ok\r\n250 ok\r\n354 go on\r\n")
    protocol.begin(second)
    written(protocol)
    with pytest.raises(ConnectionLost) as caught:
        protocol.receive_data(b"250 2.0.0 queued\r\n" + unasked)
    assert protocol.end(caught.value) == [second]
    assert results(first) == {"ann@x.org": "sent 250 2.0.0 queued"}
    assert not second.results


def test_where_data_is_answered_by_250_no_reply_before_it_counts():
    protocol, outgoing = session("pipelining"), message()
    protocol.begin(outgoing)
    written(protocol)
    with pytest.raises(ConnectionLost, match="answered DATA with 250") as caught:
        protocol.receive_data(b"550 5.2.2 full\r\n250 ok\r\n250 ok\r\n354 go on\r\n")
    assert protocol.end(caught.value) == [outgoing]
    assert outgoing.waiting == ["ann@x.org"]


def test_contents_travel_behind_their_recipients_by_bdat():
    protocol = session("pipelining", "chunking", chunking=True)
    first, second = message(), message("bob@x.org")
    protocol.begin(first)
    data = written(protocol)
    protocol.begin(second)
    data += written(protocol)
    assert data.count(b"BDAT 18 LAST\r\nSubject: x\r\n\r\nHi\r\n") == 2
    assert data.count(b"RSET") == 1
    protocol.receive_data(b"250 ok\r\n550 no\r\n503 what?\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n")
    assert results(first) == {"ann@x.org": "refused 550 no"}
    assert results(second) == {"bob@x.org": "sent 250 ok"}
    assert not protocol.is_waiting


@pytest.mark.parametrize("answer", [b"554 5.5.1 no valid recipients\r\n", b"250 ok\r\n"])
def test_an_empty_content_for_no_one_counts_as_none(answer):
    protocol, outgoing = session("pipelining"), message()
    protocol.begin(outgoing)
    written(protocol)
    protocol.receive_data(b"250 ok\r\n550 5.1.1 no such user\r\n354 go on\r\n")
    assert written(protocol) == b".\r\n"
    protocol.receive_data(answer)
    assert results(outgoing) == {"ann@x.org": "refused 550 5.1.1 no such user"}
    assert not outgoing.report().handed_over  # so that the outbox knows that it was the address
