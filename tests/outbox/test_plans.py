"""What claiming and finishing cost: from the plans of the databases and what they read, not from a clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, text

from aerogram import outbox
from aerogram.conf import settings
from aerogram.mail import EmailMessage
from aerogram.outbox import claims, recovery, transports
from aerogram.outbox.queueing import freeze, insert
from aerogram.outbox.retries import Outcome
from aerogram.outbox.schedule import Schedule
from aerogram.outbox.storage import prepared, schema
from tests.outbox import recorder

if TYPE_CHECKING:
    from aerogram.outbox.storage.database import Database

ROWS = 100_000
TABLES = ("aerogram_outbox_entry", "aerogram_outbox_recipient", "aerogram_outbox_content")

# Of each hundred entries: 60 ended, 20 of a paused mailer, 10 of later, 10 waiting.
FILL = """
INSERT INTO aerogram_outbox_entry (id, created, due, planned, priority, mailer, sender, message_id, subject,
    size, state, finished)
SELECT {id}, {now}, CASE WHEN n % 100 BETWEEN 80 AND 89 THEN {now} + 9999999 ELSE {now} - 9 END, {now} - 9, 0,
    CASE WHEN n % 100 BETWEEN 60 AND 79 THEN 'bulk' ELSE '' END, 'shop@example.com', '<1@x>', 'News', 100,
    CASE WHEN n % 100 < 60 THEN 'done' ELSE 'queued' END, CASE WHEN n % 100 < 60 THEN {now} END
FROM ({numbers}) AS numbers
"""
DIALECTS = {
    "sqlite": {
        "id": "printf('fill-%06d', n)",
        "blob": "x'61'",
        "numbers": "WITH RECURSIVE up(n) AS (SELECT {a} UNION ALL SELECT n + 1 FROM up WHERE n < {b}) "
        "SELECT n FROM up",
    },
    "postgresql": {
        "id": "'fill-' || lpad(n::text, 6, '0')",
        "blob": "'a'::bytea",
        "numbers": "SELECT n FROM generate_series({a}, {b}) AS numbers(n)",
    },
}


def fill(db: Database, first: int, last: int) -> None:
    """Insert entries as they lie in a queue that has been used for long."""
    dialect = DIALECTS[db.engine.dialect.name]
    new = f"FROM aerogram_outbox_entry WHERE id BETWEEN 'fill-{first:06}' AND 'fill-{last:06}'"
    with db.writing() as connection:
        numbers = dialect["numbers"].format(a=first, b=last)
        for statement in (
            FILL.format(id=dialect["id"], now=db.now(connection), numbers=numbers),
            f"INSERT INTO aerogram_outbox_content SELECT id, {dialect['blob']} {new}",
            "INSERT INTO aerogram_outbox_recipient (entry, address, position, state, due) SELECT id, "
            f"'ann@example.com', 0, CASE WHEN state = 'done' THEN 'sent' ELSE 'pending' END, due {new}",
        ):
            connection.execute(text(statement.replace(":", "\\:")))
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def work(db: Database) -> None:
    """Do all that a worker does for two mails: one is sent, one waits for its next attempt."""
    recovery.recover(db)
    transports.pause(db, "bulk", 3600)
    first, second = claims.claim(db, "worker", 2, lease=60)
    claims.renew(db, "worker", [first, second], 60)
    assert recorder.begin_content(db, first)
    recorder.record(db, first, [Outcome("ann@example.com", "sent", 250)])
    recorder.record(db, second, [Outcome("ann@example.com", "pending", 450, delay=10**13)])
    message = freeze(EmailMessage("News", "", "shop@example.com", ["ann@example.com"]))
    assert message is not None
    with db.writing() as connection:
        insert(connection, db.now(connection), [(message, Schedule(key="k"))])
        connection.execute(schema.key.delete())


@contextmanager
def statements_of(db: Database) -> Iterator[list[tuple[str, Any]]]:
    """Collect the statements that are executed, with their parameters."""
    seen: list[tuple[str, Any]] = []

    def add(_connection: Any, _cursor: Any, sql: str, parameters: Any, _context: Any, many: bool) -> None:
        if re.match("SELECT|UPDATE|DELETE", sql) and "aerogram_outbox" in sql:
            seen.append((sql, parameters[0] if many else parameters))

    def execute(connection: Any, sql: str, parameters: Any, *, many: bool = False) -> Any:
        add(connection, None, sql, parameters, None, many)
        return real(connection, sql, parameters, many=many)

    engine, real = db.engine, prepared.execute
    event.listen(engine, "before_cursor_execute", add)
    prepared.execute = execute
    yield seen
    prepared.execute = real
    event.remove(engine, "before_cursor_execute", add)


SCANNED = {"sqlite": r"SCAN {}(?! USING)", "postgresql": r"Seq Scan on {}\b"}


def plan_of(db: Database, sql: str, parameters: Any) -> str:
    """Return how a database executes a statement."""
    explain = "EXPLAIN QUERY PLAN " if db.is_sqlite else "EXPLAIN "
    with db.reading() as connection:
        return "\n".join(str(row) for row in connection.exec_driver_sql(explain + sql, parameters))


@pytest.fixture
def paused(db: Database) -> Database:
    settings.configure(MAILERS={"bulk": {"URL": "dummy:"}})
    db.prepare()
    transports.pause(db, "bulk", 3600)
    return db


def test_claiming_and_finishing_use_an_index_for_every_table(paused: Database) -> None:
    fill(paused, 1, 20_000)
    with statements_of(paused) as statements:
        work(paused)
    assert len(statements) > 10
    for sql, parameters in statements:
        plan = plan_of(paused, sql, parameters)
        for table in TABLES:
            assert not re.search(SCANNED[paused.engine.dialect.name].format(table), plan), f"{sql}\n{plan}"
        assert "TEMP B-TREE FOR ORDER BY" not in plan or "aerogram_outbox_entry" not in sql, f"{sql}\n{plan}"


def test_the_status_uses_an_index_and_finds_the_oldest_without_reading_the_others(paused: Database) -> None:
    fill(paused, 1, 20_000)
    with statements_of(paused) as statements:
        assert outbox.status().oldest_queued_seconds is not None
    [oldest] = [each for each in statements if "ORDER BY aerogram_outbox_entry.created" in each[0]]
    assert "aerogram_outbox_entry_oldest" in plan_of(paused, *oldest)
    for sql, parameters in statements if paused.is_sqlite else [oldest]:  # PostgreSQL reads a table to count
        plan = plan_of(paused, sql, parameters)
        assert not re.search(SCANNED[paused.engine.dialect.name].format(TABLES[0]), plan), f"{sql}\n{plan}"

    def find() -> None:
        with paused.reading() as connection:
            connection.exec_driver_sql(*oldest)

    count = steps_of_sqlite if paused.is_sqlite else pages_of_postgresql
    find()
    assert count(paused, find) <= 20


def steps_of_sqlite(db: Database, act: Callable[[], object]) -> int:
    """Count, in tens, the instructions of SQLite's machine."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    with db.engine.connect() as connection:
        raw: Any = connection.connection.dbapi_connection
        raw.set_progress_handler(step, 10)
    act()
    raw.set_progress_handler(None, 0)
    return steps


def pages_of_postgresql(db: Database, act: Callable[[], object]) -> int:
    """Count the rows and index entries that were read."""
    query = text(
        "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) + (SELECT sum(idx_tup_read) FROM "
        "pg_stat_user_indexes WHERE relname LIKE 'aerogram_outbox%') FROM pg_stat_user_tables "
        "WHERE relname LIKE 'aerogram_outbox%'"
    )

    def read() -> int:
        with db.writing() as connection:
            connection.execute(text("SELECT pg_stat_force_next_flush()"))
        with db.reading() as connection:
            connection.execute(text("SELECT pg_stat_clear_snapshot()"))
            return int(connection.scalar(query) or 0)

    before = read()
    act()
    return read() - before


def test_the_cost_of_a_mail_does_not_grow_with_the_queue(paused: Database) -> None:
    count = steps_of_sqlite if paused.is_sqlite else pages_of_postgresql
    fill(paused, 1, 1_000)
    work(paused)
    small = count(paused, lambda: work(paused))
    fill(paused, 1_001, ROWS)
    large = count(paused, lambda: work(paused))
    assert small > 0
    assert large <= 1.5 * small + 20, (small, large)


def test_one_urgent_mail_passes_ten_thousand_others(paused: Database, put: Callable[..., str]) -> None:
    fill(paused, 1, 10_000)
    urgent, unimportant = put(priority=1), put(priority=-1)
    claimed = claims.claim(paused, "worker", 2, lease=60)
    assert claimed[0].id == urgent
    assert claimed[1].id.startswith("fill-")
    with paused.writing() as connection:  # two days later it is the first, whatever has come since
        old = schema.entry.c.id == unimportant
        connection.execute(schema.entry.update().where(old).values(due=schema.entry.c.due - 2 * claims.DAY))
    [claim] = claims.claim(paused, "worker", 1, lease=60)
    assert claim.id == unimportant
