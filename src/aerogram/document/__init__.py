"""HTML to an lxml tree and back.

HTML is read as browsers read it (HTML 5, the algorithm of the standard): what they show is what inlining, the
text part and the checks see. A document is read whole or refused with an error. On the way back the doctype,
comments and URLs are as the author wrote them, and a fragment stays one.
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import count
from typing import Any

from lxml import etree
from selectolax.lexbor import LexborHTMLParser

from aerogram.conf import settings
from aerogram.document.parse_cost import MOST_DEEP, TOO_DEEP, parse_problem
from aerogram.exceptions import DocumentError

Element = (
    Any  # an lxml element: the published stubs give attributes and XPath results types that are of no use
)

_COMMENT = r"<!--(?:-?>|(?:(?!--!?>)[\s\S])*(?:--!?>|\Z))"
_LEADING = rf"[ \t\n\r]|{_COMMENT}|<(?:!\[|\?)[^>]*>"
_DOCTYPE = re.compile(rf"((?:{_LEADING})*)(<!doctype[^>]*>)", re.IGNORECASE)
# A doctype without which classes and ids ignore case (HTML, section 13.2.6.4.1).
_STANDARD_DOCTYPE = re.compile(
    r"<!doctype\s+html\s*(?:>|system\s*[\"']|public\s*[\"'](?!-//ietf//|-//w3c//dtd html (?:3"
    r"|4\.0 (?:frameset|transitional)//|4\.01 (?:frameset|transitional)//[^\"']*[\"']\s*>)))",
    re.IGNORECASE,
)
_WHOLE_PAGE = re.compile(r"<(?:html|head|body|!doctype)[\s>/]", re.IGNORECASE)
_PART_OF_TABLE = re.compile(
    rf"(?:{_LEADING})*<(?:caption|col(group)?|t(body|d|foot|h|head|r))[\s>/]", re.IGNORECASE
)
_BOGUS_COMMENT = re.compile(r"<!(\[[^<>]*)>")  # a comment to browsers, but not to Outlook
_UNWRITABLE = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # a tree cannot hold them
_CONTROLS = bytes({*range(1, 9), 11, *range(14, 32)})  # as octets they are found ten times as fast
_BLANK = "\ufeff \t\r\n\f"

_make_element = etree.HTMLParser().makeelement  # its elements may have any name that HTML has
_VOID = {"area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "input", "keygen"}
_VOID |= {"link", "meta", "param", "source", "track", "wbr"}
_RAW = {"iframe", "noembed", "noframes", "plaintext", "script", "style", "xmp"}  # written without escapes
_KEEPS_LINE = {"pre", "textarea", "listing"}  # their first line break is not read
_FOREIGN = {"svg", "math"}
_NOT_FOREIGN = {"annotation-xml", "desc", "foreignObject", "mi", "mn", "mo", "ms", "mtext", "title"}
_ESCAPED = re.compile("[&<>\r]")
_IS_PLAIN = re.compile('[^&<>"\r]+').fullmatch  # needs no escapes
# What no name in a tree may hold (or begin with) is written there as a private character.
_SHIFTED = {ord(character): 0xE000 + ord(character) for character in "&<>\"'{"}
_UNSHIFTED = {shifted: character for character, shifted in _SHIFTED.items()}


def has_quirks(html: str) -> bool:
    """Return whether the doctype puts browsers in quirks mode, where classes and ids ignore case."""
    doctype = _DOCTYPE.match(html.lstrip(_BLANK))
    return not (doctype and _STANDARD_DOCTYPE.match(doctype[2]))


def is_fragment(html: str) -> bool:
    """Return whether HTML has neither a doctype nor html, head or body tags."""
    return _WHOLE_PAGE.search(html) is None


def check_size(html: str, template: str | None = None) -> None:
    """Raise DocumentError for a document of more than ``HTML_SIZE_LIMIT`` bytes in UTF-8."""
    limit = settings.HTML_SIZE_LIMIT
    if len(html) * 4 <= limit:  # no UTF-8 form is longer than that
        return
    size = len(html.encode("utf-8", "surrogatepass"))
    if size > limit:
        raise DocumentError(
            f"{_name(template)} has {size} bytes; the setting HTML_SIZE_LIMIT accepts {limit}. "
            "Shorten the mail, or raise the setting (most clients cut a mail at about 100,000 bytes).",
            template=template,
        )


def parse_html(html: str, *, template: str | None = None) -> Element | None:
    """Parse a document or a fragment; return its ``<html>`` element, ``None`` when there is nothing to read.

    Raises:
        DocumentError: it is larger than ``HTML_SIZE_LIMIT`` bytes, nested too deeply, cannot be written as
            UTF-8, has an element with more than 5,000 attributes, or more than 200 formatting elements that
            are never closed. The text names ``template``.
        TypeError: ``html`` is not a string.
    """
    if not isinstance(html, str):
        raise TypeError(f"html must be str, not {type(html).__name__}: decode bytes first.")
    check_size(html, template)
    try:
        octets = html.encode()
    except UnicodeEncodeError as error:
        raise DocumentError(
            f"{_name(template)} contains a lone surrogate (U+{ord(html[error.start]):04X}) at character "
            f"{error.start}; it cannot be written as UTF-8.",
            template=template,
        ) from None
    if octets.translate(None, _CONTROLS) != octets or "\ufffe" in html or "\uffff" in html:
        html = _UNWRITABLE.sub("", html)
    text = html.replace("\f", " ").strip(_BLANK)
    if not text:
        return None
    problem = parse_problem(text)
    root = None if problem else _read_tree(text)
    if root is None:
        raise DocumentError(
            f"{_name(template)} ({len(text.encode())} bytes) {problem or TOO_DEEP}", template=template
        )
    return root


def write_html(root: Element, source: str) -> str:
    """Write a tree as HTML.

    What a tree does not hold is taken from ``source``, the text that was parsed and every text added since:
    the doctype, whether it is a fragment (written without html, head, body and doctype), and which of two
    forms a comment or an empty attribute has.
    """
    writer = _Writer(source)
    around = [*reversed(list(root.itersiblings(preceding=True))), root, *root.itersiblings()]
    if not is_fragment(source):
        doctype = _DOCTYPE.match(source.lstrip(_BLANK))
        before = len(re.findall(f"{_COMMENT}|<[!?]", doctype[1])) if doctype else 0
        for number, element in enumerate(around):
            if doctype and number == before:
                writer.html += [doctype[2], "\n"]
            writer.write(element)
    else:
        for element in around:
            if element is root:
                for part in root:
                    writer.write(part, is_inner=part.tag in ("head", "body"))
                    writer.html.append(_escape(part.tail or ""))
            elif not (element.text or "").startswith("?"):  # <?xml ...?>
                writer.write(element)
    return "".join(writer.html)


def unique_marker(*texts: str) -> str:
    """Return a word of ASCII letters that occurs in none of the texts, in any case."""
    lowered = [text.lower() for text in texts if any(start in text for start in ("zq", "zQ", "Zq", "ZQ"))]
    words = (f"zq{'a' * number}x" for number in count(1))
    return next(word for word in words if not any(word in text for text in lowered))


def _read_tree(text: str) -> Element | None:
    """Read HTML; ``None`` if it is too deep. Only this function and those it calls know the parser."""
    root: Element = _make_element("html")
    # Browsers keep rows and cells without a table only in a <template>.
    if _PART_OF_TABLE.match(text) and is_fragment(text):
        first = LexborHTMLParser(text, is_fragment=True, fragment_tag="template").root
        is_whole = _copy(first.next.prev if first and first.next else first, etree.SubElement(root, "body"))
        return root if is_whole else None
    html: Any = LexborHTMLParser(text).root  # there is always one
    _set_attributes(root, html.attributes)
    if not _copy(html.first_child, root):
        return None
    nodes = [*html.parent.iter(include_text=True)]
    place = nodes.index(html)
    for node in nodes[:place]:
        if node.tag != "-doctype":
            root.addprevious(_comment(node))
    for node in reversed(nodes[place + 1 :]):
        root.addnext(_comment(node))
    return root


def _copy(node: Any, parent: Element) -> bool:
    """Copy a node, its content and its following siblings into an element; stop where it is too deep."""
    last: Element = None  # the last child of the parent: text is put behind it
    outer: list[tuple[Any, Element, Element]] = []
    while True:
        while node is None:
            if not outer:
                return True
            node, parent, last = outer.pop()
        tag, child, following = node.tag, None, node.next
        if tag == "-text":
            _put_text(node.text_content or "", parent, last)
        elif tag == "-comment" or tag is None:  # <?php ...?>
            last = _comment(node)
            parent.append(last)
        else:
            last = _add_element(parent, tag, node.attributes)
            child = node.first_child
            if tag == "textarea" and not _is_foreign(last):  # lexbor opens formatting elements in it
                _put_text(node.text(), last, None)
                child = None
            elif tag == "template" and child is None and (contents := node.template_fragments()):
                child = contents[0].first_child
        if child is None:
            node = following
            continue
        outer.append((following, parent, last))
        if len(outer) > MOST_DEEP:
            return False
        node, parent, last = child, last, None


def _add_element(parent: Element, tag: str, attributes: dict[str, str | None]) -> Element:
    if "{" not in "".join(attributes):  # which lxml may take for the start of a namespace
        try:
            return etree.SubElement(parent, tag, attributes)  # type: ignore[arg-type]  # None raises TypeError
        except (TypeError, ValueError):  # an attribute without a value; no name or no text to lxml
            pass
    element = etree.SubElement(parent, tag.translate(_SHIFTED))
    _set_attributes(element, attributes)
    return element


def _set_attributes(element: Element, attributes: dict[str, str | None]) -> None:
    for name, value in attributes.items():
        element.set(name.translate(_SHIFTED) if name[0] == "{" else name, _writable(value or ""))


def _put_text(text: str, parent: Element, last: Element | None) -> None:
    """Add text after the last child of an element."""
    try:
        if last is None:
            parent.text = (parent.text or "") + text
        else:
            last.tail = (last.tail or "") + text
    except ValueError:  # what references like &#1; stand for
        _put_text(_writable(text), parent, last)


def _writable(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text.replace("\f", " "))


def _comment(node: Any) -> Element:
    comment = etree.Comment()
    # From its source, as comment_content would lose the blanks. <?php ...?> is a comment of "?php ...?".
    comment.text = node.html[4:-3] if node.is_comment_node else node.html[1:-1]
    return comment


class _Writer:
    """The text of a tree while it is written."""

    def __init__(self, source: str) -> None:
        self.html: list[str] = []
        self._source = source
        self._bogus = set(_BOGUS_COMMENT.findall(source)) if "<![" in source else set()

    def write(self, element: Element, *, is_inner: bool = False) -> None:
        """Write an element or a comment, or only its content."""
        if element.tag is etree.Comment:
            self._write_comment(element)
            return
        html = self.html
        start = len(html)
        for event, each in etree.iterwalk(element, events=("start", "end", "comment")):
            if event == "start":
                self._write_start(each)
                continue
            if event == "comment":
                self._write_comment(each)
            elif (tag := each.tag) not in _VOID or each.text or len(each):
                html.append(f"</{_name_of(tag)}>")
            if (tail := each.tail) and each is not element:
                html.append(_escape(tail))
        if is_inner:
            del html[start], html[-1]

    def _write_start(self, element: Element) -> None:
        tag, text = element.tag, element.text
        values = [
            f' {name}="{value}"' if _IS_PLAIN(value) and name.isascii() else self._attribute(name, value)
            for name, value in element.items()
        ]
        self.html.append(f"<{_name_of(tag)}{''.join(values)}>")
        if text:
            if tag in _KEEPS_LINE and text[0] == "\n":
                self.html.append("\n")
            self.html.append(text if tag in _RAW and not _is_foreign(element) else _escape(text))

    def _attribute(self, name: str, value: str) -> str:
        if not value and name not in self._valued:
            return f" {_name_of(name)}"
        value = _escape(value)
        if '"' in value and "'" not in value:
            return f" {_name_of(name)}='{value}'"
        return f' {_name_of(name)}="{value.replace(chr(34), "&quot;")}"'

    @cached_property
    def _valued(self) -> set[str]:
        """The names of the attributes that have a value somewhere, even an empty one."""
        return {name for piece in self._source.lower().split("=")[:-1] for name in piece.rsplit(None, 1)[-1:]}

    def _write_comment(self, comment: Element) -> None:
        text = comment.text or ""
        if text[:1] == "?" and ">" not in text:
            self.html.append(f"<{text}>")
        else:
            self.html.append(f"<!{text}>" if text in self._bogus else f"<!--{text}-->")


def _escape(text: str) -> str:
    if _ESCAPED.search(text):
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return text


def _name_of(name: str) -> str:
    return name if name.isascii() else name.translate(_UNSHIFTED)


def _is_foreign(element: Element) -> bool:
    """Return whether an element is part of SVG or MathML, where nothing is raw."""
    around = (ancestor.tag for ancestor in element.iterancestors())
    return next((tag in _FOREIGN for tag in around if tag in _FOREIGN or tag in _NOT_FOREIGN), False)


def _name(template: str | None) -> str:
    return f"The template {template!r}" if template else "The HTML document"
