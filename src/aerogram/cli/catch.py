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
from aerogram.cli.studio import Port, StudioHere, checked_port
from aerogram.exceptions import ListenError, OutputError

if TYPE_CHECKING:
    import mailbox
    from email.message import EmailMessage

    from aerogram.catcher import CaughtMessage
    from aerogram.preview.rendered_sample import Part, ReceivedSample

_FIRST = ("From", "To", "Cc", "Reply-To", "Subject", "Date")


def catch(
    context: typer.Context,
    host: Annotated[
        str, typer.Option(metavar="HOST", help="A loopback address; others are refused.")
    ] = "127.0.0.1",
    port: Port = 1025,
    maildir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Store the messages in this Maildir; print one line for each."),
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Show messages as they were received.")] = False,
    studio: Annotated[
        bool, typer.Option("--studio", help="Show the messages in the studio, as they arrive.")
    ] = False,
    studio_port: Annotated[
        int, typer.Option(metavar="PORT", callback=checked_port, help="The port of the studio.")
    ] = 8025,
) -> None:
    """Run an SMTP server on this machine that shows what it receives and delivers nothing.

    It accepts any login. Ctrl-C or SIGTERM ends it.
    """
    from aerogram.catcher import CatchingServer, check_loopback

    try:
        host = check_loopback(host)
    except ListenError as error:
        raise typer.BadParameter(str(error), param_hint="--host") from None
    box = _maildir(maildir) if maildir is not None else None
    count = 0
    pages = StudioHere(studio_port) if studio else None

    def receive(caught: CaughtMessage) -> None:
        nonlocal count
        if box is not None:
            _keep(box, caught)
        count += 1
        if pages is not None:
            pages.show(caught)
        try:
            shown = _line(count, caught) if box is not None else _readable(count, caught, raw=raw)
        except Exception:  # noqa: BLE001,RUF100 - whatever the parser raises at a mail that means harm
            unread = "(cannot be read)"
            shown = _line(count, caught, unread) if box is not None else _readable(count, caught, raw=True)
        screen().print(shown)

    # What aiosmtpd logs about logins and broken connections is not about the mail.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    for number in (signal.SIGINT, signal.SIGTERM):  # a background job of a script ignores SIGINT
        signal.signal(number, signal.default_int_handler)
    with CatchingServer(host, port, on_message=receive, keep=False) as server:
        screen().print(_greeting(server.host, server.port), soft_wrap=True)
        with contextlib.suppress(KeyboardInterrupt):
            if pages is not None:
                pages.serve(context.obj)
            else:
                threading.Event().wait()
    screen().print(f"\n{counted(count, 'message')} caught.")


def _greeting(host: str, port: int) -> Text:
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return Text.assemble(
        ("Catching mail", "bold green"),
        f" on {where}; nothing is delivered. Ctrl-C ends.\n",
        ("Point a program here with ", "dim"),
        f"AEROGRAM_EMAIL_CAPTURE=smtp://{where}",
        ("\nor its default mailer alone with ", "dim"),
        f"AEROGRAM_EMAIL_URL=smtp://{where}",
    )


def _maildir(folder: Path) -> mailbox.Maildir:
    import mailbox

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        box = mailbox.Maildir(folder, create=True)
        box.keys()
    except (OSError, mailbox.Error) as error:
        raise OutputError(
            f"The Maildir {folder} cannot be used: {getattr(error, 'strerror', None) or error}. "
            "Use a new folder, or an existing Maildir."
        ) from error
    return box


def _keep(box: mailbox.Maildir, caught: CaughtMessage) -> None:
    """Store a message with its envelope before it, as a delivery agent does (RFC 5321, 4.4)."""
    lines = [f"Return-Path: <{caught.mail_from}>\n"]
    lines += [f"Delivered-To: {recipient}\n" for recipient in caught.recipients]
    head = "".join(lines).encode("utf-8", "surrogateescape")
    mask = os.umask(0o077)  # mail is private: new files get the mode 0600
    try:
        box.add(head + caught.content.replace(b"\r\n", b"\n"))
    finally:
        os.umask(mask)


def _line(number: int, caught: CaughtMessage, subject: str = "") -> Text:
    recipients = escape_controls(", ".join(caught.recipients))
    subject = subject or escape_controls(str(caught.message.get("Subject", "(no subject)")))
    pieces = ((f"{number:>4}  ", "dim"), recipients, "  ", (subject, "bold"))
    return Text.assemble(*pieces, no_wrap=True, overflow="ellipsis")


def _readable(number: int, caught: CaughtMessage, *, raw: bool) -> Group:
    """Return a message for reading: envelope, headers, text, and a list of its parts."""
    recipients = ", ".join(f"<{name}>" for name in caught.recipients)
    head = (
        Rule(Text(f"Message {number}", "bold"), align="left"),
        Text.assemble(("Envelope  ", "dim"), escape_controls(f"<{caught.mail_from}>  →  {recipients}")),
    )
    if raw:
        return Group(*head, Text(""), Text(escape_controls(caught.content.decode("utf-8", "replace"))))
    from aerogram.preview.rendered_sample import ReceivedSample

    received = ReceivedSample(caught.content, caught.recipients)
    parts = [_part_line(part) for part in received.parts if not part.content_type.startswith("multipart/")]
    listed = [Text(""), *parts] if len(parts) > 1 else []
    return Group(*head, _headers(caught.message), Text(""), _body(received), *listed)


def _headers(message: EmailMessage) -> Text:
    lines = []
    for name in filter(message.__contains__, _FIRST):
        value = (escape_controls(str(message[name])), "bold" if name == "Subject" else "")
        lines.append(Text.assemble((f"{name:<10}", "dim"), value))
    others = [(name, value) for name, value in message.items() if name.title() not in _FIRST]
    lines += [Text(escape_controls(f"{name}: {value}"), "dim") for name, value in others]
    return Text("\n").join(lines)


def _body(received: ReceivedSample) -> Text:
    text = received.text
    if text is None and received.html is not None:
        from aerogram.plaintext import html_to_text

        text = html_to_text(received.html)
    return Text("(no text)", "dim") if text is None else Text(escape_controls(text).rstrip("\n"))


def _part_line(part: Part) -> Text:
    facts = (part.content_type, part.filename, decimal(part.size))
    return Text.assemble(("Part      ", "dim"), escape_controls("  ".join(filter(None, facts))))
