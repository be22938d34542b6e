"""Every error Aerogram raises, in one tree.

Each class is also the standard error a caller would expect, so ``except ValueError`` and
``except smtplib.SMTPException`` keep working::

    AerogramError
    ├── ImproperlyConfigured (ValueError)         a setting is unknown, wrong, or missing
    │   ├── UnknownSetting (AttributeError)       there is no setting of that name
    │   ├── MissingDependency (ImportError)       an optional package is not installed
    │   ├── BackendNotFound (ImportError)         there is no mail backend at that dotted path
    │   └── InvalidMailer                         an entry of MAILERS cannot work
    │       └── MailerDoesNotExist (KeyError)     there is no entry of that alias
    ├── MessageError (ValueError)                 a message that cannot be written
    │   ├── BadHeaderError                        a header that would break or forge the message
    │   ├── InvalidAddress                        not exactly one mailbox
    │   │   └── ForgedAddress (BadHeaderError)    an address with a newline or control character
    │   ├── InvalidAttachment                     a file name, type or content that cannot be attached
    │   │   ├── InvalidContent (TypeError)        a content that is neither text, bytes nor a file
    │   │   └── ForgedAttachment (BadHeaderError) a media type with a newline or control character
    │   └── NoRecipients                          a notification without recipients
    ├── NotificationError                         a notification class is invalid, missing or doubled
    │   ├── DeclarationError (TypeError, ValueError)  a declaration of the class is invalid
    │   ├── PayloadError (TypeError, ValueError)  fields that JSON cannot hold, or invalid JSON data
    │   ├── DuplicateNotification (ValueError)    two classes have one name
    │   └── NotificationNotFound (LookupError)    there is no class of that name
    ├── RenderError                               a notification could not be rendered
    │   ├── TemplateNotFound (LookupError)        no loader finds it
    │   ├── TemplateSyntaxError (ValueError)      it does not parse
    │   ├── UndefinedVariableError (NameError)    it uses an undefined variable or attribute
    │   ├── UnprintableError (TypeError)          it prints None, a function, or another such value
    │   ├── UnknownBlockError (LookupError)       it fills a block that no parent has
    │   └── DocumentError (ValueError)            too large, too deep, or unsafe to inline
    ├── TooManyRecipients (ValueError)            a send that a fuse refused
    ├── OutputError (OSError)                     a folder or file that cannot be written
    ├── ListenError (OSError)                     a local server cannot listen on that address or port
    ├── OutboxError                               the base class of the errors of the outbox
    │   ├── OutboxUnavailable (OSError)           its database cannot be reached or written
    │   ├── OutboxSchemaError                     its tables are missing, or of an unsupported version
    │   ├── ScheduleError (TypeError, ValueError) an invalid time, priority or key
    │   ├── KeyConflictError (ValueError)         another mail was queued with the same key
    │   ├── EntryNotFound (LookupError)           there is no entry of that id
    │   └── EntryStateError (ValueError)          its state does not allow the operation
    └── DeliveryError (smtplib.SMTPException)     at least one message did not reach every recipient

No text contains a password, a token, a body or a whole list of addresses.
"""

from __future__ import annotations

from smtplib import SMTPException
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from aerogram.mail.delivery.report import DeliveryReport

__all__ = [
    "AerogramError",
    "BackendNotFound",
    "BadHeaderError",
    "DeclarationError",
    "DeliveryError",
    "DocumentError",
    "DuplicateNotification",
    "EntryNotFound",
    "EntryStateError",
    "ForgedAddress",
    "ForgedAttachment",
    "ImproperlyConfigured",
    "InvalidAddress",
    "InvalidAttachment",
    "InvalidContent",
    "InvalidMailer",
    "KeyConflictError",
    "ListenError",
    "MailerDoesNotExist",
    "MessageError",
    "MissingDependency",
    "NoRecipients",
    "NotificationError",
    "NotificationNotFound",
    "OutboxError",
    "OutboxSchemaError",
    "OutboxUnavailable",
    "OutputError",
    "PayloadError",
    "RenderError",
    "ScheduleError",
    "TemplateNotFound",
    "TemplateSyntaxError",
    "TooManyRecipients",
    "UndefinedVariableError",
    "UnknownBlockError",
    "UnknownSetting",
    "UnprintableError",
]


class AerogramError(Exception):
    """The root of all errors that Aerogram raises."""

    def __str__(self) -> str:
        # Not that of KeyError, which shows the text as a repr.
        return Exception.__str__(self)


class ImproperlyConfigured(AerogramError, ValueError):
    """A setting is unknown, has a wrong value, or is missing where it is needed."""


class UnknownSetting(ImproperlyConfigured, AttributeError):
    """There is no setting of that name."""


class MissingDependency(ImproperlyConfigured, ImportError):
    """An optional package is needed but not installed; the text names the extra that installs it."""

    template: str | None = None
    line: int | None = None


class BackendNotFound(ImproperlyConfigured, ImportError):
    """There is no mail backend at a dotted path."""


class InvalidMailer(ImproperlyConfigured):
    """An entry of ``MAILERS`` cannot work."""


class MailerDoesNotExist(InvalidMailer, KeyError):
    """``MAILERS`` has no entry with that alias."""


class MessageError(AerogramError, ValueError):
    """A message that cannot be serialised."""


class BadHeaderError(MessageError):
    """A header name or value that would break or forge the message."""


class InvalidAddress(MessageError):
    """A string or object that is not exactly one mailbox."""


class ForgedAddress(InvalidAddress, BadHeaderError):
    """An address that contains a newline, a control character or half of a surrogate pair."""


class InvalidAttachment(MessageError):
    """A file name, media type or content that cannot be attached."""


class InvalidContent(InvalidAttachment, TypeError):
    """A content that is neither text nor bytes, and cannot be read as a file."""


class ForgedAttachment(InvalidAttachment, BadHeaderError):
    """A media type that contains a newline, a control character or half of a surrogate pair."""


class NoRecipients(MessageError):
    """A notification whose to, cc and bcc are all empty."""

    @classmethod
    def of(cls, notification: object) -> Self:
        """Return the error for a notification; its text names the class."""
        return cls(
            f"{type(notification).__qualname__} has no recipients: to, cc and bcc are all empty. "
            "Declare 'to' as a list of addresses, or don't send it."
        )


class NotificationError(AerogramError):
    """A notification class is invalid, missing or duplicated."""


class DeclarationError(NotificationError, TypeError, ValueError):
    """A class that cannot work as it is declared.

    It is a ``TypeError``, which dataclasses raise for an invalid class body, and a ``ValueError``, because
    the value of a declaration is invalid.
    """


class PayloadError(NotificationError, TypeError, ValueError):
    """Fields that cannot be written as JSON, or data that :meth:`Notification.to_dict` did not write.

    It is a ``TypeError`` because a value has the wrong type, and a ``ValueError`` because data is wrong.
    """


class DuplicateNotification(NotificationError, ValueError):
    """Two notification classes have one name."""


class NotificationNotFound(NotificationError, LookupError):
    """No notification class has that name."""


class RenderError(AerogramError):
    """A notification could not be rendered.

    Args:
        text: the message of the error.
        template: the name of the template, if known.
        line: the line in the template, from 1, if known.
    """

    def __init__(self, text: str, *, template: str | None = None, line: int | None = None) -> None:
        super().__init__(text)
        self.template = template
        self.line = line


class TemplateNotFound(RenderError, LookupError):
    """No loader finds a template of that name."""


class TemplateSyntaxError(RenderError, ValueError):
    """A template that does not parse."""


class UndefinedVariableError(RenderError, NameError):
    """A template uses an undefined variable or attribute."""


class UnprintableError(RenderError, TypeError):
    """A template prints a value without a string form, such as None, a function or a macro."""


class UnknownBlockError(RenderError, LookupError):
    """A template fills a block that none of its parents has, so that its content would not appear."""


class DocumentError(RenderError, ValueError):
    """An HTML document that is too large, too deep, or unsafe to inline."""


class TooManyRecipients(AerogramError, ValueError):
    """A send has more recipients than the fuse of its mailer allows; nothing was sent."""


class OutputError(AerogramError, OSError):
    """A folder or file that cannot be written."""


class ListenError(AerogramError, OSError):
    """A local server cannot listen: the address is not a loopback address, or the port is in use."""


class OutboxError(AerogramError):
    """The base class of all errors of the outbox."""


class OutboxUnavailable(OutboxError, OSError):
    """The database of the outbox cannot be reached, read or written.

    Nothing was queued, with one exception: if the connection broke during the commit and could not be opened
    again, the mail may be queued. Queueing it again with the same ``key`` results in one entry in either
    case.
    """


class OutboxSchemaError(OutboxError):
    """The tables of the outbox are missing, or have a version that this code does not support."""


class ScheduleError(OutboxError, TypeError, ValueError):
    """An argument that the outbox does not accept, such as the delay, expiry, key or session of a mail."""


class KeyConflictError(OutboxError, ValueError):
    """A mail with different content was queued with the same key."""


class EntryNotFound(OutboxError, LookupError):
    """The outbox has no entry of that id."""


class EntryStateError(OutboxError, ValueError):
    """The state of an entry does not allow an operation, such as cancelling a mail that is being sent."""


class DeliveryError(AerogramError, SMTPException):
    """At least one message of a batch did not reach every recipient.

    Args:
        text: the message of the error.
        sent: the number of messages accepted for at least one recipient.
        reports: a :class:`~aerogram.mail.DeliveryReport` for each message that was not accepted for every
            recipient.
    """

    def __init__(self, text: str, *, sent: int = 0, reports: Sequence[DeliveryReport] = ()) -> None:
        super().__init__(text)
        self.sent = sent
        self.reports: tuple[DeliveryReport, ...] = tuple(reports)


def describe(error: BaseException) -> str:
    """Return an error's text and notes, with the name of its class unless it is one of this tree."""
    kind = "" if isinstance(error, AerogramError) else f"{type(error).__name__}: "
    lines = [f"{kind}{error}"]
    for note in getattr(error, "__notes__", ()):
        lines.append(note[:1].upper() + note[1:] if lines[-1].endswith(".") else note)
    return "\n".join(lines)
