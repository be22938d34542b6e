"""Rules for images: alternative text, and a width for Outlook."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aerogram.checks.mail import styles
from aerogram.checks.rules.rule import Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aerogram.checks.mail import Mail
    from aerogram.document import Element

__all__ = ["CHECKS", "RULES"]

RULES = (
    Rule("image-alt", "warning", "An image has no alt attribute."),
    Rule("image-width", "warning", "An image has no width attribute."),
    Rule("image-only", "warning", "The mail consists of images and has hardly any words."),
)

_PIXEL = re.compile(r"\s*[01](?:px)?\s*")
_FEWEST_WORDS = 10
_BANNER = 200  # pixels of width that an image has at least which stands for the words of a mail


def missing_alternatives(mail: Mail) -> Iterator[Finding]:
    """Yield the images without alternative text; ``alt=""`` marks decoration."""
    for image in mail.by_tag.get("img", ()):
        if image.get("alt") is None and not _is_unseen(image):
            text = (
                f"{_shown(image)} has no alt attribute: with images off or a screen reader, readers get its "
                'address or nothing. Describe it, or write alt="" for a decoration.'
            )
            yield Finding("image-alt", text, image)


def missing_widths(mail: Mail) -> Iterator[Finding]:
    """Yield the images with a width only in CSS, which Outlook on Windows shows at the size of the file."""
    for image in mail.by_tag.get("img", ()):
        if image.get("width") or not (image.get("src") or "").strip() or _is_unseen(image):
            continue
        text = (
            f"{_shown(image)} has no width attribute: Outlook on Windows shows it as wide as its file. "
            'Write the width in pixels, width="600".'
        )
        yield Finding("image-width", text, image)


def image_only(mail: Mail) -> Iterator[Finding]:
    """Yield one finding for a mail that consists of images with little text."""
    banners = [image for image in mail.by_tag.get("img", ()) if _is_banner(image)]
    words = re.findall(r"\w{2,}", mail.words)
    if banners and len(words) < _FEWEST_WORDS:
        text = (
            f"The HTML has {len(words)} words besides its images: with images off, there is nothing to read, "
            "and spam filters count it. Repeat the content of the images as text."
        )
        yield Finding("image-only", text, banners[0])


def _is_unseen(image: Element) -> bool:
    """Return whether an image is a tracking pixel, or hidden."""
    own = styles(image)
    sizes = [image.get(name) or own.get(name, "") for name in ("width", "height")]
    return any(map(_PIXEL.fullmatch, sizes)) or own.get("display") == "none"


def _is_banner(image: Element) -> bool:
    width = re.match(r"\s*(\d+)(%?)", image.get("width") or styles(image).get("width", ""))
    return not _is_unseen(image) and (width is None or width[2] == "%" or int(width[1][:6]) >= _BANNER)


def _shown(image: Element) -> str:
    source = (image.get("src") or "").strip()
    return f'<img src="{source[:100]}{"…" if len(source) > 100 else ""}">'


CHECKS = (missing_alternatives, missing_widths, image_only)
