"""One source's values, checked; and the layers of several sources, put on one another."""

from __future__ import annotations

import difflib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from aerogram.conf.schema import Schema, SettingsTable, accepted, is_secret
from aerogram.conf.url import expand_url
from aerogram.exceptions import ImproperlyConfigured, UnknownSetting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

logger: Final = logging.getLogger("aerogram.conf")


@dataclass(frozen=True, slots=True)
class Layer:
    """The checked values of one source, and where each came from."""

    values: dict[str, Any]
    sources: dict[str, str]
    from_url: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def checked(cls, values: Mapping[str, Any], source: str, *, prefix: str = "") -> Layer:
        """Validate the values of one source, which error texts call ``source``, or "source prefixNAME"."""
        sources = {name: f"{source} {prefix}{name}" if prefix else source for name in values}
        for name in values:
            if name not in Schema.model_fields:
                raise unknown_setting(name, sources[name])
        try:
            model = Schema(**values) if values else None
        except ValidationError as error:
            name = str(error.errors(include_url=False, include_input=False)[0]["loc"][0])
            raise wrong_value(name, values[name], sources[name]) from None
        return cls._with_url({name: getattr(model, name) for name in values}, sources)

    @classmethod
    def _with_url(cls, values: dict[str, Any], sources: dict[str, str]) -> Layer:
        urls = {
            name: expand_url(values[name], sources[name], name)
            for name in ("EMAIL_URL", "EMAIL_CAPTURE")
            if values.get(name)
        }
        from_url = urls.get("EMAIL_URL", {})
        if from_url and from_url["EMAIL_BACKEND"] != values.get("EMAIL_BACKEND", from_url["EMAIL_BACKEND"]):
            logger.warning(
                "EMAIL_BACKEND (%s) has no effect, as EMAIL_URL of the same source names another backend. "
                "Remove one of them; EMAIL_HOST and the other EMAIL_* settings say the same as a URL.",
                sources["EMAIL_BACKEND"],
            )
        return cls(values, sources, from_url)

    @property
    def names_transport(self) -> bool:
        """True if the source says where the mail of the default mailer goes, outside of ``MAILERS``."""
        return bool(self.from_url) or "EMAIL_BACKEND" in self.values

    def source_of(self, name: str) -> str:
        """Return where a value of this layer comes from, in words."""
        if name in self.from_url:
            return f"EMAIL_URL, {self.sources['EMAIL_URL']}"
        return self.sources[name]


def merged(layers: Sequence[Layer]) -> tuple[dict[str, Any], dict[str, Layer]]:
    """Return the value of every setting, and the layer of each that is not the default.

    The layers are given weakest first. A source's ``EMAIL_URL`` counts as the ``EMAIL_*`` values it stands
    for, in that same source; only the strongest source's URL counts. A source that names a transport puts the
    ``MAILERS["default"]`` of weaker sources out of force.
    """
    values, origins = dict(vars(SettingsTable())), {}
    with_url = next((layer for layer in reversed(layers) if "EMAIL_URL" in layer.values), None)
    for layer in layers:
        given = {**layer.values, **(layer.from_url if layer is with_url else {})}
        if layer.names_transport:
            values["MAILERS"] = {
                alias: each for alias, each in values["MAILERS"].items() if alias != "default"
            }
        values.update(given)
        origins.update(dict.fromkeys(given, layer))
    return values, origins


def unknown_setting(name: str, source: str = "") -> UnknownSetting:
    """Return the error for a name that is no setting, with the nearest names if any is near."""
    near = difflib.get_close_matches(name.upper(), Schema.model_fields, n=3, cutoff=0.7)
    hint = f"Did you mean {' or '.join(near)}?" if near else "docs/settings.md lists all settings."
    return UnknownSetting(f"There is no setting {name}{f' ({source})' if source else ''}. {hint}")


def wrong_value(name: str, value: object, source: str) -> ImproperlyConfigured:
    """Return the error for a value that is not accepted; of a secret it shows only the type."""
    shown = f"a value of type {type(value).__name__}" if is_secret(name) else _short(value)
    return ImproperlyConfigured(f"{name} ({source}): {shown} is not accepted. Accepted: {accepted(name)}.")


def _short(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
