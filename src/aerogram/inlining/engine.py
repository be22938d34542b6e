"""premailer and cssutils, imported at the first use and without any way to the network or the disk."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Engine", "load_premailer"]

_CACHE_SIZE = (
    "PREMAILER_CACHE_MAXSIZE"  # premailer's documented setting; its default forgets after 128 selectors
)


@dataclass(frozen=True, slots=True)
class Engine:
    """What we use of premailer: the class, and its reader of declarations."""

    premailer: Any
    csstext_to_pairs: Callable[[str], list[tuple[str, str]]]


@cache
def load_premailer() -> Engine:
    """Import premailer; it brings requests with it, so nothing loads it before the first document."""
    import cssutils
    from premailer import Premailer
    from premailer.merge_style import csstext_to_pairs

    cssutils.log.setLevel(logging.CRITICAL)  # broken CSS is the author's business, not the log's

    class Offline(Premailer):  # type: ignore[misc]  # premailer ships no types
        """Premailer whose CSS parser fetches nothing, though ``allow_network=False`` alone lets it."""

        def _parse_css_string(self, css_body: str, validate: bool = True) -> Any:
            return cssutils.CSSParser(fetcher=_fetch_nothing, validate=validate).parseString(css_body)

        def _load_external(self, url: str) -> str:  # noqa: ARG002  # premailer's signature
            return ""

    def pairs(css: str) -> list[tuple[str, str]]:
        # Past premailer's cache, which forgets after 128 entries: the caller has its own.
        found: list[tuple[str, str]] = csstext_to_pairs.__wrapped__(css, validate=False)
        return found

    return Engine(Offline, pairs)


def _fetch_nothing(url: str) -> tuple[None, bytes]:  # noqa: ARG001  # the signature cssutils calls
    return None, b""
