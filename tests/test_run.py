"""./run on machines that lack something: a clear sentence, and nothing half done."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what ./run reads, beside a folder ``bin`` with the basic programs and no python."""
    folder = tmp_path / "a checkout"
    (folder / "bin").mkdir(parents=True)
    for name in ("run", "requirements-dev.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("sh", "dirname", "cat", "cksum", "awk", "mv", "sed", "tr", "ls", "mkdir", "chmod", "rm"):
        program = shutil.which(name)
        assert program is not None
        (folder / "bin" / name).symlink_to(program)
    return folder


def fake_python(checkout: Path, script: str, name: str = "python3") -> None:
    """Put a program of that name on the PATH of the checkout."""
    path = checkout / "bin" / name
    path.write_text("#!/bin/sh\n" + dedent(script))
    path.chmod(0o755)


def run(checkout: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Call ./run with nothing but the checkout's own programs."""
    return subprocess.run(
        ["/bin/sh", str(checkout / "run"), *arguments],
        env={"PATH": str(checkout / "bin"), **environment},
        cwd="/",
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


def test_without_arguments_it_tells_its_commands(checkout: Path) -> None:
    done = run(checkout)

    assert done.returncode == 0
    for command in ("demo", "test", "check", "bench", "setup"):
        assert f"\n  {command} " in done.stdout


def test_no_python_at_all(checkout: Path) -> None:
    done = run(checkout, "test")

    assert done.returncode == 1
    assert done.stderr == "run: no python3 on PATH: install Python 3.11 or newer\n"


def test_python_that_is_too_old(checkout: Path) -> None:
    fake_python(checkout, '[ "$1" = --version ] && echo "Python 3.9.18" && exit 0; exit 1')

    done = run(checkout, "test")

    assert done.returncode == 1
    assert done.stderr == "run: Python 3.11 or newer is needed, and python3 is Python 3.9.18\n"


# A python whose "-m venv" makes an environment in which pip finds no index.
MAKES_A_VENV = """
    if [ "$1 $2" = "-m venv" ]; then
        mkdir -p "$4/bin"
        rm -f "$4/bin/python"
        printf '#!/bin/sh\\n[ "$1" = -c ] || { echo no index >&2; exit 1; }\\n' >"$4/bin/python"
        chmod +x "$4/bin/python"
        echo "$0 made it"
    fi
"""


def test_newer_python_beside_an_old_one_is_taken(checkout: Path) -> None:
    fake_python(checkout, "exit 1")
    fake_python(checkout, MAKES_A_VENV, "python3.12")

    assert "bin/python3.12 made it" in run(checkout, "test").stdout


def test_venv_that_is_missing(checkout: Path) -> None:
    fake_python(checkout, 'case "$2" in *ensurepip*) exit 1 ;; esac')

    done = run(checkout, "test")

    assert done.returncode == 1
    assert "python3 has no venv" in done.stderr
    assert "apt-get install python3-venv" in done.stderr
    assert not (checkout / ".venv").exists()


def test_set_up_that_failed_is_not_taken_for_ready(checkout: Path) -> None:
    fake_python(checkout, MAKES_A_VENV)

    for _ in range(2):
        done = run(checkout, "test")

        assert done.returncode == 1
        assert "no index\nrun: the packages could not be installed" in done.stderr
        assert not (checkout / ".venv" / ".ready").exists()


def test_broken_environment_is_made_anew(checkout: Path) -> None:
    fake_python(checkout, f'echo "$@"\n{MAKES_A_VENV}')
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")
    (checkout / ".venv" / ".ready").write_bytes(marker(checkout))

    done = run(checkout, "setup")

    assert "-m venv --clear .venv\n" in done.stdout


def marker(checkout: Path) -> bytes:
    """What a finished set-up of this checkout writes down."""
    script = "pwd; cksum requirements-dev.txt pyproject.toml"
    return subprocess.run(["sh", "-c", script], cwd=checkout, capture_output=True, check=True).stdout


def ready(checkout: Path, script: str) -> None:
    """Give the checkout an environment that is ready, whose python is this script."""
    bin_folder = checkout / ".venv" / "bin"
    bin_folder.mkdir(parents=True)
    python = bin_folder / "python"
    python.write_text("#!/bin/sh\n" + dedent(script))
    python.chmod(0o755)
    (checkout / ".venv" / ".ready").write_bytes(marker(checkout))


ECHO = '[ "$1" = -c ] || echo "$@"'


@pytest.mark.parametrize(
    ("arguments", "called"),
    [
        (["demo"], "-m examples.demo"),
        (["test"], "-m pytest -n auto --dist loadfile --no-loadscope-reorder"),
        (["test", "-k", "one"], "-m pytest -k one"),
        (["bench", "render", "--rounds", "3"], "-m benchmarks.render --rounds 3"),
        (["python", "-m", "this"], "-m this"),
    ],
)
def test_ready_environment_is_used_at_once(checkout: Path, arguments: list[str], called: str) -> None:
    ready(checkout, ECHO)

    done = run(checkout, *arguments)

    assert (done.stdout, done.stderr) == (f"{called}\n", "")


def test_what_is_compiled_is_kept(checkout: Path) -> None:
    ready(checkout, '[ "$1" = -c ] || echo "${PYTHONDONTWRITEBYTECODE-kept}"')

    assert run(checkout, "test", PYTHONDONTWRITEBYTECODE="1").stdout == "kept\n"


def test_changed_requirements_are_installed(checkout: Path) -> None:
    ready(checkout, ECHO)
    fake_python(checkout, "exit 0")
    with (checkout / "requirements-dev.txt").open("a") as file:
        file.write("# changed\n")

    done = run(checkout, "setup")

    assert "setting up .venv" in done.stderr
    assert "--require-hashes" in done.stdout
    assert run(checkout, "setup").stderr == ""


def test_unknown_command_is_named(checkout: Path) -> None:
    ready(checkout, "exit 0")

    done = run(checkout, "tset")

    assert done.returncode == 1
    assert "no command tset" in done.stderr


def test_workflows_call_steps_that_exist() -> None:
    [steps] = re.findall(r"^STEPS=\((.*)\)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    called = [
        step
        for workflow in (ROOT / ".github" / "workflows").glob("*.yml")
        for line in re.findall(r"run: \.ci/run(.*)$", workflow.read_text(), re.MULTILINE)
        for step in line.split()
    ]

    assert called
    assert set(called) <= set(steps.split())


def test_unknown_step_is_named() -> None:
    done = subprocess.run([ROOT / ".ci" / "run", "tset"], capture_output=True, text=True)

    assert done.returncode == 2
    assert done.stderr.startswith("no step tset; there are: programs setup check docs test ")
