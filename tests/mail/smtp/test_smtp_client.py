"""The connection itself: replies read strictly and within their time, texts made fit to be shown."""

from __future__ import annotations

import doctest
import socket
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aerogram.mail.backends.smtp import EmailBackend
from aerogram.mail.characters import clean_text
from aerogram.mail.delivery.report import RecipientResult
from aerogram.mail.smtp import client as client_module
from aerogram.mail.smtp import replies, transaction
from aerogram.mail.smtp.client import SMTPClient
from aerogram.mail.smtp.replies import (
    ConnectionLost,
    Reply,
    result_of,
    wants_another_transaction,
)
from aerogram.testing import Drop, FaultyServer, faulty_server
from tests.smtp_peers import mail


@pytest.mark.parametrize("module", [client_module, replies, transaction, faulty_server])
def test_the_examples_of_the_module_run(module):
    assert doctest.testmod(module).failed == 0


def connected(octets: bytes) -> SMTPClient:
    """A client whose server has said ``octets`` and hung up."""
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(octets)
    client = SMTPClient()
    client.sock = ours
    client.reply_timeout = 5
    return client


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from([b"250", b"250-", b"250 ", b"ok", b"\r\n", b"\n", b"550 no", b"\xff", b"1", b"-"])
    )
)
def test_whatever_comes_is_a_reply_or_the_end_of_the_connection(pieces):
    client = connected(b"".join(pieces))
    try:
        for _ in range(len(pieces) + 1):
            try:
                code, text = client.getreply()
            except ConnectionLost:
                assert client.sock is None
                return
            assert 200 <= code <= 599
            assert isinstance(text, bytes)
        pytest.fail("more replies than pieces")
    finally:
        client.close()


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        (b"250 ok\r\n", (250, b"ok")),
        (b"250 ok\n", (250, b"ok")),
        (b"250\r\n", (250, b"")),
        (b"250-a\r\n250-b\r\n250 c\r\n", (250, b"a\nb\nc")),
        (b"250-a\r\n250\r\n", (250, b"a\n")),
    ],
)
def test_replies_are_read_as_the_standard_allows(octets, reply):
    client = connected(octets)
    assert client.getreply() == reply
    client.close()


def test_what_the_server_said_before_it_hung_up_is_heard_after_a_failed_write():
    message = mail(body="A line of the content.\n" * 1_000_000)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            for _ in range(2):  # it is sent again once
                peer, _ = listener.accept()
                with peer:
                    peer.sendall(b"220 hello\r\n")
                    for reply in (b"250 hello", b"250 ok", b"250 ok", b"354 go on"):
                        peer.recv(1000)
                        peer.sendall(reply + b"\r\n")
                    peer.recv(1000)
                    peer.sendall(b"552 5.3.4 too big\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        backend = EmailBackend("127.0.0.1", listener.getsockname()[1], timeout=5, fail_silently=True)
        assert backend.send_messages([message]) == 0
        thread.join()
    result = message.delivery.recipients["ann@x.org"]
    assert (result.status, result.code, result.enhanced_code) == ("refused", 552, "5.3.4")


def test_a_client_that_is_not_connected_says_so():
    with pytest.raises(ConnectionLost, match="not connected"):
        SMTPClient().getreply()


def test_no_timeout_of_zero():
    with pytest.raises(ValueError, match="seconds above 0"):
        SMTPClient("127.0.0.1", 25, "localhost", 0)


@pytest.mark.parametrize(
    ("reply", "result"),
    [
        ((250, b"2.0.0 queued as 1"), RecipientResult("sent", 250, "2.0.0", "queued as 1")),
        ((250, b""), RecipientResult("sent", 250, None, "")),
        ((451, b"4.7.1"), RecipientResult("deferred", 451, "4.7.1", "")),
        ((550, b"5.1.1 a\n5.1.1 b"), RecipientResult("refused", 550, "5.1.1", "a b")),
        ((550, b"5.1.1234 no code"), RecipientResult("refused", 550, None, "5.1.1234 no code")),
    ],
)
def test_a_reply_becomes_a_result(reply, result):
    assert result_of(*reply) == result


@given(st.one_of(st.binary(), st.text()))
def test_cleaned_texts_are_one_short_printable_line(text):
    cleaned = clean_text(text)
    assert len(cleaned.encode("utf-8", "surrogatepass")) <= 512
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in cleaned)
    assert len(cleaned.splitlines()) <= 1


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        (452, b"4.5.3 too many", True),
        (452, b"4.0.0 <m50@example.com> too many recipients", True),
        (452, b"too many", True),
        (552, b"too many", True),
        (552, b"5.5.3 too many", True),
        (452, b"4.2.2 mailbox full", False),
        (552, b"5.2.2 mailbox full", False),
        (450, b"4.5.3 too many", True),
        (550, b"5.5.3 too many", True),
        (450, b"4.7.1 later", False),
        (450, b"later", False),
    ],
)
def test_what_asks_for_another_transaction(code, text, expected):
    assert wants_another_transaction(Reply(code, text)) is expected


def test_a_server_without_a_greeting_is_left():
    with FaultyServer().on("connect", Drop()) as server, pytest.raises(ConnectionLost, match="closed"):
        SMTPClient(server.host, server.port, "localhost", 5)
