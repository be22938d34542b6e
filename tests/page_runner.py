"""Run what a page of the documentation shows: its files, programs and commands, in a folder of their own.

The blocks of a page are taken in their order:

- A file name behind the language (three backticks, then ``python shop.py``) makes the block that file.
- ``python`` blocks without one are a single program, which runs at the end of the page.
- A ``console`` block holds commands behind ``$`` and what they print; ``…`` stands for anything.
- An ``sh`` block holds commands that must succeed.
- ``toml`` without a file name are settings, which must be accepted.
- Files named ``test_*.py`` are run by pytest at the end.

``aerogram catch`` runs until the page ends, on a free port in place of 1025. A ``text`` block below the
comment ``<!-- printed by aerogram catch -->`` is what it has printed since. A block below
``<!-- not run: the reason -->`` is left out. A block inside a comment runs, and readers do not see it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import threading
from pathlib import Path

from tests.forked_python import python

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(
    r"^(?:<!-- (?P<note>[^\n]*) -->\n)?```(?P<language>\w+)(?: (?P<file>\S+))?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
PROGRAMS = {"python": "", "aerogram": "-m aerogram", "flask": "-m flask", "pytest": "-m pytest"}
CATCH = "aerogram catch"
READ_SETTINGS = (
    "from aerogram import settings; [getattr(settings, name) for name in dir(settings) if name.isupper()]"
)
RUNS = ("python", "console", "sh", "toml", "jinja", "html")


def blocks_to_run(page: Path) -> list[re.Match[str]]:
    """Return the blocks of a page that run."""
    return [
        match
        for match in BLOCK.finditer(page.read_text())
        if match["language"] in (*RUNS, "text") and not (match["note"] or "").startswith("not run: ")
    ]


class PageRunner:
    """Runs the blocks of one page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "page"
        self.folder.mkdir()
        programs = folder / "bin"
        programs.mkdir()
        for name, arguments in PROGRAMS.items():
            command = shlex.join(python(*arguments.split()))
            (programs / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
            (programs / name).chmod(0o755)
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AEROGRAM_", "PYTEST_"))
            and name not in ("COLUMNS", "DJANGO_SETTINGS_MODULE")
        }
        self.environment = kept | {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONIOENCODING": "utf-8",
            "PYTHONDONTWRITEBYTECODE": "1",  # a file that is replaced within a second is read anew
            "NO_COLOR": "1",
            "PYTEST_ADDOPTS": "-p no:cacheprovider -o asyncio_default_fixture_loop_scope=function",
        }
        self.program = ""
        self.catching: subprocess.Popen[str] | None = None
        self.port = "1025"

    def check(self, page: Path) -> None:
        """Run all blocks of the page, which must succeed and print what it shows."""
        text = page.read_text()
        try:
            for match in blocks_to_run(page):
                self._run_block(match, text.count("\n", 0, match.start("language")) + 1)
            if self.program:
                (self.folder / "page.py").write_text(self.program)
                self._succeed("python -W error page.py")
            if list(self.folder.glob("test_*.py")) and "$ pytest" not in text:
                self._succeed("pytest -q --mail-snapshot-update")
        finally:
            if self.catching is not None:
                self.catching.terminate()
                self.catching.communicate()

    def _run_block(self, match: re.Match[str], line: int) -> None:
        text = match["text"]
        if match["file"]:
            path = self.folder / match["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("1025", self.port))
        elif match["note"] == f"printed by {CATCH}":
            assert self.catching is not None
            self._caught(text)
        elif match["language"] == "python":
            # Blank lines in front, so that an error names the line of the page.
            self.program += "\n" * (line - self.program.count("\n")) + text
        elif match["language"] == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, expected = part.partition("\n")
                self._run_command(command.partition("    #")[0].strip(), expected)
        elif match["language"] == "sh":
            for command in text.splitlines():
                self._run_command(command.partition("    #")[0].strip(), "")
        elif match["language"] == "toml":
            self._accept_settings(text)
        else:
            assert match["language"] not in ("jinja", "html"), "a template needs a file name"

    def _run_command(self, command: str, expected: str) -> None:
        if command.startswith("pip install "):
            self._check_extras(command)
        elif command.removesuffix(" &").startswith(CATCH):
            self._catch(command.removesuffix(" &"), expected)
        elif expected:  # it may fail, as a check does that finds something
            self._compare(command, expected, self._shell(command).stdout)
        else:
            self._succeed(command)

    def _shell(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", "-c", command.replace("1025", self.port)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )

    def _succeed(self, command: str) -> None:
        done = self._shell(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}"

    def _compare(self, command: str, expected: str, printed: str) -> None:
        assert self._is_as_shown(printed, expected), f"$ {command}\n{printed}\n\nThe page shows:\n{expected}"

    def _is_as_shown(self, printed: str, expected: str) -> bool:
        pattern = ".*".join(re.escape(piece) for piece in expected.strip().split("…"))
        printed = re.sub(r" +$", "", printed, flags=re.MULTILINE).strip().replace(self.port, "1025")
        return re.fullmatch(pattern, printed, re.DOTALL) is not None

    def _catch(self, command: str, expected: str) -> None:
        self.catching = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command} --port 0"],
            cwd=self.folder,
            env=self.environment | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        printed = self._caught("…or its default mailer alone with…")
        self.port = re.findall(r":(\d+);", printed)[0]
        if expected:
            self._compare(command, expected, printed)

    def _caught(self, expected: str) -> str:
        """Read what the server prints until it is as expected, or two minutes have passed."""
        assert self.catching is not None
        assert self.catching.stdout is not None
        printed = ""
        deadline = threading.Timer(120, self.catching.terminate)
        deadline.start()
        while not self._is_as_shown(printed, expected):
            line = self.catching.stdout.readline()
            assert line, f"$ {CATCH}\n{printed}\n\nThe page shows:\n{expected}"
            printed += line
        deadline.cancel()
        return printed

    def _accept_settings(self, text: str) -> None:
        folder = self.folder.with_name("settings")
        folder.mkdir(exist_ok=True)
        (folder / "aerogram.toml").write_text(text)
        self._succeed(f"cd {folder} && python -c '{READ_SETTINGS}'")

    def _check_extras(self, command: str) -> None:
        """The extras of ``pip install 'aerogram[…]'`` exist; nothing is downloaded."""
        project = (ROOT / "pyproject.toml").read_text()
        for extras in re.findall(r"aerogram\[([\w,]+)\]", command):
            for extra in extras.split(","):
                assert f"\n{extra} = [" in project, f"no extra {extra}"
