"""TLS against real servers with real certificates: whom we talk to, and what is never said in the clear."""

from __future__ import annotations

import datetime
import smtplib
import ssl
from pathlib import Path

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from aerogram.exceptions import ImproperlyConfigured
from aerogram.mail.backends.smtp import EmailBackend
from aerogram.testing import FaultyServer
from tests.smtp_peers import backend_for, mail

STARTTLS = ["PIPELINING", "STARTTLS", "AUTH PLAIN LOGIN"]
LOGIN = {"username": "ann", "password": "s3cret"}


@pytest.fixture
def trusted(ca_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test authority is one of the system's."""
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))


def context_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def servers(tls: ssl.SSLContext) -> list[FaultyServer]:
    logins = {"ann": "s3cret"}
    return [
        FaultyServer(STARTTLS, tls=tls, logins=logins),
        FaultyServer(STARTTLS[::2], tls=tls, logins=logins, implicit_tls=True),
    ]


def options_for(server: FaultyServer) -> dict[str, object]:
    return LOGIN | {"use_ssl" if server.implicit_tls else "use_tls": True}


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
def test_a_verified_server_gets_the_login_and_the_mail(implicit, server_tls, trusted):
    with servers(server_tls)[implicit] as server:
        assert backend_for(server, **options_for(server)).send_messages([mail(), mail()]) == 2
    assert len(server.messages) == 2
    assert "AUTH" in server.verbs


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
def test_a_bad_certificate_ends_it_before_any_login(implicit, ca, trusted):
    expired = ca.issue_cert("127.0.0.1", not_after=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
    bad = {
        "self-signed": (trustme.CA().issue_cert("127.0.0.1"), "unable to get local issuer"),
        "wrong host": (ca.issue_cert("other.example"), "IP address mismatch"),
        "expired": (expired, "certificate has expired"),
    }
    for certificate, reason in bad.values():
        with servers(context_of(certificate))[implicit] as server:
            backend = backend_for(server, **options_for(server))
            with pytest.raises(ssl.SSLCertVerificationError, match=reason):
                backend.send_messages([mail()])
            assert backend.connection is None
        assert "AUTH" not in server.verbs
        assert "MAIL" not in server.verbs
        assert b"s3cret" not in b"".join(line for _, _, line in server.log)


def test_starttls_that_is_not_offered_is_never_done_without(trusted, server_tls):
    with FaultyServer(["PIPELINING", "AUTH PLAIN"], tls=server_tls) as server:
        backend = backend_for(server, use_tls=True, **LOGIN)
        with pytest.raises(smtplib.SMTPException, match="STARTTLS extension not supported by server"):
            backend.send_messages([mail()])
        assert backend.connection is None
    assert server.verbs == ["EHLO"]


@pytest.mark.parametrize("reply", ["454 4.7.0 not now", "501 5.5.4 no"])
def test_a_refused_starttls_is_an_error(reply, server_tls):
    server = FaultyServer(STARTTLS, tls=server_tls).on("STARTTLS", reply)
    with server, pytest.raises(smtplib.SMTPResponseException) as caught:
        backend_for(server, use_tls=True, **LOGIN).open()
    assert caught.value.smtp_code == int(reply[:3])
    assert server.verbs == ["EHLO", "STARTTLS"]


def test_plain_text_injected_behind_the_220_ends_the_connection(server_tls, trusted):
    server = FaultyServer(STARTTLS, tls=server_tls)
    server.on("STARTTLS", b"220 go ahead\r\n250 AUTH PLAIN\r\n")
    with server, pytest.raises(smtplib.SMTPServerDisconnected, match="plain text behind its reply"):
        backend_for(server, use_tls=True, **LOGIN).open()
    assert server.verbs == ["EHLO", "STARTTLS"]


def test_what_was_offered_before_tls_is_forgotten(server_tls, trusted):
    with FaultyServer(STARTTLS, tls=server_tls) as server:
        server.on("EHLO", b"250-x\r\n250-STARTTLS\r\n250 PIPELINING\r\n", times=1).on("EHLO", "250 x")
        assert backend_for(server, use_tls=True).send_messages([mail()]) == 1
    assert server.verbs == ["EHLO", "STARTTLS", "EHLO", "MAIL", "RCPT", "DATA", "QUIT"]


def test_a_failed_upgrade_under_silence_sends_nothing_in_the_clear(server_tls):
    # CVE-2026-7666: the half-made connection was kept and used.
    with FaultyServer(STARTTLS, tls=server_tls) as server:
        backend = backend_for(server, use_tls=True, fail_silently=True)
        assert backend.open() is None
        assert backend.connection is None
        assert backend.send_messages([mail()]) == 0
        backend.close()
    assert "MAIL" not in server.verbs
    assert len(server.tls_failures) == 2


def test_the_certificate_may_be_for_another_name(ca, trusted):
    with servers(context_of(ca.issue_cert("mail.example.org")))[0] as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            backend_for(server, use_tls=True).open()
        with backend_for(server, use_tls=True, tls_server_name="mail.example.org") as backend:
            assert backend.connection is not None


def test_tls_1_2_is_the_oldest_that_is_spoken(trusted):
    context = EmailBackend(use_tls=True).ssl_context
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
def test_a_client_certificate_is_shown_and_the_server_verified_all_the_same(implicit, ca, trusted, tmp_path):
    tls = context_of(ca.issue_cert("127.0.0.1"))
    tls.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(tls)
    mine = ca.issue_cert("client@example.org")
    certfile, keyfile = tmp_path / "client.pem", tmp_path / "client.key"
    mine.cert_chain_pems[0].write_to_path(str(certfile))
    mine.private_key_pem.write_to_path(str(keyfile))
    files = {"ssl_certfile": str(certfile), "ssl_keyfile": str(keyfile)}
    with servers(tls)[implicit] as server:
        assert backend_for(server, **options_for(server), **files).send_messages([mail()]) == 1
    # Without it: in TLS 1.3 the client learns of that only with the first reply.
    with servers(tls)[implicit] as server, pytest.raises((ssl.SSLError, smtplib.SMTPServerDisconnected)):
        backend_for(server, **options_for(server)).send_messages([mail()])
    assert not server.messages
    stranger = servers(context_of(trustme.CA().issue_cert("127.0.0.1")))[implicit]
    with stranger as server, pytest.raises(ssl.SSLCertVerificationError):
        backend_for(server, **options_for(server), **files).open()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"ssl_certfile": "missing.pem"}, "missing.pem"),
        ({"ssl_keyfile": "client.key"}, "ssl_certfile is not set"),
    ],
)
@pytest.mark.parametrize("silently", [False, True])
def test_a_client_certificate_that_cannot_be_loaded_is_a_configuration_error(
    files, words, silently, server_tls
):
    with FaultyServer(STARTTLS, tls=server_tls) as server:
        backend = backend_for(server, use_tls=True, fail_silently=silently, **files)
        with pytest.raises(ImproperlyConfigured, match=words):
            backend.open()
        assert backend.connection is None


def test_aiosmtpd_takes_the_mail_over_tls(server_tls, trusted, free_port):
    port = free_port()
    controller = Controller(
        Sink(), hostname="127.0.0.1", port=port, tls_context=server_tls, require_starttls=True, timeout=5
    )
    controller.start()
    try:
        backend = EmailBackend("127.0.0.1", port, use_tls=True, timeout=5)
        assert backend.send_messages([mail(), mail("bob@x.org")]) == 2
    finally:
        controller.stop()
