"""How long a mail waits for its next attempt, and how often it is tried."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Final, Literal

__all__ = ["BACKOFF", "MAX_CRASHES", "MAX_UNCERTAIN", "UNCERTAIN_DELAY", "Random", "Transport"]
__all__ += ["backoff", "pause", "uncertain_due"]

Transport = Literal["up", "down", "misconfigured"]
"""What an attempt showed of the server: it answered, could not be reached, or needs the operator."""

BACKOFF: Final = (30, 120, 600, 1800, 3600, 7200, 14400)
"""Seconds until the next attempt, by the number of attempts so far; the last one repeats."""

UNCERTAIN_DELAY: Final = 900
"""Seconds until a mail that may have arrived is sent again."""

MAX_UNCERTAIN: Final = 2
"""How often that happens to one mail. After another uncertain outcome it is held."""

MAX_CRASHES: Final = 3
"""How many crashes and unexpected errors one mail may cause. It is dead then."""

_JITTER: Final = 0.2
_PAUSES: Final[Mapping[Transport, tuple[int, int]]] = {"down": (1, 60), "misconfigured": (30, 600)}

Random = Callable[[], float]
"""A function that gives a number from 0 to 1, such as ``random.random``."""


def backoff(attempts: int, *, jitter: Random = random.random) -> float:
    """Return the seconds until the next attempt, within 20 % of :data:`BACKOFF`.

    Args:
        attempts: how many attempts failed, at least 1.
        jitter: where the random part comes from.

    >>> backoff(1, jitter=lambda: 0.5), backoff(99, jitter=lambda: 0.5)
    (30.0, 14400.0)
    """
    return BACKOFF[min(attempts, len(BACKOFF)) - 1] * (1 + _JITTER * (2 * jitter() - 1))


def pause(transport: Transport, failures: int, *, jitter: Random = random.random) -> float:
    """Return the seconds of a mailer's pause: doubled with each failure, within 20 %.

    Args:
        transport: ``"down"``, from 1 second to a minute; ``"misconfigured"``, from 30 seconds to 10 minutes.
        failures: how often in a row it was so, at least 1.
        jitter: where the random part comes from.

    >>> pause("down", 1, jitter=lambda: 0.5), pause("down", 40, jitter=lambda: 0.5)
    (1.0, 60.0)
    """
    first, longest = _PAUSES[transport]
    seconds = min(first * 2 ** min(failures - 1, 20), longest)
    return float(seconds) * (1 + _JITTER * (2 * jitter() - 1))


def uncertain_due(
    uncertain: int, now: int, on_uncertain: str, *, jitter: Random = random.random
) -> int | None:
    """Return when a mail that may have arrived is sent again, in milliseconds; None if it is held.

    Args:
        uncertain: how many outcomes were uncertain, this one included.
        now: the time in milliseconds.
        on_uncertain: ``"retry"`` or ``"hold"``.
        jitter: where the random part comes from.
    """
    if on_uncertain == "hold" or uncertain > MAX_UNCERTAIN:
        return None
    return now + round(UNCERTAIN_DELAY * 1000 * (1 + _JITTER * jitter()))
