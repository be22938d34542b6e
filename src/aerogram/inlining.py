"""HTML with style sheets becomes HTML with style attributes: premailer does it, nothing is ever fetched."""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import Any

from lxml import etree

from aerogram.exceptions import DocumentRefused

__all__ = ["inline_css"]

_DOCTYPE = re.compile(r"\s*(<!doctype[^>]*>)", re.IGNORECASE)


def inline_css(html: str, *, css: str = "") -> str:
    """Return ``html`` with the rules of its ``<style>`` elements, and of ``css``, written into style attributes.

    ``css`` is the text of further style sheets; they come before those of the document. What cannot stand in an
    attribute (``@media``, ``:hover``, ``@font-face``) stays in a ``<style>`` element. No URL and no file is opened,
    whatever the document or the sheets name.

    Raises:
        DocumentRefused: the parser would cut the document, or a style sheet holds ``<``.
    """
    if not html.strip("\ufeff \t\r\n"):
        return html
    if "<" in css:
        raise DocumentRefused(
            "A style sheet given as css holds '<', which could end the <style> element: remove it."
        )
    text = html.lstrip("\ufeff")
    doctype = _DOCTYPE.match(text)
    parser = etree.HTMLParser(huge_tree=True)
    root = etree.fromstring(text, parser)
    if root is None:
        return html
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        raise DocumentRefused(
            f"The HTML document ({len(text)} characters) is nested too deeply to be read whole."
        )
    if css:
        head = root.find("head")
        if head is None:
            head = etree.Element("head")
            root.insert(0, head)
        style = etree.Element("style", type="text/css")
        style.text = css
        head.insert(0, style)
    if root.find("body") is None:
        root.append(etree.Element("body"))
    inliner = _inliner_class()(
        strip_important=False,
        allow_network=False,
        allow_loading_external_files=False,
        disable_validation=True,
        cssutils_logging_level=logging.CRITICAL,
    )
    inliner.transform(root)
    body: str = etree.tostring(root, method="html", encoding="unicode")
    return f"{doctype.group(1)}\n{body}" if doctype else body


@cache
def _inliner_class() -> Any:
    """Premailer with a CSS parser that fetches nothing; imported at the first use, for it is heavy."""
    import cssutils
    from premailer import Premailer

    class Inliner(Premailer):  # type: ignore[misc]  # premailer ships no types
        def _parse_css_string(self, css_body: str, validate: bool = True) -> Any:
            return cssutils.CSSParser(fetcher=lambda url: (None, b""), validate=validate).parseString(
                css_body
            )

    return Inliner
