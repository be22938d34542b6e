"""The addresses that get no mail: those whose server refused them for good, and those that people add."""

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


def add(
    connection: Connection, addresses: Iterable[str], reason: str, now: int, expires: int | None = None
) -> None:
    """Put addresses on the list; what the list says of them already is replaced."""
    for address in sorted({each.lower() for each in addresses}):  # all workers in the same order
        values = {"reason": reason, "created": now, "expires": expires}
        adding = insertion(connection, suppression).values(address=address, **values)
        connection.execute(adding.on_conflict_do_update(index_elements=["address"], set_=values))


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


def suppress(address: MailboxLike, reason: str = "", expires: datetime | None = None) -> None:
    """Send an address no mail of the outbox any more.

    Args:
        address: a mailbox in any form; upper and lower case are the same.
        reason: for the list.
        expires: until when; for ever if it is None.

    Raises:
        ScheduleError: one of them is not accepted; the text names it.
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
    """Send mail to an address again.

    Args:
        address: a mailbox in any form; upper and lower case are the same.

    Returns:
        Whether it was on the list.

    Raises:
        ScheduleError: it is no address.
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
    """Return the addresses that get no mail, the newest first.

    Args:
        limit: at most so many.

    Raises:
        ScheduleError: the limit is no whole number, or below 0.
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
