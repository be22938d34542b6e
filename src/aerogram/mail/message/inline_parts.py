"""Which attachments the HTML shows, and which stay attachments."""

from __future__ import annotations

import re
from email.message import Message
from typing import Any

from aerogram.exceptions import BadHeaderError
from aerogram.mail.header.rules import check_header_name
from aerogram.mail.header.writing import stored_text

_COMMENT = re.compile(r"<!--(?!\[if\b|-?>).*?-->", re.S | re.I)  # a conditional one is shown by Outlook
_CONTENT_ID = re.compile(r"<[!-;=?-~]+>|[!-;=?-~]+")


def split_attachments(message: Any) -> tuple[list[Message], list[Any]]:
    """Return the parts that the HTML shows, and all other attachments.

    A MIME part with a Content-ID that the HTML names (``cid:…``) belongs to the HTML (RFC 2387); many readers
    show such an attachment twice or not at all. One that says ``Content-Disposition: attachment`` stays an
    attachment, and with another ``mixed_subtype`` than ``mixed`` all do, as in Django.
    """
    inline: list[Message] = []
    attached: list[Any] = []
    for attachment in message.attachments:
        parts = attached
        if isinstance(attachment, Message):
            check_part(attachment)
            if attachment.get_content_disposition() != "attachment" and message.mixed_subtype == "mixed":
                content_id = str(attachment["Content-ID"] or "").strip("<> ")
                parts = inline if content_id and _shows(message, content_id) else attached
        parts.append(attachment)
    return inline, attached


def _shows(message: Any, content_id: str) -> bool:
    alternatives = getattr(message, "alternatives", ())
    forms = [content for content, mimetype in alternatives if mimetype.lower().startswith("text/html")]
    if message.content_subtype == "html":
        forms.append(message.body)
    return any(shows_image(str(form), content_id) for form in forms)


def shows_image(html: str, content_id: str) -> bool:
    """Return whether HTML names a Content-ID, outside of comments that no reader shows."""
    url = rf"cid:{re.escape(content_id)}(?![\w.@-])"
    return re.search(url, html) is not None and re.search(url, _COMMENT.sub("", html)) is not None


def check_part(part: Message) -> None:
    """Raise BadHeaderError for a MIME part whose own headers would break or forge the message.

    A Content-ID without angle brackets gets them (RFC 2045 section 7).
    """
    for name, value in part.raw_items():
        text = stored_text(check_header_name(name), value)
        if name.lower() == "content-id":
            if not _CONTENT_ID.fullmatch(text.strip()):
                raise BadHeaderError(
                    f"The Content-ID of an attached part is not a message id (got {text[:100]!r}): "
                    "write ASCII without spaces between angle brackets, such as '<logo@example.com>'."
                )
            if not text.strip().startswith("<"):
                part.replace_header(name, f"<{text.strip()}>")
    if part.get_content_maintype() == "multipart" and part.is_multipart():
        for inner in part.get_payload():
            check_part(inner)  # type: ignore[arg-type] # a list of parts, as is_multipart() says
