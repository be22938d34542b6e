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
    fails leaves its messages to the rest and is not replaced. ``first`` stays open when the batch is over.
    """

    def __init__(self, first: Connection, another: Callable[[], Connection], size: int) -> None:
        self._first = first
        self._another = another
        self._size = size
        self._threads: dict[Connection, threading.Thread] = {}
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
            if self._under_way >= self._alive and len(self._threads) < self._size:
                self._start(self._another() if self._threads else self._first)
            self._under_way += 1
            self._octets += message.size
            self._messages.put(message)
            yield from self._take_results()
        while self._under_way:
            yield from self._take_results(wait=True)
        self._join()

    def give_up(self, error: BaseException) -> Iterator[OutgoingMessage]:
        """Break every connection, and yield what it was at: nothing stays without a result."""
        for connection in self._threads:
            connection.abort(error)
        self._join()
        while not (self._results.empty() and self._messages.empty()):
            result = self._messages.get() if self._results.empty() else self._results.get()
            if isinstance(result, OutgoingMessage):
                if not result.is_done:
                    result.defer(error)
                yield result

    @property
    def _is_full(self) -> bool:
        return self._under_way >= _AHEAD * self._size or (
            self._octets > _OCTETS_AHEAD and self._under_way > self._size
        )

    def _start(self, connection: Connection) -> None:
        thread = threading.Thread(
            target=copy_context().run, args=(self._work, connection), name="aerogram-smtp", daemon=True
        )
        self._threads[connection] = thread
        self._alive += 1
        thread.start()

    def _take_results(self, *, wait: bool = False) -> Iterator[OutgoingMessage]:
        """Yield what the threads have handed in; with ``wait``, wait for the first of it."""
        while self._under_way and (wait or self._alive == 0 or not self._results.empty()):
            wait = False
            result = self._results.get() if self._alive else self._messages.get()
            if isinstance(result, BaseException):
                raise result
            if isinstance(result, Connection):
                self._alive -= 1
                self._failure = result.failure
            elif result is not None:
                if not result.is_done:  # it waited for connections that are gone
                    result.defer(self._failure)
                self._under_way -= 1
                self._octets -= result.size
                yield result

    def _join(self) -> None:
        for _ in self._threads:
            self._messages.put(None)
        for thread in self._threads.values():
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
                    connection.get_ready()  # only then may the next message depend on this server
                for unsent in connection.take_unsent():  # others may have a connection
                    self._messages.put(unsent)
                self._hand_in(connection.take_finished())
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
