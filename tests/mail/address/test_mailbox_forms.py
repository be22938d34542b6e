"""The forms in which a mailbox may be given, wherever one is accepted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import UserString
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.utils import formataddr, getaddresses
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.utils.functional import SimpleLazyObject
from hypothesis import example, given
from hypothesis import strategies as st

from aerogram import Notification, Renderer, mail
from aerogram.conf import settings
from aerogram.exceptions import BadHeaderError, DeclarationError, InvalidAddress, NotificationError
from aerogram.mail import EmailMessage, SafeMIMEText, register_mailbox_adapter
from aerogram.mail.address.parser import Mailbox, parse_mailbox, parse_mailbox_list
from aerogram.mail.backends.base import build
from aerogram.mail.header.django import sanitize_address
from aerogram.mail.wire.serializer import to_bytes

NAME = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=80)
AWKWARD = (
    *("Jürgen Müller", "Müller (Chef)", "Acme: Sales", "Bob [x]", "Smith, John", 'Al "AK" Kim', "a@b.c"),
    *("=?", "  spaced  out ", "名前 株式会社", "x" * 200, "ü" * 200, "J. R. R. T.", "back\\slash"),
    *("<b>", ";", "=?utf-8?q?x?="),
)


@dataclass
class User:
    name: Any
    email: str

    def __email__(self) -> tuple[Any, str]:
        return self.name, self.email


class Named(ABC):
    @abstractmethod
    def full_name(self) -> str: ...


class Employee(Named):
    def full_name(self) -> str:
        return "Müller (Chef)"

    def __str__(self) -> str:
        return "employee 7"


register_mailbox_adapter(Named, lambda named: (named.full_name(), "chef@x.de"))


class Contact(NamedTuple):
    name: str
    email: str


class Holder:
    def __init__(self, mailbox: object) -> None:
        self.mailbox = mailbox

    def __email__(self) -> object:
        return self.mailbox


FORMS: list[tuple[object, Mailbox]] = [
    (("Jürgen Müller", "j@x.de"), Mailbox("Jürgen Müller", "j", "x.de")),
    (Contact("Smith, John", "john@x.de"), Mailbox("Smith, John", "john", "x.de")),
    ((None, "j@x.de"), Mailbox("", "j", "x.de")),
    (("", " j@x.de "), Mailbox("", "j", "x.de")),
    ((UserString("Ann"), "j@exämple.de"), Mailbox("Ann", "j", "xn--exmple-cua.de")),
    (formataddr(("Jürgen Müller", "j@x.de")), Mailbox("Jürgen Müller", "j", "x.de")),
    (formataddr(("Müller (Chef)", "j@x.de"), "iso-8859-1"), Mailbox("Müller (Chef)", "j", "x.de")),
    (Address("Acme: Sales", "sales", "x.de"), Mailbox("Acme: Sales", "sales", "x.de")),
    (Address("=?utf-8?q?x?=", "sales", "x.de"), Mailbox("=?utf-8?q?x?=", "sales", "x.de")),
    (Address("", "root"), Mailbox("", "root", "")),
    (Mailbox("Bob [x]", "b o b", "x.de"), Mailbox("Bob [x]", "b o b", "x.de")),
    (User("Bob [x]", "bob@x.de"), Mailbox("Bob [x]", "bob", "x.de")),
    (User(None, "bob@x.de"), Mailbox("", "bob", "x.de")),
    (SimpleLazyObject(lambda: User("Bob [x]", "bob@x.de")), Mailbox("Bob [x]", "bob", "x.de")),
    (Holder(Holder("Ann <ann@x.de>")), Mailbox("Ann", "ann", "x.de")),
    (Holder(Address("Ann", "ann", "x.de")), Mailbox("Ann", "ann", "x.de")),
    (Employee(), Mailbox("Müller (Chef)", "chef", "x.de")),
    (Holder(Employee()), Mailbox("Müller (Chef)", "chef", "x.de")),
    (UserString("Ann <ann@x.de>"), Mailbox("Ann", "ann", "x.de")),
]  # fmt: skip


def read(message: EmailMessage, header: str) -> list[tuple[str, str]]:
    """The mailboxes of a header as the standard library reads them, in both ways a message is written."""
    seen = []
    for octets in (to_bytes(message), message.message().as_bytes()):
        # The other parser of the standard library puts spaces between encoded-words (cpython #128110).
        parsed = message_from_bytes(octets, policy=policy.default)[header]
        pairs = getaddresses([message_from_bytes(octets)[header].replace("\n", "")])
        assert [each.addr_spec for each in parsed.addresses] == [address for _, address in pairs]
        seen.append([(str(make_header(decode_header(name))), address) for name, address in pairs])
    assert seen[0] == seen[1]
    return seen[0]


@pytest.mark.parametrize(("form", "mailbox"), FORMS)
def test_every_form_is_the_same_mailbox_in_every_place(form: object, mailbox: Mailbox):
    assert parse_mailbox(form) == mailbox
    shown = (mailbox.display_name, mailbox.addr_spec)
    message = EmailMessage(
        "s", "b", form, [form], cc=[form], reply_to=[form], bcc=[("Bee", "bee@x.de"), form]
    )
    for header in ("From", "To", "Cc", "Reply-To"):
        assert read(message, header) == [shown]
    _, envelope = build(message)
    assert envelope == (mailbox.addr_spec, (mailbox.addr_spec, "bee@x.de"))
    assert message.recipients() == [str(mailbox), str(mailbox), "Bee <bee@x.de>", str(mailbox)] or (
        isinstance(form, str | UserString | Address)
    )
    assert parse_mailbox(message.recipients()[0]) == mailbox


@pytest.mark.parametrize(("form", "mailbox"), FORMS)
@pytest.mark.parametrize("header", ["From", "Sender", "To", "Cc", "Reply-To", "Resent-To"])
def test_an_address_header_takes_every_form_and_lists_of_them(header: str, form: object, mailbox: Mailbox):
    shown = (mailbox.display_name, mailbox.addr_spec)
    message = EmailMessage("s", "b", "me@x.de", ["you@x.de"], headers={header: form})
    assert read(message, header) == [shown]
    assert build(message)[1] == ("me@x.de", ("you@x.de",))
    if header != "Sender":
        message.extra_headers = {header: [form, "Ann <ann@x.de>"]}
        assert read(message, header) == [shown, ("Ann", "ann@x.de")]


@given(NAME)
@pytest.mark.parametrize("make", [lambda name: (name, "j@x.de"), lambda name: User(name, "j@x.de")])
def test_any_name_of_a_pair_is_read_back_as_it_was(make: Any, name: str):
    message = EmailMessage("s", "b", make(name), [make(name), ("Smith, John", "s@x.de")])
    name = name.replace("\t", " ")
    assert read(message, "From") == [(name, "j@x.de")]
    assert read(message, "To") == [(name, "j@x.de"), ("Smith, John", "s@x.de")]
    assert parse_mailbox(message.recipients()[0]) == Mailbox(name, "j", "x.de")


for _name in AWKWARD:
    test_any_name_of_a_pair_is_read_back_as_it_was = example(_name)(
        test_any_name_of_a_pair_is_read_back_as_it_was
    )


@given(NAME, st.sampled_from(["utf-8", "iso-8859-1", "windows-1252", "koi8-r", "iso-2022-jp", "gb2312"]))
def test_a_name_that_formataddr_encodes_is_shown_decoded(name: str, charset: str):
    try:
        entry = formataddr((name, "j@x.de"), charset)
    except UnicodeEncodeError:
        return
    if name.isascii() and not name.isprintable():
        return
    expected = name if not name.isascii() or entry.startswith('"') else " ".join(name.split())
    if "=?" in name and name.isascii() and not entry.startswith('"'):
        return  # formataddr() leaves what looks like an encoded-word
    assert parse_mailbox(entry).display_name == expected


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("=?UTF-8?Q?J=C3=BCrgen_M=C3=BCller?=", "Jürgen Müller"),
        ("=?utf-8?b?SsO8cmdlbg==?= =?utf-8?b?IE3DvGxsZXI=?=", "Jürgen Müller"),
        ("=?utf-8?q?J=C3?=   =?utf-8?q?=BCrgen?=", "Jürgen"),
        ("=?utf-8?q?J=C3=BCrgen?==?utf-8?q?_M?=", "Jürgen M"),
        ("Dr. =?iso-8859-1?q?J=FCrgen?= Smith", "Dr. Jürgen Smith"),
        ("=?windows-1252?q?=93Bob=94?=", "“Bob”"),
        ("=?utf-8*de?q?J=C3=BCrgen?=", "Jürgen"),
        ("=?utf-8?q?M=C3=BCller,_J.?=", "Müller, J."),
        ("=?utf-8?q?M=C3=BCller_(Chef)?=", "Müller (Chef)"),
        ("=?utf-8?q?a=09b?=", "a b"),
        ('"Smith, J" =?utf-8?q?=C3=BC?=', "Smith, J ü"),
        ("=?utf-8?q??=", ""),
        # No encoded-words: shown as they are written.
        ("=?x-none?q?J=C3?=", "=?x-none?q?J=C3?="),
        ("=?utf-8?q?J=FCrgen?=", "=?utf-8?q?J=FCrgen?="),
        ("=?utf-8?b?S?=", "=?utf-8?b?S?="),
        ("=?utf-8?x?J?=", "=?utf-8?x?J?="),
        ("=?zlib?b?eA==?=", "=?zlib?b?eA==?="),
        ("a=?utf-8?q?J?=", "a=?utf-8?q?J?="),
        ("=?", "=?"),
    ],
)  # fmt: skip
def test_encoded_words_in_a_name_are_decoded(name: str, shown: str):
    assert parse_mailbox(f"{name} <j@x.de>") == Mailbox(shown, "j", "x.de")
    assert read(EmailMessage(to=[f"{name} <j@x.de>"]), "To") == [(shown, "j@x.de")]
    entries = parse_mailbox_list(f"a@x.de, {name} <j@x.de>, {name} <k@x.de>")
    assert [entry.display_name for entry in entries] == ["", shown, shown]
    assert read(EmailMessage(headers={"To": f"{name} <j@x.de>"}), "To") == [(shown, "j@x.de")]


@pytest.mark.parametrize(
    "name",
    [
        "=?utf-8?q?Ann=0D=0ABcc:_e=40x.org?=",
        "=?utf-8?b?eA0KQmNjOiBl?=",
        "Ann =?utf-8?q?=0A?=",
        "=?utf-8?q?=00?=",
        "=?utf-8?q?=E2=80=A8?=",
        "=?utf-7?q?+3IA-?=",
        "=?utf-8?q?=C2=85?=",
        "=?unicode_escape?q?=5Cn?=",
    ],
)
def test_controls_that_hide_in_an_encoded_word_are_refused(name: str):
    entry = f"{name} <ann@x.org>"
    for message in (
        EmailMessage(to=[entry]),
        EmailMessage(from_email=entry),
        EmailMessage(headers={"To": entry}),
        EmailMessage(headers={"Sender": entry}),
    ):
        with pytest.raises(BadHeaderError):
            to_bytes(message)
        with pytest.raises(BadHeaderError):
            build(message)
    with pytest.raises(BadHeaderError):
        build(EmailMessage(bcc=[entry]))


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        (("A\nB", "a@x.de"), "newlines"),
        (("A\rB", "a@x.de"), "newlines"),
        (("A\0", "a@x.de"), "control"),
        (("A\udc80", "a@x.de"), "surrogate"),
        (("A", "a@x.de\r\nBcc: e@x"), "newlines"),
        (("A", "root"), "domain"),
        (("a@x.de", "Ann"), "domain"),
        (("A", ""), "domain"),
        (("A", None), "two strings"),
        (("A", 5), "two strings"),
        ((5, "a@x.de"), "two strings"),
        ((b"A", "a@x.de"), "two strings"),
        (("A", "B", "a@x.de"), "pair"),
        (("a@x.de",), "pair"),
        (("A", "A <a@x.de>"), "must not have a name or angle"),
        (("A", "<a@x.de>"), "must not have a name or angle"),
        (("A", "a@x.de, b@x.de"), "its own entry"),
        (["A", "a@x.de"], "list"),
        ({"A": "a@x.de"}, "dict"),
        (object(), "object"),
        (User, "type"),
        (Holder(None), "NoneType was given by the __email__() or adapter of Holder"),
        (Holder(7), "int"),
        (Path("a@x.de"), "__email__"),
        (5, "__email__"),
    ],
)
def test_what_is_no_mailbox_is_refused_and_says_what_is_accepted(pair: object, said: str):
    for message in (EmailMessage(to=["b@x.de", pair]), EmailMessage("s", "b", pair, ["b@x.de"])):
        for write in (to_bytes, build):
            with pytest.raises(InvalidAddress) as caught:
                write(message)
            assert said in str(caught.value)
    assert len(EmailMessage(to=["b@x.de", pair]).recipients()) == 2


def test_an_object_that_is_its_own_mailbox_is_refused():
    holder = Holder(None)
    holder.mailbox = holder
    with pytest.raises(InvalidAddress, match="Holder was given by the __email__"):
        parse_mailbox(holder)


@pytest.mark.parametrize(
    "entry",
    ["Acme: Sales <a@b.de>", "Smith, John <a@b.de>", "Müller, Jürgen <j@b.de>", "Müller (Chef) <j@b.de>",
     "Bob [x] <b@b.de>", "a@b.c via List <b@b.de>", 'Bob "the <b@b.de>', "Sales; EU <b@b.de>"],
)  # fmt: skip
def test_the_error_for_an_unquoted_name_says_to_use_the_pair(entry: str):
    for utf8 in (False, True):
        if entry.startswith("Müller, ") and not utf8:  # no word before the comma can be an address
            assert parse_mailbox(entry).display_name == "Müller, Jürgen"
            continue
        with pytest.raises(InvalidAddress, match="as a pair") as caught:
            parse_mailbox(entry, utf8=utf8)
        assert "SMTPUTF8" not in str(caught.value)
    name, _, address = entry.rpartition(" <")
    assert parse_mailbox((name, address[:-1])).display_name == name


@pytest.mark.parametrize(
    "entry", ["Jürgen Müller j@x.de", "Müller (Chef) j@x.de", "Jürgen <j@x.de", "Jürgen Müller"]
)
def test_a_name_without_brackets_is_not_said_to_need_smtputf8(entry: str):
    with pytest.raises(InvalidAddress, match="expected one mailbox") as caught:
        parse_mailbox(entry)
    assert "SMTPUTF8" not in str(caught.value)


@pytest.mark.parametrize("local_part", ["!#$%&'*/=?^_{|}~", "a=?b", "=?", "=?=?=", "x=?utf-8?x?y?=", "a?=b"])
def test_a_local_part_that_is_no_encoded_word_is_legal(local_part: str):
    address = f"{local_part}@example.com"
    for form in (
        address,
        f"Jürgen <{address}>",
        ("Smith, John", address),
        Address("A", local_part, "example.com"),
    ):
        message = EmailMessage("s", "b", form, [form, "b@x.de"])
        assert build(message)[1] == (address, (address, "b@x.de"))
        assert [each for _, each in read(message, "To")] == [address, "b@x.de"]


@pytest.mark.parametrize("name", ["to", "cc", "bcc", "reply_to"])
def test_a_pair_where_a_list_is_meant_is_a_type_error(name: str):
    pair = ("Ann", "ann@x.de")
    with pytest.raises(TypeError, match=rf'"{name}" argument .* \[\("Ann", "ann@example.com"\)\]'):
        EmailMessage(**{name: pair})  # type: ignore[arg-type]  # refused when it runs, too
    message = EmailMessage(to=["b@x.de"])
    setattr(message, name, pair)
    with pytest.raises(TypeError, match=name):
        message.message()
    message = EmailMessage(**{name: ["root", "ann@x.de"]})  # type: ignore[arg-type] # a list of two
    message.to = message.to or ["b@x.de"]
    message.message()


@pytest.mark.parametrize(
    "mailbox", [User("A", "a@x.de"), Address("A", "a", "x.de"), Contact("A", "a@x.de"), 5]
)
def test_one_mailbox_where_a_list_is_meant_is_a_type_error(mailbox: Any):
    with pytest.raises(TypeError, match='"to" argument must be a list or tuple'):
        EmailMessage(to=mailbox)
    message = EmailMessage(to=["b@x.de"])
    message.cc = mailbox
    for use in (build, EmailMessage.recipients):
        with pytest.raises(TypeError, match='"cc" argument must be a list or tuple'):
            use(message)


@pytest.mark.parametrize(("form", "mailbox"), FORMS)
def test_an_address_header_of_a_part_takes_every_form(form: Any, mailbox: Mailbox):
    part = SafeMIMEText("text")
    part["To"] = [form, ("Smith, John", "s@x.de")]
    pairs = getaddresses([part["To"].replace("\n", "")])
    assert [(str(make_header(decode_header(name))), address) for name, address in pairs] == [
        (mailbox.display_name, mailbox.addr_spec),
        ("Smith, John", "s@x.de"),
    ]
    assert sanitize_address(form, "utf-8") == sanitize_address(mailbox, "utf-8")


def test_a_string_where_a_list_is_meant_stays_a_type_error():
    with pytest.raises(TypeError, match='"to" argument must be a list or tuple'):
        EmailMessage(to="ann@x.de")
    with pytest.raises(TypeError, match='"to" argument must be a list or tuple'):
        mail.send_mail("s", "b", None, "ann@x.de")


@pytest.mark.parametrize("kind", [object, str, tuple, "User", None, 5])
def test_an_adapter_is_for_a_class_of_the_application(kind: Any):
    with pytest.raises(TypeError, match="adapter"):
        register_mailbox_adapter(kind, str)


def test_an_object_is_read_once_for_header_and_envelope():
    class Changing:
        count = 0

        def __email__(self) -> str:
            self.count += 1
            return f"user{self.count}@x.de"

    message = EmailMessage(to=[Changing()])
    mime, envelope = build(message)
    assert envelope.recipients == (mime["To"],)


class TestEveryWayToSend:
    def test_the_functions_take_every_form(self) -> None:
        user, shop = User("Smith, John", "john@x.de"), ("Shop: Berlin", "shop@x.de")
        with settings.override(EMAIL_URL="locmem:"):
            mail.outbox = []
            mail.send_mail("s", "b", shop, [user])
            mail.send_mass_mail([("s", "b", shop, [user]), ("s", "b", shop, [user], "<p>")])
        assert len(mail.outbox) == 3
        for message in mail.outbox:
            assert read(message, "From") == [shop]
            assert read(message, "To") == [("Smith, John", "john@x.de")]
            assert message.recipients() == ['"Smith, John" <john@x.de>']
            assert "Smith" not in repr(message.delivery)

    def test_a_notification_takes_every_form(self, tmp_path: Path) -> None:
        (tmp_path / "hello.txt").write_text("Hello")

        class Hello(Notification, name="hello_forms"):
            subject = "Hello"
            text_template = "hello.txt"
            from_email = ("Shop: Berlin", "shop@x.de")
            reply_to = (("Help (24 h)", "help@x.de"),)
            cc = [Address("Bob [x]", "bob", "x.de")]
            bcc = [formataddr(("Jürgen", "j@x.de"))]
            category = "bulk"
            return_path = "bounce+{recipient}@x.de"
            user: User

            @property
            def to(self) -> list[User]:
                return [self.user]

        renderer = Renderer(tmp_path)
        with pytest.raises(DeclarationError, match="3 recipients"):
            renderer.render(Hello(user=User("Smith, John", "john@y.de")))
        Hello.cc = Hello.bcc = []  # type: ignore[assignment]  # they are properties
        message = renderer.render(Hello(user=User("Smith, John", "john@y.de")))
        assert read(message, "From") == [("Shop: Berlin", "shop@x.de")]
        assert read(message, "To") == [("Smith, John", "john@y.de")]
        assert read(message, "Reply-To") == [("Help (24 h)", "help@x.de")]
        assert build(message)[1] == ("bounce+john=y.de@x.de", ("john@y.de",))
        assert message.message()["List-Id"] == "<hello_forms.x.de>"

    def test_a_notification_reads_objects_and_lazy_texts_in_the_language_it_renders_in(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "hello.txt").write_text("Hello")
        language = ["en"]

        class Lazy:
            def __str__(self) -> str:
                return {"en": "Hello", "de": "Grüße"}[language[-1]]

        class Greeting(Notification, name="greeting_forms"):
            subject = Lazy()  # type: ignore[assignment] # a lazy text
            text_template = "hello.txt"
            from_email = (Lazy(), "me@x.de")
            to = [User(Lazy(), "you@x.de")]
            headers = {"X-Lazy": Lazy(), "Sender": ("Jürgen", "j@x.de"), "Resent-To": Employee()}

        messages = []
        for name in ("en", "de"):
            language.append(name)
            messages.append(Renderer(tmp_path).render(Greeting()))
        for message, shown in zip(messages, ("Hello", "Grüße"), strict=True):
            assert message.subject == message.extra_headers["X-Lazy"] == shown
            assert read(message, "From") == [(shown, "me@x.de")]
            assert read(message, "To") == [(shown, "you@x.de")]
            assert read(message, "Sender") == [("Jürgen", "j@x.de")]
            assert read(message, "Resent-To") == [("Müller (Chef)", "chef@x.de")]
            assert message.to == [(shown, "you@x.de")]

    @pytest.mark.parametrize("entry", [("A\nB", "a@x.de"), "=?utf-8?q?=0A?= <a@x.de>", "a@x.de\nBcc: b@x.de"])
    @pytest.mark.parametrize("declaration", ["to", "cc", "bcc", "reply_to", "from_email"])
    def test_a_notification_refuses_forged_mailboxes_when_it_renders(
        self, tmp_path: Path, declaration: str, entry: Any
    ) -> None:
        (tmp_path / "hello.txt").write_text("Hello")
        given = entry if declaration == "from_email" else [entry]
        body = {"text_template": "hello.txt", "to": ["b@x.de"], declaration: property(lambda _: given)}
        forged: Any = type("Forged", (Notification,), body, name=f"forged_{declaration}_{abs(hash(entry))}")
        with pytest.raises(BadHeaderError, match=r"^Forged"):
            Renderer(tmp_path).render(forged())

    @pytest.mark.parametrize(
        ("declaration", "value", "said"),
        [
            ("to", [("Ann", "root")], "domain"),
            ("to", ("Ann", "ann@x.de"), "pair"),
            ("to", [["Ann", "ann@x.de"]], "list"),
            ("to", [3], "int"),
            ("from_email", ("Ann", "ann@"), "after the @"),
            ("from_email", 3, "int"),
            ("cc", ["=?utf-8?q?=0A?= <ann@x.de>"], "newlines"),
        ],
    )
    def test_a_declared_mailbox_that_cannot_work_is_refused_with_the_class(
        self, declaration: str, value: object, said: str
    ) -> None:
        with pytest.raises(NotificationError, match=rf"^Wrong\.{declaration}: .*{said}"):
            type("Wrong", (Notification,), {"text_template": "x.txt", declaration: value})

    def test_objects_and_lazy_texts_on_a_class_are_read_when_it_is_rendered(self) -> None:
        def fail(*_: object) -> str:
            raise AssertionError("evaluated when the class was defined")

        user = type("LateUser", (), {"__email__": fail})()
        lazy = type("LateText", (), {"__str__": fail, "__bool__": fail, "__len__": fail})()
        values = {
            "to": [user, lazy, (lazy, "a@x.de")],
            "from_email": user,
            "reply_to": (lazy,),
            "cc": [Employee()],
        }
        assert type("Late", (Notification,), {"text_template": "x.txt", **values}).to[0] is user  # type: ignore[attr-defined] # of a class made here

    def test_the_backends_that_keep_messages(self, tmp_path: Path) -> None:
        stream = StringIO()
        message = EmailMessage(
            "s", "b", ("Shop", "shop@x.de"), [("Jürgen (Chef)", "j@x.de")], bcc=[User("B", "hidden@x.de")]
        )
        mail.get_connection("aerogram.mail.backends.console.EmailBackend", stream=stream).send_messages(
            [message]
        )
        mail.get_connection(
            "aerogram.mail.backends.filebased.EmailBackend", file_path=tmp_path
        ).send_messages([message])
        (kept,) = tmp_path.iterdir()
        for text in (stream.getvalue(), kept.read_text()):
            assert "From: Shop <shop@x.de>" in text
            assert f"To: {message.message()['To']}" in text
            assert "hidden@x.de" not in text

    def test_redirect_reads_patterns_and_addresses_in_every_form(self) -> None:
        inner = mail.get_connection("aerogram.mail.backends.locmem.EmailBackend")
        to = ("Jürgen (Test)", "test@x.de")
        message = EmailMessage(to=[User("Smith, John", "john@y.de"), ("Ann", "ann@x.de")])
        mail.outbox = []
        redirect = "aerogram.mail.backends.redirect.EmailBackend"
        mail.get_connection(redirect, mailer=inner, to=[to]).send_messages([message])
        assert read(mail.outbox[0], "To") == [to]
        assert mail.outbox[0].message()["X-Original-To"] == '"Smith, John" <john@y.de>, Ann <ann@x.de>'
        assert mail.outbox[0].recipients() == ['"Jürgen (Test)" <test@x.de>']
        for allow in (
            "*@x.de",
            "Ann <ann@x.de>",
            ("Ann", "Ann@x.de"),
            Address("A", "ann", "x.de"),
            "ANN@x.de",
        ):
            mail.outbox = []
            mail.get_connection(redirect, mailer=inner, allow=[allow]).send_messages([message])
            assert [build(each)[1].recipients for each in mail.outbox] == [("ann@x.de",)]
