"""``pytest --aerogram-samples``: a test for each sample of each notification, in each locale."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aerogram import checks, registry
from aerogram.conf import settings
from aerogram.notification import registered_name
from aerogram.samples import samples_of

if TYPE_CHECKING:
    from aerogram.notification import Notification


class SampleTest(pytest.Item):
    """Renders one sample in one locale, and checks it as ``aerogram check`` does."""

    def __init__(
        self, *, notification: type[Notification], sample: str, locale: str | None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.notification = notification
        self.sample = sample
        self.locale = locale

    def runtest(self) -> None:
        """Fail with every error that is found."""
        locale: dict[str, Any] = {} if self.locale is None else {"LOCALE": self.locale}
        with settings.override(**locale):
            found = checks.check([self.notification], sample=self.sample)
        errors = [problem for problem in found if problem.severity == "error"]
        if errors:
            pytest.fail(
                "\n".join(f"{each.file}:{each.line}: {each.message} [{each.code}]" for each in errors),
                pytrace=False,
            )

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Return what the report calls the test."""
        return self.path, None, self.name


def sample_tests(session: pytest.Session) -> list[pytest.Item]:
    """Return the tests of all samples, by the names of their notifications."""
    # The command looks for modules in the working directory too.
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    if not (modules := settings.NOTIFICATION_MODULES):
        raise pytest.UsageError(
            f"--aerogram-samples needs NOTIFICATION_MODULES. Looked {settings.where_looked()}."
        )
    try:
        notifications = registry.load(modules)
    except Exception as error:
        raise pytest.UsageError(f"--aerogram-samples: {type(error).__name__}: {error}") from error
    locales = session.config.getini("aerogram_locales") or _locales()
    return [
        SampleTest.from_parent(
            session,
            name=f"{registered_name(cls)}[{'-'.join(filter(None, (name, locale)))}]",
            nodeid=f"aerogram-samples::{registered_name(cls)}[{'-'.join(filter(None, (name, locale)))}]",
            notification=cls,
            sample=name,
            locale=locale,
        )
        for cls in notifications
        for name, sample in samples_of(cls).items()
        for locale in ([None] if sample.locale else locales)
    ]


def _locales() -> list[str | None]:
    """Return the locales that have catalogues, behind that of the settings."""
    folders = [path.parent.name for each in settings.LOCALE_DIRS for path in Path(each).glob("*/LC_MESSAGES")]
    return [settings.LOCALE or None, *sorted(set(folders) - {settings.LOCALE})]
