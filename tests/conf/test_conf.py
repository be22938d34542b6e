"""The settings object: precedence, freshness, overrides."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from aerogram import AdminNotification
from aerogram.conf import Settings
from aerogram.conf import settings as project_settings
from aerogram.exceptions import ImproperlyConfigured, UnknownSetting
from aerogram.mail import EmailMessage

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A settings object of its own, in an empty folder, without variables of the caller's."""
    for name in os.environ:
        if name.startswith("AEROGRAM_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "project" / "app"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return Settings()


DJANGO_DEFAULTS = {
    "EMAIL_HOST": "localhost",
    "EMAIL_PORT": 25,
    "EMAIL_HOST_USER": "",
    "EMAIL_HOST_PASSWORD": "",
    "EMAIL_USE_TLS": False,
    "EMAIL_USE_SSL": False,
    "EMAIL_SSL_CERTFILE": None,
    "EMAIL_SSL_KEYFILE": None,
    "EMAIL_TIMEOUT": None,
    "EMAIL_USE_LOCALTIME": False,
    "DEFAULT_FROM_EMAIL": "webmaster@localhost",
    "SERVER_EMAIL": "root@localhost",
    "DEFAULT_CHARSET": "utf-8",
    "ADMINS": [],
    "MANAGERS": [],
}


@pytest.mark.parametrize("name", sorted(DJANGO_DEFAULTS))
def test_defaults_are_those_of_django(settings: Settings, name: str) -> None:
    from django.conf import global_settings

    assert getattr(settings, name) == DJANGO_DEFAULTS[name] == getattr(global_settings, name)


def test_defaults_of_our_own(settings: Settings) -> None:
    assert settings.EMAIL_BACKEND == "aerogram.mail.backends.smtp.EmailBackend"
    assert settings.EMAIL_SUBJECT_PREFIX == "[Aerogram] "
    assert settings.EMAIL_URL == ""
    assert settings.MAILERS == {}
    assert settings.EMAIL_FILE_PATH is None
    assert settings.TEMPLATE_DIRS == ["templates"]
    assert settings.NOTIFICATION_MODULES == []


def test_each_source_beats_the_weaker_ones(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.EMAIL_HOST == "localhost"
    (tmp_path / "project" / "pyproject.toml").write_text('[tool.aerogram]\nEMAIL_HOST = "pyproject"\n')
    assert settings.EMAIL_HOST == "pyproject"
    (tmp_path / "project" / "aerogram.toml").write_text('EMAIL_HOST = "toml"\n')
    assert settings.EMAIL_HOST == "toml"
    monkeypatch.setenv("AEROGRAM_EMAIL_HOST", "env")
    assert settings.EMAIL_HOST == "env"
    settings.configure(EMAIL_HOST="configured")
    assert settings.EMAIL_HOST == "configured"
    with settings.override(EMAIL_HOST="override"):
        assert settings.EMAIL_HOST == "override"
        assert "settings.override()" in repr(settings)
    assert settings.EMAIL_HOST == "configured"
    settings.reset()
    assert settings.EMAIL_HOST == "env"
    monkeypatch.delenv("AEROGRAM_EMAIL_HOST")
    assert settings.EMAIL_HOST == "toml"


def test_source_of_tells_where_a_value_comes_from(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.source_of("EMAIL_HOST") == "the default"
    path = tmp_path / "project" / "pyproject.toml"
    path.write_text('[tool.aerogram]\nEMAIL_HOST = "pyproject"\n')
    assert settings.source_of("EMAIL_HOST") == f"[tool.aerogram] of {path}"
    monkeypatch.setenv("AEROGRAM_EMAIL_URL", "smtp://h")
    assert settings.source_of("EMAIL_HOST") == "EMAIL_URL, environment variable AEROGRAM_EMAIL_URL"
    with pytest.raises(UnknownSetting):
        settings.source_of("NONE_SUCH")


def test_values_of_one_source_leave_those_of_others(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEROGRAM_EMAIL_PORT", "2525")
    settings.configure(EMAIL_HOST="a")
    settings.configure(EMAIL_TIMEOUT=5)
    assert (settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT) == ("a", 2525, 5)


def test_unknown_attribute_suggests_the_nearest_name(settings: Settings) -> None:
    with pytest.raises(UnknownSetting, match=r"no setting EMAIL_HOTS.*Did you mean EMAIL_HOST"):
        _ = settings.EMAIL_HOTS
    assert not hasattr(settings, "EMAIL_HOTS")
    with pytest.raises(AttributeError, match="upper case"):
        _ = settings.email_host


@pytest.mark.parametrize("method", ["override", "configure"])
def test_unknown_and_wrong_values_are_refused_at_once(settings: Settings, method: str) -> None:
    with pytest.raises(UnknownSetting, match=rf"EMAIL_PROT \(settings\.{method}\(\)\).*EMAIL_PORT"):
        getattr(settings, method)(EMAIL_PROT=1)
    with pytest.raises(ImproperlyConfigured, match=rf"EMAIL_PORT \(settings\.{method}\(\)\): 'x'.*65535"):
        getattr(settings, method)(EMAIL_PORT="x", EMAIL_HOST="h")
    assert settings.EMAIL_HOST == "localhost"


def test_assignment_is_refused_with_the_way_to_do_it(settings: Settings) -> None:
    with pytest.raises(AttributeError, match=r"settings\.override\(EMAIL_HOST"):
        settings.EMAIL_HOST = "x"
    assert settings.EMAIL_HOST == "localhost"


def test_dir_lists_the_settings(settings: Settings) -> None:
    assert {"EMAIL_HOST", "TEMPLATE_DIRS", "override"} <= set(dir(settings))


class TestOverride:
    def test_nests_and_restores_after_an_error(self, settings: Settings) -> None:
        outer = settings.override(EMAIL_HOST="outer", EMAIL_PORT=1)
        with outer:
            with settings.override(EMAIL_HOST="inner"):
                assert (settings.EMAIL_HOST, settings.EMAIL_PORT) == ("inner", 1)
                with outer:
                    assert settings.EMAIL_HOST == "outer"
                assert settings.EMAIL_HOST == "inner"
            assert settings.EMAIL_HOST == "outer"
            with contextlib.suppress(RuntimeError), settings.override(EMAIL_HOST="failing"):
                raise RuntimeError
            assert settings.EMAIL_HOST == "outer"
        assert (settings.EMAIL_HOST, settings.EMAIL_PORT) == ("localhost", 25)

    def test_decorates_a_function(self, settings: Settings) -> None:
        @settings.override(EMAIL_HOST="decorated")
        def host(suffix: str, *, depth: int = 2) -> str:
            return host(suffix, depth=depth - 1) if depth else settings.EMAIL_HOST + suffix

        assert host("!") == "decorated!"
        assert host.__name__ == "host"
        assert settings.EMAIL_HOST == "localhost"

    async def test_decorates_a_coroutine_function(self, settings: Settings) -> None:
        @settings.override(EMAIL_HOST="decorated")
        async def host() -> str:
            await asyncio.sleep(0)
            return settings.EMAIL_HOST

        assert await asyncio.gather(host(), host()) == ["decorated", "decorated"]
        assert settings.EMAIL_HOST == "localhost"

    def test_does_not_decorate_what_it_could_not_cover(self, settings: Settings) -> None:
        with pytest.raises(TypeError, match="functions"):
            settings.override(EMAIL_PORT=1)(dict)
        with pytest.raises(TypeError, match="generator"):

            @settings.override(EMAIL_PORT=1)
            def numbers():
                yield 1

    async def test_is_seen_by_its_own_task_alone(self, settings: Settings) -> None:
        both = asyncio.Barrier(2) if hasattr(asyncio, "Barrier") else None
        assert both is not None

        async def host(name: str) -> str:
            with settings.override(EMAIL_HOST=name):
                await both.wait()
                seen = settings.EMAIL_HOST
                await both.wait()
            return seen

        assert await asyncio.gather(host("a"), host("b")) == ["a", "b"]

    def test_is_seen_by_its_own_thread_alone(self, settings: Settings) -> None:
        both = threading.Barrier(2, timeout=20)
        shared = settings.override(EMAIL_PORT=9)

        def host(name: str) -> tuple[str, int]:
            with settings.override(EMAIL_HOST=name), shared:
                both.wait()
                return settings.EMAIL_HOST, settings.EMAIL_PORT

        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(host, ["a", "b"])) == [("a", 9), ("b", 9)]
        assert settings.EMAIL_PORT == 25

    async def test_reaches_a_worker_thread(self, settings: Settings) -> None:
        with settings.override(EMAIL_HOST="carried"):
            assert await asyncio.to_thread(lambda: settings.EMAIL_HOST) == "carried"

    def test_sees_changes_beneath_it(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        with settings.override(EMAIL_HOST="a"):
            assert settings.EMAIL_PORT == 25
            monkeypatch.setenv("AEROGRAM_EMAIL_PORT", "26")
            assert settings.EMAIL_PORT == 26
            settings.configure(EMAIL_PORT=27)
            assert (settings.EMAIL_HOST, settings.EMAIL_PORT) == ("a", 27)

    def test_left_out_of_order_takes_its_own_values_away(self, settings: Settings) -> None:
        first, second = settings.override(EMAIL_HOST="first"), settings.override(EMAIL_PORT=2)
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert (settings.EMAIL_HOST, settings.EMAIL_PORT) == ("localhost", 2)
        second.__exit__(None, None, None)
        second.__exit__(None, None, None)
        assert settings.EMAIL_PORT == 25

    def test_repr_shows_names_only(self, settings: Settings) -> None:
        override = settings.override(EMAIL_HOST_PASSWORD="hush", EMAIL_URL="smtp://u:hush@h")
        with override:
            assert "hush" not in repr(override) + repr(settings)
            assert "EMAIL_HOST_PASSWORD" in repr(settings)


def test_importing_the_settings_loads_no_pydantic() -> None:
    code = "import sys, aerogram.conf; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_frozen_reads_the_sources_once_and_still_sees_overrides(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEROGRAM_EMAIL_PORT", "2001")
    with settings.frozen():
        assert settings.EMAIL_PORT == 2001
        monkeypatch.setenv("AEROGRAM_EMAIL_PORT", "2002")
        assert settings.EMAIL_PORT == 2001
        with settings.override(EMAIL_PORT=2003):
            assert settings.EMAIL_PORT == 2003
    assert settings.EMAIL_PORT == 2002


def test_what_is_appended_to_a_default_list_is_forgotten_by_reset(settings: Settings) -> None:
    settings.MANAGERS.append("eve@example.com")
    settings.reset()
    assert settings.MANAGERS == []


@pytest.mark.parametrize("name", ["EMAIL_PORT", "EMAIL_TIMEOUT", "TEXT_WIDTH", "HTML_SIZE_LIMIT"])
def test_true_is_no_number(settings: Settings, name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=name):
        settings.configure(**{name: True})


class Lazy:
    """A lazy text, as of gettext_lazy: a str once it is used."""

    language = "en"
    __hash__ = None  # type: ignore[assignment]  # as that of babel.support.LazyProxy

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return f"{self.text}-{self.language}"

    def casefold(self) -> str:
        return str(self).casefold()


def test_lazy_texts_are_read_by_each_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    with project_settings.override(
        SITE_NAME=Lazy("Shop"),
        EMAIL_SUBJECT_PREFIX=Lazy("[Shop]"),
        SERVER_EMAIL=(Lazy("Server"), "root@example.com"),
        ADMINS=[(Lazy("Ada"), "ada@example.com")],
        DEFAULT_FROM_EMAIL=Lazy("bo@example.com"),
    ):
        for language in ("en", "de", "en"):
            monkeypatch.setattr(Lazy, "language", language)
            mail = AdminNotification(subject=" down", message="x").render()
            written = mail.message()
            assert (written["Subject"], written["From"], written["To"]) == (
                f"[Shop]-{language} down",
                f"Server-{language} <root@example.com>",
                "ada@example.com",
            )
            assert f"For the administrators of Shop-{language}." in str(mail.alternatives[0].content)
            assert str(EmailMessage().from_email) == f"bo@example.com-{language}"


@pytest.mark.parametrize("name", ["EMAIL_HOST", "LOCALE", "EMAIL_URL", "BASE_URL"])
def test_a_lazy_text_is_no_value_for_what_is_no_words(settings: Settings, name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=name):
        settings.override(**{name: Lazy("x")})
