"""The package as a whole: what importing it costs, what it exports, which folder imports what, its pins."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import aerogram

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "aerogram"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

HEAVY = {
    "aiosmtpd", "babel", "bs4", "cssutils", "django", "dkim", "fastapi", "flask", "html2text", "idna",
    "jinja2", "lxml", "opentelemetry", "premailer", "pydantic", "pydantic_settings", "requests", "rich",
    "selectolax", "smtplib", "sqlalchemy", "ssl", "starlette", "typer",
}  # fmt: skip

# Which third-party package is imported in which folder: the first part of the path below src/aerogram.
HOMES = {
    "aiosmtpd": {"catcher"},
    "babel": {"cli", "templating"},
    "celery": {"contrib"},
    "click": {"cli", "contrib"},
    "cssselect": {"inlining"},
    "cssselect2": {"inlining"},
    "cssutils": {"inlining"},
    "django": {"contrib", "mail"},      # mail/backends/django
    "dkim": {"mail"},
    "fastapi": {"contrib"},
    "flask": {"contrib"},
    "html2text": {"plaintext"},
    "idna": {"mail"},
    "jinja2": {"contrib", "renderer", "templating"},
    "markdown_it": {"templating"},
    "lxml": {"checks", "document", "inlining", "plaintext", "stencil"},
    "markupsafe": {"renderer", "templating"},
    "opentelemetry": {"mail"},
    "playwright": {"preview"},
    "premailer": {"inlining"},
    "pydantic": {"conf", "contrib", "payload"},
    "pydantic_settings": {"conf"},
    "pytest": {"testing"},
    "rich": {"cli"},
    "selectolax": {"document"},
    "sqlalchemy": {"outbox"},
    "starlette": {"contrib", "preview"},
    "tinycss2": {"inlining", "checks"},
    "typer": {"cli"},
    "uvicorn": {"preview"},
    "watchfiles": {"preview"},
    "werkzeug": {"contrib"},
}  # fmt: skip


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after this statement."""
    code = f"{statement}; import json, sys; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


@pytest.mark.parametrize(
    ("statement", "may_load"),
    [
        ("import aerogram", set()),
        ("from aerogram.conf import settings", {"smtplib", "ssl"}),
        ("import aerogram.mail", {"smtplib", "ssl", "idna"}),
        (
            "from aerogram.mail import EmailMessage; from aerogram.conf import settings",
            {"smtplib", "ssl", "idna"},
        ),
    ],
)
def test_import_is_light(statement: str, may_load: set[str]) -> None:
    assert loaded_by(statement) & HEAVY <= may_load


def test_public_names_are_exactly_these() -> None:
    assert aerogram.__all__ == [
        "AdminNotification",
        "AerogramError",
        "InlineImage",
        "ManagerNotification",
        "Notification",
        "Renderer",
        "exceptions",
        "mail",
        "preview",
        "settings",
    ]


@pytest.mark.parametrize("name", aerogram.__all__)
def test_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(aerogram, name).__doc__
    assert name in dir(aerogram)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Notifcation'"):
        _ = aerogram.Notifcation


def test_version_is_the_one_of_the_project() -> None:
    assert aerogram.__version__ == PROJECT["project"]["version"]


def imports_of(path: Path) -> set[str]:
    """The top-level packages that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_each_dependency_is_imported_by_its_own_folder_only() -> None:
    strays = []
    for path in SOURCE.rglob("*.py"):
        folder = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        foreign = imports_of(path) - sys.stdlib_module_names - {"aerogram", "annotationlib"}  # (3.14)
        strays += [
            f"{path.relative_to(SOURCE)}: {name}" for name in foreign if folder not in HOMES.get(name, ())
        ]
    assert strays == []


def declared() -> list[Requirement]:
    """Every requirement of pyproject.toml, of all extras and groups."""
    project = PROJECT["project"]
    lists = [
        project["dependencies"],
        *project["optional-dependencies"].values(),
        *PROJECT["dependency-groups"].values(),
    ]
    requirements = [Requirement(text) for texts in lists for text in texts]
    return [requirement for requirement in requirements if requirement.name != "aerogram"]


def pinned() -> dict[str, str]:
    """Name and version of each line of requirements-dev.txt."""
    text = (ROOT / "requirements-dev.txt").read_text()
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", text, re.MULTILINE))


def uses_possessive_or_atomic(pattern: str | bytes, flags: int = 0) -> bool:
    """Whether ``re`` would match it wrongly before CPython 3.11.5 (cpython issue 106052)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parsed = repr(re._parser.parse(pattern, flags).data)  # type: ignore[attr-defined]  # what re itself uses
    return "POSSESSIVE_REPEAT" in parsed or "ATOMIC_GROUP" in parsed


def compiled_patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Each pattern in a variable of a module, or as a bound method of it."""
    for module in pkgutil.walk_packages(aerogram.__path__, "aerogram."):
        if not module.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(module.name)).items():
                pattern = getattr(value, "__self__", value)
                if isinstance(pattern, re.Pattern):
                    yield f"{module.name}.{name}", pattern


def written_patterns(source: Path) -> Iterator[tuple[str, str | bytes]]:
    """Each literal given to a function of ``re``."""
    for call in ast.walk(ast.parse(source.read_text())):
        if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("re."):
            for argument in call.args[:1]:
                if isinstance(argument, ast.Constant):
                    yield f"{source}:{call.lineno}", argument.value


def test_no_pattern_is_one_that_older_pythons_match_wrongly() -> None:
    assert uses_possessive_or_atomic("(?:a|b)*+")
    assert uses_possessive_or_atomic("x(?:(?>a)|b)")
    assert not uses_possessive_or_atomic("[*+]+")
    compiled = dict(compiled_patterns())
    assert len(compiled) > 100
    wrong = [
        name
        for name, found in compiled.items()
        if uses_possessive_or_atomic(found.pattern, found.flags & re.VERBOSE)
    ]
    written = [pair for source in SOURCE.rglob("*.py") for pair in written_patterns(source)]
    assert not wrong + [where for where, pattern in written if uses_possessive_or_atomic(pattern)]


def test_every_requirement_is_pinned_to_a_version_it_allows() -> None:
    pins = pinned()
    for requirement in declared():
        version = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} is pinned to {version}"


def test_pins_are_hashed_and_name_no_host() -> None:
    text = (ROOT / "requirements-dev.txt").read_text()
    assert "://" not in text
    for block in re.split(r"\n(?=[a-z])", text)[1:]:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block


def test_every_extra_is_in_all() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    [everything] = extras["all"]
    assert Requirement(everything).extras == set(extras) - {"all"}


def test_folders_of_the_tests_are_those_of_the_package() -> None:
    folders = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")}

    assert [folder for folder in folders - {Path("e2e")} if not (SOURCE / folder).is_dir()] == []
