"""What the backends share that hand a message to nobody far away: dummy, locmem, console, filebased."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from aerogram.mail.address.envelope import envelope_of
from aerogram.mail.backends.base import BaseEmailBackend
from aerogram.mail.delivery.report import DeliveryReport, DeliverySummary, RecipientResult

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aerogram.mail.delivery.report import OnResult
    from aerogram.mail.message.email_message import EmailMessage
    from aerogram.mail.message.safemime import SafeMIMEMultipart, SafeMIMEText

__all__ = ["LocalBackend"]

SENT: Final = RecipientResult("sent")


class LocalBackend(BaseEmailBackend):
    """Builds each message as it would be sent, and hands it to :meth:`keep`.

    A message that cannot be built is refused here just as it would be on the way to a server.
    """

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:
        super().__init__(fail_silently=fail_silently, **kwargs)
        self._lock = threading.RLock()

    def __getstate__(self) -> dict[str, Any]:
        """Leave the lock behind, so that a message that was sent can be pickled with its connection."""
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._lock = threading.RLock()

    def keep(self, message: EmailMessage, mime: SafeMIMEText | SafeMIMEMultipart) -> None:
        """Do with the message what this backend is for.

        Args:
            message: the message as the caller gave it.
            mime: the same as a MIME tree, its headers checked.

        Raises:
            OSError: it cannot be kept.
        """
        raise NotImplementedError("subclasses of LocalBackend must override keep() method")

    def send_messages(
        self, email_messages: Iterable[EmailMessage], *, on_result: OnResult | None = None
    ) -> int:
        """Keep each message and return how many were kept.

        Args:
            email_messages: any iterable, read message by message.
            on_result: called with the report of each message.

        Raises:
            MessageError: the only message cannot be built.
            DeliveryError: one of several messages cannot be built; the others were kept.
            OSError: a message cannot be kept, and the backend does not fail silently.
        """
        tally = DeliverySummary(fail_silently=self.fail_silently, on_result=on_result)
        opened, for_nobody = False, 0
        with self._lock:
            try:
                for message in email_messages:
                    try:
                        mime, addresses = message.message(), envelope_of(message).recipients
                    except Exception as error:  # whatever a message or its subclass raises is that message's
                        tally.add(message, DeliveryReport(error=error))
                        continue
                    result = SENT
                    try:
                        opened = bool(self.open()) or opened
                        self.keep(message, mime)
                    except OSError as error:
                        if not self.fail_silently:
                            raise
                        result = RecipientResult("deferred", text=error.strerror or type(error).__name__)
                    tally.add(
                        message, DeliveryReport(dict.fromkeys(addresses, result), str(mime["Message-ID"]))
                    )
                    for_nobody += not addresses  # kept and counted all the same, as Django does
            finally:
                if opened:
                    self.close()
        return tally.close() + for_nobody
