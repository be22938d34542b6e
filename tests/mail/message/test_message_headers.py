"""The header of a built message: which fields, refused when built, overridden by headers=."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from aerogram.conf import settings
from aerogram.exceptions import BadHeaderError, InvalidAddress
from aerogram.mail.header import fields
from aerogram.mail.message import EmailMessage, EmailMultiAlternatives
from aerogram.mail.wire.serializer import to_bytes


def mail(**changes: Any) -> EmailMessage:
    defaults: dict[str, Any] = {"subject": "Hello", "from_email": "me@example.com", "to": ["to@example.com"]}
    return EmailMessage(**{**defaults, **changes})


def decoded(value: str) -> str:
    return str(make_header(decode_header(value)))


class Newline:
    def __str__(self) -> str:
        return "lazy\nBcc: evil@example.com"

    def __repr__(self) -> str:  # names the test, which must be the same in every process
        return "Newline()"


FORBIDDEN = [
    "a\r\nBcc: e@x.org", "a\nb", "a\rb", "a\x85b", "a\u2028b", "a\u2029b", "a\x0bb", "a\x0cb", "a\x1cb",
    "a\x1eb", "a\0b", "a\x7fb", "a\x1bb", "a\udcffb", Newline(),
]  # fmt: skip
PLACES = {
    "subject": lambda bad: {"subject": bad},
    "from_email": lambda bad: {"from_email": bad},
    "from name": lambda bad: {"from_email": f"{bad} <a@x.org>"},
    "to": lambda bad: {"to": ["a@x.org", bad]},
    "to name": lambda bad: {"to": [f'"{bad}" <a@x.org>']},
    "cc": lambda bad: {"cc": [bad]},
    "reply_to": lambda bad: {"reply_to": [bad]},
    "header": lambda bad: {"headers": {"X-Any": bad}},
    "header name": lambda bad: {"headers": {str(bad): "v"}},
    "from header": lambda bad: {"headers": {"From": bad}},
    "message id": lambda bad: {"headers": {"message-ID": f"<{bad}@x.org>"}},
    "unsubscribe": lambda bad: {"headers": {"List-Unsubscribe": f"<https://x.org/{bad}>"}},
    "subtype": lambda bad: {"content_subtype": str(bad)},
    "mixed subtype": lambda bad: {"mixed_subtype": str(bad), "attachments": [("a", "b", "text/plain")]},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("bad", FORBIDDEN, ids=ascii)
def test_control_characters_are_refused_when_built(place: str, bad: object):
    arguments = PLACES[place](bad)
    subtypes = {
        name: arguments.pop(name) for name in ("content_subtype", "mixed_subtype") if name in arguments
    }
    message = mail(**arguments)
    vars(message).update(subtypes)
    for build in (EmailMessage.message, to_bytes):
        with pytest.raises(ValueError, match=r".") as caught:
            build(message)
        assert "\n" not in str(caught.value)
        assert type(caught.value).__module__ == "aerogram.exceptions"


@pytest.mark.parametrize("field", ["subject", "from_email", "to", "cc", "reply_to"])
def test_a_newline_has_djangos_error(field: str):
    bad: Any = "a@x.org\nBcc: e@x.org"
    message = mail(**{field: bad if field in ("subject", "from_email") else [bad]})
    with pytest.raises(BadHeaderError, match=r"^Header values can't contain newlines \(got 'a@x.org\\nBcc: "):
        message.message()


@pytest.mark.parametrize("bad", FORBIDDEN, ids=ascii)
def test_a_blind_copy_is_checked_like_a_header_though_it_is_in_none(bad: object):
    with pytest.raises(BadHeaderError, match="'Bcc'"):
        mail(bcc=["a@x.org", bad]).message()
    assert mail(bcc=["", None, "Ann <a@x.org>"]).message()["Bcc"] is None


@pytest.mark.parametrize("word", ["=?utf-8?q?x=0d=0aBcc=3a_e?=", "=?utf-8?b?eA0KQmNjOiBl?="])
def test_an_encoded_word_given_as_subject_is_shown_literally(word: str):
    subjects = [mail(subject=word).message()["Subject"]]
    lines = re.findall(rb"^Subject: (.*)$", to_bytes(mail(subject=word)), re.M)
    assert len(lines) == 1
    subjects.append(lines[0].decode().strip())
    assert [decoded(subject) for subject in subjects] == [word, word]


@pytest.mark.parametrize("name", ["bcc", "Bcc", "SUBJECT", "Content-Type", "mime-version", "Resent-Bcc"])
def test_headers_of_the_message_itself_are_refused(name: str):
    for build in (EmailMessage.message, to_bytes):
        with pytest.raises(BadHeaderError, match=name):
            build(mail(headers={name: "x"}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("From", "other@example.com"),
        ("To", "list@example.com"),
        ("Cc", "list@example.com"),
        ("Reply-To", "list@example.com"),
        ("Date", "Fri, 09 Nov 2001 01:08:47 -0000"),
        ("Message-ID", "<1@example.com>"),
    ],
)
@pytest.mark.parametrize("change", [str, str.lower, str.upper])
def test_the_documented_six_are_replaced_once_and_the_envelope_stays(name: str, value: str, change: Any):
    message = mail(cc=["cc@example.com"], reply_to=["r@example.com"], headers={change(name): value})
    assert message.message().get_all(name) == [value]
    lines = re.findall(rf"^{name}: (.*)\r$".encode(), to_bytes(message), re.M | re.I)
    assert lines == [value.encode()]
    assert message.recipients() == ["to@example.com", "cc@example.com"]
    assert message.from_email == "me@example.com"


def test_to_given_in_headers_alone_is_shown_and_nobody_is_a_recipient():
    message = EmailMessage("s", "b", "me@example.com", headers={"To": "to@example.com"})
    assert message.message().get_all("To") == ["to@example.com"]
    assert message.recipients() == []


def test_a_group_without_members_may_stand_in_to():
    message = mail(to=[], bcc=["b@example.com"], headers={"To": "undisclosed-recipients:;"})
    assert message.message()["To"] == "undisclosed-recipients:;"
    assert b"\r\nTo: undisclosed-recipients:;\r\n" in to_bytes(message)


def test_building_twice_changes_nothing_but_the_message_id():
    headers = {"Date": "Fri, 09 Nov 2001 01:08:47 -0000", "X-A": "1"}
    message = mail(headers=headers, cc=["c@example.com"])
    before = dict(vars(message))
    first, second = dict(message.message().items()), dict(message.message().items())
    assert first.pop("Message-ID") != second.pop("Message-ID")
    assert first == second
    assert vars(message) == before
    assert message.extra_headers is headers
    assert headers == {"Date": "Fri, 09 Nov 2001 01:08:47 -0000", "X-A": "1"}


def test_headers_changed_between_builds_are_seen():
    message = mail(headers={"X-A": "1"})
    assert b"X-A: 1\r\n" in to_bytes(message)
    message.extra_headers["X-A"] = "2"
    message.subject = "Other"
    written = to_bytes(message)
    assert b"X-A: 2\r\n" in written
    assert b"Subject: Other\r\n" in written


def test_bcc_is_in_no_header():
    message = mail(bcc=["secret@example.com"])
    assert "Bcc" not in message.message()
    assert b"secret" not in message.message().as_bytes() + to_bytes(message)
    assert "secret@example.com" in message.recipients()


@pytest.mark.parametrize("nobody", [[], ["", None], None])
def test_no_recipients_give_no_empty_header(nobody: Any):
    message = mail(to=nobody, cc=nobody, reply_to=nobody)
    assert {"To", "Cc", "Reply-To"}.isdisjoint(message.message().keys())
    assert not re.search(rb"^(To|Cc|Reply-To):", to_bytes(message), re.M)


@pytest.mark.parametrize("entry", ["a@b.c,d@e.f", "a@evil.com@good.com", "@", "to@", "a@x.org)b@y.org", " "])
@pytest.mark.parametrize("field", ["to", "cc", "reply_to", "from_email"])
def test_an_entry_that_is_not_one_mailbox_is_refused(field: str, entry: str):
    message = mail(**{field: entry if field == "from_email" else [entry]})
    for build in (EmailMessage.message, to_bytes):
        with pytest.raises(InvalidAddress):
            build(message)


def test_an_address_without_a_domain_is_fine():
    assert mail(to=["localpartonly"]).message()["To"] == "localpartonly"
    assert b"\r\nTo: localpartonly\r\n" in to_bytes(mail(to=["localpartonly"]))


def test_no_sender_at_all_is_refused():
    message = mail()
    message.from_email = ""
    with pytest.raises(InvalidAddress):
        message.message()
    with pytest.raises(InvalidAddress):
        to_bytes(mail(headers={"From": ""}))


def test_names_beyond_ascii_are_encoded_and_a_comma_in_them_survives():
    message = mail(to=['"Sürname, Firstname" <to@example.com>', "other@exämple.com"])
    header = message.message()["To"]
    assert header.isascii()
    assert "xn--exmple-cua.com" in header
    assert decoded(header.partition(" <")[0]) == "Sürname, Firstname"


def test_a_name_longer_than_a_line_is_written():
    long = "Ein sehr langer Name für einen Menschen " * 4
    header = mail(to=[f'"{long}" <to@example.com>']).message()["To"]
    assert header.endswith("<to@example.com>")


def test_a_long_subject_folds_and_loses_nothing():
    subject = (
        "Long subject lines that get folded should contain a space continuation character to comply " * 3
    )
    message = mail(subject=subject.strip()).message()
    assert message["Subject"].replace("\n", "") == subject.strip()
    assert max(map(len, message.as_string().splitlines())) <= 78


def test_the_date_is_utc_unless_the_settings_say_local():
    with settings.override(EMAIL_USE_LOCALTIME=False):
        assert mail().message()["Date"].endswith(" -0000")
    with settings.override(EMAIL_USE_LOCALTIME=True):
        local = mail().message()["Date"]
    assert not local.endswith(" -0000")
    assert parsedate_to_datetime(local).tzinfo is not None


def test_the_date_moves_on_with_the_clock(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fields.time, "time", lambda: 1_000_000_000.9)
    assert mail().message()["Date"] == "Sun, 09 Sep 2001 01:46:40 -0000"
    monkeypatch.setattr(fields.time, "time", lambda: 1_000_000_001.0)
    assert b"\r\nDate: Sun, 09 Sep 2001 01:46:41 -0000\r\n" in to_bytes(mail())


@pytest.mark.parametrize(
    ("sender", "domain"),
    [
        ("me@example.com", "example.com"),
        ("Me <me@exämple.com>", "xn--exmple-cua.com"),
        ("root@localhost", "host.test"),
    ],
)
def test_the_message_id_is_on_the_senders_domain_or_this_hosts(
    sender: str, domain: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(fields.DNS_NAME, "_fqdn", "host.test", raising=False)
    identifiers = {mail(from_email=sender).message()["Message-ID"] for _ in range(50)}
    assert len(identifiers) == 50
    assert all(re.fullmatch(rf"<[0-9a-f.]+@{domain}>", identifier) for identifier in identifiers)


def test_a_header_in_from_decides_the_domain_of_the_message_id():
    message = EmailMultiAlternatives(
        "s", "b", "me@example.com", headers={"From": "Shop <shop@other.example>"}
    )
    assert message.message()["Message-ID"].endswith("@other.example>")


CEST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (datetime(2026, 7, 3, 9, 5, 1, 999, tzinfo=CEST), "Fri, 03 Jul 2026 09:05:01 +0200"),
        (datetime(2026, 7, 3, 9, 5, tzinfo=UTC), "Fri, 03 Jul 2026 09:05:00 +0000"),
        (datetime(2026, 7, 3, 9, 5), "Fri, 03 Jul 2026 09:05:00 -0000"),  # the case
    ],
)
@pytest.mark.parametrize("name", ["Date", "date", "Resent-Date"])
def test_a_datetime_is_written_as_a_date(name: str, given: datetime, written: str):
    message = mail(headers={name: given})
    assert message.message().get_all(name) == [written]
    assert re.findall(rf"^{name}: (.*)\r$".encode(), to_bytes(message), re.M) == [written.encode()]
    read = parsedate_to_datetime(message.message()[name])
    assert read == given.replace(microsecond=0)


@pytest.mark.parametrize("given", [date(2026, 7, 3), None, 1783069501, 1783069501.5, (2026, 7, 3), b"x"])
def test_a_date_that_is_neither_a_datetime_nor_a_text_is_refused(given: object):
    for build in (EmailMessage.message, to_bytes):
        with pytest.raises(BadHeaderError, match=rf"'date' was given as {type(given).__name__}\. Accepted"):
            build(mail(headers={"date": given}))
        with pytest.raises(BadHeaderError, match="None"):
            build(mail(headers={"Message-ID": None}))


def test_a_datetime_in_another_header_is_its_text():
    given = datetime(2026, 7, 3, 9, 5, tzinfo=UTC)
    assert mail(headers={"X-Seen": given}).message()["X-Seen"] == str(given)
