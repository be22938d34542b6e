"""A rule, and its findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from aerogram.checks.problem import Severity

__all__ = ["Finding", "Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of finding: its code, its default level, and a summary."""

    code: str
    level: Severity
    summary: str


class Finding(NamedTuple):
    """Something wrong with a message.

    ``at`` is the element it concerns, a text or pattern as it stands in a template, a tuple of these, of
    which the first that is found counts, or ``None``. Where no template has it, the finding is reported at
    ``declaration``. ``level`` is given where it is not that of the rule.
    """

    code: str
    message: str
    at: Any = None
    declaration: str = "html_template"
    level: Severity | None = None
