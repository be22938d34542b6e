"""Messages one after another over one connection, which is renewed when it is used up, stale or broken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from time import monotonic

from aerogram.mail.smtp.driver import Driver, hang_up
from aerogram.mail.smtp.options import SMTPOptions
from aerogram.mail.smtp.transaction import OutgoingMessage

__all__ = ["Connection"]

_FRUITLESS = 10  # connections in a row that broke before any content was answered; no other is opened then


class Connection:
    """Carries messages to one server, over one open connection at a time.

    A message that was interrupted before the end of its content is sent again once, over a new connection.
    When none can be had, it and those behind it are left to other connections. ``finished`` takes the
    messages that have all their results.
    """

    def __init__(
        self,
        driver: Driver | None,
        connect: Callable[[], Driver],
        options: SMTPOptions,
        finished: deque[OutgoingMessage],
    ) -> None:
        self.driver: Driver | None = None  # of the open connection
        self.failure: BaseException | None = None  # why there is none and none will be opened
        self.call: Callable[[], object] | None = None  # blocks; its result is for take_result()
        self._connect = connect
        self._options = options
        self._finished = finished
        self._queue: deque[OutgoingMessage] = deque()  # those that wait for a transaction
        self._fruitless = 0
        if driver is not None:
            self._adopt(driver)

    @property
    def is_free(self) -> bool:
        """True if it may take a message; the answers to others may still be awaited."""
        if self._queue or self.call is not None or self.failure is not None:
            return False
        return self.driver is None or (self.driver.session.is_ready and not self.driver.is_writing)

    @property
    def is_busy(self) -> bool:
        """True if the answer to some content is awaited, or a content waits to be written."""
        return self.driver is not None and self.driver.session.is_waiting

    def take(self, message: OutgoingMessage) -> None:
        """Take a message, which :meth:`advance` begins to send."""
        self._queue.append(message)

    def open(self) -> None:
        """Open the connection before there is a message."""
        if self.driver is None:
            self.call = self._opened

    def _opened(self) -> Driver | Exception:
        try:
            return self._connect()
        except Exception as error:  # of a token's callable, too
            return error

    def take_result(self, result: object) -> None:
        """Take what :attr:`call` returned, or raised."""
        self.call = None
        if isinstance(result, Driver):
            self._adopt(result)
        elif isinstance(result, BaseException):
            self.failure = result

    def advance(self, step: Callable[[], None] | None = None, *, holds: bool = False) -> None:
        """Call ``step``, then do all that needs no wait; the attributes say what is waited for after that.

        ``holds``: a content is not written before the commands of the next message, which will come soon.
        """
        while True:
            try:
                if step is not None:
                    step()
                self._go_on(holds)
            except OSError as error:
                self._lose(error)
                step = None
            else:
                return

    def _go_on(self, holds: bool) -> None:
        while (driver := self.driver) is not None:
            session = driver.session
            if driver.is_writing or session.question is not None:
                break
            following = self._queue[0] if self._queue and session.is_ready else None
            is_used_up = following is not None and self._is_used_up(driver, following)
            if following is not None and not is_used_up:
                self._queue.popleft()
                if following.waiting:
                    session.begin(following)
            if session.output and not (holds and not self._queue and driver.may_hold()):
                driver.write()
            elif is_used_up and not session.is_waiting:
                self.driver, self.call = None, partial(hang_up, driver.client)
            elif following is None or is_used_up:
                break
        if self.driver is not None:
            self.driver.wait()
        elif self._queue and self.call is None and self.failure is None:
            self.call = self._opened

    def _is_used_up(self, driver: Driver, message: OutgoingMessage) -> bool:
        capabilities = driver.session.capabilities
        return (
            driver.session.transactions
            >= min(self._options.max_messages, capabilities.max_messages or 1 << 30)
            or monotonic() - driver.last_used > self._options.max_idle
            or capabilities.is_exhausted(message.waiting)
        )

    def _adopt(self, driver: Driver) -> None:
        self.driver = driver
        driver.set_blocking(False)
        driver.session.finished, driver.session.returned = self._finished, self._queue

    def _lose(self, error: BaseException) -> None:
        """Decide what becomes of the messages that were under way when the connection broke."""
        driver, self.driver = self.driver, None
        if driver is None:
            return
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

    def give_up(self, error: BaseException) -> None:
        """Close the connection after ``error``: what was under way is finished, or left to be taken back."""
        self.failure = error
        self._lose(error)

    def take_back(self) -> list[OutgoingMessage]:
        """Return what cannot be sent here any more."""
        # Once each: a message of several transactions may have been returned by more than one of them.
        unsent = [message for message in dict.fromkeys(self._queue) if message.waiting]
        self._queue.clear()
        return unsent
