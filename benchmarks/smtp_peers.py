"""The peers of the delivery benchmark: Postfix's smtp-sink and smtp-source, and a proxy that adds a delay."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["delay_proxy", "find_program", "free_port", "sink", "smtp_source"]

LISTEN = "127.0.0.1"


def find_program(name: str) -> str | None:
    """Return the path of a Postfix program; Debian installs them in sbin, which only root has on its PATH."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((LISTEN, 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    """Wait until a server listens on ``port``."""
    for _ in range(200):
        try:
            socket.create_connection((LISTEN, port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"nothing listens on port {port}")


@contextmanager
def running(*command: str, port: int) -> Iterator[int]:
    """Run a server during a ``with`` block."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait()


@contextmanager
def sink(*options: str) -> Iterator[int]:
    """Run smtp-sink, which accepts and drops all mail; yield its port."""
    program, port = find_program("smtp-sink"), free_port()
    if program is None:
        raise SystemExit("smtp-sink is not installed: it comes with Postfix (apt-get install postfix)")
    user = ("-u", "nobody") if os.geteuid() == 0 else ()
    with running(program, *user, *options, f"{LISTEN}:{port}", "100", port=port):
        yield port


@contextmanager
def delay_proxy(target: int, delay: float) -> Iterator[int]:
    """Run a proxy that delays each octet by ``delay`` seconds in both directions; yield its port."""
    port = free_port()
    arguments = (str(port), str(target), str(delay))
    with running(sys.executable, "-m", "benchmarks.smtp_peers", *arguments, port=port):
        yield port


def smtp_source(port: int, count: int, sessions: int, size: int) -> float:
    """Send ``count`` messages with Postfix's load generator; return the seconds it took."""
    program = find_program("smtp-source")
    if program is None:
        raise SystemExit("smtp-source is not installed: it comes with Postfix (apt-get install postfix)")
    began = time.perf_counter()
    subprocess.run(
        [program, "-d", "-m", str(count), "-s", str(sessions), "-l", str(size), f"inet:{LISTEN}:{port}"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Copy each piece of data ``delay`` seconds after it arrived."""
    loop = asyncio.get_running_loop()
    while piece := await reader.read(1 << 18):
        loop.call_later(delay, writer.write, piece)
    loop.call_later(delay, writer.close)


async def serve_proxy(port: int, target: int, delay: float) -> None:
    """Accept connections and join each to a new connection to ``target``."""

    async def tie(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(LISTEN, target)
        await asyncio.gather(carry(reader, far_writer, delay), carry(far_reader, writer, delay))

    server = await asyncio.start_server(tie, LISTEN, port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve_proxy(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
