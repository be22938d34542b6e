"""The mails of the box office."""

from __future__ import annotations

from aerogram import Notification


class Booked(Notification, name="ticket_booked"):
    """Sent when seats are booked."""

    subject = "{{ seats | counted('seat') }} for {{ title }}"
    html_template = "mail/booked.html"
    category = "transactional"

    to: list[str | tuple[str, str]]
    number: str
    seats: int
    title: str

    @classmethod
    def samples(cls) -> dict[str, Booked]:
        return {
            name: cls(to=["ann@example.com"], number="5f2c77aa", seats=seats, title="The Night of the Cellos")
            for name, seats in (("one seat", 1), ("a family", 5))
        }
