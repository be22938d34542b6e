"""The parts of a message as they are given: names, media types and contents, checked."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from collections.abc import Iterable, Sequence
from email.message import Message
from email.mime.base import MIMEBase
from numbers import Number
from os import PathLike
from typing import Any, NamedTuple

from aerogram.exceptions import (
    BadHeaderError,
    ForgedAttachment,
    InvalidAttachment,
    InvalidContent,
    MessageError,
)
from aerogram.mail.characters import FORBIDDEN, excerpt, is_text
from aerogram.mail.message.content import ACCEPTED, read_content

DEFAULT_ATTACHMENT_MIME_TYPE = "application/octet-stream"
"""The type of an attachment whose own type is neither given nor to be guessed from its name."""

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - the `token` of RFC 2045 section 5.1, no secret
_MEDIA_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}")
_PARAMETER = rf"[ \t]*;[ \t]*{_TOKEN}=(?:{_TOKEN}|\"[ !#-\[\]-~]*\")"
_SUBTYPE = re.compile(_TOKEN[:-1] + "{1,127}")  # RFC 6838 section 4.2
_TYPE_WITH_PARAMETERS = re.compile(rf"{_TOKEN}/{_TOKEN}(?:{_PARAMETER})*")

# Characters that reorder what the reader sees ("exe.pdf" for "fdp.exe"), and the two Unicode line separators.
_DECEPTIVE = frozenset("\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_FILE_NAME = re.compile(r"[\w./\\:-]{1,100}\.\w{1,8}")
_MAX_FILENAME_OCTETS = 255
_MAX_EXTENSION_OCTETS = 32

_MESSAGE_HEADERS = ("From", "To", "Subject", "Date", "Message-ID", "Received")
_KEPT = (str, bytes)
_NO_PART = (
    "give the HTML as text, as attach_alternative(html, 'text/html'), and attach(part) each image. A part "
    "whose Content-ID the HTML names ('cid:…') is put into a multipart/related with it."
)

ATTACHMENT_FORM = "(filename, content, mimetype) or a MIME part; attach_file() attaches the file at a path."
ALTERNATIVE_FORM = f"(content, mimetype); {_NO_PART}"


class EmailAlternative(NamedTuple):
    """Another form of the body: its content and its media type."""

    content: object
    mimetype: str


class EmailAttachment(NamedTuple):
    """An attached file: its name (or ``None``), its content and its media type."""

    filename: str | None
    content: object
    mimetype: str


def arguments_of(entry: Any, form: str = ATTACHMENT_FORM) -> Sequence[Any]:
    """Return the arguments for an entry of ``attachments=`` or ``alternatives=``, or raise TypeError."""
    most = 3 if form is ATTACHMENT_FORM else 2
    if isinstance(entry, Message) and form is ATTACHMENT_FORM:
        return (entry,)
    if not isinstance(entry, tuple | list):
        is_name = isinstance(entry, str | PathLike) and _FILE_NAME.fullmatch(str(entry))
        given = repr(entry) if is_name else f"of type {type(entry).__name__}"  # other texts may be a content
        raise TypeError(f"An attachment or alternative is {given}. Accepted: {form}")
    if not 2 <= len(entry) <= most and not (len(entry) == 1 and isinstance(entry[0], Message)):
        raise TypeError(f"An attachment or alternative has {len(entry)} elements. Accepted: {form}")
    return entry


def attachment_of(
    filename: Any, content: Any = None, mimetype: str | None = None
) -> EmailAttachment | Message:
    """Return what is attached: a MIME part as it is, a file with its content read.

    A whole message in place of a name is enclosed. A type is guessed from the name where none is given. Bytes
    of a ``text/*`` type are decoded as UTF-8; where that fails they are ``application/octet-stream``. No
    content, or a type that is none, raises InvalidAttachment; other errors are those of
    :func:`~aerogram.mail.message.content.read_content`.
    """
    if isinstance(filename, Message):
        if content is not None or mimetype is not None:
            raise InvalidAttachment(
                "content and mimetype must not be given when a MIMEBase instance is provided."
            )
        if isinstance(filename, MIMEBase) or not any(name in filename for name in _MESSAGE_HEADERS):
            return filename
        return EmailAttachment(None, filename, "message/rfc822")
    if not (filename is None or is_text(filename) or isinstance(filename, int | PathLike)):
        raise InvalidContent(
            f"The name of an attachment is of type {type(filename).__name__}. Accepted: a string or None; "
            "the order is filename, content, mimetype."
        )
    if content is None:
        raise InvalidAttachment(
            f"content must be provided. None was given for an attachment. {ACCEPTED} attach_file() attaches "
            "the file at a path."
        )
    guessed = mimetypes.guess_type(str(filename))[0] if filename is not None and not mimetype else None
    mimetype = check_media_type(mimetype or guessed or DEFAULT_ATTACHMENT_MIME_TYPE)
    if type(content) is not str:
        content = read_content(content)
    is_message = isinstance(content, Message) or hasattr(type(content), "message")
    if is_message and mimetype.lower() != "message/rfc822":
        raise InvalidContent(
            f"A {type(content).__name__} was given as the content of a {mimetype} file: attach a MIME part "
            "alone, as attach(part), and a message as 'message/rfc822'."
        )
    if mimetype.lower().startswith("text/") and isinstance(content, bytes):
        try:
            content = content.decode()
        except UnicodeDecodeError:
            mimetype = DEFAULT_ATTACHMENT_MIME_TYPE
    return EmailAttachment(filename, content, mimetype)


def alternative_of(content: object, mimetype: str) -> EmailAlternative:
    """Return the form of the body, its content read; a file of a ``text/*`` type is decoded as UTF-8.

    Errors are those of :func:`attachment_of`.
    """
    mimetype = check_alternative_type(mimetype)
    if isinstance(content, Message):
        raise InvalidContent(f"A {type(content).__name__} was given as an alternative: {_NO_PART}")
    if type(content) not in _KEPT:
        is_octets = isinstance(content, bytes | bytearray | memoryview)
        content = read_content(content)
        if isinstance(content, bytes) and not is_octets and mimetype.lower().startswith("text/"):
            try:
                content = content.decode()
            except UnicodeDecodeError as error:
                raise InvalidAttachment(
                    f"A file was given as a {excerpt(mimetype)} alternative and is not UTF-8: {error}."
                ) from None
    return EmailAlternative(content, mimetype)


def alternatives_of(entries: Iterable[Any]) -> list[EmailAlternative]:
    """Return the forms given as ``alternatives=``; errors are those of :func:`alternative_of`."""
    return [alternative_of(*arguments_of(entry, ALTERNATIVE_FORM)) for entry in entries]


def settle_contents(message: Any) -> None:
    """Read the files among the attachments and alternatives that were put there without ``attach()``.

    So each build of the message sends the same. Errors are those of :func:`attachment_of`.
    """
    for name, kind, place, read, form in _LISTS:
        entries: Any = getattr(message, name, None)
        if not entries:
            continue
        if type(entries) is not list and (
            isinstance(entries, str | bytes) or not isinstance(entries, Iterable)
        ):
            raise TypeError(
                f'"{name}" is of type {type(entries).__name__}. Accepted: a list; each of it {form}'
            )
        for position, entry in enumerate(entries):
            is_settled = isinstance(entry, kind) and type(entry[place]) in _KEPT
            if not is_settled and arguments_of(entry, form) is entry and type(entry[place]) not in _KEPT:
                entries = entries if isinstance(entries, list) else list(entries)
                entries[position] = read(*entry)
                setattr(message, name, entries)


_LISTS: Any = (
    ("attachments", EmailAttachment, 1, attachment_of, ATTACHMENT_FORM),
    ("alternatives", EmailAlternative, 0, alternative_of, ALTERNATIVE_FORM),
)


def check_media_type(mimetype: object) -> str:
    """Return ``mimetype`` if it is a ``type/subtype`` that a file can have, else raise InvalidAttachment."""
    text = str(mimetype)
    if not _MEDIA_TYPE.fullmatch(text) or text.lower().startswith("multipart/"):
        problem = "is not a media type: write it as type/subtype, such as 'application/pdf'."
        raise _wrong_type(text, problem, "a file: attach a MIMEMultipart instead.")
    return text


def check_alternative_type(mimetype: object) -> str:
    """Return ``mimetype`` if a form of the body can have it; parameters are allowed.

    A calendar invitation needs one: ``text/calendar; method=REQUEST`` (RFC 6047 section 2.4).
    """
    text = str(mimetype)
    if not _TYPE_WITH_PARAMETERS.fullmatch(text) or text.lower().startswith("multipart/"):
        problem = "is not the media type of an alternative: write it as type/subtype, such as 'text/html'."
        raise _wrong_type(text, problem, f"an alternative: {_NO_PART}")
    return text


def _wrong_type(text: str, problem: str, no_multipart: str) -> InvalidAttachment:
    if FORBIDDEN.search(text):
        return ForgedAttachment(f"{excerpt(text)} {problem}")
    is_multipart = text.lower().startswith("multipart/")
    return InvalidAttachment(
        f"{excerpt(text)} {f'cannot be the type of {no_multipart}' if is_multipart else problem}"
    )


def check_subtype(subtype: str) -> str:
    """Return the subtype of a body or multipart if it is one word (RFC 2045), else raise MessageError."""
    if not isinstance(subtype, str):
        raise InvalidContent(
            f"A media subtype is of type {type(subtype).__name__}. Accepted: one word, such as 'html'."
        )
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
            "A text part was given as bytes: decode them first, because their charset is unknown."
        )
    if type(content).__str__ is object.__str__ and not isinstance(content, Number | None):
        raise InvalidContent(
            f"A text part was given as an object of type {type(content).__name__}. Accepted: str."
        )
    return str.__str__(str(content))


def as_utf8(text: str) -> bytes:
    """Encode the text of a part; raise MessageError for half of a surrogate pair, which no charset has."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise MessageError(
            f"A text part contains a lone surrogate (U+{ord(text[error.start]):04X}) at character "
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
