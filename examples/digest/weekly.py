"""One weekly digest a person, made from everything that happened in a book club.

Run it: ``python weekly.py`` shows three digests on the console; ``python weekly.py --people 10000
--email-url dummy:`` makes ten thousand and sends them nowhere.

Nothing is collected on the way: events are read one after another, a digest is made when a person's events
are complete, sent over the one connection, and forgotten.
"""

from __future__ import annotations

import argparse
import os
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from email.headerregistry import Address
from itertools import groupby
from pathlib import Path
from typing import Any, Self

from aerogram import Notification
from aerogram.conf import settings
from aerogram.mail import send_mass_mail

WEEK = date(2026, 5, 11)

# The club's own, whatever SITE_NAME and BASE_URL say of the application that sends its digest.
CLUB = {"site_name": "Commonplace", "base_url": "https://commonplace.example"}

NAMES = (
    "Ann Lindqvist",
    "Bo Öberg",
    "Chidi Okafor",
    "Dana Levy",
    "Élodie Martin",
    "佐藤 美咲",
    "ليلى الحداد",
)
BOOKS = ("Middlemarch", "Austerlitz", "Beloved", "The Waves", "Stoner", "Transit", "Kindred")
PLACES = ("the library", "Café Central", "Bo's kitchen", "the harbour", "the old school")
HAPPENINGS = {
    "Replies to you": (
        (
            "Re: the last page of {book}",
            "I read it quite differently: she knew all along, and chapter two says so.",
        ),
        ("Re: which translation of {book}?", "Take the newer one, and keep the old one for its footnotes."),
        (
            "Re: is the narrator of {book} lying?",
            "Not lying. Leaving out. There is a list of what he leaves out.",
        ),
    ),
    "New discussions": (
        ("{book}: who is the stranger?", "Three of us have three answers, and none of them fits the letter."),
        ("{book}, chapter nine", "Did anybody else have to read the dinner twice?"),
        ("What to read after {book}", "Something short, please. Suggestions so far: four, all of them long."),
    ),
    "Meetings": (
        ("{book} at {place}", "Bring the book and something to drink. Everybody is welcome."),
        ("{book}, second evening, at {place}", "We go on from page 140. Whoever is behind may listen."),
    ),
}
KINDS = tuple(HAPPENINGS)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who wants the digest."""

    number: int
    name: str
    email: str

    @property
    def unsubscribe_url(self) -> str:
        """Where one click ends the digest; a real application puts a signed token here."""
        return f"https://commonplace.example/unsubscribe/{self.number:08x}"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, and whom it concerns."""

    person: Person
    kind: str
    title: str
    author: str
    day: date
    path: str
    excerpt: str


class WeeklyDigest(Notification):
    """Sent on Monday morning to whoever something happened for."""

    subject = (
        "Your book club: {{ events | length }} {{ 'thing' if events | length == 1 else 'things' }} you missed"
    )
    html_template = "digest/weekly.html"
    from_email = "Commonplace <digest@commonplace.example>"
    category = "bulk"

    person: Person
    events: Sequence[Event]
    week: date

    @property
    def to(self) -> list[str]:
        """The person."""
        return [str(Address(display_name=self.person.name, addr_spec=self.person.email))]

    @property
    def unsubscribe_url(self) -> str:
        """Behind the unsubscribe button that mail clients show beside the sender (RFC 8058)."""
        return self.person.unsubscribe_url

    def context(self) -> dict[str, Any]:
        """The fields, and the events under their headings."""
        latest_first = sorted(self.events, key=lambda event: event.day, reverse=True)
        sections = {kind: [event for event in latest_first if event.kind == kind] for kind in KINDS}
        return {
            **super().context(),
            **CLUB,
            "sections": {kind: own for kind, own in sections.items() if own},
        }

    @classmethod
    def samples(cls) -> Mapping[str, Self]:
        """A usual week, a quiet one, and a busy one."""
        usual, quiet, busy = people(3)
        return {
            "usual week": cls(person=usual, events=list(events_of(usual, 6)), week=WEEK),
            "one event": cls(person=quiet, events=list(events_of(quiet, 1)), week=WEEK),
            "busy week": cls(person=busy, events=list(events_of(busy, 40)), week=WEEK),
        }


def digests(events: Iterable[Event]) -> Iterator[WeeklyDigest]:
    """Yield a digest for each person; ``events`` come sorted by person, as a database gives them."""
    for person, own in groupby(events, key=lambda event: event.person):
        yield WeeklyDigest(person=person, events=list(own), week=WEEK)


def people(count: int) -> Iterator[Person]:
    """Yield that many people, the same ones every time."""
    for number in range(count):
        yield Person(number, NAMES[number % len(NAMES)], f"reader{number}@example.com")


def events_of_the_week(count: int) -> Iterator[Event]:
    """Yield what happened to ``count`` people, sorted by person: here invented, elsewhere a query."""
    for person in people(count):
        yield from events_of(person, 3 + person.number % 7)


def events_of(person: Person, count: int) -> Iterator[Event]:
    """Yield that many events that concern ``person``, the same ones every time."""
    dice = random.Random(person.number)  # noqa: S311 - only to make something up
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        title, excerpt = dice.choice(HAPPENINGS[kind])
        yield Event(
            person=person,
            kind=kind,
            title=title.format(book=dice.choice(BOOKS), place=dice.choice(PLACES)),
            author=dice.choice([name for name in NAMES if name != person.name]),
            day=WEEK - timedelta(days=dice.randint(1, 7)),
            path=f"/d/{person.number}-{number}",
            excerpt=excerpt,
        )


def main() -> None:
    """Send the digests of the week and say how many."""
    parser = argparse.ArgumentParser(description="Send one weekly digest a person.")
    parser.add_argument("--people", type=int, default=3, metavar="N", help="how many (default: 3)")
    parser.add_argument(
        "--email-url",
        default="console:",
        metavar="URL",
        help="where to: smtp://host:25, dummy:, … (default: console:)",
    )
    options = parser.parse_args()
    os.chdir(Path(__file__).parent)  # where aerogram.toml is
    with settings.override(EMAIL_URL=options.email_url):
        sent = send_mass_mail(digests(events_of_the_week(options.people)))
    print(f"{sent} digests sent.")


if __name__ == "__main__":
    main()
