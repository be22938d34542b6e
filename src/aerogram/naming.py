"""The registry's names: one living class each."""

from __future__ import annotations

import gc
import re
import sys
from weakref import WeakValueDictionary

from aerogram.exceptions import DeclarationError, DuplicateNotification

_classes: WeakValueDictionary[str, type] = WeakValueDictionary()
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")
_LONGEST = 100


def snake_case(class_name: str) -> str:
    """Return the registry's name for a class.

    >>> snake_case("OrderShipped"), snake_case("HTMLReport")
    ('order_shipped', 'html_report')
    """
    words = re.sub(r"([A-Z]+)([A-Z][a-z])|([a-z0-9])([A-Z])", r"\1\3_\2\4", class_name)
    return words.strip("_").lower()


def checked_name(name: str, cls: type) -> str:
    """Return ``name`` if it can be a folder and a word on the command line; else raise DeclarationError."""
    if isinstance(name, str) and len(name) > _LONGEST:
        raise DeclarationError(
            f"A name of {len(name)} characters ({name[:40]}…) was given to {cls.__qualname__[:100]}; at most "
            f'{_LONGEST} are accepted. Give another: class Welcome(Notification, name="welcome").'
        )
    if not isinstance(name, str) or not _NAME.match(name):
        raise DeclarationError(
            f"{cls.__qualname__}: the name {name!r} has characters other than lower-case letters, digits, "
            "'_' and '-'. "
            'Give another: class Welcome(Notification, name="welcome").'
        )
    return name


def claim_name(name: str, cls: type) -> None:
    """Reserve a name for ``cls``; raise DuplicateNotification if a living class defined elsewhere has it."""
    holder = _classes.get(name)
    if holder is not None and not _same_place(holder, cls) and "<locals>" in holder.__qualname__:
        # A class made inside a function lives on in a reference cycle until it is collected.
        del holder
        gc.collect()
        holder = _classes.get(name)
    if holder is not None and not _same_place(holder, cls):
        raise DuplicateNotification(
            f"Two notifications are named {name!r}: {holder.__module__}.{holder.__qualname__} and "
            f"{cls.__module__}.{cls.__qualname__}. "
            f'Give one of them another name: class {cls.__name__}(Notification, name="…").'
        )
    _classes[name] = cls


def class_named(name: str) -> type | None:
    """Return the class that has the name, if any."""
    return _classes.get(name)


def _same_place(one: type, other: type) -> bool:
    """Return whether a class was merely defined again: by a reload, or as ``__main__`` too."""
    return one.__qualname__ == other.__qualname__ and _file(one) == _file(other)


def _file(cls: type) -> str:
    module = sys.modules.get(cls.__module__)
    return getattr(module, "__file__", None) or cls.__module__
