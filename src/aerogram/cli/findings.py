"""Findings as programs read them: JSON, SARIF 2.1.0, and the annotations of GitHub Actions."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aerogram
from aerogram.checks.problem import SourceLine
from aerogram.checks.rules import RULES
from aerogram.cli.screen import shown_place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aerogram.checks.problem import Problem

__all__ = ["github", "json_text", "sarif"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_SARIF_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_GITHUB_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}


def json_text(problems: Sequence[Problem]) -> str:
    """Return a list of objects with the fields of each problem."""
    return json.dumps([dataclasses.asdict(problem) for problem in problems], indent=2)


def sarif(problems: Sequence[Problem]) -> str:
    """Return a log of SARIF 2.1.0; files below the working directory are relative to it."""
    codes = sorted({problem.code for problem in problems})
    driver = {
        "name": "aerogram check",
        "version": aerogram.__version__,
        "rules": [
            {
                "id": code,
                "shortDescription": {"text": RULES[code].summary},
                "defaultConfiguration": {"level": _SARIF_LEVELS[RULES[code].level]},
            }
            for code in codes
        ],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"ROOT": {"uri": f"{Path.cwd().as_uri()}/"}},
        "results": [_result(problem, codes.index(problem.code)) for problem in problems],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _result(problem: Problem, rule: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": _SARIF_LEVELS[problem.severity],
        "message": {"text": problem.message},
        "properties": {"notification": problem.notification, "sample": problem.sample},
    }
    location: dict[str, Any] = {"logicalLocations": [{"name": problem.notification, "kind": "object"}]}
    if problem.file:
        location["physicalLocation"] = {"artifactLocation": _artifact(problem.file)}
        if problem.line:
            location["physicalLocation"]["region"] = {"startLine": problem.line}
    return {**result, "locations": [location]}


def _artifact(file: str) -> dict[str, str]:
    path = Path(file).absolute()
    if not path.is_relative_to(Path.cwd()):
        return {"uri": path.as_uri()}
    root = Path.cwd().as_uri()
    return {"uri": path.as_uri().removeprefix(f"{root}/"), "uriBaseId": "ROOT"}


def github(problems: Sequence[Problem]) -> str:
    """Return one command for each problem, which GitHub Actions shows beside its line."""
    return "\n".join(map(_annotation, problems))


def _annotation(problem: Problem) -> str:
    place: dict[str, str] = {}
    if problem.file:
        place["file"] = shown_place(SourceLine(problem.file))
    place |= {"line": str(problem.line)} if problem.line else {}
    place["title"] = f"{problem.code} ({problem.notification})"
    properties = ",".join(f"{name}={_escaped(value, of_property=True)}" for name, value in place.items())
    return f"::{_GITHUB_LEVELS[problem.severity]} {properties}::{_escaped(problem.message)}"


def _escaped(text: str, *, of_property: bool = False) -> str:
    for character in "%\r\n:," if of_property else "%\r\n":
        text = text.replace(character, f"%{ord(character):02X}")
    return text
