"""What the assertions accept, and what a failure shows."""

from __future__ import annotations

import re
import unittest
from typing import Any

import pytest
from jinja2 import DictLoader

from aerogram import Notification, Renderer, mail
from aerogram.conf import settings
from aerogram.mail import EmailMessage, EmailMultiAlternatives, send_mail
from aerogram.testing import (
    MailTestCase,
    MailTestMixin,
    assert_mail_not_sent,
    assert_mail_sent,
    assert_no_mail,
    capture_mail,
)


class InvoiceMail(Notification):
    subject = "Invoice {{ number }}"
    text_template = "invoice.txt"
    to: list[str]
    number: int


class Reminder(InvoiceMail):
    pass


RENDERER = Renderer(loader=DictLoader({"invoice.txt": "Hi"}))


def sent(kind: type[InvoiceMail] = InvoiceMail, number: int = 17, **changes: Any) -> EmailMessage:
    message = RENDERER.render(kind(to=["Ann <Ann@example.com>", "bob@example.com"], number=number))
    message.cc, message.bcc = ["cem@example.com"], ["dee@example.com"]
    message.attach("invoice.pdf", b"%PDF", "application/pdf")
    message.send()
    return message


MET: list[dict[str, Any]] = [
    {},
    {"kind": InvoiceMail},
    {"kind": "invoice_mail"},
    {"kind": "InvoiceMail"},
    {"kind": Notification},
    {"kind": EmailMultiAlternatives},
    {"to": "ann@EXAMPLE.com"},
    {"to": "Somebody <ann@example.com>"},
    {"to": ("Ann", "ann@example.com")},
    {"to": ["ann@example.com", "bob@example.com"]},
    {"to": ("cem@example.com", "dee@example.com")},
    {"subject": "Invoice 17"},
    {"subject": re.compile(r"\d+$")},
    {"attachments": "invoice.pdf"},
    {"attachments": ["invoice.pdf"]},
    {"attachments": 1},
    {"count": 1, "kind": InvoiceMail, "to": "ann@example.com", "subject": "Invoice 17"},
]
UNMET: list[dict[str, Any]] = [
    {"kind": Reminder},
    {"kind": "reminder"},
    {"to": "eve@example.com"},
    {"to": ["ann@example.com", "eve@example.com"]},
    {"subject": "Invoice"},
    {"subject": re.compile("Reminder")},
    {"attachments": "other.pdf"},
    {"attachments": []},
    {"attachments": 2},
]


@pytest.mark.parametrize("conditions", MET, ids=str)
def test_met(conditions: dict[str, Any], mailoutbox: list[EmailMessage]) -> None:
    sent()
    assert assert_mail_sent(**conditions) is mailoutbox[0]
    conditions = {name: value for name, value in conditions.items() if name != "count"}
    with pytest.raises(AssertionError, match=r"1 mail matches .*; none was expected"):
        assert_mail_not_sent(**conditions)


@pytest.mark.parametrize("conditions", UNMET, ids=str)
def test_unmet(conditions: dict[str, Any], mailoutbox: list[EmailMessage]) -> None:
    sent()
    assert_mail_not_sent(**conditions)
    with pytest.raises(AssertionError, match=f"(?s)No mail matches .*differs in {next(iter(conditions))}"):
        assert_mail_sent(**conditions)
    assert len(mailoutbox) == 1


def test_count(mailoutbox: list[EmailMessage]) -> None:
    sent(number=1)
    sent(number=2)
    assert assert_mail_sent(InvoiceMail, count=2).subject == "Invoice 2"
    assert assert_mail_sent(InvoiceMail).subject == "Invoice 2"
    with pytest.raises(AssertionError, match=r"2 mails match InvoiceMail\. 1 expected"):
        assert_mail_sent(InvoiceMail, count=1)
    for wrong in (0, -1, True, "1"):
        with pytest.raises(ValueError, match="assert_mail_not_sent"):
            assert_mail_sent(InvoiceMail, count=wrong)  # type: ignore[call-overload]  # a text is no number


@pytest.mark.parametrize("kind", [5, InvoiceMail.samples, object()])
def test_a_kind_that_is_none_is_refused(kind: Any, mailoutbox: list[EmailMessage]) -> None:
    with pytest.raises(TypeError, match=r"^kind is of type \w+\. Accepted: a class of notifications"):
        assert_mail_sent(kind)


def test_a_failure_lists_the_nearest_first(mailoutbox: list[EmailMessage]) -> None:
    send_mail("Hello", "Hi", None, [f"{each}@example.com" for each in "abcde"])
    sent(Reminder)
    sent()
    with pytest.raises(AssertionError) as caught:
        assert_mail_sent(InvoiceMail, to="ann@example.com", subject="Invoice 18")
    assert str(caught.value).splitlines() == [
        "No mail matches InvoiceMail, to ann@example.com, with the subject 'Invoice 18'. "
        "Sent, best match first:",
        "  Reminder 'Invoice 17' to Ann <Ann@example.com>, bob@example.com, cem@example.com and 1 more "
        "[invoice.pdf]  (differs in subject)",
        "  InvoiceMail 'Invoice 17' to Ann <Ann@example.com>, bob@example.com, cem@example.com and 1 more "
        "[invoice.pdf]  (differs in subject)",
        "  EmailMultiAlternatives 'Hello' to a@example.com, b@example.com, c@example.com and 2 more"
        "  (differs in kind, to, subject)",
    ]


def test_no_mail(mailoutbox: list[EmailMessage]) -> None:
    assert_no_mail()
    with pytest.raises(AssertionError, match="No mail was sent"):
        assert_mail_sent()
    sent()
    with pytest.raises(AssertionError, match=r"No mail was expected. Sent, best match first:\n  InvoiceMail"):
        assert_no_mail()


def test_of_the_locmem_outbox() -> None:
    with settings.override(EMAIL_URL="locmem:"):
        assert_no_mail()
        sent()
        assert assert_mail_sent(InvoiceMail) is mail.outbox[0]


def test_of_a_list_that_is_given() -> None:
    with capture_mail() as messages:
        sent()
    assert assert_mail_sent(InvoiceMail, messages=messages) is messages[0]


@pytest.mark.parametrize("assertion", [assert_mail_sent, assert_mail_not_sent, assert_no_mail])
def test_where_nothing_keeps_the_mail(assertion: Any) -> None:
    with pytest.raises(AssertionError, match="No mail is being captured"):
        assertion()


class Tests(MailTestMixin, unittest.TestCase):
    def test_one(self) -> None:
        self.assertNoMail()
        sent()
        self.assertMailSent(InvoiceMail, to="ann@example.com", count=1)
        self.assertMailNotSent(Reminder)
        assert len(self.mailoutbox) == 1

    test_two = test_one


class AsyncTests(MailTestMixin, unittest.IsolatedAsyncioTestCase):
    async def test_one(self) -> None:
        await EmailMessage("S", to=["ann@example.com"]).asend(using=None)
        self.assertMailSent(subject="S")


class Failing(MailTestCase):
    __test__ = False  # not pytest's

    def runTest(self) -> None:
        self.assertMailSent(InvoiceMail)


def test_a_failing_test_case() -> None:
    result = unittest.TestResult()
    Failing().run(result)
    assert "No mail matches InvoiceMail" in result.failures[0][1]
