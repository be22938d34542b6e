"""Where each declaration must stand so that the same one wins as in the author's sheets.

A rule that stays in a sheet overrides a style attribute only if it is important. Making it important makes
it override more, and so on. Of the declarations that apply to an element (``ElementCascade``), every two that
set a common longhand must keep their order. ``find_changes`` finds what has to change for that:

1. A rule that stays becomes important if it should win over an inlined declaration.
2. A declaration of the style attribute becomes important if it should win over such a rule.
3. If it should also lose to another rule that stays, its own rule stays in the sheet, too, and is important.
4. Where even that is wrong, the first rule remains as it was, and what it should win over is not inlined.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import combinations
from operator import attrgetter
from typing import TYPE_CHECKING

from aerogram.inlining.css import RawDeclaration, RawRule, read_block
from aerogram.inlining.properties import is_surely_valid, may_share_longhand
from aerogram.inlining.stylesheet import Precedence, RankedDeclaration, grouped

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from aerogram.inlining.stylesheet import Declarations

__all__ = ["CascadeChanges", "ElementCascade", "cascade_of", "find_changes"]

_LONGEST_CACHED = 2_000  # characters of a style attribute
_MOST_KEPT = 200  # declarations of rules that stay, for one element; with more of them nothing is changed
_MOST_ROUNDS = 20
Key = tuple[int, ...]


@dataclass(eq=False)
class ElementCascade:
    """The declarations that meet at an element: some for its style attribute, others that stay in sheets."""

    inlined: Declarations  # each behind those it wins over
    unparsed: tuple[str, ...]  # pieces of the author's style attribute
    kept: Declarations
    # For each inlined one: the kept ones that win over it, and those that lose to it.
    kept_winners: list[list[RankedDeclaration]] = field(default_factory=list)
    kept_losers: list[list[RankedDeclaration]] = field(default_factory=list)
    # Of the kept ones that may set a common longhand, the winner first.
    kept_pairs: list[tuple[RankedDeclaration, RankedDeclaration]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for one in self.inlined:
            rivals = [other for other in self.kept if may_share_longhand(one.name, other.name)]
            self.kept_winners.append([other for other in rivals if other.precedence > one.precedence])
            self.kept_losers.append([other for other in rivals if other.precedence < one.precedence])
        if len(self.kept) <= _MOST_KEPT:
            kept = sorted(self.kept, key=attrgetter("precedence"))
            self.kept_pairs = [
                (high, low)
                for number, high in enumerate(kept)
                for low in kept[:number]
                if not low.important and may_share_longhand(high.name, low.name)
            ]

    @cached_property
    def inlined_losers(self) -> list[list[int]]:
        """For each inlined declaration, the numbers of those that lose to it."""
        return [
            [n for n, other in enumerate(self.inlined[:number]) if may_share_longhand(one.name, other.name)]
            for number, one in enumerate(self.inlined)
        ]

    def style(self, important: Collection[int], left_out: Collection[int]) -> str:
        """Return the style attribute with the declarations of these numbers important, or left out."""
        parts = [
            f"{text}{' !important' if number in important else ''}"
            for number, one in enumerate(self.inlined)
            if number not in left_out
            for text in one.texts
        ]
        return "; ".join([*parts, *self.unparsed])


def cascade_of(inlined: Declarations, style: str, kept: Declarations) -> ElementCascade:
    """Return the cascade of an element whose author gave it this style attribute."""
    make = _cascade_of if len(style) <= _LONGEST_CACHED else _cascade_of.__wrapped__
    return make(inlined, style, kept)


@lru_cache(maxsize=2048)
def _cascade_of(inlined: Declarations, style: str, kept: Declarations) -> ElementCascade:
    own, unparsed = _read_style(style) if style else ([], [])
    places = {one: number for number, one in enumerate(dict.fromkeys((*inlined, *own)))}
    not_overridden: dict[str, list[RankedDeclaration]] = {}
    for one in sorted(places, key=attrgetter("precedence")):
        below = not_overridden.setdefault(one.name, [])
        if one.is_surely_valid:
            for other in [other for other in below if _block(other) != _block(one)]:
                below.remove(other)
                places[one] = min(places[one], places.pop(other))
        below.append(one)
    found = sorted(places, key=places.__getitem__)
    if any(
        first.precedence > second.precedence and may_share_longhand(first.name, second.name)
        for first, second in combinations(found, 2)
    ):
        found.sort(key=attrgetter("precedence"))
    return ElementCascade(tuple(found), tuple(unparsed), kept)


def _block(one: RankedDeclaration) -> tuple[object, ...]:
    important, inline, _, specificity, order = one.precedence
    return inline or (important, specificity), order[:2]


def _read_style(style: str) -> tuple[list[RankedDeclaration], list[str]]:
    """Return the declarations of a style attribute, and the pieces of it that are none."""
    written, unparsed, end = [], [""], -1
    for part in read_block(style, nesting=False):
        if isinstance(part, RawDeclaration) and part.declaration:
            written.append(part)
            continue
        text = part.text if isinstance(part, RawDeclaration) else part.prelude
        if isinstance(part, RawRule) and part.block is not None:
            text += f"{{{part.block}}}"
        if part.start == end:
            unparsed[-1] += text
        else:
            unparsed.append(text)
        end = part.end
    own = []
    for number, (name, important, parts) in enumerate(grouped(written)):
        values, _, texts = zip(*parts, strict=True)
        precedence = Precedence(important, True, 0, (0, 0, 0), (0, 0, number))
        own.append(
            RankedDeclaration(name, values[-1], texts, (), precedence, is_surely_valid(name, values[-1]))
        )
    return own, unparsed[1:]


@dataclass(slots=True)
class CascadeChanges:
    """What is important in the sheets, what stays in them, and what is important or missing in attributes."""

    stay_normal: set[Key]  # rules that stay and must not become important
    not_copied: set[Key]  # inlined rules that must not stay in the sheet and be important
    important: set[Key] = field(default_factory=set)  # declarations of sheets that become important
    copied: set[Key] = field(default_factory=set)  # inlined ones that stay in the sheet, important
    not_inlined: set[Key] = field(default_factory=set)  # ones that stay in the sheet instead, as they are
    # For the style attribute: the numbers of important declarations, and of those left out.
    attributes: dict[ElementCascade, tuple[set[int], set[int]]] = field(default_factory=dict)


def find_changes(cascades: Sequence[ElementCascade], animated: Iterable[str] = ()) -> CascadeChanges:
    """Return what has to change; ``animated`` are the properties of ``@keyframes``, which must not lose.

    Each attempt begins with the refusals of the one before, until one adds none.
    """
    everything = {one for cascade in cascades for one in cascade.kept if not one.important}
    stay_normal = {
        one.key
        for one in everything
        if one.stays_normal or any(may_share_longhand(one.name, name) for name in animated)
    }
    for cascade in cascades:
        if len(cascade.kept) > _MOST_KEPT:
            stay_normal.update(one.key for one in cascade.kept)
    not_copied: set[Key] = set()
    for number in range(_MOST_ROUNDS + 1):
        if number == _MOST_ROUNDS:
            stay_normal = {one.key for one in everything}
            not_copied = {one.key for cascade in cascades for one in cascade.inlined}
        attempt = CascadeChanges(set(stay_normal), set(not_copied))
        size = -1
        while size != (size := len(attempt.important) + len(attempt.copied)):
            for cascade in cascades:
                _extend_changes(cascade, attempt)
        if (attempt.stay_normal, attempt.not_copied) == (stay_normal, not_copied):
            break
        stay_normal, not_copied = attempt.stay_normal, attempt.not_copied
    return attempt


def _extend_changes(cascade: ElementCascade, changes: CascadeChanges) -> None:
    """Add to the changes what one cascade needs."""
    for high, low in cascade.kept_pairs:
        if low.key in changes.important:
            if high.important:
                if high.precedence[2:] < low.precedence[2:]:
                    changes.stay_normal.add(low.key)
            elif high.key in changes.stay_normal or high.key in changes.not_copied:
                _refuse({low.key}, changes)
            else:
                changes.important.add(high.key)
                if high.key[-1]:  # an inlined one, which is left in its sheet here
                    changes.copied.add(high.key)
    if not any(cascade.kept_winners) and not any(cascade.kept_losers) and not changes.copied:
        changes.attributes[cascade] = {n for n, one in enumerate(cascade.inlined) if one.important}, set()
        return
    left_out = _left_out(cascade, changes)
    blocked = _blocked(cascade)
    important: set[int] = set()
    reasons: list[set[Key]] = []
    for number, one in enumerate(cascade.inlined):
        why = {
            low.key for low in cascade.kept_losers[number] if low.important or low.key in changes.important
        }
        for loser in cascade.inlined_losers[number]:
            why |= reasons[loser] | ({cascade.inlined[loser].key} & changes.copied)
        reasons.append(why)
        if number in left_out:
            changes.not_inlined.add(one.key)
            _refuse(why | ({one.key} & changes.copied), changes)
            continue
        for high in cascade.kept_winners[number]:
            if not high.important:
                changes.important.add(high.key)
        if number not in blocked:
            if why or one.important:
                important.add(number)
        elif why:
            if one.precedence.inline or one.key in changes.not_copied:
                _refuse(why, changes)
            else:
                changes.copied.add(one.key)
                changes.important.add(one.key)
        if one.key in changes.copied:
            _check_copy(cascade, number, changes)
    changes.attributes[cascade] = important, left_out


def _left_out(cascade: ElementCascade, changes: CascadeChanges) -> set[int]:
    """Return the inlined declarations that must lose to a rule that cannot become important."""
    normal = {number for number, one in enumerate(cascade.inlined) if not one.important}
    first = [
        number
        for number in normal
        if any(not one.important and one.key in changes.stay_normal for one in cascade.kept_winners[number])
    ]
    return _with_losers(cascade, first, normal)


def _blocked(cascade: ElementCascade) -> set[int]:
    """Return the inlined declarations that cannot be important: what stays should win over them."""
    numbers = range(len(cascade.inlined))
    return _with_losers(cascade, [number for number in numbers if cascade.kept_winners[number]], numbers)


def _with_losers(cascade: ElementCascade, first: Iterable[int], among: Collection[int]) -> set[int]:
    """Return the first inlined declarations, and those that lose to them or to such losers."""
    found = set(first)
    for number in reversed(range(len(cascade.inlined)) if found else ()):
        if number in found:
            found.update(loser for loser in cascade.inlined_losers[number] if loser in among)
    return found


def _refuse(reasons: set[Key], changes: CascadeChanges) -> None:
    """Leave these declarations of sheets as they were."""
    for key in reasons:
        (changes.not_copied if key in changes.copied else changes.stay_normal).add(key)


def _check_copy(cascade: ElementCascade, number: int, changes: CascadeChanges) -> None:
    """Refuse an important copy in the sheet that would win or lose against the wrong declaration."""
    one = cascade.inlined[number]
    if not one.important and any(
        high.important and high.precedence[2:] < one.precedence[2:] for high in cascade.kept_winners[number]
    ):
        changes.not_copied.add(one.key)
    for low in cascade.kept_losers[number]:
        if low.key in changes.important and low.precedence[2:] > one.precedence[2:]:
            changes.stay_normal.add(low.key)
