"""Python programs without the time that imports take: forks of a process that has imported what they need.

``[sys.executable, "-m", "aerogram"]`` becomes ``python("-m", "aerogram")``, a command for `subprocess` as
well. It starts a small client (``forked_client.py``), which gives its arguments, folder, environment and
standard streams to a server, passes signals on, and ends as the program does. The server, one for each test
process, has imported `IMPORTS`, and has one thread, so that it can fork. A test of how a program starts
(which modules it imports, audit hooks, options beside ``-W``, ``-u``, ``-c`` and ``-m``) takes
`sys.executable`.
"""

from __future__ import annotations

import functools
import marshal
import os
import select
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

CLIENT = Path(__file__).with_name("forked_client.py")
# Nothing that changes what a program does, as FastAPI does by importing opentelemetry.
IMPORTS = """
    aerogram.cli.app aerogram.cli.catch aerogram.cli.check aerogram.cli.messages aerogram.cli.outbox
    aerogram.cli.studio aerogram.outbox.worker aerogram.preview.studio aerogram.testing celery.app.base
    django.core.mail.backends.smtp django.template.backends.django django.test.runner starlette.testclient
    flask.cli markdown_it psycopg pytest rich.traceback sqlalchemy.dialects.postgresql
    sqlalchemy.dialects.sqlite uvicorn
"""
# Of pytest, which would warn that they are imported already.
PLUGINS = """
    aerogram anyio hypothesis _hypothesis_globals _hypothesis_pytestplugin pytest_asyncio pytest_cov
    pytest_timeout xdist
"""


def python(*arguments: str) -> list[str]:
    """Return the command that runs a program, given what would stand behind ``python``."""
    if not hasattr(os, "pidfd_open"):  # not Linux
        return [sys.executable, *arguments]
    return [sys.executable, "-I", "-S", str(CLIENT), _server(), *arguments]


@functools.cache
def _server() -> str:
    """Start the server, which ends with this process; return the address of its socket."""
    import atexit
    import subprocess
    import tempfile

    address = tempfile.mkdtemp(prefix="aerogram-python-") + "/socket"
    server = subprocess.Popen(
        [sys.executable, __file__, address],
        cwd="/",
        env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    atexit.register(server.__exit__, None, None, None)  # closes its standard input, and waits
    assert server.stdout is not None
    assert server.stdout.readline(), "the server did not start"
    return address


def serve(address: str) -> Callable[[], None] | None:
    """Fork for each client; return in the fork what it is to run, and None when the tests have ended."""
    import contextlib
    import gc
    import importlib

    for name in (IMPORTS + PLUGINS).split():
        with contextlib.suppress(ImportError):  # what is not installed
            importlib.import_module(name)
    for name in PLUGINS.split():
        if name in sys.modules:
            sys.modules[name].__doc__ = "PYTEST_DONT_REWRITE"
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    os.write(1, b"ready\n")
    watchers: set[int] = set()
    while 0 not in select.select([0, listener], [], [])[0]:
        client, _ = listener.accept()
        if (watcher := os.fork()) == 0:
            listener.close()
            return _start(client)
        client.close()
        watchers = {each for each in watchers if not os.waitpid(each, os.WNOHANG)[0]} | {watcher}
    Path(address).unlink()
    Path(address).parent.rmdir()
    return None


def _start(client: socket.socket) -> Callable[[], None]:
    """Fork again: return what to run in the fork, and stay to tell the client how that ends."""
    length, streams, _, _ = socket.recv_fds(client, 8, 3)
    with client.makefile("rb") as file:
        request = marshal.loads(file.read(int.from_bytes(length, "big")))
    if (pid := os.fork()) == 0:
        client.close()
        return functools.partial(run, streams, *request)
    for stream in (0, 1, *streams):
        os.close(stream)
    client.sendall(pid.to_bytes(8, "big"))
    ended = os.pidfd_open(pid)
    if ended not in select.select([ended, client], [], [])[0]:  # the client was killed
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    try:
        client.sendall(status.to_bytes(8, "big"))
    finally:
        os._exit(0)


def run(streams: list[int], arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    """Be the process that ``python`` with these arguments would be."""
    import runpy
    import types

    _take_over(streams, folder, environment)
    arguments = _without_options(arguments)
    kind, *rest = arguments
    python_path = [each for each in environment.get("PYTHONPATH", "").split(os.pathsep) if each]
    if kind == "-m":
        sys.argv = rest
        sys.path[:0] = [folder, *python_path]
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        return
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    if kind == "-c":
        sys.argv = ["-c", *rest[1:]]
        sys.path[:0] = ["", *python_path]
        code = compile(rest[0], "<string>", "exec")
    else:
        sys.argv = arguments
        sys.path[:0] = [str(Path(kind).resolve().parent), *python_path]
        main.__file__ = kind
        code = compile(Path(kind).read_bytes(), kind, "exec")
    exec(code, main.__dict__)


def end(code: object) -> None:
    """End as Python does, without taking all that was imported apart: that costs more than most programs."""
    import atexit
    import threading

    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined] # waits for the threads
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except OSError:
        code = 120  # as Python's
    sys.stderr.flush()
    os._exit((code or 0) & 0xFF)


def _take_over(streams: list[int], folder: str, environment: dict[str, str]) -> None:
    """Take the streams, the folder and the environment of the client."""
    import time

    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.dont_write_bytecode = bool(environment.get("PYTHONDONTWRITEBYTECODE"))
    sys.pycache_prefix = environment.get("PYTHONPYCACHEPREFIX")
    encoding = environment.get("PYTHONIOENCODING")
    sys.stdin = open(0, encoding=encoding, closefd=False)  # noqa: SIM115 # as below: it stays open
    sys.stdout = open(1, "w", encoding=encoding, closefd=False)  # noqa: SIM115 # as above
    sys.stderr = open(2, "w", 1, encoding, "backslashreplace", closefd=False)  # noqa: SIM115 # as above
    if environment.get("PYTHONUNBUFFERED"):
        sys.stdout.reconfigure(write_through=True)
    sys.excepthook = _show_from_the_program
    if "COVERAGE_PROCESS_CONFIG" in environment:
        import coverage

        coverage.process_startup()


def _without_options(arguments: list[str]) -> list[str]:
    """Obey ``-u`` and ``-W``; return what follows."""
    import warnings

    while arguments[0] in ("-W", "-u"):
        if arguments[0] == "-u":
            sys.stdout.reconfigure(write_through=True)
            arguments = arguments[1:]
        else:
            sys.warnoptions.append(arguments[1])
            warnings.simplefilter(arguments[1])  # type: ignore[arg-type] # any action
            arguments = arguments[2:]
    return arguments


def _show_from_the_program(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print a traceback without the frames of this file."""
    while trace and trace.tb_frame.f_code.co_filename in (__file__, "<frozen runpy>"):
        trace = trace.tb_next
    sys.__excepthook__(kind, error.with_traceback(trace), trace)


if __name__ == "__main__":
    del sys.path[0]
    if work := serve(sys.argv[1]):
        try:
            work()
        except SystemExit as error:
            end(error.code)
        end(None)
