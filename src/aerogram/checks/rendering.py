"""The rendering of a sample, with the page before its CSS is inlined, for the rules that need it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

from aerogram.conf import settings
from aerogram.notification import Notification, renderer_of

if TYPE_CHECKING:
    from aerogram.mail.message.email_message import EmailMessage
    from aerogram.stencil import Stencils

__all__ = ["Rendered", "render"]


class Rendered(NamedTuple):
    """A message, and the page and style sheets it was made from; empty if they are unknown."""

    message: EmailMessage
    page: str = ""
    css: str = ""


class _Recorder:
    """Stencils that remember the last page."""

    def __init__(self, stencils: Stencils) -> None:
        self.stencils = stencils
        self.page = self.css = ""

    def finish(self, page: Any, css: str = "", **options: Any) -> Any:
        chunks = list(page)
        self.page, self.css = "".join(chunks), css
        return self.stencils.finish(chunks, css, **options)


def render(sample: Notification) -> Rendered:
    """Return the message that sending a sample would send, and its sources."""
    if type(sample).render is not Notification.render:
        return Rendered(sample.render())
    with settings.frozen():
        renderer = copy.copy(renderer_of(sample))
        recorder: Any = _Recorder(renderer.stencils)
        renderer.stencils = recorder
        return Rendered(renderer.render(sample), recorder.page, recorder.css)
