"""``aerogram outbox``: what is queued, for the operator."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text

from aerogram.cli.screen import counted, escape_controls, screen, shown_time
from aerogram.exceptions import OutboxUnavailable, ScheduleError

if TYPE_CHECKING:
    from aerogram.outbox import Entry

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The id of the mail, as in the list.")]

_BESIDE: Final = 60  # columns of the list beside the subject

_COLOURS: Final = {
    "queued": "cyan",
    "pending": "cyan",
    "sending": "blue",
    "done": "green",
    "sent": "green",
    "held": "yellow",
    "uncertain": "yellow",
    "dead": "red",
    "refused": "red",
    "expired": "red",
}


def _days(given: str | float) -> float:
    with suppress(ValueError):
        if 0 <= (days := float(given)) < inf:
            return days
    raise typer.BadParameter(f"{str(given)[:40]!r} is not a number of days, such as 7.")


@contextmanager
def _wrong_usage() -> Iterator[None]:
    """Show an option's value that the outbox does not accept as wrong usage."""
    try:
        yield
    except ScheduleError as error:
        raise typer.BadParameter(str(error)) from None


def init() -> None:
    """Make the tables, and the file, if they do not exist."""
    from aerogram import outbox
    from aerogram.outbox.storage.database import current_database

    outbox.init()
    screen().print(f"Ready: {current_database()}", soft_wrap=True)


def _check_folder() -> None:
    """Raise OutboxUnavailable if reading would make folders: a wrong path is no empty queue."""
    from aerogram.conf import settings
    from aerogram.outbox.storage.database import current_database, failures_named

    db = current_database()
    if not settings.OUTBOX_URL or db.path is None:
        return
    with failures_named(str(db)):
        is_there = db.path.parent.is_dir()
    if not is_there:
        raise OutboxUnavailable(
            f"There is no outbox at {db.path}: its folder does not exist. Correct OUTBOX_URL "
            f"({settings.source_of('OUTBOX_URL')}), or create the outbox: aerogram outbox init. "
            "Queueing a mail creates it, too."
        )


def status(as_json: AsJson = False) -> None:
    """Show how many mails are in each state, and whether the queue moves.

    Into a pipe it writes one line for each state, with a tab between state and number.
    """
    from aerogram import outbox

    _check_folder()
    found = outbox.status()
    if as_json:
        _write_json(dataclasses.asdict(found))
        return
    console = screen()
    table = _table("State", "Mails")
    for state, number in found.counts.items():
        if not console.is_terminal:
            typer.echo(f"{state}\t{number}")
        table.add_row(_coloured(state), Text(str(number), "bold" if number else "dim"))
    if console.is_terminal:
        console.print(table)
    oldest = found.oldest_queued_seconds
    console.print(
        f"Oldest mail that is due: {'none' if oldest is None else _duration(oldest)}. "
        f"Sent in the last hour: {found.sent_last_hour}. Uncertain at least once: {found.uncertain}.",
        soft_wrap=True,
    )
    for mailer, until in found.paused.items():
        console.print(
            f"The mailer {mailer} is paused until {shown_time(until)}: its server failed.", soft_wrap=True
        )
    for mailer in found.unknown_mailers:
        console.print(
            f"The settings have no mailer {mailer}: its mail waits for a worker whose settings have one.",
            soft_wrap=True,
        )


def list_entries(
    state: Annotated[str | None, typer.Option(metavar="STATE", help="Only mails in this state.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most so many.")] = 100,
    before: Annotated[
        str | None, typer.Option(metavar="ID", help="Only mails older than this one, for the next page.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List mails, the newest first.

    Into a pipe it writes one line for each, with tabs between id, state, creation, due time, recipients and
    subject; times are as in ISO 8601, with the offset.
    """
    from aerogram import outbox

    _check_folder()
    with _wrong_usage():
        found = outbox.list_entries(state, limit, before)
    if as_json:
        shown = [dataclasses.asdict(entry) for entry in found]
        _write_json([{name: each[name] for name in each if name != "history"} for each in shown])
        return
    console = screen()
    if not console.is_terminal:
        for entry in found:
            recipients = ", ".join(each.address for each in entry.recipients)
            times = (each.astimezone().isoformat(timespec="seconds") for each in (entry.created, entry.due))
            fields = (entry.id, entry.state, *times, recipients, entry.subject)
            typer.echo("\t".join(escape_controls(field).replace("\t", " ") for field in fields))
        return
    table = _table("Mail", "State", "Due", "Recipients")
    for column in table.columns[:3]:
        column.no_wrap = True
    for entry in found:
        first, *others = entry.recipients
        more = f"\nand {len(others)} more" if others else ""
        subject = Text(escape_controls(entry.subject).replace("\n", " "))
        subject.truncate(max(len(entry.id), console.width - _BESIDE), overflow="ellipsis")
        table.add_row(
            Text.assemble((entry.id, "bold"), "\n", subject),
            _coloured(entry.state),
            Text(shown_time(entry.due).replace(" ", "\n")),
            Text(escape_controls(first.address) + more),
        )
    console.print(table)
    console.print(counted(len(found), "mail"), style="dim")


def show(entry_id: Id, as_json: AsJson = False) -> None:
    """Show one mail: its recipients, and every attempt."""
    from aerogram import outbox
    from aerogram.outbox.transports import name_of

    _check_folder()
    entry = outbox.get(entry_id)
    if as_json:
        _write_json(dataclasses.asdict(entry))
        return
    console = screen()
    subject = escape_controls(entry.subject) or "(no subject)"
    console.print(Text.assemble((subject, "bold"), "  ", _coloured(entry.state)))
    facts = _table("", "")
    facts.show_header = False
    for name, value in (
        ("Id", entry.id),
        ("Message-ID", entry.message_id),
        ("From", entry.sender),
        ("Mailer", name_of(entry.mailer)),
        ("Size", f"{entry.size} octets"),
        ("Created", shown_time(entry.created)),
        ("Due", shown_time(entry.due)),
        ("Expires", shown_time(entry.expires)),
        ("Finished", shown_time(entry.finished)),
        ("Uncertain", counted(entry.uncertain, "time")),
        ("Worker died", counted(entry.crashes, "time")),
    ):
        facts.add_row(Text(name, "dim"), Text(escape_controls(value)))
    console.print(facts)
    table = _table("Recipient", "State", "Attempts", "Next", "Reply")
    for each in entry.recipients:
        next_time = shown_time(each.due) if each.state == "pending" else ""
        table.add_row(
            escape_controls(each.address), _coloured(each.state), str(each.attempts), next_time, _reply(each)
        )
    console.print(table)
    if entry.history:
        table = _table("Attempt ended", "Recipient", "Outcome", "Reply")
        for attempt in entry.history:
            address = escape_controls(attempt.address)
            table.add_row(shown_time(attempt.ended), address, _coloured(attempt.outcome), _reply(attempt))
        console.print(table)


def retry(entry_id: Id, as_json: AsJson = False) -> None:
    """Make a queued, dead or held mail due at once, for everyone who has not got it.

    A mail whose time is over gets OUTBOX_EXPIRES anew.
    """
    from aerogram import outbox

    _changed(outbox.retry, entry_id, as_json)


def cancel(entry_id: Id, as_json: AsJson = False) -> None:
    """Cancel a mail for every recipient who has not received it."""
    from aerogram import outbox

    _changed(outbox.cancel, entry_id, as_json)


def purge(
    older_than: Annotated[
        float | None,
        typer.Option(metavar="DAYS", parser=_days, help="Minimum age in days, instead of 7 and 90."),
    ] = None,
    states: Annotated[
        list[str] | None,
        typer.Option("--state", metavar="STATE", help="Only done, cancelled or dead; may be repeated."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Delete mails that have ended: those sent or cancelled after 7 days, those dead after 90."""
    from aerogram import outbox

    _check_folder()
    age = None if older_than is None else older_than * 86_400
    with _wrong_usage():
        number = outbox.purge(age, states) if states else outbox.purge(age)
    _write_json({"purged": number}) if as_json else screen().print(f"{counted(number, 'mail')} deleted.")


def metrics() -> None:
    """Write the counts, and what shows whether the queue moves, for Prometheus."""
    from aerogram import outbox

    _check_folder()
    typer.echo(outbox.prometheus_text(), nl=False)


def _changed(function: Callable[[str], Entry], entry_id: str, as_json: bool) -> None:
    _check_folder()
    entry = function(entry_id)
    if as_json:
        _write_json(dataclasses.asdict(entry))
        return
    line = Text.assemble((entry.id, "bold"), ": ", _coloured(entry.state))
    if entry.state == "queued":
        line.append(f", expires {shown_time(entry.expires) or 'never'}")
    screen().print(line, soft_wrap=True)


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim", expand=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _coloured(state: str) -> Text:
    return Text(state, _COLOURS.get(state, "dim"))


def _reply(result: Any) -> Text:
    words = [str(word) for word in (result.code, result.enhanced_code, result.text) if word]
    return Text(escape_controls(" ".join(words)))


def _duration(seconds: float) -> str:
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return counted(int(seconds // size), name)
    return counted(int(seconds), "second")


def _write_json(value: dict[str, Any] | Sequence[dict[str, Any]]) -> None:
    typer.echo(json.dumps(value, default=datetime.isoformat, ensure_ascii=True, indent=2))
