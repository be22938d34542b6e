"""The templates of a notification: where in them a finding stands, and which rules they switch off."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from aerogram.checks.problem import SourceLine
from aerogram.conf import settings
from aerogram.exceptions import TemplateNotFound
from aerogram.templating import read_line, read_template

if TYPE_CHECKING:
    from aerogram.document import Element
    from aerogram.templating import Inspection, Templates, TemplateSource

__all__ = ["Sources"]

_IGNORE = re.compile(r"aerogram:\s*ignore\s+([\w\-]+(?:\s*,\s*[\w\-]+|\s+[\w\-]+)*)")
_MARK = "aerogram:"
_TAG_REST = r"""\b(?:[^<>"']|"[^"]*"|'[^']*')*>?"""
_TELLING = (
    "href",
    "src",
    "id",
    "alt",
    "class",
    "name",
    "width",
    "height",
    "bgcolor",
    "title",
    "background",
    "role",
)
_MOST_SEARCHED = 300  # elements of one notification that are searched for


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
        self._searched = 0
        self._tags_of: dict[str, list[tuple[str, int, str, str]]] = {}

    def read(self, name: str, *, html: bool) -> Inspection:
        """Read a template with all it extends, includes and imports."""
        inspection = read_template(self.templates, name, html=html)
        if any(finding.kind in ("dynamic", "missing", "broken") for finding in inspection.findings):
            self.are_complete = False
        for source in inspection.sources:
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
        """Return whether a template switches off a rule at a place: its own lines, or no line of any."""
        own = [codes for path, codes in self.ignored.items() if path == place.file]
        is_template = any(place.file == path for path, _ in self.files.values() if path)
        return any(code in codes for codes in (own if is_template else self.ignored.values()))

    @cached_property
    def texts(self) -> list[str]:
        """The texts of the templates of the application."""
        return [text for name, (_, text) in self.files.items() if not name.startswith("aerogram/")]

    def is_shipped(self, path: str) -> bool:
        """Return whether a file is one of the templates that ship."""
        return any(path == file and name.startswith("aerogram/") for name, (file, _) in self.files.items())

    def find(self, at: Element | str | None) -> SourceLine | None:
        """Return the line of a template that has a text or an element."""
        if at is None:
            return None
        return self._text_line(at) if isinstance(at, str) else self._element_line(at)

    def _text_line(self, text: str) -> SourceLine | None:
        base = settings.BASE_URL.rstrip("/")
        forms = [text, text.replace("&", "&amp;")]
        if base and text.startswith(base) and len(text) > len(base) + 1:
            forms.append(text.removeprefix(base))
        for form in filter(str.strip, forms):
            for path, source in self.files.values():
                start = source.find(form)
                if start >= 0 and path:
                    return SourceLine(path, source.count("\n", 0, start) + 1)
        return None

    def _element_line(self, element: Element) -> SourceLine | None:
        self._searched += 1
        if self._searched > _MOST_SEARCHED:
            return None
        values = [element.get(name, "").strip() for name in _TELLING]
        words = (element.text or "").strip()[:40]
        best: tuple[int, SourceLine | None] = (0, None)
        candidates = 0
        for path, line, tag, behind in self._tags(element.tag):
            candidates += 1
            score = sum(
                2 for value in values if value and (value in tag or value.replace("&", "&amp;") in tag)
            )
            score += 3 * (bool(words) and words in behind)
            if score > best[0] or (candidates == 1 and best[1] is None):
                best = score, SourceLine(path, line)
        return best[1] if best[0] or candidates == 1 else None

    def _tags(self, name: str) -> list[tuple[str, int, str, str]]:
        """Return the tags of a name in the templates: path, line, the tag and what follows it."""
        if name not in self._tags_of:
            pattern = re.compile(f"<{re.escape(name)}{_TAG_REST}", re.IGNORECASE)
            self._tags_of[name] = [
                (
                    path or "",
                    text.count("\n", 0, found.start()) + 1,
                    found[0],
                    text[found.end() : found.end() + 200],
                )
                for path, text in self.files.values()
                for found in (pattern.finditer(text) if path else ())
            ]
        return self._tags_of[name]


def _css_comments(css: str) -> list[tuple[int, str]]:
    found = re.finditer(r"/\*(.*?)\*/", css, re.DOTALL)
    return [(css.count("\n", 0, each.start(1)) + 1, each[1]) for each in found]
