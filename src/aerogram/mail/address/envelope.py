"""The envelope: whom SMTP is told about, which is not what the header shows."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

from aerogram.mail.address.parser import is_bare, parse_mailbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Envelope", "envelope_of"]

_SHORT = 320  # characters of a sender worth remembering


class _Addressed(Protocol):
    """What an envelope needs of a message; ``return_path`` may be there beside it."""

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
    message: _Addressed, *, utf8: bool = False, recipients: Sequence[object] | None = None
) -> Envelope:
    """Make the envelope of a message.

    The sender is ``message.return_path`` where it is set (an empty text for the null sender), else
    ``message.from_email``; headers given by ``headers=`` change neither it nor the recipients.

    Args:
        message: what has ``from_email`` and ``recipients()``, in the order to, cc, bcc.
        utf8: accept local parts beyond ASCII.
        recipients: what ``message.recipients()`` has returned, where the caller has asked already.

    Returns:
        The envelope, each mailbox once, empty recipients left out.

    Raises:
        InvalidAddress: the sender or a recipient is not exactly one mailbox.
    """
    entries = list(message.recipients()) if recipients is None else recipients
    if len(entries) == 1 and type(text := entries[0]) is str and is_bare(text):  # as in most batches
        return Envelope(_mail_from(message, utf8), (text,))
    named: dict[tuple[str, str], str] = {}
    for entry in entries:
        if entry is None or entry == "":
            continue
        mailbox = parse_mailbox(entry, utf8=utf8)
        # RFC 5321 section 2.4: a domain is the same in any case, a local part is not.
        named.setdefault((mailbox.local_part, mailbox.domain.lower()), mailbox.addr_spec)
    return Envelope(_mail_from(message, utf8), tuple(named.values()))


def _mail_from(message: _Addressed, utf8: bool) -> str:
    sender = getattr(message, "return_path", None)
    if sender is None:
        sender = message.from_email
    elif sender == "":
        return ""
    if type(sender) is str and len(sender) <= _SHORT:
        return _known_sender(sender, utf8)
    return parse_mailbox(sender, utf8=utf8).addr_spec


@lru_cache(maxsize=64)  # a batch has one
def _known_sender(text: str, utf8: bool) -> str:
    return parse_mailbox(text, utf8=utf8).addr_spec
