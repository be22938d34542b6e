"""The whole mail layer once through a real Postfix: what is in the Maildir is what the reader gets."""

from __future__ import annotations

import os
import smtplib
import ssl
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest
from postfix import DOMAIN, INTERNATIONAL_DOMAIN, Postfix

from aerogram import Notification, mail
from aerogram.conf import settings
from aerogram.exceptions import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage as ParsedMessage
    from pathlib import Path

    import trustme

USERS = [
    "plain", "dots", "rich", "copied", "hidden", "international", "latin", "starttls", "tls", "known",
    "lonely",
    "notified", "smuggled", "other",
    *(f"reader{number}" for number in range(25)),
]  # fmt: skip


@pytest.fixture(scope="module")
def postfix(
    needs: Callable[[bool, str], None],
    needs_program: Callable[[str], str],
    free_port: Callable[[], int],
    ca: trustme.CA,
) -> Iterator[Postfix]:
    program = needs_program("postfix")
    needs(os.geteuid() == 0, "only root can start Postfix")
    with Postfix(program, free_port(), free_port(), ca, USERS) as server:
        yield server


@pytest.fixture(autouse=True)
def configured(postfix: Postfix, fresh_settings: None) -> None:
    settings.configure(
        EMAIL_HOST="localhost",
        EMAIL_PORT=postfix.port,
        EMAIL_TIMEOUT=20,
        DEFAULT_FROM_EMAIL=f"Shop <shop@{DOMAIN}>",
    )


@pytest.fixture
def trusted(ca_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))


def only_message(postfix: Postfix, user: str, domain: str = DOMAIN) -> ParsedMessage:
    """The one message this user got, as the standard library reads it."""
    [delivered] = postfix.delivered(f"{user}@{domain}")
    parsed = message_from_bytes(bytes(delivered), policy=policy.default)
    assert parsed["Delivered-To"] == f"{user}@{domain}"
    assert not parsed.defects
    return parsed


def test_plain_mail_arrives_as_it_was_written(postfix: Postfix) -> None:
    sent = mail.send_mail("Order 7", "Thanks!\n\nYours, the shop\n", None, [f"plain@{DOMAIN}"])

    assert sent == 1
    received = only_message(postfix, "plain")
    assert received["Subject"] == "Order 7"
    assert received["From"] == f"Shop <shop@{DOMAIN}>"
    assert received["To"] == f"plain@{DOMAIN}"
    assert received["Return-Path"] == f"<shop@{DOMAIN}>"
    assert received["Message-ID"]
    assert received["Date"].endswith(" -0000")  # as Django writes UTC
    assert received.get_content_type() == "text/plain"
    assert received.get_content() == "Thanks!\n\nYours, the shop\n"


def test_dots_long_lines_and_every_character_survive(postfix: Postfix) -> None:
    body = ".\n..\n.leading\n" + "long " * 1000 + "\nFrom here: é ☃ 🎁 =3D\ttab \n\nFrom\n"

    mail.send_mail("Čau ☃ " + "long " * 60, body, f"Žofie Ærø <shop@{DOMAIN}>", [f"dots@{DOMAIN}"])

    received = only_message(postfix, "dots")
    assert received["Subject"] == ("Čau ☃ " + "long " * 60)
    assert received["From"].addresses[0].display_name == "Žofie Ærø"
    assert received.get_content() == body
    assert max(map(len, received.as_bytes().splitlines())) <= 998


SMUGGLED = (
    f"MAIL FROM:<evil@{DOMAIN}>\r\nRCPT TO:<other@{DOMAIN}>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"
)


def test_line_ends_made_to_smuggle_a_mail_arrive_in_the_one_they_stand_in(postfix: Postfix) -> None:
    bodies = [f"a{end}.{other}{SMUGGLED}" for end in ("\r", "\n", "\r\n") for other in ("\r", "\n", "\r\n")]

    sent = mail.send_mass_mail(("Nine", body, None, [f"smuggled@{DOMAIN}"]) for body in bodies)

    assert sent == 9
    arrived = postfix.delivered(f"smuggled@{DOMAIN}", 9)
    assert all(message["Return-Path"] == f"<shop@{DOMAIN}>" for message in arrived)
    assert all(b"Subject: smuggled" in message.get_payload(decode=True) for message in arrived)
    mail.send_mail("Only this", "Hi", None, [f"other@{DOMAIN}"])
    assert only_message(postfix, "other")["Subject"] == "Only this"


def test_an_address_like_an_option_is_refused_as_an_address_and_nothing_else(postfix: Postfix) -> None:
    message = mail.EmailMessage("Option", "Hi", None, [f"-oQ/tmp@{DOMAIN}"])

    assert message.send(fail_silently=True) == 0

    (result,) = message.delivery.recipients.values()
    assert (result.status, result.code) == ("refused", 501)


def test_parts_copies_and_hidden_copies(postfix: Postfix) -> None:
    message = mail.EmailMultiAlternatives(
        subject="Receipt",
        body="Your receipt is attached.",
        to=[f"Rich <rich@{DOMAIN}>"],
        cc=[f"copied@{DOMAIN}"],
        bcc=[f"hidden@{DOMAIN}"],
        reply_to=[f"help@{DOMAIN}"],
        headers={"X-Order": "7"},
    )
    message.attach_alternative("<p>Your receipt is <b>attached</b>.</p>", "text/html")
    message.attach("receipt.pdf", b"%PDF-1.7\r\n\x00\xff", "application/pdf")

    assert message.send() == 1

    for user in ("rich", "copied", "hidden"):
        received = only_message(postfix, user)
        assert received["To"] == f"Rich <rich@{DOMAIN}>"
        assert received["Cc"] == f"copied@{DOMAIN}"
        assert received["Reply-To"] == f"help@{DOMAIN}"
        assert received["X-Order"] == "7"
        assert "Bcc" not in received
        assert received.get_content_type() == "multipart/mixed"
        alternatives, attachment = received.iter_parts()
        assert [part.get_content_type() for part in alternatives.iter_parts()] == ["text/plain", "text/html"]
        assert received.get_body(("html",)).get_content().strip() == "<p>Your receipt is <b>attached</b>.</p>"
        assert attachment.get_filename() == "receipt.pdf"
        assert attachment.get_content() == b"%PDF-1.7\r\n\x00\xff"
    assert f"hidden@{DOMAIN}" not in bytes(postfix.delivered(f"rich@{DOMAIN}")[0]).decode()


def test_international_domain_is_an_a_label_on_the_way(postfix: Postfix) -> None:
    assert mail.send_mail("Hej", "Hej!", None, ["international@exämple.test"]) == 1

    received = only_message(postfix, "international", INTERNATIONAL_DOMAIN)
    assert received["To"] == f"international@{INTERNATIONAL_DOMAIN}"


def test_body_in_another_charset(postfix: Postfix) -> None:
    message = mail.EmailMessage("Été", "Déjà vu", None, [f"latin@{DOMAIN}"])
    message.encoding = "iso-8859-1"

    message.send()

    received = only_message(postfix, "latin")
    assert received["Subject"] == "Été"
    assert received.get_content_charset() == "iso-8859-1"
    assert received.get_content().rstrip("\n") == "Déjà vu"


@pytest.mark.usefixtures("trusted")
def test_starttls_with_a_verified_certificate(postfix: Postfix) -> None:
    with settings.override(EMAIL_USE_TLS=True):
        assert mail.send_mail("Over TLS", "Hi", None, [f"starttls@{DOMAIN}"]) == 1

    assert "using TLSv1." in only_message(postfix, "starttls")["Received"]


@pytest.mark.usefixtures("trusted")
def test_implicit_tls_with_a_verified_certificate(postfix: Postfix) -> None:
    with settings.override(EMAIL_USE_SSL=True, EMAIL_PORT=postfix.tls_port):
        assert mail.send_mail("Over TLS", "Hi", None, [f"tls@{DOMAIN}"]) == 1

    assert "using TLSv1." in only_message(postfix, "tls")["Received"]


@pytest.mark.parametrize("way", ["EMAIL_USE_TLS", "EMAIL_USE_SSL"])
def test_unknown_authority_is_refused_before_anything_is_sent(postfix: Postfix, way: str) -> None:
    port = postfix.port if way == "EMAIL_USE_TLS" else postfix.tls_port
    with settings.override(**{way: True}, EMAIL_PORT=port), pytest.raises(ssl.SSLCertVerificationError):
        mail.send_mail("Never", "Hi", None, [f"lonely@{DOMAIN}"])


def test_unknown_user_is_reported_and_the_known_one_served(postfix: Postfix) -> None:
    message = mail.EmailMessage("Half", "Hi", None, [f"known@{DOMAIN}", f"nobody@{DOMAIN}"])
    connection = mail.get_connection()

    with pytest.raises(DeliveryError) as caught:
        connection.send_messages([message])

    assert caught.value.sent == 1
    assert only_message(postfix, "known")["Subject"] == "Half"
    recipients = message.delivery.recipients
    assert recipients[f"known@{DOMAIN}"].status == "sent"
    refused = recipients[f"nobody@{DOMAIN}"]
    assert (refused.status, refused.code, refused.enhanced_code) == ("refused", 550, "5.1.1")


def test_nobody_accepted_is_an_error(postfix: Postfix) -> None:
    with pytest.raises(smtplib.SMTPException, match="550"):
        mail.send_mail("None", "Hi", None, [f"nobody@{DOMAIN}"])

    assert mail.send_mail("None", "Hi", None, [f"nobody@{DOMAIN}"], fail_silently=True) == 0


def test_notification_reaches_the_inbox(postfix: Postfix, tmp_path: Path) -> None:
    (tmp_path / "hello.html").write_text(
        '{% extends "aerogram/base.html" %}{% block content %}<p>Dear {{ name }},</p>{% endblock %}'
    )

    class Hello(Notification):
        subject = "Hello, {{ name }}"
        html_template = "hello.html"
        to = (f"notified@{DOMAIN}",)
        name: str

    with settings.override(TEMPLATE_DIRS=[tmp_path]):
        assert Hello(name="<Žofie>").send() == 1

    received = only_message(postfix, "notified")
    assert received["Subject"] == "Hello, <Žofie>"
    assert received.get_content_type() == "multipart/alternative"
    assert "Dear <Žofie>," in received.get_body(("plain",)).get_content()
    assert "Dear &lt;Žofie&gt;,</p>" in received.get_body(("html",)).get_content()


def test_mass_mail_uses_one_connection(postfix: Postfix) -> None:
    readers = [f"reader{number}@{DOMAIN}" for number in range(25)]

    sent = mail.send_mass_mail((f"Hello {reader}", "News", None, [reader]) for reader in readers)

    assert sent == 25
    for number in range(25):
        assert only_message(postfix, f"reader{number}")["Subject"] == f"Hello reader{number}@{DOMAIN}"
    assert "mail=25 rcpt=25 data=25 quit=1" in postfix.log()
