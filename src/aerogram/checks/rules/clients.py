"""Features that the mail programs of ``CHECKS_CLIENTS`` do not support (data of caniemail.com)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aerogram.checks.clients.features import used_features
from aerogram.checks.clients.support import chosen_clients, client_names, support_of
from aerogram.checks.rules.css import selector_pattern
from aerogram.checks.rules.rule import Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aerogram.checks.mail import Mail
    from aerogram.checks.problem import Severity

__all__ = ["CHECKS", "RULES"]

RULES = (
    Rule("client-support", "warning", "A mail program does not support a feature that the mail uses."),
    Rule("client-partial", "info", "A mail program supports a feature only in part."),
)

_NAMES = """
css-align-items css-block-inline-size css-clip-path css-column-count css-column-layout-properties
css-display-flex css-display-grid css-flex-direction css-flex-wrap css-function-clamp
css-function-light-dark css-function-max css-function-min css-gap css-grid-template css-inline-size
css-inset css-justify-content css-left-right-top-bottom css-margin-block-start-end
css-margin-inline-block css-margin-inline-start-end css-mask-image css-modern-color css-nesting
css-object-fit css-padding-block-start-end css-padding-inline-block css-padding-inline-start-end
css-position css-transform css-unit-calc css-unit-ch css-unit-rem css-unit-vh css-unit-vmax css-unit-vmin
css-unit-vw css-variables css-writing-mode css-z-index html-audio html-base html-bdi html-button-reset
html-button-submit html-dialog html-form html-image-maps html-input-checkbox html-input-radio
html-input-reset html-input-submit html-input-text html-meter html-object html-popover html-progress
html-select html-svg html-textarea html-video image-avif image-base64 image-bmp image-hdr image-heif
image-ico image-mp4 image-svg image-tiff image-webp
"""
_NEEDED = frozenset(_NAMES.split())  # without these a mail cannot be read, or falls apart
_PLURAL = re.compile(
    r", | and | & |\b(?:anchors|assets|comments|elements|links|maps|properties|selectors|semantics)\)?$",
    re.IGNORECASE,
)


def client_support(mail: Mail) -> Iterator[Finding]:
    """Yield one finding for each feature that a mail program lacks, or supports only in part.

    What only embellishes (``border-radius``, ``@media``), and what stands inside ``@media``, is an info.
    Infos about what the application's templates do not say themselves are left out: the templates that ship
    are made for these mail programs.
    """
    clients = chosen_clients()
    own = None if mail.own is None else used_features(mail.own)
    for slug, use in used_features(mail).items():
        title, lacking, partial, notes = support_of(slug, clients)
        is_needed = slug in _NEEDED and use.is_unconditional
        if own is not None and not (lacking and is_needed):
            if slug not in own:
                continue
            use = own[slug]
        place = use.place
        if isinstance(place, str):
            place = selector_pattern(place), place
        verb = "are" if _PLURAL.search(title) else "is"
        source = f"caniemail.com/features/{slug}"
        some = f"partly supported by {_listed(partial)}" if partial else ""
        note = f" {notes[0].rstrip('.')}." if notes else ""
        if lacking:
            what = "Do without it." if is_needed else "Make sure that the mail looks right without it."
            some = f", {some}" if some else ""
            text = f"{title} {verb} not supported by {_listed(lacking)}{some} ({source}).{note} {what}"
            level: Severity = "warning" if is_needed else "info"
            yield Finding("client-support", text, place, level=level)
        elif partial:
            yield Finding("client-partial", f"{title} {verb} {some} ({source}).{note}", place)


def _listed(clients: Sequence[str]) -> str:
    """Return the titles of mail programs, grouped by family."""
    families: dict[str, list[str]] = {}
    for client in clients:
        family, _, platform = client_names()[client].partition(" (")
        families.setdefault(family, []).append(platform.rstrip(")"))
    return ", ".join(f"{family} ({', '.join(platforms)})" for family, platforms in families.items())


CHECKS = (client_support,)
