"""Does rendering need more memory the longer it goes on? ``./run bench memory``.

One process renders notifications of three kinds and makes each into bytes, with a recipient, a context and
a text of its own for every one of them. Most invoices have a few rows and some have hundreds, so that shapes
keep coming that were not seen before. More of them than are kept come before the first line, as the caches
are to be full by then: what is measured is whether it ends there. Printed is the resident memory of the
process after each tenth of the mails.
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
from benchmarks.render import TEMPLATES, context

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Mail(Notification, abstract=True):
    """One mail of a shop."""

    subject = "{{ order.reference }}: thank you, {{ customer.name }}"
    from_email = "Shop <shop@example.com>"
    variables: dict[str, Any]

    def context(self) -> dict[str, Any]:
        """What the benchmark has made up."""
        return self.variables

    @property
    def to(self) -> list[str]:
        """The customer, another one each time."""
        customer = self.variables["customer"]
        return [f"{customer['name']} <{customer['email']}>"]


KINDS = [
    type(f"{name}_mail".title(), (Mail,), {"html_template": f"{name}.html"}, abstract=True)
    for name in TEMPLATES
]


def resident() -> float:
    """Return the resident memory of this process in MiB, as it is now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE / 2**20


def write(renderer: Renderer, chance: random.Random, number: int, rows: int) -> int:
    """Render one mail and return the octets it has on the wire."""
    name = TEMPLATES[number % len(TEMPLATES)]
    variables = context(name, chance, rows if name == "invoice" else None)
    variables["customer"]["email"] = f"customer{number}@example.com"
    return len(to_bytes(renderer.render(KINDS[number % len(KINDS)](variables=variables))))


def fill_caches(renderer: Renderer, chance: random.Random) -> None:
    """Render more shapes than are kept."""
    for number in range(settings.STENCIL_CACHE_ENTRIES + 50):
        for kind in range(len(KINDS)):
            write(renderer, chance, len(KINDS) * number + kind, number + 1)


def main() -> None:
    """Render, and print a line a step."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100_000, help="mails in all")
    parser.add_argument("--rows", type=int, default=500, help="rows of the longest invoice")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    renderer = Renderer([Path(__file__).parent / "templates"])
    chance = random.Random(options.seed)  # noqa: S311 - sample data, no secret
    table = Table(box=SIMPLE_HEAD, title=f"{options.count:,} mails of three templates", title_justify="left")
    for heading in ("Mails", "Written", "Resident", "More than at first", "New shapes", "A second"):
        table.add_column(heading, justify="right")
    fill_caches(renderer, chance)
    gc.collect()
    first, shapes, octets = resident(), renderer.stencils.stats.misses, 0
    table.add_row("0", "", f"{first:.1f} MiB")
    begun = time.perf_counter()
    for number in range(1, options.count + 1):
        many = min(int(chance.paretovariate(1)), options.rows)  # half of them one, one in a hundred a hundred
        octets += write(renderer, chance, number, many)
        if number % max(1, options.count // 10) == 0:
            gc.collect()  # what is garbage is not needed
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
