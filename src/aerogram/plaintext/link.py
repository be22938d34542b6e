"""Links as text, with a label and as much of the URL as a reader needs; and superscripts."""

from __future__ import annotations

import re
from urllib.parse import unquote

from aerogram.plaintext import marks

_LINK = re.compile(
    f"{marks.LINK_START}([^{marks.LINK_START}-{marks.LINK_END}]*){marks.LINK_URL}"
    f"([^{marks.LINK_START}-{marks.LINK_END}]*){marks.LINK_END}"
)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_NOT_FOR_READERS = frozenset(("javascript", "data", "vbscript", "about", "blob", "file"))
# Ends of labels that need no colon.
_INTRODUCING = (*":?!>\u2026\u00bb\u203a\u2192\uff1a\uff1f\uff01", "..")
_CLOSING = ".,;:!?)\\]}>\"'\u00bb\u2019\u201d"  # no client takes these for a part of the URL before them
_PARTING = "-|/\u00b7\u2022\u2013\u2014"  # separates two links, with a space on both sides
_RAISED = re.compile(f"(.?){marks.RAISED}([^{marks.RAISED}{marks.RAISED_END}]*){marks.RAISED_END}", re.DOTALL)
_IN_POWER = r"[\w.,*/()+=^\u2212-]*"
_IS_POWER = re.compile(
    rf"(?!\w?[^\W\d_]{{2,}}\Z)[-+\u2212]?\w(?:{_IN_POWER}(?:\w|\({_IN_POWER}\)))?", re.ASCII
).fullmatch
_OPENING = r"\s\x00-\x1f(\[{<\"'/=\u00ab\u2039\u201c\u201e\u2018\u201a"
_runs_into = re.compile(f"[^{_OPENING}]").match
# What may follow a URL at once; of a mark only what comes of it tells.
_stands_apart = re.compile(f"[\\s{_CLOSING}]").match
_glued = re.compile(f"(?![\\s\x00-\x1f{_CLOSING}])(?:([{_PARTING}])(?=[^\\s\x00-\x1f])|(?=.))").match


def format_links(text: str) -> str:
    """Write out the links and the superscripts in a text."""
    if marks.LINK_START in text:
        text = _LINK.sub(_written, text)
    found: int = marks.RAISED in text
    while found:  # the innermost first
        text, found = _RAISED.subn(_raised, text)
    return _separate_urls(text) if marks.URL_END in text or marks.URL_START in text else text


def _written(found: re.Match[str]) -> str:
    """Write a link as a person would, with marks where its URL may run into adjacent text."""
    name, url = found.groups()
    address = url if url.startswith(("https://", "http://")) else _address(url, name)
    if not address:
        return name
    if name.endswith((".", ",")) and not name.endswith("..") and not _same(name, address):
        name = name.rstrip(" .,")
    is_shown = name and not _same(name, address)
    between = " " if name.endswith(_INTRODUCING) else ": "
    text = f"{name}{between}{address}" if is_shown else f"{marks.URL_START}{address}"
    return text if _stands_apart(found.string, found.end()) else text + marks.URL_END


def _address(url: str, label: str) -> str:
    """Return the part of a URL that a reader needs beside the label; empty if it leads nowhere."""
    scheme = _SCHEME.match(url)
    kind = scheme[1].lower() if scheme else ""
    if not url or url.startswith("#") or kind in _NOT_FOR_READERS:
        return ""
    if kind not in ("mailto", "tel", "sms"):
        return url
    shown = url[len(kind) + 1 :].split("?", 1)[0]
    if "%" in shown:
        shown = marks.clean(unquote(shown)).strip()
    if marks.is_blank(shown):
        return ""
    if kind != "mailto" and re.sub(r"\D", "", shown) == re.sub(r"\D", "", label):
        return ""
    return shown


def _same(label: str, url: str) -> bool:
    # A label that leaves out https://www. and the last slash is 13 characters shorter.
    return abs(len(url) - len(label)) <= 13 and _bare(label) == _bare(url)


def _bare(url: str) -> str:
    url = url.strip().lower().removeprefix("https://").removeprefix("http://")
    return url.removeprefix("www.").rstrip("/")


def _raised(found: re.Match[str]) -> str:
    """Write a superscript: ``10^6``, ``2^(n+1)``; an ordinal or a sign as it is."""
    base, words = found.groups()
    if not base.strip() or base == marks.URL_END or not _IS_POWER(words):
        return base + words
    return f"{base}^{words}" if words.isalnum() or words[1:].isalnum() else f"{base}^({words})"


def _separate_urls(text: str) -> str:
    """Add a space where a URL would run into the text before or after it."""
    *before, last = text.split(marks.URL_START)
    text = "".join([*[f"{part} " if _runs_into(part[-1:]) else part for part in before], last])
    first, *others = text.split(marks.URL_END)
    return "".join([first, *map(_set_apart, others)])


def _set_apart(text: str) -> str:
    """Return the text after a URL, with a leading space if it needs one."""
    found = _glued(text)
    if not found:
        return text
    return f" {found[1]} {text[1:]}" if found[1] else f" {text}"
