"""One finding: where, what kind, and what to do about it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from aerogram.notification import Notification

Severity = Literal["error", "warning"]
"""Whether a problem makes the check fail."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a notification.

    Args:
        file: the file to mend, absolute; empty where there is none (a class typed at a prompt).
        line: the line in it, from 1; 0 where only the file is known.
        notification: the registry's name of the class, or of the module that could not be imported.
        code: the kind in a word or two, for filters: ``"unknown-variable"``.
        message: what was found and how to mend it.
        severity: an ``"error"`` is a mail that will not be sent, or lacks something; a ``"warning"`` what may
            be meant so, or could not be checked.
    """

    file: str
    line: int
    notification: str
    code: str
    message: str
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file."""

    file: str
    line: int


def place_of(cls: type[Notification], declaration: str | None = None) -> Place:
    """Return where a class, or one of its declarations, stands in the source.

    Args:
        cls: the class.
        declaration: an attribute or property; the class itself if none is given, or if it is not found.
    """
    for owner in cls.__mro__ if declaration else ():
        if declaration in vars(owner) or declaration in vars(owner).get("__annotations__", ()):
            line = _line_in(owner, str(declaration))
            if line is not None:
                return line
            break
    return _class_place(cls) or Place("", 0)


def _class_place(cls: type) -> Place | None:
    try:
        return Place(inspect.getsourcefile(cls) or "", inspect.getsourcelines(cls)[1])
    except (OSError, TypeError):  # defined at a prompt, or by exec
        return None


def _line_in(cls: type, name: str) -> Place | None:
    place = _class_place(cls)
    if place is None:
        return None
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except SyntaxError:  # dedenting broke a text of several lines
        return None
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    for statement in body:
        if name in _defined(statement):
            return Place(place.file, place.line + statement.lineno - 1)
    return None


def _defined(statement: ast.stmt) -> list[str]:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return [statement.name]
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]
