"""The marks in an outline, and the cleaning of the runs of text between them.

An outline is a string. Control characters, which are removed from every run of text, mark its links, tables
and breaks.
"""

from __future__ import annotations

import re
from collections.abc import Callable

LINK_START, LINK_URL, LINK_END = "\x01", "\x02", "\x03"  # label between the first two, URL behind
BREAK = "\x04"  # a line break inside a block
SOFT = "\x06"  # the edge of a line: a break where text stands before it
URL_END = "\x07"  # behind a URL that is written out, until it is separated from what follows
URL_START = "\x19"  # before a URL that is written without a label, likewise
KEEP, KEEP_SPACES = "\x08", "\x15"  # around text whose line ends are line breaks; and whose spaces stay
PRE = "\x05"  # before preformatted text, to the end of the line
RAISED, RAISED_END = "\x13", "\x14"  # around a superscript
HEAD = "\x16"  # before the words of a section's heading
FOOT = "\x17"  # the separator above a footer
ITEM = "\x18"  # before the label of a list item that html2text would count in its own way
TABLE_START, TABLE_END, ROW, CELL, SPEC = "\x0e", "\x0f", "\x10", "\x11", "\x12"

# Filler of preheaders, which never shows. Joiners stay where they join: in emoji, in Persian.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u2064\ufeff\ufff9-\ufffb]"
    "|[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f]"
)
_LOOSE_JOINER = re.compile("(?<![^\\s\u200c\u200d])[\u200c\u200d]+|[\u200c\u200d]+(?![^\\s\u200c\u200d])")
_SPACES = re.compile("[ \t\n\r\f\x85\u2028\u2029\xa0\u2007\u2800\u3000]{2,}|[\t\n\r\f\x85\u2028\u2029]")
_WHITE_SPACE = re.compile("[\f\x85\u2028\u2029\xa0\u2007\u2800\u3000]")
_GAP = re.compile(f"({BREAK}?) +")
_LINE_END = re.compile("\r\n|\r|\n")
_PRE_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff]")
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_PLACEHOLDER = re.compile(
    r"(\{\{.{0,200}?\}\}|\{%.{0,200}?%\}|%%.{0,200}?%%|\[\[.{0,200}?\]\]|<%.{0,200}?%>)"
)
_BLANK = "".join(
    [BREAK, " \t\n\r\f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u2800\u3000", *map(chr, range(0x2000, 0x2010))]
)


def clean(text: str) -> str:
    """Return a run of text without invisible characters, with white space collapsed but not stripped."""
    if text.isascii():
        if text.isprintable() and "  " not in text:
            return text
        if not text.strip(" \t\n\r\f"):
            return " "
    return _SPACES.sub(" ", _LOOSE_JOINER.sub("", _INVISIBLE.sub("", text)))


def clean_lines(text: str) -> str:
    """Return a cleaned run of text with the mark of a break for each line end."""
    lines = [clean(line) for line in _LINE_END.split(text)]
    if len(lines) == 1:
        return lines[0]
    inside = [line.strip(" ") for line in lines[1:-1]]
    return BREAK.join([lines[0].rstrip(" "), *inside, lines[-1].lstrip(" ")])


def clean_spaced_lines(text: str) -> str:
    """Clean lines like :func:`clean_lines`, but keep spaces: most become no-break spaces."""
    text = _WHITE_SPACE.sub(" ", _LOOSE_JOINER.sub("", _INVISIBLE.sub("", text.replace("\t", "    "))))
    *lines, last = _LINE_END.split(text)
    text = BREAK.join([*(line.rstrip(" ") for line in lines), last])
    return _GAP.sub(lambda gap: gap[1] + "\xa0" * (len(gap[0]) - 1) + " " * (not gap[1]), text)


def clean_pre_lines(text: str) -> str:
    """Return preformatted text with tabs as spaces and the mark of a break for each line end."""
    return _LINE_END.sub(BREAK, _PRE_INVISIBLE.sub("", text.replace("\t", "    ")))


def clean_url(url: str) -> str:
    """Return a URL as one word: spaces percent-encoded, other white space and controls removed.

    What a mail provider fills in, such as ``{{ url }}``, stays as it is.
    """
    url = url.strip()
    if url.isprintable() and " " not in url:
        return url
    parts = _PLACEHOLDER.split(_CONTROL.sub("", url))
    return "".join([part if number % 2 else part.replace(" ", "%20") for number, part in enumerate(parts)])


def is_blank(text: str) -> bool:
    """Return whether a cleaned run of text has nothing visible."""
    return not text.strip(_BLANK)


CLEANERS: dict[str, Callable[[str], str]] = {
    "": clean,
    KEEP: clean_lines,
    KEEP_SPACES: clean_spaced_lines,
    PRE: clean_pre_lines,
}
"""What cleans the text between two marks."""
