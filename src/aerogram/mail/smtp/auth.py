"""Logging in to an SMTP server: CRAM-MD5, PLAIN, LOGIN, and XOAUTH2 with a token."""

from __future__ import annotations

import binascii
import hmac
import smtplib
from base64 import b64decode, b64encode
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

from aerogram.mail.characters import clean_text
from aerogram.mail.smtp.replies import ConnectionLost

__all__ = ["authenticate"]

Exchange = Generator[bytes | None, bytes, None]
"""A mechanism's side of the conversation: yields the initial response, or None, then takes a challenge and
yields the answer to it."""


def authenticate(
    client: smtplib.SMTP, username: str, password: str | None, token: str | None = None
) -> tuple[int, bytes]:
    """Log in, trying each mechanism that both sides know until one is accepted; return the last reply.

    User name and password are sent as UTF-8 (RFC 4616), by CRAM-MD5, PLAIN or LOGIN in this order; a token,
    where one is given, by XOAUTH2. A refusal shows the server's reason, and no password.
    """
    client.ehlo_or_helo_if_needed()
    if not client.has_extn("auth"):
        raise smtplib.SMTPNotSupportedError("SMTP AUTH extension not supported by server.")
    offered = client.esmtp_features["auth"].upper().split()
    known = _exchanges(username.encode(), (password or "").encode(), token)
    mechanisms = [mechanism for mechanism in known if mechanism in offered]
    if not mechanisms:
        raise smtplib.SMTPException(
            f"No suitable authentication method found: the server offers {clean_text(' '.join(offered))!r}, "
            f"this login can use {', '.join(known)}."
        )
    code, reason = 0, ""
    with _secrets_hidden(client, username, password, token) as hidden:
        for mechanism in mechanisms:
            code, text = _converse(client, mechanism, known[mechanism])
            if code in (235, 503):  # 503: already logged in
                return code, text
            reason = hidden(clean_text(text))
            if code < 500:  # "not now" concerns the account or the server, not the mechanism
                break
    raise smtplib.SMTPAuthenticationError(
        code,
        f"the server refused the login of user {username!r} with {', '.join(mechanisms)}: {reason} "
        f"(check EMAIL_HOST_USER and EMAIL_HOST_PASSWORD)",
    )


def _exchanges(user: bytes, secret: bytes, token: str | None) -> dict[str, Exchange]:
    if token is not None:
        request = b"user=" + user + b"\1auth=Bearer " + token.encode() + b"\1\1"
        return {"XOAUTH2": _answers(request, b"")}  # the second one fetches the error
    plain = b"\0" + user + b"\0" + secret
    return {
        "CRAM-MD5": _cram_md5(user, secret),
        "PLAIN": _answers(plain, plain),  # the second one is for a server that ignores the initial response
        "LOGIN": _answers(None, user, secret),
    }


def _answers(*answers: bytes | None) -> Exchange:
    for answer in answers:  # noqa: UP028 - a tuple takes no send()
        yield answer


def _cram_md5(user: bytes, secret: bytes) -> Exchange:
    challenge = yield None
    yield user + b" " + hmac.new(secret, challenge, "md5").hexdigest().encode()


def _converse(client: smtplib.SMTP, mechanism: str, exchange: Exchange) -> tuple[int, bytes]:
    initial = next(exchange)
    code, text = client.docmd("AUTH", mechanism if initial is None else f"{mechanism} {_b64(initial)}")
    while code == 334:
        try:
            answer = exchange.send(b64decode(text))
        except (binascii.Error, StopIteration):
            client.docmd("*")  # RFC 4954 section 4: how a client backs out
            return 501, b"the server's challenge is not base64, or one too many"
        code, text = client.docmd(_b64(answer or b""))
    return code, text


def _b64(text: bytes) -> str:
    return b64encode(text).decode("ascii")


@contextmanager
def _secrets_hidden(
    client: smtplib.SMTP, username: str, *secrets: str | None
) -> Iterator[Callable[[str], str]]:
    """Keep secrets out of the debug output and out of errors that quote the server; yield what hides them."""
    known = [secret for secret in secrets if secret]
    known += [_b64(secret.encode()) for secret in known]
    known.append(_b64(f"\0{username}\0{secrets[0] or ''}".encode()))

    def hidden(text: str) -> str:
        for secret in known:
            text = text.replace(secret, "***")
        return text

    level, client.debuglevel = client.debuglevel, 0
    try:
        yield hidden
    except ConnectionLost as error:
        raise ConnectionLost(hidden(str(error))) from None
    finally:
        client.debuglevel = level
