"""Statements that run for every mail: compiled once, and executed by the driver's own cursor.

SQLAlchemy takes about 60 microseconds for each execution of a statement, which is as long as SQLite takes for
the work of five. Everything else is executed by SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, Dialect, Table, bindparam
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.exc import DBAPIError

__all__ = ["fetch", "insert_all", "insertion", "run", "run_all"]

_SIZES: Final = (1, 4, 16, 64, 256)
_INSERTED: Final = (64, 16, 4, 1)  # 64 rows of 13 columns: SQLite may be built for 999 parameters
_NAMES: Final = [f"id{i}" for i in range(_SIZES[-1])]


def insert_all(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows into a table, each with values of these columns; up to 64 in one statement."""
    mark, start = "?" if connection.dialect.paramstyle == "qmark" else "%s", 0
    for size in _INSERTED:
        while len(rows) - start >= size:
            values = list(chain.from_iterable(rows[start : start + size]))
            execute(connection, _insertion(table.name, columns, mark, size), values)
            start += size


def run_all(connection: Connection, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Execute a statement for each row of parameters."""
    if rows:
        sql, arguments = _compiled(statement, connection.dialect)
        execute(connection, sql, [arguments(row) for row in rows], many=True)


def fetch(connection: Connection, query: Any, **values: Any) -> list[Any]:
    """Return the rows of a query with these parameters."""
    sql, arguments = _compiled(query, connection.dialect)
    return execute(connection, sql, arguments(values))


def run(
    connection: Connection, query: Callable[[Sequence[Any]], Any], ids: Iterable[str], **more: Any
) -> list[Any]:
    """Execute a statement about some entries; return the rows of a query.

    Args:
        connection: the connection.
        query: a function of a module that makes the statement from the parameters for the ids.
        ids: the ids.
        more: the values of other parameters.
    """
    rows, given = list[Any](), list(ids)
    for start in range(0, len(given), _SIZES[-1]):
        some = given[start : start + _SIZES[-1]]
        size = next(size for size in _SIZES if size >= len(some))
        some += some[-1:] * (size - len(some))
        sql, arguments = _compiled(_sized(query, size), connection.dialect)
        rows += execute(connection, sql, arguments({**dict(zip(_NAMES, some, strict=False)), **more}))
    return rows


def execute(connection: Connection, sql: str, parameters: Any, *, many: bool = False) -> list[Any]:
    """Execute a statement by the driver; return the rows of a query."""
    cursor: Any = connection.connection.cursor()
    try:
        cursor.executemany(sql, parameters) if many else cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []
    except connection.dialect.loaded_dbapi.Error as error:
        raise DBAPIError.instance(sql, None, error, connection.dialect.loaded_dbapi.Error) from error
    finally:
        cursor.close()


def insertion(connection: Connection, table: Table) -> Any:
    """Return an INSERT in the dialect of the database, which has ``ON CONFLICT``."""
    insert_of = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
    return insert_of(table)


@lru_cache(maxsize=16)
def _insertion(table: str, columns: tuple[str, ...], mark: str, rows: int) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join([f"({', '.join([mark] * len(columns))})"] * rows)
    return f"INSERT INTO {table} ({names}) VALUES {values}"  # noqa: S608 - names of the schema


@lru_cache(maxsize=64)
def _sized(query: Callable[[Sequence[Any]], Any], size: int) -> Any:
    return query([bindparam(name) for name in _NAMES[:size]])


@lru_cache(maxsize=128)
def _compiled(statement: Any, dialect: Dialect) -> tuple[str, Callable[[Mapping[str, Any]], Any]]:
    """Return the text of a statement, and a function that returns its parameters from a row of them."""
    compiled = statement.compile(dialect=dialect)
    constants = {name: each.value for name, each in compiled.binds.items() if not each.required}
    names = compiled.positiontup
    if names is None:
        return str(compiled), lambda row: {**constants, **row}
    values = itemgetter(*names)
    if len(names) == 1:
        return str(compiled), lambda row: (values(row),)
    return str(compiled), (lambda row: values({**constants, **row})) if constants else values
