"""Several lanes in one thread: each goes on when its server has answered."""

from __future__ import annotations

import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from time import monotonic

from aerogram.mail.smtp.backlog import Backlog
from aerogram.mail.smtp.lane import Lane, hang_up
from aerogram.mail.smtp.outgoing import Outgoing
from aerogram.mail.smtp.session import Session
from aerogram.mail.smtp.waits import Steps, Wait

__all__ = ["Multiplexer"]

_TICK = 0.05  # seconds by which a wait may last longer
_QUIET = 0.2  # seconds without a message after which the answers to the last ones are waited for


class Multiplexer:
    """Takes messages from a backlog and gives each to a lane that is free.

    What a lane waits for is left to the kernel, and only a connection that has to be made gets a thread of
    its own meanwhile. A lane is added when a message finds all others occupied; one that cannot connect
    leaves the work to the rest.

    Whoever works it in their own thread calls :meth:`begin`, then :meth:`turn` until it is :attr:`over`, and
    :meth:`close`; :meth:`run` does all that.

    Args:
        first: the lane whose connection is open already.
        another: makes one more lane.
        size: lanes at most.
        backlog: the messages; the work ends when it is closed and empty.
    """

    def __init__(self, first: Lane, another: Callable[[], Lane], size: int, backlog: Backlog) -> None:
        self.results: deque[Outgoing] = deque()
        self.error: BaseException | None = None
        #: Whether :meth:`wake` is asked for when there is a message.
        self.hungry = False
        #: Whether a message follows at once, so that contents are kept for the group behind them.
        self.fed = False
        self._first = first
        self._another = another
        self._to_come = size - 1  # lanes that may still be added; one that failed is not replaced
        self._backlog = backlog
        self._lanes = [first]
        self._idle: deque[Lane] = deque([first])
        self._running: dict[Lane, tuple[Steps[None], Wait]] = {}
        self._connecting: list[threading.Thread] = []
        self._connected: deque[tuple[Lane, BaseException | None]] = deque()
        self._watched: dict[Lane, tuple[Session | None, int, int]] = {}  # with events and descriptor
        self._looked = 0.0  # when the ends of the waits were looked at last
        self._selector = selectors.DefaultSelector()
        self._bell, self._ringer = socket.socketpair()
        self._bell.setblocking(False)
        self._ringer.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ, None)

    def run(self) -> None:
        """Work until the backlog has ended or no lane is left; an error of any lane ends all."""
        try:
            self.begin()
            while not self.over:
                self.turn()
        except BaseException as error:
            self.fail(error)
        finally:
            self.close()

    def begin(self) -> None:
        """Start with what is in the backlog."""
        self._first.share(True)
        self.assign()

    @property
    def alive(self) -> bool:
        """Whether there is a lane that could take a message."""
        return bool(self._lanes)

    @property
    def over(self) -> bool:
        """Whether there is nothing more to do, or nobody to do it."""
        return not self._running and (self._ended or not self._lanes)

    def turn(self) -> None:
        """Wait until a lane can go on, let it, and give work to those that are free."""
        self._await()
        self.assign()

    def excuse(self, seconds: float) -> None:
        """Let so many seconds not count as waiting for any server: this thread was at something else."""
        for lane in self._running:
            lane.excuse(seconds)

    def fail(self, error: BaseException) -> None:
        """Break off every lane; what each was at is in :attr:`results` then."""
        self.error = error
        for lane in self._lanes:
            self.results.extend(lane.give_up(error))

    def close(self) -> None:
        """Close the connections of all lanes but the first."""
        for thread in self._connecting:
            thread.join()
        self._selector.close()
        self._bell.close()
        self._ringer.close()
        others = [lane.session for lane in self._lanes if lane is not self._first]
        hang_up(*[session.client for session in others if session is not None])
        self._first.share(False)

    def wake(self) -> None:
        """Let the lanes look for messages, from any thread."""
        try:
            self._ringer.send(b"\0")
        except OSError:  # full, or closed: nobody has to be woken
            return

    def abort(self, error: BaseException) -> None:
        """Break every connection at once, from any thread; then :meth:`run` ends."""
        self.error = error
        for lane in list(self._lanes):
            lane.abort(error)
        self.wake()

    @property
    def _ended(self) -> bool:
        return self._backlog.closed and not self._backlog

    # -- the work --

    def assign(self) -> None:
        """Give the free lanes something to do."""
        while self._idle and (item := self._backlog.take()) is not None:
            lane = self._idle.popleft()
            self._start(lane, lane.carry(item))
        while self._is_short_of_lanes:
            self._to_come -= 1
            self._add(self._another())
        if self.fed:
            return
        for lane in list(self._idle):
            if self._ended and lane.busy:
                self._idle.remove(lane)
                self._start(lane, lane.flush())
            else:
                lane.push()

    @property
    def _is_short_of_lanes(self) -> bool:
        return bool(self._to_come) and len(self._connecting) < len(self._backlog)

    def _add(self, lane: Lane) -> None:
        lane.share(True)
        self._lanes.append(lane)
        self._start(lane, lane.begin())

    def _start(self, lane: Lane, steps: Steps[None]) -> None:
        self._running[lane] = steps, Wait.READABLE
        self._step(lane)

    def _step(self, lane: Lane) -> None:
        """Let a lane work until it waits again, or is through."""
        steps, _ = self._running[lane]
        wait = next(steps, None)
        if lane.finished:
            self.results.extend(lane.finished)
            lane.finished.clear()
        if wait is not None:
            self._running[lane] = steps, wait
            if wait is Wait.CONNECTED:
                self._connect(lane)
        else:
            del self._running[lane]
            if lane.session is None and lane.failure is not None:
                self._lanes.remove(lane)
                for item in reversed(lane.left_behind()):
                    self._backlog.put_back(item)
            else:
                self._idle.append(lane)
        self._watch(lane, wait)

    def _connect(self, lane: Lane) -> None:
        def connect() -> None:
            error: BaseException | None = None
            try:
                lane.connect()
            except BaseException as problem:  # raised again in the thread of the lanes
                error = problem
            self._connected.append((lane, error))
            self.wake()

        name = "aerogram-smtp-connect"
        thread = threading.Thread(target=copy_context().run, args=(connect,), name=name, daemon=True)
        self._connecting.append(thread)
        thread.start()

    # -- the waits --

    def _await(self) -> None:
        """Wait until a lane can go on, and let it."""
        self.hungry = bool(self._idle or self._to_come)
        is_late = self._backlog and (self._idle or self._is_short_of_lanes)  # a message came just now
        timeout = 0.0 if is_late else self._time_left()
        events = self._selector.select(timeout)
        self.hungry = False
        for key, _ in events:
            lane = key.data
            if lane is None:
                self._bell.recv(4096)
                self._welcome()
            elif lane in self._running:
                self._step(lane)
            elif lane.busy:
                self._idle.remove(lane)
                self._start(lane, lane.flush())
            else:  # the server hung up on a connection nobody used: the next message finds out
                self._watch(lane, None)
        self._resume_late()
        if not events and timeout:
            for lane in [lane for lane in self._idle if lane.busy]:
                self._idle.remove(lane)
                self._start(lane, lane.flush())

    def _time_left(self) -> float | None:
        """Seconds until the first of the waits is over; ``None`` where none ends."""
        ends = [lane.deadline for lane, (_, wait) in self._running.items() if wait is not Wait.CONNECTED]
        left = max(min(ends) - monotonic(), _TICK) if ends else None
        if any(lane.busy for lane in self._idle):
            return _QUIET if left is None else min(left, _QUIET)
        return left

    def _resume_late(self) -> None:
        """Let the lanes whose time is over say so."""
        now = monotonic()
        if now - self._looked < _TICK:
            return
        self._looked = now
        for lane, (_, wait) in list(self._running.items()):
            if wait is not Wait.CONNECTED and lane.deadline <= now:
                self._step(lane)

    def _welcome(self) -> None:
        """Go on with the lanes whose connection has been made, or could not be."""
        if self.error is not None:
            raise self.error
        while self._connected:
            lane, error = self._connected.popleft()
            self._connecting = [thread for thread in self._connecting if thread.is_alive()]
            if error is not None:
                raise error
            self._step(lane)

    def _watch(self, lane: Lane, wait: Wait | None) -> None:
        """Tell the selector what the lane waits for; one that is free but for an answer hears of that."""
        if wait is Wait.WRITABLE:
            events = selectors.EVENT_WRITE
        elif wait is Wait.READABLE or (wait is None and lane.busy):
            events = selectors.EVENT_READ
        else:
            events = 0
        session = lane.session
        known = self._watched.get(lane)
        if known is not None:
            if known[0] is session and known[1] == events:
                return
            del self._watched[lane]
            self._selector.unregister(known[2])
        if events and session is not None and session.client.sock is not None:
            descriptor = session.client.sock.fileno()
            self._watched[lane] = session, events, descriptor
            self._selector.register(descriptor, events, lane)
