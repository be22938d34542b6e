"""Categories of mail, and the headers that tell receivers of them.

One person waits for a ``transactional`` mail, such as a receipt or a password link. A ``bulk`` mail, such as
a newsletter or a digest, goes to many, who may unsubscribe. Gmail, Yahoo and Microsoft demand one-click
unsubscribing of bulk mail (RFC 8058), and all automatic mail should say that it is automatic, so that no
vacation note answers it (RFC 3834).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, get_args
from urllib.parse import quote, urlsplit

from aerogram.conf import settings
from aerogram.exceptions import BadHeaderError, InvalidAddress
from aerogram.mail.address.parser import parse_mailbox
from aerogram.mail.characters import check_header_value

if TYPE_CHECKING:
    from collections.abc import Mapping

Category = Literal["transactional", "bulk"]
"""The category of a mail."""

_URI = re.compile(r"[!#-;=?-Z\[\]_a-z~]+")  # RFC 3986, without what would end it inside <...>
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LIST_ID = re.compile(rf"(?P<phrase>[^<>]* )?<{_ATOM}(?:\.{_ATOM})+>")  # RFC 2919 section 2


def category_headers(
    category: str | None,
    *,
    name: str,
    sender: object,
    unsubscribe_url: str | None = None,
    unsubscribe_email: str | None = None,
    list_id: str | None = None,
) -> dict[str, str]:
    """Return the headers of a category of mail; none if nothing is declared.

    ``name`` is that of this kind of mail, in letters, digits, ``_`` and ``-``; the domain of ``sender``
    completes a List-Id. Errors are those of the checks below.

    >>> category_headers("transactional", name="receipt", sender="shop@example.com")
    {'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'OOF, AutoReply'}
    """
    headers = {}
    if category is not None:
        check_category(category)
        headers["Auto-Submitted"] = "auto-generated"
        headers["X-Auto-Response-Suppress"] = "OOF, AutoReply"  # the same for Exchange
    if category == "bulk":
        headers["Precedence"] = "bulk"
        list_id = list_id or f"{name}.{parse_mailbox(sender).domain or 'localhost'}"
        if settings.FEEDBACK_SENDER_ID:
            headers["Feedback-ID"] = f"{name}:{category}:{settings.FEEDBACK_SENDER_ID}"
    if list_id:
        headers["List-Id"] = check_list_id(list_id)
    ways = []
    if unsubscribe_url:
        ways.append(f"<{check_unsubscribe_url(unsubscribe_url)}>")
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if unsubscribe_email:
        ways.append(f"<{check_unsubscribe_email(unsubscribe_email)}>")
    if ways:
        headers["List-Unsubscribe"] = ", ".join(ways)
    return headers


def with_explicit(headers: Mapping[str, str], explicit: Mapping[str, str]) -> dict[str, str]:
    """Return both; where a name is in both, in whatever case, the explicit one wins."""
    given = {name.lower() for name in explicit}
    if "auto-submitted" in given:
        given.add("x-auto-response-suppress")  # says the same
    return {name: value for name, value in headers.items() if name.lower() not in given} | dict(explicit)


def check_category(value: object) -> str:
    """Return ``value`` if it is a category, else raise BadHeaderError."""
    if value not in get_args(Category):
        raise BadHeaderError(f"category is {value!r:.100}. Accepted: 'transactional' and 'bulk'.")
    return str(value)


def check_unsubscribe_url(value: object) -> str:
    """Return ``value`` if it is an https URL, percent-encoded (RFC 8058), else raise BadHeaderError."""
    url = check_header_value("List-Unsubscribe", value)
    try:
        parts = urlsplit(url)
        good = parts.scheme == "https" and bool(parts.hostname) and _URI.fullmatch(url)
    except ValueError:  # an address in brackets that never ends
        good = False
    if not good:
        # Not shown whole, since it holds the token that unsubscribes the recipient.
        raise BadHeaderError(
            f"unsubscribe_url begins with {url[:12]!r}. Accepted: an absolute https URL in ASCII, "
            "percent-encoded, that unsubscribes by a POST (RFC 8058); give an address as unsubscribe_email."
        )
    return url


def check_unsubscribe_email(value: object) -> str:
    """Return the ``mailto:`` URI of an address, or such a URI itself, else raise InvalidAddress.

    >>> check_unsubscribe_email("leave@example.com")
    'mailto:leave@example.com'
    """
    text = check_header_value("List-Unsubscribe", value)
    is_uri = text.lower().startswith("mailto:")
    mailbox = parse_mailbox(text[7:].partition("?")[0] if is_uri else text)
    if not mailbox.domain or (is_uri and not _URI.fullmatch(text)):
        raise InvalidAddress(
            f"unsubscribe_email is {text[:100]!r}. Accepted: an address with its domain, or a mailto: URI, "
            "percent-encoded."
        )
    local_part = mailbox.addr_spec.removesuffix(f"@{mailbox.domain}")  # in its quotes, if it needs them
    return text if is_uri else f"mailto:{quote(local_part, safe='+=!$')}@{mailbox.domain}"


def check_list_id(value: object) -> str:
    """Return a List-Id from itself or from its identifier alone (RFC 2919), else raise BadHeaderError."""
    text = check_header_value("List-Id", value)
    written = text if "<" in text else f"<{text}>"
    if not _LIST_ID.fullmatch(written):
        raise BadHeaderError(
            f"list_id is {text[:100]!r}. Accepted: 'news.example.com' or 'News <news.example.com>', on a "
            "domain of yours."
        )
    return written
