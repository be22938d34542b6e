"""Gmail's limits: the size at which it clips a mail, and the style elements that it drops."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aerogram.checks.mail import kept_rules
from aerogram.checks.rules.css import selector_pattern
from aerogram.checks.rules.rule import Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aerogram.checks.mail import KeptRule, Mail
    from aerogram.checks.problem import Severity

__all__ = ["CHECKS", "RULES"]

RULES = (
    Rule("html-size", "error", "The HTML is larger than 102 KB, where Gmail cuts it; from 90 KB, a warning."),
    Rule("style-size", "warning", "A <style> has more than 8,192 characters, so Gmail drops it."),
    Rule("style-dropped", "warning", "A rule in a <style> makes Gmail drop the whole element."),
)

_KB = 1024
_CUT, _NEAR = 102 * _KB, 90 * _KB
_LARGEST_SHEET = 8_192  # characters
_UNREAD_BY_GMAIL = re.compile(r"\[[^\]]*\]|:root\b", re.IGNORECASE)


def html_size(mail: Mail) -> Iterator[Finding]:
    """Yield one finding for an HTML part that Gmail clips, or nearly."""
    for html in mail.htmls:
        size = len(html.encode("utf-8", "surrogatepass"))
        if size <= _NEAR:
            continue
        lost = ", and with it the footer and the link to unsubscribe" if size > _CUT else ""
        text = (
            f"The HTML has {size / _KB:.0f} KB, and Gmail cuts what is above {_CUT // _KB} KB{lost}. "
            "Shorten it, or link to the rest."
        )
        yield Finding("html-size", text, level="error" if size > _CUT else "warning")


def style_size(mail: Mail) -> Iterator[Finding]:
    """Yield the style elements that are too long for Gmail (caniemail.com, ``html-style``)."""
    for style in mail.by_tag.get("style", ()):
        size = len(style.text or "")
        if size > _LARGEST_SHEET:
            text = (
                f"A <style> keeps {size:,} characters after inlining, and Gmail drops one of more than "
                f"{_LARGEST_SHEET:,}. Split it, or remove rules."
            )
            yield Finding("style-size", text, style)


def dropped_styles(mail: Mail) -> Iterator[Finding]:
    """Yield the style elements that Gmail drops because of a piece that it cannot read.

    It drops one with an at-rule inside of another (hteumeuleu/email-bugs, issue 21), and one in which a
    selector stands that it cannot read.
    """
    for style in mail.by_tag.get("style", ()):
        rules = kept_rules(style.text or "")
        level: Severity | None = None
        for rule in rules:
            if len(rule.around) > 1:
                what = f"@-rule inside another ({' / '.join(_shown(rule))})"
                mend = "Write each separately, or put them into another <style>."
            elif any(each.around for each in rules) and (found := _UNREAD_BY_GMAIL.search(rule.prelude)):
                what = f"selector with {found[0]} beside @media"
                mend = "Put such rules into a separate <style>, the last one."
                level = None if found[0].startswith("[") else "info"
            else:
                continue
            text = f"Gmail drops this whole <style> because of the {what}. {mend}"
            yield Finding("style-dropped", text, (_place(rule), style), level=level)
            break


def _place(rule: KeptRule) -> re.Pattern[str]:
    if rule.prelude:
        return selector_pattern(rule.prelude)
    return re.compile(r"\s+".join(map(re.escape, rule.around[-1].split())))


def _shown(rule: KeptRule) -> list[str]:
    return [" ".join(each.split())[:60] for each in rule.around]


CHECKS = (html_size, style_size, dropped_styles)
