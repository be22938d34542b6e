"""A message as the bytes that are sent, written fast and checked.

Most mails are written straight from their attributes, each header by :mod:`aerogram.mail.header.writing`,
each body encoded once for all messages that share it. A mail that overrides ``message()`` or a step of it is
written from what ``message()`` returns; both ways give the same mail.
"""

from __future__ import annotations

from email.mime.base import MIMEBase
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any
from urllib.parse import quote

from aerogram.conf import settings
from aerogram.mail.address.addresses import Addresses
from aerogram.mail.header.writing import header_bytes
from aerogram.mail.message.attachments import (
    EmailAlternative,
    EmailAttachment,
    check_alternative_type,
    check_media_type,
    check_subtype,
    filename_parameter,
)
from aerogram.mail.message.content import as_utf8, content_bytes, split_attachments, text_of
from aerogram.mail.message.email_message import EmailMessage, EmailMultiAlternatives
from aerogram.mail.wire.header_block import header_block
from aerogram.mail.wire.known_lines import KnownLines
from aerogram.mail.wire.mime_tree import node_of
from aerogram.mail.wire.part_cache import PartCache
from aerogram.mail.wire.parts import Leaf, Multipart, Node, assemble, check_header_block
from aerogram.mail.wire.pieces import TemplatedAlternative
from aerogram.mail.wire.transfer_encoding import (
    Encoded,
    encode_file,
    encode_text,
    latin_in_quoted_printable,
    to_base64,
)

__all__ = ["to_bytes", "to_pieces"]

_STEPS = (
    "message",
    "_create_message",
    "_create_attachments",
    "_create_alternatives",
    "_create_mime_attachment",
    "_create_attachment",
)
_steps_of = attrgetter(*_STEPS)
# Taken at import, so that a step replaced later, on class or instance, is seen as replaced.
_PLAIN_STEPS = (_steps_of(EmailMessage), _steps_of(EmailMultiAlternatives))

_CONSTANTS = frozenset({str, bytes, type(None)})

# A batch shares the whole content, or at least its attachments.
_wholes: PartCache[bytes] = PartCache(limit=16 * 1024 * 1024)
_files: PartCache[Leaf] = PartCache(limit=16 * 1024 * 1024)
# Or the template its texts were made by.
_lines = KnownLines(limit=2 * 1024 * 1024)


def to_bytes(message: Any, *, eight_bit: bool = False, utf8: bool = False) -> bytes:
    """Write the whole message as it is sent, before dot-stuffing.

    Args:
        message: an :class:`EmailMessage`, or anything whose ``message()`` returns a MIME tree.
        eight_bit: leave UTF-8 text as it is, for a server that offers 8BITMIME (RFC 6152).
        utf8: allow addresses beyond ASCII, for a server that offers SMTPUTF8 (RFC 6531).

    Returns:
        Lines ended by CRLF, of at most 998 octets, without NUL and without Bcc.

    Raises:
        BadHeaderError: a header would break or forge the message.
        InvalidAddress: a sender or recipient is not exactly one mailbox.
        MessageError: a part cannot be written.

    >>> mail = EmailMessage("Hello", "Good morning.", "me@example.com", ["you@example.com"])
    >>> to_bytes(mail).splitlines()[0]
    b'Subject: Hello'
    """
    return b"".join(to_pieces(message, eight_bit=eight_bit, utf8=utf8))


def to_pieces(
    message: Any, *, eight_bit: bool = False, utf8: bool = False, addresses: Addresses | None = None
) -> tuple[bytes, bytes]:
    """Write the message like :func:`to_bytes`, in two pieces.

    Args:
        message: as in :func:`to_bytes`, like the next two.
        eight_bit: leave UTF-8 text as it is.
        utf8: allow addresses beyond ASCII.
        addresses: what ``addresses_of`` has read, where the caller has it.

    Returns:
        What is the message's own, up to the end of a header line, and the rest: the same object for all
        messages with that content. The second is empty where the message is not written in pieces.
    """
    now = settings.snapshot()
    if not _is_plain(message, now["DEFAULT_CHARSET"]):
        return assemble(node_of(message.message(), eight_bit=eight_bit)), b""
    head = header_block(message, addresses, utf8=utf8, local_time=now["EMAIL_USE_LOCALTIME"])
    return head, _content(message, eight_bit)


def _is_plain(message: Any, default_charset: str) -> bool:
    """Tell whether ``message()`` would do what is done here: no step replaced, and text in UTF-8."""
    if not isinstance(message, EmailMessage):
        return False
    charset = message.encoding or default_charset
    return (
        isinstance(charset, str)
        and (charset == "utf-8" or charset.lower() == "utf-8")
        and _steps_of(type(message)) in _PLAIN_STEPS
        and message.__dict__.keys().isdisjoint(_STEPS)
    )


def _content(message: EmailMessage, eight_bit: bool) -> bytes:
    """Write the content and its own header lines, once for all messages that share it."""
    values = _constants(message)
    if values is None:
        return assemble(_node(message, eight_bit))
    attached = len(message.attachments)
    key = (eight_bit, message.content_subtype, message.mixed_subtype, attached, *values)
    written = _wholes.get(key)
    if written is None:
        size = sum(map(len, filter(None, values)))
        written = _wholes.offer(key, assemble(_node(message, eight_bit)), size)
    return written


def _constants(message: EmailMessage) -> list[str | bytes | None] | None:
    """Return all that the content is made of, or None where some may change: a ready part, a lazy text."""
    values: list[Any] = [message.body]
    if isinstance(message, EmailMultiAlternatives) and message.alternatives:
        values.append(message.alternative_subtype)
        for alternative in message.alternatives:
            if type(alternative) is TemplatedAlternative:  # no two are the same
                return None
            values += alternative
    if message.attachments:
        if any(type(attachment) is not EmailAttachment for attachment in message.attachments):
            return None
        values += chain.from_iterable(message.attachments)
    return values if _CONSTANTS.issuperset(map(type, values)) else None


def _node(message: EmailMessage, eight_bit: bool) -> Node:
    body = text_of(message.body)
    node: Node = _text(body, message.content_subtype, eight_bit)
    if isinstance(message, EmailMultiAlternatives) and message.alternatives:
        forms = [node] if body else []
        forms += [_alternative(message, alternative, eight_bit) for alternative in message.alternatives]
        node = _multipart(message.alternative_subtype, forms)
    if not message.attachments:
        return node
    inline, attached = split_attachments(message)
    if inline:
        kind = node.content_type if isinstance(node, Multipart) else b"text/html"
        parts = [node, *(node_of(part, eight_bit=eight_bit) for part in inline)]
        node = Multipart(b'multipart/related; type="' + kind + b'"', _MIME_VERSION, parts)
    if not attached:
        return node
    parts = [node] if body or isinstance(node, Multipart) else []
    parts += [_attachment(message, attachment, eight_bit) for attachment in attached]
    return _multipart(message.mixed_subtype, parts)


_MIME_VERSION = b"MIME-Version: 1.0\r\n"


def _multipart(subtype: str, parts: list[Node]) -> Multipart:
    return Multipart(f"multipart/{check_subtype(subtype)}".encode(), _MIME_VERSION, parts)


def _text(text: str, subtype: str, eight_bit: bool) -> Leaf:
    written = None
    if not (eight_bit or text.isascii()):
        written = _lines.quoted_printable(text) or latin_in_quoted_printable(text)
    if written is not None:
        encoded = Encoded("quoted-printable", written)
    else:
        encoded = encode_text(as_utf8(text), eight_bit=eight_bit)
    return _leaf(f'text/{check_subtype(subtype)}; charset="utf-8"', encoded)


def _alternative(message: EmailMessage, alternative: EmailAlternative, eight_bit: bool) -> Node:
    content, mimetype = alternative
    main, _, subtype = check_alternative_type(mimetype).partition("/")
    if main.lower() == "text" and ";" not in subtype:
        text = text_of(content)
        if type(alternative) is TemplatedAlternative and not (eight_bit or text.isascii()):
            written = alternative.quoted_printable()
            if written is not None:
                return _leaf(f'text/{subtype}; charset="utf-8"', Encoded("quoted-printable", written))
        return _text(text, subtype, eight_bit)
    return node_of(message._create_mime_attachment(content, mimetype), eight_bit=eight_bit)


def _attachment(message: EmailMessage, attachment: Any, eight_bit: bool) -> Node:
    if isinstance(attachment, MIMEBase):
        return node_of(attachment, eight_bit=eight_bit)
    filename, content, mimetype = attachment
    if not mimetype or mimetype.lower().startswith("message/"):
        return node_of(message._create_attachment(*attachment), eight_bit=eight_bit)
    check_media_type(mimetype)
    is_text = mimetype.lower().startswith("text/")
    octets: str | bytes = text_of(content) if is_text else content_bytes(content)
    key = (filename, octets, mimetype)
    known = _files.get(key)
    if known is not None:
        return known
    return _files.offer(key, _file(filename, octets, mimetype), len(octets))


def _file(filename: object, content: str | bytes, mimetype: str) -> Leaf:
    if isinstance(content, str):
        encoded, kind = encode_file(as_utf8(content)), f'{mimetype}; charset="utf-8"'
    else:
        encoded, kind = Encoded("base64", to_base64(content)), mimetype
    return _leaf(kind, encoded, _disposition(filename) if filename else b"")


def _disposition(filename: object) -> bytes:
    name = filename_parameter(filename)
    if isinstance(name, str):
        escaped = name.replace('"', r"\"")
        parameter = f'filename="{escaped}"'
    else:
        parameter = f"filename*=utf-8''{quote(name[2], safe='')}"
    return f"Content-Disposition: attachment;\r\n {parameter}\r\n".encode("ascii")


def _leaf(content_type: str, encoded: Encoded, more: bytes = b"") -> Leaf:
    head = _part_head(content_type, encoded.encoding, more)
    return Leaf(head, encoded.data, raw=encoded.encoding in ("7bit", "8bit"))


@lru_cache(maxsize=64)
def _part_head(content_type: str, encoding: str, more: bytes) -> bytes:
    head = header_bytes("Content-Type", content_type) + _MIME_VERSION
    head += header_bytes("Content-Transfer-Encoding", encoding) + more
    check_header_block(head)
    return head
