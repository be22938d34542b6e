"""A page finished once with placeholders, and how the values of a message come into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from aerogram.stencil.text import picker
from aerogram.stencil.wire import SolidConstants

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Sequence

    from aerogram.stencil.text import TextForm

__all__ = ["UNPROVED", "Finished", "HtmlForm", "Stencil", "html_form"]


@dataclass(frozen=True, slots=True)
class HtmlForm:
    """The HTML part: constants with gaps between them, and what picks the values for the gaps in order."""

    constants: SolidConstants
    pick: Callable[[Sequence[str]], Sequence[str]]

    def fill(self, values: Sequence[str]) -> str:
        """Return the HTML part with ``values`` in it, escaped as they came."""
        return self.constants.filled(self.pick(values))


class Finished(NamedTuple):
    """A page ready to be sent: the HTML part, and the text part when it was asked for."""

    html: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Stencil:
    """The two parts of a page with gaps for its values; without an HTML part it could not be proved."""

    html: HtmlForm | None
    text: TextForm | None
    length: int  # of the page's source without its values, in characters
    octets: int  # what it takes in memory, about

    def fill(self, values: Sequence[str]) -> Finished:
        """Return the finished page with ``values`` in it."""
        if self.html is None:
            raise AssertionError("an unproved stencil is never filled")
        return Finished(self.html.fill(values), self.text.fill(values) if self.text else "")


UNPROVED = Stencil(None, None, 0, 200)
"""Says that the pages of a shape go the slow way."""


def html_form(html: str, slot: re.Pattern[str], free: Sequence[int]) -> HtmlForm | None:
    """Cut finished HTML at its placeholders; ``None`` unless each of ``free`` is there exactly once."""
    parts = slot.split(html)
    order = tuple(map(int, parts[1::2]))
    if sorted(order) != sorted(free):
        return None
    return HtmlForm(SolidConstants(parts[::2]), picker(order))
