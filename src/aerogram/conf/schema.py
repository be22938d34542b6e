"""The table of all settings: name, type, default, and what is accepted, in words.

This is the one place to add a setting. A field's ``description`` completes the sentence "Accepted: ..." of
an error text and of the documentation; ``PATH`` marks a path which, in a settings file, is relative to that
file.
"""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["ENVIRONMENT_PREFIX", "PATH", "Environment", "Schema", "accepted", "is_path", "is_secret"]

ENVIRONMENT_PREFIX: Final = "AEROGRAM_"
PATH: Final[JsonDict] = {"path": True}


def _blank_as_none(value: object) -> object:
    # An environment variable cannot hold None; empty is the way to write it.
    return None if value == "" else value


def _no_bool(value: object) -> object:
    # To Python True is the number 1; a setting that is given both ways is a mistake.
    if isinstance(value, bool):
        raise ValueError("a number is meant")
    return value


def _known_charset(value: str) -> str:
    try:
        codecs.lookup(value)
    except LookupError:
        raise ValueError("no codec of that name") from None
    return value


OptionalPath = Annotated[str | Path | None, BeforeValidator(_blank_as_none)]
Number = Annotated[int, BeforeValidator(_no_bool)]
Seconds = Annotated[int | float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_no_bool)]
Person = Annotated[tuple[str, str] | str, Field(union_mode="left_to_right")]
PEOPLE = "a list of (name, address) pairs and address strings, such as [('Ada', 'ada@example.com')]"
DOTTED = "a dotted path to a backend class, such as 'aerogram.mail.backends.smtp.EmailBackend'"


class Schema(BaseModel):
    """Every setting there is, with the defaults of Django 5.2 where Django has it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    # How mail leaves
    EMAIL_URL: str = Field("", description="a URL such as smtp://user:password@host:587?tls=starttls")
    EMAIL_BACKEND: str = Field(
        "aerogram.mail.backends.smtp.EmailBackend", min_length=1, pattern=r"^[\w.]+$", description=DOTTED
    )
    EMAIL_HOST: str = Field("localhost", description="a host name or IP address")
    EMAIL_PORT: Number = Field(25, ge=1, le=65535, description="a whole number from 1 to 65535")
    EMAIL_HOST_USER: str = Field("", description="a user name, or '' to send without a login")
    EMAIL_HOST_PASSWORD: str = Field("", description="a password, or ''")
    EMAIL_USE_TLS: bool = Field(False, description="true or false (STARTTLS)")
    EMAIL_USE_SSL: bool = Field(False, description="true or false (TLS from the first byte)")
    EMAIL_SSL_CERTFILE: OptionalPath = Field(
        None, description="the path of a PEM file, or nothing", json_schema_extra=PATH
    )
    EMAIL_SSL_KEYFILE: OptionalPath = Field(
        None, description="the path of a PEM file, or nothing", json_schema_extra=PATH
    )
    EMAIL_TIMEOUT: Annotated[Seconds | None, BeforeValidator(_blank_as_none)] = Field(
        None, description="a number of seconds above 0, or nothing"
    )
    EMAIL_FILE_PATH: OptionalPath = Field(
        None, description="the path of a folder, or nothing", json_schema_extra=PATH
    )
    MAILERS: dict[str, dict[str, Any]] = Field(
        {}, description="{alias: {'BACKEND': dotted path, 'OPTIONS': {...}}}"
    )

    LOG_ADDRESSES: bool = Field(
        False, description="true or false (addresses and replies in the log lines of deliveries)"
    )

    DKIM_DOMAIN: str = Field("", description="the domain that signs, or '' to sign nothing")
    DKIM_SELECTOR: str = Field("", description="the name of the key in the DNS", pattern=r"^[A-Za-z0-9._-]*$")
    DKIM_PRIVATE_KEY: str = Field("", description="an RSA or Ed25519 key as PEM text, or ''")
    DKIM_PRIVATE_KEY_FILE: OptionalPath = Field(
        None, description="the path of a PEM file, or nothing", json_schema_extra=PATH
    )

    # What a message says by default
    DEFAULT_FROM_EMAIL: str = Field("webmaster@localhost", description="an address")
    SERVER_EMAIL: str = Field("root@localhost", description="an address")
    EMAIL_SUBJECT_PREFIX: str = Field("[Aerogram] ", description="a text")
    EMAIL_USE_LOCALTIME: bool = Field(False, description="true (Date header in local time) or false (UTC)")
    DEFAULT_CHARSET: Annotated[str, AfterValidator(_known_charset)] = Field(
        "utf-8", description="the name of a Python codec, such as 'utf-8'"
    )
    FEEDBACK_SENDER_ID: str = Field(
        "", description="the name of the sender in Feedback-ID, or '' for none", pattern=r"^[A-Za-z0-9._-]*$"
    )
    ADMINS: list[Person] = Field([], description=PEOPLE)
    MANAGERS: list[Person] = Field([], description=PEOPLE)

    # Notifications and their templates
    NOTIFICATION_MODULES: list[str] = Field([], description="a list of module names")
    TEMPLATE_DIRS: list[str | Path] = Field(
        ["templates"], description="a list of folders", json_schema_extra=PATH
    )
    SITE_NAME: str = Field("", description="a text, shown by the templates")
    BASE_URL: str = Field("", description="a URL, put before the links of the templates")
    HTML_SIZE_LIMIT: Number = Field(1_000_000, gt=0, description="a whole number of bytes above 0")
    TEXT_WIDTH: Number = Field(78, ge=0, description="a whole number of characters, 0 for no wrapping")
    CSS_ENGINE: Literal["premailer", "css-inline"] = Field(
        "premailer", description="'premailer' or 'css-inline'"
    )
    STENCILS: bool = Field(True, description="true or false")
    STENCIL_CACHE_ENTRIES: Number = Field(256, ge=0, description="a whole number, 0 or above")
    STENCIL_CACHE_BYTES: Number = Field(
        64 * 1024 * 1024, ge=0, description="a whole number of bytes, 0 or above"
    )


class Environment(Schema, BaseSettings):
    """The same table, for pydantic-settings to read from environment variables."""

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT_PREFIX, case_sensitive=True)


def accepted(name: str) -> str:
    """What the setting takes, in words."""
    return Schema.model_fields[name].description or ""


def is_path(name: str) -> bool:
    """Whether the setting is a path, or a list of them."""
    return Schema.model_fields[name].json_schema_extra == PATH


def is_secret(name: str) -> bool:
    """Whether a value of that setting must not be shown."""
    if name in ("EMAIL_URL", "MAILERS"):
        return True
    return any(word in name for word in ("PASSWORD", "SECRET", "TOKEN", "KEY"))
