"""One sample, rendered once: the message, its bytes, and what a reader sees of them."""

from __future__ import annotations

import base64
import email
import email.message
import email.policy
import hashlib
import re
from dataclasses import dataclass
from email.utils import getaddresses
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from aerogram.exceptions import describe
from aerogram.mail.address.envelope import entry_text
from aerogram.mail.wire.serializer import to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from email.message import EmailMessage as ParsedMessage
    from email.message import MIMEPart

    from aerogram.mail.message.email_message import EmailMessage

_PREHEADER_LENGTH = 140
_CONTENT_TYPE = re.compile(r"[!-~]+/[!-~]+")


class _Unread(str):
    """A header that the parser fails at, as it was written; it is none that says how a part is shown."""

    __slots__ = ()
    content_disposition = None


class _Forgiving(email.policy.EmailPolicy):
    """Read headers in raw UTF-8 as such, and keep one that the parser fails at as it was written."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        try:
            return super().header_fetch_parse(name, without_surrogates(value))
        except Exception:  # noqa: BLE001,RUF100 - hostile headers raise a dozen kinds, RecursionError too
            return _Unread(" ".join(without_surrogates(value).split()))


_POLICY = cast("email.policy.EmailPolicy[ParsedMessage]", _Forgiving())


@dataclass(frozen=True)
class Attachment:
    """One part that is neither the text nor the HTML: a file, an inline image, a calendar."""

    filename: str
    content_type: str
    content: bytes
    content_id: str

    @property
    def digest(self) -> str:
        """A name that says nothing of the content, for addresses."""
        return hashlib.sha256(f"{self.filename}\0{self.content_type}\0".encode() + self.content).hexdigest()[
            :20
        ]

    @property
    def data_uri(self) -> str:
        """The content as a ``data:`` URI, so that a page can hold it."""
        return f"data:{self.content_type};base64,{base64.b64encode(self.content).decode()}"


@dataclass(frozen=True)
class Part:
    """One part of the MIME tree.

    ``size`` is the number of bytes of its content, decoded; of a multipart, that of all parts in it.
    """

    depth: int
    content_type: str
    size: int
    filename: str = ""
    content_id: str = ""
    transfer_encoding: str = ""
    charset: str = ""


class RenderedSample:
    """A message and the bytes that a mail server would get, which are made once."""

    def __init__(self, message: EmailMessage) -> None:
        self.message = message
        self.raw = to_bytes(message)

    @cached_property
    def bcc(self) -> list[str]:
        """The recipients that no header names."""
        return list(map(entry_text, self.message.bcc))

    @cached_property
    def html(self) -> str | None:
        """The HTML part, if there is one."""
        if self.message.content_subtype == "html":
            return str(self.message.body)
        alternatives = getattr(self.message, "alternatives", ())
        return next((str(content) for content, mimetype in alternatives if mimetype == "text/html"), None)

    @cached_property
    def html_alone(self) -> str | None:
        """The HTML part with its inline images in it, as a file that needs no other."""
        html = self.html
        for part in self.attachments if html is not None and "cid:" in html else ():
            if part.content_id and part.content_type.startswith("image/"):
                pattern = rf"cid:{re.escape(part.content_id)}(?![\w.@-])"
                html = re.sub(pattern, part.data_uri, html or "")
        return html

    @cached_property
    def text(self) -> str | None:
        """The plain-text part, if there is one."""
        return str(self.message.body) if self.message.content_subtype == "plain" else None

    @cached_property
    def parsed(self) -> ParsedMessage:
        """The message as a mail program reads it from the bytes."""
        return email.message_from_bytes(self.raw, policy=_POLICY)

    @cached_property
    def headers(self) -> list[tuple[str, str]]:
        """The name and decoded value of each header, in the order they are sent."""
        return [(name, str(value)) for name, value in self._head.items()]

    @cached_property
    def _head(self) -> ParsedMessage:
        """The header block alone, which is read much faster than the whole."""
        return email.message_from_bytes(self.raw.partition(b"\r\n\r\n")[0], policy=_POLICY)

    @cached_property
    def _values(self) -> dict[str, str]:
        """The values that were asked for: each reading of one parses it anew."""
        return {}

    def header(self, name: str) -> str:
        """Return a header's decoded value, the empty string where there is none."""
        if name not in self._values:
            self._values[name] = str(self._head.get(name, ""))
        return self._values[name]

    @property
    def has_attachments(self) -> bool:
        """True if there is more than text, HTML and its inline images. Most mails are not parsed for it."""
        forms = getattr(self.message, "alternatives", ())
        is_plain = not self.message.attachments and all(form[1] == "text/html" for form in forms)
        return (len(forms) > 1 or not is_plain) and self._has_files

    @property
    def _has_files(self) -> bool:
        html = self.html or ""
        return any(not each.content_id or f"cid:{each.content_id}" not in html for each in self.attachments)

    @cached_property
    def attachments(self) -> list[Attachment]:
        """Every part beside the text and the HTML."""
        bodies = [self.parsed.get_body((kind,)) for kind in ("html", "plain")]
        return [
            _attachment(part) for part in _leaves(self.parsed) if not any(part is body for body in bodies)
        ]

    @cached_property
    def parts(self) -> list[Part]:
        """The MIME tree, from the outside in."""
        return list(_tree(self.parsed, 0))

    @property
    def html_size(self) -> int:
        """The size of the HTML part in bytes, which Gmail counts before it clips."""
        return len(self.html.encode()) if self.html is not None else 0

    @cached_property
    def preheader(self) -> str:
        """The words that an inbox shows behind the subject: the first words of the mail."""
        # Here, because a caught mail is shown before anything is checked.
        from aerogram.checks.mail import NO_FILLER, read_tree, texts_of

        if self.html is None:
            words = self.text or ""
        else:
            root = read_tree(self.html)
            words = " ".join(each.text for each in texts_of(root)) if root is not None else ""
        return " ".join(words.translate(NO_FILLER).split())[:_PREHEADER_LENGTH]


class ReceivedSample(RenderedSample):
    """A message that was received, with the recipients of its envelope."""

    def __init__(self, raw: bytes, recipients: Iterable[str]) -> None:
        self.raw = raw
        self.recipients = tuple(recipients)

    @property
    def _head(self) -> ParsedMessage:
        return self.parsed

    @property
    def has_attachments(self) -> bool:
        """True if there are parts beside the text, the HTML and its inline images."""
        return self._has_files

    @cached_property
    def bcc(self) -> list[str]:
        """The recipients of the envelope that no header names."""
        headers = (self.parsed.get_all(name, []) for name in ("To", "Cc"))
        named = {address for _, address in getaddresses([str(each) for found in headers for each in found])}
        return [address for address in self.recipients if address not in named]

    @cached_property
    def html(self) -> str | None:
        """The HTML part, if there is one."""
        return self._body("html")

    @cached_property
    def text(self) -> str | None:
        """The plain-text part, if there is one."""
        return self._body("plain")

    def _body(self, kind: str) -> str | None:
        part = self.parsed.get_body((kind,))
        if part is None:
            return None
        octets = _octets(part)
        try:
            text = octets.decode(part.get_content_charset("utf-8"), "replace")
        except (LookupError, ValueError):  # an unknown charset, or one such as "idna" that replaces nothing
            text = octets.decode("utf-8", "replace")
        return without_surrogates(text).replace("\r\n", "\n")


class UnreadableSample(ReceivedSample):
    """A received message that cannot be shown; its source can."""

    def __init__(self, raw: bytes, recipients: Iterable[str], error: Exception) -> None:
        super().__init__(raw, recipients)
        self._reason = f"This mail cannot be shown. {describe(error)}"

    @cached_property
    def parsed(self) -> ParsedMessage:
        """A message that says why."""
        message = email.message.EmailMessage()
        message["Subject"] = "(cannot be shown)"
        message.set_content(f"{without_surrogates(self._reason)}\n\nIts source is below Raw.\n")
        return message


def received_sample(raw: bytes, recipients: Iterable[str]) -> ReceivedSample:
    """Return a received message, read whole, so that no later look at it fails."""
    recipients = tuple(recipients)
    sample = ReceivedSample(raw, recipients)
    try:
        for name in ("bcc", "headers", "attachments", "parts", "preheader", "html_alone"):
            getattr(sample, name)
    except Exception as error:  # noqa: BLE001,RUF100 - whatever the parser raises at a mail that means harm
        return UnreadableSample(raw, recipients, error)
    return sample


def without_surrogates(text: str) -> str:
    """Return a text that can be encoded: octets that were no ASCII are read as UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:  # a surrogate that stands for no octet
        return text.encode("utf-8", "replace").decode()


def _tree(part: MIMEPart, depth: int) -> Iterator[Part]:
    is_multipart = part.get_content_maintype() == "multipart"
    inner = [each for child in part.iter_parts() for each in _tree(child, depth + 1)] if is_multipart else []
    size = sum(each.size for each in inner if each.depth == depth + 1)
    found = _attachment(part) if not is_multipart else Attachment("", part.get_content_type(), b"", "")
    yield Part(
        depth,
        found.content_type,
        size or len(found.content),
        found.filename,
        found.content_id,
        "" if is_multipart else str(part.get("Content-Transfer-Encoding", "7bit")),
        part.get_content_charset() or "",
    )
    yield from inner


def _leaves(part: MIMEPart) -> Iterator[MIMEPart]:
    """Yield the parts with content; an attached message is one part."""
    if part.get_content_maintype() != "multipart":
        yield part
        return
    for child in part.iter_parts():
        yield from _leaves(child)


def _attachment(part: MIMEPart) -> Attachment:
    if part.get_content_maintype() == "message":
        content = b"".join(bytes(inner) for inner in part.iter_parts())
    else:
        content = _octets(part)
    content_id = str(part.get("Content-ID", "")).strip().strip("<>")
    content_type = part.get_content_type()
    if not _CONTENT_TYPE.fullmatch(content_type):
        content_type = "application/octet-stream"
    return Attachment(without_surrogates(part.get_filename() or ""), content_type, content, content_id)


def _octets(part: MIMEPart) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""
