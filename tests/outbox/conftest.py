"""An outbox in SQLite and one in PostgreSQL: what takes the fixture ``outbox_url`` or ``db`` runs on both."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, text

from aerogram.conf import settings
from aerogram.mail import EmailMessage
from aerogram.outbox import queueing
from aerogram.outbox.schedule import Schedule
from aerogram.outbox.storage import database
from aerogram.outbox.storage.database import Database, current_database
from aerogram.outbox.storage.schema import metadata, schema_version
from tests.outbox import postgresql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_numbers = count()


@pytest.fixture(scope="session")
def postgresql_server(needs: Callable[[bool, str], None], free_port: Callable[[], int]) -> Iterator[str]:
    """The URL of a PostgreSQL server, started when the first test needs it."""
    needs(postgresql.programs() is not None, "PostgreSQL is not installed")
    with postgresql.running(free_port()) as url:
        yield url


@pytest.fixture
def new_postgresql_url(postgresql_server: str) -> Iterator[str]:
    """The URL of a PostgreSQL database without tables."""
    name = f"outbox_{next(_numbers)}"
    server = create_engine(postgresql_server, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgresql_server.replace("/postgres", f"/{name}")
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def postgresql_url(postgresql_server: str) -> str:
    """The URL of a PostgreSQL database whose tables are empty."""
    db = Database(postgresql_server)
    with db.writing() as connection:
        tables = ", ".join(set(metadata.tables) - {schema_version.name})
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY"))
    db.close()
    return postgresql_server


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite file that does not exist."""
    return f"sqlite:///{tmp_path}/state/outbox.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def outbox_url(request: pytest.FixtureRequest) -> str:
    """``OUTBOX_URL`` of this test: an empty database, first of SQLite, then of PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    settings.configure(OUTBOX_URL=url)
    return url


@pytest.fixture(autouse=True)
def closed_databases() -> Iterator[None]:
    """Close at the end what the test has opened."""
    yield
    for opened in database._databases.values():
        opened.close()
    database._databases.clear()


@pytest.fixture
def db(outbox_url: str) -> Database:
    """The database of ``OUTBOX_URL``."""
    return current_database()


class Clock:
    """The clock of the database, which a test sets."""

    def __init__(self) -> None:
        self.offset = 0

    def forward(self, seconds: float) -> None:
        """Let time pass; a negative number sets the clock back."""
        self.offset += int(seconds * 1000)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the outbox in this test."""
    clock, real = Clock(), database.now_of
    monkeypatch.setattr(database, "now_of", lambda connection: real(connection) + clock.offset)
    return clock


@pytest.fixture
def put() -> Callable[..., str]:
    """``put("ann@example.com", priority=1)`` queues a mail, as ``send_later`` does, and gives its id."""

    def queue_one(
        *recipients: str, subject: str = "News", body: str = "There is some.", **schedule: Any
    ) -> str:
        mail = EmailMessage(subject, body, "shop@example.com", list(recipients or ["ann@example.com"]))
        frozen = queueing.freeze(mail)
        assert frozen is not None
        [entry_id] = queueing.queue(current_database(), [(frozen, Schedule.of(**schedule))])
        return entry_id

    return queue_one
