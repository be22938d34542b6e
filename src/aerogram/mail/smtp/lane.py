"""Messages one after another over one connection, which is renewed when it is used up, stale or broken."""

from __future__ import annotations

import contextlib
import smtplib
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from time import monotonic

from aerogram.mail.delivery.report import RecipientResult
from aerogram.mail.smtp.client import SMTPClient
from aerogram.mail.smtp.outgoing import Outgoing
from aerogram.mail.smtp.replies import ConnectionLost, clean_text, result_of
from aerogram.mail.smtp.session import Session, nothing
from aerogram.mail.smtp.waits import Steps, Wait

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
        self.session: Session | None = None
        self.failure = failure
        self.finished: deque[Outgoing] = deque()
        self._connect = connect
        self._max_messages = self._most = max_messages
        self._max_idle = max_idle
        self._in_hand: deque[Outgoing] = deque()
        self._fruitless = 0
        self._shared = False
        self._adopt(session)

    def deliver(
        self, source: Iterable[Outgoing], meanwhile: Callable[[], object] = nothing
    ) -> Iterator[Outgoing]:
        """Send what ``source`` yields and yield each message that has all its results.

        Args:
            source: the messages.
            meanwhile: called while the server is busy, see :meth:`Session.transact`.
        """
        finished = self.finished
        asked = monotonic()
        for item in source:
            if monotonic() - asked > _SLOW:
                self._finish(self.flush())
            self._finish(self.carry(item, meanwhile))
            while finished:
                yield finished.popleft()
            asked = monotonic()
        self._finish(self.flush())
        while finished:
            yield finished.popleft()

    def _finish(self, steps: Steps[None]) -> None:
        for wait in steps:
            if wait is Wait.CONNECTED:
                self.connect()

    def carry(self, item: Outgoing, meanwhile: Callable[[], object] = nothing) -> Steps[None]:
        """Run transactions until neither ``item`` nor a message that came back waits for one."""
        in_hand = self._in_hand
        in_hand.append(item)
        while in_hand:
            item = in_hand[0]
            if item.waiting:
                yield from self._transact(item, meanwhile)
                if self._is_stranded:
                    return
            if not item.waiting:
                in_hand.popleft()

    def flush(self) -> Steps[None]:
        """Read every answer that is still to come, and do what they ask for."""
        while self.session is not None and self.session.busy:
            yield from self._settle()
            while self._in_hand and not self._is_stranded:
                yield from self.carry(self._in_hand.popleft())

    @property
    def _is_stranded(self) -> bool:
        return self._shared and self.session is None and self.failure is not None

    def left_behind(self) -> list[Outgoing]:
        """Hand back what a lane that can have no connection any more leaves to the other lanes."""
        left = [item for item in self._in_hand if item.waiting]
        self._in_hand.clear()
        return left

    def abort(self, error: BaseException) -> None:
        """Break the connection at once, from any thread; nothing is sent again."""
        self.failure = error
        session = self.session
        sock = session.client.sock if session is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def give_up(self, error: BaseException) -> list[Outgoing]:
        """Close the connection after ``error``; return what was under way, each with a result."""
        self.failure = error
        if self.session is not None:
            self._in_hand.extend(self.session.abandon(error))
            self._drop()
        for item in self._in_hand:
            defer(item, error).conclude(self.finished)
        self._in_hand.clear()
        finished = list(self.finished)
        self.finished.clear()
        return finished

    @property
    def busy(self) -> bool:
        """Whether the answer to some content is still to be read."""
        return self.session is not None and self.session.busy

    @property
    def deadline(self) -> float:
        """When the wait that is going on ends, by the monotonic clock."""
        return self.session.deadline if self.session is not None else 0.0

    def excuse(self, seconds: float) -> None:
        """Let so many seconds not count as waiting for the server: the thread was at something else."""
        if self.session is not None:
            self.session.excuse(seconds)

    def push(self) -> None:
        """Send what is kept for the message behind it, since that is not here yet."""
        if self.session is not None:
            self.session.push()

    def share(self, shared: bool) -> None:
        """Say whether other lanes of the thread wait while this one does."""
        self._shared = shared
        if self.session is not None:
            self.session.share(shared)

    def begin(self) -> Steps[None]:
        """Have a connection before there is a message for it."""
        yield Wait.CONNECTED

    def connect(self) -> None:
        """Have a fresh connection, or know why there is none; takes its time."""
        worn, self.session = self.session, None
        if worn is not None:
            hang_up(worn.client)
        if self.failure is None:
            try:
                session = self._connect()
            except Exception as error:  # of a token's callable, too
                self.failure = error
                return
            self._adopt(session)
            if self.failure is not None:  # meanwhile
                session.client.close()

    def _adopt(self, session: Session | None) -> None:
        self.session = session
        if session is not None:
            session.finished = self.finished
            session.share(self._shared)
            named = session.offers.max_messages
            self._most = min(self._max_messages, named) if named else self._max_messages

    def _transact(self, item: Outgoing, meanwhile: Callable[[], object]) -> Steps[None]:
        session = self.session
        if session is None or self._is_worn(session, item):
            yield from self._renew()
            session = self.session
        if session is None:
            if not self._shared:
                defer(item, self.failure).conclude(self.finished)
            return
        try:
            yield from session.transact(item, meanwhile)
        except OSError as error:
            self._lose(error, item)
        except ValueError as error:  # a command that must not be sent
            item.settle(list(item.waiting), RecipientResult("refused", text=clean_text(str(error))))
            item.conclude(self.finished)
        if session.unfinished:
            self._reclaim()

    def _reclaim(self) -> None:
        """Take back messages whose late replies ask for another transaction (BDAT only)."""
        if self.session is not None and self.session.unfinished:
            self._in_hand.extend(self.session.unfinished)
            self.session.unfinished.clear()

    def _settle(self) -> Steps[None]:
        if self.session is not None and self.session.busy:
            try:
                yield from self.session.settle()
            except OSError as error:
                self._lose(error, None)
            self._reclaim()

    def _is_worn(self, session: Session, item: Outgoing) -> bool:
        return bool(
            session.started >= self._most
            or (not session.busy and monotonic() - session.last_used > self._max_idle)
            or (session.offers.max_recipient_domains and session.offers.exhausted(item.waiting))
        )

    def _renew(self) -> Steps[None]:
        yield from self._settle()
        if self.failure is None:
            yield Wait.CONNECTED

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
    if isinstance(error, ConnectionLost) and (error.code or 0) >= 400:
        result = result_of(error.code, error.reply)
    else:
        result = RecipientResult("deferred", text=clean_text(f"not sent: {error or 'no connection'}"))
    item.settle(list(item.waiting), result)
    return item


def hang_up(*clients: smtplib.SMTP) -> None:
    """Say QUIT and close the connections, whatever the servers answer or do not answer."""
    for leave in (_say_goodbye, _hear_goodbye):
        for client in clients:
            try:
                if getattr(client, "sock", None) is not None:
                    leave(client)
            except OSError:  # it was closed already, or is now: QUIT changes nothing about what was sent
                client.close()


def _say_goodbye(client: smtplib.SMTP) -> None:
    if isinstance(client, SMTPClient):
        client.reply_timeout = min(client.reply_timeout, _QUIT_TIMEOUT)
        client.share(False)
    client.putcmd("quit")


def _hear_goodbye(client: smtplib.SMTP) -> None:
    try:
        client.getreply()
    finally:
        client.close()
