"""Both ways of writing a message give the same mail, whatever is in it."""

from __future__ import annotations

import email.policy
from email import message_from_bytes
from email.header import decode_header, make_header
from email.mime.text import MIMEText
from email.utils import getaddresses
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aerogram.mail.message import ADDRESS_HEADERS, EmailMessage, EmailMultiAlternatives
from aerogram.mail.wire.parts import check_header_block, check_lines
from aerogram.mail.wire.serializer import to_bytes


class Slow(EmailMultiAlternatives):
    """The same message, written from what message() returns."""

    def message(self) -> Any:
        return super().message()


LINE = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=60)
TEXT = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=120),
    st.text(alphabet="ab \r\n.\té=\0-", max_size=200),
    st.builds(lambda part, times: part * times, LINE, st.integers(1, 60)),
)
WORD = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
ADDRESS = st.builds(lambda local, domain: f"{local}@{domain}.example", WORD, WORD)
NAMED = st.builds(
    lambda name, address: f'"{name}" <{address}>',
    st.text(alphabet="abc Üñ,.<>@;'日", max_size=30),
    ADDRESS,
)
MAILBOXES = st.lists(ADDRESS | NAMED, max_size=4)
FILENAME = st.none() | st.text(max_size=80) | st.sampled_from(["a.txt", "é.pdf", 'q".csv'])
ATTACHMENT = st.one_of(
    st.tuples(FILENAME, TEXT, st.sampled_from(["text/plain", "text/csv", "TEXT/HTML"])),
    st.tuples(
        FILENAME, st.binary(max_size=200), st.sampled_from(["application/pdf", "image/png", "text/plain"])
    ),
    st.builds(lambda text: MIMEText(text, "x-ready", "utf-8"), TEXT),
    st.builds(lambda text: ("m.eml", EmailMessage("in", text, "in@x.org"), "message/rfc822"), TEXT),
    st.builds(lambda text: ("m.eml", f"Subject: x\n\n{text}", "message/rfc822"), TEXT),
)
ARGUMENTS = st.fixed_dictionaries(
    {
        "subject": LINE,
        "body": TEXT,
        "from_email": ADDRESS | NAMED,
        "to": MAILBOXES,
        "cc": MAILBOXES,
        "reply_to": MAILBOXES,
        "attachments": st.lists(ATTACHMENT, max_size=3),
        "alternatives": st.lists(
            st.tuples(TEXT, st.sampled_from(["text/html", "text/x-amp-html"])), max_size=2
        ),
        "headers": st.dictionaries(WORD.map(lambda word: f"X-{word}"), LINE, max_size=3)
        | st.fixed_dictionaries({"date": st.just("Fri, 09 Nov 2001 01:08:47 -0000"), "TO": ADDRESS}),
    }
)


def headers_of(part: Any) -> list[tuple[str, Any]]:
    """Names and decoded values, without those that each writing makes anew."""
    own = {"message-id", "date", "content-transfer-encoding", "content-type"}
    found = [(name, value.replace("\r\n", "").replace("\n", "")) for name, value in part.items()]
    return sorted((name, decoded(name, value)) for name, value in found if name.lower() not in own)


def decoded(name: str, value: str) -> Any:
    if name.lower() in ADDRESS_HEADERS:
        return [
            (" ".join(decoded("", display).split()), address) for display, address in getaddresses([value])
        ]
    return str(make_header(decode_header(value)))


def content_of(part: Any) -> bytes:
    """The decoded content, line ends and those at its end aside."""
    content = part.get_payload(decode=True)
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b"\n")


def tree_of(part: Any) -> Any:
    parameters = {k: v for k, v in part.get_params(failobj=[])[1:] if k not in ("boundary",)}
    seen = (part.get_content_type(), parameters, part.get_filename(), headers_of(part))
    if part.is_multipart():
        return (*seen, [tree_of(inner) for inner in part.get_payload()])
    return (*seen, content_of(part))


def check_wire(written: bytes) -> None:
    check_lines(written)
    check_header_block(written.partition(b"\r\n\r\n")[0] + b"\r\n")
    assert written.endswith(b"\r\n")


@given(ARGUMENTS, st.booleans())
def test_the_fast_way_and_message_give_the_same_mail(arguments: dict[str, Any], eight_bit: bool):
    fast = to_bytes(EmailMultiAlternatives(**arguments), eight_bit=eight_bit)
    slow = to_bytes(Slow(**arguments), eight_bit=eight_bit)
    for written in (fast, slow):
        check_wire(written)
        assert eight_bit or written.isascii()
    assert tree_of(message_from_bytes(fast)) == tree_of(message_from_bytes(slow))


@given(ARGUMENTS)
def test_the_wire_and_what_message_returns_give_the_same_mail(arguments: dict[str, Any]):
    arguments["attachments"] = [each for each in arguments["attachments"] if isinstance(each, tuple)]
    arguments["body"] = arguments["body"].replace("\r", "").replace("\0", "")
    mail = EmailMultiAlternatives(**arguments)
    wire = tree_of(message_from_bytes(to_bytes(mail)))
    built = tree_of(message_from_bytes(mail.message().as_bytes()))
    assert wire[:3] == built[:3]
    assert wire[3] == built[3]


@given(ARGUMENTS)
def test_a_modern_parser_reads_the_same_addresses_and_subject(arguments: dict[str, Any]):
    arguments["headers"] = {}
    written = to_bytes(EmailMultiAlternatives(**arguments))
    read = message_from_bytes(written, policy=email.policy.default)
    for name, entries in (
        ("To", arguments["to"]),
        ("Cc", arguments["cc"]),
        ("From", [arguments["from_email"]]),
    ):
        addresses = [address.addr_spec for address in read[name].addresses] if name in read else []
        assert addresses == [entry.rpartition(" <")[2].rstrip(">") for entry in entries]
