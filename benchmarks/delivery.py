"""Delivery over SMTP beside Django 5.2 and Postfix's smtp-source: ``./run bench delivery``.

All contestants send multipart messages of 2 KB text and 15 KB HTML with a few non-ASCII letters to
Postfix's smtp-sink, on loopback and through a proxy that makes a round trip take 20 ms. Each round runs
every contestant once and gives one ratio. The table shows the median, the smallest and the largest ratio of
all rounds. Message objects are created before the clock starts; the time includes opening and closing the
connection.

* same body: the messages of a batch have the same content and differ only in their recipient
* distinct bodies: every message has its own content
* waits: how often the server had answered everything and waited for the client, counted by the server
* without (only when asked for): how much longer a message takes without each fast path
* memory: the growth of the process from 1 message to many, read from a generator

``--quick`` runs fewer and smaller rounds; ``--memory 0`` leaves out the memory.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from aerogram.mail.backends.smtp import EmailBackend
from aerogram.mail.message import EmailMultiAlternatives
from aerogram.mail.smtp import driver, transaction
from aerogram.testing import FaultyServer
from benchmarks.smtp_peers import LISTEN, delay_proxy, sink, smtp_source

TEXT = ("Grüße aus der Werkstatt. " + "All parts have arrived and wait for you. " * 48)[:2000]
ROW = "<tr><td style='padding:4px'>A row of the table</td><td align='right'>12.50 €</td></tr>\n"
HTML = f"<html><body><h1>Your order</h1><table>{ROW * 160}</table></body></html>"
MESSAGE_SIZE = 18_000


@dataclass(frozen=True)
class Contestant:
    """A sender; ``send(port, count, mark)`` returns the elapsed and the processor time in seconds."""

    name: str
    send: Callable[[int, int, str], tuple[float, float]]


def contents(distinct: bool, mark: str, number: int) -> tuple[str, str]:
    """Return text and HTML of a message; ``mark`` differs between rounds, so no cache helps across them."""
    note = f"{mark}-{number}" if distinct else mark
    return f"{TEXT}\n{note}\n", HTML.replace("Your order", f"Your order {note}")


def ours(distinct: bool, mark: str, count: int) -> Iterator[EmailMultiAlternatives]:
    """Yield messages of Aerogram."""
    text, html = contents(False, mark, 0)
    for number in range(count):
        if distinct:
            text, html = contents(True, mark, number)
        message = EmailMultiAlternatives("Grüße", text, "Shop <shop@example.com>", [f"p{number}@example.com"])
        message.attach_alternative(html, "text/html")
        yield message


def theirs(distinct: bool, mark: str, count: int) -> list[Any]:
    """Return messages of Django."""
    from django.core.mail import EmailMultiAlternatives as DjangoMessage

    messages = []
    text, html = contents(False, mark, 0)
    for number in range(count):
        if distinct:
            text, html = contents(True, mark, number)
        message = DjangoMessage("Grüße", text, "Shop <shop@example.com>", [f"p{number}@example.com"])
        message.attach_alternative(html, "text/html")
        messages.append(message)
    return messages


def timed(work: Callable[[], object], count: int) -> tuple[float, float]:
    """Return the elapsed and the processor time of ``work``, which returns the number of sent messages."""
    gc.collect()
    began, worked = time.perf_counter(), time.process_time()
    sent = work()
    took = time.perf_counter() - began, time.process_time() - worked
    if sent != count:
        raise RuntimeError(f"{sent} of {count} messages were sent")
    return took


def aerogram(
    distinct: bool, *, streamed: bool = False, **options: Any
) -> Callable[[int, int, str], tuple[float, float]]:
    """Return a function that sends with our backend, from a list or from a generator."""

    def send(port: int, count: int, mark: str) -> tuple[float, float]:
        messages = list(ours(distinct, mark, count))
        backend = EmailBackend(LISTEN, port, timeout=60, **options)
        return timed(lambda: backend.send_messages(iter(messages) if streamed else messages), count)

    return send


def django(distinct: bool) -> Callable[[int, int, str], tuple[float, float]]:
    """Return a function that sends with Django's backend."""
    from django.core.mail.backends.smtp import EmailBackend as DjangoBackend

    def send(port: int, count: int, mark: str) -> tuple[float, float]:
        messages = theirs(distinct, mark, count)
        backend = DjangoBackend(LISTEN, port, timeout=60)
        return timed(lambda: backend.send_messages(messages), count)

    return send


def source(sessions: int) -> Callable[[int, int, str], tuple[float, float]]:
    """Return a function that sends with smtp-source; its processor time is not measured."""
    return lambda port, count, _mark: (smtp_source(port, count, sessions, MESSAGE_SIZE), float("nan"))


def compare(title: str, port: int, rounds: int, count: int, contestants: list[Contestant]) -> None:
    """Run the rounds and print the ratio of each contestant to the first one."""
    walls: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    cpus: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    for number in range(-1, rounds):  # the first round only warms up
        for contestant in random.sample(contestants, len(contestants)):
            mark = f"{title}-{number}-{contestant.name}"
            # All send the same number of messages, and fewer in the first round.
            wall, cpu = contestant.send(port, count if number >= 0 else max(count // 10, 5), mark)
            if number >= 0:
                walls[contestant.name].append(wall / count)
                cpus[contestant.name].append(cpu / count)
    base = walls[contestants[0].name]
    print(f"\n{title}: {rounds} rounds of {count} messages")
    print(f"  {'':34} {'messages/s':>10} {'CPU us/message':>15}   times {contestants[0].name}")
    for contestant in contestants:
        ratios = sorted(first / mine for first, mine in zip(base, walls[contestant.name], strict=True))
        rate = 1 / statistics.median(walls[contestant.name])
        cpu = statistics.median(cpus[contestant.name]) * 1e6
        spread = f"{statistics.median(ratios):6.1f}  [{ratios[0]:.1f} to {ratios[-1]:.1f}]"
        print(f"  {contestant.name:34} {rate:10.0f} {cpu:15.0f}   {spread}")


# What is replaced, and what by, to go without a fast path.
SWITCHES: dict[str, tuple[Any, str, Any]] = {
    "sent ahead": (driver, "_AHEAD", -1),
    "held content": (driver, "_MORE", 0),
    "stuffed body": (transaction, "_KEPT", -1),
}


def compare_without(port: int, rounds: int, count: int) -> None:
    """Print how much longer a message takes without each fast path: of the clock, and of the processor."""
    print(f"\nWithout a fast path, on loopback: {rounds} rounds of {count} messages")
    print(f"  {'':16} {'messages':>28} {'clock':>8} {'processor':>10}")
    for title, distinct, options in (
        ("same body", False, {}),
        ("same body, streamed", False, {"streamed": True}),
        ("distinct bodies", True, {}),
        ("same body, 4 connections", False, {"connections": 4}),
    ):
        send = aerogram(distinct, **options)
        took: dict[str, list[tuple[float, float]]] = {name: [] for name in ("", *SWITCHES)}
        for number in range(-1, rounds):
            for name in random.sample(sorted(took), len(took)):
                with patch.object(*SWITCHES[name]) if name else contextlib.nullcontext():
                    result = send(port, count if number >= 0 else 20, f"{title}-{number}-{name}")
                if number >= 0:
                    took[name].append(result)
        for name in SWITCHES:
            pairs = list(zip(took[name], took[""], strict=True))
            clock, cpu = (statistics.median(one[i] / base[i] for one, base in pairs) - 1 for i in (0, 1))
            print(f"  {name:16} {title:>28} {clock:+8.0%} {cpu:+10.0%}")


def count_waits(count: int) -> None:
    """Print the number of round trips, counted by a server."""
    print(f"\nWaits for {count} messages, including connecting and quitting, counted by the server:")
    for name, send in (("Django 5.2", django(True)), ("aerogram", aerogram(True))):
        with FaultyServer() as server:
            send(server.port, count, "waits")
        print(f"  {name:34} {server.waits:10} {server.waits / count:15.2f} a message")


def measure_memory(port: int, count: int) -> None:
    """Print the memory that ``count`` messages need beyond one, each run in a process of its own."""
    sizes = {}
    for number in (1, count):
        command = [sys.executable, "-m", "benchmarks.delivery", "--stream", str(number), "--port", str(port)]
        sizes[number] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    growth = (sizes[count] - sizes[1]) / 1024
    print(f"\nMemory: {count} streamed messages with distinct bodies need {growth:.1f} MiB more than one")


def stream(port: int, count: int) -> None:
    """Send ``count`` messages from a generator and print the peak size of this process in KiB."""
    EmailBackend(LISTEN, port, timeout=60).send_messages(ours(True, "memory", count))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> None:
    """Parse the arguments and run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer and smaller rounds")
    parser.add_argument("--rounds", type=int, help="rounds a table (9; quick: 3)")
    parser.add_argument("--messages", type=int, help="messages a round on loopback (1000; quick: 200)")
    parser.add_argument("--memory", type=int, help="messages streamed for the memory (100000; quick: 5000)")
    parser.add_argument(
        "--only", choices=["loopback", "lockstep", "delay", "waits", "memory", "without"], action="append"
    )
    parser.add_argument("--stream", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stream:
        stream(options.port, options.stream)
        return
    from django.conf import settings

    settings.configure()
    rounds = options.rounds or (3 if options.quick else 9)
    count = options.messages or (200 if options.quick else 1000)
    wanted = set(options.only or ["loopback", "lockstep", "delay", "waits", "memory"])
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(sink())
        contestants = [
            Contestant("Django 5.2, distinct bodies", django(True)),
            Contestant("Django 5.2, same body", django(False)),
            Contestant("aerogram, distinct bodies", aerogram(True)),
            Contestant("aerogram, same body", aerogram(False)),
            Contestant("aerogram, 4 connections, same body", aerogram(False, connections=4)),
            Contestant("aerogram, 4 connections, distinct", aerogram(True, connections=4)),
        ]
        postfix = [Contestant("smtp-source, 1 session", source(1)), Contestant("smtp-source, 10", source(10))]
        if "loopback" in wanted:
            compare("Loopback", port, rounds, count, [*contestants, *postfix])
        if "lockstep" in wanted:
            plain = stack.enter_context(sink("-p"))
            compare("Loopback, a server without PIPELINING", plain, rounds, count, contestants[:4])
        if "delay" in wanted:
            far = stack.enter_context(delay_proxy(port, 0.01))
            compare("20 ms round trip", far, rounds, min(count, 80), [*contestants, *postfix])
            slow = stack.enter_context(sink("-p"))
            far = stack.enter_context(delay_proxy(slow, 0.01))
            title = "20 ms round trip, a server without PIPELINING"
            compare(title, far, rounds, min(count, 40), contestants[:4])
        if "without" in wanted:
            compare_without(port, rounds, count)
        if "waits" in wanted:
            count_waits(50)
        memory = options.memory if options.memory is not None else (5000 if options.quick else 100_000)
        if "memory" in wanted and memory:
            measure_memory(port, memory)


if __name__ == "__main__":
    main()
