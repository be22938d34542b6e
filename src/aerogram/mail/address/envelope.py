"""The addresses of a message: read once, for its check, its header, and its envelope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from aerogram.exceptions import InvalidAddress
from aerogram.mail.address.entries import check_list, plain_entry
from aerogram.mail.address.parser import Mailbox, parse_mailbox
from aerogram.mail.characters import check_header_value

if TYPE_CHECKING:
    from collections.abc import Iterable


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


_NONE = AddressList("", [])
_TEXTS = frozenset({str})
_HEADERS = {"from_email": "From", "to": "To", "cc": "Cc", "bcc": "Bcc", "reply_to": "Reply-To"}


def addresses_of(message: Any, *, utf8: bool = False) -> Addresses:
    """Read all addresses of a message; ``from_email`` may be empty.

    ``utf8`` accepts local parts beyond ASCII (RFC 6531). A newline raises BadHeaderError, an entry that is
    not one mailbox InvalidAddress, a string in place of a list TypeError.
    """
    return Addresses(
        read_addresses("From", [message.from_email], utf8),
        read_addresses("To", message.to, utf8) if message.to else _NONE,
        read_addresses("Cc", message.cc, utf8) if message.cc else _NONE,
        read_addresses("Reply-To", message.reply_to, utf8) if message.reply_to else _NONE,
        read_addresses("Bcc", message.bcc, utf8) if message.bcc else _NONE,
    )


def read_addresses(header: str, entries: Iterable[Any], utf8: bool = False) -> AddressList:
    """Read the entries of one header, each of them one mailbox; empty ones are left out.

    Errors are those of :func:`addresses_of`, and name the header.
    """
    if not isinstance(entries, list):
        check_list(header.lower().replace("-", "_"), entries)
    texts, mailboxes = [], []
    for entry in entries:
        if not entry:
            continue
        plain = entry if type(entry) is str else plain_entry(entry)
        try:
            mailbox = parse_mailbox(plain, utf8=utf8)
        except InvalidAddress:
            if isinstance(plain, str):
                check_header_value(header, plain)  # its error says more where the reason is a newline
            raise
        texts.append(plain if isinstance(plain, str) else str(mailbox))
        mailboxes.append(mailbox)
    return AddressList(", ".join(texts), mailboxes)


def settle_addresses(message: Any, origin: str) -> None:
    """Refuse what building the message would refuse; ``origin`` is what error texts put before the attribute.

    Lazy texts and objects with a mailbox become texts, in the language that is active now.
    """
    everyone = [message.from_email, *message.to, *message.cc, *message.bcc, *message.reply_to]
    if _TEXTS.issuperset(map(type, everyone)):
        try:
            for entry in filter(None, everyone):
                parse_mailbox(entry, utf8=True)
        except InvalidAddress:
            pass  # raised again below, by the header
        else:
            return
    for declaration, header in _HEADERS.items():
        given = getattr(message, declaration)
        is_sender = header == "From"
        if not (given or is_sender):
            continue
        entries = [given] if is_sender else given
        try:
            if not _TEXTS.issuperset(map(type, entries)):
                entries = [plain_entry(entry) for entry in entries if entry or is_sender]
                setattr(message, declaration, entries[0] if is_sender else entries)
            # Beyond ASCII it is the server that decides, and the backend that asks it.
            read_addresses(header, entries, utf8=True)
        except InvalidAddress as error:
            raise type(error)(f"{origin}.{declaration}: {error}") from None


def entry_text(entry: object) -> str:
    """Return what is given for a mailbox as a text; what is none raises InvalidAddress."""
    plain = entry if type(entry) is str else plain_entry(entry)
    return plain if isinstance(plain, str) else str(parse_mailbox(plain, utf8=True))


def entry_texts(entries: Iterable[object]) -> list[Any]:
    """Return entries as texts; one that is no mailbox stays as it is."""
    texts: list[Any] = []
    for entry in entries:
        try:
            texts.append(entry_text(entry))
        except InvalidAddress:
            texts.append(entry)
    return texts


def envelope_of(message: Any, *, utf8: bool = False, addresses: Addresses | None = None) -> Envelope:
    """Make the envelope of a message, each mailbox once; ``headers=`` does not change it.

    A ``return_path`` that is not None is the sender; an empty text stands for the null sender. ``utf8``
    accepts local parts beyond ASCII, and ``addresses`` are those of the message where they are read and its
    ``recipients()`` says nothing else. What is not one mailbox raises InvalidAddress.
    """
    sender = getattr(message, "return_path", None)
    if sender is None:
        read = addresses.sender.mailboxes if addresses else ()
        sender = read[0] if read else message.from_email
    mail_from = ""
    if sender != "":
        mail_from = (sender if type(sender) is Mailbox else parse_mailbox(sender, utf8=utf8)).addr_spec
    recipients: Iterable[Any]
    if addresses:
        recipients = [*addresses.to.mailboxes, *addresses.cc.mailboxes, *addresses.bcc.mailboxes]
    else:
        recipients = message.recipients()
    mailboxes: dict[tuple[str, str], str] = {}
    for entry in recipients:
        if entry is not None and entry != "":
            mailbox = entry if type(entry) is Mailbox else parse_mailbox(entry, utf8=utf8)
            # RFC 5321 section 2.4: a domain is the same in any case, a local part is not.
            mailboxes.setdefault((mailbox.local_part, mailbox.domain.lower()), mailbox.addr_spec)
    return Envelope(mail_from, tuple(mailboxes.values()))
