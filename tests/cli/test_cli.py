"""The command, run as people run it: in a folder of their own, its exit status and what it says."""

from __future__ import annotations

import json
import mailbox
import os
import pty
import re
import select
import signal
import smtplib
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

import aerogram
from aerogram.catcher import CatchingServer
from aerogram.cli import main
from aerogram.cli.screen import escape_controls
from tests.forked_python import python

MAILS = '''
from aerogram import Notification


class Welcome(Notification):
    """The first mail."""

    subject = "Welcome, {{ name }}"
    html_template = "welcome.html"
    to = ["customer@example.com"]
    cc = ["boss@example.com"]
    bcc = ["archive@example.com"]
    name: str

    @classmethod
    def samples(cls):
        return {"Ann": cls(name="Ann"), "Jürgen": cls(name="Jürgen")}
'''
FAULTY = """
from aerogram import Notification


class Faulty(Notification):
    subject = "Hello"
    html_template = "faulty.html"
    text_template = "nowhere.txt"
    to = ["ann@example.com"]

    @classmethod
    def samples(cls):
        return {"one": cls()}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """An application's folder: two modules, templates."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "welcome.html").write_text("<p>Dear {{ name }}</p>")
    (tmp_path / "templates" / "faulty.html").write_text("<p>\n{{ nmae }}</p>")
    (tmp_path / "mails.py").write_text(MAILS)
    (tmp_path / "faulty.py").write_text(FAULTY)
    return tmp_path


def aerogram_command(
    *arguments: str, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command, its output into pipes."""
    return subprocess.run(
        python("-m", "aerogram", *arguments),
        cwd=cwd,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **(env or {})},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


# ---- the frame -----------------------------------------------------------------------------------------


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"aerogram {aerogram.__version__}\n"


@pytest.mark.parametrize(
    "command", [[], ["list"], ["preview"], ["check"], ["send"], ["catch"], ["messages", "init"]]
)
def test_help_is_for_everything(command, capsys):
    assert main([*command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Usage: aerogram" in shown
    assert not any(word in shown for word in ("bool", "<str>", "<=")), "types of Python"
    assert "[[" not in shown


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["nonsense", "--to", "me@example.com"], "Available: welcome."),
        (["welcom", "--to", "me@example.com"], "Did you mean 'welcome'?"),
        (["welcome", "--to", "me you@example.com"], "--to"),
        (["welcome", "--to", "me@example.com", "--sample", "nonsense"], "Available: 'Ann', 'Jürgen'."),
        (["welcome", "--to", "me@example.com", "--sample", "Jurgen"], "Did you mean 'Jürgen'?"),
    ],
)
def test_what_does_not_exist_is_2_without_a_traceback(arguments, hint, shop):
    done = aerogram_command("--app", "mails", "send", *arguments, cwd=shop, env={"COLUMNS": "200"})
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["--nonsense"],
        ["list", "--nonsense"],
        ["list"],  # no module named
        ["--app", "mails.py", "list"],
        ["--app", "", "list"],
        ["--app", "..mails", "list"],
        ["--app", "my mails", "list"],
        ["--app", "mails", "preview", "--nonsense"],
        ["--app", "mails", "check", "--format", "xml"],
        ["--app", "mails", "send", "welcome"],
        ["catch", "--host", "0.0.0.0"],
        ["catch", "--port", "70000"],
    ],
)
def test_wrong_usage_is_2(arguments, capsys):
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err


def test_no_arguments_show_the_help(shop):
    done = aerogram_command(cwd=shop)
    assert "Usage: aerogram" in done.stdout + done.stderr
    assert done.returncode in (0, 2)


def test_a_module_that_is_not_there_is_1_and_named(shop):
    done = aerogram_command("--app", "nowhere", "list", cwd=shop)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: There is no module 'nowhere'")
    assert "Traceback" not in done.stderr


def test_check_of_a_module_that_is_not_there_is_1_and_named(shop):
    done = aerogram_command("--app", "nowhere", "check", cwd=shop)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: There is no module 'nowhere'")


def test_traceback_on_demand(shop):
    done = aerogram_command("--traceback", "--app", "nowhere", "list", cwd=shop)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_an_error_in_the_applications_code_shows_where(shop):
    (shop / "crash.py").write_text("\n1 / 0\n")
    done = aerogram_command("--app", "crash", "list", cwd=shop)
    assert done.returncode == 1
    assert 'crash.py", line 2' in done.stderr


def test_a_wrong_setting_is_1_and_named(shop):
    done = aerogram_command("--app", "mails", "list", cwd=shop, env={"AEROGRAM_EMAIL_PORT": "many"})
    assert done.returncode in (0, 1)
    done = aerogram_command(
        "--app",
        "mails",
        "send",
        "welcome",
        "--to",
        "me@example.com",
        cwd=shop,
        env={"AEROGRAM_EMAIL_PORT": "many"},
    )
    assert done.returncode == 1
    assert "EMAIL_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_modules_come_from_the_settings_too(shop):
    (shop / "aerogram.toml").write_text('NOTIFICATION_MODULES = ["mails"]\n')
    done = aerogram_command("list", cwd=shop)
    assert done.returncode == 0
    assert done.stdout.startswith("welcome\t")


# ---- list ----------------------------------------------------------------------------------------------


def test_list_into_a_pipe_is_a_line_each_with_tabs(shop):
    done = aerogram_command("--app", "mails", "--app", "faulty", "list", cwd=shop)
    assert done.returncode == 0
    assert [line.split("\t") for line in done.stdout.splitlines()] == [
        ["faulty", "Faulty", "Hello", "faulty.html", "nowhere.txt", "one", "faulty.py:5"],
        ["welcome", "Welcome", "Welcome, {{ name }}", "welcome.html", "", "Ann, Jürgen", "mails.py:5"],
    ]


def on_a_terminal(*arguments: str, cwd: Path, columns: int) -> tuple[int, str]:
    """Run the command on a pseudo-terminal; return its status and what it wrote there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        python("-m", "aerogram", *arguments),
        cwd=cwd,
        env={**os.environ, "COLUMNS": str(columns), "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    return process.wait(timeout=30), re.sub(
        r"\x1b\][^\x1b]*\x1b\\|\x1b\[[0-9;?]*[A-Za-z]", "", written.decode()
    )


@pytest.mark.parametrize("columns", [80, 120])
def test_list_on_a_terminal_fits(shop, columns):
    status, text = on_a_terminal("--app", "mails", "list", cwd=shop, columns=columns)
    assert status == 0
    assert "welcome" in text
    assert "mails.py:5" in text
    assert max(map(len, text.splitlines())) <= columns


def test_check_on_a_terminal_groups_by_notification(shop):
    status, text = on_a_terminal("--app", "faulty", "check", cwd=shop, columns=80)
    assert status == 1
    assert "templates/faulty.html:2" in text
    assert "1 notification checked: 2 errors, no warnings" in text
    assert max(map(len, text.splitlines())) <= 80


def test_list_shows_what_is_computed_and_samples_that_raise(shop):
    (shop / "odd.py").write_text(
        "from aerogram import Notification\n"
        "class Odd(Notification):\n"
        "    to = ['ann@example.com']\n"
        "    text_template = 'x.txt'\n"
        "    @property\n"
        "    def subject(self): return 'Hi'\n"
        "    @classmethod\n"
        "    def samples(cls): raise KeyError('fixture')\n"
    )
    done = aerogram_command("--app", "odd", "list", cwd=shop)
    assert done.stdout == "odd\tOdd\t<computed>\t\tx.txt\t<KeyError>\todd.py:2\n"


def test_list_shows_the_text_template_that_mail_to_the_staff_has(shop):
    (shop / "ops.py").write_text(
        "from aerogram import AdminNotification\n"
        "class Full(AdminNotification):\n"
        "    subject = 'Full'\n"
        "    html_template = 'full.html'\n"
        "class Plain(AdminNotification):\n"
        "    subject = 'Plain'\n"
    )
    full, plain = aerogram_command("--app", "ops", "list", cwd=shop).stdout.splitlines()
    assert full.split("\t")[3:5] == ["full.html", ""]
    assert plain.split("\t")[3:5] == ["aerogram/admin.html", "aerogram/admin.txt"]


def test_list_of_a_module_without_notifications_says_so(shop):
    (shop / "empty.py").write_text("")
    assert aerogram_command("--app", "empty", "list", cwd=shop).stdout == ""
    status, text = on_a_terminal("--app", "empty", "list", cwd=shop, columns=80)
    assert (status, text.strip()) == (0, "These modules define no notifications.")


# ---- preview -------------------------------------------------------------------------------------------


def test_preview_writes_files_and_says_where(shop):
    done = aerogram_command("--app", "mails", "preview", "--out", "build/previews", cwd=shop)
    assert done.returncode == 0
    page = shop / "build" / "previews" / "index.html"
    assert done.stdout == f"2 samples, 7 files. Open {page}\n"
    assert (page.parent / "welcome" / "jürgen.eml").is_file()


def test_preview_of_a_faulty_sample_is_1_and_writes_the_others(shop):
    done = aerogram_command("--app", "mails", "--app", "faulty", "preview", "--out", "out", cwd=shop)
    assert done.returncode == 1
    assert "faulty, 'one'" in done.stderr
    assert (shop / "out" / "welcome" / "ann.html").is_file()


def test_preview_into_a_file_is_1_and_named(shop):
    done = aerogram_command("--app", "mails", "preview", "--out", "mails.py", cwd=shop)
    assert done.returncode == 1
    assert "mails.py" in done.stderr
    assert "Traceback" not in done.stderr


# ---- check ---------------------------------------------------------------------------------------------


def test_check_of_good_notifications_is_0(shop):
    done = aerogram_command("--app", "mails", "check", cwd=shop)
    assert (done.returncode, done.stdout) == (0, "1 notification checked: no errors, no warnings\n")


def test_check_reports_every_problem_with_file_and_line(shop):
    done = aerogram_command("--app", "mails", "--app", "faulty", "check", cwd=shop)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("templates/faulty.html:2: error: 'nmae' is neither a field of Faulty")
    assert lines[1].startswith("faulty.py:8: error: There is no template 'nowhere.txt'")
    assert lines[2] == "2 notifications checked: 2 errors, no warnings"


def test_check_shows_the_findings_of_a_file_in_the_order_of_its_lines(shop):
    page = "<p style='color: #999'>Dear {{ name }}</p>\n<a href='#'>Open</a>\n<img src='a.png'>"
    (shop / "templates" / "welcome.html").write_text(page)
    done = aerogram_command("--app", "mails", "check", cwd=shop)
    lines = [int(line.split(":")[1]) for line in done.stdout.splitlines()[:-1]]
    assert lines == sorted(lines)
    assert set(lines) == {1, 2, 3}
    assert 'src="a.png" is relative' in done.stdout
    assert "inline_image('logo.png')" in done.stdout


def test_check_as_json(shop):
    done = aerogram_command("--app", "faulty", "check", "--format", "json", cwd=shop)
    assert done.returncode == 1
    problems = json.loads(done.stdout)
    assert [(problem["notification"], problem["code"], problem["line"]) for problem in problems] == [
        ("faulty", "unknown-variable", 2),
        ("faulty", "template-missing", 8),
    ]


def test_check_as_sarif(shop):
    done = aerogram_command("--app", "faulty", "check", "--format", "sarif", cwd=shop)
    assert done.returncode == 1
    log = json.loads(done.stdout)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["template-missing", "unknown-variable"]
    first = run["results"][0]
    assert (first["ruleId"], first["ruleIndex"], first["level"]) == ("unknown-variable", 1, "error")
    assert "'nmae'" in first["message"]["text"]
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "templates/faulty.html", "uriBaseId": "ROOT"},
        "region": {"startLine": 2},
    }
    assert run["originalUriBaseIds"]["ROOT"]["uri"] == f"{shop.resolve().as_uri()}/"


def test_check_for_github(shop):
    done = aerogram_command("--app", "faulty", "check", "--format", "github", cwd=shop)
    assert done.returncode == 1
    first, _ = done.stdout.splitlines()
    assert first.startswith(
        "::error file=templates/faulty.html,line=2,title=unknown-variable (faulty)::'nmae' is neither a field"
    )


def test_formats_without_findings(shop):
    for form, written in (("json", "[]\n"), ("github", "")):
        done = aerogram_command("--app", "mails", "check", "--format", form, cwd=shop)
        assert (done.returncode, done.stdout) == (0, written)


def test_check_reports_and_fails_from_a_level(shop):
    (shop / "bare.py").write_text(MAILS.split("    @classmethod")[0])
    command = partial(aerogram_command, "--app", "bare", "check", cwd=shop)
    assert "no errors, no warnings" in command("--level", "error").stdout
    assert command("--fail-level", "warning").returncode == 1
    done = aerogram_command("--app", "mails", "check", "--level", "info", cwd=shop)
    assert done.returncode == 0
    assert "mails.py:5: info: The mail is not marked as automatic" in done.stdout
    assert done.stdout.endswith("1 notification checked: no errors, no warnings, 1 info\n")


def test_check_lists_its_rules(shop):
    done = aerogram_command("check", "--rules", cwd=shop)
    assert done.returncode == 0
    assert "image-alt\twarning\tAn image has no alt attribute.\n" in done.stdout


def test_check_reports_a_refused_class_and_goes_on_with_other_modules(shop):
    (shop / "refused.py").write_text(
        "from aerogram import Notification\n\n\nclass Refused(Notification):\n"
        "    subject = 'a\\nb'\n    html_template = 'welcome.html'\n"
    )
    (shop / "syntax.py").write_text("def\n")
    done = aerogram_command(
        "--app", "refused", "--app", "syntax", "--app", "faulty", "check", "--format", "json", cwd=shop
    )
    assert done.returncode == 1
    problems = json.loads(done.stdout)
    assert [(Path(problem["file"]).name, problem["line"], problem["code"]) for problem in problems[:2]] == [
        ("refused.py", 5, "refused"),
        ("syntax.py", 1, "import-failed"),
    ]
    assert "newline" in problems[0]["message"]
    assert {problem["notification"] for problem in problems[2:]} == {"faulty"}


def test_warnings_alone_are_0(shop):
    (shop / "bare.py").write_text(MAILS.split("    @classmethod")[0])
    done = aerogram_command("--app", "bare", "check", cwd=shop)
    assert done.returncode == 0
    assert "warning: There are no samples" in done.stdout
    assert "no errors, 1 warning" in done.stdout


# ---- send ----------------------------------------------------------------------------------------------


def test_send_sends_one_sample_to_the_given_address_alone(shop):
    with CatchingServer() as server:
        url = {"AEROGRAM_EMAIL_URL": f"smtp://{server.host}:{server.port}"}
        done = aerogram_command(
            "--app",
            "mails",
            "send",
            "welcome",
            "--to",
            "me@example.com",
            "--sample",
            "Jürgen",
            cwd=shop,
            env=url,
        )
    assert done.returncode == 0, done.stderr
    assert "me@example.com" in done.stdout
    (caught,) = server.messages
    assert caught.recipients == ("me@example.com",)
    assert caught.message["Subject"] == "Welcome, Jürgen"
    assert caught.message["To"] == "me@example.com"
    assert "Cc" not in caught.message


def test_send_takes_the_first_sample_and_several_addresses(shop):
    with CatchingServer() as server:
        url = {"AEROGRAM_EMAIL_URL": f"smtp://{server.host}:{server.port}"}
        arguments = ["send", "welcome", "--to", "me@example.com", "--to", "you@example.com"]
        done = aerogram_command("--app", "mails", *arguments, cwd=shop, env=url)
    assert done.returncode == 0, done.stderr
    assert server.messages[0].message["Subject"] == "Welcome, Ann"
    assert server.messages[0].recipients == ("me@example.com", "you@example.com")


def test_a_dead_server_is_1_in_one_sentence(shop, free_port):
    url = {"AEROGRAM_EMAIL_URL": f"smtp://127.0.0.1:{free_port()}"}
    done = aerogram_command("--app", "mails", "send", "welcome", "--to", "me@example.com", cwd=shop, env=url)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "refused" in done.stderr
    assert url["AEROGRAM_EMAIL_URL"].removeprefix("smtp://") in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("address", ["me", "Ann <me>", '"me"', "me@", "not an address", ""])
def test_send_to_what_is_no_whole_address_is_2(shop, address):
    done = aerogram_command("--app", "mails", "send", "welcome", "--to", address, cwd=shop)
    assert done.returncode == 2
    assert "--to" in done.stderr
    assert "Traceback" not in done.stderr


def test_send_without_samples_is_2(shop):
    (shop / "bare.py").write_text(MAILS.split("    @classmethod")[0])
    done = aerogram_command("--app", "bare", "send", "welcome", "--to", "me@example.com", cwd=shop)
    assert done.returncode == 2
    assert "has no samples" in done.stderr


def test_send_through_a_backend_that_takes_nothing_is_1(shop):
    (shop / "lazy.py").write_text(
        "from aerogram.mail.backends.base import BaseEmailBackend\n"
        "class EmailBackend(BaseEmailBackend):\n"
        "    def send_messages(self, email_messages):\n"
        "        return 0\n"
    )
    env = {"AEROGRAM_EMAIL_BACKEND": "lazy.EmailBackend"}
    done = aerogram_command("--app", "mails", "send", "welcome", "--to", "me@example.com", cwd=shop, env=env)
    assert done.returncode == 1
    assert "Nothing was sent: the backend lazy did not accept the message" in done.stderr


# ---- catch ---------------------------------------------------------------------------------------------


class Catching:
    """The command `aerogram catch` while it runs."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            python("-u", "-m", "aerogram", "catch", "--port", "0", *arguments),
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            # As a script starts what runs in its background: deaf to SIGINT.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_IGN),
        )
        self.written = ""
        self.port = int(self.read_until(r"on 127\.0\.0\.1:(\d+);.*EMAIL_URL=\S+\n"))

    def read_until(self, pattern: str) -> str:
        assert self.process.stdout is not None
        end = time.monotonic() + 60
        while (found := re.search(pattern, self.written, re.DOTALL)) is None:
            assert time.monotonic() < end, self.written
            ready, _, _ = select.select([self.process.stdout], [], [], 1)
            if ready:
                piece = os.read(self.process.stdout.fileno(), 65536).decode()
                assert piece, self.written
                self.written += piece
        return found[1] if found.groups() else found[0]

    def deliver(self, content: str, *recipients: str) -> None:
        with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as client:
            client.sendmail("shop@example.com", recipients or ("ann@example.com",), content.encode())

    def end(self, by: signal.Signals = signal.SIGINT) -> int:
        assert self.process.stdout is not None
        self.process.send_signal(by)
        self.written += self.process.stdout.read()
        self.process.stdout.close()
        return self.process.wait(timeout=30)


@pytest.fixture
def catching() -> Iterator[Callable[..., Catching]]:
    started: list[Catching] = []

    def start(*arguments: str) -> Catching:
        started.append(Catching(*arguments))
        return started[-1]

    yield start
    for running in started:
        running.process.kill()
        running.process.wait()


def test_catch_shows_envelope_headers_and_text(catching):
    running = catching()
    running.deliver(
        "From: Shop <shop@example.com>\nTo: ann@example.com\n"
        "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n\nDear Ann\n",
        "ann@example.com",
        "hidden@example.com",
    )
    running.read_until("Dear Ann")
    assert running.end() == 0
    assert "<shop@example.com>  →  <ann@example.com>, <hidden@example.com>" in running.written
    assert "Subject   Grüße" in running.written
    assert running.written.endswith("1 message caught.\n")


def test_catch_writes_out_what_could_steer_a_terminal(catching):
    running = catching()
    running.deliver("Subject: \x1b]0;owned\x07\n\n\x1b[2Jbody\x9b\u202e end\n")
    running.read_until("end")
    assert running.end(signal.SIGTERM) == 0
    assert "\x1b" not in running.written
    assert "\\x1b[2Jbody" in running.written
    assert "\u202e" not in running.written


def test_catch_shows_the_words_and_the_parts_of_an_html_mail(catching):
    running = catching()
    running.deliver(
        "Subject: s\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n"
        "--x\nContent-Type: text/html; charset=nonsense\n\n<p>Hello <b>you</b></p>\n"
        "--x\nContent-Type: application/pdf\n"
        "Content-Disposition: attachment; filename=bill.pdf\n\nPDF\n--x--\n"
    )
    running.read_until("bill.pdf")
    assert running.end() == 0
    assert "Hello you" in running.written.replace("*", "")


def test_catch_raw_shows_the_message_as_it_came(catching):
    running = catching("--raw")
    running.deliver("Subject: =?utf-8?q?Gr=C3=BC?=\n\nlast line\n")
    running.read_until("last line")
    running.end()
    assert "Subject: =?utf-8?q?Gr=C3=BC?=" in running.written


def test_catch_keeps_messages_in_a_maildir_with_their_envelope(catching, tmp_path):
    folder = tmp_path / "new" / "maildir"
    running = catching("--maildir", str(folder))
    running.deliver("Subject: one\n\nbody\n", "ann@example.com", "bob@example.com")
    running.deliver("Subject: two\n\nbody\n")
    running.read_until("two")
    assert running.end() == 0
    assert running.written.endswith("2 messages caught.\n")
    box = mailbox.Maildir(folder)
    message = next(message for message in box if message["Subject"] == "one")
    assert message["Return-Path"] == "<shop@example.com>"
    assert message.get_all("Delivered-To") == ["ann@example.com", "bob@example.com"]
    assert len(box) == 2
    files = list((folder / "new").iterdir())
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert all(b"\r" not in path.read_bytes() for path in files)


DEEP = "((((((((\r\n " * 250 + "x"  # comments in comments, deeper than the parser of headers goes


def test_catch_keeps_and_counts_a_hostile_message(catching, tmp_path):
    running = catching("--maildir", str(tmp_path / "box"), "--studio", "--studio-port", "0")
    running.deliver("Subject: one\nContent-Type: text/html; charset=idna\n\n<p>x")
    running.deliver(f"Subject: two\nTo: {DEEP}\n\nx")
    running.deliver(f"Subject: =?idna?q?{'a.' * 50}=FF?=\n\nx")
    running.deliver("Subject: four\n\nx")
    running.read_until("four")
    running.end()
    assert running.written.endswith("4 messages caught.\n")
    assert len(mailbox.Maildir(tmp_path / "box")) == 4


def test_catch_shows_a_hostile_message(catching):
    running = catching()
    running.deliver(f"Subject: one\nTo: {DEEP}\nContent-Type: text/html; charset=idna\n\n<p>x")
    running.read_until("Subject: one")
    running.end()
    assert running.written.endswith("1 message caught.\n")


def test_catch_into_what_is_no_folder_is_1(shop):
    done = aerogram_command("catch", "--port", "0", "--maildir", "mails.py", cwd=shop)
    assert done.returncode == 1
    assert "mails.py" in done.stderr
    assert "Traceback" not in done.stderr


def test_catch_on_a_taken_port_is_1(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = aerogram_command("catch", "--port", str(port), cwd=tmp_path)
    assert done.returncode == 1
    assert f"port {port}" in done.stderr


def test_escape_controls_keeps_text_and_line_ends():
    assert escape_controls("Grüße\r\n\t日本 😀") == "Grüße\n\t日本 😀"
