"""What every backend that ships does alike, whatever becomes of the mail."""

from __future__ import annotations

import contextlib
import email
import email.policy
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aerogram import mail
from aerogram.conf import settings
from aerogram.exceptions import BadHeaderError, DeliveryError, InvalidAddress
from aerogram.mail import EmailMessage, EmailMultiAlternatives, get_connection, send_mail, send_mass_mail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage as Parsed

PREFIX = "aerogram.mail.backends."
SEPARATOR = "-" * 79 + "\n"


@dataclass
class Post:
    """One backend under test, and how to see what it was given."""

    name: str
    path: str
    options: dict[str, Any]
    received: Callable[[], list[str]] | None  # None: nobody can see it

    def connection(self, **kwargs: Any) -> Any:
        return get_connection(self.path, **{**self.options, **kwargs})

    def messages(self) -> list[Parsed]:
        assert self.received is not None
        return [email.message_from_string(text, policy=email.policy.default) for text in self.received()]

    def subjects(self) -> list[str]:
        return [message["Subject"] for message in self.messages()]


def dummy_post() -> Iterator[Post]:
    yield Post("dummy", PREFIX + "dummy.EmailBackend", {}, None)


def locmem_post() -> Iterator[Post]:
    def received() -> list[str]:
        return [message.message().as_string() for message in getattr(mail, "outbox", [])]

    yield Post("locmem", PREFIX + "locmem.EmailBackend", {}, received)


def console_post() -> Iterator[Post]:
    stream = io.StringIO()
    yield Post(
        "console",
        PREFIX + "console.EmailBackend",
        {"stream": stream},
        lambda: stream.getvalue().split(SEPARATOR)[:-1],
    )


def filebased_post(folder: Path) -> Iterator[Post]:
    def received() -> list[str]:
        texts = [path.read_text() for path in sorted(folder.glob("*.log"))]
        return [text for content in texts for text in content.split(SEPARATOR)[:-1]]

    yield Post("filebased", PREFIX + "filebased.EmailBackend", {"file_path": folder}, received)


def smtp_post(port: int) -> Iterator[Post]:
    from aiosmtpd.controller import Controller

    class Keep:
        def __init__(self) -> None:
            self.contents: list[str] = []

        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            self.contents.append(envelope.content.decode())
            return "250 kept"

    keep = Keep()
    controller = Controller(keep, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield Post(
            "smtp",
            PREFIX + "smtp.EmailBackend",
            {"host": "127.0.0.1", "port": port},
            lambda: [text.replace("\r\n", "\n") for text in keep.contents],
        )
    finally:
        controller.stop()


def wrapping_post(name: str) -> Iterator[Post]:
    """A backend that sends by another one, here by locmem."""
    (inner,) = locmem_post()
    yield Post(name, f"{PREFIX}{name}.EmailBackend", WRAPPING[name], inner.received)


WRAPPING: dict[str, dict[str, Any]] = {
    "failover": {"mailers": ["box"]},
    "roundrobin": {"mailers": ["box", "box"]},
    "fuse": {"mailer": "box"},
    "redirect": {"mailer": "box", "allow": ["*"]},
}
BOX = {"box": {"BACKEND": PREFIX + "locmem.EmailBackend"}}
SEEING = ["locmem", "console", "filebased", "smtp", *WRAPPING]


@pytest.fixture(params=[*SEEING, "dummy"])
def post(request: pytest.FixtureRequest, tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Post]:
    if request.param == "filebased":
        yield from filebased_post(tmp_path / "mail")
    elif request.param == "smtp":
        yield from smtp_post(free_port())
    elif request.param in WRAPPING:
        with settings.override(MAILERS=BOX):
            yield from wrapping_post(request.param)
    else:
        yield from globals()[f"{request.param}_post"]()


seeing = pytest.mark.parametrize("post", SEEING, indirect=True)


def message(subject: str = "Subject", to: Any = ("to@example.com",), **kwargs: Any) -> EmailMessage:
    return EmailMessage(subject, "Content", "from@example.com", list(to), **kwargs)


def test_nothing_to_send(post: Post) -> None:
    assert post.connection().send_messages([]) == 0


def test_a_message_sends_itself(post: Post) -> None:
    assert message(connection=post.connection()).send() == 1
    if post.received:
        (got,) = post.messages()
        assert (got["Subject"], got["From"], got["To"]) == ("Subject", "from@example.com", "to@example.com")
        assert got.get_content().strip() == "Content"


def test_no_recipients_no_mail(post: Post) -> None:
    assert message(to=[], connection=post.connection()).send() == 0
    assert message(to=["", None], connection=post.connection()).send() == 0
    if post.received:
        assert post.messages() == []


def test_many_messages_arrive_in_order(post: Post) -> None:
    assert post.connection().send_messages([message(str(number)) for number in range(5)]) == 5
    if post.received:
        assert post.subjects() == list("01234")


def test_any_iterable_of_messages(post: Post) -> None:
    assert post.connection().send_messages(message(str(number)) for number in range(3)) == 3


@seeing
def test_text_and_html_and_names_beyond_ascii(post: Post) -> None:
    mail_ = EmailMultiAlternatives("Grüße", "Schön.", "Zoë <z@example.com>", ["Jürgen <j@example.com>"])
    mail_.attach_alternative("<p>Schön.</p>", "text/html")
    assert post.connection().send_messages([mail_]) == 1
    (got,) = post.messages()
    assert got["Subject"] == "Grüße"
    assert got["To"] == "Jürgen <j@example.com>"
    assert [part.get_content_type() for part in got.iter_parts()] == ["text/plain", "text/html"]


@seeing
def test_bcc_is_served_and_not_written(post: Post) -> None:
    mail_ = message(cc=["cc@example.com"], bcc=["hidden@example.com"])
    post.connection().send_messages([mail_])
    (got,) = post.messages()
    assert "hidden" not in got.as_string()
    assert mail_.delivery is not None
    assert list(mail_.delivery.recipients) == ["to@example.com", "cc@example.com", "hidden@example.com"]


def test_report_on_each_message(post: Post) -> None:
    messages = [message("a"), message("b", ["x@example.com", "x@example.com"])]
    reports: list[Any] = []
    post.connection().send_messages(messages, on_result=reports.append)
    assert [each.delivery for each in messages] == reports
    assert all(report.complete and report.message_id.startswith("<") for report in reports)
    assert [each.status for each in reports[1].recipients.values()] == ["sent"]


@pytest.mark.parametrize("fail_silently", [False, True])
@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ({"subject": "a\nBcc: evil@example.com"}, BadHeaderError),
        ({"subject": "ok", "headers": {"X-A": "a\r\nb"}}, BadHeaderError),
        ({"to": ["a@example.com\nBcc: evil@example.com"]}, BadHeaderError),
        ({"bcc": ["a@example.com, b@example.com"]}, InvalidAddress),
        ({"bcc": ["a@b@example.com"]}, InvalidAddress),
    ],
)
def test_a_message_that_cannot_be_written_raises_its_own_error(
    post: Post, bad: dict[str, Any], error: type[Exception], fail_silently: bool
) -> None:
    with pytest.raises(error):
        post.connection(fail_silently=fail_silently).send_messages([message(**bad)])
    if post.received:
        assert post.messages() == []


def test_one_bad_message_among_good_ones(post: Post) -> None:
    messages = [message("first"), message("a\nb"), message("last")]
    with pytest.raises(DeliveryError) as caught:
        post.connection().send_messages(messages)
    assert caught.value.sent == 2
    assert isinstance(caught.value.reports[0].error, BadHeaderError)
    if post.received:
        assert post.subjects() == ["first", "last"]


def test_one_bad_message_in_silence(post: Post) -> None:
    messages = [message("first"), message("a\nb"), message("last")]
    assert post.connection(fail_silently=True).send_messages(messages) == 2
    assert isinstance(messages[1].delivery.error, BadHeaderError)


def test_it_is_a_context_manager(post: Post) -> None:
    with post.connection() as connection:
        assert connection.send_messages([message("a")]) == 1
        assert connection.send_messages([message("b")]) == 1
    connection.close()
    if post.received:
        assert sorted(post.subjects()) == ["a", "b"]


def test_closed_it_can_be_used_again(post: Post) -> None:
    connection = post.connection()
    for _ in range(2):
        connection.open()
        connection.close()
        connection.close()
        assert connection.send_messages([message()]) == 1
    if post.received:
        assert post.subjects() == ["Subject", "Subject"]


def test_keyword_arguments_of_other_backends_are_taken(post: Post) -> None:
    connection = post.connection(username=None, password=None, use_tls=False, nonsense=1)
    assert connection.fail_silently is False
    assert connection.send_messages([message()]) == 1


def test_lazy_subject_is_read_when_the_message_is_built(post: Post) -> None:
    class Lazy:
        def __str__(self) -> str:
            return "lazy"

    assert post.connection().send_messages([message(Lazy())]) == 1
    if post.received:
        assert post.subjects() == ["lazy"]


def test_the_functions_use_the_settings(post: Post) -> None:
    changes: dict[str, Any] = {"EMAIL_BACKEND": post.path}
    if post.name in WRAPPING:
        changes = {"MAILERS": {**BOX, "default": {"BACKEND": post.path, "OPTIONS": post.options}}}
    if post.name == "smtp":
        changes |= {"EMAIL_HOST": post.options["host"], "EMAIL_PORT": post.options["port"]}
    if post.name == "filebased":
        changes |= {"EMAIL_FILE_PATH": post.options["file_path"]}
    with settings.override(**changes), contextlib.redirect_stdout(post.options.get("stream", sys.stdout)):
        assert send_mail("one", "b", None, ["to@example.com"]) == 1
        items = ((f"mass {number}", "b", None, ["to@example.com"]) for number in range(3))
        assert send_mass_mail(items) == 3
    if post.received:
        assert sorted(post.subjects()) == ["mass 0", "mass 1", "mass 2", "one"]
        assert {each["From"] for each in post.messages()} == {"webmaster@localhost"}


def test_a_mailer_of_that_backend(post: Post) -> None:
    with settings.override(MAILERS={**BOX, "it": {"BACKEND": post.path, "OPTIONS": post.options}}):
        assert send_mail("one", "b", None, ["to@example.com"], using="it") == 1
    if post.received:
        assert post.subjects() == ["one"]
