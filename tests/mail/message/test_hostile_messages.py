"""Hostile values of a message, and what a server, a file or a pipe gets of them."""

from __future__ import annotations

import subprocess
import sys
from email import message_from_bytes, policy
from email.mime.base import MIMEBase
from email.mime.image import MIMEImage
from email.mime.text import MIMEText
from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader
from markupsafe import Markup

from aerogram import Notification, Renderer
from aerogram.exceptions import BadHeaderError
from aerogram.mail import EmailMessage, EmailMultiAlternatives
from aerogram.mail.wire.serializer import to_bytes
from aerogram.testing import FaultyServer
from tests.smtp_peers import backend_for, copies, deliver, mail

OFFERS = {
    "pipelined": ["PIPELINING", "8BITMIME"],
    "lockstep": [],
    "chunked": ["PIPELINING", "8BITMIME", "CHUNKING"],
}


@pytest.fixture(params=OFFERS)
def server(request: pytest.FixtureRequest) -> Any:
    with FaultyServer(OFFERS[request.param]) as running:
        yield running


def envelope_commands(server: FaultyServer) -> list[str]:
    """MAIL and RCPT as the server got them, without parameters."""
    return [line.partition(">")[0] + ">" for line in server.commands if line[:4] in ("MAIL", "RCPT")]


# -- headers --

FORBIDDEN = [
    "a\r\nBcc: e@x.org",
    *(f"a{char}b" for char in "\r\n\x85\u2028\u2029\x0b\x0c\x1c\x1d\x1e\0\udcff"),
]


@pytest.mark.parametrize("bad", FORBIDDEN, ids=ascii)
def test_a_content_id_is_refused_and_a_file_name_cleaned(bad: str):
    part = MIMEImage(b"1", "png")
    part["Content-ID"] = f"<{bad}@x.org>"
    for build in (EmailMessage.message, to_bytes):
        with pytest.raises(ValueError, match=r".") as caught:
            build(mail(attachments=[part]))
        assert type(caught.value).__module__ == "aerogram.exceptions"
    named = mail(attachments=[(f"{bad}.pdf", b"1", "application/pdf")])
    for written in (named.message().as_bytes(), to_bytes(named)):
        read = message_from_bytes(written, policy=policy.default)
        (attachment,) = read.iter_attachments()
        assert attachment.get_filename() == "".join(char for char in f"{bad}.pdf" if char.isprintable())
        assert "Bcc" not in read.keys() + attachment.keys()


class Titled(Notification, abstract=True):
    text_template = "body.txt"
    to = ["ann@x.org"]
    name: str = "Ann"


def subject_of(subject: Any, **fields: str) -> str:
    """Return the subject as it is sent, for a declaration and its fields."""
    sources = {"body.txt": "Hi", "title.txt": "For {{ name }}\n", "two.txt": "For {{ name }}\nBcc: e@x.org\n"}
    cls = type("Titled", (Titled,), {"subject": subject}, abstract=True)
    message = Renderer([], DictLoader(sources)).render(cls(**fields))
    return str(message_from_bytes(to_bytes(message), policy=policy.default)["Subject"])


def test_the_newline_at_a_files_end_is_no_part_of_the_subject():
    assert subject_of("{% include 'title.txt' %}") == "For Ann"
    assert subject_of(property(lambda self: "For {{ name }}\n")) == "For Ann"


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("{% include 'two.txt' %}", "Ann"),
        ("{% include 'title.txt' %}", "Ann\nBcc: e@x.org"),
        ("For {{ name }}", "Ann\n"),
        (property(lambda self: "For {{ name }}\n\n"), "Ann"),
    ],
)
def test_any_other_newline_is_an_error(subject: Any, name: str):
    with pytest.raises(BadHeaderError, match="newlines"):
        subject_of(subject, name=name)


class Lazy:
    def __str__(self) -> str:
        return "Lazy & <late>"


@pytest.mark.parametrize(
    "value", [Lazy(), Markup("<b>&amp;</b>"), 17, 1.5, None], ids=lambda value: type(value).__name__
)
def test_any_value_is_sent_as_its_text(server: FaultyServer, value: Any):
    message = mail(headers={"X-Any": value, "List-Id": "<news.x.org>"})
    message.subject = value
    assert deliver(server, [message]) == (1, [])
    read = message_from_bytes(server.messages[0].content, policy=policy.default)
    assert (read["Subject"], read["X-Any"]) == (str(value), str(value))


def test_a_message_sent_twice_has_one_message_id_only_when_asked(server: FaultyServer):
    ours, asked = mail(), mail(headers={"Message-ID": "<17@x.org>"})
    assert deliver(server, [ours, ours, asked, asked]) == (4, [])
    ids = [message_from_bytes(message.content)["Message-ID"] for message in server.messages]
    assert ids[0] != ids[1]
    assert ids[2:] == ["<17@x.org>", "<17@x.org>"]
    assert asked.extra_headers == {"Message-ID": "<17@x.org>"}


# -- addresses --


@pytest.mark.parametrize("field", ["to", "cc", "bcc", "from_email"])
@pytest.mark.parametrize(
    "bad",
    [
        "x@y.z\r\nRCPT TO:<e@x.org>",
        "x@y.z> SIZE=1",
        "a@b.c,d@e.f",
        "a@evil.com@good.com",
        "a\0@b.c",
        "a b@c.d",
    ],
)
def test_a_bad_address_never_reaches_a_server(field: str, bad: str):
    message = EmailMessage("s", "b", "me@x.org", ["ann@x.org"])
    setattr(message, field, bad if field == "from_email" else [bad])
    with FaultyServer() as server:
        with pytest.raises(ValueError, match=r"Invalid address|Header values"):
            backend_for(server).send_messages([message])
        assert backend_for(server).send_messages([mail("bob@x.org")]) == 1
    assert envelope_commands(server) == ["MAIL FROM:<sender@x.org>", "RCPT TO:<bob@x.org>"]


def test_the_envelope_names_the_domain_that_was_meant(server: FaultyServer):
    assert deliver(server, [mail('"x@gmail.com y"@internal', "Zoë <a@é.com>")]) == (1, [])
    assert server.messages[0].recipients == ('"x@gmail.com y"@internal', "a@xn--9ca.com")
    read = message_from_bytes(server.messages[0].content, policy=policy.default)
    assert [(each.username, each.domain) for each in read["To"].addresses] == [
        ("x@gmail.com y", "internal"),
        ("a", "xn--9ca.com"),
    ]


def test_a_recipient_named_three_times_gets_one_copy_and_nobody_sees_the_blind_ones(server: FaultyServer):
    message = mail("ann@x.org", cc=["Ann <ann@x.org>"], bcc=["ann@x.org", "secret@x.org"])
    assert deliver(server, [message]) == (1, [])
    assert copies(server) == {"ann@x.org": 1, "secret@x.org": 1}
    assert envelope_commands(server).count("RCPT TO:<ann@x.org>") == 1
    assert b"secret" not in server.messages[0].content
    assert b"\nbcc:" not in server.messages[0].content.lower()


@pytest.mark.parametrize("nobody", [[], ["", None]])
def test_a_message_to_nobody_is_not_sent_and_opens_no_connection(nobody: Any):
    with FaultyServer() as server:
        backend = backend_for(server)
        message = EmailMessage("s", "b", "me@x.org", nobody, bcc=nobody, connection=backend)
        assert message.send() == 0
        assert backend.send_messages([message]) == 0
    assert server.connections == 0


DASHED = ["-oQ/tmp@x.org", "-X/tmp/log@x.org", "--@x.org", "-be@x.org"]


def test_an_address_that_looks_like_an_option_is_an_address(server: FaultyServer):
    message = mail(*DASHED)
    message.return_path = "-froot@x.org"
    assert deliver(server, [message]) == (1, [])
    assert envelope_commands(server) == ["MAIL FROM:<-froot@x.org>", *map("RCPT TO:<{}>".format, DASHED)]


def test_an_address_that_looks_like_an_option_names_no_file_and_starts_no_program(tmp_path: Path):
    code = (
        "import sys\n"
        "started = []\n"
        "names = ('subprocess.Popen', 'os.system', 'os.exec', 'os.posix_spawn', 'os.fork', 'pty.spawn')\n"
        "sys.addaudithook(lambda event, args: started.append(event) if event in names else None)\n"
        "from aerogram import mail\n"
        "for backend in ('console', 'filebased', 'locmem', 'dummy'):\n"
        "    options = {'file_path': 'mails'} if backend == 'filebased' else {}\n"
        "    connection = mail.get_connection(f'aerogram.mail.backends.{backend}.EmailBackend', **options)\n"
        f"    message = mail.EmailMessage('s', 'b', '-froot@x.org', {DASHED!r}, connection=connection)\n"
        "    assert message.send() == 1, backend\n"
        "assert not started, started\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "To: -oQ/tmp@x.org" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["mails"]
    (written,) = (tmp_path / "mails").iterdir()
    assert "-oQ" not in written.name


# -- bodies and attachments --

SMUGGLING = [
    "a\r.\rb",
    "a\n.\nb",
    "a\r\n.\r\nMAIL FROM:<evil@x.org>\r\nRCPT TO:<evil@x.org>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n",
    "a\r\r\n.\r\r\nMAIL FROM:<evil@x.org>\r\n",
    "a\r\n.\nMAIL FROM:<evil@x.org>\n",
    "a\n.\r\nMAIL FROM:<evil@x.org>\n",
    ".",
    ".\r\n.\r\n..\r\n",
]


def as_lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")


class Handmade(EmailMessage):
    """A message whose bytes somebody else wrote."""

    def message(self) -> Any:
        whole = super().message()
        whole.set_payload(self.body)
        return whole


def hostile_mails(text: str) -> list[EmailMessage]:
    ready = MIMEText("x")
    ready.set_payload(text)
    blob = MIMEBase("application", "x-blob")
    blob.set_payload(text)
    enclosed = f"Subject: inner\n\n{text}".encode()
    forms = EmailMultiAlternatives("s", text, "me@x.org", ["ann@x.org"], alternatives=[(text, "text/html")])
    attached = EmailMessage("s", "b", "me@x.org", ["ann@x.org"], attachments=[ready, blob])
    attached.attach("inner.eml", enclosed, "message/rfc822")
    attached.attach("a.txt", text, "text/plain")
    return [mail(body=text), forms, attached, Handmade("s", text, "me@x.org", ["ann@x.org"])]


@pytest.mark.parametrize("text", SMUGGLING, ids=range(len(SMUGGLING)))
def test_line_ends_made_to_smuggle_arrive_as_the_one_message_they_are(server: FaultyServer, text: str):
    messages = hostile_mails(text)
    assert deliver(server, messages, chunking=True) == (len(messages), [])
    assert len(server.messages) == len(messages)
    assert not [line for line in server.commands if "evil@" in line]
    for received in server.messages:
        assert received.recipients == ("ann@x.org",)
        assert (
            received.content.count(b"\r\n") == received.content.count(b"\r") == received.content.count(b"\n")
        )
    plain, forms, attached, handmade = (message_from_bytes(each.content) for each in server.messages)
    ready = attached.get_payload()[1]
    for part in (plain, *forms.get_payload(), ready, handmade):
        assert as_lines(part.get_payload(decode=True).decode()) == as_lines(text)


class Filed(Notification, abstract=True):
    subject = "Bill"
    text_template = "body.txt"
    to = ["ann@x.org"]
    path: Path

    @property
    def attachments(self) -> list[Path]:
        return [self.path]


def test_a_file_is_read_when_it_is_attached_and_what_it_held_is_sent(server: FaultyServer, tmp_path: Path):
    bill = tmp_path / "bill.pdf"
    bill.write_bytes(b"%PDF of Monday")
    attached = mail()
    attached.attach_file(bill)
    rendered = Renderer([], DictLoader({"body.txt": "Hi"})).render(
        type("Filed", (Filed,), {}, abstract=True)(path=bill)
    )
    bill.write_bytes(b"%PDF of Tuesday, somebody else's")
    assert deliver(server, [attached]) == (1, [])
    bill.unlink()
    assert deliver(server, [attached, rendered]) == (2, [])
    for received in server.messages:
        part = message_from_bytes(received.content).get_payload()[1]
        assert part.get_payload(decode=True) == b"%PDF of Monday"


def test_a_file_that_is_not_there_is_an_error_before_anything_is_sent(tmp_path: Path):
    gone = tmp_path / "gone.pdf"
    with pytest.raises(FileNotFoundError, match=r"gone\.pdf"):
        mail().attach_file(gone)
    with pytest.raises(FileNotFoundError, match=r"gone\.pdf"):
        Renderer([], DictLoader({"body.txt": "Hi"})).render(
            type("Filed", (Filed,), {}, abstract=True)(path=gone)
        )


def test_in_a_batch_the_message_whose_file_is_gone_is_reported_and_the_rest_goes(tmp_path: Path):
    from aerogram import mail as aerogram_mail

    class Bill(Filed, abstract=True):
        text_template = None
        html_template = "aerogram/base.html"

    there = tmp_path / "there.pdf"
    there.write_bytes(b"%PDF")
    reports = []
    with FaultyServer() as server:
        aerogram_mail.send_mass_mail(
            [Bill(path=there), Bill(path=tmp_path / "gone.pdf"), Bill(path=there)],
            fail_silently=True,
            connection=backend_for(server, fail_silently=True),
            on_result=reports.append,
        )
    assert len(server.messages) == 2
    assert [type(report.error) for report in reports if report.error] == [FileNotFoundError]
