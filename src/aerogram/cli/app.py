"""The program around the commands: its options, errors and exit status."""

from __future__ import annotations

import smtplib
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import aerogram
from aerogram.cli import outbox
from aerogram.cli.catch import catch
from aerogram.cli.check import check
from aerogram.cli.messages import compile_catalogs, extract, init, update
from aerogram.cli.modules import Invocation
from aerogram.cli.samples import list_notifications, preview, send
from aerogram.cli.screen import complain
from aerogram.cli.studio import studio
from aerogram.cli.worker import worker
from aerogram.exceptions import AerogramError


def _without_types(parameters: list[Any]) -> list[Any]:
    # The help of some releases of Typer shows types of Python: "--raw <bool>" and "NAME <str>".
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
        elif getattr(parameter, "param_type_name", "") == "argument":
            parameter.display_type_rich = lambda **_: None
    return parameters


class _Command(TyperCommand):
    def get_params(self, ctx):  # type: ignore[no-untyped-def]  # the class of contexts moves
        return _without_types(super().get_params(ctx))

    def collect_usage_pieces(self, ctx):  # type: ignore[no-untyped-def]  # the same
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]


class _Group(TyperGroup):
    def get_params(self, ctx):  # type: ignore[no-untyped-def]  # the same
        return _without_types(super().get_params(ctx))


app = typer.Typer(
    name="aerogram",
    cls=_Group,
    help="List, preview, check and send the notifications of an application.",
    epilog="Exit status: 0 if all is well, 1 for a finding or a failure, 2 for wrong usage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("list", cls=_Command)(list_notifications)
app.command("preview", cls=_Command)(preview)
app.command("studio", cls=_Command)(studio)
app.command("check", cls=_Command)(check)
app.command("send", cls=_Command)(send)
app.command("catch", cls=_Command)(catch)
messages = typer.Typer(
    cls=_Group, no_args_is_help=True, help="Extract messages, and create and compile the catalogues."
)
messages.command("extract", cls=_Command)(extract)
messages.command("init", cls=_Command)(init)
messages.command("update", cls=_Command)(update)
messages.command("compile", cls=_Command)(compile_catalogs)
app.add_typer(messages, name="messages")
app.command("worker", cls=_Command)(worker)
queue = typer.Typer(cls=_Group, no_args_is_help=True, help="Show and manage the mail that is queued.")
_commands: dict[str, Callable[..., None]] = {
    "init": outbox.init,
    "status": outbox.status,
    "list": outbox.list_entries,
    "show": outbox.show,
    "retry": outbox.retry,
    "cancel": outbox.cancel,
    "purge": outbox.purge,
    "metrics": outbox.metrics,
}
for _name, _function in _commands.items():
    queue.command(_name, cls=_Command)(_function)
app.add_typer(queue, name="outbox")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"aerogram {aerogram.__version__}")
        raise typer.Exit


@app.callback()
def _program(
    context: typer.Context,
    modules: Annotated[
        list[str] | None,
        typer.Option(
            "--app",
            metavar="MODULE",
            help="The import name of a module that defines notifications; may be given several times. "
            "By default, the modules in the setting NOTIFICATION_MODULES.",
        ),
    ] = None,
    _traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where in the code an error was raised.")
    ] = False,
    _version: Annotated[
        bool | None,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = None,
) -> None:
    context.obj = Invocation(modules or [], context.obj)
    if modules and context.invoked_subcommand in ("outbox", "worker"):
        context.obj.notifications()  # which send no notification, but a module may hold the settings


def run(arguments: Sequence[str] | None = None, studio: str = "") -> int:
    """Run the command and return its exit status; errors that a user can mend are shown as a sentence."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        typer.main.get_command(app).main(args=given, prog_name="aerogram", obj=studio)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except (AerogramError, OSError, smtplib.SMTPException) as error:
        if "--traceback" in given:
            raise
        complain(error)
        return 1
    return 0
