"""A mail in one file: a class, two templates beside it, and the call that sends it.

``python invite.py`` prints the mail. ``python invite.py --email-url smtp://localhost:25`` sends it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Self

from aerogram import Notification
from aerogram.conf import settings


class Invitation(Notification):
    """Invites a guest to dinner."""

    subject = "Dinner on {{ when.strftime('%A') }}?"
    html_template = "invite.html"
    text_template = "invite.txt"
    from_email = "Bo Öberg <bo@example.com>"

    to: list[str]
    name: str
    when: datetime
    dishes: list[str]

    @classmethod
    def samples(cls) -> Mapping[str, Self]:
        """Return a dinner of three courses."""
        return {
            "three courses": cls(
                to=["Ann Lindqvist <ann@example.com>"],
                name="Ann",
                when=datetime(2026, 5, 16, 19, 30),
                dishes=["Leek soup", "Pike & potatoes", "Rhubarb pie"],
            )
        }


def main() -> None:
    """Send one invitation."""
    parser = argparse.ArgumentParser(description="Invite Ann to dinner.")
    parser.add_argument(
        "--email-url", default="console:", metavar="URL", help="where the mail goes (default: console:)"
    )
    options = parser.parse_args()
    settings.configure(EMAIL_URL=options.email_url, TEMPLATE_DIRS=[Path(__file__).parent])
    Invitation.samples()["three courses"].send()


if __name__ == "__main__":
    main()
