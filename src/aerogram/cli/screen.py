"""What the command shows: for people on a terminal, plain lines into a pipe."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from aerogram.checks.problem import Place

_HARMLESS = frozenset("\n\t")


@cache
def screen(stderr: bool = False) -> Console:
    """Return the console of standard output, or of standard error."""
    return Console(stderr=stderr, highlight=False, soft_wrap=False)


def complain(error: Exception) -> None:
    """Say an error on standard error, in its own words."""
    own = type(error).__module__.startswith("aerogram.")
    notes = "".join(f"\n{note}" for note in getattr(error, "__notes__", ()))
    said = f"{error}{notes}" if own else f"{type(error).__name__}: {error}{notes}"
    text = Text.assemble(("Error: ", "bold red"), printable(said))
    if not own:
        text.append("\nTo see where it came from: aerogram --traceback …", "dim")
    console = screen(stderr=True)
    console.print(text, soft_wrap=not console.is_terminal)


def printable(text: str) -> str:
    r"""Return ``text`` with what could steer a terminal, or turn its lines around, written out.

    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return "".join(
        character
        if character in _HARMLESS or unicodedata.category(character) not in {"Cc", "Cf", "Cs"}
        else character.encode("unicode_escape").decode()
        for character in text.replace("\r\n", "\n")
    )


def shown_place(place: Place) -> str:
    """Return ``file:line``, the file relative to the working directory where it is below it."""
    if not place.file:
        return ""
    path = Path(place.file)
    here = Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return f"{shown}:{place.line}" if place.line else str(shown)
