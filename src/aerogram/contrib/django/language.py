"""Django's language and time zone while a mail is rendered: those of the mail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from django import conf
from django.db import connections
from django.utils import timezone, translation

from aerogram.mail.delivery.async_send import carried_into_threads
from aerogram.templating import Rendering, around_rendering

__all__ = ["activate_languages"]


def activate_languages() -> None:
    """Activate locale and time zone of each mail: lazy texts, models and ``url()`` use them."""
    if activated not in around_rendering:
        around_rendering.append(activated)
        carried_into_threads.append(carried)


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


def carried() -> AbstractContextManager[None]:
    """Return what activates the language and time zone of this task in the thread that sends for it."""
    language, zone = translation.get_language(), timezone.get_current_timezone()

    @contextmanager
    def entered() -> Iterator[None]:
        with translation.override(language), timezone.override(zone):
            try:
                yield
            finally:
                connections.close_all()  # those of the thread, which ends

    return entered()
