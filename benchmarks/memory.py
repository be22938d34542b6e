"""Growth of the memory while one process renders many mails: ``./run bench memory``.

The process renders notifications of three kinds and serialises each, every one with its own recipient,
context and text. Most invoices have a few rows and some have hundreds, so new shapes keep occurring. The
caches are filled before the first line of the table. Each line shows the resident memory after another
tenth of the mails; it should stay the same.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import time
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from aerogram import Notification, Renderer
from aerogram.conf import settings
from aerogram.mail.wire.serializer import to_bytes
from benchmarks.render import context

TEMPLATES = ("receipt", "invoice", "digest")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Mail(Notification, abstract=True):
    """One mail of a shop."""

    subject = "{{ order.reference }}: thank you, {{ customer.name }}"
    from_email = "Shop <shop@example.com>"
    variables: dict[str, Any]

    def context(self) -> dict[str, Any]:
        """Return the generated variables."""
        return self.variables

    @property
    def to(self) -> list[str]:
        """The customer, a different one in each mail."""
        customer = self.variables["customer"]
        return [f"{customer['name']} <{customer['email']}>"]


KINDS = [
    type(f"{name}_mail".title(), (Mail,), {"html_template": f"{name}.html"}, abstract=True)
    for name in TEMPLATES
]


def resident() -> float:
    """Return the current resident memory of this process in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE / 2**20


def write(renderer: Renderer, chance: random.Random, number: int, rows: int) -> int:
    """Render and serialise one mail; return its size in bytes."""
    name = TEMPLATES[number % len(TEMPLATES)]
    variables = context(name, chance, rows if name == "invoice" else None)
    variables["customer"]["email"] = f"customer{number}@example.com"
    return len(to_bytes(renderer.render(KINDS[number % len(KINDS)](variables=variables))))


def fill_caches(renderer: Renderer, chance: random.Random) -> None:
    """Render more shapes than the cache keeps, each twice: the second one makes its stencil."""
    for number in range(settings.STENCIL_CACHE_ENTRIES + 50):
        for kind in [*range(len(KINDS)), *range(len(KINDS))]:
            write(renderer, chance, len(KINDS) * number + kind, number + 1)


def main() -> None:
    """Render the mails and print a line after each tenth."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100_000, help="number of mails")
    parser.add_argument("--rows", type=int, default=500, help="rows of the longest invoice")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    renderer = Renderer([Path(__file__).parent / "templates"])
    chance = random.Random(options.seed)  # noqa: S311 - sample data, no secret
    table = Table(box=SIMPLE_HEAD, title=f"{options.count:,} mails of three templates", title_justify="left")
    for heading in ("Mails", "Written", "Resident", "More than at first", "New shapes", "Per second"):
        table.add_column(heading, justify="right")
    fill_caches(renderer, chance)
    gc.collect()
    first, shapes, octets = resident(), renderer.stencils.stats.misses, 0
    table.add_row("0", "", f"{first:.1f} MiB")
    begun = time.perf_counter()
    for number in range(1, options.count + 1):
        many = min(
            int(chance.paretovariate(1)), options.rows
        )  # half of them have one row, one in a hundred has a hundred
        octets += write(renderer, chance, number, many)
        if number % max(1, options.count // 10) == 0:
            gc.collect()  # only reachable objects count
            now = resident()
            table.add_row(
                f"{number:,}",
                f"{octets / 2**20:,.0f} MiB",
                f"{now:.1f} MiB",
                f"{now - first:+.1f} MiB",
                f"{renderer.stencils.stats.misses - shapes:,}",
                f"{number / (time.perf_counter() - begun):,.0f}",
            )
    Console().print(table)


if __name__ == "__main__":
    main()
