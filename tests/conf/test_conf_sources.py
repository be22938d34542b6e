"""Environment variables and settings files: what is read, when it is read again, and how it is refused."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextvars import ContextVar, copy_context
from email.headerregistry import Address
from pathlib import Path
from typing import Any, cast

import pytest
from jinja2 import Environment

from aerogram.conf import Settings
from aerogram.conf.schema import Schema, accepted, is_secret
from aerogram.exceptions import ImproperlyConfigured, UnknownSetting
from aerogram.mail.address.parser import Mailbox, parse_mailbox


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


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "project"


class TestEnvironment:
    @pytest.mark.parametrize(
        ("name", "raw", "value"),
        [
            ("EMAIL_PORT", "2525", 2525),
            ("EMAIL_USE_TLS", "yes", True),
            ("EMAIL_USE_SSL", "0", False),
            ("EMAIL_TIMEOUT", "2.5", 2.5),
            ("EMAIL_TIMEOUT", "10", 10),
            ("EMAIL_TIMEOUT", "", None),
            ("EMAIL_FILE_PATH", "/var/mail", "/var/mail"),
            ("EMAIL_FILE_PATH", "", None),
            ("EMAIL_HOST_PASSWORD", "0123", "0123"),
            ("ADMINS", '[["Ada", "a@x.org"], "b@x.org"]', [("Ada", "a@x.org"), "b@x.org"]),
            ("SERVER_EMAIL", "Ada <a@x.org>", "Ada <a@x.org>"),
            ("TEMPLATE_DIRS", '["mail"]', ["mail"]),
            ("NOTIFICATION_MODULES", '["shop.mails"]', ["shop.mails"]),
            ("MAILERS", '{"a": {"BACKEND": "x.Y"}}', {"a": {"BACKEND": "x.Y"}}),
        ],
    )
    def test_gives_typed_values(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str, raw: str, value: object
    ) -> None:
        monkeypatch.setenv(f"AEROGRAM_{name}", raw)
        assert getattr(settings, name) == value
        assert type(getattr(settings, name)) is type(value)

    @pytest.mark.parametrize(
        ("name", "raw"),
        [
            ("EMAIL_PORT", "abc"),
            ("EMAIL_PORT", "70000"),
            ("EMAIL_PORT", ""),
            ("EMAIL_USE_TLS", "perhaps"),
            ("EMAIL_TIMEOUT", "0"),
            ("EMAIL_TIMEOUT", "nan"),
            ("DEFAULT_CHARSET", "klingon"),
            ("EMAIL_BACKEND", "smtp backend"),
            ("CSS_ENGINE", "lxml"),
        ],
    )
    def test_wrong_value_names_setting_variable_and_what_is_accepted(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str, raw: str
    ) -> None:
        monkeypatch.setenv(f"AEROGRAM_{name}", raw)
        with pytest.raises(ImproperlyConfigured) as caught:
            getattr(settings, name)
        text = str(caught.value)
        assert text.startswith(f"{name} (environment variable AEROGRAM_{name}): {raw!r}")
        assert accepted(name) in text

    @pytest.mark.parametrize("raw", ["a@x.org", "[", '[["a", "b", "c"]]', '{"a": 1}', "[1]"])
    def test_people_of_a_wrong_shape(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, raw: str
    ) -> None:
        monkeypatch.setenv("AEROGRAM_ADMINS", raw)
        with pytest.raises(ImproperlyConfigured, match=r"ADMINS \(environment variable AEROGRAM_ADMINS\)"):
            _ = settings.ADMINS

    def test_what_is_not_json_is_said_to_be(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AEROGRAM_TEMPLATE_DIRS", "mail")
        with pytest.raises(ImproperlyConfigured, match="JSON"):
            _ = settings.EMAIL_HOST

    def test_unknown_variable_is_an_error_even_after_a_first_read(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert settings.EMAIL_HOST == "localhost"
        monkeypatch.setenv("AEROGRAM_EMAIL_HOTS", "x")
        with pytest.raises(UnknownSetting, match=r"environment variable AEROGRAM_EMAIL_HOTS.*EMAIL_HOST"):
            _ = settings.EMAIL_HOST
        monkeypatch.delenv("AEROGRAM_EMAIL_HOTS")
        assert settings.EMAIL_HOST == "localhost"

    def test_each_change_is_seen(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        for port in (1, 22, 333):
            monkeypatch.setenv("AEROGRAM_EMAIL_PORT", str(port))
            assert port == settings.EMAIL_PORT


class TestFiles:
    def test_nearest_file_wins(
        self, settings: Settings, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (project.parent / "aerogram.toml").write_text('EMAIL_HOST = "far"\nEMAIL_PORT = 1\n')
        assert settings.EMAIL_HOST == "far"
        (project / "pyproject.toml").write_text('[tool.aerogram]\nEMAIL_HOST = "near"\n')
        assert (settings.EMAIL_HOST, settings.EMAIL_PORT) == ("near", 25)
        monkeypatch.chdir(project.parent)
        assert settings.EMAIL_HOST == "far"

    def test_aerogram_toml_beats_pyproject_beside_it(self, settings: Settings, project: Path) -> None:
        (project / "pyproject.toml").write_text('[tool.aerogram]\nEMAIL_HOST = "pyproject"\n')
        (project / "aerogram.toml").write_text("EMAIL_PORT = 2\n")
        assert (settings.EMAIL_HOST, settings.EMAIL_PORT) == ("localhost", 2)

    def test_pyproject_without_our_table_does_not_stop_the_climb(
        self, settings: Settings, project: Path
    ) -> None:
        (project / "aerogram.toml").write_text('EMAIL_HOST = "up"\n')
        inner = project / "app" / "pyproject.toml"
        inner.write_text("[tool.other]\nx = 1\n")
        assert settings.EMAIL_HOST == "up"
        inner.write_text('[tool.aerogram]\nemail_host = "here"\n')
        assert settings.EMAIL_HOST == "here"
        inner.unlink()
        assert settings.EMAIL_HOST == "up"

    def test_rewriting_with_equal_size_is_seen(self, settings: Settings, project: Path) -> None:
        for port in (1111, 2222, 3333, 4444):
            (project / "aerogram.toml").write_text(f"EMAIL_PORT = {port}\n")
            assert port == settings.EMAIL_PORT

    def test_change_of_an_old_file_is_seen(self, settings: Settings, project: Path) -> None:
        path = project / "aerogram.toml"
        path.write_text("EMAIL_PORT = 1\n")
        os.utime(path, (1, 1))
        assert settings.EMAIL_PORT == 1
        path.write_text("EMAIL_PORT = 2\n")
        assert settings.EMAIL_PORT == 2

    def test_lower_case_names_and_tables(self, settings: Settings, project: Path) -> None:
        (project / "aerogram.toml").write_text(
            'admins = [["Ada", "a@x.org"], "b@x.org"]\nEMAIL_USE_TLS = true\n'
            '[mailers.bulk]\nBACKEND = "x.Y"\nOPTIONS = {host = "h"}\n'
        )
        assert settings.ADMINS == [("Ada", "a@x.org"), "b@x.org"]
        assert settings.EMAIL_USE_TLS is True
        assert settings.MAILERS == {"bulk": {"BACKEND": "x.Y", "OPTIONS": {"host": "h"}}}

    def test_relative_paths_start_at_the_file(self, settings: Settings, project: Path) -> None:
        (project / "aerogram.toml").write_text(
            'TEMPLATE_DIRS = ["mail", "/abs"]\nEMAIL_FILE_PATH = "out"\nEMAIL_SSL_CERTFILE = "c.pem"\n'
        )
        assert [str(project / "mail"), "/abs"] == settings.TEMPLATE_DIRS
        assert str(project / "out") == settings.EMAIL_FILE_PATH
        assert str(project / "c.pem") == settings.EMAIL_SSL_CERTFILE

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            ("EMAIL_PROT = 1", r"no setting EMAIL_PROT .*Did you mean EMAIL_PORT"),
            ('EMAIL_PORT = "x"', r"EMAIL_PORT \(.*aerogram\.toml\): 'x'"),
            ("EMAIL_PORT = 1979-05-27", r"EMAIL_PORT \(.*aerogram\.toml\)"),
            ("EMAIL_PORT = 1\nemail_port = 2", r"EMAIL_PORT is given twice"),
            ("Email_Port = 2", r"no setting Email_Port"),
            ("EMAIL_PORT 1", r"not valid TOML.*line 1"),
        ],
    )
    def test_wrong_content_names_the_file(
        self, settings: Settings, project: Path, content: str, problem: str
    ) -> None:
        path = project / "aerogram.toml"
        path.write_text(content)
        with pytest.raises(ImproperlyConfigured, match=problem) as caught:
            _ = settings.EMAIL_PORT
        assert str(path) in str(caught.value)
        path.write_text("EMAIL_PORT = 26")
        assert settings.EMAIL_PORT == 26

    def test_table_that_is_no_table(self, settings: Settings, project: Path) -> None:
        (project / "pyproject.toml").write_text("[tool]\naerogram = 1\n")
        with pytest.raises(ImproperlyConfigured, match=r"Write \[tool\.aerogram\]"):
            _ = settings.EMAIL_PORT

    def test_bytes_that_are_no_utf8(self, settings: Settings, project: Path) -> None:
        (project / "aerogram.toml").write_bytes(b'EMAIL_HOST = "\xff"')
        with pytest.raises(ImproperlyConfigured, match="not valid TOML"):
            _ = settings.EMAIL_PORT

    @pytest.mark.skipif(sys.platform != "linux", reason="needs /proc for a file that root cannot read either")
    def test_unreadable_file(self, settings: Settings, project: Path) -> None:
        (project / "aerogram.toml").symlink_to("/proc/self/mem")
        with pytest.raises(ImproperlyConfigured, match=r"aerogram\.toml cannot be read"):
            _ = settings.EMAIL_PORT

    def test_folder_of_the_name_is_no_file(self, settings: Settings, project: Path) -> None:
        (project / "aerogram.toml").mkdir()
        assert settings.EMAIL_PORT == 25

    def test_working_directory_that_is_gone(
        self, settings: Settings, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (project / "aerogram.toml").write_text("EMAIL_PORT = 2\n")
        assert settings.EMAIL_PORT == 2
        shutil.rmtree(project)
        monkeypatch.setenv("AEROGRAM_EMAIL_HOST", "still")
        assert (settings.EMAIL_PORT, settings.EMAIL_HOST) == (25, "still")


SECRETS = [name for name in Schema.model_fields if is_secret(name)]


def test_the_secret_settings() -> None:
    assert {"EMAIL_HOST_PASSWORD", "EMAIL_URL", "MAILERS"} <= set(SECRETS)


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("value", [["hunter2"], {"hunter2": "hunter2"}, b"\xffhunter2", "hunter2\n"])
def test_no_error_shows_a_secret(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, project: Path, name: str, value: object
) -> None:
    texts = []
    for source in ("override", "configure"):
        try:
            getattr(settings, source)(**{name: value})
        except ImproperlyConfigured as error:
            texts.append(repr(error) + str(error.__cause__ or ""))
    settings.reset()
    raw = value if isinstance(value, str) else json.dumps(str(value))
    monkeypatch.setenv(f"AEROGRAM_{name}", raw)
    try:
        getattr(settings, name)
    except ImproperlyConfigured as error:
        texts.append(repr(error) + str(error.__cause__ or ""))
    assert "hunter2" not in "".join([*texts, repr(settings) if not texts else ""])


@pytest.mark.parametrize("value", ["a@x.org", [("a", "b", "c")], [("Ada",)], [1], [None], {"a": "b@x"}, None])
@pytest.mark.parametrize("name", ["ADMINS", "MANAGERS"])
def test_people_given_in_code_must_be_a_list(settings: Settings, name: str, value: object) -> None:
    with pytest.raises(ImproperlyConfigured, match="list of"):
        settings.configure(**{name: value})


def test_people_in_every_accepted_shape(settings: Settings) -> None:
    settings.configure(ADMINS=(("Ada", "a@x.org"), ["Bob", "b@x.org"], "c@x.org"))
    assert settings.ADMINS == [("Ada", "a@x.org"), ("Bob", "b@x.org"), "c@x.org"]


@pytest.mark.parametrize("name", ["DEFAULT_FROM_EMAIL", "SERVER_EMAIL"])
def test_a_sender_of_the_environment_may_be_a_pair(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"AEROGRAM_{name}", '["Müller, Ann", "ann@example.com"]')
    assert getattr(settings, name) == '"Müller, Ann" <ann@example.com>'
    monkeypatch.setenv(f"AEROGRAM_{name}", '["Ann"]')
    with pytest.raises(ImproperlyConfigured, match=rf"{name}.*Accepted: an address"):
        getattr(settings, name)


@pytest.mark.parametrize("name", ["DEFAULT_FROM_EMAIL", "SERVER_EMAIL"])
def test_a_sender_in_every_accepted_form_is_kept_as_text(
    settings: Settings, project: Path, name: str
) -> None:
    class Shop:
        def __email__(self) -> tuple[str, str]:
            return "Shop: Berlin", "shop@x.org"

    (project / "aerogram.toml").write_text(f'{name} = ["Shop: Berlin", "shop@x.org"]\n')
    assert getattr(settings, name) == '"Shop: Berlin" <shop@x.org>'
    for form in (("Shop: Berlin", "shop@x.org"), Address("Shop: Berlin", "shop", "x.org"), Shop()):
        settings.configure(**{name: form})
        assert getattr(settings, name) == '"Shop: Berlin" <shop@x.org>'
    settings.configure(**{name: ('A "B" \\', "a@x.org")})
    assert parse_mailbox(getattr(settings, name)) == Mailbox('A "B" \\', "a", "x.org")
    for wrong in (("a", "b", "c@x.org"), ("a", 5), 5, {"a": "b"}):
        with pytest.raises(ImproperlyConfigured, match="pair"):
            settings.configure(**{name: wrong})


def test_people_may_be_objects_with_a_mailbox(settings: Settings) -> None:
    class Ada:
        def __email__(self) -> str:
            return "Ada <ada@x.org>"

    people: list[Any] = [Ada(), Address("Bob (Ops)", "bob", "x.org")]
    settings.configure(ADMINS=people, MANAGERS=[cast("str", Address("", "root"))])
    assert settings.ADMINS == ["Ada <ada@x.org>", ("Bob (Ops)", "bob@x.org")]
    assert settings.MANAGERS == ["root"]


def test_paths_are_kept_as_given(settings: Settings) -> None:
    settings.configure(EMAIL_FILE_PATH=Path("out"), TEMPLATE_DIRS=[Path("a"), "b"])
    assert Path("out") == settings.EMAIL_FILE_PATH
    assert [Path("a"), "b"] == settings.TEMPLATE_DIRS


def test_every_setting_says_what_it_accepts() -> None:
    assert all(accepted(name) for name in Schema.model_fields)
    assert all(name.isupper() for name in Schema.model_fields)


class TestFramework:
    def test_lies_between_file_and_environment(
        self, settings: Settings, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (project / "aerogram.toml").write_text('EMAIL_HOST = "file"\nEMAIL_PORT = 1\nSITE_NAME = "file"\n')
        settings.add_source("the shop", lambda: {"EMAIL_HOST": "shop", "EMAIL_PORT": "2"})
        assert (settings.EMAIL_HOST, settings.EMAIL_PORT, settings.SITE_NAME) == ("shop", 2, "file")
        monkeypatch.setenv("AEROGRAM_EMAIL_HOST", "environment")
        assert (settings.EMAIL_HOST, settings.EMAIL_PORT) == ("environment", 2)
        settings.configure(EMAIL_PORT=3)
        assert settings.EMAIL_PORT == 3
        assert settings.source_of("EMAIL_HOST") == "environment variable AEROGRAM_EMAIL_HOST"

    def test_is_read_at_each_access(self, settings: Settings) -> None:
        given: dict[str, object] = {"ADMINS": ["a@x.org"]}
        settings.add_source("the shop", lambda: given)
        assert settings.ADMINS == ["a@x.org"]
        given["SITE_NAME"] = "Shop"
        assert settings.SITE_NAME == "Shop"
        given["ADMINS"].append("b@x.org")  # type: ignore[attr-defined]  # a list
        assert settings.ADMINS == ["a@x.org", "b@x.org"]
        with settings.frozen():
            given["SITE_NAME"] = "Other"
            assert settings.SITE_NAME == "Shop"
        assert settings.SITE_NAME == "Other"

    def test_is_checked_again_only_if_it_differs(self, settings: Settings) -> None:
        given = {"TEMPLATE_ENVIRONMENT": Environment()}
        settings.add_source("the shop", lambda: given)
        assert settings.snapshot() is settings.snapshot()

    def test_may_depend_on_the_context(self, settings: Settings) -> None:
        current = ContextVar("current", default="one")
        settings.add_source("the shop", lambda: {"SITE_NAME": current.get()})

        def other() -> str:
            current.set("two")
            return settings.SITE_NAME

        assert settings.SITE_NAME == "one"
        assert copy_context().run(other) == "two"
        assert settings.SITE_NAME == "one"

    def test_errors_name_it(self, settings: Settings) -> None:
        settings.add_source("the shop", lambda: {"EMAIL_PROT": 25})
        with pytest.raises(UnknownSetting, match=r"EMAIL_PROT \(the shop\).*EMAIL_PORT"):
            _ = settings.EMAIL_PORT
        settings.add_source("the shop", lambda: {"EMAIL_HOST_PASSWORD": ["s3cret"]})
        with pytest.raises(ImproperlyConfigured, match=r"EMAIL_HOST_PASSWORD \(the shop\)") as refused:
            _ = settings.EMAIL_PORT
        assert "s3cret" not in str(refused.value)

    def test_counts_again_after_a_reset(self, settings: Settings) -> None:
        settings.add_source("the shop", lambda: {"EMAIL_PORT": 2})
        settings.configure(EMAIL_PORT=3)
        settings.reset()
        assert settings.EMAIL_PORT == 2


class TestConfigVariable:
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("aerogram.toml", 'EMAIL_HOST = "h"\nTEMPLATE_DIRS = ["t"]\n'),
            ("production.toml", 'EMAIL_HOST = "h"\nTEMPLATE_DIRS = ["t"]\n'),
            ("pyproject.toml", '[tool.aerogram]\nEMAIL_HOST = "h"\nTEMPLATE_DIRS = ["t"]\n'),
        ],
    )
    def test_names_the_file(
        self, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
    ) -> None:
        (tmp_path / "elsewhere").mkdir()
        path = tmp_path / "elsewhere" / name
        path.write_text(text)
        monkeypatch.setenv("AEROGRAM_CONFIG", str(path))
        monkeypatch.chdir("/")
        assert settings.EMAIL_HOST == "h"
        assert list(settings.TEMPLATE_DIRS) == [str(path.parent / "t")]
        assert str(path) in settings.source_of("EMAIL_HOST")
        path.write_text(text.replace('"h"', '"i"'))
        assert settings.EMAIL_HOST == "i"

    def test_may_be_relative_and_beats_the_nearest_file(
        self, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "aerogram.toml").write_text('EMAIL_HOST = "nearest"\n')
        (tmp_path / "other.toml").write_text('EMAIL_HOST = "named"\n')
        monkeypatch.setenv("AEROGRAM_CONFIG", "other.toml")
        assert settings.EMAIL_HOST == "named"
        monkeypatch.setenv("AEROGRAM_CONFIG", "")
        assert settings.EMAIL_HOST == "nearest"

    def test_a_file_that_is_not_there_is_refused(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AEROGRAM_CONFIG", "/none/such.toml")
        with pytest.raises(ImproperlyConfigured, match=r"AEROGRAM_CONFIG names /none/such\.toml"):
            _ = settings.EMAIL_HOST


def test_where_settings_were_looked_for(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    looked = settings.where_looked()
    for words in ("directory is /,", "/aerogram.toml", "/pyproject.toml", "AEROGRAM_CONFIG"):
        assert words in looked
    monkeypatch.chdir(tmp_path)
    (tmp_path / "aerogram.toml").write_text("")
    assert f"in {tmp_path / 'aerogram.toml'} and" in settings.where_looked()
