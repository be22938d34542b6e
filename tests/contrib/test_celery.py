"""Mail that goes through the outbox and the workers of Celery, with a real broker and real workers."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kombu
import pytest
import redis
from celery import Celery
from sqlalchemy.orm import Session

from aerogram import outbox, settings
from aerogram.contrib import celery as aerogram_celery
from aerogram.exceptions import PayloadError, ScheduleError
from aerogram.mail import EmailMessage, send_mass_mail
from aerogram.outbox.storage import database
from aerogram.outbox.storage.joining import committed
from aerogram.testing import CatchingServer, FaultyServer, assert_mail_sent
from tests.contrib.celery_app.tasks import NewsForOne

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

committed.remove(aerogram_celery.publish)  # not for the other tests of this process
BACKEND = "aerogram.mail.backends.celery.EmailBackend"
ROOT = Path(__file__).parents[2]
APPLICATION = Path(__file__).parent / "celery_app"


@pytest.fixture(scope="session")
def broker(needs: Callable[[bool, str], None], free_port: Callable[[], int]) -> Iterator[str]:
    """The URL of a Redis server."""
    program = shutil.which("redis-server")
    needs(program is not None, "redis-server is not installed")
    port = free_port()
    command = [str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        url = f"redis://127.0.0.1:{port}"
        wait_until(lambda: _answers(url))
        yield url
    finally:
        server.kill()
        server.wait()


def _answers(url: str) -> bool:
    try:
        return bool(redis.Redis.from_url(url).ping())
    except redis.ConnectionError:
        return False


def wait_until(condition: Callable[[], object], seconds: float = 100) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


@pytest.fixture
def celery_app(tmp_path: Path) -> Iterator[Celery]:
    """The application of the process that queues, and an empty outbox."""
    app = Celery("shop")  # another broker needs another one, as the old one keeps its connections
    committed.append(aerogram_celery.publish)
    settings.configure(OUTBOX_URL=f"sqlite:///{tmp_path}/outbox.db", TEMPLATE_DIRS=[str(APPLICATION)])
    yield app
    committed.remove(aerogram_celery.publish)
    app.close()
    for opened in list(database._databases.values()):
        opened.close()
    database._databases.clear()


@pytest.fixture
def queue(broker: str, celery_app: Celery) -> redis.Redis:
    """The broker that the application publishes to, empty."""
    celery_app.conf.broker_url = broker
    client = redis.Redis.from_url(broker)
    client.flushall()
    return client


@pytest.fixture
def start_worker(broker: str, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """``start_worker(server)`` starts a Celery worker that sends to this server."""
    workers = []

    def start(server: Any, *, processes: int = 1) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "BROKER": broker,
            "AEROGRAM_EMAIL_URL": f"smtp://127.0.0.1:{server.port}",
            "AEROGRAM_OUTBOX_URL": f"sqlite:///{tmp_path}/outbox.db",
            "AEROGRAM_OUTBOX_LEASE": "2",
        }
        command = [sys.executable, "-m", "celery", "-A", "tests.contrib.celery_app.tasks", "worker"]
        options = ["-c", str(processes), "-l", "info", "--without-mingle", "--without-gossip"]
        with (tmp_path / "worker.log").open("ab") as log:
            worker = subprocess.Popen(
                [*command, *options],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def mails(count: int) -> list[EmailMessage]:
    return [EmailMessage(f"No. {number}", "Hi", "a@x.org", [f"r{number}@x.org"]) for number in range(count)]


def people(count: int) -> list[dict[str, Any]]:
    return [{"to": [f"r{number}@x.org"], "name": f"N{number}"} for number in range(count)]


def copies(server: Any) -> Counter[str]:
    return Counter(address for message in server.messages for address in message.recipients)


def test_what_is_queued_is_sent_by_a_worker_even_if_the_broker_forgets_it(
    queue: redis.Redis, start_worker: Any
) -> None:
    with (
        FaultyServer() as server,
        settings.override(EMAIL_BACKEND="aerogram.mail.backends.celery.EmailBackend"),
    ):
        assert send_mass_mail(mails(30)) == 30
        late = mails(1)[0].send_later(delay=3600)
        start_worker(server)
        wait_until(lambda: outbox.counts()["done"] == 30)
        assert outbox.get(late).state == "queued"
        send_mass_mail(mails(40)[30:])
        queue.delete("celery")
        wait_until(lambda: outbox.counts()["done"] == 40)
        sent = copies(server)
    assert len(sent) == 40
    assert set(sent.values()) == {1}


def test_a_task_carries_ids_only(queue: redis.Redis) -> None:
    entry = mails(1)[0].send_later()
    [task] = queue.lrange("celery", 0, -1)
    assert json.loads(base64.b64decode(json.loads(task)["body"]))[0] == [[entry]]


def test_a_task_that_comes_before_the_commit_or_twice_sends_one_mail(queue: redis.Redis) -> None:
    outbox.init()
    engine = database.current_database().engine
    with FaultyServer() as server, settings.override(EMAIL_URL=f"smtp://127.0.0.1:{server.port}"):
        with engine.connect() as connection:
            entry = mails(1)[0].send_later(session=connection)
            connection.rollback()
        assert queue.llen("celery") == 0
        with Session(engine) as session:
            entry = mails(1)[0].send_later(session=session)
            assert queue.llen("celery") == 0
            session.commit()
        assert queue.llen("celery") == 1
        assert aerogram_celery.send.apply(args=[["not committed"]]).result == 0
        assert [aerogram_celery.send.apply(args=[[entry]]).result for _ in range(2)] == [1, 0]
        assert copies(server) == {"r0@x.org": 1}


def test_without_a_broker_the_mail_is_queued_all_the_same(
    queue: redis.Redis, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**_: object) -> None:
        raise kombu.exceptions.OperationalError("redis://:secret@away")

    monkeypatch.setattr(aerogram_celery.send, "apply_async", fails)
    assert outbox.get(mails(1)[0].send_later()).state == "queued"
    assert "the next sweep finds the mail" in caplog.text
    assert "secret" not in caplog.text


def test_a_fan_out_that_is_killed_and_started_again_sends_nobody_a_second_copy(
    queue: redis.Redis, start_worker: Any
) -> None:
    with FaultyServer() as server:
        worker = start_worker(server, processes=2)
        aerogram_celery.fan_out(NewsForOne, iter(people(300)), chunk=20, run="digest-1")
        wait_until(lambda: len(server.messages) > 40)
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        queue.flushall()
        start_worker(server, processes=2)
        again = aerogram_celery.fan_out(NewsForOne, reversed(people(300)), chunk=20, run="digest-1")
        assert (again.items, again.chunks) == (300, 15)
        # Of the mails whose contents were leaving it is not known whether they were sent: these wait.
        wait_until(lambda: again.progress()["done"] + outbox.status().uncertain >= 300)
        sent = copies(server)
    assert max(sent.values()) == 1
    assert len(sent) >= 300 - outbox.status().uncertain


# -- in one process --


@pytest.fixture
def eager(celery_app: Celery) -> None:
    celery_app.conf.task_always_eager = True


def test_a_fan_out_in_a_test_is_captured(eager: None, mailoutbox: list[Any]) -> None:
    aerogram_celery.fan_out(NewsForOne, people(3), chunk=2)
    assert_mail_sent(NewsForOne, to="r2@x.org", count=1)
    assert len(mailoutbox) == 3


def test_one_mail_that_cannot_be_sent_does_not_stop_the_others(
    eager: None, caplog: pytest.LogCaptureFixture
) -> None:
    given = [*people(2), {"to": ["not an address"], "name": "X"}, *people(4)[2:]]
    with FaultyServer() as server, settings.override(EMAIL_URL=f"smtp://127.0.0.1:{server.port}"):
        run = aerogram_celery.fan_out(NewsForOne, given)
    assert len(copies(server)) == 4
    assert run.progress()["done"] == 4
    assert "1 of 5 messages" in caplog.text


def test_an_item_that_the_class_of_today_refuses_does_not_stop_the_others(
    eager: None, caplog: pytest.LogCaptureFixture
) -> None:
    items = [[str(number), fields] for number, fields in enumerate(people(4))]
    items[1][1] = {"to": ["r1@x.org"], "renamed": "N1"}
    with FaultyServer() as server, settings.override(EMAIL_URL=f"smtp://127.0.0.1:{server.port}"):
        outcome = aerogram_celery.send_chunk.apply(args=["run", "news_for_one", items])
    assert set(copies(server)) == {"r0@x.org", "r2@x.org", "r3@x.org"}
    assert isinstance(outcome.result, PayloadError)
    assert "fan-out run" in caplog.text


def test_two_different_items_of_one_key_are_an_error(eager: None, caplog: pytest.LogCaptureFixture) -> None:
    with FaultyServer() as server, settings.override(EMAIL_URL=f"smtp://127.0.0.1:{server.port}"):
        run = aerogram_celery.fan_out(NewsForOne, people(2), key=lambda _: "same")
    assert run.progress()["done"] == 1
    assert "have the key 'same'" in caplog.text


def test_a_run_counts_its_own_mails(eager: None) -> None:
    with CatchingServer() as server, settings.override(EMAIL_URL=f"smtp://127.0.0.1:{server.port}"):
        first = aerogram_celery.fan_out(NewsForOne, people(3), run="week_1")
        aerogram_celery.fan_out(NewsForOne, people(2), run="weekX1")
    assert first.progress()["done"] == 3
    assert aerogram_celery.progress("none")["done"] == 0


def test_a_key_tells_two_equal_items_apart(eager: None) -> None:
    with CatchingServer() as server, settings.override(EMAIL_URL=f"smtp://127.0.0.1:{server.port}"):
        assert aerogram_celery.fan_out(NewsForOne, people(1) * 2, run="a").progress()["done"] == 1
        numbers = iter(range(2))
        run = aerogram_celery.fan_out(NewsForOne, people(1) * 2, run="b", key=lambda _: str(next(numbers)))
    assert run.progress()["done"] == 2


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({"to": ["a@x.org"], "name": object()}, "name"),
        ({"to": ["a@x.org"]}, "name"),
        ({"to": ["a@x.org"], "name": "A", "other": 1}, "other"),
        (["to"], "mapping"),
    ],
)
def test_arguments_that_are_no_json_are_refused_at_once(eager: None, item: Any, says: str) -> None:
    with pytest.raises(PayloadError, match=says):
        aerogram_celery.fan_out(NewsForOne, [item])


@pytest.mark.parametrize(
    "options",
    [
        {"run": "a/b"}, {"run": "x" * 151}, {"run": 5}, {"chunk": 0}, {"chunk": "5"}, {"chunk": True},
        {"key": lambda _: ""},
    ],
)  # fmt: skip
def test_wrong_arguments_are_errors(eager: None, options: dict[str, Any]) -> None:
    with pytest.raises(ScheduleError, match=r"run is|chunk is|The key of an item"):
        aerogram_celery.fan_out(NewsForOne, people(1), **options)
