"""EMAIL_URL: what it stands for, what it beats, and what it never shows."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerogram.conf import Settings
from aerogram.conf.url import expand_url
from aerogram.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SMTP = "aerogram.mail.backends.smtp.EmailBackend"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in os.environ:
        if name.startswith("AEROGRAM_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return Settings()


def smtp(
    host: str, port: int, user: str = "", password: str = "", tls: bool = False, ssl: bool = False
) -> dict:
    return {
        "EMAIL_BACKEND": SMTP,
        "EMAIL_HOST": host,
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": user,
        "EMAIL_HOST_PASSWORD": password,
        "EMAIL_USE_TLS": tls,
        "EMAIL_USE_SSL": ssl,
    }


@pytest.mark.parametrize(
    ("url", "values"),
    [
        ("smtp://user:pass@host:2587?tls=starttls", smtp("host", 2587, "user", "pass", tls=True)),
        ("smtp://host", smtp("host", 25)),
        ("smtp://host/", smtp("host", 25)),
        ("smtp://host?tls=none", smtp("host", 25)),
        ("smtp://host?tls=starttls", smtp("host", 587, tls=True)),
        ("smtps://host", smtp("host", 465, ssl=True)),
        ("smtps://u%40x.org:p%2Fw%3A%25@host:1465", smtp("host", 1465, "u@x.org", "p/w:%", ssl=True)),
        ("smtp://[::1]:2525", smtp("::1", 2525)),
        ("smtp://host?timeout=2.5", {**smtp("host", 25), "EMAIL_TIMEOUT": 2.5}),
        (
            "smtps://host?timeout=7&certfile=%2Fc.pem&keyfile=/k.pem",
            {
                **smtp("host", 465, ssl=True),
                "EMAIL_TIMEOUT": 7,
                "EMAIL_SSL_CERTFILE": "/c.pem",
                "EMAIL_SSL_KEYFILE": "/k.pem",
            },
        ),
        ("console:", {"EMAIL_BACKEND": "aerogram.mail.backends.console.EmailBackend"}),
        ("console://", {"EMAIL_BACKEND": "aerogram.mail.backends.console.EmailBackend"}),
        ("locmem:", {"EMAIL_BACKEND": "aerogram.mail.backends.locmem.EmailBackend"}),
        ("dummy:", {"EMAIL_BACKEND": "aerogram.mail.backends.dummy.EmailBackend"}),
        (
            "file:///var/sent%20mail",
            {
                "EMAIL_BACKEND": "aerogram.mail.backends.filebased.EmailBackend",
                "EMAIL_FILE_PATH": "/var/sent mail",
            },
        ),
    ],
)
def test_stands_for_settings(url: str, values: dict) -> None:
    assert expand_url(url, "here") == values


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("hunter2", "scheme"),
        ("http://hunter2@host", "scheme"),
        ("smtp:", "no host"),
        ("smtp://u:hunter2@", "no host"),
        ("smtp://u:hunter2@host:port", "port"),
        ("smtp://u:hunter2@host:70000", "port"),
        ("smtp://u:hunter2@host:0", "port"),
        ("smtp://u:hunter2@[::1", "host or port"),
        ("smtp://u:hun/ter2@host", "host or port|path|no host"),
        ("smtp://u:p@host/hunter2", "path"),
        ("smtp://u:hunter2#x@host", "port|#|no host"),
        ("smtp://u:p@host#hunter2", "%23"),
        ("smtp://host?tls=hunter2", "tls="),
        ("smtps://host?tls=starttls", "tls="),
        ("smtp://host?timeout=hunter2", "timeout="),
        ("smtp://host?timeout=0", "timeout="),
        ("smtp://host?hunter2=1", "unknown option; available: tls"),
        ("smtp://host?hunter2", "form"),
        ("smtp://host?tls=none&tls=starttls", "twice"),
        ("smtp://u:hunter2 @host", "space"),
        ("smtp://u:hunter2\n@host", "control"),
        ("file://host/hunter2", "three slashes"),
        ("file:hunter2", "three slashes"),
        ("file:///a?b=hunter2", "no options"),
        ("console:hunter2", "nothing may follow"),
        ("locmem://hunter2", "nothing may follow"),
    ],
)
def test_is_refused_without_being_shown(url: str, problem: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=problem) as caught:
        expand_url(url, "environment variable AEROGRAM_EMAIL_URL")
    text = str(caught.value)
    assert text.startswith("EMAIL_URL (environment variable AEROGRAM_EMAIL_URL): ")
    assert "smtp://user:password@host:587?tls=starttls" in text
    assert "hunter2" not in text
    assert caught.value.__suppress_context__


@given(user=st.text(min_size=1), password=st.text())
def test_every_login_survives_percent_encoding(user: str, password: str) -> None:
    try:
        login = quote(user, safe="") + ":" + quote(password, safe="")
    except UnicodeEncodeError:
        return
    values = expand_url(f"smtp://{login}@host", "here")
    assert (values["EMAIL_HOST_USER"], values["EMAIL_HOST_PASSWORD"]) == (user, password)


def test_wins_beside_the_names_it_stands_for_in_one_source(settings: Settings) -> None:
    settings.configure(EMAIL_URL="smtp://a", EMAIL_HOST="b", EMAIL_PORT=99, EMAIL_SSL_CERTFILE="c.pem")
    assert (settings.EMAIL_HOST, settings.EMAIL_PORT) == ("a", 25)
    assert settings.EMAIL_SSL_CERTFILE == "c.pem"
    assert settings.EMAIL_URL == "smtp://a"


def test_yields_to_a_stronger_source(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AEROGRAM_EMAIL_URL", "smtp://u:p@weak:2525")
    settings.configure(EMAIL_HOST="strong")
    assert (settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_HOST_USER) == ("strong", 2525, "u")


def test_beats_the_names_of_a_weaker_source(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AEROGRAM_EMAIL_HOST", "weak")
    monkeypatch.setenv("AEROGRAM_EMAIL_HOST_USER", "somebody")
    monkeypatch.setenv("AEROGRAM_EMAIL_TIMEOUT", "9")
    with settings.override(EMAIL_URL="smtp://strong"):
        assert (settings.EMAIL_HOST, settings.EMAIL_HOST_USER, settings.EMAIL_TIMEOUT) == ("strong", "", 9)
    assert (settings.EMAIL_HOST, settings.EMAIL_HOST_USER) == ("weak", "somebody")


@pytest.mark.parametrize(
    ("url", "backend", "is_said"),
    [("smtp://u:secret@host", "x.Y", True), ("smtp://host", SMTP, False), ("", "x.Y", False)],
)
def test_a_backend_beside_a_url_that_wins_is_named(
    settings: Settings, caplog: pytest.LogCaptureFixture, url: str, backend: str, is_said: bool
) -> None:
    settings.configure(EMAIL_URL=url, EMAIL_BACKEND=backend)
    assert backend == settings.EMAIL_BACKEND or is_said
    assert [("EMAIL_BACKEND (settings.configure()) has no effect" in text) for text in caplog.messages] == (
        [True] if is_said else []
    )
    assert "secret" not in caplog.text


def test_only_the_strongest_url_counts(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AEROGRAM_EMAIL_URL", "smtp://weak?timeout=3")
    with settings.override(EMAIL_URL="smtp://strong"):
        assert (settings.EMAIL_HOST, settings.EMAIL_TIMEOUT) == ("strong", None)
    with settings.override(EMAIL_URL=""):
        assert settings.EMAIL_HOST == "localhost"
    with settings.override(EMAIL_BACKEND="x.Y"):
        assert (settings.EMAIL_BACKEND, settings.EMAIL_HOST) == ("x.Y", "weak")


def test_later_configure_call_adds_to_the_url(settings: Settings) -> None:
    settings.configure(EMAIL_URL="smtp://a")
    settings.configure(EMAIL_TIMEOUT=4)
    assert (settings.EMAIL_HOST, settings.EMAIL_TIMEOUT) == ("a", 4)


def test_is_never_shown(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AEROGRAM_EMAIL_URL", "smtp://u:hunter2@h")
    assert settings.EMAIL_URL == "smtp://u:hunter2@h"
    assert "hunter2" not in repr(settings) + str(settings)


@pytest.mark.parametrize("password", ["hunter2%", "hunter2%zz", "hunter2%ff%fe"])
def test_a_password_that_would_not_arrive_as_meant_is_refused(password: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL") as caught:
        expand_url(f"smtp://u:{password}@h", "an example")
    assert "hunter2" not in str(caught.value)


SOURCES = ["default", "file", "environment", "configure", "override"]
LOCMEM = "aerogram.mail.backends.locmem.EmailBackend"
REAL = {"default": {"BACKEND": "real.Backend"}, "bulk": {"BACKEND": "bulk.Backend"}}


@pytest.fixture
def give(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., None]]:
    """``give(source, EMAIL_URL=...)`` gives values by a source."""
    with contextlib.ExitStack() as stack:

        def by(source: str, **values: Any) -> None:
            if source == "file":
                path = tmp_path / "aerogram.toml"
                lines = [
                    f"{name} = {json.dumps(value)}" for name, value in values.items() if name != "MAILERS"
                ]
                for alias, entry in values.get("MAILERS", {}).items():
                    lines += [
                        f"[MAILERS.{alias}]",
                        *(f"{key} = {json.dumps(each)}" for key, each in entry.items()),
                    ]
                path.write_text("\n".join(lines))
            elif source == "environment":
                for name, value in values.items():
                    text = value if isinstance(value, str) else json.dumps(value)
                    monkeypatch.setenv(f"AEROGRAM_{name}", text)
            elif source == "configure":
                settings.configure(**values)
            else:
                stack.enter_context(settings.override(**values))

        yield by


@pytest.mark.parametrize(
    "transport", [{"EMAIL_URL": "locmem:"}, {"EMAIL_BACKEND": LOCMEM}], ids=lambda t: next(iter(t))
)
@pytest.mark.parametrize(
    ("weak", "strong"), [(w, s) for w in SOURCES[1:] for s in SOURCES[SOURCES.index(w) + 1 :]]
)
def test_the_transport_of_a_stronger_source_beats_the_default_mailer_of_a_weaker_one(
    settings: Settings, give: Callable[..., None], weak: str, strong: str, transport: dict[str, str]
) -> None:
    give(weak, MAILERS=REAL)
    assert set(settings.MAILERS) == {"default", "bulk"}
    give(strong, **transport)
    assert settings.EMAIL_BACKEND == LOCMEM
    assert dict(settings.MAILERS) == {"bulk": REAL["bulk"]}


@pytest.mark.parametrize(
    ("weak", "strong"), [(w, s) for w in SOURCES[1:] for s in SOURCES[SOURCES.index(w) :]]
)
def test_the_default_mailer_of_the_same_or_a_stronger_source_stays(
    settings: Settings, give: Callable[..., None], weak: str, strong: str
) -> None:
    if weak == strong:
        give(weak, EMAIL_URL="locmem:", MAILERS=REAL)
    else:
        give(weak, EMAIL_URL="locmem:")
        give(strong, MAILERS=REAL)
    assert settings.MAILERS["default"] == REAL["default"]


def test_what_names_no_transport_leaves_the_default_mailer(settings: Settings) -> None:
    settings.configure(MAILERS=REAL)
    with settings.override(EMAIL_HOST="h", EMAIL_URL="", DEFAULT_FROM_EMAIL="a@x.org"):
        assert settings.MAILERS["default"] == REAL["default"]


def test_of_two_calls_of_configure_the_later_is_the_stronger(settings: Settings) -> None:
    settings.configure(MAILERS=REAL, EMAIL_URL="smtp://real")
    settings.configure(EMAIL_BACKEND=LOCMEM)
    assert "default" not in settings.MAILERS
    assert settings.EMAIL_BACKEND == LOCMEM


def test_of_two_overrides_the_inner_is_the_stronger(settings: Settings) -> None:
    with settings.override(EMAIL_URL="locmem:"), settings.override(MAILERS=REAL):
        assert "default" in settings.MAILERS
        with settings.override(EMAIL_URL="console:"):
            assert "default" not in settings.MAILERS
        assert "default" in settings.MAILERS
