"""Declarations and rules without effect, and content that the HTML parser moves."""

from __future__ import annotations

import difflib
import re
from bisect import bisect_left
from functools import lru_cache
from html import unescape
from typing import TYPE_CHECKING

from aerogram.checks.clients.features import known_properties
from aerogram.checks.mail import kept_rules, styles
from aerogram.checks.rules.rule import Finding, Rule
from aerogram.inlining.css import RawDeclaration, read_block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aerogram.checks.mail import Mail
    from aerogram.document import Element

__all__ = ["CHECKS", "RULES", "is_reset", "selector_pattern", "unused_rules"]

RULES = (
    Rule("css-unread", "warning", "A piece of CSS is not a declaration and has no effect."),
    Rule("css-unknown", "warning", "A property does not exist and is probably misspelt."),
    Rule(
        "css-unused",
        "warning",
        "A rule matches no element in any sample, so inlining removes it.",
    ),
    Rule("content-moved", "warning", "A table has text or elements outside of its cells."),
)

_MORE = """
all animation-delay animation-direction animation-duration animation-fill-mode animation-iteration-count
animation-name animation-play-state animation-timing-function appearance backface-visibility
background-attachment border-bottom-color border-bottom-left-radius border-bottom-right-radius
border-bottom-style border-bottom-width border-color border-left-color border-left-style border-left-width
border-right-color border-right-style border-right-width border-style border-top-color border-top-left-radius
border-top-right-radius border-top-style border-top-width border-width break-after break-before break-inside
clip color color-adjust content contain counter-increment counter-reset counter-set fill flex flex-basis
flex-direction flex-flow flex-grow flex-shrink flex-wrap font-family font-feature-settings font-style
font-variant font-variant-ligatures font-variant-numeric font-display forced-color-adjust grid grid-area
grid-auto-columns grid-auto-flow grid-auto-rows grid-column grid-column-end grid-column-start grid-row
grid-row-end grid-row-start image-rendering inset-block inset-inline isolation justify-items justify-self
align-content align-self line-break mask mask-position mask-repeat mask-size max-height max-width order
outline-color outline-style outline-width overflow-x overflow-y page-break-after page-break-before
page-break-inside perspective place-content place-items place-self pointer-events print-color-adjust quotes
row-gap rotate scale scroll-behavior size speak src stroke supported-color-schemes text-rendering
text-size-adjust touch-action transform-origin transform-style transition-delay transition-duration
transition-property transition-timing-function translate unicode-bidi unicode-range will-change zoom
"""
_NOT_CSS = ("-", "_", "*", "mso-", "panose", "tab-", "layout-")
_BLANKS = re.compile(r"\s+")
_HAPPENS = re.compile(r"\{\{|\{%|%%|\*\||<%|\$\{")  # what another program fills in
# Names that mail programs themselves give to what they put around a mail, or into it.
_FOR_ONE_PROGRAM = re.compile(
    r"#outlook\b|#Message(?:Web)?View|\.ExternalClass|\.ReadMsgBody|\.(?:Mso|WordSection|yshortcuts|yiv|gmail|g-img|moz-)"
    r"|\.(?:im|aBn|a6S|a5q|ii|rps_\w+)\b|\[(?:owa|data-og|data-outlook|x-apple)|\.(?:apple|ios|mobile)[-_]?(?:links?|footer)"
    r"|\.(?:unstyle-auto-detected-links|Singleton|thread-item|hmmessage)|\bu\s*[+~]"
    r"|[#.]backgroundTable|body\.outlook|\[style\*=['\"]?margin: ?16px",
    re.IGNORECASE,
)
_RESET = re.compile(
    r"(?:\s*(?:a|blockquote|body|h[1-6]|hr|html|img|li|ol|p|pre|sup|sub|table|tbody|td|th|tr|ul|\*)\b\s*[,>]?)+"
)
_WORDLESS = ("*", "hr", "img", "table", "tbody", "td", "th", "tr")
_TABLES = ("table", "tbody", "thead", "tfoot", "tr")
_TABLE_TAG = re.compile(rf"<(/?)({'|'.join(_TABLES)}|td|th|caption)\b[^>]*>", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def wrong_css(mail: Mail) -> Iterator[Finding]:
    """Yield pieces of CSS that are not declarations, and properties that are probably misspelt."""
    sheets = mail.sheets if mail.source is None else mail.source_sheets
    pieces: list[tuple[str, str]] = []  # what cannot be read; the names of properties, with a text to find
    for rule in (rule for sheet in sheets for rule in kept_rules(sheet)):
        for piece in rule.unread:
            yield from _unread(piece)
        pieces += [(each.name, f"{each.name}:") for each in rule.declarations]
    root = _written(mail)
    for element in root.iter("*") if root is not None else ():
        style = element.get("style")
        if style and not _HAPPENS.search(style):
            for piece in _unread_pieces(style):
                yield from _unread(piece)
            pieces += [(name, f"{name}:") for name in styles(element)]
    for name, at in dict.fromkeys(pieces):
        if near := _misspelt(name):
            text = f"There is no property {name!r}, so this declaration has no effect. Did you mean {near!r}?"
            yield Finding("css-unknown", text, at)


def _written(mail: Mail) -> Element | None:
    """Return the document before inlining, or else the one that is sent."""
    return mail.source if mail.source is not None else next(iter(mail.roots), None)


def _unread(piece: str) -> Iterator[Finding]:
    piece = piece.strip()
    if (
        piece
        and not _HAPPENS.search(piece)
        and not piece.startswith(("*", "_", "/", "<!--", "-->", "@", "#"))
    ):
        text = f"{piece[:80]!r} is not a CSS declaration, so it has no effect. Write it as property: value;"
        yield Finding("css-unread", text, piece.split("\n")[0])


@lru_cache(maxsize=2048)
def _unread_pieces(style: str) -> tuple[str, ...]:
    parts = [part for part in read_block(style) if isinstance(part, RawDeclaration)]
    return tuple(part.text for part in parts if not part.declaration)


@lru_cache(maxsize=2048)
def _misspelt(name: str) -> str:
    """Return the property that a name misspells; empty if the property exists or is specific to a client."""
    known = known_properties().union(_MORE.split())
    if len(name) < 4 or name in known or name.startswith(_NOT_CSS):
        return ""
    turned = (each for each in known if len(each) == len(name) and sorted(each) == sorted(name))
    return next(turned, "") or next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.84)), "")


def unused_rules(mail: Mail) -> list[str]:
    """Return the selectors of the rules of the page and of the declared sheets that apply to no element.

    Only those count that would be inlined, and so stand nowhere in the message.
    """
    unused: dict[str, None] = {}
    for rule in (rule for sheet in mail.source_sheets for rule in kept_rules(sheet)):
        selectors = rule.selectors
        is_inlined = not rule.around and all(
            one.is_static and one.is_valid and one.is_element for one in selectors
        )
        is_for_one_program = _FOR_ONE_PROGRAM.search(rule.prelude)
        if (
            is_inlined
            and not is_for_one_program
            and not any(index.find(one) for index in mail.indexes for one in selectors)
        ):
            unused[rule.prelude] = None
    return list(unused)


def selector_pattern(selector: str) -> re.Pattern[str]:
    """Return a pattern that finds the selectors of a rule in a sheet, but not in other text."""
    words = map(re.escape, selector.split())
    return re.compile(r"(?<![\w#.:\-\]])" + r"\s+".join(words) + r"\s*\{(?![{%#])")


def is_reset(selector: str) -> bool:
    """Return whether a rule is a reset: for several tags, or for a tag without text.

    >>> is_reset("h4, h5"), is_reset("a img"), is_reset("h4"), is_reset("img.logo")
    (True, True, False, False)
    """
    is_several = len(re.split(r"[\s,>]+", selector.strip())) > 1
    return _RESET.fullmatch(selector) is not None and (is_several or selector.strip() in _WORDLESS)


def moved_content(mail: Mail) -> Iterator[Finding]:
    """Yield text in a table but outside of its cells, which browsers show above the table.

    HTML, section 13.2.6.1: foster parenting.
    """
    source = _written(mail)
    html = mail.page or next(iter(mail.htmls), "")
    if source is None or "<table" not in html.lower():
        return
    plain = unescape(_BLANKS.sub(" ", html)) if "&" in html else _BLANKS.sub(" ", html)
    tags = list(_TABLE_TAG.finditer(_COMMENT.sub(lambda found: " " * len(found[0]), plain)))
    for table in source.iter("table"):
        text = _BLANKS.sub(" ", _text_before(table)).strip()
        first = _first_text(table)
        place = plain.find(text) if len(text) > 1 and first else -1
        before = bisect_left(tags, place, key=re.Match.start) - 1  # the tag before the text
        if place >= 0 and before >= 0 and _lets_no_text_in(tags[before]):
            words = (
                f"{text[:60]!r} is in a <table> outside of its cells, so it is shown above the table. "
                "Put it into a <td>, or outside of the table."
            )
            yield Finding("content-moved", words, text.split("\n")[0][:60])


def _text_before(table: Element) -> str:
    """Return the text directly before a table, even if it is in an element."""
    previous = table.getprevious()
    if previous is None:
        return table.getparent().text or "" if table.getparent() is not None else ""
    if (previous.tail or "").strip():
        return previous.tail or ""
    return (
        "".join(previous.itertext("*"))
        if isinstance(previous.tag, str) and previous.tag not in _TABLES
        else ""
    )


def _first_text(table: Element) -> str:
    return next((text for text in table.itertext("*") if text.strip()), "")


def _lets_no_text_in(tag: re.Match[str]) -> bool:
    """Return whether text is not allowed after a table tag."""
    closing, name = tag[1], tag[2].lower()
    return name != "table" if closing else name in _TABLES


CHECKS = (wrong_css, moved_content)
