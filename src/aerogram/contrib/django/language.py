"""Django's language and time zone while a mail is rendered: those of the mail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django import conf
from django.utils import timezone, translation

from aerogram.templating import Rendering, around_rendering

__all__ = ["activate_in_renderings"]


def activate_in_renderings() -> None:
    """Activate locale and time zone of each mail: lazy texts, models and ``url()`` use them."""
    if activated not in around_rendering:
        around_rendering.append(activated)


@contextmanager
def activated(rendering: Rendering) -> Iterator[None]:
    """Activate the locale, if the mail or the settings have one, and the time zone of a rendering."""
    language = translation.to_language(rendering.locale)
    with ExitStack() as stack:
        if rendering.declared and language != translation.get_language():
            stack.enter_context(translation.override(language))
        if conf.settings.USE_TZ:
            stack.enter_context(timezone.override(rendering.timezone))
        yield
