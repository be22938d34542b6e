"""A PostgreSQL server on loopback, in a temporary folder; one for each process of the tests."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",  # no power is cut here
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "40",
    "shared_buffers": "16MB",
    "dynamic_shared_memory_type": "mmap",
    "timezone": "Asia/Tokyo",  # not that of the tests
}


def programs() -> Path | None:
    """Return the folder with initdb and postgres of the newest version, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


@contextmanager
def running(port: int, **settings: str) -> Iterator[str]:
    """Run a server, with some settings of its own; give the URL of its database ``postgres``."""
    folder = Path(tempfile.mkdtemp(prefix="aerogram-pg-"))
    binaries = programs()
    assert binaries is not None
    user = {}
    if os.geteuid() == 0:  # which PostgreSQL refuses
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        user = {"user": "postgres", "group": "postgres", "extra_groups": []}
    data = folder / "data"
    options = [
        f"--{name}={value}"
        for name, value in {**SETTINGS, "unix_socket_directories": str(folder), **settings}.items()
    ]
    quiet = {"cwd": folder, "stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **user}
    try:
        initdb = [binaries / "initdb", "-D", data, "-U", "tests", "--auth=trust", "--no-sync", "-E", "UTF8"]
        subprocess.run(initdb, check=True, stderr=subprocess.PIPE, **quiet)
        control = [binaries / "pg_ctl", "-D", data, "-w", "-t", "60"]
        start = [*control, "-l", folder / "log", "-o", " ".join([f"-p {port}", *options]), "start"]
        subprocess.run(start, check=True, **quiet)
        try:
            yield f"postgresql+psycopg://tests@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=False, **quiet)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
