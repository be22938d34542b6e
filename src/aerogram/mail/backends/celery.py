"""The backend that puts messages into the outbox and lets Celery workers send them (extra ``celery``)."""

from __future__ import annotations

from typing import Any

from aerogram.exceptions import MissingDependency
from aerogram.mail.backends import outbox

__all__ = ["EmailBackend"]


class EmailBackend(outbox.EmailBackend):
    """Queues each message, and publishes a task for it when it is committed.

    Args:
        kwargs: those of :class:`aerogram.mail.backends.outbox.EmailBackend`.

    Raises:
        MissingDependency: Celery is not installed.
    """

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:
        super().__init__(fail_silently, **kwargs)
        try:
            import aerogram.contrib.celery  # noqa: F401 - it publishes what is committed from now on
        except ModuleNotFoundError as error:
            if error.name != "celery":
                raise
            raise MissingDependency("Celery is not installed: pip install 'aerogram[celery]'.") from None
