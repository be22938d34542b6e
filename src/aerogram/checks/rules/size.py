"""The sizes at which Gmail cuts a mail or drops a style sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aerogram.checks.rules.rule import Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aerogram.checks.mail import Mail

__all__ = ["CHECKS", "RULES"]

RULES = (
    Rule("html-size", "error", "Gmail cuts the HTML at 102 KB; a warning from 90 KB."),
    Rule("style-size", "warning", "Gmail drops a <style> of more than 8,192 characters."),
)

_KB = 1024
_CUT, _NEAR = 102 * _KB, 90 * _KB
_LARGEST_SHEET = 8_192  # characters


def html_size(mail: Mail) -> Iterator[Finding]:
    """Yield one finding for an HTML part that is cut, or nearly."""
    for html in mail.htmls:
        size = len(html.encode("utf-8", "surrogatepass"))
        if size <= _NEAR:
            continue
        lost = ", and with it the footer and the link to unsubscribe" if size > _CUT else ""
        text = (
            f"The HTML has {size / _KB:.0f} KB, and Gmail cuts what is above {_CUT // _KB} KB{lost}. "
            "Say less, or link to the rest."
        )
        yield Finding("html-size", text, level="error" if size > _CUT else "warning")


def style_size(mail: Mail) -> Iterator[Finding]:
    """Yield the style elements that Gmail drops whole (caniemail.com, ``html-style``)."""
    for style in mail.by_tag.get("style", ()):
        size = len(style.text or "")
        if size > _LARGEST_SHEET:
            text = (
                f"A <style> keeps {size:,} characters after inlining, and Gmail drops one of more than "
                f"{_LARGEST_SHEET:,}. Divide it into several, or remove rules."
            )
            yield Finding("style-size", text, style)


CHECKS = (html_size, style_size)
