"""The script of an SMTP server: actions and rules, and what the server has received."""

from __future__ import annotations

import ssl
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection; with ``reset``, the client sees a broken instead of a closed connection."""

    reset: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """Do nothing for some seconds, or until the server stops; then continue."""

    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Drip:
    """Write ``reply`` byte by byte, with a pause of some seconds before each."""

    reply: str
    pause: float


Action = str | bytes | Drop | Hang | Drip
"""What a server does: send a reply (a str; CRLF is added), write octets as they are, or misbehave."""


@dataclass(frozen=True, slots=True)
class Received:
    """An accepted message: envelope, parameters of MAIL, and content with its dots unstuffed."""

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


class Script:
    """What a server is to do, and what it has seen, for :class:`~aerogram.testing.FaultyServer`."""

    def __init__(
        self,
        offers: Iterable[str] = ("PIPELINING", "8BITMIME"),
        *,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        logins: Mapping[str, str] | None = None,
        client_timeout: float = 10.0,
    ) -> None:
        self.offers: tuple[str, ...] = tuple(offers)
        self.tls = tls
        self.implicit_tls = implicit_tls
        self.logins: dict[str, str] = dict(logins or {})
        self.client_timeout = client_timeout
        self.messages: list[Received] = []
        self.log: list[tuple[int, str, bytes]] = []
        self.commands: list[str] = []
        self.waits: int = 0
        self.connections: int = 0
        self.tls_failures: list[str] = []
        self.stopping: threading.Event = threading.Event()
        self.lock: threading.Lock = threading.Lock()
        self._rules: list[ScriptRule] = []

    def on(
        self,
        verb: str,
        *actions: Action,
        match: str = "",
        skip: int = 0,
        times: int | None = None,
        keep: bool | None = None,
        per_connection: bool = False,
    ) -> Self:
        """Respond to ``verb`` with ``actions`` instead of the correct reply; earlier rules take precedence.

        Args:
            verb: a command, in any case; or ``"connect"`` (instead of the greeting), ``"content"`` (as
                soon as some content is there), ``"."`` (instead of the reply to the final dot, or BDAT).
            actions: done in this order.
            match: apply the rule only if the argument of the command contains this, in any case.
            skip: the number of occasions to ignore first.
            times: how many times to apply the rule; None for always.
            keep: for ``"."``, whether the message is accepted; by default when the first reply is a 2xx.
            per_connection: count ``skip`` and ``times`` anew for each connection.
        """
        verb = verb.lower() if verb.lower() in ("connect", "content") else verb.upper()
        self._rules.append(ScriptRule(verb, actions, match, skip, times, keep, per_connection))
        return self

    def rule_for(self, verb: str, argument: str, connection: int) -> ScriptRule | None:
        """Return the rule that applies now, or None."""
        with self.lock:
            return next((rule for rule in self._rules if rule.applies(verb, argument, connection)), None)

    @property
    def verbs(self) -> list[str]:
        """The first word of each of :attr:`commands`, in capitals."""
        return [command.partition(" ")[0].upper() for command in self.commands]
