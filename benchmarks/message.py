"""Serialising a message, compared with Django's ``message().as_bytes()``: ``./run bench message``.

The message has 2 KB of text, 15 KB of HTML with a few non-ASCII letters, and eight header fields. In the
first row the bodies have no line in common; in the second they come from one template and differ in one or
two lines; in the third only To, Date and Message-ID differ; in the fourth all have the same attachment. The
two libraries take turns in one process. The times are medians of processor time; the ratio is the median of
the ratios of all rounds. ``--without`` switches off a fast path.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

import django
from django.conf import settings as django_settings
from django.core.mail import EmailMultiAlternatives as DjangoMessage
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from aerogram.conf import settings
from aerogram.mail import EmailMultiAlternatives
from aerogram.mail.address import parser
from aerogram.mail.header import fields
from aerogram.mail.wire import header_block, serializer
from aerogram.mail.wire.serializer import to_bytes

TEXT = "Grüße aus der Rösterei!\n\n" + "Your order is on its way, and this is what is in it.\n" * 38
ROW = '<tr><td style="padding:12px 0">Flores Bajawa, washed, 250 g</td><td>EUR 11.50</td></tr>\n'
PAGE = (
    "<!doctype html><html><body><p>Grüße aus der Rösterei!</p><table>\n"
    + ROW * 170
    + "</table></body></html>\n"
)


PDF = random.Random(1).randbytes(100_000)  # noqa: S311  # sample data, no secret

Bodies = Callable[[int], tuple[str, str]]


def own(number: int) -> tuple[str, str]:
    """Return text and HTML with a random word in every line."""
    chance = random.Random(number)  # noqa: S311  # sample data, no secret

    def fresh(text: str) -> str:
        lines = text.splitlines(keepends=True)
        return "".join(
            f"{chance.getrandbits(48):x} {line[13:]}" if len(line) > 40 else line for line in lines
        )

    return fresh(TEXT), fresh(PAGE)


def alike(number: int) -> tuple[str, str]:
    """Return text and HTML as from one template, with the number in one line."""
    return f"No. {number}\n{TEXT}", f"{PAGE}No. {number}\n"


def same(_number: int) -> tuple[str, str]:
    """Return the same text and HTML for every message."""
    return TEXT, PAGE


def beside_a_file(number: int) -> tuple[str, str]:
    """Return text and HTML of a message that has the attachment of all others."""
    return own(number)


ROWS: dict[str, Bodies] = {
    "nothing in common": own,
    "of one template": alike,
    "the same": same,
    "nothing in common, a shared attachment": beside_a_file,
}


class Nothing:
    """A cache of parts that keeps none."""

    def get(self, _key: object) -> None:
        """Return nothing."""

    def add(self, _key: object, part: Any, _size: int) -> Any:
        """Return the part."""
        return part


#: What ``--without`` replaces by what.
FAST_PATHS: dict[str, tuple[Any, str, Any]] = {
    "contents": (serializer, "_contents", Nothing()),
    "attachments": (serializer, "_files", Nothing()),
    "header lines": (header_block, "_common", header_block._written),
    "subjects": (header_block, "_subject_line", header_block._subject_line.__wrapped__),
    "addresses": (parser, "_parse", parser._parse.__wrapped__),
    "date": (fields, "_date", fields._date.__wrapped__),
}


def messages(kind: Callable[..., Any], first: int, count: int, bodies: Bodies) -> list[Any]:
    """Return ``count`` messages of one library, numbered from ``first``."""
    made = []
    for number in range(first, first + count):
        text, page = bodies(number)
        message = kind(
            "Your order is on its way, geröstet",
            text,
            "Halyard Coffee <orders@halyard.example>",
            [f"reader{number}@example.com"],
            reply_to=["hello@halyard.example"],
            headers={"List-Id": "orders.halyard.example", "X-Order": "2026-1042"},
        )
        message.attach_alternative(page, "text/html")
        if bodies is beside_a_file:
            message.attach("terms.pdf", PDF, "application/pdf")
        made.append(message)
    return made


def spent(write: Callable[[Any], bytes], made: Iterable[Any], count: int) -> float:
    """Return the processor time (µs) per message."""
    gc.collect()
    begun = time.process_time()
    for message in made:
        write(message)
    return (time.process_time() - begun) / count * 1e6


def compare(bodies: Bodies, rounds: int, count: int) -> tuple[float, float, float]:
    """Return the times per message of Django and Aerogram (µs) and their ratio."""
    ours, theirs, ratios = [], [], []
    for number in range(-1, rounds):  # the first round warms up
        many = count * 10 if bodies is same else count
        made = messages(EmailMultiAlternatives, number * many, many, bodies)
        with settings.frozen():  # as a backend does for a batch
            us = spent(to_bytes, made, many)
        made = messages(DjangoMessage, number * count, count, bodies)
        django_us = spent(lambda message: message.message().as_bytes(), made, count)
        if number >= 0:
            ours.append(us)
            theirs.append(django_us)
            ratios.append(django_us / us)
    return statistics.median(theirs), statistics.median(ours), statistics.median(ratios)


def main() -> None:
    """Compare and print a table."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--rounds", type=int, default=11)
    arguments.add_argument(
        "--messages",
        type=int,
        default=100,
        help="messages of Django per round; ten times as many of ours for the same body",
    )
    arguments.add_argument("--without", choices=FAST_PATHS, action="append", default=[])
    options = arguments.parse_args()
    for name in options.without:
        setattr(*FAST_PATHS[name])
    django_settings.configure()
    table = Table(
        box=SIMPLE_HEAD, title=f"Message to bytes, against Django {django.__version__}", title_justify="left"
    )
    for heading in ("Bodies", "Django", "Aerogram", "Times faster"):
        table.add_column(heading, justify="left" if heading == "Bodies" else "right")
    for name, bodies in ROWS.items():
        theirs, ours, ratio = compare(bodies, options.rounds, options.messages)
        table.add_row(name, f"{theirs:,.0f} µs", f"{ours:,.1f} µs", f"{ratio:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
