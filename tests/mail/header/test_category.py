"""What kind of mail it is, in headers; one-click unsubscribing; where bounces go."""

from __future__ import annotations

import random
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from jinja2 import DictLoader

from aerogram import Notification, Renderer
from aerogram.checks import check
from aerogram.conf import settings
from aerogram.exceptions import BadHeaderError, DeclarationError, InvalidAddress
from aerogram.mail.address.envelope import envelope_of
from aerogram.mail.address.parser import parse_mailbox
from aerogram.mail.address.return_path import verp, verp_recipient
from aerogram.mail.header.category import category_headers, check_unsubscribe_email, check_unsubscribe_url
from aerogram.mail.wire.serializer import to_bytes
from aerogram.testing import FaultyServer
from tests.smtp_peers import backend_for

RENDERER = Renderer(loader=DictLoader({"a.txt": "Hello"}))
URL = "https://example.com/u/7?a=1&b=2,3"


def declared(**declarations: Any) -> Notification:
    """An instance of a class that declares this."""
    base = {
        "subject": "Hi",
        "text_template": "a.txt",
        "to": ["ann@x.org"],
        "from_email": "Shop <me@shop.org>",
    }
    name = f"n{random.getrandbits(64):x}"
    kind: Any = type("News", (Notification,), {**base, **declarations}, name=name)
    kind._registered_name = "weekly_news"
    instance: Notification = kind()
    return instance


def headers(**declarations: Any) -> dict[str, str]:
    return dict(RENDERER.render(declared(**declarations)).extra_headers)


def test_nothing_declared_changes_nothing() -> None:
    assert headers() == {}
    assert headers(headers={"X-A": "b"}) == {"X-A": "b"}
    assert RENDERER.render(declared()).return_path is None


def test_transactional_says_that_it_is_automatic() -> None:
    assert headers(category="transactional") == {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
    }


def test_bulk_has_a_list_id_of_its_name_and_sender() -> None:
    assert headers(category="bulk", unsubscribe_url=URL) == {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
        "Precedence": "bulk",
        "List-Id": "<weekly_news.shop.org>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Unsubscribe": f"<{URL}>",
    }


def test_feedback_id_where_the_sender_has_a_name() -> None:
    with settings.override(FEEDBACK_SENDER_ID="shop2026"):
        assert headers(category="bulk")["Feedback-ID"] == "weekly_news:bulk:shop2026"
        assert "Feedback-ID" not in headers(category="transactional")


def test_unsubscribing_needs_no_category() -> None:
    assert headers(unsubscribe_url=URL, unsubscribe_email="leave@shop.org") == {
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Unsubscribe": f"<{URL}>, <mailto:leave@shop.org>",
    }
    # One-Click is a promise about an https URL.
    assert headers(unsubscribe_email="leave@shop.org") == {"List-Unsubscribe": "<mailto:leave@shop.org>"}


def test_explicit_headers_win_in_any_case() -> None:
    found = headers(
        category="bulk", headers={"precedence": "list", "AUTO-SUBMITTED": "no"}, list_id="news.shop.org"
    )
    assert found == {"List-Id": "<news.shop.org>", "precedence": "list", "AUTO-SUBMITTED": "no"}


def test_a_property_decides_too() -> None:
    assert "Precedence" in headers(category=property(lambda _: "bulk"))
    with pytest.raises(BadHeaderError, match="'transactional' and 'bulk'"):
        headers(category=property(lambda _: "marketing"))


def test_an_annotated_category_is_a_field_of_the_application() -> None:
    class NewInShop(Notification, name="new_in_shop_category"):
        subject = "New in {{ category }}"
        text_template = "a.txt"
        to = ["ann@x.org"]
        category: str

    message = RENDERER.render(NewInShop(category="shoes"))
    assert message.subject == "New in shoes"
    assert message.extra_headers == {}


def test_a_category_field_may_have_any_default() -> None:
    declared = {"__annotations__": {"category": str}, "category": "books", "text_template": "a.txt"}
    assert type("Shelf", (Notification,), declared)().context() == {"category": "books"}


def test_an_annotated_unsubscribe_url_is_an_argument() -> None:
    class Letter(Notification, name="letter_unsubscribe"):
        subject = "Hi"
        text_template = "a.txt"
        to = ["ann@x.org"]
        unsubscribe_url: str

    assert RENDERER.render(Letter(unsubscribe_url=URL)).extra_headers["List-Unsubscribe"] == f"<{URL}>"
    with pytest.raises(BadHeaderError, match="https URL") as caught:
        RENDERER.render(Letter(unsubscribe_url="http://x.org/u/secret-token"))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"category": "marketing"},
        {"category": ""},
        {"category": 7},
        {"unsubscribe_url": "http://example.com/u"},
        {"unsubscribe_url": "mailto:leave@example.com"},
        {"unsubscribe_url": "/u/7"},
        {"unsubscribe_url": "https:///u"},
        {"unsubscribe_url": "https://[::1/u"},
        {"unsubscribe_url": "https://example.com/a b"},
        {"unsubscribe_url": "https://example.com/>,<mailto:x@y.z"},
        {"unsubscribe_url": "https://exämple.com/"},
        {"unsubscribe_url": "https://example.com/\r\nBcc: x@y.z"},
        {"unsubscribe_url": ["https://example.com/"]},
        {"unsubscribe_email": "nobody"},
        {"unsubscribe_email": "mailto:nobody?subject=x"},
        {"unsubscribe_email": "mailto:leave@example.com?subject=leave me"},
        {"list_id": "news"},
        {"list_id": "News <news.example.com> x"},
        {"return_path": "bounces"},
        {"return_path": "bounces@{recipient}"},
        {"return_path": "bounces+{recipient}@x.org\n"},
    ],
)
def test_what_cannot_work_is_refused_when_the_class_is_defined(wrong: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError, match=f"News.{next(iter(wrong))}: "):
        declared(**wrong)


def test_the_header_is_on_the_wire_as_declared() -> None:
    long = "https://example.com/u/" + "t" * 300
    message = RENDERER.render(declared(category="bulk", unsubscribe_url=long, list_id="Nöws <news.shop.org>"))
    with FaultyServer() as server:
        backend_for(server).send_messages([message])
    content = server.messages[0].content
    assert f"List-Unsubscribe: <{long}>" in content.decode().replace("\r\n ", " ").replace(":  <", ": <")
    assert b"<news.shop.org>" in content


@given(st.text(max_size=40))
def test_an_unsubscribe_url_never_forges_a_header(text: str) -> None:
    try:
        found = category_headers(None, name="n", sender="a@x.org", unsubscribe_url=f"https://x.org/{text}")
    except BadHeaderError:
        return
    value = found["List-Unsubscribe"]
    assert value.count("<") == value.count(">") == 1
    assert value.isascii()
    assert value.isprintable()


def test_mailto_may_be_given_whole() -> None:
    whole = "mailto:leave+7@example.com?subject=leave%20me"
    assert check_unsubscribe_email(whole) == whole
    assert check_unsubscribe_email("Leave <a%b@example.com>") == "mailto:a%25b@example.com"
    assert check_unsubscribe_email('"a b"@[192.0.2.1]') == "mailto:%22a%20b%22@[192.0.2.1]"  # RFC 6068, 2
    assert check_unsubscribe_url(URL) == URL


def test_sender_without_a_dot_still_has_a_list_id() -> None:
    assert category_headers("bulk", name="n", sender="root@localhost")["List-Id"] == "<n.localhost>"


class TestCheck:
    def codes(self, **declarations: Any) -> list[str]:
        return [
            problem.code
            for problem in check(
                [type(declared(text_template="aerogram/admin.txt", message="", **declarations))]
            )
        ]

    def test_bulk_without_unsubscribing_is_a_problem_once(self) -> None:
        sampled = {"samples": classmethod(lambda cls: {"one": cls()})}
        assert self.codes(category="bulk").count("no-unsubscribe") == 1
        assert self.codes(category="bulk", **sampled).count("no-unsubscribe") == 1
        assert "no-unsubscribe" in self.codes(category="bulk", unsubscribe_email="leave@x.org")

    def test_bulk_that_can_be_left_and_other_mail_is_none(self) -> None:
        sampled = {"samples": classmethod(lambda cls: {"one": cls()})}
        for fine in (
            {"category": "bulk", "unsubscribe_url": URL},
            {"category": "bulk", "unsubscribe_url": property(lambda _: URL)},
            {"category": "transactional"},
            {"category": "bulk", "headers": {"list-unsubscribe-post": "List-Unsubscribe=One-Click"}},
            {},
        ):
            assert "no-unsubscribe" not in self.codes(**fine, **sampled)

    def test_a_computed_url_that_is_none_is_found_by_the_sample(self) -> None:
        sampled = {"samples": classmethod(lambda cls: {"one": cls()})}
        computed = {
            "category": "bulk",
            "unsubscribe_url": property(lambda _: None),
            "context": lambda _: {"message": ""},
        }
        assert "no-unsubscribe" in self.codes(**computed, **sampled)


class TestReturnPath:
    def test_is_the_envelope_sender(self) -> None:
        message = RENDERER.render(declared(return_path="bounces@shop.org"))
        assert envelope_of(message).mail_from == "bounces@shop.org"
        assert b"From: Shop <me@shop.org>" in to_bytes(message)
        assert envelope_of(RENDERER.render(declared(return_path=""))).mail_from == ""

    def test_names_the_recipient(self) -> None:
        message = RENDERER.render(declared(return_path="bounces+{recipient}@shop.org"))
        assert envelope_of(message).mail_from == "bounces+ann=x.org@shop.org"

    def test_of_several_recipients_is_refused(self) -> None:
        several = declared(return_path="bounces+{recipient}@shop.org", cc=["bob@x.org"])
        with pytest.raises(DeclarationError, match="2 recipients"):
            RENDERER.render(several)
        nobody = declared(return_path="bounces+{recipient}@shop.org", to=[])
        assert RENDERER.render(nobody).return_path is None

    def test_that_grows_too_long_is_refused(self) -> None:
        with pytest.raises(InvalidAddress):
            verp("bounces+{recipient}@shop.org", f"{'a' * 60}@example.org")

    @given(
        st.from_regex(r"[a-z0-9+=_-]{1,20}(\.[a-z0-9]{1,5})?", fullmatch=True),
        st.from_regex(r"[a-z]{1,10}\.(org|example)", fullmatch=True),
    )
    def test_is_read_back(self, local_part: str, domain: str) -> None:
        pattern, recipient = "B+{recipient}@Shop.org", f"{local_part}@{domain}"
        sender = verp(pattern, recipient)
        assert verp_recipient(pattern, sender) == recipient
        assert verp_recipient(pattern, sender.replace("B+", "b+").replace("Shop", "SHOP")) == recipient

    @pytest.mark.parametrize("pattern", ["b+{recipient}@shop.org", '"b {recipient}"@bücher.example'])
    @pytest.mark.parametrize(
        "recipient",
        [
            '"a b"@x.org',
            '"a\\"@b"@x.org',
            "ann@[192.0.2.1]",
            "ann@[IPv6:2001:db8::1]",
            "zoë@x.org",
            "postmaster",
        ],
    )
    def test_names_whatever_is_a_recipient(self, pattern: str, recipient: str) -> None:
        sender = verp(pattern, recipient)
        assert parse_mailbox(sender, utf8=True).addr_spec == sender
        assert verp_recipient(pattern, sender) == recipient
        assert verp_recipient("c+{recipient}@shop.org", sender) is None

    @pytest.mark.parametrize(
        "address", ["", "bounces@shop.org", "b+ann@shop.org", "x+ann=x.org@shop.org", "b+=@shop.org"]
    )
    def test_of_something_else_is_none(self, address: str) -> None:
        assert verp_recipient("b+{recipient}@shop.org", address) is None
