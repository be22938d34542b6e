"""What type checkers know of the declarations. Nothing of it exists when a program runs.

Pyright refuses an attribute in place of a property, and mypy a property in place of an attribute. So mypy
reads the properties of :class:`~aerogram.declaration.Declarations`, and pyright attributes of types that
allow both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import dataclasses
    from collections.abc import Mapping, Sequence
    from datetime import tzinfo
    from typing import Any, Protocol, TypeVar, Union

    from aerogram.declaration import Declarations
    from aerogram.mail.address.entries import MailboxLike

    class Renderable(Declarations, Protocol):
        """What a renderer needs of a notification: its declarations, as values, and its variables."""

        def context(self) -> Mapping[str, object]:
            """Return the variables of the templates."""
            ...

    MYPY = False  # mypy takes it for true, other type checkers do not

    if MYPY:
        Declared: TypeAlias = Renderable
    else:
        Value = TypeVar("Value", covariant=True)

        class Computed(Protocol[Value]):
            """A property or another descriptor that computes the value of a declaration."""

            def __get__(self, instance: Any, owner: Any = None, /) -> Value: ...

        Of: TypeAlias = Union[Value, Computed[Value]]  # noqa: UP007 - an alias with a type variable

        @dataclasses.dataclass(frozen=True)  # else a field could not have a narrower type, such as list[str]
        class Declared(Renderable):
            """The declarations, none of which is an argument of the constructor before a subclass says so."""

            subject: Of[str] = dataclasses.field(init=False)
            subject_prefix: Of[str] = dataclasses.field(init=False)
            html_template: Of[str | None] = dataclasses.field(init=False)
            text_template: Of[str | None] = dataclasses.field(init=False)
            css: Of[str | Sequence[str]] = dataclasses.field(init=False)
            from_email: Of[MailboxLike | None] = dataclasses.field(init=False)
            to: Of[Sequence[MailboxLike]] = dataclasses.field(init=False)
            cc: Of[Sequence[MailboxLike]] = dataclasses.field(init=False)
            bcc: Of[Sequence[MailboxLike]] = dataclasses.field(init=False)
            reply_to: Of[Sequence[MailboxLike]] = dataclasses.field(init=False)
            headers: Of[Mapping[str, Any]] = dataclasses.field(init=False)
            attachments: Of[Sequence[Any]] = dataclasses.field(init=False)
            category: Of[str | None] = dataclasses.field(init=False)
            unsubscribe_url: Of[str | None] = dataclasses.field(init=False)
            unsubscribe_email: Of[str | None] = dataclasses.field(init=False)
            list_id: Of[str | None] = dataclasses.field(init=False)
            return_path: Of[str | None] = dataclasses.field(init=False)
            locale: Of[str | None] = dataclasses.field(init=False)
            timezone: Of[str | tzinfo | None] = dataclasses.field(init=False)


__all__ = ["Declared", "Renderable"] if TYPE_CHECKING else []
