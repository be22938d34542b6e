"""One mail transaction: MAIL, a RCPT for each recipient, the content (RFC 5321 section 3.3)."""

from __future__ import annotations

from aerogram.mail.delivery.report import RecipientResult
from aerogram.mail.smtp.outgoing import OutgoingMessage
from aerogram.mail.smtp.replies import Reply, result_of, wants_another_transaction

__all__ = ["Transaction"]


class Transaction:
    """Some recipients of a message, and what the server says about each.

    Attributes:
        recipients: those it names.
        mail: the reply to MAIL.
        rcpts: the replies to RCPT that have arrived.
        accepted: the recipients who get the content, known from :meth:`apply_recipient_replies` on.
        is_written: whether the whole content was written.

    Args:
        message: the message; ``recipients`` wait no more.
        recipients: those to name, all of whom wait.
    """

    def __init__(self, message: OutgoingMessage, recipients: list[str]) -> None:
        self.message = message
        self.recipients = recipients
        self.mail: Reply | None = None
        self.rcpts: list[Reply] = []
        self.accepted: list[str] = []
        self.is_written: bool = False
        if len(recipients) == len(message.waiting):
            message.waiting = []
        else:
            named = set(recipients)
            message.waiting = [each for each in message.waiting if each not in named]

    @property
    def mail_accepted(self) -> bool:
        """Whether the server accepted the sender."""
        return self.mail is not None and self.mail.is_positive

    @property
    def is_refused(self) -> bool:
        """Whether the server refused the sender, or every recipient."""
        if self.mail is not None and not self.mail.is_positive:
            return True
        return len(self.rcpts) == len(self.recipients) and not any(reply.is_positive for reply in self.rcpts)

    def apply_recipient_replies(self) -> None:
        """Settle the recipients who were refused; those for whom there was no room wait again.

        Where nobody was accepted, another transaction would fare no better, and all are refused.
        """
        if self.mail is not None and not self.mail.is_positive:
            self._settle(self.recipients, self.mail)
            return
        crowded = []
        for recipient, reply in zip(self.recipients, self.rcpts, strict=True):
            if reply.is_positive:
                self.accepted.append(recipient)
            elif wants_another_transaction(reply):
                crowded.append((recipient, reply))
            else:
                self._settle([recipient], reply)
        if self.accepted:
            self.message.waiting[:0] = [recipient for recipient, _ in crowded]
        else:
            for recipient, reply in crowded:
                self._settle([recipient], reply)

    def settle_accepted(self, reply: Reply) -> None:
        """Settle those who were accepted by the answer to DATA or to the content."""
        self._settle(self.accepted, reply)

    def give_back(self) -> None:
        """Let its recipients wait again, but for those who were refused for good before it broke off."""
        self._settle_refused()
        self.message.waiting[:0] = self._unsettled()

    def leave_uncertain(self, text: str) -> None:
        """Settle those whose content was written and not answered."""
        self._settle_refused()
        self.message.settle(self._unsettled(), RecipientResult("uncertain", text=text))

    def _settle(self, recipients: list[str], reply: Reply) -> None:
        self.message.settle(recipients, result_of(*reply))

    def _settle_refused(self) -> None:
        if self.mail_accepted:
            for recipient, reply in zip(self.recipients, self.rcpts, strict=False):
                if reply.code >= 500 and not wants_another_transaction(reply):
                    self._settle([recipient], reply)

    def _unsettled(self) -> list[str]:
        done = {*self.message.results, *self.message.waiting}
        return [recipient for recipient in self.recipients if recipient not in done]
