"""Output for people on a terminal, and plain lines for a pipe."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from aerogram.exceptions import AerogramError, describe

if TYPE_CHECKING:
    from aerogram.checks.problem import SourceLine


@cache
def screen(stderr: bool = False) -> Console:
    """Return the console of standard output, or of standard error."""
    return Console(stderr=stderr, highlight=False, soft_wrap=False)


def complain(error: Exception) -> None:
    """Show an error on standard error, in its own words."""
    text = Text.assemble(("Error: ", "bold red"), escape_controls(describe(error)))
    if not isinstance(error, AerogramError):
        text.append("\nTo see where it was raised: aerogram --traceback …", "dim")
    console = screen(stderr=True)
    console.print(text, soft_wrap=not console.is_terminal)


def escape_controls(text: str) -> str:
    r"""Return ``text`` with escapes for what could control a terminal or change the direction of its lines.

    >>> escape_controls("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs")
        else character.encode("unicode_escape").decode()
        for character in text.replace("\r\n", "\n")
    )


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "error"), counted(2, "error")
    ('1 error', '2 errors')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def shown_time(moment: datetime | None) -> str:
    """Return a time in the zone of the reader; nothing for None."""
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def shown_place(place: SourceLine) -> str:
    """Return ``file:line``, the file relative to the working directory if it is below it."""
    if not place.file:
        return ""
    path = Path(place.file)
    here = Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return f"{shown}:{place.line}" if place.line else str(shown)
