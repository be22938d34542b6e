"""The message that is being rendered, for the functions and filters of its templates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from datetime import tzinfo
    from email.mime.image import MIMEImage

__all__ = ["Rendering", "around_rendering", "current_rendering", "within_integrations"]


@dataclass(slots=True)
class Rendering:
    """One message while it is rendered.

    ``locale`` and ``timezone`` are those of the message; the locale is ``declared`` by the notification or
    the settings, or else the default. ``part`` is the part whose template runs, ``images`` are the MIME
    parts of those that the HTML template printed, by Content-ID.
    """

    locale: str
    declared: bool
    timezone: str | tzinfo
    part: Literal["", "html", "text"] = ""
    images: dict[str, MIMEImage] = field(default_factory=dict)


current_rendering: ContextVar[Rendering | None] = ContextVar("aerogram_rendering", default=None)
"""The rendering that this thread or task is in; it is set by the renderer."""

around_rendering: Final[list[Callable[[Rendering], AbstractContextManager[object]]]] = []
"""What integrations enter around each rendering, such as the language of their lazy texts."""


@contextmanager
def within_integrations(rendering: Rendering) -> Iterator[None]:
    """Enter the context managers of integrations around a rendering."""
    with ExitStack() as stack:
        for enter in around_rendering:
            stack.enter_context(enter(rendering))
        yield
