"""The database of the outbox: one engine for each URL and process, and its errors.

SQLite: write-ahead log, ``synchronous=FULL``, every write inside ``BEGIN IMMEDIATE``, and a connection that
no other thread uses meanwhile. PostgreSQL: ``READ COMMITTED``, and its clock. A forked process opens
connections of its own.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    DisconnectionError,
    InvalidRequestError,
    TimeoutError,
)
from sqlalchemy.pool import ConnectionPoolEntry

from aerogram.conf import settings
from aerogram.exceptions import (
    MissingDependency,
    OutboxSchemaError,
    OutboxUnavailable,
    ScheduleError,
)
from aerogram.outbox.storage import schema
from aerogram.outbox.storage.location import checked_url, default_url, identity, make_file

__all__ = ["Database", "check_tables", "current_database", "failures_named"]

BUSY_SECONDS: Final = 60
"""How long SQLite waits for the process that is writing."""

LOG_PAGES: Final = 4000
"""The size of SQLite's write-ahead log, in pages of 4 KiB, from which on a commit empties it."""

CONNECT_SECONDS: Final = "10"
"""How long a server of PostgreSQL may take to answer, unless the URL has a ``connect_timeout``."""

_CLOCK: Final = text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)")
_FORK_SECONDS: Final = 5.0  # how long a fork waits for a thread that is writing
_databases: Final[dict[str, Database]] = {}
_held: Final[list[Database]] = []  # while this process forks


class Database:
    """One database: transactions, the clock, and the tables, which are created when first needed.

    Args:
        url: an SQLAlchemy URL.

    Raises:
        ImproperlyConfigured: the URL is neither SQLite in a file nor PostgreSQL, or its driver is missing.
    """

    def __init__(self, url: str) -> None:
        self._url = checked_url(url)
        self.is_sqlite: bool = self._url.get_backend_name() == "sqlite"
        self.path: Path | None = Path(self._url.database or "") if self.is_sqlite else None
        self._was_opened = False
        self._prepared = False
        self._inherited: list[
            Engine
        ] = []  # of parent processes: not closed here, as their sockets are theirs
        try:
            self._start()
        except ImportError as error:
            raise MissingDependency(
                f"{self} needs a driver that is not installed ({error.name}). For PostgreSQL: "
                "pip install 'psycopg[binary]', and a URL that begins with postgresql+psycopg://."
            ) from None

    def __repr__(self) -> str:
        return f"<Database {self}>"

    def __str__(self) -> str:
        shown = self.path if self.is_sqlite else self._url.render_as_string(hide_password=True)
        return f"the outbox {shown}"

    @property
    def engine(self) -> Engine:
        """The engine of this process."""
        if self._process != os.getpid():
            self._inherited.append(self._engine)
            self._start()
        return self._engine

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Run a transaction that writes; an error rolls it back.

        Raises:
            OutboxUnavailable: the database cannot be reached or written.
            OutboxSchemaError: the tables are of another version.
        """
        self.prepare()
        with self._writer, failures_named(str(self)), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Run a transaction that only reads, and so waits for no writer; errors as in :meth:`writing`."""
        self.prepare()
        with failures_named(str(self)), self.engine.connect() as connection:
            yield connection.execution_options(aerogram_begin="BEGIN")

    def now(self, connection: Connection) -> int:
        """Return the time in milliseconds: of the server, where there is one for all machines."""
        return now_of(connection)

    def prepare(self, *, create: bool = False) -> None:
        """Create file and tables if they do not exist, and check their version.

        Args:
            create: make a new file even in place of one that this process has used and that is gone.

        Raises:
            OutboxUnavailable: the file or the tables cannot be created.
            OutboxSchemaError: they are of another version.
        """
        if self._prepared and not create and self._process == os.getpid():
            return
        engine = self.engine
        with self._lock, failures_named(str(self)):
            if self.path is not None and (create or not self._was_opened):
                make_file(self.path)
                self._was_opened = True
            with engine.connect().execution_options(aerogram_begin="BEGIN") as connection:
                found = inspect(connection).has_table(schema.schema_version.name) and connection.scalar(
                    schema.schema_version.select()
                )
            if not found or found < schema.VERSION:
                found = self._create_tables(engine)
            check_version(found, str(self))
            self._prepared = True

    def _create_tables(self, engine: Engine) -> int:
        with self._writer, engine.begin() as connection:
            if not self.is_sqlite:  # two processes would both find no tables
                connection.execute(text("SELECT pg_advisory_xact_lock(7061722)"))
            schema.metadata.create_all(connection)
            found: int | None = connection.scalar(schema.schema_version.select())
            if found is None:
                connection.execute(schema.schema_version.insert().values(version=schema.VERSION))
            elif found < schema.VERSION:
                schema.upgrade(connection, found)
            return max(found or 0, schema.VERSION)

    def checkpoint(self) -> None:
        """Empty the write-ahead log of SQLite, whose file would never shrink otherwise."""
        if self.is_sqlite:
            engine = self.engine
            with self._writer, failures_named(str(self)), engine.connect() as connection:
                connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")  # no transaction

    def close(self) -> None:
        """Close the connections that no one uses."""
        self.engine.dispose()

    def _start(self) -> None:
        """Create the objects of one process; a forked process calls it again."""
        self._process = os.getpid()
        self._lock = threading.Lock()
        # SQLite has one writer at a time. A process that is forked meanwhile would take it for its own. A
        # thread of the parent that the fork did not wait for would have this lock for ever.
        self._writer: Any = threading.RLock() if self.is_sqlite else nullcontext()
        self._prepared = False
        self._engine = self._new_engine()

    def _new_engine(self) -> Engine:
        if not self.is_sqlite:
            return create_engine(
                self._url.update_query_dict({"connect_timeout": CONNECT_SECONDS} | dict(self._url.query)),
                pool_pre_ping=True,
                isolation_level="READ COMMITTED",
                hide_parameters=True,
            )
        # No limit: a thread that waits for a connection could be one that the writer waits for.
        engine = create_engine(
            self._url,
            max_overflow=-1,
            pool_use_lifo=True,  # the connection that wrote last still has its pages
            hide_parameters=True,
            connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS},
        )
        event.listen(engine, "do_connect", self._refuse_new_file)
        event.listen(engine, "connect", self._set_up)
        event.listen(engine, "checkout", self._check_file)
        event.listen(engine, "begin", _begin)
        return engine

    def _set_up(self, connection: Any, record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the pragmas run outside of a transaction; _begin() begins it
        if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
        record.info["file"] = identity(self.path)

    def _refuse_new_file(self, *_: object) -> None:
        """Refuse to open a file that has disappeared, which SQLite would create again."""
        self._identity()

    def _identity(self) -> tuple[int, int]:
        if (found := identity(self.path)) is None:
            raise OutboxUnavailable(
                f"The file of {self} has been removed. Restore it, or create a new one: aerogram outbox init."
            )
        return found

    def _check_file(self, _connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        """Reopen the file if another one has replaced it."""
        if record.info.get("file") != self._identity():
            raise DisconnectionError

    def hold_writer(self, seconds: float) -> bool:
        """Keep the other threads of this process from writing; return whether none is writing now."""
        return self.is_sqlite and self._writer.acquire(timeout=seconds)

    def free_writer(self) -> None:
        """Allow the other threads to write again."""
        self._writer.release()


def now_of(connection: Connection) -> int:
    """Return the time of a database in milliseconds."""
    if connection.dialect.name == "sqlite":
        return int(time.time() * 1000)
    return int(connection.scalar(_CLOCK) or 0)


def current_database() -> Database:
    """Return the database of ``OUTBOX_URL``; one object for each URL and process.

    Raises:
        ImproperlyConfigured: ``OUTBOX_URL`` is no URL of a database that can be used.
    """
    url = settings.OUTBOX_URL or default_url()
    return _databases.get(url) or _databases.setdefault(url, Database(url))


def check_version(found: int, where: str) -> None:
    """Raise OutboxSchemaError for tables of another version."""
    if found != schema.VERSION:
        what = (
            "Upgrade Aerogram in this environment to the version that the others use"
            if found > schema.VERSION
            else "Set OUTBOX_URL to this database, and run: aerogram outbox init"
        )
        raise OutboxSchemaError(
            f"The tables of {where} have version {found}, but this version of Aerogram needs version "
            f"{schema.VERSION}. {what}."
        )


def check_tables(connection: Connection) -> None:
    """Raise OutboxSchemaError unless the database of a caller's connection has the outbox's tables."""
    where = f"the database {connection.engine.url.render_as_string(hide_password=True)}"
    if not inspect(connection).has_table(schema.schema_version.name):
        raise OutboxSchemaError(
            f"There is no outbox in {where}, the database of the session. Create its tables once: set "
            "OUTBOX_URL to this database and run 'aerogram outbox init', or add "
            "aerogram.outbox.storage.schema.metadata to your migrations. The worker needs that OUTBOX_URL."
        )
    check_version(connection.scalar(schema.schema_version.select()) or schema.VERSION, where)


@contextmanager
def failures_named(where: str) -> Iterator[None]:
    """Translate database errors: OutboxUnavailable, or ScheduleError for a value that it refuses.

    No value of a statement is in their texts.
    """
    try:
        yield
    except (DataError, UnicodeError, OverflowError) as error:
        raise ScheduleError(
            f"{where[:1].upper()}{where[1:]} refuses a value: it contains a NUL or half of a surrogate "
            f"pair, or is too large ({type(error).__name__})."
        ) from None
    except DBAPIError as error:
        reason = str(error.orig).strip().partition("\n")[0][:300] or type(error.orig).__name__
        raise OutboxUnavailable(
            f"{where[:1].upper()}{where[1:]} cannot be used: {reason}.{_hint(reason)}"
        ) from error.orig
    except (DisconnectionError, InvalidRequestError, TimeoutError) as error:
        raise OutboxUnavailable(f"{where[:1].upper()}{where[1:]} cannot be used: {error}") from error
    except OSError as error:
        if isinstance(error, OutboxUnavailable):
            raise
        reason = error.strerror or str(error)
        raise OutboxUnavailable(
            f"{where[:1].upper()}{where[1:]} cannot be used: {reason}.{_hint(reason)}"
        ) from error


def _hint(reason: str) -> str:
    return next((hint for words, hint in _HINTS.items() if words in reason), "")


_SERVER: Final = (
    " Start the server, or correct OUTBOX_URL: host, port, user, password and name of the database."
)
_HINTS: Final = {
    "connection to server": _SERVER,
    "connection timeout": _SERVER,
    "invalid port": _SERVER,
    "resolve host": _SERVER,
    "translate host": _SERVER,
    "Permission denied": " File and folder must be writable for this user, OUTBOX_URL names them.",
    "Not a directory": " A part of the path is a file, OUTBOX_URL names it.",
    "is full": " Free space on its disk, nothing was written.",
    "readonly": " Make file and folder writable for this user.",
    "read-only": " Make file and folder writable for this user.",
    "unable to open": " File and folder must exist and be writable for this user, OUTBOX_URL names them.",
    "not a database": " Give OUTBOX_URL another path, or move the file away.",
    "malformed": " Move the file away, and save what it holds with 'sqlite3 FILE .recover'.",
    "disk I/O": " Check the disk and the folder of the file.",
    "no such table": " Make the tables again: aerogram outbox init.",
    'relation "aerogram_outbox': " Make the tables again: aerogram outbox init.",
    "locked": f" Another process has been writing for {BUSY_SECONDS} seconds.",
}  # fmt: skip


def _begin(connection: Connection) -> None:
    # IMMEDIATE: a transaction that reads first and writes later fails when another has written meanwhile.
    statement = connection.get_execution_options().get("aerogram_begin", "BEGIN IMMEDIATE")
    connection.connection.cursor().execute(statement)  # in half the time that SQLAlchemy takes


def _before_fork() -> None:
    _held.extend(db for db in list(_databases.values()) if db.hold_writer(_FORK_SECONDS))


def _after_fork() -> None:
    while _held:
        _held.pop().free_writer()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
