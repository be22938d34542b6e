"""Split a rendered page into its shape and the values in it, fast where pages like it came before.

A template yields its page in chunks: constants as the same ``str`` objects every time, values as ``Markup``
fresh from the escaping. So a page is its constants, compared by identity, with ``None`` where a value stands;
that is its path through the template. Most values are plain text, which one pattern proves for all of them
at once. What is not (a macro's markup, an empty value) is remembered by its place on the path, with the forms
it came in: the literals of a form are looked for one by one, and what stands between them are the values.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

from aerogram.stencil.shape import are_solid, is_solid, split_markup, split_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aerogram.stencil.cache import Cache
    from aerogram.stencil.shape import Shape

__all__ = ["Split", "split"]

_SERIALS = itertools.count()
_FORMS = 8  # of one value, that are remembered; one that comes in more is taken apart each time
_LONGEST = 8192  # characters of a form worth remembering
_SOLID: tuple[str, ...] = ("", "")


class Form:
    """How a value that is not plain text looked: literals, with a value of its own between each two."""

    def __init__(self, literals: tuple[str, ...]) -> None:
        self.literals = literals
        self.length = sum(map(len, literals))

    def values_of(self, markup: str) -> list[str] | None:
        """Return the values between the literals, ``None`` where the markup has another form.

        A literal between two values holds something that no value may hold, so that it is found where it
        stands first.
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
    """What is known of a way through a template: which of its values are not plain text, and their forms."""

    serial: int
    constants: Shape
    forms: dict[int, tuple[Form, ...]]

    @property
    def octets(self) -> int:
        """What it takes in memory, about."""
        lengths = sum(form.length for forms in self.forms.values() for form in forms)
        return 200 + 8 * len(self.constants) + 2 * lengths


class Split(NamedTuple):
    """A page as a key, the same for all pages of its shape, and the values in it."""

    path: Path
    forms: tuple[tuple[int, tuple[str, ...]], ...]  # the literals of the values that are not plain, by number
    values: Sequence[str]

    @property
    def key(self) -> tuple[object, ...]:
        """What is the same for all pages of the shape."""
        return self.path.serial, self.forms

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
    """Split a page, or the chunks of one, with what ``cache`` has of pages like it."""
    if isinstance(page, str):
        literals, values = split_markup(page)
        return Split(Path(0, (None,), {}), ((0, literals),), values)
    constants = tuple([chunk if type(chunk) is str else None for chunk in page])
    values = [chunk for chunk in page if type(chunk) is not str]
    path: Path | None = cache.get(constants)
    if path is None:
        path = Path(next(_SERIALS) + 1, constants, {})
        cache.put(constants, path, path.octets)
    return _split_as_before(path, values) or _split_anew(path, values, cache)


def _split_as_before(path: Path, values: list[str]) -> Split | None:
    """Split what looks as pages of its path did; ``None`` where it does not."""
    if not path.forms:
        return Split(path, (), values) if are_solid(values) else None
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
                if form.literals != _SOLID:
                    forms.append((number, form.literals))
                break
        else:
            return None
    found += values[start:]
    return Split(path, tuple(forms), found) if are_solid(found) else None


def _split_anew(path: Path, values: list[str], cache: Cache) -> Split:
    """Split what looks new, and remember how it looks."""
    forms = []
    found: list[str] = []
    known = dict(path.forms)
    for number, value in enumerate(values):
        if is_solid(value):
            literals, inner = _SOLID, [value]
        else:
            literals, inner = (split_markup if "<" in value else split_text)(value)
        found += inner
        if literals != _SOLID:
            forms.append((number, literals))
        if literals != _SOLID or number in known:
            known[number] = _with_form(known.get(number, ()), literals)
    if known != path.forms:
        path = path._replace(forms=dict(sorted(known.items())))
        cache.put(path.constants, path, path.octets)
    return Split(path, tuple(forms), found)


def _with_form(forms: tuple[Form, ...], literals: tuple[str, ...]) -> tuple[Form, ...]:
    form = Form(literals)
    if len(forms) >= _FORMS or form.length > _LONGEST or any(literals == known.literals for known in forms):
        return forms
    # That of plain text fits all that is not markup, so it comes last.
    return (*forms, form) if literals == _SOLID else (form, *forms)
