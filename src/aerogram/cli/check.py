"""``aerogram check``: every problem at once, for people, for editors and for programs."""

from __future__ import annotations

import dataclasses
import json
import traceback
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.padding import Padding
from rich.text import Text

from aerogram import checks, registry
from aerogram.checks.problem import Problem, SourceLine, source_line
from aerogram.cli.screen import counted, escape_controls, screen, shown_place
from aerogram.constructor import collect_problems
from aerogram.exceptions import ImproperlyConfigured, describe
from aerogram.naming import snake_case

if TYPE_CHECKING:
    from collections.abc import Sequence


def check(
    context: typer.Context,
    output: Annotated[
        Literal["text", "json"], typer.Option("--format", help="How the findings are written.")
    ] = "text",
) -> None:
    """Find what is wrong with templates, variables, recipients, headers and samples. Nothing is sent.

    The exit status is 1 if there is an error, and 0 if there are only warnings.
    """
    problems = [problem for module in context.obj.module_names() for problem in _import(module)]
    classes = registry.all_notifications()
    problems += checks.check(classes)
    if output == "json":
        typer.echo(json.dumps([dataclasses.asdict(problem) for problem in problems], indent=2))
    else:
        _show(problems, len(classes))
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(1)


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
        if console.is_terminal:
            console.print(Text(f"\n{name}", "bold"))
        for problem in group:
            _show_one(problem)
    if problems and console.is_terminal:
        console.print()
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    found = f"{_some(errors, 'error')}, {_some(warnings, 'warning')}"
    summary = f"{_some(classes, 'notification')} checked: {found}"
    console.print(summary, style="bold red" if errors else "bold yellow" if warnings else "bold green")


def _show_one(problem: Problem) -> None:
    console = screen()
    where = shown_place(SourceLine(problem.file, problem.line)) or "<no file>"
    message = escape_controls(problem.message)
    if console.is_terminal:
        colour = "red" if problem.severity == "error" else "yellow"
        head = Text.assemble("  ", (where, "cyan"), "  ", (problem.code, colour))
        console.print(head, soft_wrap=True)
        console.print(Padding(Text(message), (0, 0, 0, 6), expand=False))
    else:
        message = message.replace("\n", " ")
        typer.echo(f"{where}: {problem.severity}: {message} [{problem.code}] ({problem.notification})")


def _some(number: int, noun: str) -> str:
    return counted(number, noun) if number else f"no {noun}s"
