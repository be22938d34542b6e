"""What an installed wheel must be able to do. Run by itself, in an environment that holds no checkout."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import aerogram
from aerogram import AdminNotification, Notification
from aerogram.templating.loaders import shipped_templates


class Hello(Notification):
    """A class with templates of its own on the shipped layout."""

    subject = "Hello, {{ name }}"
    html_template = "hello.html"
    to = ["reader@example.com"]
    name: str


def main() -> None:
    """Render from what ships, and say where it was found."""
    package = Path(aerogram.__file__).parent
    assert shipped_templates() == package / "templates", shipped_templates()
    assert (package / "py.typed").exists()
    assert importlib.metadata.version("aerogram") == aerogram.__version__
    Path("templates").mkdir()
    try:
        Path("templates/hello.html").write_text(
            '{% extends "aerogram/base.html" %}{% block content %}<p>Hello, {{ name }}</p>{% endblock %}'
        )
        message = Hello(name="<Ada>").render()
    finally:
        Path("templates/hello.html").unlink()
        Path("templates").rmdir()
    html = message.alternatives[0][0]
    assert message.subject == "Hello, <Ada>"
    assert "&lt;Ada&gt;" in html
    assert "Hello, <Ada>" in message.body
    with aerogram.settings.override(ADMINS=["admin@example.com"]):
        aerogram.mail.mail_admins(
            "Disk full",
            "95 %",
            connection=aerogram.mail.get_connection("aerogram.mail.backends.locmem.EmailBackend"),
        )
    assert aerogram.mail.outbox[0].subject == "[Aerogram] Disk full"
    assert AdminNotification.__doc__
    print(f"aerogram {aerogram.__version__} renders from {package} on Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
