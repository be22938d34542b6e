"""The command's frame: options before the command, errors, exit status."""

from __future__ import annotations

import smtplib
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

import aerogram
from aerogram.cli.catch import catch
from aerogram.cli.check import check
from aerogram.cli.modules import Invocation
from aerogram.cli.preview import preview
from aerogram.cli.samples import list_notifications, send
from aerogram.cli.screen import complain
from aerogram.exceptions import AerogramError

app = typer.Typer(
    name="aerogram",
    help="Look at, check and send the mails that an application's notifications write.",
    epilog="Exit status: 0 if all is well, 1 for a finding or a failure, 2 for wrong usage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("list")(list_notifications)
app.command("preview")(preview)
app.command("check")(check)
app.command("send")(send)
app.command("catch")(catch)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"aerogram {aerogram.__version__}")
        raise typer.Exit


@app.callback()
def _frame(
    context: typer.Context,
    modules: Annotated[
        list[str] | None,
        typer.Option(
            "--app",
            metavar="MODULE",
            help="A module that defines notifications, by its import name; may be given several times. "
            "Without it the setting NOTIFICATION_MODULES says which.",
        ),
    ] = None,
    _traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where in the code an error came from.")
    ] = False,
    _version: Annotated[
        bool | None,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = None,
) -> None:
    context.obj = Invocation(modules or [])


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; errors one can mend are a sentence, not a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        typer.main.get_command(app).main(args=given, prog_name="aerogram")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except (AerogramError, OSError, smtplib.SMTPException) as error:
        if "--traceback" in given:
            raise
        complain(error)
        return 1
    return 0
