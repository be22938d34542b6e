"""Detect HTML that would take the parser seconds or gigabytes, before it is parsed.

The parser's time grows with the depth at each tag, with the open formatting elements at each tag (every block
gets all of them again), and with the square of an element's attributes. They are estimated from the tags, and
never as too few: an end tag counts only if what it ends is sure to be open.
"""

from __future__ import annotations

import re
from collections import Counter

__all__ = ["MOST_DEEP", "TOO_DEEP", "parse_problem"]

MOST_DEEP = 2_000
TOO_DEEP = (
    f"is nested too deeply: more than {MOST_DEEP:,} elements are inside each other. "
    "Check for elements that are never closed."
)
_MOST_ATTRIBUTES = 5_000
_MOST_FORMATTING = 200
_UNCLOSED = f"has more than {_MOST_FORMATTING} formatting elements (<b>, <font> ...) that are never closed."
_MOST_STEPS = 100_000_000  # of the parser: half a second
_STEPS_TO_REOPEN = 200  # a formatting element, in time and memory
_SHORT = 40_000  # characters: too few for depth or attributes to take noticeable time


def _names(names: str) -> frozenset[str]:
    return frozenset(names.split())


_FORMATTING = _names("b big code em font i nobr s small strike strong tt u")  # and <a>; one of it may be open
_FRAMES = _names("applet button marquee math object select svg table")  # end tags do not reach out of them
_CELLS = _names("caption td th")
_ENDS_CELL = _CELLS | _names("col colgroup tbody tfoot thead tr")
_UNCOUNTED = _ENDS_CELL | _names(  # never many in each other without others between them
    "area base basefont bgsound body br embed frame head hr html image img input keygen link meta p param "
    "source track wbr"
)
_RAW_TEXT = _names("iframe noembed noframes plaintext script style textarea title xmp")
_FOREIGN = _names("svg math")
_ATTRIBUTE = (
    r"[ \t\n\r/]*[^ \t\n\r/>][^ \t\n\r/>=]*"
    r"""(?:[ \t\n\r]*=[ \t\n\r]*(?:"[^"]*"|'[^']*'|[^ \t\n\r>"'][^ \t\n\r>]*)?)?"""
)
_TAG = re.compile(
    r"<(?:!--(?:-?>|[\s\S]*?(?:--!?>|\Z))"
    rf"|(?P<end>/)?(?P<name>[a-zA-Z][^ \t\n\r/>]*)(?P<attributes>(?:{_ATTRIBUTE})*)"
    r"|(?P<other>[!?/])[^>]*)"
)
_FORMATTING_TAG = re.compile(rf"<(?i:{'|'.join(_FORMATTING)})[\s/>]")


def parse_problem(text: str) -> str:
    """Return why a document must not be parsed, as the end of an error's text; empty if it may be."""
    if len(text) < _SHORT:
        formatting = len(_FORMATTING_TAG.findall(text))
        if formatting <= _MOST_FORMATTING and formatting * text.count("<") * 500 <= _MOST_STEPS:
            return ""
    return _Walk(text).problem()


class _Walk:
    """A walk over the tags of a document."""

    def __init__(self, text: str) -> None:
        self._text = text
        # The open frames, and what is open in each: the name, and the tag of a formatting element.
        self._frames: list[tuple[str, list[tuple[str, str]]]] = [("", [])]
        # How many formatting elements are open around all cells, and in each open cell: all (""), and by tag.
        self._formatting: list[Counter[str]] = [Counter()]
        self._depth = 0

    def problem(self) -> str:
        """Return why the document is refused, or nothing."""
        steps = position = 0
        is_foreign = False
        while tag := _TAG.search(self._text, position):
            position, name = tag.end(), (tag["name"] or "").lower()
            if len(tag["attributes"] or "") > 2 * _MOST_ATTRIBUTES and (
                len(re.findall(_ATTRIBUTE, tag["attributes"])) > _MOST_ATTRIBUTES
            ):
                return (
                    f"has an element with more than {_MOST_ATTRIBUTES:,} attributes (line "
                    f"{self._text.count(chr(10), 0, tag.start()) + 1}). "
                    "Check for a quotation mark that is never closed."
                )
            if tag["end"]:
                self._end(name)
            elif name == "template" or (is_foreign and tag["other"]):
                return self._problem_behind(position)
            elif name in _RAW_TEXT:
                end = re.compile(rf"</{name}[\s/>]|\Z", re.IGNORECASE).search(self._text, position)
                content = self._text[position : end.start()] if end else ""
                # It may go on behind </script>, or be markup.
                if (name == "script" and "<!--" in content) or (is_foreign and "<" in content):
                    return self._problem_behind(position)
                position += len(content)
            elif name:
                is_foreign = is_foreign or name in _FOREIGN
                self._start(name, tag[0])
            formatting = self._formatting[-1][""]
            if formatting > _MOST_FORMATTING:
                return _UNCLOSED
            steps += self._depth + _STEPS_TO_REOPEN * formatting
            if steps > _MOST_STEPS:
                return TOO_DEEP
        return ""

    def _problem_behind(self, position: int) -> str:
        """Count all tags after a place where comments, raw text and tags cannot be told apart."""
        rest = self._text[position:]
        if self._formatting[-1][""] + len(_FORMATTING_TAG.findall(rest)) > _MOST_FORMATTING:
            return _UNCLOSED
        tags = rest.count("<")
        return TOO_DEEP if (self._depth + tags) * tags > _MOST_STEPS else ""

    def _start(self, name: str, tag: str) -> None:
        if name in _ENDS_CELL and self._frames[-1][0] in _CELLS:
            self._leave()
        frame, inside = self._frames[-1]
        if name == frame == "table":
            self._leave()
        if name in _FRAMES or (name in _CELLS and frame == "table"):
            self._frames.append((name, []))
            if name in _CELLS:
                self._formatting.append(Counter())
        elif name in _UNCOUNTED:
            return
        elif name in _FORMATTING and self._formatting[-1][tag] < 3:  # of the same, three are opened again
            inside.append((name, tag))
            self._formatting[-1].update(("", tag))
        else:
            inside.append((name, ""))
        self._depth += 1

    def _end(self, name: str) -> None:
        frame, inside = self._frames[-1]
        if name == "table":
            if any(frame == "table" for frame, _ in self._frames):
                while self._leave() != "table":
                    pass
        elif frame == name not in _FOREIGN or (name == "tr" and frame in ("td", "th")):
            self._leave()
        elif name not in _UNCOUNTED:
            for index in range(len(inside) - 1, max(-1, len(inside) - 100), -1):
                if inside[index][0] == name:
                    if tag := inside.pop(index)[1]:
                        self._formatting[-1].subtract(("", tag))
                    self._depth -= 1
                    return

    def _leave(self) -> str:
        """End a frame. Its open elements stay open, except in a cell; in a table only formatting does."""
        frame, inside = self._frames.pop()
        kept = [] if frame in _CELLS else [each for each in inside if each[1] or frame != "table"]
        self._frames[-1][1].extend(kept)
        self._depth -= 1 + len(inside) - len(kept)
        if frame in _CELLS:
            self._formatting.pop()
        return frame
