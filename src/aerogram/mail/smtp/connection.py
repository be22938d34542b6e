"""Messages one after another over one connection, which is renewed when it is used up, stale or broken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from time import monotonic

from aerogram.mail.smtp.driver import Driver, hang_up
from aerogram.mail.smtp.options import SMTPOptions
from aerogram.mail.smtp.steps import Call, Steps, run
from aerogram.mail.smtp.transaction import OutgoingMessage

__all__ = ["Connection"]

_FRUITLESS = 10  # connections in a row that broke before any content was answered: the server is not well


class Connection:
    """Carries messages to one server, over one open connection at a time.

    A message that was interrupted before the end of its content is sent again once, over a new connection.
    When none can be had, it and all that follow are deferred, or left to other connections.
    """

    def __init__(self, connect: Callable[[], Driver], driver: Driver | None, options: SMTPOptions) -> None:
        self.sends_ahead: bool = True  # whether a content goes out together with the next message's commands
        self.driver: Driver | None = None  # of the open connection
        self.failure: BaseException | None = None  # why there is none and none will be opened
        self._finished: deque[OutgoingMessage] = deque()
        self._connect = connect
        self._options = options
        self._queue: deque[OutgoingMessage] = deque()  # those that wait for a transaction
        self._fruitless = 0
        if driver is not None:
            self._adopt(driver)

    def deliver(self, source: Iterable[OutgoingMessage]) -> Iterator[OutgoingMessage]:
        """Send what ``source`` yields and yield each message that has all its results."""
        for message in source:
            run(self.send(message))
            yield from self.take_finished()
        run(self.settle())
        yield from self.take_finished()

    def send(self, message: OutgoingMessage) -> Steps:
        """Run transactions until no message waits for another, or there is no connection."""
        self._queue.append(message)
        yield from self._send_queued()

    def get_ready(self) -> Steps:
        """Wait until the next message may begin, when nothing of those before waits for a transaction."""
        while not self._is_ready or (self._queue and not self.has_failed):
            yield from self._run(Driver.get_ready)
            yield from self._send_queued()

    def settle(self) -> Steps:
        """Read every answer that is still to come, and send again what has to be."""
        while self.is_busy:
            yield from self._run(Driver.settle)
            yield from self._send_queued()

    @property
    def is_busy(self) -> bool:
        """True if the answer to some content is still awaited."""
        return self.driver is not None and self.driver.session.is_waiting

    @property
    def _is_ready(self) -> bool:
        return self.driver is None or self.driver.session.is_ready

    @property
    def has_failed(self) -> bool:
        """True if there is no connection and none will be opened."""
        return self.driver is None and self.failure is not None

    @property
    def has_finished(self) -> bool:
        """True if :meth:`take_finished` has something to yield."""
        return bool(self._finished)

    def take_unsent(self) -> list[OutgoingMessage]:
        """Hand over what cannot be sent here any more."""
        # Once each: a message of several transactions may have been returned by more than one of them.
        unsent = [message for message in dict.fromkeys(self._queue) if message.waiting]
        self._queue.clear()
        return unsent

    def take_finished(self) -> Iterator[OutgoingMessage]:
        """Yield the messages that have all their results, which without a connection are all messages."""
        if self.has_failed:
            for message in self.take_unsent():
                message.defer(self.failure)
                self._finished.append(message)
        while self._finished:
            yield self._finished.popleft()

    def give_up(self, error: BaseException) -> Iterator[OutgoingMessage]:
        """Close the connection after ``error``; yield what was under way, each with its results."""
        self.failure = error
        if self.driver is not None:
            self._lose(self.driver, error)
        return self.take_finished()

    def _send_queued(self) -> Steps:
        while self._queue:
            if not self._is_ready:
                yield from self._run(Driver.get_ready)  # what is left of a message before goes in front
            if not (yield from self._has_driver_for(self._queue[0])):
                break
            following = self._queue.popleft()
            if following.waiting:
                yield from self._run(partial(Driver.send, message=following, ahead=self.sends_ahead))

    def _has_driver_for(self, message: OutgoingMessage) -> Steps:
        """Return whether there is an open connection for ``message``, after making one where needed."""
        if self.driver is not None and self._is_used_up(self.driver, message):
            yield from self._run(Driver.settle)
            if self.driver is not None:
                used_up, self.driver = self.driver, None
                yield Call(partial(hang_up, used_up.client))
        if self.driver is None and self.failure is None:
            yield from self.open()
        return self.driver is not None

    def _is_used_up(self, driver: Driver, message: OutgoingMessage) -> bool:
        capabilities = driver.session.capabilities
        return (
            driver.session.transactions
            >= min(self._options.max_messages, capabilities.max_messages or 1 << 30)
            or monotonic() - driver.last_used > self._options.max_idle
            or capabilities.is_exhausted(message.waiting)
        )

    def open(self) -> Steps:
        """Make a connection to the server, or note why there is none."""
        opened = yield Call(self._connected)
        if not isinstance(opened, Driver):
            self.failure = self.failure or opened
        elif self.failure is None:
            self._adopt(opened)
        else:  # aborted meanwhile
            opened.client.close()

    def _connected(self) -> Driver | Exception:
        try:
            return self._connect()
        except Exception as error:  # of a token's callable, too
            return error

    def _run(self, step: Callable[[Driver], Steps]) -> Steps:
        if (driver := self.driver) is not None:
            try:
                yield from step(driver)
            except OSError as error:
                self._lose(driver, error)

    def _adopt(self, driver: Driver) -> None:
        self.driver = driver
        driver.set_blocking(False)
        driver.session.finished, driver.session.returned = self._finished, self._queue

    def _lose(self, driver: Driver, error: BaseException) -> None:
        """Decide what becomes of the messages that were under way when the connection broke."""
        self.driver = None
        interrupted = dict.fromkeys(driver.end(error, is_ours=self.failure is not None))
        if driver.session.is_to_blame:
            self._queue.extendleft(reversed(interrupted))
            return
        self._fruitless = 0 if driver.session.answered else self._fruitless + 1
        if self._fruitless >= _FRUITLESS and self.failure is None:
            self.failure = error
        for message in reversed(interrupted):
            if message.interrupted or message.time_left <= 0:
                message.defer(error)
            message.interrupted = True
            if message.is_done:
                self._finished.append(message)
            else:
                self._queue.appendleft(message)
