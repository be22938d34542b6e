"""Jinja's environment with the two steps shortened that every value of every mail takes.

Asking an object for a name, and escaping what it has, are most of the time of a template. Both give what
Jinja's own give.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup
from markupsafe import escape as escape_any

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from types import CodeType

__all__ = ["SwiftEnvironment", "escape"]

_OF_DICTS = frozenset(dir(dict))
_markup = str.__new__


def escape(value: Any) -> Markup:
    """Return what ``markupsafe.escape`` does, sooner: most values hold nothing to escape, or are escaped."""
    kind = type(value)
    if kind is str:
        if "&" in value or "<" in value or ">" in value or '"' in value or "'" in value:
            return escape_any(value)
        return _markup(Markup, value)
    if kind is Markup:
        return value  # type: ignore[no-any-return]  # just looked
    return _markup(Markup, value) if kind is int else escape_any(value)


class _Template(jinja2.Template):
    """A template whose code calls the function above where Jinja's compiler wrote ``escape``."""

    @classmethod
    def from_code(
        cls,
        environment: jinja2.Environment,
        code: CodeType,
        globals: MutableMapping[str, Any],
        uptodate: Callable[[], bool] | None = None,
    ) -> jinja2.Template:
        template = super().from_code(environment, code, globals, uptodate)
        template.root_render_func.__globals__["escape"] = escape
        return template


class SwiftEnvironment(jinja2.Environment):
    """Jinja's, but that a dict is asked for an item without an exception for the attribute it has not."""

    template_class: type[jinja2.Template] = _Template

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return an attribute or item, the attribute first, or an undefined object."""
        if type(obj) is dict and attribute in obj and attribute not in _OF_DICTS:
            return obj[attribute]
        try:
            return getattr(obj, attribute)
        except AttributeError:
            return super().getattr(obj, attribute)
