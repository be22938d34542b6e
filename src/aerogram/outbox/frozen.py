"""A queued mail as a message for any backend, with the same bytes at every attempt."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import formataddr, getaddresses
from functools import cached_property
from typing import Any, Final

from aerogram.mail.message.attachments import EmailAlternative, EmailAttachment
from aerogram.mail.message.email_message import EmailMultiAlternatives
from aerogram.mail.message.safemime import SafeMIME

__all__ = ["FrozenMessage"]

_READ: Final = frozenset(
    {
        "from_email", "to", "cc", "bcc", "reply_to", "body", "alternatives", "attachments", "extra_headers",
        "content_subtype",
    }
)  # fmt: skip
_SUBJECT: Final = re.compile(rb"^subject:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", re.IGNORECASE | re.MULTILINE)
_NOT_EXTRA: Final = ("subject", "from", "to", "cc", "bcc", "reply-to", "mime-version")


class _FrozenMIME(SafeMIME):
    """A MIME tree whose header lines are written as they were read."""

    def _write_headers(self, generator: Any) -> None:
        for name, value in self.raw_items():
            generator.write(f"{name}: {value}".replace("\r\n", "\n").replace("\n", generator._NL))
            generator.write(generator._NL)
        generator.write(generator._NL)


class FrozenMessage(EmailMultiAlternatives):
    """A mail as it was queued, for its remaining recipients.

    SMTP sends :attr:`frozen`, and nothing of it is read before. For other backends the attributes of a
    message are read from it when the first of them is asked for.

    Args:
        content: the whole mail, in lines ended by CRLF.
        sender: the envelope sender; empty for the null sender.
        recipients: the bare addresses of this attempt.
        permit_contents: called before contents are written to a server, with all messages of the same
            function that have come that far; it returns those whose content may be written.
    """

    def __init__(
        self,
        content: bytes,
        sender: str,
        recipients: Sequence[str],
        permit_contents: Callable[[Sequence[Any]], Collection[Any]] | None = None,
    ) -> None:
        self.frozen = content
        self.return_path = sender
        self.connection = None
        self.permit_contents = permit_contents
        self._recipients = list(recipients)

    def recipients(self) -> list[Any]:
        """Return the recipients of this attempt."""
        return list(self._recipients)

    def message(self) -> Any:
        """Return the mail as a MIME tree, which is written as it was queued."""
        self._read()
        return self._tree()

    @cached_property
    def subject(self) -> str:
        """The subject."""
        found = _SUBJECT.search((self.frozen or b"").partition(b"\r\n\r\n")[0])
        return _decoded(found[1].decode("utf-8", "replace").strip()) if found else ""

    def __getattr__(self, name: str) -> Any:
        if name not in _READ:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._read()
        return vars(self)[name]

    @cached_property
    def content_subtype(self) -> str:  # type: ignore[override] # read when it is asked for
        """The subtype of the body."""
        self._read()
        return str(vars(self)["content_subtype"])

    def __deepcopy__(self, _memo: dict[int, Any]) -> FrozenMessage:
        return FrozenMessage(self.frozen or b"", self.return_path or "", self._recipients)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the state of the sending process."""
        return {**vars(self), "permit_contents": None, "connection": None}

    def _tree(self) -> _FrozenMIME:
        return _parse(self.frozen or b"")

    def _read(self) -> None:
        """Set the attributes from the mail, except those that were changed."""
        if "body" in vars(self):
            return
        tree = self._tree()
        found: dict[str, Any] = {
            "from_email": _entries(tree, "From"),
            "to": _entries(tree, "To"),
            "cc": _entries(tree, "Cc"),
            "reply_to": _entries(tree, "Reply-To"),
            "extra_headers": {
                name: _decoded(value)
                for name, value in tree.raw_items()
                if name.lower() not in _NOT_EXTRA and not name.lower().startswith("content-")
            },
            "body": "",
            "content_subtype": "plain",
        }
        found["from_email"] = (found["from_email"] or [self.return_path])[0]
        named = {address for _, address in getaddresses([*found["to"], *found["cc"]])}
        found["bcc"] = [address for address in self._recipients if address not in named]
        forms, attachments = _forms_and_files(tree)
        if forms:
            found["content_subtype"] = forms[0].get_content_subtype()
            found["body"] = _text(forms[0])
        found["alternatives"] = [EmailAlternative(_text(form), form.get_content_type()) for form in forms[1:]]
        found["attachments"] = attachments
        for name, value in found.items():
            vars(self).setdefault(name, value)


def _parse(content: bytes) -> _FrozenMIME:
    tree = BytesParser(_FrozenMIME, policy=compat32).parsebytes(content)
    assert isinstance(tree, _FrozenMIME)  # noqa: S101 - typeshed knows Message alone
    return tree


def _forms_and_files(part: Message) -> tuple[list[Message], list[Any]]:
    """Return the forms of the body, and the attachments."""
    kind, inner = part.get_content_type(), part.get_payload()
    if kind == "multipart/alternative" and isinstance(inner, list):
        forms, files = list[Message](), list[Any]()
        for each in _parts(inner):
            if each.get_content_maintype() == "multipart":
                more, attached = _forms_and_files(each)
                forms += more
                files += attached
            else:
                forms.append(each)
        return forms, files
    if part.get_content_maintype() == "multipart" and isinstance(inner, list):
        first, *rest = _parts(inner) or [Message()]
        forms, files = _forms_and_files(first)
        is_related = kind == "multipart/related"
        return forms, [*files, *(each if is_related else _attachment(each) for each in rest)]
    if part.get_content_maintype() == "text" and part.get_content_disposition() != "attachment":
        return [part], []
    return [], [_attachment(part)]


def _parts(inner: Any) -> list[Message]:
    return [each for each in inner if isinstance(each, Message)]


def _attachment(part: Message) -> Any:
    if part.get_content_maintype() in ("multipart", "message") or part.get("Content-ID"):
        return part
    content: Any = part.get_payload(decode=True) or b""
    if part.get_content_maintype() == "text":
        with suppress(UnicodeDecodeError, LookupError):  # bytes will do
            content = content.decode(part.get_content_charset("utf-8"))
    return EmailAttachment(part.get_filename(), content, part.get_content_type())


def _text(part: Message) -> str:
    content: Any = part.get_payload(decode=True) or b""
    return str(content.decode("utf-8", "replace")).replace("\r\n", "\n")


def _decoded(value: object) -> str:
    unfolded = str(value).replace("\r\n", "").replace("\n", "")
    return str(make_header(decode_header(unfolded))) if "=?" in unfolded else unfolded


def _entries(tree: Message, name: str) -> list[str]:
    return list(_mailboxes(str(tree.get(name) or "")))


def _mailboxes(value: str) -> Iterator[str]:
    for name, address in getaddresses([value.replace("\r\n", "")]):
        if address:
            yield formataddr((_decoded(name), address), "utf-8") if name else address
