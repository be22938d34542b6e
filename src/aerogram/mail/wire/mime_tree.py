"""A MIME tree of the standard library as a node for the wire.

Such trees come from elsewhere: MIME parts that are attached, enclosed messages, and what an overridden
``message()`` returns. Content that can be sent as it is stays so; the rest is encoded anew.
"""

from __future__ import annotations

from email import policy
from email.message import Message
from io import BytesIO
from typing import TYPE_CHECKING, Any

from aerogram.exceptions import BadHeaderError, InvalidAddress, MessageError
from aerogram.mail.header.rules import BLIND_HEADERS
from aerogram.mail.header.writing import header_bytes, stored_header_bytes, stored_text
from aerogram.mail.message.attachments import DEFAULT_ATTACHMENT_MIME_TYPE
from aerogram.mail.message.enclosed import GivenMessage, MessageWriter, folded, without_blind_copies
from aerogram.mail.wire.parts import Leaf, Multipart, Node, assemble, check_header_block, check_lines
from aerogram.mail.wire.transfer_encoding import (
    Encoded,
    encode_file,
    encode_text,
    is_safe,
    to_base64,
    with_crlf,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_DEPTH = 50
_UNENCODED = ("", "7bit", "8bit", "binary")
_AS_A_FILE = {"content-type": DEFAULT_ATTACHMENT_MIME_TYPE, "content-transfer-encoding": "base64"}


class _UnencodableError(MessageError):
    """A multipart or message whose inside stays as it is cannot be sent so."""


def node_of(part: Message, *, eight_bit: bool = False, enclosed: bool = False, depth: int = 0) -> Node:
    """Return the part as a node; raise BadHeaderError or MessageError for what cannot be written.

    With ``eight_bit``, text beyond ASCII may stay as it is. An ``enclosed`` part lies in a message that keeps
    its encodings where it can; ``depth`` is the number of messages and multiparts that hold it.
    """
    if depth > _MAX_DEPTH:
        raise MessageError(f"An attached message is nested deeper than {_MAX_DEPTH} levels.")
    kind, main, inner = part.get_content_type(), part.get_content_maintype(), part.get_payload()
    if not isinstance(inner, list):
        return (_verbatim if main in ("multipart", "message") else _leaf)(part, eight_bit, enclosed)
    if main == "multipart" and kind != "multipart/signed":
        nodes = [node_of(p, eight_bit=eight_bit, enclosed=enclosed, depth=depth + 1) for p in inner]  # type: ignore[arg-type] # typeshed: str | Message
        head = _head(part, {"content-type": None, "content-transfer-encoding": None})
        return Multipart(_content_type(part), head, nodes)
    if kind in ("message/rfc822", "message/global") and len(inner) == 1:
        # base64 is forbidden around a message (RFC 2046 section 5.2.1)
        message: Any = inner[0]
        if not isinstance(message, GivenMessage):  # which stays as the file that it was
            message = without_blind_copies(message)
        body = _flattened(message)
        if not is_safe(body, eight_bit=eight_bit):
            try:
                body = assemble(node_of(message, eight_bit=eight_bit, enclosed=True, depth=depth + 1))
            except (BadHeaderError, InvalidAddress, _UnencodableError):
                # As it stands, for any server; or as a file where no server takes it.
                if not is_safe(body, eight_bit=True):
                    return Leaf(_head(part, _AS_A_FILE), to_base64(body), raw=False)
        check_lines(body)
        head = _head(part, {"content-transfer-encoding": "7bit" if body.isascii() else "8bit"})
        return Leaf(head, body, raw=True)
    return _verbatim(part, eight_bit)


def _verbatim(part: Message, eight_bit: bool, _enclosed: bool = False) -> Leaf:
    """Take a part as the standard library writes it: signed, or of a kind whose inside stays as it is."""
    _, _, body = _flattened(part).partition(b"\r\n\r\n")
    if not is_safe(body, eight_bit=eight_bit):
        raise _UnencodableError(
            f"An attached {part.get_content_type()} part contains a NUL, a line over 998 octets, or text "
            "beyond ASCII, and cannot be encoded without change: encode its content before it is attached."
        )
    check_lines(body)
    return Leaf(_head(part, {}), body, raw=True)


def _flattened(part: Message) -> bytes:
    out = BytesIO()
    crlf: Any = part.policy.clone(linesep="\r\n", max_line_length=0)
    MessageWriter(out, mangle_from_=False, policy=crlf).flatten(part)
    return out.getvalue()


def _leaf(part: Message, eight_bit: bool, enclosed: bool) -> Leaf:
    given = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if given not in _UNENCODED:
        payload = part.get_payload()
        data = with_crlf(payload.encode("utf-8", "surrogateescape")) if isinstance(payload, str) else b""
        if is_safe(data):
            return Leaf(_head(part, {}), data, raw=given not in ("base64", "quoted-printable"))
        given, eight_bit, enclosed = "binary", False, True
    encoded = _encoded(part, given, eight_bit=eight_bit, enclosed=enclosed)
    head = _head(part, {"content-transfer-encoding": encoded.encoding})
    return Leaf(head, encoded.data, raw=encoded.encoding in ("7bit", "8bit"))


def _encoded(part: Message, given: str, *, eight_bit: bool, enclosed: bool) -> Encoded:
    content = _content(part)
    if part.get_content_maintype() == "text":
        if part.get_content_disposition() == "attachment" and not enclosed:
            return encode_file(content)
        return encode_text(content, eight_bit=eight_bit)
    lines = with_crlf(content)
    if given != "binary" and is_safe(lines):
        return Encoded("7bit", lines)
    return Encoded("base64", to_base64(content))


def _content(part: Message) -> bytes:
    payload: Any = part.get_payload()
    if isinstance(payload, str) and not payload.isascii():
        try:
            part._payload.encode("ascii", "surrogateescape")  # type: ignore[attr-defined] # get_payload() would decode it
        except UnicodeEncodeError:  # a text set without a charset is characters still
            return payload.encode(part.get_content_charset("utf-8"), "replace")
    return part.get_payload(decode=True) or b""  # type: ignore[return-value] # bytes, since it is no list


def _content_type(part: Message) -> bytes:
    scratch = Message()
    scratch["Content-Type"] = str(part.get("Content-Type", "multipart/mixed"))
    scratch.del_param("boundary")
    line = stored_header_bytes("Content-Type", scratch["Content-Type"])
    return line.removeprefix(b"Content-Type: ").removesuffix(b"\r\n")


def _head(part: Message, changed: Mapping[str, str | None]) -> bytes:
    """Write all header fields but those of blind copies; ``changed`` ones get that value, or are left out."""
    changed = {**dict.fromkeys(BLIND_HEADERS), **changed}
    lines = []
    for name, value in part.raw_items():
        if name.lower() not in changed:
            lines.append(_field(part, name, value))
        elif (new := changed[name.lower()]) is not None:
            lines.append(header_bytes(name, new))
            changed[name.lower()] = None
    lines += [header_bytes(name.title(), new) for name, new in changed.items() if new is not None]
    block = b"".join(lines)
    if block:
        check_header_block(block)
    return block


def _field(part: Message, name: str, value: Any) -> bytes:
    if isinstance(part.policy, policy.EmailPolicy):  # values are decoded, except parameters
        text = stored_text(name, value)
        value = part.policy.header_fetch_parse(name, value if hasattr(value, "name") else text)
        if name.lower() in ("content-type", "content-disposition"):
            return folded(part.policy.clone(linesep="\r\n", cte_type="7bit", utf8=False), name, value)
        return header_bytes(name, str(value))
    return stored_header_bytes(name, value)
