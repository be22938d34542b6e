"""Capture: whatever settings and code say, all mail goes to one place, and nothing else is contacted."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from aerogram import mail
from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured
from aerogram.mail import EmailMessage, get_connection, mailers, send_mail, send_mass_mail
from aerogram.mail.backends.base import BaseEmailBackend
from aerogram.mail.backends.dummy import EmailBackend as DummyBackend
from aerogram.mail.backends.failover import EmailBackend as FailoverBackend
from aerogram.mail.backends.fuse import EmailBackend as FuseBackend
from aerogram.mail.backends.redirect import EmailBackend as RedirectBackend
from aerogram.mail.backends.roundrobin import EmailBackend as RoundRobinBackend
from aerogram.mail.backends.smtp import EmailBackend as SMTPBackend
from aerogram.testing import FaultyServer, capture_mail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

SMTP = "aerogram.mail.backends.smtp.EmailBackend"


class Forbidden(BaseEmailBackend):
    """A backend as written for Django; using it fails the test."""

    def open(self) -> bool:
        raise AssertionError("the connection was opened")

    def send_messages(self, email_messages: Any) -> int:
        raise AssertionError("the mail was sent")


class Unrelated:
    """A connection of no class of ours."""

    def send_messages(self, email_messages: Any) -> int:
        raise AssertionError("the mail was sent")


def message(subject: str = "S", **options: Any) -> EmailMessage:
    return EmailMessage(subject, "B", "me@x.org", ["ann@x.org"], **options)


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    """The server that settings and code name. Nothing may contact it."""
    with FaultyServer() as server:
        yield server
    assert server.connections == 0


WAYS: dict[str, Callable[[dict[str, Any]], object]] = {
    "send_mail": lambda _: send_mail("S", "B", None, ["ann@x.org"]),
    "using": lambda _: send_mail("S", "B", None, ["ann@x.org"], using="bulk"),
    "message using": lambda _: message().send(using="bulk"),
    "mass mail": lambda _: send_mass_mail([("S", "B", None, ["ann@x.org"])], using="bulk"),
    "get_connection": lambda real: message(connection=get_connection(SMTP, **real)).send(),
    "mailers": lambda _: mailers["bulk"].send_messages([message()]),
    "by hand": lambda real: SMTPBackend(**real).send_messages([message()]),
    "of Django's contract": lambda _: message(connection=Forbidden()).send(),
    "of Django's contract, called": lambda _: Forbidden().send_messages([message()]),
    "of no class of ours": lambda _: message(connection=Unrelated()).send(),
    "failover": lambda real: FailoverBackend(mailers=["bulk", SMTPBackend(**real)]).send_messages(
        [message()]
    ),
    "roundrobin": lambda real: RoundRobinBackend(mailers=[SMTPBackend(**real)]).send_messages([message()]),
    "redirect": lambda _: RedirectBackend(mailer="bulk", to=["me@x.org"]).send_messages([message()]),
    "fuse": lambda _: FuseBackend(mailer="bulk").send_messages([message()]),
    "dummy": lambda _: DummyBackend().send_messages([message()]),
    "asend": lambda _: asyncio.run(message().asend(using="bulk")),
}


def opened(real: dict[str, Any]) -> None:
    with SMTPBackend(**real) as connection:
        message(connection=connection).send()


WAYS["an open connection"] = opened


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", ["capture_mail", "EMAIL_CAPTURE"])
def test_every_way_to_send_is_captured(real: FaultyServer, way: str, how: str) -> None:
    where = {"host": real.host, "port": real.port}
    mailer = {"BACKEND": SMTP, "OPTIONS": where}
    url = f"smtp://{real.host}:{real.port}"
    by_setting: AbstractContextManager[Any] = settings.override(EMAIL_CAPTURE="locmem:")
    with (
        capture_mail() if how == "capture_mail" else by_setting as captured,
        settings.override(EMAIL_URL=url, MAILERS={"default": mailer, "bulk": mailer}),
    ):
        WAYS[way](where)
    caught = captured if how == "capture_mail" else mail.outbox
    assert [each.subject for each in caught] == ["S"]
    assert caught[0].to == ["ann@x.org"]


class TestCaptureMail:
    def test_of_threads_that_know_no_context(self) -> None:
        with capture_mail() as messages:
            thread = threading.Thread(target=Forbidden().send_messages, args=([message()],))
            thread.start()
            thread.join()
        assert len(messages) == 1

    def test_of_a_thread_that_was_started_before(self) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(int).result()
            with capture_mail() as messages:
                pool.submit(message(connection=Forbidden()).send).result()
        assert len(messages) == 1

    async def test_of_tasks(self) -> None:
        with capture_mail() as messages:
            await asyncio.gather(*[asyncio.to_thread(message(connection=Forbidden()).send) for _ in "ab"])
        assert len(messages) == 2

    async def test_of_a_task_that_began_in_an_outer_block(self) -> None:
        go = asyncio.Event()

        async def later() -> None:
            await go.wait()
            await message(connection=Forbidden()).asend()

        with capture_mail() as outer:
            task = asyncio.create_task(later())
            await asyncio.sleep(0)
            with capture_mail() as inner:
                go.set()
                await task
        assert (len(outer), len(inner)) == (0, 1)

    async def test_of_a_task_whose_block_has_ended(self) -> None:
        go = asyncio.Event()

        async def later() -> None:
            await go.wait()
            message(connection=Forbidden()).send()

        with capture_mail() as ended:
            task = asyncio.create_task(later())
            await asyncio.sleep(0)
        with capture_mail() as running:
            go.set()
            await task
        assert (len(ended), len(running)) == (0, 1)

    def test_concurrent_blocks_keep_their_mail_apart(self) -> None:
        both = threading.Barrier(2, timeout=20)

        def work(name: str) -> list[str]:
            with capture_mail() as messages:
                both.wait()
                message(name, connection=Forbidden()).send()
                both.wait()
            return [each.subject for each in messages]

        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(work, ["a", "b"])) == [["a"], ["b"]]

    def test_ends_with_the_block_and_after_an_error(self, real: FaultyServer) -> None:
        sent: list[EmailMessage] = []

        class Keeping(BaseEmailBackend):
            def send_messages(self, email_messages: Any) -> int:
                sent.extend(email_messages)
                return len(sent)

        backend = Keeping()
        with contextlib.suppress(RuntimeError), capture_mail() as messages:
            backend.send_messages([message()])
            raise RuntimeError
        assert (len(messages), len(sent)) == (1, 0)
        assert message(connection=backend).send() == 1
        assert (len(messages), len(sent)) == (1, 1)

    def test_beats_the_setting(self) -> None:
        with settings.override(EMAIL_CAPTURE="locmem:"), capture_mail() as messages:
            message().send()
        assert len(messages) == 1
        assert mail.outbox == []

    def test_holds_copies(self) -> None:
        mine = message(connection=Forbidden())
        with capture_mail() as messages:
            mine.send()
            mine.subject = "changed"
            mine.send()
        assert [each.subject for each in messages] == ["S", "changed"]

    def test_refuses_what_could_not_be_sent(self) -> None:
        with capture_mail() as messages, pytest.raises(mail.BadHeaderError):
            message("a\nb", connection=Forbidden()).send()
        assert messages == []


class TestSetting:
    def test_to_a_server(self, real: FaultyServer) -> None:
        mailer = {"BACKEND": SMTP, "OPTIONS": {"host": real.host, "port": real.port}}
        with (
            FaultyServer() as server,
            settings.override(
                EMAIL_CAPTURE=f"smtp://{server.host}:{server.port}",
                MAILERS={"default": mailer, "bulk": mailer},
            ),
        ):
            messages = [message(connection=mailers["bulk"]) for _ in range(3)]
            assert send_mass_mail(messages, connection=mailers["bulk"]) == 3
        assert len(server.messages) == 3
        assert server.connections == 1

    def test_to_files(self, tmp_path: Path) -> None:
        with settings.override(EMAIL_CAPTURE=tmp_path.as_uri()):
            message(connection=Forbidden()).send()
        [path] = tmp_path.iterdir()
        assert b"Subject: S" in path.read_bytes()

    def test_of_the_process_reaches_every_thread(self) -> None:
        settings.configure(EMAIL_CAPTURE="locmem:")
        thread = threading.Thread(target=message(connection=Forbidden()).send)
        thread.start()
        thread.join()
        assert len(mail.outbox) == 1

    def test_a_weak_source_captures_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AEROGRAM_EMAIL_CAPTURE", "locmem:")
        with settings.override(EMAIL_BACKEND=f"{__name__}.Forbidden"):
            send_mail("S", "B", None, ["ann@x.org"])
        assert len(mail.outbox) == 1

    def test_a_stronger_source_ends_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AEROGRAM_EMAIL_CAPTURE", "dummy:")
        with settings.override(EMAIL_CAPTURE="", EMAIL_URL="locmem:"):
            send_mail("S", "B", None, ["ann@x.org"])
        assert len(mail.outbox) == 1

    def test_fails_silently_like_the_backend_that_was_meant(self, free_port: Callable[[], int]) -> None:
        with settings.override(EMAIL_CAPTURE=f"smtp://127.0.0.1:{free_port()}"):
            assert send_mail("S", "B", None, ["ann@x.org"], fail_silently=True) == 0
            with pytest.raises(ConnectionRefusedError):
                send_mail("S", "B", None, ["ann@x.org"])

    def test_a_wrong_url_is_refused_without_showing_it(self) -> None:
        with pytest.raises(ImproperlyConfigured, match=r"EMAIL_CAPTURE \(settings\.override\(\)\)") as caught:
            settings.override(EMAIL_CAPTURE="smpt://u:hunter2@h")
        assert "hunter2" not in str(caught.value)


def test_no_connection_is_made_to_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket, "create_connection", refuse)
    with capture_mail() as messages, get_connection() as connection:
        connection.send_messages([message()])
    assert len(messages) == 1
