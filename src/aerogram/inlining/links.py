"""Relative URLs of a document, in attributes and style sheets, and how they become absolute (RFC 3986)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin

if TYPE_CHECKING:
    from aerogram.document import Element

__all__ = [
    "SRCSETS",
    "Link",
    "absolute",
    "absolute_srcset",
    "base_of",
    "find_links",
    "is_relative",
    "make_absolute",
]

# What begins otherwise is a fragment, or a tag that another program fills in ({{W}}, *|URL|*, %%url%%).
_RELATIVE = re.compile(r"\s*(?![a-z][a-z0-9+.\-]*:)(?:[\w./?~@\-]|%[0-9a-f]{2})", re.IGNORECASE)
_BASE = re.compile(r"https?://[^/?#\s]", re.IGNORECASE)
SRCSETS = ("srcset", "imagesrcset")  # several URLs, each with a descriptor
_ATTRIBUTES = (
    *("href", "src", "background", "poster", "action", "formaction", "data", "longdesc", "xlink:href"),
    *SRCSETS,
)
# A URL, and what is behind it: commas, or a descriptor up to a comma.
_IN_SRCSET = re.compile(r"([^\s,]\S*?)(?=,*(?:\s|\Z))(,+|\s+[^,]*,?|)")
_IN_COMMENT = re.compile(r"""(?<=[\s"'])(href|src|background)=(["'])(.*?)\2""", re.IGNORECASE | re.DOTALL)
# Comments and strings are read too, because what looks like url() in them is none.
_IN_CSS = re.compile(
    r"""/\*.*?(?:\*/|\Z)
      | (?P<open>\burl\(\s*)
        (?:"(?P<double>[^"\\\n]*)"|'(?P<single>[^'\\\n]*)'|(?P<bare>[^\s"'()\\]+)) (?=\s*\))
      | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)

Resolve = Callable[[str, str], str]
"""Returns what the URL of an attribute of this name becomes."""


class Link(NamedTuple):
    """A URL and the attribute it stands in, or ``"css"``."""

    attribute: str
    url: str


def is_relative(url: str) -> bool:
    """Return whether a URL needs a base: it has no scheme, and is neither a fragment nor empty.

    >>> [is_relative(url) for url in ("/a", "b?c", "//cdn.example/x", "#top", "mailto:a@b.c", "{{url}}", "")]
    [True, True, True, False, False, False, False]
    """
    return _RELATIVE.match(url) is not None


def absolute(url: str, base: str) -> str:
    """Return a relative URL resolved against ``base``, and any other as it is.

    >>> absolute("../b?c", "https://example.com/a/"), absolute("//cdn.example/x", "https://example.com")
    ('https://example.com/b?c', 'https://cdn.example/x')
    """
    if not is_relative(url):
        return url
    try:
        return url.replace(url.strip(), urljoin(base, url.strip()))
    except ValueError:  # brackets of an IPv6 address that is none
        return url


def absolute_srcset(urls: str, base: str) -> str:
    """Return a ``srcset`` with its relative URLs resolved against ``base``.

    >>> absolute_srcset("a.png 1x,/b,c.png 2x", "https://example.com")
    'https://example.com/a.png 1x,https://example.com/b,c.png 2x'
    """
    return _in_srcset(urls, lambda url, _name: absolute(url, base))


def make_absolute(root: Element, base: str, marker: str = "") -> None:
    """Make every relative URL of a document absolute, but for those that begin with ``marker``."""

    def resolve(url: str, _name: str) -> str:
        return url if marker and url.lstrip().startswith(marker) else absolute(url, base)

    if base := base_of(root, base):
        _rewrite(root, resolve)


def base_of(root: Element, base: str) -> str:
    """Return the base of a document's URLs: ``base`` or its ``<base>``; empty if that is no web address."""
    element = next(root.iter("base"), None) if _BASE.match(base) else None
    base = absolute(element.get("href", ""), base) if element is not None else base
    return base if _BASE.match(base) else ""


def find_links(root: Element) -> list[Link]:
    """Return every URL of a document."""
    found: list[Link] = []

    def keep(url: str, name: str) -> str:
        found.append(Link(name, url))
        return url

    _rewrite(root, keep)
    return found


def _rewrite(root: Element, resolve: Resolve) -> None:
    """Replace every URL of a document by what ``resolve`` returns."""
    for element in (*root.itersiblings(preceding=True), *root.iter(), *root.itersiblings()):
        if not isinstance(element.tag, str):  # a comment, perhaps before or behind the root
            text = element.text or ""
            if text.lstrip().lower().startswith("[if"):  # Outlook reads it
                element.text = _IN_COMMENT.sub(
                    lambda found: f"{found[1]}={found[2]}{_in_source(found, resolve)}{found[2]}", text
                )
            continue
        for name in _ATTRIBUTES:
            url = element.get(name)
            if url is not None:
                new = _in_srcset(url, resolve) if name in SRCSETS else resolve(url, name)
                if new != url:
                    element.set(name, new)
        style = element.get("style")
        if style and "url(" in style.lower():
            element.set("style", _in_css(style, resolve))
        if element.tag == "style" and element.text and "url(" in element.text.lower():
            element.text = _in_css(element.text, resolve)


def _in_source(found: re.Match[str], resolve: Resolve) -> str:
    """Resolve a URL in markup, where ``&`` is escaped; nothing else in a URL is."""
    url = found[3].replace("&amp;", "&")
    new = resolve(url, found[1].lower())
    return found[3] if new == url else new.replace("&", "&amp;")


def _in_css(css: str, resolve: Resolve) -> str:
    def replace(found: re.Match[str]) -> str:
        if found["open"] is None:
            return found[0]
        url = next(text for text in (found["double"], found["single"], found["bare"]) if text is not None)
        new = resolve(url, "css")
        return found[0] if new == url else found[0].replace(url, new)

    return _IN_CSS.sub(replace, css)


def _in_srcset(text: str, resolve: Resolve) -> str:
    return _IN_SRCSET.sub(lambda found: resolve(found[1], "srcset") + found[2], text)
