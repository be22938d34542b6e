"""Stencils: what was inlined and converted once for a shape is reused for every message of that shape.

Which declarations land on which element depends on the tree (tags, classes, ids, the attributes that
selectors read), and so does what the text part looks like; neither depends on the words between the tags. So
a page is split into its shape and its values (``shape``, ``splitting``), premailer and html2text run once for
a shape with a placeholder for each value (``cutting``, ``text_cutting``), and every later message of that
shape is filled in (``filling``, ``text``).

A value may vary within a shape only where that is proved: in text, in ``href``, ``src``, ``id`` and the like
(as long as no selector asks for it, ``questions``), in a comment or a script, with something visible at both
ends and no markup in it. Values anywhere else (a class, a style, the content of ``<style>``) belong to the
shape. What cannot be proved goes the slow way.
``docs/stencils.md`` has the picture.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aerogram.conf import settings
from aerogram.document import check_size
from aerogram.inlining import inline_document
from aerogram.plaintext.layout import lay_out
from aerogram.plaintext.outline import outline
from aerogram.stencil.cache import Cache
from aerogram.stencil.cutting import Asked, Skeleton, asked_of, cut, skeleton_of
from aerogram.stencil.filling import UNPROVED, Finished, Stencil
from aerogram.stencil.splitting import split

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Finished", "Stats", "Stencils"]

logger = logging.getLogger("aerogram.stencil")


@dataclass(frozen=True, slots=True)
class Stats:
    """How many pages were filled in, made a stencil, or went the slow way; and what is kept now."""

    hits: int = 0
    misses: int = 0
    fallbacks: int = 0
    entries: int = 0
    octets: int = 0


class Stencils:
    """A cache of stencils, safe to share between threads.

    Args:
        entries: how many shapes are kept, least recently used ones go; ``STENCIL_CACHE_ENTRIES`` by default.
        octets: how many bytes they may take together; ``STENCIL_CACHE_BYTES`` by default.

    >>> stencils = Stencils()
    >>> for name in ("Ann", "Bob"):
    ...     page = stencils.finish(f"<style>b {{ color: red }}</style><p>Dear <b>{name}</b>, welcome.</p>")
    >>> page.html
    '<p>Dear <b style="color:red">Bob</b>, welcome.</p>'
    >>> page.text
    'Dear Bob, welcome.\\n'
    >>> stencils.stats.hits, stencils.stats.misses
    (1, 1)
    """

    def __init__(self, entries: int | None = None, octets: int | None = None) -> None:
        self._cache = Cache(entries, octets)
        self._lock = threading.Lock()
        self._hits = self._misses = self._fallbacks = 0

    @property
    def stats(self) -> Stats:
        """The counts since the cache was made, and what it holds now."""
        with self._lock:
            return Stats(self._hits, self._misses, self._fallbacks, *self._cache.size)

    def clear(self) -> None:
        """Forget every stencil; the counts stay."""
        self._cache.clear()

    def finish(
        self,
        page: str | Iterable[str],
        css: str = "",
        *,
        template: str | None = None,
        want_text: bool = True,
    ) -> Finished:
        """Inline a rendered page and make its text part.

        Args:
            page: the page, or (faster) the chunks that ``jinja2.Template.generate`` yields with autoescape.
            css: the text of style sheets to apply after those of the page.
            template: the template's name, for errors.
            want_text: whether the text part is needed.

        Returns:
            What :func:`~aerogram.inlining.inline_css` and :func:`~aerogram.plaintext.html_to_text` of its
            result would return, the same tree and the same text.

        Raises:
            DocumentError: as :func:`~aerogram.inlining.inline_css` does.
        """
        chunks = page if isinstance(page, str) else list(page)
        with settings.frozen():
            stencil, values = (
                self._stencil(chunks, css, template, want_text) if settings.STENCILS else (None, [])
            )
            if stencil is None:
                self._count("_fallbacks")
                return _finish_slowly("".join(chunks), css, template, want_text)
            limit = settings.HTML_SIZE_LIMIT
            if stencil.length + sum(map(len, values)) > limit // 4:  # else no UTF-8 form is longer
                check_size("".join(chunks), template)
        return stencil.fill(values)

    def _stencil(
        self, page: str | list[str], css: str, template: str | None, want_text: bool
    ) -> tuple[Stencil | None, Sequence[str]]:
        """Return the stencil that fits a page, or ``None``, and the values to fill it with."""
        page_split = split(page, self._cache)
        values = page_split.values
        width = settings.TEXT_WIDTH if want_text else None
        key = (*page_split.key, css, settings.CSS_ENGINE, width)
        skeleton: Skeleton | None = self._cache.get(key)
        if skeleton is None:
            skeleton = skeleton_of(page_split.shape, css)
            self._cache.put(key, skeleton, skeleton.octets)
        if not skeleton.accepts(values):
            return None, values
        bound = skeleton.bound(values, self._asked(skeleton, values))
        inner = (skeleton.serial, bound, *[values[number] for number in bound])
        stencil: Stencil | None = self._cache.get(inner)
        if stencil is None:
            if skeleton.word in "".join(values):
                return None, values
            stencil = _cut(skeleton, values, bound, css, template, width)
            self._cache.put(inner, stencil, stencil.octets)
            if stencil.html is not None:
                self._count("_misses")
        elif stencil.html is not None:
            self._count("_hits")
        return (stencil if stencil.html is not None else None), values

    def _asked(self, skeleton: Skeleton, values: Sequence[str]) -> Asked:
        if skeleton.always_asked is not None:
            return skeleton.always_asked
        key = (Asked, skeleton.serial, *[values[number] for number in skeleton.sheets.numbers])
        asked: Asked | None = self._cache.get(key)
        if asked is None:
            asked = asked_of(skeleton, values)
            self._cache.put(key, asked, asked.octets)
        return asked

    def _count(self, name: str) -> None:
        with self._lock:
            setattr(self, name, getattr(self, name) + 1)


def _cut(skeleton: Skeleton, values: Sequence[str], *how: Any) -> Stencil:
    """Make a stencil. A mistake of ours costs nobody a mail: such a page goes the slow way."""
    try:
        return cut(skeleton, values, *how)
    except Exception as error:  # of any kind; its words may hold what stands in the mail
        logger.error("a page could not be made a stencil: %s", type(error).__name__)
        return UNPROVED


def _finish_slowly(html: str, css: str, template: str | None, want_text: bool) -> Finished:
    inlined = inline_document(html, css=css, template=template)
    if not want_text or inlined.root is None:
        return Finished(inlined.html)
    return Finished(inlined.html, lay_out(outline(inlined.root), settings.TEXT_WIDTH))
