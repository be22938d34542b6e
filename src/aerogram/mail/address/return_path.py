"""An envelope sender of its own for each recipient, so that a bounce says whose mail bounced (VERP).

>>> sender = verp("bounces+{recipient}@example.com", "ann@example.org")
>>> sender
'bounces+ann=example.org@example.com'
>>> verp_recipient("bounces+{recipient}@example.com", sender)
'ann@example.org'
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from aerogram.exceptions import InvalidAddress
from aerogram.mail.address.parser import Mailbox, parse_mailbox

RECIPIENT_PLACEHOLDER: Final = "{recipient}"
"""What a pattern has in place of the recipient's address, the ``@`` of which is written as ``=``."""


def verp(pattern: str, recipient: object) -> str:
    """Return the envelope sender of the mail to one recipient.

    Args:
        pattern: an address with ``{recipient}`` before its ``@``.
        recipient: an address, with or without a name.

    Raises:
        InvalidAddress: the recipient is not exactly one mailbox, or the result is too long for one.
    """
    around, mailbox = parse_mailbox(pattern), parse_mailbox(recipient, utf8=True)
    written = f"{mailbox.local_part}={mailbox.domain}"
    sender = replace(around, local_part=around.local_part.replace(RECIPIENT_PLACEHOLDER, written))
    return parse_mailbox(sender.addr_spec, utf8=True).addr_spec


def verp_recipient(pattern: str, address: object) -> str | None:
    """Return the recipient in a bounce address built from ``pattern``, or ``None`` if it does not match.

    The rest of the address may differ in case, because servers on the way may change it.

    Args:
        pattern: the ``return_path`` of the mail, with ``{recipient}`` before its ``@``.
        address: the address that the bounce was sent to.

    Raises:
        InvalidAddress: ``pattern`` is not exactly one mailbox.
    """
    around = parse_mailbox(pattern)
    before, _, after = around.local_part.partition(RECIPIENT_PLACEHOLDER)
    try:
        bounced = parse_mailbox(address, utf8=True)
        text = bounced.local_part
        found = text[len(before) : len(text) - len(after)]
        local_part, separator, domain = found.rpartition("=")
        same = f"{before}{found}{after}@{around.domain}".lower() == f"{text}@{bounced.domain}".lower()
        if not (same and separator):
            return None
        return parse_mailbox(Mailbox("", local_part, domain).addr_spec, utf8=True).addr_spec
    except InvalidAddress:
        return None


def check_return_path(value: object) -> str:
    """Return an address, a pattern of one, or an empty text; raise InvalidAddress for anything else."""
    text = str(value)
    if text and not parse_mailbox(text).domain:
        raise InvalidAddress(
            f"return_path is {text[:100]!r}. Accepted: an address, {RECIPIENT_PLACEHOLDER} before its @ for "
            "the recipient's, or '' for the null sender."
        )
    return text
