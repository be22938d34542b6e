"""One SMTP session after EHLO, TLS and login, as a state machine without input and output.

:meth:`Session.begin` starts a transaction; :meth:`Session.data_to_send` gives what to write to the server and
:meth:`Session.receive_data` takes what the server wrote. With PIPELINING (RFC 2920) a message costs one wait:
MAIL, RCPT and DATA go out together, right behind the content of the message before::

    client   MAIL RCPT DATA              content. MAIL RCPT DATA                    content. ...
    server                  250 250 354                          250   250 250 354
             first message ..........................its answer  ^^^   second message

Nothing follows the first content of a session, nor any content where the server has lost what followed one
(:class:`aerogram.mail.smtp.capabilities.ContentPipelining`): the group waits for the answer then.

Without PIPELINING every command waits for its reply. With CHUNKING, where it is asked for, the content
follows its RCPTs as BDAT (RFC 3030), and a message may begin while up to ``BDAT_WINDOW`` contents await their
answers.
"""

from __future__ import annotations

import contextlib
from collections import deque

from aerogram.mail.characters import clean_text
from aerogram.mail.delivery.report import RecipientResult
from aerogram.mail.smtp.capabilities import Capabilities, ContentPipelining
from aerogram.mail.smtp.replies import ConnectionLost, Reply, ReplyParser, is_goodbye
from aerogram.mail.smtp.transaction import OutgoingMessage, Transaction, permitted

__all__ = ["BDAT_WINDOW", "Session"]

BDAT_WINDOW = 8
_GROUP = 100  # commands in one write: their replies fit any socket buffer, so neither side blocks the other
_STOPPED = RecipientResult("deferred", text="stopped before the content")
_LOST_COMMAND = (500, 502)  # to the rest of a line whose beginning was discarded behind a content


class Session:
    """Transactions of one connection, one after the other.

    A method that raises :class:`ConnectionLost` has met the end of the session; the owner closes the
    connection and calls :meth:`end`.
    """

    def __init__(
        self, capabilities: Capabilities, content_pipelining: ContentPipelining | None = None
    ) -> None:
        self.capabilities = capabilities
        self.finished: deque[OutgoingMessage] = deque()  # every recipient has a result
        self.returned: deque[OutgoingMessage] = deque()  # they need another transaction
        self.transactions: int = 0  # begun
        self.answered: int = 0  # contents
        self.unpermitted: OutgoingMessage | None = None  # its content waits for permit()
        self.is_to_blame: bool = False  # it broke for a reason that is not the messages it interrupted
        self._content_pipelining = content_pipelining or ContentPipelining()
        self._follower: Transaction | None = None  # whose commands follow a content; none is answered yet
        self._parser = ReplyParser()
        self.output: list[bytes] = []  # of data_to_send()
        self._commands: list[str] = []  # of the current transaction, not written yet
        self._current: Transaction | None = None  # whose commands are not all answered
        # Replies, in their order, by the first word of the command; the answer to a content is "content".
        self._awaited: deque[tuple[str, Transaction]] = deque()
        self._unwritten: Transaction | None = None  # whose content is in the output
        self._behind_unwritten = 0  # octets of the output behind that content
        self._reset_is_due = False
        self._goodbye = False  # a 421 came before the answer to a content that was written already
        self._interrupted: list[OutgoingMessage] = []

    @property
    def is_ready(self) -> bool:
        """True if the next message may begin; answers to contents may still be awaited."""
        if not self.capabilities.chunking:
            return self._current is None
        return len(self.open_contents()) <= (BDAT_WINDOW if self.follows_contents else 0)

    @property
    def follows_contents(self) -> bool:
        """True if a group may be written behind a content that has no answer yet."""
        return self.capabilities.pipelining and self.answered > 0 and self._content_pipelining.permits(self)

    @property
    def is_waiting(self) -> bool:
        """True if a reply is awaited."""
        return bool(self._awaited)

    @property
    def awaited(self) -> tuple[OutgoingMessage, bool]:
        """The message whose reply comes next, and whether that is the answer to its content."""
        verb, transaction = self._awaited[0]
        return transaction.message, verb == "content"

    def open_contents(self) -> list[Transaction]:
        """Return the transactions whose content has no answer yet."""
        return [transaction for verb, transaction in self._awaited if verb == "content"]

    def begin(self, message: OutgoingMessage) -> None:
        """Begin a transaction for recipients of ``message``; some may have to wait for another one."""
        capabilities = self.capabilities
        objection = capabilities.objection(message)
        if (
            objection is None
            and capabilities.chunking
            and message.needs_permission
            and not permitted([message])
        ):
            objection = _STOPPED  # the content follows the commands at once
        if objection is None and message.needs_eight_bit and not (message.utf8 or capabilities.eight_bit):
            objection = message.make_seven_bit()  # it was serialised for a server that offered more
        if objection is not None:
            message.settle_waiting(objection)
            self._conclude(message)
            return
        recipients = capabilities.next_group(message.waiting)
        if capabilities.chunking:
            recipients = recipients[:_GROUP]
        commands = ["RSET"] if self._reset_is_due else []
        commands.append(capabilities.mail_command(message))
        commands += [f"RCPT TO:<{recipient}>" for recipient in recipients]
        # Whatever becomes of a transaction with BDAT, the next one starts clean.
        self._reset_is_due = capabilities.chunking
        self.transactions += 1
        transaction = Transaction(message, recipients)
        if capabilities.chunking:
            if self._awaited:
                self._content_pipelining.begin(self)
            self._write(transaction, commands)
            self._write_content(transaction, b"BDAT %d LAST\r\n%b" % (message.size, message.content))
        else:
            self._current, self._commands = transaction, [*commands, "DATA"]
            self._go_on(transaction)

    def _go_on(self, transaction: Transaction) -> None:
        """Write the next commands, or end a transaction that was refused before DATA was written."""
        if self._commands and transaction.is_refused:
            self._commands.clear()
        if self._commands:
            # The server may have to answer others before: RFC 2920 section 3.1.
            if not self._awaited or (
                self.follows_contents
                and self._awaited[-1][0] == "content"
                and self._content_pipelining.begin(self)
            ):
                size = _GROUP if self.capabilities.pipelining else 1
                group, self._commands = self._commands[:size], self._commands[size:]
                self._write(transaction, group)
        elif not self._awaited:
            transaction.apply_recipient_replies()
            self._end(transaction)

    def _write(self, transaction: Transaction, commands: list[str]) -> None:
        if self._awaited:  # the answer to a content
            self._follower = transaction
        lines = "\r\n".join([*commands, ""]).encode("utf-8" if transaction.message.utf8 else "ascii")
        self.output.append(lines)
        self._behind_unwritten += len(lines)
        self._awaited.extend([(command[:4], transaction) for command in commands])

    def _write_content(self, transaction: Transaction, content: bytes) -> None:
        self.output.append(content)
        self._awaited.append(("content", transaction))
        self._unwritten, self._behind_unwritten = transaction, 0

    def data_to_send(self) -> bytes:
        """Return what to write now; call :meth:`data_sent` as it is written."""
        data = b"".join(self.output)
        self.output.clear()
        return data

    def data_sent(self, left: int = 0) -> None:
        """Record that :meth:`data_to_send` was written but for the last ``left`` octets."""
        if self._unwritten is not None and left <= self._behind_unwritten:
            self._unwritten.is_written = True
            if self._unwritten.recipients or self.capabilities.chunking:  # else it is the empty content
                self._unwritten.message.handed_over = True
            self._unwritten = None

    def receive_data(self, octets: bytes) -> bool:
        """Take in what the server sent; return whether that completed a reply."""
        self._parser.feed(octets)
        expected = len(self._awaited)
        completed = False
        while (reply := self._parser.next_reply()) is not None:
            if not expected and self._unwritten is None:  # a later command must not take it for its own
                _check_in_step(reply, 421)
                raise ConnectionLost("the server sent a reply that no command had asked for")
            expected -= 1
            self._handle(reply)
            completed = True
        return completed

    def _handle(self, reply: Reply) -> None:
        verb, transaction = self._awaited[0]
        if verb == "content":
            self._handle_content_reply(transaction, reply)
            return
        chunking = self.capabilities.chunking
        if reply.code == 421 and not chunking:  # the session is over, whatever was asked
            raise ConnectionLost(str(reply), reply)
        self._awaited.popleft()
        if verb == "DATA":
            self._handle_data_reply(transaction, reply)
            return
        is_positive = reply.is_positive
        if not (is_positive or self._goodbye) and (verb == "MAIL" or transaction.mail_accepted):
            _check_in_step(reply, *_LOST_COMMAND if transaction is self._follower else ())
        if verb == "MAIL":
            transaction.mail, transaction.mail_accepted = reply, is_positive
        elif verb == "RCPT":
            transaction.rcpts.append(reply)
        elif not (is_positive or chunking):
            self.is_to_blame = True  # its last transaction stays open: only a new connection helps
            raise ConnectionLost(f"the server refused RSET: {reply}", reply)
        if reply.code == 421:
            self._goodbye = True
            raise ConnectionLost(str(reply), reply)
        if transaction is self._follower:
            self._follower = None
            self._content_pipelining.end(self, works=True)
        if not (chunking or self._awaited):
            self._go_on(transaction)

    def _handle_data_reply(self, transaction: Transaction, reply: Reply) -> None:
        """Write the content, or leave the transaction when the server does not want it."""
        if reply.is_positive:  # no reply to any command can be trusted then
            raise ConnectionLost(f"the server answered DATA with {reply.code}")
        transaction.apply_recipient_replies()
        if reply.code == 354:
            if transaction.recipients and transaction.message.needs_permission:
                self.unpermitted = transaction.message
            else:
                self._write_current_content(transaction)
            return
        if transaction.recipients:
            _check_in_step(reply)
        transaction.settle(reply)
        self._end(transaction)

    def permit(self, is_permitted: bool) -> None:
        """Write the content of :attr:`unpermitted`, or raise ConnectionLost if it must not leave."""
        message, transaction = self.unpermitted, self._current
        self.unpermitted = None
        if message is None or transaction is None:
            raise RuntimeError("no content waits for permission")
        if not is_permitted:
            message.time_left = 0  # it is not tried again over another connection
            raise ConnectionLost(_STOPPED.text)  # the server expects a content, and discards what it has
        self._write_current_content(transaction)

    def _write_current_content(self, transaction: Transaction) -> None:
        # If no recipient was accepted, and DATA was granted all the same, an empty content ends it.
        self._write_content(
            transaction, transaction.message.stuffed() if transaction.recipients else b".\r\n"
        )
        self._current = None
        if transaction.message.waiting or not transaction.recipients:
            self._conclude(transaction.message)

    def _handle_content_reply(self, transaction: Transaction, reply: Reply) -> None:
        if 300 <= reply.code < 400:
            raise ConnectionLost(f"the server answered the content with {reply.code}")
        if not transaction.is_written:  # it hung up amid the content, such as 552 for its size
            raise ConnectionLost(str(reply), reply)
        self._awaited.popleft()
        self.answered += 1
        if self._goodbye and not reply.is_positive:
            self._interrupt(transaction)
            return
        if self.capabilities.chunking:
            transaction.apply_recipient_replies()
        transaction.settle(reply)
        if transaction.recipients or self.capabilities.chunking:
            self._conclude(transaction.message)
        if self._current is not None:
            self._go_on(self._current)
        if reply.code == 421:  # an answer to this content, and the end of the session
            raise ConnectionLost(str(reply), reply)

    def _end(self, transaction: Transaction) -> None:
        """End a transaction without a content; the server may still have it open."""
        self._current = None
        self._reset_is_due = transaction.mail_accepted
        self._conclude(transaction.message)

    def _conclude(self, message: OutgoingMessage) -> None:
        if message.is_done:
            self.finished.append(message)
        elif message.waiting:
            self.returned.appendleft(message)

    def end(
        self, error: BaseException, last_words: bytes = b"", *, is_closed: bool = False, is_ours: bool = False
    ) -> list[OutgoingMessage]:
        """Close every open transaction, and return the messages that were interrupted.

        What was handed over and not answered is ``uncertain``, unless the server closed the connection behind
        a 421 (``is_closed``). After an ``OSError``, what :meth:`data_sent` has not confirmed did not arrive
        whole. ``is_ours``: this side has closed the connection.
        """
        if not isinstance(error, OSError):
            if not self.output:  # else the content still waits for the commands of the next message
                self.data_sent()
        elif self._follower is not None and not (is_goodbye(error) or is_ours):
            self.is_to_blame = True
        self._content_pipelining.end(
            self, works=False if self.is_to_blame and self._follower is not None else None
        )
        self._parser.feed(last_words)
        with contextlib.suppress(ConnectionLost):
            while self._goodbye and self._awaited and (reply := self._parser.next_reply()) is not None:
                with contextlib.suppress(ConnectionLost):  # 421 to each command
                    self._handle(reply)
        took_nothing = is_closed and not self._parser  # nor said anything more
        for transaction in self.open_contents():
            if transaction.is_written and not took_nothing and not transaction.message.is_done:
                transaction.leave_uncertain(clean_text(f"no answer after the content: {error}"))
                self._conclude(transaction.message)
            else:
                self._interrupt(transaction)
        if self._current is not None:
            self._interrupt(self._current)
        self._awaited.clear()
        self._current = None
        return self._interrupted

    def _interrupt(self, transaction: Transaction) -> None:
        message = transaction.message
        if message.is_done:  # every recipient was refused before the content, which was empty
            return
        if transaction.is_written:
            message.handed_over = bool(message.results)
        transaction.give_back()
        self._interrupted.append(message)


def _check_in_step(reply: Reply, *wrong: int) -> None:
    if reply.code in (503, *wrong) or 300 <= reply.code < 400:
        raise ConnectionLost(str(reply), reply)
