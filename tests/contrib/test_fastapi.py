"""FastAPI and Starlette: settings of the application, its templates, links from BASE_URL, and its end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jinja2
import pytest
from fastapi import BackgroundTasks, FastAPI, Request
from fastapi.templating import Jinja2Templates
from fastapi.testclient import TestClient
from pydantic import AnyUrl, BaseModel, HttpUrl, NameEmail, SecretStr
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, NoMatchFound, Route

from aerogram import Notification
from aerogram.cli import main
from aerogram.conf import settings
from aerogram.contrib import fastapi as contrib
from aerogram.contrib.fastapi import Aerogram
from aerogram.exceptions import ImproperlyConfigured, UndefinedVariableError, UnknownSetting
from aerogram.mail import EmailMessage
from aerogram.mail.backends.base import BaseEmailBackend
from aerogram.mail.delivery.async_send import THREAD_NAME, wait_for_sends
from tests.sample_mail import html_of

BASE = {"BASE_URL": "https://shop.example.com/en"}


class Booked(Notification, name="fastapi_booked"):
    subject = "Booked: {{ title | shout }}"
    html_template = "booked.html"
    to = ["ann@example.com"]
    title: str


@pytest.fixture(autouse=True)
def no_application_is_left() -> Iterator[None]:
    yield
    contrib._latest.clear()
    settings._sources.pop(contrib.SOURCE, None)


@pytest.fixture
def templates() -> Jinja2Templates:
    page = "<p>{{ title | shout }} <a href=\"{{ url_for('page', name=title) }}\">here</a></p>"
    environment = jinja2.Environment(loader=jinja2.DictLoader({"booked.html": page}), autoescape=True)
    environment.filters["shout"] = str.upper
    return Jinja2Templates(env=environment)


def application(*arguments: Any, **options: Any) -> FastAPI:
    app = FastAPI()
    Aerogram(app, *arguments, **options)

    @app.get("/pages/{name}")
    def page(name: str) -> dict[str, str]:
        return {"site": settings.SITE_NAME}

    @app.post("/book/{way}")
    async def book(way: str, request: Request, tasks: BackgroundTasks) -> str:
        mail = Booked(title=way)
        tasks.add_task(mail.asend if way == "asend" else mail.send)
        return request.url.hostname or ""

    return app


# The configuration


def test_a_dict_is_a_source_between_file_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("aerogram.toml").write_text('EMAIL_HOST = "file"\nSITE_NAME = "file"\n')
    monkeypatch.setenv("AEROGRAM_EMAIL_PORT", "2525")
    Aerogram(Starlette(), {"EMAIL_HOST": "app", "email_port": 25})
    assert (settings.EMAIL_HOST, settings.EMAIL_PORT, settings.SITE_NAME) == ("app", 2525, "file")
    assert "aerogram.contrib.fastapi" in settings.source_of("EMAIL_HOST")


def test_a_pydantic_model_with_secrets_urls_and_names() -> None:
    class Mailer(BaseModel):
        URL: SecretStr
        OPTIONS: dict[str, Any]

    class Config(BaseModel):
        database: str = "db://"
        mail_email_url: SecretStr = SecretStr("smtps://ann:s3cret@mail.example.com")
        mail_email_timeout: float | None = None
        mail_base_url: HttpUrl = HttpUrl("https://bücher.example/shop")
        mail_default_from_email: Any = NameEmail("Müller (Chef)", "m@example.com")
        mail_admins: tuple[Any, ...] = (NameEmail("Ada", "ada@example.com"), "ops@example.com")
        mail_email_capture: AnyUrl = AnyUrl("smtp://127.0.0.1:1025")
        mail_mailers: dict[str, Mailer] = {"bulk": Mailer(URL=SecretStr("smtp://b"), OPTIONS={"rate": 2})}

    Aerogram(Starlette(), Config(), prefix="mail_")
    assert (settings.EMAIL_HOST, settings.EMAIL_HOST_PASSWORD) == ("mail.example.com", "s3cret")
    assert settings.BASE_URL == "https://xn--bcher-kva.example/shop"
    assert settings.DEFAULT_FROM_EMAIL == '"Müller (Chef)" <m@example.com>'
    assert settings.ADMINS == [("Ada", "ada@example.com"), "ops@example.com"]
    assert settings.EMAIL_CAPTURE == "smtp://127.0.0.1:1025"
    assert settings.MAILERS == {"bulk": {"URL": "smtp://b", "OPTIONS": {"rate": 2}}}
    assert settings.source_of("EMAIL_TIMEOUT") == "the default"


def test_a_mistake_in_the_configuration_is_found_at_the_start() -> None:
    with pytest.raises(UnknownSetting, match=r"EMAIL_HSOT \(the configuration given to.*EMAIL_HOST"):
        Aerogram(Starlette(), {"EMAIL_HSOT": "mail.example.com"})
    with pytest.raises(ImproperlyConfigured, match="EMAIL_PORT") as refused:
        Aerogram(Starlette(), {"EMAIL_PORT": 0, "EMAIL_HOST_PASSWORD": SecretStr("s3cret")})
    assert "s3cret" not in str(refused.value)


def test_each_application_has_its_configuration_and_others_the_latest() -> None:
    one, two = application({"SITE_NAME": "One"}), application({"SITE_NAME": "Two"})
    one.mount("/two", two)
    assert settings.SITE_NAME == "Two"
    client = TestClient(one)
    assert client.get("/pages/x").json() == {"site": "One"}
    assert client.get("/two/pages/x").json() == {"site": "Two"}


def test_the_lifespan_has_the_configuration() -> None:
    seen = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        seen.append(settings.SITE_NAME)
        yield
        seen.append(settings.SITE_NAME)

    one = FastAPI(lifespan=lifespan)
    Aerogram(one, {"SITE_NAME": "One"})
    Aerogram(FastAPI(), {"SITE_NAME": "Two"})
    with TestClient(one):
        pass
    assert seen == ["One", "One"]


def test_the_worker_has_the_configuration_of_the_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (
        "from fastapi import FastAPI",
        "from aerogram.contrib.fastapi import Aerogram",
        f"Aerogram(FastAPI(), {{'outbox_url': 'sqlite:///{tmp_path}/of_the_app.db'}})",
    )
    (tmp_path / "app_with_outbox.py").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["--app", "app_with_outbox", "outbox", "init"]) == 0
    assert (tmp_path / "of_the_app.db").exists()


# Templates and links


def test_templates_and_filters_are_those_of_the_application(templates: Jinja2Templates) -> None:
    application(BASE, templates=templates)
    message = Booked(title="<x>").render()
    assert message.subject == "Booked: <X>"
    assert '&lt;X&gt; <a href="https://shop.example.com/en/pages/%3Cx%3E">' in html_of(message)
    templates.env.filters["shout"] = lambda text: f"{text}!"
    assert Booked(title="y").render().subject == "Booked: y!"
    templates.env.loader = jinja2.DictLoader({"booked.html": "{{ titel }}"})
    application(BASE, templates=templates)
    with pytest.raises(UndefinedVariableError, match=r"booked.html, line 1.*titel"):
        Booked(title="y").render()


@pytest.mark.parametrize("way", ["send", "asend"])
def test_no_link_has_the_host_of_the_request(
    way: str, templates: Jinja2Templates, mailoutbox: list[EmailMessage]
) -> None:
    client = TestClient(application(BASE, templates=templates))
    answer = client.post(f"/book/{way}", headers={"Host": "evil.example", "X-Forwarded-Host": "evil"})
    assert answer.json() == "evil.example"
    assert mailoutbox[0].links == [f"https://shop.example.com/en/pages/{way}"]


def test_url_for_builds_the_urls_of_routes() -> None:
    static = Starlette(routes=[Route("/{path}", Response(), name="file")])
    app = Starlette(
        routes=[Route("/a/{name:path}", Response(), name="page"), Mount("/static", static, name="static")]
    )
    mail = Aerogram(app, {"BASE_URL": "https://example.com:8443/"})
    assert str(mail.url_for("page", name="x/50 %?")) == "https://example.com:8443/a/x/50%20%25%3F"
    assert str(mail.url_for("page", name="x").include_query_params(token="5&f")).endswith("?token=5%26f")
    assert str(mail.url_for("static:file", path="a.png")) == "https://example.com:8443/static/a.png"
    with pytest.raises(NoMatchFound):
        mail.url_for("pgae")


def test_url_for_needs_a_base_url() -> None:
    with pytest.raises(ImproperlyConfigured, match="BASE_URL"):
        Aerogram(Starlette()).url_for("page")


# The end


class Held(BaseEmailBackend):
    """Holds each message until the test lets it go."""

    started, released = threading.Event(), threading.Event()
    sent: list[str] = []

    def send_messages(self, email_messages: Any) -> int:
        self.started.set()
        assert self.released.wait(60)
        self.sent.extend(message.subject for message in email_messages)
        return 1


async def test_the_end_waits_for_mail_that_is_being_sent() -> None:
    app = FastAPI()
    Aerogram(app, {"EMAIL_BACKEND": f"{__name__}.Held"})
    messages: asyncio.Queue[Any] = asyncio.Queue()
    answers: asyncio.Queue[Any] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    running = asyncio.create_task(app(scope, messages.get, answers.put))
    await messages.put({"type": "lifespan.startup"})
    assert (await answers.get())["type"] == "lifespan.startup.complete"

    mail = asyncio.create_task(EmailMessage("held", "", "a@example.com", ["b@example.com"]).asend())
    await messages.put({"type": "lifespan.shutdown"})
    await asyncio.to_thread(Held.started.wait, 20)
    assert answers.empty()
    Held.released.set()

    assert (await answers.get())["type"] == "lifespan.shutdown.complete"
    assert Held.sent == ["held"]
    assert await mail == 1
    await running


async def test_the_end_waits_no_longer_than_it_should() -> None:
    released = threading.Event()
    thread = threading.Thread(target=released.wait, name=THREAD_NAME)
    thread.start()
    await wait_for_sends(0.01)
    assert thread.is_alive()
    released.set()
    thread.join()


def test_without_starlette_the_error_names_the_extra() -> None:
    code = "import sys; sys.modules['starlette'] = None; import aerogram.contrib.fastapi"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'aerogram[fastapi]'" in done.stderr
