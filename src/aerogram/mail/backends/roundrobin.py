"""The backend that spreads mail over several mailers."""

from __future__ import annotations

import random
from itertools import count
from typing import Any

from aerogram.mail.backends import failover

__all__ = ["EmailBackend"]


class EmailBackend(failover.EmailBackend):
    """Sends each message by the next mailer in turn, or by another one if that fails.

    The first turn is random, so that programs which send one message each use all mailers. The arguments are
    those of :class:`aerogram.mail.backends.failover.EmailBackend`.
    """

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:
        super().__init__(fail_silently=fail_silently, **kwargs)
        self._turns = count(random.randrange(len(self.mailers)))  # noqa: S311 - spreads load, guards nothing

    def order(self) -> list[int]:
        """Return the positions of the mailers, the one whose turn it is first."""
        positions, turn = super().order(), next(self._turns) % len(self.mailers)
        return positions[turn:] + positions[:turn]
