"""The built wheel, installed where no checkout is: the package and its templates, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def call(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a program; its output, or a failure that shows it."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # From that folder: a folder named "build" in the checkout would hide the builder.
    call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", ".", ROOT, cwd=folder)
    [path] = folder.glob("*.whl")
    return path


def test_wheel_holds_the_package_and_every_template(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    shipped = {f"aerogram/{path.relative_to(ROOT)}" for path in (ROOT / "templates").rglob("*.*")}
    assert shipped
    assert shipped <= names
    assert {"aerogram/py.typed", "aerogram/__init__.py"} <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"aerogram"}
    assert not [name for name in names if "__pycache__" in name]


def test_installed_wheel_renders(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    call(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    # The dependencies are borrowed from the environment of the tests; .pth files there, such as the one of an
    # editable install, are not read.
    [packages] = (environment / "lib").glob("python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    output = call(python, "-I", Path(__file__).parent / "check_wheel.py", cwd=elsewhere)

    assert f"renders from {packages / 'aerogram'}" in output
    assert "usage" in call(python, "-I", "-m", "aerogram", "--help", cwd=elsewhere).lower()
