"""Mailers by name: the setting ``MAILERS``, and backends by their dotted path.

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
from contextvars import ContextVar
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

from aerogram.conf import settings
from aerogram.conf.url import expand_url
from aerogram.exceptions import (
    AerogramError,
    BackendNotFound,
    ImproperlyConfigured,
    InvalidMailer,
    MailerDoesNotExist,
    MissingDependency,
)

if TYPE_CHECKING:
    from aerogram.mail.backends.base import BaseEmailBackend

DEFAULT_MAILER: Final = "default"
"""The alias of the mailer that sends if no other is named."""

OURS: Final = "aerogram.mail.backends."
DJANGOS: Final = "django.core.mail.backends."
DJANGOS_OPTIONS: Final = {
    "host", "port", "username", "password", "use_tls", "use_ssl", "timeout", "ssl_keyfile", "ssl_certfile",
    "stream", "file_path",
}  # fmt: skip
_ARGUMENTS: Final = {
    "EMAIL_HOST": "host", "EMAIL_PORT": "port", "EMAIL_HOST_USER": "username",
    "EMAIL_HOST_PASSWORD": "password", "EMAIL_USE_TLS": "use_tls", "EMAIL_USE_SSL": "use_ssl",
    "EMAIL_TIMEOUT": "timeout", "EMAIL_SSL_CERTFILE": "ssl_certfile", "EMAIL_SSL_KEYFILE": "ssl_keyfile",
    "EMAIL_PIPELINING": "pipelining", "EMAIL_FILE_PATH": "file_path",
}  # fmt: skip

BackendClass = Callable[..., "BaseEmailBackend"]

_being_made: ContextVar[tuple[str, ...]] = ContextVar("aerogram_mailers_being_made", default=())


class Mailers(Mapping[str, "BaseEmailBackend"]):
    """The mailers by alias. Each look-up makes a new backend, so no two callers share a connection.

    ``"default"`` is always there: if ``MAILERS`` does not define it, the ``EMAIL_*`` settings do.
    """

    def __getitem__(self, alias: str) -> BaseEmailBackend:
        return self.create(alias)

    def __contains__(self, alias: object) -> bool:
        return alias == DEFAULT_MAILER or alias in settings.MAILERS

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys((DEFAULT_MAILER, *settings.MAILERS))

    def __len__(self) -> int:
        return len({DEFAULT_MAILER, *settings.MAILERS})

    @property
    def default(self) -> BaseEmailBackend:
        """A new backend of the mailer that sends if no other is named."""
        return self[DEFAULT_MAILER]

    def create(self, alias: str, **changes: Any) -> BaseEmailBackend:
        """Return a new backend, with some options changed.

        Args:
            alias: a key of ``MAILERS``, or ``"default"``.
            changes: keyword arguments of the backend that replace those of ``OPTIONS``.

        Raises:
            MailerDoesNotExist: no entry of that alias.
            InvalidMailer: the entry cannot work.
        """
        values = settings.snapshot()
        entries = values["MAILERS"]
        if alias not in entries:
            if alias == DEFAULT_MAILER:
                backend = backend_class(values["EMAIL_BACKEND"], "EMAIL_BACKEND")
                _check_known(backend, changes)
                return backend(**{"fail_silently": False, **changes})  # Django always passes it
            near = difflib.get_close_matches(str(alias), self, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Available: {', '.join(map(repr, self))}."
            source = settings.source_of("MAILERS")
            looked = "" if entries else f" Looked {settings.where_looked()}."
            raise MailerDoesNotExist(f"MAILERS ({source}) has no mailer {alias!r}. {hint}{looked}")
        backend, options = _entry(alias, entries[alias])
        _check_known(backend, changes)
        try:
            return backend(**{**options, **changes})
        except (TypeError, ValueError) as error:
            names = ", ".join(sorted(options)) or "none given"
            if type(error) is ImproperlyConfigured:
                raise InvalidMailer(f"{_where(alias)}, OPTIONS {names}: {error}") from error
            if isinstance(error, AerogramError):
                raise
            # The text of the error may show the value of an option. Only the traceback has it.
            raise InvalidMailer(
                f"{_where(alias)}: {backend.__module__} cannot work with its OPTIONS "
                f"({type(error).__name__}). Check the types of: {names}."
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
        ImproperlyConfigured: an option of a backend of Aerogram is misspelt.
        TypeError: both ``backend`` and ``using`` are given.

    >>> get_connection("aerogram.mail.backends.dummy.EmailBackend").send_messages([])
    0
    """
    if backend is None:
        if fail_silently:  # only True is passed on: the OPTIONS of the mailer may set it
            kwds["fail_silently"] = True
        return mailers.create(DEFAULT_MAILER if using is None else using, **kwds)
    if using is not None:
        raise TypeError("Give backend or using, not both: each determines the backend.")
    found = backend_class(backend, "get_connection(backend=...)")
    _check_known(found, kwds)
    return found(fail_silently=fail_silently, **kwds)


def backend_class(path: str, given: str) -> BackendClass:
    """Import a backend by its dotted path; ``given`` tells the error where the path was given."""
    module_path, _, name = path.rpartition(".")
    if not module_path:
        raise _not_found(path, given, "it is not a dotted path")
    if path.startswith(DJANGOS):
        raise _not_found(path, given, f"use {OURS}{path.removeprefix(DJANGOS)} instead, which does the same")
    try:
        module = import_module(module_path)
    except MissingDependency:  # which names the extra
        raise
    except ImportError as error:
        raise _not_found(path, given, f"its module cannot be imported: {error}") from error
    found = getattr(module, name, None)
    if not callable(found):
        near = difflib.get_close_matches(name, dir(module), n=1, cutoff=0.7)
        hint = f" but has {near[0]}" if near else ""
        raise _not_found(path, given, f"the module {module_path} has no class {name}{hint}")
    return cast("BackendClass", found)


def mailer_of(mailer: str | BaseEmailBackend) -> BaseEmailBackend:
    """Return a backend that is given itself or by its alias in ``MAILERS``."""
    if not isinstance(mailer, str):
        if not hasattr(mailer, "send_messages"):
            shown = type(mailer).__name__
            raise ImproperlyConfigured(
                f"a {shown} was given as a mailer. Accepted: an alias of MAILERS or a backend."
            )
        return mailer
    if mailer in _being_made.get():
        raise InvalidMailer(f"MAILERS[{mailer!r}] passes its mail on to itself. Name another mailer.")
    token = _being_made.set((*_being_made.get(), mailer))
    try:
        return mailers[mailer]
    finally:
        _being_made.reset(token)


def transport(url: str, source: str, name: str) -> tuple[str, dict[str, Any]]:
    """Return the dotted path of the backend of a URL, and the keyword arguments that the URL stands for."""
    values = expand_url(url, source, name)
    return values.pop("EMAIL_BACKEND"), {_ARGUMENTS[each]: value for each, value in values.items()}


def _not_found(path: str, given: str, problem: str) -> BackendNotFound:
    where = f"{given}, {settings.source_of(given)}" if given == "EMAIL_BACKEND" else given
    return BackendNotFound(
        f"{path[:100]!r} ({where}) is not a mail backend: {problem}. "
        f"Accepted: the dotted path of a backend class, such as '{OURS}smtp.EmailBackend'."
    )


def _where(alias: str) -> str:
    return f"MAILERS[{alias!r}] ({settings.source_of('MAILERS')})"


def _entry(alias: str, entry: Mapping[str, Any]) -> tuple[BackendClass, dict[str, Any]]:
    """Check one entry of ``MAILERS``. No error shows the value of an option."""
    if unknown := sorted(set(entry) - {"URL", "BACKEND", "OPTIONS"}):
        raise InvalidMailer(
            f"{_where(alias)} has {', '.join(unknown)}. Accepted: BACKEND and OPTIONS; or URL, and OPTIONS."
        )
    url, path, options = entry.get("URL"), entry.get("BACKEND"), entry.get("OPTIONS", {})
    if url is not None and path is not None:
        raise InvalidMailer(
            f"{_where(alias)} has URL and BACKEND: use only one of them; the URL determines the backend."
        )
    if not (isinstance(url or path, str) and (url or path)):
        raise InvalidMailer(
            f"{_where(alias)} needs a BACKEND, the dotted path of a backend class, or a URL such as "
            "smtp://host."
        )
    if not isinstance(options, dict) or not all(isinstance(name, str) for name in options):
        raise InvalidMailer(f"{_where(alias)}: OPTIONS must be a dict of keyword arguments for the backend.")
    if url:
        try:
            path, given = transport(url, settings.source_of("MAILERS"), f"URL of MAILERS[{alias!r}]")
        except ImproperlyConfigured as error:
            raise InvalidMailer(str(error)) from None
        if twice := sorted(set(options) & set(given)):
            raise InvalidMailer(f"{_where(alias)}: the URL sets {', '.join(twice)}; leave it out of OPTIONS.")
        options = {**given, **options}
    try:
        backend = backend_class(str(path), f"BACKEND of {_where(alias)}")
    except BackendNotFound as error:
        raise InvalidMailer(str(error)) from error
    accepted = _accepted_options(backend)
    if accepted is not None and (refused := sorted(set(options) - accepted)):
        raise InvalidMailer(f"{_where(alias)}: {_no_option(str(path), refused, accepted)}")
    return backend, dict(options)


def _no_option(path: str, refused: list[str], accepted: set[str]) -> str:
    near = difflib.get_close_matches(refused[0], accepted, n=1, cutoff=0.7)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"{path} has no option {', '.join(refused)}. Accepted: {', '.join(sorted(accepted))}.{hint}"


def _check_known(backend: BackendClass, given: Mapping[str, Any]) -> None:
    """Refuse a misspelt option of a backend of ours; other unknown names are ignored, as in Django."""
    unknown = set(given) - DJANGOS_OPTIONS
    accepted = (unknown and backend.__module__.startswith(OURS) and _accepted_options(backend)) or unknown
    for name in sorted(unknown - accepted):
        if difflib.get_close_matches(name, accepted, n=1, cutoff=0.7):
            path = f"{backend.__module__}.{backend.__qualname__}"
            raise ImproperlyConfigured(f"get_connection(): {_no_option(path, [name], accepted)}")


def _accepted_options(backend: BackendClass) -> set[str] | None:
    """Return the keyword arguments of a backend; None if only the backend itself knows them.

    BaseEmailBackend ignores unknown arguments, so that callers may pass Django's to every backend. An option
    in a setting is written for one backend, which must know it.
    """
    if not isinstance(backend, type) or getattr(backend, "takes_any_option", False):
        return None
    accepted: set[str] = set()
    for each in backend.__mro__:
        if (constructor := vars(each).get("__init__")) is None:
            continue
        parameters = inspect.getfullargspec(inspect.unwrap(constructor))
        accepted.update(parameters.args[1:], parameters.kwonlyargs)
        if parameters.varkw is None or each.__module__ == f"{OURS}base":
            return accepted
        if not each.__module__.startswith(OURS):
            return None
    return accepted
