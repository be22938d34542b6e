"""The page of all previews: one file that needs no server and loads nothing."""

from __future__ import annotations

import base64
import hashlib
import inspect
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aerogram.conf import settings
from aerogram.exceptions import describe
from aerogram.mail.address.envelope import entry_text
from aerogram.templating import page_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aerogram.notification import Notification
    from aerogram.preview.rendered_sample import RenderedSample

_PAGE = Path(__file__).parent / "page"
_GMAIL_CLIP = 102 * 1024  # bytes of HTML; Gmail hides the rest of a longer mail
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
        doc = vars(self.notification).get("__doc__")
        return inspect.cleandoc(doc).partition("\n")[0] if doc else ""

    @property
    def class_path(self) -> str:
        """The module and qualified name of the class."""
        return f"{self.notification.__module__}.{self.notification.__qualname__}"


@dataclass
class Sample:
    """One sample on the page: rendered, or the error that prevented it."""

    group: Group
    name: str
    stem: str
    rendered: RenderedSample | None = None
    error: Exception | None = None

    @property
    def id(self) -> str:
        """The path of its files without their suffix, which is its fragment on the page."""
        return f"{self.group.folder}/{self.stem}"

    @property
    def reason(self) -> str:
        """Why it could not be rendered."""
        return describe(self.error) if self.error is not None else ""

    @property
    def envelope(self) -> list[tuple[str, str]]:
        """Subject, sender and recipients; Bcc too, which the message itself does not contain."""
        if self.rendered is None:
            return []
        shown = {name: self.rendered.header(name) for name in ("Subject", "From", "To", "Cc")}
        shown["Bcc"] = ", ".join(map(entry_text, self.rendered.message.bcc))
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
            raw += f"\n… cut here: the .eml file has all {human_size(len(sent))}"
        images = {
            part.content_id: part.data_uri
            for part in self.rendered.attachments
            if part.content_id and part.content_type.startswith("image/")
        }
        return {"html": self.rendered.html, "raw": raw, "whole": whole, "inline": images}


def gallery_page(groups: Sequence[Group]) -> str:
    """Return the page that shows ``groups``: style and script inside, every value escaped."""
    script = (_PAGE / "gallery.js").read_text("utf-8")
    environment = page_environment(_PAGE)
    environment.filters.update(human_size=human_size, person=person)
    return environment.get_template("gallery.html").render(
        groups=groups,
        samples=[sample for group in groups for sample in group.samples],
        site=settings.SITE_NAME,
        style=(_PAGE / "gallery.css").read_text("utf-8"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        clip=_GMAIL_CLIP,
        embeddable=lambda attachment: len(attachment.content) <= _EMBEDDED,
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
    """Return what an inbox shows of the sender ``"Name <a@b>"``: the name, else the address."""
    name = address.partition("<")[0].strip().strip('"').strip()
    return name or address.strip("<> ")
