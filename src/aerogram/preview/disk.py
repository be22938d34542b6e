"""Previews as files: the messages that would be sent, and a page that shows them all."""

from __future__ import annotations

import re
import unicodedata
from html import escape
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from aerogram import registry
from aerogram.exceptions import OutputError, RenderError
from aerogram.notification import registered_name
from aerogram.preview.gallery import Group, Sample, gallery_page
from aerogram.preview.rendered_sample import RenderedSample
from aerogram.samples import samples_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from aerogram.notification import Notification

_SLUG_LENGTH = 80


def write_previews(
    out: str | PathLike[str], notifications: Iterable[type[Notification]] | None = None
) -> list[Path]:
    """Write every sample as files, and a page that shows them all.

    For each sample of each notification there are ``<out>/<name>/<sample>.html``, ``.txt`` and ``.eml``. In
    the ``.html`` inline images are ``data:`` URIs; that of a mail without an HTML part shows its text.
    ``<out>/index.html`` needs no server and no network. A sample is rendered once: its files and the page
    show the same message. Existing files are overwritten, and none is removed.

    Args:
        out: the folder, made if it does not exist.
        notifications: the classes to show; if not given, those of ``NOTIFICATION_MODULES`` and all others
            that are defined.

    Returns:
        The paths written, the page last.

    Raises:
        OutputError: a folder or file cannot be written.
        RenderError: some samples could not be rendered; all others and the page have been written.
    """
    folder = Path(out)
    if notifications is None:
        notifications = registry.load()
    taken: set[str] = set()
    groups = [_group(cls, slug(registered_name(cls), taken)) for cls in notifications]
    samples = [sample for group in groups for sample in group.samples]
    written = [path for sample in samples for path in _write_sample(folder, sample)]
    written.append(_write(folder / "index.html", gallery_page(groups).encode()))
    _raise_failures([sample for sample in samples if sample.error is not None], folder)
    return written


def slug(name: str, taken: set[str]) -> str:
    """Return ``name`` as a file name that is safe everywhere and not in ``taken``, and add it there.

    >>> taken = set()
    >>> slug("one parcel", taken), slug("One parcel!", taken), slug("../..", taken)
    ('one-parcel', 'one-parcel-2', 'sample')
    """
    words = unicodedata.normalize("NFKC", name).lower()
    base = re.sub(r"[^\w]+", "-", words).strip("-")[:_SLUG_LENGTH] or "sample"
    names = chain([base], (f"{base}-{number}" for number in count(2)))
    found = next(each for each in names if each not in taken)
    taken.add(found)
    return found


def _group(cls: type[Notification], folder: str) -> Group:
    """Render every sample of one class; an error is kept, so that the other samples are seen."""
    group = Group(cls, registered_name(cls), folder)
    try:
        samples = samples_of(cls)
    except Exception as error:  # noqa: BLE001,RUF100 - the application's own code: whatever it raises is shown
        group.samples.append(Sample(group, "samples()", "samples", error=error))
        return group
    taken: set[str] = set()
    for name, notification in samples.items():
        sample = Sample(group, name, slug(name, taken))
        try:
            sample.rendered = RenderedSample(notification.render())
        except Exception as error:  # noqa: BLE001,RUF100 - as above
            sample.error = error
        group.samples.append(sample)
    return group


def _write_sample(out: Path, sample: Sample) -> list[Path]:
    rendered = sample.rendered
    if rendered is None:
        return []
    text = rendered.text or ""
    html = rendered.html_alone
    if html is None:
        html = _text_page(str(rendered.message.subject), text)
    contents = {".html": html.encode(), ".txt": text.encode(), ".eml": rendered.raw}
    return [_write(out / f"{sample.id}{suffix}", content) for suffix, content in contents.items()]


def _text_page(subject: str, text: str) -> str:
    """Return a page that shows a mail without an HTML part as a reader sees it: the text alone."""
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
