"""Send the example notifications to a local SMTP server and show what arrived.

``./run demo`` (or ``python -m examples.demo``) starts the catching SMTP server on a free loopback port. It
sends the mails of the shop (one has an attachment, one goes to the administrators) and a weekly digest to 500
people, shows what arrived, and writes the previews of all examples to ``build/previews/index.html``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
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
    """Run a block as one of the example applications: in its folder, with its settings and module."""
    with chdir(EXAMPLES / folder):
        sys.path.insert(0, str(EXAMPLES / folder))
        try:
            registry.load([module])
            yield sys.modules[module]
        finally:
            sys.path.remove(str(EXAMPLES / folder))


def send_shop_mail() -> None:
    """Send one mail of each kind of the shop."""
    with application("shop", "shop") as shop:
        shop.live_one_day()


def send_digests(console: Console) -> None:
    """Send one digest per person over one connection; a progress bar follows the delivery reports."""
    columns = (TextColumn("Weekly digest"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with application("digest", "weekly") as weekly, Progress(*columns, console=console) as progress:
        bar = progress.add_task("digest", total=READERS)
        digests = weekly.digests(weekly.events_of_the_week(READERS))
        send_mass_mail(digests, on_result=lambda _report: progress.advance(bar))


def write_all_previews() -> int:
    """Write the previews of shop and digest into one gallery; return the number of samples."""
    # The shop is entered last: its folder is the working directory, so its settings apply.
    with application("digest", "weekly") as weekly, application("shop", "notifications") as shop:
        folders = [EXAMPLES / folder / "templates" for folder in ("shop", "digest")]
        kinds = (shop.Welcome, shop.PasswordReset, shop.OrderReceipt, shop.OrderShipped, shop.ErrorReport)
        with settings.override(TEMPLATE_DIRS=folders):
            written = write_previews(PREVIEWS, [*kinds, weekly.WeeklyDigest])
    return sum(path.suffix == ".eml" for path in written)


def parts_of(message: EmailMessage) -> str:
    """Return the parts of a message, as ``"text + html + invoice.pdf"``."""
    names = {"plain": "text", "html": "html"}
    bodies = [name for kind, name in names.items() if message.get_body((kind,))]
    return " + ".join([*bodies, *(str(part.get_filename()) for part in message.iter_attachments())])


def arrivals(messages: list[CaughtMessage]) -> Table:
    """Return a table with one row per mail; all digests share a row."""
    digests = [caught for caught in messages if "List-Unsubscribe" in caught.message]
    table = Table(
        title=f"{len(messages)} mails arrived", title_justify="left", title_style="bold", box=SIMPLE_HEAD
    )
    table.add_column("Mails", justify="right", style="bold")
    for heading in ("Subject", "To", "Parts"):
        table.add_column(heading, overflow="fold")
    table.add_column("Size", justify="right")
    for caught in [caught for caught in messages if caught not in digests] + digests[:1]:
        many = len(digests) if caught in digests else 1
        table.add_row(
            str(many),
            str(caught.message["Subject"]),
            f"{many} people" if many > 1 else caught.recipients[0],
            parts_of(caught.message),
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
    samples = write_all_previews()
    console.print(
        f"{samples} previews: open [bold]{PREVIEWS.relative_to(EXAMPLES.parent)}/index.html[/] in a browser."
    )


if __name__ == "__main__":
    main()
