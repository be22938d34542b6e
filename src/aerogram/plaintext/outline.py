"""The outline of a document: its lines and their prefixes, as html2text gives them."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from aerogram.plaintext import marks
from aerogram.plaintext.desktop import apply_showing_rules
from aerogram.plaintext.reader import Reader
from aerogram.plaintext.structure import PARAGRAPH, Tag

if TYPE_CHECKING:
    from aerogram.document import Element
    from aerogram.plaintext.structure import LineWriter

_NUMBER = "\x02"  # before the number of a line, in what html2text gets and returns
_LINE = re.compile(
    r"(?P<quote>(?:> ?)*)(?P<indent> *)(?P<item>(?:(?:- |[0-9]+\. |> ?) *)*)(?:(?P<head>#{1,6}) )?"
    f" *(?P<rule>\\* \\* \\*)?(?:{_NUMBER}(?P<number>[0-9]+))?"
)


class Line(NamedTuple):
    """One line of an outline."""

    first: str  # its prefix
    rest: str  # the prefix of further lines, when it is wrapped
    content: str
    is_image: bool = False  # the alternative text of an image and nothing else, perhaps as a link


_BLANK = Line("", "", "")


def outline(root: Element) -> list[Line]:
    """Return the visible text of a document as lines whose content has marks.

    The feet of tables move below the other rows, where they are shown.
    """
    body = root.find("body")
    if body is None:
        return []
    apply_showing_rules(root)
    for foot in list(body.iter("tfoot")):
        foot.getparent().append(foot)
    reader = Reader()
    reader.read(body)
    structure = reader.structure
    structure.end_line()
    text: str = _converter_class()().handle(structure.parts)
    underlined = (1, 2) if f"\n{text}".count("\n# ") > 1 else (2,)
    lines: list[Line] = []
    title: Line | None = None  # what stays with the next line that holds something: a small heading
    for written in text.split("\n"):
        if not written:
            if not title:
                lines.append(_BLANK)
            continue
        line, level = _line(written, structure.lines, underlined)
        if title and not line.content:
            continue
        if title and title.first.count(">") != line.first.count(">"):
            lines.append(_BLANK)
        lines.append(line)
        title = line if level > 2 or line.content == marks.FOOT else None
    return lines


@cache
def _converter_class() -> Any:
    from html2text import HTML2Text

    class Converter(HTML2Text):
        """html2text, without markup and wrapping."""

        def __init__(self) -> None:
            super().__init__(bodywidth=0)
            self.ul_item_mark = "-"
            self.unicode_snob = True
            self.ignore_emphasis = True

        def feed(self, parts: Any) -> None:
            """Feed the reader's tags and line numbers to html2text, without parsing."""
            is_open = False  # whether html2text would continue the last line
            for part in parts:
                if part is PARAGRAPH:  # as handle_tag() does it
                    self.p()
                    self.lastWasList = is_open = False
                    continue
                if not isinstance(part, Tag):
                    if is_open:
                        self._begin_further_line()
                    self.o(f"{_NUMBER}{part}")
                    is_open = True
                    continue
                if is_open and part.name == "dd":
                    self.pbr()
                self.handle_tag(part.name, part.attributes, part.is_start)
                if part.name in ("ul", "ol") and not part.is_start:
                    is_open = bool(self.list)
                else:
                    is_open = is_open and not self.p_p and part.name in ("ul", "ol", "dl", "dt")

        def _begin_further_line(self) -> None:
            """Begin another line in the same list item, or one that no block separates from the last."""
            self.pbr()
            self.o("".join(["   " if outer.name == "ol" else "  " for outer in self.list]))

    return Converter


def _line(written: str, lines: LineWriter, underlined: tuple[int, ...]) -> tuple[Line, int]:
    """Return a line of html2text with its text in place of the number, and the level of a heading."""
    if written[0] == _NUMBER:
        number = int(written[1:])
        return Line("", "", lines.text(number), number in lines.images), 0
    found: Any = _LINE.match(written)
    number = int(found["number"] or -1)
    content = lines.text(number) if number >= 0 else "-" * 20 if found["rule"] else ""
    items = found["item"].split()
    if content.startswith(marks.ITEM):
        _, label, content = content.split(marks.ITEM, 2)
        items[-1:] = [label]
        content = content.lstrip(" ")
    level = len(found["head"] or "")
    if content and level in underlined:
        content = marks.HEAD + content
    item = " ".join([*items, ""])
    indent = found["indent"][2:] if item else found["indent"] if content else ""
    start = "> " * found["quote"].count(">") + indent
    return Line(start + item, start + " " * len(item), content, number in lines.images), level
