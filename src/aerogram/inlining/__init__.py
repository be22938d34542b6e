"""CSS inlining: the rules of style sheets go into style attributes, and nothing is ever fetched.

``stylesheet`` parses a sheet (``selector``, ``declaration_block``), ``index`` finds the elements that its
selectors match, and ``cascade`` decides which declaration wins (``shorthand``). This module applies them to
one document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from aerogram.document import parse_html, write_html
from aerogram.exceptions import DocumentError

if TYPE_CHECKING:
    from aerogram.document import Element
    from aerogram.inlining.stylesheet import Sheet

__all__ = ["inline_css"]

_MARKUP_IN_CSS = re.compile(r"<[/!?a-zA-Z]")
_EMPTIED = "{aerogram}style"  # no parser of HTML gives a tag like this
_COMMENT_MARKS = re.compile(r"<!--|-->")


@dataclass(frozen=True, slots=True)
class Inlined:
    """An inlined document: its text, and its tree unless it is empty."""

    html: str
    root: Element | None


def inline_css(html: str, *, css: str = "") -> str:
    """Move the rules of style sheets into style attributes.

    What cannot stand in an attribute (``@media``, ``:hover``, ``@font-face``, unknown selectors) stays in a
    ``<style>`` element, made important where the cascade lets it win. No URL or file is opened, whatever the
    document or the sheets name.

    Args:
        html: a document or a fragment.
        css: further style rules. They come after those of the document, and so win.

    Returns:
        The document; a fragment as a fragment, an empty document unchanged.

    Raises:
        DocumentError: the document is larger than ``HTML_SIZE_LIMIT`` bytes or nested too deeply, or ``css``
            holds markup.
        TypeError: ``html`` is not a string.

    >>> inline_css("<style>p { color: red }</style><p>Hello</p>")
    '<p style="color:red">Hello</p>'
    """
    return inline_document(html, css=css).html


def inline_document(html: str, *, css: str = "", template: str | None = None) -> Inlined:
    """Do the same as :func:`inline_css` and return the tree as well; errors name ``template``."""
    if found := _MARKUP_IN_CSS.search(css):
        raise DocumentError(
            f"A style sheet holds {found[0]!r}, which could end the <style> element and become markup. "
            "Remove it, or write it as \\3c in a string.",
            template=template,
        )
    root = parse_html(html, template=template)
    if root is None:
        return Inlined(html, None)
    _inline_tree(root, css)
    return Inlined(write_html(root, html + css), root)


def _inline_tree(root: Element, css: str) -> None:
    """Inline the sheets of a tree, then ``css``, in place."""
    from aerogram.inlining.cascade import apply_sheets
    from aerogram.inlining.stylesheet import parse_sheet

    elements = [style for style in root.iter("style") if _is_for_screens(style)]
    if css.strip():
        elements.append(_add_style(root, css))
    sheets: list[Sheet] = []
    for element in elements:
        order = sum(len(sheet.rules) + len(sheet.kept) for sheet in sheets)
        sheets.append(parse_sheet(_COMMENT_MARKS.sub("", element.text or ""), order))
    texts = apply_sheets(root, sheets)
    for element, text in zip(elements, texts, strict=True):
        if text:
            element.text = f"\n{text}\n"
        else:
            element.tag = _EMPTIED
    etree.strip_elements(root, _EMPTIED, with_tail=False)


def _is_for_screens(style: Element) -> bool:
    # As in premailer, a sheet for another medium, or one marked data-premailer="ignore", stays untouched.
    if style.attrib.pop("data-premailer", None) == "ignore":
        return False
    return str(style.get("media") or "all").strip().lower() in ("all", "screen")


def _add_style(root: Element, css: str) -> Element:
    head = root.find("head")
    if head is None:
        head = etree.Element("head")
        root.insert(0, head)
    style = etree.Element("style", type="text/css")
    style.text = css
    head.append(style)
    return style
