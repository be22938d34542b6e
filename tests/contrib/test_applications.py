"""The example applications of frameworks pass their own tests."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.forked_python import python
from tests.sample_mail import EXAMPLES


@pytest.mark.parametrize(("example", "count"), [("flask_club", 4), ("fastapi_tickets", 3)])
def test_the_tests_of_an_example_pass(example: str, count: int, tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLES / example, tmp_path / example)
    done = subprocess.run(
        python("-W", "error", "-m", "pytest", "-q", "-p", "no:asyncio"),
        cwd=folder,
        env={"PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith(f"{count} passed")
