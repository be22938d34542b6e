"""What a mail backend is; the bases of those that keep mail on this machine, or pass it on to others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import wraps
from inspect import isfunction
from typing import Any, Self

from aerogram.mail.address.envelope import Envelope, envelope_of
from aerogram.mail.capture import is_captured
from aerogram.mail.characters import clean_text
from aerogram.mail.delivery.dispatch import Delivery, dispatch
from aerogram.mail.delivery.lists import report_for
from aerogram.mail.delivery.report import DeliveryReport, OnResult, RecipientResult
from aerogram.mail.message.email_message import EmailMessage, read_envelope
from aerogram.mail.message.enclosed import without_blind_copies
from aerogram.mail.message.safemime import SafeMIMEMultipart, SafeMIMEText

__all__ = ["BaseEmailBackend", "LocalBackend", "WrappingBackend"]


class BaseEmailBackend:
    """The base class of all mail backends.

    A subclass overrides ``open`` and ``close`` if it has a connection, and one of these methods:

    - :meth:`send_messages`, as in Django: it takes a list and returns the number of sent messages. A class
      written for Django needs only this base class.
    - :meth:`deliver`: it takes the messages one by one and reports the outcome of each.

    A backend is a context manager that opens and closes its connection.

    Args:
        fail_silently: ignore a failed connection or delivery.
        kwargs: ignored, so that callers may pass options that only some backends have.

    >>> class Printing(BaseEmailBackend):
    ...     def send_messages(self, email_messages):
    ...         for message in email_messages:
    ...             print(message.subject)
    ...         return len(email_messages)
    >>> from aerogram.mail import EmailMessage
    >>> EmailMessage("Hello", to=["ann@example.com"], connection=Printing()).send()
    Hello
    1
    """

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:  # noqa: ARG002 - see above
        self.fail_silently: bool = fail_silently

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # dispatch() redirects captured mail. These are the methods that contact a server without it.
        super().__init_subclass__(**kwargs)
        for name, replacement in (("open", _open_nothing), ("send_messages", BaseEmailBackend.send_messages)):
            if isfunction(method := vars(cls).get(name)):
                setattr(cls, name, _unless_captured(method, replacement))

    def open(self) -> bool | None:
        """Open a connection.

        Returns:
            True for a new connection, False if one was open, None if there is none to open or opening it
            failed silently.
        """
        return None

    def close(self) -> None:
        """Close the connection, if one is open."""

    def __enter__(self) -> Self:
        try:
            self.open()
        except Exception:
            self.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def send_messages(
        self, email_messages: Iterable[Any], *, on_result: OnResult | None = None
    ) -> int | None:
        """Send messages over one connection; a connection that was open before stays open.

        Args:
            email_messages: any iterable. A class that overrides this method gets a list.
            on_result: called with the report of each message. A class that overrides this method needs no
                such argument.

        Returns:
            How many messages were sent; None counts as 0.

        Raises:
            DeliveryError: a message did not reach every recipient, and the backend does not fail silently.
        """
        return dispatch(self, email_messages, on_result, send=self.deliver)

    def deliver(self, delivery: Delivery) -> None:
        """Send messages: iterate over the delivery, and call its ``add`` with the report of each message."""
        raise NotImplementedError("subclasses of BaseEmailBackend must override send_messages() method")

    @property
    def streams(self) -> bool:
        """True if :meth:`deliver` sends: no subclass has overridden :meth:`send_messages`."""
        return getattr(self.send_messages, "__func__", None) is BaseEmailBackend.send_messages


def _unless_captured(method: Callable[..., Any], replacement: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def guarded(self: BaseEmailBackend, *args: Any, **kwargs: Any) -> Any:
        return (replacement if is_captured(self) else method)(self, *args, **kwargs)

    return guarded


def _open_nothing(_backend: BaseEmailBackend) -> None:
    """Replace ``open`` of a backend whose mail is captured."""


class LocalBackend(BaseEmailBackend):
    """The base of the backends without a server: builds each message, and hands it to :meth:`keep`.

    A message that cannot be built is refused as it is on the way to a server.
    """

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:
        super().__init__(fail_silently=fail_silently, **kwargs)
        self._lock = threading.RLock()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the lock, so that a message that was sent can be pickled with its connection."""
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._lock = threading.RLock()

    def keep(self, message: EmailMessage, mime: SafeMIMEText | SafeMIMEMultipart) -> None:
        """Write, store or drop one message.

        Args:
            message: the message as the caller gave it.
            mime: the same as a MIME tree, its headers checked.

        Raises:
            OSError: it cannot be written.
        """
        raise NotImplementedError("subclasses of LocalBackend must override keep() method")

    def deliver(self, delivery: Delivery) -> None:
        """Keep each message."""
        opened = False
        with self._lock:
            try:
                for message in delivery:
                    try:
                        mime, envelope = build(message)
                    except Exception as error:  # whatever a message or its subclass raises is that message's
                        delivery.add(message, DeliveryReport(error=error))
                        continue
                    result = RecipientResult("sent")
                    try:
                        opened = bool(self.open()) or opened
                        self.keep(message, mime)
                    except OSError as error:
                        if not self.fail_silently:
                            raise
                        result = RecipientResult("deferred", text=error.strerror or type(error).__name__)
                    results = dict.fromkeys(envelope.recipients, result)
                    delivery.add(message, DeliveryReport(results, str(mime["Message-ID"])))
                    if not envelope.recipients:
                        delivery.sent += 1  # a message without recipients counts, as in Django
            finally:
                if opened:
                    self.close()


class WrappingBackend(BaseEmailBackend):
    """Passes each message of a batch to :meth:`send_one`; connections stay open until the batch ends."""

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:
        super().__init__(fail_silently=fail_silently, **kwargs)
        self._lock = threading.RLock()
        self._opened: list[BaseEmailBackend] = []

    def send_one(self, message: EmailMessage) -> DeliveryReport:
        """Send one message, which has recipients; an OSError defers it and the rest of the batch."""
        raise NotImplementedError("subclasses of WrappingBackend must override send_one() method")

    def deliver(self, delivery: Delivery) -> None:
        """Send the messages one by one, and defer those behind one that no backend could be reached for."""
        failure: OSError | None = None
        with self._lock:
            try:
                for message in delivery:
                    try:
                        report = None if message.recipients() else DeliveryReport()
                    except Exception as error:  # whatever a message or its subclass raises is that message's
                        report = DeliveryReport(error=error)
                    if report is None and failure is None:
                        try:
                            report = self.send_one(message)
                        except OSError as error:
                            failure = error
                    if report is None:
                        deferred = RecipientResult("deferred", text=clean_text(f"not sent: {failure}"))
                        report = report_for(message, deferred)
                    delivery.add(message, report)
                    if failure is not None and not (self.fail_silently or delivery.is_ready):
                        break  # a generator makes no more messages
            finally:
                self.close()
        if failure is not None and not self.fail_silently:
            raise failure

    def close(self) -> None:
        """Close every connection that was opened for the batch."""
        while self._opened:
            self._opened.pop().close()

    def _close(self, mailer: BaseEmailBackend) -> None:
        if mailer in self._opened:
            self._opened.remove(mailer)
            mailer.close()

    def _open(self, mailer: BaseEmailBackend) -> None:
        if mailer not in self._opened and mailer.open():
            self._opened.append(mailer)


# Taken at import, so that one replaced later is seen as replaced.
_message = EmailMessage.message


def build(message: Any) -> tuple[SafeMIMEText | SafeMIMEMultipart, Envelope]:
    """Build the MIME tree and the envelope of a message, each of its addresses read once.

    ``message`` may be any object with ``message()``, ``from_email`` and ``recipients()``.
    """
    if getattr(type(message), "message", None) is not _message or "message" in vars(message):
        return without_blind_copies(message.message()), envelope_of(message)
    addresses, envelope = read_envelope(message)
    return message._build(addresses), envelope
