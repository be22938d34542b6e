"""The backends that a worker sends through, and their properties."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from aerogram.conf import settings
from aerogram.exceptions import InvalidMailer
from aerogram.mail.backends.base import LocalBackend
from aerogram.mail.backends.failover import EmailBackend as Failover
from aerogram.mail.backends.fuse import EmailBackend as Fuse
from aerogram.mail.backends.smtp import EmailBackend as Smtp
from aerogram.mail.capture import is_captured
from aerogram.mail.mailers import mailers
from aerogram.outbox.schedule import BACKENDS

__all__ = ["asks_before_content", "backend_of", "is_smtp", "smtp_mailers"]


def smtp_mailers() -> list[str | None]:
    """Return the mailers that send over SMTP, without another backend before it."""
    found = list[str | None]()
    for mailer in (None, *settings.MAILERS):
        with suppress(Exception):  # it is raised again, and recorded, when there is mail for it
            if is_smtp(backend_of(mailer)):
                found.append(mailer)
    return found


def is_smtp(backend: Any) -> bool:
    """Return whether a backend is the SMTP one, which can serve several connections in one thread."""
    return isinstance(backend, Smtp) and backend.streams


def backend_of(mailer: str | None) -> Any:
    """Return a new backend: of an alias, of OUTBOX_MAILER, or SMTP by the EMAIL_* settings."""
    alias = mailer or settings.OUTBOX_MAILER or None
    backend: Any = Smtp() if alias is None else mailers.create(alias)
    if f"{type(backend).__module__}.EmailBackend" in BACKENDS:
        raise InvalidMailer(
            f"The mailer {alias!r} puts mail into the outbox, so the worker cannot send through it. Set "
            "OUTBOX_MAILER to the alias of a mailer that sends."
        )
    if isinstance(backend, LocalBackend):
        backend.fail_silently = True  # a folder that cannot be written is reported, not raised
    elif isinstance(backend, Smtp):
        backend.fail_silently = False
        vars(backend).update(shared_rate=backend.rate, rate=None)  # all workers share it
    return backend


def asks_before_content(backend: Any) -> bool:
    """Return whether a backend asks for permission before it sends a content: SMTP, and its wrappers."""
    if is_captured(backend) or getattr(backend, "streams", None) is not True:
        return False
    if isinstance(backend, Smtp):
        return True
    if isinstance(backend, Failover):
        return all(map(asks_before_content, backend.mailers))
    return isinstance(backend, Fuse) and asks_before_content(backend.mailer)
