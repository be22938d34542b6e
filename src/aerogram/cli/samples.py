"""``aerogram list``, ``preview`` and ``send``: notifications, their samples on disk, and one in an inbox."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from aerogram.checks.problem import source_line
from aerogram.cli.screen import counted, escape_controls, screen, shown_place
from aerogram.exceptions import InvalidAddress, OutputError, RenderError
from aerogram.notification import AdminNotification, registered_name
from aerogram.samples import samples_of

if TYPE_CHECKING:
    from aerogram.mail.backends.base import BaseEmailBackend
    from aerogram.notification import Notification


def list_notifications(context: typer.Context) -> None:
    """List the notifications with their class, subject, templates and samples.

    Into a pipe it writes one line for each, with tabs between name, class, subject, HTML template, text
    template, samples, and file and line.
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
    console.print(counted(len(classes), "notification"), style="dim")


def preview(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Only these notifications, by name.")
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder to write to; it is created if it does not exist.")
    ] = Path("build/previews"),
    screenshots: Annotated[
        bool,
        typer.Option("--screenshots", help="Add screenshots by Chromium: phone and desktop, light and dark."),
    ] = False,
    diff: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Compare with the previews in this folder, and write diff.html."),
    ] = None,
) -> None:
    """Write every sample as .html, .txt and .eml, and a page that shows them all."""
    from aerogram.preview import write_previews

    notifications = context.obj.notifications()
    if names:
        notifications = [context.obj.notification(name) for name in dict.fromkeys(names)]
    failure = None
    try:
        written = write_previews(out, notifications)
    except RenderError as error:  # the others are there, and so are the pictures and the comparison
        failure = error
        written = [out / "index.html"]
    else:
        samples = counted(sum(path.suffix == ".eml" for path in written), "sample")
        _show_written(f"{samples}, {len(written)} files.", written[-1])
    if screenshots:
        from aerogram.preview.pictures import take_pictures

        folders = {registered_name(cls) for cls in notifications}
        pages = sorted(page for page in out.glob("*/*.html") if page.parent.name in folders)
        screen().print(f"{counted(len(take_pictures(pages)), 'picture')} in {out}.", soft_wrap=True)
    if diff is not None:
        from aerogram.preview.comparison import write_comparison

        page, changes = write_comparison(out, diff)
        for change in changes:
            screen().print(Text(f"  {change.kind:8} {change.name}"), soft_wrap=True)
        _show_written(f"{counted(len(changes), 'mail')} changed.", page)
    if failure is not None:
        raise failure


def _show_written(text: str, page: Path) -> None:
    path = page.resolve()
    link = Text.assemble(f"{text} Open ", (str(path), f"bold link {path.as_uri()}"))
    screen().print(link, soft_wrap=True)


def send(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The notification, by its name in the list.")],
    to: Annotated[
        list[str],
        typer.Option(
            metavar="ADDRESS",
            help="The recipient, instead of those of the sample; may be given several times.",
        ),
    ],
    sample: Annotated[
        str | None, typer.Option(metavar="SAMPLE", help="The sample; by default the first.")
    ] = None,
) -> None:
    """Send a sample to an address of your own, through the mailer of the settings.

    The sample's own recipients get nothing, those of Cc and Bcc included.
    """
    from aerogram.mail import get_connection
    from aerogram.preview.studio.sending import check_recipient

    for address in to:
        try:
            check_recipient(address)
        except InvalidAddress as error:
            raise typer.BadParameter(str(error), param_hint="--to") from None
    chosen, notification = _chosen(context.obj.notification(name), sample)
    message = notification.render()
    message.to, message.cc, message.bcc = list(to), [], []
    message.connection = connection = get_connection()
    transport = _transport(connection)
    try:
        sent = message.send()
    except Exception as error:
        error.add_note(f"while sending through {transport}")
        raise
    if not sent:
        raise OutputError(f"Nothing was sent: {transport} did not accept the message.")
    text = Text.assemble(
        ("Sent ", "bold green"),
        f"{name}, {escape_controls(chosen)!r}, to {', '.join(to)} through {transport}: ",
        escape_controls(str(message.subject)),
    )
    screen().print(text, soft_wrap=not screen().is_terminal)


def _transport(connection: BaseEmailBackend) -> str:
    """Name a backend by the server it talks to, if there is one."""
    host, port = getattr(connection, "host", None), getattr(connection, "port", None)
    return f"the server {host}:{port}" if host else f"the backend {type(connection).__module__}"


def _chosen(cls: type[Notification], sample: str | None) -> tuple[str, Notification]:
    samples = samples_of(cls)
    name = registered_name(cls)
    if not samples:
        raise typer.BadParameter(
            f"{name} has no samples to send. Return some from {cls.__name__}.samples().", param_hint="NAME"
        )
    if sample is None:
        return next(iter(samples.items()))
    if sample not in samples:
        close = difflib.get_close_matches(sample, samples, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"Available: {', '.join(map(repr, samples))}."
        raise typer.BadParameter(f"{name} has no sample {sample!r}. {hint}", param_hint="--sample")
    return sample, samples[sample]


def _columns(cls: type[Notification]) -> tuple[str, str, str, str, str, str, str]:
    """Return what the list shows of a class; what only an instance knows is in angle brackets."""
    return (
        registered_name(cls),
        cls.__qualname__,
        _declared(cls.subject),
        _declared(cls.html_template),
        _declared(_text_template(cls)),
        ", ".join(_sample_names(cls)),
        shown_place(source_line(cls)),
    )


def _text_template(cls: type[Notification]) -> Any:
    """Return the declaration; of mail to the staff it follows from the HTML template."""
    declared: Any = cls.text_template
    follows = declared is AdminNotification.text_template and isinstance(cls.html_template, str)
    return declared.fget(cls) if follows else declared


def _declared(value: Any) -> str:
    if isinstance(value, str):
        return escape_controls(value).replace("\t", " ").replace("\n", " ")
    return "" if value is None else "<computed>"


def _sample_names(cls: type[Notification]) -> list[str]:
    try:
        return [escape_controls(str(name)) for name in samples_of(cls)]
    except Exception as error:  # noqa: BLE001,RUF100 - the application's own code: `check` tells more
        return [f"<{type(error).__name__}>"]
