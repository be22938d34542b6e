"""HTML becomes the text a person would have written; html2text does the conversion inside.

``reading`` walks the tree and leaves what a reader sees; ``outline`` lets html2text decide on paragraphs,
lists, quotes and headings; ``layout`` sets links, tables and lines, as the last step. What a text says never
decides on the structure, only whether it is blank: that is what lets a stencil keep an outline and set only
the words anew.
"""

from __future__ import annotations

from aerogram.conf import settings
from aerogram.document import parse_html
from aerogram.plaintext.layout import lay_out
from aerogram.plaintext.outline import outline

__all__ = ["html_to_text"]


def html_to_text(html: str, *, width: int | None = None) -> str:
    """Return what a reader of ``html`` sees, as plain text that ends with a newline.

    ``width`` is the number of columns to wrap at, the setting ``TEXT_WIDTH`` by default, 0 for no wrapping.
    A URL is never broken, unless it alone is longer than a line of mail may be (998 octets, RFC 5322 2.1.1).

    Raises:
        DocumentError: the document is larger than ``HTML_SIZE_LIMIT`` or nested too deeply.

    >>> print(html_to_text('<p>Hello <b>Ann</b>,</p><a href="https://example.com/">your order</a>'), end="")
    Hello Ann,
    <BLANKLINE>
    your order: https://example.com/
    """
    root = parse_html(html)
    if root is None:
        return ""
    return lay_out(outline(root), settings.TEXT_WIDTH if width is None else width)
