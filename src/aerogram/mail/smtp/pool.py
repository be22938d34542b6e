"""One batch over several connections."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from queue import SimpleQueue
from time import sleep

from aerogram.mail.delivery.dispatch import NOTHING_YET
from aerogram.mail.smtp.driver import in_thread
from aerogram.mail.smtp.loop import Loop
from aerogram.mail.smtp.transaction import OutgoingMessage

__all__ = ["CallerPool", "Pool"]

_AHEAD = 16  # messages that may wait for each connection
_OCTETS_AHEAD = 1 << 20  # of their contents
_PATIENCE = 0.05  # seconds before a source that had nothing is asked again
_PAUSE = 0.002  # seconds without a look at the results: waking up for each costs a seventh of a message


class Pool:
    """Spreads messages over the connections of a loop, which has a thread of its own.

    The caller's thread reads the source and takes in the results, so neither the messages nor their reports
    ever meet another thread's code, and the servers are served while that code takes its time.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._under_way = 0  # messages given to the loop and not returned
        self._octets = 0
        self._is_complete = False  # no more messages are to come
        self._abortion: BaseException | None = None
        self._results: SimpleQueue[OutgoingMessage | BaseException] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def deliver(self, source: Iterable[OutgoingMessage]) -> Iterator[OutgoingMessage]:
        """Send what ``source`` yields and yield each message that has all its results, as they come."""
        self._thread = thread = in_thread(self._work)
        for message in source:
            self._under_way += 1
            self._octets += message.size
            self._loop.add(message)
            self._loop.wake()
            yield from self._take_results()
            while self._is_full:
                sleep(_PAUSE)
                yield from self._take_results()
        self._end()
        while self._under_way:
            yield from self._take_results(wait=True)
        thread.join()

    def give_up(self, error: BaseException) -> Iterator[OutgoingMessage]:
        """Break every connection, and yield what it was at: nothing stays without a result."""
        self._abortion = error
        self._end()
        if self._thread is not None:
            self._thread.join()
        while not self._results.empty():
            if isinstance(result := self._results.get(), OutgoingMessage):
                yield result
        yield from self._loop.defer_waiting()  # what was added after its thread had ended

    @property
    def _is_full(self) -> bool:
        return self._under_way >= _AHEAD * self._loop.size or (
            self._octets > _OCTETS_AHEAD and self._under_way > self._loop.size
        )

    def _end(self) -> None:
        self._is_complete = True
        self._loop.wake()

    def _take_results(self, *, wait: bool = False) -> Iterator[OutgoingMessage]:
        """Yield what the thread has handed in; with ``wait``, wait for the first of it."""
        while self._under_way and (wait or not self._results.empty()):
            wait = False
            result = self._results.get()
            if isinstance(result, BaseException):
                raise result
            self._under_way -= 1
            self._octets -= result.size
            yield result

    def _work(self) -> None:
        """Run the loop, in its thread, until there are no more messages."""
        loop = self._loop
        try:
            while self._abortion is None and (not self._is_complete or loop.is_busy):  # in this order
                loop.turn(settles=True)
                self._hand_in(loop.take_finished())
            if self._abortion is not None:
                self._hand_in(loop.abort(self._abortion))
        except BaseException as error:  # raised again in the caller's thread
            self._hand_in(loop.abort(error))
            self._results.put(error)
        finally:
            loop.close()

    def _hand_in(self, finished: Iterable[OutgoingMessage]) -> None:
        for message in finished:
            self._results.put(message)


class CallerPool:
    """The same in the caller's thread, for a source that does not wait, and results that take no time.

    It needs less processor time. While the source or the caller is at work a server waits, and that time
    counts for the messages that are under way.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def deliver(self, source: Iterable[OutgoingMessage]) -> Iterator[OutgoingMessage]:
        """Send what ``source`` yields and yield each message that has all its results, as they come."""
        loop = self._loop
        for message in source:
            if message is NOTHING_YET:
                if not loop.is_busy:
                    break
                loop.turn(settles=True, patience=_PATIENCE)
                yield from loop.take_finished()
                continue
            loop.add(message)
            loop.hand_out()
            while not loop.has_room:
                loop.turn(settles=False)
                yield from loop.take_finished()
        while loop.is_busy:
            loop.turn(settles=True)
            yield from loop.take_finished()
        loop.close()

    def give_up(self, error: BaseException) -> Iterator[OutgoingMessage]:
        """Break every connection, and yield what it was at: nothing stays without a result."""
        yield from self._loop.abort(error)
        self._loop.close()
