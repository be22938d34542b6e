"""The environment variables of the process and the settings file of its working directory."""

from __future__ import annotations

import os
import re
import stat
import time
import tomllib
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic_settings import EnvSettingsSource

from aerogram.conf.layers import Layer, unknown_setting, wrong_value
from aerogram.conf.schema import ENVIRONMENT_PREFIX, Environment, is_path
from aerogram.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONFIG_VARIABLE: Final = f"{ENVIRONMENT_PREFIX}CONFIG"
"""The environment variable that names the settings file, wherever it is."""

RACY_NS: Final = 100_000_000
"""A file changed less than this long (ns) before it was read may change again without a new time stamp."""

_SQLITE_FILE: Final = re.compile(r"(sqlite(?:\+\w+)?:///)([^/:?][^:?]*)(\?.*)?")  # a relative path

Signature = tuple[int, int, int]
UNSETTLED: Final[Signature] = (0, 0, 0)  # of a file changed just now: no file has it, so it is read again


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Environment and settings file as they were at one moment, and the layers they give, weakest first."""

    environment: dict[Any, Any]
    folder: str | None
    absent: list[str]
    present: dict[str, Signature]
    layers: list[Layer]

    @classmethod
    def observe(cls) -> Surroundings:
        """Read the environment, and the nearest settings file from the working directory upward."""
        seen = cls(dict(_raw_environment()), _working_directory(), [], {}, [])
        now = time.time_ns()
        named = os.environ.get(CONFIG_VARIABLE)
        for path in [os.path.abspath(named)] if named else _candidates(seen.folder):  # noqa: PTH100 - as getcwd()
            if (signature := _signature(path)) is None:
                seen.absent.append(path)
                continue
            seen.present[path] = signature if now - signature[0] > RACY_NS else UNSETTLED
            if (table := _table_of(path)) is not None:
                seen.layers.append(_file_layer(path, table))
                break
        if named and not seen.layers:
            raise ImproperlyConfigured(
                f"{CONFIG_VARIABLE} names {named}, which is not a file with settings. Set it to the path "
                "of an aerogram.toml, or of a pyproject.toml with [tool.aerogram]."
            )
        seen.layers.append(_environment_layer(os.environ))
        return seen

    def where_looked(self) -> str:
        """Return where settings were looked for, in words for an error text."""
        if len(self.layers) > 1:
            return f"in {next(reversed(self.present))} and in the environment ({ENVIRONMENT_PREFIX}<NAME>)"
        files = list(islice(_candidates(self.folder), 2))
        return (
            f"in the environment ({ENVIRONMENT_PREFIX}<NAME>) and, as the working directory is {self.folder},"
            f" for {' and '.join(files)} with settings, and for the like in the folders above. "
            f"{CONFIG_VARIABLE} names a settings file that is elsewhere"
        )

    def changed(self) -> bool:
        """Return whether anything may differ by now. Called at every access: no parsing, few system calls."""
        if _raw_environment() != self.environment or _working_directory() != self.folder:
            return True
        for path in self.absent:
            if os.access(path, os.F_OK):
                return True
        for path, signature in self.present.items():  # noqa: SIM110 - no frames of generators
            if _signature(path) != signature:
                return True
        return False


def _raw_environment() -> Mapping[Any, Any]:
    # The encoded mapping beneath os.environ: comparing it whole costs less than decoding one variable.
    return getattr(os.environ, "_data", os.environ)


def _working_directory() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - called at every access: a str, no Path built
    except OSError:  # the folder was removed: then there is no file
        return None


def _environment_layer(environment: Mapping[str, str]) -> Layer:
    source = EnvSettingsSource(Environment)
    values = {}
    for variable, text in environment.items():
        name = variable.removeprefix(ENVIRONMENT_PREFIX)
        if name == variable or variable == CONFIG_VARIABLE:
            continue
        field = Environment.model_fields.get(name)
        if field is None:
            raise unknown_setting(name, f"environment variable {variable}")
        try:
            values[name] = source.prepare_field_value(name, field, text, source.field_is_complex(field))
        except ValueError:
            error = wrong_value(name, text, f"environment variable {variable}")
            raise ImproperlyConfigured(f"{error} Lists and dicts are written as JSON.") from None
    return Layer.checked(values, "environment variable", prefix=ENVIRONMENT_PREFIX)


def _candidates(folder: str | None) -> Iterator[str]:
    """Yield the files to look for, nearest first; in one folder aerogram.toml comes first."""
    if folder is not None:
        for each in (Path(folder), *Path(folder).parents):
            yield str(each / "aerogram.toml")
            yield str(each / "pyproject.toml")


def _signature(path: str) -> Signature | None:
    """Return what changes when a file is rewritten; None where there is no file."""
    try:
        status = os.stat(path)  # noqa: PTH116 - called at every access: no Path built
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino) if stat.S_ISREG(status.st_mode) else None


def _table_of(path: str) -> dict[str, Any] | None:
    """Return the settings of a file as written; None for a pyproject.toml without any."""
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ImproperlyConfigured(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:  # not TOML, or not UTF-8
        raise ImproperlyConfigured(f"{path} is not valid TOML: {error}.") from None
    if not path.endswith("pyproject.toml"):
        return document
    tool = document.get("tool", {})
    table = tool.get("aerogram") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ImproperlyConfigured(
            f"tool.aerogram in {path} is not a table. Write [tool.aerogram] and one line per setting."
        )
    return table


def _file_layer(path: str, table: Mapping[str, Any]) -> Layer:
    """Check a file's settings, whose names may be in lower case and whose paths are relative to the file."""
    source = f"[tool.aerogram] of {path}" if path.endswith("pyproject.toml") else path
    values: dict[str, Any] = {}
    for key, value in table.items():
        name = key.upper() if key.islower() else key
        if name in values:
            raise ImproperlyConfigured(
                f"{name} is given twice ({source}), in upper and lower case. Keep one."
            )
        values[name] = value
    layer = Layer.checked(values, source)
    folder = Path(path).parent
    for name, value in layer.values.items():
        if name == "OUTBOX_URL" and (relative := _SQLITE_FILE.fullmatch(value)):
            layer.values[name] = f"{relative[1]}{folder / relative[2]}{relative[3] or ''}"
        elif isinstance(value, list) and is_path(name):
            layer.values[name] = [str(folder / each) for each in value]
        elif value is not None and is_path(name):
            layer.values[name] = str(folder / value)
    return layer
