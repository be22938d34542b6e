"""Conversion of HTML to text as a person would type it.

Two steps, ``outline`` and ``layout``, and the modules that each uses::

    outline       the lines of a document with their prefixes, by html2text
      desktop       what the rules that inlining left in the sheets show on a desktop
      reader        walks the tree and writes down what a person sees of it
      structure     the blocks and numbered lines that the reader writes, for html2text
        style         what the style of an element, and those of all around it, mean for its text
        table         which HTML tables are tables of words, and which only arrange the page
        generated     the labels of list items and the quotation marks that browsers write
    layout        the outline as text
      link          a label and its URL
      grid          the columns of a table
      width         the lines of a text: their columns, wrapping and joining
    marks         the control characters that stand for links, tables and breaks in an outline

Only whether a text is blank changes the structure, not what it says. So a stencil can keep an outline and lay
out new words.
"""

from __future__ import annotations

from aerogram.conf import settings
from aerogram.document import parse_html
from aerogram.inlining import inline_document
from aerogram.plaintext.layout import lay_out
from aerogram.plaintext.outline import outline

__all__ = ["html_to_text"]


def html_to_text(html: str, *, width: int | None = None) -> str:
    """Convert HTML to plain text.

    Args:
        html: a document or a fragment.
        width: the maximum number of columns, or 0 for no wrapping; by default, the setting ``TEXT_WIDTH``.

    Returns:
        The visible text, with a newline at the end, or an empty string. No line is longer than 998 bytes (RFC
        5322, section 2.1.1), and no URL is broken unless it is longer than that.

    Raises:
        DocumentError: the document is larger than ``HTML_SIZE_LIMIT`` bytes or nested too deeply.
        TypeError: ``html`` is not a string.

    >>> print(html_to_text('<p>Hello <b>Ann</b>,</p><a href="https://example.com/">your order</a>'), end="")
    Hello Ann,
    <BLANKLINE>
    your order: https://example.com/
    """
    has_sheets = isinstance(html, str) and "<style" in html.lower()  # they may hide words
    root = inline_document(html).root if has_sheets else parse_html(html)
    if root is None:
        return ""
    return lay_out(outline(root), settings.TEXT_WIDTH if width is None else width)
