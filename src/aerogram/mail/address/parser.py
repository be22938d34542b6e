"""One strict parser of mailboxes, for the header and for the envelope alike.

It accepts exactly one mailbox of RFC 5322 (``addr-spec`` or ``name <addr-spec>``) whose local part fits RFC
5321. Dots in a name need no quotes, and an address may do without a domain; comments, groups, source routes
and lists of mailboxes are refused. Every step is linear in the length of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NoReturn

from aerogram.exceptions import ForgedAddress, InvalidAddress
from aerogram.mail.address.display_name import (
    ENCODED_WORD,
    QUOTED,
    name_of,
    name_tokens,
    unquoted,
    unquoted_text,
)
from aerogram.mail.address.domain import LABEL, a_labels, is_address_literal, is_domain
from aerogram.mail.address.entries import plain_entry
from aerogram.mail.characters import FORBIDDEN, excerpt

LOCAL_PART_LIMIT = 64  # octets, RFC 5321 section 4.5.3.1.1
ADDRESS_LIMIT = 254  # octets, RFC 5321 section 4.5.3.1.3 less the angle brackets (RFC 3696 erratum 1690)
ENTRY_LIMIT = 4096  # characters of one mailbox with its name: ours, so that the cache stays small

NEEDS_SMTPUTF8 = (
    "the part before the @ is not ASCII, which needs a server that speaks SMTPUTF8; use an ASCII address"
)

_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_DOT_ATOM = re.compile(rf"[{_ATEXT}]+(?:\.[{_ATEXT}]+)*")
_ADDR_SPEC = rf"([{_ATEXT}]+(?:\.[{_ATEXT}]+)*)@({LABEL}(?:\.{LABEL})*)"
_PLAIN = re.compile(rf"(){_ADDR_SPEC}")
_PLAINLY_NAMED = re.compile(rf"((?:[{_ATEXT}\w.]+ )+)<{_ADDR_SPEC}>")
_ANY_QUOTED = re.compile(QUOTED, re.DOTALL)
_QUOTED_LOCAL = re.compile(rf"({QUOTED})@(.*)", re.DOTALL)
_LIST_TOKEN = re.compile(rf'{QUOTED}|{ENCODED_WORD}|,|[^",=]+|=', re.DOTALL)
_EMPTY_GROUP = re.compile(rf" *[{_ATEXT}]+(?: +[{_ATEXT}]+)* *: *; *")
_SEPARATOR = re.compile("[,;@<>]")
_BEGINS_ENCODED_WORD = re.compile(r"=\?[^?]*\?[bBqQ]\?")
_UTF8_ATEXT = r'[^\x00-\x20\x7f\s"(),.:;<>@\[\\\]]'
_UTF8_DOT_ATOM = re.compile(rf"{_UTF8_ATEXT}+(?:\.{_UTF8_ATEXT}+)*")
# What cannot stand in a name without quotes; white space at its ends or doubled would be lost there.
NEEDS_QUOTES = re.compile(r'[][\\()<>@,:;".]|^ | $|  ')
_NEEDS_ESCAPE = re.compile(r'(["\\])')
_USE_PAIR = 'give name and address as a pair, ("Ann", "ann@example.com"), or put quotes around the name'


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox.

    ``local_part`` is without quotes, ``domain`` in ASCII (A-labels) or empty for a mailbox of this host.

    >>> mailbox = Mailbox("Doe, Jane", "jane", "example.com")
    >>> mailbox.addr_spec, str(mailbox)
    ('jane@example.com', '"Doe, Jane" <jane@example.com>')
    """

    display_name: str
    local_part: str
    domain: str

    @property
    def addr_spec(self) -> str:
        """The address as SMTP and the header write it, the local part quoted where it must be."""
        local_part = self.local_part
        if not _UTF8_DOT_ATOM.fullmatch(local_part):
            local_part = f'"{escaped(local_part)}"'
        return f"{local_part}@{self.domain}" if self.domain else local_part

    def __str__(self) -> str:
        """Return the mailbox as people read it, quoted where it must be, nothing encoded."""
        name = self.display_name
        if "=?" in name or NEEDS_QUOTES.search(name):
            name = f'"{escaped(name)}"'
        return f"{name} <{self.addr_spec}>" if name else self.addr_spec


def escaped(text: str) -> str:
    """Return ``text`` with a backslash before each quote and backslash, as a quoted-string holds them."""
    return _NEEDS_ESCAPE.sub(r"\\\1", text)


def parse_mailbox(value: object, *, utf8: bool = False) -> Mailbox:
    """Read exactly one mailbox; raise InvalidAddress for anything else.

    ``value`` is what :data:`~aerogram.mail.MailboxLike` says; encoded-words in the name of a text are
    decoded. ``utf8`` accepts a local part beyond ASCII (RFC 6531).

    >>> parse_mailbox('"Doe, Jane" <jane@exämple.com>')
    Mailbox(display_name='Doe, Jane', local_part='jane', domain='xn--exmple-cua.com')
    >>> parse_mailbox(("Doe, Jane", "jane@example.com"))
    Mailbox(display_name='Doe, Jane', local_part='jane', domain='example.com')
    """
    if type(value) is not str:
        value = plain_entry(value)
        if isinstance(value, tuple):
            return _parse_pair(*value, utf8=utf8)
    if len(value) > ENTRY_LIMIT:  # before the cache, which must not keep such texts
        refuse(value, f"it is longer than {ENTRY_LIMIT} characters")
    return _parse(value, utf8 and not value.isascii())  # so that an ASCII address is parsed once


def parse_mailbox_list(value: str, *, utf8: bool = False) -> list[Mailbox]:
    """Read the mailboxes of an address header; an empty group (``name:;``) holds none.

    A comma after a word that can be no address belongs to the name of the next mailbox. An entry that is not
    exactly one mailbox raises InvalidAddress.
    """
    if not value.strip(" \t") or is_empty_group(value):
        return []
    if "," not in value:
        return [parse_mailbox(value, utf8=utf8)]
    mailboxes = []
    entry: list[str] = []
    for part in _parts(value):
        entry.append(part)
        if not _is_only_name(part, utf8=utf8):
            mailboxes.append(parse_mailbox(",".join(entry), utf8=utf8))
            entry = []
    if entry:
        refuse(",".join(entry), "it has no address")
    return mailboxes


def _is_only_name(part: str, *, utf8: bool) -> bool:
    word = part.strip(" \t")
    return bool(word) and "@" not in word and "<" not in word and not _atom(utf8).fullmatch(word)


def _atom(utf8: bool) -> re.Pattern[str]:
    return _UTF8_DOT_ATOM if utf8 else _DOT_ATOM


def is_empty_group(text: str) -> bool:
    """Return whether ``text`` is a group without members, as ``undisclosed-recipients:;``."""
    return _EMPTY_GROUP.fullmatch(text) is not None


def reads_as(text: str, count: int) -> bool:
    """Return whether every reader sees ``count`` mailboxes in a list that was accepted.

    Other parsers take an unquoted comma or @ in a name, which this one accepts, for one mailbox more.
    """
    bare = _ANY_QUOTED.sub("", text)
    return bare.count(",") < max(count, 1) and bare.count("@") <= count


def _parse_pair(name: str, address: str, *, utf8: bool) -> Mailbox:
    """Read a pair of name and address, which has its domain."""
    name, address = name.replace("\t", " "), address.strip(" \t")
    if "@" not in address:
        refuse(address, "in a pair of name and address, it needs a domain")
    if address.endswith(">"):
        refuse(address, "in a pair of name and address, it must not have a name or angle brackets")
    if FORBIDDEN.search(name):
        _refuse_forbidden(name)
    if max(len(name), len(address)) > ENTRY_LIMIT:
        refuse(name, f"its name or address is longer than {ENTRY_LIMIT} characters")
    local_part, domain = _address(address, address, utf8=utf8)
    return Mailbox(name, local_part, domain)


@lru_cache(maxsize=4096)  # the sender of a batch
def _parse(text: str, utf8: bool) -> Mailbox:
    plain = _PLAIN.fullmatch(text) or _PLAINLY_NAMED.fullmatch(text)  # as nearly always
    if plain and "=?" not in text:
        name, local_part, domain = plain.groups()
        if len(local_part) <= LOCAL_PART_LIMIT and len(local_part) + len(domain) < ADDRESS_LIMIT:
            return Mailbox(name[:-1], local_part, domain)
    if FORBIDDEN.search(text):
        _refuse_forbidden(text)
    entry = text.replace("\t", " ").strip(" ")
    if not entry:
        refuse(text, "it is empty")
    name = ""
    address = entry
    if entry.endswith(">"):
        name, address = _split_angle(entry, utf8=utf8)
    local_part, domain = _address(address, text, utf8=utf8)
    return Mailbox(name, local_part, domain)


def _split_angle(entry: str, *, utf8: bool) -> tuple[str, str]:
    """Split ``name <address>`` into the name that is meant and what the angle brackets hold."""
    tokens, end = name_tokens(entry)
    if entry[end] != "<":
        refuse(entry, f"{excerpt(entry[end])} is not allowed there; {_USE_PAIR}")
    address = entry[end + 1 : -1].strip(" ")
    # A reader must not see a mailbox of its own in the name.
    bare = unquoted_text(tokens)
    if "@" in bare and bare.strip().casefold() != address.casefold():
        refuse(entry, f"an @ in the name needs quotes; {_USE_PAIR}. One entry holds one mailbox")
    if not all(_is_only_name(part, utf8=utf8) for part in bare.split(",")[:-1]):
        refuse(entry, f"a comma in the name needs quotes; {_USE_PAIR}. One entry holds one mailbox")
    name = name_of(tokens).replace("\t", " ")
    if FORBIDDEN.search(name):  # hidden in an encoded-word
        _refuse_forbidden(name)
    return name, address


def _address(address: str, text: str, *, utf8: bool) -> tuple[str, str]:
    """Read an addr-spec: the local part without quotes, the domain in ASCII."""
    if FORBIDDEN.search(address):
        _refuse_forbidden(text)
    quoted = _QUOTED_LOCAL.fullmatch(address)
    if quoted:
        local_part, at, host = unquoted(quoted[1]), "@", quoted[2]
    elif address.startswith('"'):
        refuse(text, "a quoted part must end with a quote and be followed by @ and the domain")
    else:
        local_part, at, host = address.partition("@")
    if not local_part:
        refuse(text, "there is nothing before the @")
    if not quoted and not _UTF8_DOT_ATOM.fullmatch(local_part):
        if local_part.startswith(".") or local_part.endswith(".") or ".." in local_part:
            refuse(text, "the part before the @ must not begin or end with a dot or contain two in a row")
        refuse(
            text,
            "expected one mailbox, as user@host, Name <user@host> or the pair (name, address), without "
            "comments, groups or lists",
        )
    if not utf8 and not local_part.isascii():
        refuse(text, NEEDS_SMTPUTF8)
    if _BEGINS_ENCODED_WORD.search(local_part):
        refuse(
            text, "the part before the @ must not contain an encoded-word, which some mail programs decode"
        )
    domain = _domain(host, text) if at else ""
    size = len(Mailbox("", local_part, "").addr_spec.encode())
    if size > LOCAL_PART_LIMIT:
        refuse(text, f"the part before the @ has {size} octets, at most {LOCAL_PART_LIMIT} are allowed")
    if size + 1 + len(domain) > ADDRESS_LIMIT:
        refuse(text, f"the address has {size + 1 + len(domain)} octets, at most {ADDRESS_LIMIT} are allowed")
    return local_part, domain


def _domain(host: str, text: str) -> str:
    """Write a domain in ASCII; one that is ASCII already stays as it is."""
    if not host:
        refuse(text, "there is nothing after the @")
    if host.startswith("["):
        if not is_address_literal(host):
            refuse(text, "the text in brackets must be an IPv4 address, or IPv6: and an IPv6 address")
        return host
    domain = host if host.isascii() else a_labels(host)
    if not is_domain(domain):
        if _SEPARATOR.search(host):
            refuse(text, "one entry holds one mailbox; give each address its own entry")
        refuse(
            text, "the text after the @ is not a domain: labels of 1 to 63 letters, digits and inner hyphens"
        )
    return domain


def _parts(text: str) -> list[str]:
    """Cut a list at the commas outside quotes."""
    cuts = [-1]
    end = 0
    while (token := _LIST_TOKEN.match(text, end)) is not None:
        end = token.end()
        if token[0] == ",":
            cuts.append(end - 1)
    if end != len(text):
        refuse(text[end:], "a quote is not closed")
    return [text[before + 1 : cut] for before, cut in pairwise([*cuts, end])]


def _refuse_forbidden(text: str) -> NoReturn:
    if "\n" in text or "\r" in text:
        raise ForgedAddress("Invalid address; address parts cannot contain newlines.")
    reason = "it contains a control character or half of a surrogate pair"
    raise ForgedAddress(f'Invalid address "{excerpt(text)[1:-1]}": {reason}')


def refuse(text: str, reason: str) -> NoReturn:
    """Raise the error for a text that is not one mailbox."""
    raise InvalidAddress(f'Invalid address "{excerpt(text)[1:-1]}": {reason}')
