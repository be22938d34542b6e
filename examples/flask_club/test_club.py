"""The tests of the application. No mail leaves: ``mailoutbox`` is a fixture of Aerogram's pytest plugin."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from club import create_app
from flask.testing import FlaskClient
from mails import SignInLink

from aerogram.mail import EmailMessage
from aerogram.testing import assert_mail_sent, assert_no_mail


@pytest.fixture
def client() -> FlaskClient:
    return create_app(TESTING=True, AEROGRAM_BASE_URL="https://club.example.com").test_client()


def test_the_link_signs_a_member_in(client: FlaskClient, mailoutbox: list[EmailMessage]) -> None:
    client.post("/links", data={"address": "ann@example.com"})

    message = assert_mail_sent(SignInLink, to="ann@example.com", subject="Your link to The Club", count=1)
    assert message.sees("It works for 30 minutes.")
    (link,) = (link for link in message.links if "/sign-in/" in link)
    answer = client.get(urlsplit(link).path)
    assert answer.text == "Hello Ann Öberg!"


def test_a_forged_host_does_not_reach_the_mail(client: FlaskClient, mailoutbox: list[EmailMessage]) -> None:
    client.post("/links", data={"address": "ann@example.com"}, headers={"Host": "evil.example"})

    links = assert_mail_sent(SignInLink).links
    assert {urlsplit(link).netloc for link in links} == {"club.example.com"}


def test_a_stranger_gets_no_mail(client: FlaskClient, mailoutbox: list[EmailMessage]) -> None:
    member, stranger = (
        client.post("/links", data={"address": address}).text
        for address in ("ann@example.com", "eve@example.com")
    )

    assert member == stranger
    assert len(mailoutbox) == 1


def test_a_link_of_ones_own_making_is_refused(client: FlaskClient, mailoutbox: list[EmailMessage]) -> None:
    assert client.get("/sign-in/ann@example.com").status_code == 403
    assert_no_mail()
