"""Logging in, refusals that can be understood, and secrets that stay so."""

from __future__ import annotations

import doctest
import logging
import smtplib
import traceback
from base64 import b64encode

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import AuthResult

from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured
from aerogram.mail.backends.smtp import EmailBackend
from aerogram.mail.smtp import auth
from aerogram.testing import FaultyServer
from tests.smtp_peers import backend_for, mail

MECHANISMS = ["PLAIN", "LOGIN", "CRAM-MD5"]
PASSWORD = "pässwörd 1"


def test_the_examples_of_the_module_run():
    assert doctest.testmod(auth).failed == 0


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("password", [PASSWORD, "x" * 300])
def test_each_mechanism_logs_in(mechanism, password):
    with FaultyServer([f"AUTH {mechanism}"], logins={"ünn": password}) as server:
        assert backend_for(server, username="ünn", password=password).send_messages([mail()]) == 1
    assert server.verbs.count("AUTH") == 1


def test_the_old_spelling_of_the_offer_is_understood():
    with FaultyServer(["AUTH=PLAIN LOGIN"], logins={"ann": "pw"}) as server:
        assert backend_for(server, username="ann", password="pw").send_messages([mail()]) == 1
    assert "AUTH" in server.verbs


def test_a_token_logs_in_by_xoauth2_and_is_asked_for_at_each_login():
    tokens = iter(["first", "second"])
    with FaultyServer(["AUTH PLAIN XOAUTH2"], logins={"ann": "first"}) as server:
        backend = backend_for(server, username="ann", auth_token=lambda: next(tokens))
        assert backend.open() is True
        backend.close()
        server.logins["ann"] = "second"
        assert backend.open() is True
        backend.close()
    assert [command.split()[1] for command in server.commands if command.startswith("AUTH")] == [
        "XOAUTH2"
    ] * 2


def test_a_refused_token_ends_the_exchange_cleanly():
    with FaultyServer(["AUTH XOAUTH2"], logins={"ann": "good"}) as server:
        backend = backend_for(server, username="ann", auth_token=lambda: "t0ken-expired")
        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            backend.open()
    assert caught.value.smtp_code == 535
    assert "t0ken" not in str(caught.value)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_refused_login_says_who_where_and_why_and_not_the_password(mechanism):
    with FaultyServer([f"AUTH {mechanism}"], logins={"ann": "other"}) as server:
        backend = backend_for(server, username="ann", password=PASSWORD)
        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            backend.send_messages([mail()])
        assert backend.connection is None
    text = "".join(traceback.format_exception(caught.value))
    assert caught.value.smtp_code == 535
    assert "'ann'" in str(caught.value)
    assert str(caught.value).startswith("535 the server refused")
    assert "authentication failed" in str(caught.value)
    assert "EMAIL_HOST_PASSWORD" in str(caught.value)
    assert PASSWORD not in text
    assert "MAIL" not in server.verbs


def test_not_now_is_told_apart_and_not_tried_with_the_next_mechanism():
    server = FaultyServer(["AUTH PLAIN LOGIN"], logins={"ann": "pw"}).on("AUTH", "454 4.7.0 later")
    with server, pytest.raises(smtplib.SMTPAuthenticationError) as caught:
        backend_for(server, username="ann", password="pw").open()
    assert caught.value.smtp_code == 454
    assert server.verbs.count("AUTH") == 1


def test_a_mechanism_that_does_not_work_gives_way_to_the_next():
    server = FaultyServer(["AUTH CRAM-MD5 PLAIN"], logins={"ann": "pw"})
    with server.on("AUTH", "535 5.7.8 no such secret", match="CRAM"):
        assert backend_for(server, username="ann", password="pw").send_messages([mail()]) == 1
    assert server.verbs.count("AUTH") == 2


@pytest.mark.parametrize("challenge", ["334 !!!", "334 " + b64encode(b"again").decode()])
def test_a_server_that_asks_nonsense_or_without_end_is_refused(challenge):
    with FaultyServer(["AUTH PLAIN"]).on("AUTH", challenge).on("", challenge) as server:
        server.on("*", "501 5.0.0 cancelled")
        with pytest.raises(smtplib.SMTPException):
            backend_for(server, username="ann", password="pw").open()


def test_a_server_without_auth_is_an_error_when_a_login_is_configured():
    refused = pytest.raises(smtplib.SMTPException, match="SMTP AUTH extension not supported by server")
    with FaultyServer() as server, refused:
        backend_for(server, username="ann", password="pw").open()


def test_no_mechanism_in_common_names_both_sides():
    refused = pytest.raises(smtplib.SMTPException, match=r"GSSAPI.*CRAM-MD5, PLAIN, LOGIN")
    with FaultyServer(["AUTH GSSAPI"]) as server, refused:
        backend_for(server, username="ann", password="pw").open()


def test_empty_username_and_password_switch_off_what_the_settings_have():
    with settings.override(EMAIL_HOST_USER="ann", EMAIL_HOST_PASSWORD="pw"):
        assert (EmailBackend().username, EmailBackend().password) == ("ann", "pw")
        backend = EmailBackend(username="", password="")
    assert (backend.username, backend.password) == ("", "")
    with FaultyServer(["AUTH PLAIN"]) as server:
        backend.host, backend.port = server.host, server.port
        assert backend.open() is True
        backend.close()
    assert "AUTH" not in server.verbs


def test_a_password_does_not_cross_a_network_in_the_clear(monkeypatch):
    monkeypatch.setattr("aerogram.mail.smtp.client._is_local", lambda sock: False)
    with FaultyServer(["AUTH PLAIN"], logins={"ann": "pw"}) as server:
        backend = backend_for(server, username="ann", password="pw", fail_silently=True)
        with pytest.raises(ImproperlyConfigured, match="allow_plaintext_auth"):
            backend.open()
        assert backend.connection is None
        assert "AUTH" not in server.verbs
        trusting = backend_for(server, username="ann", password="pw", allow_plaintext_auth=True)
        assert trusting.open() is True
        trusting.close()


def test_no_view_of_the_backend_shows_the_password():
    backend = EmailBackend("mail.x.org", username="ann", password=PASSWORD)
    assert backend.password == PASSWORD
    for view in (
        repr(backend),
        str(backend),
        repr(vars(backend)),
        str(vars(backend)),
        repr(backend.__dict__),
    ):
        assert PASSWORD not in view


def test_debug_output_and_logs_show_no_login(caplog, capsys):
    caplog.set_level(logging.DEBUG)

    class Chatty(EmailBackend):
        @property
        def connection_class(self):
            class Client(super().connection_class):
                debuglevel = 1

            return Client

    with FaultyServer(["AUTH PLAIN LOGIN"], logins={"ann": "pw-s3cret"}) as server:
        Chatty(server.host, server.port, username="ann", password="pw-s3cret", timeout=5).send_messages(
            [mail()]
        )
    shown = caplog.text + "".join(capsys.readouterr())
    assert "EHLO" in shown.upper()
    assert "pw-s3cret" not in shown
    for secret in (b"pw-s3cret", b"\0ann\0pw-s3cret", b"ann"):
        assert b64encode(secret).decode() not in shown


def test_a_server_that_echoes_the_login_does_not_get_it_into_the_error():
    echo = "535 5.7.8 you said pw-s3cret, that is " + b64encode(b"\0ann\0pw-s3cret").decode()
    server = FaultyServer(["AUTH PLAIN"]).on("AUTH", echo)
    with server, pytest.raises(smtplib.SMTPAuthenticationError) as caught:
        backend_for(server, username="ann", password="pw-s3cret").open()
    assert "s3cret" not in str(caught.value)
    assert b64encode(b"\0ann\0pw-s3cret").decode() not in str(caught.value)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("right", [True, False])
def test_aiosmtpd_checks_the_login(right, free_port):
    def check(server, session, envelope, mechanism, data):
        good = (data.login, data.password) == (b"ann", b"pw")
        return AuthResult(success=good, handled=good)

    port = free_port()
    controller = Controller(
        Sink(),
        hostname="127.0.0.1",
        port=port,
        authenticator=check,
        auth_required=True,
        auth_require_tls=False,
        timeout=5,
    )
    controller.start()
    try:
        backend = EmailBackend("127.0.0.1", port, "ann", "pw" if right else "no", timeout=5)
        if right:
            assert backend.send_messages([mail()]) == 1
        else:
            with pytest.raises(smtplib.SMTPAuthenticationError):
                backend.send_messages([mail()])
    finally:
        controller.stop()


def test_an_unreadable_answer_that_echoes_the_login_does_not_get_it_into_the_error():
    with FaultyServer(["AUTH PLAIN"]).on("AUTH", b"echo S3cr3tPw\r\n") as server:
        backend = backend_for(server, username="u", password="S3cr3tPw")
        with pytest.raises(OSError, match="is not SMTP") as caught:
            backend.open()
    assert "S3cr3tPw" not in str(caught.value)
