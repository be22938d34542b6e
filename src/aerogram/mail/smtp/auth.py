"""Logging in to an SMTP server: CRAM-MD5, PLAIN, LOGIN, and XOAUTH2 with a token from a callable."""

from __future__ import annotations

import binascii
import hmac
import smtplib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aerogram.mail.smtp.replies import ConnectionLost, clean_text

__all__ = ["Secret", "authenticate"]

_MAX_CHALLENGES = 5

# What the client says next: None is answered with its first words, bytes with the answer to that challenge.
Conversation = Callable[[bytes | None], bytes | None]


class Secret:
    """A text that shows itself to nobody: not in ``repr``, ``str``, ``vars`` of its owner, nor in a log line.

    >>> Secret("hunter2")
    Secret('***')
    """

    __slots__ = ("_value",)

    def __init__(self, value: str | None) -> None:
        self._value = value

    def reveal(self) -> str | None:
        """Return the text itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')" if self._value else f"Secret({self._value!r})"


def authenticate(
    client: smtplib.SMTP, username: str, password: str | None, token: str | None = None
) -> tuple[int, bytes]:
    """Log in, trying each mechanism that both sides know until one is accepted.

    With ``token`` that is XOAUTH2 alone, else CRAM-MD5, PLAIN and LOGIN, as ``smtplib`` orders them. User
    name and password may be any text without NUL; they are sent as UTF-8 (RFC 4616).

    Returns:
        The server's last reply.

    Raises:
        SMTPNotSupportedError: the server offers no authentication.
        SMTPException: no mechanism in common.
        SMTPAuthenticationError: the login was refused, with the server's reason and without the password.
    """
    client.ehlo_or_helo_if_needed()
    if not client.has_extn("auth"):
        raise smtplib.SMTPNotSupportedError("SMTP AUTH extension not supported by server.")
    offered = client.esmtp_features["auth"].upper().split()
    known = _conversations(username, password or "", token)
    mechanisms = [mechanism for mechanism in known if mechanism in offered]
    if not mechanisms:
        raise smtplib.SMTPException(
            f"No suitable authentication method found: the server offers {clean_text(' '.join(offered))!r}, "
            f"this login can use {', '.join(known)}."
        )
    code, text = 0, b""
    for mechanism in mechanisms:
        with _unseen(client), _untold(username, password, token):
            code, text = _converse(client, mechanism, known[mechanism]())
        if code in (235, 503):  # 503: already logged in
            return code, text
        if code < 500:  # "not now" concerns the account or the server, not the mechanism
            break
    reason = _without_secrets(clean_text(text), username, password, token)
    raise smtplib.SMTPAuthenticationError(
        code,
        f"the server refused the login of user {username!r} with {', '.join(mechanisms)}: {reason} "
        f"(check EMAIL_HOST_USER and EMAIL_HOST_PASSWORD)",
    )


def _conversations(username: str, password: str, token: str | None) -> dict[str, Callable[[], Conversation]]:
    user, secret = username.encode(), password.encode()
    if token is not None:
        first = b"user=" + user + b"\1auth=Bearer " + token.encode() + b"\1\1"
        # The second answer only fetches the error that the server has announced.
        return {"XOAUTH2": lambda: lambda challenge: first if challenge is None else b""}
    plain = b"\0" + user + b"\0" + secret
    return {
        "CRAM-MD5": lambda: (
            lambda challenge: None if challenge is None else _cram_md5(user, secret, challenge)
        ),
        "PLAIN": lambda: lambda _challenge: plain,
        "LOGIN": lambda: _login(user, secret),
    }


def _cram_md5(user: bytes, secret: bytes, challenge: bytes) -> bytes:
    return user + b" " + hmac.new(secret, challenge, "md5").hexdigest().encode()


def _login(user: bytes, secret: bytes) -> Conversation:
    answers = iter((None, user, secret))
    return lambda _challenge: next(answers, b"")


def _converse(client: smtplib.SMTP, mechanism: str, says: Conversation) -> tuple[int, bytes]:
    first = says(None)
    words = mechanism if first is None else f"{mechanism} {_b64(first)}"
    code, text = client.docmd("AUTH", words)
    for _ in range(_MAX_CHALLENGES):
        if code != 334:
            return code, text
        try:
            challenge = b64decode(text)
        except binascii.Error:
            client.docmd("*")  # RFC 4954 section 4: how a client backs out
            return 501, b"the server's challenge is not base64"
        code, text = client.docmd(_b64(says(challenge) or b""))
    return code, text


def _b64(text: bytes) -> str:
    return b64encode(text).decode("ascii")


@contextmanager
def _unseen(client: smtplib.SMTP) -> Iterator[None]:
    """Keep the debug output, which would print what is sent, quiet for a while."""
    level, client.debuglevel = client.debuglevel, 0
    try:
        yield
    finally:
        client.debuglevel = level


@contextmanager
def _untold(username: str, password: str | None, token: str | None) -> Iterator[None]:
    """Keep what a server has echoed out of the error that says that its answer cannot be read."""
    try:
        yield
    except ConnectionLost as error:
        text = _without_secrets(str(error), username, password, token)
        raise ConnectionLost(text) from None


def _without_secrets(text: str, username: str, password: str | None, token: str | None) -> str:
    """Blot out what a server that echoes our words would give away."""
    secrets = [secret for secret in (password, token) if secret]
    encoded = [_b64(secret.encode()) for secret in secrets]
    encoded.append(_b64(f"\0{username}\0{password or ''}".encode()))
    for secret in (*secrets, *encoded):
        text = text.replace(secret, "***")
    return text
