"""Snapshots: what a message looked like when somebody looked at it last, in files beside the test."""

from __future__ import annotations

import difflib
import email
import email.policy
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aerogram.mail.wire.serializer import to_bytes

if TYPE_CHECKING:
    import pytest

DATE: Final = "Thu, 01 Jan 2026 00:00:00 +0000"
MESSAGE_ID: Final = "<snapshot@aerogram.invalid>"
KINDS: Final = ("txt", "html", "eml")  # the order in which they are compared


@dataclass
class MailSnapshot:
    """The value of the fixture ``mail_snapshot``: a function that compares a message with its files.

    Attributes:
        folder: the folder of the files.
        name: the name of the files without suffix, which is that of the test.
        update: whether to write the files instead of comparing.
    """

    folder: Path
    name: str
    update: bool = False
    used: list[str] = field(default_factory=list)

    @classmethod
    def of_test(cls, item: pytest.Item, *, update: bool) -> MailSnapshot:
        """Return the snapshots of a test: ``mail_snapshots/<module>/<class>.<test>`` beside its file."""
        path = Path(item.path)
        names = [each.name for each in item.listchain() if type(each).__name__ in ("Class", "UnitTestCase")]
        return cls(path.parent / "mail_snapshots" / path.stem, ".".join([*names, item.name]), update)

    def __call__(self, message: Any, name: str | None = None) -> None:
        """Compare a message, or the message of a notification, with its snapshot.

        Date, Message-ID and boundaries are the same each time. A part that the message does not have has no
        file.

        Args:
            message: a message or a notification.
            name: a name of its own, for a test with several snapshots; they are numbered otherwise.

        Raises:
            AssertionError: the message differs, or there is no snapshot. The text shows the differences.
        """
        if not hasattr(message, "message"):
            message = message.render()
        stem = self._stem(name)
        wanted = contents(message)
        for kind in KINDS:
            path = self.folder / f"{stem}.{kind}"
            if self.update:
                _write(path, wanted.get(kind))
            else:
                _compare(path, wanted.get(kind), is_first=not any(self._files(stem)))

    def _stem(self, name: str | None) -> str:
        stem = self.name if name is None else f"{self.name}-{name}"
        stem = re.sub(r"[^\w.-]+", "-", stem).strip("-")
        self.used.append(stem)
        number = self.used.count(stem)
        return stem if number == 1 else f"{stem}-{number}"

    def _files(self, stem: str) -> list[Path]:
        return [path for kind in KINDS if (path := self.folder / f"{stem}.{kind}").exists()]


def contents(message: Any) -> dict[str, bytes]:
    """Return what the files of a snapshot hold, by their endings; all lines end in a line feed."""
    raw = to_bytes(message)
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    for number, boundary in enumerate(_boundaries(parsed), start=1):
        raw = raw.replace(boundary.encode(), b"boundary-%d" % number)
    head, separator, body = raw.partition(b"\r\n\r\n")
    given = {str(name).lower() for name in getattr(message, "extra_headers", ())}
    for name, value in (("Date", DATE), ("Message-ID", MESSAGE_ID)):
        if name.lower() not in given:
            field_of = re.compile(rf"^{name}:.*(?:\r\n[ \t].*)*".encode(), re.IGNORECASE | re.MULTILINE)
            head = field_of.sub(f"{name}: {value}".encode(), head, count=1)
    found = {"eml": (head + separator + body).replace(b"\r\n", b"\n")}
    for kind, subtype in (("txt", "plain"), ("html", "html")):
        part = parsed.get_body((subtype,))
        if part is not None:
            found[kind] = str(part.get_content()).replace("\r\n", "\n").encode()
    return found


def _boundaries(parsed: Any) -> list[str]:
    found = [part.get_boundary() for part in parsed.walk() if part.is_multipart()]
    # The longest first: a boundary may begin like another one.
    return sorted(filter(None, found), key=len, reverse=True)


def _write(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)


def _compare(path: Path, content: bytes | None, *, is_first: bool) -> None:
    if is_first:
        raise AssertionError(
            f"There is no snapshot {path.with_suffix('')}.*. Look at the mail, then write it: "
            "pytest --mail-snapshot-update"
        )
    before = path.read_bytes().replace(b"\r\n", b"\n") if path.exists() else b""
    if before == (content or b""):
        return
    old, new = (text.decode("utf-8", "replace").splitlines() for text in (before, content or b""))
    difference = difflib.unified_diff(old, new, f"{path.name} (snapshot)", f"{path.name} (now)", lineterm="")
    raise AssertionError(
        f"The mail differs from its snapshot {path}:\n"
        + "\n".join(difference)
        + "\nIf the new mail is right: pytest --mail-snapshot-update"
    )
