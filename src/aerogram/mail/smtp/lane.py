"""Messages one after another over one connection, which is renewed when it is used up, stale or broken."""

from __future__ import annotations

import contextlib
import smtplib
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from time import monotonic

from aerogram.mail.delivery import RecipientResult
from aerogram.mail.smtp.client import SMTPClient
from aerogram.mail.smtp.outgoing import Outgoing
from aerogram.mail.smtp.replies import ConnectionLost, clean_text, result_of
from aerogram.mail.smtp.session import Session, nothing

__all__ = ["Lane", "defer", "hang_up"]

_SLOW = 0.2  # seconds; the kernel holds a content's end that long for the group behind it
_FRUITLESS = 10  # connections in a row that broke before any content was answered: the server is not well
_QUIT_TIMEOUT = 5.0


class Lane:
    """Carries messages over one connection at a time.

    A message that was interrupted before its final dot is sent again once, over a new connection. When none
    can be had, it and all that follow are deferred.

    Args:
        connect: opens a new session, or raises ``OSError``.
        session: one that is open already.
        failure: why there is none and none shall be opened.
        max_messages: transactions over one connection, at most.
        max_idle: seconds after which a connection is not trusted any more.
    """

    def __init__(
        self,
        connect: Callable[[], Session],
        *,
        session: Session | None = None,
        failure: BaseException | None = None,
        max_messages: int = 100,
        max_idle: float = 9.0,
    ) -> None:
        self.failure = failure
        self.finished: deque[Outgoing] = deque()
        self._connect = connect
        self._max_messages = max_messages
        self._adopt(session)
        self._max_idle = max_idle
        self._in_hand: deque[Outgoing] = deque()
        self._fruitless = 0

    def deliver(
        self, source: Iterable[Outgoing | None], meanwhile: Callable[[], object] = nothing
    ) -> Iterator[Outgoing]:
        """Send what ``source`` yields and yield each message that has all its results.

        Args:
            source: may yield ``None`` to say that nothing is ready now: then outstanding answers are read.
            meanwhile: called while the server is busy, see :meth:`Session.transact`.
        """
        finished = self.finished
        asked = monotonic()
        for item in source:
            if item is None or monotonic() - asked > _SLOW:
                self._flush()
            if item is not None:
                self._in_hand.append(item)
                self._carry(meanwhile)
            while finished:
                yield finished.popleft()
            asked = monotonic()
        self._flush()
        while finished:
            yield finished.popleft()

    def abort(self, error: BaseException) -> None:
        """Break the connection at once, from any thread; nothing is sent again."""
        self.failure = error
        session = self.session
        sock = session.client.sock if session is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def give_up(self, error: BaseException) -> Iterator[Outgoing]:
        """Close the connection after ``error``; yield what was under way, each with a result."""
        self.failure = error
        if self.session is not None:
            self._in_hand.extend(self.session.abandon(error))
            self._drop()
        for item in self._in_hand:
            defer(item, error).conclude(self.finished)
        self._in_hand.clear()
        while self.finished:
            yield self.finished.popleft()

    def open(self) -> None:
        """Have a connection, or know why there is none."""
        if self.session is None and self.failure is None:
            try:
                self._adopt(self._connect())
            except OSError as error:
                self.failure = error

    def _adopt(self, session: Session | None) -> None:
        self.session = session
        if session is not None:
            session.finished = self.finished
            named = session.offers.max_messages
            self._most = min(self._max_messages, named) if named else self._max_messages

    def _carry(self, meanwhile: Callable[[], object] = nothing) -> None:
        """Run transactions until no message in hand waits for one."""
        in_hand = self._in_hand
        while in_hand:
            item = in_hand[0]
            if item.waiting:
                self._transact(item, meanwhile)
            if not item.waiting:
                in_hand.popleft()

    def _flush(self) -> None:
        """Read every answer that is still to come, and do what they ask for."""
        self._carry()
        while self.session is not None and self.session.busy:
            self._settle()
            self._carry()

    def _transact(self, item: Outgoing, meanwhile: Callable[[], object]) -> None:
        session = self._ready(item)
        if session is None:
            defer(item, self.failure).conclude(self.finished)
            return
        try:
            session.transact(item, meanwhile)
        except OSError as error:
            self._lose(error, item)
        except ValueError as error:  # a command that must not be sent
            item.settle(list(item.waiting), RecipientResult("refused", text=clean_text(str(error))))
            item.conclude(self.finished)
        self._reclaim()

    def _reclaim(self) -> None:
        """Take back messages whose late replies ask for another transaction (BDAT only)."""
        if self.session is not None and self.session.unfinished:
            self._in_hand.extend(self.session.unfinished)
            self.session.unfinished.clear()

    def _settle(self) -> None:
        if self.session is not None and self.session.busy:
            try:
                self.session.settle()
            except OSError as error:
                self._lose(error, None)
            self._reclaim()

    def _ready(self, item: Outgoing) -> Session | None:
        """Return a session for the next transaction; ``None`` when none can be had."""
        session = self.session
        if session is not None and (
            session.started >= self._most
            or (not session.busy and monotonic() - session.last_used > self._max_idle)
            or session.offers.exhausted(item.waiting)
        ):
            self._settle()
            if self.session is not None:
                hang_up(self.session.client)
                self._drop()
        if self.session is None:
            self.open()
        return self.session

    def _lose(self, error: OSError, item: Outgoing | None) -> None:
        session = self.session
        if session is None:
            return
        self._fruitless = 0 if session.answered else self._fruitless + 1
        if self._fruitless >= _FRUITLESS and self.failure is None:
            self.failure = error
        returned = session.abandon(error)
        self._drop()
        self._in_hand.extend(returned)
        for lost in dict.fromkeys((*returned, *((item,) if item is not None else ()))):
            if lost.waiting and (lost.interrupted or lost.time_left <= 0):
                defer(lost, error)
            lost.interrupted = True
            lost.conclude(self.finished)

    def _drop(self) -> None:
        self._reclaim()
        self.session = None


def defer(item: Outgoing, error: BaseException | None) -> Outgoing:
    """Settle those who still wait: by the server's last words in ``error``, or as not sent."""
    if isinstance(error, ConnectionLost) and error.code is not None:
        result = result_of(error.code, error.reply)
    else:
        result = RecipientResult("deferred", text=clean_text(f"not sent: {error or 'no connection'}"))
    item.settle(list(item.waiting), result)
    return item


def hang_up(client: smtplib.SMTP) -> None:
    """Say QUIT and close the connection, whatever the server answers or does not answer."""
    try:
        if getattr(client, "sock", None) is not None:
            if isinstance(client, SMTPClient):
                client.reply_timeout = min(client.reply_timeout, _QUIT_TIMEOUT)
            client.quit()
    except OSError:  # it was closed already, or it is now: QUIT changes nothing about what was sent
        return
    finally:
        client.close()
