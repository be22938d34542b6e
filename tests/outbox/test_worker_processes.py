"""Workers that are killed, and many workers: nothing is lost, and a copy is on record (battery F 76, 78)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from email import message_from_bytes
from typing import Any

import pytest

from aerogram import outbox
from aerogram.testing import FaultyServer
from tests.outbox.worker_processes import STEPS


def run(function: str, *arguments: int, **settings: Any) -> Any:
    """Run a function of ``worker_processes`` in a process of its own."""
    given = {"run": function, "arguments": arguments, "settings": settings}
    done = subprocess.run(
        [sys.executable, "-m", "tests.outbox.worker_processes"],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=240,
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
    with FaultyServer() as server, outbox_at(url):
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
    with FaultyServer() as server, outbox_at(url):
        options = {"OUTBOX_URL": url, "EMAIL_HOST": server.host, "EMAIL_PORT": server.port}
        assert run("run_many", 8, mails, **options) == [0] * 8
        accepted = copies(server)
        assert (len(accepted), set(accepted.values())) == (mails, {1})
        assert outbox.counts()["done"] == mails


def outbox_at(url: str) -> Any:
    """Use the outbox of a URL in this process."""
    from aerogram.conf import settings

    return settings.override(OUTBOX_URL=url)
