"""The test kit for unittest."""

from __future__ import annotations

import unittest
from typing import TYPE_CHECKING, Any, overload

from aerogram.mail.capture import capture_mail
from aerogram.testing.assertions import assert_mail_not_sent, assert_mail_sent, assert_no_mail

if TYPE_CHECKING:
    from aerogram.mail.message.email_message import EmailMessage
    from aerogram.testing.assertions import Sent, SentMail


class MailTestMixin:
    """Captures the mail of each test of a ``unittest.TestCase``; put it before the test case class.

    Attributes:
        mailoutbox: the messages of the running test.

    >>> class Tests(MailTestMixin, unittest.TestCase):
    ...     def test_receipt(self):
    ...         self.assertMailSent(to="ann@example.com")
    """

    mailoutbox: list[EmailMessage]

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        """Run the test and collect its mail in :attr:`mailoutbox`."""
        with capture_mail() as self.mailoutbox:
            ran: unittest.TestResult | None = super().run(result)  # type: ignore[misc]  # of the TestCase
            return ran

    @overload
    def assertMailSent(self, kind: type[Sent], **conditions: Any) -> SentMail[Sent]: ...

    @overload
    def assertMailSent(self, kind: Any = None, **conditions: Any) -> EmailMessage: ...

    def assertMailSent(self, kind: Any = None, **conditions: Any) -> EmailMessage:
        """Call :func:`aerogram.testing.assert_mail_sent`."""
        message: EmailMessage = assert_mail_sent(kind, **{"messages": self.mailoutbox, **conditions})
        return message

    def assertMailNotSent(self, *args: Any, **conditions: Any) -> None:
        """Call :func:`aerogram.testing.assert_mail_not_sent`."""
        assert_mail_not_sent(*args, **{"messages": self.mailoutbox, **conditions})

    def assertNoMail(self) -> None:
        """Call :func:`aerogram.testing.assert_no_mail`."""
        assert_no_mail(self.mailoutbox)


class MailTestCase(MailTestMixin, unittest.TestCase):
    """A ``unittest.TestCase`` with :class:`MailTestMixin`."""
