"""The suppression list: addresses that a server refused permanently, and those that people add."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select

from aerogram.exceptions import InvalidAddress
from aerogram.mail.address.entries import MailboxLike, plain_entry
from aerogram.mail.address.parser import parse_mailbox
from aerogram.mail.characters import clean_text
from aerogram.outbox.schedule import check_limit, datetime_of, moment_of, refused
from aerogram.outbox.storage.database import current_database
from aerogram.outbox.storage.prepared import insertion, run
from aerogram.outbox.storage.schema import suppression

__all__ = ["Suppression", "add", "list_suppressions", "suppress", "suppressed_of", "unsuppress"]


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address to which the outbox sends no mail.

    Attributes:
        address: the address in lower case.
        reason: the reason.
        created: when the address was added.
        expires: when the suppression ends; ``None`` for never.
    """

    address: str
    reason: str
    created: datetime
    expires: datetime | None


def add(
    connection: Connection, addresses: Iterable[str], reason: str, now: int, expires: int | None = None
) -> None:
    """Add addresses to the list, replacing their existing entries."""
    for address in sorted({each.lower() for each in addresses}):  # all workers in the same order
        values = {"reason": reason, "created": now, "expires": expires}
        adding = insertion(connection, suppression).values(address=address, **values)
        connection.execute(adding.on_conflict_do_update(index_elements=["address"], set_=values))


def suppressed_of(connection: Connection, addresses: Iterable[str], now: int) -> set[str]:
    """Return which of some addresses are suppressed."""
    lowered: dict[str, set[str]] = {}
    for each in addresses:
        lowered.setdefault(each.lower(), set()).add(each)
    return {given for (address,) in run(connection, _listed, lowered, now=now) for given in lowered[address]}


def _listed(addresses: Sequence[Any]) -> Any:
    return select(suppression.c.address).where(
        suppression.c.address.in_(addresses), _in_force(bindparam("now"))
    )


def suppress(address: MailboxLike, reason: str = "", expires: datetime | None = None) -> None:
    """Add an address to the suppression list; the outbox sends no more mail to it.

    Args:
        address: a mailbox in any form; case is ignored.
        reason: the reason, shown in the list.
        expires: when the suppression ends; never if it is None.

    Raises:
        ScheduleError: an argument is not accepted; the text names it.
    """
    bare = _bare(address)
    if "@" not in bare:
        raise refused("address", address, "a mail address with its domain, such as bob@example.com")
    if not isinstance(reason, str):
        raise refused("reason", reason, "a string")
    until = None if expires is None else moment_of("expires", expires)
    db = current_database()
    with db.writing() as connection:
        add(connection, [bare], clean_text(reason), db.now(connection), until)


def unsuppress(address: MailboxLike) -> bool:
    """Remove an address from the suppression list.

    Args:
        address: a mailbox in any form; case is ignored.

    Returns:
        Whether the address was on the list.

    Raises:
        ScheduleError: the address is invalid.
    """
    listed = suppression.c.address == _bare(address).lower()
    with current_database().writing() as connection:
        return bool(connection.execute(suppression.delete().where(listed)).rowcount)


def _bare(address: MailboxLike) -> str:
    try:
        return parse_mailbox(plain_entry(address), utf8=True).addr_spec
    except InvalidAddress:
        raise refused("address", address, "a mail address") from None


def list_suppressions(limit: int = 1000) -> list[Suppression]:
    """Return the suppressed addresses, newest first.

    Args:
        limit: the maximum number to return.

    Raises:
        ScheduleError: the limit is not a whole number, or is below 0.
    """
    check_limit(limit)
    db = current_database()
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
