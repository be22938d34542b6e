"""A message as a tree of encoded parts, and how it becomes one sequence of bytes."""

from __future__ import annotations

import random
import re
from typing import NamedTuple

from aerogram.exceptions import MessageError
from aerogram.mail.wire.transfer_encoding import MAX_LINE_OCTETS, has_long_line

_HEADER_BLOCK = re.compile(rb"(?:[!-9;-~]+:[^\r\n\0]*\r\n(?:[ \t]+[^ \t\r\n\0][^\r\n\0]*\r\n)*)+")


class Leaf(NamedTuple):
    """A part without parts: header lines, each ended by CRLF, and encoded content.

    ``raw`` content may hold any text. Content in quoted-printable or base64 cannot hold a boundary of ours.
    """

    head: bytes
    body: bytes
    raw: bool


class Multipart(NamedTuple):
    """A part made of parts: its Content-Type without the boundary, all other header lines, the parts."""

    content_type: bytes
    head: bytes
    parts: list[Node]


Node = Leaf | Multipart


def assemble(node: Node) -> bytes:
    """Write the node, header lines and content.

    A boundary is ``=_``, which neither quoted-printable nor base64 can hold, a number, so that none begins
    another (RFC 2046 section 5.1.1), and a random stem. The stem is drawn again in the unlikely case that a
    part which is not encoded holds it.
    """
    out: list[bytes] = []
    while not _write(node, b"%024x" % random.getrandbits(96), out):  # need not be secret
        out.clear()
    if not out[-1].endswith(b"\r\n"):
        out.append(b"\r\n")
    return b"".join(out)


def _write(node: Node, stem: bytes, out: list[bytes]) -> bool:
    """Add the node to ``out``; stop and return false at a part that holds the stem."""
    if isinstance(node, Leaf):
        out += (node.head, b"\r\n", node.body)
        return not (node.raw and stem in node.body)
    boundary = b"=_%d.%s" % (len(out), stem)
    out += (b"Content-Type: ", node.content_type, b';\r\n boundary="', boundary, b'"\r\n', node.head)
    for part in node.parts:
        out.append(b"\r\n--" + boundary + b"\r\n")
        if not _write(part, stem, out):
            return False
    out.append(b"\r\n--" + boundary + b"--\r\n")
    return True


def check_header_block(block: bytes) -> None:
    """Raise MessageError unless each line is a field or continues one, ends in CRLF, and is short enough."""
    if not _HEADER_BLOCK.fullmatch(block):
        raise MessageError(
            "The header, as written, is malformed: a line is not a field, or a line end is not CRLF."
        )
    _check_length(block)


def check_lines(data: bytes) -> None:
    """Raise MessageError for a line of over 998 octets, ended by bare CR or LF, or with a NUL."""
    if b"\0" in data or data.count(b"\r\n") != data.count(b"\r") or data.count(b"\r\n") != data.count(b"\n"):
        raise MessageError("The message, as written, contains a NUL, or a CR or LF outside of a line end.")
    _check_length(data)


def _check_length(data: bytes) -> None:
    if has_long_line(data):
        raise MessageError(f"The message, as written, has a line longer than {MAX_LINE_OCTETS} octets.")
