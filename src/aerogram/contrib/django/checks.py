"""The findings of ``aerogram check`` as system checks of Django."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.core.checks import CheckMessage, Error, Info, Warning

from aerogram import checks, registry
from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured
from aerogram.mail import mailers

__all__ = ["CODES", "check_mail"]

CODES: Final = (
    "settings", "mailer", "import-failed", "refused", "template-missing", "template-broken",
    "stylesheet-missing", "unknown-variable", "unknown-block", "outside-blocks", "unprintable",
    "unchecked-include", "no-template", "no-subject", "no-recipients", "no-unsubscribe", "no-samples",
    "samples-failed", "sample-failed", "header-invalid", "address-invalid", "attachment-invalid",
    "attachment-missing", "subject-literal", "jinja-literal", "nearly-declaration", "no-staff",
    "unused-field", "value-in-css", "unknown-rule", "no-lang", "no-title", "no-preheader", "table-role",
    "table-margin", "image-alt", "image-width", "image-only", "link-relative", "link-dead",
    "link-placeholder", "link-local", "link-http", "image-http", "link-empty", "image-missing",
    "image-unused", "image-large", "stylesheet-not-loaded", "subject-long", "subject-capitals", "no-text",
    "parts-disagree", "html-size", "style-size", "no-unsubscribe-link", "no-postal-address",
    "no-auto-submitted", "client-support", "client-partial", "spam", "contrast", "contrast-dark",
    "css-unread", "css-unknown", "css-unused", "content-moved", "style-dropped",
    "no-domain",
)  # fmt: skip
"""The codes, each in the place that is its number. New ones come at the end: the numbers stay.

A code that is not here is written in place of the number.
"""

_LEVELS: Final = {"error": (Error, "E"), "warning": (Warning, "W"), "info": (Info, "I")}
_DATABASE_ERRORS: Final = (
    "DatabaseError:", "DataError:", "IntegrityError:", "InterfaceError:", "InternalError:",
    "NotSupportedError:", "OperationalError:", "ProgrammingError:",
)  # fmt: skip


def check_mail(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """Return what is wrong with settings, mailers and notifications.

    Args:
        app_configs: the applications to check; all, and settings and mailers, if it is None.
    """
    try:
        settings.snapshot()
    except ImproperlyConfigured as error:
        return [_message("settings", str(error))]
    kinds = registry.all_notifications()
    if app_configs is not None:
        names = tuple(f"{config.name}." for config in app_configs)
        kinds = [kind for kind in kinds if f"{kind.__module__}.".startswith(names)]
    found = [] if app_configs is not None else list(_mailer_problems())
    return [*found, *map(_finding, checks.check(kinds))]


def _mailer_problems() -> Iterator[CheckMessage]:
    for alias in mailers:
        try:
            mailers[alias]
        except ImproperlyConfigured as error:
            yield _message("mailer", str(error))


def _finding(problem: checks.Problem) -> CheckMessage:
    severity, hint = problem.severity, None
    if problem.code.startswith("sample") and any(name in problem.message for name in _DATABASE_ERRORS):
        severity = "warning"  # migrate runs the checks before there is a table
        hint = "Make samples of objects that are not saved, so that none needs the database."
    place = f"{problem.file}:{problem.line}" if problem.file else "<no file>"
    return _message(problem.code, problem.message, severity, hint, f"{place}, {problem.notification}")


def _message(
    code: str, text: str, severity: str = "error", hint: str | None = None, place: str = "Aerogram"
) -> CheckMessage:
    kind, letter = _LEVELS[severity]
    name = f"{letter}{CODES.index(code) + 1:03}" if code in CODES else f"{letter}.{code}"
    return kind(f"{text} [{code}]", hint=hint, obj=place, id=f"aerogram.{name}")
