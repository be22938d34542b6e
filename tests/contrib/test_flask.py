"""Flask: settings of the current application, its templates, links from BASE_URL, and the command."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask, request
from werkzeug.routing import BuildError

from aerogram import Notification
from aerogram.conf import settings
from aerogram.contrib.flask import Aerogram, url_for
from aerogram.exceptions import ImproperlyConfigured, UndefinedVariableError, UnknownSetting
from aerogram.mail import EmailMessage, send_mail
from tests.forked_python import python
from tests.sample_mail import EXAMPLES, html_of

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c636060f8cf000002820081a2d5b3dc0000000049454e44ae426082"
)


class Booked(Notification, name="flask_booked"):
    subject = "Booked: {{ title | shout }}"
    html_template = "mail/booked.html"
    to = ["ann@example.com"]
    title: str


@pytest.fixture
def make_app(tmp_path: Path) -> Callable[..., Flask]:
    """Make an application with a page, a filter and a template of a mail."""
    folder = tmp_path / "shop" / "templates" / "mail"
    folder.mkdir(parents=True)
    (folder / "booked.html").write_text(
        "<p>{{ title | shout }} <a href=\"{{ url_for('page', name=title) }}\">here</a></p>"
    )

    def make(**config: Any) -> Flask:
        app = Flask("shop", root_path=str(tmp_path / "shop"))
        app.config["AEROGRAM_BASE_URL"] = "https://shop.example.com/en"
        app.config.update(config)
        app.add_template_filter(str.upper, "shout")
        app.add_url_rule("/pages/<name>", "page", lambda name: name)
        Aerogram(app)
        return app

    return make


def test_the_configuration_counts_in_the_context_of_its_application(make_app: Callable[..., Flask]) -> None:
    one, two = make_app(AEROGRAM_SITE_NAME="One"), make_app(AEROGRAM_SITE_NAME="Two")
    with one.app_context():
        assert settings.SITE_NAME == "One"
        with two.test_request_context():
            assert settings.SITE_NAME == "Two"
        one.config["AEROGRAM_SITE_NAME"] = "Changed"
        assert settings.SITE_NAME == "Changed"
        assert settings.source_of("SITE_NAME") == 'app.config["AEROGRAM_<NAME>"] of Flask'
    assert settings.SITE_NAME == ""
    with Flask("without").app_context():
        assert settings.SITE_NAME == ""


def test_the_configuration_lies_between_file_and_environment(
    make_app: Callable[..., Flask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("aerogram.toml").write_text('EMAIL_HOST = "file"\nSITE_NAME = "file"\n')
    monkeypatch.setenv("AEROGRAM_EMAIL_PORT", "2525")
    with make_app(AEROGRAM_EMAIL_HOST="app", AEROGRAM_EMAIL_PORT=25).app_context():
        assert (settings.EMAIL_HOST, settings.EMAIL_PORT, settings.SITE_NAME) == ("app", 2525, "file")


def test_a_mistake_in_the_configuration_is_found_at_the_start(make_app: Callable[..., Flask]) -> None:
    with pytest.raises(UnknownSetting, match=r'EMAIL_HSOT \(app.config\["AEROGRAM_<NAME>"\].*EMAIL_HOST'):
        make_app(AEROGRAM_EMAIL_HSOT="mail.example.com")
    with pytest.raises(ImproperlyConfigured, match="EMAIL_PORT") as refused:
        make_app(AEROGRAM_EMAIL_PORT=0, AEROGRAM_EMAIL_HOST_PASSWORD="s3cret")
    assert "s3cret" not in str(refused.value)


def test_paths_are_relative_to_the_application(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    app = make_app(AEROGRAM_TEMPLATE_DIRS=["mail", "/srv/mail"], AEROGRAM_EMAIL_FILE_PATH="sent")
    with app.app_context():
        assert [str(tmp_path / "shop/mail"), "/srv/mail"] == settings.TEMPLATE_DIRS
        assert str(tmp_path / "shop/sent") == settings.EMAIL_FILE_PATH


def test_templates_and_filters_are_those_of_the_application(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    with app.app_context():
        message = Booked(title="<x>").render()
        assert message.subject == "Booked: <X>"
        assert '&lt;X&gt; <a href="https://shop.example.com/en/pages/%3Cx%3E">' in html_of(message)
        app.template_filter("shout")(lambda text: f"{text}!")
        assert Booked(title="<y>").render().subject == "Booked: <y>!"
    assert app.jinja_env.globals["url_for"] == app.url_for


def test_each_application_has_templates_of_its_own(make_app: Callable[..., Flask]) -> None:
    one, two = make_app(), make_app(AEROGRAM_BASE_URL="https://two.example.com")
    two.add_template_filter(str.lower, "shout")
    for app, subject, host in (
        (one, "Booked: X", "shop.example.com/en"),
        (two, "Booked: x", "two.example.com"),
    ):
        with app.app_context():
            message = Booked(title="X").render()
        assert (message.subject, message.links) == (subject, [f"https://{host}/pages/X"])


def test_undefined_variables_are_errors(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    app = make_app()
    (tmp_path / "shop/templates/mail/booked.html").write_text("{{ titel }}")
    with app.app_context(), pytest.raises(UndefinedVariableError, match=r"mail/booked.html, line 1.*titel"):
        Booked(title="x").render()


def test_images_and_templates_of_a_blueprint(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    app, folder = make_app(), tmp_path / "blog"
    (folder / "mail").mkdir(parents=True)
    (folder / "mail/comment.html").write_text('<p><img src="{{ inline_image("mail/logo.png") }}" alt=""></p>')
    (folder / "mail/logo.png").write_bytes(PIXEL)
    app.register_blueprint(Blueprint("blog", "blog", root_path=str(tmp_path), template_folder="blog"))

    class Comment(Notification, name="flask_comment"):
        subject = "A comment"
        html_template = "mail/comment.html"
        to = ["ann@example.com"]

    with app.app_context():
        message = Comment().render()
    assert message.attachments[0].get_payload(decode=True) == PIXEL


def test_no_link_has_the_host_of_the_request(
    make_app: Callable[..., Flask], mailoutbox: list[EmailMessage]
) -> None:
    app = make_app()

    @app.post("/book")
    def book() -> str:
        Booked(title="x").send()
        assert request.host == "evil.example"
        return url_for("page", name="x", _external=True)

    answer = app.test_client().post("/book", headers={"Host": "evil.example", "X-Forwarded-Host": "evil"})
    assert answer.text == "https://shop.example.com/en/pages/x"
    assert mailoutbox[0].links == ["https://shop.example.com/en/pages/x"]


def test_url_for_builds_what_flask_builds(make_app: Callable[..., Flask]) -> None:
    app = make_app(AEROGRAM_BASE_URL="https://example.com")
    app.add_url_rule("/<lang>/about", "about", str)
    app.add_url_rule("/", "blog", str, subdomain="blog")
    app.url_defaults(lambda endpoint, values: endpoint == "about" and values.setdefault("lang", "de"))
    with app.app_context():
        assert url_for("page", name="a b", q="ü", _anchor="top x") == (
            "https://example.com/pages/a%20b?q=%C3%BC#top%20x"
        )
        assert url_for("about") == "https://example.com/de/about"
        assert url_for("blog") == "https://blog.example.com/"
        assert url_for("static", filename="logo.png") == "https://example.com/static/logo.png"
        with pytest.raises(BuildError, match="pgae"):
            url_for("pgae")
        app.handle_url_build_error = lambda _error, endpoint, values: f"/{endpoint}?{values['q']}"  # type: ignore[method-assign] # a test may
        assert url_for("elsewhere", q=1) == "/elsewhere?1"


def test_url_for_needs_a_base_url(make_app: Callable[..., Flask]) -> None:
    app = make_app(AEROGRAM_BASE_URL="", SERVER_NAME="shop.example.com")
    with app.test_request_context(), pytest.raises(ImproperlyConfigured, match="AEROGRAM_BASE_URL"):
        url_for("page", name="x")


def test_threads_and_tasks_keep_the_configuration(make_app: Callable[..., Flask]) -> None:
    app = make_app(AEROGRAM_EMAIL_URL="locmem:", AEROGRAM_DEFAULT_FROM_EMAIL="shop@example.com")
    with app.app_context():
        asyncio.run(Booked(title="in a task").asend())

    def send() -> None:
        with app.app_context():
            send_mail("in a thread", "", None, ["ann@example.com"])

    thread = threading.Thread(target=send)
    thread.start()
    thread.join()
    from aerogram.mail import outbox

    assert [(message.subject, message.from_email) for message in outbox] == [
        ("Booked: IN A TASK", "shop@example.com"),
        ("in a thread", "shop@example.com"),
    ]


def test_the_command_runs_in_the_application(make_app: Callable[..., Flask]) -> None:
    run = make_app(AEROGRAM_NOTIFICATION_MODULES=[__name__]).test_cli_runner().invoke
    listed = run(args=["aerogram", "list"])
    assert listed.exit_code == 0
    assert "flask_booked\tBooked" in listed.output
    assert run(args=["aerogram", "send", "flask_booked"]).exit_code == 2
    assert run(args=["aerogram", "--help"]).exit_code == 0


def test_the_command_says_what_is_wrong_with_the_settings(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEROGRAM_EMAIL_PORT", "x")
    done = make_app().test_cli_runner().invoke(args=["aerogram", "list"])
    assert done.exit_code == 1
    assert "Error: EMAIL_PORT (environment variable AEROGRAM_EMAIL_PORT)" in done.output


def test_without_flask_the_error_names_the_extra() -> None:
    code = "import sys; sys.modules['flask'] = None; import aerogram.contrib.flask"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'aerogram[flask]'" in done.stderr


def test_the_studio_runs_in_the_application() -> None:
    """Its process is another one, and the example's notifications are found without a setting."""
    command = "-m flask --app club aerogram studio --no-open --port 0"
    with subprocess.Popen(
        python("-u", *command.split()),
        cwd=EXAMPLES / "flask_club",
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as studio:
        try:
            assert studio.stdout is not None
            address = re.search(r"http://\S+/", studio.stdout.readline())
            assert address
            url = f"{address[0]}n/sign_in_link/a%20member/text"
            with urllib.request.urlopen(url, timeout=60) as answer:
                assert "http://127.0.0.1:5000/sign-in/ImFubiI.aP3xYw" in answer.read().decode()
        finally:
            studio.send_signal(signal.SIGINT)
