"""``aerogram check``: every problem at once, for people, for editors and for programs."""

from __future__ import annotations

import traceback
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from aerogram import checks, registry
from aerogram.checks.problem import LEVELS, Problem, SourceLine, source_line
from aerogram.checks.rules import RULES
from aerogram.cli.findings import github, json_text, sarif
from aerogram.cli.screen import counted, escape_controls, screen, shown_place
from aerogram.constructor import collect_problems
from aerogram.exceptions import ImproperlyConfigured, describe
from aerogram.naming import snake_case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aerogram.checks.problem import Severity

_COLOURS = {"error": "red", "warning": "yellow", "info": "blue"}


def check(
    context: typer.Context,
    output: Annotated[
        Literal["text", "json", "sarif", "github"],
        typer.Option("--format", help="The output format."),
    ] = "text",
    level: Annotated[
        Literal["info", "warning", "error"],
        typer.Option("--level", help="The lowest level that is reported."),
    ] = "warning",
    fail_level: Annotated[
        Literal["info", "warning", "error"],
        typer.Option("--fail-level", help="The lowest level at which the exit status is 1."),
    ] = "error",
    spam: Annotated[
        bool, typer.Option("--spam", help="Show the matching rules of SpamAssassin, if it is installed.")
    ] = False,
    rules: Annotated[bool, typer.Option("--rules", help="List the rules, and check nothing.")] = False,
) -> None:
    """Find what is wrong with templates, variables, recipients, headers and samples. Nothing is sent.

    The exit status is 1 if there is an error, and 0 if there are only warnings.
    """
    if rules:
        _list_rules()
        return
    problems = [problem for module in context.obj.module_names() for problem in _import(module)]
    classes = registry.all_notifications()
    problems += checks.check(classes, level="info", spam=spam)
    fails = any(_is_at_least(problem, fail_level) for problem in problems)
    problems = [problem for problem in problems if _is_at_least(problem, level)]
    if output == "text":
        _show(problems, len(classes))
    elif written := {"json": json_text, "sarif": sarif, "github": github}[output](problems):
        typer.echo(written)
    if fails:
        raise typer.Exit(1)


def _is_at_least(problem: Problem, level: Severity) -> bool:
    return LEVELS.index(problem.severity) >= LEVELS.index(level)


def _list_rules() -> None:
    console = screen()
    if not console.is_terminal:
        typer.echo("\n".join(f"{rule.code}\t{rule.level}\t{rule.summary}" for rule in RULES.values()))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("Rule", "Level", "What is wrong"):
        table.add_column(heading, no_wrap=heading != "What is wrong")
    for rule in RULES.values():
        table.add_row(rule.code, Text(rule.level, _COLOURS[rule.level]), rule.summary)
    console.print(table)


def _import(module: str) -> list[Problem]:
    """Import one module and return what is wrong with it and the classes it defines."""
    problems = []
    try:
        with collect_problems() as refused_classes:
            registry.load([module])
    except ImproperlyConfigured:
        raise  # no module of that name: not a finding but a wrong call
    except Exception as error:  # noqa: BLE001,RUF100 - the application's own code: whatever it raises is a finding
        place = _raised_at(error)
        problems.append(Problem(place.file, place.line, module, "import-failed", describe(error)))
    for refused in refused_classes:
        place = source_line(refused.cls, refused.declaration)
        name = snake_case(refused.cls.__name__)
        problems.append(Problem(place.file, place.line, name, "refused", str(refused.error)))
    return problems


def _raised_at(error: Exception) -> SourceLine:
    """Return the line of the application that an import stopped at."""
    if isinstance(error, SyntaxError):
        return SourceLine(error.filename or "", error.lineno or 0)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = frame.filename.replace("\\", "/")
        if not (file.startswith("<frozen") or "/aerogram/" in file or "importlib" in file):
            return SourceLine(frame.filename, frame.lineno or 0)
    return SourceLine()


def _show(problems: Sequence[Problem], classes: int) -> None:
    console = screen()
    for name, group in groupby(problems, key=lambda problem: problem.notification):
        listed = _by_line(list(group))
        if console.is_terminal:
            console.print(Text(f"\n{name}", "bold"))
            _show_table(listed)
        else:
            for problem in listed:
                typer.echo(_line(problem))
    if problems and console.is_terminal:
        console.print()
    counts = {level: sum(problem.severity == level for problem in problems) for level in LEVELS}
    found = f"{_some(counts['error'], 'error')}, {_some(counts['warning'], 'warning')}"
    found += f", {counted(counts['info'], 'info')}" if counts["info"] else ""
    summary = f"{_some(classes, 'notification')} checked: {found}"
    worst = next((level for level in reversed(LEVELS) if counts[level]), "")
    console.print(summary, style=f"bold {_COLOURS.get(worst, 'green')}")


def _by_line(problems: Sequence[Problem]) -> list[Problem]:
    """Return problems by line, file by file in the order in which the files come."""
    files = list(dict.fromkeys(problem.file for problem in problems))
    return sorted(problems, key=lambda problem: (files.index(problem.file), problem.line))


def _show_table(problems: Sequence[Problem]) -> None:
    """Draw one row a finding: its line and code, which stay whole, and what to do beside them."""
    console = screen()
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, overflow="fold")
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    places = [shown_place(SourceLine(problem.file, problem.line)) or "<no file>" for problem in problems]
    fits = max(map(len, places)) + max(len(problem.code) for problem in problems) + 40 <= console.width
    for place, problem in zip(places, problems, strict=True):
        code = Text(problem.code, _COLOURS[problem.severity])
        message = Text(escape_controls(problem.message))
        if fits:
            table.add_row(Text(f"  {place}", "cyan"), code, message)
        else:
            console.print(Text.assemble("  ", (place, "cyan"), "  ", code), soft_wrap=True)
            console.print(Padding(message, (0, 0, 0, 6), expand=False))
    if fits:
        console.print(table)


def _line(problem: Problem) -> str:
    where = shown_place(SourceLine(problem.file, problem.line)) or "<no file>"
    message = escape_controls(problem.message).replace("\n", " ")
    return f"{where}: {problem.severity}: {message} [{problem.code}] ({problem.notification})"


def _some(number: int, noun: str) -> str:
    return counted(number, noun) if number else f"no {noun}s"
