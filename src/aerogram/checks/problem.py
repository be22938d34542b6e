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
    """Something wrong with a notification.

    Args:
        file: the file to mend, absolute; empty where there is none (a class typed at a prompt).
        line: the line in it, from 1; 0 where only the file is known.
        notification: the registry's name of the class, or of the module that could not be imported.
        code: the kind in a word or two, for filters: ``"unknown-variable"``.
        message: what was found and how to mend it.
        severity: an ``"error"`` is a mail that will not be sent, or lacks something; a ``"warning"`` may be
            intended, or could not be checked; an ``"info"`` is good to know.
        sample: the sample it was first found in; empty for what is found without one.
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
    """A line of a file; an empty name and 0 where they are not known."""

    file: str = ""
    line: int = 0


def source_line(cls: type[Notification], declaration: str | None = None) -> SourceLine:
    """Return where a declaration of a class is defined; where the class is, if none is given or found."""
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
