"""The DKIM signature of a message (RFC 6376): that it comes from this domain, unchanged.

A backend that hands bytes to the network asks :func:`configured_signer` once and signs what it sends; a copy
for a person to read (console, file, memory) is not signed. dkimpy does the work, from the extra ``dkim``.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any, Final

from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured, MissingDependency
from aerogram.mail.address.domain import a_labels, is_domain

__all__ = ["SIGNED_HEADERS", "Signer", "configured_signer"]

SIGNED_HEADERS: Final = (
    b"from", b"sender", b"reply-to", b"to", b"cc", b"subject", b"date", b"message-id", b"in-reply-to",
    b"references", b"mime-version", b"content-type", b"content-transfer-encoding", b"list-id",
    b"list-unsubscribe", b"list-unsubscribe-post", b"auto-submitted", b"feedback-id",
)  # fmt: skip
"""What is signed of the header: RFC 6376 section 5.4.1, with what RFC 8058 and Feedback-ID want signed."""

OVERSIGNED: Final = (
    b"from", b"to", b"subject", b"reply-to", b"date", b"list-unsubscribe", b"list-unsubscribe-post",
)  # fmt: skip
"""Signed once more than they occur, so that no other one can be added (RFC 6376 section 8.15)."""

_ED25519_PREFIX: Final = bytes.fromhex(
    "302e020100300506032b657004220420"
)  # RFC 8410 section 7: a seed follows
_PEM: Final = re.compile(rb"-----BEGIN [A-Z ]+-----(.*?)-----END", re.DOTALL)


class Signer:
    """Signs messages for one domain, the sender's for DMARC.

    The private key is RSA or Ed25519, as PEM text (PKCS #1 or #8), and ``source`` tells errors where it comes
    from. The public key is at ``<selector>._domainkey.<domain>`` in the DNS.
    """

    def __init__(self, domain: str, selector: str, private_key: str, source: str = "private_key") -> None:
        try:
            import dkim
        except ImportError:
            text = "DKIM_DOMAIN is set, and signing needs dkimpy: pip install 'aerogram[dkim]'."
            raise MissingDependency(text) from None
        self._dkim: Any = dkim
        self._domain = (domain if is_domain(domain) else a_labels(domain)).encode("ascii")
        if not is_domain(self._domain.decode("ascii")):
            raise ImproperlyConfigured(f"DKIM_DOMAIN is {domain[:100]!r}. Accepted: a domain name.")
        self._selector = selector.encode("ascii")
        # An environment variable often holds the two characters \n where lines end.
        pem = private_key.replace("\\n", "\n").replace("\r\n", "\n").strip() + "\n"
        self._algorithm, self._key = _parsed(pem.encode("ascii", "replace"), source)
        try:
            self(b"From: a@example.com\r\n\r\n")  # a key that cannot sign is found now
        except (dkim.KeyFormatError, IndexError, TypeError):  # by the kind of garbage
            raise ImproperlyConfigured(_unusable(source)) from None

    def __call__(self, content: bytes) -> bytes:
        """Return ``content``, a whole message with CRLF line ends, with its signature in front."""
        unsigned = self._dkim.DKIM(content, signature_algorithm=self._algorithm)
        present = [name.lower() for name, _ in unsigned.headers]
        names = [name for name in SIGNED_HEADERS for _ in range(present.count(name))]
        try:
            field: bytes = unsigned.sign(
                self._selector,
                self._domain,
                self._key,
                canonicalize=(b"relaxed", b"relaxed"),
                include_headers=[*names, *OVERSIGNED],
            )
        except self._dkim.NaClNotFoundError:
            text = "The DKIM key is Ed25519, which needs PyNaCl: pip install 'aerogram[dkim]'."
            raise MissingDependency(text) from None
        return field + content

    def __repr__(self) -> str:
        return f"<Signer {self._selector.decode()}._domainkey.{self._domain.decode()}>"


def configured_signer() -> Signer | None:
    """Return the signer that the ``DKIM_*`` settings describe, or ``None`` where ``DKIM_DOMAIN`` is empty."""
    domain = settings.DKIM_DOMAIN
    if not domain:
        return None
    selector, key, path = settings.DKIM_SELECTOR, settings.DKIM_PRIVATE_KEY, settings.DKIM_PRIVATE_KEY_FILE
    if not selector or bool(key) == bool(path):
        raise ImproperlyConfigured(
            f"DKIM_DOMAIN ({settings.source_of('DKIM_DOMAIN')}) is set, but signing needs DKIM_SELECTOR and "
            "one of DKIM_PRIVATE_KEY (PEM text) or DKIM_PRIVATE_KEY_FILE (a path). Set them, or leave "
            "DKIM_DOMAIN empty."
        )
    name = "DKIM_PRIVATE_KEY" if key else "DKIM_PRIVATE_KEY_FILE"
    if path:
        try:
            key = Path(path).read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not a text"
            raise ImproperlyConfigured(
                f"DKIM_PRIVATE_KEY_FILE ({settings.source_of(name)}) cannot be read: {reason}. Give the path "
                "of a PEM file."
            ) from None
    return Signer(domain, selector, key, f"{name}, {settings.source_of(name)}")


def _parsed(pem: bytes, source: str) -> tuple[bytes, bytes]:
    """Return the algorithm's name, and the key as dkimpy takes it: PEM for RSA, the bare seed for Ed25519."""
    found = _PEM.search(pem)
    if found is None or b"ENCRYPTED" in pem:
        raise ImproperlyConfigured(_unusable(source))
    try:
        der = base64.b64decode(found[1])
    except ValueError:
        raise ImproperlyConfigured(_unusable(source)) from None
    if der.startswith(_ED25519_PREFIX):
        return b"ed25519-sha256", base64.b64encode(der[len(_ED25519_PREFIX) :][:32])
    return b"rsa-sha256", pem


def _unusable(source: str) -> str:
    return (
        f"The DKIM key ({source}) cannot be used. Accepted: an RSA or Ed25519 private key, not encrypted, "
        "as PEM text such as 'openssl genrsa 2048' writes."
    )
