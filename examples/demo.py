"""The whole way, from class to inbox: send the example notifications to a server of this demo's own.

``./run demo`` (or ``python -m examples.demo``) starts the catching SMTP server on a free loopback port, sends a
welcome, a receipt with an attachment, an error mail to the admins and a weekly digest to 500 people, shows what
arrived, and writes the previews of every example to ``build/previews/index.html``.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from aerogram import registry
from aerogram.catcher import CatchingServer, CaughtMessage
from aerogram.conf import settings
from aerogram.mail import send_mass_mail
from aerogram.preview import write_previews

if TYPE_CHECKING:
    from types import ModuleType

EXAMPLES = Path(__file__).resolve().parent
PREVIEWS = EXAMPLES.parent / "build" / "previews"
READERS = 500


@contextmanager
def application(folder: str, module: str) -> Iterator[ModuleType]:
    """Be one of the example applications for a while: in its folder, with its settings, its module imported."""
    with chdir(EXAMPLES / folder):
        sys.path.insert(0, str(EXAMPLES / folder))
        try:
            registry.load([module])
            yield sys.modules[module]
        finally:
            sys.path.remove(str(EXAMPLES / folder))


def send_shop_mail() -> None:
    """Send what a shop sends on a good day, and what its engineers get on a bad one."""
    with application("shop", "shop") as shop:
        shop.live_one_day()


def send_digests(console: Console) -> None:
    """Send one digest a person over one connection, with a bar that follows the delivery reports."""
    columns = (TextColumn("Weekly digest"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with application("digest", "weekly") as weekly, Progress(*columns, console=console) as progress:
        bar = progress.add_task("digest", total=READERS)
        digests = weekly.digests(weekly.events_of_the_week(READERS))
        send_mass_mail(digests, on_result=lambda _report: progress.advance(bar))


def attachments_of(message: EmailMessage) -> str:
    """Return the attached files' names and sizes."""
    files = [
        f"{part.get_filename()} ({decimal(len(part.get_payload(decode=True) or b''))})"
        for part in message.iter_attachments()
    ]
    return ", ".join(files) or "-"


def shape_of(message: EmailMessage) -> str:
    """Return the kinds of text in a message: ``"text + html"``."""
    return " + ".join(part for part in ("plain", "html") if message.get_body((part,))).replace("plain", "text")


def arrivals(messages: list[CaughtMessage]) -> Table:
    """Return a table with a row for each kind of mail that arrived."""
    table = Table(title=f"{len(messages)} mails arrived", title_justify="left", title_style="bold")
    table.add_column("Mails", justify="right")
    table.add_column("Subject")
    table.add_column("From")
    table.add_column("To")
    table.add_column("Parts")
    table.add_column("Attached")
    table.add_column("Size", justify="right")
    senders = Counter(str(caught.message["From"]) for caught in messages)
    shown: set[str] = set()
    for caught in messages:
        message, sender = caught.message, str(caught.message["From"])
        is_digest = "List-Unsubscribe" in message
        if is_digest and sender in shown:
            continue
        shown.add(sender)
        table.add_row(
            str(senders[sender]) if is_digest else "1",
            str(message["Subject"]),
            sender,
            f"{message['To']} and others" if is_digest else str(message["To"]),
            shape_of(message),
            attachments_of(message),
            decimal(len(caught.content)),
        )
    return table


def main() -> None:
    """Run the demo."""
    console = Console()
    with CatchingServer() as server:
        console.print(f"Catching mail on {server.host} port {server.port}; nothing leaves this machine.\n")
        with settings.override(EMAIL_URL=f"smtp://{server.host}:{server.port}"):
            send_shop_mail()
            send_digests(console)
        console.print()
        console.print(arrivals(server.messages))


if __name__ == "__main__":
    main()
