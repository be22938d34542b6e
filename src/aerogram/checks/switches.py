"""The rules that the settings switch off, and the levels that they change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aerogram.checks.rules import RULES
from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured
from aerogram.templating.error_texts import near_hint

if TYPE_CHECKING:
    from aerogram.checks.problem import Severity

__all__ = ["Switches", "unknown_rule"]


class Switches:
    """The settings ``CHECKS_IGNORE`` and ``CHECKS_LEVELS``, read once.

    Raises:
        ImproperlyConfigured: one of them names a rule that does not exist.
    """

    def __init__(self) -> None:
        self._ignored = set(settings.CHECKS_IGNORE)
        self._levels = dict(settings.CHECKS_LEVELS)
        for setting, entries in (("CHECKS_IGNORE", self._ignored), ("CHECKS_LEVELS", self._levels)):
            for entry in entries:
                if (code := entry.rpartition(":")[2]) not in RULES:
                    raise ImproperlyConfigured(
                        f"{setting} ({settings.source_of(setting)}): {unknown_rule(code)}"
                    )

    def level(self, code: str, notification: str, level: Severity) -> Severity | None:
        """Return the severity of a finding, ``None`` if its rule is switched off."""
        entries = code, f"{notification}:{code}"
        if self._ignored.intersection(entries):
            return None
        for entry in reversed(entries):
            if entry in self._levels:
                return self._levels[entry]
        return level


def unknown_rule(code: str) -> str:
    """Return a sentence about a code that no rule has."""
    return f"there is no rule {code!r}.{near_hint(code, RULES)} `aerogram check --rules` lists the rules."
