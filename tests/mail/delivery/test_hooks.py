"""Hooks, log lines and spans: once a message, whichever way it leaves."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import Any

import pytest

from aerogram import AdminNotification
from aerogram.conf import settings
from aerogram.exceptions import DeliveryError, TooManyRecipients
from aerogram.mail import (
    EmailMessage,
    get_connection,
    mail_admins,
    send_mail,
    send_mass_mail,
)
from aerogram.mail.backends.base import BaseEmailBackend
from aerogram.mail.backends.fuse import EmailBackend as FuseBackend
from aerogram.mail.backends.locmem import EmailBackend as LocmemBackend
from aerogram.mail.delivery.dispatch import FailedItem
from aerogram.mail.delivery.hooks import before_send, failed, sent
from aerogram.mail.delivery.report import DeliveryReport
from aerogram.testing import FaultyServer
from tests.smtp_peers import backend_for, mail, mails

BACKENDS = "aerogram.mail.backends."


class Counting(BaseEmailBackend):
    """As written for Django: takes a list, returns a number."""

    taken: list[Any] = []
    error: Exception | None = None
    answer: int | None = None

    def send_messages(self, email_messages: Any) -> int | None:
        if self.error is not None:
            raise self.error
        self.taken.extend(email_messages)
        return len(email_messages) if self.answer is None else self.answer


class Stranger:
    """A backend that inherits from nothing."""

    fail_silently = False

    def __init__(self, **_: Any) -> None:
        self.taken: list[Any] = []

    def open(self) -> None: ...

    def close(self) -> None: ...

    def send_messages(self, messages: list[Any]) -> int:
        self.taken += messages
        return len(messages)


class Events:
    """What the three hooks were told, in order."""

    def __init__(self) -> None:
        self.before: list[Any] = []
        self.sent: list[tuple[Any, DeliveryReport]] = []
        self.failed: list[tuple[Any, DeliveryReport]] = []

    @property
    def subjects(self) -> list[list[str]]:
        return [
            [message.subject for message in self.before],
            [message.subject for message, _ in self.sent],
            [getattr(message, "subject", "?") for message, _ in self.failed],
        ]


@pytest.fixture
def events() -> Any:
    told = Events()
    with (
        before_send.connected(told.before.append),
        sent.connected(lambda message, report: told.sent.append((message, report))),
        failed.connected(lambda message, report: told.failed.append((message, report))),
    ):
        yield told


@pytest.fixture(autouse=True)
def counting() -> None:
    Counting.taken = []
    Counting.error = Counting.answer = None


def refuse(message: Any) -> None:
    if "secret" in str(message.subject):
        raise PermissionError("not this one")


def pairs(*subjects: str) -> list[tuple[str, str, str, list[str]]]:
    return [(subject, "x", "me@x.org", ["ann@x.org"]) for subject in subjects]


MAILERS = {
    "locmem": {"BACKEND": BACKENDS + "locmem.EmailBackend"},
    "dummy": {"BACKEND": BACKENDS + "dummy.EmailBackend"},
    "counting": {"BACKEND": f"{__name__}.Counting"},
    "stranger": {"BACKEND": f"{__name__}.Stranger"},
    "failover": {
        "BACKEND": BACKENDS + "failover.EmailBackend",
        "OPTIONS": {"mailers": ["counting", "dummy"]},
    },
    "roundrobin": {"BACKEND": BACKENDS + "roundrobin.EmailBackend", "OPTIONS": {"mailers": ["failover"]}},
    "redirect": {
        "BACKEND": BACKENDS + "redirect.EmailBackend",
        "OPTIONS": {"mailer": "locmem", "to": ["dev@x.org"]},
    },
    "fuse": {"BACKEND": BACKENDS + "fuse.EmailBackend", "OPTIONS": {"mailer": "counting", "limit": 9}},
}


@pytest.mark.parametrize("alias", MAILERS)
class TestEveryBackend:
    @pytest.fixture(autouse=True)
    def mailers(self) -> Any:
        with settings.override(MAILERS=MAILERS, ADMINS=["root@x.org"], EMAIL_SUBJECT_PREFIX=""):
            yield

    def test_one_message_fires_each_hook_once(self, alias: str, events: Events) -> None:
        mail(subject="One").send(using=alias)
        assert events.subjects == [["One"], ["One"], []]
        assert next(iter(events.sent[0][1].recipients)).endswith("@x.org")

    def test_send_mail_and_staff_mail(self, alias: str, events: Events) -> None:
        send_mail("One", "x", None, ["ann@x.org"], using=alias)
        mail_admins("Two", "x", using=alias)
        AdminNotification(subject="Three", message="x").send(using=alias)
        assert events.subjects == [["One", "Two", "Three"]] * 2 + [[]]

    def test_mass_mail(self, alias: str, events: Events) -> None:
        assert send_mass_mail(iter(pairs("One", "Two", "Three")), using=alias) == 3
        assert events.subjects == [["One", "Two", "Three"]] * 2 + [[]]

    def test_refused_item_of_a_mass_mail_is_reported_and_the_rest_goes(
        self, alias: str, events: Events
    ) -> None:
        reports: list[DeliveryReport] = []
        with before_send.connected(refuse), pytest.raises(DeliveryError) as caught:
            send_mass_mail(pairs("One", "secret", "Two"), using=alias, on_result=reports.append)
        assert caught.value.sent == 2
        assert [type(report.error) for report in caught.value.reports] == [PermissionError]
        assert events.subjects == [["One", "secret", "Two"], ["One", "Two"], ["secret"]]
        assert len(reports) == 3

    def test_connection_send_messages(self, alias: str, events: Events) -> None:
        connection = get_connection(using=alias)
        assert connection.send_messages([mail(subject="One"), mail(subject="Two")]) == 2
        assert connection.send_messages([]) == 0
        # A direct call of a class's own send_messages() runs that method and nothing else.
        told = [] if alias in ("stranger", "counting") else ["One", "Two"]
        assert events.subjects == [told, told, []]

    def test_refused_message_raises_its_own_error_silent_or_not(self, alias: str, events: Events) -> None:
        message = mail(subject="secret")
        with before_send.connected(refuse):
            for silently in (False, True):
                message.connection = None
                with pytest.raises(PermissionError):
                    message.send(fail_silently=silently, using=alias)
        assert events.subjects == [["secret"] * 2, [], ["secret"] * 2]
        assert isinstance(message.delivery, DeliveryReport)
        assert Counting.taken == []


def test_smtp_tells_partial_refusal_to_both(events: Events) -> None:
    with FaultyServer().on("RCPT", "550 5.1.1 no", match="bob@") as server, pytest.raises(DeliveryError):
        backend_for(server).send_messages([mail("ann@x.org", "bob@x.org", subject="Both"), *mails(2)])
    assert events.subjects == [["Both", "Number 0", "Number 1"]] * 2 + [["Both"]]
    message, report = events.failed[0]
    assert message.delivery == report
    assert report.recipients["bob@x.org"].code == 550


def test_four_connections_and_a_message_given_twice(events: Events) -> None:
    twice = mail(subject="Twice")
    with FaultyServer() as server:
        assert backend_for(server, connections=4).send_messages([*mails(30), twice, twice]) == 32
    assert sorted(events.subjects[0]) == sorted(events.subjects[1])
    assert len(events.sent) == 32


def test_server_that_is_not_there(events: Events, free_port: Any) -> None:
    with pytest.raises(ConnectionRefusedError):
        get_connection(BACKENDS + "smtp.EmailBackend", port=free_port()).send_messages(mails(3))
    assert len(events.before) == len(events.failed) == 3
    assert {result.status for _, report in events.failed for result in report.recipients.values()} == {
        "deferred"
    }


def test_before_send_changes_what_is_sent() -> None:
    def sign(message: Any) -> None:
        message.body += "\n-- \nThe shop"
        message.extra_headers = {**message.extra_headers, "X-Mark": "yes"}

    with FaultyServer() as server, before_send.connected(sign):
        backend_for(server).send_messages([mail()])
    (received,) = server.messages
    assert b"The shop" in received.content
    assert b"X-Mark: yes" in received.content


def test_listener_that_fails_changes_nothing_and_is_logged(
    events: Events, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_message: Any, _report: Any) -> None:
        raise RuntimeError("oops")

    with sent.connected(broken), failed.connected(broken), settings.override(EMAIL_URL="locmem:"):
        assert mail().send() == 1
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == [
        "a listener of the hook sent failed"
    ]


def test_item_that_does_not_render_is_told_with_a_stand_in(events: Events) -> None:
    class Broken:
        def render(self) -> EmailMessage:
            raise LookupError("no such template")

    with pytest.raises(DeliveryError):
        send_mass_mail([Broken(), *pairs("One")], connection=LocmemBackend())
    assert events.subjects == [["One"], ["One"], ["?"]]
    assert isinstance(events.failed[0][0], FailedItem)


def test_unbuildable_message_fails_with_its_error(events: Events) -> None:
    for connection in (LocmemBackend(), Counting()):
        Counting.error = ValueError("cannot be built")
        with pytest.raises(ValueError, match=r"cannot be built|can't contain newlines"):
            mail(subject="a\nb", connection=connection).send()
    assert all(isinstance(report.error, ValueError) for _, report in events.failed)
    assert len(events.failed) == 2
    assert len(events.before) == 2


@pytest.mark.parametrize(("answer", "error"), [(0, None), (None, OSError("gone"))])
def test_backend_that_says_nothing_leaves_doubt(
    events: Events, answer: int | None, error: Exception | None
) -> None:
    Counting.answer, Counting.error = answer, error
    message = mail(connection=Counting())
    if error is None:
        assert message.send() == 0
        assert message.delivery is not None
    else:
        with pytest.raises(OSError, match="gone"):
            message.send()
    ((_, report),) = events.failed
    assert {result.status for result in report.recipients.values()} == {"uncertain"}


def test_a_list_that_breaks_off_leaves_doubt_and_a_refused_batch_does_not(events: Events) -> None:
    Counting.error = ValueError("the second one")
    with pytest.raises(ValueError, match="second"):
        send_mass_mail([mail(), mail()], connection=Counting())
    with pytest.raises(TooManyRecipients):
        send_mass_mail([mail(), mail()], connection=FuseBackend(mailer=LocmemBackend(), limit=1))
    assert [{result.status for result in report.recipients.values()} for _, report in events.failed] == [
        {"uncertain"},
        {"uncertain"},
        set(),
        set(),
    ]
    assert [type(report.error) for _, report in events.failed[2:]] == [TooManyRecipients] * 2


def test_mail_that_a_hook_sends_is_a_mail_too(events: Events) -> None:
    def alert(message: Any, _report: Any) -> None:
        if message.subject != "Alert":
            send_mail("Alert", "x", None, ["root@x.org"])

    with settings.override(EMAIL_URL="locmem:"), sent.connected(alert):
        mail(subject="One").send()
        send_mass_mail(pairs("Two"))
    assert sorted(events.subjects[1]) == ["Alert", "Alert", "One", "Two"]


def test_mail_that_a_generator_sends_is_a_mail_too(events: Events) -> None:
    def items() -> Any:
        send_mail("Inner", "x", None, ["root@x.org"])
        yield from pairs("Outer")

    with settings.override(EMAIL_URL="locmem:"):
        send_mass_mail(items())
    assert events.subjects == [["Inner", "Outer"]] * 2 + [[]]


def test_subclass_that_calls_super_and_mixin_fire_once(events: Events) -> None:
    class Louder(LocmemBackend):
        def send_messages(self, email_messages: Any, **options: Any) -> int:
            return super().send_messages(email_messages, **options)

    class Mixin:
        def send_messages(self, email_messages: Any) -> int:
            return len(email_messages)

    class Mixed(Mixin, BaseEmailBackend):
        pass

    Louder().send_messages(email_messages=[mail(subject="One")])
    mail(subject="Two", connection=Mixed()).send()
    assert events.subjects == [["One", "Two"]] * 2 + [[]]


def test_hook_is_a_list_of_callables() -> None:
    calls: list[str] = []

    @sent.connect
    def first(_message: Any, _report: Any) -> None:
        calls.append("first")

    sent.connect(first)
    try:
        with sent.connected(first):
            LocmemBackend().send_messages([mail()])
        LocmemBackend().send_messages([mail()])
    finally:
        sent.disconnect(first)
    LocmemBackend().send_messages([mail()])
    assert calls == ["first", "first"]
    with pytest.raises(ValueError, match="not connected to sent"):
        sent.disconnect(first)
    with pytest.raises(TypeError, match="not async"):

        @before_send.connect
        async def never(_message: Any) -> None: ...

    assert repr(sent) == "<Hook sent listeners=0>"


class TestLog:
    def test_counts_and_codes_without_addresses(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "aerogram.mail")
        with FaultyServer().on("RCPT", "550 5.1.1 bob@x.org is unknown", match="bob@") as server:
            backend_for(server, fail_silently=True).send_messages(
                [mail(), mail("ann@x.org", "bob@x.org"), mail(subject="a\nb")]
            )
        # A message that cannot be built may be known before those ahead of it are answered.
        lines = sorted(
            (record.message.partition(": ")[2], record.levelname, record.message) for record in caplog.records
        )
        assert [(level, said) for said, level, _ in lines] == [
            ("INFO", "1 sent 250 2.0.0"),
            ("WARNING", "1 sent 250 2.0.0, 1 refused 550 5.1.1"),
            ("WARNING", "not sent, BadHeaderError"),
        ]
        assert [message.startswith("message <") for *_, message in lines] == [True, True, False]
        assert "ann@" not in caplog.text
        assert "bob@" not in caplog.text

    def test_addresses_where_a_setting_asks(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "aerogram.mail")
        with settings.override(LOG_ADDRESSES=True, EMAIL_URL="locmem:"):
            mail("ann@x.org", "bob@x.org").send()
        assert caplog.records[-1].message.endswith(": ann@x.org sent; bob@x.org sent")

    def test_nothing_is_said_where_logging_is_not_set_up(self) -> None:
        code = (
            "from aerogram.mail import send_mail; from aerogram.mail.delivery.dispatch import is_observed; "
            "from aerogram.mail.backends.base import BaseEmailBackend\n"
            "class B(BaseEmailBackend):\n    def send_messages(self, messages): return 0\n"
            "assert not is_observed(); send_mail('a', 'b', 'a@x.org', ['b@x.org'], connection=B()); "
            "import logging; logging.basicConfig(); assert is_observed(); "
            "send_mail('a', 'b', 'a@x.org', ['b@x.org'], connection=B()); "
            "logging.getLogger('aerogram.mail').setLevel('ERROR'); assert not is_observed()"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stderr == "WARNING:aerogram.mail:message without id: 1 uncertain\n"


@pytest.fixture(scope="module")
def exporter() -> Any:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)  # once a process: a provider cannot be replaced
    return exporter


class TestSpans:
    def test_one_span_a_message_without_addresses(self, exporter: Any) -> None:
        exporter.clear()
        with (
            FaultyServer().on("RCPT", "550 5.1.1 bob@x.org is unknown", match="bob@") as server,
            pytest.raises(DeliveryError),
        ):
            backend_for(server).send_messages([mail(), mail("ann@x.org", "bob@x.org"), mail(subject="a\nb")])
        spans = sorted(exporter.get_finished_spans(), key=lambda span: span.start_time)
        assert [span.name for span in spans] == ["aerogram.send"] * 3
        good, partial, broken = (dict(span.attributes) for span in spans)
        assert str(good.pop("aerogram.message_id")).startswith("<")
        assert good == {
            "aerogram.backend": "aerogram.mail.backends.smtp.EmailBackend",
            "aerogram.recipients.total": 1,
            "aerogram.recipients.sent": 1,
            "aerogram.reply_code": 250,
        }
        assert partial["aerogram.reply_code"] == 550
        assert (partial["aerogram.recipients.sent"], partial["aerogram.recipients.refused"]) == (1, 1)
        assert broken["error.type"] == "BadHeaderError"
        assert [span.status.is_ok for span in spans] == [True, False, False]
        assert "ann@" not in "".join(span.to_json() for span in spans)

    def test_wrapped_backends_leave_one_span(self, exporter: Any) -> None:
        exporter.clear()
        with settings.override(MAILERS=MAILERS):
            send_mass_mail(pairs("One", "Two"), using="failover")
        assert len(exporter.get_finished_spans()) == 2

    def test_a_program_that_does_not_trace_loads_nothing(self) -> None:
        code = (
            "import sys; from aerogram.conf import settings; from aerogram.mail import send_mail; "
            "settings.configure(EMAIL_URL='dummy:'); send_mail('a', 'b', 'a@x.org', ['b@x.org']); "
            "print([name for name in sys.modules if name.startswith('opentelemetry')])"
        )
        assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
