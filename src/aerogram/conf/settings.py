"""The settings object: which source wins, and when the sources are read again."""

from __future__ import annotations

import functools
import inspect
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar, cast

from aerogram.exceptions import UnknownSetting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from aerogram.conf.layers import Layer
    from aerogram.conf.sources import Surroundings

__all__ = ["Override", "Settings"]

P = ParamSpec("P")
R = TypeVar("R")


class Base(NamedTuple):
    """What everything below the overrides says, with the surroundings it was read from."""

    configured: Layer | None
    surroundings: Surroundings
    observed: tuple[Layer, ...]  # what file and environment gave, weakest first
    layers: tuple[Layer, ...]  # the same with configure() on top
    values: dict[str, Any]


class Overlaid(NamedTuple):
    """The values with the overrides of one context on top."""

    base: Base
    overrides: tuple[Override, ...]
    values: dict[str, Any]


class Settings:
    """Every setting as an upper-case attribute, read at call time.

    A changed environment variable, working directory or settings file is seen by the next access; between
    changes an access costs some microseconds, for the values are validated once for each change.

    Raises:
        ImproperlyConfigured: any source holds an unknown name or a wrong value. The text names the setting,
            its source and what is accepted, and never shows a secret.
        UnknownSetting: there is no setting of the name asked for.
    """

    def __init__(self) -> None:
        # Through __dict__, because assignment to a settings object is refused.
        self.__dict__["_base"] = None
        self.__dict__["_configured"] = None
        self.__dict__["_overrides"] = ContextVar("aerogram_overrides", default=())
        self.__dict__["_overlaid"] = ContextVar("aerogram_overlaid", default=None)
        self.__dict__["_held"] = ContextVar("aerogram_held", default=None)

    def __getattr__(self, name: str) -> Any:
        held: Base | None = self._held.get()
        if held is not None and not self._overrides.get() and name in held.values:
            return held.values[name]  # the short way for who reads several, in frozen()
        if not name.isupper():
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}; settings are in upper case"
            )
        try:
            return self._values()[name]
        except KeyError:
            from aerogram.conf.layers import unknown_name

            raise UnknownSetting(f"There is no setting {name}.{unknown_name(name)}") from None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            f"Settings are not assigned to: call settings.configure({name}=...) once at the start, "
            f"or use settings.override({name}=...) for a while"
        )

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *self._values()])

    def __repr__(self) -> str:
        """The names that a source sets, strongest source first, and no value."""
        layers = reversed([*self._current_base().layers, *(each.layer for each in self._overrides.get())])
        given = ", ".join(
            f"{name} ({layer.source_of(name)})" for layer in layers for name in sorted(layer.values)
        )
        return f"<Settings: {given or 'defaults'}>"

    def override(self, **values: Any) -> Override:
        """Set values for a ``with`` block or for the calls of a decorated function, sync or async.

        Only the thread or task that entered it sees them; leaving restores what was before. They nest.

        Args:
            values: settings by name; checked at once.

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

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Look at the sources once for everything inside: a batch is written from one set of values.

        What is overridden inside still counts; what is configured counts from the end on. Each look costs
        system calls, so code that reads several settings for every message of a batch reads them in here.

        >>> from aerogram.conf import settings
        >>> with settings.frozen():
        ...     settings.EMAIL_PORT, settings.EMAIL_HOST
        (25, 'localhost')
        """
        token = self._held.set(self._current_base())
        try:
            yield
        finally:
            self._held.reset(token)

    def snapshot(self) -> Mapping[str, Any]:
        """Return all values in force now by name, for code that needs several at the price of one access.

        >>> from aerogram.conf import settings
        >>> settings.snapshot()["EMAIL_PORT"]
        25
        """
        return self._values()

    def configure(self, **values: Any) -> None:
        """Set values for the whole process, beneath :meth:`override` and above every other source.

        A later call adds to the earlier ones, and wins where both name a setting.

        Raises:
            UnknownSetting: there is no setting of that name.
            ImproperlyConfigured: a value is not accepted; nothing is changed then.
        """
        from aerogram.conf.layers import Layer

        before: Layer | None = self._configured
        layer = Layer.checked(values, "settings.configure()")
        self.__dict__["_configured"] = layer if before is None else before.updated(layer)

    def reset(self) -> None:
        """Forget what :meth:`configure` set and what was read; for tests. Overrides in force stay."""
        self.__dict__["_configured"] = None
        self.__dict__["_base"] = None

    def source_of(self, name: str) -> str:
        """Where the value of a setting comes from, in words for an error text.

        >>> from aerogram.conf import settings
        >>> with settings.override(EMAIL_HOST="mail.example.com"):
        ...     settings.source_of("EMAIL_HOST")
        'settings.override()'
        """
        getattr(self, name)
        from aerogram.conf.layers import winner

        layer = winner([*self._current_base().layers, *(each.layer for each in self._overrides.get())], name)
        return "the default" if layer is None else layer.source_of(name)

    def _values(self) -> dict[str, Any]:
        base = self._current_base()
        overrides = self._overrides.get()
        if not overrides:
            return base.values
        overlaid: Overlaid | None = self._overlaid.get()
        if overlaid is None or overlaid.base is not base or overlaid.overrides is not overrides:
            from aerogram.conf.layers import merged

            values = merged([*base.layers, *(each.layer for each in overrides)])
            overlaid = Overlaid(base, overrides, values)
            self._overlaid.set(overlaid)
        return overlaid.values

    def _current_base(self) -> Base:
        held: Base | None = self._held.get()
        if held is not None:
            return held
        base: Base | None = self._base
        configured = self._configured
        # One assignment of one finished value: threads that race here do the same work twice, and no harm.
        if base is None or base.configured is not configured or base.surroundings.changed():
            from aerogram.conf.layers import merged
            from aerogram.conf.sources import Surroundings

            surroundings = Surroundings.observe()
            same = base is not None and surroundings.says_the_same_as(base.surroundings)
            observed = base.observed if base is not None and same else surroundings.layers()
            layers = observed if configured is None else (*observed, configured)
            base = Base(configured, surroundings, observed, layers, merged(layers))
            self.__dict__["_base"] = base
        return base


class Override:
    """Values in force for a while: what :meth:`Settings.override` returns."""

    def __init__(self, settings: Settings, values: dict[str, Any]) -> None:
        from aerogram.conf.layers import Layer

        self.layer = Layer.checked(values, "settings.override()")
        self._stack: ContextVar[tuple[Override, ...]] = settings._overrides

    def __enter__(self) -> None:
        self._stack.set((*self._stack.get(), self))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The stack itself lives in the context, so one object may be entered twice, and by several threads.
        stack = self._stack.get()
        for place in range(len(stack) - 1, -1, -1):
            if stack[place] is self:
                self._stack.set(stack[:place] + stack[place + 1 :])
                return

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorate a function, sync or async: the values are in force during each call."""
        if isinstance(function, type):
            raise TypeError(
                "settings.override() decorates functions; decorate the methods of the class instead"
            )
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError("settings.override() cannot decorate a generator; use it as 'with' inside")
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaiting(*args: P.args, **kwargs: P.kwargs) -> Any:
                with self:
                    return await function(*args, **kwargs)

            return cast("Callable[P, R]", awaiting)

        @functools.wraps(function)
        def calling(*args: P.args, **kwargs: P.kwargs) -> R:
            with self:
                return function(*args, **kwargs)

        return calling

    def __repr__(self) -> str:
        return f"<settings.override of {', '.join(sorted(self.layer.values)) or 'nothing'}>"
