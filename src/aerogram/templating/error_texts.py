"""The texts of template errors: where it happened, and which names are available."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from jinja2.environment import TemplateModule

from aerogram.exceptions import TemplateSyntaxError
from aerogram.templating.components import COMPONENTS

if TYPE_CHECKING:
    from types import TracebackType

    import jinja2

_MOST_NAMES = 20  # listed in an error text


def names_of(obj: Any) -> list[str]:
    """Return the names that a template can look up in an object: keys, macros, or public attributes."""
    if isinstance(obj, Mapping):
        return [key for key in obj if isinstance(key, str)]
    names = vars(obj) if isinstance(obj, TemplateModule) else dir(obj)
    return [name for name in names if not name.startswith("_")]


def near_hint(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return a hint with the known name most similar to another; empty if none is similar.

    >>> near_hint("total", ["totals", "tax"]), near_hint("total", [])
    (" Did you mean 'totals'?", '')
    """
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f" Did you mean {near[0]!r}?" if near else ""


def nearest(name: str, names: Iterable[str]) -> str:
    """Return a hint that lists the names, those most like ``name`` first."""
    known = sorted(names)
    close = difflib.get_close_matches(name, known, n=3)
    listed = [*close, *(each for each in known if each not in close)]
    more = ", …" if len(listed) > _MOST_NAMES else ""
    return f"{near_hint(name, known)} Available: {', '.join(listed[:_MOST_NAMES]) or 'none'}{more}."


def reraise_with_place(template: jinja2.Template, error: Exception, origin: str) -> NoReturn:
    """Raise the application's own error again, with a note of the template and line it came from."""
    name, line = innermost_template(error.__traceback__)
    error.add_note(f"while rendering {place_of(name, line, origin)}")
    template.environment.handle_exception()


def innermost_template(
    traceback: TracebackType | None, *, at_call: bool = False
) -> tuple[str | None, int | None]:
    """Return the logical name and line of the innermost template in a traceback.

    With ``at_call`` it is the line that calls a component, and not the one inside of it.
    """
    name = line = None
    while traceback is not None:
        template = traceback.tb_frame.f_globals.get("__jinja_template__")
        if template is not None and not (at_call and line and template.name == COMPONENTS):
            name, line = template.name, template.get_corresponding_lineno(traceback.tb_lineno)
        traceback = traceback.tb_next
    return name, line


def place_of(name: str | None, line: int | None, origin: str) -> str:
    """Return how an error text begins: the template and line, and the declaration that names it."""
    return f"{name}, line {line} ({origin})" if name else f"{origin}, line {line}" if line else origin


def broken_template(error: jinja2.TemplateSyntaxError, origin: str) -> TemplateSyntaxError:
    """Return the error for a template that does not parse."""
    where = place_of(error.name, error.lineno, origin)
    return TemplateSyntaxError(f"{where}: {error.message}", template=error.name, line=error.lineno)


def broken_line(error: jinja2.TemplateSyntaxError, source: str, origin: str = "") -> TemplateSyntaxError:
    """Return the error for a Jinja string, such as a subject, that does not parse."""
    where = f"{origin}: " if origin else ""
    message = (error.message or "it does not parse").rstrip(".")
    shown = source if len(source) <= 100 else source[:99] + "…"
    return TemplateSyntaxError(f"{where}{message} in {shown!r}", line=error.lineno)
