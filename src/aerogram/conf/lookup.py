"""The settings object: which source wins, and when the sources are read again."""

from __future__ import annotations

import functools
import inspect
from contextlib import AbstractContextManager, ContextDecorator, nullcontext
from contextvars import ContextVar, Token
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aerogram.conf.layers import Layer
    from aerogram.conf.schema import SettingsTable
    from aerogram.conf.sources import Surroundings
else:
    SettingsTable = object  # at run time the table, and pydantic with it, is loaded by the first read

_MOST_RECENT = 16  # bases kept for contexts to come
_ALREADY_FROZEN = nullcontext()

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound="Callable[..., Any]")


def _takes(_table: Callable[P, object]) -> Callable[[Callable[..., R]], Callable[Concatenate[Any, P], R]]:
    """Give a method's ``**values``, to type checkers, the names and types of a table."""
    return lambda method: method


class Base(NamedTuple):
    """The values of all sources beneath the overrides, with the surroundings they were read from."""

    configured: tuple[Layer, ...]
    framework: dict[str, dict[str, Any]]  # what each source of add_source() gave
    surroundings: Surroundings
    layers: list[Layer]  # weakest first
    values: dict[str, Any]


class Settings(SettingsTable):
    """Every setting as an upper-case attribute, read at call time.

    A change of an environment variable, the working directory or the settings file takes effect at the next
    access. Values are validated once per change; other accesses take some microseconds.

    Raises:
        ImproperlyConfigured: a source has an unknown name or an invalid value. The text names the setting,
            its source and the accepted values, and never shows a secret.
        UnknownSetting: there is no setting of the name asked for.
    """

    _base: Base | None
    _recent: tuple[Base, ...]
    _configured: tuple[Layer, ...]
    _sources: dict[str, Callable[[], Mapping[str, Any]]]
    _frozen: ContextVar[Base | None]
    _overrides: ContextVar[tuple[Override, ...]]
    _overlaid: tuple[Base, tuple[Override, ...], dict[str, Any]] | None

    def __init__(self) -> None:
        # Through __dict__, because assignment to a settings object is refused.
        self.__dict__.update(
            _base=None,
            _recent=(),
            _configured=(),
            _sources={},
            _frozen=ContextVar("aerogram_frozen", default=None),
            _overrides=ContextVar("aerogram_overrides", default=()),
            _overlaid=None,
        )

    if not TYPE_CHECKING:  # to type checkers, the attributes are those of the table and no others

        def __getattr__(self, name: str) -> Any:
            frozen = self._frozen.get()
            if frozen is not None and name in frozen.values and not self._overrides.get():
                return frozen.values[name]
            if not name.isupper():
                raise AttributeError(f"Settings has no attribute {name!r}; settings are in upper case")
            try:
                return self.snapshot()[name]
            except KeyError:
                from aerogram.conf.layers import unknown_setting

                raise unknown_setting(name) from None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            f"Settings cannot be assigned to: call settings.configure({name}=...) once at the start, "
            f"or use settings.override({name}=...) for a block"
        )

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *self.snapshot()])

    def __repr__(self) -> str:
        """Show the names that the sources set, the strongest source first, and no value."""
        given = ", ".join(
            f"{name} ({layer.source_of(name)})"
            for layer in reversed(self._layers())
            for name in sorted(layer.values)
        )
        return f"<Settings: {given or 'defaults'}>"

    @_takes(SettingsTable)
    def override(self, **values: Any) -> Override:
        """Set values for a ``with`` block or a decorated function, which may be async.

        Only the current thread or task sees them. The end of the block restores the previous values. Blocks
        can be nested.

        Args:
            values: settings by name; they are checked at once.

        Returns:
            A context manager that is also a decorator.

        Raises:
            UnknownSetting: there is no setting of that name.
            ImproperlyConfigured: a value is not accepted.

        >>> from aerogram.conf import settings
        >>> @settings.override(EMAIL_PORT=2525)
        ... def port():
        ...     return settings.EMAIL_PORT
        >>> port(), settings.EMAIL_PORT
        (2525, 25)
        """
        return Override(self, values)

    @_takes(SettingsTable)
    def configure(self, **values: Any) -> None:
        """Set values for the whole process; only :meth:`override` takes precedence over them.

        A later call adds to earlier ones, and replaces the values of settings that both name.

        Args:
            values: settings by name; they are checked at once.

        Raises:
            UnknownSetting: there is no setting of that name.
            ImproperlyConfigured: a value is not accepted; nothing is changed then.
        """
        from aerogram.conf.layers import Layer

        layer = Layer.checked(values, "settings.configure()")
        self.__dict__["_configured"] = (*self._configured, layer)

    def add_source(self, name: str, read: Callable[[], Mapping[str, Any]]) -> None:
        """Add the configuration of a framework as a source, between the environment and the file.

        Args:
            name: the name of the source in error texts; a source of the same name is replaced.
            read: a function that returns the values by name. Each access to a setting calls it, so it must be
                fast. It may depend on the context, such as the application that handles the current request.

        >>> from aerogram.conf import Settings
        >>> settings = Settings()
        >>> settings.add_source("the configuration of the shop", lambda: {"EMAIL_PORT": 2525})
        >>> settings.EMAIL_PORT, settings.source_of("EMAIL_PORT")
        (2525, 'the configuration of the shop')
        """
        self.__dict__["_sources"] = {**self._sources, name: read}

    def reset(self) -> None:
        """Discard the values of :meth:`configure` and cached values, but not overrides and sources; for
        tests."""
        self.__dict__.update(_configured=(), _base=None, _recent=())

    def frozen(self) -> AbstractContextManager[None]:
        """Read the sources once for the whole block, so that all messages of a batch use the same values.

        Overrides inside the block still apply; :meth:`configure` takes effect after it. Each read of the
        sources costs system calls, so code that reads several settings per message of a batch uses this
        block.

        >>> from aerogram.conf import settings
        >>> with settings.frozen():
        ...     settings.EMAIL_PORT, settings.EMAIL_HOST
        (25, 'localhost')
        """
        return _Frozen(self) if self._frozen.get() is None else _ALREADY_FROZEN

    def snapshot(self) -> Mapping[str, Any]:
        """Return all values by name; faster than several single accesses."""
        base = self._frozen.get() or self._current_base()
        overrides = self._overrides.get()
        if not overrides:
            return base.values
        overlaid = self._overlaid
        if overlaid is None or overlaid[0] is not base or overlaid[1] is not overrides:
            from aerogram.conf.layers import merged

            overlaid = (base, overrides, merged(self._layers())[0])
            self.__dict__["_overlaid"] = overlaid
        return overlaid[2]

    def of_this_moment(self) -> Mapping[str, Any]:
        """Return the current values by name, even inside :meth:`frozen`.

        The configuration of a framework may differ for each message of a batch, such as the active language.
        """
        if not self._sources or self._frozen.get() is None:
            return self.snapshot()
        token = self._frozen.set(None)
        try:
            return self.snapshot()
        finally:
            self._frozen.reset(token)

    def source_of(self, name: str) -> str:
        """Return a description of the source of a setting, for error texts.

        Args:
            name: a setting.

        Raises:
            UnknownSetting: there is no setting of that name.
        """
        getattr(self, name)
        from aerogram.conf.layers import merged

        layer = merged(self._layers())[1].get(name)
        return "the default" if layer is None else layer.source_of(name)

    def where_looked(self) -> str:
        """Return a description of the places that were searched for settings, for error texts."""
        return self._current_base().surroundings.where_looked()

    def _layers(self) -> list[Layer]:
        """Return the layers that sources give, weakest first."""
        return [*self._current_base().layers, *(each.layer for each in self._overrides.get())]

    def _current_base(self) -> Base:
        frozen = self._frozen.get()
        if frozen is not None:
            return frozen
        base, configured = self._base, self._configured
        framework = {name: dict(read()) for name, read in self._sources.items()}
        surroundings = base.surroundings if base and not base.surroundings.changed() else None
        # A framework may give other values in each context, such as those of the language of a request.
        for known in (base, *self._recent) if surroundings else ():
            if (
                known
                and known.surroundings is surroundings
                and known.configured is configured
                and known.framework == framework
            ):
                self.__dict__["_base"] = known
                return known
        # Each assignment is of one finished value: a race of two threads only repeats the work.
        self.__dict__["_base"] = read = self._read(configured, framework, surroundings)
        if framework:
            self.__dict__["_recent"] = (read, *self._recent[: _MOST_RECENT - 1])
        return read

    def _read(
        self,
        configured: tuple[Layer, ...],
        framework: dict[str, dict[str, Any]],
        surroundings: Surroundings | None,
    ) -> Base:
        from aerogram.conf.layers import Layer, merged
        from aerogram.conf.sources import Surroundings

        surroundings = surroundings or Surroundings.observe()
        *file, environment = surroundings.layers
        given = [Layer.checked(values, name) for name, values in framework.items()]
        layers = [*file, *given, environment, *configured]
        seen = {
            name: {key: _copied(each) for key, each in values.items()} for name, values in framework.items()
        }
        return Base(configured, seen, surroundings, layers, merged(layers)[0])


def _copied(value: object) -> object:
    """Copy a collection, so that one which is changed in place is seen to differ; keep other objects."""
    return copy(value) if isinstance(value, list | dict | set) else value


@dataclass(slots=True)
class _Frozen:
    settings: Settings
    token: Token[Base | None] | None = None

    def __enter__(self) -> None:
        self.token = self.settings._frozen.set(self.settings._current_base())

    def __exit__(self, *_: object) -> None:
        if self.token is not None:
            self.settings._frozen.reset(self.token)


class Override(ContextDecorator):
    """Values that count for a while: what :meth:`Settings.override` returns."""

    def __init__(self, settings: Settings, values: dict[str, Any]) -> None:
        from aerogram.conf.layers import Layer

        self.layer: Layer = Layer.checked(values, "settings.override()")
        # The stack lives in the context, so one object may be entered twice, and by several threads.
        self._stack = settings._overrides

    def __enter__(self) -> None:
        self._stack.set((*self._stack.get(), self))

    def __exit__(self, *_: object) -> None:
        newest_first = list(reversed(self._stack.get()))
        if self in newest_first:
            newest_first.remove(self)
            self._stack.set(tuple(reversed(newest_first)))

    def __call__(self, function: F) -> F:
        """Decorate a function, sync or async: the values count during each call."""
        if isinstance(function, type):
            raise TypeError("settings.override() decorates functions, such as the methods of a class")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError("settings.override() cannot decorate a generator; use it as 'with' inside")
        if not inspect.iscoroutinefunction(function):
            return super().__call__(function)

        @functools.wraps(function)
        async def awaiting(*args: Any, **kwargs: Any) -> Any:
            with self:
                return await function(*args, **kwargs)

        return cast("F", awaiting)

    def __repr__(self) -> str:
        return f"<settings.override of {', '.join(sorted(self.layer.values)) or 'nothing'}>"
