"""The lines of a header with encoded-words, in what is sent and in what ``message()`` gives (RFC 2047)."""

from __future__ import annotations

import base64
import re
from email import message_from_bytes
from email.charset import BASE64, Charset
from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aerogram.mail import EmailMessage, EmailMultiAlternatives
from aerogram.mail.header.django import forbid_multi_line_headers, sanitize_address
from aerogram.mail.header.encoded_words import encoded_words
from aerogram.mail.header.writing import stored_header_bytes
from aerogram.mail.wire.serializer import to_bytes


class Rebuilt(EmailMultiAlternatives):
    """The same message, written from what message() returns."""

    def message(self) -> Any:
        return super().message()


FIXED = {"Date": "Fri, 09 Nov 2001 01:08:47 -0000", "Message-ID": "<1@x.org>"}
TEXTS = [
    "Grüße",
    "Grüße " * 40,
    "é" + "日" * 200,
    "a" + "é" * 200,
    "aé" + "\N{GRINNING FACE}" * 60,
    "\N{GRINNING FACE}é" * 60,
    "日本語 mail " * 30,
    "e\u0301" * 100,
    "👩\u200d👩\u200d👧" * 30,
    "\u200fשלם \u200eabc " * 30,
    "x" * 1200,
    "Ö" * 23,
    "one =?utf-8?q?two?= three",
    "Привет, мир! " * 20,
]
CHARACTERS = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])
MIXED = st.lists(st.sampled_from(["a", "é", "日", "\N{GRINNING FACE}", " ", "e\u0301"])).map("".join)
ANY_TEXT = st.one_of(
    st.text(CHARACTERS, max_size=300),
    MIXED,
    st.builds(lambda text, times: text * times, MIXED, st.integers(1, 30)),
)


def header_of(written: bytes, name: str) -> bytes:
    """One field as it is written, its line end excepted."""
    head = written.partition(b"\r\n\r\n")[0]
    found = re.findall(rb"^%s:[^\r]*(?:\r\n[ \t][^\r]*)*" % re.escape(name.encode()), head, re.M | re.I)
    assert len(found) == 1, head
    return found[0]


def both_ways(mail: EmailMessage, name: str) -> bytes:
    """The field as it is sent, which has to be the one of message() too."""
    sent = header_of(to_bytes(mail), name)
    if b"=?" in sent or name == "Subject":  # the text of an address list may stay as it was given
        assert header_of(mail.message().as_bytes(linesep="\r\n"), name) == sent
        assert header_of(to_bytes(Rebuilt(**arguments_of(mail))), name) == sent
    return sent


def arguments_of(mail: EmailMessage) -> dict[str, Any]:
    return {
        "subject": mail.subject,
        "from_email": mail.from_email,
        "to": mail.to,
        "cc": mail.cc,
        "reply_to": mail.reply_to,
        "headers": mail.extra_headers,
    }


def check_words(field: bytes) -> None:
    """Lines of 76 octets at most, words of 75, and padding in the last word of a sequence only."""
    lines = [line for line in field.split(b"\r\n") if b"=?" in line]
    assert max(map(len, lines)) <= 76
    value = field.replace(b"\r\n", b"").decode("ascii")
    for sequence in re.findall(r"=\?[^?]+\?[bq]\?[^?]*\?=(?: =\?[^?]+\?[bq]\?[^?]*\?=)*", value):
        words = sequence.split(" ")
        assert max(map(len, words)) <= 75
        assert not any(word.endswith("=?=") for word in words[:-1] if "?b?" in word)
        for word in words:  # whole characters
            charset, method, payload = word[2:-2].split("?")
            if method == "b":
                base64.b64decode(payload, validate=True).decode(charset)
            str(make_header(decode_header(word)))


def decoded(field: bytes) -> str:
    value = field.replace(b"\r\n", b"").decode("ascii").partition(":")[2].removeprefix(" ")
    return str(make_header(decode_header(value)))


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", ["Subject", "X-Custom", "X-" + "long-" * 12, "X-" + "n" * 74])
def test_the_lines_of_a_text_header_have_76_octets(name: str, text: str):
    headers = FIXED if name == "Subject" else {**FIXED, name: text}
    mail = EmailMessage(text, "b", "me@x.org", ["a@x.org"], headers=headers)
    field = both_ways(mail, name)
    check_words(field)
    assert decoded(field) == text
    assert str(make_header(decode_header(message_from_bytes(field + b"\r\n\r\n")[name]))) == text


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("field", ["from_email", "to", "cc", "reply_to"])
def test_the_lines_of_an_address_header_have_76_octets(field: str, text: str):
    entries = [f'"{text}" <ann@example.com>', "b@example.com", f'"{text}, Jr." <c@example.com>']
    arguments: dict[str, Any] = {"from_email": "me@x.org", "to": ["a@x.org"], "headers": FIXED}
    arguments[field] = entries[0] if field == "from_email" else entries
    name = {"from_email": "From", "reply_to": "Reply-To"}.get(field, field.title())
    written = both_ways(EmailMessage("s", "b", **arguments), name)
    check_words(written)
    value = written.partition(b": ")[2].replace(b"\r\n", b"").decode()
    display, address = parseaddr(value.partition(", ")[0])
    assert (str(make_header(decode_header(display))), address) == (text, "ann@example.com")


@given(ANY_TEXT)
@example("é" * 34)
def test_any_subject_is_the_same_written_either_way(text: str):
    field = both_ways(EmailMessage(text, "b", "me@x.org", ["a@x.org"], headers=FIXED), "Subject")
    assert decoded(field) == text
    if b"=?" in field:
        check_words(field)


@given(st.lists(ANY_TEXT, min_size=1, max_size=3))
def test_any_display_names_are_the_same_written_either_way(texts: list[str]):
    entries = [
        '"{}" <ann@example.com>'.format(text.replace("\\", "\\\\").replace('"', '\\"')) for text in texts
    ]
    field = both_ways(EmailMessage("s", "b", "me@x.org", entries, headers=FIXED), "To")
    if b"=?" in field:
        check_words(field)
    read = message_from_bytes(field + b"\r\n\r\n")["To"].replace("\r\n", "")
    assert read.count("ann@example.com") == len(texts)


@pytest.mark.parametrize("text", [" lead", "trail ", "  both  ", " ", " é ", "\ttabs\t", "a" * 100 + " "])
def test_the_spaces_around_a_subject_survive(text: str):
    field = both_ways(EmailMessage(text, "b", "me@x.org", ["a@x.org"], headers=FIXED), "Subject")
    value = message_from_bytes(field + b"\r\n\r\n")["Subject"]
    assert str(make_header(decode_header(value))) == text.replace("\t", " ")
    check_words(field)


def test_a_text_without_a_cut_at_three_octets_has_no_padding_inside():
    words = encoded_words("é" + "日" * 60)
    assert "?q?" in words[0]
    assert all("?b?" in word and not word.endswith("=?=") for word in words[1:])
    assert "".join(str(make_header(decode_header(word))) for word in words) == "é" + "日" * 60


@pytest.mark.parametrize("charset", ["iso-2022-jp", "shift_jis", "euc-jp", "koi8-r", "gb2312"])
def test_other_charsets_keep_the_same_limits(charset: str):
    text = {"koi8-r": "Привет мир "}.get(charset, "日本 ab ") * 30
    _, value = forbid_multi_line_headers("Subject", text, charset)
    field = b"Subject: " + value.replace("\n", "\r\n").encode("ascii")
    check_words(field)
    assert decoded(field) == text
    assert stored_header_bytes("Subject", value) == field + b"\r\n"


def test_a_charset_that_asks_for_base64_gets_it():
    charset = Charset("utf-8")
    charset.header_encoding = BASE64
    assert sanitize_address(("É", "e@x.org"), charset) == "=?utf-8?b?w4k=?= <e@x.org>"
