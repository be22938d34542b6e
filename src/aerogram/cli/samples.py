"""``aerogram list`` and ``aerogram send``: what there is, and one of it to one's own inbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from aerogram.checks.problem import place_of
from aerogram.cli.screen import printable, screen, shown_place
from aerogram.exceptions import InvalidAddress, OutputError
from aerogram.notification import registered_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aerogram.mail.backends.base import BaseEmailBackend
    from aerogram.notification import Notification


def list_notifications(context: typer.Context) -> None:
    """List the notifications: name, class, subject, templates, samples.

    Into a pipe it writes a line each, the columns between tabs: name, class, subject, HTML template, text
    template, samples, file and line.
    """
    classes = context.obj.notifications()
    console = screen()
    if not console.is_terminal:
        for cls in classes:
            typer.echo("\t".join(_columns(cls)))
        return
    if not classes:
        console.print("These modules define no notifications.")
        return
    table = Table(box=None, padding=(0, 3, 1, 0), header_style="dim", expand=False)
    for heading in ("Notification", "Subject and templates", "Samples"):
        table.add_column(heading, overflow="fold")
    for cls in classes:
        name, class_name, subject, html, text, samples, place = _columns(cls)
        table.add_row(
            Text.assemble((name, "bold cyan"), "\n", class_name, "\n", (place, "dim")),
            Text.assemble(subject, *(("\n" + template, "green") for template in (html, text) if template)),
            Text(samples.replace(", ", "\n")) if samples else Text("none", "yellow"),
        )
    console.print(table)
    console.print(f"{len(classes)} {'notification' if len(classes) == 1 else 'notifications'}", style="dim")


def send(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The notification, as `list` names it.")],
    to: Annotated[
        list[str],
        typer.Option("--to", metavar="ADDRESS", help="Who gets it, instead of the sample's recipients."),
    ],
    sample: Annotated[
        str | None, typer.Option("--sample", metavar="S", help="Which sample; the first if not given.")
    ] = None,
) -> None:
    """Send a sample to an address of your own, through the mailer of the settings.

    The sample's own recipients, those of Cc and Bcc among them, get nothing.
    """
    from aerogram.mail import get_connection
    from aerogram.mail.address.parser import parse_mailbox

    for address in to:
        try:
            parse_mailbox(address)
        except InvalidAddress as error:
            raise typer.BadParameter(str(error), param_hint="--to") from None
    chosen, notification = _chosen(context.obj.notification(name), sample)
    message = notification.render()
    message.to, message.cc, message.bcc = list(to), [], []
    message.connection = connection = get_connection()
    way = _way(connection)
    try:
        sent = message.send()
    except Exception as error:
        error.add_note(f"while sending through {way}")
        raise
    if not sent:
        raise OutputError(f"Nothing was sent: {way} took no message.")
    screen().print(
        Text.assemble(
            ("Sent ", "bold green"),
            f"{name}, {printable(chosen)!r}, to {', '.join(to)} through {way}: ",
            printable(str(message.subject)),
        ),
        soft_wrap=not screen().is_terminal,
    )


def _way(connection: BaseEmailBackend) -> str:
    """Name a backend by the server it talks to, if it does."""
    host, port = getattr(connection, "host", None), getattr(connection, "port", None)
    return f"the server {host}:{port}" if host else f"the backend {type(connection).__module__}"


def _chosen(cls: type[Notification], sample: str | None) -> tuple[str, Notification]:
    samples: Mapping[str, Notification] = cls.samples()
    name = registered_name(cls)
    if not samples:
        raise typer.BadParameter(
            f"{name} has no samples to send. Let {cls.__name__}.samples() return some.", param_hint="NAME"
        )
    if sample is None:
        return next(iter(samples.items()))
    if sample not in samples:
        known = ", ".join(repr(known) for known in samples)
        raise typer.BadParameter(
            f"{name} has no sample {sample!r}. There are: {known}.", param_hint="--sample"
        )
    return sample, samples[sample]


def _columns(cls: type[Notification]) -> tuple[str, str, str, str, str, str, str]:
    """Return what ``list`` says of a class; what only an instance knows is in angle brackets."""
    return (
        registered_name(cls),
        cls.__qualname__,
        _declared(cls.subject),
        _declared(cls.html_template),
        _declared(cls.text_template),
        ", ".join(_sample_names(cls)),
        shown_place(place_of(cls)),
    )


def _declared(value: Any) -> str:
    if isinstance(value, str):
        return printable(value).replace("\t", " ").replace("\n", " ")
    return "" if value is None else "<computed>"


def _sample_names(cls: type[Notification]) -> list[str]:
    try:
        return [printable(str(name)) for name in cls.samples()]
    except Exception as error:  # noqa: BLE001,RUF100 - the application's own code: `check` tells more
        return [f"<{type(error).__name__}>"]
