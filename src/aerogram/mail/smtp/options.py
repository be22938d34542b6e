"""The options of the SMTP backend: type, the setting where the option is ``None``, and what is accepted."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_type_hints

from aerogram.conf import settings
from aerogram.conf.schema import EHLO_NAME, HOST_NAME
from aerogram.exceptions import ImproperlyConfigured
from aerogram.mail.smtp.capabilities import PipeliningMode

__all__ = ["SMTPOptions", "Timeouts"]


def _is_number(value: Any, kind: Any = int | float, most: float = float("inf")) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool) and 0 < value <= most


_TEXT = (lambda value: isinstance(value, str), "a string")
_FLAG = (lambda value: value in (True, False), "True or False")
_PATH = (lambda value: isinstance(value, str | Path), "the path of a PEM file")
_PORT = (lambda value: _is_number(value, int, most=65535), "a whole number from 1 to 65535")
_COUNT = (lambda value: _is_number(value, int), "a whole number from 1 on")
_SECONDS = (lambda value: value is None or _is_number(value, most=1e9), "a number of seconds above 0")
_IDLE = (lambda value: value == 0 or _is_number(value), "a number of seconds")
_RATE = (lambda value: value is None or _is_number(value), "messages a second, above 0")
_EHLO = (lambda value: bool(re.fullmatch(HOST_NAME, str(value))), EHLO_NAME)
_NAME = (lambda value: value is None or isinstance(value, str), "a host name")
_TOKEN = (lambda value: value is None or callable(value), "a function that returns an access token")
_MODE = (lambda value: value is False or value in ("content", "group"), "'content', 'group' or False")


class Timeouts(NamedTuple):
    """How long waits may last, in seconds."""

    connect: float
    command: float  # each whole reply, and each 256 KiB of content; giving up early defers a message
    data: float  # the answer to the final dot; giving up early makes copies (RFC 5321 section 4.5.3.2)
    message: float  # all the waits of one message together


class SMTPOptions:
    """The options of :class:`aerogram.mail.backends.smtp.EmailBackend`, which says what each is for."""

    timeouts: Timeouts

    host: Annotated[str, "EMAIL_HOST", _TEXT]
    port: Annotated[int, "EMAIL_PORT", _PORT]
    username: Annotated[str, "EMAIL_HOST_USER", _TEXT]
    password: Annotated[str | None, "EMAIL_HOST_PASSWORD", _TEXT]
    use_tls: Annotated[bool, "EMAIL_USE_TLS", _FLAG]
    use_ssl: Annotated[bool, "EMAIL_USE_SSL", _FLAG]
    timeout: Annotated[float | None, "EMAIL_TIMEOUT", _SECONDS]
    ssl_keyfile: Annotated[str | Path | None, "EMAIL_SSL_KEYFILE", _PATH]
    ssl_certfile: Annotated[str | Path | None, "EMAIL_SSL_CERTFILE", _PATH]
    connect_timeout: Annotated[float | None, None, _SECONDS]
    command_timeout: Annotated[float | None, None, _SECONDS]
    data_timeout: Annotated[float | None, None, _SECONDS]
    message_timeout: Annotated[float | None, None, _SECONDS]
    max_messages: Annotated[int, None, _COUNT]
    max_idle: Annotated[float, None, _IDLE]
    connections: Annotated[int, None, _COUNT]
    rate: Annotated[float | None, None, _RATE]
    local_hostname: Annotated[str | None, "EMAIL_LOCAL_HOSTNAME", _EHLO]
    tls_server_name: Annotated[str | None, None, _NAME]
    auth_token: Annotated[Callable[[], str] | None, None, _TOKEN]
    allow_plaintext_auth: Annotated[bool, None, _FLAG]
    chunking: Annotated[bool, None, _FLAG]
    pipelining: Annotated[PipeliningMode, "EMAIL_PIPELINING", _MODE]

    def take_options(self, given: dict[str, Any]) -> None:
        """Set each option to the value that is given, or to that of its setting, or refuse it."""
        values = settings.snapshot()
        for name, hint in _HINTS.items():
            value, (setting, (accepts, words)) = given[name], hint.__metadata__
            if name == "port" and isinstance(value, str) and value.isdecimal():  # of an environment variable
                value = int(value)
            if setting and (value is None or (name in ("host", "port", "local_hostname") and not value)):
                value = values[setting]  # which was checked where it was given
            elif not accepts(value):
                is_secret = name in ("password", "auth_token")
                shown = f"of type {type(value).__name__}" if is_secret else f"{value!r:.100}"
                raise ImproperlyConfigured(f"{name} of the SMTP backend is {shown}: give {words}.")
            setattr(self, name, value)
        single = self.timeout or socket.getdefaulttimeout()
        data = self.data_timeout or single or 600.0
        self.timeouts = Timeouts(
            connect=self.connect_timeout or single or 10.0,
            command=self.command_timeout or single or 60.0,
            data=data,
            message=self.message_timeout or max(900.0, data * 1.5),
        )


_HINTS = get_type_hints(SMTPOptions, include_extras=True)
del _HINTS["timeouts"]
