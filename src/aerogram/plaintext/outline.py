"""From a tree to an outline: lines with their prefixes, as html2text sees the document."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from aerogram.plaintext import marks
from aerogram.plaintext.hidden import hidden_classes
from aerogram.plaintext.reading import Reading

if TYPE_CHECKING:
    from aerogram.document import Element

__all__ = ["Line", "outline"]

_RUN = re.compile("\x02([0-9]+)\x03")
_LINE = re.compile(r"(?P<quote>(?:> ?)*)(?P<indent> *)(?P<item>- |[0-9]+\. )?(?:#{1,6} )?(?P<content>.*)")
_RULE = "* * *"
_EDGES_OF_LINKS = frozenset((marks.LINK_START, marks.SOFT))
_SPACES = re.compile("  +")
_EDGES = re.compile("</?(?:div|p)>(?: *</?(?:div|p)>)*")


class Line(NamedTuple):
    """One line of an outline: what stands before it, and before the lines it is wrapped to; its content.

    ``is_picture`` tells that it is the alternative text of an image and nothing else, or a link of that.
    """

    first: str
    rest: str
    content: str
    is_picture: bool = False


_BLANK = Line("", "", "")


def outline(root: Element) -> list[Line]:
    """Return what a reader of the document sees: lines whose content still holds the layout's marks."""
    body = root.find("body")
    if body is None:
        return []
    reading = Reading(hidden_classes(root))
    reading.read(body)
    converter = _converter_class()()
    # Blocks that are empty or in each other part their neighbours as one edge does, which is read sooner.
    text: str = converter.handle(_EDGES.sub("<p>", "".join(reading.html)))
    return [_line(line, reading) if line else _BLANK for line in text.split("\n")]


@cache
def _converter_class() -> Any:
    from html2text import HTML2Text

    class Converter(HTML2Text):
        """html2text set to what a person writes: no markup, no wrapping (the layout does that)."""

        def __init__(self) -> None:
            super().__init__(bodywidth=0)
            self.ul_item_mark = "-"
            self.unicode_snob = True
            self.ignore_emphasis = True

        def handle_data(self, data: str, entity_char: bool = False) -> None:  # noqa: ARG002  # html2text's
            """Take in numbers of runs and spaces, in which there is nothing to escape."""
            self.o(data, puredata=True)

    return Converter


def _line(text: str, reading: Reading) -> Line:
    found = _LINE.match(text)
    if found is None:  # "." matches all but a newline, and there is none
        raise AssertionError(text)
    quote = "> " * found["quote"].count(">")
    item = found["item"] or ""
    content = found["content"].strip()
    if content == _RULE:
        content = "-" * 20
    is_picture = bool(reading.pictures) and _is_picture(content, reading)
    runs = reading.runs
    content = _RUN.sub(lambda run: runs[int(run[1])], _SPACES.sub(" ", content))
    indent = found["indent"][2:] if item else found["indent"] if content else ""
    return Line(quote + indent + item, quote + indent + " " * len(item), content, is_picture)


def _is_picture(content: str, reading: Reading) -> bool:
    numbers = [int(number) for number in _RUN.findall(content)]
    others = [reading.runs[number] for number in numbers if number not in reading.pictures]
    return len(numbers) - len(others) == 1 and all(
        run in _EDGES_OF_LINKS or run.startswith(marks.LINK_URL) for run in others
    )
