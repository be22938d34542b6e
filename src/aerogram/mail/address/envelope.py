"""The envelope: the sender and the recipients that SMTP is given, whatever the header shows."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

from aerogram.mail.address.parser import parse_mailbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aerogram.mail.address.mailbox import Mailbox

__all__ = ["Envelope", "envelope_of"]

_NOTHING: Mapping[int, tuple[object, Mailbox]] = MappingProxyType({})


class _Addressed(Protocol):
    """What an envelope needs of a message; ``return_path`` may be there too."""

    @property
    def from_email(self) -> object: ...

    def recipients(self) -> Iterable[object]: ...


class Envelope(NamedTuple):
    """Sender and recipients of one SMTP transaction, as bare addresses.

    ``mail_from`` is empty for the null sender of RFC 5321 section 4.5.5, to which nobody replies.
    """

    mail_from: str
    recipients: tuple[str, ...]

    @property
    def needs_smtputf8(self) -> bool:
        """Whether an address is not ASCII, so that the server must speak SMTPUTF8 (RFC 6531)."""
        return not (self.mail_from.isascii() and "".join(self.recipients).isascii())


def envelope_of(
    message: _Addressed,
    *,
    utf8: bool = False,
    recipients: Iterable[object] | None = None,
    known: Mapping[int, tuple[object, Mailbox]] = _NOTHING,
) -> Envelope:
    """Make the envelope of a message.

    The sender is ``message.return_path`` where it is set (an empty text for the null sender), else
    ``message.from_email``; headers given by ``headers=`` change neither it nor the recipients.

    Args:
        message: an object with ``from_email`` and ``recipients()``, in the order to, cc, bcc.
        utf8: accept local parts beyond ASCII (RFC 6531).
        recipients: the result of ``message.recipients()``, where the caller has it.
        known: entries that are read already, with their mailboxes, by the ``id`` of the entry.

    Returns:
        The envelope, each mailbox once, empty recipients left out.

    Raises:
        InvalidAddress: the sender or a recipient is not exactly one mailbox.
    """
    sender = getattr(message, "return_path", None)
    if sender is None:
        sender = _mailbox(message.from_email, utf8, known)
    elif sender != "":
        sender = _mailbox(sender, utf8, known)
    addresses: dict[tuple[str, str], str] = {}
    for entry in message.recipients() if recipients is None else recipients:
        if entry is not None and entry != "":
            mailbox = _mailbox(entry, utf8, known)
            # RFC 5321 section 2.4: a domain is the same in any case, a local part is not.
            addresses.setdefault((mailbox.local_part, mailbox.domain.lower()), mailbox.addr_spec)
    return Envelope(sender.addr_spec if sender else "", tuple(addresses.values()))


def _mailbox(entry: object, utf8: bool, known: Mapping[int, tuple[object, Mailbox]]) -> Mailbox:
    read = known.get(id(entry))
    return read[1] if read else parse_mailbox(entry, utf8=utf8)
