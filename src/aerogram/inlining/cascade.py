"""Where each declaration must stand so that the same one wins as in the author's sheets.

A rule that is kept in a sheet overrides a style attribute only if it is important. Making it important makes
it override more, and so on. Of the declarations that apply to an element (``ElementCascade``), every two that
set a common longhand must keep their order. ``find_changes`` finds what has to change for that:

1. A kept rule becomes important if it should win over an inlined declaration.
2. A declaration of the style attribute becomes important if it should win over such a rule.
3. If it should also lose to another kept rule, its own rule is kept, too, as an important *copy*.
4. Where even that is wrong, the first rule is kept as it was, and what it should win over is not inlined.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import combinations
from operator import attrgetter
from typing import TYPE_CHECKING

from aerogram.inlining.declarations import Key, RankedDeclaration, read_style
from aerogram.inlining.properties import may_share_longhand

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from aerogram.inlining.declarations import Declarations

__all__ = ["CascadeChanges", "ElementCascade", "cascade_of", "find_changes"]

_LONGEST_CACHED = 2_000  # characters of a style attribute
_MOST_KEPT = 200  # kept declarations for one element; with more of them nothing is changed
_MOST_ROUNDS = 20
DeclarationSet = set[RankedDeclaration]


@dataclass(eq=False)
class ElementCascade:
    """The declarations that meet at an element: some for its style attribute, others kept in sheets."""

    inlined: Declarations  # each behind those it wins over
    unparsed: tuple[str, ...]  # pieces of the author's style attribute
    kept: frozenset[RankedDeclaration]

    @cached_property
    def losers(self) -> dict[RankedDeclaration, Declarations]:
        """For each declaration, the weakest first, those it wins over that may set a common longhand."""
        found: dict[RankedDeclaration, Declarations] = {}
        are_many = len(self.kept) > _MOST_KEPT
        for one in sorted((*self.inlined, *self.kept), key=attrgetter("precedence")):
            below = [
                other
                for other in (self.inlined if are_many and one in self.kept else found)
                if other.precedence < one.precedence and may_share_longhand(one.name, other.name)
            ]
            found[one] = tuple(below)
        return found

    @cached_property
    def keys(self) -> frozenset[Key]:
        """The keys of the inlined declarations."""
        return frozenset(one.key for one in self.inlined)

    def style(self, important: Container[RankedDeclaration], left_out: Container[RankedDeclaration]) -> str:
        """Return the style attribute in which some declarations are important, and others left out."""
        parts = [
            f"{text} !important" if one in important else text
            for one in self.inlined
            if one not in left_out
            for text in one.texts
        ]
        return "; ".join([*parts, *self.unparsed])


def cascade_of(inlined: Declarations, style: str, kept: Declarations) -> ElementCascade:
    """Return the cascade of an element whose author gave it this style attribute."""
    make = _cascade_of if len(style) <= _LONGEST_CACHED else _cascade_of.__wrapped__
    return make(inlined, style, kept)


@lru_cache(maxsize=2048)
def _cascade_of(inlined: Declarations, style: str, kept: Declarations) -> ElementCascade:
    own, unparsed = read_style(style)
    places = {one: number for number, one in enumerate(dict.fromkeys((*inlined, *own)))}
    not_overridden: dict[str, list[RankedDeclaration]] = {}
    for one in sorted(places, key=attrgetter("precedence")):
        below = not_overridden.setdefault(one.name, [])
        if one.is_surely_valid:
            for other in [other for other in below if other.precedence.block != one.precedence.block]:
                below.remove(other)
                places[one] = min(places[one], places.pop(other))
        below.append(one)
    found = sorted(places, key=places.__getitem__)
    if any(
        first.precedence > second.precedence and may_share_longhand(first.name, second.name)
        for first, second in combinations(found, 2)
    ):
        found.sort(key=attrgetter("precedence"))
    return ElementCascade(tuple(found), tuple(unparsed), frozenset(kept))


@dataclass(slots=True)
class CascadeChanges:
    """What is important or kept in the sheets, and what is important or missing in attributes."""

    never_important: set[Key]  # declarations of sheets that must stay as they are, or without a copy
    important: set[Key] = field(default_factory=set)  # those that become important, be they kept or copies
    kept_too: set[Key] = field(default_factory=set)  # inlined ones that are also kept: copies, or as they are
    # For the style attribute: the declarations that are important, and those left out.
    attributes: dict[ElementCascade, tuple[DeclarationSet, DeclarationSet]] = field(default_factory=dict)


def find_changes(cascades: Sequence[ElementCascade], animated: Iterable[str] = ()) -> CascadeChanges:
    """Return what has to change; ``animated`` are the properties of ``@keyframes``, which must not lose.

    Each attempt begins with the refusals of the one before, until one adds none.
    """
    refused = {
        one.key
        for cascade in cascades
        for one in cascade.kept
        if one.never_important
        or len(cascade.kept) > _MOST_KEPT
        or any(may_share_longhand(one.name, name) for name in animated)
    }
    for number in range(_MOST_ROUNDS + 1):
        if number == _MOST_ROUNDS:
            refused = {one.key for cascade in cascades for one in (*cascade.kept, *cascade.inlined)}
        attempt = CascadeChanges(set(refused))
        size = -1
        while size != (size := len(attempt.important)):
            for cascade in cascades:
                _extend_changes(cascade, attempt)
        if attempt.never_important == refused:
            break
        refused = attempt.never_important
    return attempt


def _extend_changes(cascade: ElementCascade, changes: CascadeChanges) -> None:
    """Add to the changes what one cascade needs."""
    if not cascade.kept and changes.important.isdisjoint(cascade.keys):
        changes.attributes[cascade] = {one for one in cascade.inlined if one.important}, set()
        return
    blocked, left_out = _not_important(cascade, changes)
    important: DeclarationSet = set()
    reasons: dict[RankedDeclaration, set[Key]] = {}  # what each inlined one must be important for
    for one, losers in cascade.losers.items():
        is_kept = one in cascade.kept
        why: set[Key] = set()  # the important declarations of sheets that it must win over
        for loser in losers:
            if loser.key in changes.important or (loser.important and loser in cascade.kept):
                why.add(loser.key)
            if not is_kept:
                why |= reasons.get(loser, set())
        if (is_kept and one.important) or one.key in changes.important:
            wrong = [low.key for low in losers if low.precedence.in_sheets > one.precedence.in_sheets]
            changes.never_important.update(changes.important.intersection(wrong))
        if is_kept:
            if not one.important and (why or any(low in reasons and low not in left_out for low in losers)):
                _make_important(one, why, changes)
            continue
        reasons[one] = why
        if one in left_out:
            changes.kept_too.add(one.key)
            changes.never_important |= changes.important & (why | {one.key})
        elif one not in blocked:
            if why or one.important:
                important.add(one)
        elif why:
            _make_important(one, why, changes)
    changes.attributes[cascade] = important, left_out


def _not_important(cascade: ElementCascade, changes: CascadeChanges) -> tuple[DeclarationSet, DeclarationSet]:
    """Return the inlined declarations that cannot be important, and those that cannot be in the attribute.

    The former should lose to what is kept in a sheet, the latter to what cannot become important there. Those
    that lose to them are among them.
    """
    blocked: DeclarationSet = set()
    left_out: DeclarationSet = set()
    for one, losers in reversed(cascade.losers.items()):
        is_kept = one in cascade.kept
        inlined = [low for low in losers if low not in cascade.kept]
        if is_kept or one in blocked:
            blocked.update(inlined)
        if one in left_out or (is_kept and not one.important and one.key in changes.never_important):
            left_out.update(inlined)
    return blocked, left_out


def _make_important(one: RankedDeclaration, why: set[Key], changes: CascadeChanges) -> None:
    """Make a declaration important in its sheet, or refuse that to those that it should win over."""
    if one.precedence.inline or one.key in changes.never_important:
        changes.never_important |= changes.important & why
        return
    changes.important.add(one.key)
    if one.key.is_inlined:
        changes.kept_too.add(one.key)
