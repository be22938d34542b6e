"""The SpamAssassin rules that match a message, if it is installed, without network tests."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from aerogram.checks.rules.rule import Finding
from aerogram.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["find_spamassassin", "spam_findings"]

_RULE = re.compile(r"^\s*(-?\d+\.\d)\s+(?:\*\s+)?([A-Z][A-Z0-9_]+)\s+(.*(?:\n\s{20,}\S.*)*)", re.MULTILINE)
_TIME = 120  # seconds for one message
_MATTERS = 0.1  # points
_ABOUT_DELIVERY = re.compile(r"NO_RELAYS|NO_RECEIVED|MISSING_DATE|MISSING_MID|BAYES_|URIBL_BLOCKED|.*_DNS")


def find_spamassassin() -> str:
    """Return the path of the program.

    Raises:
        ImproperlyConfigured: it is not installed.
    """
    program = shutil.which("spamassassin")
    if program is None:
        raise ImproperlyConfigured(
            "--spam needs the program spamassassin, which is not installed. Install it (Debian and Ubuntu: "
            "apt-get install spamassassin), or omit the option."
        )
    return program


def spam_findings(program: str, message: bytes) -> Iterator[Finding]:
    """Yield the rules that match a message, except those about its transport."""
    done = subprocess.run(  # noqa: S603 - the program that was found, and fixed arguments
        [program, "-L", "-t"], input=message, capture_output=True, timeout=_TIME, check=False
    )
    report = done.stdout.decode("utf-8", "replace").rpartition("Content analysis details:")[2]
    if not report:
        reason = done.stderr.decode("utf-8", "replace").strip()[-300:]
        raise ImproperlyConfigured(
            f"spamassassin printed no report (exit status {done.returncode}): {reason}"
        )
    for points, rule, description in _RULE.findall(report):
        if not _ABOUT_DELIVERY.fullmatch(rule):
            text = f"SpamAssassin gives {points} points for {rule}: {' '.join(description.split())}"
            yield Finding("spam", text, level="warning" if float(points) > _MATTERS else "info")
