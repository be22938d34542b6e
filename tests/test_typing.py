"""Type checkers understand the classes people write: checked by mypy over a module as a user has it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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

reveal_type(Notification.to)  # Any: a declared property would refuse an attribute under pyright
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


def test_a_users_module_is_checked_as_it_reads(tmp_path: Path) -> None:
    api = pytest.importorskip("mypy.api", reason="mypy is not installed")
    (tmp_path / "mails.py").write_text(USERS_MODULE, encoding="utf-8")
    found = api.run(["--strict", f"--cache-dir={tmp_path}/cache", str(tmp_path / "mails.py")])[0]
    said = dict(re.findall(r"mails\.py:(\d+): (?:error: |note: (?=Revealed))(.*)", found))
    expected = {
        str(number): line.partition("# E: ")[2]
        for number, line in enumerate(USERS_MODULE.splitlines(), 1)
        if "# E: " in line
    }
    revealed = str(USERS_MODULE[: USERS_MODULE.index("reveal_type")].count("\n") + 1)
    assert 'Revealed type is "Any"' in said.pop(revealed)
    assert said.keys() == expected.keys()
    assert all(expected[number] in said[number] for number in expected), said
