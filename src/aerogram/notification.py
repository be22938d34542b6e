"""The classes people write: a subject, templates, recipients, and fields that become the constructor."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, dataclass_transform

from aerogram.conf import settings
from aerogram.constructor import (
    DeclarationProblem,
    arguments_of,
    make_constructor,
    refuse_arguments,
    report_problem,
    wrong_annotations,
    wrong_declarations,
)
from aerogram.declaration import DECLARATIONS
from aerogram.exceptions import (
    DeclarationError,
    NoRecipients,
    NotificationError,
)
from aerogram.mail.delivery.async_send import run_in_thread
from aerogram.mail.sending import StaffGroup, log_nobody, staff_addresses
from aerogram.naming import checked_name, claim_name, snake_case
from aerogram.payload.serializable import SerializableNotification
from aerogram.renderer import Renderer, default_renderer

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from typing import Self

    from aerogram.declared_types import Declared
    from aerogram.mail.backends.base import BaseEmailBackend
    from aerogram.mail.message.email_message import EmailMultiAlternatives
else:
    Declared = object

__all__ = ["AdminNotification", "ManagerNotification", "Notification", "is_abstract", "registered_name"]


def renderer_of(notification: type[Notification] | Notification) -> Renderer:
    """Return the renderer of a notification; of a class, the one it has without an instance."""
    return _own_renderer(notification) or default_renderer()


def _own_renderer(notification: type[Notification] | Notification) -> Renderer | None:
    renderer = notification.renderer
    if renderer is None or isinstance(renderer, Renderer):
        return renderer
    if isinstance(notification, type):
        if hasattr(type(renderer), "__get__"):  # a property tells only for an instance
            return None
    else:
        notification = type(notification)
    raise DeclarationError(
        f"{notification.__qualname__}.renderer: a value of type {type(renderer).__name__} was given. "
        "Accepted: an aerogram.Renderer, such as Renderer(environment=jinja_environment)."
    )


@dataclass_transform(kw_only_default=True, field_specifiers=(dataclasses.field,))
class Notification(SerializableNotification, Declared):
    """A kind of mail. Subclass it; an instance is one mail, ready to be rendered and sent.

    The declarations (``subject``, ``html_template``, ``to`` and the others of
    :class:`~aerogram.declaration.Declarations`) are class attributes or properties.

    Every other annotated name is a field: a keyword argument of the constructor and a variable of the
    templates. Defaults and inheritance work as in dataclasses. An annotated declaration is an argument, too;
    a subject passed as an argument is used literally.

    Args of the class statement:
        name: the name in the registry; by default, the class name in snake case.
        abstract: whether the class is only a base for others, which is neither listed nor checked. A class
            with subclasses and without a template is abstract by default.

    Raises:
        DeclarationError: a declaration is invalid; raised when the class is defined.
        DuplicateNotification: another class has the name.

    >>> class Welcome(Notification):
    ...     subject = "Welcome, {{ name }}"
    ...     text_template = "welcome.txt"
    ...     to: list[str]
    ...     name: str = "friend"
    >>> Welcome(to=["ann@example.com"]).name
    'friend'
    """

    #: The renderer of this class, an attribute or property; ``None`` for the one of the settings.
    renderer: ClassVar[Any] = None

    _fields: ClassVar[tuple[str, ...]] = ()
    _arguments: ClassVar[frozenset[str]] = frozenset()
    _is_abstract: ClassVar[bool] = True
    _needs_recipients: ClassVar[bool] = True

    def __init_subclass__(cls, *, name: str | None = None, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._is_abstract = True  # until it is known to work
        try:
            cls._registered_name = checked_name(name if name is not None else snake_case(cls.__name__), cls)
            cls._fields = make_constructor(cls, Notification)
            cls._arguments = arguments_of(cls)
        except NotificationError as error:
            return report_problem(DeclarationProblem(cls, None, error))
        wrong = list(({**dict(wrong_annotations(cls)), **dict(wrong_declarations(cls))}).items())
        try:
            _own_renderer(cls)
        except DeclarationError as error:
            wrong.append(("renderer", error))
        for declaration, problem in wrong:
            report_problem(DeclarationProblem(cls, declaration, problem))
        if not (abstract or wrong):
            try:
                claim_name(cls._registered_name, cls)
            except NotificationError as error:
                return report_problem(DeclarationProblem(cls, None, error))
        cls._is_abstract = abstract or bool(wrong)
        return None

    def __new__(cls, /, *args: object, **kwargs: object) -> Self:
        """Prevent instantiating the base class, and explain arguments that are none."""
        if cls is Notification:
            raise DeclarationError(
                "Notification is a base class: subclass it and declare a subject and a template."
            )
        if args or not cls._arguments.issuperset(kwargs):
            refuse_arguments(cls, args, kwargs)
        return super().__new__(cls)

    def __repr__(self) -> str:
        """Show the fields but not their values, which may be tokens and addresses."""
        return f"<{type(self).__qualname__}({', '.join(self._fields)})>"

    @classmethod
    def samples(cls) -> Mapping[str, Self]:
        """Return instances by name, for previews, checks and tests; override it.

        Name each sample after its special feature::

            return {"one parcel": cls(order=...), "no tracking yet": cls(order=...)}
        """
        return {}

    def context(self) -> dict[str, Any]:
        """Return the variables of the templates: every field.

        Override it to add more::

            def context(self):
                return {**super().context(), "total": self.order.total()}
        """
        return {name: getattr(self, name) for name in self._fields}

    def render(self) -> EmailMultiAlternatives:
        """Return the rendered message without sending it.

        Raises:
            DeclarationError: ``renderer`` is no renderer.
            RenderError: a template is missing or broken, or uses an undefined variable.
            MessageError: a header or recipient is invalid.
        """
        with settings.frozen():
            return renderer_of(self).render(self)

    def send(
        self,
        fail_silently: bool = False,
        connection: BaseEmailBackend | None = None,
        using: str | None = None,
    ) -> int:
        """Render and send the mail; return 1, or 0 if the backend sent nothing.

        Args:
            fail_silently: ignore errors of the transport; errors in settings, templates and headers are
                raised.
            connection: a backend to send through; an open connection stays open.
            using: the alias of a mailer in ``MAILERS``, instead of a connection.

        Raises:
            NoRecipients: to, cc and bcc are all empty.
            TypeError: both ``connection`` and ``using`` are given.
        """
        if connection is not None and using is not None:
            raise TypeError("Give connection or using, not both: each determines the backend.")
        with settings.frozen():
            if not (self._needs_recipients or self.to):
                log_nobody(self)
                return 0
            message = self.render()
            if not message.recipients():
                raise NoRecipients.of(self)
            message.connection = connection
            return message.send(fail_silently=fail_silently, using=using)

    def send_later(
        self,
        delay: float | timedelta | None = None,
        at: datetime | None = None,
        expires: float | timedelta | datetime | None = None,
        priority: int = 0,
        key: str | None = None,
        using: str | None = None,
        session: Any = None,
    ) -> str:
        """Render the mail and put it into the outbox (extra ``outbox``), from which a worker sends it.

        Args:
            delay: seconds or a timedelta until the mail is due.
            at: an aware datetime at which the mail is due.
            expires: seconds, a timedelta or an aware datetime after which the mail is no longer sent.
            priority: a whole number; higher ones are sent first.
            key: an idempotency key. A second mail with the same key and content is not queued.
            using: the alias in ``MAILERS`` of the mailer that the worker sends through.
            session: an SQLAlchemy Session or Connection, whose transaction the mail joins.

        Returns:
            The id of the entry, for :func:`aerogram.outbox.get`; empty for mail to the staff while ``ADMINS``
            or ``MANAGERS`` is empty.

        Raises:
            RenderError: as :meth:`render`.
            AerogramError: as :meth:`aerogram.mail.EmailMessage.send_later`.
        """
        with settings.frozen():
            if not (self._needs_recipients or self.to):
                log_nobody(self)
                return ""
            return self.render().send_later(delay, at, expires, priority, key, using, session)

    async def asend(
        self,
        fail_silently: bool = False,
        connection: BaseEmailBackend | None = None,
        using: str | None = None,
    ) -> int:
        """Send the mail as :meth:`send` does, without blocking the event loop."""
        return await run_in_thread(self.send, fail_silently, connection, using)


for _declaration in DECLARATIONS.values():
    setattr(Notification, _declaration.name, _declaration.default)


class _StaffNotification(Notification, abstract=True):
    """A mail to the people a setting names, as ``mail_admins`` and ``mail_managers`` write it.

    If the setting is empty, nothing is sent and no error is raised, as in Django.
    """

    _group: ClassVar[StaffGroup]
    _needs_recipients = False

    message: str = ""
    subject: str = ""

    def __post_init__(self) -> None:
        """Refuse a mail that says nothing."""
        if type(self).__module__ == __name__ and not (self.subject or self.message):
            name = type(self).__name__
            raise DeclarationError(
                f'{name}() has no content: pass subject and message, {name}(subject="…", message="…"), or '
                "subclass it with your own subject and templates."
            )

    if not TYPE_CHECKING:  # declarations that a subclass may replace in any form
        category = "transactional"  # vacation notes would go to SERVER_EMAIL

        @property
        def text_template(self) -> str | None:
            """The text template beside the HTML template that ships; none for a template of a subclass."""
            html = self.html_template or ""
            return html.replace(".html", ".txt") if html.startswith("aerogram/") else None

        @property
        def subject_prefix(self) -> str:
            """The setting ``EMAIL_SUBJECT_PREFIX``."""
            return settings.EMAIL_SUBJECT_PREFIX

        @property
        def from_email(self) -> str:
            """The setting ``SERVER_EMAIL``."""
            return settings.SERVER_EMAIL

        @property
        def to(self) -> list[str]:
            """The addresses of the setting."""
            return staff_addresses(self._group)


class AdminNotification(_StaffNotification):
    """A mail to ``ADMINS`` from ``SERVER_EMAIL``, with ``EMAIL_SUBJECT_PREFIX`` before its subject.

    By itself, it shows ``message`` in the bundled layout; subclass it to use your own templates.

    >>> class DiskFull(AdminNotification):
    ...     subject = "{{ host }} is running out of disk"
    ...     html_template = "ops/disk_full.html"
    ...     host: str
    """

    _group = "ADMINS"
    if not TYPE_CHECKING:  # see _StaffNotification
        html_template = "aerogram/admin.html"


class ManagerNotification(_StaffNotification):
    """A mail to ``MANAGERS``; otherwise as :class:`AdminNotification`."""

    _group = "MANAGERS"
    if not TYPE_CHECKING:  # see _StaffNotification
        html_template = "aerogram/manager.html"


def registered_name(notification: type[Notification] | Notification) -> str:
    """Return the name of a class in the registry, the previews and the command."""
    return notification._registered_name


def is_abstract(notification: type[Notification]) -> bool:
    """Return whether a class is only a base: it says so, or has subclasses but no template."""
    has_template = any(getattr(notification, name, None) for name in ("html_template", "text_template"))
    return notification._is_abstract or (not has_template and bool(notification.__subclasses__()))
