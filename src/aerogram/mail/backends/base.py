"""What a mail backend is: open, send messages, close."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from aerogram.mail.delivery.dispatch import dispatched

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

__all__ = ["BaseEmailBackend"]


class BaseEmailBackend:
    """Subclass this and write :meth:`send_messages`; write ``open`` and ``close`` if there is a connection.

    A backend is a context manager that opens and closes its connection. A class written for Django's backend
    contract needs nothing but this base class.

    >>> class Printing(BaseEmailBackend):
    ...     def send_messages(self, email_messages):
    ...         for message in email_messages:
    ...             print(message.subject)
    ...         return len(email_messages)
    >>> from aerogram.mail import EmailMessage
    >>> Printing().send_messages([EmailMessage("Hello", to=["ann@example.com"])])
    Hello
    1

    Args:
        fail_silently: keep quiet about a failed connection or delivery.
        kwargs: ignored, so that callers may offer options that only some backends take.
    """

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:  # noqa: ARG002 - see above
        self.fail_silently = fail_silently

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let :mod:`aerogram.mail.delivery.hooks` know of what the subclass sends, whoever calls it."""
        super().__init_subclass__(**kwargs)
        if inspect.isfunction(cls.send_messages):
            cls.send_messages = dispatched(cls.send_messages)  # type: ignore[method-assign] # the same, watched

    def open(self) -> bool | None:
        """Open a connection.

        Returns:
            True for a new one, False where one was open, None where opening failed silently (here: nothing to
            open).
        """
        return None

    def close(self) -> None:
        """Close the connection; nothing happens where none is open."""

    def __enter__(self) -> Self:
        try:
            self.open()
        except Exception:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send_messages(self, email_messages: Iterable[Any]) -> int | None:
        """Send messages and return how many were sent; None counts as 0.

        A connection that this call opened is closed by it; one that was open stays so.

        A backend may also take ``on_result`` as a keyword argument. By that it says that it streams: it is
        given any iterable, reads it message by message, puts a report on each as its ``delivery``, and
        calls ``on_result`` with it. Others are given lists.
        """
        raise NotImplementedError("subclasses of BaseEmailBackend must override send_messages() method")
