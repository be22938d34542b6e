"""``EMAIL_URL`` and its like: one string for a whole transport."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from aerogram.exceptions import ImproperlyConfigured

FORMS: Final = (
    "smtp://user:password@host:587?tls=starttls, smtps://user:password@host, console:, file:///folder, "
    "locmem:, dummy: or django:, with %-encoding for special characters"
)
BACKENDS: Final = {
    "console": "console",
    "file": "filebased",
    "locmem": "locmem",
    "dummy": "dummy",
    "django": "django",
}
OPTIONS: Final = {
    "tls": "EMAIL_USE_TLS",
    "timeout": "EMAIL_TIMEOUT",
    "certfile": "EMAIL_SSL_CERTFILE",
    "keyfile": "EMAIL_SSL_KEYFILE",
    "pipelining": "EMAIL_PIPELINING",
}


class _Refused(Exception):
    """What is wrong with a URL, without showing any part of it."""


def expand_url(url: str, source: str, name: str = "EMAIL_URL") -> dict[str, Any]:
    """Return the ``EMAIL_*`` settings that a URL stands for, the value of ``name`` given by ``source``.

    An SMTP URL sets host, port, login and encryption all at once, so that a login never goes to a host it
    was not meant for; the rest of :data:`OPTIONS` is set only if the URL names it. No error text shows
    anything of the URL.

    >>> expand_url("file:///var/mail", "an example")
       {'EMAIL_BACKEND': 'aerogram.mail.backends.filebased.EmailBackend', 'EMAIL_FILE_PATH': '/var/mail'}
    """
    try:
        parts = _split(url)
        if parts.scheme in ("smtp", "smtps"):
            return _smtp(parts)
        if parts.scheme in BACKENDS:
            return _local(parts)
        raise _Refused("its scheme is not known")
    except _Refused as refusal:
        raise ImproperlyConfigured(f"{name} ({source}): {refusal}. Accepted: {FORMS}.") from None


def _split(url: str) -> SplitResult:
    if any(character.isspace() or not character.isprintable() for character in url):
        raise _Refused("it contains a space or a control character")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        raise _Refused("its host or port is not valid") from None
    if parts.fragment:
        raise _Refused("it contains a bare #, which is written %23")
    return parts


def _local(parts: SplitResult) -> dict[str, Any]:
    values = {"EMAIL_BACKEND": f"aerogram.mail.backends.{BACKENDS[parts.scheme]}.EmailBackend"}
    folder = _decoded(parts.path)
    if parts.query:
        raise _Refused(f"{parts.scheme}: takes no options")
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost") or not folder.startswith("/"):
            raise _Refused("a file URL has three slashes and the absolute path of a folder")
        values["EMAIL_FILE_PATH"] = folder
    elif parts.netloc or folder.strip("/"):
        raise _Refused(f"nothing may follow {parts.scheme}:")
    return values


def _smtp(parts: SplitResult) -> dict[str, Any]:
    if not parts.hostname:
        raise _Refused("it has no host")
    if parts.path not in ("", "/"):
        raise _Refused("it has a path after the host; a slash in a user name or password is written %2F")
    options = _options(parts.query)
    tls = options.pop("tls", "implicit" if parts.scheme == "smtps" else "none")
    if tls not in (("implicit",) if parts.scheme == "smtps" else ("none", "starttls")):
        raise _Refused("tls= must be 'starttls' or 'none' with smtp://, and is not accepted with smtps://")
    port = {"none": 25, "starttls": 587, "implicit": 465}[tls] if parts.port is None else parts.port
    if port == 0:
        raise _Refused("its port is not between 1 and 65535")
    return {
        "EMAIL_BACKEND": "aerogram.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": _decoded(parts.hostname),
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": _decoded(parts.username or ""),
        "EMAIL_HOST_PASSWORD": _decoded(parts.password or ""),
        "EMAIL_USE_TLS": tls == "starttls",
        "EMAIL_USE_SSL": tls == "implicit",
        **{OPTIONS[name]: _READERS.get(name, str)(value) for name, value in options.items()},
    }


def _decoded(text: str) -> str:
    """Decode what is percent-encoded; refuse what would come out changed."""
    if re.search("%(?![0-9A-Fa-f]{2})", text):
        raise _Refused("it has a % without two hexadecimal digits; a percent sign is written %25")
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise _Refused("it has percent-encoded bytes that are not UTF-8") from None


def _options(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise _Refused("its options are not of the form ?name=value&name=value") from None
    if any(name not in OPTIONS for name, _ in pairs):
        raise _Refused(f"it has an unknown option; available: {', '.join(OPTIONS)}")
    if len(dict(pairs)) != len(pairs):
        raise _Refused("it has an option twice")
    return dict(pairs)


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0
    if not 0 < seconds < float("inf"):
        raise _Refused("timeout= must be a number of seconds above 0")
    return int(seconds) if seconds.is_integer() else seconds


def _pipelining(value: str) -> str | bool:
    if value not in ("content", "group", "false"):
        raise _Refused("pipelining= must be 'content', 'group' or 'false'")
    return value if value != "false" else False


_READERS: Final = {"timeout": _seconds, "pipelining": _pipelining}
