"""Type checkers understand what people write: mypy and pyright check a module as a user has it."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aerogram import declared_types
from aerogram.declaration import DECLARATIONS

ROOT = Path(__file__).parent.parent

USERS_MODULE = """\
from collections.abc import Sequence
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import Any

from aerogram import AdminNotification, Notification
from aerogram.conf import settings
from aerogram.mail import EmailMultiAlternatives, MailboxLike, mailers, send_mass_mail


class Attributes(Notification):
    subject = "Hello {{ name }}"
    html_template = "hello.html"
    to = ["ann@example.com"]
    headers = {"X-Kind": "hello"}
    name: str
    tags: list[str] = field(default_factory=list)


class Properties(Notification, name="by-property"):
    text_template = "hello.txt"
    name: str

    @property
    def subject(self) -> str:
        return f"Hello {self.name}"

    @property
    def to(self) -> list[str]:
        return [f"{self.name}@example.com"]


class Fields(Notification):
    text_template = "hello.txt"
    to: list[str]
    subject: str
    from_email: str = "me@example.com"
    category: str = "news"
    message: str = ""


class Staff(AdminNotification):
    subject = "{{ host }}"
    text_template = "staff.txt"
    to = ["ops@example.com"]
    host: str


mail: EmailMultiAlternatives = Attributes(name="ann").render()
sent: int = send_mass_mail([Properties(name="ann"), Fields(to=["a@example.com"], subject="s"), mail])
sent += send_mass_mail(("Hello", "Good morning.", None, [name]) for name in ("ann@example.com",))
send_mass_mail([3])  # E: incompatible type "int"
send_mass_mail([("Hello", "Good morning.", None)])  # E: incompatible type "tuple[str, str, None]"
sent += Staff(host="h").send(connection=mailers["bulk"]) + Staff(host="h").send(using="bulk")


class Wrong(Notification):
    subject = 3  # E: expression has type "int"
    subject_prefix = None  # E: expression has type "None"
    to = 3  # E: expression has type "int"
    cc = [5]  # E: incompatible type "int"
    bcc = None  # E: expression has type "None"
    reply_to = {"a@example.com": 1}  # E: expression has type "dict[str, int]"
    from_email = 5  # E: expression has type "int"
    headers = ["X-Kind"]  # E: expression has type "list[str]"
    attachments = Path("a.pdf")  # E: expression has type "Path"
    html_template = Path("a.html")  # E: expression has type "Path"
    text_template = ["a.txt"]  # E: expression has type "list[str]"
    css = 3  # E: expression has type "int"
    category = True  # E: expression has type "bool"
    unsubscribe_url = Path("a")  # E: expression has type "Path"
    unsubscribe_email = ("Ann", "a@example.com")  # E: expression has type "tuple[str, str]"
    list_id = 5  # E: expression has type "int"
    return_path = 5  # E: expression has type "int"
    locale = 5  # E: expression has type "int"
    timezone = 5  # E: expression has type "int"


class WrongFields(Notification):
    to: int  # E: expression has type "int"
    headers: list[str]  # E: expression has type "list[str]"
    html_template: int | None = None  # E: expression has type "int | None"


class WronglyComputed(Notification):
    @property
    def subject(self) -> int:  # E: incompatible with supertype
        return 3

    @property
    def to(self) -> int:  # E: incompatible with supertype
        return 3

    @property
    def headers(self) -> list[str]:  # E: incompatible with supertype
        return []

    def attachments(self) -> list[Any]:  # E: incompatible with supertype
        return []


class NarrowFields(Notification):
    to: tuple[str, ...]
    cc: Sequence[MailboxLike] = ()
    headers: dict[str, int]
    attachments: list[Path] = field(default_factory=list[Path])
    html_template: str
    from_email: str | None = None
    locale: str


class Computed(Notification):
    html_template = None
    css = "a.css"
    reply_to = ()
    from_email = ("Ann", "ann@example.com")

    @cached_property
    def to(self) -> list[tuple[str, str]]:
        return [("Ann", "ann@example.com")]

    @property
    def text_template(self) -> str:
        return "a.txt"


class Derived(Computed):
    css = "b.css"


narrow = NarrowFields(to=("a@example.com",), headers={}, html_template="a.html", locale="de")
first: str = narrow.to[0]
template: str | None = Computed().html_template
recipients: Sequence[MailboxLike] = Attributes(name="ann").to


Attributes()  # E: Missing named argument "name"
Attributes(name=1)  # E: incompatible type "int"
Attributes("ann")  # E: Too many positional arguments
Attributes(name="ann", nmae="ann")  # E: Unexpected keyword argument "nmae"
Fields(to=["a@example.com"])  # E: Missing named argument "subject"
Properties(name="ann").send(silently=True)  # E: Unexpected keyword argument "silently"

port: int = settings.EMAIL_PORT
folders = ["templates"]
settings.configure(TEMPLATE_DIRS=folders, ADMINS=[("Ada", "ada@example.com"), "ops@example.com"])
settings.EMAIL_PROT  # E: "Settings" has no attribute "EMAIL_PROT"
settings.EMAIL_PORT = 587  # E: read-only
settings.configure(EMAIL_PROT=3)  # E: Unexpected keyword argument "EMAIL_PROT"
settings.override(EMAIL_PORT="587")  # E: incompatible type "str"


@settings.override(EMAIL_HOST="mail.example.com")
def host(suffix: str) -> str:
    return settings.EMAIL_HOST + suffix


host(1)  # E: incompatible type "int"
"""


BILLING_MODULE = """\
# pyright: strict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from email.headerregistry import Address
from pathlib import Path
from typing import Any, Self

from aerogram import AdminNotification, InlineImage, Notification, Renderer
from aerogram.conf import settings
from aerogram.mail import EmailMessage, EmailMultiAlternatives, MailboxLike, outbox, send_mail, send_mass_mail
from aerogram.testing import (
    MailTestCase,
    assert_mail_not_sent,
    assert_mail_sent,
    assert_no_mail,
    capture_mail,
)


@dataclass
class Customer:
    name: str
    email: str

    def __email__(self) -> MailboxLike:
        return self.name, self.email


class BillingMail(Notification, abstract=True):
    from_email = "Billing <billing@example.com>"
    customer: Customer

    @property
    def to(self) -> list[MailboxLike]:
        return [self.customer]


class InvoiceIssued(BillingMail):
    subject = "Invoice {{ number }}"
    html_template = "billing/invoice.html"
    cc = ["books@example.com", ("Books", "books@example.com")]
    headers = {"X-Kind": "invoice"}
    number: str
    amount: Decimal = Decimal(0)
    lines: list[str] = field(default_factory=list[str])
    pdf: bytes | None = None

    @property
    def attachments(self) -> list[Any]:
        return [(f"{self.number}.pdf", self.pdf, "application/pdf"), Path("terms.pdf")]

    def context(self) -> dict[str, Any]:
        return {**super().context(), "total": self.amount * 2}

    @classmethod
    def samples(cls) -> Mapping[str, Self]:
        return {"small": cls(customer=Customer("Ann", "ann@example.com"), number="1")}


class InvoiceOverdue(InvoiceIssued):
    subject = "Overdue: {{ number }}"
    days: int = 14


class PaymentReceived(BillingMail, name="paid"):
    text_template = "billing/paid.txt"
    chart: InlineImage | None = None

    @property
    def subject(self) -> str:
        return f"Thank you, {self.customer.name}"


class PaymentFailed(AdminNotification):
    subject = "Payment failed"
    html_template = "billing/failed.html"
    reason: str


class Statement(Notification):
    text_template = "billing/statement.txt"
    to: list[MailboxLike]
    subject: str = "Your statement"


ann = Customer("Ann", "ann@example.com")
invoice = InvoiceIssued(customer=ann, number="1", amount=Decimal("1.5"))
message: EmailMultiAlternatives = invoice.render()
overdue: InvoiceOverdue = InvoiceOverdue(customer=ann, number="2", days=3)
statement = Statement(to=[ann, "a@example.com", ("Ann", "a@example.com"), Address("A", addr_spec="a@x.org")])
batch: list[Notification] = [overdue, statement, PaymentReceived(customer=ann)]
sent: int = send_mass_mail([*batch, message, ("Hi", "Text", None, [ann])])
sent += send_mail("Hi", "Text", ("Me", "me@example.com"), [ann], html_message="<p>Text")
sent += EmailMessage("Hi", "Text", to=["a@example.com"], cc=[ann], reply_to=[("A", "a@x.org")]).send()
again: InvoiceIssued = InvoiceIssued.from_dict(invoice.to_dict())
Renderer("templates", shared={"a": 1}).render(invoice)

with settings.override(EMAIL_URL="locmem:"), capture_mail() as mails:
    PaymentFailed(reason="card").send()
    first: EmailMessage = mails[0]
    shown: bool = first.sees("card")
    found: EmailMessage = assert_mail_sent(InvoiceIssued, to="ann@example.com", subject="Invoice 1", count=1)
    number: str = assert_mail_sent(InvoiceIssued).notification.number
    html: object = assert_mail_sent(InvoiceIssued).alternatives[0].content
    named: EmailMessage = assert_mail_sent("paid")
    assert_mail_not_sent(PaymentFailed)
    assert_no_mail()
kept: list[EmailMessage] = outbox

InvoiceIssued(customer=ann)  # E: Missing named argument "number"
InvoiceIssued(customer="ann", number="1")  # E: incompatible type "str"
InvoiceOverdue(customer=ann, number="1", days="3")  # E: incompatible type "str"
InvoiceIssued(customer=ann, number="1", amonut=Decimal(1))  # E: Unexpected keyword argument "amonut"
PaymentFailed()  # E: Missing named argument "reason"
Statement(to=[5])  # E: incompatible type "int"
EmailMessage(to=[5])  # E: incompatible type "int"
EmailMessage(cc=[None])  # E: incompatible type "None"
EmailMessage(from_email=object())  # E: incompatible type "object"
send_mail("Hi", "Text", None, [("ann@example.com", None)])  # E: incompatible type "tuple[str, None]"
send_mail("Hi", "Text", None, 5)  # E: incompatible type "int"
send_mass_mail([invoice, 5])  # E: incompatible type "int"
invoice.send(using=5)  # E: incompatible type "int"
wrong: str = invoice.render()  # E: expression has type "EmailMultiAlternatives"
assert_mail_sent(InvoiceIssued, count="1")  # E: No overload variant
assert_mail_sent(5)  # E: No overload variant
assert_mail_sent(InvoiceIssued).notification.nmuber  # E: has no attribute "nmuber"
MailTestCase().assertMailSent(InvoiceIssued).notification.nmuber  # E: has no attribute "nmuber"
first.sees(5)  # E: incompatible type "int"
Renderer(environment=5)  # E: incompatible type "int"
InlineImage(b"")  # E: Missing positional argument "mimetype"
invoice.nmuber  # E: has no attribute "nmuber"
"""
MODULES = {"mails": USERS_MODULE, "billing": BILLING_MODULE}


def marked(*marks: str) -> dict[tuple[str, int], str]:
    """What is expected, by module and line."""
    return {
        (module, number): line.partition(mark)[2]
        for module, text in MODULES.items()
        for number, line in enumerate(text.splitlines(), 1)
        for mark in marks
        if mark in line
    }


@pytest.fixture
def users_modules(tmp_path: Path) -> Path:
    """A folder with the modules. They are checked in one go: starting takes a checker most of its time."""
    for module, text in MODULES.items():
        (tmp_path / f"{module}.py").write_text(text, encoding="utf-8")
    return tmp_path


def test_mypy_understands_a_users_module(users_modules: Path) -> None:
    api = pytest.importorskip("mypy.api", reason="mypy is not installed")
    paths = [str(users_modules / f"{module}.py") for module in MODULES]
    found = api.run(["--strict", *paths])[0]  # the cache of ./run check
    lines = re.findall(r"(\w+)\.py:(\d+): error: (.*)", found)
    said = {(module, int(number)): text for module, number, text in lines}
    expected = marked("# E: ", "# mypy: ")
    assert said.keys() == expected.keys(), found
    assert all(expected[place] in said[place] for place in expected), said


def test_pyright_finds_the_same_errors(users_modules: Path) -> None:
    pytest.importorskip("pyright", reason="pyright is not installed")
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [*command, *(f"{module}.py" for module in MODULES)],
        cwd=users_modules,  # the configuration of no other project counts
        env=environment,
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout)["generalDiagnostics"]
    errors = {
        (Path(each["file"]).stem, each["range"]["start"]["line"] + 1): each["message"]
        for each in found
        if each["severity"] == "error"
    }
    assert errors.keys() == marked("# E: ").keys(), errors


def test_the_types_for_pyright_are_those_of_the_table() -> None:
    source = Path(declared_types.__file__).read_text(encoding="utf-8")
    (cls,) = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef) and node.name == "Declared"
    ]
    types = {
        ast.unparse(node.target): ast.unparse(node.annotation)
        for node in cls.body
        if isinstance(node, ast.AnnAssign)
    }
    assert types == {name: f"Of[{declaration.type}]" for name, declaration in DECLARATIONS.items()}
