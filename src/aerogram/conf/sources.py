"""What surrounds the process: its environment variables and the settings file of its working directory."""

from __future__ import annotations

import os
import stat
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic_settings import EnvSettingsSource, SettingsError

from aerogram.conf.layers import Layer, unknown_name, wrong_value
from aerogram.conf.schema import ENVIRONMENT_PREFIX, Environment, Schema, is_path
from aerogram.exceptions import ImproperlyConfigured, UnknownSetting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Surroundings"]

RACY_NS: Final = 100_000_000
"""A file changed less than this long (ns) before it was read may change again without a new time stamp."""

Signature = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Environment and settings file as they were at one moment."""

    environment: dict[Any, Any]
    folder: str | None
    absent: tuple[str, ...]
    present: tuple[tuple[str, Signature], ...]
    settled: bool
    file: str | None
    table: dict[str, Any]

    @classmethod
    def observe(cls) -> Surroundings:
        """Read the environment, and climb from the working directory to the nearest settings file.

        Raises:
            ImproperlyConfigured: a file on the way cannot be read, or is no TOML.
        """
        environment = dict(_raw_environment())
        folder = _working_directory()
        absent: list[str] = []
        present: list[tuple[str, Signature]] = []
        now = time.time_ns()
        found, table = None, {}
        for path in _candidates(folder):
            signature = _signature(path)
            if signature is None:
                absent.append(path)
                continue
            present.append((path, signature))
            content = _table_of(path)
            if content is not None:
                found, table = path, content
                break
        settled = all(now - signature[0] > RACY_NS for _, signature in present)
        return cls(environment, folder, tuple(absent), tuple(present), settled, found, table)

    def changed(self) -> bool:
        """Whether anything may be different now. Called at every access: no parsing, few system calls."""
        if _raw_environment() != self.environment or not self.settled or _working_directory() != self.folder:
            return True
        for path in self.absent:
            if os.access(path, os.F_OK):
                return True
        return any(_signature(path) != signature for path, signature in self.present)

    def says_the_same_as(self, other: Surroundings) -> bool:
        """Whether both give the same settings, though they were read at different moments."""
        return (self.environment, self.file, self.table) == (other.environment, other.file, other.table)

    def layers(self) -> tuple[Layer, ...]:
        """The settings that file and environment give, weakest first.

        Raises:
            ImproperlyConfigured: a name or value is wrong.
        """
        layers = []
        if self.file is not None:
            layers.append(_file_layer(self.file, self.table))
        layer = _environment_layer(os.environ)
        return (*layers, layer) if layer.values else tuple(layers)


def _raw_environment() -> Mapping[Any, Any]:
    # The encoded mapping beneath os.environ: comparing it whole costs less than decoding one variable.
    return getattr(os.environ, "_data", os.environ)


def _environment_layer(environment: Mapping[str, str]) -> Layer:
    for variable in environment:
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        name = variable.removeprefix(ENVIRONMENT_PREFIX)
        if name not in Schema.model_fields:
            raise UnknownSetting(
                f"There is no setting {name} (environment variable {variable}).{unknown_name(name)}"
            )
    try:
        values = EnvSettingsSource(Environment)()
    except SettingsError:
        raise _not_json(environment) from None
    return Layer.checked(values, "environment variable", prefix=ENVIRONMENT_PREFIX)


def _not_json(environment: Mapping[str, str]) -> ImproperlyConfigured:
    """Find the variable that pydantic-settings could not decode."""
    for name, field in Schema.model_fields.items():
        variable = ENVIRONMENT_PREFIX + name
        if variable in environment:
            source = EnvSettingsSource(Environment)
            try:
                source.prepare_field_value(name, field, environment[variable], source.field_is_complex(field))
            except ValueError:
                error = wrong_value(name, environment[variable], f"environment variable {variable}")
                return ImproperlyConfigured(f"{error} Lists and dicts are written as JSON.")
    raise AssertionError("no variable is at fault")  # pragma: no cover - the source has just refused one


def _working_directory() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - called at every access: a str, no Path built
    except OSError:  # the folder is gone: no file, then
        return None


def _candidates(folder: str | None) -> Iterator[str]:
    """The files to look at, nearest first; in one folder aerogram.toml comes first."""
    if folder is None:
        return
    for each in (Path(folder), *Path(folder).parents):
        yield str(each / "aerogram.toml")
        yield str(each / "pyproject.toml")


def _signature(path: str) -> Signature | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - called at every access: no Path built
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino) if stat.S_ISREG(status.st_mode) else None


def _table_of(path: str) -> dict[str, Any] | None:
    """The settings of a file as written; None for a pyproject.toml that has none."""
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ImproperlyConfigured(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:  # not TOML, or not UTF-8
        raise ImproperlyConfigured(f"{path} is not valid TOML: {error}.") from None
    if path.endswith("aerogram.toml"):
        return document
    tool = document.get("tool", {})
    table = tool.get("aerogram") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ImproperlyConfigured(
            f"tool.aerogram in {path} is no table. Write [tool.aerogram] and a line a setting."
        )
    return table


def _file_layer(path: str, table: Mapping[str, Any]) -> Layer:
    """Check a file's settings; names may be written in upper or in lower case."""
    source = path if path.endswith("aerogram.toml") else f"[tool.aerogram] of {path}"
    values: dict[str, Any] = {}
    for key, value in table.items():
        name = key.upper() if key.islower() else key
        if name in values:
            raise ImproperlyConfigured(
                f"{name} is given twice ({source}), in upper and in lower case. Keep one."
            )
        values[name] = value
    layer = Layer.checked(values, source)
    folder = Path(path).parent
    for name, value in layer.values.items():
        if value is not None and is_path(name):
            layer.values[name] = (
                [str(folder / each) for each in value] if isinstance(value, list) else str(folder / value)
            )
    return layer
