"""The pytest plugin, as a project meets it: loaded by itself, in a pytest of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forked_python import python

pytest_plugins = ["pytester"]

APP = """
import threading
from aerogram import Notification
from aerogram.mail import send_mail


class Welcome(Notification):
    subject = "Welcome, {{ name }}"
    html_template = "welcome.html"
    to: list[str]
    name: str

    @classmethod
    def samples(cls):
        return {"Ann": cls(to=["ann@x.org"], name="Ann"), "long name": cls(to=["bob@x.org"], name="Bob")}


def send_in_thread():
    mail = Welcome(to=["ann@example.com"], name="Ann")
    thread = threading.Thread(target=mail.send, kwargs={"using": "bulk"})
    thread.start()
    thread.join()
"""

SETTINGS = """
NOTIFICATION_MODULES = ["shop"]
[MAILERS.default]
URL = "smtp://127.0.0.1:1"
[MAILERS.bulk]
URL = "smtp://127.0.0.1:1"
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with one notification, whose mailers lead nowhere."""
    pytester.makepyfile(shop=APP)
    pytester.makefile(".toml", aerogram=SETTINGS)
    pytester.mkdir("templates").joinpath("welcome.html").write_text(
        '<p>Dear {{ name }}, <a href="https://x.org/">go</a></p>'
    )
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.run(*python("-m", "pytest", "-p", "no:cacheprovider", "-p", "no:asyncio", *arguments))


OUTBOX = """
import shop
from aerogram.testing import assert_mail_sent, assert_no_mail


def test_starts_empty(mailoutbox):
    assert mailoutbox == []
    assert_no_mail()


def test_catches_every_mailer_and_thread(mailoutbox, aerogram_outbox):
    shop.send_in_thread()
    shop.send_mail("Hello", "Hi", None, ["bob@example.com"])
    assert [message.subject for message in mailoutbox] == ["Welcome, Ann", "Hello"]
    assert mailoutbox is aerogram_outbox
    message = assert_mail_sent(shop.Welcome, to="ann@example.com", count=1)
    assert message.notification.name == "Ann"
    assert message.sees("Dear Ann, go", "html")


def test_starts_empty_again(mailoutbox):
    assert_no_mail()
"""


def test_mailoutbox(project: pytest.Pytester) -> None:
    project.makepyfile(test_outbox=OUTBOX)
    run(project).assert_outcomes(passed=3)


def test_loads_by_itself_in_each_worker(project: pytest.Pytester) -> None:
    project.makepyfile(test_outbox=OUTBOX)
    run(project, "-n", "2", "--aerogram-samples").assert_outcomes(passed=5)


def test_the_fixture_of_pytest_django_wins(project: pytest.Pytester) -> None:
    project.makeconftest(
        """
        import pytest

        class Django:
            @pytest.fixture
            def mailoutbox(self):
                return "Django's"

        def pytest_addoption(parser, pluginmanager):
            pluginmanager.register(Django(), "django")
        """
    )
    project.makepyfile(
        test_both="""
        import shop

        def test_both(mailoutbox, aerogram_outbox):
            shop.send_in_thread()
            assert mailoutbox == "Django's"
            assert len(aerogram_outbox) == 1
        """
    )
    run(project).assert_outcomes(passed=1)


def test_the_plugin_imports_next_to_nothing() -> None:
    code = (
        "import sys, pytest\nbefore = set(sys.modules)\nimport aerogram.testing.plugin, json\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = [name for name in json.loads(done.stdout) if name.startswith("aerogram")]
    assert ours == ["aerogram", "aerogram.testing", "aerogram.testing.plugin"]
    assert len(json.loads(done.stdout)) < 12


SNAPSHOT = """
import pytest, shop


@pytest.mark.parametrize("name", ["Ann", "Al & Co"])
def test_welcome(mail_snapshot, name):
    mail_snapshot(shop.Welcome(to=["ann@example.com"], name=name))


class TestMore:
    def test_several(self, mail_snapshot):
        message = shop.Welcome(to=["ann@example.com"], name="Bob").render()
        mail_snapshot(message)
        mail_snapshot(message)
        mail_snapshot(message, name="named")
"""


def test_snapshots(project: pytest.Pytester) -> None:
    project.makepyfile(test_mails=SNAPSHOT)
    missing = run(project)
    missing.assert_outcomes(failed=3)
    missing.stdout.fnmatch_lines(["*There is no snapshot*test_welcome-Ann.[*]*--mail-snapshot-update*"])
    run(project, "--mail-snapshot-update").assert_outcomes(passed=3)
    folder = project.path / "mail_snapshots" / "test_mails"
    assert sorted(path.name for path in folder.glob("*.eml")) == [
        "TestMore.test_several-2.eml",
        "TestMore.test_several-named.eml",
        "TestMore.test_several.eml",
        "test_welcome-Al-Co.eml",
        "test_welcome-Ann.eml",
    ]
    assert "Dear Ann" in (folder / "test_welcome-Ann.txt").read_text()
    assert 'href="https://x.org/"' in (folder / "test_welcome-Ann.html").read_text()
    written = (folder / "test_welcome-Ann.eml").read_text()
    assert "Date: Thu, 01 Jan 2026 00:00:00 +0000\n" in written
    assert "boundary-1" in written
    run(project).assert_outcomes(passed=3)

    (project.path / "templates" / "welcome.html").write_text("<p>Hi {{ name }}</p>")
    changed = run(project)
    changed.assert_outcomes(failed=3)
    changed.stdout.fnmatch_lines(["*-Dear Ann, go: https://x.org/", "*+Hi Ann", "*--mail-snapshot-update*"])
    run(project, "--mail-snapshot-update").assert_outcomes(passed=3)
    run(project).assert_outcomes(passed=3)


def test_samples(project: pytest.Pytester) -> None:
    none = run(project)
    assert none.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    verbose = run(project, "--aerogram-samples", "-v")
    verbose.assert_outcomes(passed=2)
    verbose.stdout.fnmatch_lines(["*welcome[[]Ann] PASSED*", "*welcome[[]long name] PASSED*"])
    run(project, "--aerogram-samples", "-k", "Ann").assert_outcomes(passed=1, deselected=1)

    (project.path / "templates" / "welcome.html").write_text(
        "<p>{% if name == 'Bob' %}{{ name.x.y }}{% endif %}"
    )
    failed = run(project, "--aerogram-samples")
    failed.assert_outcomes(passed=1, failed=1)
    failed.stdout.fnmatch_lines(["*welcome.html:1:*"])


def test_samples_in_each_locale(project: pytest.Pytester) -> None:
    project.path.joinpath("locale", "de", "LC_MESSAGES").mkdir(parents=True)
    found = run(project, "--aerogram-samples", "-v")
    found.assert_outcomes(passed=4)
    found.stdout.fnmatch_lines(["*welcome[[]Ann-de] PASSED*"])
    run(project, "--aerogram-samples", "-o", "aerogram_locales=en fr it").assert_outcomes(passed=6)


def test_samples_without_modules(pytester: pytest.Pytester) -> None:
    done = run(pytester, "--aerogram-samples")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*NOTIFICATION_MODULES. Looked in the environment*AEROGRAM_CONFIG*"])


def test_the_tests_of_the_documentation_pass(pytester: pytest.Pytester) -> None:
    page = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()
    for name, text in re.findall(r"^```\w+ (\S+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        path = pytester.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    run(pytester, "--mail-snapshot-update").assert_outcomes(passed=3)
    run(pytester, "--aerogram-samples").assert_outcomes(passed=4)
