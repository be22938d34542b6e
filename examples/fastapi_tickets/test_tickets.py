"""The tests of the application. No mail leaves: ``mailoutbox`` is a fixture of Aerogram's pytest plugin."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from mails import Booked
from tickets import app

from aerogram.conf import settings
from aerogram.mail import EmailMessage
from aerogram.testing import assert_mail_sent, assert_no_mail

ORDER = {"name": "Ann", "address": "ann@example.com", "seats": 2}


@pytest.fixture
def client() -> TestClient:
    return TestClient(app)


def test_the_ticket_is_mailed(client: TestClient, mailoutbox: list[EmailMessage]) -> None:
    with settings.override(BASE_URL="https://tickets.example.com"):
        number = client.post("/tickets", json=ORDER).json()["number"]

    message = assert_mail_sent(Booked, to="ann@example.com", subject="2 seats for The Night of the Cellos")
    assert message.sees(number)
    assert message.links_to(f"https://tickets.example.com/tickets/{number}")
    assert "2 seats for Ann" in client.get(f"/tickets/{number}").text


def test_a_forged_host_does_not_reach_the_mail(client: TestClient, mailoutbox: list[EmailMessage]) -> None:
    client.post("/tickets", json=ORDER, headers={"Host": "evil.example"})

    assert {urlsplit(link).netloc for link in mailoutbox[0].links} == {"127.0.0.1:8000"}


def test_an_address_that_is_none_is_refused(client: TestClient, mailoutbox: list[EmailMessage]) -> None:
    answer = client.post("/tickets", json=ORDER | {"address": "ann@@example.com"})

    assert answer.status_code == 422
    assert "ann@@example.com" in answer.json()["detail"]
    assert_no_mail()
