"""failover, roundrobin, redirect and fuse: backends that pass mail on to others."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from aerogram import mail
from aerogram.conf import settings
from aerogram.exceptions import (
    BadHeaderError,
    DeliveryError,
    ImproperlyConfigured,
    InvalidMailer,
    TooManyRecipients,
)
from aerogram.mail import EmailMessage, get_connection, send_mail, send_mass_mail
from aerogram.mail.backends import failover, fuse, redirect, roundrobin
from aerogram.mail.backends.base import BaseEmailBackend
from aerogram.mail.backends.locmem import EmailBackend as LocmemBackend
from aerogram.mail.backends.smtp import EmailBackend as SMTPBackend
from aerogram.mail.delivery import hooks
from aerogram.mail.delivery.report import DeliveryReport, RecipientResult
from aerogram.testing import Drop, FaultyServer

if TYPE_CHECKING:
    from collections.abc import Callable

LOCMEM = "aerogram.mail.backends.locmem.EmailBackend"


class Scripted(BaseEmailBackend):
    """Says of each message what its script says; an exception is raised."""

    def __init__(self, *script: Any, opens: Any = True) -> None:
        super().__init__()
        self.script, self.opens = list(script), opens
        self.seen: list[str] = []
        self.log: list[str] = []

    def open(self) -> bool:
        self.log.append("open")
        if isinstance(self.opens, Exception):
            raise self.opens
        return True

    def close(self) -> None:
        self.log.append("close")

    def deliver(self, delivery):
        for message in delivery:
            self.seen.append(message.subject)
            outcome = self.script.pop(0) if self.script else RecipientResult("sent", 250)
            if isinstance(outcome, Exception):
                raise outcome
            delivery.add(message, DeliveryReport(dict.fromkeys(message.recipients(), outcome)))


def message(subject: str = "Subject", to: Any = ("a@x.org",), **kwargs: Any) -> EmailMessage:
    return EmailMessage(subject, "B", "from@x.org", list(to), **kwargs)


LOST = RecipientResult("deferred", text="connection lost")
BUSY = RecipientResult("deferred", 421)
SENT = RecipientResult("sent", 250)


class TestFailover:
    def test_the_first_one_that_works_sends(self) -> None:
        first, second = Scripted(), Scripted()
        backend = failover.EmailBackend(mailers=[first, second])
        assert backend.send_messages([message("1"), message("2")]) == 2
        assert (first.seen, second.log) == (["1", "2"], [])
        assert first.log == ["open", "close"]

    @pytest.mark.parametrize("problem", [ConnectionRefusedError("no"), TimeoutError("slow")])
    def test_a_connection_that_does_not_open(self, problem: OSError) -> None:
        first, second = Scripted(opens=problem), Scripted()
        messages = [message("1"), message("2")]
        assert failover.EmailBackend(mailers=[first, second]).send_messages(messages) == 2
        assert second.seen == ["1", "2"]
        assert first.log == ["open"]  # once: it is not asked again for each message
        assert all(each.delivery.complete for each in messages)

    @pytest.mark.parametrize("outcome", [LOST, BUSY])
    def test_a_connection_lost_before_content_left(self, outcome: RecipientResult) -> None:
        first, second = Scripted(outcome), Scripted()
        sent = message()
        assert failover.EmailBackend(mailers=[first, second]).send_messages([sent]) == 1
        assert (first.seen, second.seen) == (["Subject"], ["Subject"])
        assert sent.delivery.complete

    @pytest.mark.parametrize(
        "outcome",
        [
            RecipientResult("refused", 550),
            RecipientResult("deferred", 451),
            RecipientResult("uncertain"),
            OSError("after an unknown part"),
        ],
    )
    def test_the_final_word_of_a_server_is_not_asked_for_twice(self, outcome: Any) -> None:
        first, second = Scripted(outcome), Scripted()
        sent = message()
        with pytest.raises(DeliveryError):
            failover.EmailBackend(mailers=[first, second]).send_messages([sent])
        assert second.seen == []
        assert not sent.delivery.complete

    def test_a_refused_recipient_does_not_mark_the_transport(self) -> None:
        first, second = Scripted(RecipientResult("refused", 550)), Scripted()
        with pytest.raises(DeliveryError) as caught:
            failover.EmailBackend(mailers=[first, second]).send_messages([message("1"), message("2")])
        assert first.seen == ["1", "2"]
        assert caught.value.sent == 1

    def test_a_transport_is_tried_again_after_a_while(self) -> None:
        first, second = Scripted(LOST, SENT), Scripted()
        backend = failover.EmailBackend(mailers=[first, second], retry_after=0)
        assert backend.send_messages([message("1"), message("2")]) == 2
        assert (first.seen, second.seen) == (["1", "2"], ["1"])

    def test_nobody_can_be_reached(self) -> None:
        mailers = [Scripted(opens=OSError("one")), Scripted(opens=OSError("two"))]
        with pytest.raises(OSError, match="two"):
            failover.EmailBackend(mailers=mailers).send_messages([message()])
        assert failover.EmailBackend(True, mailers=mailers).send_messages([message()]) == 0

    def test_everybody_goes_away_in_mid_batch(self) -> None:
        first = Scripted(SENT, LOST)
        messages = [message("1"), message("2")]
        with pytest.raises(DeliveryError):
            failover.EmailBackend(mailers=[first]).send_messages(messages)
        assert [each.delivery.complete for each in messages] == [True, False]

    def test_a_message_that_cannot_be_built(self) -> None:
        backend = failover.EmailBackend(mailers=[LocmemBackend(), Scripted()])
        with pytest.raises(BadHeaderError):
            backend.send_messages([message("a\nb")])
        with pytest.raises(DeliveryError):
            backend.send_messages([message("a\nb"), message("ok")])
        assert [each.subject for each in mail.outbox] == ["ok"]

    def test_items_that_are_no_message_and_messages_for_nobody(self) -> None:
        first = Scripted()
        with pytest.raises(DeliveryError) as caught:
            send_mass_mail(
                ["text", message(to=[]), message("ok")], connection=failover.EmailBackend(mailers=[first])
            )
        assert [type(report.error) for report in caught.value.reports] == [TypeError]
        assert first.seen == ["ok"]

    def test_a_backend_that_does_not_say_what_left_is_not_doubled(self) -> None:
        class Silent(BaseEmailBackend):
            def send_messages(self, email_messages):
                return 0

        second, sent = Scripted(), message()
        with pytest.raises(DeliveryError, match="uncertain"):
            failover.EmailBackend(mailers=[Silent(), second]).send_messages([sent])
        assert second.seen == []

    def test_a_configuration_error_is_raised_as_it_is(self) -> None:
        first = Scripted(ImproperlyConfigured("no key"))
        with pytest.raises(ImproperlyConfigured, match="no key"):
            failover.EmailBackend(True, mailers=[first, Scripted()]).send_messages([message()])

    def test_real_servers(self, free_port: Callable[[], int]) -> None:
        dead = SMTPBackend(host="127.0.0.1", port=free_port())
        with pytest.raises(ConnectionRefusedError):
            failover.EmailBackend(mailers=[dead]).send_messages([message()])
        assert failover.EmailBackend(mailers=[dead, LocmemBackend()]).send_messages([message()]) == 1
        assert len(mail.outbox) == 1

    def test_by_alias(self) -> None:
        entries = {
            "default": {
                "BACKEND": "aerogram.mail.backends.failover.EmailBackend",
                "OPTIONS": {"mailers": ["box"]},
            },
            "box": {"BACKEND": LOCMEM},
        }
        with settings.override(MAILERS=entries):
            assert send_mail("S", "B", None, ["a@x.org"]) == 1
            assert send_mass_mail([("S", "B", None, ["a@x.org"])] * 2) == 2
        assert len(mail.outbox) == 3

    def test_a_mailer_that_leads_to_itself(self) -> None:
        entry = {"BACKEND": "aerogram.mail.backends.failover.EmailBackend", "OPTIONS": {"mailers": ["a"]}}
        with settings.override(MAILERS={"a": entry}), pytest.raises(InvalidMailer, match="to itself"):
            get_connection(using="a")

    @pytest.mark.parametrize("frames", range(40, 52))
    def test_a_mailer_that_leads_to_itself_is_named_however_deep_the_caller_is(self, frames: int) -> None:
        def called(depth: int) -> Any:
            return called(depth - 1) if depth else get_connection(using="a")

        entry = {"BACKEND": "aerogram.mail.backends.failover.EmailBackend", "OPTIONS": {"mailers": ["a"]}}
        with settings.override(MAILERS={"a": entry}), pytest.raises(InvalidMailer, match="to itself"):
            called(frames)

    def test_a_time_that_is_no_number(self) -> None:
        with pytest.raises(ImproperlyConfigured, match=r"retry_after is '60': give a number of seconds"):
            failover.EmailBackend(mailers=[Scripted()], retry_after="60")  # type: ignore[arg-type]  # the mistake

    @pytest.mark.parametrize("backend", [fuse.EmailBackend, failover.EmailBackend])
    def test_what_is_no_mailer(self, backend: Any) -> None:
        given: dict[str, Any] = {"mailer": ["x"]} if backend is fuse.EmailBackend else {"mailers": [["x"]]}
        with pytest.raises(ImproperlyConfigured, match="a list was given as a mailer"):
            backend(**given)

    @pytest.mark.parametrize("mailers", [[], "box"])
    def test_no_list_of_mailers(self, mailers: Any) -> None:
        with pytest.raises(ImproperlyConfigured, match="at least one"):
            failover.EmailBackend(mailers=mailers)


class TestRoundRobin:
    def test_each_in_turn(self) -> None:
        mailers = [Scripted(), Scripted(), Scripted()]
        roundrobin.EmailBackend(mailers=mailers).send_messages([message(str(number)) for number in range(9)])
        assert [len(each.seen) for each in mailers] == [3, 3, 3]

    def test_the_first_turn_falls_to_any(self) -> None:
        counts: Counter[int] = Counter()
        for _ in range(200):
            mailers = [Scripted(), Scripted()]
            roundrobin.EmailBackend(mailers=mailers).send_messages([message()])
            counts.update(place for place, each in enumerate(mailers) if each.seen)
        assert min(counts.values()) > 40

    def test_a_dead_one_is_passed_over(self) -> None:
        mailers = [Scripted(opens=OSError("dead")), Scripted()]
        backend = roundrobin.EmailBackend(mailers=mailers)
        assert backend.send_messages([message() for _ in range(6)]) == 6
        assert len(mailers[0].log) == 1


class TestRedirect:
    def test_everything_goes_to_the_given_addresses(self) -> None:
        sent = message(
            to=["a@x.org", "Bob <b@x.org>"],
            cc=["c@x.org"],
            bcc=["d@x.org"],
            headers={"To": "list@x.org", "X-A": "1"},
        )
        backend = redirect.EmailBackend(mailer=LocmemBackend(), to=["dev@y.org"])
        assert backend.send_messages([sent]) == 1
        (got,) = mail.outbox
        assert got.recipients() == ["dev@y.org"]
        mime = got.message()
        assert mime["To"] == "dev@y.org"
        assert mime["X-Original-To"] == "a@x.org, Bob <b@x.org>"
        assert (mime["X-Original-Cc"], mime["X-Original-Bcc"], mime["X-A"]) == ("c@x.org", "d@x.org", "1")
        assert mime["Cc"] is None
        assert list(sent.delivery.recipients) == ["dev@y.org"]
        assert sent.to == ["a@x.org", "Bob <b@x.org>"]
        assert sent.extra_headers == {"To": "list@x.org", "X-A": "1"}

    def test_only_allowed_recipients(self, caplog: pytest.LogCaptureFixture) -> None:
        backend = redirect.EmailBackend(mailer=LocmemBackend(), allow=["*@y.org", "qa+?@z.org"])
        everyone = [
            "Ann <ANN@Y.org>",
            "a@x.org",
            "qa+1@z.org",
            "ann@y.org.evil.org",
            '"a@y.org" <e@evil.org>',
        ]
        with caplog.at_level(logging.WARNING, "aerogram.mail"):
            assert (
                backend.send_messages([message(to=everyone, bcc=["b@x.org"]), message(to=["a@x.org"])]) == 1
            )
        (got,) = mail.outbox
        assert got.recipients() == ["Ann <ANN@Y.org>", "qa+1@z.org"]
        counts = [record.getMessage().partition(";")[0] for record in caplog.records]
        assert counts == ["recipients dropped: 4", "recipients dropped: 1"]
        assert "x.org" not in caplog.text

    def test_a_newline_is_still_refused(self) -> None:
        for options in ({"to": ["dev@y.org"]}, {"allow": ["*"]}):
            backend = redirect.EmailBackend(mailer=LocmemBackend(), **options)
            with pytest.raises(ValueError, match="newline"):
                backend.send_messages([message(to=["a@x.org\nBcc: b@x.org"])])
        assert getattr(mail, "outbox", []) == []

    @pytest.mark.parametrize(
        "options", [{}, {"to": ["a@x"], "allow": ["*"]}, {"to": "a@x.org"}, {"allow": "*@x.org"}]
    )
    def test_wrong_options(self, options: dict[str, Any]) -> None:
        with pytest.raises(ImproperlyConfigured, match="either to="):
            redirect.EmailBackend(mailer=LocmemBackend(), **options)

    def test_without_a_mailer(self) -> None:
        with pytest.raises(ImproperlyConfigured, match="mailer="):
            redirect.EmailBackend(to=["a@x.org"])


class TestFuse:
    def test_few_recipients_pass(self) -> None:
        backend = fuse.EmailBackend(mailer=LocmemBackend(), limit=3)
        assert backend.send_messages([message(to=["a@x.org", "b@x.org"]), message()]) == 2

    @pytest.mark.parametrize("fail_silently", [False, True])
    def test_too_many_are_refused_before_any_leaves(self, fail_silently: bool) -> None:
        backend = fuse.EmailBackend(fail_silently, mailer=LocmemBackend(), limit=3)
        with pytest.raises(TooManyRecipients, match=r"more than 3 recipients.*allow_recipients"):
            backend.send_messages(message(to=[f"{number}@x.org", "b@x.org"]) for number in range(2))
        assert mail.outbox == []

    def test_no_more_is_read_than_needed(self) -> None:
        made: list[int] = []

        def items() -> Any:
            for number in range(1000):
                made.append(number)
                yield message()

        with pytest.raises(TooManyRecipients):
            fuse.EmailBackend(mailer=LocmemBackend(), limit=5).send_messages(items())
        assert len(made) == 6

    def test_unless_told_so(self) -> None:
        backend = fuse.EmailBackend(mailer=LocmemBackend(), limit=1)
        with fuse.allow_recipients(3):
            assert backend.send_messages([message(to=["a@x.org", "b@x.org", "c@x.org"])]) == 1
            with pytest.raises(TooManyRecipients):
                backend.send_messages([message()] * 4)
        with fuse.allow_recipients(float("inf")):
            assert send_mass_mail((message() for _ in range(50)), connection=backend) == 50
        with pytest.raises(TooManyRecipients):
            backend.send_messages([message()] * 2)

    def test_the_mailer_behind_reports(self) -> None:
        reports: list[Any] = []
        backend = fuse.EmailBackend(mailer=LocmemBackend())
        with backend, pytest.raises(DeliveryError):
            send_mass_mail([message("a\nb"), message(), "text"], connection=backend, on_result=reports.append)
        assert len(reports) == 3

    def test_silence_reaches_the_mailer_behind(self, free_port: Callable[[], int]) -> None:
        dead = SMTPBackend(host="127.0.0.1", port=free_port())
        assert fuse.EmailBackend(True, mailer=dead).send_messages([message()]) == 0

    @pytest.mark.parametrize("options", [{"limit": 3}, {"mailer": LocmemBackend, "limit": 0}])
    def test_wrong_options(self, options: dict[str, Any]) -> None:
        with pytest.raises(ImproperlyConfigured, match="limit="):
            fuse.EmailBackend(**options)


class Own(EmailMessage):
    """Says by itself whom it is for."""

    def recipients(self) -> list[Any]:
        return ["real@customer.example", "dev@x.org"]


@pytest.mark.parametrize("rule", [{"to": ["dev@x.org"]}, {"allow": ["*@x.org"]}])
def test_a_message_that_says_by_itself_whom_it_is_for_is_redirected_too(rule: dict[str, Any]) -> None:
    with FaultyServer() as server:
        mailer = SMTPBackend(server.host, server.port, timeout=5)
        backend = redirect.EmailBackend(mailer=mailer, **rule)
        assert backend.send_messages([Own("Hi", "Text", "me@x.org", ["real@customer.example"])]) == 1
    assert [message.recipients for message in server.messages] == [("dev@x.org",)]


def test_headers_of_an_earlier_redirection_are_replaced() -> None:
    target = LocmemBackend()
    message = EmailMessage("Hi", "Text", "me@x.org", ["ann@y.org"], headers={"x-original-to": "bob@y.org"})
    assert redirect.EmailBackend(mailer=target, to=["dev@x.org"]).send_messages([message]) == 1
    assert mail.outbox[0].message()["X-Original-To"] == "ann@y.org"


@pytest.mark.parametrize("fail_silently", [False, True])
def test_messages_that_nobody_could_take_are_deferred_not_uncertain(fail_silently: bool) -> None:
    messages = [EmailMessage("Hi", "Text", "me@x.org", ["ann@x.org"]) for _ in range(3)]
    told: list[DeliveryReport] = []
    failed: list[DeliveryReport] = []
    backend = failover.EmailBackend(fail_silently, mailers=[Scripted(opens=ConnectionRefusedError("no"))])
    with hooks.failed.connected(lambda _message, report: failed.append(report)):
        try:
            assert backend.send_messages(messages, on_result=told.append) == 0
        except ConnectionRefusedError:
            assert not fail_silently
    reports = [message.delivery for message in messages]
    assert [report.recipients["ann@x.org"].status for report in reports] == ["deferred"] * 3
    assert told == failed == reports


def test_messages_of_a_generator_are_not_made_for_a_connection_that_is_not_there() -> None:
    def messages() -> Any:
        for number in range(3):
            made.append(number)
            yield EmailMessage("Hi", "Text", "me@x.org", ["ann@x.org"])

    made: list[int] = []
    with pytest.raises(ConnectionRefusedError):
        failover.EmailBackend(mailers=[Scripted(opens=ConnectionRefusedError("no"))]).send_messages(
            messages()
        )
    assert made == [0]


def test_an_error_of_the_iterable_is_raised_whatever_the_backend_keeps_quiet_about() -> None:
    def messages() -> Any:
        yield EmailMessage("Hi", "Text", "me@x.org", ["ann@x.org"])
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        failover.EmailBackend(fail_silently=True, mailers=[LocmemBackend()]).send_messages(messages())
    assert len(mail.outbox) == 1


def test_a_421_after_the_content_is_not_followed_by_another_mailer() -> None:
    message = EmailMessage("Hi", "Text", "me@x.org", ["ann@x.org"])
    with FaultyServer().on(".", "421 4.3.2 bye", Drop()) as first, FaultyServer() as second:
        mailers = [SMTPBackend(server.host, server.port, timeout=5) for server in (first, second)]
        with pytest.raises(DeliveryError):
            failover.EmailBackend(mailers=mailers).send_messages([message])
    assert second.messages == []
    assert (message.delivery.recipients["ann@x.org"].code, message.delivery.handed_over) == (421, True)
