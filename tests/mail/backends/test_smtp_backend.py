"""The SMTP backend as Django's users know it: arguments, settings, open and close, silence."""

from __future__ import annotations

import inspect
import os
import smtplib
import socket
import threading

import pytest

from aerogram.conf import settings
from aerogram.exceptions import DeliveryError, ImproperlyConfigured
from aerogram.mail import EmailMessage, send_mail, send_mass_mail
from aerogram.mail.backends.smtp import EmailBackend
from aerogram.mail.smtp.client import SMTPClient, SMTPSSLClient
from aerogram.testing import Drop, FaultyServer
from tests.smtp_peers import OneToken, backend_for, deliver, mail, mails, only_status

DJANGO = [
    "host",
    "port",
    "username",
    "password",
    "use_tls",
    "fail_silently",
    "use_ssl",
    "timeout",
    "ssl_keyfile",
    "ssl_certfile",
]


# -- arguments --


def test_the_arguments_come_in_djangos_order_and_keep_djangos_names():
    assert list(inspect.signature(EmailBackend).parameters)[: len(DJANGO)] == DJANGO
    given = ["mail.x.org", 2525, "ann", "pw", True, True, False, 7, "key.pem", "cert.pem"]
    backend = EmailBackend(*given)
    assert [getattr(backend, name) for name in DJANGO] == given
    assert backend.connection is None


def test_what_is_not_given_comes_from_the_settings_at_construction():
    values = {
        "EMAIL_HOST": "mail.x.org",
        "EMAIL_PORT": 587,
        "EMAIL_HOST_USER": "ann",
        "EMAIL_HOST_PASSWORD": "pw",
        "EMAIL_USE_TLS": True,
        "EMAIL_TIMEOUT": 7,
        "EMAIL_SSL_KEYFILE": "key.pem",
        "EMAIL_SSL_CERTFILE": "cert.pem",
    }
    with settings.override(**values):
        backend = EmailBackend()
    found = (backend.host, backend.port, backend.username, backend.password, backend.use_tls, backend.timeout)
    assert found == ("mail.x.org", 587, "ann", "pw", True, 7)
    assert (backend.ssl_keyfile, backend.ssl_certfile) == ("key.pem", "cert.pem")
    assert EmailBackend().host == "localhost"


def test_false_and_empty_given_explicitly_win_over_the_settings():
    with settings.override(EMAIL_USE_TLS=True, EMAIL_SSL_CERTFILE="cert.pem", EMAIL_HOST="mail.x.org"):
        backend = EmailBackend(host="", use_tls=False, ssl_certfile="")
    assert backend.use_tls is False
    assert backend.ssl_certfile == ""
    assert backend.host == "mail.x.org"  # host and port go by truth, as Django's do


def test_unknown_arguments_are_taken_as_django_takes_them():
    assert EmailBackend(file_path="/nowhere", stream=None).host == "localhost"


def test_two_kinds_of_tls_at_once_are_refused():
    with pytest.raises(ValueError, match="mutually exclusive"):
        EmailBackend(use_tls=True, use_ssl=True)
    with settings.override(EMAIL_USE_TLS=True), pytest.raises(ImproperlyConfigured):
        EmailBackend(use_ssl=True)


@pytest.mark.parametrize(
    ("name", "values"),
    {
        "host": [3, b"x.org", ["x.org"]],
        "port": ["x", "-1", 70_000, 2.5, True],
        "username": [3, b"ann"],
        "use_tls": ["no", "yes", 2],
        "use_ssl": ["false", []],
        "timeout": [-1, 0, "5", float("inf"), float("nan"), True],
        "ssl_keyfile": [3],
        "ssl_certfile": [b"cert.pem"],
        "connect_timeout": [0, "1"],
        "command_timeout": [-1],
        "data_timeout": [0],
        "message_timeout": ["long"],
        "max_messages": [0, 2.5, "3", None, True],
        "max_idle": [-1, "x", None],
        "connections": [0, 2.5, "4", None],
        "rate": [0, -2, "fast", True],
        "local_hostname": ["my_host", "x.org\n", 3],
        "tls_server_name": [3],
        "auth_token": ["token"],
        "allow_plaintext_auth": ["no"],
        "chunking": ["yes"],
    }.items(),
)
def test_options_that_cannot_work_are_refused_when_the_backend_is_made(name, values):
    for value in values:
        with pytest.raises(ImproperlyConfigured, match=rf"^{name} of the SMTP backend is .*: give ."):
            EmailBackend(**{name: value})


def test_a_refused_secret_is_not_shown():
    for options in ({"password": b"hunter2"}, {"auth_token": "hunter2"}):
        with pytest.raises(ImproperlyConfigured) as caught:
            EmailBackend(**options)
        assert "hunter2" not in str(caught.value)


def test_a_port_may_be_the_text_of_an_environment_variable():
    assert EmailBackend(port="587").port == 587
    assert EmailBackend(port=0).port == EmailBackend(port=None).port == 25


def test_the_class_of_connection_follows_use_ssl():
    assert EmailBackend().connection_class is SMTPClient
    assert EmailBackend(use_ssl=True).connection_class is SMTPSSLClient
    assert issubclass(SMTPClient, smtplib.SMTP)
    assert issubclass(SMTPSSLClient, smtplib.SMTP_SSL)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (10, 60, 600, 900)),
        ({"timeout": 5}, (5, 5, 5, 900)),
        ({"timeout": 5, "data_timeout": 1000}, (5, 5, 1000, 1500)),
        ({"connect_timeout": 1, "command_timeout": 2, "data_timeout": 3, "message_timeout": 4}, (1, 2, 3, 4)),
    ],
)
def test_an_explicit_timeout_bounds_every_wait(options, expected):
    timeouts = EmailBackend(**options).timeouts
    assert (timeouts.connect, timeouts.command, timeouts.data, timeouts.message) == expected


def test_pythons_own_default_for_sockets_counts_as_a_timeout():
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(3)
    try:
        backend = EmailBackend()
    finally:
        socket.setdefaulttimeout(before)
    assert backend.timeout is None
    assert backend.timeouts.data == 3


def test_a_subclass_that_sets_its_defaults_in_the_constructor_works():
    class Mine(EmailBackend):
        def __init__(self, *args, **kwargs):
            kwargs.setdefault("timeout", 42)
            super().__init__(*args, **kwargs)

    with FaultyServer() as server, Mine(server.host, server.port) as backend:
        assert backend.timeout == 42
        assert backend.connection.timeout == 42


def test_a_plain_smtplib_class_serves_as_connection_class():
    class Plain(EmailBackend):
        connection_class = smtplib.SMTP

    with FaultyServer() as server:
        assert Plain(server.host, server.port, timeout=5).send_messages(mails(3)) == 3
    assert len(server.messages) == 3


# -- open and close --


def test_open_tells_new_from_open_and_close_ends_it():
    with FaultyServer() as server:
        backend = backend_for(server)
        assert backend.open() is True
        connection = backend.connection
        assert isinstance(connection, smtplib.SMTP)
        assert backend.open() is False
        assert backend.connection is connection
        backend.close()
        assert backend.connection is None
        backend.close()
    assert server.verbs == ["EHLO", "QUIT"]


def test_open_leaves_whatever_connection_is_there():
    backend = EmailBackend()
    backend.connection = object()
    assert backend.open() is False


def test_a_connection_put_there_by_somebody_else_is_used():
    with FaultyServer() as server:
        backend = EmailBackend("unused.invalid")
        backend.connection = smtplib.SMTP(server.host, server.port, timeout=5)
        assert backend.send_messages([mail()]) == 1
        assert backend.connection is not None
        backend.close()


def test_the_context_manager_opens_and_closes():
    with FaultyServer() as server:
        with backend_for(server) as backend:
            assert backend.connection is not None
            assert backend.send_messages([mail()]) == 1
            assert backend.send_messages([mail()]) == 1
            assert backend.connection is not None
        assert backend.connection is None
    assert server.connections == 1


def test_send_messages_closes_what_it_opened():
    with FaultyServer().on("RCPT", "550 5.1.1 no", times=1) as server:
        backend = backend_for(server)
        with pytest.raises(DeliveryError):
            backend.send_messages([mail()])
        assert backend.connection is None
        assert backend.send_messages([mail()]) == 1
        assert backend.connection is None
    assert server.verbs.count("QUIT") == 2


def test_nothing_to_send_opens_nothing():
    backend = EmailBackend("unused.invalid")
    assert backend.send_messages([]) == 0
    assert backend.send_messages(iter([])) == 0
    assert backend.send_messages([EmailMessage("Hello", "", "me@x.org", [])]) == 0


def test_closing_when_the_server_is_gone_is_quiet():
    with FaultyServer() as server:
        backend = backend_for(server)
        backend.open()
    backend.close()
    assert backend.connection is None


def test_a_broken_connection_is_opened_anew():
    with FaultyServer().on("NOOP", Drop()) as server:
        backend = backend_for(server)
        backend.open()
        with pytest.raises(smtplib.SMTPServerDisconnected):
            backend.connection.noop()
        assert backend.open() is True
        backend.close()


def test_after_a_fork_the_child_has_a_connection_of_its_own():
    with FaultyServer() as server:
        backend = backend_for(server)
        backend.open()
        child = os.fork()
        if child == 0:  # the child has one thread, so nothing of the server's
            code = 1
            try:
                code = 0 if backend.send_messages([mail("child@x.org")]) == 1 else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert backend.send_messages([mail("parent@x.org")]) == 1
        backend.close()
    assert {(message.connection, message.recipients[0]) for message in server.messages} == {
        (2, "child@x.org"),
        (1, "parent@x.org"),
    }


def test_threads_share_a_backend_one_at_a_time():
    with FaultyServer() as server, backend_for(server) as backend:
        threads = [threading.Thread(target=backend.send_messages, args=(mails(5),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(server.messages) == 20
    assert server.connections == 1


# -- silence --


def test_a_failed_connection_is_silent_when_asked(free_port):
    backend = EmailBackend("127.0.0.1", free_port(), fail_silently=True, timeout=5)
    assert backend.open() is None
    message = mail()
    assert backend.send_messages([message]) == 0
    assert only_status(message) == "deferred"


def test_an_open_that_says_it_failed_silently_is_believed():
    class Quiet(EmailBackend):
        def open(self):
            return None

    messages = mails(2)
    assert Quiet("unused.invalid").send_messages(messages) == 0
    assert [only_status(message) for message in messages] == ["deferred", "deferred"]


def test_failed_deliveries_are_silent_when_asked_and_counted_all_the_same():
    messages = mails(3)
    with FaultyServer().on("RCPT", "550 5.1.1 no", match="p1@") as server:
        assert backend_for(server, fail_silently=True).send_messages(messages) == 2
    assert [only_status(message) for message in messages] == ["sent", "refused", "sent"]


# -- through the functions --


def test_send_mail_reaches_a_server_named_by_the_settings():
    with (
        FaultyServer() as server,
        settings.override(EMAIL_HOST=server.host, EMAIL_PORT=server.port, EMAIL_TIMEOUT=5),
    ):
        assert send_mail("Hello", "Good news.", "me@x.org", ["ann@x.org"]) == 1
    assert server.messages[0].mail_from == "me@x.org"
    assert b"Subject: Hello\r\n" in server.messages[0].content


def test_send_mass_mail_streams_over_one_connection_and_reports_what_cannot_be_rendered():
    class Broken:
        def render(self):
            raise LookupError("no such customer")

    def items():
        yield ("One", "text", "me@x.org", ["ann@x.org"])
        yield Broken()
        yield ("Three", "text", "me@x.org", ["bob@x.org"])

    seen = []
    with FaultyServer() as server, pytest.raises(DeliveryError) as caught:
        send_mass_mail(items(), connection=backend_for(server), on_result=seen.append)
    assert caught.value.sent == 2 == len(server.messages)
    assert isinstance(caught.value.reports[0].error, LookupError)
    assert len(seen) == 3
    assert server.connections == 1


def test_bcc_is_in_the_envelope_and_nowhere_else():
    with FaultyServer() as server:
        backend_for(server).send_messages([mail(bcc=["secret@x.org", "ann@x.org"], cc=["cem@x.org"])])
    assert server.messages[0].recipients == ("ann@x.org", "cem@x.org", "secret@x.org")
    assert b"secret" not in server.messages[0].content


def test_the_sender_of_the_envelope_may_differ_from_the_header():
    bounced = mail()
    bounced.return_path = ""
    with FaultyServer() as server:
        backend_for(server).send_messages([mail(headers={"From": "Shop <shop@x.org>"}), bounced])
    assert [message.mail_from for message in server.messages] == ["sender@x.org", ""]


def test_a_send_amid_a_batch_has_a_connection_of_its_own():
    def batch(backend):
        for number, message in enumerate(messages):
            yield message
            if number == 1:
                assert backend.send_messages([mail("inner@x.org")]) == 1

    def told(_report):
        if len(seen) < 2:
            seen.append(mail("told@x.org").recipients())
            backend.send_messages([mail("told@x.org")])

    messages, seen = mails(4), []
    with FaultyServer() as server, backend_for(server) as backend:
        assert backend.send_messages(batch(backend)) == 4
        assert backend.send_messages(mails(3), on_result=told) == 3
    assert [only_status(message) for message in messages] == ["sent"] * 4
    assert len(server.messages) == 4 + 1 + 3 + 2


def test_a_token_that_cannot_be_had_again_defers_the_rest():
    token = OneToken()
    messages = mails(5)
    with FaultyServer(["PIPELINING", "AUTH XOAUTH2"], logins={"u": "t"}) as server:
        sent, _ = deliver(server, messages, username="u", auth_token=token, max_messages=2)
    assert sent == 2
    assert [only_status(message) for message in messages[2:]] == ["deferred"] * 3


def refused_token() -> str:
    raise LookupError("no token, s3cret")


@pytest.mark.parametrize("kind", [LookupError, OSError])
def test_when_nobody_can_log_in_every_message_at_hand_is_deferred(kind, free_port):
    messages, told = mails(3), []
    with FaultyServer(["PIPELINING", "AUTH XOAUTH2"]) as server:
        option = {"username": "u", "auth_token": refused_token} if kind is LookupError else {}
        backend = backend_for(server, **option)
        backend.port = server.port if kind is LookupError else free_port()
        with pytest.raises(kind):
            send_mass_mail(messages, connection=backend, on_result=told.append)
    assert [only_status(message) for message in messages] == ["deferred"] * 3
    assert told == [message.delivery for message in messages]
    assert "s3cret" not in messages[0].delivery.recipients["p0@x.org"].text
