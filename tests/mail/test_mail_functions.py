"""send_mail and its siblings: who sends, over which connection, and what comes back."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import threading
import tracemalloc
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

import django.core.mail as django_mail
import pytest

from aerogram import mail
from aerogram.conf import settings
from aerogram.exceptions import BackendNotFound, BadHeaderError, DeliveryError, ImproperlyConfigured
from aerogram.mail import (
    EmailMessage,
    EmailMultiAlternatives,
    asend_mail,
    asend_mass_mail,
    get_connection,
    mail_admins,
    mail_managers,
    send_mail,
    send_mass_mail,
)
from aerogram.mail.backends.base import BaseEmailBackend
from aerogram.mail.delivery.lists import CHUNK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

LOCMEM = "aerogram.mail.backends.locmem.EmailBackend"


@pytest.fixture(autouse=True)
def locmem() -> Iterator[None]:
    with settings.override(EMAIL_BACKEND=LOCMEM):
        yield


class DjangoStyle(BaseEmailBackend):
    """As Django's document shows how to write one: lists in, a count out, and a connection to open."""

    made: ClassVar[list[DjangoStyle]] = []

    def __init__(self, fail_silently: bool = False, username: str | None = None, **kwargs: Any) -> None:
        super().__init__(fail_silently=fail_silently, **kwargs)
        self.username, self.options = username, kwargs
        self.is_open, self.log, self.sent = False, [], []
        DjangoStyle.made.append(self)

    def open(self) -> bool:
        if self.is_open:
            return False
        self.is_open = True
        self.log.append("open")
        return True

    def close(self) -> None:
        if self.is_open:
            self.log.append("close")
        self.is_open = False

    def send_messages(self, email_messages):
        opened = self.open()
        self.log.append(len(email_messages))
        self.sent.extend(email_messages)
        if opened:
            self.close()
        return len(email_messages)


DJANGO_STYLE = f"{__name__}.DjangoStyle"


class WithoutDefaults(BaseEmailBackend):
    """Relies on being told ``fail_silently``, as Django always tells it."""

    def __init__(self, fail_silently: bool, **kwargs: Any) -> None:
        super().__init__(fail_silently, **kwargs)

    def send_messages(self, email_messages):
        return len(email_messages)


@pytest.fixture(autouse=True)
def no_backends_made() -> Iterator[None]:
    DjangoStyle.made.clear()
    yield
    DjangoStyle.made.clear()


class Greeting:
    """A notification, as far as the mail layer knows one."""

    def __init__(self, to: str) -> None:
        self.to = to

    def render(self) -> EmailMultiAlternatives:
        if not self.to:
            raise LookupError("nobody to greet")
        return EmailMultiAlternatives("Greeting", "Hello.", to=[self.to])


@pytest.mark.parametrize(
    "name", ["send_mail", "send_mass_mail", "mail_admins", "mail_managers", "get_connection"]
)
def test_signatures_begin_as_those_of_django(name: str) -> None:
    ours = list(inspect.signature(getattr(mail, name)).parameters.values())
    theirs = list(inspect.signature(getattr(django_mail, name)).parameters.values())
    positional = [each for each in ours if each.kind is each.POSITIONAL_OR_KEYWORD]
    expected = [each for each in theirs if each.kind is each.POSITIONAL_OR_KEYWORD]
    assert [(each.name, each.default) for each in positional] == [
        (each.name, each.default) for each in expected
    ]
    assert "using" in {each.name for each in ours if each.kind is each.KEYWORD_ONLY}


def test_every_public_name_of_django_is_there() -> None:
    assert set(django_mail.__all__) <= set(mail.__all__)
    assert sorted(mail.__all__, key=str.lower)
    assert len(set(mail.__all__)) == len(mail.__all__)


class TestSendMail:
    def test_sends_one_message(self) -> None:
        assert send_mail("Subject", "Body", "from@x.org", ["a@x.org", "b@x.org"]) == 1
        (sent,) = mail.outbox
        assert (sent.subject, sent.body, sent.from_email) == ("Subject", "Body", "from@x.org")
        assert sent.to == ["a@x.org", "b@x.org"]
        assert sent.alternatives == []

    def test_html_message_is_an_alternative(self) -> None:
        send_mail("Subject", "Body", None, ["a@x.org"], html_message="<p>Body</p>")
        assert mail.outbox[0].alternatives == [("<p>Body</p>", "text/html")]
        assert mail.outbox[0].from_email == "webmaster@localhost"

    def test_every_argument_by_position(self) -> None:
        connection = get_connection(DJANGO_STYLE)
        assert send_mail("S", "B", "f@x.org", ("t@x.org",), True, "user", "pass", connection, "<p>") == 1
        assert connection.sent[0].alternatives
        assert connection.username is None

    def test_login_reaches_the_backend(self) -> None:
        with settings.override(EMAIL_BACKEND=DJANGO_STYLE):
            send_mail("S", "B", None, ["t@x.org"], True, "user", "pass")
        (backend,) = DjangoStyle.made
        assert (backend.username, backend.options, backend.fail_silently) == (
            "user",
            {"password": "pass"},
            True,
        )

    def test_no_recipients(self) -> None:
        assert send_mail("S", "B", None, []) == 0

    def test_recipients_in_one_string(self) -> None:
        with pytest.raises(TypeError, match='"to" argument must be a list or tuple'):
            send_mail("S", "B", None, "t@x.org")

    def test_newline_is_refused_before_anything_opens(self) -> None:
        with settings.override(EMAIL_BACKEND=LOCMEM), pytest.raises(BadHeaderError):
            send_mail("a\nBcc: evil@x.org", "B", None, ["t@x.org"])
        assert mail.outbox == []

    def test_connection_and_using_exclude_each_other(self) -> None:
        connection = get_connection(DJANGO_STYLE)
        for send in (
            lambda: send_mail("S", "B", None, ["t@x.org"], connection=connection, using="default"),
            lambda: send_mass_mail([], connection=connection, using="default"),
            lambda: mail_admins("S", "B", connection=connection, using="default"),
            lambda: mail_managers("S", "B", connection=connection, using="default"),
        ):
            with pytest.raises(TypeError, match="not both"):
                send()


class TestSendMassMail:
    def test_mixed_items_from_a_generator(self) -> None:
        def items() -> Iterator[Any]:
            yield ("Four", "B", "f@x.org", ["a@x.org"])
            yield ["Five", "B", "f@x.org", ["a@x.org"], "<p>B</p>"]
            yield ("Empty fifth", "B", None, ["a@x.org"], None)
            yield EmailMessage("Message", "B", to=["a@x.org"])
            yield Greeting("a@x.org")

        assert send_mass_mail(items()) == 5
        assert [each.subject for each in mail.outbox] == [
            "Four",
            "Five",
            "Empty fifth",
            "Message",
            "Greeting",
        ]
        assert [len(getattr(each, "alternatives", [])) for each in mail.outbox] == [0, 1, 0, 0, 0]

    @pytest.mark.parametrize("path", [LOCMEM, DJANGO_STYLE])
    def test_one_bad_item_does_not_stop_the_rest(self, path: str) -> None:
        reports: list[Any] = []
        items = [
            ("ok", "B", None, ["a@x.org"]),
            Greeting(""),
            ("a\nb", "B", None, ["a@x.org"]),
            ("three", "B", None),
            "text",
            ("bcc", "B", None, ["a@x.org, b@x.org"]),
            Greeting("last@x.org"),
        ]
        with pytest.raises(DeliveryError) as caught:
            send_mass_mail(items, connection=get_connection(path), on_result=reports.append)
        assert caught.value.sent == 2
        errors = [type(each.error).__name__ for each in caught.value.reports]
        assert sorted(errors) == [
            "BadHeaderError",
            "InvalidAddress",
            "LookupError",
            "TypeError",
            "ValueError",
        ]
        assert len(reports) == 7
        assert sum(report.complete for report in reports) == 2

    @pytest.mark.parametrize("path", [LOCMEM, DJANGO_STYLE])
    def test_the_only_item_raises_its_own_error(self, path: str) -> None:
        with pytest.raises(LookupError, match="nobody"):
            send_mass_mail([Greeting("")], True, connection=get_connection(path, True))
        with pytest.raises(TypeError, match=r"type str\. Accepted: \(subject, message"):
            send_mass_mail(["text"], connection=get_connection(path))
        assert all(backend.log == [] for backend in DjangoStyle.made)

    def test_a_backend_of_django_style_gets_lists_over_one_connection(self) -> None:
        connection = get_connection(DJANGO_STYLE)
        items = (("S", "B", None, [f"{number}@x.org"]) for number in range(CHUNK * 2 + 1))
        assert send_mass_mail(items, connection=connection) == CHUNK * 2 + 1
        assert connection.log == ["open", CHUNK, CHUNK, 1, "close"]
        assert all(message.delivery.complete for message in connection.sent)

    def test_a_connection_that_only_sends_will_do(self) -> None:
        class Sender:
            sent = 0

            def send_messages(self, messages):
                self.sent += len(messages)
                return len(messages)

        sender = Sender()
        assert send_mass_mail([("S", "B", None, ["a@x.org"])] * 3, connection=sender) == 3
        assert send_mail("S", "B", None, ["a@x.org"], connection=sender) == 1
        assert sender.sent == 4

    def test_an_open_connection_stays_open(self) -> None:
        connection = get_connection(DJANGO_STYLE)
        connection.open()
        send_mass_mail([("S", "B", None, ["a@x.org"])], connection=connection)
        assert connection.is_open

    def test_the_connection_closes_when_the_items_fail(self) -> None:
        def items() -> Iterator[Any]:
            for number in range(CHUNK + 1):
                yield ("S", "B", None, [f"{number}@x.org"])
            raise RuntimeError("the database is gone")

        connection = get_connection(DJANGO_STYLE)
        with pytest.raises(RuntimeError, match="database"):
            send_mass_mail(items(), connection=connection)
        assert connection.log == ["open", CHUNK, "close"]

    def test_a_backend_that_counts_too_few_leaves_doubt(self) -> None:
        class Counting(BaseEmailBackend):
            def send_messages(self, email_messages):
                return 1

        reports: list[Any] = []
        messages = [EmailMessage(to=["a@x.org"]), EmailMessage(to=["b@x.org"])]
        assert send_mass_mail(messages, connection=Counting(), on_result=reports.append) == 1
        statuses = [each.status for report in reports for each in report.recipients.values()]
        assert statuses == ["uncertain", "uncertain"]
        assert messages[0].delivery == reports[0]

    def test_a_backend_that_reports_is_believed(self) -> None:
        from aerogram.mail.delivery.report import DeliveryReport, RecipientResult

        class Reporting(BaseEmailBackend):
            def send_messages(self, email_messages):
                for message in email_messages:
                    message.delivery = DeliveryReport({"a@x.org": RecipientResult("refused", 550)})
                return 0

        with pytest.raises(DeliveryError, match="550"):
            send_mass_mail([EmailMessage(to=["a@x.org"])], connection=Reporting())

    def test_each_message_gets_the_connection_of_the_batch(self) -> None:
        connection = get_connection(DJANGO_STYLE)
        own = get_connection(DJANGO_STYLE)
        send_mass_mail(
            [EmailMessage(to=["a@x.org"]), EmailMessage(to=["a@x.org"], connection=own)],
            connection=connection,
        )
        assert [message.connection for message in connection.sent] == [connection, own]
        assert own.sent == []

    def test_items_are_made_while_the_batch_is_sent(self) -> None:
        seen: list[int] = []

        def items() -> Iterator[Any]:
            for _ in range(3):
                seen.append(len(getattr(mail, "outbox", [])))
                yield ("S", "B", None, ["a@x.org"])

        send_mass_mail(items())
        assert seen == [0, 1, 2]

    @pytest.mark.no_cover  # what coverage keeps would be counted too
    def test_memory_does_not_grow_with_the_number_of_items(self) -> None:
        def peak(count: int) -> int:
            tracemalloc.start()
            try:
                items = (("S", "B" * 10_000, None, [f"{number}@x.org"]) for number in range(count))
                with settings.override(EMAIL_URL="dummy:"):
                    assert send_mass_mail(items) == count
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

        peak(10)
        assert peak(400) < peak(20) + 1_500_000  # 380 bodies more would be 3,800,000; the rest is caches


class TestStaff:
    def test_nobody_there_nothing_happens(self) -> None:
        with settings.override(EMAIL_BACKEND="no.such.Backend"):
            assert mail_admins("S", "B") is None
            assert mail_managers("S", "B") is None

    @pytest.mark.parametrize(("send", "group"), [(mail_admins, "ADMINS"), (mail_managers, "MANAGERS")])
    def test_recipients_sender_and_prefix(self, send: Any, group: str) -> None:
        people = [("Ada", "ada@x.org"), "bob@x.org"]
        with settings.override(**{group: people}, SERVER_EMAIL="root@x.org", EMAIL_SUBJECT_PREFIX="[X] "):
            send("Down", "It is.", html_message="<p>It is.</p>")
        (sent,) = mail.outbox
        assert (sent.subject, sent.from_email, sent.to) == (
            "[X] Down",
            "root@x.org",
            ["ada@x.org", "bob@x.org"],
        )
        assert sent.alternatives == [("<p>It is.</p>", "text/html")]

    def test_connection_by_position_and_mailer_by_name(self) -> None:
        connection = get_connection(DJANGO_STYLE)
        with settings.override(ADMINS=["a@x.org"], MAILERS={"staff": {"BACKEND": DJANGO_STYLE}}):
            mail_admins("S", "B", False, connection, "<p>")
            mail_admins("S", "B", using="staff")
        assert [len(backend.sent) for backend in DjangoStyle.made] == [1, 1]

    def test_newline_in_the_subject(self) -> None:
        with settings.override(MANAGERS=["a@x.org"]), pytest.raises(BadHeaderError):
            mail_managers("a\nb", "B", fail_silently=True)

    @pytest.mark.parametrize("people", ["a@x.org", [("a", "b", "c")]])
    def test_wrong_shape_is_a_value_error(self, people: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ValueError, match="ADMINS"), settings.override(ADMINS=people):
            mail_admins("S", "B")


class TestGetConnection:
    def test_every_backend_that_ships(self) -> None:
        for name in ("console", "locmem", "dummy"):
            path = f"aerogram.mail.backends.{name}.EmailBackend"
            assert type(get_connection(path)).__module__ == f"aerogram.mail.backends.{name}"

    def test_default_is_read_at_call_time(self) -> None:
        assert type(get_connection()).__module__.endswith("locmem")
        with settings.override(EMAIL_URL="dummy:"):
            assert type(get_connection(fail_silently=True)).__module__.endswith("dummy")

    def test_the_backend_of_the_settings_is_always_told_whether_to_fail_silently(self) -> None:
        with settings.override(EMAIL_BACKEND=f"{__name__}.WithoutDefaults"):
            assert get_connection().fail_silently is False
            assert get_connection(fail_silently=True).fail_silently is True
            assert send_mail("S", "B", None, ["a@x.org"]) == 1

    def test_arguments_by_position(self) -> None:
        backend = get_connection(DJANGO_STYLE, True, username="u", host="h")
        assert (backend.fail_silently, backend.username, backend.options) == (True, "u", {"host": "h"})

    @pytest.mark.parametrize(
        ("path", "problem"),
        [
            ("smtp", "not a dotted path"),
            ("no.such.module.Backend", "cannot be imported: No module named 'no'"),
            ("aerogram.mail.backends.locmem.EmailBakend", "but has EmailBackend"),
            ("aerogram.mail.backends.locmem.copy", "no class copy"),
            ("django.core.mail.backends.smtp.EmailBackend", "use aerogram.mail.backends.smtp.EmailBackend"),
        ],
    )
    def test_wrong_paths(self, path: str, problem: str) -> None:
        with pytest.raises(BackendNotFound, match=problem) as caught:
            get_connection(path)
        assert isinstance(caught.value, ImportError)
        assert isinstance(caught.value, ImproperlyConfigured)
        with (
            settings.override(EMAIL_BACKEND=path),
            pytest.raises(BackendNotFound, match=r"EMAIL_BACKEND, settings\.override"),
        ):
            send_mail("S", "B", None, ["a@x.org"], fail_silently=True)

    def test_path_and_alias_exclude_each_other(self) -> None:
        with pytest.raises(TypeError, match="not both"):
            get_connection(LOCMEM, using="default")


class TestAwaitable:
    async def test_asend_mail_sees_the_overrides_of_its_task(self) -> None:
        with settings.override(DEFAULT_FROM_EMAIL="task@x.org"):
            assert await asend_mail("S", "B", None, ["a@x.org"]) == 1
        assert mail.outbox[0].from_email == "task@x.org"

    async def test_asend_mass_mail_leaves_the_loop_running(self) -> None:
        threads: list[int] = []

        def items() -> Iterator[Any]:
            threads.append(threading.get_ident())
            yield ("S", "B", None, ["a@x.org"])

        assert await asend_mass_mail(items()) == 1
        assert threads != [threading.get_ident()]

    async def test_asend_mass_mail_takes_an_async_generator(self) -> None:
        async def items() -> AsyncIterator[Any]:
            for number in range(3):
                await asyncio.sleep(0)
                yield (f"{number}", "B", None, ["a@x.org"])

        assert await asend_mass_mail(items()) == 3
        assert [each.subject for each in mail.outbox] == ["0", "1", "2"]

    async def test_an_error_of_the_async_generator_is_raised(self) -> None:
        async def items() -> AsyncIterator[Any]:
            yield ("S", "B", None, ["a@x.org"])
            raise RuntimeError("gone")

        with pytest.raises(RuntimeError, match="gone"):
            await asend_mass_mail(items())

    async def test_a_cancelled_batch_begins_no_further_message(self) -> None:
        first, go_on, finished = threading.Event(), threading.Event(), threading.Event()

        def items() -> Iterator[Any]:
            try:
                yield ("first", "B", None, ["a@x.org"])
                first.set()
                go_on.wait(30)
                yield ("second", "B", None, ["a@x.org"])
            finally:
                finished.set()

        task = asyncio.create_task(asend_mass_mail(items()))
        await asyncio.to_thread(first.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
        assert await asyncio.to_thread(finished.wait, 30)
        assert [each.subject for each in mail.outbox] == ["first"]


def test_smtp_connection_is_the_smtp_backend_with_a_warning() -> None:
    from aerogram.mail import SMTPConnection
    from aerogram.mail.backends.smtp import EmailBackend

    with pytest.warns(DeprecationWarning, match="get_connection"):
        connection = SMTPConnection(host="127.0.0.1", port=2525)
    assert isinstance(connection, EmailBackend)
    assert (connection.host, connection.port) == ("127.0.0.1", 2525)


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = mail.nonsense


def test_importing_the_mail_layer_is_light() -> None:
    code = "import sys, aerogram.mail; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    heavy = {"pydantic", "jinja2", "premailer", "rich", "requests", "idna", "aerogram.mail.backends.smtp"}
    assert "aerogram.mail" in result.stdout.split()
    assert heavy & set(result.stdout.split()) == set()


def test_sending_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert send_mail("S", "B", None, ["a@x.org"]) == 1
