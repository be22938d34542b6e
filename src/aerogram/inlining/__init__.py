"""CSS inlining: moves the rules of style sheets into style attributes, without fetching anything.

The way of a document through the modules, in order::

    <style>p { color: red }  a:hover { color: blue }</style>  <p>...</p>  <a style="top: 0">...</a>

    aerogram.document   the HTML becomes a tree
    stylesheet          the sheet becomes style rules: "p" can be inlined, "a:hover" is kept in the sheet
      css                 where rules and declarations stand in the text (by tinycss2)
      selectors           what a selector tests, and its specificity (by cssselect2): a ``selector``
      declarations        what a block declares, each with its precedence
    matching            the elements that a selector matches: <p>; for "a:hover" the <a>, which it may match
    engines             the declarations that reach each element: color:red for <p>
    cascade             which of them win; what must be important, or kept in the sheet, so that they still do
      properties          which properties set a common longhand; here none, so nothing changes
    applying            calls these in turn, writes style="color:red", and leaves the rest in the sheet
      attributes          presentational attributes for old clients: align, bgcolor ...
    links               relative URLs become absolute, if there is a base for them

    <style>a:hover { color: blue }</style>  <p style="color:red">...</p>  <a style="top: 0">...</a>

In all modules, *inlined* are rules and declarations that go into style attributes, and *kept* are those that
stay in a sheet. Some are both. Values are never rewritten.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from lxml import etree

from aerogram.conf import settings
from aerogram.document import has_quirks, is_fragment, parse_html, write_html
from aerogram.exceptions import DocumentError
from aerogram.inlining.links import make_absolute

if TYPE_CHECKING:
    from aerogram.document import Element

__all__ = ["inline_css"]

_MARKUP_IN_CSS = re.compile(r"<[/!?a-zA-Z]")
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # a tree cannot hold them


class Inlined(NamedTuple):
    """An inlined document: its text, and its tree unless it is empty."""

    html: str
    root: Element | None


def inline_css(html: str, *, css: str = "") -> str:
    """Move the rules of style sheets into style attributes.

    Rules that cannot be expressed in an attribute (``@media``, ``:hover``, ``@font-face``, unknown selectors)
    stay in a ``<style>`` element. They become important only where an attribute would otherwise override
    them. No URL or file is opened, whatever the document or the sheets refer to.

    Args:
        html: a document or a fragment.
        css: further style rules. They come after those of the document and therefore override them.

    Returns:
        The document; a fragment stays a fragment, and an empty document is returned unchanged.

    Raises:
        DocumentError: the document is larger than ``HTML_SIZE_LIMIT`` bytes or nested too deeply, or ``css``
            contains markup.
        TypeError: ``html`` is not a string.

    >>> inline_css("<style>p { color: red }</style><p>Hello</p>")
    '<p style="color:red">Hello</p>'
    """
    return inline_document(html, css=css).html


def inline_document(
    html: str, *, css: str = "", template: str | None = None, base_url: str = "", marker: str = ""
) -> Inlined:
    """Do the same as :func:`inline_css` and return the tree as well; errors name ``template``.

    Relative URLs become absolute by ``base_url``, but for those that begin with ``marker``.
    """
    if found := _MARKUP_IN_CSS.search(css):
        raise DocumentError(
            f"A style sheet contains {found[0]!r}, which could end the <style> element and become markup. "
            "Remove it, or write it as \\3c in a string.",
            template=template,
        )
    root = parse_html(html, template=template)
    if root is None:
        return Inlined(html, None)
    if css.strip():
        _add_style(root, css)
    if next(root.iter("style"), None) is not None:
        from aerogram.inlining.applying import inline_tree

        inline_tree(
            root,
            settings.CSS_ENGINE,
            quirks=has_quirks(html),
            is_fragment=is_fragment(html),
        )
    if base_url:
        make_absolute(root, base_url, marker)
    return Inlined(write_html(root, html + css), root)


def _add_style(root: Element, css: str) -> None:
    """Add a sheet behind all others."""
    style = etree.Element("style", type="text/css")
    style.text = _UNWRITABLE.sub("\ufffd", css.replace("\f", "\n"))
    sheets = list(root.iter("style"))
    body, head = root.find("body"), root.find("head")
    if sheets and body is not None and body in sheets[-1].iterancestors():
        body.append(style)
        return
    if head is None:
        head = etree.Element("head")
        root.insert(0, head)
    head.append(style)
