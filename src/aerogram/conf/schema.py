"""The table of all settings: name, type, default, and what is accepted. A new setting is one line of it."""

# ruff: noqa: RUF009 - each line of the table is a call of _setting(), which declares a dataclass field

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar, get_type_hints

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetPydanticSchema,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    create_model,
)
from pydantic_settings import BaseSettings

ENVIRONMENT_PREFIX: Final = "AEROGRAM_"

T = TypeVar("T")


def _setting(default: T, accepted: str, **constraints: Any) -> T:
    """Declare a setting; ``accepted`` completes the sentence "Accepted: …" of error texts and documentation.

    The constraints are those of pydantic's ``Field``. Each copy of the table has its own lists and dicts.
    """

    def fresh() -> T:
        return copy(default)

    info = Field(default_factory=fresh, description=accepted, **constraints)
    return field(default_factory=fresh, metadata={"info": info})


def _stored_as(kind: Any) -> GetPydanticSchema:
    """Store as list or dict what is a Sequence or Mapping to type checkers, so that list[str] is accepted."""
    return GetPydanticSchema(lambda _source, handler: handler(kind))


def _blank_as_none(value: object) -> object:
    # An environment variable cannot hold None; the empty string stands for it.
    return None if value == "" else value


def _no_bool(value: object) -> object:
    # True is the number 1 to Python; a truth value where a number is expected is a mistake.
    if isinstance(value, bool):
        raise ValueError("not a number")
    return value


def _false_in_words(value: object) -> object:
    return False if value in ("false", "False") else value


def _is_lazy(value: object) -> bool:
    """Return whether a value is a lazy text, such as of Django's gettext_lazy: it is read when it is used."""
    return not isinstance(value, str) and hasattr(value, "casefold")


def _text(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    return value if _is_lazy(value) else check(value)


def _known_charset(value: str) -> str:
    try:
        codecs.lookup(value)
    except LookupError:
        raise ValueError("not a codec") from None
    return value


def _known_timezone(value: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(value)
    except (LookupError, OSError) as error:
        raise ValueError("not a time zone") from error
    return value


def _mailbox(value: Any) -> Any:
    """Return what is given for a mailbox as a text or a pair of texts, where it is neither."""
    if hasattr(type(value), "__email__"):
        value = value.__email__()
    if hasattr(type(value), "addr_spec"):  # an email.headerregistry.Address
        return (value.display_name, value.addr_spec) if "@" in value.addr_spec else str(value)
    return value


def _person(value: Any) -> Any:
    value = _mailbox(value)
    if isinstance(value, tuple | list):
        return [str(each) if _is_lazy(each) else each for each in value]
    return str(value) if _is_lazy(value) else value


def _mailbox_text(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """Return a mailbox as a text; one with a lazy text as it is."""
    value = _mailbox(value)
    if _is_lazy(value):
        return value
    if isinstance(value, tuple | list) and len(value) == 2 and any(map(_is_lazy, value)):
        return tuple(value)
    if isinstance(value, str) and value.lstrip().startswith("["):  # a pair in an environment variable
        with suppress(ValueError):
            value = json.loads(value)
    if not (isinstance(value, tuple | list) and [type(each) for each in value] == [str, str]):
        return check(value)
    name, address = value[0].replace("\\", "\\\\").replace('"', '\\"'), value[1]
    return f'"{name}" <{address}>' if name else address


_Person = Annotated[tuple[str, str] | str, Field(union_mode="left_to_right"), BeforeValidator(_person)]
Seconds = Annotated[int | float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_no_bool)]

Charset = Annotated[str, AfterValidator(_known_charset)]
Folders = Annotated[Sequence[str | Path], _stored_as(list[str | Path])]
Mailers = Annotated[Mapping[str, Mapping[str, Any]], _stored_as(dict[str, dict[str, Any]])]
MailboxText = Annotated[str, WrapValidator(_mailbox_text)]
Number = Annotated[int, BeforeValidator(_no_bool)]
OptionalPath = Annotated[str | Path | None, BeforeValidator(_blank_as_none)]
OptionalHostName = Annotated[str | None, BeforeValidator(_blank_as_none)]
Pipelining = Annotated[Literal["content", "group", False], BeforeValidator(_false_in_words)]
OptionalSeconds = Annotated[Seconds | None, BeforeValidator(_blank_as_none)]
People = Annotated[Sequence[tuple[str, str] | str], _stored_as(list[_Person])]
Text = Annotated[str, WrapValidator(_text)]
Strings = Annotated[Sequence[str], _stored_as(list[str])]
Objects = Annotated[Sequence[Any] | Mapping[str, Any], _stored_as(dict[str, Any] | list[Any])]
Levels = Annotated[
    Mapping[str, Literal["info", "warning", "error"]],
    _stored_as(dict[str, Literal["info", "warning", "error"]]),
]
TimeZone = Annotated[str, AfterValidator(_known_timezone)]

BACKEND = "a dotted path to a backend class, such as 'aerogram.mail.backends.smtp.EmailBackend'"
EHLO_NAME = "a domain name such as 'app.example.com' or an address such as '[192.0.2.1]', or nothing"
OBJECTS = "a list of dotted paths and objects, or a dict {name: dotted path or object}"
MAILBOX = "an address, such as 'Shop <shop@example.com>', or a (name, address) pair"
PEM_FILE = "the path of a PEM file, or nothing"
PEOPLE = "a list of (name, address) pairs and address strings, such as [('Ada', 'ada@example.com')]"
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_TOP_LABEL = "[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HOST_NAME: Final = rf"^(?:(?:{_LABEL}\.)+{_TOP_LABEL}|\[(?:[0-9.]+|IPv6:[0-9A-Fa-f:.]+)\])$"
"""What a host may call itself in EHLO: a domain name of two labels or more, or an address literal."""
LOCALE_NAME: Final = (
    r"^(?:[A-Za-z]{2,3}(?:[_-][A-Za-z]{4})?(?:[_-](?:[A-Za-z]{2}|[0-9]{3}))?(?:[_-][A-Za-z0-9]{5,8})*)?$"
)
"""What a locale looks like: a language, a script, a territory; or nothing."""
WEB_URL: Final = r"^(?:(?i:https?)://[^\s/?#]\S*)?$"
"""What a relative link can be resolved against; or nothing."""
WORD = r"^[A-Za-z0-9._-]*$"


@dataclass(frozen=True, kw_only=True)
class SettingsTable:
    """Every setting there is, with the defaults of Django 5.2 where Django has it."""

    # How mail leaves
    EMAIL_URL: str = _setting("", "a URL such as smtp://user:password@host:587?tls=starttls")
    EMAIL_CAPTURE: str = _setting("", "a URL such as smtp://127.0.0.1:1025, which gets all mail, or ''")
    EMAIL_BACKEND: str = _setting(
        "aerogram.mail.backends.smtp.EmailBackend", BACKEND, min_length=1, pattern=r"^[\w.]+$"
    )
    EMAIL_HOST: str = _setting("localhost", "a host name or IP address")
    EMAIL_PORT: Number = _setting(25, "a whole number from 1 to 65535", ge=1, le=65535)
    EMAIL_HOST_USER: str = _setting("", "a user name, or '' to send without a login")
    EMAIL_HOST_PASSWORD: str = _setting("", "a password, or ''")
    EMAIL_USE_TLS: bool = _setting(False, "true or false (STARTTLS)")
    EMAIL_USE_SSL: bool = _setting(False, "true or false (TLS from the first byte)")
    EMAIL_SSL_CERTFILE: OptionalPath = _setting(None, PEM_FILE)
    EMAIL_SSL_KEYFILE: OptionalPath = _setting(None, PEM_FILE)
    EMAIL_TIMEOUT: OptionalSeconds = _setting(None, "a number of seconds above 0, or nothing")
    EMAIL_LOCAL_HOSTNAME: OptionalHostName = _setting(None, EHLO_NAME, pattern=HOST_NAME)
    EMAIL_PIPELINING: Pipelining = _setting("content", "'content', 'group' or false")
    EMAIL_FILE_PATH: OptionalPath = _setting(None, "the path of a folder, or nothing")
    MAILERS: Mailers = _setting(
        {}, "{alias: {'URL': URL}} or {alias: {'BACKEND': dotted path, 'OPTIONS': {...}}}"
    )
    LOG_ADDRESSES: bool = _setting(
        False, "true or false (addresses and replies in the log lines of deliveries)"
    )
    DKIM_DOMAIN: str = _setting("", "the domain that signs, or '' to sign nothing")
    DKIM_SELECTOR: str = _setting("", "the name of the key in the DNS", pattern=WORD)
    DKIM_PRIVATE_KEY: str = _setting("", "an RSA or Ed25519 key as PEM text, or ''")
    DKIM_PRIVATE_KEY_FILE: OptionalPath = _setting(None, PEM_FILE)

    # The outbox
    OUTBOX_URL: str = _setting(
        "", "an SQLAlchemy URL of a SQLite file or PostgreSQL, or '' for a file in the user's state folder"
    )
    OUTBOX_MAILER: str = _setting("", "an alias of MAILERS, or '' for SMTP as the EMAIL_* settings say")
    OUTBOX_ON_UNCERTAIN: Literal["retry", "hold"] = _setting("retry", "'retry' or 'hold'")
    OUTBOX_LEASE: Seconds = _setting(300, "a number of seconds above 0")
    OUTBOX_EXPIRES: OptionalSeconds = _setting(
        259_200, "a number of seconds above 0, or nothing to try for ever"
    )

    # What a message says by default
    DEFAULT_FROM_EMAIL: MailboxText = _setting("webmaster@localhost", MAILBOX)
    SERVER_EMAIL: MailboxText = _setting("root@localhost", MAILBOX)
    EMAIL_SUBJECT_PREFIX: Text = _setting("[Aerogram] ", "a string")
    EMAIL_USE_LOCALTIME: bool = _setting(False, "true (Date header in local time) or false (UTC)")
    DEFAULT_CHARSET: Charset = _setting("utf-8", "the name of a Python codec, such as 'utf-8'")
    FEEDBACK_SENDER_ID: str = _setting(
        "", "the name of the sender in Feedback-ID, or '' for none", pattern=WORD
    )
    ADMINS: People = _setting([], PEOPLE)
    MANAGERS: People = _setting([], PEOPLE)

    # Notifications and their templates
    NOTIFICATION_MODULES: Strings = _setting([], "a list of module names")
    TEMPLATE_DIRS: Folders = _setting(["templates"], "a list of folders")
    TEMPLATE_ENVIRONMENT: Any = _setting(None, "a jinja2.Environment, the dotted path of one, or nothing")
    TEMPLATE_EXTENSIONS: Objects = _setting([], "a list of dotted paths or classes of Jinja extensions")
    TEMPLATE_FILTERS: Objects = _setting([], OBJECTS)
    TEMPLATE_GLOBALS: Objects = _setting([], OBJECTS)
    LOCALE: str = _setting("", "a locale such as 'de' or 'pt_BR', or '' for English", pattern=LOCALE_NAME)
    TIMEZONE: TimeZone = _setting("UTC", "the name of a time zone, such as 'Europe/Berlin'")
    LOCALE_DIRS: Folders = _setting(["locale"], "a list of folders")
    SITE_NAME: Text = _setting("", "a string, shown by the templates")
    BASE_URL: str = _setting("", "a URL such as https://shop.example.com, or ''", pattern=WEB_URL)
    HTML_SIZE_LIMIT: Number = _setting(1_000_000, "a whole number of bytes above 0", gt=0)
    TEXT_WIDTH: Number = _setting(72, "a whole number of characters, 0 for no wrapping", ge=0)
    CSS_ENGINE: Literal["premailer", "direct"] = _setting("premailer", "'premailer' or 'direct'")
    STENCILS: bool = _setting(True, "true or false")
    STENCIL_CACHE_ENTRIES: Number = _setting(256, "a whole number, 0 or above", ge=0)
    STENCIL_CACHE_BYTES: Number = _setting(67_108_864, "a whole number of bytes, 0 or above", ge=0)
    STUDIO_HOSTS: Strings = _setting(
        [], "a list of host names besides localhost; '0.0.0.0' stands for every IP address"
    )

    # What is checked
    CHECKS_IGNORE: Strings = _setting([], "a list of rules such as 'image-alt' or 'weekly_digest:image-alt'")
    CHECKS_LEVELS: Levels = _setting({}, "{rule: 'info', 'warning' or 'error'}")
    CHECKS_CLIENTS: Strings = _setting(
        [
            "apple-mail",
            "gmail",
            "outlook.android",
            "outlook.ios",
            "outlook.macos",
            "outlook.outlook-com",
            "outlook.windows",
            "samsung-email",
            "thunderbird.macos",
            "yahoo",
        ],
        "a list of mail programs of caniemail.com, such as 'gmail' or 'outlook.windows'",
    )


_TYPES = get_type_hints(SettingsTable, include_extras=True)
_FIELDS: Final[dict[str, Any]] = {
    line.name: (_TYPES[line.name], line.metadata["info"]) for line in fields(SettingsTable)
}

Schema = create_model("Schema", **_FIELDS)
"""The table as pydantic checks it."""

Environment = create_model("Environment", __base__=BaseSettings, **_FIELDS)
"""The table as pydantic-settings decodes it from environment variables."""


def accepted(name: str) -> str:
    """Return what the setting accepts, in words."""
    return Schema.model_fields[name].description or ""


def is_path(name: str) -> bool:
    """Return whether the setting is a path, or a list of them."""
    return _TYPES[name] in (Folders, OptionalPath)


def is_secret(name: str) -> bool:
    """Return whether a value of the setting must not be shown."""
    return name in ("EMAIL_URL", "EMAIL_CAPTURE", "MAILERS", "OUTBOX_URL") or any(
        word in name for word in ("PASSWORD", "SECRET", "TOKEN", "KEY")
    )
