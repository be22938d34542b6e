"""Stencils: inlined CSS and a text part, computed once for a shape and filled in for every message.

Which declarations apply to which element depends on the tree (tags, classes, ids, the attributes that
selectors read), and so does the layout of the text part. Neither depends on the words between the tags. So a
page is split into its shape and its values (``splitting``, ``shape``), premailer and html2text run once for a
shape with a placeholder for each value (``compiling``, ``text``), and every later message of that shape is
filled in (``Stencil.fill``). A shape is compiled when it comes for the second time, as many never do.

A value may vary within a shape only where that is proved to be safe: in text, in ``href``, ``src``, ``id``
and the like (as long as no selector tests it, ``attribute_tests``), in a comment or a script, if it begins
and ends with something visible and holds no markup. Values anywhere else (a class, a style, the content of
``<style>``) belong to the shape. What cannot be proved is inlined and converted anew for each message.
``docs/stencils.md`` has a picture.
"""

from __future__ import annotations

import logging
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aerogram.conf import settings
from aerogram.document import check_size
from aerogram.inlining import inline_document
from aerogram.mail.message.attachments import EmailAlternative
from aerogram.plaintext.layout import lay_out
from aerogram.plaintext.outline import outline
from aerogram.stencil.cache import Cache
from aerogram.stencil.compiling import (
    NOT_MADE,
    UNPROVED,
    Finished,
    ShapeInfo,
    Stencil,
    VaryingAttributes,
    compile_stencil,
    shape_info,
    varying_attributes,
    with_absolute_links,
)
from aerogram.stencil.splitting import split

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Finished", "Stats", "Stencils"]

logger = logging.getLogger("aerogram.stencil")
# What is written in another way by a stencil, or makes others be: quotes, and what looks like an attribute.
_DIFFERS = re.compile(r"&(?:quot|#3[49]);|\s[^\s=/]+\s*=")


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts of pages with a known shape (hits), a new one (misses) and no stencil, and the cache's size."""

    hits: int = 0
    misses: int = 0
    fallbacks: int = 0
    entries: int = 0
    octets: int = 0


class Stencils:
    """A cache of stencils, safe to share between threads; its limits are those of :class:`Cache`.

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
        self._counts = {"hits": 0, "misses": 0, "fallbacks": 0}

    @property
    def stats(self) -> Stats:
        """The counts since the cache was made, and its size now."""
        with self._lock:
            entries, octets = self._cache.size
            return Stats(**self._counts, entries=entries, octets=octets)

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
        """Inline a page, or the chunks that Jinja yields of one, and make its text part.

        The result has the tree and the text that :func:`~aerogram.inlining.inline_css` and
        :func:`~aerogram.plaintext.html_to_text` of its result would return; errors are those of the former.
        """
        chunks = page if isinstance(page, str) else list(page)
        current = settings.snapshot()
        width = current["TEXT_WIDTH"] if want_text else None
        stencil, outcome = UNPROVED, "fallbacks"
        values: Sequence[str] = ()
        if current["STENCILS"]:
            options = current["CSS_ENGINE"], width, current["BASE_URL"]
            stencil, values, outcome = self._stencil(chunks, css, options, template)
            if stencil.links:
                stencil, values = with_absolute_links(stencil, values)
        with self._lock:
            self._counts["fallbacks" if stencil is UNPROVED else outcome] += 1
        if stencil.constants is not None:
            # Else no UTF-8 form of the page is longer than the limit.
            if stencil.length + sum(map(len, values)) > current["HTML_SIZE_LIMIT"] // 4:
                check_size("".join(chunks), template)
            return stencil.fill(values)
        return _finish_slowly("".join(chunks), css, template, width, current["BASE_URL"])

    def _stencil(
        self, page: str | list[str], css: str, options: tuple[str, int | None, str], template: str | None
    ) -> tuple[Stencil, Sequence[str], str]:
        """Return the stencil of a page, the values to fill it with, and the counter of this case."""
        path, forms, values = found = split(page, self._cache)
        key: Any = (path.serial, forms, css, options)
        known: ShapeInfo | Stencil | None = self._cache.get(key)
        if known is None and not _DIFFERS.search("\n".join(["", *values])):
            octets = 200 + sum([len(literal) for _, literals in forms for literal in literals])
            self._cache.put(key, NOT_MADE, octets)
            return NOT_MADE, values, "misses"
        info = known
        if not isinstance(info, ShapeInfo):
            info = shape_info(found.shape, css)
            self._cache.put(key, info, info.octets)
        static = info.static_values(values, info.varying or self._varying(info, values))
        if static is None:
            return UNPROVED, values, "fallbacks"
        key = (info.serial, static, *map(values.__getitem__, static))
        stencil: Stencil | None = self._cache.get(key)
        if stencil is not None:
            return stencil, values, "hits"
        if info.marker in "".join(values):
            return UNPROVED, values, "fallbacks"
        stencil = _compile(info, values, static, css, template, *options[1:])
        self._cache.put(key, stencil, stencil.octets)
        return stencil, values, "hits" if known is NOT_MADE else "misses"

    def _varying(self, info: ShapeInfo, values: Sequence[str]) -> VaryingAttributes:
        key = (VaryingAttributes, info.serial, *[values[number] for number in info.sheets.numbers])
        varying: VaryingAttributes | None = self._cache.get(key)
        if varying is None:
            varying = varying_attributes(info, values)
            self._cache.put(key, varying, varying.octets)
        return varying


def _compile(info: ShapeInfo, values: Sequence[str], *arguments: Any) -> Stencil:
    """Compile a stencil; if a bug makes that fail, the page is finished without one."""
    try:
        return compile_stencil(info, values, *arguments)
    except Exception as error:  # of any kind; its words may hold what stands in the mail
        logger.error("a page could not be made a stencil: %s", type(error).__name__)
        return UNPROVED


def _finish_slowly(html: str, css: str, template: str | None, width: int | None, base_url: str) -> Finished:
    inlined = inline_document(html, css=css, template=template, base_url=base_url)
    alternative = EmailAlternative(inlined.html, "text/html")
    if width is None or inlined.root is None:
        return Finished(alternative)
    return Finished(alternative, lay_out(outline(inlined.root), width))
