"""Links of a mail that lead nowhere: relative ones without a base, empty ones, scripts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aerogram.checks.resources import LostResource, html_roots, sheet_urls
from aerogram.inlining.links import find_links, is_relative

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aerogram.mail.message.email_message import EmailMessage

__all__ = ["dead_links"]

_SCRIPT = re.compile(r"\s*(?:java|vb)script\s*:", re.IGNORECASE)
_LOCAL_FILE = re.compile(r"\s*file:", re.IGNORECASE)


def dead_links(message: EmailMessage) -> Iterator[LostResource]:
    """Yield the links and images of the HTML parts that no reader can open, each once.

    Style sheets are left to :func:`~aerogram.checks.resources.lost_resources`.
    """
    roots = html_roots(message)
    links = [link for root in roots for link in find_links(root)]
    sheets = {url for root in roots for url in sheet_urls(root)}
    for attribute, url in dict.fromkeys(links):
        if url in sheets and attribute in ("href", "css"):
            continue
        problem = _problem(attribute, url)
        if problem:
            yield LostResource(*problem, "error")


def _problem(attribute: str, url: str) -> tuple[str, str] | None:
    shown = f"url({url})" if attribute == "css" else f'{attribute}="{url[:200]}"'
    if is_relative(url):
        return "link-relative", (
            f"{shown} is relative, and a mail has no address of its own. Set BASE_URL, for example to "
            "'https://example.com', or write the whole URL."
        )
    if not url.strip():
        return "link-dead", f"{shown} is empty, so it leads nowhere. Give it a URL, or leave the element out."
    if url.strip() == "#":
        return "link-dead", f"{shown} leads nowhere. Give it a URL, or the id of an element of the mail."
    if _SCRIPT.match(url):
        return "link-dead", f"{shown} is a script, which no mail program runs. Link to a page."
    if _LOCAL_FILE.match(url):
        return "link-dead", f"{shown} is a file of this machine, which no reader has. Attach or publish it."
    return None
