"""Turn a notification into the message that is sent, without input or output."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from email.message import Message
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aerogram.conf import settings
from aerogram.conf.keys import key_of
from aerogram.declaration import explain_wrong_type, listed, return_path_of
from aerogram.exceptions import (
    AerogramError,
    BadHeaderError,
    DeclarationError,
    ImproperlyConfigured,
    InvalidAddress,
    InvalidAttachment,
)
from aerogram.mail.address.envelope import settle_addresses
from aerogram.mail.characters import check_header_value, is_text, without_laziness
from aerogram.mail.header.category import category_headers, with_explicit
from aerogram.mail.header.fields import header_field
from aerogram.mail.header.rules import check_extra_headers
from aerogram.mail.message.email_message import EmailMultiAlternatives
from aerogram.mail.message.inline_parts import shows_image
from aerogram.naming import snake_case
from aerogram.stencil import Stencils
from aerogram.templating import (
    Rendering,
    Templates,
    around_rendering,
    checked_folders,
    current_rendering,
    language_tag,
    parse_locale,
    parse_timezone,
    settings_additions,
    settings_environment,
    within_integrations,
)

if TYPE_CHECKING:
    import jinja2

    from aerogram.declared_types import Renderable
    from aerogram.mail.message.attachments import EmailAlternative

__all__ = ["Renderer", "default_renderer"]

_LANGUAGE = re.compile(
    r"\s*(?:<!doctype[^>]*>\s*)?<html\b[^>]*?\slang=[\"']?([a-z]{2,8}(?:-[a-z0-9]{1,8})*)\b", re.I
)

_JOINED = ". Join the lines of the value; in the subject, for example: {{ name.splitlines() | join(' ') }}."


class Renderer:
    """Renders notifications from one set of templates.

    Args:
        template_dirs: one or more folders of templates; by default, those of the setting ``TEMPLATE_DIRS``.
            The bundled templates are searched after them; their names begin with ``aerogram/``.
        loader: a Jinja loader that is searched before the folders.
        shared: variables of all templates; by default, ``site_name`` and ``base_url`` from the settings.
        environment: the application's Jinja environment. Its loader (searched after ``loader``), filters,
            tests, globals, extensions and delimiters are used, but escaping, undefined variables and white
            space are treated as in all mail templates. It is not changed.

    The extensions, filters and globals of the settings ``TEMPLATE_EXTENSIONS``, ``TEMPLATE_FILTERS`` and
    ``TEMPLATE_GLOBALS`` are added.

    ``stencils`` is the cache of compiled pages; its ``stats`` count hits and misses.

    >>> from jinja2 import DictLoader
    >>> from aerogram import Notification
    >>> class Hello(Notification):
    ...     subject = "Hello {{ name }}"
    ...     text_template = "hello.txt"
    ...     to = ["ann@example.com"]
    ...     name: str
    >>> renderer = Renderer(loader=DictLoader({"hello.txt": "Dear {{ name }}"}))
    >>> renderer.render(Hello(name="Ann")).body
    'Dear Ann'
    """

    def __init__(
        self,
        template_dirs: Iterable[str | Path] | str | Path | None = None,
        loader: jinja2.BaseLoader | None = None,
        shared: Mapping[str, object] | None = None,
        environment: jinja2.Environment | None = None,
    ) -> None:
        folders = settings.TEMPLATE_DIRS if template_dirs is None else template_dirs
        folders = checked_folders(folders, loader, shared, environment)
        standard = {name: getattr(settings, setting) for name, setting in _STANDARD.items()}
        self._standard = [each for each in _STANDARD.items() if each[0] not in (shared or ())]
        self.templates: Templates = Templates(
            folders,
            loader,
            {**standard, **(shared or {})},
            environment,
            settings_additions(),
            settings.LOCALE_DIRS,
        )
        self.stencils: Stencils = Stencils()

    def render(self, notification: Renderable) -> EmailMultiAlternatives:
        """Return the message exactly as it would be sent.

        The CSS of the HTML part is inlined. The text part comes from its template, or else from the HTML.

        Raises:
            BadHeaderError: the subject or another header contains a newline or control character.
            InvalidAddress: a recipient or the sender is not exactly one mailbox.
            RenderError: a template is missing or broken, or uses an undefined variable.
        """
        with settings.frozen():
            return self._render(notification, type(notification).__name__)

    def _render(self, notification: Renderable, origin: str) -> EmailMultiAlternatives:
        current = settings.of_this_moment()
        locale = _of_message(notification, "locale", parse_locale, current["LOCALE"], origin)
        rendering = Rendering(
            locale or "en",
            bool(locale),
            _of_message(notification, "timezone", parse_timezone, current["TIMEZONE"], origin),
        )
        token = current_rendering.set(rendering)
        try:
            site = {name: current[setting] for name, setting in self._standard}
            if not around_rendering:
                return self._message(notification, site, rendering, origin)
            with within_integrations(rendering):
                return self._message(notification, site, rendering, origin)
        except (BadHeaderError, InvalidAddress) as error:
            text = str(error) if str(error).startswith(f"{origin}.") else f"{origin}: {error}"
            advice = _JOINED if "values can't contain newlines" in text else ""
            raise type(error)(f"{text}{advice}") from None
        except (AttributeError, TypeError) as error:
            if not (isinstance(error, AerogramError) or hasattr(error, "__notes__")):  # these say where
                explain_wrong_type(notification, origin)
            raise
        finally:
            current_rendering.reset(token)

    def _message(
        self, notification: Renderable, site: dict[str, object], rendering: Rendering, origin: str
    ) -> EmailMultiAlternatives:
        unsubscribe_url = notification.unsubscribe_url
        variables = {**site, "unsubscribe_url": unsubscribe_url, **notification.context()}
        rendering.part = "text"
        subject = self._subject(notification, variables, origin)
        text, html = self._parts(notification, variables, rendering, origin)
        rendering.part = ""
        message = EmailMultiAlternatives(
            subject=subject,
            body=text,
            from_email=notification.from_email,
            to=listed("to", notification.to, origin),
            cc=listed("cc", notification.cc, origin),
            bcc=listed("bcc", notification.bcc, origin),
            reply_to=listed("reply_to", notification.reply_to, origin),
        )
        if html is not None:
            message.alternatives.append(html)
            for content_id, image in rendering.images.items():
                if shows_image(str(html.content), content_id):
                    message.attachments.append(image)
        message.extra_headers = _headers(notification, message, rendering, unsubscribe_url)
        for attachment in listed("attachments", notification.attachments, origin) or ():
            _attach(message, attachment, origin)
        settle_addresses(message, origin)
        if notification.return_path is not None:
            message.return_path = return_path_of(notification.return_path, message.recipients(), origin)
        message.notification = notification
        return message

    def _subject(self, notification: Renderable, variables: Mapping[str, object], origin: str) -> str:
        subject = notification.subject
        if subject is None:
            raise DeclarationError(f"{origin}.subject: None was given. Accepted: a string.")
        if not _is_field(notification, "subject"):  # an argument of the constructor is data, no template
            is_written = is_text(getattr(type(notification), "subject", None))
            subject = self.templates.line(
                str(subject), variables, f"{origin}.subject", sandboxed=not is_written
            )
        return check_header_value("Subject", f"{notification.subject_prefix}{subject}")

    def _parts(
        self, notification: Renderable, variables: Mapping[str, object], rendering: Rendering, origin: str
    ) -> tuple[str, EmailAlternative | None]:
        html_template, text_template = notification.html_template, notification.text_template
        if not html_template and not text_template:
            raise DeclarationError(
                f"{origin} has neither html_template nor text_template; declare at least one of them."
            )
        text, html = "", None
        if html_template:
            rendering.part = "html"
            page = self.templates.html_chunks(html_template, variables, f"{origin}.html_template")
            rendering.part = "text"
            css = self._css(notification.css, origin) if notification.css else ""
            finished = self.stencils.finish(page, css, template=html_template, want_text=not text_template)
            text, html = finished.text, finished.alternative
        if text_template:
            text = self.templates.text(text_template, variables, f"{origin}.text_template")
        return text, html

    def _css(self, names: str | Sequence[str], origin: str) -> str:
        names = [names] if isinstance(names, str) else names
        return "\n".join([self.templates.source(name, f"{origin}.css") for name in names if name])


def default_renderer() -> Renderer:
    """Return the renderer of the current settings: one for each distinct set of them."""
    global _latest
    current = settings.snapshot()
    latest = _latest  # one read: another thread may replace it
    if latest is None or latest[0] is not current:
        _latest = latest = (current, _renderer(*[key_of(current[name]) for name in _SETTINGS]))
    return latest[1]


_SETTINGS = (
    "TEMPLATE_DIRS",
    "TEMPLATE_ENVIRONMENT",
    "TEMPLATE_EXTENSIONS",
    "TEMPLATE_FILTERS",
    "TEMPLATE_GLOBALS",
    "LOCALE_DIRS",
    "SITE_NAME",
    "BASE_URL",
)
_STANDARD = {"site_name": "SITE_NAME", "base_url": "BASE_URL"}
_latest: tuple[Mapping[str, Any], Renderer] | None = None


@lru_cache(maxsize=32)
def _renderer(*_settings: object) -> Renderer:
    return Renderer(environment=settings_environment())


def _of_message(
    notification: Renderable, name: str, parse: Callable[[Any], Any], default: object, origin: str
) -> Any:
    """Return the locale or time zone of a notification, or else the default, which the settings give."""
    value = getattr(notification, name)
    is_declared = value is not None and value != ""
    try:
        return parse(value if is_declared else default)
    except TypeError:  # an object without a hash
        explain_wrong_type(notification, origin)
        raise
    except ValueError as error:
        if is_declared:
            raise DeclarationError(f"{origin}.{name}: {error}") from None
        setting = name.upper()
        raise ImproperlyConfigured(f"{setting} ({settings.source_of(setting)}): {error}") from None


def _headers(
    notification: Renderable, message: EmailMultiAlternatives, rendering: Rendering, url: str | None
) -> dict[str, str]:
    """Return the declared headers, checked, and those of the language and of the category."""
    headers = {}
    if rendering.declared:
        headers["Content-Language"] = language_tag(rendering.locale)
    if message.alternatives and (language := _LANGUAGE.match(str(message.alternatives[0].content))):
        headers["Content-Language"] = language[1]
    kind = type(notification)
    category = None if _is_field(notification, "category") else notification.category
    email, list_id = notification.unsubscribe_email, notification.list_id
    if category is not None or url or email or list_id:
        headers |= category_headers(
            category,
            name=getattr(kind, "_registered_name", "") or snake_case(kind.__name__),
            sender=message.from_email,
            unsubscribe_url=url,
            unsubscribe_email=email,
            list_id=list_id,
        )
    if not (given := notification.headers):
        return headers
    check_extra_headers(given)
    texts = {name: header_field(name, value).value for name, value in given.items()}
    return with_explicit(headers, {name: check_header_value(name, text) for name, text in texts.items()})


def _is_field(notification: Renderable, name: str) -> bool:
    return name in getattr(notification, "_fields", ())


def _attach(message: EmailMultiAlternatives, attachment: Any, origin: str) -> None:
    try:
        if isinstance(attachment, PathLike):
            message.attach_file(attachment)
        elif isinstance(attachment, (tuple, list)):
            message.attach(*map(without_laziness, attachment))
        elif isinstance(attachment, Message):
            message.attach(attachment)
        else:
            raise DeclarationError(
                f"{origin}.attachments: an attachment of type {type(attachment).__name__} was given. "
                "Accepted: a pathlib.Path for a file, (filename, content, mimetype), or a MIME part."
            )
    except InvalidAttachment as error:
        raise type(error)(f"{origin}.attachments: {error}") from error.__cause__
    except OSError as error:  # a missing file
        if error.filename is None:
            raise
        raise type(error)(error.errno, f"{origin}.attachments: {error.strerror}", error.filename) from None
