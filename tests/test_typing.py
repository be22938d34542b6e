"""Type checkers understand what people write: mypy and pyright check a module as a user has it."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aerogram import notification
from aerogram.declaration import DECLARATIONS

ROOT = Path(__file__).parent.parent

USERS_MODULE = """\
from dataclasses import field
from aerogram import AdminNotification, Notification
from aerogram.conf import settings
from aerogram.mail import EmailMultiAlternatives, mailers, send_mass_mail


class Attributes(Notification):
    subject = "Hello {{ name }}"
    html_template = "hello.html"
    to = ["ann@example.com"]
    headers = {"X-Kind": "hello"}
    name: str
    tags: list[str] = field(default_factory=list)


class Properties(Notification, name="by-property"):
    text_template = "hello.txt"
    name: str

    @property
    def subject(self) -> str:
        return f"Hello {self.name}"

    @property
    def to(self) -> list[str]:
        return [f"{self.name}@example.com"]


class Fields(Notification):
    text_template = "hello.txt"
    to: list[str]
    subject: str
    from_email: str = "me@example.com"
    category: str = "news"
    message: str = ""


class Staff(AdminNotification):
    subject = "{{ host }}"
    text_template = "staff.txt"
    to = ["ops@example.com"]
    host: str


mail: EmailMultiAlternatives = Attributes(name="ann").render()
sent: int = send_mass_mail([Properties(name="ann"), Fields(to=["a@example.com"], subject="s"), mail])
sent += send_mass_mail(("Hello", "Good morning.", None, [name]) for name in ("ann@example.com",))
send_mass_mail([3])  # E: incompatible type "int"
send_mass_mail([("Hello", "Good morning.", None)])  # E: incompatible type "tuple[str, str, None]"
sent += Staff(host="h").send(connection=mailers["bulk"]) + Staff(host="h").send(using="bulk")


class Wrong(Notification):
    subject = 3  # E: expression has type "int"
    subject_prefix = None  # E: expression has type "None"
    to = 3  # mypy: expression has type "int"
    html_template = 3  # mypy: expression has type "int"


class WronglyComputed(Notification):
    @property
    def subject(self) -> int:  # E: incompatible with supertype
        return 3


Attributes()  # E: Missing named argument "name"
Attributes(name=1)  # E: incompatible type "int"
Attributes("ann")  # E: Too many positional arguments
Attributes(name="ann", nmae="ann")  # E: Unexpected keyword argument "nmae"
Fields(to=["a@example.com"])  # E: Missing named argument "subject"
Properties(name="ann").send(silently=True)  # E: Unexpected keyword argument "silently"

port: int = settings.EMAIL_PORT
folders = ["templates"]
settings.configure(TEMPLATE_DIRS=folders, ADMINS=[("Ada", "ada@example.com"), "ops@example.com"])
settings.EMAIL_PROT  # E: "Settings" has no attribute "EMAIL_PROT"
settings.EMAIL_PORT = 587  # E: read-only
settings.configure(EMAIL_PROT=3)  # E: Unexpected keyword argument "EMAIL_PROT"
settings.override(EMAIL_PORT="587")  # E: incompatible type "str"


@settings.override(EMAIL_HOST="mail.example.com")
def host(suffix: str) -> str:
    return settings.EMAIL_HOST + suffix


host(1)  # E: incompatible type "int"
"""


EXPECTED = {
    number: line.partition("# E: ")[2]
    for number, line in enumerate(USERS_MODULE.splitlines(), 1)
    if "# E: " in line
}
FOR_MYPY = {
    number: line.partition("# mypy: ")[2]
    for number, line in enumerate(USERS_MODULE.splitlines(), 1)
    if "# mypy: " in line
}


@pytest.fixture
def users_module(tmp_path: Path) -> Path:
    path = tmp_path / "mails.py"
    path.write_text(USERS_MODULE, encoding="utf-8")
    return path


def test_mypy_understands_a_users_module(users_module: Path, tmp_path: Path) -> None:
    api = pytest.importorskip("mypy.api", reason="mypy is not installed")
    found = api.run(["--strict", f"--cache-dir={tmp_path}/cache", str(users_module)])[0]
    lines = re.findall(r"mails\.py:(\d+): error: (.*)", found)
    said = {int(number): text for number, text in lines}
    expected = EXPECTED | FOR_MYPY
    assert said.keys() == expected.keys()
    assert all(expected[number] in said[number] for number in expected), said


def test_pyright_finds_the_same_errors(users_module: Path) -> None:
    pytest.importorskip("pyright", reason="pyright is not installed")
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [*command, users_module.name],
        cwd=users_module.parent,  # the configuration of no other project counts
        env=environment,
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout)["generalDiagnostics"]
    errors = {each["range"]["start"]["line"] + 1: each for each in found if each["severity"] == "error"}
    assert errors.keys() == EXPECTED.keys(), errors


def test_the_types_for_pyright_are_those_of_the_table() -> None:
    source = Path(notification.__file__).read_text(encoding="utf-8")
    (cls,) = [node for node in ast.parse(source).body if getattr(node, "name", "") == "Notification"]
    (branch,) = [node for node in cls.body if isinstance(node, ast.If)]
    assert [node.target.id for node in branch.body] == list(DECLARATIONS)
