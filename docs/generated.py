"""Write what the pages take from the code: ``./run python docs/generated.py``.

The table of settings comes from the schema, the tree of rooms from the first line of each docstring, the
order of imports from the contract that import-linter checks.
"""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

from aerogram.conf.schema import SettingsTable, accepted

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "aerogram"
OPEN_ROOMS = ("mail",)  # whose files are drawn too


def settings_table() -> str:
    """One row a setting, in the order of the schema."""
    rows = ["| Setting | Default | Accepted |", "|---|---|---|"]
    for name, default in vars(SettingsTable()).items():
        rows.append(f"| `{name}` | `{default!r}` | {accepted(name)} |")
    return "\n".join(rows) + "\n"


def tree() -> str:
    """One line a file or folder of the package."""
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
            if path.name in OPEN_ROOMS:
                lines += _lines(path, depth + 1)
    return lines


def _line(name: str, module: Path, depth: int) -> str:
    duty = (ast.get_docstring(ast.parse(module.read_text())) or "").partition("\n")[0]
    plain = re.sub(r":\w+:|`", "", duty).removesuffix(".")
    return f"{'  ' * depth}{name:<{26 - 2 * depth}}{plain}"


def import_order() -> str:
    """The layers, the uppermost first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    return "\n".join(["```", *layers, "```"]) + "\n"


WRITTEN = {
    ("settings.md", "settings"): settings_table,
    ("architecture.md", "tree"): tree,
    ("architecture.md", "import order"): import_order,
}


def complete(page: str, text: str) -> str:
    """The text of a page with its generated parts as they should be."""
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
