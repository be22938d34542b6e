"""Locales and time zones: parsing, and those of a message."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aerogram.conf import settings
from aerogram.exceptions import MissingDependency
from aerogram.mail.characters import excerpt
from aerogram.templating.error_texts import near_hint
from aerogram.templating.rendering import current_rendering

if TYPE_CHECKING:
    import babel

__all__ = [
    "babel_locale",
    "candidates",
    "language_tag",
    "localized_names",
    "message_locale",
    "message_timezone",
    "parse_locale",
    "parse_timezone",
    "template_locale",
    "text_direction",
]

_RIGHT_TO_LEFT = frozenset(
    ("ar", "arc", "ckb", "dv", "fa", "he", "iw", "ji", "ks", "nqo", "ps", "sd", "syr", "ug", "ur", "yi")
)
_SCRIPTS_TO_LEFT = frozenset(("adlm", "arab", "hebr", "mand", "nkoo", "rohg", "syrc", "thaa"))
_FILE = re.compile(r"(.*?)((?:\.[^./]+)?(?:\.(?:j2|jinja2?))?)")
_LANGUAGE = re.compile("([a-z]{2,3})(?:[_-][A-Z][a-z]{3})?(?:[_-](?:[A-Z]{2}|[0-9]{3}))?")
_ACCEPTED = "Accepted: a language, or a language and a territory, such as 'de' and 'pt_BR'."


@lru_cache(maxsize=1024)
def parse_locale(name: object) -> str:
    """Return a locale as ``language[_Script][_TERRITORY]``, given so, as ``pt-br``, by Babel, or as nothing.

    Raises:
        ValueError: it is no locale, or none that Babel knows, where Babel is installed.
    """
    from aerogram.conf.schema import LOCALE_NAME  # loads pydantic, which no import of the package may

    text = str(name)
    if not text:
        return ""
    if not re.fullmatch(LOCALE_NAME, text):
        raise ValueError(f"{text[:40]!r} is not a locale. {_ACCEPTED}")
    language, *rest = re.split("[-_]", text)
    rest = [part.title() if len(part) == 4 else part.upper() for part in rest]
    locale = "_".join([language.lower(), *rest])
    with suppress(MissingDependency):  # then only formats need to know more
        babel_locale(locale)
    return locale


@lru_cache(maxsize=256)
def babel_locale(name: str) -> babel.Locale:
    """Return Babel's locale; that of the language alone for an unusual territory (``de_US``).

    Raises:
        MissingDependency: Babel is not installed.
        ValueError: Babel knows no such locale.
    """
    try:
        import babel
    except ImportError:
        raise MissingDependency(
            "Formats of a locale need Babel, which is not installed: pip install 'aerogram[i18n]'."
        ) from None
    try:
        return babel.Locale.parse(name)
    except babel.UnknownLocaleError:
        language, _, territory = name.rpartition("_")
        if language and territory in babel.Locale("en").territories:
            return babel_locale(language)
    from babel.localedata import locale_identifiers

    hint = near_hint(name, locale_identifiers(), cutoff=0.8)
    raise ValueError(f"{name!r} is not a locale known to Babel.{hint} {_ACCEPTED}")


@lru_cache(maxsize=256)
def parse_timezone(zone: str | tzinfo) -> tzinfo:
    """Return a time zone given by its name, or as it is.

    Raises:
        ValueError: there is no time zone of that name.
    """
    from zoneinfo import ZoneInfo, available_timezones

    if isinstance(zone, tzinfo):
        return zone
    try:
        return ZoneInfo(zone)
    except (LookupError, ValueError, OSError, TypeError):
        hint = near_hint(str(zone), available_timezones())
    raise ValueError(
        f"{excerpt(zone)} is not a time zone.{hint} Accepted: a name such as 'Europe/Berlin', or a tzinfo."
    )


def message_locale(given: Any = None) -> str:
    """Return a locale given as an argument, or else that of the message, or else of the settings."""
    if given is not None:
        return parse_locale(given)
    rendering = current_rendering.get()
    return rendering.locale if rendering is not None else parse_locale(settings.LOCALE or "en")


def message_timezone(given: Any = None) -> tzinfo:
    """Return a time zone given as an argument, or else that of the message, or else of the settings."""
    rendering = current_rendering.get()
    if given is None:
        given = rendering.timezone if rendering is not None else settings.TIMEZONE
    return parse_timezone(given)


@lru_cache(maxsize=256)
def candidates(locale: str) -> tuple[str, ...]:
    """Return the names under which something for a locale may be found, the best first.

    >>> candidates("pt_BR"), candidates("de")
    (('pt_BR', 'pt-BR', 'pt'), ('de',))
    """
    parts = locale.split("_")
    found = ["_".join(parts[:end]) for end in range(len(parts), 0, -1)]
    if len(parts) > 2:  # zh_Hant_TW
        found.insert(-1, f"{parts[0]}_{parts[2]}")
    return tuple(dict.fromkeys(name for each in found for name in (each, each.replace("_", "-"))))


@lru_cache(maxsize=1024)
def localized_names(name: str, locale: str) -> tuple[str, ...]:
    """Return the names of the templates to take in place of ``name``, the best first.

    >>> localized_names("shop/welcome.html", "de"), localized_names("welcome.html.j2", "fr")
    (('shop/welcome.de.html',), ('welcome.fr.html.j2',))
    """
    found = _FILE.fullmatch(name)
    return tuple(f"{found[1]}.{each}{found[2]}" for each in candidates(locale)) if found else ()


def template_locale(name: str, original: str) -> str:
    """Return the locale of a template such as ``welcome.fr.html``; empty if it is for all locales.

    A language of three letters has to be one that Babel knows.

    >>> template_locale("a.fr_CA.html", "a.html"), template_locale("a.min.html", "a.html")
    ('fr_CA', '')
    """
    found = _FILE.fullmatch(original)
    if not found or not (name.startswith(f"{found[1]}.") and name.endswith(found[2])):
        return ""
    locale = name[len(found[1]) + 1 : len(name) - len(found[2])]
    language = _LANGUAGE.fullmatch(locale)
    if language and len(language[1]) == 3:
        try:
            from babel.localedata import exists
        except ImportError:
            return ""
        return locale if exists(language[1]) else ""
    return locale if language else ""


def language_tag(locale: str | None = None) -> str:
    """Return a locale, or that of the message, as HTML and mail headers write it: ``pt-BR``."""
    return (locale or message_locale()).replace("_", "-")


@lru_cache(maxsize=256)
def text_direction(language: object) -> str:
    """Return ``"rtl"`` for a language tag of a script that is written from right to left, else ``"ltr"``.

    >>> text_direction("ar-EG"), text_direction("az"), text_direction("az-Arab")
    ('rtl', 'ltr', 'rtl')
    """
    language, *rest = str(language).strip().lower().replace("_", "-").split("-")
    script = next((part for part in rest if len(part) == 4 and part.isalpha()), "")
    if script:
        return "rtl" if script in _SCRIPTS_TO_LEFT else "ltr"
    return "rtl" if language in _RIGHT_TO_LEFT else "ltr"
