"""The mails that a catching server received, newest first, for the same viewer."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING

from aerogram.notification import Notification
from aerogram.preview.rendered_sample import received_sample
from aerogram.preview.sample import Group, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Inbox"]

_MOST = 500


class Inbox:
    """The last mails that were caught, by identifiers that cannot be guessed.

    Args:
        on_mail: called with each new mail, in the thread that received it.
    """

    def __init__(self, on_mail: Callable[[Sample], object]) -> None:
        self._on_mail = on_mail
        self._lock = threading.Lock()
        self._mails: deque[Sample] = deque(maxlen=_MOST)
        self._group = Group(Notification, "inbox", "inbox")

    def add(self, content: bytes, recipients: Iterable[str]) -> None:
        """Keep a message that was received for these recipients of its envelope."""
        received = received_sample(content, recipients)
        name = f"{datetime.now():%H:%M:%S}"
        sample = Sample(self._group, name, secrets.token_urlsafe(12), rendered=received)
        with self._lock:
            self._mails.appendleft(sample)
        self._on_mail(sample)

    def mails(self) -> list[Sample]:
        """Return the mails, newest first."""
        with self._lock:
            return list(self._mails)

    def find(self, identifier: str) -> Sample | None:
        """Return the mail of this identifier."""
        return next((mail for mail in self.mails() if mail.stem == identifier), None)

    def clear(self) -> None:
        """Forget all mails."""
        with self._lock:
            self._mails.clear()
