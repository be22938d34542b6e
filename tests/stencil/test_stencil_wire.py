"""A page's values are encoded together as each would be by itself."""

from __future__ import annotations

import quopri

from hypothesis import given
from hypothesis import strategies as st

from aerogram.stencil.wire import SolidConstants

# What quoted-printable has to look after: "=", white space, long lines, other scripts.
text = st.text(st.sampled_from("ab.=_ \töé€漢😀>&-Xx"), max_size=200)


@given(st.lists(st.tuples(text, text), max_size=6), text)
def test_values_encoded_together_read_as_they_are(pairs: list[tuple[str, str]], last: str) -> None:
    constants = SolidConstants(
        ["<p>Grüße an alle, die es lesen</p>" * 40, *(piece for piece, _ in pairs), last]
    )
    pieced = constants.filled(["Ann", *(value for _, value in pairs)])
    written = pieced.quoted_printable()
    if written is None:
        assert sum(len(value) for _, value in pairs) > 500
        return
    assert quopri.decodestring(written) == pieced.encode()
    assert all(len(line) <= 76 for line in written.split(b"\r\n"))
    assert written.isascii()
    assert b"\n" not in written.replace(b"\r\n", b"")
    assert not any(line.endswith((b" ", b"\t")) for line in written.split(b"\r\n"))


def test_values_with_line_ends_or_markup_are_encoded_each_by_itself() -> None:
    constants = SolidConstants(["<p>Grüße, ", " und ", "</p>" * 20])
    for values in (["a\nb", "c"], ["<", "=<"], ["a\nb", "<i>"]):
        written = constants.filled(values).quoted_printable()
        assert written is not None
        assert quopri.decodestring(written).decode().replace("\r\n", "\n") == constants.filled(values)
        assert b"\n" not in written.replace(b"\r\n", b"")
