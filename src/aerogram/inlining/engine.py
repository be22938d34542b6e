"""premailer and cssutils, imported at the first use and without any way to the network or the disk."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Engine", "load_premailer"]


@dataclass(frozen=True, slots=True)
class Engine:
    """What we use of premailer: its reader of declarations, and the old attributes that it makes of them."""

    csstext_to_pairs: Callable[[str], list[tuple[str, str]]]
    old_attributes: Callable[[str], tuple[tuple[str, str], ...]]


@cache
def load_premailer() -> Engine:
    """Import premailer; it brings requests with it, so nothing loads it before the first document."""
    import cssutils
    from premailer import Premailer
    from premailer.merge_style import csstext_to_pairs

    cssutils.log.setLevel(logging.CRITICAL)  # broken CSS is the author's business, not the log's

    def pairs(css: str) -> list[tuple[str, str]]:
        # Past premailer's cache, which forgets after 128 entries: the caller has its own.
        found: list[tuple[str, str]] = csstext_to_pairs.__wrapped__(css, validate=False)
        return found

    premailer = Premailer(allow_network=False, allow_loading_external_files=False, disable_validation=True)

    def old_attributes(style: str) -> tuple[tuple[str, str], ...]:
        target = SimpleNamespace(attrib={})  # premailer asks an element for nothing else
        premailer._style_to_basic_html_attributes(target, style, force=True)
        return tuple(target.attrib.items())

    return Engine(pairs, old_attributes)
