"""What receivers require of bulk mail and of automatic mail."""

from __future__ import annotations

import re
from email.utils import parseaddr
from typing import TYPE_CHECKING

from aerogram.checks.rules.rule import Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aerogram.checks.mail import Mail

__all__ = ["CHECKS", "RULES"]

RULES = (
    Rule("no-unsubscribe-link", "warning", "Bulk mail has no unsubscribe link in its text."),
    Rule("no-postal-address", "warning", "Bulk mail has no postal address."),
    Rule("no-auto-submitted", "warning", "Automatic mail lacks the header Auto-Submitted."),
)

_UNSUBSCRIBE = re.compile(
    r"unsubscri|opt[\s_-]?out|abmeld|abbestell|austragen|d[ée]sabonn|d[ée]sinscri|darse de baja"
    r"|cancelar (?:la |tu |su )?suscrip|disiscri|annulla l'iscr|afmeld|uitschrijv|avregistrer|avsluta"
    r"|descadastr|отпис|отказаться|退订|配信停止|購読解除|preferences",
    re.IGNORECASE,
)
_STREET = (
    r"str(?:eet|aße|asse|\.)|st\.?|road|rd\.?|ave(?:nue)?\.?|lane|drive|boulevard|blvd\.?|square|platz|weg"
    r"|allee|gasse|quay|way|court|place|row|terrace|straat|laan|gatan|vägen|rue|calle|via|viale|piazza|avenida"
    r"|rua|ul\."
)
_ADDRESS = re.compile(
    rf"\b\d+\w?\s+(?:[\w'.-]+\s+){{0,3}}(?:{_STREET})\b"  # 4 Quay Street
    rf"|\b(?:{_STREET})\s+(?:[\w'.-]+\s+){{0,4}}\d+"  # rue de la Paix 4
    rf"|\b\w*(?:straße|strasse|str\.|weg|platz|allee|gasse|straat|laan|gatan|vägen)\s+\d+"  # Hafenstraße 4
    r"|\b[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}\b"  # BS1 5UH
    r"|\b[A-Z]{2}\s+\d{5}(?:-\d{4})?\b"  # CA 94105
    r"|\b\d{4,6}\s+[^\W\d_]{3,}"  # 10115 Berlin
    r"|\bP\.?\s?O\.?\s*Box\b|\bPostfach\b|〒",
    re.IGNORECASE,
)
_ROBOT = re.compile(
    r"(?:no|do[._-]?not|don't|never)[._-]?reply.*|notifications?|mailer(?:-daemon)?|alerts?|robot", re.I
)


def unsubscribing(mail: Mail) -> Iterator[Finding]:
    """Yield bulk mail without a visible unsubscribe link: not every mail program shows that of the header."""
    if not mail.is_bulk:
        return
    urls = [link.url for link in mail.links if link.attribute == "href"]
    words = f"{mail.words} {mail.text or ''}"
    if not (
        _UNSUBSCRIBE.search(words) or any(map(_UNSUBSCRIBE.search, urls)) or mail.unsubscribe_url in urls
    ):
        text = (
            "The mail goes to many and has no unsubscribe link in its text; not every mail program shows "
            "the one in the header. Put unsubscribe_url into the footer."
        )
        yield Finding("no-unsubscribe-link", text)


def postal_address(mail: Mail) -> Iterator[Finding]:
    """Yield bulk mail in which nothing looks like a postal address (CAN-SPAM, 15 USC 7704(a)(5)(A)(iii))."""
    if mail.is_bulk and not (_ADDRESS.search(f"{mail.words} {mail.text or ''}") or "address" in mail.by_tag):
        text = (
            "The mail goes to many and nothing in it looks like the postal address of its sender, which the "
            "law of many countries requires. Put it into the footer."
        )
        yield Finding("no-postal-address", text)


def auto_submitted(mail: Mail) -> Iterator[Finding]:
    """Yield automatic mail that vacation programs would answer (RFC 3834, section 5)."""
    if "auto-submitted" in mail.headers:
        return
    sender = parseaddr(str(mail.message.from_email))[1].partition("@")[0]
    is_surely_automatic = mail.is_staff_mail or mail.is_bulk or _ROBOT.fullmatch(sender) is not None
    text = (
        "The mail is not marked as automatic, so vacation responders may answer it. Declare category = "
        '"transactional" or "bulk", which sets the header Auto-Submitted.'
    )
    yield Finding("no-auto-submitted", text, None, "category", None if is_surely_automatic else "info")


CHECKS = (unsubscribing, postal_address, auto_submitted)
