"""MAILERS: mailers by name, and how a wrong entry is refused."""

from __future__ import annotations

from typing import Any

import pytest

from aerogram import mail
from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured, InvalidMailer, MailerDoesNotExist
from aerogram.mail import EmailMessage, get_connection, mailers, send_mail
from aerogram.mail.backends.base import BaseEmailBackend
from aerogram.mail.backends.locmem import EmailBackend as LocmemBackend

LOCMEM = "aerogram.mail.backends.locmem.EmailBackend"
FILE = "aerogram.mail.backends.filebased.EmailBackend"


class Strict(BaseEmailBackend):
    def __init__(self, fail_silently: bool = False, *, api_key: str) -> None:
        super().__init__(fail_silently=fail_silently)
        self.api_key = api_key


class Popping(BaseEmailBackend):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.region = kwargs.pop("region", None)
        super().__init__(*args, **kwargs)


def factory(**options: Any) -> BaseEmailBackend:
    return Popping(**options)


def test_each_look_up_makes_a_backend() -> None:
    with settings.override(MAILERS={"a": {"BACKEND": LOCMEM, "OPTIONS": {"fail_silently": True}}}):
        one, other = mailers["a"], mailers["a"]
    assert isinstance(one, LocmemBackend)
    assert one is not other
    assert one.fail_silently is True


def test_it_is_a_mapping() -> None:
    with settings.override(EMAIL_BACKEND=LOCMEM, MAILERS={"bulk": {"BACKEND": LOCMEM}}):
        assert list(mailers) == ["default", "bulk"]
        assert len(mailers) == 2
        assert "bulk" in mailers
        assert "default" in mailers
        assert "nope" not in mailers
        assert mailers.get("nope") is None
        assert isinstance(mailers.get("bulk"), LocmemBackend)


def test_default_is_what_the_email_settings_say() -> None:
    with settings.override(EMAIL_BACKEND=LOCMEM):
        assert isinstance(mailers.default, LocmemBackend)
        assert isinstance(mailers["default"], LocmemBackend)


def test_default_of_mailers_beats_the_email_settings() -> None:
    with settings.override(EMAIL_BACKEND="no.such.Backend", MAILERS={"default": {"BACKEND": LOCMEM}}):
        assert send_mail("S", "B", None, ["a@x.org"]) == 1
        assert EmailMessage(to=["a@x.org"]).send() == 1
    assert len(mail.outbox) == 2


def test_using_in_every_place() -> None:
    with settings.override(EMAIL_BACKEND="no.such.Backend", MAILERS={"a": {"BACKEND": LOCMEM}}):
        send_mail("1", "B", None, ["a@x.org"], using="a")
        mail.send_mass_mail([("2", "B", None, ["a@x.org"])], using="a")
        EmailMessage("3", to=["a@x.org"]).send(using="a")
    assert [each.subject for each in mail.outbox] == ["1", "2", "3"]


def test_arguments_of_a_call_change_the_options() -> None:
    entry = {"BACKEND": f"{__name__}.Popping", "OPTIONS": {"region": "eu", "fail_silently": True}}
    with settings.override(MAILERS={"a": entry}):
        assert mail.get_connection(using="a").fail_silently is True
        changed = mailers.create("a", region="us")
    assert (changed.region, changed.fail_silently) == ("us", True)
    assert entry["OPTIONS"] == {"region": "eu", "fail_silently": True}


def test_a_factory_is_a_backend_too() -> None:
    with settings.override(MAILERS={"a": {"BACKEND": f"{__name__}.factory", "OPTIONS": {"region": "eu"}}}):
        assert mailers["a"].region == "eu"


@pytest.mark.parametrize("alias", ["balk", "x", 3, None])
def test_no_such_alias(alias: Any) -> None:
    with settings.override(MAILERS={"bulk": {"BACKEND": LOCMEM}}):
        with pytest.raises(MailerDoesNotExist, match=r"MAILERS \(settings\.override\(\)\).*'bulk'") as caught:
            mailers[alias]
        with pytest.raises(MailerDoesNotExist):
            send_mail("S", "B", None, ["a@x.org"], fail_silently=True, using=alias or "none")
    assert isinstance(caught.value, KeyError)
    assert isinstance(caught.value, ImproperlyConfigured)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({}, "needs a BACKEND"),
        ({"BACKEND": ""}, "needs a BACKEND"),
        ({"BACKEND": 3}, "needs a BACKEND"),
        ({"BACKEND": LOCMEM, "HOST": "hunter2"}, "has HOST. Accepted: BACKEND and OPTIONS"),
        ({"BACKEND": LOCMEM, "OPTIONS": "hunter2"}, "OPTIONS must be a dict"),
        ({"BACKEND": LOCMEM, "OPTIONS": {3: "hunter2"}}, "OPTIONS must be a dict"),
        (
            {"BACKEND": LOCMEM, "OPTIONS": {"pasword": "hunter2"}},
            "no option pasword. Accepted: fail_silently",
        ),
        (
            {"BACKEND": FILE, "OPTIONS": {"path": "hunter2"}},
            "no option path. Accepted: fail_silently, file_path",
        ),
        ({"BACKEND": "no.such.Backend"}, "cannot be imported"),
        ({"BACKEND": "django.core.mail.backends.smtp.EmailBackend"}, "use aerogram.mail"),
        ({"BACKEND": f"{__name__}.Strict", "OPTIONS": {"api_kye": "hunter2"}}, "no option api_kye"),
    ],
)
def test_an_entry_that_cannot_work(entry: Any, problem: str) -> None:
    with settings.override(MAILERS={"a": entry}), pytest.raises(InvalidMailer, match=problem) as caught:
        mailers["a"]
    assert "MAILERS['a'] (settings.override())" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_an_entry_that_is_no_dict_is_no_setting() -> None:
    with pytest.raises(ImproperlyConfigured, match="MAILERS"):
        settings.override(MAILERS={"a": LOCMEM})


@pytest.mark.parametrize(
    ("backend", "options"),
    [("smtp", {"timeout": "5", "password": "hunter2"}), ("filebased", {"file_path": 3})],
)
def test_an_option_of_a_wrong_type_names_the_mailer(backend: str, options: dict[str, object]) -> None:
    entry = {"BACKEND": f"aerogram.mail.backends.{backend}.EmailBackend", "OPTIONS": options}
    with settings.override(MAILERS={"odd": entry}), pytest.raises(InvalidMailer, match="'odd'") as caught:
        mailers["odd"]
    assert all(name in str(caught.value) for name in options)
    assert "hunter2" not in str(caught.value)


def test_a_misspelt_option_of_a_backend_of_ours_is_refused_with_the_right_name():
    smtp = "aerogram.mail.backends.smtp.EmailBackend"
    with pytest.raises(
        ImproperlyConfigured, match=r"smtp\.EmailBackend has no option hots\..* Did you mean host\?"
    ):
        get_connection(smtp, hots="x.example")
    with pytest.raises(ImproperlyConfigured, match="has no option hots"):
        get_connection(hots="x.example")
    entry = {"bulk": {"BACKEND": smtp, "OPTIONS": {"conections": 3}}}
    with settings.override(MAILERS=entry), pytest.raises(InvalidMailer, match="Did you mean connections"):
        get_connection(using="bulk")
    entry["bulk"]["OPTIONS"] = {}
    with settings.override(MAILERS=entry), pytest.raises(ImproperlyConfigured, match="Did you mean timeout"):
        get_connection(using="bulk", timeut=3)


@pytest.mark.parametrize("name", ["console", "dummy", "filebased", "locmem", "smtp"])
def test_djangos_options_are_taken_by_each_backend(name, tmp_path):
    path = f"aerogram.mail.backends.{name}.EmailBackend"
    assert get_connection(path, username="ann", password="pw", file_path=str(tmp_path), host="x.example")


class TestURL:
    def test_makes_the_backend(self) -> None:
        url = "smtps://news:p%40ss@bulk.example.com:2465?timeout=7"
        with settings.override(
            EMAIL_HOST_USER="other", MAILERS={"bulk": {"URL": url, "OPTIONS": {"connections": 4}}}
        ):
            backend: Any = mailers["bulk"]
        made = (backend.host, backend.port, backend.username, backend.password, backend.use_ssl)
        assert made == ("bulk.example.com", 2465, "news", "p@ss", True)
        assert (backend.timeout, backend.connections) == (7, 4)

    def test_of_a_server_without_a_login_gives_none_away(self) -> None:
        with settings.override(
            EMAIL_HOST_USER="u", EMAIL_HOST_PASSWORD="p", MAILERS={"bulk": {"URL": "smtp://bulk.example.com"}}
        ):
            backend: Any = mailers["bulk"]
        assert not backend.username

    @pytest.mark.parametrize("url", ["locmem:", "console:", "dummy:"])
    def test_of_each_form(self, url: str) -> None:
        with settings.override(MAILERS={"default": {"URL": url}}):
            assert send_mail("S", "B", None, ["a@x.org"]) == 1

    @pytest.mark.parametrize(
        ("entry", "problem"),
        [
            ({"URL": "smpt://u:hunter2@h"}, "its scheme is not known"),
            ({"URL": 5}, "needs a BACKEND"),
            ({"URL": "locmem:", "BACKEND": LOCMEM}, "use only one of them"),
            ({"URL": "smtp://u:hunter2@h", "OPTIONS": {"host": "x"}}, "the URL sets host"),
            ({"URL": "locmem:", "OPTIONS": {"conections": 2}}, "no option conections"),
        ],
    )
    def test_that_cannot_work(self, entry: dict[str, Any], problem: str) -> None:
        with (
            settings.override(MAILERS={"bulk": entry}),
            pytest.raises(InvalidMailer, match=problem) as caught,
        ):
            _ = mailers["bulk"]
        assert "hunter2" not in str(caught.value)
        assert "MAILERS['bulk']" in str(caught.value)


def test_an_unknown_mailer_where_nothing_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    with pytest.raises(MailerDoesNotExist, match=r"directory is /, for /aerogram\.toml and /pyproject\.toml"):
        _ = mailers["bulk"]


def test_a_server_that_no_setting_names(monkeypatch: pytest.MonkeyPatch, free_port: Any) -> None:
    monkeypatch.chdir("/")
    connection = get_connection(port=free_port())
    with pytest.raises(ConnectionRefusedError, match=r"EMAIL_HOST is not set.*/aerogram\.toml"):
        EmailMessage("S", to=["a@x.org"], connection=connection).send()
