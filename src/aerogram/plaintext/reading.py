"""Walk a document and write down, in few plain elements, what a reader of it sees.

The result is HTML for html2text: paragraphs, headings, lists, quotes, and a number for each run of text.
html2text never meets the texts themselves: it cannot escape them, and they cannot decide on the structure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from lxml import etree

from aerogram.plaintext import marks
from aerogram.plaintext.hidden import UNSEEN, is_hidden
from aerogram.plaintext.look import PLAIN, look_of
from aerogram.plaintext.marks import clean, clean_lines, clean_pre_lines, clean_url, is_blank
from aerogram.plaintext.preformatted import preformatted_text
from aerogram.plaintext.table import grid_of

if TYPE_CHECKING:
    from aerogram.document import Element
    from aerogram.plaintext.look import Look

__all__ = ["Reading"]


def _tags(names: str) -> frozenset[str]:
    return frozenset(names.split())


_KEPT_BLOCKS = _tags("p h1 h2 h3 h4 h5 h6 ul ol li blockquote dl dt dd")
_BLOCKS = _KEPT_BLOCKS | _tags(
    "address article aside body caption center details div fieldset figcaption figure footer form header "
    "hgroup main nav section summary table tbody td tfoot th thead tr"
)
_READ = _BLOCKS | _tags("a area br hr img pre")  # elements that are more than the words in them
_INSIDE_ITEM = _tags("ul ol li blockquote dl dt dd")  # blocks that a list item may hold as such


class _Scope(NamedTuple):
    """An element whose look matters to what is inside, and what that comes to."""

    element: Element
    has_lines: bool
    keeps_lines: bool = False
    font: bool = True
    ink: bool = True


_AROUND = _Scope(None, has_lines=False)
_PIXEL = re.compile(r"\s*[01](?:\.0*)?(?:px)?\s*$")


class Reading:
    """One walk over an element: ``html`` and ``runs`` for html2text, or one line of text when ``flat``."""

    def __init__(self, hidden: frozenset[str] = frozenset(), *, flat: bool = False) -> None:
        self.hidden = hidden
        self.flat = flat
        self.html: list[str] = []
        self.runs: list[str] = []
        self.items: list[int] = []  # where the list items around begin in html
        self.links = 0  # links around: the label of one is a single line
        self.link_start = 0  # where the link around begins in html
        self.unseen = self.unread = 0  # elements in it that nobody sees, images that have no text
        self.pictures: set[int] = set()  # the numbers of runs that are alternative texts
        self.pictured = -1  # how much was written when the last image was
        self.scopes: list[_Scope] = [_AROUND]

    def read(self, root: Element) -> None:
        """Read all that is inside ``root``."""
        walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
        skipped = None
        for event, element in walk:
            if event == "start":
                tag = element.tag
                style = element.get("style")
                look = look_of(style) if style else PLAIN
                unseen = element is not root and (tag in UNSEEN or is_hidden(element, look, self.hidden))
                if not unseen and self.open(element, tag, look):
                    self.text(element.text)
                    continue
                if unseen:
                    self.unseen += tag not in UNSEEN  # of which some can be seen, but not read
                else:
                    self.leave(element)
                skipped = element
                walk.skip_subtree()
                continue
            if event == "end" and element is not skipped:
                self.close(element, element.tag)
            if element is not root:
                self.text(element.tail)

    def text(self, text: str | None) -> None:
        """Write a run of text, unless its letters cannot be seen."""
        if not text:
            return
        _, _, keeps_lines, font, ink = self.scopes[-1]
        if not (font and ink):
            return
        keeps_lines = keeps_lines and not (self.links or self.flat)
        text = clean_lines(text) if keeps_lines else clean(text)
        if is_blank(text):
            self.html.append(" " if text else "")
            return
        words = text.strip(" ")
        self.html.append(" " if text[0] == " " else "")
        self.run(f"{marks.KEEP}{words}{marks.KEEP}" if keeps_lines else words)
        self.html.append(" " if text[-1] == " " else "")

    def run(self, text: str) -> None:
        """Write a text that html2text shall not look at."""
        if self.flat:
            self.html.append(text)
        else:
            self.html.append(f"\x02{len(self.runs)}\x03")
            self.runs.append(text)

    def open(self, element: Element, tag: str, look: Look) -> bool:
        """Begin an element; return whether to read what is inside."""
        if look is not PLAIN and look[2:6] != PLAIN[2:6]:
            self.enter(element, tag, look)
        if tag not in _READ:
            return True
        if tag == "br":
            self.html.append(" " if self.links else "")
            if not self.links:
                self.run(marks.BREAK)
        elif tag == "img":
            self.image(element, look)
        elif tag == "hr":
            self.html.append(" " if self.links or self.flat else "<hr>")
        elif tag == "pre" and not (self.links or self.flat):
            text = clean_pre_lines(preformatted_text(element, self.hidden)).strip(marks.BREAK)
            if not is_blank(text):
                self.html.append("<p>")
                self.run(marks.PRE + text)
                self.html.append("</p>")
            return False
        elif tag == "a" and element.get("href") is not None:
            self.links += 1
            if self.links == 1:
                self.link_start, self.unseen, self.unread = len(self.html), 0, 0
                self.run(marks.LINK_START)
        elif tag == "area" and not self.links:
            self.area(element)
        elif tag == "table" and not (self.links or self.flat):
            return not self.table(element)
        elif tag == "tr" and not (self.links or self.flat) and (row := self.grid([element])):
            self.block("<p>")
            self.run(row)
            self.block("</p>")
            return False
        elif tag in _BLOCKS:
            self.boundary(element, tag, "<{}>")
        return True

    def close(self, element: Element, tag: str) -> None:
        """End an element."""
        if tag == "a" and element.get("href") is not None:
            self.links -= 1
            if not self.links:
                self.end_link(element)
        elif tag in _BLOCKS:
            self.boundary(element, tag, "</{}>")
        self.leave(element)

    def enter(self, element: Element, tag: str, look: Look) -> None:
        """Begin an element whose look matters to what is inside."""
        around = self.scopes[-1]
        has_lines = look.has_lines and tag not in _BLOCKS
        self.scopes.append(
            _Scope(
                element,
                has_lines,
                around.keeps_lines if look.keeps_lines is None else look.keeps_lines,
                around.font if look.font is None else look.font,
                around.ink if look.ink is None else look.ink,
            )
        )
        if has_lines:
            self.edge()

    def leave(self, element: Element) -> None:
        """End an element whose look matters to what is inside, if it is one."""
        if self.scopes[-1].element is element and self.scopes.pop().has_lines:
            self.edge()

    def edge(self) -> None:
        """Write the edge of a line."""
        if self.links:
            self.html.append(" ")
        else:
            self.run(marks.SOFT)

    def boundary(self, element: Element, tag: str, form: str) -> None:
        """Write the start or end of a block, in the way its surroundings allow."""
        if self.links or self.flat or (self.items and tag not in _INSIDE_ITEM):
            self.edge()
        elif tag in _KEPT_BLOCKS:
            if tag == "li" and not self.item(opening=form == "<{}>"):
                return
            if tag == "dd" and form == "<{}>":
                self.items.append(len(self.html))
            elif tag == "dd":
                self.items.pop()
            start = element.get("start", "") if tag == "ol" and form == "<{}>" else ""
            self.html.append(
                form.format(f'ol start="{start}"' if start.isdigit() and len(start) < 6 else tag)
            )
        elif tag == "div" and not element.attrib:  # lines typed in a mail client: each is a bare div
            self.run(marks.SOFT)
        else:
            self.html.append(form.format("div"))

    def item(self, *, opening: bool) -> bool:
        """Begin or end a list item; return whether to write it, which an empty one is not."""
        if opening:
            self.items.append(len(self.html))
            return True
        start = self.items.pop() if self.items else 0
        if "".join(self.html[start + 1 :]).strip():
            return True
        del self.html[start:]
        return False

    def block(self, markup: str) -> None:
        """Write markup between blocks, or a line break where no block may stand."""
        self.html.append("" if self.items else markup)
        if self.items:
            self.run(marks.SOFT)

    def image(self, element: Element, look: Look) -> None:
        """Write an image's alternative text; a pixel that counts readers has none worth reading."""
        if look.is_pixel or _PIXEL.match(element.get("width", "")) or _PIXEL.match(element.get("height", "")):
            self.unseen += 1
            return
        text = clean(element.get("alt", "")).strip()
        if is_blank(text):
            self.unread += 1
        else:
            if self.pictured == len(self.html):
                self.html.append(" ")
            self.pictures.add(len(self.runs))
            self.run(text)
            self.pictured = len(self.html)

    def area(self, element: Element) -> None:
        """Write an area of an image that is a link."""
        url = element.get("href")
        if url is not None:
            label = clean(element.get("alt", "")).strip()
            self.edge()
            self.run(f"{marks.LINK_START}{label}{marks.LINK_URL}{clean_url(url)}{marks.LINK_END}")
            self.edge()

    def end_link(self, element: Element) -> None:
        """End a link, or take it back when nobody sees what is inside."""
        inside = "".join(self.html[self.link_start + 1 :])
        if inside.strip() or self.unread or not self.unseen:
            self.run(f"{marks.LINK_URL}{clean_url(element.get('href', ''))}{marks.LINK_END}")
        else:
            self.html[self.link_start :] = [inside]

    def table(self, element: Element) -> bool:
        """Write a table whose cells are lines of text as one run; return whether it was one."""
        rows = element.xpath("tr | thead/tr | tbody/tr | tfoot/tr")
        rows.sort(key=_is_foot)
        grid = self.grid([row for row in rows if self.is_seen(row) and self.is_seen(row.getparent())])
        if grid is None:
            self.boundary(element, "table", "<{}>")
            return False
        caption = element.find("caption")
        if caption is not None and (text := self.inline(caption)):
            self.block("<p>")
            self.run(text)
            self.block("</p>")
        self.block("<p>")
        self.run(grid)
        self.block("</p>")
        return True

    def grid(self, rows: list[Element]) -> str | None:
        """Return rows as one run, if they are a table of words."""
        return grid_of(rows, self.inline, self.is_seen)

    def is_seen(self, element: Element) -> bool:
        """Whether an element is not hidden by itself."""
        style = element.get("style")
        return not is_hidden(element, look_of(style) if style else PLAIN, self.hidden)

    def inline(self, element: Element) -> str:
        """Return what is inside a cell, as lines of text with the marks of breaks and links."""
        if len(element) == 0:
            return self.words(element)
        flat = Reading(self.hidden, flat=True)
        flat.scopes = self.scopes[-1:]
        flat.read(element)
        text = "".join(flat.html)
        lines = (" ".join(line.split(" ")).strip() for line in re.split(f"[{marks.BREAK}{marks.SOFT}]", text))
        return marks.BREAK.join(re.sub("  +", " ", line) for line in lines if not is_blank(line))

    def words(self, element: Element) -> str:
        """Return the words of a cell that holds nothing else."""
        style = element.get("style")
        look = look_of(style) if style else PLAIN
        around = self.scopes[-1]
        font = around.font if look.font is None else look.font
        ink = around.ink if look.ink is None else look.ink
        text = clean(element.text or "").strip() if font and ink else ""
        return "" if is_blank(text) else text


def _is_foot(row: Element) -> bool:
    return bool(row.getparent().tag == "tfoot")
