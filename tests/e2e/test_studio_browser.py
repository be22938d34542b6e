"""The studio in a real browser, started by its command: every pane, live, and a mail that means harm."""

# ruff: noqa: E501 - the mails are written as people write them

from __future__ import annotations

import os
import re
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from aerogram.catcher import CatchingServer
from aerogram.mail import EmailMultiAlternatives, get_connection
from tests.forked_python import python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Frame, Page

MAILS = '''
import base64, dataclasses, datetime, enum
from email.mime.image import MIMEImage
from aerogram import Notification

PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")

class Size(enum.Enum):
    SMALL = 1
    LARGE = 2

@dataclasses.dataclass(frozen=True)
class Order:
    number: str
    placed: datetime.date
    lines: list[str]
    size: Size = Size.SMALL
    gift: bool = False

class Shipped(Notification):
    """Sent when it leaves."""
    subject = "Order {{ order.number }}"
    html_template = "shipped.html"
    css = "shop.css"
    to = ["Ann <ann@example.com>"]
    bcc = ["archive@example.com"]
    from_email = "Shop <shop@example.com>"
    order: Order

    @property
    def attachments(self):
        logo = MIMEImage(PIXEL, "png")
        logo.add_header("Content-ID", "<logo>")
        return [logo, ("bill.pdf", b"%PDF-1.4", "application/pdf")]

    @classmethod
    def samples(cls):
        order = Order("2041", datetime.date(2026, 5, 13), ["Flores"])
        return {"one parcel": cls(order=order), "gift": cls(order=dataclasses.replace(order, gift=True))}

class Hostile(Notification):
    subject = "<img src=x onerror=alert(1)>"
    html_template = "hostile.html"
    to = ["ann@example.com"]
    from_email = "shop@example.com"

    @classmethod
    def samples(cls):
        return {"harm": cls()}

class Failing(Notification):
    subject = "Fails"
    text_template = "failing.txt"
    to = ["ann@example.com"]
    from_email = "shop@example.com"

    @classmethod
    def samples(cls):
        return {"typo": cls()}
'''
SHIPPED = """<!doctype html><html lang="en"><head><title>Order</title><meta name="color-scheme" content="light dark"><style>
p { color: rgb(1, 1, 1) }
@media (prefers-color-scheme: dark) { p { color: rgb(250, 250, 250) !important } }
@media (max-width: 480px) { p { font-size: 30px !important } }
</style></head><body style="background-color: #ffffff"><p>Order {{ order.number }} of {{ order.placed }} {{ order.size.name }} {{ order.lines|join(", ") }}</p>
<img id="logo" src="cid:logo" alt="The logo" width="1" height="1"><div style="height: 2600px"></div><a href="">Nowhere</a><p id="end">End</p></body></html>"""
HOSTILE = """<p>Harm</p><script>parent.document.title = "owned"; document.body.innerHTML = "scripted"</script>
<img src="x" onerror="parent.document.title = 'owned'"><a id="link" href="javascript:parent.document.title='owned'">Click</a>
<svg onload="parent.document.title='owned'"></svg><iframe src="javascript:parent.document.title='owned'"></iframe>
<form action="http://127.0.0.1:9/steal"><button>Send</button></form><meta http-equiv="refresh" content="0;url=http://127.0.0.1:9/">
<link rel="stylesheet" href="http://127.0.0.1:9/x.css"><style>@import "http://127.0.0.1:9/y.css"; p { background: url(http://127.0.0.1:9/z.png) }</style>
<img src="http://127.0.0.1:9/pixel.png" alt=""><object data="http://127.0.0.1:9/o"></object>"""


class Program:
    """A command of aerogram in a project of its own, whose page was announced on standard output."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            python("-m", "aerogram", *arguments),
            cwd=folder,
            env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.said = ""
        assert self.process.stdout is not None
        while "Studio at " not in self.said:
            line = self.process.stdout.readline()
            assert line, self.said
            self.said += line
        self.address = re.findall(r"Studio at (http://\S+/)", self.said)[0]

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture(scope="module")
def server() -> Iterator[CatchingServer]:
    with CatchingServer() as catching:
        yield catching


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, server: CatchingServer) -> Iterator[Program]:
    folder = tmp_path_factory.mktemp("project")
    (folder / "templates").mkdir()
    (folder / "aerogram.toml").write_text('SITE_NAME = "Orchard"\n')
    for name, source in {
        "mails.py": MAILS,
        "templates/shipped.html": SHIPPED,
        "templates/shipped.de.html": SHIPPED.replace("Order {{", "Bestellung {{"),
        "templates/hostile.html": HOSTILE,
        "templates/shop.css": "p { margin: 0 }",
        "templates/failing.txt": "Dear reader,\n\n{{ nmae }}\n",
    }.items():
        (folder / name).write_text(source)
    mailer = f"smtp://{server.host}:{server.port}"
    program = Program(
        folder, "--app", "mails", "studio", "--port", "0", "--no-open", AEROGRAM_EMAIL_URL=mailer
    )
    yield program
    program.end()


@pytest.fixture
def page(page: Page, studio: Program) -> Iterator[Page]:
    """A tab on the studio; the console must stay empty."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_viewport_size({"width": 1440, "height": 900})
    page.set_default_timeout(15000)
    page.goto(studio.address)
    yield page
    expect(page).to_have_title(re.compile("Orchard . Studio"))
    assert [
        each for each in complaints if "net::ERR_" not in each and "422" not in each and "404" not in each
    ] == []


def open_sample(page: Page, sample: str = "shipped/one-parcel") -> None:
    page.locator(f'.entry[data-id="{sample}"]').click()
    page.locator("article.sample").wait_for()


def mail(page: Page) -> Frame:
    """Return the frame of the mail, its content loaded; it runs no scripts, so that is seen from outside."""
    until = time.monotonic() + 60
    while True:
        handle = page.locator(".device iframe").element_handle()
        handle.evaluate(
            "element => Promise.race([element.loaded, new Promise((resolve) => setTimeout(resolve, 15000))])"
        )
        if frame := handle.content_frame():  # None if another frame has taken its place
            return frame
        assert time.monotonic() < until


def words(page: Page) -> str:
    return mail(page).inner_text("p >> nth=0")


def colour(page: Page) -> str:
    return mail(page).evaluate("getComputedStyle(document.querySelector('p')).color")


expect.set_options(timeout=60_000)


def wait_until(page: Page, is_so: Callable[[], bool]) -> None:
    """Wait as Playwright cannot: the frame of the mail runs no scripts, and the page no text as a script."""
    until = time.monotonic() + 60
    while not is_so() and time.monotonic() < until:
        page.wait_for_timeout(30)
    assert is_so()


def wait_for_width(page: Page, width: int) -> None:
    """Wait until the mail is that wide."""
    wait_until(page, lambda: mail(page).evaluate("innerWidth") == width)


def test_it_lists_every_sample_with_its_subject_and_the_grid_shows_them(page: Page):
    expect(page.locator(".entry")).to_have_count(4)
    expect(page.locator('.entry[data-id="shipped/gift"] .subject')).to_have_text("Order 2041")
    expect(page.locator('.entry[data-id="shipped/gift"] .clip')).to_be_visible()
    expect(page.locator(".entry.failed .subject")).to_have_text("could not be rendered")
    page.frame_locator('.card[data-id="shipped/gift"] iframe').get_by_text("Order 2041").wait_for()
    page.locator('.card[data-id="shipped/gift"]').click()
    expect(page.locator("article h2")).to_have_text("gift")


def test_every_pane_shows_its_part(page: Page):
    open_sample(page)
    assert words(page) == "Order 2041 of 2026-05-13 SMALL Flores"
    expect(page.locator(".inbox .preheader")).to_contain_text("Order 2041 of")
    expect(page.locator(".envelope")).to_contain_text("archive@example.com")
    for tab, shown in {
        "Text": "Order 2041 of",
        "Source": '<img id="logo" src="cid:logo"',
        "Raw": "To: Ann <ann@example.com>",
        "Headers": "Message-ID",
        "Parts": "multipart/alternative",
    }.items():
        page.get_by_role("tab", name=tab).click()
        expect(page.locator("[data-panel]:visible")).to_contain_text(shown)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download .eml").click()
    assert b"\r\nTo: Ann <ann@example.com>\r\n" in download.value.path().read_bytes()
    with page.expect_download() as download:
        page.get_by_role("link", name="bill.pdf").click()
    assert download.value.path().read_bytes() == b"%PDF-1.4"


def test_every_switch_of_the_html_pane(page: Page):
    open_sample(page)
    assert mail(page).evaluate("document.querySelector('#logo').naturalWidth") == 1
    page.get_by_role("button", name="Dark").click()
    assert colour(page) == "rgb(250, 250, 250)"
    page.get_by_role("button", name="Gmail").click()
    assert colour(page) == "rgb(1, 1, 1)"
    filtered = page.locator(".device iframe").evaluate("element => getComputedStyle(element).filter")
    assert "invert(1)" in filtered
    page.get_by_role("button", name="Outlook").click()
    assert colour(page) == "rgb(242, 242, 242)"
    assert mail(page).evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(31, 31, 31)"
    page.get_by_role("button", name="Light").click()
    page.get_by_role("button", name="Images").click()
    assert mail(page).get_attribute("#logo", "src") is None
    page.get_by_role("button", name="Phone").click()
    size = "getComputedStyle(document.querySelector('p')).fontSize"
    wait_for_width(page, 390)
    assert mail(page).evaluate(size) == "30px"
    page.get_by_role("button", name="<style>").click()
    assert mail(page).evaluate(size) != "30px"
    page.get_by_role("button", name="Tablet").click()
    wait_for_width(page, 768)


def test_the_width_can_be_dragged(page: Page):
    open_sample(page)
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Tablet").click()
    wait_for_width(page, 768)
    grip = page.locator(".grip")
    box = grip.bounding_box()
    assert box is not None
    devtools = page.context.new_cdp_session(
        page
    )  # Playwright's own mouse waits for the scripts of every frame
    for kind, x, held in (
        ("mousePressed", 5, 1),
        ("mouseMoved", -45, 1),
        ("mouseMoved", -95, 1),
        ("mouseReleased", -95, 0),
    ):
        devtools.send(
            "Input.dispatchMouseEvent",
            {
                "type": kind,
                "x": box["x"] + x,
                "y": box["y"] + 60,
                "button": "left",
                "buttons": held,
                "clickCount": 1,
            },
        )
    expect(page.locator(".device")).to_have_js_property("clientWidth", 568)
    grip.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".device")).to_have_js_property("clientWidth", 588)


def test_an_edited_sample_is_shown_as_it_is_typed_and_is_in_the_address(page: Page, studio: Program):
    open_sample(page)
    mail(page)
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("number").fill("99")
    page.frame_locator(".device iframe").get_by_text("Order 99 of").wait_for()
    page.get_by_label("placed").fill("2027-01-02")
    page.get_by_label("size").select_option("LARGE")
    page.get_by_label("lines").fill('["Filters", "Cups"]')
    page.frame_locator(".device iframe").get_by_text("Order 99 of 2027-01-02 LARGE Filters, Cups").wait_for()
    page.get_by_label("lines").fill('["Filters"')
    expect(page.locator('[data-wrong="order.lines"]')).to_be_visible()
    page.get_by_label("lines").fill('["Filters"]')
    page.frame_locator(".device iframe").get_by_text("LARGE Filters").wait_for()
    expect(page.locator('[data-wrong="order.lines"]')).to_be_hidden()
    colleague = page.context.new_page()
    colleague.goto(page.url)
    colleague.frame_locator(".device iframe").get_by_text("Order 99 of 2027-01-02 LARGE Filters").wait_for()
    colleague.close()
    page.get_by_role("button", name="Reset").click()
    page.frame_locator(".device iframe").get_by_text("Order 2041 of 2026-05-13 SMALL Flores").wait_for()


def test_findings_follow_what_is_typed_and_steps_show_the_newest(page: Page, studio: Program):
    open_sample(page)
    expect(page.locator(".findings li", has_text="link-dead")).to_be_visible()
    path = studio.folder / "templates" / "shipped.html"
    path.write_text(SHIPPED.replace('<a href="">', '<a href="https://shop.dev/{{ order.number }}">'))
    expect(page.locator(".findings li", has_text="link-dead")).to_have_count(0)
    page.keyboard.press("j")
    expect(page.locator("article h2")).to_have_text("gift")
    link = page.frame_locator(".device iframe").locator("a")
    expect(link).to_have_attribute("href", "https://shop.dev/2041")
    path.write_text(SHIPPED)
    expect(page.locator(".findings li", has_text="link-dead")).to_be_visible()


def test_the_language_can_be_picked(page: Page):
    open_sample(page)
    page.locator("[data-locale]").select_option("de")
    page.frame_locator(".device iframe").get_by_text("Bestellung 2041").wait_for()
    assert "locale=de" in page.url


def test_a_finding_leads_to_its_line(page: Page):
    open_sample(page)
    finding = page.locator(".findings li", has_text="link-dead").first
    finding.wait_for()
    finding.locator("button.place").click()
    here = page.locator("[data-panel=template] .line.here")
    expect(here).to_be_visible()
    expect(page.locator("[role=tab][data-part=template]")).to_be_visible()


def test_a_test_is_sent_through_the_projects_mailer(page: Page, server: CatchingServer):
    open_sample(page)
    before = len(server.messages)
    page.get_by_role("button", name="Send test").click()
    expect(page.get_by_label("To", exact=True)).to_be_focused()
    page.keyboard.type("me@example.org")
    page.keyboard.press("Enter")
    expect(page.locator(".report .sent").first).to_contain_text("Sent through")
    expect(page.locator(".report .recipient")).to_contain_text("250")
    (caught,) = server.messages[before:]
    assert caught.recipients == ("me@example.org",)
    assert caught.message["Subject"] == "Order 2041"


def test_a_changed_template_shows_at_the_place_it_was_scrolled_to(page: Page, studio: Program):
    open_sample(page)
    mail(page)
    expect(page.locator("#state")).to_have_text("Live")
    wait_until(page, lambda: page.evaluate("document.documentElement.scrollHeight") > 2600)
    page.evaluate("window.scrollTo(0, 1500)")
    path = studio.folder / "templates" / "shipped.html"
    path.write_text(SHIPPED.replace("Order {{", "Parcel {{"))
    page.frame_locator(".device iframe").get_by_text("Parcel 2041").wait_for()
    wait_until(page, lambda: page.evaluate("window.scrollY") == 1500)
    (studio.folder / "templates" / "shop.css").write_text("p { margin: 7px }")
    page.frame_locator(".device iframe").locator("p[style*='7px']").first.wait_for()
    path.write_text("{% if %}")
    expect(page.get_by_role("alert").locator(".line.here")).to_contain_text("{% if %}")
    path.write_text(SHIPPED)
    page.frame_locator(".device iframe").get_by_text("Order 2041").wait_for()


def test_a_changed_module_shows_without_a_new_start(page: Page, studio: Program):
    open_sample(page)
    expect(page.locator("#state")).to_have_text("Live")
    module = studio.folder / "mails.py"
    module.write_text(MAILS.replace('"gift": cls', '"a present": cls').replace('"2041"', '"7"'))
    expect(page.locator('.entry[data-id="shipped/a-present"]')).to_be_visible()
    page.frame_locator(".device iframe").get_by_text("Order 7 of").wait_for()
    module.write_text("def broken(:\n")
    expect(page.get_by_role("alert").first).to_contain_text("mails could not be imported")
    module.write_text(MAILS)
    expect(page.locator('.entry[data-id="shipped/gift"]')).to_be_visible()


def test_a_template_error_is_shown_with_its_lines(page: Page):
    open_sample(page, "failing/typo")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("'nmae' is undefined")
    expect(alert.locator(".line.here")).to_contain_text("{{ nmae }}")
    page.locator(".findings button.place", has_text="failing.txt:3").click()
    expect(page.locator("[data-panel=template] .line.here")).to_contain_text("{{ nmae }}")


def test_a_hostile_mail_runs_nothing_and_loads_nothing(page: Page):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if ":9/" in request.url else None)
    open_sample(page, "hostile/harm")
    frame = mail(page)
    assert "scripted" not in frame.inner_text("body")
    sandbox = page.locator(".device iframe").get_attribute("sandbox")
    assert sandbox is not None
    assert "allow-scripts" not in sandbox
    assert "allow-same-origin" not in sandbox
    assert page.evaluate("document.querySelector('.device iframe').contentDocument") is None
    for scheme in ("Dark", "Outlook", "Gmail"):
        page.get_by_role("button", name=scheme).click()
        mail(page)
    assert asked == []
    assert page.locator(".entry[aria-current] .subject").inner_text() == "<img src=x onerror=alert(1)>"


def test_keys_do_it_all(page: Page):
    expect(page.locator('.entry[data-id="shipped/gift"] .subject')).to_have_text("Order 2041")
    page.keyboard.press("/")
    page.keyboard.type("order gift")
    expect(page.locator(".entry:visible")).to_have_count(1)
    page.keyboard.press("Enter")
    title = page.locator("article h2")
    expect(title).to_have_text("gift")
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("2")
    page.keyboard.press("k")
    for key, name in {"f": "findings", "e": "edit", "s": "send"}.items():
        page.keyboard.press(key)
        shown = page.locator(f"[data-inspector={name}]")
        if not shown.is_visible():  # it was open, and the key has closed it
            page.keyboard.press(key)
        expect(shown).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    expect(page.locator("#overview")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page: Page, scheme: str):
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=scheme)
    page.frame_locator(".card iframe").first.locator("p").first.wait_for()

    def serious() -> list[str]:
        found = Axe().run(page).response["violations"]
        return [
            f"{each['id']}: {node['html'][:120]} {node.get('failureSummary', '')[:160]}"
            for each in found
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]

    assert serious() == []
    open_sample(page)
    mail(page)
    page.locator(".findings").wait_for()
    assert serious() == []
    for key in "es23456":
        page.keyboard.press(key)
    assert serious() == []
    page.keyboard.press("e")
    page.keyboard.press("e")
    assert serious() == []


def test_no_width_scrolls_sideways(page: Page):
    open_sample(page)
    for width in (1024, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_caught_mails_appear_as_they_arrive(browser, tmp_path: Path, free_port):
    port = free_port()
    program = Program(tmp_path, "catch", "--port", str(port), "--studio", "--studio-port", "0")
    try:
        page = browser.new_page()
        page.goto(program.address)
        expect(page.locator("#state")).to_have_text("Live")
        message = EmailMultiAlternatives(
            "Caught <b>", "text", "a@example.com", ["b@example.com"], bcc=["c@example.com"]
        )
        message.attach_alternative("<p>Hello from SMTP</p>", "text/html")
        message.connection = get_connection(
            "aerogram.mail.backends.smtp.EmailBackend", host="127.0.0.1", port=port
        )
        message.send()
        page.locator("#inbox .entry", has_text="Caught <b>").click()
        page.frame_locator(".device iframe").get_by_text("Hello from SMTP").wait_for()
        expect(page.locator(".envelope")).to_contain_text("c@example.com")
        page.get_by_role("button", name="Clear").click()
        expect(page.locator("#inbox .entry")).to_have_count(0)
        page.close()
    finally:
        program.end()


def test_the_program_ends_when_told(studio: Program):
    studio.end()  # waits, and fails if it takes too long
    assert studio.process.returncode in (0, -15, 143)
