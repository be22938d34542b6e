"""The Django integration: each test is a program of its own, in a small project of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.forked_python import python

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "django_shop"

SETTINGS = """
SECRET_KEY = "x"
USE_TZ = True
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["aerogram.contrib.django", "shop"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
AEROGRAM = {"BASE_URL": "https://shop.example.com"}
"""
NOTIFICATIONS = """
from typing import Any
from aerogram import Notification
class Welcome(Notification):
    subject = "Welcome, {{ name }}"
    text_template = "shop/welcome.txt"
    to = ["ann@x.org"]
    name: Any = "Ann"
    @classmethod
    def samples(cls): return {"ann": cls()}
"""
URLS = """
from django.urls import path
urlpatterns = [path("orders/<int:number>/", print, name="order"), path("", print, name="home")]
"""
PRELUDE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "project"
import django
django.setup()
import pytest
from django.core import mail as theirs
from django.conf import settings as djangos
from django.core.management import call_command
from django.test import modify_settings, override_settings
from django.test.utils import setup_test_environment, teardown_test_environment
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy
from aerogram import mail
from aerogram.conf import settings
from aerogram.exceptions import *
from aerogram.mail import EmailMessage, mailers
from shop.notifications import Welcome
OURS = "aerogram.contrib.django.EmailBackend"
LOCMEM = "django.core.mail.backends.locmem.EmailBackend"
"""


class Project:
    """The files of a project, in which programs run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("project.py", SETTINGS)
        self.write("urls.py", URLS)
        self.write("shop/__init__.py", "")
        self.write("shop/notifications.py", NOTIFICATIONS)
        self.write("shop/templates/shop/welcome.txt", "Dear {{ name }}")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))

    def set(self, text: str) -> None:
        """Add settings."""
        path = self.folder / "project.py"
        path.write_text(path.read_text() + textwrap.dedent(text))

    def assert_passes(self, code: str, **environment: str) -> None:
        """Run a program, all of whose assertions must hold."""
        self.python("-c", PRELUDE + textwrap.dedent(code), **environment)

    def python(self, *arguments: str, status: int = 0, **environment: str) -> str:
        done = subprocess.run(
            python("-W", "error", *arguments),
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**os.environ, **environment},
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


# The example


@pytest.fixture
def example(tmp_path: Path) -> Project:
    project = object.__new__(Project)
    ignored = shutil.ignore_patterns("__pycache__", "*.sqlite3")
    project.folder = Path(shutil.copytree(EXAMPLE, tmp_path / "django_shop", ignore=ignored))
    return project


def test_the_example_passes_its_own_tests(example: Project) -> None:
    assert "no issues" in example.python("manage.py", "check", "--fail-level", "WARNING")
    said = example.python("manage.py", "test")
    assert "\nOK\n" in said


def test_the_command_of_the_example(example: Project) -> None:
    assert "no errors, no warnings" in example.python("manage.py", "aerogram", "check")
    sent = example.python("manage.py", "aerogram", "send", "order_received", "--to", "me@example.com")
    assert "https://halyard.example/orders/7/" in sent.replace("=\n", "")


# Settings


def test_shared_settings_are_those_that_the_project_has_set(project: Project) -> None:
    project.set("""
        from django.utils.translation import gettext_lazy
        EMAIL_HOST = "mail.example.com"
        EMAIL_PORT = "587"
        EMAIL_TIMEOUT = 5
        ADMINS = (("Ada", "ada@x.org"),)
        DEFAULT_FROM_EMAIL = "Shop <shop@x.org>"
        AEROGRAM = {"SITE_NAME": gettext_lazy("Yes"), "TEXT_WIDTH": 60}
    """)
    project.write("aerogram.toml", 'EMAIL_HOST = "weaker.example.com"\nFEEDBACK_SENDER_ID = "shop"\n')
    project.assert_passes(
        """
        assert (settings.EMAIL_HOST, settings.EMAIL_PORT) == ("mail.example.com", 587)
        assert settings.EMAIL_TIMEOUT == 5
        assert settings.ADMINS == [("Ada", "ada@x.org")]
        assert EmailMessage().from_email == "Shop <shop@x.org>"
        assert settings.TEXT_WIDTH == 60
        assert settings.FEEDBACK_SENDER_ID == "shop"
        assert settings.EMAIL_SUBJECT_PREFIX == "[Aerogram] "  # Django's default is no setting of the project
        assert settings.SERVER_EMAIL == "environment@x.org"
        assert settings.SITE_NAME == "Yes"
        with translation.override("de"):
            assert settings.SITE_NAME == "Ja"
        with settings.override(EMAIL_HOST="strongest.example.com"):
            assert settings.EMAIL_HOST == "strongest.example.com"
        assert settings.source_of("EMAIL_HOST") == "the settings of the Django project"
        assert settings.source_of("TEXT_WIDTH") == "AEROGRAM in the settings of the Django project"
        """,
        AEROGRAM_SERVER_EMAIL="environment@x.org",
    )


def test_changes_of_a_test_count_at_once(project: Project) -> None:
    project.set('ADMINS = [("Ada", "ada@x.org")]\nEMAIL_HOST = "mail.example.com"\n')
    project.assert_passes(
        """
        changed = {"EMAIL_PORT": 2525, "EMAIL_SUBJECT_PREFIX": "[Django] ", "AEROGRAM": {"SITE_NAME": "Shop"}}
        with override_settings(**changed):
            assert (settings.EMAIL_PORT, settings.SITE_NAME, settings.BASE_URL) == (2525, "Shop", "")
            assert settings.EMAIL_SUBJECT_PREFIX == "[Django] "
            with override_settings(EMAIL_PORT=25):
                assert settings.EMAIL_PORT == 25
            with override_settings():
                del djangos.EMAIL_HOST
                del djangos.AEROGRAM
                assert (settings.EMAIL_HOST, settings.SITE_NAME) == ("localhost", "")
        assert (settings.EMAIL_PORT, settings.BASE_URL) == (25, "https://shop.example.com")
        with modify_settings(ADMINS={"append": "bob@x.org"}):
            assert settings.ADMINS == [("Ada", "ada@x.org"), "bob@x.org"]
        djangos.ADMINS.append("eve@x.org")
        assert settings.ADMINS == [("Ada", "ada@x.org"), "eve@x.org"]
        djangos.AEROGRAM["SITE_NAME"] = "Changed"
        assert settings.SITE_NAME == "Changed"
        djangos.EMAIL_HOST_USER = "ann"
        assert settings.EMAIL_HOST_USER == "ann"
        for wrong, text in (
            (
                {"AEROGRAM": {"SITE_NAM": "x"}},
                "no setting SITE_NAM (AEROGRAM in the settings of the Django project). Did you mean",
            ),
            ({"EMAIL_PORT": "x"}, "EMAIL_PORT (the settings of the Django project)"),
            ({"AEROGRAM": ["SITE_NAME"]}, "a value of type list is not accepted"),
        ):
            with override_settings(**wrong), pytest.raises(ImproperlyConfigured) as caught:
                settings.EMAIL_PORT
            assert text in str(caught.value)
        """
    )


def test_without_a_project_nothing_is_read(tmp_path: Path) -> None:
    code = """
        import aerogram.contrib.django.source as source
        source.add_sources()
        from aerogram.conf import settings
        assert settings.EMAIL_HOST == "localhost"
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)], cwd=tmp_path, check=False
    )
    assert done.returncode == 0


# Where mail goes


def test_mail_goes_where_django_sends_its_own(project: Project) -> None:
    project.assert_passes(
        """
        PATH = "aerogram.mail.backends.django.EmailBackend"
        assert settings.EMAIL_BACKEND == PATH
        assert mailers.default.backend == "django.core.mail.backends.smtp.EmailBackend"
        with override_settings(EMAIL_BACKEND=LOCMEM):
            Welcome().send()
            theirs.send_mail("Hi", "x", None, ["ann@x.org"])
        assert [each.subject for each in theirs.outbox] == ["Welcome, Ann", "Hi"]
        with override_settings(AEROGRAM={"EMAIL_URL": "locmem:"}):
            Welcome().send()
        with override_settings(EMAIL_BACKEND=OURS):
            assert settings.EMAIL_BACKEND == "aerogram.mail.backends.smtp.EmailBackend"
        with override_settings(EMAIL_BACKEND=OURS, AEROGRAM={"EMAIL_URL": "locmem:"}):
            Welcome().send()
            theirs.send_mail("Hi", "x", None, ["ann@x.org"], html_message="<p>x")
            connection = theirs.get_connection(fail_silently=True, username="ann")
            connection.send_messages([theirs.EmailMessage("b", "x", None, ["ann@x.org"])])
        assert [each.subject for each in mail.outbox] == ["Welcome, Ann", "Welcome, Ann", "Hi", "b"]
        with override_settings(EMAIL_BACKEND="aerogram.mail.backends.locmem.EmailBackend"):
            Welcome().send()
            theirs.send_mail("Hi", "x", None, ["ann@x.org"])
        assert len(mail.outbox) == 6
        """
    )


def test_mail_does_not_go_in_a_circle(project: Project) -> None:
    project.set("""
        EMAIL_BACKEND = "aerogram.contrib.django.EmailBackend"
        AEROGRAM = {"EMAIL_BACKEND": "aerogram.mail.backends.django.EmailBackend"}
    """)
    project.assert_passes(
        """
        for send in (Welcome().send, lambda: theirs.send_mail("Hi", "x", None, ["ann@x.org"])):
            with pytest.raises(ImproperlyConfigured, match="in a circle"):
                send()
        from django.core.checks import run_checks
        (found,) = run_checks(tags=["aerogram"])
        assert (found.id, "in a circle" in found.msg) == ("aerogram.E002", True)
        """
    )


def test_in_tests_all_mail_is_in_the_outbox_of_django(project: Project) -> None:
    project.set("""
        EMAIL_BACKEND = "aerogram.contrib.django.EmailBackend"
        AEROGRAM = {
            "EMAIL_URL": "smtp://nowhere.invalid", "EMAIL_CAPTURE": "smtp://catcher.invalid",
            "MAILERS": {"bulk": {"URL": "smtp://nowhere.invalid"}},
        }
        ADMINS = [("Ops", "ops@x.org")]
    """)
    project.assert_passes(
        """
        import threading
        from concurrent.futures import ThreadPoolExecutor
        from aerogram.testing import assert_mail_sent, capture_mail
        lock = Welcome.lock = threading.Lock()  # nothing that can be copied
        setup_test_environment(debug=False)
        Welcome().send()
        Welcome().send(using="bulk")
        with ThreadPoolExecutor() as pool:
            pool.submit(Welcome().send).result()
        mail.send_mass_mail([Welcome(), ("a", "b", None, ["ann@x.org"])])
        mail.mail_admins("Help", "x")
        theirs.mail_admins("Help", "x")
        subjects = ["Welcome, Ann"] * 4 + ["a", "[Aerogram] Help", "[Django] Help"]
        assert [each.subject for each in theirs.outbox] == subjects
        assert all(isinstance(each, theirs.EmailMultiAlternatives) for each in theirs.outbox)
        message = assert_mail_sent(Welcome, to="ann@x.org", subject="Welcome, Ann", count=4)
        assert message.sees("Dear Ann")
        assert message.notification.lock is lock
        assert_mail_sent(subject="[Django] Help")
        with pytest.raises(AssertionError, match="No mail matches"):
            assert_mail_sent(Welcome, to="bob@x.org")
        with capture_mail() as captured:
            Welcome().send()
        assert_mail_sent(Welcome, messages=captured)
        assert len(theirs.outbox) == 7
        with override_settings(EMAIL_BACKEND=OURS, AEROGRAM={"EMAIL_URL": "locmem:"}):
            theirs.send_mail("Hi", "x", None, ["ann@x.org"])
        assert len(mail.outbox) == 1
        teardown_test_environment()
        assert mailers.default.host == "nowhere.invalid"
        """
    )


def test_each_backend_sends_messages_of_django(project: Project) -> None:
    project.assert_passes(
        """
        import io
        from django.utils.module_loading import import_string
        from aerogram.testing import FaultyServer, capture_mail

        def message(connection):
            made = theirs.EmailMultiAlternatives(
                "Grüße", "Text\\nFrom ü", "Jörg <me@x.org>", ["Ann <ann@x.org>"], bcc=["eve@x.org"],
                headers={"X-Order": "7"}, attachments=[("a.csv", "a,ü", "text/csv"), ("b", b"\\0", None)],
                connection=connection,
            )
            made.attach_alternative("<p>Grüße", "text/html")
            return made

        with FaultyServer() as server:
            djangos.AEROGRAM["MAILERS"] = {
                "smtp": {"URL": f"smtp://{server.host}:{server.port}"}, "locmem": {"URL": "locmem:"}
            }
            for name, options in (
                ("smtp", {"host": server.host, "port": server.port}),
                ("console", {"stream": io.StringIO()}),
                ("filebased", {"file_path": "."}),
                ("locmem", {}),
                ("dummy", {}),
                ("failover", {"mailers": ["smtp", "locmem"]}),
                ("roundrobin", {"mailers": ["smtp", "locmem"]}),
                ("redirect", {"mailer": "smtp", "to": ["z@x.org"]}),
                ("redirect", {"mailer": "smtp", "allow": ["*@x.org"]}),
                ("fuse", {"mailer": "smtp"}),
                ("django", {"backend": LOCMEM}),
            ):
                before = len(server.messages)
                path = f"aerogram.mail.backends.{name}.EmailBackend"
                backend = import_string(path)(fail_silently=False, **options)
                assert message(backend).send() == 1, name
                assert backend.send_messages([message(None), message(backend)]) == 2, name
                for each in server.messages[before:]:
                    assert b"Subject: =?utf-8?b?R3LDvMOfZQ==?=" in each.content
                    assert b"X-Order: 7" in each.content
                    assert b"eve@x.org" not in each.content or "to" in options
                with capture_mail() as captured:
                    assert message(backend).send() == 1, name
                assert [each.subject for each in captured] == ["Grüße"], name
                with pytest.raises(ValueError):
                    theirs.EmailMessage("a\\nb", "x", None, ["ann@x.org"], connection=backend).send()
            assert len(server.messages) >= 12
            assert len(mail.outbox) >= 3
            assert len(theirs.outbox) == 3
        """
    )


def test_the_mail_about_an_error_shows_no_password(project: Project) -> None:
    project.set("""
        ADMINS = [("Ops", "ops@x.org")]
        AEROGRAM = {
            "EMAIL_URL": "smtps://shop:hunter2@x.org", "MAILERS": {"bulk": {"URL": "smtps://shop:hunter2@x.org"}},
            "BASE_URL": "https://shop.example.com",
        }
    """)
    project.assert_passes(
        """
        import logging
        from django.utils.log import AdminEmailHandler
        from django.views.debug import ExceptionReporter
        with override_settings(EMAIL_BACKEND=LOCMEM):
            handler = AdminEmailHandler(include_html=True)
            try:
                raise ValueError("broken")
            except ValueError:
                handler.handle(logging.makeLogRecord({"exc_info": sys.exc_info(), "levelname": "ERROR"}))
        text, page = theirs.outbox[0].body, theirs.outbox[0].alternatives[0][0]
        for report in (text, page):
            assert "shop.example.com" in report and "ValueError" in report
            assert "hunter2" not in report
        """
    )


# Templates


def test_templates_are_found_where_django_finds_them(project: Project) -> None:
    project.set("""
        TEMPLATES = [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": ["own"],
                "OPTIONS": {"loaders": [("django.template.loaders.cached.Loader", [
                    "django.template.loaders.filesystem.Loader",
                    "django.template.loaders.app_directories.Loader",
                    ("django.template.loaders.locmem.Loader", {"shop/memory.txt": "Kept, {{ name }}"}),
                ])]},
            },
            {
                "BACKEND": "django.template.backends.jinja2.Jinja2", "APP_DIRS": True,
                "OPTIONS": {"environment": "shop.jinja.environment"},
            },
        ]
        AEROGRAM = {
            "TEMPLATE_DIRS": ["first"], "TEMPLATE_GLOBALS": {"shop": len}, "BASE_URL": "https://shop.example.com"
        }
    """)
    project.write("shop/jinja2/shop/jinja.txt", "{{ name|shout }} {{ url('home') }}")
    project.write(
        "own/shop/welcome.txt", "{% extends 'base.txt' %}{% block a %}Own {{ shop('abc') }}{% endblock %}"
    )
    project.write("shop/templates/base.txt", "Base: {% block a %}{% endblock %}")
    project.write(
        "shop/jinja.py",
        """
        import jinja2
        def environment(**options):
            made = jinja2.Environment(**options)
            made.filters["shout"] = str.upper
            made.globals["url"] = "not absolute"
            return made
    """,
    )
    project.assert_passes(
        """
        def text(template):
            class Other(Welcome, name=template.replace("/", "").replace(".", "")):
                text_template = template
            return Other().render().body
        assert text("shop/welcome.txt") == "Base: Own 3"
        assert text("shop/memory.txt") == "Kept, Ann"
        assert text("shop/jinja.txt") == "ANN https://shop.example.com/"
        os.makedirs("first/shop")
        with open("first/shop/first.txt", "w") as file:
            file.write("First")
        assert text("shop/first.txt") == "First"
        with pytest.raises(TemplateNotFound, match="own"):
            text("shop/nothing.txt")
        loaders = [("django.template.loaders.locmem.Loader", {"shop/test.txt": "Of a test"})]
        backend = "django.template.backends.django.DjangoTemplates"
        with override_settings(TEMPLATES=[{"BACKEND": backend, "OPTIONS": {"loaders": loaders}}]):
            assert text("shop/test.txt") == "Of a test"
        with pytest.raises(TemplateNotFound):
            text("shop/test.txt")
        """
    )


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{% load i18n %}", "leave it out"),
        ("{{ name|default:'x' }}", "{{ value|filter(argument) }}"),
        ("{% url 'home' %}", "write {{ url('name', …) }}"),
        ("{% trans 'Hello' %}", "{{ _('…') }}"),
        ("{% for x in [] %}{% empty %}{% endfor %}", "write {% else %}"),
        ("{% include 'a' with b=c %}", "write {% with … %}"),
    ],
)
def test_a_template_of_djangos_language_is_refused_with_advice(source: str, text: str) -> None:
    from jinja2 import DictLoader

    from aerogram import Notification, Renderer, checks
    from aerogram.exceptions import TemplateSyntaxError

    class OfDjango(Notification):
        subject = "x"
        text_template = "a.txt"
        renderer = Renderer(loader=DictLoader({"a.txt": source}))
        to = ["ann@example.com"]

    with pytest.raises(TemplateSyntaxError, match=r"a\.txt, line 1.*Django's template language") as caught:
        OfDjango().render()
    assert text in str(caught.value)
    assert any(text in problem.message for problem in checks.check([OfDjango]))


def test_links_come_from_the_base_url_and_not_from_the_request(project: Project) -> None:
    project.write("shop/templates/shop/welcome.txt", "{{ url('order', 7) }} {{ url('order', number=8) }}")
    project.assert_passes(
        """
        from django.test import RequestFactory
        from django.urls import get_script_prefix, set_script_prefix, NoReverseMatch
        from aerogram.contrib.django import url
        both = "https://shop.example.com/orders/7/ https://shop.example.com/orders/8/"
        assert Welcome().render().body == both
        set_script_prefix("/forged/")
        assert Welcome().render().body == both
        assert get_script_prefix() == "/forged/"
        with override_settings(AEROGRAM={"BASE_URL": "https://example.com/shop/"}):
            assert url("order", 7) == "https://example.com/shop/orders/7/"
        with override_settings(AEROGRAM={}), pytest.raises(ImproperlyConfigured, match="needs BASE_URL"):
            url("home")
        with pytest.raises(NoReverseMatch):
            url("nothing")
        with override_settings(AEROGRAM={"BASE_URL": "https://x.org", "TEMPLATE_GLOBALS": ["os.path.join"]}):
            assert Welcome().render().body == "https://x.org/orders/7/ https://x.org/orders/8/"
        """
    )


# Languages


def test_mail_has_the_active_language_and_time_zone_or_its_own(project: Project) -> None:
    project.set('USE_I18N = True\nTIME_ZONE = "Europe/Berlin"\n')
    project.write(
        "shop/templates/shop/welcome.txt", "{{ name }} {{ when|time }} {% trans %}Parcel{% endtrans %}"
    )
    project.write(
        "shop/locale/de/LC_MESSAGES/django.po",
        """
        msgid ""
        msgstr "Content-Type: text/plain; charset=utf-8"
        msgid "Parcel"
        msgstr "Paket"
    """,
    )
    project.assert_passes(
        """
        import asyncio
        from datetime import datetime, UTC
        from zoneinfo import ZoneInfo
        from babel.messages import mofile, pofile
        folder = "shop/locale/de/LC_MESSAGES/django."
        with open(folder + "po", "rb") as source, open(folder + "mo", "wb") as target:
            mofile.write_mo(target, pofile.read_po(source))

        class Parcel(Welcome):
            subject = gettext_lazy("Yes")
            from_email = (gettext_lazy("Yes"), "shop@x.org")
            def context(self):
                return {"name": gettext_lazy("Yes"), "when": datetime(2026, 5, 13, 9, 30, tzinfo=UTC)}

        class Attached(Parcel):
            attachments = [(gettext_lazy("Yes"), gettext_lazy("No"), "text/plain")]

        class German(Parcel):
            locale = "de"
            timezone = "Asia/Tokyo"

        def seen(kind):
            message = kind().render()
            language = message.extra_headers["Content-Language"]
            return message.body.replace("\\u202f", " "), language, message.subject, message.from_email

        assert seen(Parcel) == ("Yes 11:30 AM Parcel", "en", "Yes", ("Yes", "shop@x.org"))
        with translation.override("de"), timezone.override("UTC"):
            assert seen(Parcel) == ("Ja 09:30 Paket", "de", "Ja", ("Ja", "shop@x.org"))
        with translation.override("fr"):
            assert seen(German) == ("Ja 18:30 Paket", "de", "Ja", ("Ja", "shop@x.org"))
            assert translation.get_language() == "fr"
            assert timezone.get_current_timezone_name() == "Europe/Berlin"
        with override_settings(EMAIL_BACKEND=LOCMEM), translation.override("de"):
            asyncio.run(Parcel().asend())
            Parcel(name="Ann").send()
        assert [each.subject for each in theirs.outbox] == ["Ja", "Ja"]
        def in_the_language_of_each_reader():
            for language in ("de", "en", "de"):
                with translation.override(language):
                    yield Parcel()
        theirs.outbox.clear()
        with override_settings(EMAIL_BACKEND=LOCMEM):
            mail.send_mass_mail(in_the_language_of_each_reader())
        assert [each.subject for each in theirs.outbox] == ["Ja", "Yes", "Ja"]
        assert [each.extra_headers["Content-Language"] for each in theirs.outbox] == ["de", "en", "de"]
        with translation.override("de"):
            written = Parcel(name=gettext_lazy("Yes")).to_dict()
            attached = Attached().render().attachments[0]
        assert written["fields"]["name"] == "Ja"
        assert (attached.filename, attached.content) == ("Ja", "Nein")
        with translation.override("xx"), timezone.override(timezone.get_fixed_timezone(90)):
            assert (settings.LOCALE, settings.TIMEZONE) == ("", "UTC")
        with override_settings(USE_TZ=False):
            assert settings.TIMEZONE == "UTC"
        with override_settings(AEROGRAM={"LOCALE": "de", "TIMEZONE": "UTC"}):
            assert seen(Parcel)[0] == "Ja 09:30 Paket"
        """
    )


# Checks and the command


def test_findings_are_system_checks(project: Project) -> None:
    project.write(
        "shop/notifications.py",
        NOTIFICATIONS
        + """
class Broken(Welcome):
    text_template = "shop/missing.txt"
class NeedsTables(Welcome):
    def context(self):
        from django.db import OperationalError
        raise OperationalError("no such table: orders")
class NoSamples(Welcome):
    @classmethod
    def samples(cls): return {}
""",
    )
    project.assert_passes(
        """
        from django.apps import apps
        from django.core import checks
        found = checks.run_checks(tags=["aerogram"])
        known = {(each.id, each.level, each.obj.rpartition(", ")[2]) for each in found}
        assert known == {
            ("aerogram.E005", checks.ERROR, "broken"),
            ("aerogram.W019", checks.WARNING, "needs_tables"),
            ("aerogram.W017", checks.WARNING, "no_samples"),
        }, known
        (broken,) = (each for each in found if each.level == checks.ERROR)
        assert "shop/missing.txt" in broken.msg and "[template-missing]" in broken.msg
        assert "notifications.py:" in broken.obj
        assert not broken.is_silenced()
        with override_settings(SILENCED_SYSTEM_CHECKS=["aerogram.E005"]):
            assert broken.is_silenced()
        assert checks.run_checks(tags=["aerogram"], app_configs=[apps.get_app_config("aerogram")]) == []
        assert len(checks.run_checks(tags=["aerogram"], app_configs=[apps.get_app_config("shop")])) == 3
        with override_settings(AEROGRAM={"SITE_NAM": "x"}):
            (wrong,) = checks.run_checks(tags=["aerogram"])
            assert wrong.id == "aerogram.E001" and "SITE_NAME" in wrong.msg
        with override_settings(AEROGRAM={"MAILERS": {"bulk": {}}}):
            assert "aerogram.E002" in [each.id for each in checks.run_checks(tags=["aerogram"])]
        """
    )


def test_each_rule_has_a_number_of_its_own() -> None:
    from aerogram.checks.rules import RULES
    from aerogram.contrib.django.checks import CODES

    assert set(CODES) - RULES.keys() == {"settings", "mailer"}
    assert len(CODES) == len(set(CODES))


def test_the_command_can_be_called(project: Project) -> None:
    project.assert_passes(
        """
        from io import StringIO
        from django.core.management import CommandError
        out = StringIO()
        call_command("aerogram", "list", stdout=out)
        assert out.getvalue().startswith("welcome\\tWelcome\\t")
        out = StringIO()
        call_command("aerogram", "--app", "shop.notifications", "preview", "--out", "previews", stdout=out)
        assert os.path.isfile("previews/index.html")
        with pytest.raises(CommandError, match="exit status 2") as caught:
            call_command("aerogram", "send", "nothing", "--to", "a@x.org", stderr=StringIO())
        assert caught.value.returncode == 2
        """
    )
