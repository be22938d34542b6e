"""A mail that a worker holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Claim"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One mail that a worker holds.

    Attributes:
        id: the entry.
        token: which claim of the entry this is.
        mailer: the alias of the mailer that sends; ``None`` for that of ``OUTBOX_MAILER``.
        sender: the envelope sender, empty for the null sender.
        recipients: the addresses that the mail goes to now.
        content: the message in lines ended by CRLF, without dot-stuffing and signature.
        attempts: the attempts so far, for each of the recipients.
        crashes: how many times a worker died while it was sending the mail.
        uncertain: how often it was uncertain whether it was sent.
        lease: seconds.
    """

    id: str
    token: int
    mailer: str | None
    sender: str
    recipients: tuple[str, ...]
    content: bytes
    attempts: Mapping[str, int]
    crashes: int
    uncertain: int
    lease: float

    def __repr__(self) -> str:
        return f"<Claim {self.id} #{self.token} to {len(self.recipients)} recipients>"
