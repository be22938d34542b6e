"""The content of attachments and alternatives as it may be given: text, octets, a file, a path, a message."""

from __future__ import annotations

from contextlib import suppress
from email.message import Message
from inspect import isawaitable, iscoroutinefunction
from os import PathLike
from pathlib import Path
from typing import Any

from aerogram.exceptions import InvalidAttachment, InvalidContent
from aerogram.mail.characters import is_text

_OCTETS = (bytes, bytearray, memoryview)
ACCEPTED = "Accepted: str, bytes, an open file or another object with read(), or a pathlib.Path."


def is_content(content: Any) -> bool:
    """Return whether something may be a content; no lazy text is evaluated."""
    kind = type(content)
    return (
        isinstance(content, (*_OCTETS, PathLike, Message))
        or is_text(content)
        or hasattr(kind, "read_bytes")
        or callable(getattr(content, "read", None))
        or callable(getattr(kind, "message", None))
    )


def read_content(content: Any) -> Any:
    """Return a content as text, bytes, or a message; a lazy text stays as it is.

    A file is read from where it stands and, if it can be, put back there, so that it may be attached again. A
    path is read as a file.

    Raises:
        InvalidAttachment: a file that is closed or cannot be read.
        InvalidContent: anything else, or a file that is read asynchronously.
        OSError: the file does not exist or cannot be read.
    """
    if isinstance(content, str | Message):
        return content
    if isinstance(content, type):
        raise InvalidContent(
            f"The class {content.__name__} was given as a content, not an object of it. {ACCEPTED}"
        )
    if isinstance(content, _OCTETS):
        return bytes(content)
    if hasattr(type(content), "read_bytes"):  # a path of a zip file or a package, too
        return bytes(content.read_bytes())
    if isinstance(content, PathLike):
        return Path(content).read_bytes()
    if callable(getattr(content, "read", None)):
        return _read(content)
    if not is_content(content):
        raise InvalidContent(f"A content of type {type(content).__name__} was given. {ACCEPTED}")
    return content


def _read(file: Any) -> str | bytes:
    kind = type(file).__name__
    if iscoroutinefunction(file.read) and callable(getattr(getattr(file, "file", None), "read", None)):
        file = file.file  # the upload of Starlette and FastAPI
    position = None
    with suppress(Exception):  # a pipe or an object that knows no position
        position = file.tell()
    try:
        data = None if iscoroutinefunction(file.read) else file.read()
    except ValueError as error:  # a file that is closed, write-only, or no text in its encoding
        problem = str(error).rstrip(".")
        raise InvalidAttachment(
            f"The content, a {kind}, cannot be read: {problem}. Attach a file while it is open for "
            "reading, in binary mode unless it is text; or give its path."
        ) from error
    finally:
        if position is not None:
            with suppress(Exception):
                file.seek(position)
    if isinstance(data, str):
        return data
    if isinstance(data, _OCTETS):
        return bytes(data)
    if isawaitable(data) and hasattr(data, "close"):
        data.close()
    what = f"returned {type(data).__name__}" if data is not None else "is asynchronous or returned nothing"
    raise InvalidContent(
        f"The read() of a {kind} {what}. Give what it reads, as 'await file.read()'. {ACCEPTED}"
    )
