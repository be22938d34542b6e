"""The header of a message as bytes; what a batch has in common is written once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from aerogram.mail.header.fields import Common, Field, common_fields, header_text, new_date, new_message_id
from aerogram.mail.header.writing import address_bytes, header_bytes
from aerogram.mail.wire.parts import check_header_block
from aerogram.mail.wire.recent_parts import RecentParts

if TYPE_CHECKING:
    from aerogram.mail.address.envelope import Addresses
    from aerogram.mail.message.email_message import EmailMessage

_TEXTS = frozenset({str})
_common_parts: RecentParts[Common[bytes]] = RecentParts()


def header_block(
    message: EmailMessage, addresses: Addresses, *, utf8: bool = False, local_time: bool = False
) -> bytes:
    """Write the message's own header fields, those of its content excepted.

    ``addresses`` are those of the message, ``utf8`` allows them to be beyond ASCII (RFC 6531), and
    ``local_time`` dates the message in the local time zone instead of UTC.
    """
    common = _common(message, addresses, utf8)
    given = common.given
    lines = [_subject_line(header_text("Subject", message.subject)), common.before_to]
    if addresses.to.mailboxes and "to" not in given:
        lines.append(address_bytes("To", addresses.to.mailboxes, utf8=utf8))
    lines.append(common.after_to)
    date = "" if "date" in given else f"Date: {new_date(local_time)}\r\n"
    message_id = "" if "message-id" in given else f"Message-ID: {new_message_id(common.domain)}\r\n"
    lines += (f"{date}{message_id}".encode("ascii"), common.further)
    return b"".join(lines)


@lru_cache(maxsize=64)
def _subject_line(subject: str) -> bytes:
    return header_bytes("Subject", subject)


def _common(message: EmailMessage, addresses: Addresses, utf8: bool) -> Common[bytes]:
    extra, cc, reply_to = message.extra_headers, message.cc or (), message.reply_to or ()
    try:
        texts = (message.from_email, *cc, *reply_to, *extra, *extra.values())
    except (AttributeError, TypeError):
        return _written(message, addresses, utf8)  # which says what is wrong
    if not _TEXTS.issuperset(map(type, texts)):
        return _written(message, addresses, utf8)  # a lazy text may read differently the next time
    key = (texts, len(cc), len(reply_to), utf8)
    return _common_parts.get(key) or _common_parts.add(
        key, _written(message, addresses, utf8), sum(map(len, texts))
    )


def _written(message: EmailMessage, addresses: Addresses, utf8: bool) -> Common[bytes]:
    fields = common_fields(message.extra_headers, addresses)
    return Common(
        _lines(fields.before_to, utf8),
        _lines(fields.after_to, utf8),
        _lines(fields.further, utf8),
        fields.given,
        fields.domain,
    )


def _lines(fields: list[Field], utf8: bool) -> bytes:
    block = b""
    for name, value, mailboxes in fields:
        if mailboxes is None:
            block += header_bytes(name, value, utf8=utf8)
        else:
            block += address_bytes(name, mailboxes, utf8=utf8)
    if block:
        check_header_block(block)
    return block
