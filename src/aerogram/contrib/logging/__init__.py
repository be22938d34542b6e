"""A logging handler that mails errors to ``ADMINS``, masks secrets and counts repeated errors.

It never raises into the program that logs, and ignores records that are logged while a report is sent::

    "handlers": {"mail": {"class": "aerogram.contrib.logging.AdminNotificationHandler", "level": "ERROR"}}
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import socket
import threading
import time
import traceback
import weakref
from collections import deque
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from aerogram.contrib.logging.masking import mask_secrets, shown
from aerogram.notification import AdminNotification

__all__ = ["AdminNotificationHandler", "ErrorReport", "mask_secrets"]

LONGEST_TRACEBACK: Final = 60_000
WAITING: Final = 100  # different errors that wait to be sent
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_sending: ContextVar[bool] = ContextVar("aerogram_sending_a_report", default=False)
_handlers: weakref.WeakSet[AdminNotificationHandler] = weakref.WeakSet()


class ErrorReport(AdminNotification, name="aerogram_error_report"):
    """The mail about a logged error. Subclass it to use your own template or recipients."""

    if not TYPE_CHECKING:  # a declaration that a subclass may replace in any form
        html_template = "aerogram/error_report.html"

    details: list[tuple[str, str]] = field(default_factory=list)
    traceback: str = ""


@dataclass
class _Entry:
    """One error that is to be sent: its first record, how often it came, and from when on to send it."""

    record: logging.LogRecord
    message: str
    context: Context
    due: float
    count: int = 0
    last: float = 0.0


class AdminNotificationHandler(logging.Handler):
    """Mails records with their tracebacks to ``ADMINS``, from a separate thread.

    Repeated errors (the same type of exception in the same place) are collected into one mail with their
    count, at first after ``delay`` seconds, then once per ``interval``. :meth:`flush` and the exit of the
    interpreter send the waiting mails. A mail that cannot be sent is dropped and counted.

    Args:
        level: the lowest level that is mailed.
        delay: seconds that the first mail about an error waits for repetitions.
        interval: seconds between two mails about the same error.
        limit: the maximum number of mails in ``period`` seconds; the next mail says how many errors were not
            mailed.
        period: see ``limit``.
        include_locals: show the local variables of each frame, secrets masked.
        using: the alias of a mailer in ``MAILERS``.
        report: a subclass of :class:`ErrorReport`.
    """

    def __init__(
        self,
        level: int | str = logging.ERROR,
        *,
        delay: float = 1.0,
        interval: float = 300.0,
        limit: int = 10,
        period: float = 60.0,
        include_locals: bool = False,
        using: str | None = None,
        report: type[ErrorReport] = ErrorReport,
    ) -> None:
        super().__init__(level)
        self.delay: float = delay
        self.interval: float = interval
        self.limit: int = limit
        self.period: float = period
        self.include_locals: bool = include_locals
        self.using: str | None = using
        self.report: type[ErrorReport] = report
        self._start_afresh()
        _handlers.add(self)

    def _start_afresh(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._turn = threading.RLock()  # who sends; a mail under way is waited for
        self._entries: dict[object, _Entry] = {}
        self._sent: deque[float] = deque()
        self._lost = 0
        self._thread: threading.Thread | None = None

    def filter(self, record: logging.LogRecord) -> Any:
        """Ignore the records of sending itself, without taking the handler's lock, which flush() may hold."""
        if _sending.get() or record.name.partition(".")[0] == "aerogram":
            return False
        return super().filter(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Count a record and schedule its mail."""
        try:
            if self._process != os.getpid():  # a fork has the entries of its parent, and not the thread
                self._start_afresh()
            key, now = _key(record), time.monotonic()
            with self._changed:
                entry = self._entries.get(key)
                if entry is None and len(self._entries) >= WAITING:
                    self._forget(now)
                if entry is None and len(self._entries) >= WAITING:
                    self._lost += 1
                    return
                if entry is None or entry.count == 0:
                    due = now + self.delay if entry is None else max(now, entry.last + self.interval)
                    entry = _Entry(
                        record, record.getMessage(), copy_context(), due, 0, entry.last if entry else 0
                    )
                    self._entries[key] = entry
                entry.count += 1
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._work, name="aerogram-logging", daemon=True)
                    self._thread.start()
                self._changed.notify_all()
        except Exception:  # logging must not break the program
            self.handleError(record)

    def flush(self) -> None:
        """Send the waiting mails at once, within the limit, and return when they are sent."""
        if self._process == os.getpid():
            self._send_due(float("inf"))

    def close(self) -> None:
        """Send the waiting mails and close the handler."""
        with contextlib.suppress(Exception):
            self.flush()
        super().close()

    def _work(self) -> None:
        idle = max(self.interval, 1.0)
        while True:
            with self._changed:
                waiting = [entry.due for entry in self._entries.values() if entry.count]
                now = time.monotonic()
                if waiting and self._is_full(now):
                    pause = self._sent[0] + self.period - now
                else:
                    pause = min(waiting) - now if waiting else idle
                if pause > 0 and not self._changed.wait(pause) and not waiting:
                    self._thread = None
                    return
            self._send_due(time.monotonic())

    def _is_full(self, now: float) -> bool:
        while self._sent and self._sent[0] <= now - self.period:
            self._sent.popleft()
        return len(self._sent) >= self.limit

    def _forget(self, now: float) -> None:
        old = [
            key for key, each in self._entries.items() if not each.count and each.last < now - self.interval
        ]
        for key in old:
            del self._entries[key]

    def _send_due(self, until: float) -> None:
        with self._turn:
            while self._send_next(until):
                pass

    def _send_next(self, until: float) -> bool:
        """Send one report that is due; return False if there is none."""
        with self._changed:
            now = time.monotonic()
            due = [each for each in self._entries.values() if each.count and each.due <= until]
            if not due or self._is_full(now):
                return False
            entry = due[0]
            count, lost, self._lost = entry.count, self._lost, 0
            entry.count, entry.last = 0, now
            self._sent.append(now)
        try:
            entry.context.copy().run(self._send, entry, count, lost)
        except Exception:  # a mail server that fails must not break the program
            with self._changed:
                self._lost += count + lost
            self.handleError(entry.record)
        return True

    def _send(self, entry: _Entry, count: int, lost: int) -> None:
        token = _sending.set(True)
        try:
            self.report_of(entry.record, entry.message, count, lost).send(using=self.using)
        finally:
            _sending.reset(token)

    def report_of(
        self, record: logging.LogRecord, message: str, count: int = 1, lost: int = 0
    ) -> ErrorReport:
        """Return the mail about a record; override this method to add information.

        Args:
            record: the first of the repeated records.
            message: the message of the record, formatted when it was logged.
            count: the number of repeated records.
            lost: the number of other errors that were not mailed.
        """
        error = record.exc_info[1] if record.exc_info else None
        title = message if error is None else f"{type(error).__name__}: {error}"
        title = " ".join(shown(title).split()) or record.levelname
        title = title if len(title) <= 120 else f"{title[:119]}…"
        when = datetime.fromtimestamp(record.created, UTC)
        details = [
            ("When", f"{when:%Y-%m-%d %H:%M:%S} UTC"),
            ("How often", f"{count} times" if count > 1 else ""),
            ("Message", shown(message)),
            ("Logger", f"{record.name}, {record.levelname}"),
            ("Where", f"{record.pathname}, line {record.lineno}, in {record.funcName}"),
            (
                "Process",
                f"{socket.gethostname()}, {record.processName} {record.process}, {record.threadName}",
            ),
            ("Not mailed", f"{lost} more errors" if lost else ""),
        ]
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        details += [(name, str(mask_secrets(value, name))) for name, value in sorted(extra.items())]
        return self.report(
            subject=f"{record.levelname}{f' ({count} times)' if count > 1 else ''}: {title}",
            message=title,
            details=[(name, value) for name, value in details if value],
            traceback=self._traceback(record, error),
        )

    def _traceback(self, record: logging.LogRecord, error: BaseException | None) -> str:
        if error is None:
            return shown(record.exc_text or record.stack_info or "", LONGEST_TRACEBACK)
        lines = list(traceback.TracebackException.from_exception(error, compact=True).format())
        if self.include_locals:
            for frame, line in traceback.walk_tb(error.__traceback__):
                lines.append(f"\nLocal variables of {frame.f_code.co_qualname}, line {line}\n")
                for name, value in frame.f_locals.items():
                    lines.append(f"  {name} = {mask_secrets(value, name)}\n")
        text = "".join(lines)
        if len(text) > LONGEST_TRACEBACK:
            text = f"{text[: LONGEST_TRACEBACK // 2]}\n…\n{text[-LONGEST_TRACEBACK // 2 :]}"
        return shown(text, LONGEST_TRACEBACK + 10)


def _key(record: logging.LogRecord) -> object:
    """Return what equal errors have in common: where they come from, not the values in their texts."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return record.name, record.levelno, record.pathname, record.lineno, str(record.msg)
    places = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    return (
        record.name,
        record.levelno,
        type(error),
        places[-1] if places else (record.pathname, record.lineno),
    )


@atexit.register
def _flush_all() -> None:
    for handler in list(_handlers):
        with contextlib.suppress(Exception):
            handler.flush()
