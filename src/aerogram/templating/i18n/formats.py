"""The filters that write numbers, money and dates as the locale of the message does, by Babel."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeVar

import jinja2
from jinja2.exceptions import FilterArgumentError

from aerogram.mail.characters import excerpt
from aerogram.templating.i18n.catalogs import shipped_translation
from aerogram.templating.i18n.localization import babel_locale, message_locale, message_timezone

if TYPE_CHECKING:
    from babel import Locale

__all__ = ["FILTERS"]

_FORMATS = ("short", "medium", "long", "full")
_NUMBER = "an int, float or Decimal"
T = TypeVar("T")


# pass_context keeps Jinja from computing a filter of a constant when it compiles a template, once for all.


@jinja2.pass_context
def money(_context: object, value: Any, currency: Any = None, locale: Any = None) -> str:
    """Return an amount of money: ``{{ total | money("EUR") }}``.

    ``value`` may have the attributes ``amount`` and ``currency`` instead; a currency is its ISO 4217 code, or
    has it as its attribute ``code``.
    """
    if currency is None:
        currency = getattr(value, "currency", None)
    amount = _checked_number("money", getattr(value, "amount", value))
    known = _locale("money", locale)
    from babel.numbers import format_currency, is_currency

    code = str(getattr(currency, "code", currency)).upper()
    if currency is None or not is_currency(code):
        given = "no currency was given" if currency is None else f"{excerpt(currency)} is not a currency"
        raise _wrong("money", given, 'the code of ISO 4217, as in money("EUR")')
    return _written("money", lambda: format_currency(amount, code, locale=known))


@jinja2.pass_context
def number(_context: object, value: Any, decimals: int | None = None, locale: Any = None) -> str:
    """Return a number, with at most three decimals or exactly as many as are given."""
    amount = _checked_number("number", value)
    known = _locale("number", locale)
    from babel.numbers import format_decimal, parse_pattern

    if decimals is None:
        return _written("number", lambda: format_decimal(amount, locale=known))
    if type(decimals) is not int or not 0 <= decimals <= 20:
        raise _wrong("number", f"decimals={decimals!r} was given", "a whole number from 0 to 20")
    pattern = parse_pattern(known.decimal_formats[None].pattern)
    pattern.frac_prec = (decimals, decimals)
    return _written("number", lambda: str(pattern.apply(amount, known)))


@jinja2.pass_context
def format_date(
    _context: object, value: Any, format: str = "medium", locale: Any = None, timezone: Any = None
) -> str:
    """Return the date of a ``date`` or ``datetime``; ``format`` is a length or a pattern of CLDR.

    The pattern may have the time of a ``datetime`` in it.
    """
    known = _locale("date", locale)
    from babel import dates

    if isinstance(value, datetime):
        value = _local("date", value, timezone)
        if _checked_format("date", format) not in _FORMATS:
            return _written("date", lambda: dates.format_datetime(value, format, value.tzinfo, known))
    elif not isinstance(value, date):
        raise _wrong_type("date", value, "a date or datetime")
    return _written("date", lambda: dates.format_date(value, _checked_format("date", format), locale=known))


@jinja2.pass_context
def format_time(
    _context: object, value: Any, format: str = "short", locale: Any = None, timezone: Any = None
) -> str:
    """Return the time of a ``datetime`` or ``time``; ``format`` is a length or a pattern of CLDR."""
    known = _locale("time", locale)
    from babel import dates

    if isinstance(value, datetime):
        value = _local("time", value, timezone)
        zone = value.tzinfo
        if _checked_format("time", format) not in _FORMATS:
            return _written("time", lambda: dates.format_datetime(value, format, zone, known))
    elif isinstance(value, clock_time):
        zone = value.tzinfo or UTC  # of no day, so it is shown as it is
    else:
        raise _wrong_type("time", value, "a datetime or time")
    _checked_format("time", format)
    return _written("time", lambda: dates.format_time(value, format, tzinfo=zone, locale=known))


@jinja2.pass_context
def relative_time(_context: object, value: Any, locale: Any = None, timezone: Any = None) -> str:
    """Return how long ago or ahead a ``datetime``, ``date`` or ``timedelta`` is: ``in 3 days``."""
    known = _locale("relative_time", locale)
    from babel.dates import format_timedelta

    smallest: Any = "second"
    if isinstance(value, datetime):
        value = _local("relative_time", value, timezone) - datetime.now(UTC)
    elif isinstance(value, date):
        value -= datetime.now(_zone("relative_time", timezone)).date()
        smallest = "day"
    elif not isinstance(value, timedelta):
        raise _wrong_type("relative_time", value, "a datetime, date or timedelta")
    if smallest == "day" and not value and (today := shipped_translation("today", str(known))):
        return today
    return format_timedelta(value, granularity=smallest, add_direction=True, locale=known)


FILTERS: dict[str, Callable[..., str]] = {
    "money": money,
    "number": number,
    "date": format_date,
    "time": format_time,
    "relative_time": relative_time,
}
"""The filters by name."""


def _locale(name: str, given: Any) -> Locale:
    try:
        return babel_locale(message_locale(given))
    except ValueError as error:
        if isinstance(error, ImportError):  # Babel is missing
            raise
        raise FilterArgumentError(f"{name}: {error}") from None


def _zone(name: str, given: Any) -> Any:
    try:
        return message_timezone(given)
    except ValueError as error:
        raise FilterArgumentError(f"{name}: {error}") from None


def _local(name: str, value: datetime, timezone: Any) -> datetime:
    """Return a moment in the time zone of the message; a naive one is of UTC, as in mail headers."""
    zone = _zone(name, timezone)
    return _written(name, lambda: (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(zone))


def _written(name: str, write: Callable[[], T]) -> T:
    """Return Babel's result, or raise an error with the place in the template."""
    try:
        return write()
    except AttributeError as error:
        raise FilterArgumentError(
            f"{name}: the pattern contains fields that the value does not have"
        ) from error
    except ArithmeticError as error:
        raise FilterArgumentError(f"{name}: the value is out of range") from error
    except ValueError as error:
        raise FilterArgumentError(f"{name}: {error}") from error


def _checked_number(name: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        raise _wrong_type(name, value, _NUMBER)
    if not math.isfinite(value):
        raise _wrong(name, f"{value} was given", "a finite number")
    return value if isinstance(value, int | Decimal) else float(value)


def _checked_format(name: str, given: object) -> Any:
    if not isinstance(given, str) or (
        given not in _FORMATS and difflib.get_close_matches(given.lower(), _FORMATS, cutoff=0.7)
    ):
        lengths = ", ".join(map(repr, _FORMATS))
        raise _wrong(name, f"the format {given!r} was given", f"{lengths}, or a pattern such as 'd. MMMM'")
    return given


def _wrong_type(name: str, value: object, accepted: str) -> Exception:
    if isinstance(value, jinja2.Undefined):
        str(value)  # raises the error that names the variable
    return _wrong(name, f"a value of type {type(value).__name__} was given", accepted)


def _wrong(name: str, given: str, accepted: str) -> FilterArgumentError:
    return FilterArgumentError(f"{name}: {given}. Accepted: {accepted}")
