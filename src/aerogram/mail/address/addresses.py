"""The addresses of a message, each read once: for the check of the message, its header and its envelope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from aerogram.exceptions import InvalidAddress
from aerogram.mail.address.envelope import Envelope, envelope_of
from aerogram.mail.address.parser import parse_mailbox
from aerogram.mail.characters import check_header_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aerogram.mail.address.mailbox import Mailbox

__all__ = ["AddressList", "Addressed", "Addresses", "addresses_of", "read_addresses"]


class Addressed(Protocol):
    """A message, as far as its addresses are concerned; ``return_path`` may be there too."""

    from_email: Any
    to: Any
    cc: Any
    bcc: Any
    reply_to: Any

    def recipients(self) -> Iterable[object]:
        """Return the entries of to, cc and bcc."""


#: Each entry that is read, with its mailbox, by the ``id`` of the entry.
Known = dict[int, tuple[object, "Mailbox"]]


class AddressList(NamedTuple):
    """The entries of one header: as they were given, joined by commas, and as mailboxes."""

    text: str
    mailboxes: list[Mailbox]


class Addresses(NamedTuple):
    """The addresses of one message."""

    sender: AddressList
    to: AddressList
    cc: AddressList
    reply_to: AddressList
    bcc: AddressList
    known: Known
    utf8: bool

    def envelope(self, message: Addressed) -> Envelope:
        """Make the envelope of the message, of which these are the addresses.

        Raises:
            InvalidAddress: ``return_path``, or what ``recipients()`` adds to the lists, is not one mailbox.
        """
        return envelope_of(message, utf8=self.utf8, known=self.known)

    @property
    def need_smtputf8(self) -> bool:
        """Whether an address of the message is not ASCII (RFC 6531)."""
        return not all(mailbox.local_part.isascii() for _, mailbox in self.known.values())


_NONE = AddressList("", [])


def addresses_of(message: Addressed, *, utf8: bool = False) -> Addresses:
    """Read all addresses of a message.

    Args:
        message: its ``from_email`` may be empty where ``headers`` and ``return_path`` stand for it.
        utf8: accept local parts beyond ASCII (RFC 6531).

    Raises:
        TypeError: a string where a list of addresses is meant.
        BadHeaderError: an entry holds a newline or control character.
        InvalidAddress: an entry is not exactly one mailbox.
    """
    known: Known = {}
    sender = [message.from_email] if message.from_email else None
    return Addresses(
        read_addresses("From", sender, utf8, known) if sender else _NONE,
        read_addresses("To", message.to, utf8, known) if message.to else _NONE,
        read_addresses("Cc", message.cc, utf8, known) if message.cc else _NONE,
        read_addresses("Reply-To", message.reply_to, utf8, known) if message.reply_to else _NONE,
        read_addresses("Bcc", message.bcc, utf8, known) if message.bcc else _NONE,
        known,
        utf8,
    )


def read_addresses(
    header: str, entries: Iterable[Any], utf8: bool = False, known: Known | None = None
) -> AddressList:
    """Read the entries of one header, each of them one mailbox; empty ones are left out.

    Args:
        header: its name, for the texts of errors.
        entries: texts, or objects that ``str()`` makes one of.
        utf8: accept local parts beyond ASCII (RFC 6531).
        known: is given each entry and its mailbox, by the ``id`` of the entry.

    Raises:
        TypeError: a string where a list is meant.
        BadHeaderError: an entry holds a newline or control character.
        InvalidAddress: an entry is not exactly one mailbox.
    """
    if isinstance(entries, str):
        raise TypeError(f'"{header.lower().replace("-", "_")}" argument must be a list or tuple')
    texts, mailboxes = [], []
    for entry in entries:
        if not entry:
            continue
        text = entry if type(entry) is str else str(entry)
        try:
            mailbox = parse_mailbox(text, utf8=utf8)
        except InvalidAddress:
            check_header_value(header, text)  # its error says more where the reason is a newline
            raise
        if known is not None:
            known[id(entry)] = entry, mailbox
        texts.append(text)
        mailboxes.append(mailbox)
    return AddressList(", ".join(texts), mailboxes)
