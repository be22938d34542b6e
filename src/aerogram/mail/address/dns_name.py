"""The name of this machine in the mail system, asked for once and only when it is needed."""

from __future__ import annotations

import re
import socket

_HOST_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")


class CachedDnsName:
    """The fully qualified name of this host, looked up at its first use.

    ``socket.getfqdn()`` may wait seconds for a name server, so it is not called at import. A name that is not
    valid in an EHLO command or a Message-ID (RFC 5321 section 4.1.2) is replaced by ``localhost``.
    """

    _fqdn: str

    def __str__(self) -> str:
        return self.get_fqdn()

    def get_fqdn(self) -> str:
        """Return the host's name in ASCII (non-ASCII labels as A-labels)."""
        if not hasattr(self, "_fqdn"):
            try:
                name = socket.getfqdn().encode("idna").decode("ascii")
            except UnicodeError:
                name = ""
            self._fqdn = name if _HOST_NAME.fullmatch(name) else "localhost"
        return self._fqdn


DNS_NAME = CachedDnsName()
"""The name of this host, for Message-ID and EHLO."""
