"""The part of an address after the @: domains in ASCII, and address literals."""

from __future__ import annotations

import ipaddress
import re
import unicodedata

#: One label: letters, digits, hyphens inside; the underscore too, which names of containers have.
LABEL = r"(?!-)[A-Za-z0-9_\-]{1,63}(?<!-)"

_DOMAIN = re.compile(rf"{LABEL}(?:\.{LABEL})*")
_HOST_LIMIT = 254  # characters: no longer name can fit an address
_LITERAL_LIMIT = 60


def is_domain(host: str) -> bool:
    """Return whether ``host`` is a domain name in ASCII."""
    return _DOMAIN.fullmatch(host) is not None


def a_labels(host: str) -> str:
    """Write an internationalised domain in ASCII by IDNA 2008 (UTS 46); empty if it cannot be.

    Symbols, which IDNA 2008 leaves out but some registries sold, are written as IDNA 2003 did, where that
    changes nothing of the name.
    """
    # UTS 46 drops invisible characters; only the two joiners may mean something, where IDNA 2008 allows them.
    invisible = (c for c in host if unicodedata.category(c) == "Cf" and c not in "\u200c\u200d")
    if len(host) > _HOST_LIMIT or any(invisible):
        return ""
    import idna  # its tables are large, and most programs never meet such a domain

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except UnicodeError:  # idna.IDNAError is one
        pass
    try:
        written = host.encode("idna")
        unchanged = written.decode("idna") == host.lower()
    except UnicodeError:
        return ""
    return written.decode("ascii") if unchanged else ""


def is_address_literal(host: str) -> bool:
    """Return whether ``host`` is an address literal, ``[192.0.2.1]`` or ``[IPv6:…]`` (RFC 5321, 4.1.3)."""
    if not (host.startswith("[") and host.endswith("]")) or len(host) > _LITERAL_LIMIT or "%" in host:
        return False
    inner = host[1:-1]
    try:
        if inner[:5].casefold() == "ipv6:":
            ipaddress.IPv6Address(inner[5:])
        else:
            ipaddress.IPv4Address(inner)
    except ValueError:
        return False
    return True
