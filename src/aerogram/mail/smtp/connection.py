"""Messages one after another over one connection, which is renewed when it is used up, stale or broken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from time import monotonic

from aerogram.mail.delivery.cancellation import shut_down
from aerogram.mail.delivery.report import RecipientResult
from aerogram.mail.smtp.driver import Driver, hang_up
from aerogram.mail.smtp.replies import clean_text
from aerogram.mail.smtp.session import ResetRefused
from aerogram.mail.smtp.transaction import OutgoingMessage

__all__ = ["Connection"]

_FRUITLESS = 10  # connections in a row that broke before any content was answered: the server is not well


class Connection:
    """Carries messages to one server, over one open connection at a time.

    A message that was interrupted before the end of its content is sent again once, over a new connection.
    When none can be had, it and all that follow are deferred, or left to other connections.

    Attributes:
        driver: drives the open connection; ``None`` where there is none.
        failure: why there is none and none will be opened.

    Args:
        connect: opens a connection, or raises ``OSError``.
        driver: of a connection that is open already.
        max_messages: transactions over one connection, at most.
        max_idle: seconds after which a connection is not trusted any more.
    """

    def __init__(
        self,
        connect: Callable[[], Driver],
        driver: Driver | None = None,
        *,
        max_messages: int = 100,
        max_idle: float = 9.0,
    ) -> None:
        self.driver = driver
        self.failure: BaseException | None = None
        self._finished: deque[OutgoingMessage] = deque()
        self._connect = connect
        self._max_messages = max_messages
        self._max_idle = max_idle
        self._queue: deque[OutgoingMessage] = deque()  # those that wait for a transaction
        self._fruitless = 0

    def deliver(self, source: Iterable[OutgoingMessage]) -> Iterator[OutgoingMessage]:
        """Send what ``source`` yields and yield each message that has all its results."""
        for message in source:
            self.send(message)
            self._defer_unsent()
            yield from self.take_finished()
        self.settle()
        self._defer_unsent()
        yield from self.take_finished()

    def send(self, message: OutgoingMessage) -> None:
        """Run transactions until neither ``message`` nor one that came back waits for another.

        The answer to the last content may still be awaited. Without a connection, what waits stays here: see
        :meth:`take_unsent`.
        """
        self._queue.append(message)
        while self._queue and self._has_driver_for(self._queue[0]):
            self._transact(self._queue.popleft())

    def settle(self) -> None:
        """Read every answer that is still to come, and send again what has to be."""
        while self.is_busy:
            self._run(Driver.settle)
            if self._queue:
                self.send(self._queue.popleft())

    @property
    def is_busy(self) -> bool:
        """True if the answer to some content is still awaited."""
        return self.driver is not None and self.driver.session.is_waiting

    @property
    def has_failed(self) -> bool:
        """True if there is no connection and none will be opened."""
        return self.driver is None and self.failure is not None

    def take_finished(self) -> Iterator[OutgoingMessage]:
        """Yield the messages of which every recipient has a result."""
        while self._finished:
            yield self._finished.popleft()

    def take_unsent(self) -> list[OutgoingMessage]:
        """Hand over what cannot be sent here any more."""
        # Once each: a message of several transactions may have been returned by more than one of them.
        unsent = [message for message in dict.fromkeys(self._queue) if message.waiting]
        self._queue.clear()
        return unsent

    def abort(self, error: BaseException) -> None:
        """Break the connection at once, from any thread; nothing is sent again."""
        self.failure = error
        driver = self.driver
        if driver is not None:
            shut_down(driver.client)

    def give_up(self, error: BaseException) -> Iterator[OutgoingMessage]:
        """Close the connection after ``error``; yield what was under way, each with its results."""
        self.failure = error
        if self.driver is not None:
            self._lose(error)
        self._defer_unsent()
        yield from self.take_finished()

    def _defer_unsent(self) -> None:
        if self.has_failed:
            for message in self.take_unsent():
                message.defer(self.failure)
                self._finished.append(message)

    def _has_driver_for(self, message: OutgoingMessage) -> bool:
        """Return whether there is an open connection for ``message``, after making one where needed."""
        if self.driver is not None and self._is_used_up(self.driver, message):
            self._run(Driver.settle)
            if self.driver is not None:
                used_up, self.driver = self.driver, None
                hang_up(used_up.client)
        if self.driver is None and self.failure is None:
            self._open()
        return self.driver is not None

    def _is_used_up(self, driver: Driver, message: OutgoingMessage) -> bool:
        capabilities = driver.session.capabilities
        most = min(self._max_messages, capabilities.max_messages or self._max_messages)
        return (
            driver.session.transactions >= most
            or monotonic() - driver.last_used > self._max_idle
            or capabilities.is_exhausted(message.waiting)
        )

    def _open(self) -> None:
        try:
            driver = self._connect()
        except Exception as error:  # of a token's callable, too
            self.failure = error
            return
        if self.failure is None:
            self.driver = driver
        else:  # aborted meanwhile
            driver.client.close()

    def _transact(self, message: OutgoingMessage) -> None:
        if not message.waiting:
            return
        try:
            self._run(lambda driver: driver.send(message))
        except ValueError as error:  # a command that must not be sent
            message.settle_waiting(RecipientResult("refused", text=clean_text(str(error))))
            self._finished.append(message)

    def _run(self, action: Callable[[Driver], None]) -> None:
        if (driver := self.driver) is not None:
            try:
                action(driver)
            except OSError as error:
                self._lose(error)
            self._collect(driver)

    def _collect(self, driver: Driver) -> None:
        session = driver.session
        self._finished.extend(session.finished)
        self._queue.extend(session.returned)
        session.finished.clear()
        session.returned.clear()

    def _lose(self, error: BaseException) -> None:
        """Decide what becomes of the messages that were under way when the connection broke."""
        driver, self.driver = self.driver, None
        if driver is None:
            return
        interrupted = driver.end(error, is_aborted=self.failure is not None)
        self._collect(driver)
        if isinstance(error, ResetRefused) or driver.session.lost_followers:  # not the next message's fault
            self._queue.extend(dict.fromkeys(interrupted))
            return
        self._fruitless = 0 if driver.session.answered else self._fruitless + 1
        if self._fruitless >= _FRUITLESS and self.failure is None:
            self.failure = error
        for message in dict.fromkeys(interrupted):
            if message.interrupted or message.time_left <= 0:
                message.defer(error)
            message.interrupted = True
            (self._finished if message.is_done else self._queue).append(message)
