"""What this process knows of servers that lose what follows a content (RFC 2920 section 3.1)."""

from __future__ import annotations

from typing import ClassVar, Literal

__all__ = ["ContentPipelining", "PipeliningMode"]

PipeliningMode = Literal["content", "group", False]


class ContentPipelining:
    """Whether commands may be written behind a content that has no answer yet, at one server.

    RFC 2920 allows it, and a message costs one wait then. Dovecot's submission proxy closes the connection
    instead, and Courier discards the commands. The first session that tries it does so alone, so that one
    message at most is in doubt; where it fails, no other tries it again.
    """

    _servers: ClassVar[dict[tuple[str, int], ContentPipelining]] = {}

    def __init__(self, works: bool | None = None) -> None:
        self._works = works  # None before a session has tried
        self._first: object | None = None  # the session that tries

    @classmethod
    def of(cls, host: str, port: int, mode: PipeliningMode) -> ContentPipelining:
        """Return what is known of a server; with another mode than "content", that it may not."""
        return cls._servers.setdefault((host.lower(), port), cls()) if mode == "content" else cls(works=False)

    def permits(self, session: object) -> bool:
        """Return whether a session may do so now."""
        return self._works is True or (self._works is None and self._first in (None, session))

    def begin(self, session: object) -> None:
        """Record that a session does so."""
        self._first = session

    def end(self, session: object, *, works: bool | None = None) -> None:
        """Record what came of it, ``None`` if that is not known; a failure is never forgotten."""
        if works is not None and self._works is not False:
            self._works = works
        if self._first is session:
            self._first = None
