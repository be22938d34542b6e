"""The transaction of a caller, which a mail joins: rolled back means never sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from weakref import WeakSet

from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session, SessionTransaction, scoped_session

from aerogram.exceptions import ScheduleError
from aerogram.outbox.storage.database import check_tables, failures_named
from aerogram.outbox.storage.schema import entry

__all__ = ["committed", "joined", "tell_committed"]

committed: Final[list[Callable[[Sequence[str]], object]]] = []
"""Functions that are called with the ids of new entries as soon as they are committed."""

_checked: Final[WeakSet[Engine]] = WeakSet()
_KEY: Final = "aerogram_outbox"


@contextmanager
def joined(session: Any) -> Iterator[tuple[Connection, Callable[[Sequence[str]], None]]]:
    """Give the connection of a session, and the function to call with the ids that were inserted.

    Raises:
        ScheduleError: it is neither a Session nor a Connection.
        OutboxSchemaError: its database has no outbox.
    """
    if isinstance(session, scoped_session):
        session = session()
    if not isinstance(session, Session | Connection):
        raise ScheduleError(_refusal(session))
    with failures_named("the outbox of the session"):
        connection = session if isinstance(session, Connection) else session.connection({"clause": entry})
        if connection.engine not in _checked:
            check_tables(connection)
            _checked.add(connection.engine)
    yield (
        connection,
        (lambda ids: _announce(session, ids)) if isinstance(session, Session) else _wait_for_poll,
    )


def tell_committed(ids: Sequence[str]) -> None:
    """Call the functions of :data:`committed`."""
    for listener in committed:
        listener(ids)


def _announce(session: Session, ids: Sequence[str]) -> None:
    """Call the listeners when the session has committed the entries; a released savepoint is no commit."""
    if _KEY not in session.info:
        session.info[_KEY] = []
        event.listen(session, "after_commit", _committed)
        event.listen(session, "after_soft_rollback", _rolled_back)
    session.info[_KEY].append((session.get_nested_transaction() or session.get_transaction(), ids))


def _wait_for_poll(_ids: Sequence[str]) -> None:
    """Leave the entries of a Connection, which reports no commit, to the next poll of a worker."""


def _committed(session: Session) -> None:
    if session.in_nested_transaction():
        return
    added, session.info[_KEY] = session.info[_KEY], []
    outermost = session.get_transaction()
    if ids := [each for transaction, some in added if _is_within(transaction, outermost) for each in some]:
        tell_committed(ids)


def _rolled_back(session: Session, ended: SessionTransaction) -> None:
    session.info[_KEY] = [each for each in session.info[_KEY] if not _is_within(each[0], ended)]


def _is_within(transaction: SessionTransaction | None, other: SessionTransaction | None) -> bool:
    """Return whether one transaction is another, or a savepoint in it."""
    while transaction is not None and transaction is not other:
        transaction = transaction.parent
    return transaction is not None


def _refusal(session: object) -> str:
    kind = type(session).__name__
    if kind.startswith("Async") or kind == "async_scoped_session":
        return (
            f"session is an {kind}, whose transaction a synchronous call cannot join. "
            "Write: await session.run_sync(lambda sync: mail.send_later(session=sync))"
        )
    return f"session is a value of type {kind}. Accepted: an SQLAlchemy Session or Connection."
