"""A message as the bytes that are sent.

Most messages are written straight from their attributes, and the content that several of them share is
encoded once. A message that overrides ``message()`` or a step of it is written from what ``message()``
returns. Both ways give the same mail.
"""

from __future__ import annotations

from email.message import Message
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

from aerogram.conf import settings
from aerogram.exceptions import InvalidAddress
from aerogram.mail.address.envelope import Addresses, Envelope, addresses_of, envelope_of
from aerogram.mail.message.attachments import (
    EmailAlternative,
    EmailAttachment,
    as_utf8,
    check_alternative_type,
    check_subtype,
    settle_contents,
    text_of,
)
from aerogram.mail.message.email_message import EmailMessage, EmailMultiAlternatives, read_envelope
from aerogram.mail.message.inline_parts import split_attachments
from aerogram.mail.message.safemime import SafeMIMEText
from aerogram.mail.wire.header_block import header_block
from aerogram.mail.wire.mime_tree import node_of
from aerogram.mail.wire.parts import Leaf, Multipart, Node, assemble
from aerogram.mail.wire.pieces import TemplatedAlternative
from aerogram.mail.wire.recent_parts import RecentParts
from aerogram.mail.wire.transfer_encoding import encode_text, to_base64

_STEPS = (
    "message",
    "_create_message",
    "_create_attachments",
    "_create_alternatives",
    "_create_mime_attachment",
    "_create_attachment",
)
_steps_of = attrgetter(*_STEPS)
# Taken at import, so that a step which is replaced later counts as replaced.
_PLAIN_STEPS = (_steps_of(EmailMessage), _steps_of(EmailMultiAlternatives))

_CONSTANTS = frozenset({str, bytes, type(None)})

# Messages of a batch share the whole content, or at least the attachments.
_contents: RecentParts[bytes] = RecentParts()
_files: RecentParts[Node] = RecentParts()


class Written(NamedTuple):
    """A message as it is sent: its envelope, its bytes in two pieces, and whether they need SMTPUTF8."""

    envelope: Envelope
    head: bytes
    body: bytes
    utf8: bool


def write(message: Any, *, eight_bit: bool = False) -> Written | None:
    """Read the envelope of a message and write it like :func:`to_pieces`; None if it has no recipients.

    Where an address is beyond ASCII, both are written for a server that offers SMTPUTF8 and 8BITMIME.
    """
    addresses = None
    if not isinstance(message, EmailMessage):
        envelope = envelope_of(message, utf8=True)
    elif message.frozen is None:
        addresses, envelope = read_envelope(message, utf8=True)
    else:  # its addresses were checked when it was queued
        envelope = Envelope(message.return_path or "", tuple(message.recipients()))
    if not envelope.recipients:
        return None
    if not envelope.needs_smtputf8:
        try:
            return Written(envelope, *to_pieces(message, eight_bit=eight_bit, addresses=addresses), False)
        except InvalidAddress:
            pass  # perhaps only the header, a Reply-To, has an address beyond ASCII
    return Written(envelope, *to_pieces(message, eight_bit=True, utf8=True, addresses=addresses), True)


def to_bytes(message: Any, *, eight_bit: bool = False, utf8: bool = False) -> bytes:
    """Write the whole message as it is sent, in lines ended by CRLF, before dot-stuffing.

    ``message`` may be anything whose ``message()`` returns a MIME tree. ``eight_bit`` leaves UTF-8 text as it
    is, for a server that offers 8BITMIME (RFC 6152); ``utf8`` allows addresses beyond ASCII, for one that
    offers SMTPUTF8 (RFC 6531). What cannot be written raises BadHeaderError, InvalidAddress or MessageError.

    >>> mail = EmailMessage("Hello", "Good morning.", "me@example.com", ["you@example.com"])
    >>> to_bytes(mail).splitlines()[0]
    b'Subject: Hello'
    """
    return b"".join(to_pieces(message, eight_bit=eight_bit, utf8=utf8))


def to_pieces(
    message: Any, *, eight_bit: bool = False, utf8: bool = False, addresses: Addresses | None = None
) -> tuple[bytes, bytes]:
    """Write the message like :func:`to_bytes`, in two pieces; ``addresses`` are those that are read already.

    The first holds the message's own header fields, the second is the same object for all messages with that
    content; it is empty if the message is written from what ``message()`` returns.
    """
    if (frozen := getattr(message, "frozen", None)) is not None:
        if not (utf8 or frozen.partition(b"\r\n\r\n")[0].isascii()):
            raise InvalidAddress("An address in the header is not ASCII.")  # SMTPUTF8 allows it
        return frozen, b""
    now = settings.snapshot()
    if not _is_plain(message, now["DEFAULT_CHARSET"]):
        return assemble(node_of(message.message(), eight_bit=eight_bit)), b""
    addresses = addresses or addresses_of(message, utf8=utf8)
    head = header_block(message, addresses, utf8=utf8, local_time=now["EMAIL_USE_LOCALTIME"])
    return head, _content(message, eight_bit)


def _is_plain(message: Any, default_charset: str) -> bool:
    """Return whether the attributes say all: no step of ``message()`` is replaced, and text is in UTF-8."""
    if not isinstance(message, EmailMessage):
        return False
    charset = message.encoding or default_charset
    return (
        isinstance(charset, str)
        and charset.lower() == "utf-8"
        and _steps_of(type(message)) in _PLAIN_STEPS
        and message.__dict__.keys().isdisjoint(_STEPS)
    )


def _content(message: EmailMessage, eight_bit: bool) -> bytes:
    """Write the content and its own header lines, once for all messages that share it."""
    try:
        values = _constants(message)
    except TypeError:  # reading the attributes one by one says what is wrong
        values = None
    if values is None:
        return assemble(_node(message, eight_bit))
    # The types come first, so that no bytes are compared with a text.
    types, attached = tuple(map(type, values)), len(message.attachments or ())
    key = (types, attached, eight_bit, *values)
    return _contents.get(key) or _contents.add(
        key, assemble(_node(message, eight_bit)), sum(map(len, filter(None, values)))
    )


def _constants(message: EmailMessage) -> list[str | bytes | None] | None:
    """Return all that the content is made of, or None where some of it may change, as a lazy text."""
    values: list[Any] = [message.body, message.content_subtype, message.mixed_subtype]
    if isinstance(message, EmailMultiAlternatives) and message.alternatives:
        values.append(message.alternative_subtype)
        for alternative in message.alternatives:
            if type(alternative) is not EmailAlternative:  # one of a template: no two are the same
                return None
            values += alternative
    if message.attachments:
        if any(type(attachment) is not EmailAttachment for attachment in message.attachments):
            return None
        values += chain.from_iterable(message.attachments)
    return values if _CONSTANTS.issuperset(map(type, values)) else None


def _node(message: EmailMessage, eight_bit: bool) -> Node:
    settle_contents(message)
    body = text_of(message.body)
    node: Node = _text(*encode_text(as_utf8(body), eight_bit=eight_bit), message.content_subtype)
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
    return Multipart(b"multipart/" + check_subtype(subtype).encode(), _MIME_VERSION, parts)


def _text(encoding: str, data: bytes, subtype: str) -> Leaf:
    head = _text_head(encoding, subtype if type(subtype) is str else check_subtype(subtype))
    return Leaf(head, data, encoding in ("7bit", "8bit"))


@lru_cache(maxsize=64)
def _text_head(encoding: str, subtype: str) -> bytes:
    kind = f'Content-Type: text/{check_subtype(subtype)}; charset="utf-8"\r\n'
    return f"{kind}MIME-Version: 1.0\r\nContent-Transfer-Encoding: {encoding}\r\n".encode("ascii")


def _alternative(message: EmailMessage, alternative: EmailAlternative, eight_bit: bool) -> Node:
    content, mimetype = alternative
    if type(alternative) is TemplatedAlternative and not (eight_bit or str(content).isascii()):
        written = alternative.quoted_printable()
        if written is not None:
            return _text("quoted-printable", written, mimetype.partition("/")[2])
    main, _, subtype = check_alternative_type(mimetype).partition("/")
    if main.lower() != "text" or ";" in subtype:
        return node_of(message._create_mime_attachment(content, mimetype), eight_bit=eight_bit)
    return _text(*encode_text(as_utf8(text_of(content)), eight_bit=eight_bit), subtype)


def _attachment(message: EmailMessage, attachment: Any, eight_bit: bool) -> Node:
    if isinstance(attachment, Message):
        return node_of(attachment, eight_bit=eight_bit)
    if len(attachment) != 3:
        return node_of(message._create_attachment(*attachment), eight_bit=eight_bit)
    if not _CONSTANTS.issuperset(map(type, attachment)):
        return _file(message, attachment, eight_bit)
    key = (tuple(map(type, attachment)), eight_bit, *attachment)
    return _files.get(key) or _files.add(key, _file(message, attachment, eight_bit), len(attachment[1] or ""))


def _file(message: EmailMessage, attachment: EmailAttachment, eight_bit: bool) -> Node:
    filename, content, mimetype = attachment
    if isinstance(content, bytes) and not (mimetype or "").lower().startswith(("text/", "message/")):
        # The standard library takes four times as long to encode the content.
        node = node_of(message._create_attachment(filename, b"", mimetype))
        if isinstance(node, Leaf):
            return node._replace(body=to_base64(content))
    part = message._create_attachment(*attachment)
    if isinstance(part, SafeMIMEText) and part["Content-Transfer-Encoding"] == "quoted-printable":
        # For a long line. The standard library has rewritten the line ends; a file keeps its own.
        part.replace_header("Content-Transfer-Encoding", "base64")
        Message.set_payload(part, to_base64(as_utf8(text_of(content))).decode())
    return node_of(part, eight_bit=eight_bit)
