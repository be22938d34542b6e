"""The page of previews in a real browser, from a file: what people do there, and what a mail cannot."""

from __future__ import annotations

import threading
import time
from email.mime.image import MIMEImage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from aerogram import Notification
from aerogram.conf import settings
from aerogram.exceptions import RenderError
from aerogram.preview import write_previews

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Frame, Page

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000"
    "05000157a5b40a0000000049454e44ae426082"
)
STYLED = """<!doctype html><html><head><meta name="color-scheme" content="light dark"><style>
p { color: rgb(1, 1, 1) }
@media (prefers-color-scheme: dark) { p { color: rgb(250, 250, 250) !important } }
@media (max-width: 480px) { p { font-size: 30px !important } }
</style></head><body><p>Dear {{ name }}</p><img id="logo" src="cid:logo" alt="">
<img id="remote" src="https://tracker.example/pixel.png" alt="tracker">
<script>parent.document.title = "owned"; document.body.innerHTML = "scripted"</script>
<a href="https://shop.example/" onclick="alert(1)">Shop</a></body></html>"""


# The frame runs no scripts, so it is waited for from outside.
LOADED = "element => Promise.race([element.loaded, new Promise((resolve) => setTimeout(resolve, 15000))])"


class Styled(Notification, name="gallery_styled"):
    """A styled mail."""

    subject = "<script>document.title = 'owned'</script> & {{ name }}"
    html_template = "styled.html"
    to = ["Ann <ann@example.com>"]
    name: str = "Ann"

    @property
    def attachments(self):
        logo = MIMEImage(PIXEL, "png")
        logo.add_header("Content-ID", "<logo>")
        return [logo, ("bill.pdf", b"%PDF-1.4", "application/pdf")]

    @classmethod
    def samples(cls):
        return {"first": cls(), "second": cls(name="Bob")}


class Plain(Notification, name="gallery_plain"):
    subject = "Plain words"
    text_template = "plain.txt"
    to = ["carl@example.com"]

    @classmethod
    def samples(cls):
        return {"plain": cls()}


class Failing(Notification, name="gallery_failing"):
    subject = "Never"
    text_template = "failing.txt"
    to = ["carl@example.com"]

    @classmethod
    def samples(cls):
        return {"typo": cls()}


class Pictures(ThreadingHTTPServer):
    """A web server with one picture, which remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), PictureRequest)
        self.asked: list[str] = []


class PictureRequest(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Pictures)
        self.server.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.end_headers()
        self.wfile.write(PIXEL)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def pictures() -> Iterator[Pictures]:
    with Pictures() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of three notifications, written once."""
    tmp_path = tmp_path_factory.mktemp("exported")
    for name, source in {
        "styled.html": STYLED,
        "plain.txt": "Plain text",
        "failing.txt": "{{ nope }}",
    }.items():
        (tmp_path / name).write_text(source)
    with settings.override(TEMPLATE_DIRS=[str(tmp_path)]), pytest.raises(RenderError):
        write_previews(tmp_path / "out", [Styled, Plain, Failing])
    return tmp_path / "out" / "index.html"


@pytest.fixture
def gallery(page: Page, exported: Path) -> Iterator[Page]:
    """The page, opened from disk; the console must stay empty."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(exported.as_uri())
    yield page
    assert complaints == []
    assert page.title() == "Mail previews"


def open_sample(gallery: Page, words: str) -> None:
    gallery.locator(".entry", has_text=words).first.click()


def mail(gallery: Page) -> Frame:
    """Return the frame that shows the mail, its content loaded."""
    handle = gallery.locator("article.sample:visible iframe").element_handle()
    handle.evaluate(LOADED)
    frame = handle.content_frame()
    assert frame is not None
    return frame


def colour(gallery: Page) -> str:
    return mail(gallery).evaluate("getComputedStyle(document.querySelector('p')).color")


def test_it_opens_on_all_mails(gallery: Page):
    expect(gallery.locator(".card")).to_have_count(4)
    gallery.frame_locator(".card iframe").first.get_by_text("Dear Ann").wait_for()
    assert gallery.get_by_text("4 samples of 3 notifications").is_visible()


def test_a_card_opens_its_sample_and_back_returns(gallery: Page):
    gallery.locator(".card").nth(1).click()
    expect(gallery.locator("article.sample:visible h2")).to_have_text("second")
    assert mail(gallery).inner_text("p") == "Dear Bob"
    gallery.go_back()
    expect(gallery.locator("#overview")).to_be_visible()


def test_a_link_to_a_sample_opens_it(gallery: Page):
    gallery.goto(gallery.url + "#gallery_plain/plain")
    expect(gallery.locator("article.sample:visible h2")).to_have_text("plain")


def test_a_mail_runs_no_script_and_says_what_it_did_not_load(gallery: Page):
    open_sample(gallery, "first")
    frame = mail(gallery)
    assert "scripted" not in frame.inner_text("body")
    assert not frame.get_attribute("#remote", "src")
    assert gallery.get_by_text("Not loaded from the network: 1 file").is_visible()
    assert gallery.locator("article.sample:visible iframe").get_attribute("sandbox") == (
        "allow-popups allow-popups-to-escape-sandbox"
    )


def test_remote_images_load_only_when_asked_for(page: Page, tmp_path: Path, pictures: Pictures):
    address = f"http://127.0.0.1:{pictures.server_port}/pixel.png"
    (tmp_path / "styled.html").write_text(
        f'<style>p {{ background: url("{address}?sheet") }}</style>'
        f'<p background="{address}?attribute" style="list-style: url({address}?style)">'
        "Dear {{ name }}</p>"
        f'<img id="remote" src="{address}?src" srcset="{address}?srcset 2x" alt="">'
    )
    with settings.override(TEMPLATE_DIRS=[str(tmp_path)]):
        (*_, index) = write_previews(tmp_path / "out", [Styled])
    page.goto(index.as_uri())
    page.frame_locator(".card iframe").first.get_by_text("Dear Ann").wait_for()
    open_sample(page, "first")
    mail(page)
    assert pictures.asked == []
    page.get_by_role("button", name="Load", exact=True).click()
    page.frame_locator("article iframe").locator("#remote").wait_for(state="attached")
    until = time.monotonic() + 60
    while not pictures.asked and time.monotonic() < until:
        page.wait_for_timeout(50)
    assert any(path.startswith("/pixel.png") for path in pictures.asked)


def test_inline_images_are_shown(gallery: Page):
    open_sample(gallery, "first")
    assert mail(gallery).evaluate("document.querySelector('#logo').naturalWidth") == 1


def test_dark_is_what_the_mail_itself_says(gallery: Page):
    open_sample(gallery, "first")
    assert colour(gallery) == "rgb(1, 1, 1)"
    gallery.get_by_role("button", name="Dark", exact=True).click()
    assert colour(gallery) == "rgb(250, 250, 250)"
    gallery.get_by_role("button", name="Inverted").click()
    assert colour(gallery) == "rgb(1, 1, 1)"
    shown = gallery.locator("article.sample:visible iframe")
    assert "invert(1)" in shown.evaluate("element => getComputedStyle(element).filter")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_mail_is_light_until_told_otherwise_whatever_the_system_is(gallery: Page, scheme):
    gallery.emulate_media(color_scheme=scheme)
    open_sample(gallery, "first")
    assert colour(gallery) == "rgb(1, 1, 1)"
    gallery.get_by_role("button", name="Dark", exact=True).click()
    assert colour(gallery) == "rgb(250, 250, 250)"


def test_phone_width_is_a_phones(gallery: Page):
    open_sample(gallery, "first")
    size = "getComputedStyle(document.querySelector('p')).fontSize"
    assert mail(gallery).evaluate(size) != "30px"
    gallery.get_by_role("button", name="Phone", exact=True).click()
    expect(gallery.locator(".device:visible")).to_have_css("width", "406px")
    # The frame grows in steps. Waiting inside of it would need its scripts, which its sandbox forbids.
    expect(mail(gallery).locator("html")).to_have_js_property("clientWidth", 390)
    assert mail(gallery).evaluate(size) == "30px"


def test_tabs_show_text_source_and_the_raw_message(gallery: Page):
    open_sample(gallery, "first")
    shown = gallery.locator("article.sample:visible [data-panel]:visible")
    gallery.get_by_role("tab", name="Text").click()
    assert "Dear Ann" in shown.inner_text()
    gallery.get_by_role("tab", name="Source").click()
    assert '<img id="logo" src="cid:logo"' in shown.inner_text()
    gallery.get_by_role("tab", name="Raw").click()
    assert "To: Ann <ann@example.com>" in shown.inner_text()


def test_headers_and_attachments_are_listed(gallery: Page):
    open_sample(gallery, "first")
    gallery.get_by_role("tab", name="Headers").click()
    assert gallery.locator("article.sample:visible").get_by_text("Message-ID").is_visible()
    with gallery.expect_download() as download:
        gallery.get_by_role("link", name="bill.pdf").click()
    assert download.value.suggested_filename == "bill.pdf"
    assert download.value.path().read_bytes() == b"%PDF-1.4"


def test_the_eml_can_be_downloaded(gallery: Page):
    open_sample(gallery, "first")
    with gallery.expect_download() as download:
        gallery.get_by_role("link", name="Download .eml").click()
    assert b"\r\nTo: Ann <ann@example.com>\r\n" in download.value.path().read_bytes()


def test_a_text_mail_shows_its_text(gallery: Page):
    open_sample(gallery, "plain")
    assert gallery.locator("article.sample:visible [data-panel]:visible").inner_text().strip() == "Plain text"


def test_a_failed_sample_says_why(gallery: Page):
    open_sample(gallery, "typo")
    assert "'nope' is undefined" in gallery.get_by_role("alert").inner_text()


def test_search_narrows_and_enter_opens(gallery: Page):
    gallery.keyboard.press("/")
    gallery.keyboard.type("carl plain")
    expect(gallery.locator(".entry:visible")).to_have_count(1)
    expect(gallery.locator(".card:visible")).to_have_count(1)
    gallery.keyboard.press("Enter")
    expect(gallery.locator("article.sample:visible h2")).to_have_text("plain")
    gallery.keyboard.press("/")
    gallery.keyboard.type("nonsense")
    assert gallery.get_by_text("Nothing matches.").is_visible()
    gallery.keyboard.press("Escape")
    expect(gallery.locator(".entry:visible")).to_have_count(4)


def test_keys_walk_through_the_samples(gallery: Page):
    title = gallery.locator("article.sample:visible h2")
    gallery.keyboard.press("j")
    expect(title).to_have_text("first")
    gallery.keyboard.press("j")
    expect(title).to_have_text("second")
    gallery.keyboard.press("k")
    expect(title).to_have_text("first")
    gallery.keyboard.press("2")
    assert gallery.get_by_role("tab", name="Text").get_attribute("aria-selected") == "true"
    gallery.keyboard.press("1")
    gallery.keyboard.press("d")
    assert colour(gallery) == "rgb(250, 250, 250)"
    gallery.keyboard.press("?")
    assert gallery.get_by_role("dialog").is_visible()
    gallery.keyboard.press("Escape")
    gallery.keyboard.press("g")
    expect(gallery.locator("#overview")).to_be_visible()


def test_a_narrow_window_has_a_menu_and_no_sideways_scrolling(gallery: Page):
    gallery.set_viewport_size({"width": 390, "height": 800})
    open_menu = gallery.get_by_role("button", name="All mails")
    open_menu.click()
    open_sample(gallery, "first")
    expect(gallery.locator("#side")).to_be_hidden()
    assert gallery.evaluate("document.documentElement.scrollWidth") <= 390


def test_findings_lead_to_the_line_of_the_template(gallery: Page):
    gallery.set_viewport_size({"width": 1440, "height": 900})
    gallery.locator('.entry[data-id="gallery_styled/first"]').click()
    article = gallery.locator("article.sample:visible")
    expect(article.locator(".findings")).to_be_visible()
    place = article.locator("button.place", has_text=".html:").first
    line = place.get_attribute("data-line")
    place.click()
    expect(article.locator("[data-panel=template] .line.here i")).to_have_text(str(line))
    gallery.keyboard.press("f")
    expect(article.locator(".findings")).to_be_hidden()
