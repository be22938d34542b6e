"""Messages within a message, and how messages of other making are written as they stand."""

from __future__ import annotations

import re
from copy import copy
from email import message_from_bytes
from email.errors import MessageError
from email.generator import BytesGenerator
from email.message import Message
from email.policy import EmailPolicy
from typing import Any

from aerogram.exceptions import BadHeaderError
from aerogram.mail.header.rules import BLIND_HEADERS
from aerogram.mail.message.attachments import content_bytes

_FORGED = re.compile(rb"\n(?![ \t]|\Z)")


class GivenMessage(Message):
    """A message read from its octets, which it keeps where the standard library would mend it."""

    octets: bytes | None = None


def enclosed_message(content: Any) -> Message:
    """Return the message to enclose as ``message/rfc822``, given as a message of any kind, text or bytes."""
    if hasattr(content, "message"):
        content = content.message()
    if isinstance(content, Message):
        shown: Message = without_blind_copies(content)
        return shown
    octets = content_bytes(content)
    message = message_from_bytes(octets, _class=GivenMessage)
    if any(part.defects for part in message.walk()):
        message.octets = octets
    return message


def without_blind_copies(built: Any) -> Any:
    """Return a message, or a copy of it without Bcc where it has one; anything else as it is."""
    if not isinstance(built, Message) or not any(name in built for name in BLIND_HEADERS):
        return built
    built = copy(built)  # which is the caller's
    for name in BLIND_HEADERS:
        del built[name]
    return built


def folded(policy: Any, name: str, value: Any) -> bytes:
    """Return a header as a policy of the standard library writes it; raise BadHeaderError for a forged one.

    Before Python 3.12.5, a policy writes the newline of an encoded-word as a line end (CVE-2024-6923).
    """
    try:
        if isinstance(policy, EmailPolicy) and not hasattr(value, "name"):  # as it was read
            lines = f"{name}: {value}{policy.linesep}".encode("utf-8", "surrogateescape")
        else:
            lines = policy.fold_binary(name, value)
    except (MessageError, UnicodeEncodeError) as error:
        raise BadHeaderError(f"Header {name!r} of an attached part cannot be written.") from error
    if _FORGED.search(lines):
        raise BadHeaderError(f"Header {name!r} of an attached part holds a newline, perhaps encoded.")
    return lines


class MessageWriter(BytesGenerator):
    """Writes messages of any making as they stand, where the standard library's generator fails.

    It fails at octets beyond ASCII in a multipart without parts, and writes parts by the policy around them.
    """

    policy: Any
    _fp: Any  # of the generators, as are the methods that are overridden; typeshed has none of them
    _NL: str
    _write_lines: Any

    def flatten(self, msg: Message, unixfrom: bool = False, linesep: str | None = None) -> None:
        """Write a message, or a part of the one that is being written, by its own policy."""
        if (outer := self.policy) is not None:
            self.policy = msg.policy.clone(linesep=outer.linesep, max_line_length=outer.max_line_length)
        super().flatten(msg, unixfrom, linesep)

    def write(self, s: str) -> None:
        """Write text; octets in it stay as they are."""
        self._fp.write(s.encode("utf-8", "surrogateescape"))

    def _write(self, msg: Message) -> None:
        if isinstance(msg, GivenMessage) and msg.octets is not None:
            self._write_lines(msg.octets.decode("ascii", "surrogateescape"))
        else:
            super()._write(msg)  # type: ignore[misc] # see above

    def _dispatch(self, msg: Message) -> None:
        payload = vars(msg)["_payload"]  # get_payload() would decode it
        if isinstance(payload, str) and msg.get_content_maintype() in ("multipart", "message"):
            self._write_lines(payload)
        else:
            super()._dispatch(msg)  # type: ignore[misc] # see above

    def _write_headers(self, msg: Message) -> None:
        for name, value in msg.raw_items():
            self._write_lines(folded(self.policy, name, value).decode("utf-8", "surrogateescape"))
        self.write(self._NL)
