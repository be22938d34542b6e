"""The addresses that get no mail: those whose server refused them for good, and those that people add."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, or_, select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from aerogram.outbox.schedule import check_limit, datetime_of
from aerogram.outbox.storage.prepared import run
from aerogram.outbox.storage.schema import suppression

if TYPE_CHECKING:
    from aerogram.outbox.storage.database import Database

__all__ = ["Suppression", "list_suppressions", "suppress", "suppressed_of", "unsuppress"]


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address that gets no mail.

    Attributes:
        address: in lower case.
        reason: why.
        created: since when.
        expires: until when; ``None`` for ever.
    """

    address: str
    reason: str
    created: datetime
    expires: datetime | None


def suppress(
    connection: Connection, addresses: Iterable[str], reason: str, now: int, expires: int | None = None
) -> None:
    """Put addresses on the list; what the list says of them already is replaced."""
    insert_of = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
    for address in sorted({each.lower() for each in addresses}):  # all workers in the same order
        values = {"reason": reason, "created": now, "expires": expires}
        adding = insert_of(suppression).values(address=address, **values)
        connection.execute(adding.on_conflict_do_update(index_elements=["address"], set_=values))


def unsuppress(connection: Connection, address: str) -> bool:
    """Take an address from the list; return whether it was there."""
    gone = connection.execute(suppression.delete().where(suppression.c.address == address.lower()))
    return bool(gone.rowcount)


def suppressed_of(connection: Connection, addresses: Iterable[str], now: int) -> set[str]:
    """Return those of some addresses that get no mail."""
    lowered: dict[str, set[str]] = {}
    for each in addresses:
        lowered.setdefault(each.lower(), set()).add(each)
    return {given for (address,) in run(connection, _listed, lowered, now=now) for given in lowered[address]}


def _listed(addresses: Sequence[Any]) -> Any:
    return select(suppression.c.address).where(
        suppression.c.address.in_(addresses), _in_force(bindparam("now"))
    )


def list_suppressions(db: Database, limit: int = 1000) -> list[Suppression]:
    """Return the list, the newest first."""
    check_limit(limit)
    with db.reading() as connection:
        query = select(suppression).where(_in_force(db.now(connection)))
        rows = connection.execute(query.order_by(suppression.c.created.desc()).limit(limit)).all()
    return [
        Suppression(
            row.address, row.reason, datetime_of(row.created), row.expires and datetime_of(row.expires)
        )
        for row in rows
    ]


def _in_force(now: Any) -> Any:
    return or_(suppression.c.expires.is_(None), suppression.c.expires > now)
