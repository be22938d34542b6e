from __future__ import annotations

import copy
import gc
import inspect
import re
from dataclasses import InitVar, field
from email.mime.text import MIMEText
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

import pytest

from aerogram import AdminNotification, ManagerNotification, Notification, mail, registry
from aerogram.conf import settings
from aerogram.constructor import collect_problems
from aerogram.exceptions import (
    AerogramError,
    DeclarationError,
    DeliveryError,
    DuplicateNotification,
    NoRecipients,
)
from aerogram.mail.backends.locmem import EmailBackend as LocmemBackend
from aerogram.naming import snake_case
from aerogram.notification import is_abstract, registered_name


class Lists(LocmemBackend):
    """A backend of Django's signature: it gets lists and returns a count."""

    def send_messages(self, email_messages):
        return super().send_messages(email_messages)


LISTS = f"{__name__}.Lists"


@pytest.fixture(autouse=True)
def templates(tmp_path: Path):
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "hello.txt").write_text("Dear {{ name }}")
    (folder / "hello.html").write_text("<p>Dear {{ name }}</p>")
    with settings.override(
        TEMPLATE_DIRS=[str(folder)], EMAIL_BACKEND="aerogram.mail.backends.locmem.EmailBackend"
    ):
        yield folder


class TestConstructor:
    def test_annotated_names_are_keyword_only_arguments_with_defaults(self) -> None:
        class Hello(Notification):
            subject = "Hello"
            text_template = "hello.txt"
            name: str
            times: int = 3

        assert Hello(name="Ann").context() == {"name": "Ann", "times": 3}
        assert str(inspect.signature(Hello)) == "(*, name: 'str', times: 'int' = 3) -> None"
        with pytest.raises(TypeError, match="name"):
            Hello()
        with pytest.raises(TypeError, match="positional"):
            Hello("Ann")
        with pytest.raises(TypeError, match="nmae"):
            Hello(nmae="Ann")

    def test_fields_are_inherited_as_dataclasses_inherit_them(self) -> None:
        class Base(Notification, name="ctor_base"):
            customer: str
            note: str = "base"

        class Child(Base, name="ctor_child"):
            text_template = "hello.txt"
            note: str = "child"
            order: int

        assert Child(customer="c", order=1).context() == {"customer": "c", "note": "child", "order": 1}

    @pytest.mark.parametrize("field", ["cls", "self", "args", "kwargs", "name", "message", "user"])
    def test_a_field_may_be_called_like_a_parameter(self, field: str) -> None:
        declared = {"__annotations__": {field: str}, "subject": "s", "text_template": "hello.txt"}
        assert type("Named", (Notification,), declared)(**{field: "Ann"}).context() == {field: "Ann"}

    def test_a_default_changed_without_an_annotation_is_a_new_default(self) -> None:
        class Base(Notification, name="redefault_base"):
            note: str = "base"

        class Child(Base, name="redefault_child"):
            note = "child"

        assert Child().note == "child"
        assert Child(note="given").note == "given"

    def test_an_annotated_declaration_is_an_argument_without_an_inherited_default(self) -> None:
        class Hello(Notification, name="annotated_declaration"):
            subject = "Hello"
            text_template = "hello.txt"
            to: list[str]
            name: str = "you"

        assert Hello(to=["a@example.com"]).render().to == ["a@example.com"]
        with pytest.raises(TypeError, match="to"):
            Hello()

    def test_a_declaration_settled_in_a_subclass_is_no_argument_any_more(self) -> None:
        class Base(Notification, name="settled_base"):
            subject: str
            to: list[str]
            name: str = "x"

        class Child(Base, name="settled_child"):
            subject = "Hello {{ name }}"
            text_template = "hello.txt"

            @property
            def to(self) -> list[str]:
                return ["computed@example.com"]

        message = Child(name="Ann").render()
        assert (message.subject, message.to) == ("Hello Ann", ["computed@example.com"])

    @pytest.mark.parametrize(
        "field", ["name", "message", "user", "fields", "template", "body", "email", "registry"]
    )
    def test_common_words_stay_free_for_fields(self, field: str) -> None:
        cls = type(
            "Free",
            (Notification,),
            {"__annotations__": {field: str}, "text_template": "hello.txt"},
            name=f"free_{field}",
        )
        assert cls(**{field: "x"}).context() == {field: "x"}

    @pytest.mark.parametrize("field", ["render", "send", "asend", "context", "samples"])
    def test_a_field_named_like_a_method_is_refused_with_the_taken_names(self, field: str) -> None:
        with pytest.raises(DeclarationError, match=r"asend, context, .*render, .*samples, send"):
            type("Taken", (Notification,), {"__annotations__": {field: str}})

    def test_a_repr_shows_fields_without_their_values(self) -> None:
        class Reset(Notification):
            text_template = "hello.txt"
            token: str

        assert repr(Reset(token="s3cret")).endswith("Reset(token)>")

    def test_a_mutable_default_is_refused_as_dataclasses_refuse_it(self) -> None:
        with pytest.raises(ValueError, match="default_factory"):

            class Broken(Notification):
                items: list[str] = []

    @pytest.mark.parametrize(
        ("annotation", "default", "advice"),
        [
            ("list[int]", [], "items: list[int] = field(default_factory=list), with"),
            (dict[str, int], {}, "items: dict[str, int] = field(default_factory=dict), with"),
            (list[int], [1], "items: list[int] = field(default_factory=lambda: [1]), with"),
            (set, field(default=set()), "items: set = field(default_factory=set), with"),
        ],
    )
    def test_a_mutable_default_is_refused_with_what_to_write(
        self, annotation: Any, default: Any, advice: str
    ) -> None:
        with pytest.raises(DeclarationError, match=re.escape(advice)) as caught:
            type("Broken", (Notification,), {"__annotations__": {"items": annotation}, "items": default})
        assert str(caught.value).startswith("Broken.items: ")

    def test_a_mutable_attribute_of_the_class_is_no_default(self) -> None:
        class Sharing(Notification, name="ctor_sharing"):
            seen: ClassVar[list[int]] = []

        assert Sharing._fields == ()
        body = {"seen": [], "items": [], "__annotations__": {"seen": ClassVar[list], "items": "list"}}
        with pytest.raises(DeclarationError, match=r"^Broken\.items: "):
            type("Broken", (Notification,), body)

    def test_arguments_that_are_none_are_answered_with_the_fields(self) -> None:
        class One(Notification, name="ctor_one"):
            customer: str
            note: str = ""
            hidden: str = field(default="x", init=False)

        with pytest.raises(
            TypeError,
            match=r"One\(\) got an unexpected keyword argument 'custmer'\. Did you mean 'customer'\? "
            r"Accepted: customer, note\.$",
        ):
            One(custmer="ann")
        with pytest.raises(TypeError, match=r"fields are keyword arguments, for example .*One\(customer=…\)"):
            One("ann")
        with pytest.raises(TypeError, match=r"'hidden'\. Accepted"):
            One(customer="a", hidden="b")
        assert copy.copy(One(customer="a")) == One(customer="a")

    def test_a_constructor_of_the_class_decides_for_itself(self) -> None:
        class Own(Notification, name="ctor_own"):
            customer: str
            text: InitVar[str] = ""

            def __init__(self, who: str, *rest: str, **more: str) -> None:
                self.customer = f"{who}{rest}{more}"

        class Below(Own, name="ctor_below"):
            place: str = field(default="", kw_only=False)

        assert Own("a", "b", c="d").customer == "a('b',){'c': 'd'}"
        assert Below("here", customer="a", text="x").place == "here"
        with pytest.raises(TypeError, match="2 positional arguments"):
            Below("here", "there", customer="a")

    def test_the_base_itself_cannot_be_made(self) -> None:
        with pytest.raises(TypeError, match="subclass it"):
            Notification()

    def test_equal_fields_make_equal_notifications(self) -> None:
        class Hello(Notification, name="equal"):
            text_template = "hello.txt"
            name: str

        assert Hello(name="a") == Hello(name="a") != Hello(name="b")


WRONG: list[tuple[str, Any, str]] = [
    ("subject", "two\nlines", "newline"),
    ("subject", "a\r\nBcc: e@example.com", "newline"),
    ("subject", "a\0b", "subject"),
    ("subject", "{{ order", "order"),
    ("subject", 3, "int"),
    ("subject", None, "string"),
    ("html_template", "", "template"),
    ("text_template", 5, "template"),
    ("to", "ops@example.com", "list"),
    ("to", ["not an address@"], "address"),
    ("cc", ["a@example.com, b@example.com"], "address"),
    ("bcc", {"a@example.com"}, "list"),
    ("reply_to", ["a@b@c"], "address"),
    ("from_email", "me@", "address"),
    ("headers", {"X: y": "z"}, "header"),
    ("headers", {"X-A": "b\nc"}, "newline"),
    ("headers", {"Bcc": "a@example.com"}, "Bcc"),
    ("headers", [("X-A", "b")], "dict"),
    ("attachments", "file.pdf", "list"),
    ("attachments", ["file.pdf"], "pathlib.Path"),
    ("attachments", [b"%PDF"], "bytes"),
    ("attachments", [{"filename": "a.pdf"}], "dict"),
    ("attachments", [("a.pdf",)], "(filename, content, mimetype)"),
    ("attachments", [("a.pdf", b"", "application/pdf", "utf-8")], "(filename, content, mimetype)"),
    ("attachments", [("a.pdf", b"", "a/b\r\nBcc: e@example.com")], "media type"),
    ("attachments", [Path("terms.pdf"), ("a.pdf", b"", "pdf")], "media type"),
    ("css", 3, "stylesheet"),
    ("to", lambda self: ["a@example.com"], "@property"),
]


@pytest.mark.parametrize(("declaration", "value", "said"), WRONG)
def test_a_declaration_that_cannot_work_is_refused_when_the_class_is_defined(
    declaration: str, value: Any, said: str
) -> None:
    with pytest.raises(AerogramError) as caught:
        type("Wrong", (Notification,), {"text_template": "hello.txt", declaration: value})
    assert str(caught.value).startswith(f"Wrong.{declaration}: ")
    assert said.lower() in str(caught.value).lower()
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("name", "annotation"),
    [
        ("to", str),
        ("to", "str"),
        ("to", "int"),
        ("cc", bytes),
        ("bcc", "str | bytes"),
        ("reply_to", Annotated[str, "note"]),
        ("to", "set[str]"),
        ("headers", "list[str]"),
        ("attachments", str),
        ("html_template", int),
        ("css", "float"),
        ("from_email", int),
        ("locale", list),
        ("timezone", "int"),
        ("list_id", "bytes"),
    ],
)
def test_an_annotation_that_no_value_can_satisfy_is_refused(name: str, annotation: Any) -> None:
    with pytest.raises(DeclarationError, match=rf"^Wrong\.{name}: the annotation .* cannot work: ") as caught:
        type("Wrong", (Notification,), {"__annotations__": {name: annotation}, "text_template": "hello.txt"})
    assert isinstance(caught.value, TypeError)


Addresses = TypeVar("Addresses")


@pytest.mark.parametrize(
    ("name", "annotation"),
    [
        ("to", "Later"),
        ("to", "list[Later]"),
        ("to", Any),
        ("to", Addresses),
        ("to", "str | list[str]"),
        ("to", "Sequence[MailboxLike]"),
        ("to", tuple[str, ...]),
        ("to", str | None),
        ("from_email", "str | None"),
        ("from_email", tuple[str, str]),
        ("headers", "dict[str, int]"),
        ("attachments", "list[Path]"),
        ("css", list[str]),
        ("html_template", "str"),
        ("locale", "str"),
        ("timezone", "str | Unknown"),
        ("category", int),
        ("subject", int),
        ("to", object),
    ],
)
def test_an_annotation_that_may_be_right_is_accepted(name: str, annotation: Any) -> None:
    body = {"__annotations__": {name: annotation}, "html_template": "hello.txt", "__module__": __name__}
    if name == "html_template":
        del body["html_template"]
    assert name in type("Right", (Notification,), body, name="annotated_right")._fields


def test_what_can_be_attached_may_stand_on_the_class() -> None:
    files = [Path("terms.pdf"), ("a.txt", "a"), ("b.pdf", b"b", "application/pdf"), ("c", b"", None)]
    for attachments in ((), files, tuple(files), [MIMEText("calendar", "calendar")]):
        made = type("Attaching", (Notification,), {"text_template": "hello.txt", "attachments": attachments})
        assert made.attachments is attachments


def test_a_check_may_ask_for_every_refusal_at_once() -> None:
    with collect_problems() as refusals:
        type("Twice", (Notification,), {"subject": "two\nlines", "to": "a@example.com"})
        type("Taken", (Notification,), {"__annotations__": {"send": str}})
    assert [(refused.cls.__name__, refused.declaration) for refused in refusals] == [
        ("Twice", "subject"),
        ("Twice", "to"),
        ("Taken", None),
    ]
    assert all(is_abstract(refused.cls) for refused in refusals)  # nobody lists or checks them further
    with pytest.raises(DeclarationError):
        type("Later", (Notification,), {"to": "a@example.com"})


class TestNames:
    def test_a_class_that_is_refused_does_not_hold_its_name(self) -> None:
        with pytest.raises(DeclarationError) as refusal:
            type("Refused", (Notification,), {"to": "a@example.com", "__module__": "one"})
        assert refusal.traceback  # which holds the class
        again = type("Refused", (Notification,), {"text_template": "hello.txt", "__module__": "two"})
        assert registry.get("refused") is again

    def test_the_name_is_the_class_name_in_snake_case_or_what_is_said(self) -> None:
        class OrderShippedToday(Notification):
            text_template = "hello.txt"

        class Other(Notification, name="something-else"):
            text_template = "hello.txt"

        assert registered_name(OrderShippedToday) == "order_shipped_today"
        assert registered_name(Other()) == "something-else"

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("OrderShipped", "order_shipped"),
            ("HTMLReport", "html_report"),
            ("Weekly2Digest", "weekly2_digest"),
            ("welcome", "welcome"),
            ("_Private", "private"),
            ("MyHTTPMail", "my_http_mail"),
        ],
    )
    def test_snake_case(self, given: str, expected: str) -> None:
        assert snake_case(given) == expected

    def test_two_of_one_name_are_refused(self) -> None:
        class First(Notification, name="the_same"):
            text_template = "hello.txt"

        with pytest.raises(DuplicateNotification, match=r"the_same.*First.*Second"):

            class Second(Notification, name="the_same"):
                text_template = "hello.txt"

        assert registered_name(First) == "the_same"

    def test_a_class_that_is_gone_frees_its_name(self) -> None:
        def define() -> None:
            class Gone(Notification, name="short_lived"):
                text_template = "hello.txt"

        define()

        class Later(Notification, name="short_lived"):
            text_template = "hello.txt"

        gc.collect()
        assert registered_name(Later) == "short_lived"

    def test_a_class_defined_again_replaces_itself(self) -> None:
        def define() -> type[Notification]:
            class Reloaded(Notification):
                text_template = "hello.txt"

            return Reloaded

        first, second = define(), define()
        assert registered_name(first) == registered_name(second)

    @pytest.mark.parametrize("name", ["../up", "A b", "", "ü", "a/b", "a\nb", 5, b"welcome", ["welcome"]])
    def test_a_name_that_is_no_folder_is_refused(self, name: Any) -> None:
        with pytest.raises(DeclarationError, match="lower-case"):
            type("Named", (Notification,), {}, name=name)

    def test_a_name_longer_than_a_hundred_characters_is_refused(self) -> None:
        made = type("Long", (Notification,), {}, name="a" * 100)
        assert registered_name(made) == "a" * 100
        for given in ({"name": "a" * 101}, {}):
            with pytest.raises(DeclarationError, match=r"101 characters.*at most 100") as caught:
                type("A" + "a" * 100, (Notification,), {}, **given)
            assert len(str(caught.value)) < 350

    def test_a_class_without_templates_is_a_base_once_it_has_subclasses(self) -> None:
        class House(Notification, name="house_style"):
            from_email = "shop@example.com"

        assert not is_abstract(House)

        class Hello(House, name="in_house"):
            text_template = "hello.txt"

        assert is_abstract(House)
        assert not is_abstract(Hello)


class TestSending:
    def test_a_notification_is_rendered_and_sent(self) -> None:
        class Hello(Notification, name="sending"):
            subject = "Hello {{ name }}"
            html_template = "hello.html"
            to = ["ann@example.com"]
            name: str

        assert Hello(name="Ann & Bob").send() == 1
        (sent,) = mail.outbox
        assert (sent.subject, sent.to, sent.from_email) == (
            "Hello Ann & Bob",
            ["ann@example.com"],
            "webmaster@localhost",
        )
        assert "Dear Ann & Bob" in sent.body
        assert "Dear Ann &amp; Bob" in sent.alternatives[0].content

    async def test_asend_does_the_same(self) -> None:
        class Hello(Notification, name="asending"):
            subject = "Hello"
            text_template = "hello.txt"
            to = ["ann@example.com"]
            name: str = "Ann"

        assert await Hello().asend() == 1
        assert mail.outbox[0].body == "Dear Ann"

    def test_no_recipients_is_an_error_that_names_the_class(self) -> None:
        class Hello(Notification, name="nobody"):
            subject = "Hello"
            text_template = "hello.txt"
            to: list[str]
            name: str = "Ann"

        for nobody in ([], [""], [None]):
            with pytest.raises(NoRecipients, match="Hello has no recipients"):
                Hello(to=nobody).send(fail_silently=True)
        assert not mail.outbox

    @pytest.mark.parametrize("path", ["aerogram.mail.backends.locmem.EmailBackend", LISTS])
    def test_a_batch_reports_the_one_without_recipients_and_sends_the_rest(self, path: str) -> None:
        class Hello(Notification, name="nobody_in_a_batch"):
            subject = "Hello"
            text_template = "hello.txt"
            to: list[str]
            name: str = "Ann"

        connection = mail.get_connection(path)
        with pytest.raises(NoRecipients) as alone:
            Hello(to=[""]).send()
        with pytest.raises(NoRecipients, match=re.escape(str(alone.value))):
            mail.send_mass_mail([Hello(to=[])], connection=connection)
        with pytest.raises(DeliveryError) as caught:
            mail.send_mass_mail([Hello(to=[""]), Hello(to=["ann@example.com"])], connection=connection)
        assert caught.value.sent == 1
        (report,) = caught.value.reports
        assert isinstance(report.error, NoRecipients)
        assert str(report.error) == str(alone.value)
        assert [sent.to for sent in mail.outbox] == [["ann@example.com"]]

    def test_connection_and_using_together_are_refused(self) -> None:
        class Hello(Notification, name="both"):
            text_template = "hello.txt"
            to = ["ann@example.com"]
            name: str = "Ann"

        with pytest.raises(TypeError, match="not both"):
            Hello().send(connection=mail.get_connection(), using="default")

    def test_using_chooses_the_mailer(self, tmp_path: Path) -> None:
        class Hello(Notification, name="using"):
            text_template = "hello.txt"
            to = ["ann@example.com"]
            name: str = "Ann"

        mailers = {"disk": {"BACKEND": "aerogram.mail.backends.filebased.EmailBackend",
                            "OPTIONS": {"file_path": str(tmp_path / "out")}}}  # fmt: skip
        with settings.override(MAILERS=mailers):
            assert Hello().send(using="disk") == 1
        (written,) = (tmp_path / "out").iterdir()
        assert "Dear Ann" in written.read_text()


class TestStaff:
    def test_admins_get_what_mail_admins_would_send_them(self) -> None:
        class DiskFull(AdminNotification):
            subject = "{{ host }} is full"
            text_template = "hello.txt"
            html_template = None
            host: str
            name: str = "Ops"

        with settings.override(
            ADMINS=[("Ann", "ann@example.com"), "bob@example.com"], SERVER_EMAIL="srv@example.com"
        ):
            assert DiskFull(host="db1").send() == 1
            mail.mail_admins("db1 is full", "Dear Ops")
        one, other = mail.outbox
        for name in ("subject", "from_email", "to", "body"):
            assert getattr(one, name) == getattr(other, name)
        assert one.subject == "[Aerogram] db1 is full"

    def test_used_as_they_are_they_show_the_message_on_the_layout(self) -> None:
        with settings.override(ADMINS=["a@example.com"], MANAGERS=["m@example.com"]):
            assert AdminNotification(subject="{{ 7 * 7 }}", message="<Disk> full").send() == 1
            assert ManagerNotification(subject="Signups", message="Ten today").send() == 1
        to_admin, to_manager = mail.outbox
        assert to_admin.subject == "[Aerogram] {{ 7 * 7 }}"  # an argument is data, never a template
        assert "&lt;Disk&gt; full" in to_admin.alternatives[0].content
        assert "<Disk> full" in to_admin.body
        assert to_manager.to == ["m@example.com"]
        assert "Ten today" in to_manager.body

    @pytest.mark.parametrize("kind", [AdminNotification, ManagerNotification])
    def test_used_as_they_are_they_say_something(self, kind: type[AdminNotification]) -> None:
        with pytest.raises(DeclarationError, match=f"^{kind.__name__}.. has no content: pass subject and"):
            kind()
        assert copy.copy(kind(subject="Disk full")).subject == "Disk full"
        assert kind(message="x").message == "x"

        class Silent(kind, name=f"silent_{kind.__name__.lower()}"):  # type: ignore[misc,valid-type] # given by the case
            """A subclass says what it does in a template of its own."""

        Silent()

    def test_nobody_to_tell_is_no_error(self) -> None:
        class Unrendered(AdminNotification, name="staff_unrendered"):
            text_template = "nowhere.txt"

        assert AdminNotification(subject="x", message="y").send() == 0
        assert Unrendered().send() == 0
        assert not mail.outbox

    @pytest.mark.parametrize("path", ["aerogram.mail.backends.locmem.EmailBackend", LISTS])
    def test_nobody_to_tell_is_no_error_in_a_batch(self, path: str) -> None:
        items = [AdminNotification(subject="x", message="y"), ManagerNotification(subject="x", message="y")]
        assert mail.send_mass_mail(items, connection=mail.get_connection(path)) == 0
        assert not getattr(mail, "outbox", [])


def test_mail_to_an_empty_staff_logs_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    class PaymentFailed(AdminNotification):
        subject = "Payment failed"

    assert PaymentFailed().send() == 0
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", "PaymentFailed was not sent: ADMINS is empty")
    ]
    caplog.clear()
    with settings.override(EMAIL_URL="locmem:"):
        assert mail.send_mass_mail([PaymentFailed()]) == 0
    assert [record.message for record in caplog.records] == ["PaymentFailed was not sent: ADMINS is empty"]
