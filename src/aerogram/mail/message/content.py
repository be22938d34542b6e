"""What both ways of writing a message ask it: its text, its character set, and which parts belong where."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.message import Message
from email.mime.base import MIMEBase
from typing import TYPE_CHECKING, Any

from aerogram.exceptions import BadHeaderError, MessageError
from aerogram.mail.characters import check_header_value
from aerogram.mail.header.rules import check_header_name

if TYPE_CHECKING:
    from aerogram.mail.message.email_message import EmailMessage

__all__ = [
    "as_utf8",
    "checked_text",
    "content_bytes",
    "enclosed_message",
    "split_attachments",
    "text_of",
]

_FOLD = re.compile(r"\r?\n(?=[ \t])")
_CONTENT_ID = re.compile(r"<[!-;=?-~]+>|[!-;=?-~]+")


def text_of(content: object) -> str:
    """Return the text of a body or of a ``text/*`` part, lazy ones as well.

    Raises:
        MessageError: it is bytes.
    """
    if type(content) is str:
        return content
    if isinstance(content, bytes | bytearray | memoryview):
        raise MessageError(
            "A text part was given as bytes: decode them, since their charset is not known here."
        )
    return str.__str__(str(content))


def as_utf8(text: str) -> bytes:
    """Encode the text of a part.

    Raises:
        MessageError: it holds half of a surrogate pair, which no charset can write.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise MessageError(
            f"A text part holds a lone surrogate (U+{ord(text[error.start]):04X}) at character "
            f"{error.start}; decode the text from its bytes with the right charset."
        ) from None


def checked_text(content: object) -> str:
    """Return the text of a part, as :func:`text_of` does, if a charset can write it.

    Raises:
        MessageError: it is bytes, or holds half of a surrogate pair.
    """
    if type(content) is str and content.isascii():
        return content
    text = text_of(content)
    as_utf8(text)
    return text


def content_bytes(content: object) -> bytes:
    """Return the octets of a file that is not text; a text that stands for one is taken as UTF-8."""
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    return as_utf8(text_of(content))


def enclosed_message(content: Any) -> Message:
    """Return the message to enclose as ``message/rfc822``, given as a message of any kind, text or bytes."""
    if isinstance(content, Message):
        return content
    if hasattr(content, "message"):
        return enclosed_message(content.message())
    return message_from_bytes(content_bytes(content))


def split_attachments(message: EmailMessage) -> tuple[list[MIMEBase], list[Any]]:
    """Return the images that the HTML shows, and all other attachments.

    A ready part with a Content-ID that the HTML names (``cid:…``) belongs to the HTML (RFC 2387); beside it,
    as an attachment, many readers show it twice or not at all. One that says ``Content-Disposition:
    attachment`` stays an attachment, and a ``mixed_subtype`` of one's own leaves all where Django puts it.

    Raises:
        BadHeaderError: a header of a ready part would break or forge the message.
    """
    if not message.attachments:
        return [], []
    html = None
    inline, attached = [], []
    for attachment in message.attachments:
        content_id = None
        if isinstance(attachment, MIMEBase):
            check_part(attachment)
            content_id = attachment["Content-ID"]
        if (
            content_id
            and attachment.get_content_disposition() != "attachment"
            and message.mixed_subtype == "mixed"
        ):
            html = _html(message) if html is None else html
            if _is_shown(str(content_id), html):
                inline.append(attachment)
                continue
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


def _is_shown(content_id: str, html: str) -> bool:
    return re.search(rf"cid:{re.escape(content_id.strip('<> '))}(?![\w.@-])", html) is not None


def check_part(part: Message) -> None:
    """Refuse a ready MIME part whose own headers would break or forge the message.

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
