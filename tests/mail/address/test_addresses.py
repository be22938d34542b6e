from __future__ import annotations

import re
import sys
from email.charset import Charset
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import getaddresses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aerogram.exceptions import InvalidAddress
from aerogram.mail.address.parser import Mailbox, parse_mailbox, parse_mailbox_list
from aerogram.mail.characters import FORBIDDEN
from aerogram.mail.header.django import sanitize_address
from aerogram.mail.header.writing import mailbox_text

ENCODED = re.compile(r"=\?[^?]*\?[bBqQ]\?")  # what may begin an encoded-word
ATOM = st.text("abcXYZ019!#$%&'*+/=?^_`{|}~-", min_size=1, max_size=12)
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
LOCAL_PART = (
    st.lists(ATOM, min_size=1, max_size=3).map(".".join).filter(lambda local: not ENCODED.search(local))
)
DOMAIN = st.lists(LABEL, min_size=1, max_size=3).map(".".join)
ADDR_SPEC = st.tuples(LOCAL_PART, DOMAIN).map("@".join)
SAFE_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=120)


def decoded(text: str) -> str:
    return str(make_header(decode_header(text)))


def as_read_by_stdlib(header: str) -> list[tuple[str, str]]:
    """What the standard library's parsers see, both of which must agree on the address."""
    message = EmailMessage()
    message["To"] = header
    addresses = [address.addr_spec for address in message["To"].addresses]
    pairs = getaddresses([header])
    assert [address for _, address in pairs] == addresses
    return [(decoded(name), address) for name, address in pairs]


@pytest.mark.parametrize(
    ("text", "name", "addr_spec"),
    [
        ("a@b.c", "", "a@b.c"),
        ("  a@b.c\t", "", "a@b.c"),
        ("<a@b.c>", "", "a@b.c"),
        ("Jane Doe <jane@x.org>", "Jane Doe", "jane@x.org"),
        ("Jane   Doe<jane@x.org>", "Jane Doe", "jane@x.org"),
        ('"Doe, Jane" <jane@x.org>', "Doe, Jane", "jane@x.org"),
        (r'"Jane \"JD\" \\Doe" <jane@x.org>', r'Jane "JD" \Doe', "jane@x.org"),
        ('"  kept  " <a@b.c>', "  kept  ", "a@b.c"),
        ('"" <a@b.c>', "", "a@b.c"),
        ('Jane "the" Doe <a@b.c>', "Jane the Doe", "a@b.c"),
        ("John Q. Public <j@x>", "John Q. Public", "j@x"),
        ("O'Brien & Co <a@b.c>", "O'Brien & Co", "a@b.c"),
        ("alice@example.com <alice@example.com>", "alice@example.com", "alice@example.com"),
        ("Ünï <a@b.c>", "Ünï", "a@b.c"),
        ("名前 <a@b.c>", "名前", "a@b.c"),
        ("a\u00a0b <a@b.c>", "a\u00a0b", "a@b.c"),
        ("localpartonly", "", "localpartonly"),
        ("Root <root>", "Root", "root"),
        ("root@localhost", "", "root@localhost"),
        ("a@my_container", "", "a@my_container"),
        ("a@[127.0.0.1]", "", "a@[127.0.0.1]"),
        ("a@[IPv6:2001:db8::1]", "", "a@[IPv6:2001:db8::1]"),
        ('"john doe"@x', "", '"john doe"@x'),
        (r'"a\"b\\c"@x', "", r'"a\"b\\c"@x'),
        ('"plain"@x', "", "plain@x"),
        ('".dots..kept."@x', "", '".dots..kept."@x'),
        ('"a<b>"@x', "", '"a<b>"@x'),
        ('Name <"a>b"@x>', "Name", '"a>b"@x'),
        ("-oQ/tmp@x.y", "", "-oQ/tmp@x.y"),
        (f"{'x' * 64}@b.c", "", f"{'x' * 64}@b.c"),
    ],
)
def test_one_mailbox_is_read(text, name, addr_spec):
    mailbox = parse_mailbox(text)
    assert mailbox.display_name == name
    assert mailbox.addr_spec == addr_spec


@pytest.mark.parametrize(
    "text",
    [
        "@",
        "to@",
        "@x.org",
        "<>",
        "Name <>",
        "Name <a@b.c",
        "Name a@b.c>",
        "Name <a@b.c> x",
        "<a@b.c> <d@e.f>",
        "a b@c.d",
        "a @b.c",
        "a@ b.c",
        "a@b.c.",
        "a@-b.c",
        "a@b-.c",
        "a@b!c",
        "a@[x]",
        "a@[127.0.0.1",
        "a@[256.0.0.1]",
        "a@[IPv6:zz]",
        "a@[IPv6:fe80::1%eth0]",
        '""@x',
        '"a"',
        '"a@x',
        '"a"b@x',
        'a"b"@x',
        "<@relay.org:a@b.c>",
        "@relay.org:a@b.c",
        "a@b.c (comment)",
        "(comment) a@b.c",
        "Name (comment) <a@b.c>",
        "a(c)@b.c",
        "[Team] <a@b.c>",
        "a;b@c.d",
        "bob@x.y <alice@example.com>",
        "bob@x.y, Al Ice <alice@example.com>",
        "root, Alice <alice@example.com>",
        ", Alice <alice@example.com>",
        'root, "x" <alice@example.com>',
        "<script>@x.y",
    ],
)
def test_what_is_not_one_mailbox_is_refused(text):
    with pytest.raises(InvalidAddress, match=r"^Invalid address"):
        parse_mailbox(text)


def test_smtp_commands_in_an_address_are_refused():
    with pytest.raises(InvalidAddress, match=r"^Invalid address; address parts cannot contain newlines\.$"):
        parse_mailbox("x@y.z\r\nRCPT TO:<e@e>")


@pytest.mark.parametrize("text", ["a@b.c,d@e.f", "a@b.c, d@e.f", "A <a@b.c>, B <d@e.f>", "a@b.c;d@e.f"])
def test_two_mailboxes_in_one_entry_are_refused(text):
    with pytest.raises(InvalidAddress):
        parse_mailbox(text)


def test_the_error_says_how_to_mend_it():
    with pytest.raises(InvalidAddress, match="give each address its own entry"):
        parse_mailbox("a@b.c,d@e.f")


@pytest.mark.parametrize("text", ["alice@example.org)bob@x.org", "a@evil.com@good.com", "a@evil.com<b@c.d>"])
def test_trailing_parts_are_refused(text):
    with pytest.raises(InvalidAddress):
        parse_mailbox(text)


def test_a_quoted_local_part_never_decides_the_domain():
    mailbox = parse_mailbox('"x@gmail.com y"@internal')
    assert mailbox == Mailbox("", "x@gmail.com y", "internal")
    assert mailbox.addr_spec == '"x@gmail.com y"@internal'
    assert as_read_by_stdlib(mailbox_text(mailbox)) == [("", '"x@gmail.com y"@internal')]


@pytest.mark.parametrize("padding", [0, 20, 60, 300])
def test_an_address_hidden_in_a_long_quoted_name_stays_a_name(padding):
    name = "Bob <evil@x.org>, " + "x" * padding
    header = mailbox_text(parse_mailbox(f'"{name}" <real@y.org>'))
    assert as_read_by_stdlib(header) == [(name, "real@y.org")]


def test_an_address_hidden_in_an_encoded_word_stays_a_name():
    for text in ("=?utf-8?q?evil=40x=2Eorg=2C?= <real@y>", "=?utf-8?b?ZXZpbEB4Lm9yZyw=?= <real@y>"):
        mailbox = parse_mailbox(text)
        assert mailbox.addr_spec == "real@y"
        assert mailbox_text(mailbox) == '"evil@x.org," <real@y>'
        assert as_read_by_stdlib(mailbox_text(mailbox)) == [("evil@x.org,", "real@y")]


def test_an_encoded_word_in_quotes_is_shown_literally():
    mailbox = parse_mailbox('"=?utf-8?q?J=C3=BCrgen?=" <real@y>')
    assert mailbox.display_name == "=?utf-8?q?J=C3=BCrgen?="
    assert as_read_by_stdlib(mailbox_text(mailbox)) == [("=?utf-8?q?J=C3=BCrgen?=", "real@y")]


@pytest.mark.parametrize(
    "text",
    [
        "=?utf-8?q?a?=@b.c",
        "N <=?utf-8?q?evil=40x?=@b.c>",
        '"=?utf-8?b?eA==?="@b.c',
        "=?x?q?collab=22=3e?=foo@b.c",
    ],
)
def test_an_encoded_word_is_no_local_part(text):
    with pytest.raises(InvalidAddress, match="encoded-word"):
        parse_mailbox(text)


def test_commas_in_names_do_not_multiply_mailboxes():
    entries = ["Ünï, Cö <a@b.c>", '"Ünï, Cö" <a@b.c>'] * 3
    header = ", ".join(mailbox_text(parse_mailbox(entry)) for entry in entries)
    assert as_read_by_stdlib(header) == [("Ünï, Cö", "a@b.c")] * 6
    assert [m.display_name for m in parse_mailbox_list(", ".join(entries))] == ["Ünï, Cö"] * 6


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("a@é.com", "xn--9ca.com"),
        ("a@straße.de", "xn--strae-oqa.de"),
        ("a@xn--9ca.com", "xn--9ca.com"),
        ("a@Example.COM", "Example.COM"),
        ("a@例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("a@exampl€.com", "xn--exampl-nc1c.com"),
    ],
)
def test_domains_are_written_in_ascii(text, domain):
    mailbox = parse_mailbox(f"Name <{text}>")
    assert mailbox.domain == domain
    assert mailbox_text(mailbox) == f"Name <a@{domain}>"


@pytest.mark.parametrize(
    "domain",
    [
        "i❤\ufe0f.ws",
        "a\u200db.com",
        "b\uff20c.d",
        "b\uff0fc.d",
        "é..com",
        "é" * 64 + ".com",
        "é" * 5000,
        "\u202eé.com",
        "a\u00adé.com",
        "é\ufeff.com",
    ],
)
def test_domains_that_idna_would_change_or_refuse_are_refused(domain):
    with pytest.raises(InvalidAddress):
        parse_mailbox(f"a@{domain}")


def test_a_local_part_beyond_ascii_needs_smtputf8():
    with pytest.raises(InvalidAddress, match="SMTPUTF8"):
        parse_mailbox("é@b.c")
    mailbox = parse_mailbox("É <é.x@b.c>", utf8=True)
    assert mailbox.addr_spec == "é.x@b.c"
    assert mailbox_text(mailbox, utf8=True) == "=?utf-8?b?w4k=?= <é.x@b.c>"
    with pytest.raises(InvalidAddress, match="SMTPUTF8"):
        mailbox_text(mailbox)


@pytest.mark.parametrize("utf8", [False, True])
@pytest.mark.parametrize("character", [*"\x00\x01\x0b\x1f\x7f\x80\x85\x9f \u2028\u2029\udc80\u00a0\u3000"])
@pytest.mark.parametrize("text", ["a{}b@c.d", "a@c{}d", '"a{}b"@c.d', "<a{}b@c.d>"])
def test_controls_and_spaces_in_an_address_are_refused(text, character, utf8):
    if text.startswith('"') and (character == " " or (utf8 and character in "\u00a0\u3000")):
        assert parse_mailbox(text.format(character), utf8=utf8).local_part == f"a{character}b"
        return
    with pytest.raises(InvalidAddress):
        parse_mailbox(text.format(character), utf8=utf8)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 65 + "@b.c",
        '"' + "x y" * 21 + '"@b.c',
        "x" * 60 + "@" + ".".join(["y" * 60] * 3 + ["z" * 12]),
        "a@" + "y" * 64 + ".c",
        "a@b..c",
        "a@.b",
        ".a@b",
        "a.@b",
        "a..b@c",
    ],
)
def test_limits_and_dots(text):
    with pytest.raises(InvalidAddress):
        parse_mailbox(text)
    with pytest.raises(InvalidAddress):
        parse_mailbox(f"Name <{text}>")


def test_an_address_of_254_octets_is_accepted_and_one_of_255_is_not():
    text = "x" * 60 + "@" + ".".join(["y" * 60] * 3 + ["z" * 10])
    assert len(text) == 254
    assert parse_mailbox(text).addr_spec == text
    assert parse_mailbox(f"Name <{text}>").addr_spec == text
    with pytest.raises(InvalidAddress, match="255 octets, at most 254"):
        parse_mailbox(text + "z")


@pytest.mark.parametrize("value", ["", " ", "\t", None, b"a@b.c", ("a@b.c",), ["a@b.c"], 5])
def test_empty_and_foreign_values_are_refused(value):
    with pytest.raises(InvalidAddress):
        parse_mailbox(value)


@pytest.mark.parametrize(
    "text",
    [
        "g: a@b.c;",
        "g:;",
        "undisclosed-recipients:;",
        "g:" * 10_000 + "a@b.c" + ";" * 10_000,
        "g: <a@b.c>",
    ],
)
def test_groups_are_refused(text):
    with pytest.raises(InvalidAddress):
        parse_mailbox(text)


@pytest.mark.parametrize(
    "unit",
    [
        '"',
        '""',
        '"a',
        "\\",
        '\\"',
        "(",
        "()",
        "<",
        "<>",
        ",",
        ", ",
        "a,",
        "é,",
        "g:",
        "[",
        "@",
        "a@b.c,",
        "=?",
        "=?utf-8?q?",
        "=?utf-8?q?a?= ",
        "=?utf-8?b?YQ==?=",
        ".",
        " ",
        "é",
    ],
)
def test_hostile_repetition_costs_no_more_than_its_length(unit):
    """Steps are counted: lines run in the parser must not grow with the text, or grow in step with it."""

    def lines_run(repeats: int, parse) -> int:
        count = 0

        def trace(frame, event, arg):
            nonlocal count
            count += event == "line"
            return trace

        text = unit * repeats + ("" if unit != "a@b.c," else "a@b.c")
        previous = sys.gettrace()
        sys.settrace(trace)
        try:
            parse(text)
        except InvalidAddress:
            pass
        finally:
            sys.settrace(previous)
        return count

    for parse in (parse_mailbox, parse_mailbox_list):
        small, large = lines_run(500, parse), lines_run(4000, parse)
        assert large <= 10 * small + 200


@pytest.mark.parametrize("text", ['"' * 20_000, "(" * 1_000_000, '"a' * 500_000 + "@b", "<" * 1_000_000])
def test_hostile_sizes_are_refused_in_header_lists_too(text):
    with pytest.raises(InvalidAddress) as caught:
        parse_mailbox(text)
    assert len(str(caught.value)) < 300
    with pytest.raises(InvalidAddress):
        parse_mailbox_list(text)
    with pytest.raises(InvalidAddress):
        sanitize_address(text, "utf-8")


def test_address_objects_and_lazy_texts_are_read_once():
    class Lazy:
        calls = 0

        def __str__(self):
            self.calls += 1
            return "Jane <jane@x.org>"

    lazy = Lazy()
    assert parse_mailbox(lazy) == Mailbox("Jane", "jane", "x.org")
    assert lazy.calls == 1
    address = Address(display_name='Doe, "J"', username="john doe", domain="x.org")
    assert parse_mailbox(address) == Mailbox('Doe, "J"', "john doe", "x.org")


@pytest.mark.parametrize("value", ["", "  ", "undisclosed-recipients:;", "A B : ; "])
def test_a_list_may_be_empty_and_an_empty_group(value):
    assert parse_mailbox_list(value) == []


def test_a_list_is_cut_at_commas_outside_quotes():
    mailboxes = parse_mailbox_list(r'a@x, "B, \"C" <b@y>, "d,e"@z')
    assert mailboxes == [Mailbox("", "a", "x"), Mailbox('B, "C', "b", "y"), Mailbox("", "d,e", "z")]


@pytest.mark.parametrize(
    "value", ["a@x,,b@y", "a@x,", ",", "a@x, Ünï", 'a@x, "b', "g: a@x;", "a@x\r\nBcc: b@y"]
)
def test_a_list_with_something_else_in_it_is_refused(value):
    with pytest.raises(InvalidAddress):
        parse_mailbox_list(value)


@pytest.mark.parametrize(
    ("addr", "encoding", "expected"),
    [
        (("A name", "to@example.com"), "ascii", "A name <to@example.com>"),
        (("", "to@example.com"), "ascii", "to@example.com"),
        ("localpartonly", "ascii", "localpartonly"),
        (("Doe, J.", "to@example.com"), "utf-8", '"Doe, J." <to@example.com>'),
        (("Tó", "to@éxample.com"), "iso-8859-1", "=?iso-8859-1?q?T=F3?= <to@xn--xample-9ua.com>"),
        (("Tó", "to@example.com"), Charset("iso-8859-1"), "=?iso-8859-1?q?T=F3?= <to@example.com>"),
        (("Tó", "to@example.com"), "us-ascii", "=?utf-8?b?VMOz?= <to@example.com>"),
    ],
)
def test_sanitized_addresses(addr, encoding, expected):
    assert sanitize_address(addr, encoding) == expected


@pytest.mark.parametrize(
    "addr",
    [
        ("A name", "localpartonly"),
        ("A name", "to@"),
        ("A name", "a@b.c,d@e.f"),
        ("A\nname", "a@b.c"),
        ("A name", "a@b.c\n"),
        ("A\x00name", "a@b.c"),
        ("A", "B", "a@b.c"),
        ("A" * 5000, "a@b.c"),
        ("A", "tó@example.com"),
        "to@other.com\nBcc: x@y",
    ],
)
def test_unsafe_addresses_are_not_sanitized(addr):
    with pytest.raises(InvalidAddress):
        sanitize_address(addr, "utf-8")


@given(SAFE_TEXT, ADDR_SPEC)
@example("Bob <evil@x>, ", "real@y.org")
@example("=?utf-8?q?x?=", "real@y.org")
@example('a"b\\', "real@y.org")
def test_a_written_name_reads_back_as_one_mailbox(name, addr_spec):
    mailbox = Mailbox(name, *addr_spec.split("@"))
    header = mailbox_text(mailbox)
    assert header.isascii()
    assert header.isprintable()
    assert parse_mailbox(mailbox_text(Mailbox("", *addr_spec.split("@")))).addr_spec == addr_spec
    [(read_name, read_address)] = as_read_by_stdlib(header)
    assert read_address == addr_spec
    assert read_name == name


@given(st.text(max_size=60) | st.text('ab."\\@<>(),;: \t[]é', max_size=30), st.booleans())
def test_any_text_is_one_mailbox_or_refused(text, utf8):
    try:
        mailbox = parse_mailbox(text, utf8=utf8)
    except InvalidAddress:
        return
    assert not FORBIDDEN.search(mailbox.addr_spec)
    assert parse_mailbox(mailbox.addr_spec, utf8=utf8).addr_spec == mailbox.addr_spec
    if mailbox.addr_spec.isascii() and mailbox.domain:
        message = (
            EmailMessage()
        )  # getaddresses() of Debian's Python 3.11.2 refuses a [ in a quoted local part
        message["To"] = mailbox_text(mailbox)
        assert [address.addr_spec for address in message["To"].addresses] == [mailbox.addr_spec]


@given(st.lists(st.tuples(SAFE_TEXT, ADDR_SPEC), max_size=6))
def test_a_written_list_reads_back_as_the_same_list(pairs):
    header = ", ".join(mailbox_text(Mailbox(name, *address.split("@"))) for name, address in pairs)
    assert as_read_by_stdlib(header) == pairs if pairs else parse_mailbox_list(header) == []
    assert [mailbox.addr_spec for mailbox in parse_mailbox_list(header)] == [address for _, address in pairs]
