"""The outline of a document: its lines with their prefixes, as html2text sees it."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from aerogram.plaintext import marks
from aerogram.plaintext.reader import Reader

if TYPE_CHECKING:
    from aerogram.document import Element

_RUN = re.compile("\x02([0-9]+)\x03")
_LINE = re.compile(
    r"^(?P<quote>(?:> ?)*)(?P<indent> *)(?P<item>- |[0-9]+\. )?(?:(?P<head>#{1,6}) )?(?P<content>.*)",
    re.MULTILINE,
)
_SPACES = re.compile("  +")
_TAG = re.compile('<(/?)([a-z1-6]+)(?: start="([0-9]+)")?>')
_EDGES = re.compile("</?(?:div|p)>(?: *</?(?:div|p)>)*")


class Line(NamedTuple):
    """One line of an outline."""

    first: str  # its prefix
    rest: str  # the prefix of further lines, when it is wrapped
    content: str
    is_image: bool = False  # the alternative text of an image and nothing else, perhaps as a link


def outline(root: Element) -> list[Line]:
    """Return what a reader of a document sees, as lines whose content holds marks.

    The feet of tables move below the other rows, where they are shown.
    """
    body = root.find("body")
    if body is None:
        return []
    for foot in list(body.iter("tfoot")):
        foot.getparent().append(foot)
    reader = Reader()
    reader.read(body)
    converter = _converter_class()()
    # Nested and empty blocks separate their neighbours as one paragraph does, which html2text reads sooner.
    text: str = converter.handle(_EDGES.sub("<p>", "".join(reader.html)))
    underlined = (1, 2) if f"\n{text}".count("\n# ") > 1 else (2,)
    lines: list[Line] = []
    title: Line | None = None  # what stays with the next line that holds something: a small heading
    for found in _LINE.finditer(text):
        line = _line(found, reader, underlined)
        if title and not line.content:
            continue
        if title and title.first.count(">") != line.first.count(">"):
            lines.append(Line("", "", ""))
        lines.append(line)
        title = line if len(found["head"] or "") > 2 or line.content == marks.FOOT else None
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

        def feed(self, data: str) -> None:
            """Read what the reader writes, which takes no parser."""
            parts = iter(["", "", "", *_TAG.split(data)])
            for end, tag, start, text in zip(parts, parts, parts, parts, strict=True):
                if tag:
                    self.handle_tag(tag, {"start": start} if start else {}, start=not end)
                if text:
                    self.o(text, puredata=True)

    return Converter


def _line(found: re.Match[str], reader: Reader, underlined: tuple[int, ...]) -> Line:
    quote = "> " * found["quote"].count(">")
    item = found["item"] or ""
    content = found["content"].strip()
    if content == "* * *":  # html2text's rule
        content = "-" * 20
    is_image = bool(reader.images) and _is_image(content, reader)
    if content:
        content = _RUN.sub(lambda run: reader.runs[int(run[1])], _SPACES.sub(" ", content))
    if content.startswith(marks.ITEM):
        _, label, content = content.split(marks.ITEM, 2)
        item = label + " "
    if content and len(found["head"] or "") in underlined:
        content = marks.HEAD + content
    indent = found["indent"][2:] if item else found["indent"] if content else ""
    return Line(quote + indent + item, quote + indent + " " * len(item), content, is_image)


def _is_image(content: str, reader: Reader) -> bool:
    numbers = [int(number) for number in _RUN.findall(content)]
    others = [reader.runs[number] for number in numbers if number not in reader.images]
    return len(numbers) - len(others) == 1 and all(
        run in (marks.LINK_START, marks.SOFT) or run[:1] in (marks.LINK_URL, marks.ITEM) for run in others
    )
