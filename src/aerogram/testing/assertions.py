"""Assertions about the mail that was sent. A failure lists what was sent, the nearest mail first."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, overload

from aerogram import mail
from aerogram.conf import settings
from aerogram.exceptions import AerogramError
from aerogram.mail.address.parser import parse_mailbox
from aerogram.mail.capture import current_capture
from aerogram.naming import snake_case

if TYPE_CHECKING:
    from aerogram.mail.message.email_message import EmailMessage, EmailMultiAlternatives
    from aerogram.notification import Notification

    Sent = TypeVar("Sent", bound=Notification)

    class SentMail(EmailMultiAlternatives, Generic[Sent]):
        """The message of a notification of a known class."""

        notification: Sent

    Kind = type[Notification] | type[EmailMessage] | str
    Subject = str | re.Pattern[str]
    Names = str | int | Iterable[str]

SHOWN = 10
"""How many messages a failure lists."""


@overload
def assert_mail_sent(
    kind: type[Sent],
    *,
    to: Any = None,
    subject: Subject | None = None,
    count: int | None = None,
    attachments: Names | None = None,
    messages: Sequence[EmailMessage] | None = None,
) -> SentMail[Sent]: ...


@overload
def assert_mail_sent(
    kind: type[EmailMessage] | str | None = None,
    *,
    to: Any = None,
    subject: Subject | None = None,
    count: int | None = None,
    attachments: Names | None = None,
    messages: Sequence[EmailMessage] | None = None,
) -> EmailMessage: ...


def assert_mail_sent(
    kind: Kind | None = None,
    *,
    to: Any = None,
    subject: Subject | None = None,
    count: int | None = None,
    attachments: Names | None = None,
    messages: Sequence[EmailMessage] | None = None,
) -> EmailMessage:
    """Assert that mail was sent that meets all of the given conditions.

    Args:
        kind: the class of the notification, its name, or a class of messages.
        to: a mailbox in any form, or several; each must be among the recipients, in To, Cc or Bcc.
        subject: the whole subject, or a compiled pattern to search for in it.
        count: the number of matching messages; at least one if it is None.
        attachments: a file name, or several, each of which must be attached; or the number of attachments.
        messages: the messages to search; by default, those of the innermost ``capture_mail()`` or fixture.
            Without one, those of ``aerogram.mail.outbox``, or in a Django test of
            ``django.core.mail.outbox``.

    Returns:
        The message; the last one if there are several. Type checkers know the type of its ``notification``
        if a class is given.

    Raises:
        AssertionError: another number of messages meets the conditions. The text lists the sent messages.
        ValueError: ``count`` is below 1.

    >>> from aerogram.mail import send_mail
    >>> from aerogram.testing import capture_mail
    >>> with capture_mail():
    ...     send_mail("Hello", "Good morning.", None, ["ann@example.com"])
    ...     assert_mail_sent(to="ann@example.com", subject="Hello")
    1
    <EmailMultiAlternatives 'Hello' to 1 recipient>
    """
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
        raise ValueError(
            f"count is {count!r:.50}. Accepted: 1 or more; for none, use assert_mail_not_sent()."
        )
    wanted, sent = Conditions(kind, to, subject, attachments), _sent(messages)
    found = [each for each in sent if not wanted.unmet(each)]
    if len(found) != (count or max(len(found), 1)):
        many = f"{len(found)} mails match" if found else "No mail matches"
        expected = f" {count} expected." if count is not None else ""
        _fail(f"{many} {wanted}.{expected}", sent, wanted)
    message: EmailMessage = found[-1]
    return message


def assert_mail_not_sent(
    kind: Kind | None = None,
    *,
    to: Any = None,
    subject: Subject | None = None,
    attachments: Names | None = None,
    messages: Sequence[EmailMessage] | None = None,
) -> None:
    """Assert that no sent mail meets all of the given conditions.

    The arguments are those of :func:`assert_mail_sent`.

    Raises:
        AssertionError: such mail was sent.
    """
    wanted, sent = Conditions(kind, to, subject, attachments), _sent(messages)
    if found := [each for each in sent if not wanted.unmet(each)]:
        matches = "mail matches" if len(found) == 1 else "mails match"
        _fail(f"{len(found)} {matches} {wanted}; none was expected.", sent, wanted)


def assert_no_mail(messages: Sequence[EmailMessage] | None = None) -> None:
    """Assert that no mail was sent at all.

    Args:
        messages: as in :func:`assert_mail_sent`.

    Raises:
        AssertionError: mail was sent.
    """
    if sent := _sent(messages):
        _fail("No mail was expected.", sent, Conditions())


@dataclass(frozen=True)
class Conditions:
    """What a message must be like."""

    kind: Any = None
    to: Any = None
    subject: str | re.Pattern[str] | None = None
    attachments: str | int | Iterable[str] | None = None

    def __post_init__(self) -> None:
        if not (self.kind is None or isinstance(self.kind, type | str)):
            raise TypeError(
                f"kind is of type {type(self.kind).__name__}. Accepted: a class of notifications or "
                "messages, or the name of a notification."
            )

    def unmet(self, message: Any) -> list[str]:
        """Return the names of the conditions that a message does not meet."""
        checks = {
            "kind": self.kind is None or _is_kind(message, self.kind),
            "to": self.to is None or _addresses(_listed(self.to)) <= _addresses(_recipients(message)),
            "subject": self.subject is None or self._has_subject(str(message.subject)),
            "attachments": self.attachments is None or self._has_attachments(_attachments(message)),
        }
        return [name for name, is_met in checks.items() if not is_met]

    def _has_subject(self, subject: str) -> bool:
        if isinstance(self.subject, re.Pattern):
            return self.subject.search(subject) is not None
        return subject == self.subject

    def _has_attachments(self, names: list[str]) -> bool:
        if isinstance(self.attachments, int):
            return len(names) == self.attachments
        wanted = _listed(self.attachments)
        return set(wanted) <= set(names) if wanted else not names

    def __str__(self) -> str:
        subject = self.subject.pattern if isinstance(self.subject, re.Pattern) else self.subject
        words = [
            *([getattr(self.kind, "__name__", str(self.kind))] if self.kind is not None else []),
            *([f"to {_shortened(map(str, _listed(self.to)))}"] if self.to is not None else []),
            *([f"with the subject {subject!r}"] if subject is not None else []),
            *([f"with the attachments {self.attachments!r}"] if self.attachments is not None else []),
        ]
        return ", ".join(words) or "(any mail)"


def _sent(messages: Sequence[EmailMessage] | None) -> Sequence[Any]:
    if messages is not None:
        return messages
    if (capture := current_capture()) is not None:
        return capture.messages
    if settings.EMAIL_CAPTURE == "django:":  # in a test of Django
        return sys.modules["django.core.mail"].outbox  # type: ignore[no-any-return]  # the list
    kept = [settings.EMAIL_BACKEND, settings.EMAIL_CAPTURE, *map(str, settings.MAILERS.values())]
    if "outbox" in vars(mail) or any("locmem" in each for each in kept):
        return mail.outbox
    raise AssertionError(
        "No mail is being captured. Use the fixture mailoutbox or aerogram_outbox, make the assertion "
        "inside 'with capture_mail():', or pass messages=."
    )


def _fail(problem: str, sent: Sequence[Any], wanted: Conditions) -> NoReturn:
    nearest = sorted(sent, key=lambda message: len(wanted.unmet(message)))
    lines = [_line(message, wanted.unmet(message)) for message in nearest[:SHOWN]]
    if len(sent) > SHOWN:
        lines.append(f"... and {len(sent) - SHOWN} more")
    if not lines:
        raise AssertionError(f"{problem} No mail was sent.")
    raise AssertionError("\n  ".join([f"{problem} Sent, best match first:", *lines]))


def _line(message: Any, unmet: list[str]) -> str:
    kind = type(getattr(message, "notification", None) or message).__name__
    names = _attachments(message)
    attached = f" [{_shortened(names)}]" if names else ""
    differs = f"  (differs in {', '.join(unmet)})" if unmet else ""
    recipients = _shortened(map(str, _recipients(message))) or "nobody"
    return f"{kind} {str(message.subject)!r:.100} to {recipients}{attached}{differs}"


def _shortened(words: Iterable[str]) -> str:
    listed = list(words)
    return ", ".join(listed[:3]) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")


def _is_kind(message: Any, kind: Any) -> bool:
    notification = getattr(message, "notification", None)
    if not isinstance(kind, str):
        return isinstance(message, kind) or isinstance(notification, kind)
    if notification is None:
        return False
    names = {getattr(type(notification), "_registered_name", ""), type(notification).__name__}
    return kind in names or snake_case(kind) in names


def _recipients(message: Any) -> list[Any]:
    try:
        return list(message.recipients())
    except TypeError:  # a string as a list of recipients
        return []


def _listed(value: Any) -> list[Any]:
    """Return several values as a list; a single mailbox or name is the only one."""
    is_pair = (
        isinstance(value, tuple) and len(value) == 2 and "@" in str(value[1]) and "@" not in str(value[0])
    )
    return list(value) if isinstance(value, list | tuple | set | frozenset) and not is_pair else [value]


def _addresses(entries: Iterable[Any]) -> set[str]:
    found = set()
    for entry in entries:
        try:
            found.add(parse_mailbox(entry, utf8=True).addr_spec.casefold())
        except (AerogramError, TypeError):
            found.add(str(entry).casefold())
    return found


def _attachments(message: Any) -> list[str]:
    names = []
    for each in message.attachments:
        name = each.get_filename() if hasattr(each, "get_filename") else each[0]
        names.append(str(name or ""))
    return names
