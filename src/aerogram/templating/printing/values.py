"""The check whether a value has a text form, and the error for one that has none."""

from __future__ import annotations

from collections import deque
from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from types import ModuleType
from typing import Any

from jinja2.environment import TemplateModule
from jinja2.runtime import Macro, Undefined
from markupsafe import Markup

from aerogram.exceptions import UnprintableError

__all__ = ["PLAIN", "check_html", "check_text"]

PLAIN = frozenset((str, Markup, int, float, bool))
"""Types that are printed without a look at the value."""

_SERIES = (Iterator, KeysView, ValuesView, ItemsView)
_CONTAINERS = (list, tuple, set, frozenset, dict, deque)
_DEFAULT: Any = object.__str__
_LITERALS: Any = (str.__repr__, int.__repr__, float.__repr__, bool.__repr__)
_MOST_NAMES = 20  # listed in an error text


def check_html(value: Any, source: str) -> Any:
    """Return a value that an HTML part prints; ``source`` is its expression.

    Raises:
        UnprintableError: it is None, a function or something else whose text would be a ``repr``.
    """
    is_markup = hasattr(type(value), "__html__") and not isinstance(value, TemplateModule)
    return value if is_markup else check_text(value, source)


def check_text(value: Any, source: str) -> Any:
    """Do the same for a text part, where markup is not accepted."""
    if isinstance(value, TemplateModule):
        return _checked_module(value, source)
    if value is None or _shows_repr(value):
        raise UnprintableError(_problem(value, source))
    return value


def _checked_module(value: TemplateModule, source: str) -> TemplateModule:
    """Refuse to print an imported template without output: another object of its name was meant."""
    if str(value).strip():
        return value
    name = source or "x"
    raise UnprintableError(
        f"{{{{ {name} }}}} is an imported template, which prints nothing. Call one of its macros: "
        f"{name}.…(…). "
        "If a variable of that name is meant, import the template under another one."
    )


def _shows_repr(value: Any) -> bool:
    if isinstance(value, Undefined | bytes | bytearray | memoryview):
        return not isinstance(value, Undefined)  # which raises an error of its own
    kind = type(value)
    if kind.__str__ is not _DEFAULT:
        return False
    if isinstance(value, _CONTAINERS):
        return any(map(_is_code, [*value, *value.values()] if isinstance(value, dict) else value))
    if kind in PLAIN or callable(value):
        return kind not in PLAIN
    text = repr(value)
    return isinstance(value, _SERIES) or (text.startswith("<") and text.endswith(">")) or " at 0x" in text


def _is_code(item: Any) -> bool:
    """Return whether a list shows an item in another form than the item alone has."""
    if isinstance(item, Undefined):
        str(item)  # raises its error
    has_own_text = type(item).__str__ is not _DEFAULT and type(item).__repr__ not in _LITERALS
    return item is None or has_own_text or _shows_repr(item)


def _problem(value: Any, source: str) -> str:
    shown = f"{{{{ {source} }}}}" if source else "a value"
    name = source or "x"
    if value is None:
        return (
            f"{shown} is None, and the mail would show 'None'. Write {{{{ {name} or \"\" }}}} or "
            f'{{{{ {name} | default("-", true) }}}}, or put it into {{% if {name} %}}.'
        )
    if isinstance(value, Macro) and value.name:  # the body of a {% call %} has none
        return (
            f"{shown} is the macro {value.name!r} itself. Call it: {name}(…). If a variable of that name is "
            f"meant, import the macro under another one: "
            f"{{% from … import {value.name} as {value.name}_macro %}}."
        )
    if isinstance(value, type | ModuleType):
        kind = "module" if isinstance(value, ModuleType) else "class"
        return f"{shown} is the {kind} {value.__name__}. Print one of its attributes: {_names(value, name)}."
    if callable(value):
        owner, called = getattr(value, "__self__", None), name.rpartition(".")[2]
        key = f" For the key write {name.rpartition('.')[0]}[{called!r}]."
        hint = key if isinstance(owner, Mapping) and called in owner else ""
        return f"{shown} is a {'function' if owner is None else 'method'}. Call it: {name}().{hint}"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{shown} is {type(value).__name__}, not text. Decode it: {name}.decode()."
    if isinstance(value, _SERIES):
        return f'{shown} is a {type(value).__name__}. Write {{{{ {name} | join(", ") }}}}, or a loop.'
    if isinstance(value, _CONTAINERS):
        return (
            f"{shown} contains None or objects without a string form. Print its items, "
            f'in a loop or with {{{{ {name} | join(", ") }}}}.'
        )
    return (
        f"{shown} is an object of type {type(value).__name__}, which has no string form. Print one of its "
        f"attributes, {_names(value, name)}, or give the class a method __str__."
    )


def _names(value: Any, name: str) -> str:
    names = [each for each in dir(value) if not each.startswith("_")]
    return ", ".join(f"{name}.{each}" for each in names[:_MOST_NAMES]) or "of which it has none"
