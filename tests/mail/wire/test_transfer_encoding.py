"""Transfer encodings: what is written decodes to what was given, in lines that every server takes."""

from __future__ import annotations

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerogram.mail.wire.transfer_encoding import (
    encode_file,
    encode_text,
    has_long_line,
    is_safe,
    to_base64,
    to_quoted_printable,
    with_crlf,
)

HARD = st.text(alphabet="ab =\t.é\n\r\x0b\0\x7f€😀\u2028", max_size=700)
REPEATED = st.builds(lambda part, times: part * times, st.text(min_size=1, max_size=6), st.integers(1, 400))
TEXTS = st.one_of(st.text(max_size=200), HARD, REPEATED, st.lists(REPEATED | HARD, max_size=4).map("\n".join))
DECODERS = {
    "7bit": bytes,
    "8bit": bytes,
    "quoted-printable": quopri.decodestring,
    "base64": base64.b64decode,
}


def check_lines(data: bytes, limit: int) -> None:
    assert b"\0" not in data
    assert data.count(b"\r\n") == data.count(b"\r") == data.count(b"\n")
    assert max(map(len, data.split(b"\r\n"))) <= limit


@given(TEXTS)
def test_quoted_printable_keeps_to_its_rules(text: str):
    data = with_crlf(text.encode())
    written = to_quoted_printable(data)
    check_lines(written, 76)
    assert written.isascii()
    assert not any(line.endswith((b" ", b"\t")) for line in written.split(b"\r\n"))
    assert quopri.decodestring(written) == data


@given(TEXTS, st.booleans())
def test_text_decodes_to_itself_with_crlf(text: str, eight_bit: bool):
    data = with_crlf(text.encode())
    encoding, written = encode_text(text.encode(), eight_bit=eight_bit)
    assert DECODERS[encoding](written) == data
    check_lines(written, 998)
    assert written.isascii() or (eight_bit and encoding == "8bit")


@pytest.mark.parametrize("end", ["", "\r\n"])
def test_a_line_that_fits_is_not_broken(end: str):
    for length in range(70, 77):
        for escapes in range(8):
            line = b"a" * (length - 3 * escapes) + b"=" * escapes + end.encode()
            assert to_quoted_printable(line) == line.replace(b"=", b"=3D")
    assert to_quoted_printable(b"a" * 77 + end.encode()) == b"a" * 75 + b"=\r\naa" + end.encode()


@given(st.binary(max_size=400) | TEXTS.map(str.encode))
def test_a_file_decodes_to_itself(content: bytes):
    encoding, written = encode_file(content)
    assert DECODERS[encoding](written) == content
    check_lines(written, 998)


@given(st.binary(max_size=400))
def test_base64_has_lines_of_76(content: bytes):
    written = to_base64(content)
    check_lines(written, 76)
    assert base64.b64decode(written) == content


@given(st.lists(st.integers(0, 1100), min_size=1, max_size=8))
def test_long_lines_are_found_wherever_they_are(lengths: list[int]):
    data = b"\r\n".join(b"x" * length for length in lengths)
    assert has_long_line(data) == (max(lengths) > 998)


@pytest.mark.parametrize(("length", "long"), [(998, False), (999, True)])
def test_the_limit_is_998_octets(length: int, long: bool):
    for end in (b"", b"\r\n", b"\r\nshort\r\n"):
        for start in (b"", b"\r\n", b"x" * 500 + b"\r\n"):
            assert has_long_line(start + b"x" * length + end) is long


def test_mostly_ascii_stays_readable_and_other_scripts_are_base64():
    assert encode_text("Grüße aus Köln".encode()).encoding == "quoted-printable"
    assert encode_text("Всем привет из Москвы".encode()).encoding == "base64"
    assert encode_text("日本語".encode(), eight_bit=True).encoding == "8bit"


def test_a_nul_never_travels_as_it_is():
    assert not is_safe(b"a\0b", eight_bit=True)
    assert encode_text(b"a\0b", eight_bit=True).data == b"a=00b"
