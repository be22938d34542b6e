"""The backend that writes messages to files in a folder, one file per backend."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured
from aerogram.mail.backends.base import LocalBackend
from aerogram.mail.message.email_message import EmailMessage
from aerogram.mail.message.safemime import SafeMIMEMultipart, SafeMIMEText

__all__ = ["EmailBackend"]


class EmailBackend(LocalBackend):
    """Appends each message and a line of hyphens to a file of its own, ``YYYYmmdd-HHMMSS-<number>.log``.

    Mail holds secrets, such as links that reset a password. Only their owner can read the files (0600) and
    the folders that are created for them (0700).

    Args:
        fail_silently: ignore that a file cannot be written.
        file_path: the folder, by default ``EMAIL_FILE_PATH``. It is created if it does not exist.

    Raises:
        ImproperlyConfigured: there is no such setting, or the folder cannot be created or written.
    """

    def __init__(
        self, fail_silently: bool = False, *, file_path: str | os.PathLike[str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(fail_silently=fail_silently, **kwargs)
        where = "file_path"
        if file_path is None:
            file_path = settings.EMAIL_FILE_PATH
            where = f"EMAIL_FILE_PATH, {settings.source_of('EMAIL_FILE_PATH')}"
        if file_path is None:
            raise ImproperlyConfigured(
                "The file backend needs a folder. Set EMAIL_FILE_PATH, or pass file_path=..."
            )
        self.file_path: str = os.path.abspath(file_path)  # noqa: PTH100 - a str, as in Django; Path.resolve() follows links
        self.stream: BinaryIO | None = None
        self._fname: str | None = None
        _prepare_folder(Path(self.file_path), where)

    def open(self) -> bool:
        """Open the file of this backend; opening it again appends to it."""
        if self.stream is not None:
            return False
        number, started = abs(id(self)), datetime.now().strftime("%Y%m%d-%H%M%S")
        while self._fname is None:
            path = os.path.join(self.file_path, f"{started}-{number}.log")  # noqa: PTH118 - see file_path
            try:
                os.close(_descriptor(path, os.O_EXCL))
                self._fname = path
            except FileExistsError:  # forked processes share ids
                number += 1
        self.stream = os.fdopen(_descriptor(self._fname), "ab")
        return True

    def close(self) -> None:
        """Close the file, if it is open."""
        stream, self.stream = self.stream, None
        if stream is not None:
            stream.close()

    def keep(self, message: EmailMessage, mime: SafeMIMEText | SafeMIMEMultipart) -> None:  # noqa: ARG002 - see mime
        """Append one message to the file."""
        assert self.stream is not None  # noqa: S101 - deliver() has opened it
        self.stream.write(mime.as_bytes() + b"\n" + b"-" * 79 + b"\n")
        self.stream.flush()


def _descriptor(path: str, flags: int = 0) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | flags, 0o600)


def _prepare_folder(folder: Path, where: str) -> None:
    """Create the folder and its parents if they are missing, for their owner only."""
    try:
        for each in (*reversed(folder.parents), folder):
            if not each.exists():
                each.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"Could not create directory for saving email messages: {folder} ({where}): {error.strerror}"
        ) from error
    if not folder.is_dir():
        raise ImproperlyConfigured(
            f"Path for saving email messages exists, but is not a directory: {folder} ({where})"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ImproperlyConfigured(f"Could not write to directory: {folder} ({where})")
