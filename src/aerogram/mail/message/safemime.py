"""The standard library's MIME classes with our header rules: what ``message()`` returns."""

from __future__ import annotations

import re
from email.charset import QP, Charset
from email.encoders import encode_base64
from email.errors import CharsetError
from email.generator import Generator
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

from aerogram.exceptions import MessageError
from aerogram.mail.characters import excerpt
from aerogram.mail.header.django import address_list_text, forbid_multi_line_headers
from aerogram.mail.header.writing import stored_header_bytes
from aerogram.mail.message.attachments import checked_text, content_bytes
from aerogram.mail.message.enclosed import MessageWriter, enclosed_message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aerogram.mail.address.parser import Mailbox

# Charset objects of our own: the registry of email.charset belongs to the whole process and stays as it is.
utf8_charset: Charset = Charset("utf-8")
"""UTF-8 that travels as it is."""
utf8_charset.body_encoding = None  # type: ignore[assignment] # None is 8bit; typeshed knows integers only
utf8_charset_qp: Charset = Charset("utf-8")
"""UTF-8 that travels quoted-printable."""
utf8_charset_qp.body_encoding = QP

_MAX_LINE_OCTETS = 998  # RFC 5322 section 2.1.1
_LINE_END = re.compile(r"\r\n|\r|\n")


class SafeMIME(Message):
    """Checks header values as they are set, and leaves a line that begins with ``From `` as it is."""

    encoding: str | Charset | None = None

    def __setitem__(self, name: str, val: Any) -> None:
        """Set a header, encoded where it needs to be.

        Raises:
            BadHeaderError: the name or the value would break or forge the message.
        """
        name, val = forbid_multi_line_headers(name, val, self.encoding)
        super().__setitem__(name, val)

    def set_addresses(self, name: str, val: str, mailboxes: Sequence[Mailbox]) -> None:
        """Set an address header whose mailboxes are read already."""
        super().__setitem__(name, address_list_text(name, val, mailboxes, self.encoding))

    def _write_headers(self, generator: Any) -> None:
        """Write the header lines; the standard library's generators call this and would fold otherwise."""
        for name, value in self.raw_items():
            lines = stored_header_bytes(name, value).decode("ascii")
            generator.write(lines.replace("\r\n", generator._NL))
        generator.write(generator._NL)

    def as_string(self, unixfrom: bool = False, linesep: str = "\n") -> str:  # type: ignore[override] # Django's arguments
        """Return the message as text, its lines ended by ``linesep``."""
        out = StringIO()
        Generator(out, mangle_from_=False).flatten(self, unixfrom=unixfrom, linesep=linesep)
        return out.getvalue()

    def as_bytes(self, unixfrom: bool = False, linesep: str = "\n") -> bytes:  # type: ignore[override] # Django's arguments
        """Return the message as bytes, its lines ended by ``linesep``."""
        out = BytesIO()
        MessageWriter(out, mangle_from_=False).flatten(self, unixfrom=unixfrom, linesep=linesep)
        return out.getvalue()


class SafeMIMEMessage(SafeMIME, MIMEMessage):
    """A message within a message (``message/rfc822``); its headers are ASCII (RFC 2046 section 5.2.1)."""

    encoding: str | Charset | None = "ascii"


class SafeMIMEText(SafeMIME, MIMEText):
    """A text part. UTF-8 is sent unencoded, or as quoted-printable if a line is too long."""

    def __init__(self, _text: str, _subtype: str = "plain", _charset: str | Charset | None = None) -> None:
        self.encoding = _charset
        try:
            MIMEText.__init__(self, _text, _subtype=_subtype, _charset=_charset)  # type: ignore[arg-type] # takes a Charset too
        except (LookupError, UnicodeError, CharsetError) as error:
            raise MessageError(
                f"A text part cannot be written with the encoding {excerpt(str(_charset))}: {error}. "
                "Use encoding='utf-8'."
            ) from None

    def set_payload(self, payload: Any, charset: Any = None) -> None:
        """Set the text and the transfer encoding that it needs.

        Args:
            payload: the text.
            charset: its character set, a name or a ``Charset``.
        """
        if isinstance(charset, str) and charset.lower() == "utf-8":
            charset = utf8_charset_qp if _has_long_line(payload) else utf8_charset
        MIMEText.set_payload(self, payload, charset=charset)


class SafeMIMEMultipart(SafeMIME, MIMEMultipart):
    """A part made of parts."""

    def __init__(
        self,
        _subtype: str = "mixed",
        boundary: str | None = None,
        _subparts: Sequence[Message] | None = None,
        encoding: str | Charset | None = None,
        **_params: Any,
    ) -> None:
        self.encoding = encoding
        MIMEMultipart.__init__(self, _subtype, boundary, _subparts, **_params)


def _has_long_line(text: str) -> bool:
    if len(text) * 4 <= _MAX_LINE_OCTETS:
        return False
    return any(len(line.encode(errors="surrogatepass")) > _MAX_LINE_OCTETS for line in _LINE_END.split(text))


def part_of(content: object, mimetype: str, charset: str | Charset) -> MIMEBase:
    """Return content of this type as a MIME part."""
    main, _, subtype = mimetype.partition("/")
    if main.lower() == "text":
        return SafeMIMEText(checked_text(content), subtype, charset)
    if mimetype.lower() == "message/rfc822":
        return SafeMIMEMessage(enclosed_message(content), subtype)
    part, octets = MIMEBase(main, subtype), content_bytes(content)
    if main.lower() == "message" and octets.isascii():  # a report: readers do not decode it (RFC 3464)
        part.set_payload(octets.decode())
        return part
    part.set_payload(octets)
    encode_base64(part)
    return part
