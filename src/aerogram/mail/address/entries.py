"""What may be given wherever one mailbox is accepted, reduced to a text or a pair of name and address."""

from __future__ import annotations

from collections.abc import Callable
from email.headerregistry import Address
from functools import singledispatch
from typing import Any, Protocol, TypeAlias, TypeVar, runtime_checkable

from aerogram.exceptions import InvalidAddress
from aerogram.mail.characters import is_text

T = TypeVar("T")

_NESTING = 10  # objects that give another object for their mailbox
_NOT_ADAPTED = object()
_ACCEPTED = (
    "Accepted: 'Ann <ann@example.com>', ('Ann', 'ann@example.com'), an email.headerregistry.Address, an "
    "object with __email__(), or one of a class known to aerogram.mail.register_mailbox_adapter()."
)


@runtime_checkable
class SupportsEmail(Protocol):
    """An object that has a mailbox, such as a user of the application."""

    def __email__(self) -> MailboxLike:
        """Return the mailbox, in any form that is accepted for one."""


MailboxLike: TypeAlias = str | tuple[object, str] | Address | SupportsEmail
"""What is accepted for one mailbox.

``"ann@example.com"``, ``"Ann <ann@example.com>"``, ``("Ann", "ann@example.com")``, an
``email.headerregistry.Address``, or an object with ``__email__()``. Objects of a class with a registered
adapter and lazy texts are accepted, too, but type checkers do not know them: write
``cast("MailboxLike", customer)``, or give the class a method ``__email__``.
"""


@singledispatch
def _adapted(_entry: object) -> object:
    return _NOT_ADAPTED


def register_mailbox_adapter(kind: type[T], adapter: Callable[[T], MailboxLike]) -> None:
    """Accept the objects of a class wherever a mailbox is accepted.

    A registered adapter takes precedence over ``__email__()``, and the adapter of a subclass over that of its
    base.

    Args:
        kind: the class, which may be an abstract one.
        adapter: returns the mailbox of such an object, in any form that is accepted.

    Raises:
        TypeError: ``kind`` is not a class, or is one whose objects are already accepted as mailboxes.

    >>> class Customer:
    ...     name, email = "Müller (Chef)", "chef@example.com"
    >>> register_mailbox_adapter(Customer, lambda customer: (customer.name, customer.email))
    >>> from aerogram.mail import EmailMessage
    >>> EmailMessage(to=[Customer()]).recipients()
    ['"Müller (Chef)" <chef@example.com>']
    """
    if not isinstance(kind, type) or kind in (object, str, tuple):
        raise TypeError(f"{kind!r:.100} cannot have a mailbox adapter. Accepted: a class of the application.")
    _adapted.register(kind, adapter)


def plain_entry(entry: Any) -> str | tuple[str, str]:
    """Return what is given for a mailbox as a text, or as a pair of name and address; neither is checked.

    Anything else raises InvalidAddress.
    """
    source = ""
    for _ in range(_NESTING):
        if isinstance(entry, str):
            return str.__str__(str(entry))
        mailbox = _adapted(entry)
        if mailbox is _NOT_ADAPTED and has_email(entry):
            mailbox = entry.__email__()
        if mailbox is not _NOT_ADAPTED:
            source = f" by the __email__() or adapter of {type(entry).__name__}"
            entry = mailbox
        elif isinstance(entry, tuple):
            return _pair(entry)
        elif is_address(entry) and "@" in entry.addr_spec:
            return str(entry.display_name), str(entry.addr_spec)
        elif is_text(entry):
            return str.__str__(str(entry))
        else:
            break
    raise InvalidAddress(
        f"Invalid address: a value of type {type(entry).__name__} was given{source}. {_ACCEPTED}"
    )


def has_email(entry: Any) -> bool:
    """Return whether an object has the method ``__email__``; a class itself is no such object."""
    return not isinstance(entry, type) and callable(getattr(entry, "__email__", None))


def is_address(entry: Any) -> bool:
    """Return whether an object is a mailbox in parts, such as an ``email.headerregistry.Address``."""
    return hasattr(type(entry), "addr_spec") and hasattr(type(entry), "display_name")


def has_adapter(entry: object) -> bool:
    """Return whether an adapter is registered for the class of an object."""
    return _adapted.dispatch(type(entry)) is not _adapted.dispatch(object)


def _pair(pair: tuple[object, ...]) -> tuple[str, str]:
    if len(pair) != 2:
        raise InvalidAddress(
            f"Invalid address: a tuple of {len(pair)} is not a pair of name and address. {_ACCEPTED}"
        )
    name, address = ("" if pair[0] is None else pair[0]), pair[1]
    if not (is_text(name) and is_text(address)):
        kinds = " and ".join(type(each).__name__ for each in pair)
        raise InvalidAddress(
            f"Invalid address: a pair of name and address consists of two strings (got {kinds}). {_ACCEPTED}"
        )
    return str.__str__(str(name)), str.__str__(str(address))


def check_list(name: str, entries: Any) -> None:
    """Raise TypeError for one mailbox, a text or a pair, where a list of mailboxes is meant."""
    if isinstance(entries, str | bytes | bytearray) or has_email(entries) or not hasattr(entries, "__iter__"):
        raise TypeError(f'"{name}" argument must be a list or tuple')
    is_pair = isinstance(entries, tuple) and [type(e) is str and "@" in e for e in entries] == [False, True]
    if is_pair and is_text(entries[0]):
        raise TypeError(
            f'"{name}" argument must be a list or tuple of mailboxes, but is a pair of name and address: '
            'write [("Ann", "ann@example.com")], or a list of two addresses'
        )
