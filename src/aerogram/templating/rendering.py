"""The message that is being rendered, for the functions and filters of its templates."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import tzinfo

    from aerogram.templating.images import InlineImage

__all__ = ["Rendering", "current_rendering"]


class Rendering:
    """One message while it is rendered.

    ``locale`` and ``timezone`` are those of the message; the locale is ``declared`` by the notification or
    the settings, or else the default. ``part`` is the part whose template runs, ``images`` are those that the
    HTML template printed, by Content-ID.
    """

    __slots__ = ("declared", "images", "locale", "part", "timezone")

    def __init__(self, locale: str = "", timezone: str | tzinfo = "UTC") -> None:
        self.locale: str = locale or "en"
        self.declared: bool = bool(locale)
        self.timezone: str | tzinfo = timezone
        self.part: Literal["", "html", "text"] = ""
        self.images: dict[str, InlineImage] = {}


current_rendering: ContextVar[Rendering | None] = ContextVar("aerogram_rendering", default=None)
"""The rendering that this thread or task is in."""
