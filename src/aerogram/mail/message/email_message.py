"""The classes of messages, as Django 5.2's: plain data until ``message()`` checks and builds a MIME tree."""

from __future__ import annotations

import copy
from email.charset import Charset
from email.message import Message
from email.mime.base import MIMEBase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aerogram.conf import settings
from aerogram.exceptions import InvalidAttachment, InvalidContent
from aerogram.mail.address.entries import MailboxLike, check_list
from aerogram.mail.address.envelope import Addresses, Envelope, addresses_of, entry_texts, envelope_of
from aerogram.mail.characters import is_text
from aerogram.mail.delivery.dispatch import dispatch
from aerogram.mail.header.fields import header_fields
from aerogram.mail.header.rules import BLIND_HEADERS
from aerogram.mail.mailers import get_connection
from aerogram.mail.message.attachments import (
    DEFAULT_ATTACHMENT_MIME_TYPE,
    EmailAlternative,
    alternative_of,
    alternatives_of,
    arguments_of,
    attachment_of,
    check_alternative_type,
    check_media_type,
    check_subtype,
    checked_text,
    filename_parameter,
    settle_contents,
)
from aerogram.mail.message.inline_parts import split_attachments
from aerogram.mail.message.later import QueueableMessage
from aerogram.mail.message.reading import ReadableMessage
from aerogram.mail.message.safemime import SafeMIME, SafeMIMEMultipart, SafeMIMEText, part_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from os import PathLike

    from aerogram.mail.delivery.report import DeliveryReport


class EmailMessage(QueueableMessage, ReadableMessage):
    """A message to one or more recipients.

    Args:
        subject: one line; any object that ``str()`` accepts, including a lazy string.
        body: the text, with the media type ``text/`` + ``content_subtype``.
        from_email: the sender; by default, ``DEFAULT_FROM_EMAIL``.
        to: a list or tuple of mailboxes, each in a form of :data:`~aerogram.mail.MailboxLike`.
        bcc: mailboxes that appear in no header.
        connection: the backend that sends; by default, that of the settings.
        attachments: ``(filename, content, mimetype)`` triples, or MIME parts of the ``email`` package.
        headers: further headers. ``From``, ``To``, ``Cc``, ``Reply-To``, ``Date`` and ``Message-ID`` replace
            the header of that name, but not the envelope. ``Date`` may be a ``datetime``, in UTC if naive.
        cc: mailboxes of the Cc header.
        reply_to: mailboxes of the Reply-To header.

    Raises:
        TypeError: a single mailbox was given instead of a list.

    >>> mail = EmailMessage("Hello", "Good morning.", "me@example.com", ["you@example.com"])
    >>> mail.message()["To"]
    'you@example.com'
    """

    to: list[Any]
    cc: list[Any]
    bcc: list[Any]
    reply_to: list[Any]
    #: The subtype of the body: ``plain``, or ``html`` for a body that is HTML.
    content_subtype = "plain"
    #: The subtype of the multipart that holds body and attachments.
    mixed_subtype = "mixed"
    #: The character set, a name or an ``email.charset.Charset``; ``DEFAULT_CHARSET`` where ``None``.
    encoding: str | Charset | None = None
    #: The envelope sender, where it is not ``from_email``.
    return_path: str | None = None
    #: The message as it was written when it was queued: it is sent as it is.
    frozen: bytes | None = None
    #: Called before contents are written to a server: it returns those of its messages whose content may be.
    permit_contents: Callable[[Sequence[Any]], Collection[Any]] | None = None
    _delivery: DeliveryReport | None = None

    def __init__(
        self,
        subject: object = "",
        body: object = "",
        from_email: MailboxLike | None = None,
        to: Iterable[MailboxLike] | None = None,
        bcc: Iterable[MailboxLike] | None = None,
        connection: Any = None,
        attachments: Iterable[Any] | None = None,
        headers: Mapping[str, Any] | None = None,
        cc: Iterable[MailboxLike] | None = None,
        reply_to: Iterable[MailboxLike] | None = None,
    ) -> None:
        for name, entries in (("to", to), ("cc", cc), ("bcc", bcc), ("reply_to", reply_to)):
            if entries and not isinstance(entries, list):
                check_list(name, entries)
        self.to, self.cc, self.bcc, self.reply_to = map(list, (to or (), cc or (), bcc or (), reply_to or ()))
        # Neither a lazy text nor an object of the caller is evaluated here.
        no_sender = from_email is None or (isinstance(from_email, str) and not from_email)
        self.from_email: Any = settings.DEFAULT_FROM_EMAIL if no_sender else from_email
        self.subject = subject
        self.body: object = body if isinstance(body, str) or is_text(body) else body or ""
        self.attachments: list[Any] = []
        for attachment in attachments or ():
            self.attach(*arguments_of(attachment))
        self.extra_headers: Mapping[str, Any] = headers or {}
        self.connection: Any = connection

    @property
    def delivery(self) -> DeliveryReport | None:
        """The report of the last send; ``None`` before the first."""
        report = self._delivery
        return report if report is None else report.about(self)

    @delivery.setter
    def delivery(self, report: DeliveryReport | None) -> None:
        self._delivery = report

    def message(self) -> SafeMIMEText | SafeMIMEMultipart:
        """Build and check the message as a MIME tree; each call generates a new Message-ID.

        Raises:
            BadHeaderError: a header would break or forge the message.
            InvalidAddress: a sender or recipient is not exactly one mailbox.
            InvalidAttachment: an attachment has a type that cannot be written.
        """
        return self._build(addresses_of(self))

    def _build(self, addresses: Addresses) -> SafeMIMEText | SafeMIMEMultipart:
        """Return the MIME tree of a message whose addresses are read; otherwise as :meth:`message`."""
        fields = header_fields(self.subject, self.extra_headers, addresses)
        settle_contents(self)
        body = SafeMIMEText(checked_text(self.body), check_subtype(self.content_subtype), self._charset())
        mime: SafeMIMEText | SafeMIMEMultipart = self._create_message(body)
        for name in BLIND_HEADERS:  # which an overridden step may have set
            del mime[name]
        for name, value, mailboxes in fields:
            if mailboxes is not None and isinstance(mime, SafeMIME):
                mime.set_addresses(name, value, mailboxes)
            else:
                mime[name] = value
        return mime

    def _charset(self) -> str | Charset:
        charset: object = self.encoding or settings.DEFAULT_CHARSET
        if isinstance(charset, str | Charset):
            return charset
        raise InvalidContent(
            f"encoding is of type {type(charset).__name__}. Accepted: the name of a charset, or an "
            "email.charset.Charset."
        )

    def recipients(self) -> list[Any]:
        """Return to, cc and bcc as strings, without empty entries; invalid entries are returned unchanged.

        Raises:
            TypeError: one of them is a mailbox instead of a list.
        """
        everyone: list[Any] = []
        for name, entries in (("to", self.to), ("cc", self.cc), ("bcc", self.bcc)):
            if entries and not isinstance(entries, list):
                check_list(name, entries)
            everyone += filter(None, entries or ())
        return everyone if {str}.issuperset(map(type, everyone)) else entry_texts(everyone)

    def get_connection(self, fail_silently: bool = False) -> Any:
        """Return the backend that sends this message; the first call creates it from the settings."""
        if not self.connection:
            self.connection = get_connection(fail_silently=fail_silently)
        return self.connection

    def send(self, fail_silently: bool = False, *, using: str | None = None) -> int:
        """Send the message.

        Args:
            fail_silently: ignore a failed connection or delivery. Errors of the message itself are raised.
            using: the alias of a mailer in ``MAILERS``, for this one send.

        Returns:
            1, or 0 if the message has no recipients.
        """
        if not self.recipients():
            return 0
        with settings.frozen():
            if using is None:
                connection = self.get_connection(fail_silently)
            else:
                connection = get_connection(fail_silently=fail_silently, using=using)
            return dispatch(connection, [self], item=self.notification)

    def attach(self, filename: object = None, content: object = None, mimetype: str | None = None) -> None:
        """Attach a file, or a MIME part.

        Args:
            filename: the name of the file, or a MIME part alone. A message becomes ``message/rfc822``.
            content: a string or bytes; a file or another object with ``read()``, which is read at once from
                its current position; a ``pathlib.Path`` of a file; a message, for ``message/rfc822``.
            mimetype: ``type/subtype``; guessed from the name if it is None.

        Raises:
            OSError: the file does not exist or cannot be read.
            TypeError: the content is of another type.
            ValueError: the content is missing, the file is closed, the type is not ``type/subtype``, or a
                MIME part was given with further arguments.

        >>> mail = EmailMessage()
        >>> mail.attach("report.csv", "a,b", "text/csv")
        >>> mail.attachments
        [EmailAttachment(filename='report.csv', content='a,b', mimetype='text/csv')]
        """
        self.attachments.append(attachment_of(filename, content, mimetype))

    def attach_file(self, path: str | PathLike[str], mimetype: str | None = None) -> None:
        """Attach the file at ``path`` under its own name; it is read at once.

        Args:
            path: the file.
            mimetype: ``type/subtype``; guessed from the name if it is None.

        Raises:
            OSError: the file cannot be read.
        """
        path = Path(path)
        self.attach(path.name, path.read_bytes(), mimetype)

    def __deepcopy__(self, memo: dict[int, Any]) -> EmailMessage:
        # Without the connection, whose socket and lock cannot be copied, and the notification.
        copied = object.__new__(type(self))
        memo[id(self)] = copied
        for shared in (self.connection, self.notification):
            memo[id(shared)] = shared
        copied.__dict__ = copy.deepcopy(self.__dict__, memo)
        return copied

    # The steps of message(), which subclasses may override as they may Django's. A message that overrides one
    # is sent as message() returns it.

    def _create_message(self, msg: Any) -> Any:
        return self._create_attachments(self._create_alternatives(msg))

    def _create_alternatives(self, msg: Any) -> Any:
        return msg

    def _create_attachments(self, msg: Any) -> Any:
        if not self.attachments:
            return msg
        inline, attached = split_attachments(self)
        if inline:
            kind = msg.get_content_type()
            msg = SafeMIMEMultipart("related", None, [msg, *inline], self._charset(), type=kind)
        if not attached:
            return msg
        mixed = SafeMIMEMultipart(check_subtype(self.mixed_subtype), encoding=self._charset())
        if msg.get_payload():
            mixed.attach(msg)
        for each in attached:
            mixed.attach(each if isinstance(each, Message) else self._create_attachment(*each))
        return mixed

    def _create_mime_attachment(self, content: Any, mimetype: str) -> MIMEBase:
        return part_of(content, mimetype, self._charset())

    def _create_attachment(self, filename: Any, content: Any, mimetype: str | None = None) -> MIMEBase:
        mimetype = check_media_type(mimetype or DEFAULT_ATTACHMENT_MIME_TYPE)
        part = self._create_mime_attachment(content, mimetype)
        if filename:
            part.add_header("Content-Disposition", "attachment", filename=filename_parameter(filename))
        return part


class EmailMultiAlternatives(EmailMessage):
    """A message in several forms, usually plain text as the body and HTML as an alternative.

    The arguments are those of :class:`EmailMessage`, with ``alternatives``, ``(content, mimetype)`` pairs,
    before ``cc``.

    >>> mail = EmailMultiAlternatives("Hello", "Good morning.", to=["you@example.com"])
    >>> mail.attach_alternative("<p>Good morning.", "text/html")
    >>> mail.message().get_content_type()
    'multipart/alternative'
    """

    #: The subtype of the multipart that holds the forms.
    alternative_subtype = "alternative"

    def __init__(
        self,
        subject: object = "",
        body: object = "",
        from_email: MailboxLike | None = None,
        to: Iterable[MailboxLike] | None = None,
        bcc: Iterable[MailboxLike] | None = None,
        connection: Any = None,
        attachments: Iterable[Any] | None = None,
        headers: Mapping[str, Any] | None = None,
        alternatives: Iterable[tuple[object, str]] | None = None,
        cc: Iterable[MailboxLike] | None = None,
        reply_to: Iterable[MailboxLike] | None = None,
    ) -> None:
        super().__init__(subject, body, from_email, to, bcc, connection, attachments, headers, cc, reply_to)
        self.alternatives: list[EmailAlternative] = alternatives_of(alternatives) if alternatives else []

    def attach_alternative(self, content: object, mimetype: str) -> None:
        """Add another form of the body; the richest comes last.

        Args:
            content: the form, such as HTML text; a file or path is read as by :meth:`attach`.
            mimetype: its type, such as ``text/html``.

        Raises:
            TypeError: the content is of another type, such as a MIME part.
            ValueError: content or type is missing, or the type is not ``type/subtype``.
        """
        if content is None or mimetype is None:
            raise InvalidAttachment("Both content and mimetype must be provided.")
        self.alternatives.append(alternative_of(content, mimetype))

    def body_contains(self, text: str) -> bool:
        """Return whether the body and every ``text/*`` alternative contain ``text``."""
        forms = [content for content, mimetype in self.alternatives if mimetype.startswith("text/")]
        return all(text in str(form) for form in (self.body, *forms))

    def _create_alternatives(self, msg: Any) -> Any:
        if not self.alternatives:
            return msg
        forms = SafeMIMEMultipart(check_subtype(self.alternative_subtype), encoding=self._charset())
        if msg.get_payload():
            forms.attach(msg)
        for content, mimetype in self.alternatives:
            forms.attach(self._create_mime_attachment(content, check_alternative_type(mimetype)))
        return forms


# Taken at import, so that one replaced later is seen as replaced.
_recipients = EmailMessage.recipients


def read_envelope(message: EmailMessage, *, utf8: bool = False) -> tuple[Addresses, Envelope]:
    """Read the addresses of a message, once for header and envelope; ``utf8`` allows them beyond ASCII."""
    addresses = addresses_of(message, utf8=utf8)
    is_plain = type(message).recipients is _recipients and "recipients" not in vars(message)
    return addresses, envelope_of(message, utf8=utf8, addresses=addresses if is_plain else None)
