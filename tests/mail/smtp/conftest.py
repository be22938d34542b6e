"""How a batch comes to several connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aerogram.mail.backends import smtp
from aerogram.mail.smtp.loop import Loop
from aerogram.mail.smtp.pool import Pool


def in_the_callers_thread(loop: Loop) -> Loop:
    """Carry messages as the worker does."""
    return loop


@pytest.fixture(
    params=[(list, Pool), (iter, Pool), (list, in_the_callers_thread)],
    ids=["listed", "streamed", "callers-thread"],
)
def of(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Any]:
    """Make a list or a generator of messages; several connections have a thread, or share the caller's."""
    kind, pool = request.param
    monkeypatch.setattr(smtp, "Pool", pool)
    made: Callable[[Any], Any] = kind
    return made
