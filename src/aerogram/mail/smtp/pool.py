"""Several connections for one batch: built here, sent by a thread beside."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context

from aerogram.mail.smtp.backlog import Backlog
from aerogram.mail.smtp.lane import Lane, defer
from aerogram.mail.smtp.multiplexer import Multiplexer
from aerogram.mail.smtp.outgoing import Outgoing

__all__ = ["Pool"]

_POLL = 0.05  # seconds between two looks at the results while all lanes are occupied
_WAITING = 16  # messages that may wait for each lane


class Pool:
    """Spreads messages over up to ``size`` lanes, which a thread of their own carries.

    The caller's thread reads the source and receives the results, so neither the messages nor their reports
    ever meet another thread's code, and a source that takes its time holds up no message before it.

    Args:
        first: the lane whose connection is open already.
        another: makes one more lane.
        size: lanes at most.
    """

    def __init__(self, first: Lane, another: Callable[[], Lane], size: int) -> None:
        self._first = first
        self._backlog = Backlog(_WAITING * size)
        self._lanes = Multiplexer(first, another, size, self._backlog)
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._lanes.run,), name="aerogram-smtp", daemon=True
        )

    def deliver(self, source: Iterable[Outgoing]) -> Iterator[Outgoing]:
        """Send what ``source`` yields and yield each message that has all its results, as they come."""
        lanes, backlog, results = self._lanes, self._backlog, self._lanes.results
        self._thread.start()
        for item in source:
            backlog.put(item)
            if lanes.hungry:
                lanes.wake()
            while backlog.full and self._thread.is_alive():
                backlog.wait_for_room(_POLL)
                while results:
                    yield results.popleft()
            while results:
                yield results.popleft()
            if not self._thread.is_alive():
                yield from self._left_over()
        yield from self._join()
        if lanes.error is not None:
            raise lanes.error

    def give_up(self, error: BaseException) -> Iterator[Outgoing]:
        """Stop every lane, and yield what it was at: nothing stays without a result."""
        self._lanes.abort(error)
        yield from self._left_over()
        yield from self._join()

    def _join(self) -> Iterator[Outgoing]:
        self._backlog.closed = True
        self._lanes.wake()
        while self._thread.is_alive():
            self._thread.join(_POLL)
            while self._lanes.results:
                yield self._lanes.results.popleft()
        yield from self._left_over()

    def _left_over(self) -> Iterator[Outgoing]:
        """Yield the last results and, deferred, what was queued for lanes that are gone."""
        while self._lanes.results:
            yield self._lanes.results.popleft()
        for item in self._backlog.clear():
            yield defer(item, self._first.failure)
