"""Dead links: relative ones without a base, empty ones, scripts, placeholders."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aerogram.checks.rules.resources import sheet_urls
from aerogram.checks.rules.rule import Finding, Rule
from aerogram.conf import settings
from aerogram.inlining.links import is_relative

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aerogram.checks.mail import Mail
    from aerogram.document import Element

__all__ = ["CHECKS", "RULES"]

RULES = (
    Rule("link-relative", "error", "A link, image or url() is relative, and BASE_URL is not set."),
    Rule("link-dead", "error", "A link is empty, only #, a script or a local file."),
    Rule("link-placeholder", "warning", "A link has a placeholder address."),
    Rule("link-local", "warning", "A link is on localhost or in a private network."),
    Rule("link-http", "warning", "A link uses http: instead of https:."),
    Rule("image-http", "warning", "An image uses http: instead of https:."),
    Rule("link-empty", "warning", "A link contains neither words nor an image with an alternative text."),
)

_SCRIPT = re.compile(r"\s*(?:java|vb)script\s*:", re.IGNORECASE)
_LOCAL_FILE = re.compile(r"\s*file:", re.IGNORECASE)
_LOCAL_HOST = re.compile(
    r"(?:.*\.)?localhost|127(?:\.\d+){3}|0\.0\.0\.0|::1|10(?:\.\d+){3}|192\.168(?:\.\d+){2}|[\w-]+\.(?:local|internal)"
)
_PLACEHOLDER_HOST = re.compile(
    r"(?:.*\.)?(?:example\.(?:com|org|net)|(?:your|my)-?(?:domain|site|company|website|app|shop)\.\w+|domain\.(?:com|tld)"
    r"|[\w-]+\.(?:example|test|invalid))"
)
_PLACEHOLDER = re.compile(
    r"\s*(?:todo|fixme|xxx+|tbd|insert[ _-]?(?:link|url)[ _-]?here|link|url)\s*", re.IGNORECASE
)


def dead_links(mail: Mail) -> Iterator[Finding]:
    """Yield the links and images that no reader can open, each once.

    Style sheets are left to :mod:`~aerogram.checks.rules.resources`.
    """
    sheets = {url for root in mail.roots for url in sheet_urls(root)}
    for attribute, url in mail.links:
        if url in sheets and attribute in ("href", "css"):
            continue
        if problem := _problem(attribute, url):
            yield Finding(*problem, _place(mail, attribute, url))


def _place(mail: Mail, attribute: str, url: str) -> tuple[Any, ...]:
    """Return the forms in which a template may contain a link: the attribute, the URL, or the element."""
    written = tuple(f"{attribute}={quote}{url}{quote}" for quote in "\"'")
    element = mail.by_attribute.get((attribute, url))
    return (*written, *([url] if len(url.strip()) > 1 else ()), *(() if element is None else (element,)))


def _problem(attribute: str, url: str) -> tuple[str, str] | None:
    shown = f"url({url})" if attribute == "css" else f'{attribute}="{url[:200]}"'
    if is_relative(url):
        text = (
            f"{shown} is relative, and a mail has no base URL. Set BASE_URL, for example to "
            "'https://example.com', or write the whole URL."
        )
        if attribute in ("src", "background"):
            text += " To send an image of the template folders with the mail: {{ inline_image('logo.png') }}."
        return "link-relative", text
    if not url.strip():
        return "link-dead", f"{shown} is empty, so it leads nowhere. Give it a URL, or omit the element."
    if url.strip() == "#":
        return "link-dead", f"{shown} leads nowhere. Give it a URL, or the id of an element of the mail."
    if _SCRIPT.match(url):
        return "link-dead", f"{shown} is a script, which no mail program runs. Link to a page."
    if _LOCAL_FILE.match(url):
        return (
            "link-dead",
            f"{shown} is a file on this machine, which readers cannot reach. Attach or publish it.",
        )
    return None


def doubtful_links(mail: Mail) -> Iterator[Finding]:
    """Yield links to placeholders, to the developer's machine, and without TLS."""
    for attribute, url in mail.links:
        if attribute in ("href", "src"):
            yield from _doubt(mail, attribute, url)


def _doubt(mail: Mail, attribute: str, url: str) -> Iterator[Finding]:
    shown = f'{attribute}="{url[:200]}"'
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").rstrip(".")
    except ValueError:  # brackets of an IPv6 address that is none
        host = ""
    is_base = bool(settings.BASE_URL) and url.startswith(settings.BASE_URL)
    if host and parts.scheme in ("http", "https"):
        if _LOCAL_HOST.fullmatch(host):
            if not is_base:
                text = f"{shown} is a host that readers cannot reach. Build links from BASE_URL."
                yield Finding("link-local", text, _place(mail, attribute, url))
            return
        if _PLACEHOLDER_HOST.fullmatch(host) and mail.is_written(url):
            text = f"{shown} is a placeholder: {host} is a reserved name. Write the real address."
            yield Finding("link-placeholder", text, _place(mail, attribute, url))
        if parts.scheme == "http":
            code = "link-http" if attribute == "href" else "image-http"
            text = f"{shown} is fetched without TLS: others can read and change it. Use https."
            yield Finding(code, text, _place(mail, attribute, url))


def empty_links(mail: Mail) -> Iterator[Finding]:
    """Yield the links in which nothing can be seen or read aloud."""
    for link in mail.by_tag.get("a", ()):
        if link.get("href", "").strip() and not _says_something(link):
            url = link.get("href").strip()[:200]
            text = (
                f'The link to "{url}" has neither words nor an image with an alt text, so a reader '
                "cannot see or hear where it leads. Add some text."
            )
            yield Finding("link-empty", text, link)


def _says_something(link: Element) -> bool:
    if (link.get("aria-label") or link.get("title") or "").strip() or "".join(link.itertext("*")).strip():
        return True
    images = link.iter("img")
    return any((image.get("alt") or "").strip() for image in images) or _is_outlook_button(link)


def _is_outlook_button(link: Element) -> bool:
    return any("<v:" in (each.text or "") for each in link.iter() if not isinstance(each.tag, str))


CHECKS = (dead_links, doubtful_links, empty_links)
