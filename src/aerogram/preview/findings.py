"""What the checks say of one sample, each finding with the line of the file that it is about."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aerogram.exceptions import describe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aerogram.checks import Problem
    from aerogram.preview.sample import Sample

__all__ = ["findings_of", "sources_of"]

_LARGEST = 512 * 1024  # bytes of a file whose lines are shown


def findings_of(sample: Sample) -> list[dict[str, Any]]:
    """Return the findings of the checks, as they are written by ``aerogram check --format json``.

    They are those of the sample as it is edited, and are held with it.
    """
    if sample.findings is None:
        sample.findings = [dataclasses.asdict(problem) for problem in _problems(sample)]
    return sample.findings


def _problems(sample: Sample) -> list[Problem]:
    from aerogram import checks  # here, because a page is shown before anything is checked

    if sample.notification is None:
        return []
    try:
        rendered = {sample.name: sample.made} if sample.made is not None else {}
        samples = {sample.name: sample.notification}
        return checks.check([sample.group.notification], samples=samples, rendered=rendered)
    except Exception as error:  # noqa: BLE001,RUF100 - the application's own code, or a wrong setting
        return [checks.Problem("", 0, sample.group.name, "check-failed", describe(error))]


def sources_of(findings: Iterable[dict[str, Any]]) -> dict[str, str]:
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
