"""One weekly digest per person, made from the events of a book club.

Run it: ``python weekly.py`` shows three digests on the console; ``python weekly.py --people 10000
--email-url dummy:`` makes ten thousand and drops them.

The events are read one by one. When the events of a person are complete, the digest is made and sent. All
digests go over one connection, and none is kept in memory.
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

# These take the place of the settings SITE_NAME and BASE_URL of the application that sends the digest.
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
    """A subscriber of the digest."""

    number: int
    name: str
    email: str

    @property
    def unsubscribe_url(self) -> str:
        """The URL that ends the subscription. A real application puts a signed token here."""
        return f"https://commonplace.example/unsubscribe/{self.number:08x}"


@dataclass(frozen=True, slots=True)
class Event:
    """An event, and the person it concerns."""

    person: Person
    kind: str
    title: str
    author: str
    day: date
    path: str
    excerpt: str


class WeeklyDigest(Notification):
    """Sent on Monday morning to each person with events in the week before."""

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
        """The URL of the unsubscribe button that mail clients show beside the sender (RFC 8058)."""
        return self.person.unsubscribe_url

    @property
    def unsubscribe_email(self) -> str:
        """The address that clients without RFC 8058 write to instead."""
        return f"unsubscribe+{self.person.number:08x}@commonplace.example"

    def context(self) -> dict[str, Any]:
        """Return the fields, and the events by heading."""
        latest_first = sorted(self.events, key=lambda event: event.day, reverse=True)
        sections = {kind: [event for event in latest_first if event.kind == kind] for kind in KINDS}
        return {
            **super().context(),
            **CLUB,
            "sections": {kind: own for kind, own in sections.items() if own},
        }

    @classmethod
    def samples(cls) -> Mapping[str, Self]:
        """Return a usual week, a week with one event, and a busy week."""
        usual, quiet, busy = people(3)
        return {
            "usual week": cls(person=usual, events=list(events_of(usual, 6)), week=WEEK),
            "one event": cls(person=quiet, events=list(events_of(quiet, 1)), week=WEEK),
            "busy week": cls(person=busy, events=list(events_of(busy, 40)), week=WEEK),
        }


def digests(events: Iterable[Event]) -> Iterator[WeeklyDigest]:
    """Yield a digest for each person. ``events`` must be sorted by person, as a database query can do."""
    for person, own in groupby(events, key=lambda event: event.person):
        yield WeeklyDigest(person=person, events=list(own), week=WEEK)


def people(count: int) -> Iterator[Person]:
    """Yield ``count`` people, the same in every run."""
    for number in range(count):
        yield Person(number, NAMES[number % len(NAMES)], f"reader{number}@example.com")


def events_of_the_week(count: int) -> Iterator[Event]:
    """Yield the events of ``count`` people, sorted by person. A real application would query a database."""
    for person in people(count):
        yield from events_of(person, 3 + person.number % 7)


def events_of(person: Person, count: int) -> Iterator[Event]:
    """Yield ``count`` events that concern ``person``, the same in every run."""
    dice = random.Random(person.number)  # noqa: S311 - sample data, no secret
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
    """Send the digests of the week and print their number."""
    parser = argparse.ArgumentParser(description="Send one weekly digest per person.")
    parser.add_argument("--people", type=int, default=3, metavar="N", help="number of people (default: 3)")
    parser.add_argument(
        "--email-url",
        default="console:",
        metavar="URL",
        help="where the mail goes: smtp://host:25, dummy:, … (default: console:)",
    )
    options = parser.parse_args()
    os.chdir(Path(__file__).parent)  # where aerogram.toml is
    with settings.override(EMAIL_URL=options.email_url):
        sent = send_mass_mail(digests(events_of_the_week(options.people)))
    print(f"{sent} digests sent.")


if __name__ == "__main__":
    main()
