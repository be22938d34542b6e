"""Checks that find mistakes in notifications before anything is sent."""

from __future__ import annotations

from aerogram.checks.notifications import check
from aerogram.checks.problem import Problem, Severity

__all__ = ["Problem", "Severity", "check"]
