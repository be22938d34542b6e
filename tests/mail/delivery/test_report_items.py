"""Reports say what they are about: index, item, subject, and the recipients that are known."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from aerogram import Notification, mail
from aerogram.conf import settings
from aerogram.exceptions import BadHeaderError, DeliveryError
from aerogram.mail import DeliveryReport, EmailMessage, get_connection
from aerogram.mail.backends.base import BaseEmailBackend


class Statement(Notification):
    subject = "Statement {{ number }}"
    text_template = "no/such/template.txt"
    to: list[str]
    number: int = 1


class Boom(Notification):
    subject = "Boom"
    text_template = "boom.txt"
    cc = ["cem@x.org"]

    @property
    def to(self) -> list[str]:
        raise RuntimeError("no database")


class Maybe(mail.EmailMessage):
    def __init__(self, subject: str) -> None:
        super().__init__(subject, to=["ann@x.org", "Bob <bob@x.org>"])


@pytest.fixture(params=["locmem", "of Django's contract"])
def backend(request: pytest.FixtureRequest) -> Any:
    class Django(BaseEmailBackend):
        def send_messages(self, email_messages: Any) -> int:
            return len(email_messages)

    return (
        get_connection("aerogram.mail.backends.locmem.EmailBackend")
        if request.param == "locmem"
        else Django()
    )


def test_of_a_batch_of_every_kind_of_item(backend: Any) -> None:
    class Skipped(EmailMessage):
        pass

    items: list[Any] = [
        Maybe("fine"),
        Statement(to=["Ann <ann@x.org>", "no address"]),
        ("tuple", "B", None, ["ann@x.org"]),
        ("wrong", "B", None, "ann@x.org"),
        Maybe("a\nb"),
        Boom(),
        (1, 2),
    ]
    reports: list[DeliveryReport] = []
    with pytest.raises(DeliveryError) as caught:
        mail.send_mass_mail(iter(items), connection=backend, on_result=reports.append)
    by_index = {report.index: report for report in reports}
    assert sorted(by_index) == list(range(len(items)))
    assert all(by_index[index].item is item for index, item in enumerate(items))
    assert [by_index[index].subject for index in range(len(items))] == [
        "fine", "Statement {{ number }}", "tuple", "wrong", "a\nb", "Boom", "1",
    ]  # fmt: skip
    assert [list(by_index[index].recipients) for index in range(len(items))] == [
        ["ann@x.org", "bob@x.org"], ["ann@x.org"], ["ann@x.org"], ["ann@x.org"], ["ann@x.org", "bob@x.org"],
        ["cem@x.org"], [],
    ]  # fmt: skip
    assert by_index[1].recipients["ann@x.org"].status == "refused"
    assert [report.index for report in caught.value.reports] == [1, 3, 4, 5, 6]
    assert (
        repr(by_index[1]) == "<DeliveryReport #1 Statement (no Message-ID) refused=1 error=TemplateNotFound>"
    )


def test_an_item_without_recipients_keeps_the_count() -> None:
    class Staff(mail.EmailMessage):
        pass

    from aerogram import AdminNotification

    class Nobody(AdminNotification):
        subject = "Nobody"

    reports: list[DeliveryReport] = []
    with settings.override(EMAIL_URL="locmem:"):
        assert mail.send_mass_mail([Nobody(), Maybe("fine")], on_result=reports.append) == 1
    assert [report.index for report in reports] == [1]


def test_of_messages_given_to_a_backend(backend: Any) -> None:
    messages = [Maybe("a"), Maybe("b")]
    backend = get_connection("aerogram.mail.backends.locmem.EmailBackend")
    backend.send_messages(messages)
    for index, message in enumerate(messages):
        assert message.delivery is not None
        assert (message.delivery.index, message.delivery.item) == (index, message)
        assert message.delivery.subject == message.subject


def test_hooks_get_the_item_of_a_notification(tmp_path: Any) -> None:
    (tmp_path / "no" / "such").mkdir(parents=True)
    (tmp_path / "no" / "such" / "template.txt").write_text("Hi")
    seen: list[Any] = []
    statement = Statement(to=["ann@x.org"])
    with (
        settings.override(EMAIL_URL="locmem:", TEMPLATE_DIRS=[str(tmp_path)]),
        mail.before_send.connected(lambda message: seen.append(message.notification)),
        mail.sent.connected(lambda _message, report: seen.append(report.item)),
    ):
        statement.send()
    assert seen == [statement, statement]


def test_hooks_get_the_item_that_failed() -> None:
    seen: list[Any] = []
    statement = Statement(to=["ann@x.org"])
    with (
        settings.override(EMAIL_URL="locmem:"),
        mail.failed.connected(lambda failed, report: seen.extend([failed.item, report.item, report.index])),
        pytest.raises(LookupError),
    ):
        mail.send_mass_mail([statement])
    assert seen == [statement, statement, 0]


def test_log_lines_of_a_batch_have_the_index(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "aerogram.mail")
    with settings.override(EMAIL_URL="locmem:"):
        with pytest.raises(DeliveryError):
            mail.send_mass_mail([Maybe("fine"), Statement(to=["ann@x.org"])])
        with pytest.raises(BadHeaderError):
            Maybe("a\nb").send()
    first, second, single = [record.message for record in caplog.records]
    assert first.endswith("> (item 0): 2 sent")
    assert second == "message without id (item 1): not sent, TemplateNotFound"
    assert single == "message without id: not sent, BadHeaderError"
    assert "@x.org" not in second


def test_the_outbox_is_an_empty_list_from_the_start() -> None:
    vars(mail).pop("outbox", None)
    outbox = mail.outbox
    assert outbox == []
    with settings.override(EMAIL_URL="locmem:"):
        Maybe("fine").send()
    assert mail.outbox is outbox
    assert [message.subject for message in outbox] == ["fine"]
