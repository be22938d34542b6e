from __future__ import annotations

import copy
import pickle
import quopri
from email import message_from_bytes
from email.policy import default

from hypothesis import given
from hypothesis import strategies as st

from aerogram.mail import EmailMultiAlternatives
from aerogram.mail.wire.pieces import Constants, PiecedText
from aerogram.mail.wire.serializer import to_bytes

# What quoted-printable has to look after: "=", white space at line ends, long lines, other scripts.
text = st.text(st.sampled_from("ab.=_ \t\nöé€漢😀<>&-Xx"), max_size=200)


def mail(html: str) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives("Hello", "Grüße", "me@example.com", ["you@example.com"])
    message.attach_alternative(html, "text/html")
    return message


def html_of(written: bytes) -> str:
    (part,) = [
        part
        for part in message_from_bytes(written, policy=default).walk()
        if part.get_content_subtype() == "html"
    ]
    return part.get_payload(decode=True).decode().replace("\r\n", "\n")


@given(st.lists(st.tuples(text, text), max_size=6), text)
def test_a_text_encoded_by_pieces_reads_as_the_whole(pairs: list[tuple[str, str]], last: str) -> None:
    constants = Constants(["<p>Grüße an alle, die es lesen</p>" * 20, *(piece for piece, _ in pairs), last])
    pieced = constants.filled(["Ann", *(value for _, value in pairs)])
    written = pieced.quoted_printable()
    if written is not None:
        assert quopri.decodestring(written).replace(b"\r\n", b"\n") == pieced.encode()
        assert all(len(line) <= 76 for line in written.split(b"\r\n"))
        assert written.isascii()
        assert b"\n" not in written.replace(b"\r\n", b"")
    assert html_of(to_bytes(mail(pieced))).rstrip("\n") == html_of(to_bytes(mail(str(pieced)))).rstrip("\n")


def test_only_what_is_quoted_printable_anyway_is_encoded_by_pieces() -> None:
    assert Constants(["<p>", "</p>"]).filled(["plain"]).quoted_printable() is None
    assert Constants(["<p>漢字漢字漢字", "</p>"]).filled(["x"]).quoted_printable() is None
    assert Constants(["<p>Grüße aus Köln", "</p>"]).filled(["\udcff"]).quoted_printable() is None
    assert (
        Constants(["<p>Grüße aus Köln", "</p>"])
        .filled(["a value longer than it all " * 9])
        .quoted_printable()
        is None
    )


def test_an_eight_bit_connection_gets_the_text_as_it_is() -> None:
    pieced = Constants(["<p>Grüße aus Köln, ", "</p>"]).filled(["Ann"])
    assert "Grüße aus Köln, Ann".encode() in to_bytes(mail(pieced), eight_bit=True)


def test_a_copy_or_a_change_is_a_plain_text() -> None:
    pieced = Constants(["a", "b"]).filled(["ü"])
    assert isinstance(pieced, PiecedText)
    for made in (
        copy.deepcopy(pieced),
        pickle.loads(pickle.dumps(pieced)),
        pieced.replace("a", "x"),
        pieced + "",
    ):
        assert type(made) is str
    assert copy.copy(pieced) == "aüb"
