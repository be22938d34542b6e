"""Which attachments the HTML shows, and which stay attachments."""

from __future__ import annotations

import re
from email.message import Message
from email.mime.base import MIMEBase
from typing import TYPE_CHECKING, Any

from aerogram.exceptions import BadHeaderError
from aerogram.mail.characters import check_header_value
from aerogram.mail.header.rules import check_header_name

if TYPE_CHECKING:
    from aerogram.mail.message.email_message import EmailMessage

_FOLD = re.compile(r"\r?\n(?=[ \t])")
_CONTENT_ID = re.compile(r"<[!-;=?-~]+>|[!-;=?-~]+")


def split_attachments(message: EmailMessage) -> tuple[list[MIMEBase], list[Any]]:
    """Return the parts that the HTML shows, and all other attachments.

    A MIME part with a Content-ID that the HTML names (``cid:…``) belongs to the HTML (RFC 2387); many readers
    show such an attachment twice or not at all. One that says ``Content-Disposition: attachment`` stays an
    attachment, and with another ``mixed_subtype`` than ``mixed`` all do, as in Django.

    Raises:
        BadHeaderError: a header of a MIME part would break or forge the message.
    """
    inline, attached = [], []
    html = None
    for attachment in message.attachments:
        content_id = None
        if isinstance(attachment, MIMEBase):
            check_part(attachment)
            if attachment.get_content_disposition() != "attachment" and message.mixed_subtype == "mixed":
                content_id = attachment["Content-ID"]
        if content_id:
            html = _html(message) if html is None else html
        if content_id and _names(html or "", str(content_id).strip("<> ")):
            inline.append(attachment)
        else:
            attached.append(attachment)
    return inline, attached


def _html(message: EmailMessage) -> str:
    forms = [
        content
        for content, kind in getattr(message, "alternatives", ())
        if kind.lower().startswith("text/html")
    ]
    if message.content_subtype == "html":
        forms.append(message.body)
    return "\n".join(map(str, forms))


def _names(html: str, content_id: str) -> bool:
    return re.search(rf"cid:{re.escape(content_id)}(?![\w.@-])", html) is not None


def check_part(part: Message) -> None:
    """Refuse a MIME part whose own headers would break or forge the message.

    Raises:
        BadHeaderError: a name or value that is not allowed, or a Content-ID that is no message id.
    """
    for name, value in part.items():
        check_header_name(name)
        text = _FOLD.sub("", str(value))
        check_header_value(name, text)
        if name.lower() == "content-id" and not _CONTENT_ID.fullmatch(text.strip()):
            raise BadHeaderError(
                f"The Content-ID of an attached part is not a message id (got {text[:100]!r}): "
                "write ASCII without spaces between angle brackets, such as '<logo@example.com>'."
            )
    if part.get_content_maintype() == "multipart" and part.is_multipart():
        for inner in part.get_payload():
            check_part(inner)  # type: ignore[arg-type] # a list of parts, as is_multipart() says
