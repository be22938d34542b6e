"""The labels of the items of an ordered list: numbers, letters or Roman numerals (HTML, "The ol element")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aerogram.plaintext.style import style_of

if TYPE_CHECKING:
    from aerogram.document import Element

_INTEGER = re.compile(r"\s*([+-]?[0-9]{1,9})")
_STYLES = {"alpha": "a", "latin": "a", "roman": "i", "none": "none"}
_ROMAN = "m1000 cm900 d500 cd400 c100 xc90 l50 xl40 x10 ix9 v5 iv4 i1"
_ROMAN_PARTS = [(int(value), letters) for letters, value in re.findall(r"([a-z]+)(\d+)", _ROMAN)]


class Numbering:
    """The count of one ordered list of so many items."""

    def __init__(self, element: Element, items: int) -> None:
        is_reversed = element.get("reversed") is not None
        self._step = -1 if is_reversed else 1
        self._next = _integer(element.get("start"), items if is_reversed else 1)
        self._type = _type_of(element, "1")
        self.counted = max(self._next, 0)  # the number that html2text gives the next item

    def label(self, item: Element) -> str:
        """Return the label of the next item, ``""`` if html2text gives it the same."""
        number = _integer(item.get("value"), self._next)
        self._next = number + self._step
        self.counted += 1
        kind = _type_of(item, self._type)
        label = "-" if kind == "none" else f"{_written(number, kind)}."
        return "" if label == f"{self.counted - 1}." else label


def _integer(value: str | None, default: int) -> int:
    found = _INTEGER.match(value or "")
    return int(found[1]) if found else default


def _type_of(element: Element, default: str) -> str:
    """Return the type of a list or an item: 1, a, A, i, I or none."""
    style = style_of(element).list_type
    if not style:
        value = str(element.get("type", ""))
        return value if value in ("1", "a", "A", "i", "I") else default
    case, _, kind = style.rpartition("-")
    letter = _STYLES.get(kind, "1")
    return letter.upper() if case == "upper" else letter


def _written(number: int, kind: str) -> str:
    """Write a number as the type of a list asks for."""
    text = ""
    if kind in "aA" and number > 0:
        while number:
            number, letter = divmod(number - 1, 26)
            text = chr(ord("a") + letter) + text
    elif kind in "iI" and 0 < number < 4000:
        for value, letters in _ROMAN_PARTS:
            text += letters * (number // value)
            number %= value
    return (text.upper() if kind.isupper() else text) or str(number)
