"""The header of a message as bytes; what a batch has in common is written once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from aerogram.mail.address.parser import is_bare
from aerogram.mail.header.fields import Field, address_field, date_line, message_id_line, shared_fields
from aerogram.mail.header.writing import address_header_bytes, header_bytes
from aerogram.mail.wire.parts import check_header_block

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aerogram.mail.message.email_message import EmailMessage

__all__ = ["header_block"]


class _Shared(NamedTuple):
    head: bytes
    middle: bytes
    tail: bytes
    given: frozenset[str]
    domain: bytes


_ENTRIES = 64  # batches that may run side by side
_LIMIT = 16_384  # octets of a header worth keeping
_TEXTS = frozenset({str})
_cache: dict[object, _Shared] = {}  # each step on it is atomic, so threads need no lock


def header_block(message: EmailMessage, *, utf8: bool = False, local_time: bool = False) -> list[bytes]:
    """Write the message's own header fields, those of its content excepted, as pieces to be joined.

    Args:
        message: left as it is.
        utf8: allow addresses beyond ASCII (RFC 6531).
        local_time: date it in the local time zone instead of UTC.

    Raises:
        BadHeaderError: a name or value that would break or forge the message.
        InvalidAddress: a sender or recipient that is not exactly one mailbox.
    """
    shared = _shared(message, utf8)
    given = shared.given
    return [
        _subject_line(str(message.subject), utf8),
        shared.head,
        b"" if "to" in given else _to_line(message.to, utf8),
        shared.middle,
        b"" if "date" in given else date_line(local_time),
        b"" if "message-id" in given else message_id_line(shared.domain),
        shared.tail,
    ]


def _to_line(to: list[Any] | None, utf8: bool) -> bytes:
    if to and len(to) == 1 and type(text := to[0]) is str and len(text) < 70 and is_bare(text):
        return f"To: {text}\r\n".encode("ascii")  # as in most batches
    _, _, mailboxes = address_field("To", to, utf8=utf8)
    if not mailboxes:
        return b""
    line = address_header_bytes("To", mailboxes, utf8=utf8)
    check_header_block(line)
    return line


@lru_cache(maxsize=256)
def _subject_line(subject: str, utf8: bool) -> bytes:
    line = header_bytes("Subject", subject, utf8=utf8)
    check_header_block(line)
    return line


def _shared(message: EmailMessage, utf8: bool) -> _Shared:
    extra, cc, reply_to = message.extra_headers, message.cc or (), message.reply_to or ()
    texts = (message.from_email, *cc, *reply_to, *extra, *extra.values())
    if not _TEXTS.issuperset(map(type, texts)):
        return _written(message, utf8)  # a lazy text may read differently the next time
    key = (texts, len(cc), len(reply_to), utf8)
    written = _cache.get(key)
    if written is None:
        written = _written(message, utf8)
        if len(_cache) >= _ENTRIES:
            _cache.clear()  # cheaper than an order, and the batches that go on are back at once
        if len(written.head) + len(written.middle) + len(written.tail) <= _LIMIT:
            _cache[key] = written
    return written


def _written(message: EmailMessage, utf8: bool) -> _Shared:
    fields = shared_fields(message, utf8=utf8)
    head, middle, tail = (_lines(block, utf8) for block in (fields.head, fields.middle, fields.tail))
    return _Shared(head, middle, tail, fields.given, fields.domain)


def _lines(fields: Iterable[Field], utf8: bool) -> bytes:
    block = b"".join([header_bytes(name, value, utf8=utf8) for name, value, _ in fields])
    if block:
        check_header_block(block)
    return block
