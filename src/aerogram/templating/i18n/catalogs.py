"""Translations: the application's gettext catalogues, and the words of the built-in templates."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Any

import jinja2
from jinja2.ext import GETTEXT_FUNCTIONS, InternationalizationExtension, extract_from_ast
from markupsafe import Markup

from aerogram.exceptions import AerogramError, ImproperlyConfigured
from aerogram.templating.error_texts import broken_template
from aerogram.templating.i18n.localization import candidates, message_locale, parse_locale

__all__ = ["DOMAIN", "Catalogs", "shipped_translation", "translated_messages"]

DOMAIN = "messages"
_DOMAINS = (DOMAIN, "django")  # a Django project has its translations in django.mo
_STRAY_PERCENT = re.compile(r"%(?!\()")
_SHIPPED = Path(__file__).with_name("locale")


class Catalogs:
    """The translations in folders with files ``<locale>/LC_MESSAGES/messages.mo``, each read once.

    ``django.mo``, as a Django project calls it, is read, too.

    Args:
        folders: the first that has a translation wins.
    """

    def __init__(self, folders: Iterable[str | Path] = ()) -> None:
        self.folders = tuple(map(Path, folders))
        self._of: dict[str, NullTranslations] = {}
        self._shipped = lru_cache(maxsize=256)(self._shipped_in)

    def install(self, environment: jinja2.Environment) -> None:
        """Give an environment ``{% trans %}`` and its functions, unless it has functions of its own."""
        extension = InternationalizationExtension(environment)
        environment.extensions.setdefault(extension.identifier, extension)
        if "gettext" not in environment.globals:
            # Called on the extension: an overlay's methods lead to the environment that it was made of.
            extension._install_callables(
                gettext=lambda message: self._current().gettext(message) if message else "",
                ngettext=lambda *message: self._current().ngettext(*message),
                pgettext=lambda *message: self._current().pgettext(*message),
                npgettext=lambda *message: self._current().npgettext(*message),
                newstyle=True,
            )
            for name in ("gettext", "ngettext", "pgettext", "npgettext"):
                environment.globals[name] = _filled(environment.globals[name])
        environment.globals.setdefault("shipped_text", self.shipped_text)
        environment.globals.setdefault("around_site", self.around_site)

    @jinja2.pass_eval_context
    def shipped_text(self, context: Any, message: str, language: object, **values: Any) -> str:
        """Return the words of a built-in template in a language, with values, which HTML escapes."""
        text = self._shipped(message, str(language))
        return (Markup(text) if context.autoescape else text) % values  # noqa: S704 - words of catalogues

    def around_site(self, message: str, language: object) -> tuple[str, str]:
        """Return the words before and after the name of the site in the words of a built-in template."""
        before, _, behind = self._shipped(message, str(language)).partition("%(site)s")
        return before.strip(), behind.strip()

    def _shipped_in(self, message: str, language: str) -> str:
        try:
            return self.of(parse_locale(language)).gettext(message)
        except ValueError:  # a page may call its language what it likes
            return message

    def of(self, locale: str) -> NullTranslations:
        """Return the translations for a locale: all that match it, each the fallback of the one before."""
        if locale not in self._of:
            found = NullTranslations()
            own = ((folder, domain) for folder in self.folders for domain in _DOMAINS)
            for folder, domain in (*own, (_SHIPPED, "aerogram")):
                for name in candidates(locale):
                    path = folder / name / "LC_MESSAGES" / f"{domain}.mo"
                    if path.is_file():
                        found.add_fallback(_read(path))
            self._of[locale] = found
        return self._of[locale]

    def _current(self) -> NullTranslations:
        return self.of(message_locale())


def _filled(function: Any) -> Callable[..., str]:
    @jinja2.pass_context
    def fill(context: Any, *texts: Any, **values: Any) -> Any:
        try:
            if any(_STRAY_PERCENT.search(str(text).replace("%%", "")) for text in texts):
                raise ValueError("a percent sign that begins no name")
            return function(context, *texts, **values)
        except AerogramError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise jinja2.TemplateRuntimeError(
                f"The text {', '.join(map(repr, texts)):.100} or its translation cannot be filled with "
                f"{', '.join(values) or 'no values'} ({type(error).__name__}: {error}). Write %(name)s for a "
                "value, and %% for a percent sign."
            ) from None

    return fill


@lru_cache(maxsize=64)
def shipped_translation(message: str, locale: str) -> str | None:
    """Return built-in words in a language, or ``None`` if they are not translated."""
    text = Catalogs().of(locale).gettext(message)
    return text if text != message or locale.partition("_")[0] == "en" else None


def translated_messages(templates: Any, source: str, name: str) -> Iterator[tuple[int, str, Any]]:
    """Yield the line, function and texts of what a template translates, also of several texts together.

    Args:
        templates: the :class:`~aerogram.templating.Templates` whose tags it may use.
        source: the template.
        name: its file, for error texts.

    Raises:
        TemplateSyntaxError: it does not parse.
    """
    try:
        tree = templates.text_environment.parse(source)
    except jinja2.TemplateSyntaxError as error:
        raise broken_template(error, name) from None
    yield from extract_from_ast(tree, GETTEXT_FUNCTIONS)


def _read(path: Path) -> GNUTranslations:
    try:
        with path.open("rb") as file:
            return GNUTranslations(file)
    except (OSError, ValueError, struct.error) as error:
        raise ImproperlyConfigured(
            f"{path} (in LOCALE_DIRS) is not a gettext catalogue: {error}. Compile it again: "
            "aerogram messages compile."
        ) from None
