"""Checks that every public name is completely typed by pyright's ``--verifytypes``; ``./run check`` runs it.

Pyright looks at the whole package. What counts are the names of docs/reference.md, and with them every class,
function and attribute that their types mention.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parent.parent


def completeness() -> dict[str, dict[str, object]]:
    """What pyright says about each symbol of the package, by its dotted name."""
    command = ["pyright", "--pythonpath", sys.executable, "--verifytypes", "aerogram", "--ignoreexternal"]
    done = subprocess.run(
        [sys.executable, "-m", *command, "--outputjson"],
        # The editable install has a folder of templates of the same name: the source must come first.
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )
    try:
        report = json.loads(done.stdout)["typeCompleteness"]
    except ValueError:
        sys.exit(f"pyright did not run: {done.stdout}{done.stderr}")
    return {symbol["name"]: symbol for symbol in report["symbols"]}


def main() -> None:
    """Print what is missing and exit with 1, or print how many names are complete."""
    modules = runpy.run_path(str(ROOT / "docs" / "generated.py"))["PUBLIC"]
    backends = "aerogram.mail.backends"
    modules += tuple(f"{backends}.{name}" for name in import_module(backends).__all__)
    public = {f"{module}.{name}" for module in modules for name in import_module(module).__all__}
    symbols = completeness()
    unknown = {
        name: symbol
        for name, symbol in symbols.items()
        if not symbol["isTypeKnown"] or symbol.get("isTypeAmbiguous")
    }
    incomplete = sorted(public & unknown.keys())
    if not incomplete:
        print(f"The types of {len(public)} public names are complete.")
        return
    for name, symbol in unknown.items():
        for diagnostic in symbol["diagnostics"]:
            print(f"{name}: {diagnostic['message']}")
    sys.exit(f"Incompletely typed, for one of the reasons above: {', '.join(incomplete)}")


if __name__ == "__main__":
    main()
