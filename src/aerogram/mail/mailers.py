"""Mailers by name: the setting ``MAILERS``, and backends found by their dotted path.

>>> from aerogram.conf import settings
>>> bulk = {"BACKEND": "aerogram.mail.backends.smtp.EmailBackend", "OPTIONS": {"host": "bulk.example.com"}}
>>> with settings.override(MAILERS={"bulk": bulk}):
...     sorted(mailers), mailers["bulk"].host
(['bulk', 'default'], 'bulk.example.com')
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

from aerogram.conf import settings
from aerogram.exceptions import AerogramError, BackendNotFound, InvalidMailer, MailerDoesNotExist

if TYPE_CHECKING:
    from aerogram.mail.backends.base import BaseEmailBackend

__all__ = ["DEFAULT_MAILER", "Mailers", "backend_class", "get_connection", "mailers"]

DEFAULT_MAILER: Final = "default"
"""The alias that is used where none is named."""

OURS: Final = "aerogram.mail.backends."
DJANGOS: Final = "django.core.mail.backends."

BackendClass = Callable[..., "BaseEmailBackend"]


class Mailers(Mapping[str, "BaseEmailBackend"]):
    """The mailers by alias. Each look-up makes a new backend, so no two callers share a connection.

    ``"default"`` is always there: where ``MAILERS`` does not define it, it is what the ``EMAIL_*`` settings
    say.
    """

    def __getitem__(self, alias: str) -> BaseEmailBackend:
        """Make the backend of an alias.

        Raises:
            MailerDoesNotExist: no entry of that alias.
            InvalidMailer: the entry cannot work.
        """
        return self.create(alias)

    def __contains__(self, alias: object) -> bool:
        return alias == DEFAULT_MAILER or alias in settings.MAILERS

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys((DEFAULT_MAILER, *settings.MAILERS))

    def __len__(self) -> int:
        return len(list(iter(self)))

    @property
    def default(self) -> BaseEmailBackend:
        """The mailer used where none is named."""
        return self[DEFAULT_MAILER]

    def create(self, alias: str, **changes: Any) -> BaseEmailBackend:
        """Make the backend of an alias, with some options changed.

        Args:
            alias: a key of ``MAILERS``, or ``"default"``.
            changes: keyword arguments of the backend that replace those of ``OPTIONS``.

        Raises:
            MailerDoesNotExist: no entry of that alias.
            InvalidMailer: the entry cannot work.
        """
        entries = settings.MAILERS
        if alias not in entries:
            if alias == DEFAULT_MAILER:
                backend = backend_class(settings.EMAIL_BACKEND, "EMAIL_BACKEND")
                return backend(**{"fail_silently": False, **changes})  # as Django calls it, always
            raise MailerDoesNotExist(_no_such_alias(alias))
        backend, options = _entry(alias, entries[alias])
        try:
            return backend(**{**options, **changes})
        except (TypeError, ValueError) as error:
            if isinstance(error, AerogramError):
                raise
            # Its text may show the option's value, so that is left to the traceback.
            raise InvalidMailer(
                f"MAILERS[{alias!r}] ({settings.source_of('MAILERS')}): {entries[alias]['BACKEND']} cannot "
                f"work with its OPTIONS ({type(error).__name__}). Check the types of: "
                f"{', '.join(sorted(options)) or 'none are given'}."
            ) from error


mailers: Final = Mailers()
"""The mailers that ``MAILERS`` defines, and ``"default"``."""


def get_connection(
    backend: str | None = None, fail_silently: bool = False, *, using: str | None = None, **kwds: Any
) -> BaseEmailBackend:
    """Return a new mail backend.

    Args:
        backend: the dotted path of its class; by default, ``MAILERS["default"]`` if it is defined, otherwise
            ``EMAIL_BACKEND``.
        fail_silently: ignore a failed connection or delivery.
        using: the alias of a mailer in ``MAILERS``, instead of a path.
        kwds: further keyword arguments of the backend.

    Raises:
        BackendNotFound: no class is found at the path.
        InvalidMailer: the entry of ``MAILERS`` is missing or cannot work.
        TypeError: both ``backend`` and ``using`` are given.

    >>> get_connection("aerogram.mail.backends.dummy.EmailBackend").send_messages([])
    0
    """
    if backend is None:
        if fail_silently:
            kwds["fail_silently"] = True
        return mailers.create(DEFAULT_MAILER if using is None else using, **kwds)
    if using is not None:
        raise TypeError("Give backend or using, not both: each determines the backend.")
    return backend_class(backend, "get_connection(backend=...)")(fail_silently=fail_silently, **kwds)


def backend_class(path: str, given: str) -> BackendClass:
    """Import a backend by its dotted path.

    Args:
        path: such as ``"aerogram.mail.backends.smtp.EmailBackend"``.
        given: where the path was given, in words; a setting's name is completed by its source.

    Raises:
        BackendNotFound: nothing that can be called is there.
    """
    module_path, _, name = path.rpartition(".")
    if not module_path:
        raise _not_found(path, given, "it is no dotted path")
    if path.startswith(DJANGOS):
        raise _not_found(path, given, f"use {OURS}{path.removeprefix(DJANGOS)} instead, which does the same")
    try:
        module = import_module(module_path)
    except ImportError as error:
        raise _not_found(path, given, f"its module cannot be imported: {error}") from error
    found = getattr(module, name, None)
    if not callable(found):
        near = difflib.get_close_matches(name, dir(module), n=1, cutoff=0.7)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise _not_found(path, given, f"the module {module_path} has no class {name}{hint}")
    return cast("BackendClass", found)


def _not_found(path: str, given: str, problem: str) -> BackendNotFound:
    where = f"{given}, {settings.source_of(given)}" if given == "EMAIL_BACKEND" else given
    return BackendNotFound(
        f"{path[:100]!r} ({where}) is no mail backend: {problem}. "
        f"Accepted: the dotted path of a backend class, such as '{OURS}smtp.EmailBackend'."
    )


def _no_such_alias(alias: object) -> str:
    there = list(mailers)
    near = difflib.get_close_matches(str(alias), there, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else f" There is {', '.join(map(repr, there))}."
    return f"MAILERS ({settings.source_of('MAILERS')}) has no mailer {alias!r}.{hint}"


def _entry(alias: str, entry: Mapping[str, Any]) -> tuple[BackendClass, dict[str, Any]]:
    """Check one entry of MAILERS. No error shows the value of an option."""
    where = f"MAILERS[{alias!r}] ({settings.source_of('MAILERS')})"
    unknown = sorted(set(entry) - {"BACKEND", "OPTIONS"})
    if unknown:
        raise InvalidMailer(f"{where} has {', '.join(unknown)}. Accepted: BACKEND and OPTIONS.")
    path, options = entry.get("BACKEND"), entry.get("OPTIONS", {})
    if not isinstance(path, str) or not path:
        raise InvalidMailer(f"{where} needs a BACKEND: the dotted path of a backend class.")
    if not isinstance(options, dict) or not all(isinstance(name, str) for name in options):
        raise InvalidMailer(f"{where}: OPTIONS is a dict of keyword arguments for the backend.")
    try:
        backend = backend_class(path, f"BACKEND of {where}")
    except BackendNotFound as error:
        raise InvalidMailer(str(error)) from error
    known = _known_options(backend)
    refused = sorted(set(options) - known) if known is not None else []
    if refused:
        raise InvalidMailer(
            f"{where}: {path} has no option {', '.join(refused)}. Accepted: {', '.join(sorted(known or ()))}."
        )
    return backend, dict(options)


def _known_options(backend: BackendClass) -> set[str] | None:
    """The keyword arguments a backend takes; None where only the backend itself can know.

    Our base class takes and ignores what it does not know, so that Django's keyword arguments may be offered
    to every backend. What is written into a setting for one backend is meant, and must be known.
    """
    if not isinstance(backend, type) or getattr(backend, "takes_any_option", False):
        return None
    known: set[str] = set()
    for each in backend.__mro__:
        constructor = vars(each).get("__init__")
        if constructor is None:
            continue
        parameters = list(inspect.signature(constructor).parameters.values())[1:]
        known |= {one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)}
        takes_more = any(one.kind is one.VAR_KEYWORD for one in parameters)
        if not takes_more or each.__module__ == f"{OURS}base":
            return known
        if not each.__module__.startswith(OURS):
            return None
    return known
