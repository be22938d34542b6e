"""Declarations with their precedence in the cascade, as rules and style attributes give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from aerogram.inlining.css import RawDeclaration, RawRule, read_block
from aerogram.inlining.properties import is_surely_valid, may_share_longhand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aerogram.inlining.selector import Specificity

__all__ = ["Declarations", "Group", "Key", "Precedence", "RankedDeclaration", "grouped", "read_style"]


class Precedence(NamedTuple):
    """The precedence of a declaration in the cascade: the larger wins (CSS Cascade 5, section 6.1)."""

    important: bool
    inline: bool
    layer: int
    specificity: Specificity
    order: tuple[int, int, int]  # of the sheet, of the rule in it, of the declaration in that

    @property
    def in_sheets(self) -> tuple[object, ...]:
        """The precedence among declarations that are in sheets and all important, or all not."""
        return self.layer, self.specificity, self.order

    @property
    def block(self) -> tuple[object, ...]:
        """The style attribute; or the rule with one of its selectors, and the importance."""
        return self.inline or (self.important, self.specificity), self.order[:2]


class Key(NamedTuple):
    """A declaration of a sheet, whichever selector of its rule it is for."""

    order: tuple[int, ...]
    is_inlined: bool


_NO_KEY = Key((), is_inlined=False)


@dataclass(frozen=True, slots=True, eq=False)
class RankedDeclaration:
    """The values that one block gives a property, in order, and their precedence.

    Several values are for clients that do not know the last. ``ends`` says where each ends in the text of the
    sheet. All selectors of one rule share its ``key``. Declarations of a style attribute have neither.
    """

    name: str
    value: str  # the last
    texts: tuple[str, ...]  # with the name, as a style attribute has them
    precedence: Precedence
    ends: tuple[int, ...] = ()
    never_important: bool = False  # it must not become important
    key: Key = _NO_KEY

    @property
    def important(self) -> bool:
        """True for ``!important`` declarations."""
        return self.precedence.important

    @property
    def is_surely_valid(self) -> bool:
        """True if every client accepts the last value; otherwise it overrides no other."""
        return is_surely_valid(self.name, self.value)


Declarations = tuple[RankedDeclaration, ...]


class Group(NamedTuple):
    """What a block says of one property: several values are for clients that do not know the last."""

    name: str
    important: bool
    values: list[str]
    ends: list[int]
    texts: list[str]


def grouped(written: Sequence[RawDeclaration | RawRule]) -> list[Group]:
    """Return the declarations of a block, those of one property together."""
    groups: list[Group] = []
    for part in written:
        if not isinstance(part, RawDeclaration) or part.declaration is None:
            continue
        name, value, important = part.declaration
        related = [one for one in groups[-20:] if may_share_longhand(one.name, name)]
        group = next((one for one in reversed(related) if one.important == important), None)
        if group is None or group.name != name:
            if group and is_surely_valid(name, value):  # it will win over the last of its name
                groups = [one for one in groups if one[:2] != (name, important)]
            group = Group(name, important, [], [], [])
            groups.append(group)
        elif group is not related[-1]:  # behind one of another importance, before which it began
            place = next(at for at in range(len(groups) - 1, -1, -1) if groups[at] is group)
            groups.append(groups.pop(place))
        group.values.append(value)
        group.ends.append(part.end)
        group.texts.append(part.text)
    return groups


def read_style(style: str) -> tuple[list[RankedDeclaration], list[str]]:
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
    for number, group in enumerate(grouped(written)):
        precedence = Precedence(group.important, True, 0, (0, 0, 0), (0, 0, number))
        own.append(RankedDeclaration(group.name, group.values[-1], tuple(group.texts), precedence))
    return own, unparsed[1:]
