"""Previews as files: the messages that would be sent, and a page that shows them all."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from aerogram import registry
from aerogram.exceptions import OutputError, RenderError
from aerogram.preview.findings import findings_of, sources_of
from aerogram.preview.gallery import gallery_page, short_path
from aerogram.preview.sample import grouped

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from aerogram.notification import Notification
    from aerogram.preview.sample import Sample


def write_previews(
    out: str | PathLike[str], notifications: Iterable[type[Notification]] | None = None
) -> list[Path]:
    """Write every sample as files, and a page that shows them all.

    Each sample of each notification is written to ``<out>/<name>/<sample>.html``, ``.txt`` and ``.eml``. The
    ``.html`` file contains inline images as ``data:`` URIs; for a mail without an HTML part, it shows the
    text. ``<out>/index.html`` needs no server and no network, and shows the findings of the checks. Each
    sample is rendered once, so its files and the page show the same message. Existing files are overwritten;
    no file is deleted.

    Args:
        out: the folder, which is created if it does not exist.
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
    groups = grouped(notifications)
    samples = [sample for group in groups for sample in group.samples]
    for sample in samples:
        sample.render()
    written = [path for sample in samples for path in _write_sample(folder, sample)]
    written.append(write_file(folder / "index.html", gallery_page(groups, _checked(samples)).encode()))
    _raise_failures([sample for sample in samples if sample.error is not None], folder)
    return written


def _checked(samples: list[Sample]) -> dict[str, str]:
    """Check the samples, and return the text of each file that a finding names; paths are relative."""
    found = [finding for sample in samples for finding in findings_of(sample)]
    sources = sources_of(found)
    for finding in found:
        finding["file"] = _relative(finding["file"])
    return {_relative(path): text for path, text in sources.items()}


def _relative(path: str) -> str:
    try:
        return Path(path).relative_to(Path.cwd()).as_posix() if path else ""
    except ValueError:  # it is elsewhere
        return short_path(path)


def _write_sample(out: Path, sample: Sample) -> list[Path]:
    rendered = sample.rendered
    if rendered is None:
        return []
    text = rendered.text or ""
    html = rendered.html_alone
    if html is None:
        html = _text_page(rendered.header("Subject"), text)
    contents = {".html": html.encode(), ".txt": text.encode(), ".eml": rendered.raw}
    return [write_file(out / f"{sample.id}{suffix}", content) for suffix, content in contents.items()]


def _text_page(subject: str, text: str) -> str:
    """Return a page that shows a mail without an HTML part as a reader sees it: the text alone."""
    return (
        f'<!doctype html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>{escape(subject)}</title>\n'
        '<meta name="color-scheme" content="light dark">\n</head>\n'
        f'<body>\n<pre style="white-space: pre-wrap">{escape(text)}</pre>\n</body>\n</html>\n'
    )


def write_file(path: Path, content: bytes) -> Path:
    """Write a file of a preview, and its folder if there is none; raise OutputError if that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        blocked = error.filename or str(path)
        raise OutputError(
            f"The preview {path} cannot be written: {error.strerror or error} ({blocked}). "
            "Use a writable folder, or remove what is in the way."
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
