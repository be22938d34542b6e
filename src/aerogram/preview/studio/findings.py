"""What the checks say of one sample, each finding with the line of the file that it is about."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aerogram import checks
from aerogram.exceptions import describe

if TYPE_CHECKING:
    from aerogram.preview.sample import Sample

__all__ = ["findings_of", "sources_of"]

_LARGEST = 512 * 1024  # bytes of a file whose lines are shown


def findings_of(sample: Sample) -> list[dict[str, Any]]:
    """Return the findings of the checks, as they are written by ``aerogram check --format json``."""
    if sample.notification is None:
        return []
    try:
        found = checks.check([sample.group.notification], sample=sample.name)
    except Exception as error:  # noqa: BLE001,RUF100 - the application's own code, or a wrong setting
        found = [checks.Problem("", 0, sample.group.name, "check-failed", describe(error))]
    return [dataclasses.asdict(problem) for problem in found]


def sources_of(findings: list[dict[str, Any]]) -> dict[str, str]:
    """Return the text of each file that the findings name."""
    sources = {}
    for file in {str(finding["file"]) for finding in findings if finding["file"]}:
        path = Path(file)
        try:
            if path.stat().st_size <= _LARGEST:
                sources[file] = path.read_text("utf-8", "replace")
        except OSError:
            continue
    return sources
