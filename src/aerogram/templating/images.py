"""Inline images: shown by the HTML as ``cid:…``, and sent with it in one ``multipart/related``."""

from __future__ import annotations

import hashlib
import mimetypes
from email.mime.image import MIMEImage
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jinja2

from aerogram.exceptions import InvalidAttachment
from aerogram.mail.message.attachments import check_media_type, filename_parameter
from aerogram.mail.message.content import read_content
from aerogram.templating.loaders import read_bytes
from aerogram.templating.rendering import current_rendering

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ImageFiles", "InlineImage"]

_MORE_TYPES = {"avif": "image/avif", "webp": "image/webp"}  # which Python 3.11 does not know


class InlineImage:
    """An image that a template embeds; a template prints it as its ``cid:`` URL.

    The image is sent once, and only if the HTML part shows it. In a text part, it is printed as nothing.

    Args:
        content: the bytes of the image, a binary file object, or the path of one; a file is read.
        mimetype: the media type, such as ``"image/png"``.
        filename: the name under which readers can save it.

    Raises:
        InvalidAttachment: the content is not bytes, a file or a path, or the type is not that of an image.

    >>> chart = InlineImage(b"GIF89a", "image/gif")
    >>> str(chart)
    'cid:544e9d67968f0fce2955@aerogram'
    """

    def __init__(self, content: Any, mimetype: str, filename: str | None = None) -> None:
        content = read_content(content)
        if not isinstance(content, bytes | bytearray | memoryview):
            raise InvalidAttachment(
                f"The content of an InlineImage is of type {type(content).__name__}. Accepted: bytes, a "
                "binary file object, or a pathlib.Path."
            )
        if not check_media_type(mimetype).lower().startswith("image/"):
            raise InvalidAttachment(f"{mimetype!r} is not the type of an image, such as 'image/png'.")
        self.content: bytes = bytes(content)
        self.mimetype: str = mimetype.lower()
        self.filename: str | None = filename

    @cached_property
    def content_id(self) -> str:
        """The Content-ID, which equal images share (RFC 2392)."""
        return f"{hashlib.sha256(self.mimetype.encode() + self.content).hexdigest()[:20]}@aerogram"

    @cached_property
    def part(self) -> MIMEImage:
        """The MIME part of a message that shows the image."""
        part = MIMEImage(self.content, self.mimetype.partition("/")[2])
        part["Content-ID"] = f"<{self.content_id}>"
        name = {"filename": filename_parameter(self.filename)} if self.filename else {}
        part.add_header("Content-Disposition", "inline", **name)
        return part

    def __str__(self) -> str:
        rendering = current_rendering.get()
        if rendering is not None:
            if rendering.part == "text":
                return ""
            if rendering.part == "html":
                rendering.images[self.content_id] = self.part
        return f"cid:{self.content_id}"

    def __html__(self) -> str:
        return str(self)

    def __repr__(self) -> str:
        return f"<InlineImage {self.mimetype}, {len(self.content)} bytes>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InlineImage) and self.content_id == other.content_id

    def __hash__(self) -> int:
        return hash(self.content_id)


class ImageNotFound(jinja2.TemplateNotFound):
    """No loader has an image of that name."""


class ImageFiles:
    """The images that a loader finds, each read once as long as its file does not change."""

    def __init__(self, loader: jinja2.BaseLoader) -> None:
        self._loader = loader
        self._read: dict[str, tuple[InlineImage, Callable[[], bool]]] = {}

    def get(self, name: object) -> InlineImage:
        """Return the image ``name``: what ``inline_image(name)`` in a template is.

        Raises:
            jinja2.TemplateNotFound: no loader finds it.
            jinja2.TemplateRuntimeError: it is not the name of an image.
        """
        if isinstance(name, InlineImage):
            return name
        name = str(name)  # an undefined name raises its error here
        image, is_fresh = self._read.get(name, (None, None))
        if image is None or is_fresh is None or not is_fresh():
            kind = _MORE_TYPES.get(name.rpartition(".")[2].lower()) or mimetypes.guess_type(name)[0] or ""
            if not kind.startswith("image/"):
                raise jinja2.TemplateRuntimeError(
                    f"inline_image({name!r}): this is not the name of an image, such as 'logo.png'"
                )
            try:
                content, is_fresh = read_bytes(self._loader, name)
            except jinja2.TemplateNotFound:
                raise ImageNotFound(name) from None
            image = InlineImage(content, kind, name.rpartition("/")[2])
            self._read[name] = image, is_fresh
        return image
