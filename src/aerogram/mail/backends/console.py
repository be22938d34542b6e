"""The backend that writes messages to a stream, by default to standard output."""

from __future__ import annotations

import re
import sys
from typing import Any, Final, TextIO

from aerogram.mail.backends.base import LocalBackend
from aerogram.mail.message.email_message import EmailMessage
from aerogram.mail.message.safemime import SafeMIMEMultipart, SafeMIMEText

__all__ = ["EmailBackend"]

SEPARATOR: Final = "-" * 79 + "\n"

# C0 without tab and line feed, DEL, C1, line separators and the bidirectional controls: what can move the
# cursor, recolour or reorder what a terminal shows.
TERMINAL_CONTROLS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


class EmailBackend(LocalBackend):
    """Writes each message and a line of hyphens; control characters are escaped, as ``\\x1b``.

    Args:
        fail_silently: ignore that the stream cannot be written.
        stream: a text stream; ``sys.stdout`` as it is at construction.
    """

    def __init__(self, fail_silently: bool = False, *, stream: TextIO | None = None, **kwargs: Any) -> None:
        super().__init__(fail_silently=fail_silently, **kwargs)
        self.stream: Any = sys.stdout if stream is None else stream

    def keep(self, message: EmailMessage, mime: SafeMIMEText | SafeMIMEMultipart) -> None:  # noqa: ARG002 - see mime
        """Write one message and flush the stream."""
        charset = getattr(mime.get_charset(), "output_charset", None) or "utf-8"
        text = printable(mime.as_bytes().decode(charset, "backslashreplace"))
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        # An ASCII terminal still shows the rest of the message.
        self.stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n" + SEPARATOR)
        self.stream.flush()


def printable(text: str) -> str:
    """Return a text with every control character escaped, except for the ends of lines."""
    return TERMINAL_CONTROLS.sub(
        lambda match: match[0].encode("unicode_escape").decode("ascii"), text.replace("\r\n", "\n")
    )
