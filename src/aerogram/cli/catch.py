"""``aerogram catch``: an SMTP server for development that shows or keeps what it receives."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.filesize import decimal
from rich.rule import Rule
from rich.text import Text

from aerogram.cli.screen import counted, escape_controls, screen
from aerogram.exceptions import ListenError, OutputError

if TYPE_CHECKING:
    import mailbox
    from email.message import EmailMessage, MIMEPart

    from aerogram.catcher import CaughtMessage

__all__ = ["catch"]

_FIRST = ("From", "To", "Cc", "Reply-To", "Subject", "Date")


def catch(
    host: Annotated[
        str, typer.Option("--host", metavar="HOST", help="A loopback address; others are refused.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="0 for any free port.")
    ] = 1025,
    maildir: Annotated[
        Path | None,
        typer.Option(
            "--maildir", metavar="DIR", help="Keep the messages in this Maildir; show one line of each."
        ),
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Show messages as they were received.")] = False,
) -> None:
    """Run an SMTP server on this machine that shows what it receives and delivers nothing.

    It accepts any login. Ctrl-C ends it.
    """
    from aerogram.catcher import CatchingServer, check_loopback

    try:
        host = check_loopback(host)
    except ListenError as error:
        raise typer.BadParameter(str(error), param_hint="--host") from None
    box = _maildir(maildir) if maildir is not None else None
    count = 0

    def receive(caught: CaughtMessage) -> None:
        nonlocal count
        if box is not None:
            _keep(box, caught)
        count += 1
        screen().print(_line(count, caught) if box is not None else _readable(count, caught, raw=raw))

    # What aiosmtpd logs about logins and broken connections is not about the mail.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with CatchingServer(host, port, on_message=receive, keep=False) as server:
        where = f"[{server.host}]" if ":" in server.host else server.host
        screen().print(
            Text.assemble(
                ("Catching mail", "bold green"),
                f" on {where}:{server.port}; nothing is delivered. Ctrl-C ends.\n",
                ("Point a program here with ", "dim"),
                f"AEROGRAM_EMAIL_URL=smtp://{where}:{server.port}",
            ),
            soft_wrap=True,
        )
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
    screen().print(f"\n{counted(count, 'message')} caught.")


def _maildir(folder: Path) -> mailbox.Maildir:
    import mailbox

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        box = mailbox.Maildir(folder, create=True)
        box.keys()
    except (OSError, mailbox.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(
            f"The Maildir {folder} cannot be used: {reason}. "
            "Give a folder that does not exist yet, or one that is a Maildir already."
        ) from error
    return box


def _keep(box: mailbox.Maildir, caught: CaughtMessage) -> None:
    """Store a message behind its envelope, as a delivery agent does (RFC 5321, 4.4)."""
    envelope = [f"Return-Path: <{caught.mail_from}>"]
    envelope += [f"Delivered-To: {recipient}" for recipient in caught.recipients]
    head = "".join(f"{line}\n" for line in envelope).encode("utf-8", "surrogateescape")
    # New files get the mode 0600: mail is private.
    mask = os.umask(0o077)
    try:
        box.add(head + caught.content.replace(b"\r\n", b"\n"))
    finally:
        os.umask(mask)


def _line(number: int, caught: CaughtMessage) -> Text:
    subject = str(caught.message.get("Subject", "(no subject)"))
    recipients = ", ".join(caught.recipients)
    return Text.assemble(
        (f"{number:>4}  ", "dim"),
        escape_controls(recipients),
        "  ",
        (escape_controls(subject), "bold"),
        no_wrap=True,
        overflow="ellipsis",
    )


def _readable(number: int, caught: CaughtMessage, *, raw: bool) -> Group:
    """Return a message for reading: envelope, headers, text, and a list of its parts."""
    envelope = Text.assemble(
        ("Envelope  ", "dim"),
        escape_controls(f"<{caught.mail_from}>  →  {', '.join(f'<{name}>' for name in caught.recipients)}"),
    )
    rule = Rule(Text(f"Message {number}", "bold"), align="left")
    if raw:
        return Group(
            rule, envelope, Text(""), Text(escape_controls(caught.content.decode("utf-8", "replace")))
        )
    message = caught.message
    parts = [_part_line(part) for part in message.walk() if not part.is_multipart()]
    return Group(
        rule,
        envelope,
        _headers(message),
        Text(""),
        _body(message),
        *([Text(""), *parts] if len(parts) > 1 else []),
    )


def _headers(message: EmailMessage) -> Text:
    lines = Text()
    for name in _FIRST:
        if name in message:
            style = "bold" if name == "Subject" else ""
            lines.append(f"{name:<10}", "dim").append(escape_controls(str(message[name])), style).append("\n")
    for name, value in message.items():
        if name.title() not in _FIRST:
            lines.append(escape_controls(f"{name}: {value}\n"), "dim")
    lines.rstrip()
    return lines


def _body(message: EmailMessage) -> Text:
    part = message.get_body(("plain", "html"))
    if part is None:
        return Text("(no text)", "dim")
    text = _decoded(part)
    if part.get_content_type() == "text/html":
        from aerogram.plaintext import html_to_text

        text = html_to_text(text)
    return Text(escape_controls(text).rstrip("\n"))


def _decoded(part: MIMEPart) -> str:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    try:
        return content.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:  # an unknown charset
        return content.decode("utf-8", "replace")


def _part_line(part: MIMEPart) -> Text:
    payload = part.get_payload(decode=True)
    size = decimal(len(payload)) if isinstance(payload, bytes) else ""
    name = part.get_filename() or ""
    return Text.assemble(
        ("Part      ", "dim"), escape_controls("  ".join(filter(None, (part.get_content_type(), name, size))))
    )
