"""The actions and rules of a scripted SMTP server, and the messages it receives."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection; with ``reset`` the client sees it broken instead of closed."""

    reset: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """Do nothing for some seconds, or until the server stops; then go on."""

    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Drip:
    """Write ``reply`` octet by octet, with a pause of some seconds before each."""

    reply: str
    pause: float


Action = str | bytes | Drop | Hang | Drip
"""What a server does: send a reply (a str; CRLF is added), write octets as they are, or misbehave."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message the server accepted: envelope, parameters of MAIL, content with its dots unstuffed."""

    mail_from: str
    recipients: tuple[str, ...]
    content: bytes
    parameters: tuple[str, ...]
    connection: int


@dataclass(slots=True)
class ScriptRule:
    """Do ``actions`` instead of the usual when ``verb`` comes with ``match`` in its argument."""

    verb: str
    actions: tuple[Action, ...]
    match: str = ""
    skip: int = 0
    times: int | None = None
    keep: bool | None = None
    per_connection: bool = False
    seen: Counter[int] = field(default_factory=Counter)

    def applies(self, verb: str, argument: str, connection: int) -> bool:
        """Return whether the rule applies now, and count its occasions."""
        if verb != self.verb or self.match.lower() not in argument.lower():
            return False
        counter = connection if self.per_connection else 0
        self.seen[counter] += 1
        used = self.seen[counter] - self.skip
        return used > 0 and (self.times is None or used <= self.times)

    @property
    def first_reply(self) -> str:
        """The first reply among the actions."""
        replies = [action.reply if isinstance(action, Drip) else action for action in self.actions]
        return next((reply for reply in replies if isinstance(reply, str)), "")

    @property
    def keeps_message(self) -> bool:
        """True if the server keeps the message whose end the rule answers."""
        return self.first_reply.startswith("2") if self.keep is None else self.keep
