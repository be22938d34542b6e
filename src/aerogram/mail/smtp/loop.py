"""Several connections in one thread: each goes on when the server it waits for has done its part."""

from __future__ import annotations

import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

from aerogram.mail.smtp.connection import Connection
from aerogram.mail.smtp.driver import Driver, hang_up_all, in_thread
from aerogram.mail.smtp.steps import Call, Question, Readiness, Steps
from aerogram.mail.smtp.transaction import OutgoingMessage, permitted

__all__ = ["Loop"]

_GATHER = 0.001  # seconds in which another connection has to come to its question for all to wait for more
_LONGEST_GATHER = 0.005  # seconds that a question waits at most, while others go on writing
_ABSENCE = 10.0  # seconds before a connection that failed is replaced, while others work
_NEVER = float("inf")


@dataclass(eq=False, slots=True)
class _Task:
    """A connection, and the steps that it is at; None if it may take the next message."""

    connection: Connection
    steps: Steps | None = None
    deadline: float = _NEVER  # of the wait for its socket
    is_waiting: bool = False  # for its socket
    sock: socket.socket | None = None  # that is registered
    events: int = 0  # that it is registered for


class Loop:
    """Carries messages over up to ``size`` connections.

    A connection is added when a message finds all others occupied; one that fails leaves its messages to the
    rest, and is replaced later, while others work. Calls that block have threads of their own. All methods
    but :meth:`add` and :meth:`wake` belong to one thread.
    """

    def __init__(
        self,
        first: Connection,
        another: Callable[[], Connection],
        size: int,
        spare: list[Driver] | None = None,
    ) -> None:
        self.size: int = size
        self._first = first
        self._spare = spare
        self._finished: deque[OutgoingMessage] = deque()  # those that have all their results
        self._waiting: deque[OutgoingMessage] = deque()  # for a connection
        self._another = another
        self._made = 1  # connections, those that failed of late among them
        self._failed_at = 0.0
        self._tasks: list[_Task] = []
        self._idle: deque[_Task] = deque()
        self._ahead: deque[_Task] = deque()  # may take a message, behind a content that has no answer yet
        self._asking: dict[_Task, OutgoingMessage] = {}
        self._asking_since = 0.0
        self._calls: dict[_Task, threading.Thread] = {}
        self._called: deque[tuple[_Task, Any]] = deque()
        self._is_asleep = False
        self._has_news = False
        self._failure: BaseException | None = None  # of the last connection that failed
        self._selector = selectors.DefaultSelector()
        self._alarm, self._alarmed = socket.socketpair()
        self._alarm.setblocking(False)
        self._alarmed.setblocking(False)
        self._selector.register(self._alarmed, selectors.EVENT_READ)
        self._idle.append(self._task_of(first))

    def add(self, message: OutgoingMessage) -> None:
        """Give a message to the next connection that may take it; any thread may do so."""
        self._waiting.append(message)

    def wake(self) -> None:
        """End the wait of :meth:`turn`, if it waits; any thread may call it."""
        self._has_news = True
        if self._is_asleep:
            with suppress(OSError):  # it has been woken often enough, or has ended
                self._alarm.send(b"\0")

    def hand_out(self) -> None:
        """Give messages to connections that may take one, and open more for those that are left."""
        if self._made > len(self._tasks) > 0 and monotonic() - self._failed_at > _ABSENCE:
            self._made = len(self._tasks)
        while self._waiting:
            is_short = len(self._waiting) > len(self._calls)  # which open connections
            if free := self._idle or (is_short and self._made == self.size and self._ahead):
                task = free.popleft()
                self._begin(task, _sent(task.connection, self._waiting.popleft()))
            elif is_short and self._made < self.size:
                self._made += 1
                task = self._task_of(self._another())
                if task.connection.driver is not None:
                    self._idle.append(task)
                else:
                    self._begin(task, task.connection.open())
            else:
                break

    @property
    def has_room(self) -> bool:
        """True if no more messages wait than connections are being opened."""
        return len(self._waiting) <= len(self._calls)

    @property
    def is_busy(self) -> bool:
        """True if a message has no result yet."""
        return bool(self._waiting or len(self._idle) < len(self._tasks))

    def take_finished(self) -> Iterator[OutgoingMessage]:
        """Yield the messages that have all their results."""
        while self._finished:
            yield self._finished.popleft()

    def turn(self, *, settles: bool, patience: float = _NEVER) -> None:
        """Give messages to connections, wait until something has happened, and do what follows.

        ``settles`` says that a connection for which there is no message waits for the answers to those that
        it has sent, and writes their contents, if it has not yet. Waits end after ``patience`` seconds.
        """
        self.hand_out()
        if settles or self._waiting:  # for a connection that is being opened
            ahead, self._ahead = self._ahead, deque()
            for task in ahead:
                self._begin(task, task.connection.settle())
        if self._tasks or not self._waiting:
            self._wait(patience)
        else:
            self._finished.extend(self.defer_waiting())

    def abort(self, error: BaseException) -> Iterator[OutgoingMessage]:
        """Break every connection, and yield what was at them: nothing stays without a result."""
        for thread in self._calls.values():
            thread.join()
        for _, opened in self._called:
            if isinstance(opened, Driver):
                opened.client.close()
        for task in self._tasks:
            if task.steps is not None:
                task.steps.close()
            yield from task.connection.give_up(error)
        self._tasks.clear()
        self._failure = error
        yield from self.take_finished()
        yield from self.defer_waiting()

    def defer_waiting(self) -> Iterator[OutgoingMessage]:
        """Yield the messages for which there is no connection any more."""
        while self._waiting:
            message = self._waiting.popleft()
            message.defer(self._failure)
            yield message

    def close(self) -> None:
        """End all connections but the first: with QUIT, or by leaving them in ``spare``."""
        drivers = [task.connection.driver for task in self._tasks if task.connection is not self._first]
        left = [driver for driver in drivers if driver is not None]
        if self._spare is None:
            hang_up_all([driver.client for driver in left])
        else:
            for driver in left:
                driver.set_blocking(True)
            self._spare.extend(left)
        self._selector.close()
        self._alarm.close()
        self._alarmed.close()

    # -- messages and connections --

    def _task_of(self, connection: Connection) -> _Task:
        task = _Task(connection)
        self._tasks.append(task)
        return task

    def _begin(self, task: _Task, steps: Steps) -> None:
        task.steps = steps
        self._go_on(task, None)

    def _go_on(self, task: _Task, answer: Any) -> None:
        """Answer what a task has waited for, and note what it waits for next."""
        task.is_waiting = False
        task.deadline = _NEVER
        wanted: Readiness | Question | Call | None
        try:
            wanted = task.steps.send(answer)  # type: ignore[union-attr] # it has steps
        except StopIteration:
            task.steps = wanted = None
        connection = task.connection
        if unsent := connection.take_unsent() if wanted is None else ():  # others may have a connection
            self._waiting.extendleft(reversed(unsent))
        if wanted is None or connection.has_finished:
            self._finished.extend(connection.take_finished())
        if isinstance(wanted, Readiness):
            self._register(task, wanted)
            return
        if isinstance(wanted, Question):
            self._asking_since = self._asking_since if self._asking else monotonic()
            self._asking[task] = wanted.message
            return
        if isinstance(wanted, Call) or (task.sock is not None and task.sock.fileno() < 0):
            self._unregister(task)  # before another socket has the same number
        if isinstance(wanted, Call):
            self._calls[task] = in_thread(partial(self._call, task, wanted))
        elif connection.has_failed:
            self._failure = connection.failure
            self._failed_at = monotonic()
            self._unregister(task)
            self._tasks.remove(task)
        else:
            (self._ahead if connection.is_busy else self._idle).append(task)

    def _call(self, task: _Task, call: Call) -> None:
        answer: Any
        try:
            answer = call.function()
        except BaseException as error:  # SystemExit of a token's callable: the loop must not wait for ever
            answer = error
        self._called.append((task, answer))
        self.wake()

    # -- waiting --

    def _register(self, task: _Task, wanted: Readiness) -> None:
        """Wait for the socket of a task; it stays registered while that is what it waits for next time."""
        events = selectors.EVENT_WRITE if wanted.is_write else selectors.EVENT_READ
        if task.sock is not wanted.sock:
            self._unregister(task)
            self._selector.register(wanted.sock, events, task)
            task.sock = wanted.sock
        elif task.events != events:
            self._selector.modify(wanted.sock, events, task)
        task.events = events
        task.is_waiting = True
        task.deadline = wanted.deadline

    def _unregister(self, task: _Task) -> None:
        if task.sock is not None:
            self._selector.unregister(task.sock)
            task.sock, task.events = None, 0

    def _wait(self, patience: float) -> None:
        """Wait for sockets and calls; when nothing else is to be waited for, ask the questions."""
        if self._asking and len(self._asking) + len(self._idle) + len(self._ahead) == len(self._tasks):
            self._ask()
            return
        deadline = min((task.deadline for task in self._tasks), default=_NEVER)
        self._is_asleep = True
        now = monotonic()
        timeout = _GATHER if self._asking else min(max(deadline - now, 0), patience)
        if self._has_news:
            timeout = 0
        ready = self._selector.select(None if timeout == _NEVER else timeout)
        self._is_asleep = self._has_news = False
        for key, _ in ready:
            task = key.data
            if task is None:
                self._alarmed.recv(4096)
            elif task.is_waiting:
                self._go_on(task, True)
            else:  # it says something that is read later
                self._unregister(task)
        self._take_calls()
        self._time_out(now)
        if self._asking and (not ready or monotonic() - self._asking_since > _LONGEST_GATHER):
            self._ask()

    def _take_calls(self) -> None:
        while self._called:
            task, answer = self._called.popleft()
            del self._calls[task]
            self._go_on(task, answer)

    def _time_out(self, now: float) -> None:
        """Time out the tasks that were late before the last look at their sockets, which found nothing."""
        for task in [task for task in self._tasks if task.deadline < now]:
            self._go_on(task, False)

    def _ask(self) -> None:
        asking, self._asking = self._asking, {}
        may_leave = permitted(asking.values())
        for task, message in asking.items():
            self._go_on(task, message in may_leave)


def _sent(connection: Connection, message: OutgoingMessage) -> Steps:
    yield from connection.send(message)
    yield from connection.get_ready()  # only then may the next message depend on this server
