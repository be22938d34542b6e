"""What mail programs support agrees with what the npm package ``caniemail`` 2.0.2 finds in real mails.

``tools/record_caniemail.mjs`` records its findings. The differences are listed with their reasons.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aerogram.checks.clients.features import used_features
from aerogram.checks.clients.support import client_names, feature_slugs, support_of
from aerogram.checks.mail import Mail
from aerogram.checks.rules.clients import _NEEDED, client_support
from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured
from aerogram.mail import EmailMessage

MAILS = Path(__file__).parent / "mails"
ORACLE: dict[str, dict[str, dict[str, list[str]]]] = json.loads((MAILS / "caniemail.json").read_text())
CLIENTS = ("gmail.desktop-webmail", "outlook.windows", "apple-mail.ios", "yahoo.ios")

MORE_OF_THEIRS = {
    "css-background": "it counts background-color as the shorthand",
    "css-border": "it counts border-collapse as the shorthand",
    "css-max-width": "it takes the version that is last as a string: 6.1 of iOS comes behind 12.2",
    "css-cursor": "it counts 'unknown' as 'in part'",
}
MORE_OF_OURS = {
    "css-at-media-prefers-color-scheme": "it reads no conditions of @media",
    **dict.fromkeys(
        ("css-height", "css-display-none", "css-important", "css-pseudo-class-hover"),
        "it reads no rules inside @media",
    ),
    **dict.fromkeys(("css-rgba", "css-function-max"), "it finds no functions"),
}


def mail_of(html: str) -> Mail:
    message = EmailMessage("s", html, to=["ann@shop.example"])
    message.content_subtype = "html"
    return Mail(message)


@pytest.mark.parametrize("name", ORACLE)
def test_a_real_mail_has_the_findings_of_the_oracle(name: str) -> None:
    used = used_features(mail_of((MAILS / name).read_text()))
    for client in CLIENTS:
        supports = {slug: support_of(slug, (client,)) for slug in used}
        for kind, ours in (
            ("none", {slug for slug, support in supports.items() if support.lacking}),
            ("partial", {slug for slug, support in supports.items() if support.partial}),
        ):
            theirs = set(ORACLE[name][kind].get(client, ()))
            assert theirs - ours <= MORE_OF_THEIRS.keys(), (client, kind)
            assert ours - theirs <= MORE_OF_OURS.keys(), (client, kind)


def test_the_oracle_has_ten_mails_and_many_findings() -> None:
    assert len(ORACLE) >= 10
    assert (
        sum(len(slugs) for each in ORACLE.values() for kind in each.values() for slugs in kind.values()) > 500
    )


@pytest.mark.parametrize(
    ("html", "slug"),
    [
        ("<p style='display: flex'>x</p>", "css-display-flex"),
        ("<p style='DISPLAY: Grid'>x</p>", "css-display-grid"),
        ("<p style='width: calc(1px + 2px)'>x</p>", "css-unit-calc"),
        ("<p style='color: var(--brand)'>x</p>", "css-variables"),
        ("<p style='margin-inline: 2vw'>x</p>", "css-unit-vw"),
        ("<p style='background: linear-gradient(red, blue)'>x</p>", "css-linear-gradient"),
        ("<p style='background: url(\"a.webp\")'>x</p>", "image-webp"),
        ("<img src='data:image/png;base64,AA'>", "image-base64"),
        ("<img src='a.svg?x'>", "image-svg"),
        ("<form><input type=text></form>", "html-input-text"),
        ("<style>@import url(a.css);</style>x", "css-at-import"),
        ("<style>@media (orientation: portrait) {p {color: red}}</style><p>x", "css-at-media-orientation"),
        ("<style>p > a {color: red}</style>x", "css-selector-child"),
        ("<style>.a.b {color: red}</style>x", "css-selector-chaining"),
        ("<style>.a .b {color: red}</style>x", "css-selector-descendant"),
        (f"<style>.a{' ' * 100_000}.b {{color: red}}</style>x", "css-selector-descendant"),  # in linear time
        ("<style>p:nth-child(2)::after {color: red}</style>x", "css-pseudo-class-nth-child"),
        ("<style>p:nth-child(2)::after {color: red}</style>x", "css-pseudo-element-after"),
        ("<a href='mailto:a@b.example'>x</a>", "html-mailto-links"),
        ("<h3>x</h3><video src='x.mp4'>", "html-video"),
    ],
)
def test_a_feature_is_found(html: str, slug: str) -> None:
    assert slug in used_features(mail_of(html))


def test_white_space_around_a_combinator_is_no_combinator() -> None:
    assert "css-selector-descendant" not in used_features(
        mail_of("<style>a /* b */ > b , c{color: red}</style>x")
    )


def findings(html: str) -> dict[str, tuple[str, str]]:
    """Return level and text of each finding by its title."""
    return {
        each.message.partition(" is ")[0]: (each.level or "info", each.message)
        for each in client_support(mail_of(html))
    }


def test_what_is_needed_is_a_warning_and_what_embellishes_an_info() -> None:
    found = findings("<p style='display: flex; border-radius: 4px'>x</p>")
    assert found["display:flex"][0] == "warning"
    assert "Outlook (Windows)" in found["display:flex"][1]
    assert found["border-radius"][0] == "info"
    inside = findings("<style>@media (max-width: 600px) {p {display: flex}}</style><p>x</p>")
    assert inside["display:flex"][0] == "info"


def test_the_setting_chooses_the_mail_programs() -> None:
    html = "<p style='display: flex'>x</p>"
    with settings.override(CHECKS_CLIENTS=["apple-mail"]):
        assert "display:flex" not in findings(html)
    with settings.override(CHECKS_CLIENTS=["outlook.windows"]):
        assert "Gmail" not in findings(html)["display:flex"][1]
    with (
        settings.override(CHECKS_CLIENTS=["hotmail"]),
        pytest.raises(ImproperlyConfigured, match=r"no mail program 'hotmail'.*'gmail'"),
    ):
        findings(html)


def test_each_value_of_the_data_is_read() -> None:
    clients: Any = tuple(client_names())
    support = support_of("css-display-flex", clients)
    assert set(support.lacking).isdisjoint(support.partial)
    assert "outlook.windows" in support.lacking


def test_what_is_needed_is_in_the_data() -> None:
    assert feature_slugs() >= _NEEDED
