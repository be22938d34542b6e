"""premailer and cssutils, imported on first use, without access to the network or the disk."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Engine:
    """The functions of premailer in use: reading declarations, and their presentational attributes."""

    csstext_to_pairs: Callable[[str], list[tuple[str, str]]]
    old_attributes: Callable[[str], tuple[tuple[str, str], ...]]


@cache
def load_premailer() -> Engine:
    """Import premailer, which imports requests; so it is loaded for the first document only."""
    import cssutils
    from premailer import Premailer
    from premailer.merge_style import csstext_to_pairs

    cssutils.log.setLevel(logging.CRITICAL)  # broken CSS is the author's business, not the log's

    def pairs(css: str) -> list[tuple[str, str]]:
        # Without premailer's cache of 128 entries: the caller has a larger one.
        found: list[tuple[str, str]] = csstext_to_pairs.__wrapped__(css, validate=False)
        return found

    premailer = Premailer(allow_network=False, allow_loading_external_files=False, disable_validation=True)

    def old_attributes(style: str) -> tuple[tuple[str, str], ...]:
        target = SimpleNamespace(attrib={})  # premailer asks an element for nothing else
        premailer._style_to_basic_html_attributes(target, style, force=True)
        return tuple(target.attrib.items())

    return Engine(pairs, old_attributes)
