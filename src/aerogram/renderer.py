"""Turn a notification into the message that is sent: the middle of the arrow, and no input or output."""

from __future__ import annotations

# ruff: noqa: D102 - the declarations are explained once, in Notification
from collections.abc import Iterable, Mapping, Sequence
from email.mime.base import MIMEBase
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from aerogram.conf import settings
from aerogram.declaration import is_computed
from aerogram.exceptions import DeclarationError, InvalidAddress
from aerogram.mail.address.return_path import PLACE, check_return_path, verp
from aerogram.mail.header.category import category_headers, with_explicit
from aerogram.mail.header.fields import address_field
from aerogram.mail.header.writing import check_extra_headers, check_header_value
from aerogram.mail.message.email_message import EmailMultiAlternatives
from aerogram.naming import snake_case
from aerogram.stencil import Stencils
from aerogram.templating import Templates

if TYPE_CHECKING:
    import jinja2

__all__ = ["Renderable", "Renderer", "default_renderer"]


@runtime_checkable
class Renderable(Protocol):
    """What a renderer needs of a notification: its declarations, as values, and its variables."""

    @property
    def subject(self) -> str: ...
    @property
    def subject_prefix(self) -> str: ...
    @property
    def html_template(self) -> str | None: ...
    @property
    def text_template(self) -> str | None: ...
    @property
    def css(self) -> str | Sequence[str]: ...
    @property
    def from_email(self) -> str | None: ...
    @property
    def to(self) -> Sequence[str]: ...
    @property
    def cc(self) -> Sequence[str]: ...
    @property
    def bcc(self) -> Sequence[str]: ...
    @property
    def reply_to(self) -> Sequence[str]: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def attachments(self) -> Sequence[Any]: ...
    @property
    def category(self) -> str | None: ...
    @property
    def unsubscribe_url(self) -> str | None: ...
    @property
    def unsubscribe_email(self) -> str | None: ...
    @property
    def list_id(self) -> str | None: ...
    @property
    def return_path(self) -> str | None: ...

    def context(self) -> Mapping[str, object]:
        """Return the variables of the templates."""


class Renderer:
    """Renders notifications from one set of templates.

    Args:
        template_dirs: folders of templates, or one; the setting ``TEMPLATE_DIRS`` where none are given. The
            templates that ship are always found behind them, under names that begin with ``aerogram/``.
        loader: a Jinja loader asked before the folders, for templates that live elsewhere.
        shared: variables that every template sees; ``site_name`` and ``base_url`` of the settings by default.

    ``stencils`` holds what is reused from message to message; its ``stats`` tell how well that goes.

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
    ) -> None:
        folders = settings.TEMPLATE_DIRS if template_dirs is None else template_dirs
        if isinstance(folders, (str, Path)):
            folders = [folders]
        standard = {"site_name": settings.SITE_NAME, "base_url": settings.BASE_URL}
        self.templates: Templates = Templates(folders, loader, {**standard, **(shared or {})})
        self.stencils: Stencils = Stencils()

    def render(self, notification: Renderable) -> EmailMultiAlternatives:
        """Return the very message that sending ``notification`` would send.

        The HTML part has its CSS inlined; the text part comes from its template or else from the HTML.

        Raises:
            BadHeaderError: a newline or control character in the subject or another header.
            InvalidAddress: a recipient or sender that is not exactly one mailbox.
            RenderError: a template is missing, broken, or asks for what the notification does not give.
        """
        with settings.frozen():
            return self._message(notification)

    def _message(self, notification: Renderable) -> EmailMultiAlternatives:
        asker = type(notification).__name__
        variables = notification.context()
        subject = self._subject(notification, variables, asker)
        text, html = self._parts(notification, variables, asker)
        message = EmailMultiAlternatives(
            subject=subject,
            body=text,
            from_email=notification.from_email,
            to=notification.to,
            cc=notification.cc,
            bcc=notification.bcc,
            reply_to=notification.reply_to,
        )
        message.extra_headers = _headers(notification, str(message.from_email))
        message.return_path = _return_path(notification, message, asker)
        if html is not None:
            message.attach_alternative(html, "text/html")
        for attachment in notification.attachments or ():
            _attach(message, attachment, asker)
        _refuse_forgery(message, asker)
        return message

    def _subject(self, notification: Renderable, variables: Mapping[str, object], asker: str) -> str:
        subject = notification.subject
        if subject is None:
            raise DeclarationError(f"{asker}.subject: a NoneType was given; a text is meant.")
        kind = type(notification)
        if not _is_field(kind, "subject"):  # what came in through the constructor is data, never a template
            computed = is_computed(getattr(kind, "subject", None))
            subject = self.templates.line(str(subject), variables, f"{asker}.subject", sandboxed=computed)
        return check_header_value("Subject", f"{notification.subject_prefix}{subject}")

    def _parts(
        self, notification: Renderable, variables: Mapping[str, object], asker: str
    ) -> tuple[str, str | None]:
        html_template, text_template = notification.html_template, notification.text_template
        if not html_template and not text_template:
            raise DeclarationError(
                f"{asker} has neither html_template nor text_template; declare at least one of them."
            )
        text = html = None
        if html_template:
            page = self.templates.html_chunks(html_template, variables, f"{asker}.html_template")
            css = self._css(notification, asker)
            finished = self.stencils.finish(page, css, template=html_template, want_text=not text_template)
            html, text = finished.html, finished.text
        if text_template:
            text = self.templates.text(text_template, variables, f"{asker}.text_template")
        return text or "", html

    def _css(self, notification: Renderable, asker: str) -> str:
        names = [notification.css] if isinstance(notification.css, str) else notification.css
        return "\n".join(self.templates.source(name, f"{asker}.css") for name in names if name)


def default_renderer() -> Renderer:
    """Return the renderer of the settings as they are now: one for each distinct set of them."""
    return _renderer(tuple(map(str, settings.TEMPLATE_DIRS)), settings.SITE_NAME, settings.BASE_URL)


@lru_cache(maxsize=32)
def _renderer(template_dirs: tuple[str, ...], site_name: str, base_url: str) -> Renderer:
    return Renderer(template_dirs, shared={"site_name": site_name, "base_url": base_url})


def _headers(notification: Renderable, sender: str) -> dict[str, str]:
    kind = type(notification)
    standard = category_headers(
        None if _is_field(kind, "category") else notification.category,
        name=getattr(kind, "_registered_name", "") or snake_case(kind.__name__),
        sender=sender,
        unsubscribe_url=notification.unsubscribe_url,
        unsubscribe_email=notification.unsubscribe_email,
        list_id=notification.list_id,
    )
    return with_explicit(standard, notification.headers or {})


def _return_path(notification: Renderable, message: EmailMultiAlternatives, asker: str) -> str | None:
    path = notification.return_path
    if path is None or PLACE not in check_return_path(path):
        return path
    recipients = message.recipients()
    if len(recipients) > 1:
        raise DeclarationError(
            f"{asker}.return_path has {PLACE}, and the mail {len(recipients)} recipients. Send one mail a "
            "recipient, or declare an address without it."
        )
    return verp(path, recipients[0]) if recipients else None


def _is_field(kind: type, name: str) -> bool:
    return name in getattr(kind, "_fields", ())


def _attach(message: EmailMultiAlternatives, attachment: Any, asker: str) -> None:
    if isinstance(attachment, PathLike):
        message.attach_file(attachment)
    elif isinstance(attachment, (tuple, list)):
        message.attach(*attachment)
    elif isinstance(attachment, MIMEBase):
        message.attach(attachment)
    else:
        raise DeclarationError(
            f"{asker}.attachments holds a {type(attachment).__name__}; give a pathlib.Path for a file, "
            "(filename, content, mimetype), or a MIME part."
        )


def _refuse_forgery(message: EmailMultiAlternatives, asker: str) -> None:
    """Refuse here, where the cause is still known, what building the message would refuse."""
    if message.extra_headers:
        check_extra_headers(message.extra_headers)
    for name, value in message.extra_headers.items():
        check_header_value(name, value)
    for declaration in ("from_email", "to", "cc", "bcc", "reply_to"):
        entries = getattr(message, declaration)
        if not entries and declaration != "from_email":
            continue
        header = "From" if declaration == "from_email" else declaration.replace("_", "-").title()
        try:
            # Beyond ASCII it is the server that decides, and the backend that asks it.
            address_field(header, [entries] if header == "From" else entries, utf8=True)
        except InvalidAddress as error:
            raise InvalidAddress(f"{asker}.{declaration}: {error}") from None
