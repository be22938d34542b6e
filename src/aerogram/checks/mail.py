"""A rendered message for the rules: its HTML, styles and words, each parsed once."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from aerogram.document import parse_html
from aerogram.exceptions import DocumentError
from aerogram.inlining.css import RawDeclaration, read_block, read_declarations, read_rules, split_list
from aerogram.inlining.links import Link, find_links
from aerogram.inlining.matching import ElementIndex
from aerogram.inlining.selectors import read_selector
from aerogram.plaintext.style import UNREAD, Scope, is_seen, style_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aerogram.document import Element
    from aerogram.inlining.css import Declaration
    from aerogram.inlining.selector import Selector
    from aerogram.mail.message.email_message import EmailMessage

__all__ = ["NO_FILLER", "KeptRule", "Mail", "Text", "kept_rules", "read_tree", "styles", "texts_of"]

_WHOLE_PAGE = re.compile(r"<(?:html|body)[\s>]", re.IGNORECASE)
_FILLER = "\u00ad\u034f\u061c\u115f\u17b4\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
NO_FILLER = dict.fromkeys(map(ord, _FILLER))
"""What removes, by ``str.translate``, the padding behind a preheader."""
_BULK_HEADERS = {"list-unsubscribe", "list-id"}
_LONGEST_CACHED = 2_000  # characters of a style attribute


class KeptRule(NamedTuple):
    """A style rule left in a ``<style>``: what holds around it, its selectors and its declarations."""

    around: tuple[str, ...]
    prelude: str
    selectors: tuple[Selector, ...]
    declarations: tuple[Declaration, ...]
    unread: tuple[str, ...]  # pieces of the block that are no declarations


class Text(NamedTuple):
    """A run of text, its element, and whether a reader sees it."""

    element: Element
    text: str
    is_shown: bool


class Mail:
    """One message.

    Args:
        message: as it would be sent.
        page: the HTML before its CSS was inlined; empty where it is not known.
        css: the style sheets that the notification declares.
        category: ``"bulk"``, ``"transactional"``, or ``None`` where the notification does not say.
        unsubscribe_url: the one that the notification declares.
        has_own_text: whether the text part has a template of its own.
        is_staff_mail: whether it goes to administrators or managers.
        written: the texts of its templates, ``None`` where they are not known.
        own: what they say themselves, ``None`` if they use no template that ships.
        uses_layout: whether they extend the layout that ships.
    """

    def __init__(
        self,
        message: EmailMessage,
        *,
        page: str = "",
        css: str = "",
        category: str | None = None,
        unsubscribe_url: str | None = None,
        has_own_text: bool = True,
        is_staff_mail: bool = False,
        written: Sequence[str] | None = None,
        own: Mail | None = None,
        uses_layout: bool = False,
    ) -> None:
        self.message = message
        self.page, self.css = page, css
        self.category, self.unsubscribe_url = category, unsubscribe_url
        self.has_own_text, self.is_staff_mail = has_own_text, is_staff_mail
        self._written = written
        self.own, self.uses_layout = own, uses_layout
        forms = getattr(message, "alternatives", ())
        self.htmls = [str(content) for content, kind in forms if kind.lower().startswith("text/html")]
        if message.content_subtype == "html":
            self.htmls.append(str(message.body))

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """The further headers, their names in lower case."""
        return {name.lower(): str(value) for name, value in self.message.extra_headers.items()}

    @property
    def subject(self) -> str:
        """The subject."""
        return str(self.message.subject)

    @property
    def text(self) -> str | None:
        """The text part, ``None`` if there is none."""
        return None if self.message.content_subtype == "html" else str(self.message.body)

    @property
    def is_bulk(self) -> bool:
        """True if the notification or a header says that the mail goes to many."""
        if self.category is not None:
            return self.category == "bulk"
        return bool(_BULK_HEADERS & self.headers.keys()) or self.headers.get("precedence") == "bulk"

    @property
    def is_page(self) -> bool:
        """True if the HTML is a document, and not a piece of one."""
        return any(map(_WHOLE_PAGE.search, [self.page] if self.page else self.htmls))

    @cached_property
    def roots(self) -> list[Element]:
        """The documents of the HTML parts."""
        return [root for html in self.htmls if (root := read_tree(html)) is not None]

    @cached_property
    def source(self) -> Element | None:
        """The document before its CSS was inlined; ``None`` if it is unknown or cannot be parsed."""
        return read_tree(self.page) if self.page else None

    @cached_property
    def source_sheets(self) -> list[str]:
        """The style sheets in that document, and the declared ones."""
        blocks = [style.text or "" for style in self.source.iter("style")] if self.source is not None else []
        return list(dict.fromkeys(filter(None, [*blocks, self.css])))

    @cached_property
    def elements(self) -> list[Element]:
        """Every element, in the order of the document."""
        return [element for root in self.roots for element in root.iter("*")]

    @cached_property
    def by_tag(self) -> dict[str, list[Element]]:
        """The elements by tag name."""
        found: dict[str, list[Element]] = {}
        for element in self.elements:
            found.setdefault(element.tag, []).append(element)
        return found

    @cached_property
    def by_attribute(self) -> dict[tuple[str, str], Element]:
        """The first element for each attribute and value."""
        found: dict[tuple[str, str], Element] = {}
        for element in self.elements:
            for attribute in element.items():
                found.setdefault(attribute, element)
        return found

    @cached_property
    def links(self) -> list[Link]:
        """Every URL of the HTML, each once."""
        return list(dict.fromkeys(link for root in self.roots for link in find_links(root)))

    @cached_property
    def sheets(self) -> list[str]:
        """The style sheets that are left in the HTML."""
        return [style.text or "" for style in self.by_tag.get("style", ())]

    @cached_property
    def kept_rules(self) -> list[KeptRule]:
        """The rules of these sheets."""
        return [rule for sheet in self.sheets for rule in kept_rules(sheet)]

    @cached_property
    def indexes(self) -> list[ElementIndex]:
        """The selector indexes, one for each document."""
        return [ElementIndex(root) for root in self.roots]

    @cached_property
    def texts(self) -> list[Text]:
        """Every text in a body, in the order of the document."""
        return [text for root in self.roots for text in texts_of(root)]

    def is_written(self, text: str) -> bool:
        """Return whether a template contains a text; otherwise it comes from data."""
        return self._written is None or any(text in each for each in self._written)

    @cached_property
    def words(self) -> str:
        """The visible text of the HTML, as one line."""
        return " ".join(" ".join(each.text for each in self.texts if each.is_shown).split())


def read_tree(html: str) -> Element | None:
    """Return the tree of a document; ``None`` if there is none, or it is too large to parse."""
    try:
        return parse_html(html)
    except DocumentError:
        return None


def styles(element: Element) -> dict[str, str]:
    """Return the values in the style attribute of an element, by property.

    >>> from aerogram.document import parse_html
    >>> styles(parse_html('<p style="COLOR: red !important; color: blue">x</p>').find(".//p"))
    {'color': 'red'}
    """
    style = element.get("style")
    if not style:
        return {}
    return _styles(style) if len(style) <= _LONGEST_CACHED else _styles.__wrapped__(style)


@lru_cache(maxsize=4096)
def _styles(style: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value, _ in sorted(read_declarations(style), key=lambda each: each.important):
        found.pop(name, None)  # the last in the order of the cascade
        found[name] = value
    return found


@lru_cache(maxsize=64)
def kept_rules(sheet: str) -> tuple[KeptRule, ...]:
    """Return the style rules of a sheet, including those in ``@media`` and other at-rules."""
    return tuple(_rules(sheet, ()))


def _rules(sheet: str, around: tuple[str, ...]) -> Iterator[KeptRule]:
    for rule in read_rules(sheet):
        if rule.keyword in ("@media", "@supports", "@layer", "@container") and len(around) < 8:
            yield from _rules(rule.block or "", (*around, rule.prelude))
        elif rule.keyword:
            yield KeptRule((*around, rule.prelude), "", (), tuple(read_declarations(rule.block or "")), ())
        elif rule.block is not None:
            parts = [part for part in read_block(rule.block) if isinstance(part, RawDeclaration)]
            yield KeptRule(
                around,
                rule.prelude,
                tuple(read_selector(part) for part in split_list(rule.prelude)),
                tuple(part.declaration for part in parts if part.declaration),
                tuple(part.text for part in parts if not part.declaration),
            )


def texts_of(root: Element) -> Iterator[Text]:
    """Yield the texts of a body; of those that are shown not what only fills."""
    body = root.find("body")
    todo: list[tuple[Element, Scope, bool]] = [] if body is None else [(body, Scope(), True)]
    while todo:
        element, around, is_in_seen = todo.pop()
        if isinstance(element, str):
            is_shown = is_in_seen and around.shows_text
            if (element.translate(NO_FILLER) if is_shown else element).strip():
                yield Text(around.element, element, is_shown)
            continue
        if not isinstance(element.tag, str) or element.tag in UNREAD:
            continue
        style = style_of(element)
        inside = around.inside(element, element.tag, style), is_in_seen and is_seen(element, style)
        pieces: list[tuple[Element, Scope, bool]] = [(element.text or "", *inside)]
        for child in element:
            pieces += [(child, *inside), (child.tail or "", *inside)]
        todo += reversed(pieces)
