"""Previews as files: what would be sent, and a page that shows it all."""

from __future__ import annotations

import re
import unicodedata
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from aerogram import registry
from aerogram.exceptions import OutputError, RenderError
from aerogram.notification import registered_name
from aerogram.preview.gallery import Group, Sample, gallery_page
from aerogram.preview.specimen import Specimen

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from aerogram.notification import Notification

_SLUG_LENGTH = 80


def write_previews(
    out: str | PathLike[str], notifications: Iterable[type[Notification]] | None = None
) -> list[Path]:
    """Write every sample as files, and a page that shows them all.

    For each sample of each notification there are ``<out>/<name>/<sample>.html``, ``.txt`` and ``.eml``, the
    ``.html`` of a mail without an HTML part showing its text, and one ``<out>/index.html``, which needs no
    server and no network. A sample is rendered once: the three files and the page show the very same
    message. Files that are there already are overwritten; nothing is ever removed.

    Args:
        out: the folder, made if it is not there.
        notifications: the classes to show; if not given, those of ``NOTIFICATION_MODULES`` and all others
            that are defined by now.

    Returns:
        The paths written, the page last.

    Raises:
        OutputError: a folder or file cannot be written.
        RenderError: some samples could not be rendered; all others and the page have been written.
    """
    folder = Path(out)
    if notifications is None:
        registry.load()
        notifications = registry.all_notifications()
    written: list[Path] = []
    groups: list[Group] = []
    taken: set[str] = set()
    for cls in notifications:
        group = _preview(cls, slug(registered_name(cls), taken))
        groups.append(group)
        for sample in group.samples:
            written += _write_sample(folder, sample)
    written.append(_write(folder / "index.html", gallery_page(groups).encode()))
    _raise_failures(
        [sample for group in groups for sample in group.samples if sample.error is not None], folder
    )
    return written


def slug(name: str, taken: set[str]) -> str:
    """Return ``name`` as a file's name that is safe everywhere and not yet in ``taken``, and add it there.

    >>> taken = set()
    >>> slug("one parcel", taken), slug("One parcel!", taken), slug("../..", taken)
    ('one-parcel', 'one-parcel-2', 'sample')
    """
    words = unicodedata.normalize("NFKC", name).lower()
    base = re.sub(r"[^\w]+", "-", words).strip("-")[:_SLUG_LENGTH] or "sample"
    found, number = base, 1
    while found in taken:
        number += 1
        found = f"{base}-{number}"
    taken.add(found)
    return found


def _preview(cls: type[Notification], folder: str) -> Group:
    """Render every sample of one class; what fails is kept as a failure, so that the others are seen."""
    group = Group(cls, registered_name(cls), folder)
    try:
        samples = dict(cls.samples())
    except Exception as error:  # noqa: BLE001,RUF100 - the application's own code: whatever it raises is shown
        group.samples.append(Sample(group, "samples()", "samples", error=error))
        return group
    taken: set[str] = set()
    for name, notification in samples.items():
        stem = slug(name, taken)
        try:
            specimen = Specimen(notification.render())
        except Exception as error:  # noqa: BLE001,RUF100 - as above
            group.samples.append(Sample(group, name, stem, error=error))
        else:
            group.samples.append(Sample(group, name, stem, specimen=specimen))
    return group


def _write_sample(out: Path, sample: Sample) -> list[Path]:
    if sample.specimen is None:
        return []
    specimen = sample.specimen
    text = specimen.text or ""
    html = specimen.html if specimen.html is not None else _text_page(str(specimen.message.subject), text)
    folder = out / sample.group.folder
    contents = {".html": html.encode(), ".txt": text.encode(), ".eml": specimen.raw}
    return [_write(folder / f"{sample.stem}{suffix}", content) for suffix, content in contents.items()]


def _text_page(subject: str, text: str) -> str:
    """Return a page that shows a mail without an HTML part as a reader would: its text, and nothing else."""
    return (
        f'<!doctype html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>{escape(subject)}</title>\n'
        '<meta name="color-scheme" content="light dark">\n</head>\n'
        f'<body>\n<pre style="white-space: pre-wrap">{escape(text)}</pre>\n</body>\n</html>\n'
    )


def _write(path: Path, content: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        blocked = error.filename or str(path)
        raise OutputError(
            f"The preview {path} cannot be written: {error.strerror or error} ({blocked}). "
            "Give a folder that you may write to, or move what is in its way."
        ) from error
    return path


def _raise_failures(failed: list[Sample], folder: Path) -> None:
    if not failed:
        return
    listed = "\n".join(f"  {sample.group.name}, {sample.name!r}: {sample.reason}" for sample in failed)
    first = failed[0].error
    raise RenderError(
        f"{len(failed)} {'sample' if len(failed) == 1 else 'samples'} could not be rendered "
        f"(all others are in {folder}):\n{listed}",
        template=getattr(first, "template", None),
        line=getattr(first, "line", None),
    ) from first
