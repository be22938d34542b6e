"""The server of the studio: its socket, its browser, and a new process when a Python file changes."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.supervisors import ChangeReload

from aerogram.catcher import listen
from aerogram.conf import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.applications import Starlette

__all__ = ["address_of", "serve", "serve_here"]

_OPTIONS: dict[str, Any] = {
    "log_level": "critical",
    "lifespan": "off",
    "timeout_graceful_shutdown": 0,  # open pages wait for events for ever
    "server_header": False,
}


def address_of(listener: socket.socket) -> str:
    """Return the address at which a browser finds what listens here."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; raise ListenError if there can be none."""
    listener = listen(host, port)
    listener.set_inheritable(True)
    return listener


def serve(
    listener: socket.socket, modules: Sequence[str], host: str, on_ready: Callable[[], None], app: str
) -> None:
    """Serve until Ctrl-C, in a process that is started anew when a Python file or the settings change.

    The socket stays open meanwhile, so a page that asks during a new start waits and gets its answer.
    """
    os.environ["AEROGRAM_NOTIFICATION_MODULES"] = json.dumps(list(modules))
    os.environ["AEROGRAM_STUDIO_HOSTS"] = json.dumps([*map(str, settings.STUDIO_HOSTS), host])
    config = uvicorn.Config(
        app or "aerogram.preview.studio:app",
        reload=True,
        reload_dirs=[str(folder) for folder in _folders(modules)],
        reload_includes=["*.py", "aerogram.toml", "pyproject.toml"],
        **_OPTIONS,
    )
    on_ready()
    ChangeReload(config, target=uvicorn.Server(config).run, sockets=[listener]).run()


def serve_here(app: Starlette, listener: socket.socket) -> None:
    """Serve until Ctrl-C, in this process."""
    uvicorn.Server(uvicorn.Config(app, **_OPTIONS)).run(sockets=[listener])


def open_browser(address: str) -> None:
    """Open the page, if this machine has a browser."""
    webbrowser.open(address)


def _folders(modules: Sequence[str]) -> list[Path]:
    """Return the folders of the modules; of a package, the folder of the whole."""
    found = {Path.cwd()} if any(Path(f"{name}.py").is_file() for name in modules) else set()
    for name in modules:
        try:
            spec = importlib.util.find_spec(name.partition(".")[0])
        except (ImportError, ValueError):
            continue
        places = list(spec.submodule_search_locations or ()) if spec else []
        if not places and spec is not None and spec.origin:
            places = [str(Path(spec.origin).parent)]
        found.update(Path(place).resolve() for place in places)
    return sorted(found)
