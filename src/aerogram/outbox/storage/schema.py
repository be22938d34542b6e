"""The tables of the outbox, the same in SQLite and PostgreSQL.

Times are whole milliseconds since 1970 in UTC. ``planned`` is the time at which ``due`` or ``lease_until``
was computed, so that what a clock that was ahead has written is found and corrected (:mod:`claims`).
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TextClause,
    false,
    text,
)

__all__ = [
    "ENDED",
    "ENTRY_STATES",
    "IN_DOUBT",
    "QUEUED",
    "RECIPIENT_STATES",
    "SENDING",
    "VERSION",
    "attempt",
    "content",
    "entry",
    "key",
    "metadata",
    "recipient",
    "schema_version",
    "suppression",
    "transport",
    "upgrade",
]

VERSION: Final = 2
"""The version of these tables. It rises with every change that older code cannot work with."""

ENTRY_STATES: Final = ("queued", "sending", "done", "dead", "cancelled", "held")
RECIPIENT_STATES: Final = (
    "pending", "sent", "refused", "suppressed", "expired", "uncertain", "cancelled",
)  # fmt: skip

metadata: Final = MetaData()
"""All tables, for those who create them by their own migrations."""


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(map(repr, values))})")


entry: Final = Table(
    "aerogram_outbox_entry",
    metadata,
    Column("id", String(36), primary_key=True),  # UUID version 7: in the order of time
    Column("key", String(200)),
    Column("created", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("planned", BigInteger),  # null where the caller named the time
    Column("expires", BigInteger),
    Column("expires_from_now", Boolean, nullable=False, server_default=false()),  # not named by the caller
    Column("priority", Integer, nullable=False),
    Column("mailer", String(200), nullable=False),  # an alias; empty for OUTBOX_MAILER
    Column("sender", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("state", String(9), nullable=False, server_default="queued"),
    Column("phase", String(7)),
    Column("lease_owner", String(200)),
    Column("lease_token", Integer, nullable=False, server_default="0"),
    Column("lease_until", BigInteger),
    Column("claimed", BigInteger),
    Column("crashes", Integer, nullable=False, server_default="0"),
    Column("uncertain", Integer, nullable=False, server_default="0"),
    Column("finished", BigInteger),
    _one_of("state", ENTRY_STATES),
    CheckConstraint("phase IN ('claimed', 'data')"),
    CheckConstraint("(state = 'sending') = (phase IS NOT NULL)"),
    sqlite_with_rowid=False,
)

# Literally in the text of a statement: with a parameter in it, a partial index is not used.
QUEUED: Final = text("state = 'queued'")
SENDING: Final = text("state = 'sending'")
ENDED: Final = text("finished IS NOT NULL")
IN_DOUBT: Final = text("uncertain > 0")


def _partial(name: str, where: TextClause, *columns: Column[Any]) -> None:
    Index(f"aerogram_outbox_entry_{name}", *columns, sqlite_where=where, postgresql_where=where)


_partial("ready", QUEUED, entry.c.mailer, entry.c.priority, entry.c.due, entry.c.id)
_partial("planned", QUEUED, entry.c.planned)
_partial("oldest", QUEUED, entry.c.created, entry.c.due, entry.c.lease_token)
_partial("leases", SENDING, entry.c.lease_until)
_partial("doubt", IN_DOUBT, entry.c.uncertain)
_partial("ended", ENDED, entry.c.state, entry.c.finished)
content: Final = Table(
    "aerogram_outbox_content",
    metadata,
    Column("entry", ForeignKey(entry.c.id, ondelete="CASCADE"), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
"""The bytes of each mail, apart from its state, which is written more often."""

recipient: Final = Table(
    "aerogram_outbox_recipient",
    metadata,
    Column("entry", ForeignKey(entry.c.id, ondelete="CASCADE"), primary_key=True),
    Column("address", String(320), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("state", String(10), nullable=False, server_default="pending"),
    Column("due", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("code", Integer),
    Column("enhanced_code", String(20)),
    Column("text", Text, nullable=False, server_default=""),
    _one_of("state", RECIPIENT_STATES),
    sqlite_with_rowid=False,
)
"""The envelope, and what became of each recipient. Bcc recipients are nowhere else."""

attempt: Final = Table(
    "aerogram_outbox_attempt",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("entry", ForeignKey(entry.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("token", Integer, nullable=False),
    Column("address", String(320), nullable=False),
    Column("started", BigInteger),
    Column("ended", BigInteger, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("code", Integer),
    Column("enhanced_code", String(20)),
    Column("text", Text, nullable=False, server_default=""),
)
"""What happened, one row per attempt and recipient, in the order of ``id``; rows are only added."""

key: Final = Table(
    "aerogram_outbox_key",
    metadata,
    # In the order of bytes, so that an index finds what begins with some characters.
    Column("key", String(200).with_variant(String(200, collation="C"), "postgresql"), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("entry", String(36), nullable=False),  # stays when the entry is purged
    Column("created", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""The idempotency keys, and what was queued by them."""

suppression: Final = Table(
    "aerogram_outbox_suppression",
    metadata,
    Column("address", String(320), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger),
    sqlite_with_rowid=False,
)
"""The addresses that get no mail."""

transport: Final = Table(
    "aerogram_outbox_transport",
    metadata,
    Column("mailer", String(200), primary_key=True),
    Column("paused_until", BigInteger, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("tokens", Float),
    Column("refilled", BigInteger),
    sqlite_with_rowid=False,
)
"""What all workers share about a mailer: its pause, and the tokens of its rate limit."""

schema_version: Final = Table(
    "aerogram_outbox_schema",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
)


def upgrade(connection: Connection, found: int) -> None:
    """Bring tables of an older version up to date; the mail in them stays."""
    if found < 2:
        column = f"{entry.c.expires_from_now.name} BOOLEAN NOT NULL DEFAULT FALSE"
        connection.execute(text(f"ALTER TABLE {entry.name} ADD COLUMN {column}"))
        for index in entry.indexes:
            index.create(connection, checkfirst=True)
    connection.execute(schema_version.update().values(version=VERSION))
