"""Messages one after another over one connection, which is renewed when it is used up, stale or broken.

:attr:`Connection.state` says what the connection waits for. Whoever brings that calls
:meth:`Connection.advance`, which does everything that needs no wait and sets the next state:

=========== ================================================== =======================================
``State``   the connection                                     goes on with
=========== ================================================== =======================================
IDLE        has nothing to do; it may not be open              a message
HOLDING     holds a content for the commands behind it         the next message, or ``holds=False``
READY       awaits the answer to a content, not to a command   the next message, or ``Driver.proceed``
BUSY        awaits replies, or room in the socket              ``Driver.proceed``
UNPERMITTED must not write a content before it is permitted    ``Session.permit``
CALLING     needs ``call``, which blocks, to be made           :meth:`Connection.take_result`
FAILED      is closed for good                                 nothing
=========== ================================================== =======================================
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from selectors import SelectorKey
from time import monotonic

from aerogram.mail.smtp.driver import Driver, Farewell, hang_up
from aerogram.mail.smtp.options import SMTPOptions
from aerogram.mail.smtp.transaction import OutgoingMessage

__all__ = ["Connection", "State"]

_FRUITLESS = 10  # connections in a row that broke before any content was answered; no other is opened then


class State(Enum):
    """What a connection waits for; the table at the top of this module explains each."""

    IDLE = auto()
    HOLDING = auto()
    READY = auto()
    BUSY = auto()
    UNPERMITTED = auto()
    CALLING = auto()
    FAILED = auto()


_IDLE, _HOLDING, _READY, _BUSY, _UNPERMITTED, _CALLING, _FAILED = State


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
        self.state = _IDLE
        self.driver: Driver | None = None  # of the open connection
        self.awaiting: Driver | None = None  # the same where the state is BUSY or READY
        self.failure: BaseException | None = None  # why there is none and none will be opened
        self.call: Callable[[], object] | None = None
        self.key: SelectorKey | None = None  # of the socket that the owner waits for
        self._connect = connect
        self._options = options
        self._finished = finished
        self._queue: deque[OutgoingMessage] = deque()  # those that wait for a transaction
        self._fruitless = 0
        if driver is not None:
            self._adopt(driver)

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
        elif isinstance(result, Farewell):
            self._end(result)
        elif isinstance(result, BaseException):
            self.failure = result

    def advance(self, step: Callable[[], None] | None = None, *, holds: bool = False) -> None:
        """Call ``step``, then do all that needs no wait, and set the state.

        ``holds``: a content is not written before the commands of the next message, which will come soon.
        """
        while True:
            try:
                if step is not None:
                    step()
                self.state = state = self._go_on(holds)
                self.awaiting = self.driver if state is _BUSY or state is _READY else None
            except OSError as error:
                self._lose(error)
                step = None
            else:
                return

    def _go_on(self, holds: bool) -> State:
        while self.call is None and (driver := self.driver) is not None:
            session = driver.session
            if driver.is_writing:
                return _BUSY
            if session.unpermitted is not None:
                return _UNPERMITTED
            following = self._queue[0] if self._queue and session.is_ready else None
            is_used_up = following is not None and self._is_used_up(driver, following)
            if following is not None and not is_used_up:
                self._queue.popleft()
                if following.waiting:
                    session.begin(following)
            if session.output:
                if holds and not self._queue and driver.may_hold():
                    return _HOLDING
                driver.write()
            elif following is None or (is_used_up and session.is_waiting):
                if not session.is_waiting:
                    return _IDLE
                driver.wait()
                return _READY if session.is_ready and not self._queue else _BUSY
            elif is_used_up:
                self.driver, self.call = None, partial(hang_up, driver.client)
        if self.failure is not None:
            return _FAILED
        if self.call is None and self._queue:
            self.call = self._opened
        return _IDLE if self.call is None else _CALLING

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
        if self.driver is None:
            return
        if self.call is None and self.failure is None and self.driver.may_explain(error):
            self.call = partial(self.driver.hear_out, error)
        else:
            self._end(Farewell(error))

    def _end(self, farewell: Farewell) -> None:
        """Decide what becomes of the messages that were under way when the connection broke."""
        driver, self.driver = self.driver, None
        if driver is None:
            return
        error = farewell.error
        interrupted = dict.fromkeys(driver.end(farewell, is_ours=self.failure is not None))
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
        self._end(Farewell(error))

    def take_back(self) -> list[OutgoingMessage]:
        """Return what cannot be sent here any more."""
        # Once each: a message of several transactions may have been returned by more than one of them.
        unsent = [message for message in dict.fromkeys(self._queue) if message.waiting]
        self._queue.clear()
        return unsent
