"""What a reader of a message sees: its words and its links, in the text and in the HTML part."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any, Final, Literal

Part = Literal["text", "html"]
"""A part that a reader sees."""

_INLINE: Final = {
    "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "img", "ins",
    "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt",
    "u", "var", "wbr",
}  # fmt: skip
_UNSEEN: Final = frozenset({"script", "style", "template", "title"})
_INVISIBLE: Final = dict.fromkeys(map(ord, "\u00ad\u034f\u200b\u200c\u2060\ufeff"))
_SHOWN_URL: Final = re.compile(r":\s+(https?://[^\s<>\"]+|[^\s<>\"@:]+@[\w.-]*\w)")
_MARKED: Final = re.compile(r"~([^~\n]+)~")
_URL: Final = re.compile(r"(?:https?://|mailto:)[^\s<>\"]+")


class ReadableMessage:
    """The base of messages: what tests look at."""

    body: Any
    content_subtype: str
    subject: Any

    #: The notification that the message was made by, if it was made by one. It is not pickled.
    notification: Any = None

    def __repr__(self) -> str:
        """Show the subject and the number of recipients, no address."""
        try:
            count = str(len(self.recipients()))  # type: ignore[attr-defined]  # each message has the method
        except Exception:  # noqa: BLE001,RUF100 - the attributes may hold anything until the message is built
            count = "unknown"
        subject = f"{str(getattr(self, 'subject', ''))!r:.80}"
        return f"<{type(self).__qualname__} {subject} to {count} recipient{'s' * (count != '1')}>"

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the notification, whose fields need not be what can be pickled."""
        return {name: value for name, value in vars(self).items() if name != "notification"}

    def __copy__(self) -> Any:
        copied = object.__new__(type(self))
        vars(copied).update(vars(self))
        return copied

    def sees(self, text: str, part: Part | None = None) -> bool:
        """Return whether a reader of the message sees a text; any white space counts as one space.

        What a text part shows in addition to the words, such as the URL behind a link, may be left out.

        Args:
            text: the words, in the case they are written. Alternative texts of images count.
            part: ``"text"`` or ``"html"``; if it is None, each part that the message has must show the text.

        >>> from aerogram.mail import EmailMultiAlternatives
        >>> message = EmailMultiAlternatives("Hello", "Dear Ann", to=["ann@example.com"])
        >>> message.attach_alternative("<p>Dear <b>Ann</b></p>", "text/html")
        >>> message.sees("Dear Ann"), message.sees("Bob")
        (True, False)
        """
        words, readers = _plain(text), self._readers(part)
        return bool(readers) and all(
            any(words in _plain(form) for form in reader.forms) for reader in readers
        )

    @property
    def links(self) -> list[str]:
        """The links of both parts, each once: those of the HTML part, then others of the text part."""
        return list(dict.fromkeys(link for reader in self._readers(None) for link in reader.links))

    def links_to(self, url: str, part: Part | None = None) -> bool:
        """Return whether the message has a link to exactly this URL; ``part`` is that of :meth:`sees`."""
        readers = self._readers(part)
        return bool(readers) and all(url in reader.links for reader in readers)

    def _readers(self, part: Part | None) -> list[_Reader]:
        if part not in (None, "text", "html"):
            raise ValueError(f"{part!r:.50} is not a part of a message. Accepted: 'text', 'html' or None.")
        is_html = self.content_subtype == "html"
        others = [content for content, kind in getattr(self, "alternatives", ()) if kind == "text/html"]
        pages = [self.body] if is_html else others
        readers = [_Reader.of_html(str(page)) for page in pages if part != "text"]
        if not is_html and part != "html" and (self.body or not readers):
            readers.append(_Reader.of_text(str(self.body)))
        return readers


class _Reader(HTMLParser):
    """Collects links and ``forms``: the words, and those of a text part without its URLs and marks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.forms: list[str] = []
        self.links: list[str] = []
        self._unseen = 0

    @classmethod
    def of_html(cls, page: str) -> _Reader:
        reader = cls()
        reader.feed(page)
        reader.close()
        reader.forms = ["".join(reader.words)]
        return reader

    @classmethod
    def of_text(cls, text: str) -> _Reader:
        reader = cls()
        reader.forms = [text, _MARKED.sub(r"\1", _SHOWN_URL.sub(_behind_url, text))]
        reader.links = [_without_punctuation(url) for url in _URL.findall(text)]
        return reader

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("a", "area") and (url := given.get("href")) is not None and not self._unseen:
            self.links.append(url.strip())
        self._unseen += tag in _UNSEEN
        self.handle_data(" " * (tag not in _INLINE) + (given.get("alt") or "" if tag == "img" else ""))

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        self.handle_data(" " * (tag not in _INLINE))

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.words.append(data)


def _plain(text: str) -> str:
    return " ".join(text.translate(_INVISIBLE).split())


def _behind_url(found: re.Match[str]) -> str:
    return found[1][len(_without_punctuation(found[1])) :]


def _without_punctuation(url: str) -> str:
    url = url.rstrip(".,;:!?'")
    return url[:-1] if url.endswith(")") and url.count("(") < url.count(")") else url
