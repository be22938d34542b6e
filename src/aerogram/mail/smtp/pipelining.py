"""What this process has learnt about servers that lose what follows a content (RFC 2920 section 3.1)."""

from __future__ import annotations

from typing import Literal

__all__ = ["ContentPipelining", "PipeliningMode", "content_pipelining"]

PipeliningMode = Literal["content", "group", False]


class ContentPipelining:
    """Whether commands may be written behind a content that has no answer yet, at one server.

    RFC 2920 allows it, and a message costs one wait then. Dovecot's submission proxy closes the connection
    instead, and Courier discards the commands. The first session that tries it does so alone, so that one
    message at most is in doubt; where it fails, no other tries it again.

    Attributes:
        works: what was seen; ``None`` before a session has tried.
    """

    def __init__(self, *, works: bool | None = None) -> None:
        self.works = works
        self._tries: object | None = None

    def permits(self, session: object) -> bool:
        """Return whether a session may do so now."""
        return self.works is True or (self.works is None and self._tries in (None, session))

    def begin(self, session: object) -> None:
        """Record that a session does so."""
        self._tries = session

    def conclude(self, session: object, *, works: bool | None) -> None:
        """Record what came of it, ``None`` if that is not known; a failure is never forgotten."""
        if works is not None and self.works is not False:
            self.works = works
        if self._tries is session:
            self._tries = None


_servers: dict[tuple[str, int], ContentPipelining] = {}


def content_pipelining(host: str, port: int, mode: PipeliningMode = "content") -> ContentPipelining:
    """Return what is known of a server in this process; with another mode than "content", that it may not."""
    if mode != "content":
        return ContentPipelining(works=False)
    return _servers.setdefault((host.lower(), port), ContentPipelining())
