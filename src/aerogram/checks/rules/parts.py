"""Rules for the addresses, the subject, and the agreement of HTML and text part."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aerogram.checks.rules.rule import Finding, Rule
from aerogram.mail.address.entries import plain_entry
from aerogram.mail.address.parser import parse_mailbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aerogram.checks.mail import Mail

__all__ = ["CHECKS", "RULES"]

RULES = (
    Rule("no-domain", "warning", "An address has no domain."),
    Rule("subject-long", "warning", "A subject is longer than 78 characters."),
    Rule("subject-capitals", "warning", "A subject is written in capital letters."),
    Rule("no-text", "warning", "The mail has HTML, but no text part."),
    Rule("parts-disagree", "warning", "A number, a link or many words are in only one of the two parts."),
)

_LONGEST_SUBJECT = 78  # characters
_FEWEST_CAPITALS, _LONGEST_ACRONYM = 6, 6
_URL = re.compile(r"https?://[^\s<>\"')\]]+", re.IGNORECASE)
_FIGURE = re.compile(r"\d[\d.,:]*\d|\d")
_WORD = re.compile(r"[^\W\d_]{4,}")
_MOST_SHOWN = 5
_MOST_LOST = 1 / 3  # of the words of a part


def addresses(mail: Mail) -> Iterator[Finding]:
    """Yield the addresses without a domain, which only a local server can deliver."""
    message = mail.message
    for name in ("from_email", "to", "cc", "bcc", "reply_to"):
        given = getattr(message, name) or ()
        for entry in [given] if name == "from_email" else given:
            if entry and not parse_mailbox(plain_entry(entry)).domain:
                text = (
                    f"{plain_entry(entry)!r} has no domain, so only a server that delivers locally accepts "
                    "it. Write the whole address: ann@example.com."
                )
                yield Finding("no-domain", text, None, name)


def subjects(mail: Mail) -> Iterator[Finding]:
    """Yield the mistakes in a rendered subject."""
    subject = mail.subject.strip()
    if not subject:
        yield Finding("no-subject", 'The subject is empty. Declare one: subject = "…".', None, "subject")
    if len(subject) > _LONGEST_SUBJECT:
        text = (
            f"The subject has {len(subject)} characters; an inbox shows 40 to {_LONGEST_SUBJECT} of them: "
            f"{subject[:60]!r}… Move the rest to the preheader."
        )
        yield Finding("subject-long", text, None, "subject")
    letters = [letter for letter in subject if letter.upper() != letter.lower()]
    is_long = len(letters) >= (_FEWEST_CAPITALS if len(subject.split()) > 1 else _LONGEST_ACRONYM + 1)
    if is_long and all(map(str.isupper, letters)):
        shown = repr(subject[:60])
        text = f"The subject is in capital letters, which spam filters count: {shown}. Write a sentence."
        yield Finding("subject-capitals", text, None, "subject")


def texts(mail: Mail) -> Iterator[Finding]:
    """Yield differences between the HTML and the text part."""
    if not mail.htmls:
        return
    if not (mail.text or "").strip():
        if mail.words:
            text = (
                "There is no text part: text readers and watches show nothing, and spam filters count it. "
                "Declare text_template, or omit it: the part is then generated from the HTML."
            )
            yield Finding("no-text", text, None, "text_template" if mail.has_own_text else "html_template")
        return
    if mail.has_own_text:
        yield from _disagreements(mail, mail.text or "")


def _disagreements(mail: Mail, text: str) -> Iterator[Finding]:
    alternatives = " ".join(image.get("alt") or "" for image in mail.by_tag.get("img", ()))
    links = [link for link in mail.by_tag.get("a", ()) if link.get("href")]
    urls = {_plain_url(link.get("href")) for link in links if _URL.match(link.get("href").strip())}
    text_urls = {_plain_url(url) for url in _URL.findall(text)}
    html_words = f"{mail.words} {alternatives}"
    only_html = [url for url in sorted(urls - text_urls) if not _is_in(url, text_urls)]
    if only_html and not (text_urls & urls):
        yield _disagreement("The HTML links to", only_html, "the text part has no link of the HTML")
    plain_text, plain_html = _URL.sub(" ", text), _URL.sub(" ", html_words)
    for name, ones, others in (("HTML", plain_html, plain_text), ("text", plain_text, plain_html)):
        other = "text part" if name == "HTML" else "HTML"
        known = _figures(others) | _figures(text if name == "HTML" else html_words)
        if figures := [
            figure for figure in dict.fromkeys(_FIGURE.findall(ones)) if _plain(figure) not in known
        ]:
            yield _disagreement(f"The {name} says", figures, f"the {other} does not")
        words = {word.lower() for word in _WORD.findall(ones)}
        lost = sorted(words - {word.lower() for word in _WORD.findall(others)})
        if len(lost) > max(2, len(words) * _MOST_LOST):
            share = f"{len(lost)} of {len(words)} words of the {name}"
            yield _disagreement(f"The {other} lacks {share}:", lost, "")


def _disagreement(what: str, values: Iterable[str], rest: str) -> Finding:
    listed = list(values)
    shown = ", ".join(listed[:_MOST_SHOWN]) + (" …" if len(listed) > _MOST_SHOWN else "")
    text = f"{what} {shown}{', and ' if rest else ''}{rest}. Readers of the other part miss it."
    return Finding("parts-disagree", text, None, "text_template")


def _figures(text: str) -> set[str]:
    return {_plain(figure) for figure in _FIGURE.findall(text)}


def _plain(figure: str) -> str:
    return figure.replace(",", "").replace(".", "").lstrip("0") or "0"


def _plain_url(url: str) -> str:
    return url.strip().split("#")[0].rstrip("/.,;:!?").lower()


def _is_in(url: str, others: set[str]) -> bool:
    return any(other.startswith(url) or url.startswith(other) for other in others)


CHECKS = (addresses, subjects, texts)
