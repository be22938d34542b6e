"""One strict parser of mailboxes, for the header and for the envelope alike.

What it accepts is exactly one mailbox of RFC 5322 (``addr-spec`` or ``name <addr-spec>``), every later reader
finds the same one in what is written, and its local part fits RFC 5321. Dots in a name need no quotes, and
an address may do without a domain; comments, groups, source routes and lists of mailboxes are refused. Every
step is linear in the length of the text and none calls itself, so a hostile text costs no more than a long
one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.header import Header
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

from aerogram.exceptions import InvalidAddress
from aerogram.mail.domains import LABEL, a_labels, is_address_literal, is_domain
from aerogram.mail.encoded_words import FORBIDDEN, encoded_words, shown

if TYPE_CHECKING:
    from email.charset import Charset

__all__ = ["Mailbox", "parse_mailbox", "parse_mailbox_list", "sanitize_address"]

LOCAL_PART_LIMIT = 64  # octets, RFC 5321 section 4.5.3.1.1
ADDRESS_LIMIT = 254  # octets, RFC 5321 section 4.5.3.1.3 less the angle brackets (RFC 3696 erratum 1690)
ENTRY_LIMIT = 4096  # characters of one mailbox with its name: ours, so that the cache stays small

_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_DOT_ATOM = re.compile(rf"[{_ATEXT}]+(?:\.[{_ATEXT}]+)*")
_UTF8_ATEXT = r'[^\x00-\x20\x7f\s"(),.:;<>@\[\\\]]'
_UTF8_DOT_ATOM = re.compile(rf"{_UTF8_ATEXT}+(?:\.{_UTF8_ATEXT}+)*")
_PLAIN = re.compile(rf"([{_ATEXT}]+(?:\.[{_ATEXT}]+)*)@({LABEL}(?:\.{LABEL})*)")
_QUOTED = r'"(?:[^"\\]++|\\.)*+"'
_QUOTED_LOCAL = re.compile(rf"({_QUOTED})@(.*)", re.DOTALL)
_NAME_TOKEN = re.compile(rf'{_QUOTED}|[^ "()<>:;\\\[\]]++| ++', re.DOTALL)
_LIST_TOKEN = re.compile(rf'{_QUOTED}|,|[^",]++', re.DOTALL)
_SPACES = re.compile(" +")
_SEPARATOR = re.compile("[,;@<>]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_NEEDS_ESCAPE = re.compile(r'(["\\])')
# What cannot stand in a name without quotes; white space at its ends or doubled would be lost there.
_NEEDS_QUOTES = re.compile(r'[][\\()<>@,:;".]|^ | $|  ')
_SPECIALS = re.compile(r'[][\\()<>@,:;".]')
_NAME_ROOM = 60  # characters: a word of this length fits the first line of every address header
_LONG_WORD = re.compile(rf"[^ ]{{{_NAME_ROOM + 1}}}")
_UNFOLDABLE_WORD = re.compile(r"[^ ]{400}")  # escapes may double it, and a line has at most 998 octets


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox: a name to show and an address to deliver to.

    ``local_part`` is without quotes, ``domain`` in ASCII (A-labels) or empty for a mailbox of this host.

    >>> parse_mailbox('"Doe, Jane" <jane@exämple.com>')
    Mailbox(display_name='Doe, Jane', local_part='jane', domain='xn--exmple-cua.com')
    """

    display_name: str
    local_part: str
    domain: str

    @property
    def addr_spec(self) -> str:
        """The address as SMTP and the header write it, the local part quoted where it must be."""
        local = _written_local_part(self.local_part)
        return f"{local}@{self.domain}" if self.domain else local

    def header(self, encoding: str | Charset = "utf-8", *, utf8: bool = False) -> str:
        """Write the mailbox for a header, on one line.

        Args:
            encoding: charset of encoded-words in the name.
            utf8: allow a local part beyond ASCII, which only SMTPUTF8 can carry (RFC 6531).

        Raises:
            InvalidAddress: the local part is not ASCII and ``utf8`` is false.

        >>> parse_mailbox("John Q. Public <j@x.org>").header()
        '"John Q. Public" <j@x.org>'
        """
        address = self.addr_spec
        if not utf8 and not address.isascii():
            _refuse(address, _NEEDS_SMTPUTF8)
        name = self.display_name
        return f"{_written_name(name, encoding)} <{address}>" if name else address


_NEEDS_SMTPUTF8 = (
    "the part before the @ is not ASCII, which needs a server that speaks SMTPUTF8; use an ASCII address"
)


def parse_mailbox(value: object, *, utf8: bool = False) -> Mailbox:
    """Read exactly one mailbox.

    Args:
        value: a text (lazy ones too) or an ``email.headerregistry.Address``.
        utf8: accept a local part beyond ASCII (RFC 6531).

    Raises:
        InvalidAddress: ``value`` is anything else than one mailbox.

    >>> parse_mailbox("jane@example.com").addr_spec
    'jane@example.com'
    """
    if type(value) is not str:
        value = _text_of(value)
    if len(value) > ENTRY_LIMIT:  # before the cache, which must not keep such texts
        _refuse(value, f"it is longer than {ENTRY_LIMIT} characters")
    return _parse(value, utf8)


def parse_mailbox_list(value: str, *, utf8: bool = False) -> list[Mailbox]:
    """Read the mailboxes of an address header, separated by commas; an empty group (``name:;``) holds none.

    A comma behind a word that can be no address belongs to the name of the next mailbox.

    Raises:
        InvalidAddress: an entry is not exactly one mailbox.

    >>> [mailbox.addr_spec for mailbox in parse_mailbox_list('a@x.org, "B, C" <b@y.org>')]
    ['a@x.org', 'b@y.org']
    """
    text = _text_of(value)
    if not text.strip(" \t") or is_empty_group(text):
        return []
    if "," not in text:
        return [parse_mailbox(text, utf8=utf8)]
    mailboxes = []
    entry: list[str] = []
    for part in _parts(text):
        entry.append(part)
        if not _is_only_name(part, utf8=utf8):
            mailboxes.append(parse_mailbox(",".join(entry), utf8=utf8))
            entry = []
    if entry:
        _refuse(",".join(entry), "it has no address")
    return mailboxes


def _is_only_name(part: str, *, utf8: bool) -> bool:
    """Tell whether ``part`` can be no mailbox by itself, only the beginning of a name."""
    word = part.strip(" \t")
    return bool(word) and "@" not in word and "<" not in word and not _atom(utf8).fullmatch(word)


def _atom(utf8: bool) -> re.Pattern[str]:
    return _UTF8_DOT_ATOM if utf8 else _DOT_ATOM


def is_empty_group(text: str) -> bool:
    """Tell whether ``text`` is a group without members, as ``undisclosed-recipients:;``."""
    return _EMPTY_GROUP.fullmatch(text) is not None


_EMPTY_GROUP = re.compile(rf"\s*+[{_ATEXT}]++(?:[ ]++[{_ATEXT}]++)*+:\s*+;\s*+")


def sanitize_address(addr: object, encoding: str | Charset) -> str:
    """Write one mailbox for a header as Django 5.2 does, folded with a bare newline where the name is long.

    Args:
        addr: a text, or a pair of name and address.
        encoding: charset of encoded-words in the name.

    Raises:
        InvalidAddress: not exactly one mailbox, or an address that needs SMTPUTF8.

    >>> sanitize_address(("A name", "to@exämple.com"), "utf-8")
    'A name <to@xn--exmple-cua.com>'
    """
    mailbox = _mailbox_of_pair(addr) if isinstance(addr, tuple) else parse_mailbox(addr)
    return django_mailbox(mailbox, encoding)


def django_mailbox(mailbox: Mailbox, encoding: str | Charset) -> str:
    """Write a parsed mailbox as :func:`sanitize_address` does."""
    name = mailbox.display_name
    if not name:
        return mailbox.addr_spec
    if not name.isascii() or "=?" in name or _UNFOLDABLE_WORD.search(name):
        written = "\n ".join(encoded_words(name, encoding, first=76))
    else:
        written = name if len(name) <= 76 else Header(name).encode()
        if _SPECIALS.search(written):
            written = f'"{_escaped(written)}"'
    return f"{written} <{mailbox.addr_spec}>"


def _mailbox_of_pair(pair: tuple[object, ...]) -> Mailbox:
    if len(pair) != 2:
        raise InvalidAddress("Invalid address: a tuple must be a pair of name and address")
    name, address = (_text_of(part) for part in pair)
    name = name.replace("\t", " ")
    if "@" not in address:
        _refuse(address, "in a pair of name and address it needs a domain")
    if FORBIDDEN.search(name):
        _refuse_forbidden(name)
    if len(name) > ENTRY_LIMIT:
        _refuse(name, f"its name is longer than {ENTRY_LIMIT} characters")
    local_part, domain = _address(address, address, utf8=False)
    return Mailbox(name, local_part, domain)


def _text_of(value: object) -> str:
    """Call ``str()`` once, refusing what nobody means as an address."""
    if value is None or isinstance(value, bytes | bytearray | tuple | list | dict | set | int | float):
        raise InvalidAddress(
            f"Invalid address: expected a text as 'Name <user@host>' or an email.headerregistry.Address, "
            f"not {type(value).__name__}"
        )
    return str.__str__(str(value))


@lru_cache(maxsize=4096)
def _parse(text: str, utf8: bool) -> Mailbox:
    plain = _PLAIN.fullmatch(text)
    if plain and plain.end(1) <= LOCAL_PART_LIMIT and len(text) <= ADDRESS_LIMIT:
        return Mailbox("", plain[1], plain[2])
    if FORBIDDEN.search(text):
        _refuse_forbidden(text)
    entry = text.replace("\t", " ").strip(" ")
    if not entry:
        _refuse(text, "it is empty")
    name = ""
    address = entry
    if entry.endswith(">"):
        name, address = _split_angle(entry, utf8=utf8)
    local_part, domain = _address(address, text, utf8=utf8)
    return Mailbox(name, local_part, domain)


def _split_angle(entry: str, *, utf8: bool) -> tuple[str, str]:
    """Split ``name <address>`` into the name without its quotes and what the angle brackets hold."""
    pieces: list[tuple[str, bool]] = []  # (token, quoted)
    position = 0
    while (token := _NAME_TOKEN.match(entry, position)) is not None:
        position = token.end()
        pieces.append((token[0], token[0].startswith('"')))
    if entry[position] != "<":
        _refuse(entry, f"{shown(entry[position])} is not allowed there; put quotes around the name")
    address = entry[position + 1 : -1].strip(" ")
    _check_unquoted(entry, pieces, address, utf8=utf8)
    if pieces and pieces[-1][0].startswith(" "):
        pieces.pop()
    name = "".join([_unquoted(text) if quoted else _SPACES.sub(" ", text) for text, quoted in pieces])
    return name, address


def _check_unquoted(entry: str, pieces: list[tuple[str, bool]], address: str, *, utf8: bool) -> None:
    """Refuse a name in which a reader could see a mailbox of its own."""
    bare = "".join('""' if quoted else token for token, quoted in pieces)
    if "@" in bare and bare.strip().casefold() != address.casefold():
        _refuse(entry, "an @ in the name needs quotes around the name; one entry holds one mailbox")
    if "," in bare:
        for part in bare.split(",")[:-1]:
            if not _is_only_name(part, utf8=utf8):
                _refuse(
                    entry, "a comma in the name needs quotes around the name; one entry holds one mailbox"
                )


def _address(address: str, text: str, *, utf8: bool) -> tuple[str, str]:
    """Read an addr-spec: the local part without quotes, the domain in ASCII."""
    if FORBIDDEN.search(address):
        _refuse_forbidden(text)
    if address.startswith('"'):
        quoted = _QUOTED_LOCAL.fullmatch(address)
        if quoted is None:
            _refuse(text, "a quoted part must end with a quote and be followed by @ and the domain")
        local_part, host = _unquoted(quoted[1]), quoted[2]
        if not local_part:
            _refuse(text, "there is nothing before the @")
    else:
        local_part, at, rest = address.partition("@")
        host = rest if at else None
        if not _atom(utf8).fullmatch(local_part):
            _refuse_local_part(local_part, text)
    if not utf8 and not local_part.isascii():
        _refuse(text, _NEEDS_SMTPUTF8)
    domain = "" if host is None else _domain(host, text)
    written = _written_local_part(local_part)
    size = len(written.encode())
    if size > LOCAL_PART_LIMIT:
        _refuse(text, f"the part before the @ has {size} octets, at most {LOCAL_PART_LIMIT} are allowed")
    if size + 1 + len(domain) > ADDRESS_LIMIT:
        _refuse(text, f"the address has {size + 1 + len(domain)} octets, at most {ADDRESS_LIMIT} are allowed")
    return local_part, domain


def _refuse_local_part(local_part: str, text: str) -> NoReturn:
    if not local_part:
        _refuse(text, "there is nothing before the @")
    if not local_part.isascii():
        _refuse(text, _NEEDS_SMTPUTF8)
    if local_part.startswith(".") or local_part.endswith(".") or ".." in local_part:
        _refuse(text, "the part before the @ may not begin or end with a dot nor hold two in a row")
    _refuse(text, "expected one mailbox, as user@host or Name <user@host>, without comments, groups or lists")


def _domain(host: str, text: str) -> str:
    """Write a domain in ASCII; one that is ASCII already stays as it is."""
    if not host:
        _refuse(text, "there is nothing after the @")
    if host.startswith("["):
        if not is_address_literal(host):
            _refuse(text, "what stands in brackets must be an IPv4 address or IPv6: and an IPv6 address")
        return host
    domain = host if host.isascii() else a_labels(host)
    if not is_domain(domain):
        if _SEPARATOR.search(host):
            _refuse(text, "one entry holds one mailbox; give each address an entry of its own")
        _refuse(
            text, "what follows the @ is not a domain: labels of 1 to 63 letters, digits and inner hyphens"
        )
    return domain


def _parts(text: str) -> list[str]:
    """Cut a list at the commas outside quotes."""
    parts: list[str] = []
    tokens: list[str] = []
    position = 0
    while (token := _LIST_TOKEN.match(text, position)) is not None:
        position = token.end()
        if token[0] == ",":
            parts.append("".join(tokens))
            tokens = []
        else:
            tokens.append(token[0])
    if position != len(text):
        _refuse(text[position:], "a quote is not closed")
    parts.append("".join(tokens))
    return parts


def _unquoted(quoted: str) -> str:
    return _ESCAPED.sub(r"\1", quoted[1:-1])


def _escaped(text: str) -> str:
    return _NEEDS_ESCAPE.sub(r"\\\1", text)


def _written_local_part(local_part: str) -> str:
    plain = _UTF8_DOT_ATOM.fullmatch(local_part)
    return local_part if plain else f'"{_escaped(local_part)}"'


def _written_name(name: str, encoding: str | Charset) -> str:
    """Write a display name so that it can be folded at its spaces, and is one mailbox for every reader."""
    if not name.isascii() or "=?" in name or _LONG_WORD.search(name):
        return " ".join(encoded_words(name, encoding, first=_NAME_ROOM))
    if _NEEDS_QUOTES.search(name) is None:
        return name
    quoted = f'"{_escaped(name)}"'
    # A quoted text is not folded, and what it hides is safest from naive readers when it is encoded.
    return quoted if len(quoted) <= _NAME_ROOM else " ".join(encoded_words(name, encoding, first=_NAME_ROOM))


def _refuse_forbidden(text: str) -> NoReturn:
    if "\n" in text or "\r" in text:
        raise InvalidAddress("Invalid address; address parts cannot contain newlines.")
    _refuse(text, "it holds a control character or half of a surrogate pair")


def _refuse(text: str, reason: str) -> NoReturn:
    raise InvalidAddress(f'Invalid address "{shown(text)[1:-1]}": {reason}')
