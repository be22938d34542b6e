"""The schedule of a mail: when it is due, when it expires, its priority, and its mailer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aerogram.conf import settings
from aerogram.exceptions import InvalidMailer, ScheduleError
from aerogram.mail.characters import excerpt
from aerogram.mail.mailers import DEFAULT_MAILER, mailers

__all__ = ["Schedule", "Wait", "check_limit", "datetime_of", "moment_of", "refused", "span_of"]

Wait = float | timedelta
"""A span of time, in seconds or as a timedelta."""

HIGHEST_PRIORITY: Final = 1000
LONGEST_KEY: Final = 200
LONGEST_SPAN: Final = 10**10  # seconds: 316 years
_LATEST: Final = 250_000_000_000_000  # in the year 9892
BACKENDS: Final = (
    "aerogram.mail.backends.outbox.EmailBackend",
    "aerogram.mail.backends.celery.EmailBackend",
)
"""The backends that put mail into the outbox, by which no worker can send."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A checked schedule, in milliseconds; ``delay`` and ``expires_in`` count from queueing."""

    delay: int = 0
    at: int | None = None
    expires_in: int | None = None
    expires_at: int | None = None
    priority: int = 0
    key: str | None = None
    mailer: str | None = None

    @classmethod
    def of(
        cls,
        delay: Wait | None = None,
        at: datetime | None = None,
        expires: Wait | datetime | None = None,
        priority: int = 0,
        key: str | None = None,
        using: str | None = None,
    ) -> Schedule:
        """Check the arguments of ``send_later``.

        Raises:
            ScheduleError: an argument is not accepted; the text names it.
            InvalidMailer: ``using`` names a mailer that does not exist, or one that queues itself.
        """
        if delay is not None and at is not None:
            raise ScheduleError("Give delay or at, not both: each says when the mail is due.")
        if isinstance(priority, bool) or not isinstance(priority, int) or abs(priority) > HIGHEST_PRIORITY:
            raise refused(
                "priority", priority, f"a whole number from -{HIGHEST_PRIORITY} to {HIGHEST_PRIORITY}"
            )
        if key is not None and not (
            isinstance(key, str) and 0 < len(key) <= LONGEST_KEY and key.isprintable()
        ):
            raise refused("key", key, f"a printable string of 1 to {LONGEST_KEY} characters")
        check_mailer(using)
        moment = None if at is None else moment_of("at", at)
        wait = 0 if delay is None else span_of("delay", delay)
        expires_in = expires_at = None
        if isinstance(expires, datetime):
            expires_at = moment_of("expires", expires)
        elif expires is not None:
            expires_in = span_of("expires", expires, ", or an aware datetime")
        return cls(wait, moment, expires_in, expires_at, priority, key, using)

    @property
    def sent_at(self) -> float | None:
        """The time at which a later mail is due, in seconds; ``None`` for one that is due at once."""
        if self.at is not None:
            return max(self.at / 1000, time.time())
        return time.time() + self.delay / 1000 if self.delay else None

    @property
    def expires_from_now(self) -> bool:
        """True if the time at which the mail expires is computed from the clock."""
        return self.expires_in is not None or (self.expires_at is None and self.at is None)

    def times(self, now: int) -> tuple[int, int | None]:
        """Return when a mail that is queued now is due and when it expires, in milliseconds.

        One that expires before it is due is taken up, and ends, when it expires.
        """
        due = now + self.delay if self.at is None else max(self.at, now)
        expires = self.expires_at
        if self.expires_in is not None:
            expires = now + self.expires_in
        elif expires is None and (default := settings.OUTBOX_EXPIRES) is not None:
            expires = due + int(default * 1000)
        return (due if expires is None else min(due, expires)), expires


def check_mailer(alias: str | None) -> None:
    """Raise InvalidMailer unless a mailer of that alias exists and is not the outbox itself."""
    if alias is None:
        return
    if not isinstance(alias, str):
        raise refused("using", alias, "the alias of a mailer, a string")
    if alias not in mailers:
        mailers.create(alias)  # raises the error that names those that there are
    entry = settings.MAILERS.get(alias, {"BACKEND": settings.EMAIL_BACKEND})
    if entry.get("BACKEND") in BACKENDS:
        hint = " OUTBOX_MAILER is the mailer of mail that names none." if alias == DEFAULT_MAILER else ""
        raise InvalidMailer(
            f"The mailer {alias!r} puts mail into the outbox, so no worker could send through it. Use the "
            f"mailer that the worker sends through, or omit it.{hint}"
        )


def span_of(name: str, value: Any, also: str = "") -> int:
    """Return a span of time in milliseconds, or raise ScheduleError; ``also`` names what else is accepted."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < LONGEST_SPAN:
        raise refused(name, value, f"seconds from 0 to less than {LONGEST_SPAN}, or a timedelta{also}")
    return int(seconds * 1000)


def moment_of(name: str, value: Any) -> int:
    """Return a moment in milliseconds; raise ScheduleError for another value, or a year far away."""
    if isinstance(value, datetime) and value.utcoffset() is None:
        raise ScheduleError(
            f"{name} is {value}, which has no time zone. Add one, such as tzinfo=UTC, or call its "
            ".astimezone() if it is local time."
        )
    if not isinstance(value, datetime):
        raise refused(name, value, "an aware datetime, such as datetime(2026, 5, 13, 9, tzinfo=UTC)")
    if not 1970 <= value.year <= 9000:
        raise refused(name, value, "a year from 1970 to 9000")
    return int(value.timestamp() * 1000)


def check_limit(limit: object) -> None:
    """Raise ScheduleError unless the value is a number of rows."""
    if isinstance(limit, bool) or not isinstance(limit, int) or not 0 <= limit < 2**31:
        raise refused("limit", limit, "a whole number from 0 to 2,147,483,647")


def datetime_of(milliseconds: int) -> datetime:
    """Return a time of the database as a datetime, or else the nearest possible one."""
    return datetime.fromtimestamp(min(max(milliseconds, 0), _LATEST) / 1000, UTC)


def refused(name: str, value: object, accepted: str) -> ScheduleError:
    """Return the error for an argument, which it names."""
    return ScheduleError(f"{name} is {excerpt(value)}, of type {type(value).__name__}. Accepted: {accepted}.")
