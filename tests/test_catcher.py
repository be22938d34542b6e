"""The catching server takes what it is sent, from this machine alone, and delivers nothing."""

from __future__ import annotations

import builtins
import smtplib
import socket
import sys
import threading

import pytest

from aerogram.catcher import CatchingServer, CaughtMessage, check_loopback
from aerogram.exceptions import ListenError, MissingDependency

MAIL = b"From: shop@example.com\r\nTo: ann@example.com\r\nSubject: Hi\r\n\r\n.one\r\n..two\r\n"


def deliver(server: CatchingServer, *recipients: str, content: bytes = MAIL) -> None:
    with smtplib.SMTP(server.host, server.port, timeout=10) as client:
        client.sendmail("shop@example.com", recipients or ("ann@example.com",), content)


def test_envelope_and_bytes_are_kept_as_sent():
    with CatchingServer() as server:
        deliver(server, "ann@example.com", "hidden@example.com")
    assert server.messages == [
        CaughtMessage("shop@example.com", ("ann@example.com", "hidden@example.com"), MAIL)
    ]
    assert server.messages[0].message["Subject"] == "Hi"


def test_a_bounce_has_an_empty_sender():
    with CatchingServer() as server, smtplib.SMTP(server.host, server.port, timeout=10) as client:
        client.sendmail("", ["ann@example.com"], MAIL)
    assert server.messages[0].mail_from == ""


def test_many_messages_on_one_connection_arrive_in_order():
    with CatchingServer() as server, smtplib.SMTP(server.host, server.port, timeout=10) as client:
        for number in range(50):
            client.sendmail("a@example.com", [f"p{number}@example.com"], MAIL)
    assert [caught.recipients for caught in server.messages] == [
        (f"p{number}@example.com",) for number in range(50)
    ]


def test_two_servers_run_side_by_side():
    with CatchingServer() as first, CatchingServer() as second:
        assert first.port != second.port
        deliver(second)
    assert (len(first.messages), len(second.messages)) == (0, 1)


def test_any_login_is_taken_so_that_settings_with_a_user_work():
    with CatchingServer() as server, smtplib.SMTP(server.host, server.port, timeout=10) as client:
        client.login("whoever", "whatever")
        client.sendmail("a@example.com", ["b@example.com"], MAIL)
    assert len(server.messages) == 1
    assert "whatever" not in repr(server.messages)


def test_international_addresses_are_taken():
    with CatchingServer() as server, smtplib.SMTP(server.host, server.port, timeout=10) as client:
        client.sendmail("a@example.com", ["jürgen@example.com"], MAIL, mail_options=["SMTPUTF8"])
    assert server.messages[0].recipients == ("jürgen@example.com",)


def test_callback_sees_each_message_before_the_client_is_answered():
    seen: list[str] = []
    with CatchingServer(on_message=lambda caught: seen.append(caught.mail_from), keep=False) as server:
        deliver(server)
        assert seen == ["shop@example.com"]
    assert server.messages == []


def test_a_failing_callback_defers_the_message_and_the_server_lives_on(caplog):
    answers = iter([OSError("disk full"), None])

    def fail_once(_caught: CaughtMessage) -> None:
        error = next(answers)
        if error is not None:
            raise error

    with CatchingServer(on_message=fail_once) as server:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            deliver(server)
        deliver(server)
    assert refused.value.smtp_code == 451
    assert "disk full" in caplog.text
    assert len(server.messages) == 1


def test_leaving_ends_the_thread_and_open_connections():
    before = threading.active_count()
    with CatchingServer() as server:
        client = socket.create_connection((server.host, server.port), timeout=10)
        assert client.recv(3) == b"220"
    with client:
        client.settimeout(10)
        try:
            while client.recv(1024):
                pass
        except ConnectionResetError:
            pass
    assert threading.active_count() == before
    with pytest.raises(OSError, match=r"."), socket.create_connection((server.host, server.port), timeout=1):
        pass


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", "", "127.0.0.1.example.com"])
def test_other_hosts_than_loopback_are_refused(host):
    with pytest.raises(ListenError, match="loopback"):
        CatchingServer(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1"])
def test_loopback_addresses_are_themselves(host):
    assert check_loopback(host) == host


def test_localhost_is_a_loopback_address():
    assert check_loopback("localhost") == "127.0.0.1"


def test_a_taken_port_is_named():
    with CatchingServer() as server, pytest.raises(ListenError, match=f"port {server.port}"):
        CatchingServer(port=server.port).__enter__()


def test_missing_package_names_the_extra(monkeypatch):
    real_import = builtins.__import__

    def without_aiosmtpd(name, *args, **kwargs):
        if name.startswith("aiosmtpd"):
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "aiosmtpd.smtp", raising=False)
    monkeypatch.setattr(builtins, "__import__", without_aiosmtpd)
    with pytest.raises(MissingDependency, match=r"aerogram\[catch\]"):
        CatchingServer().__enter__()


def test_a_server_that_nobody_used_ends_cleanly():
    for _ in range(20):
        with CatchingServer() as server:
            pass
        assert server.messages == []
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((server.host, server.port), timeout=10)
