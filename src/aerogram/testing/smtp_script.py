"""What a scripted SMTP server can be told to do, and what it remembers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

__all__ = ["Action", "Drip", "Drop", "Hang", "Received", "Rule"]


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection; with ``reset`` the client sees it broken rather than closed."""

    reset: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """Say nothing for some seconds (or until the server stops), then go on."""

    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Drip:
    """Write ``reply`` octet by octet, with a pause of some seconds before each."""

    reply: str
    pause: float


Action = str | bytes | Drop | Hang | Drip
"""What a server does: says a reply (a text, CRLF is added), writes octets as they are, or misbehaves."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message the server has taken: envelope, MAIL's parameters, content with its dots unstuffed."""

    mail_from: str
    recipients: tuple[str, ...]
    content: bytes
    parameters: tuple[str, ...]
    connection: int


@dataclass(slots=True)
class Rule:
    """When ``verb`` comes, and its argument contains ``match``, do ``actions`` instead of the usual."""

    verb: str
    actions: tuple[Action, ...]
    match: str
    skip: int
    times: int | None
    keep: bool | None
    per_connection: bool
    seen: Counter[int] = field(default_factory=Counter)

    def applies(self, verb: str, argument: str, connection: int) -> bool:
        """Tell whether this rule is meant, counting the times it was."""
        if verb != self.verb or self.match.lower() not in argument.lower():
            return False
        counter = connection if self.per_connection else 0
        self.seen[counter] += 1
        used = self.seen[counter] - self.skip
        return used > 0 and (self.times is None or used <= self.times)
