"""Several lanes at once: a batch spread over parallel connections."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context

from aerogram.mail.smtp.backlog import Backlog
from aerogram.mail.smtp.lane import Lane, defer, hang_up
from aerogram.mail.smtp.outgoing import Outgoing

__all__ = ["Pool"]

_POLL = 0.05  # seconds between two looks at the lanes while all of them are busy


class Pool:
    """Spreads messages over up to ``size`` lanes, each with a thread and a connection of its own.

    The caller's thread reads the source and receives the results, so neither the messages nor their reports
    ever meet another thread's code. A lane is added when a message finds all others busy; one that cannot
    connect leaves the work to the rest.

    Args:
        first: the lane whose connection is open already.
        another: makes one more lane.
        size: lanes at most, at least two.
    """

    def __init__(self, first: Lane, another: Callable[[], Lane], size: int) -> None:
        self._first = first
        self._another = another
        self._size = size
        self._lanes: list[Lane] = []
        self._threads: list[threading.Thread] = []
        self._backlog = Backlog(size)
        self._results: deque[Outgoing] = deque()
        self._errors: list[BaseException] = []

    def deliver(self, source: Iterable[Outgoing]) -> Iterator[Outgoing]:
        """Send what ``source`` yields and yield each message that has all its results, as they come."""
        self._add(self._first)
        for item in source:
            if self._backlog and len(self._lanes) < self._size:
                self._add(self._another())
            self._backlog.put(item)
            while self._backlog.full and self._alive():
                self._backlog.wait_for_room(_POLL)
                yield from self._come_in()
            yield from self._come_in()
            if not self._alive():
                yield from self._left_over()
        yield from self._join()
        if self._errors:
            raise self._errors[0]

    def abort(self, error: BaseException) -> None:
        """Break every connection at once."""
        for lane in self._lanes:
            lane.abort(error)

    def give_up(self, error: BaseException) -> Iterator[Outgoing]:
        """Stop every lane, and yield what it was at: nothing stays without a result."""
        self.abort(error)
        yield from self._left_over()
        yield from self._join()

    def _add(self, lane: Lane) -> None:
        self._lanes.append(lane)
        thread = threading.Thread(
            target=copy_context().run, args=(self._run, lane), name="aerogram-smtp", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _run(self, lane: Lane) -> None:
        """Work until the queue ends or the lane can have no connection; the body of a thread."""
        try:
            lane.open()
            for item in lane.deliver(self._queued(lane)):
                self._results.append(item)
        except BaseException as error:  # raised again in the caller's thread
            self._errors.append(error)
            for item in lane.give_up(error):
                self._results.append(item)
        finally:
            if lane is not self._first and lane.session is not None:
                hang_up(lane.session.client)

    def _queued(self, lane: Lane) -> Iterator[Outgoing | None]:
        more = True
        while more and lane.failure is None:
            item = self._backlog.take()
            yield item  # None: time to read the answers that are still to come
            if item is None:
                more = self._backlog.wait()

    def _alive(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def _come_in(self) -> Iterator[Outgoing]:
        while self._results:
            yield self._results.popleft()

    def _join(self) -> Iterator[Outgoing]:
        self._backlog.close()
        for thread in self._threads:
            while thread.is_alive():
                thread.join(_POLL)
                yield from self._come_in()
        yield from self._come_in()
        yield from self._left_over()

    def _left_over(self) -> Iterator[Outgoing]:
        """Yield, deferred, what was queued for lanes that are gone."""
        for item in self._backlog.clear():
            yield defer(item, self._first.failure)
