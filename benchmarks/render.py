"""Rendering, from class to bytes, compared with the usual chain of tools: ``./run bench render``.

Three templates of real size (a receipt, an invoice with rows, a digest with conditionals) and three small
ones (a password reset, a login code, an alert), a new context for each message, one process. Each round
runs every contestant once. The table shows medians of the rounds in milliseconds of processor time per
message, and their ratios. Contestants:

* bare: Jinja alone
* (b): Jinja, premailer, html2text, and the standard library's EmailMessage to bytes
* (c): the same with css-inline in premailer's place
* aerogram: a Notification created from the context, ``render()``, and the bytes that a backend would send;
  either many of them as in ``send_mass_mail`` (the settings are read once), or each alone

The others do less: their subject, sender and recipient are constants. The text parts differ too: html2text
alone leaves CSS and preheaders in. ``--quick`` runs fewer rounds, ``--rounds`` sets their number.
"""

from __future__ import annotations

import argparse
import gc
import logging
import random
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from email.message import EmailMessage as StandardMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import html2text
import jinja2
import premailer

from aerogram import Notification
from aerogram.conf import settings
from aerogram.mail.wire.serializer import to_bytes
from aerogram.renderer import Renderer

NAMES = [
    "Ann",
    "Bea",
    "Cem",
    "Dora",
    "Edgar",
    "Fatma",
    "Gustav",
    "Hélène",
    "Ilse",
    "Jørgen",
    "Karen",
    "Luca",
    "Mia",
    "Nora",
    "Øyvind",
    "Petra",
    "Quentin",
    "Rosa",
]
THINGS = [
    "Teapot",
    "Kettle",
    "Lamp",
    "Chair",
    "Desk",
    "Shelf",
    "Mug",
    "Rug",
    "Vase",
    "Clock",
    "Frame",
    "Candle",
    "Basket",
    "Blanket",
    "Pillow",
    "Mirror",
]
ROWS = {"receipt": 4, "invoice": 24}
PAGES = Path(__file__).parent / "templates"


def environment() -> jinja2.Environment:
    """Return the Jinja environment of the other contestants."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def context(template: str, chance: random.Random, rows: int | None = None) -> dict[str, Any]:
    """Return the variables of one message, with its own names, numbers and links."""
    number = chance.randrange(10**6, 10**7)
    name = f"{chance.choice(NAMES)} {chance.choice(NAMES)}son"
    rows = rows if rows is not None else ROWS.get(template, 0)
    lines = [
        {
            "name": f"{chance.choice(THINGS)} {chance.randrange(100, 999)}",
            "detail": f"Article {chance.randrange(10**5)}, {chance.choice(('blue', 'green', 'red'))}",
            "quantity": chance.randrange(1, 9),
            "date": f"2026-11-{chance.randrange(1, 30):02}",
            "rate": f"€{chance.randrange(40, 140)}.00",
            "price": f"€{chance.randrange(1, 400)}.{chance.randrange(100):02}",
        }
        for _ in range(rows)
    ]
    stories = [
        {
            "title": f"{chance.choice(NAMES)} wrote about the {chance.choice(THINGS).lower()}",
            "link": f"https://example.com/stories/{chance.randrange(10**6)}?ref=mail&week=47",
            "summary": " ".join(chance.choice(THINGS).lower() for _ in range(chance.randrange(8, 20))) + ".",
            "author": chance.choice(NAMES),
            "comments": chance.randrange(40),
            "image": f"https://cdn.example.com/{chance.randrange(10**6)}.jpg" if position % 2 == 0 else "",
            "new": position == 0,
        }
        for position in range(chance.choice((2, 3, 5)) if template == "digest" else 0)
    ]
    return {
        "shop": {
            "name": "Example & Daughters",
            "url": "https://shop.example.com",
            "logo": "https://cdn.example.com/logo.png",
            "address": "Hauptstraße 5, 10827 Berlin",
            "signature": "Your team at Example & Daughters",
            "account": "DE02 1203 0000 0000 2020 51",
        },
        "date": f"{chance.randrange(1, 29)} November 2026",
        "unsubscribe": f"https://shop.example.com/u/{chance.randrange(10**12):x}?a=1&b=2",
        "customer": {
            "name": name,
            "email": f"customer{number}@example.com",
            "street": f"{chance.choice(THINGS)} Street {chance.randrange(200)}",
            "city": f"{chance.randrange(10000, 99999)} Springfield",
        },
        "order": {
            "number": f"A-{number}",
            "link": f"https://shop.example.com/orders/{number}?t={chance.randrange(10**9):x}",
            "city": "Leipzig",
            "ships": f"{chance.randrange(1, 29)} December 2026",
            "lines": lines,
            "subtotal": f"€{chance.randrange(1000)}.00",
            "delivery": "€4.90",
            "vat_rate": "19 %",
            "vat": f"€{chance.randrange(200)}.20",
            "total": f"€{chance.randrange(1000)}.{chance.randrange(100):02}",
            "card": f"Visa ending in {chance.randrange(1000, 9999)}",
            "reference": f"{chance.randrange(10**9):09}",
        },
        "events": stories,
        "due": [
            {
                "title": f"Return the {chance.choice(THINGS).lower()}",
                "link": f"https://example.com/t/{number}",
                "when": f"{chance.randrange(1, 29)} December",
                "late": False,
            }
        ]
        if template == "digest" and chance.random() < 0.5
        else [],
        "tip": f"Water your {chance.choice(THINGS).lower()}." if chance.random() < 0.5 else "",
    }


def standard_bytes(html: str, text: str) -> bytes:
    """Return the bytes of a message written by the standard library."""
    message = StandardMessage(policy=SMTP)
    message["Subject"] = "Your order"
    message["From"] = "Shop <shop@example.com>"
    message["To"] = "ann@example.com"
    message["Date"] = "Sun, 22 Nov 2026 22:22:22 +0000"
    message["Message-ID"] = "<1@example.com>"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return message.as_bytes()


class ShopMail(Notification, abstract=True):
    """Base class of all kinds: their fields, sender and recipient."""

    from_email = "Shop <shop@example.com>"

    shop: dict[str, str]
    date: str
    unsubscribe: str
    customer: dict[str, str]
    order: dict[str, Any]
    events: list[dict[str, Any]]
    due: list[dict[str, Any]]
    tip: str

    @property
    def to(self) -> list[str]:
        """The customer."""
        return [self.customer["email"]]


class Receipt(ShopMail):
    """A receipt of four lines."""

    subject = "Your order {{ order.number }}"
    html_template = "receipt.html"


class Invoice(ShopMail):
    """An invoice of 24 lines."""

    subject = "Invoice for order {{ order.number }}, due {{ date }}"
    html_template = "invoice.html"


class Digest(ShopMail):
    """A digest of two to five stories, in twelve shapes."""

    subject = "Your week, {{ customer.name }}"
    html_template = "digest.html"


class PasswordReset(ShopMail, name="benchmark_password_reset"):  # the shop of the examples has its own
    """Two sentences and a button."""

    subject = "Reset your password, {{ customer.name }}"
    html_template = "password_reset.html"


class LoginCode(ShopMail):
    """A code in a table."""

    subject = "{{ order.reference }} is your code"
    html_template = "login_code.html"


class Alert(ShopMail):
    """A heading and three rows."""

    subject = "{{ shop.name }} is slow"
    html_template = "alert.html"


KINDS: dict[str, type[ShopMail]] = {
    "receipt": Receipt,
    "invoice": Invoice,
    "digest": Digest,
    "password_reset": PasswordReset,
    "login_code": LoginCode,
    "alert": Alert,
}


class Contestants:
    """The contestants: each method renders one message from a template name and a context."""

    def __init__(self) -> None:
        self.environment = environment()
        self.unseen = Renderer(PAGES)

    def bare(self, name: str, variables: dict[str, Any]) -> object:
        """Render with Jinja only."""
        return self.environment.get_template(f"{name}.html").render(variables)

    def premailer(self, name: str, variables: dict[str, Any]) -> object:
        """Run the usual chain with premailer."""
        html = self.environment.get_template(f"{name}.html").render(variables)
        html = premailer.transform(html, strip_important=False, allow_network=False)
        return standard_bytes(html, html2text.html2text(html))

    def css_inline(self, name: str, variables: dict[str, Any]) -> object:
        """Run the usual chain with css-inline."""
        import css_inline

        html = self.environment.get_template(f"{name}.html").render(variables)
        html = css_inline.inline(html, keep_style_tags=True, load_remote_stylesheets=False)
        return standard_bytes(html, html2text.html2text(html))

    def aerogram(self, name: str, variables: dict[str, Any]) -> object:
        """Render and serialise with known stencils."""
        return to_bytes(KINDS[name](**variables).render())

    def aerogram_message(self, name: str, variables: dict[str, Any]) -> object:
        """Render with known stencils, without serialising."""
        return KINDS[name](**variables).render()

    def aerogram_unseen(self, name: str, variables: dict[str, Any]) -> object:
        """Render and serialise with every shape new."""
        self.unseen.stencils.clear()
        return to_bytes(self.unseen.render(KINDS[name](**variables)))


Run = Callable[[str, dict[str, Any]], object]


def timed(run: Run, name: str, variables: list[dict[str, Any]], *, alone: bool = False) -> float:
    """Return milliseconds per message; with ``alone``, each message reads the settings by itself."""
    with nullcontext() if alone else settings.frozen():
        start = time.process_time()
        for one in variables:
            run(name, one)
        return (time.process_time() - start) * 1000 / len(variables)


def contests() -> dict[str, tuple[Run, int]]:
    """Return the contestants in the order of a round, each with its number of messages."""
    contestants = Contestants()
    runs: dict[str, tuple[Run, int]] = {
        "premailer": (contestants.premailer, 2),
        "aerogram unseen": (contestants.aerogram_unseen, 3),
        "bare": (contestants.bare, 100),
        "aerogram warm": (contestants.aerogram, 100),
        "aerogram warm, alone": (contestants.aerogram, 100),
        "aerogram warm, message": (contestants.aerogram_message, 100),
        "css-inline": (contestants.css_inline, 8),
    }
    try:
        import css_inline  # noqa: F401  # is it there?
    except ImportError:
        print("css-inline is not installed: (c) is left out")
        del runs["css-inline"]
    return runs


def measure(name: str, rounds: int, seed: int) -> dict[str, list[float]]:
    """Return the times of each contestant on one template, round by round."""
    chance = random.Random(seed)  # noqa: S311  # sample data, no secret
    runs = contests()
    warm, _ = runs["aerogram warm"]
    first = timed(warm, name, [context(name, chance)])
    print(f"  first message: {first:.0f} ms")
    timed(warm, name, [context(name, chance) for _ in range(150)])  # all shapes of the digest occur
    times: dict[str, list[float]] = {label: [] for label in runs}
    for _ in range(rounds):
        for label, (run, count) in runs.items():
            variables = [context(name, chance) for _ in range(count)]
            gc.collect()
            times[label].append(timed(run, name, variables, alone="alone" in label))
    return times


def report(times: dict[str, list[float]]) -> None:
    """Print the medians of times and ratios; each ratio is of one round, as the speed of a machine varies."""

    def ratio(slow: str, fast: str) -> float:
        pairs = zip(times[slow], times[fast], strict=True)
        return statistics.median(one / other for one, other in pairs)

    for label, measured in times.items():
        print(f"  {label:22} {statistics.median(measured):9.3f} ms  {ratio(label, 'bare'):8.1f} x bare")
    for label in ("aerogram warm", "aerogram warm, alone"):
        print(f"  {label}: {ratio('premailer', label):.0f} times faster than (b) [50]", end="")
        if "css-inline" in times:
            print(f", {ratio('css-inline', label):.1f} times faster than (c) [15]", end="")
        print(f", {ratio(label, 'bare'):.1f} times bare Jinja [6]")
    print(f"  aerogram unseen: {ratio('premailer', 'aerogram unseen'):.1f} times faster than (b) [2.5]")


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(prog="./run bench render", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 rounds")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "templates", nargs="*", metavar="TEMPLATE", help=f"of {', '.join(KINDS)}; default all"
    )
    arguments = parser.parse_args()
    import cssutils

    cssutils.log.setLevel(logging.CRITICAL)
    settings.configure(TEMPLATE_DIRS=[str(PAGES)])
    for name in arguments.templates or KINDS:
        sample = context(name, random.Random(1))  # noqa: S311  # sample data, no secret
        size = len(environment().get_template(f"{name}.html").render(sample).encode())
        print(f"\n{name}: {size} bytes rendered")
        report(measure(name, 3 if arguments.quick else arguments.rounds, arguments.seed))


if __name__ == "__main__":
    main()
