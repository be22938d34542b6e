"""What the HTML of a mail refers to and no reader gets: images not attached, style sheets not loaded."""

from __future__ import annotations

import re
from email.message import Message
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from aerogram.document import parse_html
from aerogram.inlining.css import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aerogram.checks.problem import Severity
    from aerogram.document import Element
    from aerogram.mail.message.email_message import EmailMessage

_CID = re.compile(r"\s*cid:(\S+)", re.IGNORECASE)
_REMOTE = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
_LARGE = 200 * 1024  # bytes of one inline image
_SHOWING = ("src", "background", "href")


class LostResource(NamedTuple):
    """One thing that will be missing: the code, message and severity of its problem."""

    code: str
    message: str
    severity: Severity


def lost_resources(message: EmailMessage) -> Iterator[LostResource]:
    """Yield what the HTML parts refer to and no reader gets, each thing once.

    An image named by ``cid:`` (RFC 2392) has to be attached. A style sheet has to be declared, so that it is
    inlined: rendering fetches nothing, and few mail programs load a style sheet.
    """
    attached = _content_ids(message)
    roots = html_roots(message)
    yield from dict.fromkeys(
        lost for root in roots for lost in (*_lost_images(root, attached), *_lost_sheets(root))
    )


def large_images(message: EmailMessage) -> Iterator[LostResource]:
    """Yield the inline images that make a mail heavy, each once."""
    for part in message.attachments:
        if isinstance(part, Message) and part["Content-ID"] and part.get_content_maintype() == "image":
            content: Any = part.get_payload(decode=True)
            size = len(content or b"")
            if size > _LARGE:
                name = part.get_filename() or part["Content-ID"]
                text = (
                    f"Inline image {name} has {size // 1024} KB, which each recipient gets as "
                    f"{size * 4 // 3072} KB. Link to it by https, or stay below {_LARGE // 1024} KB."
                )
                yield LostResource("image-large", text, "warning")


def html_roots(message: EmailMessage) -> list[Element]:
    """Return the documents of a message's HTML parts."""
    return [root for html in _html_parts(message) if (root := parse_html(html)) is not None]


def _html_parts(message: EmailMessage) -> list[str]:
    forms = getattr(message, "alternatives", ())
    parts = [str(content) for content, kind in forms if kind.lower().startswith("text/html")]
    return [*parts, str(message.body)] if message.content_subtype == "html" else parts


def _content_ids(message: EmailMessage) -> set[str]:
    parts = [part for each in message.attachments if isinstance(each, Message) for part in each.walk()]
    return {str(part["Content-ID"]).strip("<> \t\r\n") for part in parts if part["Content-ID"]}


def _lost_images(root: Element, attached: set[str]) -> Iterator[LostResource]:
    urls = [element.get(name, "") for element in root.iter("*") for name in _SHOWING]
    styles = [element.get("style", "") for element in root.iter("*")]
    urls += [url for css in (*styles, *_sheets(root)) for url, _ in _urls(css)]
    for name in (found[1] for url in urls if (found := _CID.match(url))):
        if unquote(name) not in attached and name not in attached:
            known = ", ".join(sorted(attached)) or "none"
            yield LostResource(
                "image-missing",
                f"The HTML shows cid:{name}, and no attachment has that Content-ID (there are: {known}). "
                f'Attach a MIME part: image = MIMEImage(content); image["Content-ID"] = "<{name}>".',
                "error",
            )


def sheet_urls(root: Element) -> list[str]:
    """Return the URLs of the style sheets that a document loads."""
    links = [link.get("href", "") for link in root.iter("link")]
    return links + [url for sheet in _sheets(root) for url, is_import in _urls(sheet) if is_import]


def _lost_sheets(root: Element) -> Iterator[LostResource]:
    for link in root.iter("link"):
        if "stylesheet" in link.get("rel", "").lower().split():
            yield _lost_sheet("<link> to", link.get("href", ""))
    for sheet in _sheets(root):
        for url, is_import in _urls(sheet):
            if is_import:
                yield _lost_sheet("@import of", url)


def _lost_sheet(what: str, url: str) -> LostResource:
    remote = _REMOTE.match(url) is not None
    return LostResource(
        "stylesheet-not-loaded",
        f"The {what} {url!r} is not inlined, because rendering fetches nothing, and "
        f"{'few mail programs load it' if remote else 'no mail program can load it'}. "
        'Put the sheet among the templates and declare it: css = "brand.css".',
        "warning" if remote else "error",
    )


def _sheets(root: Element) -> list[str]:
    return [style.text or "" for style in root.iter("style")]


def _urls(css: str) -> Iterator[tuple[str, bool]]:
    """Yield the URLs in a sheet or a style attribute, and whether each is that of an ``@import``."""
    ahead = tokens(css)[::-1]
    is_import = False
    while ahead:
        token = ahead.pop()
        if token.type == "whitespace":
            continue
        if token.type == "url" or (token.type == "string" and is_import):
            yield token.value, is_import
        elif token.type == "function":
            yield from [(part.value, is_import) for part in token.arguments if part.type == "string"]
            ahead += token.arguments[::-1]
        else:
            ahead += getattr(token, "content", [])[::-1]
        is_import = token.type == "at-keyword" and token.lower_value == "import"
