"""The location of the database: the URL of ``OUTBOX_URL``, and the file of SQLite."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured

__all__ = ["checked_url", "default_url", "identity", "make_file"]

ACCEPTED: Final = (
    "Accepted: the SQLAlchemy URL of a database file or of PostgreSQL, such as "
    "sqlite:////var/lib/shop/outbox.db or postgresql+psycopg://user:password@host/database"
)


def default_url() -> str:
    """Return the URL of a SQLite file in the user's state folder."""
    if sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:
        folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return URL.create("sqlite", database=str(folder / "aerogram" / "outbox.db")).render_as_string()


def checked_url(given: str) -> URL:
    """Return the URL of a supported database with its driver; raise ImproperlyConfigured for another."""
    where = f"OUTBOX_URL ({settings.source_of('OUTBOX_URL')})"
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        is_path = re.fullmatch(r"[\w./\\ -]+", given)  # which holds no password
        hint = f" For this file: sqlite:///{given}" if is_path else ""
        raise ImproperlyConfigured(f"{where} is not a valid URL. {ACCEPTED}.{hint}") from None
    if url.get_backend_name() == "postgresql":
        if "+" not in url.drivername and find_spec("psycopg2") is None:
            url = url.set(drivername="postgresql+psycopg")
        if url.get_driver_name() in ("psycopg", "psycopg2"):
            return url
        raise ImproperlyConfigured(f"{where} names the driver {url.get_driver_name()}. {ACCEPTED}.")
    if url.get_backend_name() != "sqlite" or url.get_driver_name() not in ("pysqlite", ""):
        raise ImproperlyConfigured(f"{where} begins with {url.drivername[:40]}://. {ACCEPTED}.")
    if not url.database or url.database == ":memory:" or "mode=memory" in url.database:
        raise ImproperlyConfigured(
            f"{where} is a database in memory, which loses mail when the process ends. {ACCEPTED}."
        )
    if url.database.startswith("file:"):
        raise ImproperlyConfigured(f"{where} has a file: address. {ACCEPTED}.")
    try:
        url.get_dialect()().create_connect_args(url)
    except (ArgumentError, ValueError):  # a host, as in sqlite://var/outbox.db, or a wrong timeout
        raise ImproperlyConfigured(
            f"{where} is not the URL of a file that can be opened. {ACCEPTED}."
        ) from None
    return url.set(database=os.path.abspath(url.database))  # noqa: PTH100 - Path.resolve() follows links


def make_file(path: Path) -> None:
    """Make the file and its folders if they are missing, for their owner only."""
    for each in (*reversed(path.parent.parents), path.parent):
        if not each.exists():
            each.mkdir(mode=0o700, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def identity(path: Path | None) -> tuple[int, int] | None:
    """Return the identity of a file, which another file in its place does not have; None without a file."""
    try:
        status = os.stat(path or "")  # noqa: PTH116 - called at every transaction: no Path built
    except OSError:
        return None
    return status.st_dev, status.st_ino
