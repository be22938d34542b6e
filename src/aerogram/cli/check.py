"""``aerogram check``: every problem at once, for people, for editors and for programs."""

from __future__ import annotations

import dataclasses
import json
import traceback
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding
from rich.text import Text

from aerogram.checks.problem import Place, Problem
from aerogram.cli.screen import printable, screen, shown_place

if TYPE_CHECKING:
    from collections.abc import Sequence


class Format(StrEnum):
    """How findings are written."""

    text = "text"
    json = "json"


def check(
    context: typer.Context,
    output: Annotated[Format, typer.Option("--format", help="How the findings are written.")] = Format.text,
) -> None:
    """Find what is wrong with templates, variables, recipients, headers and samples; send nothing.

    Exit status 1 if there is an error; warnings alone are 0.
    """
    from aerogram import checks, registry

    problems = [problem for module in context.obj.module_names() for problem in _import(module)]
    classes = registry.all_notifications()
    problems += checks.check(classes)
    if output is Format.json:
        typer.echo(json.dumps([dataclasses.asdict(problem) for problem in problems], indent=2))
    else:
        _show(problems, len(classes))
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(1)


def _import(module: str) -> list[Problem]:
    """Import one module; what keeps it from being imported is a finding like others."""
    from aerogram import registry
    from aerogram.checks.problem import place_of
    from aerogram.declaration import collect_problems
    from aerogram.exceptions import AerogramError, ImproperlyConfigured
    from aerogram.naming import snake_case

    problems = []
    try:
        with collect_problems() as refusals:
            registry.load([module])
    except ImproperlyConfigured:
        raise  # no module of that name: not a finding but a wrong call
    except Exception as error:  # noqa: BLE001,RUF100 - the application's own code: whatever it raises is a finding
        place = _raised_at(error)
        kind = "" if isinstance(error, AerogramError) else f"{type(error).__name__}: "
        problems.append(Problem(place.file, place.line, module, "import-failed", f"{kind}{error}"))
    for refused in refusals:
        place = place_of(refused.cls, refused.declaration)
        name = snake_case(refused.cls.__name__)
        problems.append(Problem(place.file, place.line, name, "refused", str(refused.error)))
    return problems


def _raised_at(error: Exception) -> Place:
    """Return the line of the application that an import stopped at."""
    if isinstance(error, SyntaxError):
        return Place(error.filename or "", error.lineno or 0)
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "/aerogram/" not in frame.filename.replace("\\", "/") and not frame.filename.startswith("<frozen")
    ]
    own = [frame for frame in own if "importlib" not in frame.filename]
    return Place(own[-1].filename, own[-1].lineno or 0) if own else Place("", 0)


def _show(problems: Sequence[Problem], classes: int) -> None:
    console = screen()
    if not console.is_terminal:
        for problem in problems:
            message = printable(problem.message).replace("\n", " ")
            typer.echo(
                f"{_where(problem)}: {problem.severity}: {message} [{problem.code}] ({problem.notification})"
            )
    else:
        for name, group in groupby(problems, key=lambda problem: problem.notification):
            console.print(Text(f"\n{name}", "bold"))
            for problem in group:
                _show_one(problem)
        if problems:
            console.print()
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    found = f"{_counted(errors, 'error')}, {_counted(warnings, 'warning')}"
    summary = f"{_counted(classes, 'notification')} checked: {found}"
    console.print(summary, style="bold red" if errors else "bold yellow" if warnings else "bold green")


def _show_one(problem: Problem) -> None:
    colour = "red" if problem.severity == "error" else "yellow"
    head = Text.assemble("  ", (_where(problem), "cyan"), "  ", (problem.code, colour))
    screen().print(head, soft_wrap=True)
    screen().print(Padding(Text(printable(problem.message)), (0, 0, 0, 6)))


def _where(problem: Problem) -> str:
    return shown_place(Place(problem.file, problem.line)) or "<no file>"


def _counted(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
