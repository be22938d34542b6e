"""One source's values, checked; and several laid on one another."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from aerogram.conf.schema import Schema, accepted, is_secret
from aerogram.conf.url import expand_url
from aerogram.exceptions import ImproperlyConfigured, UnknownSetting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Layer", "merged", "unknown_name", "winner", "wrong_value"]

DEFAULTS = {name: each.default for name, each in Schema.model_fields.items()}


@dataclass(frozen=True, slots=True)
class Layer:
    """The checked values of one source, and where each came from."""

    values: dict[str, Any]
    sources: dict[str, str]
    from_url: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def checked(cls, values: Mapping[str, Any], source: str, *, prefix: str = "") -> Layer:
        """Validate what one source says.

        Args:
            values: settings by name.
            source: the source in words; with ``prefix`` each value's source is "<source> <prefix><name>".
            prefix: what the source puts before each name.

        Raises:
            UnknownSetting: a name that is no setting.
            ImproperlyConfigured: a value that is not accepted.
        """
        sources = {name: f"{source} {prefix}{name}" if prefix else source for name in values}
        for name in values:
            if name not in Schema.model_fields:
                raise UnknownSetting(f"There is no setting {name} ({sources[name]}).{unknown_name(name)}")
        if not values:
            return cls({}, {})
        try:
            model = Schema(**values)
        except ValidationError as error:
            name = str(error.errors(include_url=False, include_input=False)[0]["loc"][0])
            raise wrong_value(name, values[name], sources[name]) from None
        return cls._with_url({name: getattr(model, name) for name in values}, sources)

    @classmethod
    def _with_url(cls, values: dict[str, Any], sources: dict[str, str]) -> Layer:
        url = values.get("EMAIL_URL")
        return cls(values, sources, expand_url(url, sources["EMAIL_URL"]) if url else {})

    def updated(self, other: Layer) -> Layer:
        """This layer with another of the same kind on top."""
        return self._with_url({**self.values, **other.values}, {**self.sources, **other.sources})

    def source_of(self, name: str) -> str:
        """Where a value of this layer comes from, in words."""
        if name in self.from_url:
            return f"EMAIL_URL, {self.sources['EMAIL_URL']}"
        return self.sources[name]


def merged(layers: Sequence[Layer]) -> dict[str, Any]:
    """Every setting's value.

    Args:
        layers: the sources, weakest first. A source's ``EMAIL_URL`` counts as the ``EMAIL_*`` values it
            stands for, in that same source; only the strongest source's URL counts.
    """
    # A default list is copied: what a program appends to it must not outlive reset().
    values = {
        name: value.copy() if isinstance(value, list | dict) else value for name, value in DEFAULTS.items()
    }
    for layer in layers:
        values.update(layer.values)
        if layer is _url_layer(layers):
            values.update(layer.from_url)
    return values


def winner(layers: Sequence[Layer], name: str) -> Layer | None:
    """The layer whose value of a setting is in force; None for the default."""
    for layer in reversed(layers):
        if name in layer.values or (name in layer.from_url and layer is _url_layer(layers)):
            return layer
    return None


def _url_layer(layers: Sequence[Layer]) -> Layer | None:
    return next((layer for layer in reversed(layers) if "EMAIL_URL" in layer.values), None)


def unknown_name(name: str) -> str:
    """The end of an error text about a name that is no setting: the nearest names, if any is near."""
    near = difflib.get_close_matches(name.upper(), DEFAULTS, n=3, cutoff=0.7)
    return (
        f" Did you mean {' or '.join(near)}?" if near else " docs/settings.md lists the settings there are."
    )


def wrong_value(name: str, value: object, source: str) -> ImproperlyConfigured:
    """The error for a value that is not accepted; a secret's value is told by its type alone."""
    shown = f"a value of type {type(value).__name__}" if is_secret(name) else _short(value)
    return ImproperlyConfigured(f"{name} ({source}): {shown} is not accepted. Accepted: {accepted(name)}.")


def _short(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
