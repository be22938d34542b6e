"""The envelope: whom SMTP is told about, which is not what the header shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aerogram.mail.addresses import parse_mailbox

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Envelope", "envelope_of"]


class _Addressed(Protocol):
    """What an envelope needs of a message; ``return_path`` may be there beside it."""

    @property
    def from_email(self) -> object: ...

    def recipients(self) -> Iterable[object]: ...


@dataclass(frozen=True, slots=True)
class Envelope:
    """Sender and recipients of one SMTP transaction, as bare addresses.

    ``mail_from`` is empty for the null sender of RFC 5321 section 4.5.5, to which nobody replies.
    """

    mail_from: str
    recipients: tuple[str, ...]

    @property
    def needs_smtputf8(self) -> bool:
        """Whether an address is not ASCII, so that the server must speak SMTPUTF8 (RFC 6531)."""
        return not (self.mail_from.isascii() and all(map(str.isascii, self.recipients)))


def envelope_of(message: _Addressed, *, utf8: bool = False) -> Envelope:
    """Make the envelope of a message.

    The sender is ``message.return_path`` where it is set (an empty text for the null sender), else
    ``message.from_email``; headers given by ``headers=`` change neither it nor the recipients.

    Args:
        message: what has ``from_email`` and ``recipients()``, in the order to, cc, bcc.
        utf8: accept local parts beyond ASCII.

    Returns:
        The envelope, each mailbox once, empty recipients left out.

    Raises:
        InvalidAddress: the sender or a recipient is not exactly one mailbox.
    """
    recipients: dict[tuple[str, str], str] = {}
    for entry in message.recipients():
        if entry is None or entry == "":
            continue
        mailbox = parse_mailbox(entry, utf8=utf8)
        # RFC 5321 section 2.4: a domain is the same in any case, a local part is not.
        recipients.setdefault((mailbox.local_part, mailbox.domain.lower()), mailbox.addr_spec)
    return Envelope(_mail_from(message, utf8=utf8), tuple(recipients.values()))


def _mail_from(message: _Addressed, *, utf8: bool) -> str:
    sender = getattr(message, "return_path", None)
    if sender is None:
        sender = message.from_email
    elif sender == "":
        return ""
    return parse_mailbox(sender, utf8=utf8).addr_spec
