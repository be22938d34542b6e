"""Renew the parts of the docs that come from the code: ``./run python docs/generated.py``.

The table of settings comes from the schema, the reference from ``__all__`` and the docstrings, the tree
from the docstrings too, and the orders of imports from the contracts that import-linter checks.
"""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from functools import partial
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType

from aerogram.conf.schema import SettingsTable, accepted
from aerogram.declaration import DECLARATIONS

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "aerogram"
PIPE = "\\|"  # in a cell of a table
OPEN_FOLDERS = ("mail",)  # their contents are part of the tree
PUBLIC = (
    "aerogram",
    "aerogram.mail",
    "aerogram.mail.message",
    "aerogram.mail.backends",
    "aerogram.conf",
    "aerogram.exceptions",
    "aerogram.preview",
    "aerogram.checks",
    "aerogram.outbox",
    "aerogram.testing",
    "aerogram.catcher",
    "aerogram.inlining",
    "aerogram.plaintext",
    "aerogram.contrib.celery",
    "aerogram.contrib.django",
    "aerogram.contrib.fastapi",
    "aerogram.contrib.flask",
    "aerogram.contrib.logging",
)


def settings_table() -> str:
    """Return a table with one row per setting, in the order of the schema."""
    rows = ["| Setting | Default | Accepted |", "|---|---|---|"]
    for name, default in vars(SettingsTable()).items():
        rows.append(f"| `{name}` | `{default!r}` | {accepted(name)} |")
    return "\n".join(rows) + "\n"


def reference() -> str:
    """Return one section per public module, with one row per name of its ``__all__``."""
    sections = []
    for module in PUBLIC:
        loaded = import_module(module)
        rows = [f"## `{module}`", "", _first_sentence(loaded.__doc__), "", "| Name | |", "|---|---|"]
        rows += [f"| `{name}` | {_summary(module, name)} |" for name in loaded.__all__]
        sections.append("\n".join(rows) + "\n")
    return "\n".join(sections)


def _summary(module: str, name: str) -> str:
    try:
        value = getattr(import_module(module), name)
    except AttributeError:
        value = import_module(f"{module}.{name}")
    has_its_own = isinstance(value, type | FunctionType | ModuleType)
    return _first_sentence(value.__doc__ if has_its_own else _attribute_doc(module, name))


def _attribute_doc(module: str, name: str) -> str | None:
    """Return the string below the assignment of a name, also in the module that it is imported from."""
    tree = ast.parse(inspect.getsource(import_module(module)))
    for statement, below in zip(tree.body, tree.body[1:], strict=False):
        targets = [*getattr(statement, "targets", []), getattr(statement, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            text = getattr(below, "value", None)
            return text.value if isinstance(text, ast.Constant) and isinstance(text.value, str) else None
    for imported in (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)):
        if any(name in (alias.asname, alias.name) for alias in imported.names):
            return _attribute_doc(str(imported.module), name)
    return None


def _first_sentence(doc: str | None) -> str:
    paragraph = " ".join((doc or "").strip().partition("\n\n")[0].split())
    sentence = re.split(r"(?<=\.)\s|, e\.g|::$", paragraph)[0]
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", sentence).replace("``", "`").replace("|", "\\|")


def tree() -> str:
    """Return a tree with one line per file and folder of the package."""
    lines = ["```", "src/aerogram/"]
    lines += _lines(SOURCE, 1)
    lines.append("```")
    return "\n".join(lines) + "\n"


def _lines(folder: Path, depth: int) -> list[str]:
    lines = []
    for path in sorted(folder.iterdir()):
        package = path / "__init__.py"
        if path.suffix == ".py" and (depth == 1 or path.name != "__init__.py"):
            lines.append(_line(path.name, path, depth))
        elif package.exists():
            lines.append(_line(f"{path.name}/", package, depth))
            if path.name in OPEN_FOLDERS:
                lines += _lines(path, depth + 1)
    return lines


def _line(name: str, module: Path, depth: int) -> str:
    duty = (ast.get_docstring(ast.parse(module.read_text())) or "").partition("\n")[0]
    plain = re.sub(r":\w+:|`", "", duty).removesuffix(".")
    return f"{'  ' * depth}{name:<{26 - 2 * depth}}{plain}"


def import_order(number: int) -> str:
    """Return the layers of one contract of import-linter, the highest first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers = project["tool"]["importlinter"]["contracts"][number]["layers"]
    return "\n".join(["```", *layers, "```"]) + "\n"


def declarations_table() -> str:
    """Return one row for each declaration of a notification."""
    rows = ["| Declaration | Type | Default | |", "|---|---|---|---|"]
    for name, kind, default, _, doc in DECLARATIONS.values():
        words = " ".join(re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", doc.replace("``", "`")).split())
        rows.append(f"| `{name}` | `{kind.replace('|', PIPE)}` | `{default!r}` | {words} |")
    return "\n".join(rows) + "\n"


WRITTEN = {
    ("templates.md", "declarations"): declarations_table,
    ("settings.md", "settings"): settings_table,
    ("reference.md", "reference"): reference,
    ("architecture.md", "tree"): tree,
    ("architecture.md", "import order"): partial(import_order, 0),
    ("architecture.md", "import order of mail"): partial(import_order, 1),
}


def complete(page: str, text: str) -> str:
    """Return the text of a page with its generated parts renewed."""
    for (where, name), write in WRITTEN.items():
        if where == page:
            begin, end = f"<!-- {name}: written by docs/generated.py -->\n", f"<!-- end of {name} -->\n"
            before, _, rest = text.partition(begin)
            _, found, after = rest.partition(end)
            if not found:
                raise SystemExit(f"{page} has no line {begin.strip()} with {end.strip()} behind it")
            text = before + begin + write() + end + after
    return text


if __name__ == "__main__":
    for page in sorted({page for page, _ in WRITTEN}):
        path = Path(__file__).with_name(page)
        path.write_text(complete(page, path.read_text()))
