"""Where each declaration must stand so that the same one wins as in the author's sheets.

A rule that stays in a sheet overrides a style attribute only if it is important. Making it important makes
it override more, and so on. For each combination of declarations that an element has (``Situation``), every
pair of them that sets a common longhand must keep its order. ``settle`` finds what has to change for that:

1. A rule that stays becomes important if it should win over an inlined declaration.
2. A declaration of the style attribute becomes important if it should win over such a rule.
3. If it should also lose to another rule that stays, its own rule stays in the sheet, too, and is important.
4. Where even that is wrong, the first rule remains as it was, and what it should win over is not inlined.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

from aerogram.inlining.css import Statement, Written, read_block
from aerogram.inlining.properties import are_related, is_surely_valid
from aerogram.inlining.stylesheet import Rank, Ranked, grouped

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

__all__ = ["Settlement", "Situation", "settle", "situation_of"]

_LONGEST_CACHED = 2_000  # characters of a style attribute
_MOST_KEPT = 200  # declarations of rules that stay, for one element; with more of them nothing is changed
_MOST_ROUNDS = 20
Key = tuple[int, ...]


@dataclass(eq=False)
class Situation:
    """The declarations that meet at an element: some for its style attribute, others that stay in sheets."""

    inlined: tuple[Ranked, ...]  # each behind those it wins over
    unread: tuple[str, ...]  # pieces of the author's style attribute
    kept: tuple[Ranked, ...]
    # For each inlined one: the kept ones that win over it, and those that lose to it.
    above: list[list[Ranked]] = field(default_factory=list)
    below: list[list[Ranked]] = field(default_factory=list)
    kept_pairs: list[tuple[Ranked, Ranked]] = field(default_factory=list)  # the winner first

    def __post_init__(self) -> None:
        for one in self.inlined:
            rivals = [other for other in self.kept if are_related(one.name, other.name)]
            self.above.append([other for other in rivals if other.rank > one.rank])
            self.below.append([other for other in rivals if other.rank < one.rank])
        if len(self.kept) <= _MOST_KEPT:
            kept = sorted(self.kept, key=_rank)
            self.kept_pairs = [
                (high, low)
                for number, high in enumerate(kept)
                for low in kept[:number]
                if not low.rank.important and are_related(high.name, low.name)
            ]

    @cached_property
    def lower(self) -> list[list[int]]:
        """For each inlined declaration, the numbers of those that lose to it."""
        return [
            [n for n, other in enumerate(self.inlined[:number]) if are_related(one.name, other.name)]
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
        return "; ".join([*parts, *self.unread])


def situation_of(inlined: tuple[Ranked, ...], style: str, kept: tuple[Ranked, ...]) -> Situation:
    """Return the situation of an element with this style attribute of its author."""
    make = _situation if len(style) <= _LONGEST_CACHED else _situation.__wrapped__
    return make(inlined, style, kept)


@lru_cache(maxsize=2048)
def _situation(inlined: tuple[Ranked, ...], style: str, kept: tuple[Ranked, ...]) -> Situation:
    own, unread = _read_style(style) if style else ([], [])
    places = {one: number for number, one in enumerate([*inlined, *own])}
    for one in sorted(places, key=_rank):
        if one.is_surely_valid:
            for other in [other for other in places if other.name == one.name and other.rank < one.rank]:
                if not _is_of_one_block(one, other):
                    places[one] = min(places[one], places.pop(other))
    found = sorted(places, key=places.__getitem__)
    if any(
        first.rank > second.rank and are_related(first.name, second.name)
        for first, second in combinations(found, 2)
    ):
        found.sort(key=_rank)
    return Situation(tuple(found), tuple(unread), kept)


def _rank(one: Ranked) -> Rank:
    return one.rank


def _is_of_one_block(one: Ranked, other: Ranked) -> bool:
    return one.rank.inline == other.rank.inline and one.rank.order[:2] == other.rank.order[:2]


def _read_style(style: str) -> tuple[list[Ranked], list[str]]:
    """Return the declarations of a style attribute, and the pieces of it that are none."""
    written, unread, end = [], [""], -1
    for part in read_block(style):
        if isinstance(part, Written) and part.declaration:
            written.append(part)
            continue
        text = part.text if isinstance(part, Written) else part.prelude
        if isinstance(part, Statement) and part.block is not None:
            text += f"{{{part.block}}}"
        if part.start == end:
            unread[-1] += text
        else:
            unread.append(text)
        end = part.end
    own = []
    for number, (name, important, parts) in enumerate(grouped(written)):
        values, _, texts = zip(*parts, strict=True)
        rank = Rank(important, True, 0, (0, 0, 0), (0, 0, number))
        own.append(Ranked(name, values[-1], texts, (), rank, is_surely_valid(name, values[-1])))
    return own, unread[1:]


@dataclass(slots=True)
class Settlement:
    """What is important in the sheets, what stays in them, and what is important or missing in attributes."""

    fixed: set[Key]  # rules that stay and must not become important
    uncopied: set[Key]  # inlined rules that must not stay in the sheet and be important
    important: set[Key] = field(default_factory=set)  # declarations of sheets that become important
    copied: set[Key] = field(default_factory=set)  # inlined ones that stay in the sheet, important
    left: set[Key] = field(default_factory=set)  # ones that stay in the sheet instead, as they are
    places: dict[Situation, tuple[set[int], set[int]]] = field(default_factory=dict)  # important, left out


def settle(situations: Sequence[Situation], animated: Iterable[str] = ()) -> Settlement:
    """Find out what has to change; ``animated`` are the properties of ``@keyframes``, which must not lose."""
    everything = {one for situation in situations for one in situation.kept if not one.rank.important}
    fixed = {
        one.key for one in everything if one.is_fixed or any(are_related(one.name, name) for name in animated)
    }
    for situation in situations:
        if len(situation.kept) > _MOST_KEPT:
            fixed.update(one.key for one in situation.kept)
    uncopied: set[Key] = set()
    for number in range(_MOST_ROUNDS + 1):
        if number == _MOST_ROUNDS:
            fixed = {one.key for one in everything}
            uncopied = {one.key for situation in situations for one in situation.inlined}
        attempt = Settlement(set(fixed), set(uncopied))
        changes = -1
        while changes != (changes := len(attempt.important) + len(attempt.copied)):
            for situation in situations:
                _settle_one(situation, attempt)
        if (attempt.fixed, attempt.uncopied) == (fixed, uncopied):
            break
        fixed, uncopied = attempt.fixed, attempt.uncopied
    return attempt


def _settle_one(situation: Situation, plan: Settlement) -> None:
    """Bring one situation in line with the plan, which grows where it needs more."""
    for high, low in situation.kept_pairs:
        if low.key in plan.important:
            if high.rank.important:
                if high.rank[2:] < low.rank[2:]:
                    plan.fixed.add(low.key)
            elif high.key in plan.fixed or high.key in plan.uncopied:
                _refuse({low.key}, plan)
            else:
                plan.important.add(high.key)
                if high.key[-1]:  # an inlined one, which is left in its sheet here
                    plan.copied.add(high.key)
    if not any(situation.above) and not any(situation.below) and not plan.copied:
        plan.places[situation] = {n for n, one in enumerate(situation.inlined) if one.rank.important}, set()
        return
    left_out = _left_out(situation, plan)
    blocked = _blocked(situation)
    important: set[int] = set()
    reasons: list[set[Key]] = []
    for number, one in enumerate(situation.inlined):
        why = {low.key for low in situation.below[number] if low.rank.important or low.key in plan.important}
        for loser in situation.lower[number]:
            why |= reasons[loser] | ({situation.inlined[loser].key} & plan.copied)
        reasons.append(why)
        if number in left_out:
            plan.left.add(one.key)
            _refuse(why | ({one.key} & plan.copied), plan)
            continue
        for high in situation.above[number]:
            if not high.rank.important:
                plan.important.add(high.key)
        if number not in blocked:
            if why or one.rank.important:
                important.add(number)
        elif why:
            if one.rank.inline or one.key in plan.uncopied:
                _refuse(why, plan)
            else:
                plan.copied.add(one.key)
                plan.important.add(one.key)
        if one.key in plan.copied:
            _check_copy(situation, number, plan)
    plan.places[situation] = important, left_out


def _left_out(situation: Situation, plan: Settlement) -> set[int]:
    """Return the inlined declarations that must lose to a rule that cannot become important."""
    left_out: set[int] = set()
    for number in reversed(range(len(situation.inlined))):
        if situation.inlined[number].rank.important:
            continue
        if number in left_out or any(
            not high.rank.important and high.key in plan.fixed for high in situation.above[number]
        ):
            left_out.add(number)
            left_out.update(n for n in situation.lower[number] if not situation.inlined[n].rank.important)
    return left_out


def _blocked(situation: Situation) -> set[int]:
    """Return the inlined declarations that cannot be important: what stays should win over them."""
    blocked: set[int] = set()
    for number in reversed(range(len(situation.inlined))):
        if situation.above[number] or number in blocked:
            blocked.add(number)
            blocked.update(situation.lower[number])
    return blocked


def _refuse(reasons: set[Key], plan: Settlement) -> None:
    """Leave these declarations of sheets as they were."""
    for key in reasons:
        (plan.uncopied if key in plan.copied else plan.fixed).add(key)


def _check_copy(situation: Situation, number: int, plan: Settlement) -> None:
    """Refuse a rule in the sheet, important, that would win over what it should lose to, or the other way."""
    one = situation.inlined[number]
    if not one.rank.important and any(
        high.rank.important and high.rank[2:] < one.rank[2:] for high in situation.above[number]
    ):
        plan.uncopied.add(one.key)
    for low in situation.below[number]:
        if low.key in plan.important and low.rank[2:] > one.rank[2:]:
            plan.fixed.add(low.key)
