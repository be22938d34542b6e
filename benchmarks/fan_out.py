"""The processor time of each step of a fan-out, for a mail: ``./run bench fan_out``.

The mails are the digests of ``benchmarks.render``, and go through one connection to the smtp-sink of Postfix.
Shown is the least of several rounds: a busy machine makes processor time longer, though it counts no waiting.
With ``--postgresql URL`` the outbox is in that database, whose own work is not counted.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import text

from aerogram.conf import settings
from aerogram.outbox.queueing import freeze, queue
from aerogram.outbox.schedule import Schedule
from aerogram.outbox.storage.database import current_database
from aerogram.outbox.worker import Worker
from benchmarks.render import KINDS, context
from benchmarks.smtp_peers import LISTEN, sink

T = TypeVar("T")
GROUP = 200


def main() -> None:
    """Take several rounds, and show the least time of each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mails", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--postgresql", default="")
    options = parser.parse_args()
    templates = str(Path(__file__).parent / "templates")
    with sink() as port, tempfile.TemporaryDirectory() as folder:
        url = options.postgresql or f"sqlite:///{folder}/outbox.db"
        settings.configure(TEMPLATE_DIRS=[templates], OUTBOX_URL=url, EMAIL_HOST=LISTEN, EMAIL_PORT=port)
        times: dict[str, float] = {}
        for number in range(options.rounds):
            run_round(times, options.mails, number)
        log = octets_of_log() if options.postgresql else 0
        run_round({}, options.mails, options.rounds)
        if options.postgresql:
            print(f"write-ahead log   {(octets_of_log() - log) / options.mails / 1000:6.1f} KB a mail")
    for step, milliseconds in times.items():
        print(f"{step:16}  {milliseconds:6.3f} ms")


def run_round(times: dict[str, float], count: int, number: int) -> None:
    """Let one run of mails go through all steps."""

    def timed(step: str, work: Callable[[], T]) -> T:
        began = time.process_time()
        result = work()
        spent = (time.process_time() - began) / count * 1000
        times[step] = min(spent, times.get(step, spent))
        return result

    chance = random.Random(number)  # noqa: S311 - sample data, no secret
    kind, db = KINDS["digest"], current_database()
    given = [context("digest", chance) for _ in range(count)]
    written = timed("to JSON", lambda: [json.dumps(kind(**each).to_dict()) for each in given])
    for each in given:
        kind(**each).render()  # all shapes of it are known then
    mails = timed("from JSON", lambda: [kind.from_dict(json.loads(each)) for each in written])
    messages = timed("render", lambda: [each.render() for each in mails])
    frozen = [each for each in timed("freeze", lambda: list(map(freeze, messages))) if each is not None]
    keyed = [(each, Schedule(key=f"{number}/{position}")) for position, each in enumerate(frozen)]

    def put() -> None:
        for start in range(0, count, GROUP):
            queue(db, keyed[start : start + GROUP])

    timed("queue by a key", put)
    sent = timed("send", lambda: Worker(concurrency=1, once=True).run())
    assert sent == count
    if number == 0:
        octets = sum(len(each.content) for each in frozen) / count
        print(
            f"a mail has {octets / 1000:.1f} KB, its arguments {sum(map(len, written)) / count / 1000:.1f} KB"
        )


def octets_of_log() -> int:
    """Return how far the write-ahead log of PostgreSQL has come."""
    with current_database().reading() as connection:
        return int(connection.scalar(text("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")) or 0)


if __name__ == "__main__":
    main()
