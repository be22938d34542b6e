"""HTML to an lxml tree and back.

libxml2 silently drops what lies deeper than its limits. Here a document is read whole or refused with an
error. On the way back the doctype, conditional comments and URLs are as the author wrote them.
"""

from __future__ import annotations

import re
from html import escape
from itertools import count
from typing import Any

from lxml import etree

from aerogram.conf import settings
from aerogram.exceptions import DocumentError

Element = (
    Any  # an lxml element: the published stubs give attributes and XPath results types that are of no use
)

_DOCTYPE = re.compile(r"(?:\s|<\?.*?>|<!--.*?-->)*(<!doctype[^>]*>)", re.IGNORECASE | re.DOTALL)
_WHOLE_PAGE = re.compile(r"<(?:html|head|body|!doctype)[\s>/]", re.IGNORECASE)
_REVEALED = re.compile(r"<!--(\[(?:if\b[^\]<>]*|endif)\])-->", re.IGNORECASE)
_UNSAFE_IN_URL = re.compile(r"[^!-~]")
_URL_ATTRIBUTES = "//@href | //@src | //@action | //a/@name"  # the ones libxml2 would percent-encode
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0e-\x1f\ufffe\uffff]")  # a tree cannot hold them
_CONTROLS = bytes({*range(9), 11, *range(14, 32)})  # as octets they are found ten times as fast
_UNWRITABLE_REFERENCE = re.compile(
    "&#(?:0*(?:[0-8]|1[124-9]|2[0-9]|3[01])(?![0-9])|[xX]0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F])(?![0-9a-fA-F]));?"
)
_MOST_ATTRIBUTES = 5_000  # of an element: the parser compares each with all before it
_FEWEST_CHARACTERS = 8 * _MOST_ATTRIBUTES  # of a document in which that takes noticeable time
_ATTRIBUTE = r"""[\s/]*[^\s/>][^\s/>=]*(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>"'][^\s>]*))?"""
_TAG = re.compile(rf"<[a-zA-Z][^\s/>]*((?:{_ATTRIBUTE})*)")
_BLANK = "\ufeff \t\r\n\f"


def check_size(html: str, template: str | None = None) -> None:
    """Raise DocumentError for a document of more than ``HTML_SIZE_LIMIT`` bytes in UTF-8."""
    limit = settings.HTML_SIZE_LIMIT
    if len(html) * 4 <= limit:  # no UTF-8 form is longer than that
        return
    size = len(html.encode("utf-8", "surrogatepass"))
    if size > limit:
        raise DocumentError(
            f"{_name(template)} has {size} bytes; the setting HTML_SIZE_LIMIT accepts {limit}. "
            "Send less, or raise the setting (most clients cut a mail at about 100,000 bytes).",
            template=template,
        )


def parse_html(html: str, *, template: str | None = None) -> Element | None:
    """Parse a document or a fragment; return its ``<html>`` element, ``None`` when there is nothing to read.

    Raises:
        DocumentError: it is larger than ``HTML_SIZE_LIMIT`` bytes, nested too deeply, cannot be written as
            UTF-8, or has an element with more than 5,000 attributes. The text names ``template``.
        TypeError: ``html`` is not a string.
    """
    if not isinstance(html, str):
        raise TypeError(f"html must be str, not {type(html).__name__}: decode bytes first.")
    check_size(html, template)
    text = _without_unwritable(html).replace("\f", " ").strip(_BLANK)
    if "&#" in text:
        text = _UNWRITABLE_REFERENCE.sub("\ufffd", text)
    if not text:
        return None
    try:
        octets = text.encode()
    except UnicodeEncodeError as error:
        raise DocumentError(
            f"{_name(template)} holds a lone surrogate (U+{ord(text[error.start]):04X}) at character "
            f"{error.start}; it cannot be written as UTF-8.",
            template=template,
        ) from None
    _check_attributes(text, octets, template)
    parser = etree.HTMLParser(huge_tree=True, encoding="utf-8")
    try:
        root = etree.fromstring(octets, parser)
    except etree.XMLSyntaxError:
        root = None
    for entry in parser.error_log:
        if entry.type_name == "ERR_RESOURCE_LIMIT":
            raise DocumentError(
                f"{_name(template)} ({len(octets)} bytes) is nested too deeply to be read whole (line "
                f"{entry.line}): more than 2,000 elements stand inside each other. "
                "Check for elements that are never closed.",
                template=template,
            )
    if root is None or root.tag != "html":
        return None
    if root.find("body") is None:
        etree.SubElement(root, "body")
    return root


def write_html(root: Element, source: str) -> str:
    """Write a tree as HTML.

    What libxml2 loses is taken from ``source``, the text that was parsed and every text added since: the
    doctype, and whether it is a fragment (without html, head, body and doctype).
    """
    word = unique_marker(source)
    hidden = _hide_urls(root, word)
    if _WHOLE_PAGE.search(source):
        doctype = _DOCTYPE.match(source.lstrip(_BLANK))
        around = [*reversed(list(root.itersiblings(preceding=True))), root, *root.itersiblings()]
        parts = [doctype[1], "\n"] if doctype else []
        parts += [_write(element) for element in around]
    else:
        parts = [_write(comment) for comment in reversed(_comments(root, preceding=True))]
        for part in (root.find("head"), root.find("body")):
            if part is not None:
                parts += [escape(part.text or "", quote=False), *(_write(child, tail=True) for child in part)]
        parts += [_write(comment) for comment in _comments(root, preceding=False)]
    html = "".join(parts)
    if hidden:
        urls = {}
        for placeholder, (element, name, url) in hidden.items():
            element.set(name, url)
            urls[placeholder] = escape(url)
        html = re.sub(word + r"\d+z", lambda found: urls.get(found[0], found[0]), html)
    if "<![" in source:
        html = _REVEALED.sub(r"<!\1>", html)
    return html


def unique_marker(*texts: str) -> str:
    """Return a word of ASCII letters that occurs in none of the texts, whatever case they are in."""
    lowered = [text.lower() for text in texts if any(start in text for start in ("zq", "zQ", "Zq", "ZQ"))]
    words = (f"zq{'a' * number}x" for number in count(1))
    return next(word for word in words if not any(word in text for text in lowered))


def _without_unwritable(html: str) -> str:
    octets = html.encode("utf-8", "surrogatepass")
    if len(octets.translate(None, _CONTROLS)) == len(octets) and not ("\ufffe" in html or "\uffff" in html):
        return html
    return _UNWRITABLE.sub("", html)


def _check_attributes(text: str, octets: bytes, template: str | None) -> None:
    """Refuse an element with so many attributes that the parser would take seconds."""
    if len(text) < _FEWEST_CHARACTERS:
        return
    for tag in _TAG.finditer(text):
        if len(tag[1]) > 2 * _MOST_ATTRIBUTES and len(re.findall(_ATTRIBUTE, tag[1])) > _MOST_ATTRIBUTES:
            raise DocumentError(
                f"{_name(template)} ({len(octets)} bytes) has an element with more than {_MOST_ATTRIBUTES:,} "
                f"attributes (line {text.count(chr(10), 0, tag.start()) + 1}). "
                "Check for a quotation mark that is never closed.",
                template=template,
            )


def _comments(root: Element, *, preceding: bool) -> list[Element]:
    """Return the comments before or after the root, which are part of a fragment."""
    comments = root.itersiblings(etree.Comment, preceding=preceding)
    return [comment for comment in comments if not (comment.text or "").startswith("?")]  # not <?xml ...?>


def _write(element: Element, *, tail: bool = False) -> str:
    written: str = etree.tostring(element, method="html", encoding="unicode", with_tail=tail)
    return written


def _hide_urls(root: Element, word: str) -> dict[str, tuple[Element, str, str]]:
    """Replace each URL that libxml2 would percent-encode by a placeholder; return the URLs by placeholder."""
    hidden: dict[str, tuple[Element, str, str]] = {}
    for url in root.xpath(_URL_ATTRIBUTES):
        if not _UNSAFE_IN_URL.search(url):
            continue
        placeholder = f"{word}{len(hidden)}z"
        element = url.getparent()
        hidden[placeholder] = element, url.attrname, str(url)
        element.set(url.attrname, placeholder)
    return hidden


def _name(template: str | None) -> str:
    return f"The template {template!r}" if template else "The HTML document"
