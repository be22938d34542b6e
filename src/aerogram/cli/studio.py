"""``aerogram studio``: every sample live in the browser."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from aerogram.cli.screen import screen
from aerogram.conf import settings

if TYPE_CHECKING:
    from types import ModuleType

    from aerogram.catcher import CaughtMessage
    from aerogram.cli.modules import Invocation


def checked_port(port: int) -> int:
    """Return a port number; raise BadParameter for what is none."""
    if not 0 <= port <= 65535:
        raise typer.BadParameter(f"{port} is not a number from 0 to 65535.")
    return port


Port = Annotated[
    int, typer.Option(metavar="PORT", callback=checked_port, help="From 1 to 65535, or 0 for any free port.")
]


def studio(
    context: typer.Context,
    host: Annotated[
        str,
        typer.Option(
            metavar="HOST", help="The address to listen on; everyone who can reach it sees the mails."
        ),
    ] = "127.0.0.1",
    port: Port = 8025,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the browser.")] = False,
) -> None:
    """Show every sample live in the browser: look, edit the data, send a test, see the findings.

    The page follows templates, style sheets and Python files as they change. Ctrl-C ends it.
    """
    server = studio_server()
    modules = context.obj.module_names()
    listener = server.bind(host, port)
    address = server.address_of(listener)

    def tell() -> None:
        show_address(address)
        if not no_open:
            threading.Thread(target=server.open_browser, args=(address,), daemon=True).start()

    with listener:
        server.serve(listener, modules, host, tell, context.obj.studio)


def studio_server() -> ModuleType:
    """Return the module that serves the studio; raise MissingDependency naming the extra."""
    from aerogram.preview.studio import needs_extra

    with needs_extra():
        from aerogram.preview.studio import server
    return server


def show_address(address: str) -> None:
    """Show where the studio is."""
    text = Text.assemble(
        ("Studio", "bold green"), " at ", (address, f"bold link {address}"), "\nCtrl-C ends."
    )
    screen().print(text, soft_wrap=True)


class StudioHere:
    """A studio in this process, which shows what a catching server receives.

    Raises:
        ListenError: its port cannot be used.
        MissingDependency: the extra ``studio`` is not installed.
    """

    def __init__(self, port: int) -> None:
        self._server = studio_server()
        from aerogram.preview.studio.application import Studio

        self._studio = Studio(catches=True)
        self._listener = self._server.bind("127.0.0.1", port)

    def show(self, caught: CaughtMessage) -> None:
        """Show a message that was caught."""
        self._studio.inbox.add(caught.content, caught.recipients)

    def serve(self, invocation: Invocation) -> None:
        """Serve until Ctrl-C: the inbox, and the samples of the modules, if any are named."""
        modules = invocation.modules or list(settings.NOTIFICATION_MODULES)
        show_address(self._server.address_of(self._listener))
        names = invocation.module_names() if modules else []
        with self._listener, settings.override(NOTIFICATION_MODULES=names):
            self._server.serve_here(self._studio.app, self._listener)
