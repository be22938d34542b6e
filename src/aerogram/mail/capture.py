"""Capture: all mail goes to one place, whichever mailer, thread or task sends it.

:func:`capture_mail` keeps it in a list, for tests. The setting ``EMAIL_CAPTURE`` sends it to a URL, for a
development machine. Every send asks :func:`capturing_backend` where its messages go.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from aerogram.conf import settings
from aerogram.mail.mailers import OURS, backend_class, transport

if TYPE_CHECKING:
    from aerogram.mail.message.email_message import EmailMessage


@dataclass(slots=True, eq=False)
class Capture:
    """The messages of one :func:`capture_mail`, and the captures around it."""

    around: tuple[Capture, ...]
    messages: list[EmailMessage] = field(default_factory=list)


_entered: ContextVar[tuple[Capture, ...]] = ContextVar("aerogram_captures", default=())
_lock: Final = threading.Lock()
active: Final[list[Capture]] = []
"""The captures of the process, the newest last. A thread that is started does not inherit the context."""


@contextmanager
def capture_mail() -> Iterator[list[EmailMessage]]:
    """Collect all mail in a list instead of sending it, inside a ``with`` block.

    No mail server is contacted, neither for a mailer of ``MAILERS`` nor for a backend passed as
    ``connection``. Mail of other threads and tasks is captured, too. Blocks can be nested; the innermost one
    gets the mail. If concurrent threads or tasks each have a block, each block gets only its own mail.

    Yields:
        The list of messages. Each is a copy, which later changes of the message do not affect.

    >>> from aerogram.mail import send_mail
    >>> with capture_mail() as messages:
    ...     send_mail("Hello", "Good morning.", None, ["ann@example.com"])
    1
    >>> messages
    [<EmailMultiAlternatives 'Hello' to 1 recipient>]
    """
    around = tuple(each for each in _entered.get() if each in active)
    capture = Capture(around)
    with _lock:
        active.append(capture)
    _entered.set((*around, capture))
    try:
        yield capture.messages
    finally:
        with _lock:
            active.remove(capture)
        _entered.set(tuple(each for each in _entered.get() if each is not capture))


def current_capture() -> Capture | None:
    """Return the innermost capture of this context; of the process, if this context is in none."""
    if not active:
        return None
    with _lock:
        newest_first = active[::-1]
    mine = next((each for each in reversed(_entered.get()) if each in newest_first), None)
    inside = (each for each in newest_first if mine is None or each is mine or mine in each.around)
    return next(inside, None)


def is_captured(backend: object) -> bool:
    """Return whether the mail of a backend goes elsewhere."""
    return bool(active or settings.EMAIL_CAPTURE) and getattr(backend, "captures", None) is not True


def capturing_backend(backend: Any) -> Any:
    """Return the backend that gets the mail of a backend for which :func:`is_captured` is true."""
    path, options = f"{OURS}locmem.EmailBackend", dict[str, Any]()
    if (capture := current_capture()) is None:
        if not settings.EMAIL_CAPTURE:  # the capture has just ended
            return backend
        source = settings.source_of("EMAIL_CAPTURE")
        path, options = transport(settings.EMAIL_CAPTURE, source, "EMAIL_CAPTURE")
    silent = getattr(backend, "fail_silently", None) is True
    capturing = backend_class(path, "EMAIL_CAPTURE")(fail_silently=silent, **options)
    vars(capturing).update(captures=True, **({"outbox": capture.messages} if capture is not None else {}))
    return capturing
