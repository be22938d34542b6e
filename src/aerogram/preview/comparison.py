"""Two folders of previews compared: which mails are new, gone or changed, on one page with both beside it."""

from __future__ import annotations

import base64
import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from aerogram.exceptions import OutputError
from aerogram.preview.disk import write_file
from aerogram.preview.gallery import STATIC_POLICY, whole_page
from aerogram.preview.pictures import LOOKS
from aerogram.preview.rendered_sample import ReceivedSample

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Change", "write_comparison"]

# These differ in every rendering.
_VOLATILE = frozenset({"date", "message-id", "x-report-abuse"})
_BOUNDARY = re.compile(r';?\s*boundary="?[^";\s]+"?')


@dataclass(frozen=True)
class Side:
    """One mail in one of the folders."""

    html: str
    pictures: dict[str, str]


@dataclass(frozen=True)
class Change:
    """One mail that differs.

    Args:
        name: the notification and the file of the sample: ``order_shipped/one-parcel``.
        kind: ``new`` is only in the first folder, ``gone`` only in the second.
        before: the mail in the second folder.
        after: the mail in the first.
        lines: the lines that differ, by headers, text, HTML and attachments, as a unified diff.
    """

    name: str
    kind: Literal["new", "gone", "changed"]
    before: Side | None = None
    after: Side | None = None
    lines: tuple[tuple[str, tuple[str, ...]], ...] = ()


def write_comparison(out: Path, other: Path) -> tuple[Path, list[Change]]:
    """Compare the previews in ``out`` with older ones, and write ``diff.html`` into ``out``.

    Args:
        out: the folder of the new previews.
        other: a folder that ``write_previews`` wrote before.

    Returns:
        The path of the page, and what differs.

    Raises:
        OutputError: ``other`` has no previews, or the page cannot be written.
    """
    before, after = _mails(other), _mails(out)
    if not before:
        raise OutputError(
            f"There are no previews in {other}. Pass a folder that aerogram preview has written."
        )
    changes = []
    for name in sorted(before | after):
        if name not in before:
            changes.append(Change(name, "new", after=_side(out, name)))
        elif name not in after:
            changes.append(Change(name, "gone", before=_side(other, name)))
        elif lines := tuple(_differences(before[name], after[name])):
            changes.append(Change(name, "changed", _side(other, name), _side(out, name), lines))
    page = whole_page("diff.html", STATIC_POLICY, changes=changes, mails=len(after))
    return write_file(out / "diff.html", page.encode()), changes


def _mails(folder: Path) -> dict[str, ReceivedSample]:
    return {
        path.relative_to(folder).with_suffix("").as_posix(): ReceivedSample(path.read_bytes(), ())
        for path in folder.glob("*/*.eml")
    }


def _differences(before: ReceivedSample, after: ReceivedSample) -> Iterator[tuple[str, tuple[str, ...]]]:
    for title, old, new in (
        ("Headers", _headers(before), _headers(after)),
        ("Text", (before.text or "").splitlines(), (after.text or "").splitlines()),
        ("HTML", (before.html or "").splitlines(), (after.html or "").splitlines()),
        ("Attachments", _attachments(before), _attachments(after)),
    ):
        if old != new:
            yield title, tuple(difflib.unified_diff(old, new, "before", "after", n=2, lineterm=""))


def _headers(mail: ReceivedSample) -> list[str]:
    return [
        _BOUNDARY.sub("", f"{name}: {value}") for name, value in mail.headers if name.lower() not in _VOLATILE
    ]


def _attachments(mail: ReceivedSample) -> list[str]:
    return [f"{each.filename} {each.content_type} {each.digest}" for each in mail.attachments]


def _side(folder: Path, name: str) -> Side:
    page = folder / f"{name}.html"
    pictures = {}
    for look in LOOKS:
        picture = folder / f"{name}.{look}.png"
        if picture.is_file():
            pictures[look] = f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"
    return Side(page.read_text("utf-8") if page.is_file() else "", pictures)
