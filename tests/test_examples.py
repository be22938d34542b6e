"""The examples do what their first lines promise, by the commands a reader would type."""

from __future__ import annotations

import doctest
import email
import email.policy
import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lxml import html as lxml_html

from aerogram import outbox
from aerogram.outbox.storage.database import current_database
from aerogram.testing import FaultyServer
from tests.forked_python import python
from tests.sample_mail import EXAMPLES, example_messages, example_notifications, html_of, imported

if TYPE_CHECKING:
    from aerogram import Notification
    from aerogram.mail import EmailMultiAlternatives

Run = Callable[..., str]
GMAIL_CLIPS_AT = 102_000
SEPARATOR = re.compile(r"^-{79}$", re.MULTILINE)


@pytest.fixture(scope="module")
def run() -> Run:
    """Run a Python command in a folder without any setting of the developer's; return its output."""

    def run(folder: Path, *command: str) -> str:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        done = subprocess.run(
            python("-W", "error", *command),
            cwd=folder,
            env=kept | {"PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    return run


def mails(printed: str) -> list[EmailMessage]:
    """Read mails as the console and file backends write them."""
    found = [
        email.message_from_string(part.strip(), policy=email.policy.default)
        for part in SEPARATOR.split(printed)
    ]
    return [mail for mail in found if mail["Subject"]]


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy of one example, so that what it writes stays out of the repository."""
    ignored = shutil.ignore_patterns("outbox", "previews", "__pycache__")
    return Path(shutil.copytree(EXAMPLES / request.param, tmp_path / request.param, ignore=ignored))


@pytest.fixture(scope="module")
def messages() -> dict[str, tuple[Notification, EmailMultiAlternatives]]:
    return example_messages()


# The commands


@pytest.mark.parametrize("folder", ["script"], indirect=True)
def test_the_script_shows_one_mail(folder: Path, run: Run) -> None:
    (mail,) = mails(run(folder.parent, "script/invite.py"))
    assert mail["Subject"] == "Dinner on Saturday?"
    assert mail["From"] == "Bo Öberg <bo@example.com>"
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert "- Pike & potatoes" in text.get_content()
    assert "Pike &amp; potatoes" in html.get_content()


@pytest.mark.parametrize("folder", ["shop"], indirect=True)
def test_the_shop_writes_the_mails_of_a_day(folder: Path, run: Run) -> None:
    said = run(folder.parent, "shop/shop.py")
    assert said.startswith("5 mails sent")
    written = [mail for file in (folder / "outbox").iterdir() for mail in mails(file.read_text("utf-8"))]
    by_subject = {mail["Subject"]: mail for mail in written}
    assert by_subject.keys() == {
        "Welcome to Halyard Coffee",
        "Reset your password",
        "Your order 2026-1042",
        "Order 2026-1042 is on its way",
        "[Halyard] TimeoutError at /checkout/pay",
    }
    (invoice,) = by_subject["Your order 2026-1042"].iter_attachments()
    assert (invoice.get_filename(), invoice.get_content_type()) == (
        "invoice-2026-1042.pdf",
        "application/pdf",
    )
    report = by_subject["[Halyard] TimeoutError at /checkout/pay"]
    assert (report["From"], report["To"]) == (
        "shop@halyard.example",
        "engineers@halyard.example",
    )


@pytest.mark.parametrize("folder", ["shop"], indirect=True)
def test_the_shop_queues_its_mails_with_one_setting(
    folder: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    settings_file = folder / "aerogram.toml"
    queueing = settings_file.read_text().replace("backends.filebased.", "backends.outbox.")
    settings_file.write_text(queueing)
    assert run(folder.parent, "shop/shop.py").startswith("5 mails sent")

    assert not (folder / "outbox").exists()
    queued = outbox.list_entries()
    assert [entry.state for entry in queued] == ["queued"] * 5
    assert queued[4].subject == "Welcome to Halyard Coffee"
    assert [each.address for each in queued[4].recipients] == ["ann@example.com"]

    with FaultyServer() as server:
        monkeypatch.setenv("AEROGRAM_EMAIL_HOST", server.host)
        monkeypatch.setenv("AEROGRAM_EMAIL_PORT", str(server.port))
        run(folder, "-m", "aerogram", "worker", "--once")
        assert len(server.messages) == 5
    monkeypatch.undo()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert outbox.counts()["done"] == 5
    current_database().close()


@pytest.mark.parametrize("folder", ["digest"], indirect=True)
def test_the_digest_goes_to_each_person_once(folder: Path, run: Run) -> None:
    printed = run(folder.parent, "digest/weekly.py")
    sent = mails(printed)
    assert printed.rstrip().endswith("3 digests sent.")
    assert [mail["To"].addresses[0].addr_spec for mail in sent] == [
        f"reader{n}@example.com" for n in range(3)
    ]
    assert all(mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click" for mail in sent)
    assert run(folder, "weekly.py", "--people", "40", "--email-url", "dummy:") == "40 digests sent.\n"


@pytest.mark.parametrize(
    ("folder", "module", "names"),
    [
        (
            "shop",
            "notifications",
            {"welcome", "password_reset", "order_receipt", "order_shipped", "error_report"},
        ),
        ("digest", "weekly", {"weekly_digest"}),
    ],
    indirect=["folder"],
)
def test_the_command_checks_and_previews_them(folder: Path, run: Run, module: str, names: set[str]) -> None:
    run(folder, "-m", "aerogram", "--app", module, "check")
    run(folder, "-m", "aerogram", "--app", module, "preview", "--out", "previews")
    assert (folder / "previews" / "index.html").is_file()
    assert names <= {path.name for path in (folder / "previews").iterdir()}


@pytest.mark.parametrize("folder", ["alarms"], indirect=True)
def test_the_job_mails_its_errors_once_a_kind(folder: Path, run: Run) -> None:
    printed = run(folder.parent, "alarms/alarms.py")
    by_subject = {mail["Subject"]: mail for mail in mails(printed)}
    assert by_subject.keys() == {
        "[Payments] ERROR (7 times): BankUnreachable: no answer from https://robot:********@south.example/charge",
        "[Payments] ERROR: ZeroDivisionError: division by zero",
    }
    for mail in by_subject.values():
        text = mail.get_body(("plain",))
        assert mail["To"] == "oncall@example.com"
        assert text is not None
        assert "in charge\n" in text.get_content()
        assert "api_key: ********" in text.get_content()
    assert "4711" not in printed
    assert printed.rstrip().endswith("13 payments charged.")


# The mails


def test_every_example_has_samples() -> None:
    names = {name.partition("-")[0] for name, _ in example_notifications()}
    assert names == {
        "welcome",
        "password_reset",
        "order_receipt",
        "order_shipped",
        "error_report",
        "weekly_digest",
        "invitation",
    }


def test_every_sample_is_a_good_mail(
    messages: dict[str, tuple[Notification, EmailMultiAlternatives]],
) -> None:
    for name, (_, message) in messages.items():
        html = html_of(message)
        document = lxml_html.fromstring(html)
        visible = document.find("body").text_content()
        assert 1 <= len(message.subject) <= 70, name
        assert len(html.encode()) < GMAIL_CLIPS_AT, name
        assert [len(list(document.iter(tag))) for tag in ("h1", "script", "img")] == [1, 0, 0], name
        assert document.findtext(".//title"), name
        assert "{{" not in visible, name
        assert "Undefined" not in visible, name
        assert all(
            re.match(r"https://|mailto:", link.get("href")) and link.text_content().strip()
            for link in document.iter("a")
        ), name
        assert message.body.strip(), name
        assert "\u034f" not in message.body, f"{name}: the preheader's filler is in the text part"
        assert "font-family" not in message.body, name
        message.message()


def test_every_link_of_a_mail_is_in_its_text_too(
    messages: dict[str, tuple[Notification, EmailMultiAlternatives]],
) -> None:
    for name, (notification, message) in messages.items():
        if notification.text_template is None:
            text = "".join(message.body.split())
            links = {link.get("href") for link in lxml_html.fromstring(html_of(message)).iter("a")}
            assert not {link for link in links if "".join(link.split()) not in text}, name


def test_mail_that_nobody_wrote_says_so(
    messages: dict[str, tuple[Notification, EmailMultiAlternatives]],
) -> None:
    """Else vacation notes answer it (RFC 3834). The invitation is written by its sender."""
    automatic = {name for name, (_, message) in messages.items() if "Auto-Submitted" in message.extra_headers}
    assert messages.keys() - automatic == {"invitation-three courses"}


def test_a_digest_can_be_left_in_two_ways_and_says_who_sends_it(
    messages: dict[str, tuple[Notification, EmailMultiAlternatives]],
) -> None:
    _, message = messages["weekly_digest-usual week"]
    assert re.fullmatch(r"<https://\S+>, <mailto:\S+>", message.extra_headers["List-Unsubscribe"])
    assert "18 Mill Lane, Cambridge" in message.body


def test_the_receipt_adds_up(messages: dict[str, tuple[Notification, EmailMultiAlternatives]]) -> None:
    _, message = messages["order_receipt-two articles"]
    cells = [
        [cell.text_content() for cell in row]
        for table in lxml_html.fromstring(html_of(message)).iter("table")
        if table.find("thead") is not None
        for row in table.iter("tr")
    ]
    assert cells == [
        ["Article", "Qty", "Price"],
        ["Flores Bajawa, washed, 250 g", "2", "€23.00"],
        ["Paper filters, 100 sheets", "1", "€6.50"],
        ["Subtotal", "€29.50"],
        ["Discount", "\N{MINUS SIGN}€3.00"],
        ["Shipping", "€4.50"],
        ["Total", "€31.00"],
    ]


def test_money_is_written_as_people_write_it() -> None:
    with imported("shop", "orders") as (orders,):
        assert doctest.testmod(orders).attempted > 0
        assert doctest.testmod(orders).failed == 0
        assert str(-orders.Money(500)) == "\N{MINUS SIGN}€5.00"


def test_an_error_report_names_the_place_and_no_values() -> None:
    with imported("shop", "notifications") as (notifications,):
        try:
            password = "hunter2"
            raise ValueError(f"{len(password)} characters")
        except ValueError as error:
            report = notifications.ErrorReport.of(error, "/login")
    assert (report.error, report.path) == ("ValueError", "/login")
    assert "an_error_report_names_the_place" in report.lines
    assert "hunter2" not in report.lines.replace('password = "hunter2"', "")


# The invoice


def invoice(lines: int, name: str = "Ann (née) O\\Brien") -> bytes:
    from datetime import date

    with imported("shop", "invoice", "orders") as (invoices, orders):
        articles = [orders.Line(f"Article {number}", 1, orders.Money(100)) for number in range(lines)]
        customer = orders.Customer(name, "ann@example.com")
        pdf: bytes = invoices.invoice_pdf(orders.Order("7", customer, articles, "Street", date(2026, 5, 13)))
    return pdf


@pytest.mark.parametrize("lines", [0, 1, 27, 100])
def test_the_invoice_is_a_pdf_whose_table_points_at_its_objects(lines: int) -> None:
    pdf = invoice(lines)
    start = int(pdf.rsplit(b"startxref\n", 1)[1].split()[0])
    size = int(pdf[start:].split()[2])
    assert pdf.startswith(b"%PDF-1.4\n")
    assert pdf.endswith(b"%%EOF\n")
    offsets = [int(entry[:10]) for entry in pdf[start:].split(b"\n")[3 : 2 + size]]
    assert [pdf[offset:].startswith(b"%d 0 obj\n" % number) for number, offset in enumerate(offsets, 1)] == [
        True
    ] * (size - 1)
    for length, stream in re.findall(rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", pdf, re.DOTALL):
        assert int(length) == len(stream)
    assert pdf.count(b" x Article ") == lines
    assert pdf.count(b"/Type /Page ") == int(re.search(rb"/Count (\d+)", pdf)[1])  # type: ignore[index]  # it is there


def test_a_name_cannot_break_out_of_the_invoice() -> None:
    assert b"(Ann \\(n\xe9e\\) O\\\\Brien) Tj" in invoice(1)


def test_a_name_that_the_fonts_lack_is_left_to_the_address() -> None:
    assert b"(ann@example.com) Tj" in invoice(1, name="佐藤 美咲")


# The digest


def test_digests_are_made_one_at_a_time() -> None:
    """From events without end, the first digests come all the same: nothing is collected."""
    with imported("digest", "weekly") as (weekly,):
        read = 0

        def endless() -> object:
            nonlocal read
            for person in weekly.people(10**9):
                for event in weekly.events_of(person, 4):
                    read += 1
                    yield event

        first = list(itertools.islice(weekly.digests(endless()), 3))
    assert [len(digest.events) for digest in first] == [4, 4, 4]
    assert read <= 3 * 4 + 1


def test_a_busy_week_is_cut_short(messages: dict[str, tuple[Notification, EmailMultiAlternatives]]) -> None:
    _, message = messages["weekly_digest-busy week"]
    document = lxml_html.fromstring(html_of(message))
    assert len(document.find_class("item")) == 15
    assert message.subject == "Your book club: 40 things you missed"
    assert re.findall(r"and (\d+) more", document.find("body").text_content())[-3:] == ["9", "8", "8"]
