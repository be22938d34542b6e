"""Where bounces go: an envelope sender that says whose mail bounced (VERP).

A bounce often does not say which address it is about. An address of its own for each recipient does:

>>> sender = verp("bounces+{recipient}@example.com", "ann@example.org")
>>> sender
'bounces+ann=example.org@example.com'
>>> verp_recipient("bounces+{recipient}@example.com", sender)
'ann@example.org'
"""

from __future__ import annotations

from typing import Final

from aerogram.exceptions import InvalidAddress
from aerogram.mail.address.parser import parse_mailbox

__all__ = ["PLACE", "check_return_path", "verp", "verp_recipient"]

PLACE: Final = "{recipient}"
"""Where the recipient's address stands in a pattern, its ``@`` written as ``=``."""


def verp(pattern: str, recipient: object) -> str:
    """Return the envelope sender of the mail to one recipient.

    Args:
        pattern: an address with ``{recipient}`` before its ``@``.
        recipient: an address, with or without a name.

    Raises:
        InvalidAddress: the recipient is not exactly one mailbox, or the result is too long for one.
    """
    mailbox = parse_mailbox(recipient)
    sender = pattern.replace(PLACE, f"{mailbox.local_part}={mailbox.domain}")
    return parse_mailbox(sender).addr_spec


def verp_recipient(pattern: str, address: object) -> str | None:
    """Return the recipient that :func:`verp` put into ``address``; ``None`` where there is none.

    Capitals do not matter in what surrounds it, since servers on the way may change them.
    """
    before, _, after = pattern.lower().partition(PLACE)
    text = str(address)
    found = text[len(before) : len(text) - len(after)]
    around = (text[: len(before)].lower(), text[len(text) - len(after) :].lower())
    local_part, separator, domain = found.rpartition("=")
    if around != (before, after) or not separator:
        return None
    try:
        return parse_mailbox(f"{local_part}@{domain}").addr_spec
    except InvalidAddress:
        return None


def check_return_path(value: object) -> str:
    """Return an address, a pattern of one, or an empty text for the null sender.

    Raises:
        InvalidAddress: it is none of these.
    """
    text = str(value)
    if text and (
        not parse_mailbox(text.replace(PLACE, "ann=example.org")).domain or PLACE in text.partition("@")[2]
    ):
        raise InvalidAddress(
            f"return_path is {text[:100]!r}. Accepted: an address, {PLACE} before its @ for the recipient's, "
            "or '' for the null sender."
        )
    return text
