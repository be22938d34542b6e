"""One batch over several connections, with a thread of their own."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from queue import Empty, SimpleQueue
from time import sleep

from aerogram.mail.delivery.dispatch import NOTHING_YET
from aerogram.mail.smtp.driver import NEVER, in_thread
from aerogram.mail.smtp.loop import Loop, Stopped
from aerogram.mail.smtp.transaction import OutgoingMessage

__all__ = ["Pool"]

_AHEAD = 16  # messages that may wait for each connection
_OCTETS_AHEAD = 1 << 20  # of their contents
_PAUSE = 0.002  # seconds without a look at the results: waking up for each costs a seventh of a message


class Pool:
    """Runs a loop in a thread of its own.

    The caller's thread reads the source, which serialises the messages, and takes in the results. The loop
    goes on while that code takes its time.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        loop.patience = NEVER  # it is woken
        self._under_way = 0  # messages given to the loop and not returned
        self._octets = 0
        self._given: SimpleQueue[OutgoingMessage | None] = SimpleQueue()  # None: no more are to come
        self._results: SimpleQueue[OutgoingMessage | BaseException] = SimpleQueue()
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    def carry(self, source: Iterable[OutgoingMessage]) -> Iterator[OutgoingMessage]:
        """Send what ``source`` yields and yield each message that has all its results, as they come."""
        self._thread = in_thread(self._work)
        for message in source:
            self._under_way += 1
            self._octets += message.size
            self._give(message)
            yield from self._take_results()
            while self._is_full:
                sleep(_PAUSE)
                yield from self._take_results()
        self._give(None)
        while self._under_way:
            yield from self._take_results(wait=True)
        self._thread.join()

    def give_up(self, error: BaseException) -> Iterator[OutgoingMessage]:
        """Break every connection, and yield what was at it: nothing stays without a result."""
        self._error = error
        self._loop.stop()
        self._give(None)
        if self._thread is not None:
            self._thread.join()
        while not self._results.empty():
            if isinstance(result := self._results.get(), OutgoingMessage):
                yield result
        while not self._given.empty():
            if (message := self._given.get()) is not None:
                message.defer(error)
                yield message

    @property
    def _is_full(self) -> bool:
        return self._under_way >= _AHEAD * self._loop.size or (
            self._octets > _OCTETS_AHEAD and self._under_way > self._loop.size
        )

    def _give(self, message: OutgoingMessage | None) -> None:
        self._given.put(message)
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
        try:
            for message in self._loop.carry(self._source()):
                self._results.put(message)
        except BaseException as error:  # raised again in the caller's thread, unless that has stopped it
            for message in self._loop.give_up(self._error or error):
                self._results.put(message)
            if not isinstance(error, Stopped):
                self._results.put(error)

    def _source(self) -> Iterator[OutgoingMessage]:
        """Yield what the caller has given, and ``NOTHING_YET`` while messages are under way."""
        while True:
            try:
                message = self._given.get(block=not self._loop.is_busy)
            except Empty:
                message = NOTHING_YET
            if message is None:
                return
            yield message
