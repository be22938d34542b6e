"""Mail through backends written for Django, each program in a process of its own: Django's settings stay."""

from __future__ import annotations

import os
import subprocess
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.forked_python import python

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]

PRELUDE = """
import pytest
from aerogram import mail
from aerogram.conf import settings
from aerogram.exceptions import *
from aerogram.mail import EmailMessage, EmailMultiAlternatives
from aerogram.mail.backends.django import EmailBackend as Through
PATH = "aerogram.mail.backends.django.EmailBackend"
LOCMEM = "django.core.mail.backends.locmem.EmailBackend"
ANYMAIL = "anymail.backends.test.EmailBackend"
def message(**more):
    return EmailMultiAlternatives("Grüße", "Text", "Me <me@x.org>", ["Ann <ann@x.org>"], **more)
def statuses(message):
    return {address: result.status for address, result in message.delivery.recipients.items()}
"""


def assert_passes(code: str, **environment: str) -> None:
    """Run a program, all of whose assertions must hold."""
    done = subprocess.run(
        python("-W", "error", "-c", PRELUDE + textwrap.dedent(code)),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_django_locmem_gets_the_whole_message() -> None:
    assert_passes(
        """
        from email.mime.base import MIMEBase
        import django.core.mail as theirs
        part = MIMEBase("image", "png", name="dot.png")
        part.set_payload("x")
        sent = message(
            cc=["Bob <bob@x.org>"], bcc=["eve@x.org"], reply_to=["re@x.org"],
            headers={"X-Order": "7", "Message-ID": "<1@x.org>"},
            attachments=[("a.csv", "a,ü", "text/csv"), ("b.bin", b"\\x00\\xff", None), part],
        )
        sent.attach_alternative("<p>Grüße", "text/html")
        sent.encoding = "iso-8859-1"
        sent.connection = Through(backend=LOCMEM)
        assert sent.send() == 1
        (got,) = theirs.outbox
        assert type(got) is theirs.EmailMultiAlternatives
        mine, yours = sent.message(), got.message()
        for mime in (mine, yours):
            del mime["Date"]
            mime.set_boundary("B")
            mime.get_payload(0).set_boundary("C")
        assert yours.as_bytes() == mine.as_bytes()
        assert got.recipients() == sent.recipients()
        assert got.attachments[1].mimetype == "application/octet-stream"
        assert statuses(sent) == {"ann@x.org": "sent", "bob@x.org": "sent", "eve@x.org": "sent"}
        assert sent.delivery.message_id == "<1@x.org>"
        """
    )


def test_plain_message_of_another_subtype_and_envelope_sender() -> None:
    assert_passes(
        """
        import django.core.mail as theirs
        class Odd(EmailMessage):
            content_subtype = "calendar"
        sent = Odd("Hi", "x", "me@x.org", ["ann@x.org"], connection=Through(backend=LOCMEM))
        sent.return_path = "bounces@x.org"
        sent.send()
        (got,) = theirs.outbox
        assert type(got) is theirs.EmailMessage
        assert got.message().get_content_type() == "text/calendar"
        assert (got.from_email, got.message()["From"]) == ("bounces@x.org", "me@x.org")
        """
    )


def test_message_that_writes_itself_is_sent_as_it_writes() -> None:
    assert_passes(
        """
        import django.core.mail as theirs
        class Own(EmailMessage):
            def message(self):
                mime = super().message()
                mime["X-Own"] = "yes"
                return mime
        Own("Hi", "x", "me@x.org", ["ann@x.org"], connection=Through(backend=LOCMEM)).send()
        assert theirs.outbox[0].message()["X-Own"] == "yes"
        """
    )


def test_what_no_mail_may_have_is_refused_before() -> None:
    assert_passes(
        """
        import django.core.mail as theirs
        connection = Through(backend=LOCMEM)
        bad = EmailMessage("a\\x00b", "x", "me@x.org", ["ann@x.org"])
        with pytest.raises(DeliveryError) as caught:
            connection.send_messages([bad, message()])
        assert (caught.value.sent, len(theirs.outbox)) == (1, 1)
        assert type(bad.delivery.error) is BadHeaderError
        """
    )


def test_anymail_tells_of_each_recipient() -> None:
    assert_passes(
        """
        from anymail.message import AnymailRecipientStatus as Told
        connection = Through(backend=ANYMAIL)
        words = ["sent", "queued", "invalid", "rejected", "failed", "unknown"]
        sent = message()
        sent.to = [f"{word}@x.org" for word in words]
        sent.tags = ["receipt"]
        sent.return_path = "bounces@x.org"
        sent.anymail_test_response = {
            "recipient_status": {f"{word}@x.org": Told("id-1", word) for word in words}
        }
        with pytest.raises(DeliveryError):
            connection.send_messages([sent])
        fates = "sent sent refused refused deferred uncertain".split()
        assert list(statuses(sent).values()) == fates
        assert sent.delivery.message_id == "id-1"
        assert sent.delivery.recipients["rejected@x.org"].text == "rejected"
        import django.core.mail as theirs
        params = theirs.outbox[0].anymail_test_params
        assert params["tags"] == ["receipt"]
        assert str(params["from"]) == "Me <me@x.org>"
        assert params["envelope_sender"] == "bounces@x.org"

        everybody = message()
        everybody.anymail_test_response = {"recipient_status": {"ann@x.org": Told(None, "rejected")}}
        with pytest.raises(DeliveryError):
            connection.send_messages([everybody])
        assert statuses(everybody) == {"ann@x.org": "refused"}
        assert connection.send_messages([message()]) == 1
        """
    )


def test_provider_that_fails() -> None:
    assert_passes(
        """
        import requests
        from anymail.exceptions import AnymailAPIError, AnymailUnsupportedFeature
        fates = {}
        for error in (
            AnymailAPIError("busy", status_code=429), AnymailAPIError("down", status_code=503),
            AnymailAPIError("bad", status_code=422), AnymailAPIError("lost"),
        ):
            if error.status_code:
                error.response = requests.Response()
            sent = message(connection=Through(backend=ANYMAIL))
            sent.anymail_test_response = error
            with pytest.raises(DeliveryError) as caught:
                sent.send()
            fates[str(error.args[0])] = statuses(sent)["ann@x.org"]
            assert "ann@" not in str(caught.value)
        assert fates == {"busy": "deferred", "down": "deferred", "bad": "refused", "lost": "uncertain"}

        sent = message(connection=Through(backend=ANYMAIL))
        sent.attach_alternative("x", "application/x-amp")
        with pytest.raises(AnymailUnsupportedFeature):
            sent.send()
        """
    )


def test_django_smtp_tells_of_replies(free_port: Callable[[], int]) -> None:
    assert_passes(
        f"""
        from aerogram.testing import FaultyServer
        SMTP = "django.core.mail.backends.smtp.EmailBackend"
        server = FaultyServer().on("RCPT", "550 5.1.1 no", match="ann@")
        with server.on("MAIL", "452 4.3.1 full", match="full@"):
            connection = Through(backend=SMTP, host=server.host, port=server.port)
            refused, full, fine = message(), message(), message()
            full.return_path, fine.to = "full@x.org", ["bob@x.org"]
            with pytest.raises(DeliveryError) as caught:
                connection.send_messages([refused, full, fine])
            assert caught.value.sent == 1
            assert statuses(refused) == {{"ann@x.org": "refused"}}
            assert refused.delivery.recipients["ann@x.org"].enhanced_code == "5.1.1"
            assert full.delivery.recipients["ann@x.org"].code == 452
            assert statuses(fine) == {{"bob@x.org": "sent"}}
            assert b"From: Me <me@x.org>" in server.messages[0].content
        nobody = Through(backend=SMTP, host="127.0.0.1", port={free_port()})
        with pytest.raises(ConnectionRefusedError):
            nobody.send_messages([message()])
        nobody.fail_silently = True
        assert nobody.send_messages([message()]) == 0
        """
    )


def test_backend_that_counts_nothing_leaves_doubt() -> None:
    assert_passes(
        """
        import django.core.mail.backends.dummy as dummy
        dummy.EmailBackend.send_messages = lambda self, messages: 0
        path = "django.core.mail.backends.dummy.EmailBackend"
        sent = message(connection=Through(fail_silently=True, backend=path))
        assert sent.send() == 0
        assert statuses(sent) == {"ann@x.org": "uncertain"}
        """
    )


def test_mailers_by_name_each_with_its_settings() -> None:
    assert_passes(
        """
        def mailer(path, **options):
            return {"BACKEND": PATH, "OPTIONS": {"backend": path, **options}}
        MAILERS = {
            "one": mailer(LOCMEM, settings={"ANYMAIL": {"A_KEY": "1"}}),
            "two": mailer(ANYMAIL, settings={"ANYMAIL": {"B_KEY": "2"}}),
            "odd": mailer(LOCMEM, settings={"ANYMAIL": {"B_KEY": "hunter2"}}),
            "file": mailer("anymail.backends.postmark.EmailBackend", server_token="hunter2"),
        }
        settings.configure(MAILERS=MAILERS)
        mail.send_mail("a", "b", None, ["ann@x.org"], using="one")
        mail.send_mail("a", "b", None, ["ann@x.org"], using="two")
        from django.conf import settings as djangos
        assert djangos.ANYMAIL == {"A_KEY": "1", "B_KEY": "2"}
        with pytest.raises(ImproperlyConfigured, match="another value for ANYMAIL") as caught:
            mail.send_mail("a", "b", None, ["ann@x.org"], using="odd")
        assert "hunter2" not in str(caught.value) + repr(mail.mailers["file"])
        """
    )


def test_a_project_is_used_as_it_is(tmp_path: Path) -> None:
    assert_passes(
        """
        from django.conf import settings as djangos
        djangos.configure(TIME_ZONE="Europe/Berlin", ANYMAIL={"A": 1})
        Through(backend=LOCMEM, settings={"ANYMAIL": {"A": 1}})
        assert djangos.TIME_ZONE == "Europe/Berlin"
        for wrong in ({"TIME_ZONE": "UTC"}, {"ANYMAIL": {"A": 1, "B": 2}}, {"NEW": 1}):
            with pytest.raises(ImproperlyConfigured, match="Django has another value"):
                Through(backend=LOCMEM, settings=wrong)
        """
    )
    (tmp_path / "their_settings.py").write_text("TIME_ZONE = 'Asia/Tokyo'\nSECRET_KEY = 'x'\n")
    assert_passes(
        """
        Through(backend=LOCMEM)
        from django.conf import settings as djangos
        assert djangos.TIME_ZONE == "Asia/Tokyo"
        """,
        DJANGO_SETTINGS_MODULE="their_settings",
        PYTHONPATH=str(tmp_path),
    )


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ("", "ImproperlyConfigured", "needs backend="),
        ("backend='anymail.backends.nothing.EmailBackend'", "BackendNotFound", "cannot be imported"),
        ("backend='nothing'", "BackendNotFound", "cannot be imported"),
        ("backend='anymail.backends.postmark.EmailBackend'", "ImproperlyConfigured", "POSTMARK_SERVER_TOKEN"),
    ],
)
def test_wrong_arguments_are_said(given: str, error: str, text: str) -> None:
    assert_passes(
        f"""
        with pytest.raises({error}, match={text!r}):
            Through({given})
        """
    )


def test_without_django_the_extra_is_named() -> None:
    assert_passes(
        """
        import sys
        sys.modules["django.conf"] = sys.modules["django"] = None
        with pytest.raises(MissingDependency, match=r"aerogram\\[django\\]"):
            Through(backend=LOCMEM)
        """
    )


def test_without_a_path_it_follows_the_project() -> None:
    assert_passes(
        """
        import django.core.mail as theirs
        from django.conf import settings as djangos
        djangos.configure(EMAIL_BACKEND="django.core.mail.backends.console.EmailBackend")
        settings.configure(EMAIL_BACKEND=PATH)
        assert message().send() == 1
        assert not hasattr(theirs, "outbox")
        from django.test.utils import setup_test_environment, teardown_test_environment
        setup_test_environment(debug=False)  # what manage.py test does
        mail.send_mail("Hello", "Text", None, ["ann@x.org"])
        assert message().send(using="default") == 1
        assert [each.subject for each in theirs.outbox] == ["Hello", "Grüße"]
        told = Through(backend="django.core.mail.backends.console.EmailBackend")  # otherwise
        assert message(connection=told).send() == 1
        assert len(theirs.outbox) == 2
        teardown_test_environment()
        assert mail.get_connection().backend == "django.core.mail.backends.console.EmailBackend"
        """
    )


def test_a_project_is_not_followed_in_a_circle() -> None:
    assert_passes(
        """
        from django.conf import settings as djangos
        djangos.configure(EMAIL_BACKEND=PATH)
        settings.configure(EMAIL_BACKEND=PATH)
        with pytest.raises(ImproperlyConfigured, match="in a circle"):
            message().send()
        """
    )


def test_an_alias_needs_mailers_of_django() -> None:
    assert_passes(
        """
        from django.conf import settings as djangos
        djangos.configure()
        with pytest.raises(ImproperlyConfigured, match="has no MAILERS"):
            Through(alias="bulk")
        with pytest.raises(ImproperlyConfigured, match="not both"):
            Through(alias="bulk", backend=LOCMEM)
        """
    )


def test_django_gets_mailboxes_of_any_form_and_lazy_texts_as_texts() -> None:
    assert_passes(
        """
        import django
        from django.conf import settings as theirs
        theirs.configure(USE_I18N=True, LANGUAGE_CODE="en", DEFAULT_CHARSET="utf-8")
        django.setup()
        from email import message_from_bytes, policy
        from django.utils.translation import gettext_lazy, override
        from aerogram.mail.backends.django import django_message

        class User:
            def __email__(self):
                return "Müller (Chef)", "j@x.de"

        yes = gettext_lazy("Yes")
        given = EmailMessage(
            yes, yes, (yes, "shop@x.de"), [User()], attachments=[(yes, yes, "text/plain")],
            headers={"Sender": ("Jürgen", "j@x.de"), "X-Lazy": yes},
        )
        assert "Subject: Yes" in str(given.message())
        with override("de"):
            through = django_message(given)
            ours = given.message()
        for written in (through.message().as_bytes(), ours.as_bytes()):
            read = message_from_bytes(written, policy=policy.default)
            assert [str(each) for each in read["To"].addresses] == ['"Müller (Chef)" <j@x.de>']
            assert read["Sender"].address.display_name == "Jürgen"
            assert str(read["From"]) == "Ja <shop@x.de>"
            assert read["X-Lazy"] == read["Subject"] == "Ja"
            body, attached = read.iter_parts()
            assert body.get_content().strip() == attached.get_content().strip() == "Ja"
            assert attached.get_filename() == "Ja"
        assert through.recipients() == ['"Müller (Chef)" <j@x.de>']
        """
    )


def test_blind_copies_are_in_no_header() -> None:
    assert_passes(
        """
        import django.core.mail as theirs
        class Revealing(EmailMessage):
            def message(self):
                built = super().message()
                built["Bcc"] = built["Resent-Bcc"] = "eve@x.org"
                return built
        class TheirRevealing(theirs.EmailMessage):
            def message(self, **options):
                built = super().message(**options)
                built["Bcc"] = "eve@x.org"
                return built
        connection = Through(backend=LOCMEM)
        given = ("S", "Text", "me@x.org", ["ann@x.org"], ["eve@x.org"])
        connection.send_messages([Revealing(*given), TheirRevealing(*given)])
        for got in theirs.outbox:
            assert b"eve@x.org" not in got.message().as_bytes(), got
            assert got.recipients() == ["ann@x.org", "eve@x.org"]
        """
    )
