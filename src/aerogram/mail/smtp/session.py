"""One connection that is ready for mail: transactions, pipelined where the server allows it.

With PIPELINING (RFC 2920) a message costs one wait. Its MAIL, RCPT and DATA go out in one write, usually
right behind the content before it; then the replies to all of them are read, each one checked, and the
content follows::

    client   MAIL RCPT DATA              content. MAIL RCPT DATA                    content. ...
    server                  250 250 354                          250   250 250 354
             first message ..........................its answer  ^^^   second message

Without PIPELINING every command waits for its reply. With CHUNKING, when asked for, the content travels
behind its RCPTs as BDAT (RFC 3030) and up to ``BDAT_WINDOW`` messages are on their way at once.
"""

from __future__ import annotations

import smtplib
from collections import deque
from collections.abc import Callable
from time import monotonic

from aerogram.mail.delivery import cancellation
from aerogram.mail.delivery.report import RecipientResult
from aerogram.mail.smtp.client import SMTPClient
from aerogram.mail.smtp.offers import Offers, Timeouts
from aerogram.mail.smtp.outgoing import Outgoing
from aerogram.mail.smtp.replies import (
    ConnectionLost,
    Reply,
    check_in_step,
    check_open,
    clean_text,
    result_of,
    took,
)
from aerogram.mail.smtp.verdict import settle_for_good, weigh
from aerogram.mail.smtp.waits import Steps, finish
from aerogram.mail.smtp.wire import Wire

__all__ = ["BDAT_WINDOW", "Session", "nothing"]

BDAT_WINDOW = 8
_GROUP = 100  # RCPTs in one write: their replies fit any socket buffer, so neither side waits for the other


def nothing() -> None:
    """Do nothing meanwhile."""


class Session:
    """Transactions over one connection, which its owner has opened, secured and logged in.

    A method that raises ``OSError`` (``smtplib.SMTPException`` is one) has lost the connection; the owner
    calls :meth:`abandon` then, and decides about the message in hand. Messages that have all their results
    are appended to ``finished``, those of which a late reply left recipients waiting (BDAT only) to
    ``unfinished``; ``answered`` counts the contents that the server has answered.
    """

    def __init__(self, client: smtplib.SMTP, timeouts: Timeouts, *, chunking: bool = False) -> None:
        self.client = client
        self.offers = Offers(client.esmtp_features, chunking=chunking)
        self.finished: deque[Outgoing] = deque()
        self.unfinished: deque[Outgoing] = deque()
        self.started = 0
        self.answered = 0
        self.last_used = monotonic()
        self._wire = Wire(client, timeouts)
        self._unanswered: deque[tuple[Outgoing, list[str]]] = deque()
        self._reset_due = False
        self._held = False  # whether the kernel keeps the end of a content for the group behind it

    @property
    def busy(self) -> bool:
        """Whether the answer to some content is still to be read."""
        return bool(self._unanswered)

    def transact(self, item: Outgoing, meanwhile: Callable[[], object] = nothing) -> Steps[None]:
        """Run one transaction for waiting recipients of ``item``, up to the content's last octet.

        The content's own answer is read later. Recipients for whom the server wants another transaction
        (452 4.5.3, or its limit) are left waiting.

        Args:
            item: the message.
            meanwhile: called while the server is busy with the content before and these commands; it should
                not take long, since DATA may be open when it returns.
        """
        if (objection := self.offers.objection(item)) is not None:
            item.settle(list(item.waiting), objection)
            item.conclude(self.finished)
            return
        if item.needs_eight_bit and not (item.needs_utf8 or self.offers.eight_bit):
            item.make_seven_bit()  # it was built for a server that offered more
        self.started += 1
        recipients = self.offers.next_group(item.waiting)
        if self.offers.chunking:
            yield from self._send_chunk(item, recipients)
        elif self.offers.pipelining:
            yield from self._send_pipelined(item, recipients, meanwhile)
        else:
            yield from self._send_in_lockstep(item, recipients)
        self.last_used = monotonic()
        if not item.in_flight:
            item.conclude(self.finished)

    @property
    def deadline(self) -> float:
        """When the wait that is going on ends, by the monotonic clock."""
        return self._wire.deadline

    def excuse(self, seconds: float) -> None:
        """Let so many seconds not count as waiting for the server."""
        self._wire.excuse(seconds)

    def share(self, shared: bool) -> None:
        """Say whether other sessions of the thread wait while this one does."""
        if isinstance(self.client, SMTPClient):
            self.client.share(shared)

    def push(self) -> None:
        """Send the end of a content that waits for the group behind it."""
        if self._held:
            self._wire.push()
            self._held = False

    def settle(self) -> Steps[None]:
        """Read the answers that are still to come."""
        self.push()
        while self._unanswered:
            yield from self._read_answer()
        cancellation.register_abort(self.client)
        self.last_used = monotonic()

    def abandon(self, error: BaseException) -> list[Outgoing]:
        """Close the connection at once; what was handed over and not answered is ``uncertain``.

        Returns:
            Messages that were handed over and surely not taken, since the server answered 421 before them.
        """
        if self.client.sock is None:  # broken while writing: answers from before that may still be there
            try:
                while self._unanswered:
                    finish(self._read_answer())
            except OSError as last_words:
                error = last_words if getattr(last_words, "code", None) else error
        # Behind a 421 nothing was taken, if the server closes as it has to. With BDAT it might have gone on.
        left_untaken = getattr(error, "code", None) == 421 and (
            not self.offers.chunking or (isinstance(self.client, SMTPClient) and self.client.is_closing())
        )
        self.client.close()
        returned = []
        for item, recipients in self._unanswered:
            item.in_flight -= 1
            if left_untaken:
                item.handed_over = bool(item.results)
                item.waiting += [recipient for recipient in recipients if recipient not in item.waiting]
                returned.append(item)
            else:
                text = clean_text(f"no answer after the content: {error}")
                item.settle(recipients, RecipientResult("uncertain", text=text))
                self._conclude(item)
        self._unanswered.clear()
        return returned

    # -- the three ways through a transaction --

    def _send_pipelined(
        self, item: Outgoing, recipients: list[str], meanwhile: Callable[[], object]
    ) -> Steps[None]:
        resets = self._reset_due
        commands = [
            self.offers.mail_command(item),
            *[f"RCPT TO:<{recipient}>" for recipient in recipients],
            "DATA",
        ]
        if resets:
            commands.insert(0, "RSET")
        wire = self._wire
        groups = [commands[start : start + _GROUP] for start in range(0, len(commands), _GROUP)]
        replies: list[Reply] = []
        try:
            for octets, count in [(wire.encoded(group, item), len(group)) for group in groups]:
                yield from wire.write(item, octets)
                self._held = False
                if len(replies) + count == len(commands):
                    meanwhile()
                yield from self._answers_and_replies(item, count, replies)
        except OSError:
            settle_for_good(item, recipients, replies[resets:])
            raise
        del replies[:resets]
        self._reset_due = False
        accepted = weigh(item, recipients, replies[0], replies[1:-1])
        yield from self._after_data(item, accepted, replies[-1])

    def _answers_and_replies(self, item: Outgoing, count: int, replies: list[Reply]) -> Steps[None]:
        """Read the answers to what was sent before; append the replies to ``count`` commands behind it."""
        answers = len(self._unanswered)
        if answers:
            arrived = yield from self._wire.arrival(self._unanswered[0][0], answers + count)
            if arrived is not None:
                for answer in arrived[:answers]:
                    self._take(answer)
                for reply in arrived[answers:]:
                    if reply[0] == 421:
                        check_open(reply)
                    replies.append(reply)
                cancellation.register_abort(self.client)
                return
        yield from self.settle()
        yield from self._wire.replies(item, count, replies)

    def _send_in_lockstep(self, item: Outgoing, recipients: list[str]) -> Steps[None]:
        yield from self.settle()
        if self._reset_due:
            yield from self._wire.command(item, "RSET")
            self._reset_due = False
        mail = yield from self._wire.command(item, self.offers.mail_command(item))
        rcpts: list[Reply] = []
        try:
            for recipient in recipients if took(mail) else ():
                rcpts.append((yield from self._wire.command(item, _rcpt(recipient))))
        except OSError:
            settle_for_good(item, recipients, [mail, *rcpts])
            raise
        accepted = weigh(item, recipients, mail, rcpts)
        if accepted:
            reply = yield from self._wire.command(item, "DATA")
            yield from self._after_data(item, accepted, reply)
        else:
            self._reset_due = took(mail)

    def _after_data(self, item: Outgoing, accepted: list[str], reply: Reply) -> Steps[None]:
        """Send the content, or get out of the transaction when the server does not want it."""
        if reply[0] != 354:
            if accepted:
                check_in_step(reply)
            if took(reply):  # to what, when no content has left?
                raise ConnectionLost(f"the server answered DATA with {reply[0]}")
            item.settle(accepted, result_of(*reply))
            self._reset_due = True  # MAIL is still open on the other side
        elif accepted:
            yield from self._hand_over(item, accepted, item.stuffed(), hold=self.offers.pipelining)
        else:
            # Nobody is to get it, and DATA was granted all the same: end it with an empty content.
            yield from self._wire.write(item, b".\r\n")
            yield from self._wire.answer(item)

    def _send_chunk(self, item: Outgoing, recipients: list[str]) -> Steps[None]:
        # RSET in front: whatever became of the transaction before, this one starts clean.
        recipients = recipients[:_GROUP]
        commands = [
            "RSET",
            self.offers.mail_command(item),
            *map(_rcpt, recipients),
            f"BDAT {len(item.content)} LAST",
        ]
        yield from self._hand_over(item, recipients, self._wire.encoded(commands, item) + item.content)
        while len(self._unanswered) > BDAT_WINDOW:
            yield from self._read_answer()

    def _hand_over(
        self, item: Outgoing, recipients: list[str], content: bytes, *, hold: bool = False
    ) -> Steps[None]:
        cancellation.begin_content(self.client)
        waiting, item.waiting = item.waiting, []
        if len(recipients) < len(waiting):
            taken = set(recipients)
            item.waiting = [each for each in waiting if each not in taken]
        item.in_flight += 1
        self._unanswered.append((item, recipients))
        try:
            yield from self._wire.write(item, content, more=hold)
            self._held = hold
            item.handed_over = True
        except OSError:
            # The final dot never left. (After an interrupt nobody knows, and the message stays unanswered.)
            self._unanswered.pop()
            item.in_flight -= 1
            item.waiting = waiting
            if not self.offers.chunking:
                self._hear_why()
            raise

    def _hear_why(self) -> None:
        """Raise what the server said when it hung up amid the content, such as 552 for its size."""
        try:
            code, text = self._wire.last_words()
        except OSError:
            return  # nothing
        if code >= 400:
            raise ConnectionLost(f"{code} {clean_text(text)}", code, text)

    # -- answers --

    def _read_answer(self) -> Steps[None]:
        """Read the answer to the oldest content, in BDAT's case with all the replies before it."""
        item, recipients = self._unanswered[0]
        if self.offers.chunking:
            replies: list[Reply] = []
            yield from self._wire.replies(item, 2 + len(recipients), replies)
            _, mail, *rcpts = replies
            item.waiting += recipients
            accepted = weigh(item, recipients, mail, rcpts)
            item.waiting = [recipient for recipient in item.waiting if recipient not in accepted]
        else:
            accepted = None
        self._take((yield from self._wire.answer(item)), accepted)

    def _take(self, reply: Reply, accepted: list[str] | None = None) -> None:
        """Settle the oldest content by its answer, for those of its recipients who were ``accepted``."""
        if 300 <= reply[0] < 400:
            raise ConnectionLost(f"the server answered the content with {reply[0]}")
        item, recipients = self._unanswered.popleft()
        self.answered += 1
        item.in_flight -= 1
        item.settle(recipients if accepted is None else accepted, result_of(*reply))
        self._conclude(item)
        if reply[0] == 421:  # an answer to this content, and the end of the session
            check_open(reply)

    def _conclude(self, item: Outgoing) -> None:
        item.conclude(self.finished)
        if self.offers.chunking and item.waiting and not item.in_flight:
            self.unfinished.append(item)


def _rcpt(recipient: str) -> str:
    return f"RCPT TO:<{recipient}>"
