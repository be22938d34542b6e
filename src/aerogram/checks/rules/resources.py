"""Resources that no reader receives: images that are not attached, style sheets that are not loaded."""

from __future__ import annotations

import re
from email.message import Message
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aerogram.checks.rules.rule import Finding, Rule
from aerogram.inlining.css import tokens
from aerogram.inlining.links import find_links

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aerogram.checks.mail import Mail
    from aerogram.document import Element

__all__ = ["CHECKS", "RULES", "sheet_urls"]

RULES = (
    Rule("image-missing", "error", "The HTML refers to a cid: URL, but no attachment has that Content-ID."),
    Rule("image-unused", "warning", "An image is attached inline, but the HTML does not show it."),
    Rule("image-large", "warning", "An inline image is larger than 200 KB."),
    Rule("stylesheet-not-loaded", "error", "A <link> or @import is not loaded."),
)

_CID = re.compile(r"\s*cid:(\S+)", re.IGNORECASE)
_REMOTE = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
_LARGE = 200 * 1024  # bytes of one inline image


def lost_resources(mail: Mail) -> Iterator[Finding]:
    """Yield the resources that the HTML refers to and no reader receives, each once.

    An image named by ``cid:`` (RFC 2392) has to be attached. A style sheet has to be declared, so that it is
    inlined: rendering fetches nothing, and few mail programs load a style sheet.
    """
    attached = {str(part["Content-ID"]).strip("<> \t\r\n") for part in _parts(mail) if part["Content-ID"]}
    shown = [name for root in mail.roots for name in _shown_images(root)]
    lost = [_lost_image(name, attached) for name in shown if not {name, unquote(name)} & attached]
    yield from dict.fromkeys([*lost, *(each for root in mail.roots for each in _lost_sheets(root))])


def unused_images(mail: Mail) -> Iterator[Finding]:
    """Yield the images that were attached for the HTML but are not used in it."""
    shown = {each for root in mail.roots for name in _shown_images(root) for each in (name, unquote(name))}
    for part in _parts(mail):
        name = str(part["Content-ID"] or "").strip("<> \t\r\n")
        is_inline = part.get_content_disposition() != "attachment"
        if name and name not in shown and is_inline and part.get_content_maintype() == "image":
            text = (
                f"The image {part.get_filename() or name} is attached as cid:{name}, but the HTML does not "
                "show it: mail programs list it as a file or drop it. Show it, or do not attach it."
            )
            yield Finding("image-unused", text, None, "attachments")


def large_images(mail: Mail) -> Iterator[Finding]:
    """Yield the inline images that make a mail heavy, each once."""
    for part in mail.message.attachments:
        if isinstance(part, Message) and part["Content-ID"] and part.get_content_maintype() == "image":
            content: Any = part.get_payload(decode=True)
            size = len(content or b"")
            if size > _LARGE:
                name = part.get_filename() or part["Content-ID"]
                text = (
                    f"Inline image {name} has {size // 1024} KB, which each recipient gets as "
                    f"{size * 4 // 3072} KB. Link to it by https, or stay below {_LARGE // 1024} KB."
                )
                yield Finding("image-large", text, f"cid:{name}")


def _parts(mail: Mail) -> list[Message]:
    return [part for each in mail.message.attachments if isinstance(each, Message) for part in each.walk()]


def _shown_images(root: Element) -> list[str]:
    """Return the Content-IDs that a document refers to."""
    urls = [link.url for link in find_links(root)]
    styles = [element.get("style", "") for element in root.iter("*")]
    urls += [url for css in (*styles, *_sheets(root)) if "(" in css or "@" in css for url, _ in _urls(css)]
    return [found[1] for url in urls if (found := _CID.match(url))]


def _lost_image(name: str, attached: set[str]) -> Finding:
    known = ", ".join(sorted(attached)) or "none"
    return Finding(
        "image-missing",
        f"The HTML refers to cid:{name}, but no attachment has that Content-ID (available: {known}). "
        f'Attach a MIME part: image = MIMEImage(content); image["Content-ID"] = "<{name}>".',
        f"cid:{name}",
    )


def sheet_urls(root: Element) -> list[str]:
    """Return the URLs of the style sheets that a document loads."""
    links = [link.get("href", "") for link in root.iter("link")]
    return links + [url for sheet in _sheets(root) for url, is_import in _urls(sheet) if is_import]


def _lost_sheets(root: Element) -> Iterator[Finding]:
    for link in root.iter("link"):
        if "stylesheet" in link.get("rel", "").lower().split():
            yield _lost_sheet("<link> to", link.get("href", ""))
    for sheet in _sheets(root):
        for url, is_import in _urls(sheet):
            if is_import:
                yield _lost_sheet("@import of", url)


def _lost_sheet(what: str, url: str) -> Finding:
    remote = _REMOTE.match(url) is not None
    return Finding(
        "stylesheet-not-loaded",
        f"The {what} {url!r} is not inlined, because rendering fetches nothing, and "
        f"{'few mail programs load it' if remote else 'no mail program can load it'}. "
        'Put the sheet into a template folder and declare it: css = "brand.css".',
        url,
        level="warning" if remote else "error",
    )


def _sheets(root: Element) -> list[str]:
    return [style.text or "" for style in root.iter("style")]


@lru_cache(maxsize=1024)
def _urls(css: str) -> tuple[tuple[str, bool], ...]:
    return tuple(_found_urls(css))


def _found_urls(css: str) -> Iterator[tuple[str, bool]]:
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


CHECKS = (lost_resources, unused_images, large_images)
