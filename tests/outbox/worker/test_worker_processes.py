"""Worker processes that are killed, stopped, or many: battery F 76, 78, 79 and 86."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from typing import Any

import pytest
from sqlalchemy import select

from aerogram import outbox
from aerogram.mail import EmailMessage
from aerogram.outbox.recovery import recover
from aerogram.outbox.storage.database import current_database
from aerogram.outbox.storage.schema import entry
from aerogram.testing import FaultyServer
from tests.forked_python import python
from tests.outbox.worker.worker_processes import STEPS

pytestmark = pytest.mark.timeout(600)  # on a busy machine a test takes minutes


def run(function: str, *arguments: int, **settings: Any) -> Any:
    """Run a function of ``worker_processes`` in a process of its own."""
    given = {"run": function, "arguments": arguments, "settings": settings}
    done = subprocess.run(
        python("-m", "tests.outbox.worker.worker_processes"),
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def copies(server: FaultyServer) -> Counter[str]:
    """How often each mail was accepted, by Message-ID."""
    return Counter(message_from_bytes(each.content)["Message-ID"] for each in server.messages)


@pytest.mark.parametrize(
    ("database", "policy", "rounds"),
    [("sqlite", "retry", 99), ("postgresql", "retry", 88), ("sqlite", "hold", 22)],
)
def test_76_a_worker_killed_at_any_step_loses_nothing_and_every_copy_is_on_record(
    database: str, policy: str, rounds: int, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(f"{database}_url")
    with FaultyServer(client_timeout=120) as server, outbox_at(url):
        options = {"OUTBOX_URL": url, "EMAIL_HOST": server.host, "EMAIL_PORT": server.port}
        killed = run("run_killed", rounds, **options, OUTBOX_ON_UNCERTAIN=policy)
        accepted = copies(server)
        assert len(killed) == rounds
        for entry_id, step, number in killed:
            entry = outbox.get(entry_id)
            in_doubt, is_out = STEPS[step, number]
            assert entry.uncertain == in_doubt, (step, number)
            held = in_doubt and policy == "hold"
            assert entry.state == ("held" if held else "done"), (step, number)
            expected = is_out if held else 1 + (in_doubt and is_out)
            assert accepted[entry.message_id] == expected, (step, number)


@pytest.mark.parametrize(("database", "mails"), [("sqlite", 1500), ("postgresql", 5000)])
def test_78_eight_workers_send_each_mail_once(
    database: str, mails: int, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(f"{database}_url")
    with FaultyServer(client_timeout=120) as server, outbox_at(url):
        options = {"OUTBOX_URL": url, "EMAIL_HOST": server.host, "EMAIL_PORT": server.port}
        assert run("run_many", 8, mails, **options) == [0] * 8
        accepted = copies(server)
        assert (len(accepted), set(accepted.values())) == (mails, {1})
        assert outbox.counts()["done"] == mails


@contextmanager
def stopped_worker(url: str, verb: str) -> Iterator[tuple[FaultyServer, subprocess.Popen[bytes]]]:
    """Run a worker, and stop it with SIGSTOP while it waits for the reply to a verb, which then comes."""
    with FaultyServer(client_timeout=120) as server:
        reached, release = threading.Event(), threading.Event()
        real = server.rule_for

        def rule_for(given: str, argument: str, connection: int) -> Any:
            if given == verb:
                reached.set()
                release.wait(60)
            return real(given, argument, connection)

        server.rule_for = rule_for  # type: ignore[method-assign] # a server with rules of its own
        values = {
            "OUTBOX_URL": url, "OUTBOX_LEASE": "0.5",
            "EMAIL_HOST": server.host, "EMAIL_PORT": str(server.port),
        }  # fmt: skip
        environment = {**os.environ, **{f"AEROGRAM_{name}": value for name, value in values.items()}}
        command = [sys.executable, "-m", "aerogram", "worker", "--concurrency", "1"]
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as worker:
            try:
                assert reached.wait(60)
                with outbox_at(url), current_database().writing() as connection:
                    connection.execute(select(entry).with_for_update())  # the worker is not writing then
                    worker.send_signal(signal.SIGSTOP)
                    os.waitid(os.P_PID, worker.pid, os.WSTOPPED | os.WNOWAIT)
                release.set()
                with outbox_at(url, EMAIL_HOST=server.host, EMAIL_PORT=server.port):
                    yield server, worker
                worker.send_signal(signal.SIGTERM)
                assert worker.wait(60) == 0
            finally:
                worker.kill()


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_79_a_worker_that_was_stopped_past_its_lease_sends_no_content(outbox_url: str) -> None:
    first = message("first").send_later()
    with stopped_worker(outbox_url, "DATA") as (server, worker):
        wait_until(outbox.run_once)  # another worker takes over when the lease has ended
        assert outbox.get(first).state == "done"
        worker.send_signal(signal.SIGCONT)
        second = message("second").send_later()
        wait_until(lambda: outbox.get(second).state == "done")  # the first one has noticed, and goes on
        accepted = copies(server)
        for each in map(outbox.get, (first, second)):
            assert (accepted[each.message_id], each.uncertain) == (1, 0)


def test_79_the_late_result_of_a_worker_that_was_stopped_is_kept_and_no_copy_is_sent(outbox_url: str) -> None:
    first = message("first").send_later()
    with stopped_worker(outbox_url, ".") as (server, worker):
        wait_until(lambda: recover(current_database()))
        assert (outbox.get(first).state, outbox.get(first).uncertain) == ("queued", 1)
        worker.send_signal(signal.SIGCONT)
        wait_until(lambda: outbox.get(first).state == "done")
        assert [each.outcome for each in outbox.get(first).history] == ["uncertain", "sent"]
        assert outbox.run_once() == 0
        assert copies(server) == {outbox.get(first).message_id: 1}


def test_86_four_processes_share_a_rate(outbox_url: str) -> None:
    with FaultyServer(client_timeout=120) as server, outbox_at(outbox_url):
        mailers = {"slow": {"URL": f"smtp://{server.host}:{server.port}", "OPTIONS": {"rate": 20}}}
        options = {"OUTBOX_URL": outbox_url, "OUTBOX_MAILER": "slow", "MAILERS": mailers}
        statuses, seconds = run("run_limited", 4, 30, **options)
        assert statuses == [0] * 4
        assert (
            seconds >= 28 / 20
        )  # never less, however busy the machine is; 0.4 if each had a rate of its own
        assert set(copies(server).values()) == {1}
        assert outbox.counts()["done"] == 30


def message(subject: str) -> EmailMessage:
    return EmailMessage(subject, "Hello", "shop@example.com", ["ann@example.com"])


def outbox_at(url: str, **options: Any) -> Any:
    """Use the outbox of a URL in this process."""
    from aerogram.conf import settings

    return settings.override(OUTBOX_URL=url, **options)
