"""The page of all previews: one file, no server, nothing loaded from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import inspect
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from aerogram.conf import settings
from aerogram.templating import page_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aerogram.notification import Notification
    from aerogram.preview.specimen import Attachment, Specimen

_PAGE = Path(__file__).parent / "page"

GMAIL_CLIP = 102 * 1024
"""Bytes of HTML behind which Gmail hides the rest of a mail."""

# What the page itself holds: a larger file is named and sized, and is in the .eml.
_EMBEDDED_FILE = 1024 * 1024
_SHOWN_SOURCE = 1024 * 1024


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
        doc = self.notification.__doc__ if "__doc__" in vars(self.notification) else None
        return inspect.cleandoc(doc).partition("\n")[0] if doc else ""

    @property
    def class_path(self) -> str:
        """Module and qualified name of the class."""
        return f"{self.notification.__module__}.{self.notification.__qualname__}"


@dataclass
class Sample:
    """One sample on the page: rendered, or the error that kept it from being so."""

    group: Group
    name: str
    stem: str
    specimen: Specimen | None = None
    error: Exception | None = None

    @property
    def id(self) -> str:
        """Its place: the path of its files without their suffix, and the page's fragment."""
        return f"{self.group.folder}/{self.stem}"

    @property
    def url(self) -> str:
        """The place as a relative URL."""
        return quote(self.id)

    @property
    def reason(self) -> str:
        """What the error says, with its kind where that is no error of Aerogram's."""
        if self.error is None:
            return ""
        notes = "".join(f"\n{note}" for note in getattr(self.error, "__notes__", ()))
        kind = "" if type(self.error).__module__.startswith("aerogram.") else f"{type(self.error).__name__}: "
        return f"{kind}{self.error}{notes}"

    @property
    def envelope(self) -> list[tuple[str, str]]:
        """Subject, sender and recipients; Bcc too, which the message itself does not say."""
        if self.specimen is None:
            return []
        shown = {name: self.specimen.header(name) for name in ("Subject", "From", "To", "Cc")}
        shown["Bcc"] = ", ".join(map(str, self.specimen.message.bcc))
        shown["Reply-To"] = self.specimen.header("Reply-To")
        return [(name, value) for name, value in shown.items() if value]

    @property
    def data(self) -> dict[str, object]:
        """What the page's script shows on demand."""
        if self.specimen is None:
            return {}
        sent = self.specimen.raw
        raw = sent[:_SHOWN_SOURCE].decode("utf-8", "replace").replace("\r\n", "\n")
        whole = raw.replace("\n", "\r\n").encode() == sent
        if len(sent) > _SHOWN_SOURCE:
            raw += f"\n… cut here: the .eml file has all {human_size(len(sent))}"
        return {
            "html": self.specimen.html,
            "raw": raw,
            "whole": whole,
            "inline": {
                part.content_id: part.data_uri
                for part in self.specimen.attachments
                if part.content_id and part.content_type.startswith("image/")
            },
        }


def gallery_page(groups: Sequence[Group]) -> str:
    """Return the page that shows ``groups``, whole: style and script inside, every value escaped."""
    script = (_PAGE / "gallery.js").read_text("utf-8")
    environment = page_environment(_PAGE)
    environment.filters.update(human_size=human_size, person=person)
    samples = [sample for group in groups for sample in group.samples]
    return environment.get_template("gallery.html").render(
        groups=groups,
        samples=samples,
        site=settings.SITE_NAME,
        style=(_PAGE / "gallery.css").read_text("utf-8"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        clip=GMAIL_CLIP,
        embeddable=_embeddable,
    )


def human_size(size: int) -> str:
    """Return a number of bytes for people.

    >>> human_size(512), human_size(2048), human_size(3_500_000)
    ('512 bytes', '2.0 KB', '3.3 MB')
    """
    if size < 1024:
        return f"{size} bytes"
    if size < 1024 * 1024:
        return f"{size / 1024:.1f} KB"
    return f"{size / 1024 / 1024:.1f} MB"


def person(address: str) -> str:
    """Return how an inbox names the sender of ``"Name <a@b>"``: the name, else the address."""
    name = address.partition("<")[0].strip().strip('"').strip()
    return name or address.strip("<> ")


def _embeddable(attachment: Attachment) -> bool:
    return len(attachment.content) <= _EMBEDDED_FILE
