"""Rules for the document as a whole: language, title, preheader, and layout tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aerogram.checks.mail import styles, texts_of
from aerogram.checks.rules.rule import Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aerogram.checks.mail import Mail
    from aerogram.document import Element

__all__ = ["CHECKS", "RULES"]

RULES = (
    Rule("no-lang", "warning", "The HTML does not declare its language."),
    Rule("no-title", "warning", "The HTML has no title."),
    Rule("no-preheader", "warning", "The HTML does not begin with a hidden preheader."),
    Rule("table-role", "warning", "Screen readers announce a layout table as data."),
    Rule("table-margin", "warning", "A table has a vertical margin, which Outlook applies to its cells."),
)

_DATA = ("th", "caption", "thead", "tfoot", "summary")
_NOTHING = re.compile(r"(?:[-+]?0+(?:\.0+)?(?:[a-z]+|%)?|auto|initial|unset)", re.IGNORECASE)
_VERTICAL = ("margin-top", "margin-bottom", "margin-block", "margin-block-start", "margin-block-end")


def missing_head(mail: Mail) -> Iterator[Finding]:
    """Yield what the head of a document lacks; a fragment has neither language nor title."""
    if not mail.is_page:
        return
    for root in mail.roots:
        if not (root.get("lang") or "").strip():
            text = (
                "The <html> has no lang attribute, so screen readers guess how to read it and mail programs "
                'offer to translate it. Write <html lang="en">.'
            )
            yield Finding("no-lang", text, root)
        title = root.find("head/title")
        if title is None or not "".join(title.itertext()).strip():
            text = (
                "The document has no <title>, which screen readers read first and browsers show in the tab. "
                "Write one in <head>, such as the subject."
            )
            yield Finding("no-title", text, root)
        first = next(texts_of(root), None)
        if first is not None and first.is_shown:
            advice = (
                "Add {% block preheader %}…{% endblock %}: a line"
                if mail.uses_layout
                else "Begin <body> with a hidden line"
            )
            text = (
                "The mail has no preheader: after the subject, the inbox shows its first words, "
                f"{first.text.strip()[:60]!r}. {advice} that summarises it."
            )
            yield Finding("no-preheader", text, root.find("body"))


def layout_tables(mail: Mail) -> Iterator[Finding]:
    """Yield layout tables that screen readers would announce as data tables."""
    for table in mail.by_tag.get("table", ()):
        if table.get("role") is None and not _has_data(table):
            text = (
                "A layout table has no role, so screen readers announce its rows and columns. Write "
                'role="presentation"; a table of data has a <th>.'
            )
            yield Finding("table-role", text, table)


def _has_data(table: Element) -> bool:
    own = (element for tag in _DATA for element in table.iter(tag))
    return table.get("summary") is not None or any(
        next(element.iterancestors("table"), None) is table for element in own
    )


def table_margins(mail: Mail) -> Iterator[Finding]:
    """Yield the tables with vertical margins (hteumeuleu/email-bugs, issue 114)."""
    for table in mail.by_tag.get("table", ()):
        margins = _vertical_margins(styles(table))
        if margins:
            text = (
                f"{margins} is set on a <table>: Word (Outlook on Windows) applies it to every cell or drops "
                "it. Put it on a <div> around the table, or use padding of a cell."
            )
            yield Finding("table-margin", text, table)


def _vertical_margins(style: dict[str, str]) -> str:
    found = ""
    for name, value in style.items():
        parts = value.split()
        if name == "margin":
            vertical = parts[:1] + parts[2:3]
        elif name in _VERTICAL:
            vertical = parts
        else:
            continue
        if any(not _NOTHING.fullmatch(part) for part in vertical):
            found = f"{name}: {value}"
        elif name == "margin":
            found = ""
    return found


CHECKS = (missing_head, layout_tables, table_margins)
