"""Queueing: `send_later` and the backend; what is frozen, refused, joined, and committed together."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, create_engine, event, func, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from aerogram import AdminNotification, Notification, exceptions, mail, outbox
from aerogram.conf import settings
from aerogram.mail import EmailMessage, EmailMultiAlternatives, send_mail, send_mass_mail
from aerogram.mail.delivery import hooks
from aerogram.outbox import claims
from aerogram.outbox.storage import joining, schema
from aerogram.testing import capture_mail
from tests.forked_python import python

if TYPE_CHECKING:
    from aerogram.outbox.storage.database import Database

BACKEND = "aerogram.mail.backends.outbox.EmailBackend"


def message(subject: str = "News", body: str = "There is some.", **options: Any) -> EmailMessage:
    return EmailMessage(subject, body, "Shop <shop@example.com>", ["ann@example.com"], **options)


def number_of_entries(db: Database) -> int:
    return sum(outbox.counts().values())


@pytest.fixture
def templates(tmp_path: Path) -> None:
    (tmp_path / "hello.txt").write_text("Hello {{ name }}")
    settings.configure(TEMPLATE_DIRS=[str(tmp_path)])


class Hello(Notification, name="outbox_hello"):
    subject = "Hello {{ name }}"
    text_template = "hello.txt"
    to: list[str]
    name: str


@pytest.mark.usefixtures("templates")
def test_send_later_freezes_the_mail_and_returns_its_id(db: Database) -> None:
    entry_id = Hello(to=["ann@example.com"], name="Ann").send_later()

    entry = outbox.get(entry_id)
    assert (entry.state, entry.subject, entry.mailer, entry.priority) == ("queued", "Hello Ann", None, 0)
    assert [(each.address, each.state, each.attempts) for each in entry.recipients] == [
        ("ann@example.com", "pending", 0)
    ]
    parsed = message_from_bytes(outbox.content(entry_id))
    assert parsed["Message-ID"] == entry.message_id
    assert parsed.get_payload() == "Hello Ann\r\n"
    assert outbox.counts() == {"queued": 1, "sending": 0, "done": 0, "dead": 0, "cancelled": 0, "held": 0}


def test_bcc_recipients_are_in_the_envelope_only(db: Database) -> None:
    entry_id = message(bcc=["secret@example.com"]).send_later()

    assert b"secret" not in outbox.content(entry_id)
    assert [each.address for each in outbox.get(entry_id).recipients] == [
        "ann@example.com",
        "secret@example.com",
    ]


def test_later_changes_reach_neither_message_nor_attachment(db: Database, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before")
    mail = message()
    mail.attach_file(path)
    entry_id = mail.send_later()
    path.unlink()
    mail.subject = "Changed"
    assert outbox.get(entry_id).subject == "News"
    attached = message_from_bytes(outbox.content(entry_id)).get_payload()[1]  # type: ignore[index] # it is a multipart
    assert attached.get_payload(decode=True) == b"before"  # type: ignore[union-attr] # and its part is a message


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (message("a\r\nBcc: eve@example.com"), exceptions.BadHeaderError),
        (message(headers={"X-A": "b\nc"}), exceptions.BadHeaderError),
        (EmailMessage("a", to=["ann@example.com\r\nRCPT TO:<eve@example.com>"]), exceptions.BadHeaderError),
        (EmailMessage("a", to=["ann@"]), exceptions.InvalidAddress),
        (EmailMessage("a"), exceptions.NoRecipients),
    ],
)
def test_what_cannot_be_sent_is_refused_to_the_caller(
    db: Database, wrong: EmailMessage, error: type[Exception]
) -> None:
    with pytest.raises(error):
        wrong.send_later()
    assert number_of_entries(db) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"delay": -1},
        {"delay": "5"},
        {"delay": True},
        {"delay": float("nan")},
        {"delay": float("inf")},
        {"at": datetime(2026, 5, 13, 9)},
        {"at": 5},
        {"delay": 5, "at": datetime.now(UTC)},
        {"expires": -1},
        {"expires": datetime(2026, 5, 13, 9)},
        {"priority": "high"},
        {"priority": True},
        {"priority": 10**9},
        {"key": ""},
        {"key": 5},
        {"key": "a\nb"},
        {"key": "k" * 201},
        {"using": "nobody"},
        {"using": []},
        {"at": datetime(9999, 12, 31, tzinfo=UTC)},
        {"at": datetime.max.replace(tzinfo=timezone(-timedelta(hours=12)))},
        {"expires": datetime.min.replace(tzinfo=timezone(timedelta(hours=12)))},
        {"expires": datetime.max.replace(tzinfo=UTC)},
        {"session": object()},
    ],
)
def test_a_wrong_argument_is_an_error_that_names_it(db: Database, wrong: dict[str, Any]) -> None:
    with pytest.raises(
        exceptions.AerogramError, match=next(iter(wrong)) if wrong != {"using": "nobody"} else "nobody"
    ):
        message().send_later(**wrong)
    assert number_of_entries(db) == 0


@pytest.mark.parametrize(
    ("wrong", "shown"),
    [
        (
            {"expires": -5},
            "expires is -5, of type int. Accepted: seconds from 0 to less than 10000000000, or a timedelta, "
            "or an aware datetime.",
        ),
        ({"delay": 1e20}, "delay is 1e+20, of type float. Accepted: seconds from 0 to less than 10000000000"),
        ({"delay": float("nan")}, "delay is nan, of type float. Accepted: seconds from 0 to less than"),
        ({"at": datetime(2026, 5, 13)}, "at is 2026-05-13 00:00:00, which has no time zone. Add one"),
        ({"at": 5}, "at is 5, of type int. Accepted: an aware datetime"),
        ({"delay": "5"}, "delay is '5', of type str."),
        ({"priority": None}, "priority is None, of type NoneType."),
        ({"delay": timedelta(-1)}, "delay is datetime.timedelta(days=-1), of type timedelta."),
    ],
)
def test_a_wrong_argument_is_shown_as_it_was_given(db: Database, wrong: dict[str, Any], shown: str) -> None:
    with pytest.raises(exceptions.ScheduleError, match=f"^{re.escape(shown)}"):
        message().send_later(**wrong)


def test_times_are_kept(db: Database) -> None:
    def wait(**options: Any) -> tuple[float, float | None]:
        entry = outbox.get(message().send_later(**options))
        expires = entry.expires and (entry.expires - entry.created).total_seconds()
        return (entry.due - entry.created).total_seconds(), expires

    soon = datetime.now(UTC) + timedelta(hours=1)
    assert wait() == (0, 259_200)
    assert wait(delay=90) == (90, 259_290)
    assert wait(delay=timedelta(minutes=2), expires=timedelta(hours=1)) == (120, 3600)
    assert wait(delay=60, expires=10) == (10, 10)  # taken up when it expires, and ends
    assert wait(at=soon)[0] == pytest.approx(3600, abs=30)
    assert wait(at=soon, expires=soon)[1] == pytest.approx(3600, abs=30)
    assert wait(at=datetime.now(UTC) - timedelta(days=9))[1] == 259_200
    settings.configure(OUTBOX_EXPIRES=None)
    assert wait() == (0, None)


def test_a_mail_of_later_is_dated_when_it_is_due_unless_it_has_a_date(db: Database) -> None:
    due = datetime.now(UTC) + timedelta(days=3)
    entry_id = message().send_later(at=due)
    dated = parsedate_to_datetime(message_from_bytes(outbox.content(entry_id))["Date"])
    assert abs(dated.replace(tzinfo=UTC) - due) < timedelta(seconds=2)

    entry_id = message(headers={"date": "Mon, 01 Jan 2024 00:00:00 +0000"}).send_later(at=due)
    assert b"\r\nDate: Mon, 01 Jan 2024 00:00:00 +0000\r\n" in outbox.content(entry_id).replace(
        b"date:", b"Date:"
    )


# -- keys --


def receipt(**changes: Any) -> EmailMultiAlternatives:
    given = {"subject": "Receipt 1", "body": "20 EUR", "bcc": ["books@example.com"], **changes}
    mail = EmailMultiAlternatives(from_email="shop@example.com", to=["ann@example.com"], **given)
    mail.attach_alternative("<p>20 EUR", "text/html")
    mail.attach("a.pdf", b"%PDF", "application/pdf")
    return mail


def test_a_key_with_the_same_content_queues_once(db: Database) -> None:
    first = receipt().send_later(key="order-1")
    assert receipt().send_later(key="order-1", delay=60, priority=3) == first
    assert receipt().send_later(key="order-2") != first
    assert number_of_entries(db) == 2
    assert outbox.get(first).key == "order-1"


@pytest.mark.parametrize(
    "change", [{"subject": "Receipt 2"}, {"body": "30 EUR"}, {"bcc": ["eve@example.com"]}, {"bcc": []}]
)
def test_a_key_with_other_content_is_an_error_that_names_both(db: Database, change: dict[str, Any]) -> None:
    first = receipt().send_later(key="order-1")
    with pytest.raises(exceptions.KeyConflictError) as caught:
        receipt(**change).send_later(key="order-1")
    assert first in str(caught.value)
    assert str(change.get("subject", "Receipt 1")) in str(caught.value)
    assert "order-1" in str(caught.value)
    assert number_of_entries(db) == 1


def forwarded(depth: int = 2, body: str = "20 EUR", **inner: Any) -> EmailMessage:
    """Return a receipt that encloses messages in each other, all built anew."""
    mail = EmailMultiAlternatives("Inner", body, "shop@example.com", ["bob@example.com"], **inner)
    mail.attach_alternative(f"<p>{body}", "text/html")
    mail.attach("a.txt", "Grüße", "text/plain")
    for level in range(depth):
        outer = receipt(subject=f"Level {level}")
        outer.attach(*(("mail.eml", mail, "message/rfc822") if level else [MIMEMessage(mail.message())]))
        mail = outer
    return mail


def digest(*parts: EmailMessage) -> EmailMessage:
    mail = receipt()
    inner = MIMEMultipart("digest", _subparts=[MIMEMessage(each.message()) for each in parts])
    for each in inner.get_payload():
        del each["Content-Type"]  # message/rfc822 is the default here
    mail.attach(inner)
    return mail


@pytest.mark.parametrize("make", [forwarded, lambda **inner: digest(receipt(), receipt(**inner))])
def test_a_key_ignores_what_was_generated_for_enclosed_messages(
    db: Database, make: Callable[..., EmailMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make().send_later(key="order-1")
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)  # the enclosed messages have another Date
    assert b"18 May 2033" in make().message().as_bytes()
    assert make().send_later(key="order-1") == first
    for change in ({"body": "30 EUR"}, {"headers": {"X-Order": "2"}}, {"cc": ["eve@example.com"]}):
        with pytest.raises(exceptions.KeyConflictError):
            make(**change).send_later(key="order-1")


def test_one_of_many_that_use_a_key_at_once_is_queued(db: Database) -> None:
    db.prepare()
    ids: list[str] = []
    threads = [threading.Thread(target=lambda: ids.append(receipt().send_later(key="k"))) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1
    assert number_of_entries(db) == 1


def test_a_key_is_remembered_when_its_entry_is_purged(db: Database) -> None:
    first = receipt().send_later(key="order-1")
    outbox.cancel(first)
    assert outbox.purge(older_than=0) == 1
    assert receipt().send_later(key="order-1") == first
    with pytest.raises(exceptions.KeyConflictError, match="purged"):
        receipt(body="30 EUR").send_later(key="order-1")


# -- the caller's transaction --


@pytest.fixture
def engine(outbox_url: str) -> Iterator[Engine]:
    """An engine of the application, in the database of the outbox."""
    outbox.init()
    engine = create_engine(outbox_url)
    yield engine
    engine.dispose()


def test_a_mail_lives_and_dies_with_the_transaction_of_a_session(db: Database, engine: Engine) -> None:
    with Session(engine) as session:
        message().send_later(session=session)
        session.rollback()
    assert number_of_entries(db) == 0
    with Session(engine) as session, session.begin():
        entry_id = message().send_later(session=session, key="k")
        assert number_of_entries(db) == 0
    assert outbox.get(entry_id).state == "queued"
    with Session(engine) as session, session.begin():
        assert message().send_later(session=session, key="k") == entry_id
        with session.begin_nested() as savepoint:
            message("other").send_later(session=session)
            savepoint.rollback()
    assert number_of_entries(db) == 1


def test_a_connection_and_a_scoped_session_are_accepted(db: Database, engine: Engine) -> None:
    with engine.connect() as connection:
        message().send_later(session=connection)
        connection.rollback()
        message().send_later(session=connection)
        connection.commit()
    registry = scoped_session(sessionmaker(engine))
    message().send_later(session=registry)
    registry.commit()
    registry.remove()
    assert number_of_entries(db) == 2


async def test_an_async_session_is_joined_by_its_sync_part(postgresql_url: str) -> None:
    settings.configure(OUTBOX_URL=postgresql_url)
    engine = create_async_engine(postgresql_url)
    async with AsyncSession(engine) as session:
        with pytest.raises(exceptions.OutboxError, match="run_sync"):
            message().send_later(session=session)
        await session.run_sync(lambda sync: message().send_later(session=sync))
        await session.rollback()
        entry_id = await session.run_sync(lambda sync: message().send_later(session=sync))
        await session.commit()
    await engine.dispose()
    assert [each.id for each in outbox.list_entries()] == [entry_id]


def test_a_session_of_a_database_without_outbox_is_a_clear_error(outbox_url: str, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/shop.db")
    with (
        Session(engine) as session,
        pytest.raises(exceptions.OutboxSchemaError, match="aerogram outbox init"),
    ):
        message().send_later(session=session)
    schema.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        message().send_later(session=session)
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(schema.entry)) == 1
    engine.dispose()


def test_listeners_hear_of_what_is_committed_and_of_nothing_else(
    db: Database, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    monkeypatch.setattr(joining, "committed", [heard.extend])
    first = message().send_later()
    assert heard == [first]
    with Session(engine) as session:
        message().send_later(session=session)
        session.rollback()
        assert heard == [first]
        second = message().send_later(session=session)
        assert heard == [first]
        session.commit()
    assert heard == [first, second]


def test_listeners_hear_of_savepoints_when_the_whole_is_committed(
    db: Database, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    monkeypatch.setattr(joining, "committed", [heard.extend])
    with Session(engine) as session:
        kept = [message().send_later(session=session)]
        with session.begin_nested():
            kept.append(message().send_later(session=session))
        with session.begin_nested() as savepoint:
            with session.begin_nested():
                message().send_later(session=session)
            savepoint.rollback()
        kept.append(message().send_later(session=session))
        assert heard == []
        session.commit()
        assert heard == kept
        assert {each.id for each in outbox.list_entries()} == set(kept)
        message().send_later(session=session)
        session.close()
        kept.append(message().send_later(session=session))
        session.begin_nested()
        kept.append(message().send_later(session=session))
        session.commit()
    assert heard == kept


# -- the backend --


@pytest.fixture
def backend(db: Database) -> None:
    settings.configure(EMAIL_BACKEND=BACKEND)


@pytest.mark.usefixtures("backend")
def test_every_function_that_sends_queues(db: Database) -> None:
    settings.configure(ADMINS=["ops@example.com"])
    assert send_mail("One", "x", None, ["ann@example.com"]) == 1
    assert message("Two").send() == 1
    mail.mail_admins("Three", "x")
    assert AdminNotification(subject="Four", message="x").send() == 1
    assert send_mass_mail([("Five", "x", None, ["ann@example.com"]), message("Six")]) == 2

    prefix = settings.EMAIL_SUBJECT_PREFIX
    subjects = {entry.subject for entry in outbox.list_entries()}
    assert subjects == {"One", "Two", f"{prefix}Three", f"{prefix}Four", "Five", "Six"}


@pytest.mark.usefixtures("backend")
def test_mass_mail_is_committed_in_groups_and_no_generator_is_kept(db: Database) -> None:
    db.prepare()
    commits: list[int] = []
    given = 0
    event.listen(db.engine, "commit", lambda _: commits.append(given))

    def items() -> Iterator[tuple[Any, ...]]:
        nonlocal given
        for given in range(1, 1001):
            yield f"News {given}", "x", None, ["ann@example.com"]

    assert send_mass_mail(items()) == 1000
    assert number_of_entries(db) == 1000
    assert 5 <= len(commits) <= 50  # groups; a slow machine commits a group that is a second old
    assert commits[0] <= 200


@pytest.mark.usefixtures("backend")
def test_what_is_wrong_in_a_batch_is_reported_and_the_rest_is_queued(db: Database) -> None:
    reports: list[Any] = []
    with pytest.raises(exceptions.DeliveryError) as caught:
        send_mass_mail([message("One"), message("a\nb"), message("Two")], on_result=reports.append)
    assert caught.value.sent == 2
    assert [report.complete for report in sorted(reports, key=lambda each: each.index)] == [True, False, True]
    assert number_of_entries(db) == 2


@pytest.mark.usefixtures("backend")
def test_a_generator_that_fails_leaves_what_it_gave_before(db: Database) -> None:
    def items() -> Iterator[EmailMessage]:
        yield message("One")
        raise LookupError("the cursor is gone")

    with pytest.raises(LookupError):
        send_mass_mail(items())
    assert number_of_entries(db) == 1


@pytest.mark.usefixtures("backend")
def test_a_report_that_is_not_taken_loses_no_mail(db: Database) -> None:
    def refuse(_report: object) -> None:
        raise LookupError("no one wants it")

    with pytest.raises(LookupError):
        send_mass_mail([message("One"), message("Two")], on_result=refuse)
    assert number_of_entries(db) == 2


@pytest.mark.usefixtures("backend")
def test_a_message_without_recipients_is_not_queued(db: Database) -> None:
    nobody = EmailMessage("Nobody", "x", "shop@example.com")
    assert nobody.send() == 0
    assert send_mass_mail([nobody, message()]) == 1
    assert number_of_entries(db) == 1


@pytest.mark.usefixtures("backend")
def test_a_message_that_builds_itself_is_frozen_as_it_builds(db: Database) -> None:
    class Signed(EmailMessage):
        def message(self) -> Any:
            built = super().message()
            built["X-Own"] = "yes"
            return built

    class Foreign:
        from_email = "shop@example.com"
        subject = "Foreign \0 \udce9"

        def message(self) -> Any:
            return message("Foreign").message()

        def recipients(self) -> list[str]:
            return ["ann@example.com", "bob@example.com"]

    Signed("Signed", "x", "shop@example.com", ["ann@example.com"]).send()
    mail.get_connection().send_messages([Foreign()])
    foreign, signed = outbox.list_entries()
    assert b"X-Own: yes\r\n" in outbox.content(signed.id)
    assert (foreign.subject, len(foreign.recipients)) == ("Foreign   ?", 2)
    assert foreign.message_id.encode() in outbox.content(foreign.id)


@pytest.mark.usefixtures("backend")
def test_hooks_may_refuse_what_is_queued(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_message: object) -> None:
        raise ValueError("not this one")

    monkeypatch.setattr(hooks.before_send, "listeners", (refuse,))
    with pytest.raises(ValueError, match="not this one"):
        message().send_later()
    assert number_of_entries(db) == 0


@pytest.mark.usefixtures("backend")
def test_a_hook_that_removes_all_recipients_leaves_no_mail(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks.before_send, "listeners", (lambda message: message.to.clear(),))
    with pytest.raises(exceptions.NoRecipients):
        message().send_later()
    assert message().send() == 0
    assert number_of_entries(db) == 0
    with capture_mail():
        assert message().send_later()


def test_the_mailer_is_kept_by_its_alias(db: Database) -> None:
    bulk = {"BACKEND": "aerogram.mail.backends.dummy.EmailBackend"}
    queued = {"BACKEND": BACKEND, "OPTIONS": {"mailer": "bulk"}}
    settings.configure(MAILERS={"bulk": bulk, "queued": queued})
    assert outbox.get(message().send_later(using="bulk")).mailer == "bulk"
    message("News 2").send(using="queued")
    assert outbox.list_entries()[0].mailer == "bulk"
    with pytest.raises(exceptions.InvalidMailer, match="puts mail into the outbox"):
        message().send_later(using="queued")
    settings.configure(EMAIL_BACKEND=BACKEND)
    with pytest.raises(exceptions.InvalidMailer, match="OUTBOX_MAILER"):
        message().send_later(using="default")


def test_captured_mail_is_not_queued(db: Database) -> None:
    with capture_mail() as messages:
        assert message("One").send_later(delay=3600)
        message("Two").send_later()
    assert [each.subject for each in messages] == ["One", "Two"]
    with settings.override(EMAIL_CAPTURE="locmem:"):
        message("Three").send_later()
    assert [each.subject for each in mail.outbox] == ["Three"]
    assert number_of_entries(db) == 0


def test_staff_mail_to_nobody_is_not_queued(db: Database) -> None:
    assert AdminNotification(subject="Disk full").send_later() == ""
    assert number_of_entries(db) == 0


def test_addresses_beyond_ascii_are_frozen_as_they_are(db: Database) -> None:
    entry_id = EmailMessage("Hi", "x", "shop@example.com", ["jörg@example.com"]).send_later()
    assert "To: jörg@example.com\r\n".encode() in outbox.content(entry_id)
    assert outbox.get(entry_id).recipients[0].address == "jörg@example.com"
    entry_id = message(reply_to=["jörg@example.com"]).send_later()
    assert "Reply-To: jörg@example.com\r\n".encode() in outbox.content(entry_id)


def test_the_extra_is_named_where_sqlalchemy_is_missing() -> None:
    code = f"""
import sys
sys.modules["sqlalchemy"] = None
from aerogram import exceptions, mail
for act in (lambda: mail.get_connection("{BACKEND}"), lambda: mail.EmailMessage(to=["a@b.de"]).send_later()):
    try:
        act()
    except exceptions.MissingDependency as error:
        print(error)
"""
    said = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert said.count("aerogram[outbox]") == 2


def test_a_queueing_process_that_is_killed_leaves_whole_mails_only(db: Database, outbox_url: str) -> None:
    code = """
import os, signal, sys
from aerogram.mail import EmailMessage
from sqlalchemy import event
from aerogram.outbox.storage.database import current_database
EmailMessage("One", "x", None, ["ann@example.com", "bob@example.com"]).send_later()
print("committed", flush=True)
engine = current_database().engine
event.listen(engine, "commit", lambda _: os.kill(os.getpid(), signal.SIGKILL))
EmailMessage("Two", "x", None, ["ann@example.com", "bob@example.com"]).send_later()
"""
    env = {"AEROGRAM_OUTBOX_URL": outbox_url, "PATH": "/usr/bin"}
    done = subprocess.run(python("-c", code), env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-9, "committed\n"), done.stderr
    [claim] = claims.claim(db, "w", 10, lease=60)
    assert (claim.recipients, b"Subject: One" in claim.content) == (
        ("ann@example.com", "bob@example.com"),
        True,
    )
