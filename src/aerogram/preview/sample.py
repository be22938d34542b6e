"""What a page shows: notifications with their samples, each rendered once, or the error that prevented it."""

from __future__ import annotations

import inspect
import re
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from aerogram.exceptions import describe
from aerogram.notification import registered_name, renderer_of
from aerogram.preview.rendered_sample import Attachment, RenderedSample
from aerogram.samples import samples_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aerogram.checks.rendering import Rendered
    from aerogram.notification import Notification

_SLUG_LENGTH = 80
_EMBEDDED = 1024 * 1024  # bytes that the page itself shows of a source or an attachment; the .eml has all


@dataclass
class Group:
    """One notification class on the page."""

    notification: type[Notification]
    name: str
    folder: str
    samples: list[Sample] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """The first line of the class's own docstring."""
        doc = vars(self.notification).get("__doc__") or ""
        is_generated = doc.startswith(f"{self.notification.__name__}(")  # by dataclasses, of the fields
        return "" if is_generated else inspect.cleandoc(doc).partition("\n")[0]

    @property
    def class_path(self) -> str:
        """The module and qualified name of the class."""
        return f"{self.notification.__module__}.{self.notification.__qualname__}"


@dataclass
class Sample:
    """One sample on the page: what is rendered, then the message or the error that prevented it."""

    group: Group
    name: str
    stem: str
    notification: Notification | None = None
    rendered: RenderedSample | None = None
    error: Exception | None = None
    made: Rendered | None = None  # what the checks look at
    findings: list[dict[str, Any]] | None = None  # what the checks say, once they were asked

    @property
    def id(self) -> str:
        """The path of its files without their suffix, which is its fragment on the page."""
        return f"{self.group.folder}/{self.stem}"

    @property
    def reason(self) -> str:
        """Why it could not be rendered."""
        return describe(self.error) if self.error is not None else ""

    def render(self) -> None:
        """Render it, unless that was done; an error is kept, so that the other samples are seen."""
        if self.notification is None or self.rendered is not None or self.error is not None:
            return
        # Here, because a page is shown before anything is rendered.
        from aerogram.checks.rendering import render

        try:
            self.made = render(self.notification)
            self.rendered = RenderedSample(self.made.message)
        except Exception as error:  # noqa: BLE001,RUF100 - the application's own code: whatever it raises is shown
            self.error = error

    @cached_property
    def excerpt(self) -> list[tuple[int, str]]:
        """The lines of the template around the one that could not be rendered, with their numbers."""
        template, line = getattr(self.error, "template", None), getattr(self.error, "line", None)
        if self.notification is None or not template or not line:
            return []
        try:
            source = renderer_of(self.notification).templates.source(template, "")
        except Exception:  # noqa: BLE001,RUF100 - a loader of the application's own
            return []
        numbered = list(enumerate(source.splitlines(), 1))
        return numbered[max(0, line - 6) : line + 5]

    @property
    def envelope(self) -> list[tuple[str, str]]:
        """Subject, sender and recipients; Bcc too, which the message itself does not contain."""
        if self.rendered is None:
            return []
        shown = {name: self.rendered.header(name) for name in ("Subject", "From", "To", "Cc")}
        shown["Bcc"] = ", ".join(self.rendered.bcc)
        shown["Reply-To"] = self.rendered.header("Reply-To")
        return [(name, value) for name, value in shown.items() if value]

    @property
    def data(self) -> dict[str, object]:
        """What the page's script shows on demand."""
        if self.rendered is None:
            return {}
        sent = self.rendered.raw
        raw = sent[:_EMBEDDED].decode("utf-8", "replace").replace("\r\n", "\n")
        whole = raw.replace("\n", "\r\n").encode() == sent
        if len(sent) > _EMBEDDED:
            raw += f"\n… cut here: the .eml file has all {len(sent)} bytes"
        images = {
            part.content_id: part.data_uri
            for part in self.rendered.attachments
            if part.content_id and part.content_type.startswith("image/")
        }
        return {"html": self.rendered.html, "raw": raw, "whole": whole, "inline": images}


def grouped(notifications: Iterable[type[Notification]]) -> list[Group]:
    """Return the samples of the classes, not yet rendered; an error of ``samples()`` is one of them."""
    folders: set[str] = set()
    groups = []
    for cls in notifications:
        group = Group(cls, registered_name(cls), slug(registered_name(cls), folders))
        groups.append(group)
        taken: set[str] = set()
        try:
            for name, notification in samples_of(cls).items():
                group.samples.append(Sample(group, str(name), slug(str(name), taken), notification))
        except Exception as error:  # noqa: BLE001,RUF100 - the application's own code: whatever it raises is shown
            group.samples.append(Sample(group, "samples()", "samples", error=error))
    return groups


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


def is_embeddable(attachment: Attachment) -> bool:
    """Return whether the page itself may hold an attachment of this size."""
    return len(attachment.content) <= _EMBEDDED
