"""Spreads mail over several mailers."""

from __future__ import annotations

import random
from itertools import count
from typing import Any

from aerogram.mail.backends import failover

__all__ = ["EmailBackend"]


class EmailBackend(failover.EmailBackend):
    """Gives each message to the next mailer in turn; where that one fails, the others are tried.

    The first turn falls to any of them, so that programs which send one message each use them all. The
    arguments are those of :class:`aerogram.mail.backends.failover.EmailBackend`.
    """

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:
        super().__init__(fail_silently=fail_silently, **kwargs)
        self._turns = count(random.randrange(len(self.mailers)))  # noqa: S311 - spreads load, guards nothing

    def order(self) -> list[int]:
        """Begin with the mailer whose turn it is."""
        places, turn = super().order(), next(self._turns) % len(self.mailers)
        return places[turn:] + places[:turn]
