"""The message that is being rendered, for the functions and filters of its templates."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from aerogram.templating.images import InlineImage

__all__ = ["Rendering", "current_rendering"]


class Rendering:
    """One message while it is rendered.

    ``part`` is the part whose template runs, ``images`` are those that the HTML template printed, by
    Content-ID.
    """

    __slots__ = ("images", "part")

    def __init__(self) -> None:
        self.part: Literal["", "html", "text"] = ""
        self.images: dict[str, InlineImage] = {}


current_rendering: ContextVar[Rendering | None] = ContextVar("aerogram_rendering", default=None)
"""The rendering that this thread or task is in."""
