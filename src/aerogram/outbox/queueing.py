"""Queueing: a message is built, checked, frozen as bytes, and committed as an entry.

What cannot be sent is refused here, to the caller. The bytes are those of every attempt. Only a DKIM
signature is put in front of them when they are sent: it would be too old in a mail that waits for days, and
its key may have changed.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.utils import formatdate
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Table, select

from aerogram.conf import settings
from aerogram.exceptions import KeyConflictError, OutboxUnavailable
from aerogram.mail.message.email_message import EmailMessage
from aerogram.mail.wire.serializer import write
from aerogram.outbox.storage import schema
from aerogram.outbox.storage.database import failures_named, now_of
from aerogram.outbox.storage.joining import joined, tell_committed
from aerogram.outbox.storage.prepared import insert_all, insertion, run

if TYPE_CHECKING:
    from aerogram.outbox.schedule import Schedule
    from aerogram.outbox.storage.database import Database

__all__ = ["Frozen", "freeze", "insert", "new_id", "queue"]

_DATE: Final = re.compile(rb"^Date:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", re.MULTILINE | re.IGNORECASE)
_MESSAGE_ID: Final = re.compile(
    rb"^Message-ID:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)\r\n", re.MULTILINE | re.IGNORECASE
)
_MULTIPART: Final = re.compile(
    rb"^Content-Type:\s*multipart/[^\r\n]*(?:\r\n[ \t][^\r\n]*)*", re.MULTILINE | re.IGNORECASE
)
_BOUNDARY: Final = re.compile(rb';\s*boundary=(?:"([^"\r\n]+)"|([^";\s]+))', re.IGNORECASE)
_ENCLOSING: Final = re.compile(
    rb"^Content-Type:\s*(?:message/|multipart/digest)", re.MULTILINE | re.IGNORECASE
)
_sequence: Final = count()


@dataclass(frozen=True, slots=True)
class Frozen:
    """A message as it will be sent: the bytes, and the envelope with the Bcc recipients.

    ``content`` is 7-bit, except where an address needs SMTPUTF8 (RFC 6531).
    """

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    message_id: str
    subject: str

    def digest(self) -> str:
        """Return a hash of everything that the recipients get, without Message-ID, Date and boundaries."""
        if _ENCLOSING.search(self.content):
            same = b"".join(b"%d:%s" % (len(each), each) for each in _same(message_from_bytes(self.content)))
        else:  # the same, in a tenth of the time
            header, blank, body = self.content.partition(b"\r\n\r\n")
            header = _MESSAGE_ID.sub(b"", _DATE.sub(b"", header + b"\r\n", count=1), count=1)
            same = header + blank + body
            for number, boundary in enumerate(dict.fromkeys(_boundaries(self.content))):
                same = same.replace(boundary, b"boundary %d" % number)
        envelope = "\n".join([self.sender, *sorted(self.recipients)])
        return hashlib.sha256(envelope.encode() + b"\n\n" + same).hexdigest()


def _same(part: Message, *, is_message: bool = True) -> Iterator[bytes]:
    """Yield the pieces of a part without its boundary, and of a whole message without Message-ID and Date."""
    boundary = part.get_boundary()
    for name, value in part.raw_items():
        if not (is_message and name.lower() in ("message-id", "date")):
            text = value.replace(boundary, "") if boundary and name.lower() == "content-type" else value
            yield f"{name}:{text}".encode("utf-8", "surrogateescape")
    inner: Any = part.get_payload()
    if not isinstance(inner, list):
        yield str(inner).encode("utf-8", "surrogateescape")
        return
    encloses = part.get_content_type() in ("message/rfc822", "message/global")
    yield b"%d parts" % len(inner)
    for each in inner:
        yield from _same(each, is_message=encloses)
    yield f"{part.preamble}{part.epilogue}".encode("utf-8", "surrogateescape")


def _boundaries(content: bytes) -> list[bytes]:
    """Return the boundaries of a message, without reading its parts."""
    fields = (field[0] for field in _MULTIPART.finditer(content))
    return [found[1] or found[2] for field in fields for found in _BOUNDARY.finditer(field)]


def freeze(message: Any, *, sent_at: float | None = None) -> Frozen | None:
    """Build a message, check it, and write it.

    Args:
        message: an EmailMessage, or any object with ``message()``, ``from_email`` and ``recipients()``.
        sent_at: seconds since 1970, for the Date header of a mail that is sent later.

    Returns:
        The frozen message; None if it has no recipients.

    Raises:
        MessageError: a header, address or attachment that cannot be sent.
    """
    if (written := write(message)) is None:
        return None
    envelope, content = written.envelope, written.head + written.body
    if sent_at is not None and _dates_itself(message):
        line = f"Date: {formatdate(sent_at, settings.EMAIL_USE_LOCALTIME)}\r\n".encode()
        content = _DATE.sub(line, content, count=1)
    subject = str(getattr(message, "subject", ""))[:200]
    return Frozen(
        envelope.mail_from, envelope.recipients, content, _message_id_of(content), _storable(subject)
    )


def _message_id_of(content: bytes) -> str:
    header = b"\r\n" + content[: content.find(b"\r\n\r\n") + 2]
    start = header.lower().find(b"\r\nmessage-id:") + 2  # in a fifth of the time of a search by the pattern
    found = _MESSAGE_ID.match(header, start) if start > 1 else None
    return _storable(found[1].decode("utf-8", "replace").strip()) if found else ""


def _storable(text: str) -> str:
    """Return a text that every database accepts, from any text of a foreign message."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", " ").encode("utf-8", "replace").decode()


def queue(db: Database, mails: Sequence[tuple[Frozen, Schedule]], session: Any = None) -> list[str]:
    """Commit mails together, or let them join the transaction of a caller.

    Args:
        db: the outbox; not used with a session, whose database has one of its own.
        mails: what to queue, and when it is due.
        session: an SQLAlchemy Session or Connection.

    Returns:
        The ids, in the same order. With a session they are entries once it is committed.

    Raises:
        KeyConflictError: another mail was queued by the key of one of them. None is queued.
        OutboxUnavailable: the database cannot be reached or written. None is queued, unless the connection
            broke during the commit and could not be made again.
        OutboxSchemaError: the tables are missing or of another version.
        ScheduleError: the session is none.
    """
    if session is not None:
        with joined(session) as (connection, announce):
            with failures_named("the outbox of the session"):
                ids = insert(connection, now_of(connection), mails, _execute)
            announce(ids)
        return ids
    ids = []
    try:
        with db.writing() as connection:
            ids = insert(connection, db.now(connection), mails, insert_all)
    except OutboxUnavailable:
        if not (ids and _are_committed(db, ids)):  # else only the answer to the commit was lost
            raise
    tell_committed(ids)
    return ids


def _are_committed(db: Database, ids: Sequence[str]) -> bool:
    with suppress(OutboxUnavailable), db.reading() as connection:
        return len(run(connection, _of_ids, set(ids))) == len(set(ids))
    return False


def _of_ids(ids: Sequence[Any]) -> Any:
    return select(schema.entry.c.id).where(schema.entry.c.id.in_(ids))


Insert = Callable[[Connection, Table, tuple[str, ...], Sequence[tuple[Any, ...]]], object]


def _execute(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows by SQLAlchemy: the driver, the events and the transaction may be the caller's."""
    connection.execute(table.insert(), [dict(zip(columns, row, strict=True)) for row in rows])


def insert(
    connection: Connection,
    now: int,
    mails: Sequence[tuple[Frozen, Schedule]],
    insert_rows: Insert = _execute,
) -> list[str]:
    """Insert mails in the transaction of a connection; errors as in :func:`queue`."""
    ids, first = [new_id() for _ in mails], dict[int, str]()
    keyed = [(schedule.key, number) for number, (_, schedule) in enumerate(mails) if schedule.key is not None]
    for key, number in sorted(keyed):  # all processes in this order: else two would wait for each other
        if (earlier := _id_by_key(connection, mails[number][0], key, ids[number], now)) is not None:
            first[number] = earlier
    entries: list[tuple[Any, ...]] = []
    contents: list[tuple[str, bytes]] = []
    recipients: list[tuple[str, str, int, int]] = []
    known: Schedule | None = None
    for number, (mail, schedule) in enumerate(mails):
        entry_id = ids[number]
        if number in first:
            ids[number] = first[number]
            continue
        if schedule is not known:  # of most groups, all mails have the same
            known = schedule
            due, expires = schedule.times(now)
            planned = now if schedule.at is None else None
            times = now, due, planned, expires, schedule.expires_from_now
            common = *times, schedule.key, schedule.priority, schedule.mailer or ""
        content = mail.content
        entries.append((entry_id, *common, mail.sender, mail.message_id, mail.subject, len(content)))
        contents.append((entry_id, content))
        for position, address in enumerate(mail.recipients):
            recipients.append((entry_id, address, position, due))
    if entries:
        insert_rows(connection, schema.entry, _ENTRY, entries)
        insert_rows(connection, schema.content, ("entry", "content"), contents)
        insert_rows(connection, schema.recipient, ("entry", "address", "position", "due"), recipients)
    return ids


_ENTRY: Final = (
    "id", "created", "due", "planned", "expires", "expires_from_now", "key", "priority", "mailer", "sender",
    "message_id", "subject", "size",
)  # fmt: skip


def new_id() -> str:
    """Return a UUID of version 7, so that ids sort by time (RFC 9562 section 5.7)."""
    stamp, sequence = int(time.time() * 1000) & (1 << 48) - 1, next(_sequence) & 0xFFF
    random = int.from_bytes(os.urandom(8), "big") >> 2
    digits = f"{stamp << 80 | 7 << 76 | sequence << 64 | 2 << 62 | random:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _id_by_key(connection: Connection, mail: Frozen, key: str, entry_id: str, now: int) -> str | None:
    """Take a key for a new entry, or return the id of the entry that has it: the database decides."""
    digest = mail.digest()
    values = {"key": key, "digest": digest, "entry": entry_id, "created": now}
    adding = insertion(connection, schema.key).values(values).on_conflict_do_nothing()
    if connection.execute(adding.execution_options(preserve_rowcount=True)).rowcount:
        return None
    query = select(schema.key.c.digest, schema.key.c.entry, schema.entry.c.subject)
    joined = query.outerjoin(schema.entry, schema.entry.c.id == schema.key.c.entry)
    first = connection.execute(joined.where(schema.key.c.key == key)).one()
    if first.digest == digest:
        return str(first.entry)
    raise KeyConflictError(
        f"The key {key!r} was used for another mail: entry {first.entry} ({first.subject or 'purged'!r}). "
        f"This mail ({mail.subject!r}) has other content and was not queued. Give each mail its own key."
    )


def _dates_itself(message: Any) -> bool:
    """Return whether the Date of a message is the time of writing, and not given by the caller."""
    return getattr(type(message), "message", None) is EmailMessage.message and not any(
        str(name).lower() == "date" for name in message.extra_headers
    )
