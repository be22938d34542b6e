"""The message as a value: arguments, attributes, recipients, copies, sending."""

from __future__ import annotations

import copy
import pickle
from email.mime.text import MIMEText
from threading import RLock
from typing import Any

import pytest

from aerogram.conf import settings
from aerogram.mail import message as module
from aerogram.mail.message import EmailAlternative, EmailAttachment, EmailMessage, EmailMultiAlternatives
from aerogram.mail.wire.serializer import to_bytes


class Recorder:
    """A backend that keeps what it is given, and cannot be copied, like one with a socket."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.sent: list[EmailMessage] = []

    def send_messages(self, messages: list[EmailMessage]) -> int:
        self.sent += messages
        return len(messages)


class Lazy:
    """A text that is made when it is asked for, and counts how often."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.calls = 0

    def __str__(self) -> str:
        self.calls += 1
        return self.text


def full_message(**changes: Any) -> EmailMultiAlternatives:
    arguments: dict[str, Any] = {
        "subject": "Hello",
        "body": "Good morning.",
        "from_email": "me@example.com",
        "to": ["to@example.com"],
        "bcc": ["bcc@example.com"],
        "attachments": [("a.txt", "text", "text/plain"), ("b.bin", b"\0\1", None)],
        "headers": {"X-Order": "17"},
        "alternatives": [("<p>Good morning.", "text/html")],
        "cc": ["cc@example.com"],
        "reply_to": ["reply@example.com"],
    }
    return EmailMultiAlternatives(**{**arguments, **changes})


def test_arguments_by_position_stand_where_django_has_them():
    connection = Recorder()
    plain = EmailMessage(
        "s", "b", "f@x.org", ["t@x.org"], ["bc@x.org"], connection, [("n", "c", "text/plain")], {"X": "1"},
        ["c@x.org"], ["r@x.org"],
    )  # fmt: skip
    forms = EmailMultiAlternatives(
        "s", "b", "f@x.org", ["t@x.org"], ["bc@x.org"], connection, [("n", "c", "text/plain")], {"X": "1"},
        [("<p>", "text/html")], ["c@x.org"], ["r@x.org"],
    )  # fmt: skip
    for mail in (plain, forms):
        assert (mail.subject, mail.body, mail.from_email) == ("s", "b", "f@x.org")
        assert (mail.to, mail.bcc, mail.cc, mail.reply_to) == (
            ["t@x.org"],
            ["bc@x.org"],
            ["c@x.org"],
            ["r@x.org"],
        )
        assert mail.connection is connection
        assert mail.attachments == [("n", "c", "text/plain")]
        assert mail.extra_headers == {"X": "1"}
    assert forms.alternatives == [("<p>", "text/html")]


def test_defaults_are_empty_and_the_sender_is_that_of_the_settings():
    with settings.override(DEFAULT_FROM_EMAIL="shop@example.com"):
        mail = EmailMessage()
    assert (mail.subject, mail.body, mail.from_email) == ("", "", "shop@example.com")
    assert mail.to == mail.cc == mail.bcc == mail.reply_to == mail.attachments == []
    assert mail.extra_headers == {}
    assert (mail.connection, mail.return_path, mail.delivery, mail.encoding) == (None, None, None, None)
    assert (EmailMessage.content_subtype, EmailMessage.mixed_subtype) == ("plain", "mixed")
    assert EmailMultiAlternatives.alternative_subtype == "alternative"


def test_a_body_of_none_is_empty():
    assert EmailMessage(body=None).body == ""


@pytest.mark.parametrize("name", ["to", "cc", "bcc", "reply_to"])
def test_a_string_where_a_list_is_meant_is_a_type_error(name: str):
    with pytest.raises(TypeError, match=f'^"{name}" argument must be a list or tuple$'):
        EmailMessage(**{name: "to@example.com"})
    assert getattr(EmailMessage(**{name: ""}), name) == []


@pytest.mark.parametrize("name", ["to", "cc"])
def test_a_string_set_later_is_a_type_error_too(name: str):
    mail = EmailMessage()
    setattr(mail, name, "to@example.com")
    for use in (EmailMessage.recipients, EmailMessage.message, to_bytes):
        with pytest.raises(TypeError, match=name):
            use(mail)


@pytest.mark.parametrize("name", ["to", "cc", "bcc", "reply_to"])
def test_a_list_set_to_none_later_is_empty(name: str):
    mail = full_message()
    setattr(mail, name, None)
    header = {"bcc": "Bcc", "reply_to": "Reply-To"}.get(name, name.title())
    assert mail.message()[header] is None
    assert f"\r\n{header}: ".encode() not in to_bytes(mail)
    assert f"{name}@example.com" not in mail.recipients()


def test_lists_and_tuples_of_the_caller_stay_the_callers():
    to = ["a@x.org"]
    mail = EmailMessage(to=to, cc=("b@x.org",))
    mail.to.append("c@x.org")
    assert to == ["a@x.org"]
    assert mail.recipients() == ["a@x.org", "c@x.org", "b@x.org"]


def test_recipients_are_to_cc_and_bcc_without_the_empty_ones():
    mail = EmailMessage(to=["a@x.org", "", None], cc=[None, "b@x.org"], bcc=["", "c@x.org"])
    assert mail.recipients() == ["a@x.org", "b@x.org", "c@x.org"]


def test_the_package_names_what_django_names():
    for name in module.__all__:
        assert hasattr(module, name), name
    assert module.DEFAULT_ATTACHMENT_MIME_TYPE == "application/octet-stream"


def test_named_tuples_equal_plain_ones():
    assert EmailAlternative("<p>", "text/html") == ("<p>", "text/html")
    assert EmailAttachment("a", b"b", "c/d") == ("a", b"b", "c/d")
    assert EmailAttachment("a", b"b", "c/d").mimetype == "c/d"


def test_body_contains_asks_the_body_and_every_text_alternative():
    mail = full_message()
    assert mail.body_contains("Good morning.")
    assert not mail.body_contains("<p>")
    mail.attach_alternative(b"binary", "application/x-thing")
    assert mail.body_contains("Good")
    mail.attach_alternative("something else", "text/x-other")
    assert not mail.body_contains("Good")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_message_survives_pickling_with_alternatives_and_attachments(protocol: int):
    mail = full_message()
    mail.content_subtype = "markdown"
    twin = pickle.loads(pickle.dumps(mail, protocol))
    assert vars(twin) == vars(mail)
    assert isinstance(twin.alternatives[0], EmailAlternative)
    assert isinstance(twin.attachments[1], EmailAttachment)
    assert twin.message()["Subject"] == "Hello"


def test_a_deep_copy_has_its_own_lists_and_the_same_connection():
    mail = full_message(connection=Recorder())
    mail.attach(MIMEText("ready"))
    twin = copy.deepcopy(mail)
    mail.to.append("late@example.com")
    mail.attachments.clear()
    mail.alternatives.clear()
    mail.extra_headers["X-Order"] = "18"
    assert twin.to == ["to@example.com"]
    assert len(twin.attachments) == 3
    assert twin.alternatives == [("<p>Good morning.", "text/html")]
    assert twin.extra_headers == {"X-Order": "17"}
    assert twin.connection is mail.connection
    assert type(twin) is EmailMultiAlternatives


def test_send_without_recipients_is_0_and_touches_no_connection():
    mail = EmailMessage("s", "b", connection=object())
    assert mail.send() == 0
    mail.bcc = ["", None]
    assert mail.send() == 0


def test_send_gives_the_message_to_its_connection():
    backend = Recorder()
    mail = full_message(connection=backend)
    assert mail.send() == 1
    assert backend.sent == [mail]
    assert mail.get_connection() is backend


async def test_asend_sends_with_the_settings_of_the_task():
    with settings.override(EMAIL_BACKEND="aerogram.mail.backends.locmem.EmailBackend"):
        assert await full_message().asend() == 1
    assert await EmailMessage().asend() == 0


def test_get_connection_makes_a_backend_from_the_settings_once():
    with settings.override(EMAIL_BACKEND="aerogram.mail.backends.dummy.EmailBackend"):
        mail = full_message()
        backend = mail.get_connection(fail_silently=True)
    assert type(backend).__module__ == "aerogram.mail.backends.dummy"
    assert backend.fail_silently
    assert mail.get_connection() is backend


def test_using_takes_a_mailer_for_one_send():
    mailers = {"other": {"BACKEND": "aerogram.mail.backends.dummy.EmailBackend"}}
    backend = Recorder()
    with settings.override(MAILERS=mailers):
        mail = full_message(connection=backend)
        assert mail.send(using="other") == 1
    assert backend.sent == []
    assert mail.connection is backend


def test_lazy_texts_are_read_once_and_only_when_the_message_is_built():
    lazies = {name: Lazy(text) for name, text in {
        "subject": "späte Grüße", "body": "Text", "from_email": "me@example.com", "to": "to@example.com",
        "header": "value",
    }.items()}  # fmt: skip
    mail = EmailMessage(
        lazies["subject"],
        lazies["body"],
        lazies["from_email"],
        [lazies["to"]],
        headers={"X-Lazy": lazies["header"]},
    )
    assert {lazy.calls for lazy in lazies.values()} == {0}
    message = mail.message()
    assert {name: lazy.calls for name, lazy in lazies.items()} == dict.fromkeys(lazies, 1)
    assert message["To"] == "to@example.com"
    assert message["X-Lazy"] == "value"
    assert message.get_payload() == "Text"
