"""Each rule has a section in ``docs/checks.md``; its failing example is found, and its passing one is not."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from aerogram import Notification
from aerogram.checks import check
from aerogram.checks.rules import RULES
from aerogram.conf import settings

PAGE = (Path(__file__).parents[2] / "docs" / "checks.md").read_text()
EXAMPLE = re.compile(r"^```\w+ ([\w-]+)/(fails|passes)\.(py|html|txt)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES: dict[tuple[str, str], dict[str, str]] = {}
for code, kind, suffix, text in EXAMPLE.findall(PAGE):
    EXAMPLES.setdefault((code, kind), {})[suffix] = text
OF_MODULES = {"import-failed", "refused"}  # tests/cli/test_cli.py
ELSEWHERE = {"spam"}  # needs a program
DEFAULT = """
from aerogram import Notification

class Hello(Notification):
    subject = "Hello"
    html_template = "mail.html"
    to = ["ann@shop.example"]

    @classmethod
    def samples(cls):
        return {"one": cls()}
"""


def test_each_rule_has_a_section_with_its_level_and_examples() -> None:
    assert re.findall(r"^#### `([\w-]+)`\n\n(\w+)\. .*", PAGE, re.MULTILINE) == [
        (code, RULES[code].level.capitalize()) for code in re.findall(r"^#### `([\w-]+)`", PAGE, re.MULTILINE)
    ]
    assert {code for code, _ in EXAMPLES} | ELSEWHERE == set(RULES)


@pytest.mark.parametrize(("code", "kind"), [key for key in EXAMPLES if key[0] not in OF_MODULES])
def test_the_example_of_a_rule(code: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = EXAMPLES[code, kind]
    (tmp_path / "mail.html").write_text(files.get("html", "<p>Hello</p>"))
    (tmp_path / "mail.txt").write_text(files.get("txt", "Hello"))
    if code == "unchecked-include":
        (tmp_path / "mail.html").write_text("{% include part %}")
    name = f"documented_{code.replace('-', '_')}_{kind}"
    source = files.get("py", DEFAULT).replace("Notification):", f'Notification, name="{name}"):')
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with settings.override(TEMPLATE_DIRS=[str(tmp_path)]):
        module = __import__(name)
        try:
            classes = [
                each
                for each in vars(module).values()
                if isinstance(each, type) and issubclass(each, Notification) and each.__module__ == name
            ]
            found = check(classes, level="info")
        finally:
            del sys.modules[name]
    assert (code in {problem.code for problem in found}) == (kind == "fails"), found
    assert all(problem.file for problem in found)
