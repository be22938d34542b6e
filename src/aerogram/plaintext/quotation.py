"""The quotation marks of ``<q>`` in the language that it stands in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aerogram.document import Element

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


def quotation_marks(element: Element) -> tuple[str, str]:
    """Return the marks before and behind a quotation: others inside another one."""
    language = next((outer.get("lang").lower() for outer in element.iterancestors() if outer.get("lang")), "")
    own = (marks for marks, names in _LANGUAGES.items() if language.partition("-")[0] in names.split())
    marks = next(own, "\u201c\u201d\u2018\u2019")
    start = 0 if next(element.iterancestors("q"), None) is None else 2
    return marks[start], marks[start + 1]
