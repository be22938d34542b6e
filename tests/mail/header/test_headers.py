from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.charset import QP, Charset
from email.header import decode_header, make_header
from email.utils import getaddresses
from functools import partial

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from aerogram.conf import settings
from aerogram.exceptions import BadHeaderError, InvalidAddress
from aerogram.mail.address.parser import parse_mailbox, parse_mailbox_list
from aerogram.mail.characters import check_header_value
from aerogram.mail.header.django import forbid_multi_line_headers, sanitize_address
from aerogram.mail.header.encoded_words import encoded_words
from aerogram.mail.header.folding import fold
from aerogram.mail.header.rules import (
    ADDRESS_HEADERS,
    check_extra_headers,
    check_header_name,
    check_message_id,
)
from aerogram.mail.header.writing import address_bytes, encode_text, header_bytes, stored_header_bytes
from aerogram.mail.message.safemime import SafeMIMEText

ENCODED_WORDS_THAT_INJECT = [
    "=?utf-8?q?x=0d=0aBcc=3a_e?=",
    "=?utf-8?b?eA0KQmNjOiBl?=",
    "=?utf-8?q?x=0aBcc=3a_e?=",
]
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=400)
NAME = st.from_regex(r"X-[A-Za-z0-9-]{1,60}", fullmatch=True)


def unfolded(line: bytes) -> bytes:
    return line.removesuffix(b"\r\n").replace(b"\r\n", b"")


def decoded(line: bytes) -> str:
    _, _, value = unfolded(line).decode("ascii").partition(": ")
    return str(make_header(decode_header(value)))


def assert_well_formed(line: bytes, name: str) -> None:
    assert line.endswith(b"\r\n")
    assert re.fullmatch(rb"[ -~\r\n]*", line)
    first, *rest = line[:-2].split(b"\r\n")
    assert first.startswith(name.encode() + b": ") or (first == name.encode() + b":" and b"=?" in rest[0])
    assert all(re.match(rb" .*[!-~]", continuation) for continuation in rest)
    assert all(len(part) <= 998 for part in (first, *rest))
    assert b"\n" not in first
    assert b"\r" not in first


@pytest.mark.parametrize("number", [1, 2, 3])
def test_newlines_are_refused(number):
    value = {1: "a\r\nBcc: e@x", 2: "a\nBcc: e@x", 3: "a\rBcc: e@x"}[number]
    for name in ("Subject", "From", "To", "Reply-To", "X-Custom", "Message-ID", "List-Unsubscribe"):
        expected = re.escape(f"Header values can't contain newlines (got {value!r} for header {name!r})")
        for write in (
            check_header_value,
            header_bytes,
            lambda n, v: forbid_multi_line_headers(n, v, "utf-8"),
        ):
            with pytest.raises(BadHeaderError, match=f"^{expected}$"):
                write(name, value)


@pytest.mark.parametrize("trailing", ["\n", "\r", "\r\n"])
def test_a_newline_at_the_end_is_one_too(trailing):
    with pytest.raises(BadHeaderError, match="newlines"):
        header_bytes("Subject", "a" + trailing)
    with pytest.raises(BadHeaderError, match="Header name"):
        check_header_name("Subject" + trailing)


@pytest.mark.parametrize(
    "character", [*"\x00\x01\x08\x0b\x0c\x0e\x1b\x1c\x1d\x1e\x1f\x7f\x80\x85\x9b\x9f\u2028\u2029\ud800\udcff"]
)
@pytest.mark.parametrize("name", ["Subject", "From", "X-Custom", "Message-ID", "List-Unsubscribe"])
def test_controls_separators_and_surrogates_are_refused(name, character):
    value = f"a{character}b"
    with pytest.raises(BadHeaderError, match=r"^Header values can't contain") as caught:
        header_bytes(name, value)
    assert str(caught.value).isprintable()
    with pytest.raises(BadHeaderError):
        forbid_multi_line_headers(name, value, "utf-8")
    with pytest.raises(BadHeaderError):
        stored_header_bytes(name, value)


def test_the_error_shows_the_value_cut_at_100_characters():
    with pytest.raises(BadHeaderError) as caught:
        check_header_value("Subject", "x" * 10_000 + "\n")
    assert len(str(caught.value)) < 200
    assert "'" + "x" * 90 in str(caught.value)


@pytest.mark.parametrize("value", ENCODED_WORDS_THAT_INJECT)
def test_an_encoded_word_is_shown_literally(value):
    lines = header_bytes("Subject", value) + header_bytes("X-Custom", value)
    message = message_from_bytes(lines + b"\r\n", policy=policy.default)
    assert message.keys() == ["Subject", "X-Custom"]
    assert message["Subject"] == message["X-Custom"] == value
    assert decoded(header_bytes("Subject", value)) == value
    _, written = forbid_multi_line_headers("Subject", value, "utf-8")
    assert str(make_header(decode_header(written))) == value


@pytest.mark.parametrize("value", ENCODED_WORDS_THAT_INJECT)
def test_an_encoded_word_before_an_address_is_decoded_and_checked(value):
    for write in (header_bytes, lambda name, text: forbid_multi_line_headers(name, text, "utf-8")):
        with pytest.raises(BadHeaderError, match="newlines"):
            write("To", f"{value} <a@b.c>")


@pytest.mark.parametrize("value", ENCODED_WORDS_THAT_INJECT)
@pytest.mark.parametrize("name", ["List-Unsubscribe", "References", "Feedback-ID"])
def test_a_structured_header_holds_no_encoded_word(name, value):
    for text in (value, f"<https://x.org/?a={value}>"):
        with pytest.raises(BadHeaderError, match="encoded-word"):
            header_bytes(name, text)


@pytest.mark.parametrize(
    "name", ["X: a\r\nBcc", "a\nb", "a:b", "a b", " a", "", "é", "a\x00", "a\x7f", "x" * 77, None, 5, b"To"]
)
def test_header_names(name):
    for check in (
        check_header_name,
        lambda n: forbid_multi_line_headers(n, "v", "utf-8"),
        lambda n: header_bytes(n, "v"),
        lambda n: check_extra_headers({n: "v"}),
        lambda n: stored_header_bytes(n, "v"),
    ):
        with pytest.raises(BadHeaderError, match="Header name"):
            check(name)


@pytest.mark.parametrize(
    "name",
    ["bcc", "BCC", "Resent-Bcc", "SUBJECT", "Content-Type", "content-transfer-encoding", "mime-version"],
)
def test_headers_of_the_message_itself_are_refused(name):
    with pytest.raises(BadHeaderError, match="cannot be given in headers="):
        check_extra_headers({"X-Other": "a", name: "b"})


def test_documented_overrides_are_accepted_once():
    given = {"from": "a@b", "To": "c@d", "Cc": "e@f", "Reply-To": "g@h", "Date": "x", "message-id": "<a@b>"}
    check_extra_headers(given)
    check_extra_headers({})
    with pytest.raises(BadHeaderError, match="twice"):
        check_extra_headers({**given, "FROM": "x@y"})


@pytest.mark.parametrize(
    "value",
    [
        "<foo>",
        "a@b",
        "<a@b",
        "<a b@c>",
        "<a@b@c>",
        "<<a@b>>",
        "<é@b>",
        "<a@b>\n",
        f"<{'x' * 250}@b>",
        "",
    ],
)
def test_a_message_id_that_is_none_is_refused(value):
    with pytest.raises(BadHeaderError):
        check_message_id(value)
    with pytest.raises(BadHeaderError):
        check_extra_headers({"MESSAGE-ID": value})


@pytest.mark.parametrize("value", ["<17.a@example.com>", "foo"])
def test_a_message_id_is_accepted(value):
    assert check_message_id(value) == value


@pytest.mark.parametrize(
    "value",
    [
        "x" * 1200,
        "\N{GRINNING FACE}" * 100,
        "שלום abc " * 40,
        "é" * 1200,
        "日本語 text " * 50,
        "👩\u200d👩\u200d👧" * 30,
    ],
)
def test_long_text_is_written_in_short_lines_and_reads_back(value):
    line = header_bytes("Subject", value)
    assert_well_formed(line, "Subject")
    assert max(map(len, line.split(b"\r\n"))) <= 78
    assert all(len(word) <= 75 for word in re.findall(rb"=\?\S+", line))
    assert decoded(line) == value
    assert str(message_from_bytes(line + b"\r\n", policy=policy.default)["Subject"]) == value


def test_a_long_list_unsubscribe_is_never_encoded():
    value = "<https://x.org/" + "y" * 300 + "=?>, <mailto:leave@x.org?subject=leave>"
    line = header_bytes("List-Unsubscribe", value)
    assert unfolded(line) == b"List-Unsubscribe: " + value.encode()
    assert line.count(b"\r\n") == 2
    assert stored_header_bytes("List-Unsubscribe", value) == line
    assert forbid_multi_line_headers("List-Unsubscribe", value, "utf-8") == ("List-Unsubscribe", value)


@pytest.mark.parametrize("name", ["References", "In-Reply-To"])
def test_references_fold_between_message_ids(name):
    value = " ".join(f"<{number}.{'x' * 30}@example.com>" for number in range(40))
    line = header_bytes(name, value)
    assert unfolded(line) == f"{name}: {value}".encode()
    assert max(map(len, line.split(b"\r\n"))) <= 78


@pytest.mark.parametrize("value", ["<https://x.org/" + "y" * 1000 + ">", "<https://é.org/>"])
def test_a_structured_value_that_cannot_be_written_is_refused(value):
    with pytest.raises(BadHeaderError, match=r"'List-Unsubscribe'.*(shorten|percent-encoded)"):
        header_bytes("List-Unsubscribe", value)


def test_the_phrase_of_a_list_id_may_be_encoded():
    assert header_bytes("List-Id", "Grüße <g.x.org>") == b"List-Id: =?utf-8?b?R3LDvMOfZQ==?= <g.x.org>\r\n"
    with pytest.raises(BadHeaderError, match="must be ASCII"):
        header_bytes("List-Id", "Grüße")
    assert header_bytes("List-Id", "Greetings <g.x.org>") == b"List-Id: Greetings <g.x.org>\r\n"


def test_any_value_becomes_text_once():
    class Lazy:
        calls = 0

        def __str__(self):
            self.calls += 1
            return "lazy"

    class Shouting(str):
        def __str__(self):
            return self

    lazy = Lazy()
    assert check_header_value("X", lazy) == "lazy"
    assert forbid_multi_line_headers("X", lazy, None) == ("X", "lazy")
    assert header_bytes("X", lazy) == b"X: lazy\r\n"
    assert lazy.calls == 3
    assert check_header_value("X", 17) == "17"
    assert type(check_header_value("X", Shouting("a"))) is str


def test_a_tab_is_written_as_a_space():
    assert header_bytes("Subject", "a\tb") == b"Subject: a b\r\n"
    assert header_bytes("To", "A\tB\t<a@b.c>") == b"To: A B <a@b.c>\r\n"
    assert forbid_multi_line_headers("Subject", "a\tb", "utf-8") == ("Subject", "a b")


def test_an_address_list_folds_after_commas():
    mailboxes = [parse_mailbox(f'"Doe, {number}" <person{number}@example.com>') for number in range(10)]
    line = address_bytes("To", mailboxes)
    assert_well_formed(line, "To")
    assert all(part.endswith(b">,") for part in line[:-2].split(b"\r\n")[:-1])
    assert max(map(len, line.split(b"\r\n"))) <= 78
    assert header_bytes("To", unfolded(line)[4:].decode()) == line
    assert stored_header_bytes("To", unfolded(line)[4:].decode()) == line


def test_an_address_header_that_holds_something_else_is_refused():
    with pytest.raises(InvalidAddress):
        header_bytes("From", "not an address")
    with pytest.raises(InvalidAddress):
        forbid_multi_line_headers("From", "Ünï an address", "utf-8")
    assert header_bytes("To", "undisclosed-recipients:;") == b"To: undisclosed-recipients:;\r\n"


@pytest.mark.parametrize("name", ["Disposition-Notification-To", "Return-Receipt-To"])
def test_a_request_for_a_receipt_holds_mailboxes(name):
    line = header_bytes(name, "Änn <ann@example.com>")
    assert line == name.encode() + b": =?utf-8?q?=C3=84nn?= <ann@example.com>\r\n"


def test_a_name_that_needs_quotes_gets_them():
    for write in (
        lambda value: header_bytes("To", value).decode()[4:-2],
        lambda value: forbid_multi_line_headers("To", value, "utf-8")[1],
    ):
        assert write("a b, c <x@y>, z@y") == '"a b, c" <x@y>, z@y'
        assert write("a@b <a@b>") == '"a@b" <a@b>'
        assert write('"a, b" <x@y>, "c@d"@e') == '"a, b" <x@y>, "c@d"@e'


def test_utf8_allows_addresses_beyond_ascii():
    with pytest.raises(InvalidAddress, match="SMTPUTF8"):
        header_bytes("To", "é@b.c")
    assert header_bytes("To", "É <é@b.c>", utf8=True) == "To: =?utf-8?b?w4k=?= <é@b.c>\r\n".encode()


def test_without_a_charset_that_of_the_settings_is_taken():
    with settings.override(DEFAULT_CHARSET="iso-8859-1"):
        assert forbid_multi_line_headers("Subject", "é", None) == ("Subject", "=?iso-8859-1?q?=E9?=")
        part = SafeMIMEText("text")
        part["To"] = "É <e@example.com>"
    assert part["To"] == "=?iso-8859-1?q?=C9?= <e@example.com>"


def test_other_charsets():
    def written(name: str, value: str, charset: str | Charset) -> bytes:
        return stored_header_bytes(*forbid_multi_line_headers(name, value, charset))

    assert written("Subject", "Grüße", "iso-8859-1") == b"Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\n"
    quoted = Charset("utf-8")
    quoted.header_encoding = QP
    assert written("Subject", "Grüße", quoted) == b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    assert written("From", "Grüße <a@b>", quoted) == b"From: =?utf-8?q?Gr=C3=BC=C3=9Fe?= <a@b>\r\n"
    assert decoded(written("Subject", "ラーメン" * 40, "iso-2022-jp")) == "ラーメン" * 40
    assert decoded(written("Subject", "ラーメン" * 40, "shift_jis")) == "ラーメン" * 40
    assert decoded(written("Subject", "中文" * 40, "gb2312")) == "中文" * 40
    assert decoded(written("Subject", "€ é", "iso-8859-1")) == "€ é"
    with pytest.raises(BadHeaderError, match="encoding 'klingon'"):
        written("Subject", "é", "klingon")


def test_an_encoded_value_is_folded_anew_and_guarded():
    _, value = forbid_multi_line_headers("Subject", "Grüße " * 60, "utf-8")
    assert "\n " in value
    line = stored_header_bytes("Subject", value)
    assert decoded(line) == "Grüße " * 60
    assert max(map(len, line.split(b"\r\n"))) <= 78
    assert max(map(len, re.findall(rb"=\?\S+", line))) <= 75
    _, value = forbid_multi_line_headers("To", f'"{"Grüße " * 60}" <a@b.c>, "É, é" <d@e.f>', "iso-8859-1")
    line = stored_header_bytes("To", value)
    assert max(map(len, line.split(b"\r\n"))) <= 78
    assert parse_mailbox_list("a@b.c, d@e.f") == parse_mailbox_list(
        re.sub(r"=\?\S+ ", "", unfolded(line)[4:].decode())
    )
    foreign = f"=?x-unknown?q?{'a' * 80}?="
    assert stored_header_bytes("Subject", foreign) == f"Subject: {foreign}\r\n".encode()
    for bad in ("a\nBcc: x", "a\n\n b", "a\r b", "a\n ", "a\n \n b", "x" * 1000):
        with pytest.raises(BadHeaderError):
            stored_header_bytes("X", bad)
        part = SafeMIMEText("text")
        part.set_raw("X", bad)  # not by part["X"] = bad
        with pytest.raises(BadHeaderError):
            part.as_bytes()
    assert stored_header_bytes("X", "é") == b"X: =?utf-8?b?w6k=?=\r\n"


def test_unclosed_quotes_do_not_slow_down_a_fold():
    value = '"' + '\\"' * 20_000 + " x" * 40
    with pytest.raises(BadHeaderError):
        stored_header_bytes("To", value)
    assert unfolded(stored_header_bytes("To", '" ' * 20_000)) == b"To: " + b'" ' * 20_000


@pytest.mark.parametrize("write", [fold, partial(fold, addresses=True)])
def test_a_long_run_of_spaces_does_not_slow_down_a_fold(write):
    with pytest.raises(BadHeaderError):
        write("To", "a" + " " * 200_000)


@given(NAME | st.just("Subject"), TEXT)
@example("Subject", "x " * 600)
@example("Subject", " " * 1200)
@example("Subject", "x" * 900 + " " * 900)
@example("Subject", " " * 300 + "x" * 700)
@example("Subject", "a" * 970 + " " + "b" * 990)
@example("X-" + "n" * 74, "é" * 40)
def test_written_text_reads_back_identically(name, value):
    line = header_bytes(name, value)
    assert_well_formed(line, name)
    if "=?" in value or not value.isascii():
        assert decoded(line) == value
    elif b"=?" not in line:
        assert unfolded(line) == f"{name}: {value}".encode()
    else:
        assert decoded(line) == value


@given(
    TEXT.filter(bool),
    st.sampled_from(["utf-8", "iso-8859-1", "us-ascii", "iso-2022-jp", "utf-16", "koi8-r", "big5"]),
)
def test_encoded_words_hold_whole_characters_in_75(text, encoding):
    words = encoded_words(text, encoding)
    assert all(len(word) <= 75 for word in words)
    assert "".join(str(make_header(decode_header(word))) for word in words) == text


@given(
    st.text('ab \té=?<>,;:@"\\.()[]\r\n\x00\u2028\udc80', max_size=60),
    st.sampled_from(sorted(ADDRESS_HEADERS)),
)
def test_any_address_header_is_written_well_or_refused(value, name):
    try:
        line = header_bytes(name, value)
    except (BadHeaderError, InvalidAddress):
        return
    assert_well_formed(line, name)
    addresses = [
        m.addr_spec for m in message_from_bytes(line + b"\r\n", policy=policy.default)[name].addresses
    ]
    assert [m.addr_spec for m in parse_mailbox_list(value.replace("\t", " "))] == addresses


@given(st.text(max_size=80), st.text(max_size=200))
def test_any_header_is_written_or_refused_with_our_errors(name, value):
    for write in (header_bytes, stored_header_bytes):
        try:
            assert_well_formed(write(name, value), name)
        except (BadHeaderError, InvalidAddress):
            continue
    try:
        _, written = forbid_multi_line_headers(name, value, "utf-8")
    except (BadHeaderError, InvalidAddress):
        return
    assert written.isascii()
    assert not re.search(r"\r|\n(?! )", written)


# The same results as Django 5.2 for whatever both accept, where Django keeps to RFC 2047: its lines with
# encoded-words have up to 85 octets, and padding inside. Folds of what is not encoded may differ.


def assert_alike(ours: str, theirs: str) -> None:
    if "=?" in ours + theirs:
        assert _seen(ours) == _seen(theirs)
    else:
        assert ours.replace("\n", "") == theirs.replace("\n", "")


def _seen(value: str) -> list[tuple[str, str]]:
    value = value.replace("\n", "")
    entries = getaddresses([value]) if "@" in value else [(value, "")]
    return [(str(make_header(decode_header(name))), address) for name, address in entries]


ENCODINGS = st.sampled_from(["utf-8", "iso-8859-1", "us-ascii", Charset("utf-8"), Charset("iso-8859-1")])
WORDS = st.lists(st.text("abcdefgXYZ0123456789!?*'-+/_äöüßÉ", min_size=1, max_size=20), max_size=30).map(
    " ".join
)
NAMES = st.lists(st.text("abcdefgXYZ0123456789,.()'\"\\@<>äöüßÉ", min_size=1, max_size=20), max_size=12).map(
    " ".join
)
ADDRESSES = st.sampled_from(
    ["to@example.com", "a.b+c@x.org", "to@éxample.com", "localpartonly@x", "a@xn--xample-9ua.com"]
)


@pytest.fixture(scope="module")
def django_mail():
    return pytest.importorskip("django.core.mail.message", reason="Django is not installed to compare with")


@given(value=WORDS, encoding=ENCODINGS, name=st.sampled_from(["Subject", "X-Custom", "comments"]))
@example(value="Long subject, with commas; and semicolons " * 5, encoding="utf-8", name="Subject")
@example(value="Grüße " * 60, encoding="iso-8859-1", name="Subject")
def test_headers_are_as_django_writes_them(django_mail, value, encoding, name):
    _, expected = django_mail.forbid_multi_line_headers(name, value, encoding)
    assert_alike(forbid_multi_line_headers(name, value, encoding)[1], expected)


@given(name=NAMES, address=ADDRESSES, encoding=ENCODINGS)
@example(name="To Example very long" * 4, address="to@exampl€.com", encoding="utf-8")
@example(name="Tó Example very long" * 4, address="to@example.com", encoding="utf-8")
def test_pairs_are_as_django_writes_them(django_mail, name, address, encoding):
    expected = django_mail.sanitize_address((name, address), encoding)
    assert_alike(sanitize_address((name, address), encoding), expected)


@given(
    name=st.lists(st.text("abcXYZ019!?*'-+/_äöüß", min_size=1, max_size=20), max_size=12).map(" ".join),
    address=ADDRESSES,
    encoding=ENCODINGS,
)
@example(name='"Doe, Jané"', address="to@éxample.com", encoding="utf-8")
@example(name='"Doe, \\"Jane\\" (x) ' + "y" * 80 + '"', address="to@example.com", encoding="utf-8")
def test_texts_are_as_django_writes_them(django_mail, name, address, encoding):
    assume("=?" not in name and "?=" not in name)
    text = f"{name} <{address}>".strip()
    assert_alike(sanitize_address(text, encoding), django_mail.sanitize_address(text, encoding))
    assert sanitize_address(address, encoding) == django_mail.sanitize_address(address, encoding)


@given(
    pairs=st.lists(st.tuples(NAMES, ADDRESSES), min_size=1, max_size=4),
    encoding=ENCODINGS,
    name=st.sampled_from(["To", "cc", "From", "Reply-To", "Sender"]),
)
def test_address_lists_are_as_django_writes_them(django_mail, pairs, encoding, name):
    quoted = ['"' + text.replace("\\", r"\\").replace('"', r"\"") + '"' if text else "" for text, _ in pairs]
    value = ", ".join(f"{text} <{address}>".strip() for text, (_, address) in zip(quoted, pairs, strict=True))
    _, expected = django_mail.forbid_multi_line_headers(name, value, encoding)
    assert_alike(forbid_multi_line_headers(name, value, encoding)[1], expected)


def test_text_is_left_alone_where_it_can_be():
    assert encode_text("X", "x" * 900) == "x" * 900
    assert encode_text("X", "x" * 996).startswith("=?utf-8?q?x")
