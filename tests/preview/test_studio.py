"""The studio's stable addresses, what it refuses, and how it follows files: without a browser."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import email
import email.policy
import enum
import json
import re
import subprocess
import sys
import types
from email.mime.image import MIMEImage
from typing import TYPE_CHECKING, Annotated, Any, Literal

import httpx2
import pytest
from jinja2 import DictLoader

from aerogram import Notification, Renderer, mail
from aerogram.catcher import CatchingServer
from aerogram.conf import settings
from aerogram.preview.sample import Group
from aerogram.preview.studio.application import Studio
from aerogram.preview.studio.editing import edited, form_of
from aerogram.preview.studio.locales import locales_of
from aerogram.preview.studio.safety import is_local

if TYPE_CHECKING:
    from pathlib import Path

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000"
    "05000157a5b40a0000000049454e44ae426082"
)


class Size(enum.Enum):
    SMALL = 1
    LARGE = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    article: str
    quantity: int = 1


@dataclasses.dataclass(frozen=True)
class Order:
    number: str
    placed: dt.date
    lines: list[Line]
    size: Size = Size.SMALL
    paid: bool = False
    note: str | None = None


class Shipped(Notification, name="studio_shipped"):
    """Sent when it leaves."""

    subject = "Order {{ order.number }}"
    html_template = "shipped.html"
    to = ["Ann <ann@example.com>"]
    cc = ["carl@example.com"]
    bcc = ["archive@example.com"]
    order: Order
    speed: Literal["slow", "fast"] = "slow"

    @property
    def attachments(self):
        logo = MIMEImage(PIXEL, "png")
        logo.add_header("Content-ID", "<logo>")
        return [logo, ("../bill.pdf", b"%PDF-1.4", "application/pdf")]

    @classmethod
    def samples(cls):
        order = Order("2041", dt.date(2026, 5, 13), [Line("Flores", 2)])
        return {"one parcel": cls(order=order), "a/b": cls(order=dataclasses.replace(order, number="7"))}


class Failing(Notification, name="studio_failing"):
    subject = "Fails"
    text_template = "failing.txt"
    to = ["ann@example.com"]

    @classmethod
    def samples(cls):
        return {"typo": cls()}


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    (tmp_path / "shipped.html").write_text(
        "<p>{{ order.number }} {{ order.placed }} {{ order.size.name }} {{ order.lines[0].article }} "
        "{{ speed }} {{ order.note or '' }}</p><img src='cid:logo' alt='logo'>"
    )
    (tmp_path / "failing.txt").write_text("Hello\n\n{{ nmae }}\n")
    settings.configure(TEMPLATE_DIRS=[str(tmp_path)], DEFAULT_FROM_EMAIL="Shop <shop@example.com>")
    return tmp_path


@pytest.fixture
def studio(templates: Path) -> Studio:
    return Studio()


class Client:
    """What a program sees of a studio."""

    def __init__(self, studio: Studio) -> None:
        self.transport = httpx2.ASGITransport(studio.app)

    def get(self, path: str, **options: object) -> httpx2.Response:
        return asyncio.run(self._ask("GET", path, options))

    def post(self, path: str, **options: object) -> httpx2.Response:
        return asyncio.run(self._ask("POST", path, options))

    async def _ask(self, method: str, path: str, options: dict) -> httpx2.Response:
        address = "http://127.0.0.1:8025"
        async with httpx2.AsyncClient(transport=self.transport, base_url=address) as client:
            return await client.request(method, path, **options)


@pytest.fixture
def client(studio: Studio) -> Client:
    return Client(studio)


SAMPLE = "/api/notifications/studio_shipped/one parcel"


def test_it_lists_notifications_with_their_samples(client: Client):
    listed = {each["name"]: each["samples"] for each in client.get("/api/notifications").json()}
    assert listed["studio_shipped"] == ["one parcel", "a/b"]


def test_it_describes_a_message(client: Client):
    found = client.get(SAMPLE).json()
    assert (found["subject"], found["from"]) == ("Order 2041", "Shop <shop@example.com>")
    assert (found["to"], found["cc"], found["bcc"]) == (
        ["Ann <ann@example.com>"],
        ["carl@example.com"],
        ["archive@example.com"],
    )
    assert ["Subject", "Order 2041"] in found["headers"]
    assert [part["content_type"] for part in found["parts"]][:2] == ["multipart/mixed", "multipart/related"]
    assert found["size"] == len(client.get("/n/studio_shipped/one parcel/eml").content)
    assert isinstance(found["findings"], list)


@pytest.mark.parametrize("sample", ["one parcel", "one-parcel", "one%20parcel"])
def test_a_sample_is_found_by_its_name_and_by_its_file(client: Client, sample: str):
    assert client.get(f"/n/studio_shipped/{sample}/text").status_code == 200


def test_a_name_may_hold_a_slash(client: Client):
    assert client.get("/api/notifications/studio_shipped/a%2Fb").json()["subject"] == "Order 7"
    assert "7 2026-05-13" in client.get("/n/studio_shipped/a/b/html").text


def test_all_parts_are_of_one_rendering(client: Client):
    eml = client.get("/n/studio_shipped/one parcel/eml").content
    assert client.get("/n/studio_shipped/one-parcel/eml").content == eml
    message = email.message_from_bytes(eml, policy=email.policy.default)
    html = message.get_body(("html",)).get_content()
    assert client.get("/n/studio_shipped/one parcel/html").text.split() == html.split()
    text = message.get_body(("plain",)).get_content()
    assert client.get("/n/studio_shipped/one parcel/text").text.split() == text.split()
    headers = dict(client.get(SAMPLE).json()["headers"])
    assert headers["Message-ID"] == message["Message-ID"]


@pytest.mark.parametrize(
    "path",
    ["/api/notifications/nope", "/api/notifications/studio_shipped", "/api/notifications/", "/n/nope",
     "/api/notifications/nope/x", "/api/notifications/studio_shipped/nope", "/n/nope/x/html", "/n/x", "/nope",
     "/n/studio_shipped/../../../etc/passwd/html", "/studio/view/nope/x",
     "/n/studio_shipped/one-parcel/attachments/..%2F..%2Fetc", "/n/studio_failing/nope/eml"],
)  # fmt: skip
def test_what_is_not_there_is_404(client: Client, path: str):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/api/notifications/studio_failing/typo", "/n/studio_failing/typo/text"])
def test_a_failing_template_is_500_with_template_line_and_variable(client: Client, path: str):
    answer = client.get(path)
    assert answer.status_code == 500
    found = answer.json()
    assert (found["template"], found["line"], found["variable"]) == ("failing.txt", 3, "nmae")


def test_a_change_of_a_template_shows_at_once(client: Client, templates: Path):
    assert client.get("/n/studio_failing/typo/text").status_code == 500
    (templates / "failing.txt").write_text("Mended\n")
    assert client.get("/n/studio_failing/typo/text").text.strip() == "Mended"


# ---- safety --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "10.0.0.7:8025", "", "[::2]", "testserver", "evil@127.0.0.1",
     "evil.example@localhost:8025", "127.0.0.1/x", "localhost?", "localhost:x", "[::1"],
)  # fmt: skip
def test_a_foreign_host_is_refused(client: Client, host: str):
    for path in ("/", "/api/notifications", "/n/studio_shipped/one-parcel/html"):
        assert client.get(path, headers={"Host": host}).status_code == 403


def test_hosts_can_be_allowed():
    with settings.override(STUDIO_HOSTS=["dev.example"]):
        assert is_local("dev.example:8000")
        assert not is_local("10.0.0.7")
    with settings.override(STUDIO_HOSTS=["0.0.0.0"]):
        assert is_local("10.0.0.7")
        assert not is_local("dev.example")


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:8025", "http://[", "]"],
)
def test_a_foreign_origin_is_refused(client: Client, origin: str):
    assert client.get("/api/notifications", headers={"Origin": origin}).status_code == 403
    assert client.post("/studio/send", headers={"Origin": origin}, json={}).status_code == 403


def test_its_own_origin_is_not_refused(client: Client):
    assert client.get("/api/notifications", headers={"Origin": "http://127.0.0.1:8025"}).status_code == 200


def test_every_answer_has_the_headers_of_safety(client: Client):
    for path in ("/", "/api/notifications", "/n/studio_shipped/one-parcel/html", "/nope"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers
    policy = client.get("/n/studio_shipped/one-parcel/html").headers["content-security-policy"]
    assert policy.startswith("sandbox;")
    assert "script-src" not in policy
    page_policy = client.get("/").headers["content-security-policy"]
    assert "http:" not in page_policy
    assert re.search(r"script-src 'sha256-[^' ]+';", page_policy)


@pytest.mark.parametrize("site", ["same-origin", "none", "cross-site", "same-site", None])
def test_only_the_page_itself_opens_the_network(client: Client, site: str | None):
    page = client.get("/?network=1", headers={"Sec-Fetch-Site": site} if site else {})
    is_open = site == "same-origin"  # "none" is an address typed in, or a link of another program
    assert ("http:" in page.headers["content-security-policy"]) == is_open
    assert ("<body data-live data-network>" in page.text) == is_open


def test_attachments_are_downloads_with_opaque_names(client: Client):
    page = client.get("/studio/view/studio_shipped/one-parcel").text
    links = re.findall(r'href="(n/[^"]+/attachments/[^"]+)"', page)
    assert not any("bill" in link or ".." in link for link in links)
    answers = {client.get(f"/{link}").headers["content-disposition"] for link in links}
    assert "attachment; filename*=utf-8''bill.pdf" in answers
    assert all(answer.startswith("attachment; ") for answer in answers)


# ---- editing -------------------------------------------------------------------------------------------


def edit(client: Client, **edits: str | None):
    values = {path.replace("__", "."): text for path, text in edits.items()}
    return client.get("/n/studio_shipped/one parcel/html", params={"edit": json.dumps(values)})


@pytest.mark.parametrize(
    ("edits", "shown"),
    [
        ({"order__number": "99"}, "99 2026"),
        ({"order__placed": "2027-01-02"}, "2041 2027-01-02"),
        ({"order__size": "LARGE"}, "LARGE"),
        ({"order__lines": '[{"article": "Filters", "quantity": 3}]'}, "Filters"),
        ({"speed": "fast"}, "fast"),
        ({"order__note": "Fragile <b>"}, "Fragile &lt;b&gt;"),
        ({"order__number": "99", "order__note": None}, "99"),
    ],
)
def test_an_edited_field_is_in_the_mail(client: Client, edits: dict[str, str | None], shown: str):
    assert shown in edit(client, **edits).text
    assert "2041 2026-05-13 SMALL Flores slow" in edit(client).text


@pytest.mark.parametrize(
    ("edits", "path"),
    [
        ({"order__placed": "soon"}, "order.placed"),
        ({"order__size": "HUGE"}, "order.size"),
        ({"order__lines": "[{}]"}, "order.lines"),
        ({"order__lines": "["}, "order.lines"),
        ({"order__nope": "x"}, "order.nope"),
        ({"nope": "x"}, "nope"),
        ({"order__number__x": "x"}, "order.number"),
        ({"speed": "warp"}, "speed"),
    ],
)
def test_a_value_that_a_field_does_not_accept_is_named(client: Client, edits: dict[str, str], path: str):
    answer = edit(client, **edits)
    assert answer.status_code == 422
    assert list(answer.json()["problems"]) == [path]


class Paper(enum.Flag):
    RED = 1
    THICK = 2


@pytest.mark.parametrize(
    ("annotation", "value", "kind", "optional"),
    [
        (Size, Size.SMALL, "choice", False),
        (Size | None, Size.SMALL, "choice", True),
        (Paper, Paper.RED | Paper.THICK, "json", False),
        (Literal[True, "x"], True, "choice", False),
        (Annotated[Literal["a", "b"] | None, "x"], "b", "choice", True),
        (Annotated[str | None, "x"], None, "text", True),
        (Annotated[str, "x"] | None, None, "text", True),
        (dict[str, int], {"a": 1}, "json", False),
        (tuple[int, str], (1, "a"), "json", False),
        (dt.timedelta, dt.timedelta(minutes=3), "json", False),
        (dt.datetime | None, dt.datetime(2026, 5, 1, 9, tzinfo=dt.UTC), "datetime", True),
        (bytes, b"\xff", "fixed", False),
    ],
)
def test_a_form_that_is_sent_as_it_is_changes_nothing(annotation: Any, value: Any, kind: str, optional: bool):
    def fill(namespace: dict[str, Any]) -> None:
        namespace.update(__annotations__={"value": annotation}, __module__=__name__)

    cls = types.new_class("StudioOne", (Notification,), {"abstract": True}, fill)
    sample: Any = cls(value=value)
    (field,) = form_of(sample)
    assert (field.kind, field.optional) == (kind, optional)
    if kind != "fixed":
        again: Any = edited(sample, {field.path: field.value})
        assert (type(again.value), again.value) == (type(value), value)


@pytest.mark.parametrize("query", ["[", "[]", '"x"', "1", "[" * 3000, '{"order.number": "\\ud800"}'])
def test_edits_that_are_no_object_are_refused(client: Client, query: str):
    assert client.get("/n/studio_shipped/one parcel/html", params={"edit": query}).status_code == 422


def test_the_locale_can_be_chosen(client: Client, templates: Path):
    (templates / "shipped.de.html").write_text("<p>Bestellung {{ order.number }}</p>")
    answer = client.get("/n/studio_shipped/one parcel/html", params={"locale": "de"})
    assert "Bestellung 2041" in answer.text
    assert "Bestellung" not in client.get("/n/studio_shipped/one parcel/html").text
    listed = [each["name"] for each in client.get("/api/notifications").json()]
    assert listed.count("studio_shipped") == 1
    assert client.get("/n/studio_shipped/one parcel/html", params={"locale": "!"}).status_code == 422


@pytest.mark.parametrize("name", ["welcome.html", "a/welcome.html.j2", "welcome"])
def test_the_locales_are_those_of_which_there_are_templates(name: str):
    stem, dot, suffix = name.partition(".")
    localized = [f"{stem}.{each}{dot}{suffix}" for each in ("de", "pt_BR", "fil")]
    others = [f"{stem}.{each}{dot}{suffix}" for each in ("min", "old")]
    loader = DictLoader(dict.fromkeys((name, "welcome.txt", *localized, *others), "Welcome"))

    class StudioWelcome(Notification, abstract=True):
        html_template = name
        renderer = Renderer(loader=loader)

    assert locales_of(StudioWelcome()) == ["de", "fil", "pt_BR"]


def test_a_class_without_a_docstring_has_no_summary():
    class StudioPlain(Notification, abstract=True):
        number: str = ""

    class StudioTold(StudioPlain, abstract=True):
        """Sent now.

        More.
        """

    assert [Group(cls, "", "").summary for cls in (StudioPlain, StudioTold)] == ["", "Sent now."]


def test_the_findings_are_those_of_the_edited_sample(client: Client, templates: Path):
    (templates / "shipped.html").write_text("{{ order.lines }}<a href='{{ order.number }}'>Order</a>")

    def dead_links(**edits: str) -> list[str]:
        asked = {"edit": json.dumps({path.replace("__", "."): text for path, text in edits.items()})}
        found = client.get(SAMPLE, params=asked).json()["findings"]
        shown = client.get("/studio/findings/studio_shipped/one-parcel", params=asked).json()
        assert shown["findings"] == found
        return [each["message"] for each in found if each["code"] == "link-dead"]

    assert dead_links() == []
    assert "is a script" in dead_links(order__number="javascript:alert(1)")[0]
    assert "leads nowhere" in dead_links(order__number="#")[0]
    assert dead_links() == []


# ---- sending -------------------------------------------------------------------------------------------


def test_sending_needs_the_token_of_the_page(client: Client, studio: Studio):
    asked = {"id": "studio_shipped/one-parcel", "to": "me@example.com"}
    with settings.override(EMAIL_URL="locmem:"):
        for headers in ({}, {"X-Studio-Token": "guess"}):
            assert client.post("/studio/send", json=asked, headers=headers).status_code == 403
        answer = client.post("/studio/send", json=asked, headers={"X-Studio-Token": studio.token})
    assert answer.json()["sent"] is True
    (sent,) = mail.outbox
    assert sent.recipients() == ["me@example.com"]
    assert studio.token in client.get("/").text


def test_a_test_goes_through_the_projects_mailer_and_reports(client: Client, studio: Studio):
    asked = {"id": "studio_shipped/one-parcel", "to": "me@example.com", "edit": {"order.number": "55"}}
    with CatchingServer() as server, settings.override(EMAIL_URL=f"smtp://{server.host}:{server.port}"):
        found = client.post("/studio/send", json=asked, headers={"X-Studio-Token": studio.token}).json()
    (caught,) = server.messages
    assert caught.recipients == ("me@example.com",)
    assert caught.message["Subject"] == "Order 55"
    assert found["recipients"][0]["status"] == "sent"
    assert "250" in found["recipients"][0]["reply"]


def test_what_a_transport_refuses_is_reported(client: Client, studio: Studio, free_port):
    headers = {"X-Studio-Token": studio.token}
    with settings.override(EMAIL_URL=f"smtp://127.0.0.1:{free_port()}"):
        asked = {"id": "studio_shipped/one-parcel", "to": "me@example.com"}
        found = client.post("/studio/send", json=asked, headers=headers).json()
    assert found["sent"] is False
    assert found["error"]
    for to in ("", "me", "a@example.com, b@example.com", "a@example.com\r\nBcc: b@example.com"):
        asked = {"id": "studio_shipped/one-parcel", "to": to}
        assert client.post("/studio/send", json=asked, headers=headers).status_code == 422
    assert client.post("/studio/send", json=["x"], headers=headers).status_code == 422


@pytest.mark.parametrize(
    "asked",
    [b"{", b"", b"\xff", b"[" * 3000, b"null", b'{"edit": [], "id": "x"}', b'{"locale": "!!"}',
     b'{"edit": "abc"}', b'{"edit": {"order.number": "\\ud800"}}', b'{"to": "\\ud800@example.com"}',
     b'{"to": null}'],
)  # fmt: skip
def test_a_request_to_send_that_is_none_is_422_in_json(client: Client, studio: Studio, asked: bytes):
    if asked.startswith(b"{") and asked.endswith(b"}"):
        asked = json.dumps({"id": "studio_shipped/one-parcel", "to": "me@example.com", **json.loads(asked)})
    answer = client.post("/studio/send", content=asked, headers={"X-Studio-Token": studio.token})
    assert answer.status_code in (404, 422)
    assert answer.json()["error"]


def test_a_fault_of_the_studio_is_500_in_json(client: Client, studio: Studio, monkeypatch, caplog):
    monkeypatch.setattr(studio.library, "groups", lambda: 1 / 0)
    answer = client.get("/api/notifications")
    assert (answer.status_code, answer.json()["error"]) == (500, "ZeroDivisionError")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "The studio failed at /api/notifications" in caplog.text


# ---- the inbox -----------------------------------------------------------------------------------------


def test_caught_mails_are_shown_by_opaque_names(templates: Path):
    studio = Studio(catches=True)
    message = Shipped.samples()["one parcel"].render()
    studio.inbox.add(message.message().as_bytes(), ["ann@example.com", "archive@example.com"])
    client = Client(studio)
    (row, *_) = [json.loads(line) for line in client.get("/studio/rows").text.splitlines()]
    assert (row["subject"], row["to"]) == ("Order 2041", "Ann <ann@example.com>")
    assert "2041" in client.get(f"/n/{row['id']}/html").text
    found = client.get(f"/api/notifications/{row['id']}").json()
    assert found["bcc"] == ["archive@example.com"]
    assert client.post("/studio/clear").status_code == 403
    client.post("/studio/clear", headers={"X-Studio-Token": studio.token})
    assert client.get(f"/n/{row['id']}/html").status_code == 404


HOSTILE = {
    "idna": b"Subject: hostile\r\nContent-Type: text/html; charset=idna\r\n\r\n<p>x",
    "idna octets": b"Subject: hostile\r\nContent-Type: text/html; charset=idna\r\n\r\n<p>\xff",
    "undefined": b"Subject: hostile\r\nContent-Type: text/plain; charset=undefined\r\n\r\nx",
    "NUL": b'Subject: hostile\r\nContent-Type: text/plain; charset="a\0b"\r\n\r\nx',
    "surrogates": b"Subject: hostile\r\nContent-Type: text/html; charset=raw-unicode-escape\r\n\r\n\\ud800",
    "comments": b"Subject: hostile\r\nTo: " + b"(" * 2000 + b"\r\n\r\nx",
    "octets": b"Subject: hostile\r\nTo: \xff@x\r\nFrom: \xfe <\xfe@\xfe>\r\n\r\nx",
    "words": b"Subject: hostile\r\nTo: =?utf-8?q?=ff?= <@@>,,,;:\r\n\r\nx",
    "identifier": b"Subject: hostile\r\nMessage-ID: <[\r\n\r\nx",
    "type": b"Subject: hostile\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
    b"Content-Type: application/x-\xe9\r\n"
    b"Content-Disposition: attachment; filename*=utf-8''%ff\r\n\r\nx\r\n--x--",
    "disposition": b"Subject: hostile\r\nContent-Disposition: " + b"(" * 2000 + b"\r\n\r\nx",
    "nested": b"Subject: hostile\r\n"
    + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(1200)),
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_mail_is_shown_and_hides_no_other(templates: Path, raw: bytes):
    studio = Studio(catches=True)
    client = Client(studio)
    for content in (b"Subject: first\r\n\r\nx", raw, b"Subject: last\r\n\r\nx"):
        studio.inbox.add(content, ["ann@example.com"])
    rows = [json.loads(line) for line in client.get("/studio/rows").text.splitlines()]
    assert (rows[0]["subject"], rows[2]["subject"]) == ("last", "first")
    assert rows[1]["subject"] in ("hostile", "(cannot be shown)")
    name = rows[1]["id"]
    assert client.get(f"/n/{name}/eml").content == raw
    for path in ("/", f"/api/notifications/{name}", f"/studio/view/{name}", f"/studio/data/{name}"):
        assert client.get(path).status_code == 200
    assert client.get(f"/n/{name}/html").status_code in (200, 404)
    for link in re.findall(r'href="(n/[^"]+/attachments/[^"]+)"', client.get(f"/studio/view/{name}").text):
        assert client.get(f"/{link}").headers["content-type"] == "application/octet-stream"


def test_it_mounts_into_an_application(templates: Path):
    from starlette.applications import Starlette
    from starlette.routing import Mount

    from aerogram.preview.studio import app

    async def ask(path: str) -> httpx2.Response:
        transport = httpx2.ASGITransport(Starlette(routes=[Mount("/mail", app)]))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path)

    page = asyncio.run(ask("/mail/"))
    assert page.status_code == 200
    assert not re.search(r'(?:href|src)="/', page.text)  # every address is relative to the place it is at
    assert "Order 2041" in asyncio.run(ask("/mail/api/notifications/studio_shipped/one parcel")).text


def test_without_the_extra_the_command_names_it(tmp_path: Path):
    code = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "from aerogram.cli import main\nsys.exit(main(['--app', 'json', 'studio']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert done.returncode == 1
    assert "aerogram[studio]" in done.stderr
