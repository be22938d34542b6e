"""The class of messages in several forms, as Django 5.2's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aerogram.exceptions import InvalidAttachment
from aerogram.mail.message.attachments import EmailAlternative, check_alternative_type, check_subtype
from aerogram.mail.message.email_message import EmailMessage
from aerogram.mail.message.safemime import SafeMIMEMultipart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


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
        from_email: object = None,
        to: Iterable[object] | None = None,
        bcc: Iterable[object] | None = None,
        connection: Any = None,
        attachments: Iterable[Any] | None = None,
        headers: Mapping[str, Any] | None = None,
        alternatives: Iterable[tuple[object, str]] | None = None,
        cc: Iterable[object] | None = None,
        reply_to: Iterable[object] | None = None,
    ) -> None:
        super().__init__(
            subject, body, from_email, to, bcc, connection, attachments, headers, cc, reply_to
        )  # fmt: skip
        self.alternatives: list[EmailAlternative] = [
            EmailAlternative(*alternative) for alternative in alternatives or ()
        ]

    def attach_alternative(self, content: object, mimetype: str) -> None:
        """Add another form of the body; the richest comes last.

        Args:
            content: the form, such as HTML text.
            mimetype: its type, such as ``text/html``.

        Raises:
            ValueError: content or type is missing, or the type is not ``type/subtype``.
        """
        if content is None or mimetype is None:
            raise InvalidAttachment("Both content and mimetype must be provided.")
        self.alternatives.append(EmailAlternative(content, check_alternative_type(mimetype)))

    def body_contains(self, text: str) -> bool:
        """Return whether ``text`` stands in the body and in every ``text/*`` alternative."""
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
