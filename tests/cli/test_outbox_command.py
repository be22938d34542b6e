"""``aerogram outbox``: what it shows on a terminal, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from aerogram import outbox
from aerogram.cli import main
from aerogram.cli import outbox as commands
from aerogram.conf import settings
from aerogram.mail import EmailMessage
from aerogram.outbox import transports
from aerogram.outbox.storage.database import current_database


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """The file of the outbox, whose folder does not exist."""
    path = tmp_path / "state" / "outbox.db"
    settings.configure(OUTBOX_URL=f"sqlite:///{path}")
    yield path
    current_database().close()


@pytest.mark.parametrize("width", [80, 100])
def test_the_list_on_a_terminal_keeps_each_id_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    recipients = ["ann.with.a.long.name@customers.example.com", "bob@example.com"]
    entry_id = EmailMessage("Shipped: " + "é" * 200, "x", None, recipients).send_later()
    console = Console(force_terminal=True, width=width, file=StringIO(), color_system=None)
    monkeypatch.setattr(commands, "screen", lambda: console)
    commands.list_entries()
    shown = console.file.getvalue()  # type: ignore[attr-defined] # it is the StringIO of above
    assert re.search(f"^{entry_id} +queued", shown, re.MULTILINE)
    assert "Shipped: é" in shown
    assert max(map(len, shown.splitlines())) <= width


@pytest.mark.parametrize(
    "arguments", ["status", "status --json", "list", "show x", "metrics", "retry x", "cancel x", "purge"]
)
def test_a_command_that_reads_makes_no_folder(
    path: Path, capsys: pytest.CaptureFixture[str], arguments: str
) -> None:
    assert main(["outbox", *arguments.split()]) == 1
    assert "aerogram outbox init" in capsys.readouterr().err
    assert not path.parent.exists()
    path.parent.mkdir()
    assert main(["outbox", "status", "--json"]) == 0  # the tables are made on first use


@pytest.mark.parametrize("days", ["7d", "nan", "-1"])
def test_an_age_that_is_no_number_of_days_is_refused(capsys: pytest.CaptureFixture[str], days: str) -> None:
    assert main(["outbox", "purge", "--older-than", days]) == 2
    assert "number of days, such as 7" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("arguments", "accepted"),
    [
        ("list --state sold", "queued, sending, done"),
        ("list --before x", "the id of an entry"),
        ("list --limit 99999999999", "from 0 to 2,147,483,647"),
        ("purge --state held", "done, cancelled, dead"),
    ],
)
def test_a_value_that_an_option_does_not_take_is_wrong_usage(
    path: Path, capsys: pytest.CaptureFixture[str], arguments: str, accepted: str
) -> None:
    outbox.init()
    assert main(["outbox", *arguments.split()]) == 2
    assert accepted in re.sub(r"[\s│]+", " ", capsys.readouterr().err)


def test_the_status_names_a_mailer_that_has_mail_and_is_not_in_the_settings(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with settings.override(MAILERS={"bulk": {"URL": "dummy:"}}):
        EmailMessage("News", "x", "shop@example.com", ["ann@example.com"]).send_later(using="bulk")
        assert outbox.status().unknown_mailers == ()
    assert outbox.status().unknown_mailers == ("bulk",)
    assert main(["outbox", "status"]) == 0
    assert "The settings have no mailer bulk" in capsys.readouterr().out


def test_the_status_shows_the_mailers_that_are_paused(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outbox.init()
    transports.pause(current_database(), None, 60)
    assert main(["outbox", "status"]) == 0
    assert "The mailer default is paused until 20" in capsys.readouterr().out
    assert main(["outbox", "status", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["paused"]) == ["default"]
