"""One batch over several connections, each with a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from queue import Empty, SimpleQueue
from time import sleep

from aerogram.mail.smtp.connection import Connection
from aerogram.mail.smtp.driver import hang_up
from aerogram.mail.smtp.transaction import OutgoingMessage

__all__ = ["Pool"]

_AHEAD = 16  # messages that may wait for each connection
_OCTETS_AHEAD = 1 << 20  # of their contents
_PAUSE = 0.002  # seconds without a look at the results: waking up for each costs a seventh of a message


class Pool:
    """Spreads messages over up to ``size`` connections.

    The caller's thread reads the source and takes in the results, so neither the messages nor their reports
    ever meet another thread's code. A connection is added when a message finds all others occupied; one that
    fails leaves its messages to the rest and is not replaced.

    Args:
        first: a connection that stays open when the batch is over.
        another: makes one more.
        size: connections at most.
    """

    def __init__(self, first: Connection, another: Callable[[], Connection], size: int) -> None:
        self._first = first
        self._another = another
        self._size = size
        self._connections: list[Connection] = []
        self._threads: list[threading.Thread] = []
        self._alive = 0  # threads that take messages
        self._failure: BaseException | None = None  # of the last one that ended
        self._under_way = 0  # messages given to them and not returned
        self._octets = 0
        self._messages: SimpleQueue[OutgoingMessage | None] = SimpleQueue()  # None ends a thread
        # What the threads have finished, what they failed with, and which connection takes no more.
        self._results: SimpleQueue[OutgoingMessage | BaseException | Connection] = SimpleQueue()

    def deliver(self, source: Iterable[OutgoingMessage]) -> Iterator[OutgoingMessage]:
        """Send what ``source`` yields and yield each message that has all its results, as they come."""
        for message in source:
            while self._is_full:
                sleep(_PAUSE)
                yield from self._take_results()
            self._put(message)
            yield from self._take_results()
        while self._under_way:
            yield from self._next_result()
        self._join()

    def give_up(self, error: BaseException) -> Iterator[OutgoingMessage]:
        """Break every connection, and yield what it was at: nothing stays without a result."""
        for connection in self._connections:
            connection.abort(error)
        self._join()
        while not self._results.empty():
            result = self._results.get()
            if isinstance(result, OutgoingMessage):
                yield result
        self._failure = error
        yield from self._defer_unsent()

    @property
    def _is_full(self) -> bool:
        return self._under_way >= _AHEAD * self._size or (
            self._octets > _OCTETS_AHEAD and self._under_way > self._size
        )

    def _put(self, message: OutgoingMessage) -> None:
        if self._under_way >= self._alive and len(self._connections) < self._size:
            self._add(self._another() if self._connections else self._first)
        self._under_way += 1
        self._octets += message.size
        self._messages.put(message)

    def _add(self, connection: Connection) -> None:
        thread = threading.Thread(
            target=copy_context().run, args=(self._work, connection), name="aerogram-smtp", daemon=True
        )
        self._connections.append(connection)
        self._threads.append(thread)
        self._alive += 1
        thread.start()

    def _take_results(self) -> Iterator[OutgoingMessage]:
        while not self._results.empty() or (self._under_way and self._alive == 0):
            yield from self._next_result()

    def _next_result(self) -> Iterator[OutgoingMessage]:
        """Wait until a thread hands something in."""
        if self._alive == 0:
            yield from self._defer_unsent()
            return
        result = self._results.get()
        if isinstance(result, OutgoingMessage):
            yield self._returned(result)
        elif isinstance(result, Connection):
            self._alive -= 1
            self._failure = result.failure
        else:
            raise result

    def _defer_unsent(self) -> Iterator[OutgoingMessage]:
        """Yield, deferred, what waits for connections that are gone."""
        while not self._messages.empty():
            message = self._messages.get()
            if message is not None:
                message.defer(self._failure)
                yield self._returned(message)

    def _returned(self, message: OutgoingMessage) -> OutgoingMessage:
        self._under_way -= 1
        self._octets -= message.size
        return message

    def _join(self) -> None:
        for _ in self._threads:
            self._messages.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self, connection: Connection) -> None:
        """Carry messages over one connection, in its thread, until there are no more or it has failed."""
        try:
            while not connection.has_failed:
                try:
                    message = self._messages.get(block=not connection.is_busy)
                except Empty:
                    connection.settle()
                else:
                    if message is None:
                        break
                    connection.send(message)
                self._hand_in(connection.take_finished())
            for unsent in connection.take_unsent():
                self._messages.put(unsent)
            if connection.failure is not None:
                self._hand_in(connection.give_up(connection.failure))
        except BaseException as error:  # raised again in the caller's thread
            self._hand_in(connection.give_up(error))
            self._results.put(error)
        self._results.put(connection)
        if connection is not self._first and connection.driver is not None:
            hang_up(connection.driver.client)

    def _hand_in(self, finished: Iterable[OutgoingMessage]) -> None:
        for message in finished:
            self._results.put(message)
