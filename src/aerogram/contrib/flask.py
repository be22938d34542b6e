"""Aerogram in Flask: settings from ``app.config``, the application's templates, links from ``BASE_URL``.

>>> from flask import Flask
>>> app = Flask("shop")
>>> app.config["AEROGRAM_EMAIL_URL"] = "locmem:"
>>> aerogram = Aerogram(app)
>>> with app.app_context():
...     settings.EMAIL_BACKEND
'aerogram.mail.backends.locmem.EmailBackend'
"""

from __future__ import annotations

import os
from collections import ChainMap
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import Any, Final, cast
from urllib.parse import quote, urlsplit

import jinja2

from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured, MissingDependency
from aerogram.templating.loaders import read_bytes

try:
    import click
    import flask
    from flask import Flask
    from flask.cli import ScriptInfo, with_appcontext
    from werkzeug.routing import BuildError
except ImportError:
    raise MissingDependency(
        "aerogram.contrib.flask needs Flask, which is not installed: pip install 'aerogram[flask]'."
    ) from None

__all__ = ["Aerogram", "url_for"]

PREFIX: Final = "AEROGRAM_"
SOURCE: Final = 'app.config["AEROGRAM_<NAME>"] of Flask'


class Aerogram:
    """The Flask extension; one object may serve several applications.

    Inside an application context, ``app.config["AEROGRAM_<NAME>"]`` is a source of settings, between the
    environment variables and the settings file. Paths are relative to ``app.root_path``. Mails find the
    templates of the application and its blueprints, with their filters, tests and globals, and
    :func:`url_for` of this module. ``flask aerogram`` is the command ``aerogram``.

    Args:
        app: the application; without it, call :meth:`init_app`.

    Raises:
        ImproperlyConfigured: ``app.config`` has an unknown name or an invalid value.
    """

    def __init__(self, app: Flask | None = None) -> None:
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Set up an application; its configuration may change later.

        Raises:
            ImproperlyConfigured: ``app.config`` has an unknown name or an invalid value.
        """
        from aerogram.conf.layers import Layer

        application = _Application(app)
        Layer.checked(application.configured(), SOURCE)
        app.extensions["aerogram"] = application
        app.cli.add_command(_command)
        settings.add_source(SOURCE, _of_current_application)


def url_for(
    endpoint: str,
    /,
    *,
    _anchor: str | None = None,
    _method: str | None = None,
    _scheme: str | None = None,
    _external: bool = True,
    **values: Any,
) -> str:
    """Return the absolute URL of an endpoint of the current application, below the setting ``BASE_URL``.

    It never depends on a request, whose client chooses the Host header and with it the host of the URLs that
    ``flask.url_for`` returns. In mail templates, ``url_for`` is this function.

    Args:
        endpoint: the full name of the endpoint, including its blueprint.
        _anchor: the fragment after ``#``.
        _method: build the URL of this HTTP method.
        _scheme: the scheme, instead of that of ``BASE_URL``.
        _external: ignored, since links of mails are always absolute.
        values: the variables of the rule; others become the query.

    Raises:
        ImproperlyConfigured: ``BASE_URL`` is not set.
        werkzeug.routing.BuildError: there is no such endpoint, or a variable is missing.
    """
    base = urlsplit(settings.BASE_URL)
    if not base.netloc:
        raise ImproperlyConfigured(
            "url_for() in a mail needs the setting BASE_URL, as a request may name any host. Set "
            'app.config["AEROGRAM_BASE_URL"] = "https://www.example.com".'
        )
    flask.current_app.inject_url_defaults(endpoint, values)
    urls = flask.current_app.url_map.bind(base.netloc, base.path or "/", url_scheme=base.scheme)
    try:
        url = urls.build(endpoint, values, _method, force_external=True, url_scheme=_scheme)
    except BuildError as error:
        values.update(_anchor=_anchor, _method=_method, _scheme=_scheme, _external=_external)
        return flask.current_app.handle_url_build_error(error, endpoint, values)
    return f"{url}#{quote(_anchor, safe=_SAFE_IN_ANCHOR)}" if _anchor else url


_SAFE_IN_ANCHOR = "%!#$&'()*+,/:;=?@"


class _Application:
    """What the extension knows of one application."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def settings(self) -> dict[str, Any]:
        return {"TEMPLATE_ENVIRONMENT": self.environment, **self.configured()}

    def configured(self) -> dict[str, Any]:
        """Return the settings in ``app.config``, which each access to a setting reads."""
        from aerogram.conf.schema import Schema, is_path

        found = {
            name.removeprefix(PREFIX): value
            for name, value in self.app.config.items()
            if name.startswith(PREFIX)
        }
        for name, value in found.items():
            if name in Schema.model_fields and is_path(name):
                found[name] = self._below_root(value)
        return found

    def _below_root(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [self._below_root(each) for each in value]
        is_given = isinstance(value, str | os.PathLike) and value
        return os.path.join(self.app.root_path, value) if is_given else value  # noqa: PTH118 - at each access

    @cached_property
    def environment(self) -> jinja2.Environment:
        """The environment of the application, with links for mails."""
        given = self.app.jinja_env
        environment = given.overlay(loader=_Loader(self.app))
        environment.globals = cast("dict[str, Any]", ChainMap({"url_for": url_for}, given.globals))
        return environment


class _Loader(jinja2.BaseLoader):
    """The loader of an application, which finds images in its template folders, too."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    @property
    def _loader(self) -> jinja2.BaseLoader:
        return self.app.jinja_env.loader or jinja2.DictLoader({})

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        return self._loader.get_source(environment, template)

    def list_templates(self) -> list[str]:
        return self._loader.list_templates()

    def get_bytes(self, name: str) -> bytes:
        """Return the file of that name from the folder of the application or of a blueprint."""
        of_blueprints = [blueprint.jinja_loader for blueprint in self.app.iter_blueprints()]
        loaders = [loader for loader in (self.app.jinja_loader, *of_blueprints) if loader]
        return read_bytes(jinja2.ChoiceLoader(loaders), name)[0]


def _of_current_application() -> Mapping[str, Any]:
    application = flask.current_app.extensions.get("aerogram") if flask.has_app_context() else None
    return application.settings() if isinstance(application, _Application) else {}


@click.command(
    "aerogram",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@with_appcontext
def _command(arguments: tuple[str, ...]) -> None:
    """List, preview, check and send the mails of the application."""
    from aerogram.cli import main

    try:
        if arguments and not settings.NOTIFICATION_MODULES:
            arguments = ("--app", flask.current_app.import_name, *arguments)
    except ImproperlyConfigured as error:
        raise click.ClickException(str(error)) from None
    if path := click.get_current_context().ensure_object(ScriptInfo).app_import_path:
        os.environ["FLASK_APP"] = path  # for the process of the studio
    raise SystemExit(main(arguments, studio=f"{__name__}:_studio"))


async def _studio(scope: Any, receive: Any, send: Any) -> None:
    """Serve the studio in the context of the application, in the process that ``aerogram studio`` starts."""
    from aerogram.preview.studio import app

    with _application_of_this_process().app_context():
        await app(scope, receive, send)


@cache
def _application_of_this_process() -> Flask:
    return ScriptInfo(os.environ.get("FLASK_APP")).load_app()
