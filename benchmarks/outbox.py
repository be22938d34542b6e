"""Queueing and draining beside django-post_office and django-mailer: ``./run bench outbox``.

Every contestant queues and drains the same mails (2 KB, text and HTML) in the same run, one process each,
into a SQLite file of its own, through Postfix's smtp-sink on loopback. Each peer runs as its README sets it
up, and tuned: write-ahead logs and immediate transactions, as Django's documentation advises, one batch, and
as many threads as Aerogram has connections. With ``--rounds`` they run in turns, and the medians are shown.
Then Aerogram alone: with 2 and 4 worker processes, which all stand ready before the clock starts, and with
PostgreSQL, a server of its own or that of ``--postgresql URL``. The processor time is that of the process
that drains; with several processes, it is not counted.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, nullcontext
from statistics import median
from typing import Any

from benchmarks.smtp_peers import LISTEN, free_port, sink
from tests.outbox import postgresql

TEXT = "Dear Ann,\n" + "your order is on its way.\n" * 20
HTML = "<p>" + "your order is on its way.<br>\n" * 50 + "</p>"
GROUP = 200
CONNECTIONS = 32
OURS = "aerogram, SQLite, 1 process"
TUNED = ", tuned"
PEERS = [f"{peer}{how}" for peer in ("django-post_office", "django-mailer") for how in ("", TUNED)]


def arguments_of(number: int) -> tuple[str, str, str, list[str]]:
    """Return subject, text, sender and recipients of a mail."""
    return f"Order {number}", TEXT, "shop@example.com", [f"u{number}@example.com"]


def measured(result: dict[str, float], name: str, mails: int, work: Callable[[], object]) -> None:
    """Note mails a second, and the processor time of one in microseconds."""
    began, processor = time.perf_counter(), time.process_time()
    work()
    result[f"{name}/s"] = mails / (time.perf_counter() - began)
    result[f"{name} cpu us"] = (time.process_time() - processor) / mails * 1e6


def aerogram(mails: int, url: str, host: str, port: int, workers: int) -> dict[str, float]:
    """Queue one by one and in groups, and drain."""
    from aerogram import outbox
    from aerogram.conf import settings
    from aerogram.mail import EmailMultiAlternatives, get_connection

    settings.configure(OUTBOX_URL=url, EMAIL_HOST=host, EMAIL_PORT=port)
    outbox.init()

    def messages(start: int, end: int) -> Any:
        for number in range(start, end):
            message = EmailMultiAlternatives(*arguments_of(number))
            message.attach_alternative(HTML, "text/html")
            yield message

    backend = get_connection("aerogram.mail.backends.outbox.EmailBackend")
    single = min(GROUP, mails // 2)
    result: dict[str, float] = {}
    measured(result, "queue single", single, lambda: [each.send_later() for each in messages(0, single)])
    measured(result, "queue grouped", mails - single, lambda: backend.send_messages(messages(single, mails)))
    if workers == 1:
        measured(result, "drain", mails, lambda: outbox.run_once(concurrency=CONNECTIONS))
    else:
        context = multiprocessing.get_context("spawn")
        ready = context.Barrier(workers + 1)
        each = CONNECTIONS // workers
        children = [
            context.Process(target=_drain, args=(url, host, port, each, ready)) for _ in range(workers)
        ]
        for child in children:
            child.start()
        ready.wait()
        began = time.perf_counter()
        for child in children:
            child.join()
        result["drain/s"] = mails / (time.perf_counter() - began)
    counts = outbox.counts()
    assert counts["done"] == sum(counts.values()) >= mails, counts
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            [(pages, size)] = file.execute("SELECT * FROM pragma_page_count, pragma_page_size")
        result["octets a mail"] = pages * size / mails
    return result


def _drain(url: str, host: str, port: int, concurrency: int, ready: Any) -> None:
    from aerogram import outbox
    from aerogram.conf import settings
    from aerogram.outbox.worker import Worker

    settings.configure(OUTBOX_URL=url, EMAIL_HOST=host, EMAIL_PORT=port)
    outbox.counts()
    worker = Worker(concurrency=concurrency, once=True)
    ready.wait()
    worker.run()


def peer(which: str, mails: int, folder: str, host: str, port: int) -> dict[str, float]:
    """Let one of the peers queue and drain."""
    import django
    from django.conf import settings
    from django.core.management import call_command

    smtp = "django.core.mail.backends.smtp.EmailBackend"
    post_office, is_tuned = which.startswith("django-post_office"), which.endswith(TUNED)
    database: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder}/db.sqlite3"}
    options: dict[str, Any] = {"BACKENDS": {"default": smtp}}
    if is_tuned:
        database["OPTIONS"] = {"init_command": "PRAGMA journal_mode=WAL", "transaction_mode": "IMMEDIATE"}
        options |= {"BATCH_SIZE": mails, "BATCH_DELIVERY_TIMEOUT": 3600, "THREADS_PER_PROCESS": CONNECTIONS}
    settings.configure(
        DATABASES={"default": database},
        INSTALLED_APPS=["django.contrib.contenttypes", "post_office" if post_office else "mailer"],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        EMAIL_BACKEND="post_office.EmailBackend" if post_office else "mailer.backend.DbBackend",
        EMAIL_HOST=host,
        EMAIL_PORT=port,
        LOGGING_CONFIG=None,
        MAILER_EMAIL_BACKEND=smtp,
        POST_OFFICE=options,
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)
    from django.core.mail import EmailMultiAlternatives, get_connection

    def messages() -> Any:
        for number in range(mails):
            message = EmailMultiAlternatives(*arguments_of(number))
            message.attach_alternative(HTML, "text/html")
            yield message

    result: dict[str, float] = {}
    measured(result, "queue grouped", mails, lambda: get_connection().send_messages(list(messages())))
    if post_office:
        from post_office.mail import send_queued_mail_until_done
        from post_office.models import STATUS, Email

        measured(result, "drain", mails, lambda: send_queued_mail_until_done(processes=1))
        left = Email.objects.exclude(status=STATUS.sent).count()
    else:
        from mailer.engine import send_all
        from mailer.models import Message

        measured(result, "drain", mails, send_all)
        left = Message.objects.count()
    assert left == 0, f"{which} left {left} mails"
    return result


def run(function: str, *arguments: Any) -> dict[str, float]:
    """Run a contestant in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.outbox", "--contestant", function, json.dumps(arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return dict(json.loads(done.stdout.splitlines()[-1]))


def show(name: str, result: dict[str, float]) -> None:
    """Write one line."""
    print(f"{name:32}", "  ".join(f"{key} {value:,.0f}" for key, value in result.items()), flush=True)


def medians(results: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of each number."""
    return {key: median(each[key] for each in results) for key in results[0]}


def main() -> None:
    """Run all contestants and show their numbers and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mails", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--postgresql", default="", metavar="URL")
    parser.add_argument("--contestant", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant:
        function, arguments = options.contestant
        print("\n" + json.dumps(globals()[function](*json.loads(arguments))))
        return
    with sink() as port:
        beside_the_peers(options.mails, options.rounds, port)
        alone(options.mails, options.postgresql, port)


def beside_the_peers(mails: int, rounds: int, port: int) -> None:
    """Run all contestants in turns, one process each."""
    results: dict[str, list[dict[str, float]]] = {name: [] for name in (OURS, *PEERS)}
    for _ in range(rounds):
        for name, measurements in results.items():
            with tempfile.TemporaryDirectory() as folder:
                if name == OURS:
                    done = run("aerogram", mails, f"sqlite:///{folder}/1.db", LISTEN, port, 1)
                else:
                    done = run("peer", name, mails, folder, LISTEN, port)
                measurements.append(done)
    ours = medians(results[OURS])
    for name, measurements in results.items():
        show(name, theirs := medians(measurements))
        for what in ("queue grouped", "drain") if name != OURS else ():
            print(f"  {what}: {ours[f'{what}/s'] / theirs[f'{what}/s']:.1f} times its rate")


def alone(mails: int, postgresql_url: str, port: int) -> None:
    """Run Aerogram with several processes, and with PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder:
        for workers in (2, 4):
            url = f"sqlite:///{folder}/{workers}.db"
            done = run("aerogram", mails, url, LISTEN, port, workers)
            show(f"aerogram, SQLite, {workers} processes", done)
    with (
        nullcontext(postgresql_url) if postgresql_url else postgresql.running(free_port(), fsync="on") as url
    ):
        for workers in (1, 2, 4):
            done = run("aerogram", mails, url, LISTEN, port, workers)
            show(f"aerogram, PostgreSQL, {workers} process{'es' * (workers > 1)}", done)


if __name__ == "__main__":
    main()
