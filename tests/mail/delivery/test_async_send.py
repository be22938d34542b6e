"""Awaitable sends: the loop goes on; a cancelled task leaves no connection and no doubt."""

from __future__ import annotations

import asyncio
import gc
import ssl
import threading
from contextvars import ContextVar
from typing import Any

import pytest
import trustme

from aerogram import AdminNotification
from aerogram import mail as aeromail
from aerogram.conf import settings
from aerogram.exceptions import DeliveryError
from aerogram.mail import asend_mail, asend_mass_mail
from aerogram.mail.backends.base import BaseEmailBackend
from aerogram.mail.delivery.cancellation import Cancellation, SendCancelled
from aerogram.mail.delivery.report import DeliveryReport
from aerogram.testing import FaultyServer, Hang
from tests.smtp_peers import backend_for, copies, mail, mails, only_status

OFFERS = {
    "lockstep": (),
    "pipelining": ("PIPELINING", "8BITMIME"),
    "chunking": ("PIPELINING", "8BITMIME", "CHUNKING"),
}


async def until(condition: Any) -> None:
    """Let the loop turn until something is so; the test's own time limit ends it."""
    while not condition():
        await asyncio.sleep(0.005)


def senders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "aerogram-send"]


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def tuples(count: int) -> list[tuple[str, str, str, list[str]]]:
    return [(f"Number {number}", "x", "me@x.org", [f"p{number}@x.org"]) for number in range(count)]


async def test_the_loop_goes_on_while_a_server_thinks() -> None:
    with FaultyServer().on(".", Hang(0.3), "250 2.0.0 ok") as server:
        task = asyncio.create_task(mail(connection=backend_for(server)).asend())
        turns = 0
        while not task.done():
            await asyncio.sleep(0.005)
            turns += 1
        assert await task == 1
    assert turns > 5


async def test_the_context_goes_along_and_threads_end() -> None:
    mark: ContextVar[str] = ContextVar("mark", default="none")
    seen = []

    class Looking(BaseEmailBackend):
        def send_messages(self, email_messages: Any) -> int:
            seen.append((mark.get(), settings.EMAIL_HOST, threading.current_thread().name))
            return len(email_messages)

    mark.set("here")
    with settings.override(EMAIL_HOST="mail.example.com"):
        assert await mail(connection=Looking()).asend() == 1
    assert seen == [("here", "mail.example.com", "aerogram-send")]
    await until(lambda: not senders())


async def test_every_awaitable_sends_and_raises_like_its_sibling() -> None:
    with settings.override(EMAIL_URL="locmem:", ADMINS=["root@x.org"]):
        assert await asend_mail("One", "x", None, ["ann@x.org"]) == 1
        assert await asend_mass_mail(iter(tuples(2))) == 2
        assert await AdminNotification(subject="Three", message="x").asend() == 1
        with pytest.raises(ValueError, match="newlines"):
            await asend_mail("a\nb", "x", None, ["ann@x.org"])
    assert len(aeromail.outbox) == 4


async def test_a_hundred_at_once() -> None:
    with settings.override(EMAIL_URL="locmem:"):
        results = await asyncio.gather(*[asend_mail("One", "x", None, ["ann@x.org"]) for _ in range(100)])
    assert results == [1] * 100


@pytest.mark.parametrize("verb", ["connect", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("offers", ["lockstep", "pipelining"])
async def test_cancelled_before_the_content_nothing_left_and_nothing_is_open(verb: str, offers: str) -> None:
    with FaultyServer(OFFERS[offers]).on(verb, Hang()) as server:
        backend = backend_for(server, timeout=60)
        message = mail(connection=backend)
        task = asyncio.create_task(message.asend())
        await until(lambda: verb in server.verbs or (verb == "connect" and server.connections))
        await cancelled(task)
        await until(lambda: not senders())
        assert server.messages == []
        assert server.connections == 1
        assert backend.connection is None
    assert only_status(message) == "deferred"


@pytest.mark.parametrize("offers", OFFERS)
async def test_cancelled_after_the_content_the_answer_is_still_recorded(offers: str) -> None:
    with FaultyServer(OFFERS[offers]).on(".", Hang(0.4), "250 2.0.0 ok", keep=True) as server:
        backend = backend_for(server, timeout=60, chunking=True)
        message = mail(connection=backend)
        task = asyncio.create_task(message.asend())
        await until(lambda: server.verbs and server.verbs[-1] in ("DATA", "BDAT"))
        await asyncio.sleep(0.1)
        await cancelled(task)
        await until(lambda: not senders())
        assert copies(server) == {"ann@x.org": 1}
        assert backend.connection is None
    assert only_status(message) == "sent"


async def test_cancelled_over_tls(ca: trustme.CA, server_tls: ssl.SSLContext) -> None:
    context = ssl.create_default_context()
    ca.configure_trust(context)
    with FaultyServer(tls=server_tls, implicit_tls=True).on("MAIL", Hang()) as server:
        backend = backend_for(server, timeout=60, use_ssl=True)
        backend.ssl_context = context
        message = mail(connection=backend)
        task = asyncio.create_task(message.asend())
        await until(lambda: "MAIL" in server.verbs)
        await cancelled(task)
        await until(lambda: not senders())
        assert (server.messages, server.connections, backend.connection) == ([], 1, None)
    assert only_status(message) == "deferred"


async def test_task_does_not_wait_for_ever_for_an_answer() -> None:
    with FaultyServer().on(".", Hang(2), "250 2.0.0 ok", keep=True) as server:
        message = mail(connection=backend_for(server, timeout=60))
        task = asyncio.create_task(message.asend())
        await until(lambda: server.verbs and server.verbs[-1] == "DATA")
        await asyncio.sleep(0.1)
        await cancelled(task)
        assert senders()
        assert message.delivery is None
        await until(lambda: not senders())
    assert only_status(message) == "sent"


@pytest.mark.parametrize("connections", [1, 3])
async def test_cancelled_batch_stops_and_every_report_is_true(connections: int) -> None:
    messages = mails(200)
    reports: list[DeliveryReport] = []
    with FaultyServer().on(".", Hang(0.02), "250 2.0.0 ok", keep=True) as server:
        connection = backend_for(server, timeout=60, connections=connections)
        task = asyncio.create_task(
            asend_mass_mail(iter(messages), connection=connection, on_result=reports.append)
        )
        await until(lambda: len(server.messages) >= 5)
        await cancelled(task)
        await until(lambda: not senders())
        taken = copies(server)
        assert connection.connection is None
    assert 5 <= len(taken) < 100
    assert set(taken.values()) == {1}
    fates = {next(iter(report.recipients)): report for report in reports}
    assert {address for address, report in fates.items() if report.accepted} == set(taken)
    begun = [message for message in messages if message.delivery is not None]
    assert len(begun) == len(reports) < 100
    assert {result.status for report in reports for result in report.recipients.values()} <= {
        "sent",
        "deferred",
    }


async def test_async_generator_is_asked_for_one_item_at_a_time() -> None:
    given = 0

    async def items() -> Any:
        nonlocal given
        for item in tuples(50):
            given += 1
            await asyncio.sleep(0)
            yield item

    with FaultyServer().on(".", "250 2.0.0 ok", keep=True) as server:
        ahead = []
        connection = backend_for(server)
        sent = await asend_mass_mail(
            items(), connection=connection, on_result=lambda _: ahead.append(given - len(server.messages))
        )
    assert sent == 50
    assert max(ahead) <= 3


async def test_error_of_an_async_generator_is_raised_after_the_rest() -> None:
    async def items() -> Any:
        yield tuples(1)[0]
        raise LookupError("no more")

    with FaultyServer() as server:
        with pytest.raises(LookupError, match="no more"):
            await asend_mass_mail(items(), connection=backend_for(server))
        assert len(server.messages) == 1


async def test_cancelled_while_an_async_generator_thinks() -> None:
    waiting, gone = asyncio.Event(), asyncio.Event()

    async def items() -> Any:
        yield tuples(1)[0]
        waiting.set()
        try:
            await asyncio.sleep(3600)
        finally:
            gone.set()

    with FaultyServer() as server:
        connection = backend_for(server)
        task = asyncio.create_task(asend_mass_mail(items(), connection=connection))
        await waiting.wait()
        await cancelled(task)
        await gone.wait()
        await until(lambda: not senders())
        assert len(server.messages) == 1
        assert connection.connection is None


async def test_a_timeout_of_the_loop_is_a_cancellation() -> None:
    with FaultyServer().on("MAIL", Hang()) as server:
        message = mail(connection=backend_for(server, timeout=60))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(message.asend(), 0.3)
        await until(lambda: not senders())
        assert server.messages == []
    assert only_status(message) == "deferred"


async def test_the_error_of_an_abandoned_thread_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with FaultyServer().on("MAIL", Hang()) as server:
        task = asyncio.create_task(mail(connection=backend_for(server, timeout=60)).asend())
        await until(lambda: "MAIL" in server.verbs)
        await cancelled(task)
        await until(lambda: not senders())
        del task
        gc.collect()
    assert [record for record in caplog.records if record.name == "asyncio"] == []


async def test_a_backend_of_any_class_is_not_called_after_the_cancellation() -> None:
    begin, called = threading.Event(), []

    class Slow(BaseEmailBackend):
        def send_messages(self, email_messages: Any) -> int:
            called.append(email_messages)
            return 1

    class Late:
        def render(self) -> Any:
            begin.wait()
            return mail()

    task = asyncio.create_task(asend_mass_mail([Late(), Late()], connection=Slow()))
    await until(senders)
    asyncio.get_running_loop().call_later(0.1, begin.set)
    await cancelled(task)
    await until(lambda: not senders())
    assert called == []


async def test_partial_failure_is_raised_in_the_task() -> None:
    with (
        FaultyServer().on("RCPT", "550 5.1.1 no", match="p1@") as server,
        pytest.raises(DeliveryError) as caught,
    ):
        await asend_mass_mail(tuples(3), connection=backend_for(server))
    assert caught.value.sent == 2


def test_cancelling_aborts_what_is_registered_once() -> None:
    aborted: list[str] = []
    cancellation = Cancellation()
    cancellation.register_abort("a", lambda: aborted.append("a"))
    cancellation.register_abort("b", lambda: aborted.append("b"))
    cancellation.forget("b")
    cancellation.check()
    cancellation.cancel()
    cancellation.cancel()
    assert aborted == ["a"]
    with pytest.raises(SendCancelled, match="cancelled"):
        cancellation.register_abort("c", lambda: aborted.append("c"))
