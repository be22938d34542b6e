"""Text that browsers generate: the labels of list items, and quotation marks."""

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
# Outer and inner marks, and the languages that write them (CLDR, "delimiters").
_LANGUAGES = {
    "\u201e\u201c\u201a\u2018": "bg cs de hr is ka lt mk sk sl sq sr",
    "\u201e\u201d\u00ab\u00bb": "et hu pl ro",
    "\u00ab\u00bb\u2039\u203a": "az fa fr hy",
    "\u00ab\u00bb\u201c\u201d": "ca el es eu gl it",
    "\u00ab\u00bb\u201e\u201c": "be ru uk",
    "\u201d\u201d\u2019\u2019": "fi he sv",
    "\u300c\u300d\u300e\u300f": "ja",
}


class Numbering:
    """The numbering of one ordered list with a number of items (HTML, "The ol element")."""

    def __init__(self, element: Element, items: int) -> None:
        is_reversed = element.get("reversed") is not None
        self._step = -1 if is_reversed else 1
        self._next = _integer(element.get("start"), items if is_reversed else 1)
        self._type = _type_of(element, "1")
        self.counted = max(self._next, 0)  # the number that html2text gives the next item

    def label(self, item: Element) -> str:
        """Return the label of the next item; ``""`` if html2text writes the same."""
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
    style = style_of(element).list_type
    if not style:
        value = str(element.get("type", ""))
        return value if value in ("1", "a", "A", "i", "I") else default
    case, _, kind = style.rpartition("-")
    letter = _STYLES.get(kind, "1")
    return letter.upper() if case == "upper" else letter


def _written(number: int, kind: str) -> str:
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


def quotation_marks(element: Element) -> tuple[str, str]:
    """Return the opening and closing quotation marks at a level of nesting."""
    language = next((outer.get("lang").lower() for outer in element.iterancestors() if outer.get("lang")), "")
    own = (marks for marks, names in _LANGUAGES.items() if language.partition("-")[0] in names.split())
    marks = next(own, "\u201c\u201d\u2018\u2019")
    start = 0 if next(element.iterancestors("q"), None) is None else 2
    return marks[start], marks[start + 1]
