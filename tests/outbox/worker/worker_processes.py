"""Processes that send what is queued, and are killed on the way.

What is to be done comes as JSON on standard input to ``python -m tests.outbox.worker.worker_processes``, what
was done goes to standard output. The program has one thread, so that it can fork. A mail is killed at a step
of :data:`STEPS`; then the lease of the dead worker is let end, and the quarter of an hour after an uncertain
outcome pass.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from time import monotonic
from typing import Any

from sqlalchemy import text

from aerogram.conf import settings
from aerogram.mail import EmailMessage
from aerogram.mail.smtp import driver
from aerogram.outbox.queueing import freeze, queue
from aerogram.outbox.recovery import recover
from aerogram.outbox.schedule import Schedule
from aerogram.outbox.storage.database import Database, current_database
from aerogram.outbox.worker import Worker
from aerogram.outbox.worker.committer import checkpoint

STEPS = {
    # A step, and the how-manieth time it is reached: the first commit is that of the mark, the second one
    # that of the result. Then whether the mail may be out, and whether it is out.
    ("after claim", 1): (False, False),
    ("before content", 1): (False, False),
    ("before commit", 1): (False, False),
    ("in commit", 1): (False, False),
    ("after commit", 1): (True, False),
    ("content", 1): (True, False),
    ("after dot", 1): (True, True),
    ("after reply", 1): (True, True),
    ("before commit", 2): (True, True),
    ("in commit", 2): (True, True),
    ("after commit", 2): (False, True),
}


def kill_at(step: str, number: int) -> None:
    """Let this process die at a step."""
    seen = dict.fromkeys(("after dot", step), 0)

    def reached(name: str) -> None:
        if name == step:
            seen[step] += 1
            if seen[step] == number:
                os.kill(os.getpid(), signal.SIGKILL)

    def receive(*arguments: Any) -> Any:
        if seen["after dot"]:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments)

    def content(name: str) -> None:
        seen["after dot"] += name == "content"

    real = driver._receive
    if step == "after dot":
        driver._receive = receive  # type: ignore[assignment] # the seam of this test
        checkpoint.append(content)
    else:
        checkpoint.append(reached)


def fork(work: Callable[[], object]) -> int:
    """Run a function in a process of its own."""
    if pid := os.fork():
        return pid
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)


def put(db: Database, number: int, prefix: str = "mail") -> list[str]:
    """Queue mails in groups."""
    ids: list[str] = []
    for start in range(0, number, 500):
        mails = []
        for i in range(start, min(start + 500, number)):
            frozen = freeze(EmailMessage(f"{prefix} {i}", "Hello", "a@example.com", [f"u{i}@example.com"]))
            assert frozen is not None
            mails.append((frozen, Schedule.of()))
        ids += queue(db, mails)
    return ids


def run_killed(rounds: int) -> list[tuple[str, str, int]]:
    """Kill one worker a round, at the steps in turn; return the mails, and where each was killed."""
    db, steps, done = current_database(), list(STEPS), []
    for i in range(rounds):
        step, number = steps[i % len(steps)]
        [entry_id] = put(db, 1, f"round {i}")

        def killed(step: str = step, number: int = number) -> None:
            kill_at(step, number)
            Worker(concurrency=1, once=True).run()

        _, status = os.waitpid(fork(killed), 0)
        assert status == signal.SIGKILL, f"{step} {number} was not reached: {status}"
        done.append((entry_id, step, number))
        _execute(db, "UPDATE aerogram_outbox_entry SET lease_until = 1 WHERE state = 'sending'")
        recover(db)
        _set_due(db, 9 * 10**12)  # another round is about another mail
    for _ in range(3):
        _set_due(db, 1)  # the wait after an uncertain outcome passes
        os.waitpid(fork(lambda: Worker(concurrency=2, once=True).run()), 0)
    return done


def _set_due(db: Database, due: int) -> None:
    _execute(db, f"UPDATE aerogram_outbox_entry SET due = {due} WHERE state = 'queued'")
    _execute(db, f"UPDATE aerogram_outbox_recipient SET due = {due} WHERE state = 'pending'")


def _execute(db: Database, statement: str) -> None:
    with db.writing() as connection:
        connection.execute(text(statement))


def run_many(workers: int, mails: int) -> list[int]:
    """Let workers of 1, 2, 3 … connections send what is queued; return their exit statuses."""
    put(current_database(), mails)
    children = [
        fork(lambda number=number: Worker(concurrency=number, once=True).run())
        for number in range(1, workers + 1)
    ]
    return [os.waitpid(child, 0)[1] for child in children]


def run_limited(workers: int, mails: int) -> tuple[list[int], float]:
    """Do the same; return for how many seconds they have worked, too."""
    began = monotonic()
    return run_many(workers, mails), monotonic() - began


if __name__ == "__main__":
    given = json.load(sys.stdin)
    settings.configure(**given["settings"])
    print(json.dumps(globals()[given["run"]](*given["arguments"])))
