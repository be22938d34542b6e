"""Aerogram in FastAPI and Starlette: settings, templates of the application, links from ``BASE_URL``.

>>> from fastapi import FastAPI
>>> app = FastAPI()
>>> mail = Aerogram(app, {"EMAIL_URL": "locmem:"})
>>> settings.EMAIL_BACKEND
'aerogram.mail.backends.locmem.EmailBackend'
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote

import jinja2
from pydantic import BaseModel, NameEmail

from aerogram.conf import settings
from aerogram.conf.layers import Layer
from aerogram.exceptions import ImproperlyConfigured, MissingDependency
from aerogram.mail.delivery.async_send import wait_for_sends

try:
    from starlette.datastructures import URL
except ImportError:
    raise MissingDependency(
        "aerogram.contrib.fastapi needs Starlette, which is not installed: pip install 'aerogram[fastapi]'."
    ) from None

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.templating import Jinja2Templates
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Aerogram"]

SOURCE: Final = "the configuration given to aerogram.contrib.fastapi.Aerogram"


class Aerogram:
    """Connects an application to Aerogram: settings, templates, links, and a shutdown that waits for mail.

    The configuration is a source of settings, between the environment variables and the settings file. It
    applies to requests, background tasks and the lifespan of the application. Where no application runs, as
    in a script, that of the latest ``Aerogram`` applies.

    Args:
        app: a FastAPI or Starlette application that has not started.
        config: settings by name, as a dict or a pydantic model. Names may be in lower case. In a model,
            ``None`` means that the setting is not given; secrets, URLs and ``NameEmail`` are accepted.
        prefix: read only names with this prefix, such as ``"mail_"``; by default, every name is a setting.
        templates: the templates of the application; mails use their loader, filters and globals, too.
        shutdown_timeout: how many seconds the shutdown waits for mail that is being sent.

    Raises:
        ImproperlyConfigured: ``config`` has an unknown name or an invalid value.
    """

    def __init__(
        self,
        app: Starlette,
        config: Mapping[str, Any] | BaseModel | None = None,
        *,
        prefix: str = "",
        templates: Jinja2Templates | None = None,
        shutdown_timeout: float = 30.0,
    ) -> None:
        self.app: Starlette = app
        self.shutdown_timeout: float = shutdown_timeout
        given = templates.env if templates else jinja2.Environment(autoescape=True)
        environment = given.overlay()
        environment.globals = cast("dict[str, Any]", ChainMap({"url_for": self.url_for}, given.globals))
        values = _values(config or {}, prefix)
        Layer.checked(values, SOURCE)
        self._settings: dict[str, Any] = {"TEMPLATE_ENVIRONMENT": environment, **values}
        app.add_middleware(_InApplication, aerogram=self)
        _latest[:] = [self]
        settings.add_source(SOURCE, _of_current_application)

    def url_for(self, name: str, /, **path_params: Any) -> URL:
        """Return the absolute URL of a route, below the setting ``BASE_URL``.

        It never depends on a request, whose client chooses the Host header and with it the host of the URLs
        that ``request.url_for`` returns. In mail templates, ``url_for`` is this method.

        Args:
            name: the name of the route.
            path_params: the parameters of its path. To add a query, call ``include_query_params()`` on the
                result.

        Raises:
            ImproperlyConfigured: ``BASE_URL`` is not set.
            starlette.routing.NoMatchFound: there is no such route, or it has other parameters.
        """
        if not settings.BASE_URL:
            raise ImproperlyConfigured(
                "url_for() in a mail needs the setting BASE_URL, as a request may name any host. Give "
                'Aerogram(app, {"BASE_URL": "https://www.example.com"}).'
            )
        encoded = {
            key: quote(value, safe=_SAFE_IN_PATH) if isinstance(value, str) else value
            for key, value in path_params.items()
        }
        return self.app.url_path_for(name, **encoded).make_absolute_url(settings.BASE_URL)


_SAFE_IN_PATH: Final = "/:@!$&'()*+,;="  # RFC 3986, section 3.3
_current: ContextVar[Aerogram | None] = ContextVar("aerogram_application", default=None)
_latest: list[Aerogram] = []


def _of_current_application() -> Mapping[str, Any]:
    return next(each for each in (_current.get(), *_latest) if each)._settings


class _InApplication:
    """Names the application to the settings while it handles a request, or starts and ends."""

    def __init__(self, app: ASGIApp, aerogram: Aerogram) -> None:
        self.app = app
        self.aerogram = aerogram

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_when_done(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                await wait_for_sends(self.aerogram.shutdown_timeout)
            await send(message)

        token = _current.set(self.aerogram)
        try:
            await self.app(scope, receive, send_when_done if scope["type"] == "lifespan" else send)
        finally:
            _current.reset(token)


def _values(config: Mapping[str, Any] | BaseModel, prefix: str) -> dict[str, Any]:
    given = config.model_dump(exclude_none=True) if isinstance(config, BaseModel) else config
    return {
        name[len(prefix) :].upper(): _plain(value)
        for name, value in given.items()
        if name.lower().startswith(prefix.lower())
    }


def _plain(value: Any) -> Any:
    """Return a value that pydantic made as the settings accept it."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(each) for each in value]
    if isinstance(value, NameEmail):
        return value.name, value.email
    if hasattr(value, "get_secret_value"):
        return _plain(value.get_secret_value())
    return str(value) if hasattr(value, "unicode_string") else value  # a URL
