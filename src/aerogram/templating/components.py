"""The checks of the arguments of the built-in components."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from jinja2 import TemplateRuntimeError
from jinja2.runtime import Undefined

from aerogram.exceptions import UnprintableError

__all__ = ["COMPONENTS", "body", "pairs", "table"]

COMPONENTS = "aerogram/components.html"
"""The template of the components."""

_PAIRS = {
    "buttons": '[("Accept", url), ("Decline", other_url)]',
    "details": '[("Order", order.number), ("Placed", order.date)]',
    "totals": '[("Total", total)]',
}


def pairs(component: str, argument: str, value: Any) -> list[list[Any]]:
    """Return pairs of a label and a value."""
    example = _PAIRS.get(argument) or _PAIRS[component]
    accepted = f"Accepted: a list of pairs of a label and a value, such as {example}."
    found = _listed(component, argument, value, accepted)
    for number, each in enumerate(found, 1):
        pair = [] if _is_single(each) else list(each)
        if len(pair) != 2:
            given = f"is {_kind(each)}" if _is_single(each) else f"has {_counted(len(pair), 'value')}"
            hint = " Put a single pair into a list, too." if len(found) == 2 and _is_single(found[0]) else ""
            _refuse(f"{component}(): item {number} of {argument} {given}. {accepted}{hint}")
        for part, value in zip(("label", "value"), pair, strict=True):
            name = f" ({str(pair[0])!r})" if part == "value" else ""
            _check_cell(value, f"{component}(): the {part} of item {number} of {argument}{name}")
        found[number - 1] = pair
    return found


def table(
    columns: Any, rows: Any, numeric: Any, totals: Any
) -> tuple[list[Any], list[list[Any]], set[Any], list[list[Any]]]:
    """Return the arguments of a table, whose rows have as many cells as there are columns."""
    headings = _listed(
        "table", "columns", columns, 'Accepted: a list of headings, such as ["Item", "Price"].'
    )
    for number, heading in enumerate(headings, 1):
        _check_cell(heading, f"table(): the heading of column {number}")
    accepted = 'Accepted: a list of rows, each a list of cells, such as [("Tea", "€4"), ("Milk", "€1")].'
    cells = _listed("table", "rows", rows, accepted)
    for number, row in enumerate(cells, 1):
        if _is_single(row):
            _refuse(f"table(): row {number} is {_kind(row)}. {accepted}")
        cells[number - 1] = list(row)
        if headings and len(cells[number - 1]) != len(headings):
            _refuse(
                f"table(): row {number} has {_counted(len(cells[number - 1]), 'cell')}, but the table has "
                f'{_counted(len(headings), "column")}. Give a cell for every column, "" for an empty one.'
            )
        for column, cell in enumerate(cells[number - 1], 1):
            heading = f" ({str(headings[column - 1])!r})" if headings else ""
            _check_cell(cell, f"table(): row {number}, column {column}{heading}")
    accepted = "Accepted: a list of the columns that are numbers, counted from 0, such as [1, 2]."
    places = _listed("table", "numeric", numeric, accepted)
    for place in places:
        if not isinstance(place, int) or not 0 <= place < max(len(headings), 1):
            given = f"column {place}" if isinstance(place, int) else f"a value {_kind(place)}"
            _refuse(
                f"table(): numeric has {given}, but the table has {_counted(len(headings), 'column')}. "
                f"{accepted}"
            )
    return headings, cells, set(places), pairs("table", "totals", totals)


def body(component: str, caller: Any) -> Any:
    """Return the body of a component that is called with ``{% call %}``."""
    if isinstance(caller, Undefined):
        _refuse(f"{component}() has no body. Write {{% call {component}(…) %}}…{{% endcall %}}.")
    return caller()


def _listed(component: str, argument: str, value: Any, accepted: str) -> list[Any]:
    if _is_single(value):
        hint = " Of a dict, give the items: ….items()." if isinstance(value, Mapping) else ""
        _refuse(f"{component}(): {argument} is {_kind(value)}. {accepted}{hint}")
    return list(value)


def _is_single(value: Any) -> bool:
    """Return whether a value is a single item, and not a sequence."""
    if isinstance(value, Undefined):
        str(value)  # raises its error
    return isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable)


def _check_cell(value: Any, place: str) -> None:
    if value is None:
        raise UnprintableError(f'{place} is None; use "" for an empty cell.')


def _kind(value: Any) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _refuse(text: str) -> NoReturn:
    raise TemplateRuntimeError(text)
