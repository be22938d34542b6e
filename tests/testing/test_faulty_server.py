"""The scripted SMTP server itself."""

from __future__ import annotations

import smtplib

import pytest

from aerogram.testing import FaultyServer
from tests.smtp_peers import backend_for, mail


@pytest.mark.parametrize(
    "address",
    [
        '"a>b"@example.com',
        '"a b"@example.com',
        '"a\\"> <b"@example.com',
        '"a\\\\"@example.com',
        "a@example.com",
    ],
)
@pytest.mark.parametrize("offers", [["PIPELINING", "8BITMIME", "SIZE"], []])
def test_a_quoted_local_part_arrives_whole(address: str, offers: list[str]):
    with FaultyServer(offers) as server:
        message = mail(address)
        message.return_path = address
        backend_for(server).send_messages([message])
        (received,) = server.messages
    assert (received.mail_from, received.recipients) == (address, (address,))
    assert all("=" in parameter for parameter in received.parameters)


@pytest.mark.parametrize(
    ("argument", "address"),
    [("<a@b.c> X=<1>", "a@b.c"), ("<>", ""), ('<"a>b@c>', '"a'), ("<a@b.c", "a@b.c"), ("a@b.c", "")],
)
def test_the_server_reads_any_path(argument: str, address: str):
    with FaultyServer() as server, smtplib.SMTP(server.host, server.port) as client:
        client.ehlo()
        client.docmd("MAIL", "FROM:<me@x.org>")
        client.docmd("RCPT", f"TO:{argument}")
        client.data(b"Subject: x\r\n\r\n")
    assert [message.recipients for message in server.messages] == [(address,)]
