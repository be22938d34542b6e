"""What must not get out: secrets, by logs, errors, previews and queues, and a flood of mail."""

from __future__ import annotations

import ast
import copy
import json
import logging
import pickle
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest

import aerogram
from aerogram import Notification
from aerogram import mail as aerogram_mail
from aerogram.conf import settings
from aerogram.exceptions import RenderError, TooManyRecipients
from aerogram.mail import EmailMessage, get_connection
from aerogram.mail.backends.smtp import EmailBackend
from aerogram.testing import Drop, FaultyServer
from tests.sample_mail import imported
from tests.smtp_peers import backend_for, deliver, mail

PASSWORD = "pw-s3cret"
TOKEN_URL = "https://x.org/reset?token=t0p-s3cret"


class Reset(Notification, abstract=True):
    subject = "Reset your password"
    html_template = "aerogram/base.html"
    to: list[str]
    url: str = TOKEN_URL


def reset(to: str = "ann@x.org") -> Reset:
    return type("Reset", (Reset,), {}, abstract=True)(to=[to])  # type: ignore[no-any-return] # made here


# -- secrets --


def test_no_repr_shows_a_password_a_token_or_an_address():
    message = mail(body=TOKEN_URL, headers={"Authorization": PASSWORD})
    with FaultyServer().on("RCPT", f"550 5.1.1 no {TOKEN_URL}") as server:
        deliver(server, [message])
    bulk = {"BACKEND": "aerogram.mail.backends.smtp.EmailBackend", "OPTIONS": {"password": PASSWORD}}
    settings.configure(
        EMAIL_URL=f"smtps://ann:{PASSWORD}@mail.x.org", MAILERS={"default": bulk, "bulk": bulk}
    )
    things = [settings, aerogram_mail.mailers["bulk"], get_connection(), message, reset(), message.delivery]
    for shown in (f"{each!r} {each!s}" for each in things):
        assert "s3cret" not in shown
        assert "ann@x.org" not in shown


@pytest.mark.parametrize(
    ("verb", "reply"),
    [("RCPT", "550 5.1.1 no"), ("AUTH", "535 5.7.8 no"), (".", "554 5.7.1 no"), ("MAIL", Drop())],
)
def test_what_a_failed_send_logs_and_raises_holds_no_secret(
    verb: str, reply: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    caplog.set_level(logging.DEBUG)
    server = FaultyServer(["PIPELINING", "AUTH PLAIN"], logins={"ann": PASSWORD}).on(verb, reply)
    with server, pytest.raises(OSError, match=r".") as caught:
        backend_for(server, username="ann", password=PASSWORD).send_messages(
            [mail(body=TOKEN_URL), mail(body=TOKEN_URL)]
        )
    shown = caplog.text + "".join(capfd.readouterr()) + "".join(traceback.format_exception(caught.value))
    assert "Error" in shown or "SMTP" in shown
    for secret in ("pw-s3cret", "t0p-s3cret", "AUTH PLAIN", "AGFubgBwdy1zM2NyZXQ="):
        assert secret not in shown


def test_an_error_of_a_template_names_variables_and_no_values():
    class Typo(Reset, abstract=True):
        subject = "Reset {{ ulr }}"

    with pytest.raises(RenderError) as caught:
        Typo(to=["ann@x.org"]).render()
    assert "'ulr' is undefined. Did you mean 'url'?" in str(caught.value)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


# -- previews --


def test_previews_stay_in_their_folder_open_no_port_and_start_nothing(tmp_path: Path):
    (tmp_path / "shop.py").write_text(
        "from aerogram import Notification\n"
        "class Hostile(Notification, name='hostile'):\n"
        "    subject = 'Hi'\n"
        "    html_template = 'aerogram/base.html'\n"
        "    to = ['ann@x.org']\n"
        "    @classmethod\n"
        "    def samples(cls):\n"
        "        names = ('../../escaped', '/etc/escaped', '..', 'a/../../b', 'C:\\\\x', '\\0', '.hidden')\n"
        "        return {name: cls() for name in names}\n"
    )
    code = (
        "import sys\n"
        "events = []\n"
        "watched = ('socket.bind', 'socket.connect', 'subprocess.Popen', 'os.system', 'webbrowser.open')\n"
        "def watch(event, args):\n"
        "    if event in watched and args[1:] != (('::1', 0),):  # urllib3 tries out IPv6 when imported\n"
        "        events.append((event, args))\n"
        "sys.addaudithook(watch)\n"
        "from aerogram.cli import main\n"
        "assert main(['--app', 'shop', 'preview', '--out', 'deep/er/out']) == 0\n"
        "assert not events, events\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    out = tmp_path / "deep/er/out"
    written = {path for path in tmp_path.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {path for path in written if out not in path.parents} == {tmp_path / "shop.py"}
    assert len(list((out / "hostile").glob("*.eml"))) == 7


# -- mail about errors --


def fails_with_secrets() -> None:
    request = {"COOKIES": {"session": "c00kie-s3cret"}, "META": {"nested": [{"SECRET_KEY": "key-s3cret"}]}}
    cookie = request["COOKIES"]["session"]
    raise TimeoutError(f"{len(cookie)} characters did not help")


def test_a_report_of_an_error_shows_where_it_was_and_no_value():
    settings.configure(ADMINS=["ops@x.org"], EMAIL_HOST_PASSWORD=PASSWORD)
    with imported("shop", "notifications") as (notifications,):
        settings.configure(TEMPLATE_DIRS=[str(Path(notifications.__file__).parent / "templates")])
        try:
            fails_with_secrets()
        except TimeoutError as error:
            report = notifications.ErrorReport.of(error, "/login").render()
    source = ("c00kie-s3cret", "key-s3cret")  # in a traceback stands the line that failed, and no other
    for shown in (report.body, str(report.alternatives[0].content), report.message().as_string()):
        assert "fails_with_secrets" in shown
        assert not [secret for secret in (*source, PASSWORD) if secret in shown]


class AdminHandler(logging.Handler):
    """Mails each record to the admins, as many programs do."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.calls += 1
        aerogram_mail.mail_admins(record.levelname, self.format(record), fail_silently=True)


@pytest.mark.parametrize("reachable", [True, False])
def test_mail_about_a_log_line_is_not_about_the_mail_itself(reachable: bool, free_port: Any):
    backend = "locmem" if reachable else "smtp"
    settings.configure(
        ADMINS=["ops@x.org"],
        EMAIL_BACKEND=f"aerogram.mail.backends.{backend}.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=free_port(),
    )
    handler, root = AdminHandler(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        for _ in range(10):
            logging.getLogger("app").error("boom")
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
    assert handler.calls == 20  # of each error the report, and what became of that one


def test_a_flood_of_reports_in_one_send_stops_at_the_fuse():
    settings.configure(
        MAILERS={
            "default": {"BACKEND": "aerogram.mail.backends.locmem.EmailBackend"},
            "fused": {
                "BACKEND": "aerogram.mail.backends.fuse.EmailBackend",
                "OPTIONS": {"mailer": "default", "limit": 10},
            },
        }
    )
    made = []

    def reports() -> Any:
        for number in range(1000):
            made.append(number)
            yield (f"Error {number}", "boom", None, ["ops@x.org"])

    with pytest.raises(TooManyRecipients):
        aerogram_mail.send_mass_mail(reports(), using="fused", fail_silently=True)
    assert len(made) == 11
    assert getattr(aerogram_mail, "outbox", []) == []


# -- task queues --


def test_nothing_is_ever_unpickled_or_evaluated():
    dangerous = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml"}
    for path in Path(aerogram.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not dangerous & {name.partition(".")[0] for name in names}, path
            assert not (isinstance(node, ast.Name) and node.id in ("eval", "exec")), path


def test_a_pickled_message_takes_no_login_along():
    settings.configure(EMAIL_HOST_USER="ann", EMAIL_HOST_PASSWORD=PASSWORD)
    message = mail(body="Hello", attachments=[("a.txt", "x", "text/plain")])
    octets = pickle.dumps(message)
    assert b"s3cret" not in octets
    settings.reset()
    with FaultyServer() as server:
        assert deliver(server, [pickle.loads(octets), copy.deepcopy(message)]) == (2, [])
    first, second = server.messages
    assert first.recipients == second.recipients == ("ann@x.org",)
    connected = mail(connection=EmailBackend("mail.x.org", username="ann", password=PASSWORD))
    with pytest.raises(TypeError, match="cannot be pickled") as refused:
        pickle.dumps(connected)
    assert PASSWORD not in str(refused.value)


def test_what_a_task_needs_fits_into_json():
    arguments = {
        "subject": "Hello",
        "body": "Hi",
        "from_email": "me@x.org",
        "to": ["ann@x.org"],
        "headers": {"X-A": "1"},
    }
    with FaultyServer() as server:
        assert deliver(server, [EmailMessage(**json.loads(json.dumps(arguments)))]) == (1, [])
    assert b"X-A: 1\r\n" in server.messages[0].content
