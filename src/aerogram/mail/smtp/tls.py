"""How a connection is encrypted, and whom it believes."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from aerogram.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["client_context", "default_context"]


def default_context() -> ssl.SSLContext:
    """Return a context that verifies the server's certificate and name, with TLS 1.2 or newer."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def client_context(certfile: str | Path | None, keyfile: str | Path | None) -> ssl.SSLContext:
    """Return the same, which also shows a client certificate where one is given.

    Args:
        certfile: path of a PEM file with the certificate and its chain, and perhaps its key.
        keyfile: path of the PEM file of its key, where that is not in ``certfile``.

    Raises:
        ImproperlyConfigured: a file is missing or unreadable, they do not belong together, or there is a key
            without a certificate.
    """
    context = default_context()
    if keyfile and not certfile:
        raise ImproperlyConfigured(
            f"ssl_keyfile is {str(keyfile)!r} and ssl_certfile is not set: "
            f"give the certificate too (EMAIL_SSL_CERTFILE or ssl_certfile=)."
        )
    if certfile:
        try:
            context.load_cert_chain(certfile, keyfile or None)
        except OSError as error:
            raise ImproperlyConfigured(
                f"The client certificate {str(certfile)!r} (ssl_certfile) with the key "
                f"{str(keyfile or certfile)!r} (ssl_keyfile) cannot be loaded ({error.strerror or error}): "
                f"give PEM files of one certificate and its key."
            ) from error
    return context
