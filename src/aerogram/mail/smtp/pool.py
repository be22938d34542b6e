"""Several connections for one batch, whose messages are built between their waits, or beside them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextvars import copy_context
from time import monotonic

from aerogram.mail.smtp.backlog import Backlog
from aerogram.mail.smtp.lane import Lane, defer
from aerogram.mail.smtp.multiplexer import Multiplexer
from aerogram.mail.smtp.outgoing import Outgoing

__all__ = ["Pool"]

_POLL = 0.05  # seconds between two looks at the results while all lanes are occupied
_WAITING = 16  # messages that may wait for each lane
# Seconds that a message may take to be built and its result to be taken in, as long as that shall be done
# between the waits; and how many may lately have been over that, in sum.
_QUICK, _CREDIT = 0.002, 0.1


class Pool:
    """Spreads messages over up to ``size`` lanes.

    The caller's thread reads the source and receives the results, so neither the messages nor their reports
    ever meet another thread's code. Where messages are at hand, it carries the lanes, too: a change of
    threads costs as much as sending a message. As soon as messages or results take their time, and always
    where they may, the lanes are carried by a thread of their own, so that a source holds up no message
    before it.

    Args:
        first: the lane whose connection is open already.
        another: makes one more lane.
        size: lanes at most.
    """

    def __init__(self, first: Lane, another: Callable[[], Lane], size: int) -> None:
        self._first = first
        self._size = size
        # Seconds that this thread was at something else than the lanes lately, less the usual.
        self._spent = 0.0
        self._backlog = Backlog(_WAITING * size)
        self._lanes = Multiplexer(first, another, size, self._backlog)
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._lanes.run,), name="aerogram-smtp", daemon=True
        )

    def deliver(self, source: Iterable[Outgoing], *, at_hand: bool = False) -> Iterator[Outgoing]:
        """Send what ``source`` yields and yield each message that has all its results, as they come.

        Args:
            source: the messages.
            at_hand: whether each will be there when it is asked for.
        """
        source = iter(source)
        if not (at_hand and (yield from self._deliver_here(source))):
            yield from self._deliver_beside(source)

    def give_up(self, error: BaseException) -> Iterator[Outgoing]:
        """Stop every lane, and yield what it was at: nothing stays without a result."""
        if self._thread.ident is None:
            self._lanes.fail(error)
            self._lanes.close()
        else:
            self._lanes.abort(error)
            yield from self._join()
        yield from self._left_over()

    def _deliver_here(self, source: Iterator[Outgoing]) -> Generator[Outgoing, None, bool]:
        """Carry the lanes in this thread; return whether all is done, or the rest had better wait beside."""
        lanes, backlog = self._lanes, self._backlog
        lanes.fed = True
        lanes.begin()
        while (item := self._next_of(source)) is not None:
            self._spent = max(self._spent - _QUICK, 0.0)
            backlog.put(item)
            lanes.assign()
            while len(backlog) >= self._size and lanes.alive:
                lanes.turn()
                yield from self._told()
            yield from self._told() if lanes.alive else self._left_over()
            if self._spent > _CREDIT:
                lanes.fed = False
                return False
        backlog.closed = True
        lanes.fed = False
        lanes.assign()
        while not lanes.over:
            lanes.turn()
            yield from self._told()
        lanes.close()
        yield from self._left_over()
        return True

    def _next_of(self, source: Iterator[Outgoing]) -> Outgoing | None:
        began = monotonic()
        item = next(source, None)
        self._was_away(monotonic() - began)
        return item

    def _told(self) -> Iterator[Outgoing]:
        """Yield the results there are, and take the time of whoever takes them in."""
        if self._lanes.results:
            began = monotonic()
            yield from self._results()
            self._was_away(monotonic() - began)

    def _was_away(self, seconds: float) -> None:
        self._spent += seconds
        if seconds > _QUICK:
            self._lanes.excuse(seconds)

    def _deliver_beside(self, source: Iterator[Outgoing]) -> Iterator[Outgoing]:
        lanes, backlog = self._lanes, self._backlog
        self._thread.start()
        for item in source:
            backlog.put(item)
            if lanes.hungry:
                lanes.wake()
            while backlog.full and self._thread.is_alive():
                backlog.wait_for_room(_POLL)
                yield from self._results()
            yield from self._results() if self._thread.is_alive() else self._left_over()
        yield from self._join()
        if lanes.error is not None:
            raise lanes.error

    def _join(self) -> Iterator[Outgoing]:
        self._backlog.closed = True
        self._lanes.wake()
        while self._thread.is_alive():
            self._thread.join(_POLL)
            yield from self._results()
        yield from self._left_over()

    def _results(self) -> Iterator[Outgoing]:
        results = self._lanes.results
        while results:
            yield results.popleft()

    def _left_over(self) -> Iterator[Outgoing]:
        """Yield the last results and, deferred, what was queued for lanes that are gone."""
        yield from self._results()
        for item in self._backlog.clear():
            yield defer(item, self._first.failure)
