"""The problems of one notification: each once, with its place, at the level that the settings give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aerogram.checks.problem import Problem, SourceLine, source_line
from aerogram.checks.rules import RULES
from aerogram.checks.sources import Sources
from aerogram.exceptions import (
    BadHeaderError,
    InvalidAddress,
    InvalidAttachment,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedVariableError,
    UnknownBlockError,
    UnprintableError,
)
from aerogram.notification import registered_name

if TYPE_CHECKING:
    from aerogram.checks.problem import Severity
    from aerogram.checks.switches import Switches
    from aerogram.notification import Notification
    from aerogram.templating import Templates

__all__ = ["ERROR_CODES", "Report"]

ERROR_CODES: dict[type[Exception], str] = {
    TemplateNotFound: "template-missing",
    TemplateSyntaxError: "template-broken",
    UndefinedVariableError: "unknown-variable",
    UnknownBlockError: "unknown-block",
    UnprintableError: "unprintable",
    BadHeaderError: "header-invalid",
    InvalidAddress: "address-invalid",
    InvalidAttachment: "attachment-invalid",
    FileNotFoundError: "attachment-missing",
}
"""The codes of the errors that a sample raises."""


class Report:
    """The problems found in a class, without those whose rules its templates or the settings switch off."""

    def __init__(self, cls: type[Notification], templates: Templates, switches: Switches) -> None:
        self.cls = cls
        self.name = registered_name(cls)
        self.sources = Sources(templates)
        self.switches = switches
        self.sample = ""  # the one that is checked
        self.problems: list[Problem] = []
        self.seen: set[tuple[SourceLine, str, str]] = set()
        self._places: dict[str | None, SourceLine] = {}  # of declarations

    def add(
        self, place: SourceLine | str | None, code: str, message: str, severity: Severity | None = None
    ) -> None:
        """Add a problem at a line, a declaration, or the class (None), unless it is there already."""
        if not isinstance(place, SourceLine):
            if place not in self._places:
                self._places[place] = source_line(self.cls, place)
            place = self._places[place]
        elif not isinstance(place := self.sources.to_mend(place), SourceLine):
            self.add(place, code, message, severity)
            return
        level = self.switches.level(code, self.name, severity or RULES[code].level)
        key = place, code, message
        if level is None or key in self.seen or self.sources.switches_off(code, place):
            return
        self.seen.add(key)
        self.problems.append(Problem(place.file, place.line, self.name, code, message, level, self.sample))

    def add_once(self, declaration: str, code: str, message: str) -> None:
        """Add a problem that is reported once for all samples."""
        if not any(problem.code == code for problem in self.problems):
            self.add(declaration, code, message)
