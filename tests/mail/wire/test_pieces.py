from __future__ import annotations

import copy
import pickle
import quopri
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerogram.mail import EmailAlternative, EmailMultiAlternatives
from aerogram.mail.wire.pieces import Constants
from aerogram.mail.wire.serializer import to_bytes

# What quoted-printable has to look after: "=", white space at line ends, long lines, other scripts.
text = st.text(st.sampled_from("ab.=_ \t\nöé€漢😀<>&-Xx"), max_size=200)
line = st.text(st.sampled_from("ab.=_ \töé€漢😀>&-Xx"), max_size=80)


def mail(alternative: EmailAlternative) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives("Hello", "Grüße", "me@example.com", ["you@example.com"])
    message.alternatives.append(alternative)
    return message


def html_of(written: bytes) -> str:
    (part,) = [
        part
        for part in message_from_bytes(written, policy=default).walk()
        if part.get_content_subtype() == "html"
    ]
    return part.get_payload(decode=True).decode().replace("\r\n", "\n")


def check(constants: Constants, values: list[str]) -> bool:
    """Compare with the text encoded as a whole, and return whether it was encoded by pieces."""
    whole = constants.join(values)
    written = constants.quoted_printable(values)
    if written is not None:
        assert quopri.decodestring(written).replace(b"\r\n", b"\n") == whole.encode()
        assert all(len(line) <= 76 for line in written.split(b"\r\n"))
        assert written.isascii()
        assert b"\n" not in written.replace(b"\r\n", b"")
        assert not any(line.endswith((b" ", b"\t")) for line in written.split(b"\r\n"))
    plain = EmailAlternative(whole, "text/html")
    templated = constants.alternative(values, "text/html")
    assert templated == plain
    assert html_of(to_bytes(mail(templated))).rstrip("\n") == html_of(to_bytes(mail(plain))).rstrip("\n")
    return written is not None


@given(st.lists(st.tuples(text, text), max_size=6), text)
def test_a_text_encoded_by_pieces_reads_as_the_whole(pairs: list[tuple[str, str]], last: str) -> None:
    constants = Constants(["<p>Grüße an alle, die es lesen</p>" * 20, *(piece for piece, _ in pairs), last])
    check(constants, ["Ann", *(value for _, value in pairs)])


@given(st.lists(st.tuples(line, line), max_size=6), text)
def test_values_of_one_line_are_encoded_together(pairs: list[tuple[str, str]], last: str) -> None:
    constants = Constants(["<p>Grüße an alle, die es lesen</p>" * 500, *(piece for piece, _ in pairs), last])
    assert check(constants, ["Ann", *(value for _, value in pairs)])


@pytest.mark.parametrize(
    ("pieces", "values"),
    [
        (["<p>漢字漢字漢字", "</p>"], ["x"]),  # base64 is shorter
        (["<p>Grüße aus Köln", "</p>"], ["\udcff"]),
        (["<p>Grüße aus Köln", "</p>"], ["漢字" * 9]),
        (["<p>Grüße aus Köln", "</p>"], ["two\nlines"]),
        (["<p>Grüße aus Köln", "</p>"], ["<i>"]),
    ],
)
def test_what_does_not_suit_is_encoded_as_a_whole(pieces: list[str], values: list[str]) -> None:
    assert Constants(pieces).quoted_printable(values) is None


def test_a_text_in_ascii_is_not_encoded() -> None:
    message = mail(Constants(["<p>Dear ", "</p>"]).alternative(["Ann"], "text/html"))
    assert b"<p>Dear Ann</p>" in to_bytes(message)


def test_a_text_without_values_is_its_only_piece() -> None:
    assert check(Constants(["<p>100 % Grüße</p>"]), [])


def test_an_eight_bit_connection_gets_the_text_as_it_is() -> None:
    alternative = Constants(["<p>Grüße aus Köln, ", "</p>"]).alternative(["Ann"], "text/html")
    assert "Grüße aus Köln, Ann".encode() in to_bytes(mail(alternative), eight_bit=True)


def test_a_copy_is_a_plain_alternative() -> None:
    alternative = Constants(["a", "b"]).alternative(["ü"], "text/html")
    for made in (copy.copy(alternative), copy.deepcopy(alternative), pickle.loads(pickle.dumps(alternative))):
        assert type(made) is EmailAlternative
        assert made == ("aüb", "text/html")
