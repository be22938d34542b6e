"""The logging handler: what the mail shows and hides, how errors are counted, and that nothing breaks."""

from __future__ import annotations

import logging
import logging.config
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from aerogram import mail
from aerogram.conf import settings
from aerogram.contrib.logging import AdminNotificationHandler, mask_secrets

log = logging.getLogger("shop.checkout")


@pytest.fixture
def handler() -> Iterator[AdminNotificationHandler]:
    settings.configure(EMAIL_URL="locmem:", ADMINS=["ops@example.com"])
    made = AdminNotificationHandler(delay=60)
    log.addHandler(made)
    log.propagate = False
    yield made
    log.removeHandler(made)
    log.propagate = True


def fail(password: str = "hunter2") -> None:
    secret_number = 4711
    raise ValueError(f"no luck with {len(password)} of {bool(secret_number)}")


def report(handler: AdminNotificationHandler) -> tuple[str, str, str]:
    handler.flush()
    (message,) = mail.outbox
    return message.subject, message.body, str(message.alternatives[0].content)


def test_a_mail_shows_the_traceback_as_html_and_text(handler: AdminNotificationHandler) -> None:
    try:
        fail()
    except ValueError:
        log.exception("payment of %s failed", "order 7", extra={"order": 7})
    subject, text, html = report(handler)
    assert subject == "[Aerogram] ERROR: ValueError: no luck with 7 of True"
    for part in (text, html):
        assert "payment of order 7 failed" in part
        assert "Traceback (most recent call last)" in part
        assert "in fail" in part
        assert "shop.checkout" in part
        assert "4711" not in part.replace("secret_number = 4711", "")
    assert mail.outbox[0].to == ["ops@example.com"]


def test_local_variables_are_shown_on_demand_and_masked(handler: AdminNotificationHandler) -> None:
    handler.include_locals = True
    try:
        fail()
    except ValueError:
        log.exception("x")
    _, text, html = report(handler)
    for part in (text, html):
        assert "Local variables of fail" in part
        assert "password = ********" in part
        assert "4711" not in part
        assert "hunter2" not in part


def test_secrets_of_message_and_extra_are_masked(handler: AdminNotificationHandler) -> None:
    log.error(
        "cannot reach postgres://shop:hunter2@db/shop?token=hunter2",
        extra={
            "data": {"deep": [{"Authorization": "Bearer hunter2x"}, ("X-Api-Key", "hunter2")]},
            "auth": "hunter2",
        },
    )
    assert "hunter2" not in "".join(report(handler))


@pytest.mark.parametrize(
    "value",
    [
        {"password": "S3"}, {"auth": "S3"},
        {"a": [{"userPassword": ["S3"]}]}, {b"token": "S3"}, {"DB_PASSWORD": {"x": "S3"}},
        {"api-key": "S3"}, {"apikey": "S3"}, {"client_secret": "S3"}, {"Set-Cookie": "S3"},
        {"csrf_token": "S3"},
        [("password", "S3")], [["Authorization", "Basic S3"]], "smtp://me:S3@host", "x?api_key=S3&y=1",
        '{"password": "S3"}', "{'token': 'S3'}", "Authorization: Basic S3==", "Cookie: a=b; c=S3", "pwd=S3",
        "<QueryDict: {'password': ['S3', 'S3']}>", "User(name='x', password='S3')", b"secret=S3",
        {"passwd": b"S3"},
        "password = 'S3'", 'PASSWORD="S3"', "password: S3", "redis://:S3@host", "access_key=S3",
        "Bearer abcdefS3",
        "authorization=Digest username='a', response='S3'", {"x": {"y": {"z": "https://u:S3@h/"}}},
    ],
)  # fmt: skip
def test_secrets_are_masked(value: object) -> None:
    assert "S3" not in str(mask_secrets(value))


@pytest.mark.parametrize(
    "value",
    [{"author": "Ann"}, "the passenger: Ann", {"keyboard": "x"}, [1, 2.5, None, True], "https://host:8080/x"],
)
def test_other_values_are_shown(value: object) -> None:
    assert mask_secrets(value) == value


def test_what_is_odd_is_no_reason_to_fail() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError

    circle: dict[str, Any] = {}
    circle["self"] = circle
    assert "whose repr raises" in str(mask_secrets([Odd()]))
    assert "…" in str(mask_secrets(circle))


def test_equal_errors_are_one_mail_with_a_count(handler: AdminNotificationHandler) -> None:
    for number in range(100):
        try:
            raise ValueError(number)
        except ValueError:
            log.exception("failed")
    subject, text, _ = report(handler)
    assert "ERROR (100 times): ValueError: 0" in subject
    assert "100 times" in text


def test_threads_lose_nothing(handler: AdminNotificationHandler) -> None:
    threads = [threading.Thread(target=lambda: [log.error("x") for _ in range(50)]) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert "(400 times)" in report(handler)[0]


def test_a_limit_holds_back_a_flood_and_the_next_mail_counts_it(handler: AdminNotificationHandler) -> None:
    for number in range(500):
        log.error(f"error {number}")  # each of its own
    handler.flush()
    assert len(mail.outbox) == 10
    handler._sent.clear()  # a minute later
    handler.flush()
    assert len(mail.outbox) == 20
    assert "400 more errors" in "".join(str(message.body) for message in mail.outbox)


def test_the_thread_sends_by_itself(handler: AdminNotificationHandler) -> None:
    handler.delay = 0.01
    sent = threading.Event()
    from aerogram.mail.delivery import hooks

    def listener(*_: object) -> None:
        sent.set()

    hooks.sent.connect(listener)
    try:
        with settings.override(SITE_NAME="Shop of the thread"):
            log.error("x")
        assert sent.wait(30)
    finally:
        hooks.sent.disconnect(listener)
    assert "Shop of the thread" in str(mail.outbox[0].alternatives[0].content)


def test_a_mail_server_that_fails_breaks_nothing(
    handler: AdminNotificationHandler, free_port: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.configure(EMAIL_URL=f"smtp://127.0.0.1:{free_port()}")
    root = logging.getLogger()
    root.addHandler(handler)  # what sending logs must not come back
    try:
        log.error("first")
        handler.flush()
        assert "ConnectionRefusedError" in capsys.readouterr().err
        assert not any(entry.count for entry in handler._entries.values())
        settings.configure(EMAIL_URL="locmem:")
        log.error("second")
        handler.flush()
    finally:
        root.removeHandler(handler)
    assert "1 more errors" in mail.outbox[0].body


def test_without_admins_nothing_is_sent(handler: AdminNotificationHandler) -> None:
    settings.configure(ADMINS=[])
    log.error("x")
    handler.flush()
    assert getattr(mail, "outbox", []) == []


PROGRAM = """
import logging, logging.config, sys
from aerogram.conf import settings
settings.configure(EMAIL_URL="console:", ADMINS=["ops@example.com"])
logging.config.dictConfig({
    "version": 1,
    "handlers": {"mail": {
        "class": "aerogram.contrib.logging.AdminNotificationHandler", "level": "ERROR", "delay": 60,
    }},
    "root": {"handlers": ["mail"], "level": "INFO"},
})
logging.info("no mail")
for _ in range(3):
    logging.error("the end is near")
"""


def test_dict_config_and_flush_at_exit() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM], capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.stderr == ""
    assert done.stdout.count("Subject: ") == 1
    assert "Subject: [Aerogram] ERROR (3 times): the end is near" in done.stdout


def test_flush_waits_for_the_mail_that_the_thread_is_sending() -> None:
    settings.configure(EMAIL_URL="locmem:", ADMINS=["ops@example.com"])
    begun, may_end = threading.Event(), threading.Event()

    def waits(message: object) -> None:
        begun.set()
        assert may_end.wait(30)

    handler = AdminNotificationHandler(delay=0)
    with mail.before_send.connected(waits):
        handler.handle(logging.makeLogRecord({"name": "shop", "levelno": logging.ERROR, "msg": "one"}))
        assert begun.wait(30)
        flushing = threading.Thread(target=handler.flush)
        flushing.start()
        flushing.join(0.2)
        assert flushing.is_alive()
        may_end.set()
        flushing.join(30)
    assert len(mail.outbox) == 1
