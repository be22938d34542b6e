"""Split a rendered page into its shape and the values in it.

A template yields its page in chunks: constants as the same ``str`` objects every time, values as ``Markup``
fresh from the escaping. So a page is its constants, compared by identity, with ``None`` where a value stands;
that is its path through the template. Most values are plain text. For each place on the path that has other
values (a macro's markup, an empty value) the forms they came in are kept: the literals of a form are searched
for one by one, and what stands between them are values.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

from aerogram.stencil.shape import is_plain_text, split_markup, split_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aerogram.stencil.cache import Cache
    from aerogram.stencil.shape import Shape

__all__ = ["Split", "split"]

_SERIALS = itertools.count()
_FORMS = 8  # kept for one value; a value that comes in more is split anew each time
_LONGEST = 8192  # characters of a form worth keeping
_PLAIN: tuple[str, ...] = ("", "")


class Form:
    """The form of a value that is not plain text: literals, with an inner value between each two."""

    def __init__(self, literals: tuple[str, ...]) -> None:
        self.literals = literals
        self.length = sum(map(len, literals))

    def values_of(self, markup: str) -> list[str] | None:
        """Return the values between the literals, or ``None`` if the markup has another form.

        A literal between two values holds something that no value may hold, so its first occurrence is it.
        """
        first, *inner, last = self.literals if len(self.literals) > 1 else (*self.literals, "")
        if not (markup.startswith(first) and markup.endswith(last)):
            return None
        if len(self.literals) == 1:
            return [] if markup == first else None
        values = []
        start, end = len(first), len(markup) - len(last)
        for literal in inner:
            place = markup.find(literal, start, end)
            if place <= start:
                return None
            values.append(markup[start:place])
            start = place + len(literal)
        if start >= end:
            return None
        return [*values, markup[start:end]]


class Path(NamedTuple):
    """A path through a template, and the forms of those of its values that are not plain text, by number."""

    serial: int
    constants: Shape
    forms: dict[int, tuple[Form, ...]]

    @property
    def octets(self) -> int:
        """The memory it takes, estimated."""
        lengths = sum(form.length for forms in self.forms.values() for form in forms)
        return 200 + 8 * len(self.constants) + 2 * lengths


class Split(NamedTuple):
    """A page as its path and forms, which all pages of its shape share, and the values in it."""

    path: Path
    forms: tuple[tuple[int, tuple[str, ...]], ...]  # the literals of the values that are not plain, by number
    values: Sequence[str]

    @property
    def shape(self) -> Shape:
        """The literals of the page, and ``None`` for each value."""
        forms = dict(self.forms)
        numbers = itertools.count()
        shape: list[str | None] = []
        for piece in self.path.constants:
            literals = forms.get(next(numbers)) if piece is None else None
            if literals is None:
                shape.append(piece)
                continue
            for literal in literals:
                shape += (literal, None)
            shape.pop()
        return tuple(shape)


def split(page: str | Sequence[str], cache: Cache) -> Split:
    """Split a page or its chunks, if possible in the way that ``cache`` has for its path."""
    if isinstance(page, str):
        literals, values = split_markup(page)
        return Split(Path(0, (None,), {}), ((0, literals),), values)
    pieces: list[str | None] = []
    values = []
    for chunk in page:
        if type(chunk) is str:
            pieces.append(chunk)
        else:
            pieces.append(None)
            values.append(str(chunk))  # no Markup, which escapes its operands
    constants = tuple(pieces)
    path: Path | None = cache.get(constants)
    if path is None:
        path = Path(next(_SERIALS) + 1, constants, {})
        cache.put(constants, path, path.octets)
    return _split_as_before(path, values) or _split_anew(path, values, cache)


def _split_as_before(path: Path, values: list[str]) -> Split | None:
    """Split a page whose values have known forms; return ``None`` if one has another."""
    forms = []
    found: list[str] = []
    start = 0
    for number, known in path.forms.items():
        found += values[start:number]
        start = number + 1
        value = values[number]
        for form in known:
            inner = form.values_of(value)
            if inner is not None:
                found += inner
                if form.literals != _PLAIN:
                    forms.append((number, form.literals))
                break
        else:
            return None
    found += values[start:]
    return Split(path, tuple(forms), found) if all(map(is_plain_text, found)) else None


def _split_anew(path: Path, values: list[str], cache: Cache) -> Split:
    """Split a page by looking at every value, and keep the forms for the next one."""
    forms = []
    found: list[str] = []
    known = dict(path.forms)
    for number, value in enumerate(values):
        if is_plain_text(value):
            literals, inner = _PLAIN, [value]
        else:
            literals, inner = (split_markup if "<" in value else split_text)(value)
        found += inner
        if literals != _PLAIN:
            forms.append((number, literals))
        if literals != _PLAIN or number in known:
            known[number] = _with_form(known.get(number, ()), literals)
    if known != path.forms:
        path = path._replace(forms=dict(sorted(known.items())))
        cache.put(path.constants, path, path.octets)
    return Split(path, tuple(forms), found)


def _with_form(forms: tuple[Form, ...], literals: tuple[str, ...]) -> tuple[Form, ...]:
    form = Form(literals)
    if len(forms) >= _FORMS or form.length > _LONGEST or any(literals == known.literals for known in forms):
        return forms
    # The form of plain text fits everything that is not markup, so it comes last.
    return (*forms, form) if literals == _PLAIN else (form, *forms)
