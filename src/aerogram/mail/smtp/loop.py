"""All connections of a batch in one thread: each goes on when the server it waits for has done its part."""

from __future__ import annotations

import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, Final

from aerogram.mail.delivery.dispatch import NOTHING_YET
from aerogram.mail.smtp.connection import Connection
from aerogram.mail.smtp.driver import NEVER, Driver, in_thread
from aerogram.mail.smtp.options import SMTPOptions
from aerogram.mail.smtp.transaction import OutgoingMessage, permitted

__all__ = ["Loop", "Stopped"]

_END: Final[Any] = object()
_GATHER = 0.001  # seconds without a further question, after which those that there are get one answer
_LONGEST_GATHER = 0.005  # seconds that a question waits at most, while others go on writing
_ABSENCE = 10.0  # seconds before a connection that failed is replaced, while others work
_BRIEF = 0.01  # seconds of the caller's time that may count as a wait for the server
_PATIENCE = 0.05  # seconds before a source that had nothing is asked again


class Stopped(Exception):
    """Another thread has called :meth:`Loop.stop`."""


class Loop:
    """Carries messages over as many connections as the options allow.

    A connection is added when a message finds all others occupied; one that fails leaves its messages to the
    rest, and is replaced later, while others work. Calls that block have threads of their own, unless there
    is but one connection. All methods but :meth:`wake` and :meth:`stop` belong to one thread.

    ``drivers`` are of open connections: those that there are, and in the end those that are left. ``ahead``
    says that the source does not wait: a content goes out together with the commands of the next message.
    """

    def __init__(
        self, drivers: list[Driver], connect: Callable[[], Driver], options: SMTPOptions, *, ahead: bool
    ) -> None:
        self.drivers = drivers
        self.size: int = options.connections
        self.patience = _PATIENCE  # with a source that has nothing yet
        self._connect = connect
        self._options = options
        self._ahead = ahead
        self._waiting: deque[OutgoingMessage] = deque()  # for a connection
        self._finished: deque[OutgoingMessage] = deque()  # those that have all their results
        self._connections: list[Connection] = []
        self._idle: dict[Connection, None] = {}
        self._behind: dict[Connection, None] = {}  # may take a message, behind a content without an answer
        self._asking: dict[Connection, OutgoingMessage] = {}  # with the message of their question
        self._asking_since = 0.0
        self._made = 0  # connections, those that failed of late among them
        self._failed_at = 0.0
        self._failure: BaseException | None = None  # of the last connection that failed
        self._calls: dict[Connection, threading.Thread] = {}
        self._called: deque[tuple[Connection, object]] = deque()
        self._registered: dict[Connection, tuple[socket.socket, int]] = {}
        self._is_asleep = False
        self._has_news = False
        self._is_stopped = False
        self._is_over = False
        self._selector = selectors.DefaultSelector()
        self._alarm: socket.socket | None = None
        if self.size > 1:
            self._alarm, self._alarmed = socket.socketpair()
            self._alarm.setblocking(False)
            self._alarmed.setblocking(False)
            self._selector.register(self._alarmed, selectors.EVENT_READ)

    def deliver(self, source: Iterable[OutgoingMessage]) -> Iterator[OutgoingMessage]:
        """Send what ``source`` yields and yield each message that has all its results, as they come.

        The time that source and caller take is no wait for a server. Where the source has ``NOTHING_YET``,
        it is asked again, unless nothing is under way.
        """
        messages = iter(source)
        while (message := self._next_of(messages)) is not _END:
            if message is not NOTHING_YET:
                self._waiting.append(message)
                self._hand_out()
                while not self._has_room:
                    self._turn(flush=False)
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
        """End :meth:`deliver`, which raises :exc:`Stopped`; any thread may call it."""
        self._is_stopped = True
        self.wake()

    @property
    def is_busy(self) -> bool:
        """True if a message has no result yet."""
        return bool(self._waiting or len(self._idle) < len(self._connections))

    # -- messages --

    def _next_of(self, messages: Iterator[OutgoingMessage]) -> Any:
        left = monotonic()
        message = next(messages, _END)
        self._extend_deadlines(monotonic() - left)
        return message

    def _results(self) -> Iterator[OutgoingMessage]:
        left = monotonic()
        while self._finished:
            yield self._finished.popleft()
        self._extend_deadlines(monotonic() - left)

    def _extend_deadlines(self, seconds: float) -> None:
        """Extend every deadline by the time that the caller has used."""
        for connection in self._connections if seconds > _BRIEF else ():
            if connection.driver is not None:
                connection.driver.extend_deadline(seconds)

    @property
    def _has_room(self) -> bool:
        """True if the source may be asked for a message."""
        if self._ahead or not self._connections:
            return len(self._waiting) <= len(self._calls)
        return not self._waiting and bool(self._idle or self._behind)

    def _hand_out(self) -> None:
        """Give messages to connections that may take one, and open more for those that are left."""
        if self._made > len(self._connections) > 0 and monotonic() - self._failed_at > _ABSENCE:
            self._made = len(self._connections)
        while self._waiting:
            is_short = len(self._waiting) > len(self._calls)  # which open connections
            if free := self._idle or (is_short and self._made >= self.size and self._behind):
                connection = next(iter(free))
                connection.take(self._waiting.popleft())
                self._advance(connection)
            elif is_short and self._made < self.size:
                self._made += 1
                driver = self.drivers.pop(0) if self.drivers else None
                connection = Connection(driver, self._connect, self._options, self._finished)
                self._connections.append(connection)
                connection.open()
                self._advance(connection)
            else:
                break

    def _defer_waiting(self) -> None:
        """Finish the messages for which there is no connection any more."""
        while self._waiting:
            message = self._waiting.popleft()
            message.defer(self._failure)
            self._finished.append(message)

    def _turn(self, *, flush: bool, patience: float = NEVER) -> None:
        """Give messages to connections, wait until something has happened, and do what follows.

        ``flush``: contents that wait for the commands of the next message are written without them.
        """
        if self._is_stopped:
            raise Stopped
        if self._waiting:
            self._hand_out()
        if flush or self._waiting:  # for a connection that is being opened
            for connection in [each for each in self._behind if each.driver and not each.driver.events]:
                self._advance(connection, holds=False)
        if self._finished or (self._has_room and not flush):
            return
        if self._asking and len(self._asking) + len(self._idle) + len(self._behind) == len(self._connections):
            self._ask()
        elif self._connections:
            self._wait(patience)
        else:
            self._defer_waiting()

    # -- connections --

    def _advance(
        self, connection: Connection, step: Callable[[], None] | None = None, *, holds: bool | None = None
    ) -> None:
        """Take the next steps of a connection, and note what it waits for then."""
        self._idle.pop(connection, None)
        self._behind.pop(connection, None)
        connection.advance(step, holds=self._ahead if holds is None else holds)
        while connection.call is not None and self.size == 1:
            connection.take_result(connection.call())
            connection.advance(holds=self._ahead)
        if connection.failure is not None:
            self._remove(connection)
            return
        driver = connection.driver
        if driver is None or connection.call is not None:
            self._unregister(connection)
        elif driver.session.question is not None:
            self._asking_since = self._asking_since if self._asking else monotonic()
            self._asking[connection] = driver.session.question
        elif driver.events:
            self._register(connection, driver)
        if connection.call is not None:
            self._calls[connection] = in_thread(partial(self._call, connection, connection.call))
        elif connection.is_free:
            (self._behind if connection.is_busy else self._idle)[connection] = None

    def _remove(self, connection: Connection) -> None:
        """Leave what a connection that failed had to send to the others."""
        self._failure, self._failed_at = connection.failure, monotonic()
        self._unregister(connection)
        self._connections.remove(connection)
        self._waiting.extendleft(reversed(connection.take_back()))

    def _call(self, connection: Connection, call: Callable[[], object]) -> None:
        result: object
        try:
            result = call()
        except BaseException as error:  # SystemExit of a token's callable: the loop must not wait for ever
            result = error
        self._called.append((connection, result))
        self.wake()
        if self._is_over:
            self._abandon_called()

    def _take_called(self) -> None:
        while self._called:
            connection, result = self._called.popleft()
            del self._calls[connection]
            connection.take_result(result)
            self._advance(connection)

    def _abandon_called(self) -> None:
        """Close the connections that were opened too late; the loop or the thread that opened one does so."""
        while self._called:
            with suppress(IndexError):
                _, result = self._called.popleft()
                if isinstance(result, Driver):
                    result.client.close()

    def _close(self) -> None:
        """Leave the open connections in ``drivers``."""
        self._is_over = True
        self._abandon_called()
        left = [connection.driver for connection in self._connections if connection.driver is not None]
        for driver in left:
            driver.set_blocking(True)
        self.drivers = left + self.drivers
        self._selector.close()
        if self._alarm is not None:
            self._alarm.close()
            self._alarmed.close()

    # -- waiting --

    def _register(self, connection: Connection, driver: Driver) -> None:
        """Wait for the socket of a connection; it stays registered while that is what it waits for."""
        sock, events = self._registered.get(connection, (None, 0))
        if sock is not driver.client.sock:
            self._unregister(connection)
            sock = driver.client.sock
            self._selector.register(sock, driver.events, connection)  # type: ignore[arg-type] # it is open
        elif events != driver.events:
            self._selector.modify(sock, driver.events, connection)  # type: ignore[arg-type] # it is open
        else:
            return
        self._registered[connection] = sock, driver.events  # type: ignore[assignment] # it is open

    def _unregister(self, connection: Connection) -> None:
        if connection in self._registered:
            sock, _ = self._registered.pop(connection)
            self._selector.unregister(sock)

    def _wait(self, patience: float) -> None:
        """Wait for sockets and calls, and ask the questions when no other is soon to come."""
        deadline, now = NEVER, monotonic()
        for connection in self._connections:
            if (driver := connection.driver) is not None:
                deadline = min(deadline, driver.deadline)
                if driver.is_held:
                    driver.let_go()
        self._is_asleep = True
        timeout = _GATHER if self._asking else min(max(deadline - now, 0), patience)
        if self._has_news or self._called:
            timeout = 0
        ready = self._selector.select(None if timeout == NEVER else timeout)
        self._is_asleep = self._has_news = False
        for key, _ in ready:
            if (connection := key.data) is None:
                self._alarmed.recv(4096)
            elif connection.driver is not None and connection.driver.events:
                self._advance(connection, connection.driver.proceed)
            else:  # it says something that is read later
                self._unregister(connection)
        self._take_called()
        # Late before the look at the sockets, which found nothing.
        for connection in self._connections.copy():
            if connection.driver is not None and connection.driver.deadline < now:
                self._advance(connection, connection.driver.time_out)
        if self._asking and (not ready or monotonic() - self._asking_since > _LONGEST_GATHER):
            self._ask()

    def _ask(self) -> None:
        asking, self._asking = self._asking, {}
        may_leave = permitted(asking.values())
        for connection, message in asking.items():
            if (driver := connection.driver) is not None:
                self._advance(connection, partial(driver.session.answer, message in may_leave))
