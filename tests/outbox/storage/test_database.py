"""The database: files and modes, processes and threads, failures, versions, and the setting that names it."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, event, inspect, text

from aerogram import exceptions, outbox
from aerogram.conf import settings
from aerogram.mail import EmailMessage
from aerogram.outbox import claims, queueing, recording
from aerogram.outbox.retries import Outcome, Verdict
from aerogram.outbox.schedule import Schedule
from aerogram.outbox.storage import database, location, schema
from aerogram.outbox.storage.database import Database, current_database
from tests.forked_python import python
from tests.outbox import recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Put = Callable[..., str]


def message() -> EmailMessage:
    return EmailMessage("News", "secret-token-1", "shop@example.com", ["ann@example.com"])


@pytest.fixture
def sqlite_db(sqlite_url: str) -> Database:
    """The outbox of this test, in SQLite."""
    settings.configure(OUTBOX_URL=sqlite_url)
    return current_database()


def path_of(db: Database) -> Path:
    assert db.path is not None
    return db.path


def test_only_the_owner_reads_the_files(sqlite_db: Database, sqlite_url: str) -> None:
    umask = os.umask(0)
    try:
        message().send_later()
        path = path_of(sqlite_db)
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        assert modes == dict.fromkeys(("outbox.db", "outbox.db-wal", "outbox.db-shm"), 0o600)
    finally:
        os.umask(umask)


def test_every_connection_syncs_and_waits(sqlite_db: Database) -> None:
    sqlite_db.prepare()
    with sqlite_db.writing() as first, sqlite_db.reading() as second:
        for connection in (first, second):
            pragmas = [connection.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")]
            assert pragmas == ["wal", 2]
            assert connection.scalar(text("PRAGMA busy_timeout")) == database.BUSY_SECONDS * 1000


def test_a_write_begins_at_once_and_a_read_waits_for_no_one(sqlite_db: Database) -> None:
    sqlite_db.prepare()
    begun: list[str] = []
    event.listen(
        sqlite_db.engine, "checkout", lambda each, *_: each.set_trace_callback(lambda sql: begun.append(sql))
    )
    with sqlite_db.writing(), sqlite_db.reading() as connection:
        connection.execute(text("SELECT 1"))
        assert [each.strip() for each in begun] == ["BEGIN IMMEDIATE", "BEGIN", "SELECT 1"]


def test_threads_have_connections_of_their_own(db: Database, put: Put) -> None:
    put()
    with db.reading() as first, db.reading() as second:
        one, two = (each.connection.dbapi_connection for each in (first, second))
        assert one is not two


FORKING_WHILE_A_THREAD_WRITES = """
import os, sys, threading
from aerogram import outbox, settings
from aerogram.mail import EmailMessage
from aerogram.outbox.storage import database

settings.configure(OUTBOX_URL=sys.argv[1])
database.BUSY_SECONDS = 5
db, writes, ends = database.current_database(), threading.Event(), threading.Event()

def write():
    with db.writing():
        writes.set()
        ends.wait(0.2)

for _ in range(3):
    writes.clear()
    thread = threading.Thread(target=write)
    thread.start()
    writes.wait()
    if not (child := os.fork()):
        EmailMessage("Hi", "Hi", "a@example.com", ["b@example.com"]).send_later()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    thread.join()
with db.writing():
    if not (child := os.fork()):  # by the thread that writes
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
print(outbox.counts()["queued"])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_91_a_process_that_is_forked_while_a_thread_writes_can_write(sqlite_url: str) -> None:
    command = python("-c", FORKING_WHILE_A_THREAD_WRITES, sqlite_url)
    assert subprocess.check_output(command, text=True, timeout=120) == "3\n"


FORKING_WHILE_A_THREAD_WAITS = """
import os, signal, sqlite3, subprocess, sys, threading
from aerogram import outbox, settings
from aerogram.mail import EmailMessage
from aerogram.outbox.storage import database

settings.configure(OUTBOX_URL=sys.argv[1])
database._FORK_SECONDS = 0.1
put = EmailMessage("Hi", "Hi", "a@example.com", ["b@example.com"]).send_later
put()
other = subprocess.Popen([sys.executable, "-c", sys.argv[2], sys.argv[3]], stdin=-1, stdout=-1)
other.stdout.readline()  # another process is writing
thread = threading.Thread(target=put)
thread.start()
while database.current_database().hold_writer(0):
    database.current_database().free_writer()
if not (child := os.fork()):
    other.stdin.close()
    signal.alarm(60)  # should it wait for ever
    put()
    os._exit(0)
other.communicate()
assert os.waitpid(child, 0)[1] == 0
thread.join()
print(outbox.counts()["queued"])
"""
WRITING = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("writes", flush=True)
sys.stdin.read()
connection.execute("COMMIT")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_process_that_is_forked_while_a_thread_waits_to_write_can_write(sqlite_url: str) -> None:
    path = sqlite_url.removeprefix("sqlite:///")
    command = python("-c", FORKING_WHILE_A_THREAD_WAITS, sqlite_url, WRITING, path)
    assert subprocess.check_output(command, text=True, timeout=120) == "3\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_a_forked_process_opens_connections_of_its_own(db: Database, put: Put) -> None:
    put()
    with db.reading() as connection:
        inherited = connection.connection.dbapi_connection
    engine = db.engine
    child = os.fork()
    if child == 0:
        code = 1
        try:
            put(subject="of the child")
            with db.reading() as connection:
                own = connection.connection.dbapi_connection
            code = 0 if own is not inherited and db.engine is not engine else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert db.engine is engine
    put(subject="of the parent")
    assert {each.subject for each in outbox.list_entries()} == {"News", "of the child", "of the parent"}


def test_processes_that_start_at_once_make_the_tables_once(new_postgresql_url: str, sqlite_url: str) -> None:
    code = "import sys\nfor _ in range(3): EmailMessage('News', 'x', 'a@b.de', ['c@d.de']).send_later()"
    for url in (sqlite_url, new_postgresql_url):
        env = {"AEROGRAM_OUTBOX_URL": url, "PATH": os.environ["PATH"]}
        program = python("-c", f"from aerogram.mail import EmailMessage\n{code}")
        running = [subprocess.Popen(program, env=env, stderr=subprocess.PIPE, text=True) for _ in range(3)]
        errors = [each.communicate()[1] for each in running]
        assert errors == [""] * 3
        with settings.override(OUTBOX_URL=url):
            assert outbox.counts()["queued"] == 9
            current_database().close()


def test_a_full_disk_is_an_error_and_nothing_is_queued(sqlite_db: Database) -> None:
    message().send_later()
    with sqlite_db.reading() as connection:
        pages = connection.scalar(text("PRAGMA page_count"))
        connection.execute(text(f"PRAGMA max_page_count = {pages}"))
    mail = message()
    mail.attach("a.bin", bytes(100_000), "application/octet-stream")
    with pytest.raises(exceptions.OutboxUnavailable, match=r"is full.*Free space") as caught:
        mail.send_later()
    assert isinstance(caught.value, OSError)
    assert "secret-token-1" not in "".join(map(str, (caught.value, caught.value.__cause__)))
    assert outbox.counts()["queued"] == 1

    settings.configure(EMAIL_BACKEND="aerogram.mail.backends.outbox.EmailBackend")
    with pytest.raises(exceptions.OutboxUnavailable):
        mail.send()
    assert mail.delivery is not None
    assert [each.status for each in mail.delivery.recipients.values()] == ["deferred"]
    mail.connection = None
    assert mail.send(fail_silently=True) == 0


def test_a_file_that_cannot_be_written_is_an_error() -> None:
    folder = Path(tempfile.mkdtemp())  # not in tmp_path, where another user cannot even look
    settings.configure(OUTBOX_URL=f"sqlite:///{folder}/outbox.db")
    message().send_later()
    path = path_of(current_database())
    current_database().close()
    folder.chmod(0o555)
    path.chmod(0o444)
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        if os.geteuid() == 0:  # who may write everything
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        new = Database(f"sqlite:///{folder}/new/outbox.db")
        for act in (message().send_later, outbox.init, new.prepare):
            try:
                act()
            except exceptions.OutboxUnavailable as error:
                os.write(write, f"{error}\n".encode())
        os._exit(0)
    os.close(write)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with os.fdopen(read) as pipe:
        errors = pipe.read().splitlines()
    shutil.rmtree(folder)
    assert len(errors) == 3
    assert all("writable for this user" in each and str(folder) in each for each in errors)


def test_a_file_that_vanishes_is_an_error_until_it_is_back(sqlite_db: Database, put: Put) -> None:
    put()
    path = path_of(sqlite_db)
    kept = path.with_name("kept.db")
    sqlite_db.close()
    path.rename(kept)
    for act in (put, outbox.counts, lambda: claims.claim(sqlite_db, "w", 1, lease=1)):
        with pytest.raises(exceptions.OutboxUnavailable, match=r"has been removed\. Restore it, or create"):
            act()
    assert not path.exists()
    kept.rename(path)
    put()
    assert outbox.counts()["queued"] == 2


def test_a_file_that_is_deleted_beneath_open_connections_takes_no_mail(sqlite_db: Database, put: Put) -> None:
    put()
    for file in path_of(sqlite_db).parent.iterdir():
        file.unlink()
    with pytest.raises(exceptions.OutboxUnavailable, match="has been removed"):
        put()
    outbox.init()
    put()
    assert outbox.counts()["queued"] == 1


@pytest.mark.parametrize("found", [b"this is no database, but a text" * 50, b""])
def test_what_is_no_database_is_an_error_and_an_empty_file_is_one(sqlite_db: Database, found: bytes) -> None:
    path = path_of(sqlite_db)
    path.parent.mkdir(mode=0o700)
    path.write_bytes(found)
    if found:
        with pytest.raises(exceptions.OutboxUnavailable, match=r"not a database.*another path"):
            message().send_later()
        assert path.read_bytes() == found
    else:
        message().send_later()


def test_a_server_that_is_down_is_an_error_without_the_password(free_port: Callable[[], int]) -> None:
    settings.configure(OUTBOX_URL=f"postgresql+psycopg://shop:hunter2@127.0.0.1:{free_port()}/shop")
    with pytest.raises(exceptions.OutboxUnavailable, match=r"shop:\*\*\*@127.*OUTBOX_URL") as caught:
        message().send_later()
    assert "hunter2" not in str(caught.value)


def test_a_connection_that_the_server_closed_is_replaced(postgresql_url: str) -> None:
    settings.configure(OUTBOX_URL=postgresql_url)
    message().send_later()
    with current_database().reading() as connection:
        mine = connection.scalar(text("SELECT pg_backend_pid()"))
    admin = Database(postgresql_url)
    with admin.writing() as connection:
        connection.execute(text(f"SELECT pg_terminate_backend({mine})"))
    admin.close()
    message().send_later()
    assert outbox.counts()["queued"] == 2


def test_tables_of_another_version_are_an_error_that_says_what_to_do(db: Database, outbox_url: str) -> None:
    db.prepare()
    with db.writing() as connection:
        connection.execute(schema.schema_version.update().values(version=99))
    newer = Database(outbox_url)
    with pytest.raises(exceptions.OutboxSchemaError, match=r"version 99.*version 2.*Upgrade Aerogram"):
        newer.prepare()
    newer.close()
    with db.writing() as connection:
        connection.execute(schema.schema_version.update().values(version=2))


def test_tables_of_an_older_version_are_brought_up_to_date(db: Database, outbox_url: str, put: Put) -> None:
    first = put()
    with db.writing() as connection:
        connection.execute(schema.schema_version.update().values(version=1))
        connection.execute(text("DROP INDEX aerogram_outbox_entry_oldest"))
        connection.execute(text("ALTER TABLE aerogram_outbox_entry DROP COLUMN expires_from_now"))
    db.close()
    engine = create_engine(outbox_url)
    with (
        engine.connect() as connection,
        pytest.raises(exceptions.OutboxSchemaError, match=r"version 1.*aerogram outbox init"),
    ):
        message().send_later(session=connection)
    engine.dispose()
    database._databases.clear()
    outbox.init()
    second = put()
    assert [each.id for each in outbox.list_entries("queued")] == [second, first]
    indexes = inspect(current_database().engine).get_indexes("aerogram_outbox_entry")
    assert "aerogram_outbox_entry_oldest" in {each["name"] for each in indexes}


def test_tables_that_are_gone_are_an_error_that_says_how_to_make_them(
    new_postgresql_url: str, sqlite_url: str
) -> None:
    for url in (sqlite_url, new_postgresql_url):
        with settings.override(OUTBOX_URL=url):
            message().send_later()
            schema.metadata.drop_all(current_database().engine)
            with pytest.raises(exceptions.OutboxUnavailable, match="aerogram outbox init"):
                message().send_later()
            outbox.init()
            message().send_later()
            assert outbox.counts()["queued"] == 1
            current_database().close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("outbox.db", "is not a valid URL.*sqlite:///outbox.db"),
        ("hunter2:outbox.db", "is not a valid URL"),
        ("postgresql+psycopg://shop:hunter2@127.0.0.1:54a/shop", "is not a valid URL.*postgresql"),
        ("sqlite://hunter2/outbox.db", "is not the URL of a file.*sqlite:////"),
        ("sqlite:///outbox.db?timeout=hunter2", "is not the URL of a file"),
        ("mysql://shop:hunter2@host/shop", "begins with mysql"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite:///file:a?mode=memory", "in memory|file:"),
        ("sqlite+aiosqlite:///outbox.db", "sqlite\\+aiosqlite"),
        ("postgresql+asyncpg://shop:hunter2@host/shop", "asyncpg"),
    ],
)
def test_a_url_that_cannot_work_is_an_error_that_shows_no_secret(url: str, says: str) -> None:
    settings.configure(OUTBOX_URL=url)
    with pytest.raises(exceptions.ImproperlyConfigured, match=says) as caught:
        message().send_later()
    assert "OUTBOX_URL (settings.configure())" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    settings.configure(OUTBOX_URL="postgresql+psycopg://host/shop")
    with pytest.raises(exceptions.MissingDependency, match="psycopg"):
        message().send_later()


def test_the_default_is_a_file_in_the_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state ü?&"))
    monkeypatch.setattr(sys, "platform", "linux")
    message().send_later()
    path = path_of(current_database())
    assert path == tmp_path / "state ü?&" / "aerogram" / "outbox.db"
    assert path.exists()
    for platform, variable, place in (
        ("darwin", "HOME", "Library/Application Support/aerogram/outbox.db"),
        ("win32", "LOCALAPPDATA", "aerogram/outbox.db"),
    ):
        monkeypatch.setattr(sys, "platform", platform)
        monkeypatch.setenv(variable, str(tmp_path))
        assert location.default_url().endswith(f"{tmp_path}/{place}")


def test_a_relative_path_is_relative_to_the_settings_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "aerogram.toml").write_text('OUTBOX_URL = "sqlite:///var/outbox.db?timeout=5"')
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    message().send_later()
    assert path_of(current_database()) == tmp_path / "var" / "outbox.db"


def test_the_database_is_readable_by_other_tools(sqlite_db: Database, put: Put) -> None:
    entry_id = put()
    with sqlite3.connect(path_of(sqlite_db)) as connection:
        rows = connection.execute("SELECT id, state FROM aerogram_outbox_entry").fetchall()
        assert rows == [(entry_id, "queued")]
        types = connection.execute("SELECT DISTINCT typeof(content) FROM aerogram_outbox_content").fetchall()
        assert types == [("blob",)]
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            connection.execute("UPDATE aerogram_outbox_entry SET state = 'lost'")
    connection.close()
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", entry_id)


def test_purging_empties_the_log_of_sqlite(sqlite_db: Database, put: Put) -> None:
    for _ in range(5):
        outbox.cancel(put(body="long " * 10_000))
    log = path_of(sqlite_db).with_name("outbox.db-wal")
    assert log.stat().st_size > 100_000
    assert outbox.purge(older_than=0) == 5
    assert log.stat().st_size == 0


@contextmanager
def lost_answers(
    db: Database, monkeypatch: pytest.MonkeyPatch, *, rolled_back: bool = False
) -> Iterator[None]:
    """Let the server commit, or not, and the connection break before its answer."""
    dialect = db.engine.dialect
    commit, error = dialect.do_commit, dialect.loaded_dbapi.OperationalError

    def commit_unheard(connection: Any) -> None:
        if not rolled_back:
            commit(connection)
        connection.dbapi_connection.close()
        raise error("the connection was closed unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(dialect, "do_commit", commit_unheard)
        yield


def test_a_mail_whose_commit_was_not_answered_is_queued_once(
    db: Database, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.prepare()
    with lost_answers(db, monkeypatch):
        entry_id = put()
        assert put(key="k") == put(key="k")
    assert outbox.get(entry_id).state == "queued"
    with lost_answers(db, monkeypatch, rolled_back=True), pytest.raises(exceptions.OutboxUnavailable):
        put()
    assert outbox.counts()["queued"] == 2


def test_marks_and_results_whose_commit_was_not_answered_are_recorded_once(
    db: Database, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry_id = put("ann@example.com", "bob@example.com")
    [claim] = claims.claim(db, "worker", 1, lease=60)
    outcomes = [Outcome("ann@example.com", "sent", 250), Outcome("bob@example.com", "pending", 450)]
    for act in (
        lambda: recorder.begin_content(db, claim),
        lambda: recorder.record(db, claim, outcomes),
    ):
        with lost_answers(db, monkeypatch), pytest.raises(exceptions.OutboxUnavailable):
            act()
        assert act()
    found = outbox.get(entry_id)
    assert [(each.state, each.attempts) for each in found.recipients] == [("sent", 1), ("pending", 1)]
    assert [each.outcome for each in found.history] == ["sent", "pending"]


def failures_behind(db: Database, held: Any, *acts: Callable[[], object]) -> list[BaseException]:
    """Let transactions wait for what a statement has locked; return what they raise when it is free."""
    failures = list[BaseException]()

    def attempt(act: Callable[[], object]) -> None:
        try:
            act()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=attempt, args=(act,)) for act in acts]
    with db.writing() as connection:
        connection.execute(held)
        for number, thread in enumerate(threads, 1):
            thread.start()
            while waiting(db) < number:
                thread.join(0.01)
    for thread in threads:
        thread.join()
    return failures


def test_transactions_lock_entries_in_the_same_order(postgresql_url: str, put: Put) -> None:
    settings.configure(OUTBOX_URL=postgresql_url)
    db = current_database()
    for _ in range(3):
        put()
    taken = claims.claim(db, "worker", 3, lease=60)
    backwards = list(reversed(taken))

    def begin() -> None:
        with db.writing() as connection:
            recording.begin_contents(connection, db.now(connection), backwards)

    def record() -> None:
        sent = Verdict((Outcome("ann@example.com", "sent", 250),))
        with db.writing() as connection:
            recording.record(connection, db.now(connection), [(each, sent) for each in backwards])

    middle = schema.entry.update().where(schema.entry.c.id == taken[1].id).values(crashes=0)
    for write in (begin, record):  # beside a renewal that has the first one and waits for the second
        assert failures_behind(db, middle, lambda: claims.renew(db, "worker", taken, 60), write) == []


def test_keys_are_taken_in_the_same_order(postgresql_url: str, put: Put) -> None:
    settings.configure(OUTBOX_URL=postgresql_url)
    db = current_database()
    first_id = put(key="b")
    mail = queueing.freeze(message())
    assert mail is not None
    ids = list[list[str]]()

    def queue(keys: str) -> None:
        ids.append(queueing.queue(db, [(mail, Schedule.of(key=key)) for key in keys]))

    with db.writing() as connection:
        connection.execute(schema.key.delete())
    held = schema.key.insert().values(key="b", digest=mail.digest(), entry=first_id, created=0)
    assert failures_behind(db, held, lambda: queue("abc"), lambda: queue("cba")) == []
    assert ids[0] == ids[1][::-1]


def waiting(db: Database) -> int:
    """Count the connections of PostgreSQL that wait for a lock."""
    with db.reading() as connection:
        query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        return int(connection.scalar(text(query)) or 0)
