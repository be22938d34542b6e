"""The addresses of a message: read once, for its check, its header, and its envelope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from aerogram.exceptions import InvalidAddress
from aerogram.mail.address.parser import parse_mailbox, text_of
from aerogram.mail.characters import check_header_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aerogram.mail.address.parser import Mailbox

#: Entries that are read already, with their mailboxes, by the ``id`` of the entry.
Known = dict[int, tuple[object, "Mailbox"]]


class Envelope(NamedTuple):
    """Sender and recipients of one SMTP transaction, as bare addresses.

    ``mail_from`` is empty for the null sender, to which no bounce is sent (RFC 5321 section 4.5.5).
    """

    mail_from: str
    recipients: tuple[str, ...]

    @property
    def needs_smtputf8(self) -> bool:
        """True if an address is not ASCII, so that the server must offer SMTPUTF8 (RFC 6531)."""
        return not (self.mail_from.isascii() and "".join(self.recipients).isascii())


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


_NONE = AddressList("", [])


def addresses_of(message: Any, *, utf8: bool = False) -> Addresses:
    """Read all addresses of a message; ``from_email`` may be empty.

    ``utf8`` accepts local parts beyond ASCII (RFC 6531). A newline raises BadHeaderError, an entry that is
    not one mailbox InvalidAddress, a string in place of a list TypeError.
    """
    known: Known = {}
    return Addresses(
        read_addresses("From", [message.from_email], utf8, known),
        read_addresses("To", message.to, utf8, known) if message.to else _NONE,
        read_addresses("Cc", message.cc, utf8, known) if message.cc else _NONE,
        read_addresses("Reply-To", message.reply_to, utf8, known) if message.reply_to else _NONE,
        read_addresses("Bcc", message.bcc, utf8, known) if message.bcc else _NONE,
        known,
    )


def read_addresses(
    header: str, entries: Iterable[Any], utf8: bool = False, known: Known | None = None
) -> AddressList:
    """Read the entries of one header, each of them one mailbox; empty ones are left out.

    Each entry is added to ``known`` with its mailbox. Errors are those of :func:`addresses_of`, and name the
    header.
    """
    if isinstance(entries, str):
        raise TypeError(f'"{header.lower().replace("-", "_")}" argument must be a list or tuple')
    texts, mailboxes = [], []
    for entry in entries:
        if not entry:
            continue
        text = entry if type(entry) is str else text_of(entry)
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


def envelope_of(
    message: Any,
    *,
    utf8: bool = False,
    recipients: Iterable[object] | None = None,
    known: Known | None = None,
) -> Envelope:
    """Make the envelope of a message, each mailbox once; ``headers=`` does not change it.

    A ``return_path`` that is not None is the sender; an empty text stands for the null sender. ``utf8``
    accepts local parts beyond ASCII, ``recipients`` are those of the message where the caller has them, and
    ``known`` are entries that are read already. What is not one mailbox raises InvalidAddress.
    """

    def mailbox_of(entry: object) -> Mailbox:
        read = known and known.get(id(entry))
        return read[1] if read else parse_mailbox(entry, utf8=utf8)

    sender = getattr(message, "return_path", None)
    mail_from = mailbox_of(message.from_email if sender is None else sender).addr_spec if sender != "" else ""
    addresses: dict[tuple[str, str], str] = {}
    for entry in message.recipients() if recipients is None else recipients:
        if entry is not None and entry != "":
            mailbox = mailbox_of(entry)
            # RFC 5321 section 2.4: a domain is the same in any case, a local part is not.
            addresses.setdefault((mailbox.local_part, mailbox.domain.lower()), mailbox.addr_spec)
    return Envelope(mail_from, tuple(addresses.values()))
