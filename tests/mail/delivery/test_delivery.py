"""Reports, and what is raised at the end of a batch."""

from __future__ import annotations

import copy
import doctest
import pickle
import smtplib
from unittest.mock import Mock

import pytest

from aerogram.exceptions import BadHeaderError, DeliveryError, ImproperlyConfigured, TemplateNotFound
from aerogram.mail import EmailMessage
from aerogram.mail.delivery import report as delivery
from aerogram.mail.delivery.dispatch import FailedItem, dispatch
from aerogram.mail.delivery.report import DeliveryReport, RecipientResult

SENT = DeliveryReport({"ann@x.org": RecipientResult("sent", 250)}, "<1@x.org>")
HALF = DeliveryReport(
    {
        "ann@x.org": RecipientResult("sent", 250),
        "bob@x.org": RecipientResult("refused", 550, "5.1.1", "nobody"),
    },
    "<2@x.org>",
)
LATER = DeliveryReport({"ann@x.org": RecipientResult("deferred", 451)}, "<3@x.org>")


class Message:
    delivery = None

    def __init__(self, outcome: DeliveryReport) -> None:
        self.outcome = outcome


class Backwards:
    """A backend that reports the messages of a batch in the reverse order."""

    streams = True

    def __init__(self, fail_silently: bool = False) -> None:
        self.fail_silently = fail_silently

    def deliver(self, delivery):
        for message in reversed(list(delivery)):
            delivery.add(message, message.outcome)


def send(*reports: DeliveryReport, fail_silently: bool = False) -> int:
    return dispatch(Backwards(fail_silently), map(Message, reports))


def test_the_examples_of_the_module_run():
    assert doctest.testmod(delivery).failed == 0


def test_a_report_knows_whether_everybody_was_served():
    assert (SENT.accepted, SENT.complete) == (True, True)
    assert (HALF.accepted, HALF.complete) == (True, False)
    assert (LATER.accepted, LATER.complete) == (False, False)
    assert (DeliveryReport().accepted, DeliveryReport().complete) == (False, True)


def test_the_repr_of_a_report_counts_and_names_no_address():
    assert repr(HALF) == "<DeliveryReport <2@x.org> sent=1 refused=1>"
    assert repr(DeliveryReport(error=ValueError("x"))) == "<DeliveryReport (no Message-ID) error=ValueError>"


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda report: pickle.loads(pickle.dumps(report))])
def test_a_report_can_be_copied_and_pickled_with_its_message(clone):
    assert clone(HALF) == HALF


def test_all_sent_gives_the_number_of_messages():
    assert send(SENT, SENT) == 2


def test_a_partly_refused_message_counts_and_is_reported():
    with pytest.raises(DeliveryError) as caught:
        send(SENT, HALF)
    assert caught.value.sent == 2
    assert caught.value.reports == (HALF,)
    assert isinstance(caught.value, smtplib.SMTPException)


def test_the_text_of_the_error_tells_how_many_and_why_and_no_address():
    with pytest.raises(DeliveryError) as caught:
        send(SENT, HALF, LATER)
    text = str(caught.value)
    assert "2 of 3 messages" in text
    assert "refused 550 5.1.1 nobody" in text
    assert "bob@x.org" not in text


def test_silence_covers_deliveries_but_not_templates_or_configuration():
    assert send(SENT, LATER, HALF, fail_silently=True) == 2
    for error in (TemplateNotFound("no such template"), ImproperlyConfigured("no such thing")):
        broken = DeliveryReport(error=error)
        with pytest.raises(DeliveryError) as caught:
            send(SENT, broken, LATER, fail_silently=True)
        assert caught.value.reports == (broken,)
        assert caught.value.__cause__ is error


@pytest.mark.parametrize("fail_silently", [False, True])
def test_the_only_message_raises_its_own_error(fail_silently):
    with pytest.raises(BadHeaderError, match="newlines"):
        send(DeliveryReport(error=BadHeaderError("newlines")), fail_silently=fail_silently)


def test_one_of_several_messages_does_not_raise_its_own_error():
    broken = DeliveryReport(error=BadHeaderError("newlines"))
    with pytest.raises(DeliveryError) as caught:
        send(broken, SENT)
    assert caught.value.reports[0].error is broken.error
    assert send(broken, SENT, fail_silently=True) == 1


def test_reports_come_in_the_order_of_the_batch():
    with pytest.raises(DeliveryError) as caught:
        send(LATER, HALF)
    assert caught.value.reports == (LATER, HALF)


def test_the_callback_sees_every_report_and_the_message_has_its_own():
    seen = []
    first, second = Message(SENT), Message(LATER)
    assert dispatch(Backwards(fail_silently=True), [first, second], seen.append) == 1
    assert seen == [LATER, SENT]
    assert first.delivery == SENT


def test_a_failed_item_is_reported_in_its_turn_and_no_backend_sees_it():
    error = ValueError("no template")
    with pytest.raises(DeliveryError) as caught:
        dispatch(Backwards(), iter([Message(LATER), FailedItem(error), Message(HALF)]))
    assert [report.error for report in caught.value.reports] == [None, error, None]
    assert caught.value.reports[::2] == (LATER, HALF)
    with pytest.raises(ValueError, match="no template"):
        dispatch(Backwards(fail_silently=True), [FailedItem(error)])


def test_a_message_without_an_id_is_not_called_unbuilt():
    report = DeliveryReport({"ann@x.org": RecipientResult("refused", 550)})
    with pytest.raises(DeliveryError, match="without a Message-ID: 1 of 1 recipients, refused 550"):
        send(report)


def test_a_mock_is_a_backend_that_takes_lists():
    connection = Mock(fail_silently=False)
    connection.send_messages.return_value = 1
    assert EmailMessage("Hello", to=["ann@x.org"], connection=connection).send() == 1
    connection.send_messages.assert_called_once()


def test_a_report_is_pickled_without_its_item():
    report = DeliveryReport(message_id="<1@example.com>", index=3, item=lambda: None, subject="Hi")
    twin = pickle.loads(pickle.dumps(report))
    assert (twin, twin.index, twin.item, twin.subject) == (report, 3, None, "Hi")
