"""All connections of a batch in one thread: each goes on when the server it waits for has done its part."""

from __future__ import annotations

import selectors
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, Final

from aerogram.mail.delivery.dispatch import NOTHING_YET
from aerogram.mail.smtp.connection import Connection, State
from aerogram.mail.smtp.driver import NEVER, Driver, in_thread
from aerogram.mail.smtp.options import SMTPOptions
from aerogram.mail.smtp.transaction import OutgoingMessage, permitted

__all__ = ["Loop", "Stopped"]

_END: Final[Any] = object()
_GATHER = 0.001  # seconds without a further content, after which those that there are get permission together
_LONGEST_GATHER = 0.005  # seconds that a content waits for others, while connections go on writing
_ABSENCE = 10.0  # seconds before a connection that failed is replaced, while others work
_BRIEF = 0.01  # seconds of the caller's time that may count as a wait for the server
_PATIENCE = 0.05  # seconds before a source that had nothing is asked again
_IDLE, _HOLDING, _READY, _BUSY, _UNPERMITTED, _CALLING, _FAILED = State


class Stopped(Exception):
    """Another thread has called :meth:`Loop.stop`."""


class Loop:
    """Carries messages over as many connections as the options allow.

    A connection is added when a message finds all others occupied; one that fails leaves its messages to the
    rest, and is replaced later, while others work. Calls that block have threads of their own, unless there
    is but one connection. All methods but :meth:`wake` and :meth:`stop` belong to one thread.

    ``drivers`` are of open connections: those that there are, and in the end those that are left. ``ahead``
    says that the source does not wait: a content goes out together with the commands of the next message.
    A single connection is opened in the caller's thread, unless ``threads`` are asked for.
    """

    def __init__(
        self,
        drivers: list[Driver],
        connect: Callable[[], Driver],
        options: SMTPOptions,
        *,
        ahead: bool,
        threads: bool = False,
    ) -> None:
        self.drivers = drivers
        self.size: int = options.connections
        self._has_threads = threads or self.size > 1
        self.patience = _PATIENCE  # with a source that has nothing yet
        self._connect = connect
        self._options = options
        self._ahead = ahead
        self._waiting: deque[OutgoingMessage] = deque()  # for a connection
        self._connections: list[Connection] = []
        self._finished: deque[OutgoingMessage] = deque()  # those that have all their results
        self._calls = 0  # that connections have in threads of their own
        self._results_of_calls: deque[tuple[Connection, object]] = deque()
        self._most = self.size  # connections that there may be, fewer when some have failed of late
        self._failure: BaseException | None = None  # of the last connection that failed
        self._failed_at = 0.0
        self._unpermitted_since: float | None = None
        self._is_asleep = False
        self._has_news = False
        self._is_stopped = False
        self._is_over = False
        self._selector = selectors.DefaultSelector()
        self._alarm: socket.socket | None = None
        if self._has_threads:
            self._alarm, self._alarmed = socket.socketpair()
            self._alarm.setblocking(False)
            self._alarmed.setblocking(False)
            self._selector.register(self._alarmed, selectors.EVENT_READ)

    def carry(self, source: Iterable[OutgoingMessage]) -> Iterator[OutgoingMessage]:
        """Send what ``source`` yields and yield each message that has all its results, as they come.

        The time of source and caller is no wait for a server. Where the source has ``NOTHING_YET``, it is
        asked again, unless nothing is under way.
        """
        messages = iter(source)
        while (message := self._next_of(messages)) is not _END:
            if message is not NOTHING_YET:
                self._waiting.append(message)
                self._hand_out()
                while not self._has_room:
                    self._turn()
                    if self._finished:
                        yield from self._results()
            elif self.is_busy:
                self._turn(flush=True, patience=self.patience)
            else:
                break
            if self._finished:
                yield from self._results()
        while self.is_busy:
            self._turn(flush=True)
            yield from self._results()
        self._close()

    def give_up(self, error: BaseException) -> Iterator[OutgoingMessage]:
        """Break every connection, and yield what was at them: nothing stays without a result."""
        self._failure = error
        for connection in self._connections:
            connection.give_up(error)
            self._waiting.extend(connection.take_back())
        self._connections.clear()
        self._defer_waiting()
        self._close()
        yield from self._results()

    def wake(self) -> None:
        """End the wait for servers, if there is one; any thread may call it."""
        self._has_news = True
        if self._is_asleep and self._alarm is not None:
            with suppress(OSError):  # it has been woken often enough, or has ended
                self._alarm.send(b"\0")

    def stop(self) -> None:
        """End :meth:`carry`, which raises :exc:`Stopped`; any thread may call it."""
        self._is_stopped = True
        self.wake()

    @property
    def is_busy(self) -> bool:
        """True if a message has no result yet."""
        return bool(self._waiting) or any(each.state is not _IDLE for each in self._connections)

    # -- messages --

    def _next_of(self, messages: Iterator[OutgoingMessage]) -> Any:
        left = monotonic()
        message = next(messages, _END)
        self._extend_deadlines(left)
        return message

    def _results(self) -> Iterator[OutgoingMessage]:
        left = monotonic()
        while self._finished:
            yield self._finished.popleft()
        self._extend_deadlines(left)

    def _extend_deadlines(self, left: float) -> None:
        """Extend every deadline by the time that the caller has used since ``left``."""
        if (seconds := monotonic() - left) > _BRIEF:
            for connection in self._connections:
                if connection.driver is not None:
                    connection.driver.extend_deadline(seconds)

    @property
    def _has_room(self) -> bool:
        """True if the source may be asked for a message."""
        if self._ahead or not self._connections:
            return len(self._waiting) <= self._calls
        return not self._waiting and self._first(_IDLE, _READY, _HOLDING) is not None

    def _first(self, *states: State) -> Connection | None:
        """Return the first connection that is in one of the states."""
        for connection in self._connections:
            if connection.state in states:
                return connection
        return None

    def _hand_out(self) -> None:
        """Give messages to connections that may take one, and open more for those that are left."""
        if self._connections and self._most < self.size and monotonic() - self._failed_at > _ABSENCE:
            self._most = self.size
        while self._waiting:
            connection = self._first(_IDLE)
            if connection is None:
                if len(self._waiting) <= self._calls:  # connections are being opened for them
                    return
                if len(self._connections) < self._most:
                    self._add_connection()
                    continue
                if (connection := self._first(_READY, _HOLDING)) is None:
                    return
            connection.take(self._waiting.popleft())
            self._advance(connection)

    def _add_connection(self) -> None:
        driver = self.drivers.pop(0) if self.drivers else None
        connection = Connection(driver, self._connect, self._options, self._finished)
        self._connections.append(connection)
        connection.open()
        self._advance(connection)

    def _defer_waiting(self) -> None:
        """Finish the messages for which there is no connection any more."""
        while self._waiting:
            message = self._waiting.popleft()
            message.defer(self._failure)
            self._finished.append(message)

    def _turn(self, *, flush: bool = False, patience: float = NEVER) -> None:
        """Wait until something has happened, do what follows, and give messages to connections.

        ``flush``: contents that wait for the commands of the next message are written without them.
        """
        if self._is_stopped:
            raise Stopped
        if flush or self._waiting:  # for a connection that is being opened
            while (connection := self._first(_HOLDING)) is not None:
                self._advance(connection, holds=False)
                self._hand_out()  # what it has left, if it failed
        if self._finished:
            return
        if not self._connections:
            self._defer_waiting()
        elif self._unpermitted_since is not None and self._first(_BUSY, _CALLING) is None:
            self._permit()
        else:
            self._wait(patience)
        if self._waiting:
            self._hand_out()

    # -- connections --

    def _advance(
        self, connection: Connection, step: Callable[[], None] | None = None, *, holds: bool | None = None
    ) -> None:
        """Advance a connection to its next state, and act on that state."""
        holds = self._ahead if holds is None else holds
        connection.advance(step, holds=holds)
        while connection.call is not None and not self._has_threads:
            connection.advance(partial(connection.take_result, connection.call()), holds=holds)
        state = connection.state
        if (driver := connection.awaiting) is not None:
            self._watch(connection, driver)
        elif state is _CALLING or connection.driver is None:
            self._unwatch(connection)
            if connection.call is not None:
                self._calls += 1
                in_thread(partial(self._call, connection, connection.call))
        elif state is _UNPERMITTED and self._unpermitted_since is None:
            self._unpermitted_since = monotonic()
        if state is _FAILED:  # it leaves what it had to send to the others
            self._failure, self._failed_at = connection.failure, monotonic()
            self._most -= 1
            self._connections.remove(connection)
            self._waiting.extendleft(reversed(connection.take_back()))

    def _call(self, connection: Connection, call: Callable[[], object]) -> None:
        result: object
        try:
            result = call()
        except BaseException as error:  # SystemExit of a token's callable: the loop must not wait for ever
            result = error
        self._results_of_calls.append((connection, result))
        self.wake()
        if self._is_over:
            self._abandon_calls()

    def _take_results_of_calls(self) -> None:
        while self._results_of_calls:
            connection, result = self._results_of_calls.popleft()
            self._calls -= 1
            self._advance(connection, partial(connection.take_result, result))

    def _abandon_calls(self) -> None:
        """Close the connections that were opened too late; the loop or the thread that opened one does so."""
        while self._results_of_calls:
            with suppress(IndexError):
                _, result = self._results_of_calls.popleft()
                if isinstance(result, Driver):
                    result.client.close()

    def _close(self) -> None:
        """Leave the open connections in ``drivers``."""
        self._is_over = True
        self._abandon_calls()
        left = [connection.driver for connection in self._connections if connection.driver is not None]
        for driver in left:
            driver.set_blocking(True)
        self.drivers = left + self.drivers
        self._selector.close()
        if self._alarm is not None:
            self._alarm.close()
            self._alarmed.close()

    # -- waiting --

    def _watch(self, connection: Connection, driver: Driver) -> None:
        """Wait for the socket of a connection; it stays registered while that is what it waits for."""
        key = connection.key
        if key is None or key.fileobj is not driver.sock:
            self._unwatch(connection)
            connection.key = self._selector.register(driver.sock, driver.events, connection)
        elif key.events != driver.events:
            connection.key = self._selector.modify(driver.sock, driver.events, connection)

    def _unwatch(self, connection: Connection) -> None:
        if connection.key is not None:
            self._selector.unregister(connection.key.fileobj)
            connection.key = None

    def _wait(self, patience: float) -> None:
        """Wait for sockets and calls, and ask for permissions when no other content is soon to come."""
        deadline, now = NEVER, monotonic()
        for connection in self._connections:
            if (driver := connection.awaiting) is not None:
                deadline = min(deadline, driver.deadline)
                if driver.is_held:
                    driver.let_go()
        self._is_asleep = True
        asking = self._unpermitted_since is not None
        timeout = _GATHER if asking else min(max(deadline - now, 0), patience)
        if self._has_news:
            timeout = 0
        ready = self._selector.select(None if timeout == NEVER else timeout)
        self._is_asleep = self._has_news = False
        for key, _ in ready:
            if (connection := key.data) is None:
                self._alarmed.recv(4096)
            elif (driver := connection.awaiting) is not None:
                self._advance(connection, driver.proceed)
            else:  # it says something that is read later
                self._unwatch(connection)
        if self._results_of_calls:
            self._take_results_of_calls()
        if deadline < now:  # before the look at the sockets: those that are still late have nothing to read
            for connection in self._connections.copy():
                if (driver := connection.awaiting) is not None and driver.deadline < now:
                    self._advance(connection, driver.time_out)
        since = self._unpermitted_since
        if since is not None and (not ready or monotonic() - since > _LONGEST_GATHER):
            self._permit()

    def _permit(self) -> None:
        """Ask for permission to write the contents that need it."""
        self._unpermitted_since = None
        asking = [
            (connection, driver.session, message)
            for connection in self._connections
            if connection.state is _UNPERMITTED
            and (driver := connection.driver) is not None
            and (message := driver.session.unpermitted) is not None
        ]
        leaving = permitted(message for _, _, message in asking)
        for connection, session, message in asking:
            self._advance(connection, partial(session.permit, message in leaving))
