"""The mails of the examples, rendered: what tests of looks and of contents go through."""

from __future__ import annotations

import contextlib
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from aerogram import Notification
    from aerogram.mail import EmailMultiAlternatives

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

KIT = """\
{% extends "aerogram/base.html" %}
{% from "aerogram/components.html" import button, buttons, code, details, divider, figure, item, log, panel,
   quote, small, table %}
{% block lang %}{{ language }}{% endblock %}
{% block dir %}{{ direction }}{% endblock %}
{% block title %}Every part, once{% endblock %}
{% block preheader %}All of the kit on one page.{% endblock %}
{% block content %}
<p>A paragraph with <a href="https://example.com/">a link</a> and <strong>strong words</strong>.</p>
{{ button("Open your account", "https://example.com/account") }}
{{ buttons([("Accept", "https://example.com/yes"), ("Decline", "https://example.com/no")]) }}
{% call panel() %}<p>One thing that matters.</p><p>And another.</p>
{{ button("Why", "https://example.com/why", secondary=true) }}
{% endcall %}
{{ figure("Amount paid", "€1,234.50") }}
<h2>Facts</h2>
{{ details([("Order", "1042"), ("Address", "a.long.address.without.gap@mail.correspondence.example.com")]) }}
{{ table(["Item", "Qty", "Price"], [("Tea", 2, "€8.00"), ("A" ~ "a" * 90, 1, "€1,234.50")], numeric=[1, 2],
   totals=[("Shipping", "€4.00"), ("Total", "€1,246.50")], caption="Your order") }}
{{ code("482 913") }}
{% call quote("Ada") %}<p>The work speaks.</p>{% endcall %}
{% call item("A headline", "https://example.com/1", "Ann, Monday") %}An excerpt.{% endcall %}
<h3>A small heading</h3>
<ul><li>One</li><li>https://example.com/{{ "x" * 120 }}</li></ul>
{{ log("first line\n    indented " ~ "y" * 150) }}
{{ divider() }}
{% call small() %}If you did not ask for this, ignore it.{% endcall %}
{% endblock %}
"""
"""A page that shows every macro of the components, with words too long for a phone."""


@contextlib.contextmanager
def imported(folder: str, *names: str) -> Iterator[list[ModuleType]]:
    """Import modules of one example as its own command would, and forget them again."""
    before = set(sys.modules)
    sys.path.insert(0, str(EXAMPLES / folder))
    try:
        yield [importlib.import_module(name) for name in names]
    finally:
        sys.path.remove(str(EXAMPLES / folder))
        for name in set(sys.modules) - before:
            if str(EXAMPLES) in (getattr(sys.modules[name], "__file__", None) or ""):
                del sys.modules[name]


def example_notifications() -> Iterator[tuple[str, Notification]]:
    """Yield every sample of every example under a name such as ``order_receipt-many lines``."""
    from aerogram.notification import is_abstract, registered_name

    for folder, module in (("shop", "notifications"), ("digest", "weekly"), ("script", "invite")):
        with imported(folder, module) as (loaded,):
            for cls in vars(loaded).values():
                if (
                    getattr(cls, "__module__", "") == module
                    and hasattr(cls, "samples")
                    and not is_abstract(cls)
                ):
                    for sample, notification in cls.samples().items():
                        yield f"{registered_name(cls)}-{sample}", notification


def example_messages() -> dict[str, tuple[Notification, EmailMultiAlternatives]]:
    """Return every sample of every example with the message it becomes."""
    from aerogram.conf import settings

    with settings.override(
        TEMPLATE_DIRS=[EXAMPLES / "shop/templates", EXAMPLES / "digest/templates", EXAMPLES / "script"],
        SITE_NAME="Halyard Coffee",
        BASE_URL="https://halyard.example",
        DEFAULT_FROM_EMAIL="orders@halyard.example",
        SERVER_EMAIL="shop@halyard.example",
        ADMINS=["engineers@halyard.example"],
    ):
        return {name: (sample, sample.render()) for name, sample in example_notifications()}


def html_of(message: EmailMultiAlternatives) -> str:
    """Return the HTML part as it is sent."""
    (html,) = (part.content for part in message.alternatives if part.mimetype == "text/html")
    return str(html)
