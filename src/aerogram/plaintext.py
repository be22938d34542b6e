"""HTML becomes the text a person would have written; html2text does the conversion inside."""

from __future__ import annotations

from lxml import etree

__all__ = ["html_to_text"]


def html_to_text(html: str, *, width: int | None = None) -> str:
    """Return the readable text of ``html``, wrapped at ``width`` columns."""
    import html2text

    root = etree.fromstring(html.lstrip("\ufeff") or "<p></p>", etree.HTMLParser(huge_tree=True))
    if root is None:
        return ""
    etree.strip_elements(root, "head", "style", "script", "title", etree.Comment, with_tail=False)
    converter = html2text.HTML2Text(bodywidth=78 if width is None else width)
    converter.ignore_tables = True
    converter.ignore_emphasis = True
    converter.images_to_alt = True
    converter.unicode_snob = True
    converter.wrap_links = False
    text = converter.handle(etree.tostring(root, method="html", encoding="unicode"))
    return text.strip() + "\n"
