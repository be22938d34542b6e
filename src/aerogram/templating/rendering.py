"""The message that is being rendered, for the functions and filters of its templates."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import tzinfo

    from aerogram.templating.images import InlineImage

__all__ = ["Rendering", "current_rendering"]


@dataclass(slots=True)
class Rendering:
    """One message while it is rendered.

    ``locale`` and ``timezone`` are those of the message; the locale is ``declared`` by the notification or
    the settings, or else the default. ``part`` is the part whose template runs, ``images`` are those that the
    HTML template printed, by Content-ID.
    """

    locale: str
    declared: bool
    timezone: str | tzinfo
    part: Literal["", "html", "text"] = ""
    images: dict[str, InlineImage] = field(default_factory=dict)


current_rendering: ContextVar[Rendering | None] = ContextVar("aerogram_rendering", default=None)
"""The rendering that this thread or task is in."""
