"""The templates of a notification: the place of a finding in them, and the rules they switch off."""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from aerogram.checks.mail import Mail
from aerogram.checks.problem import SourceLine
from aerogram.conf import settings
from aerogram.exceptions import TemplateNotFound
from aerogram.mail.message.email_message import EmailMessage
from aerogram.templating import read_line, read_template, shipped_templates

if TYPE_CHECKING:
    from aerogram.document import Element
    from aerogram.templating import Inspection, Templates, TemplateSource

__all__ = ["Sources"]

_IGNORE = re.compile(r"aerogram:\s*ignore\s+([\w\-]+(?:\s*,\s*[\w\-]+|\s+[\w\-]+)*)")
_MARK = "aerogram:"
_STYLES = re.compile(r"{%-?\s*block\s+styles\b[^%]*%}(.*?){%-?\s*endblock", re.DOTALL)
_JINJA = re.compile(r"{[{%#].*?[%#}]}", re.DOTALL)
_TAG_REST = r"""\b(?:[^<>"']|"[^"]*"|'[^']*')*>?"""
_NAMES = "href src id alt class name width height bgcolor title background role style"
_TELLING = frozenset(_NAMES.split())  # attributes by which a tag is found
_SHIPPED = f"{shipped_templates()}{os.sep}"
_MOST_SEARCHED = 300  # elements of one notification that are searched for


class _Tag(NamedTuple):
    """A start tag in a template, and what follows it."""

    place: SourceLine
    text: str
    behind: str


class Sources:
    """The templates and style sheets of one notification, its own first."""

    def __init__(self, templates: Templates) -> None:
        self.templates = templates
        self.files: dict[str, tuple[str | None, str]] = {}  # path and text by name
        self.html: list[TemplateSource] = []
        self.all: list[TemplateSource] = []
        self.ignored: dict[str, set[str]] = {}  # the codes that a template switches off, by its path
        self.comments: list[tuple[str, SourceLine]] = []  # each of these codes
        self.are_complete = True  # unless only the data decides which template is read
        self._declared: dict[str, SourceLine] = {}  # the template that pulls in a file first, by its path
        self._searched = 0
        self._tags_of: dict[str, list[_Tag]] = {}

    def read(self, name: str, *, html: bool) -> Inspection:
        """Read a template and everything that it extends, includes or imports."""
        inspection = read_template(self.templates, name, html=html)
        if any(finding.kind in ("dynamic", "missing", "broken") for finding in inspection.findings):
            self.are_complete = False
        declared = inspection.sources[0].path if inspection.sources else None
        for source in inspection.sources:
            if declared and source.path and not self.is_shipped(declared):
                self._declared.setdefault(source.path, SourceLine(declared, 1))
            if source.name not in self.files:
                comments = source.comments if _MARK in source.text else []
                self._add(source.name, source.path, source.text, comments)
                self.all.append(source)
                if html:
                    self.html.append(source)
        return inspection

    def read_line(self, text: str) -> Inspection:
        """Read a subject."""
        inspection = read_line(self.templates, text)
        self.all += inspection.sources
        return inspection

    def read_sheet(self, name: str, origin: str) -> str:
        """Read a style sheet; raises TemplateNotFound."""
        text = self.templates.source(name, origin)
        if name not in self.files:
            self._add(name, self.path(name) or None, text, _css_comments(text))
        return text

    def path(self, template: str) -> str:
        """Return the file of a template; empty if it has none."""
        try:
            return self.templates.loader.get_source(self.templates.text_environment, template)[1] or ""
        except (LookupError, TemplateNotFound):
            return ""

    def _add(self, name: str, path: str | None, text: str, comments: list[tuple[int, str]]) -> None:
        self.files[name] = path, text
        key = path or name
        for line, comment in comments:
            for found in _IGNORE.finditer(comment):
                for code in re.split(r"[\s,]+", found[1]):
                    self.ignored.setdefault(key, set()).add(code)
                    at = line + comment[: found.start()].count("\n")
                    self.comments.append((code, SourceLine(path or "", at)))

    def switches_off(self, code: str, place: SourceLine) -> bool:
        """Return whether the template of a place switches off a rule, or any template if it is in none."""
        own = [codes for path, codes in self.ignored.items() if path == place.file]
        is_template = any(place.file == path for path, _ in self.files.values() if path)
        return any(code in codes for codes in (own if is_template else self.ignored.values()))

    @cached_property
    def texts(self) -> list[str]:
        """The texts of the templates of the application."""
        return [text for path, text in self.files.values() if not self.is_shipped(path)]

    @cached_property
    def own(self) -> Mail | None:
        """The application's templates and sheets as a mail; ``None`` if no built-in template is used."""
        if not any(self.is_shipped(path) for path, _ in self.files.values()):
            return None
        html = _JINJA.sub("", "\n".join(text for text in self.texts if "<" in text))
        mail = Mail(EmailMessage(body=html))
        mail.htmls = [html]
        blocks = [sheet for text in self.texts for sheet in _STYLES.findall(text)]
        mail.sheets = [*mail.sheets, *blocks, *(text for text in self.texts if "<" not in text)]
        return mail

    @property
    def uses_layout(self) -> bool:
        """True if a template extends the built-in layout."""
        return self.is_shipped(self.files.get("aerogram/base.html", ("", ""))[0])

    def is_shipped(self, path: str | None) -> bool:
        """Return whether a file is a built-in template."""
        return path is not None and path.startswith(_SHIPPED)

    def to_mend(self, place: SourceLine) -> SourceLine | str:
        """Return a place; for one in a built-in template, that of the declared template that uses it.

        Where that ships too, it is the declaration.
        """
        return self._declared.get(place.file, "html_template") if self.is_shipped(place.file) else place

    def find(self, at: Any) -> SourceLine | None:
        """Return the line of a template with a text, a match of a pattern, or an element.

        Of a tuple of these it is the first that is found.
        """
        found = map(self._find_one, at if isinstance(at, tuple) else (at,))
        return next(filter(None, found), None)

    def _find_one(self, at: Any) -> SourceLine | None:
        if isinstance(at, str):
            return self._text_line(at)
        if isinstance(at, re.Pattern):
            return self._pattern_line(at)
        return None if at is None else self._element_line(at)

    def _own_first(self) -> list[tuple[str | None, str]]:
        return sorted(self.files.values(), key=lambda file: self.is_shipped(file[0]))

    def _pattern_line(self, pattern: re.Pattern[str]) -> SourceLine | None:
        for path, source in self._own_first():
            if path and (found := pattern.search(source)):
                return SourceLine(path, _line_at(source, found.start()))
        return None

    def _text_line(self, text: str) -> SourceLine | None:
        base = settings.BASE_URL.rstrip("/")
        forms = [text, text.replace("&", "&amp;")]
        if base and text.startswith(base) and len(text) > len(base) + 1:
            forms.append(text.removeprefix(base))
        found = (self._pattern_line(re.compile(re.escape(form))) for form in filter(str.strip, forms))
        return next(filter(None, found), None)

    def _element_line(self, element: Element) -> SourceLine | None:
        """Return the line of the tag most similar to an element, by attributes, position and text."""
        self._searched += 1
        if self._searched > _MOST_SEARCHED:
            return None
        tags = self._tags(element.tag)
        values = [value for name in _TELLING if (value := element.get(name, "").strip())]
        words = (element.text or "").strip()[:40]
        scores = [_likeness(tag, values, words) for tag in tags]
        best = max(scores, default=0)
        likely = [tag for tag, score in zip(tags, scores, strict=True) if score == best]
        if len(likely) > 1 and not best:
            likely = [tag for tag in likely if not self.is_shipped(tag.place.file)] or likely
        if len(likely) > 1:
            likely = self._same_number(element, likely) or self._before_words(element, likely) or likely
        return likely[0].place if likely and (best or len(likely) == 1) else None

    def _same_number(self, element: Element, likely: list[_Tag]) -> list[_Tag]:
        """Return the tag at an element's position, if the only template has as many of them as the page."""
        tags = self._tags(element.tag)
        elements = list(element.getroottree().getroot().iter(element.tag))
        if len(tags) != len(elements) or len({tag.place.file for tag in tags}) > 1:
            return []
        tag = tags[next(number for number, each in enumerate(elements) if each is element)]
        return [tag] if tag in likely else []

    def _before_words(self, element: Element, likely: list[_Tag]) -> list[_Tag]:
        """Return the last of the tags before the first words of an element."""
        owner = next((each for each in element.iter("*") if len((each.text or "").strip()) > 2), None)
        if owner is None:
            return []
        pattern = _words_pattern(owner.text)
        inner = sum(1 for each in (owner, *owner.iterancestors()) if each.tag == element.tag)
        inner -= sum(1 for each in (element, *element.iterancestors()) if each.tag == element.tag)
        if (place := self._pattern_line(pattern)) is None:
            return []
        tags = self._tags(element.tag)
        before = [tag for tag in tags if tag.place.file == place.file and tag.place.line <= place.line]
        return [tag for tag in before[: len(before) - max(inner, 0)][-1:] if tag in likely]

    def _tags(self, name: str) -> list[_Tag]:
        """Return the tags of a name in the templates."""
        if name not in self._tags_of:
            pattern = re.compile(f"<{re.escape(name)}{_TAG_REST}", re.IGNORECASE)
            self._tags_of[name] = [
                _Tag(
                    SourceLine(path or "", _line_at(text, found.start())),
                    found[0],
                    text[found.end() : found.end() + 200],
                )
                for path, text in self._own_first()
                for found in (pattern.finditer(text) if path else ())
            ]
        return self._tags_of[name]


def _line_at(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _likeness(tag: _Tag, values: list[str], words: str) -> int:
    found = sum(2 for each in values if each in tag.text or each.replace("&", "&amp;") in tag.text)
    return found + 3 * (bool(words) and words in tag.behind)


def _words_pattern(text: str) -> re.Pattern[str]:
    """Return a pattern that finds the start of a text in a template, despite entities and line breaks."""
    words = text.split()[:6]
    parts = [re.sub(r"(?:[^\w.,:;!?]|[^\x00-\x7f])+", "\0", word) for word in words]
    escaped = [re.escape(part).replace("\\\0", "\0").replace("\0", r"\S{1,12}?") for part in parts]
    return re.compile(r"(?:\s|&nbsp;|<[^<>]*>)+".join(escaped))


def _css_comments(css: str) -> list[tuple[int, str]]:
    found = re.finditer(r"/\*(.*?)\*/", css, re.DOTALL)
    return [(_line_at(css, each.start(1)), each[1]) for each in found]
