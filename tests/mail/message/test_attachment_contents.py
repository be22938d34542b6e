"""What may be given as the content of an attachment or alternative, and when it is read."""

# ruff: noqa: SIM115 - the test closes the files

from __future__ import annotations

import gzip
import mmap
import os
import tempfile
import zipfile
from collections import UserString
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import EmailMessage as StandardMessage
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from markupsafe import Markup

from aerogram import Notification, Renderer
from aerogram.exceptions import DeclarationError, InvalidAttachment, MessageError
from aerogram.mail import EmailAttachment, EmailMessage, EmailMultiAlternatives
from aerogram.mail.backends.base import build
from aerogram.mail.wire.serializer import to_bytes

PDF = b"%PDF-1.7 \x00\xff\r\n"


def seen(message: EmailMessage) -> list[tuple[str, str | None, Any]]:
    """Type, name and content of each part behind the first, equal in both ways a message is written."""
    both = []
    for octets in (message.message().as_bytes(), to_bytes(message)):
        parts = list(message_from_bytes(octets, policy=policy.default).iter_parts())
        both.append(
            [
                (part.get_content_type(), part.get_filename(), part.get_payload(decode=True))
                for part in parts[1:]
            ]
        )
    assert both[0] == both[1]
    return both[0]


class OnlyRead:
    """A stream without a position."""

    def __init__(self, content: Any) -> None:
        self.content, self.calls = content, 0

    def read(self) -> Any:
        self.calls += 1
        return self.content


class Upload:
    """An upload as Starlette and FastAPI have it: its own read() is asynchronous."""

    def __init__(self, content: bytes) -> None:
        self.file = BytesIO(content)

    async def read(self, size: int = -1) -> bytes:
        return self.file.read(size)


class Storage:
    """An upload as Flask has it: everything is looked up in its stream."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class Lazy:
    def __init__(self, make: Callable[[], str]) -> None:
        self.make = make

    def __str__(self) -> str:
        return self.make()


def written(file: Any) -> Any:
    file.write(PDF)
    file.seek(0)
    return file


def pipe(_path: Path) -> Any:
    reading, writing = os.pipe()
    os.write(writing, PDF)
    os.close(writing)
    return os.fdopen(reading, "rb")


def zipped() -> zipfile.ZipFile:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.pdf", PDF)
    return zipfile.ZipFile(file)


def gzipped(path: Path) -> Path:
    path.with_suffix(".gz").write_bytes(gzip.compress(PDF))
    return path.with_suffix(".gz")


def mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


SOURCES: dict[str, Callable[[Path], Any]] = {
    "bytes": lambda _: PDF,
    "bytearray": lambda _: bytearray(PDF),
    "memoryview": lambda _: memoryview(PDF),
    "BytesIO": lambda _: BytesIO(PDF),
    "open": lambda path: path.open("rb"),
    "unbuffered": lambda path: path.open("rb", buffering=0),
    "Path": lambda path: path,
    "zip path": lambda _: zipfile.Path(zipped(), "a.pdf"),
    "zip member": lambda _: zipped().open("a.pdf"),
    "gzip": lambda path: gzip.open(gzipped(path)),
    "mmap": mapped,
    "named": lambda _: written(tempfile.NamedTemporaryFile()),
    "spooled": lambda _: written(tempfile.SpooledTemporaryFile(max_size=1)),
    "pipe": pipe,
    "only read": lambda _: OnlyRead(PDF),
    "reads a bytearray": lambda _: OnlyRead(bytearray(PDF)),
    "Django, memory": lambda _: SimpleUploadedFile("a.pdf", PDF),
    "Django, file": lambda path: UploadedFile(path.open("rb"), "a.pdf"),
    "Django, content": lambda _: ContentFile(PDF, "a.pdf"),
    "Starlette": lambda _: Upload(PDF),
    "Flask": lambda _: Storage(BytesIO(PDF)),
}
"""Makers of objects that each stand for the same octets, from a file that holds them."""

WAYS = ("attach", "constructor", "EmailAttachment", "list", "tuple in list", "notification")


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "way", ["attach", "constructor", "EmailAttachment", "list", "tuple in list", "notification"]
)
def test_what_can_be_read_is_attached_as_its_content(tmp_path: Path, source: str, way: str) -> None:
    (tmp_path / "a.pdf").write_bytes(PDF)
    content = SOURCES[source](tmp_path / "a.pdf")
    message = EmailMessage("s", "b", "me@x.de", ["you@x.de"])
    if way == "attach":
        message.attach("a.pdf", content, "application/pdf")
    elif way == "constructor":
        message = EmailMessage("s", "b", to=["you@x.de"], attachments=[("a.pdf", content)])
    elif way == "EmailAttachment":
        files = [EmailAttachment("a.pdf", content, "application/pdf")]
        message = EmailMessage("s", "b", to=["you@x.de"], attachments=files)
    elif way == "list":
        message.attachments.append(EmailAttachment("a.pdf", content, "application/pdf"))
    elif way == "tuple in list":
        message.attachments = [("a.pdf", content)]
    else:
        (tmp_path / "hello.txt").write_text("Hello")

        class Hello(Notification, abstract=True):
            text_template = "hello.txt"
            to = ["you@x.de"]
            attachments = [("a.pdf", content, "application/pdf")]

        message = Renderer(tmp_path).render(type("Told", (Hello,), {}, name=f"told_{abs(hash(source))}")())
    kind = (
        "application/octet-stream"
        if way == "tuple in list" and isinstance(content, bytes)
        else "application/pdf"
    )
    for _ in range(2):
        assert seen(message) == [(kind, "a.pdf", PDF)]
    assert message.attachments[0][1] == PDF
    if source == "only read":
        assert content.calls == 1
    if hasattr(content, "close"):
        content.close()
        assert seen(message) == [(kind, "a.pdf", PDF)]


def test_a_file_is_read_from_where_it_stands_and_put_back() -> None:
    file = BytesIO(b"head" + PDF)
    file.read(4)
    first, second = EmailMessage(body="b"), EmailMessage(body="b")
    first.attach("a.pdf", file)
    second.attach("a.pdf", file)
    file.truncate(0)  # too late for both
    assert seen(first) == seen(second) == [("application/pdf", "a.pdf", PDF)]
    assert file.tell() == 4


def test_a_file_may_be_closed_once_it_is_attached(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<p>Grüße</p>", "utf-8")
    with (tmp_path / "a.html").open("rb") as file, StringIO("a;b") as text:
        message = EmailMultiAlternatives(attachments=[("a.csv", text)], alternatives=[(file, "text/html")])
    assert message.alternatives == [("<p>Grüße</p>", "text/html")]
    assert message.attachments == [("a.csv", "a;b", "text/csv")]


@pytest.mark.parametrize(
    ("content", "name", "mimetype", "expected"),
    [
        (BytesIO("ü".encode()), "a.csv", None, ("text/csv", "ü".encode())),
        (BytesIO(b"\xff"), "a.csv", None, ("application/octet-stream", b"\xff")),
        (BytesIO(b"\xff"), "a.txt", "text/plain", ("application/octet-stream", b"\xff")),
        (StringIO("ü"), "a.csv", None, ("text/csv", "ü".encode())),
        (StringIO('{"a": "ü"}'), "a.json", None, ("application/json", '{"a": "ü"}'.encode())),
        (StringIO("x"), None, None, ("application/octet-stream", b"x")),
        (BytesIO(b""), "a.bin", None, ("application/octet-stream", b"")),
        (Markup("<b>ü</b>"), "a.html", None, ("text/html", "<b>ü</b>".encode())),
        (UserString("ü"), "a.txt", None, ("text/plain", "ü".encode())),
        (Lazy(lambda: "ü"), "a.json", None, ("application/json", "ü".encode())),
        (bytearray("ü".encode()), "a.txt", None, ("text/plain", "ü".encode())),
        ("ü", Path("folder/a.txt"), None, ("text/plain", "ü".encode())),
        ("ü", UserString("a.txt"), None, ("text/plain", "ü".encode())),
    ],
)
def test_text_and_octets_follow_the_type_as_in_django(
    content: Any, name: Any, mimetype: Any, expected: Any
) -> None:
    message = EmailMessage(body="b")
    message.attach(name, content, mimetype)
    kind, data = expected
    for _ in range(2):
        assert seen(message) == [(kind, None if name is None else Path(str(name)).name, data)]


def test_a_message_is_read_from_a_file_too(tmp_path: Path) -> None:
    inner = EmailMessage("Grüße", "b", "a@x.de", ["b@x.de"]).message().as_bytes()
    (tmp_path / "inner.eml").write_bytes(inner)
    for content in (BytesIO(inner), tmp_path / "inner.eml", StringIO(inner.decode())):
        message = EmailMessage(body="b", attachments=[("inner.eml", content, "message/rfc822")])
        for octets in (message.message().as_bytes(), to_bytes(message)):
            (_, enclosed) = message_from_bytes(octets, policy=policy.default).iter_parts()
            assert enclosed.get_content()["Subject"] == "Grüße"


@dataclass
class Report:
    total: int


class Asynchronous:
    async def read(self) -> bytes:
        raise AssertionError


class Later:
    def read(self) -> Any:
        return Asynchronous().read()


WRONG: list[tuple[Any, str]] = [
    ({"a": 1}, "dict"),
    (5, "int"),
    (1.5, "float"),
    (Decimal(5), "Decimal"),
    (["a"], "list"),
    (("a",), "tuple"),
    ({"a"}, "set"),
    (object(), "object"),
    (Report(5), "Report"),
    (Report, "Report"),
    (len, "builtin_function_or_method"),
    (Asynchronous(), "await"),
    (Later(), "await"),
    (OnlyRead(None), "returned nothing"),
    (OnlyRead(5), "returned int"),
    (True, "bool"),
]


@pytest.mark.parametrize(("content", "said"), WRONG)
def test_anything_else_is_a_type_error_that_says_what_is_accepted(content: Any, said: str) -> None:
    def attached() -> EmailMessage:
        message = EmailMessage()
        message.attachments.append(("a.pdf", content, "application/pdf"))
        return message

    def alternative() -> EmailMessage:
        message = EmailMultiAlternatives()
        message.alternatives.append((content, "text/html"))  # type: ignore[arg-type] # a plain pair
        return message

    for act in (
        lambda: EmailMessage().attach("a.pdf", content, "application/pdf"),
        lambda: EmailMessage().attach("a.txt", content),
        lambda: EmailMessage(attachments=[("a.pdf", content)]),
        lambda: EmailMultiAlternatives().attach_alternative(content, "text/html"),
        lambda: EmailMultiAlternatives(alternatives=[(content, "text/html")]),
        lambda: attached().message(),
        lambda: to_bytes(attached()),
        lambda: alternative().message(),
        lambda: to_bytes(alternative()),
    ):
        with pytest.raises(TypeError, match=r"Accepted: str, bytes, an open file") as caught:
            act()
        assert said in str(caught.value)
        assert isinstance(caught.value, InvalidAttachment)
        assert isinstance(caught.value, ValueError)


def test_none_stays_a_value_error() -> None:
    with pytest.raises(ValueError, match="content must be provided"):
        EmailMessage().attach("a.pdf", None)
    with pytest.raises(ValueError, match="must be provided"):
        EmailMultiAlternatives().attach_alternative(None, "text/html")
    message = EmailMessage(body="b")
    message.attachments.append(EmailAttachment("a.pdf", None, "application/pdf"))
    for write in (build, to_bytes):
        with pytest.raises(ValueError, match="content must be provided"):
            write(message)


@pytest.mark.parametrize("name", [b"a.pdf", BytesIO(PDF), {"a.pdf"}, object()])
def test_a_name_that_is_no_text_is_a_type_error(name: Any) -> None:
    with pytest.raises(TypeError, match="name of an attachment"):
        EmailMessage().attach(name, PDF)


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    closed = BytesIO(PDF)
    closed.close()
    (tmp_path / "a.bin").write_bytes(b"\xff\xfe\x81")
    with (tmp_path / "b").open("wb") as written, (tmp_path / "a.bin").open(encoding="utf-8") as text:
        for file, said in ((closed, "closed file"), (written, "read"), (text, "decode")):
            for act in (EmailMessage().attach, EmailMultiAlternatives().attach_alternative):
                with pytest.raises(InvalidAttachment, match=said) as caught:
                    act(*(("a.pdf", file) if act.__name__ == "attach" else (file, "text/html")))
                assert "while it is open" in str(caught.value)
    with pytest.raises(InvalidAttachment, match="not UTF-8"):
        EmailMultiAlternatives().attach_alternative(tmp_path / "a.bin", "text/html")
    with pytest.raises(FileNotFoundError, match="missing"):
        EmailMessage().attach("a.pdf", tmp_path / "missing.pdf")
    with pytest.raises(FileNotFoundError, match="missing"):
        EmailMultiAlternatives().attach_alternative(tmp_path / "missing.html", "text/html")


@pytest.mark.parametrize("entry", [BytesIO(PDF), Path("a.pdf"), "a.pdf", 5, {"a.pdf": PDF}])
def test_a_file_alone_is_no_attachment(entry: Any) -> None:
    with pytest.raises(TypeError, match=r"\(filename, content, mimetype\)"):
        EmailMessage(attachments=[entry])
    for alternative in (entry, MIMEMultipart("related")):
        with pytest.raises(TypeError, match=r"\(content, mimetype\).*attach_alternative\(html"):
            EmailMultiAlternatives(alternatives=[alternative])


class TestNotification:
    @pytest.fixture
    def render(self, tmp_path: Path) -> Callable[..., EmailMessage]:
        (tmp_path / "hello.txt").write_text("Hello")

        def render(*attachments: Any, times: int = 1) -> EmailMessage:
            class Hello(Notification, name=f"hello_{os.urandom(4).hex()}"):
                text_template = "hello.txt"
                to = ["you@x.de"]
                attachments: list[Any]

            notification = Hello(attachments=list(attachments))
            renderer = Renderer(tmp_path)
            return [renderer.render(notification) for _ in range(times)][-1]

        return render

    def test_a_file_is_read_at_each_rendering(self, render: Any) -> None:
        assert seen(render(("a.pdf", BytesIO(PDF), "application/pdf"), times=3)) == [
            ("application/pdf", "a.pdf", PDF)
        ]

    def test_an_error_names_the_class(self, render: Any, tmp_path: Path) -> None:
        closed = BytesIO()
        closed.close()
        for wrong in ({"a": 1}, closed, Asynchronous()):
            with pytest.raises(InvalidAttachment, match=r"^Hello\.attachments: "):
                render(("a.pdf", wrong))
        for missing in (("a.pdf", tmp_path / "missing.pdf"), tmp_path / "missing.pdf"):
            with pytest.raises(FileNotFoundError, match=r"Hello\.attachments: .*missing\.pdf"):
                render(missing)

    @pytest.mark.parametrize("content", [5, {"a": 1}, None, ["a"], object()])
    def test_a_content_that_cannot_be_one_is_refused_with_the_class(self, content: Any) -> None:
        with pytest.raises(
            DeclarationError, match=r"^Wrong\.attachments: the content .* Accepted: str, bytes"
        ):
            type("Wrong", (Notification,), {"text_template": "x.txt", "attachments": [("a.pdf", content)]})

    def test_files_and_lazy_texts_on_a_class_are_not_read_when_it_is_defined(self) -> None:
        def fail() -> Any:
            raise AssertionError("read when the class was defined")

        file: Any = OnlyRead(b"")
        file.read = fail
        lazy = Lazy(fail)
        attachments = [("a", file), (lazy, lazy, "text/plain"), ("b.pdf", Path("missing.pdf"))]
        type("Unread", (Notification,), {"text_template": "x.txt", "attachments": attachments})


class TestAlternatives:
    def test_a_file_of_a_text_type_is_decoded_and_octets_are_refused_as_before(self, tmp_path: Path) -> None:
        (tmp_path / "a.html").write_text("<p>Grüße</p>", "utf-8")
        for content in (BytesIO("<p>Grüße</p>".encode()), tmp_path / "a.html", StringIO("<p>Grüße</p>")):
            mail = EmailMultiAlternatives(body="b", alternatives=[(content, "text/html")])
            for octets in (mail.message().as_bytes(), to_bytes(mail)):
                html = message_from_bytes(octets, policy=policy.default).get_body(("html",))
                assert html is not None
                assert html.get_content().strip() == "<p>Grüße</p>"
        for octets in (b"<p>", bytearray(b"<p>"), memoryview(b"<p>")):
            mail = EmailMultiAlternatives(alternatives=[(octets, "text/html")])
            with pytest.raises(MessageError, match="given as bytes"):
                mail.message()

    @pytest.mark.parametrize(
        ("content", "mimetype"),
        [
            (MIMEMultipart("related"), "multipart/related"),
            (MIMEMultipart("related"), "text/html"),
            ("<p>", "multipart/related"),
            ("<p>", "Multipart/Related; boundary=x"),
            (MIMEText("<p>", "html"), "text/html"),
            (MIMEImage(b"GIF89a", "gif"), "image/gif"),
            (StandardMessage(), "message/rfc822"),
        ],
    )
    def test_a_mime_part_is_refused_and_the_error_says_what_to_do(self, content: Any, mimetype: str) -> None:
        added = EmailMultiAlternatives("s", "b")
        added.alternatives.append((content, mimetype))  # type: ignore[arg-type] # a plain pair
        for act in (
            lambda: EmailMultiAlternatives().attach_alternative(content, mimetype),
            lambda: EmailMultiAlternatives(alternatives=[(content, mimetype)]),
            added.message,
            lambda: to_bytes(added),
        ):
            with pytest.raises(
                InvalidAttachment, match=r"attach_alternative\(html, 'text/html'\).*Content-ID"
            ):
                act()


class TestContentId:
    @pytest.mark.parametrize("given", ["logo", "<logo>", "  logo ", "logo@x.de", "<logo@x.de>"])
    @pytest.mark.parametrize("inside", [False, True])
    def test_it_gets_its_angle_brackets(self, given: str, inside: bool) -> None:
        part: Any = MIMEImage(b"GIF89a", "gif")
        part["Content-ID"] = given
        name = given.strip(" <>")
        mail = EmailMultiAlternatives(body="b", alternatives=[(f'<img src="cid:{name}">', "text/html")])
        if inside:
            outer = MIMEMultipart("related")
            outer.attach(part)
            mail.attach(outer)
        else:
            mail.attach(part)
        for _ in range(2):
            for octets in (mail.message().as_bytes(), to_bytes(mail)):
                ids = [p["Content-ID"] for p in message_from_bytes(octets).walk() if p["Content-ID"]]
                assert ids == [f"<{name}>"]

    def test_a_part_of_the_newer_kind_gets_them_too(self) -> None:
        part = StandardMessage()
        part.set_content(b"GIF89a", "image", "gif", cid="logo")
        mail = EmailMessage(body="b")
        mail.attach(part)
        assert b"Content-ID: <logo>" in to_bytes(mail)


class TestBody:
    @pytest.mark.parametrize("body", [BytesIO(b"x"), StringIO("x"), {"a": 1}, ["x"], object(), Report(1)])
    def test_a_body_that_would_be_shown_as_a_repr_is_refused(self, body: Any) -> None:
        for write in (build, to_bytes):
            with pytest.raises(MessageError, match=f"of type {type(body).__name__}"):
                write(EmailMessage("s", body, to=["a@x.de"]))

    def test_lazy_texts_are_read_in_the_language_of_the_send(self) -> None:
        language = ["en"]
        lazy = Lazy(lambda: {"en": "Hello", "de": "Grüße"}[language[-1]])
        mail = EmailMultiAlternatives(
            lazy, lazy, (lazy, "me@x.de"), ["you@x.de"], headers={"X-Lazy": lazy},
            attachments=[(lazy, lazy, "text/plain")], alternatives=[(lazy, "text/html")],
        )  # fmt: skip
        for name, shown in (("en", "Hello"), ("de", "Grüße")):
            language.append(name)
            for octets in (mail.message().as_bytes(), to_bytes(mail)):
                read = message_from_bytes(octets, policy=policy.default)
                assert read["Subject"] == read["X-Lazy"] == read["From"].addresses[0].display_name == shown
                texts = [part for part in read.walk() if part.get_content_maintype() == "text"]
                assert [part.get_content().strip() for part in texts] == [shown] * 3
                assert texts[2].get_filename() == shown

    def test_a_lazy_body_is_not_evaluated_before(self) -> None:
        def fail() -> str:
            raise AssertionError("evaluated too early")

        lazy: Any = Lazy(fail)
        type(lazy).__bool__ = type(lazy).__len__ = lambda self: self.make()  # type: ignore[attr-defined] # added for this test
        try:
            mail = EmailMultiAlternatives(
                lazy, lazy, lazy, [lazy], headers={"X": lazy}, cc=[(lazy, "a@x.de")]
            )
            mail.attach(lazy, lazy, "text/plain")
            mail.attach_alternative(lazy, "text/html")
        finally:
            del Lazy.__bool__, Lazy.__len__  # type: ignore[attr-defined] # as above


@pytest.mark.parametrize("entry", ["hunter2", b"hunter2", {"password": "hunter2"}])
def test_the_error_for_what_is_no_attachment_does_not_show_it(entry: Any) -> None:
    with pytest.raises(TypeError, match="Accepted") as caught:
        EmailMessage("s", "b", attachments=[entry])
    assert "hunter2" not in str(caught.value)
