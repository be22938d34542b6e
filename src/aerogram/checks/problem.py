"""One problem: where it is, what kind it is, and what to do about it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from aerogram.notification import Notification

Severity = Literal["error", "warning", "info"]
"""The severity of a problem: an error makes the check fail, a warning and an info do not."""

LEVELS: tuple[Severity, ...] = ("info", "warning", "error")
"""The severities, the lowest first."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding about a notification.

    Args:
        file: the absolute path of the file to correct; empty if there is none (a class defined in the REPL).
        line: the line in the file, from 1; 0 if only the file is known.
        notification: the name of the notification in the registry, or of a module that could not be imported.
        code: the rule, such as ``"unknown-variable"``.
        message: what is wrong and how to correct it.
        severity: ``"error"`` if the mail cannot be sent or is incomplete; ``"warning"`` for what may be
            intended, or could not be checked; ``"info"`` for minor findings.
        sample: the first sample with this finding; empty if it does not depend on a sample.
    """

    file: str
    line: int
    notification: str
    code: str
    message: str
    severity: Severity = "error"
    sample: str = ""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of a file; an empty name and 0 if they are unknown."""

    file: str = ""
    line: int = 0


def source_line(cls: type[Notification], declaration: str | None = None) -> SourceLine:
    """Return the line that defines a declaration of a class, or else the line of the class."""
    owners = (each for each in cls.__mro__ if not each.__module__.startswith("aerogram."))
    for owner in owners if declaration else ():
        if declaration in vars(owner) or declaration in vars(owner).get("__annotations__", ()):
            return _line_in(owner, str(declaration)) or _class_line(cls)
    return _class_line(cls)


def _class_line(cls: type) -> SourceLine:
    try:
        return SourceLine(inspect.getsourcefile(cls) or "", inspect.getsourcelines(cls)[1])
    except (OSError, TypeError, SyntaxError):  # defined at a prompt, by exec, or its file has changed
        return SourceLine()


def _line_in(cls: type, name: str) -> SourceLine | None:
    start = _class_line(cls)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):  # no source, or dedenting broke a string of several lines
        return None
    for statement in tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []:
        targets = getattr(statement, "targets", [getattr(statement, "target", None)])
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        if name in (getattr(statement, "name", None), *names):
            return SourceLine(start.file, start.line + statement.lineno - 1)
    return None
