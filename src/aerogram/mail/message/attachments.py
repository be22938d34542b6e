"""The parts of a message as they are given: names, media types and contents, checked."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from typing import NamedTuple

from aerogram.exceptions import BadHeaderError, ForgedAttachment, InvalidAttachment, MessageError
from aerogram.mail.characters import FORBIDDEN, excerpt

DEFAULT_ATTACHMENT_MIME_TYPE = "application/octet-stream"
"""The type of an attachment whose own type is neither given nor to be guessed from its name."""

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - the `token` of RFC 2045 section 5.1, no secret
_MEDIA_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}")
_PARAMETER = rf"[ \t]*;[ \t]*{_TOKEN}=(?:{_TOKEN}|\"[ !#-\[\]-~]*\")"
_SUBTYPE = re.compile(_TOKEN[:-1] + "{1,127}")  # RFC 6838 section 4.2
_TYPE_WITH_PARAMETERS = re.compile(rf"{_TOKEN}/{_TOKEN}(?:{_PARAMETER})*")

# Characters that reorder what the reader sees ("exe.pdf" for "fdp.exe"), and the two Unicode line separators.
_DECEPTIVE = frozenset("\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_MAX_FILENAME_OCTETS = 255
_MAX_EXTENSION_OCTETS = 32


class EmailAlternative(NamedTuple):
    """Another form of the body: its content and its media type."""

    content: object
    mimetype: str


class EmailAttachment(NamedTuple):
    """An attached file: its name (or ``None``), its content and its media type."""

    filename: str | None
    content: object
    mimetype: str


def attachment_of(filename: str | None, content: object, mimetype: str | None) -> EmailAttachment:
    """Return the attachment, its type guessed from its name where none is given.

    Bytes of a ``text/*`` type are decoded as UTF-8; where that fails they are attached as
    ``application/octet-stream``. No content, or a type that is none, raises InvalidAttachment.
    """
    if content is None:
        raise InvalidAttachment(
            "content must be provided. None was given for an attachment: give it a str or bytes."
        )
    guessed = mimetypes.guess_type(str(filename))[0] if filename else None
    mimetype = check_media_type(mimetype or guessed or DEFAULT_ATTACHMENT_MIME_TYPE)
    if mimetype.lower().startswith("text/") and isinstance(content, bytes | bytearray | memoryview):
        try:
            content = bytes(content).decode()
        except UnicodeDecodeError:
            mimetype = DEFAULT_ATTACHMENT_MIME_TYPE
    return EmailAttachment(filename, content, mimetype)


def check_media_type(mimetype: object) -> str:
    """Return ``mimetype`` if it is a ``type/subtype`` that a file can have, else raise InvalidAttachment."""
    text = str(mimetype)
    if not _MEDIA_TYPE.fullmatch(text):
        raise _wrong_type(text, "is not a media type: write it as type/subtype, such as 'application/pdf'.")
    if text.lower().startswith("multipart/"):
        raise InvalidAttachment(
            f"{excerpt(text)} cannot be the type of a file: attach a MIMEMultipart instead."
        )
    return text


def check_alternative_type(mimetype: object) -> str:
    """Return ``mimetype`` if a form of the body can have it; parameters are allowed.

    A calendar invitation needs one: ``text/calendar; method=REQUEST`` (RFC 6047 section 2.4).
    """
    text = str(mimetype)
    if not _TYPE_WITH_PARAMETERS.fullmatch(text):
        raise _wrong_type(
            text, "is not the media type of an alternative: write it as type/subtype, such as 'text/html'."
        )
    return text


def _wrong_type(text: str, problem: str) -> InvalidAttachment:
    error = ForgedAttachment if FORBIDDEN.search(text) else InvalidAttachment
    return error(f"{excerpt(text)} {problem}")


def check_subtype(subtype: str) -> str:
    """Return the subtype of a body or multipart if it is one word (RFC 2045), else raise MessageError."""
    if not _SUBTYPE.fullmatch(subtype):
        error = BadHeaderError if FORBIDDEN.search(subtype) else MessageError
        raise error(f"{excerpt(subtype)} is not a media subtype: use one word, such as 'html'.")
    return subtype


def clean_filename(filename: object) -> str:
    """Return the name under which a file is attached.

    Only what follows the last ``/`` or ``\\`` is kept, without control characters, characters that reorder
    text, and leading dots; it is at most 255 octets of UTF-8, cut before the extension.
    """
    name = str(filename).replace("\\", "/").rpartition("/")[2]
    name = "".join(c for c in name if c not in _DECEPTIVE and unicodedata.category(c) not in ("Cc", "Cs"))
    name = name.strip().lstrip(".").lstrip() or "attachment"
    if len(name.encode()) <= _MAX_FILENAME_OCTETS:
        return name
    stem, dot, extension = name.rpartition(".")
    suffix = (dot + extension).encode()
    if not stem or len(suffix) > _MAX_EXTENSION_OCTETS:
        stem, suffix = name, b""
    room = _MAX_FILENAME_OCTETS - len(suffix)
    return stem.encode()[:room].decode(errors="ignore") + suffix.decode()


def filename_parameter(filename: object) -> str | tuple[str, str, str]:
    """Return the cleaned name as ``email.message.Message.add_header`` takes a parameter's value.

    A name that is not ASCII, or that a reader could take for an encoded-word, is the triple that the standard
    library writes by RFC 2231.
    """
    name = clean_filename(filename)
    return name if name.isascii() and "=?" not in name else ("utf-8", "", name)


def text_of(content: object) -> str:
    """Return the text of a body or of a ``text/*`` part, lazy ones as well; raise MessageError for bytes."""
    if type(content) is str:
        return content
    if isinstance(content, bytes | bytearray | memoryview):
        raise MessageError(
            "A text part was given as bytes: decode them, since their charset is not known here."
        )
    return str.__str__(str(content))


def as_utf8(text: str) -> bytes:
    """Encode the text of a part; raise MessageError for half of a surrogate pair, which no charset has."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise MessageError(
            f"A text part holds a lone surrogate (U+{ord(text[error.start]):04X}) at character "
            f"{error.start}; decode the text from its bytes with the right charset."
        ) from None


def checked_text(content: object) -> str:
    """Return the text of a part as :func:`text_of` does; errors are also those of :func:`as_utf8`."""
    if type(content) is str and content.isascii():
        return content
    text = text_of(content)
    as_utf8(text)
    return text


def content_bytes(content: object) -> bytes:
    """Return the octets of a file that is not text; a text in place of one is encoded as UTF-8."""
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    return as_utf8(text_of(content))
