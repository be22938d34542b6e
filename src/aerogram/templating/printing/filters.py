"""Jinja's filters and operators that turn several values into text, with a check of each value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import pass_eval_context
from jinja2.filters import do_join, do_urlencode, do_xmlattr, make_attrgetter
from jinja2.nodes import EvalContext
from jinja2.runtime import Undefined

from aerogram.exceptions import UnprintableError
from aerogram.templating.printing.values import PLAIN, check_html, check_text

__all__ = ["check_of", "checked_filters", "checked_operands"]

Check = Callable[[Any, str], Any]


def checked_operands(check: Check, operands: Any, source: str) -> Any:
    """Check the values for a format: each of a tuple, and those of a dict that become text."""
    if isinstance(operands, tuple):
        for value in operands:
            check(value, "")
        return operands
    if isinstance(operands, Mapping):
        return _Operands((key, _guarded(value, str(key), check)) for key, value in operands.items())
    return check(operands, source)


class _Operands(dict[Any, Any]):
    """What ``%`` and ``format_map`` take by name; ``**`` takes the values without asking."""

    def __getitem__(self, key: Any) -> Any:
        value = super().__getitem__(key)
        if isinstance(value, _Guarded):
            str(value)  # raises its error
        return value


def _guarded(value: Any, source: str, check: Check) -> Any:
    try:
        return value if type(value) in PLAIN else check(value, source)
    except UnprintableError as error:
        return _Guarded(value, source, check, error)


class _Guarded:
    """A value without a text form: it may be given to a format, but does not become text."""

    def __init__(self, value: Any, source: str, check: Check, error: UnprintableError) -> None:
        self.__dict__.update(_value=value, _source=source, _check=check, _error=error)

    def __str__(self) -> str:
        raise self._error

    __repr__ = __str__

    def __format__(self, _specification: str) -> str:
        raise self._error

    def __getattr__(self, name: str) -> Any:
        return _guarded(getattr(self._value, name), f"{self._source}.{name}", self._check)

    def __getitem__(self, key: Any) -> Any:
        return _guarded(self._value[key], f"{self._source}[{key!r}]", self._check)


def check_of(eval_ctx: EvalContext) -> Check:
    """Return the check for a part with or without escaping."""
    return check_html if eval_ctx.autoescape else check_text


@pass_eval_context
def _join(
    eval_ctx: EvalContext, value: Iterable[Any], d: str = "", attribute: str | int | None = None
) -> str:
    """Join values that have a text form; ``d`` is the separator."""
    if attribute is not None:
        value = map(make_attrgetter(eval_ctx.environment, attribute), value)
    check = check_of(eval_ctx)
    items = [item if type(item) in PLAIN or item is None else check(item, "item") for item in value]
    if any(item is None for item in items):
        raise UnprintableError("an item to join is None. Leave such items out: {{ … | select | join(…) }}.")
    joined: str = do_join(eval_ctx, items, check(d, "separator"))
    return joined


@pass_eval_context
def _xmlattr(eval_ctx: EvalContext, d: Mapping[str, Any], autospace: bool = True) -> str:
    """Write attributes whose values have a text form; those that are None are left out."""
    values = {key: value for key, value in d.items() if value is not None}
    for key, value in values.items():
        str(value) if isinstance(value, Undefined) else check_html(value, key)
    return do_xmlattr(eval_ctx, values, autospace)


def _urlencode(value: Any) -> str:
    """URL-encode a value, or the keys and values of a dict or of pairs, if they have a text form."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        return do_urlencode(check_text(value, ""))
    pairs = value.items() if isinstance(value, Mapping) else value
    return do_urlencode([(check_text(key, ""), check_text(each, str(key))) for key, each in pairs])


def checked_filters(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return replacements for Jinja's filters that turn several values into text."""
    ours = {
        "join": (do_join, _join),
        "xmlattr": (do_xmlattr, _xmlattr),
        "urlencode": (do_urlencode, _urlencode),
    }
    return {name: checked for name, (theirs, checked) in ours.items() if filters.get(name) is theirs}
